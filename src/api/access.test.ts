import { rootCertificates } from 'node:tls'
import { expect, it } from 'vitest'
import { CALLER_NAMES, type Caller, DIGEST, startTestApi, type TestApi } from '../../test/rig/api.ts'
import { Ed25519Key } from '../kit/ssh-key.ts'
import { ACCESS, type Access } from './access.ts'
import { SCIM_PATHS } from './scim.ts'
import { SIGN_IN_PAGES } from './sign-in/routes.ts'

/** Who may, by what the route says of itself; all others get the status beside. The rig's session, request and token are bot's, acting for sue. */
const RIGHTS: Record<Access, { readonly may: readonly Caller[]; readonly else: (caller: Caller) => number }> = {
  'signed-in': { may: CALLER_NAMES, else: () => 0 },
  admin: { may: ['root'], else: () => 403 },
  session: { may: ['bot', 'sue', 'root'], else: () => 404 },
  approval: { may: ['bot', 'sue', 'ada', 'root'], else: () => 404 },
  approver: { may: ['ada'], else: (caller) => (['bot', 'sue', 'root'].includes(caller) ? 403 : 404) },
  token: { may: ['bot', 'sue', 'root'], else: () => 404 },
}

/** Any certificate will do: one of those that come with Node. */
const SAML_CERTIFICATE = rootCertificates[0]!.replaceAll(/-----[A-Z ]+-----|\n/g, '')
const SAML_METADATA = `<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://idp.test"><IDPSSODescriptor><KeyDescriptor><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>${SAML_CERTIFICATE}</X509Certificate></X509Data></KeyInfo></KeyDescriptor><SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.test/sso"/></IDPSSODescriptor></EntityDescriptor>`

/** A body that is valid, by route; a route with a body that stands not here fails. */
const BODIES: Readonly<Record<string, unknown>> = {
  'post /api/v1/sessions/{id}/kill': { reason: 'test' },
  'post /api/v1/approvals/{id}/approve': { digest: DIGEST },
  'post /api/v1/approvals/{id}/reject': { digest: DIGEST },
  'post /api/v1/tokens': { principal: 'human:eve', ttl_ms: 60_000 },
  'put /api/v1/secrets/{name}': { value: 'v' },
  'post /api/v1/saml/metadata': { metadata: SAML_METADATA },
  'post /api/v1/break-glass/seal': { groups: ['admins'] },
  'post /api/v1/policy/explain': { resource: 'orders', text: 'SELECT 1' },
  'post /api/v1/connectors': { name: 'vpc-1' },
  'post /api/v1/clients': { id: 'a-program' },
  'post /api/v1/kill': { kind: 'resource', subject: 'orders' },
  'post /api/v1/unblock': { kind: 'resource', subject: 'orders' },
  'post /api/v1/ssh/certificates': { publicKey: Ed25519Key.fresh().publicLine() },
  'post /api/v1/ssh/links/{id}/confirm': { code: 'BCDF-GHJK' },
}
/** Where "may" does not end in 200 although the guard lets the caller pass. */
const AFTER_GUARD: Readonly<Record<string, (caller: Caller) => number>> = {
  'get /api/v1/ssh/links/{id}': () => 404,
  'post /api/v1/ssh/links/{id}/confirm': () => 404,
  'delete /api/v1/secrets/{name}': () => 404,
  'post /api/v1/connectors/{which}/revoke': () => 404,
  'post /api/v1/clients/{name}/remove': () => 404,
  'post /api/v1/policy/explain': (caller) => (caller === 'eve' ? 404 : 200),
}

interface Operation {
  readonly 'x-access'?: Access | 'anyone'
  readonly requestBody?: unknown
}

const rig = await startTestApi()
const document = (await (await rig.app.request('/openapi.json')).json()) as {
  paths: Record<string, Record<string, Operation>>
}
await rig[Symbol.asyncDispose]()
const table = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ name: `${method} ${path}`, method, path, operation })),
)
const guarded = table.filter(({ operation }) => operation['x-access'] !== 'anyone')

function send(
  api: TestApi,
  caller: Caller | undefined,
  { name, method, path, operation }: (typeof table)[number],
): Promise<Response> {
  if (operation.requestBody && !(name in BODIES)) throw new Error(`${name} takes a body: add one to BODIES`)
  const thing = (['session', 'token'] as const).find((kind) => kind === operation['x-access']) ?? 'approval'
  const full = path.replace('{id}', api.ids[thing]).replace('{name}', 'pw')
  return api.call(caller, method.toUpperCase(), full, BODIES[name])
}

async function status(response: Response): Promise<number> {
  await response.body?.cancel()
  return response.status
}

// G46, generated from the route table
it('every route says who may call it, and is in the document', () => {
  for (const { name, operation } of table)
    expect([name, [...ACCESS, 'anyone']]).toEqual([name, expect.arrayContaining([operation['x-access']])])
  const served = rig.app.routes
    .filter((route) => route.method !== 'ALL')
    .map((route) => `${route.method.toLowerCase()} ${route.path}`)
  const documented = table.map(({ name }) => name.replaceAll(/\{(\w+)\}/g, ':$1'))
  expect(new Set(served)).toEqual(
    new Set([...documented, 'get /openapi.json', 'get /approvals/:id', ...SIGN_IN_PAGES, ...SCIM_PATHS]),
  )
  const open = table.filter(({ operation }) => operation['x-access'] === 'anyone').map(({ name }) => name)
  expect(
    open.filter((name) => !/ \/(oauth\/|break-glass$|\.well-known\/oauth-authorization-server$)/.test(name)),
  ).toEqual(['get /health'])
  expect(guarded.length).toBeGreaterThan(20)
})

it.each(guarded)('$name answers those who may', async (one) => {
  const rights = RIGHTS[one.operation['x-access'] as Access]
  for (const caller of rights.may) {
    await using api = await startTestApi()
    expect([caller, await status(await send(api, caller, one))]).toEqual([
      caller,
      AFTER_GUARD[one.name]?.(caller) ?? 200,
    ])
  }
})

it.each(guarded)('$name refuses everyone else, and changes nothing', async (one) => {
  const rights = RIGHTS[one.operation['x-access'] as Access]
  await using api = await startTestApi()
  for (const caller of CALLER_NAMES.filter((name) => !rights.may.includes(name))) {
    expect([caller, await status(await send(api, caller, one))]).toEqual([caller, rights.else(caller)])
  }
  expect(await status(await send(api, undefined, one))).toBe(401)
  expect(api.entries).toEqual([])
  expect(api.kills).toEqual([])
  expect(await api.services.approvals.get(api.ids.approval)).toMatchObject({ state: 'pending', votes: [] })
  expect(await api.services.vault.list()).toEqual([])
  await api.services.identity.revokeToken(api.tokenIds.root, 'test')
  expect(await status(await send(api, 'root', one))).toBe(401)
  api.people.delete('human:ada')
  expect(await status(await send(api, 'ada', one))).toBe(401)
})

it('lists hold only what is the caller’s', async () => {
  const seen = async (api: TestApi, caller: Caller, path: string, of: string) =>
    ((await (await api.call(caller, 'GET', `/api/v1/${path}`)).json()) as Record<string, { id: string }[]>)[of]!.map(
      ({ id }) => id,
    )
  await using api = await startTestApi()
  for (const caller of CALLER_NAMES) {
    const own = ['bot', 'sue', 'root'].includes(caller)
    expect([caller, await seen(api, caller, 'sessions', 'sessions')]).toEqual([
      caller,
      own ? ['ses_live', 'ses_past'] : [],
    ])
    const decides = own || caller === 'ada'
    expect([caller, await seen(api, caller, 'approvals', 'approvals')]).toEqual([
      caller,
      decides ? [api.ids.approval] : [],
    ])
    const tokens = await seen(api, caller, 'tokens', 'tokens')
    const behind: Partial<Record<Caller, Caller[]>> = {
      sue: ['sue', 'bot'],
      root: CALLER_NAMES,
      adminBotForRoot: ['adminBotForRoot'],
    }
    const want = (behind[caller] ?? [caller]).map((name) => api.tokenIds[name])
    expect([caller, tokens.sort()]).toEqual([caller, want.sort()])
  }
})
