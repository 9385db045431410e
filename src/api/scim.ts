import type { Context } from 'hono'
import { RESOURCE_TYPES, SCHEMAS } from '../identity/scim/discovery.ts'
import { ScimFailure } from '../identity/scim/failure.ts'
import { LIMITS } from '../identity/scim/limits.ts'
import { URN } from '../identity/scim/schema.ts'
import { type ListWish, type ScimOfProvider, userOf } from '../identity/scim/scim.ts'
import { SluiceError } from '../kit/errors.ts'
import type { ScimGroupRow, ScimUserRow } from '../store/scim.ts'
import { type ApiEnv, routeGroup } from './env.ts'
import { peerOf } from './peer.ts'
import { statusOf } from './refusal.ts'

const TYPE = { 'Content-Type': 'application/scim+json' }

/** SCIM 2.0 (RFC 7644) below /scim/PROVIDER/v2: its own bearer token, its own words for refusals. */
export function scimRoutes() {
  const app = routeGroup()
  app.onError((error, c) => refuse(c, error))
  const at = '/scim/:provider/v2'
  app.get(`${at}/Users`, async (c) => list(c, await (await enter(c)).listUsers(wishOf(c)), (row) => user(c, row)))
  app.post(`${at}/Users`, async (c) => send(c, user(c, await (await enter(c)).createUser(await bodyOf(c))), 201))
  app.get(`${at}/Users/:id`, async (c) => send(c, user(c, await (await enter(c)).user(c.req.param('id')))))
  app.put(`${at}/Users/:id`, async (c) =>
    send(c, user(c, await (await enter(c)).replaceUser(c.req.param('id'), await bodyOf(c), conditionOf(c)))),
  )
  app.patch(`${at}/Users/:id`, async (c) =>
    send(c, user(c, await (await enter(c)).patchUser(c.req.param('id'), await bodyOf(c), conditionOf(c)))),
  )
  app.delete(`${at}/Users/:id`, async (c) => {
    await (await enter(c)).deleteUser(c.req.param('id'))
    return c.body(null, 204)
  })
  groupRoutes(app, at)
  app.get(`${at}/ServiceProviderConfig`, async (c) => {
    await enter(c)
    return send(c, config(c))
  })
  discovery(app, `${at}/ResourceTypes`, RESOURCE_TYPES)
  discovery(app, `${at}/Schemas`, SCHEMAS)
  app.all('/scim/*', () => {
    throw new ScimFailure(404, 'There is no such resource.')
  })
  return app
}

/** What the service is, all of it or one by its id (RFC 7644 §4). */
function discovery(app: ReturnType<typeof routeGroup>, path: string, all: readonly { readonly id: string }[]): void {
  const shown = (c: Context<ApiEnv>, one: { readonly id: string }): Resource => {
    const type = path.endsWith('Schemas') ? 'Schema' : 'ResourceType'
    return { ...one, meta: { resourceType: type, location: `${base(c)}/${type}s/${one.id}` } }
  }
  app.get(path, async (c) => {
    await enter(c)
    if (c.req.query('filter') !== undefined) throw new ScimFailure(403, 'Nothing is filtered here.')
    return list(c, { rows: all, total: all.length, startIndex: 1 }, (one) => shown(c, one))
  })
  app.get(`${path}/:id`, async (c) => {
    await enter(c)
    const one = all.find(({ id }) => id === c.req.param('id'))
    if (!one) throw new ScimFailure(404, 'There is no such resource.')
    return send(c, shown(c, one))
  })
}

function groupRoutes(app: ReturnType<typeof routeGroup>, at: string): void {
  app.get(`${at}/Groups`, async (c) => {
    const scim = await enter(c)
    const found = await scim.listGroups(wishOf(c))
    const bare = (c.req.query('excludedAttributes') ?? '').split(',').includes('members')
    const shown = await Promise.all(found.rows.map((row) => group(c, row, bare ? undefined : scim)))
    return list(c, { ...found, rows: shown }, (each) => each)
  })
  app.post(`${at}/Groups`, async (c) => {
    const scim = await enter(c)
    return send(c, await group(c, await scim.createGroup(await bodyOf(c)), scim), 201)
  })
  app.get(`${at}/Groups/:id`, async (c) => {
    const scim = await enter(c)
    return send(c, await group(c, await scim.group(c.req.param('id')!), scim))
  })
  app.put(`${at}/Groups/:id`, async (c) => {
    const scim = await enter(c)
    return send(c, await group(c, await scim.replaceGroup(c.req.param('id')!, await bodyOf(c), conditionOf(c)), scim))
  })
  app.patch(`${at}/Groups/:id`, async (c) => {
    const scim = await enter(c)
    return send(c, await group(c, await scim.patchGroup(c.req.param('id')!, await bodyOf(c), conditionOf(c)), scim))
  })
  app.delete(`${at}/Groups/:id`, async (c) => {
    await (await enter(c)).deleteGroup(c.req.param('id')!)
    return c.body(null, 204)
  })
}

/** Routes of SCIM, as the tests know them: they need its own token and stand in no API document. */
export const SCIM_PATHS = [
  ...['Users', 'Groups'].flatMap((type) => [
    `get /scim/:provider/v2/${type}`,
    `post /scim/:provider/v2/${type}`,
    ...['get', 'put', 'patch', 'delete'].map((method) => `${method} /scim/:provider/v2/${type}/:id`),
  ]),
  'get /scim/:provider/v2/ServiceProviderConfig',
  ...['ResourceTypes', 'Schemas'].flatMap((of) => [`get /scim/:provider/v2/${of}`, `get /scim/:provider/v2/${of}/:id`]),
]

function enter(c: Context<ApiEnv>): Promise<ScimOfProvider> {
  const token = /^Bearer +(\S+)$/i.exec(c.req.header('authorization') ?? '')?.[1]
  return c.var.services.signIn.scim.enter(c.req.param('provider')!, token, peerOf(c))
}

const wishOf = (c: Context<ApiEnv>): ListWish => ({
  filter: c.req.query('filter'),
  startIndex: c.req.query('startIndex'),
  count: c.req.query('count'),
})

/** Whether more lists and objects stand in one another than any resource has. Told before it is parsed: what walks over the result calls itself. */
function isDeep(text: string): boolean {
  let depth = 0
  let inText = false
  for (let at = 0; at < text.length; at++) {
    const sign = text[at]
    if (inText) {
      if (sign === '\\') at++
      else if (sign === '"') inText = false
    } else if (sign === '"') inText = true
    else if (sign === '{' || sign === '[') {
      if (++depth > LIMITS.depth) return true
    } else if (sign === '}' || sign === ']') depth--
  }
  return false
}

async function bodyOf(c: Context<ApiEnv>): Promise<unknown> {
  if (!/^application\/(scim\+)?json\b/i.test(c.req.header('content-type') ?? ''))
    throw new ScimFailure(400, 'The body must be application/scim+json.', 'invalidSyntax')
  const text = await c.req.text()
  if (isDeep(text)) throw new ScimFailure(400, 'The body is nested too deeply.', 'invalidSyntax')
  try {
    return JSON.parse(text) as unknown
  } catch {
    throw new ScimFailure(400, 'The body is not JSON.', 'invalidSyntax')
  }
}

/** RFC 7644 §3.14: a version is a weak entity tag. */
function conditionOf(c: Context<ApiEnv>): { readonly version?: number } {
  const text = c.req.header('if-match')
  if (text === undefined || text === '*') return {}
  const version = /^W\/"(\d{1,9})"$/.exec(text)?.[1]
  // One that is none of ours matches nothing.
  return { version: version === undefined ? -1 : Number(version) }
}

type Resource = Readonly<Record<string, unknown>>

function base(c: Context<ApiEnv>): string {
  return `${c.var.services.signIn.base()}/scim/${c.req.param('provider')}/v2`
}

function metaOf(c: Context<ApiEnv>, row: ScimUserRow | ScimGroupRow, type: 'User' | 'Group') {
  return {
    resourceType: type,
    created: new Date(row.created_ms).toISOString(),
    lastModified: new Date(row.updated_ms).toISOString(),
    location: `${base(c)}/${type}s/${row.id}`,
    version: `W/"${row.version}"`,
  }
}

function user(c: Context<ApiEnv>, row: ScimUserRow): Resource {
  return { ...userOf(row), schemas: [URN.user], id: row.id, meta: metaOf(c, row, 'User') }
}

async function group(c: Context<ApiEnv>, row: ScimGroupRow, scim: ScimOfProvider | undefined): Promise<Resource> {
  const members = await scim?.members(row.id)
  return {
    schemas: [URN.group],
    id: row.id,
    displayName: row.display_name,
    ...(row.external_id && { externalId: row.external_id }),
    ...(members && {
      members: members.map(({ id, name }) => ({ value: id, display: name, $ref: `${base(c)}/Users/${id}` })),
    }),
    meta: metaOf(c, row, 'Group'),
  }
}

function send(c: Context<ApiEnv>, resource: Resource, status: 200 | 201 = 200): Response {
  const { location, version } = (resource.meta ?? {}) as { location?: string; version?: string }
  return c.body(JSON.stringify(resource), status, {
    ...TYPE,
    ...(location && { Location: location }),
    ...(version && { ETag: version }),
  })
}

function list<Row>(
  c: Context<ApiEnv>,
  found: { rows: readonly Row[]; total: number; startIndex: number },
  show: (row: Row) => Resource,
): Response {
  const Resources = found.rows.map(show)
  return send(c, {
    schemas: [URN.list],
    totalResults: found.total,
    startIndex: found.startIndex,
    itemsPerPage: Resources.length,
    Resources,
  })
}

function config(c: Context<ApiEnv>): Resource {
  const not = { supported: false }
  return {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig'],
    patch: { supported: true },
    bulk: { ...not, maxOperations: 0, maxPayloadSize: 0 },
    filter: { supported: true, maxResults: LIMITS.page_max },
    changePassword: not,
    sort: not,
    etag: { supported: true },
    authenticationSchemes: [
      { type: 'oauthbearertoken', name: 'Bearer token', description: 'The token of the provider’s document.' },
    ],
    meta: { resourceType: 'ServiceProviderConfig', location: `${base(c)}/ServiceProviderConfig` },
  }
}

function refuse(c: Context<ApiEnv>, thrown: Error): Response {
  const scim = thrown instanceof ScimFailure ? thrown : undefined
  const status = scim?.status ?? (thrown instanceof SluiceError ? statusOf(thrown.code) : 500)
  if (!scim && !(thrown instanceof SluiceError))
    c.var.services.log.error('a SCIM request failed', { error: String(thrown) })
  if (status === 401) c.header('WWW-Authenticate', 'Bearer realm="Sluice SCIM"')
  const detail =
    scim?.message ?? (thrown instanceof SluiceError ? thrown.safeMessage : 'The gateway met an error of its own.')
  const body = {
    schemas: [URN.error],
    status: String(status),
    detail,
    ...(scim?.scimType && { scimType: scim.scimType }),
  }
  return c.body(JSON.stringify(body), status as 400, TYPE)
}
