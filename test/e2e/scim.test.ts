/** Provisioning by SCIM 2.0, with the requests Okta and Entra send, and what it does to people who are signed in. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type RealProvider, signIn, startDoor, startRealProvider, type TestDoor, TIMES } from '../rig/sign-in.ts'
import { tempFolder } from '../rig/temp.ts'

const TOKEN = 'a-token-of-the-provider'
let door: TestDoor
let acme: RealProvider
beforeEach(async () => {
  door = await startDoor({ patient: false })
  const file = join(tempFolder('scim').path, 'token')
  writeFileSync(file, TOKEN, { mode: 0o600 })
  acme = await startRealProvider(door, 'acme', {
    over: {
      scim: { token: { file }, claim: 'sub', attribute: 'externalId' },
      map: [{ group: 'Platform DBA', gives: ['dba'] }],
      times: TIMES,
    },
  })
  acme.people.set('u1', { subject: 'u1', name: 'Ada', email: 'ada@acme.example', groups: [] })
})
afterEach(async () => {
  await acme.close()
  await door[Symbol.asyncDispose]()
})

type Json = Record<string, unknown> & { id: string; Resources: Json[] }
async function scim(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(`${door.url}/scim/acme/v2${path}`, {
    method,
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/scim+json', ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, body: (text === '' ? {} : JSON.parse(text)) as Json }
}
const USER = 'urn:ietf:params:scim:schemas:core:2.0:User'
const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp'
const ada = {
  schemas: [USER],
  userName: 'Ada@acme.example',
  externalId: 'u1',
  name: { givenName: 'Ada' },
  emails: [{ value: 'ada@acme.example', primary: true }],
  active: true,
}
const create = async (over: object = {}) => (await scim('POST', '/Users', { ...ada, ...over })).body
const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)])
const patch = (Operations: unknown[]) => ({ schemas: [PATCH], Operations })

describe('users', () => {
  it('are made, read, changed and taken away', async () => {
    const made = await scim('POST', '/Users', ada)
    expect(made.status).toBe(201)
    expect(made.headers.get('etag')).toBe('W/"1"')
    expect(made.body).toMatchObject({
      ...ada,
      meta: { resourceType: 'User', version: 'W/"1"', location: `${door.url}/scim/acme/v2/Users/${made.body.id}` },
    })
    expect((await scim('GET', `/Users/${made.body.id}`)).body).toEqual(made.body)
    const changed = await scim(
      'PUT',
      `/Users/${made.body.id}`,
      { ...ada, displayName: 'Ada L' },
      { 'if-match': 'W/"1"' },
    )
    expect(changed.body).toMatchObject({ displayName: 'Ada L', meta: { version: 'W/"2"' } })
    expect((await scim('DELETE', `/Users/${made.body.id}`)).status).toBe(204)
    expect((await scim('GET', `/Users/${made.body.id}`)).status).toBe(404)
    expect(door.api.entries.map(({ body }) => `${String(body.action)} by ${String(body.by)}`)).toEqual([
      'scim.user.create by scim:acme',
      'scim.user.change by scim:acme',
      'scim.user.delete by scim:acme',
    ])
  })

  it.each([
    ['userName eq "ada@ACME.example"', 1],
    ['externalId eq "u1"', 1],
    ['urn:ietf:params:scim:schemas:core:2.0:User:userName eq "ada@acme.example"', 1],
    ['userName eq "a\\" or \\"1\\" eq \\"1"', 0],
    ['active eq true', 1],
    ['userName eq "nobody"', 0],
    ['USERNAME EQ "ada@acme.example" AND Active eq True', 1],
    ['userName eq "ada@acme.example" and externalId eq "u2"', 0],
    ['active eq "False"', 0],
    ['externalId eq "U1"', 0],
    ['userName eq "x and y" and externalId eq "u1"', 0],
  ])('are found by %s', async (filter, total) => {
    await create()
    const found = await scim('GET', `/Users?filter=${encodeURIComponent(filter)}`)
    expect(found.body).toMatchObject({ totalResults: total, itemsPerPage: total, startIndex: 1 })
  })

  it('come in pages, each once', async () => {
    for (let i = 0; i < 7; i++) await create({ userName: `u${i}`, externalId: `x${i}` })
    const seen: unknown[] = []
    for (const start of [1, 4, 7])
      seen.push(
        ...(await scim('GET', `/Users?startIndex=${start}&count=3`)).body.Resources.map(({ userName }) => userName),
      )
    expect(new Set(seen).size).toBe(7)
    expect((await scim('GET', '/Users?count=0')).body).toMatchObject({ totalResults: 7, Resources: [] })
    expect((await scim('GET', '/Users?startIndex=-3&count=-1')).body).toMatchObject({ startIndex: 1, itemsPerPage: 0 })
  })

  it.each<[string, unknown[], object]>([
    ['Okta deactivates', [{ op: 'replace', value: { active: false } }], { active: false }],
    ['Entra deactivates', [{ op: 'Replace', path: 'active', value: 'False' }], { active: false }],
    [
      'a sub-attribute',
      [{ op: 'Add', path: 'name.familyName', value: 'L' }],
      { name: { givenName: 'Ada', familyName: 'L' } },
    ],
    ['a URN before the name', [{ op: 'replace', path: `${USER}:displayName`, value: 'A' }], { displayName: 'A' }],
    ['names in any case', [{ op: 'replace', path: 'USERNAME', value: 'other' }], { userName: 'other' }],
    [
      'what means nothing here',
      [{ op: 'Replace', path: 'emails[type eq "work"].value', value: 'x@y.example' }],
      { userName: 'Ada@acme.example' },
    ],
    [
      'several at once',
      [
        { op: 'add', path: 'title', value: 'Dr' },
        { op: 'remove', path: 'title' },
      ],
      { active: true },
    ],
  ])('are patched: %s', async (_, operations, wanted) => {
    const { id } = await create()
    const patched = await scim('PATCH', `/Users/${id}`, patch(operations))
    expect([patched.status, patched.body]).toMatchObject([200, wanted])
    expect(patched.body.title).toBeUndefined()
  })

  it.each<[string, string, string, unknown, number, string | undefined]>([
    ['a second one of the name', 'POST', '/Users', ada, 409, 'uniqueness'],
    ['no user name', 'POST', '/Users', { schemas: [USER] }, 400, 'invalidSyntax'],
    ['no JSON', 'POST', '/Users', undefined, 400, 'invalidSyntax'],
    ['a filter that is more', 'GET', '/Users?filter=userName%20sw%20%22a%22', undefined, 400, 'invalidFilter'],
    [
      'a filter that joins',
      'GET',
      '/Users?filter=userName%20eq%20%22a%22%20or%20active%20eq%20true',
      undefined,
      400,
      'invalidFilter',
    ],
    ...(
      [
        'userName eq "a" and',
        'not (userName eq "a")',
        '(userName eq "a")',
        'userName pr',
        'userName eq "a" userName eq "b"',
        'emails[type eq "work"].value eq "a"',
        'members[value eq "a"]',
        'userName eq true',
        'active eq "maybe"',
        ' ',
        Array(11).fill('active eq true').join(' and '),
      ] as const
    ).map(
      (filter) =>
        [
          `the filter ${filter}`,
          'GET',
          `/Users?filter=${encodeURIComponent(filter)}`,
          undefined,
          400,
          'invalidFilter',
        ] as [...[string, string, string, unknown, number, string]],
    ),
    ['what is nested without end', 'POST', '/Users', { ...ada, x: nested(30) }, 400, 'invalidSyntax'],
    ['a name given twice', 'POST', '/Users', { ...ada, username: 'b' }, 400, 'invalidSyntax'],
    ['a filter of schemas', 'GET', '/Schemas?filter=id%20eq%20%22a%22', undefined, 403, undefined],
    ['an unknown schema', 'GET', '/Schemas/urn:x', undefined, 404, undefined],
    ['a filter by something else', 'GET', '/Users?filter=title%20eq%20%22a%22', undefined, 400, 'invalidFilter'],
    ['an unknown one', 'GET', '/Users/usr_nobody', undefined, 404, undefined],
    ['a change of the id', 'PATCH', '/Users/ID', patch([{ op: 'replace', path: 'id', value: 'x' }]), 400, 'mutability'],
    ['a prototype', 'PATCH', '/Users/ID', patch([{ op: 'add', path: '__proto__.x', value: 1 }]), 400, 'invalidPath'],
    ['an operation nobody knows', 'PATCH', '/Users/ID', patch([{ op: 'drop', path: 'active' }]), 400, 'invalidSyntax'],
    ['another collection', 'GET', '/Bulk', undefined, 404, undefined],
  ])('refuses %s', async (_, method, path, body, status, scimType) => {
    const { id } = await create()
    const answer = await scim(method, path.replace('ID', id), body)
    expect([answer.status, answer.body.scimType, answer.body.status]).toEqual([status, scimType, String(status)])
  })

  it('a stale version is refused (If-Match)', async () => {
    const { id } = await create()
    expect(
      (
        await scim('PATCH', `/Users/${id}`, patch([{ op: 'replace', path: 'title', value: 'x' }]), {
          'if-match': 'W/"1"',
        })
      ).status,
    ).toBe(200)
    expect(
      (
        await scim('PATCH', `/Users/${id}`, patch([{ op: 'replace', path: 'title', value: 'y' }]), {
          'if-match': 'W/"1"',
        })
      ).status,
    ).toBe(412)
    expect((await scim('PUT', `/Users/${id}`, ada, { 'if-match': '"something"' })).status).toBe(412)
  })
})

describe('groups', () => {
  const GROUP = { schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'], displayName: 'Platform DBA' }
  it('have members who join, leave and are replaced', async () => {
    const [one, two] = [await create(), await create({ userName: 'bob', externalId: 'u2' })]
    const { id } = (await scim('POST', '/Groups', { ...GROUP, members: [{ value: one.id }] })).body
    const members = async () =>
      ((await scim('GET', `/Groups/${id}`)).body.members as { value: string }[]).map(({ value }) => value).sort()
    expect(await members()).toEqual([one.id])
    await scim('PATCH', `/Groups/${id}`, patch([{ op: 'Add', path: 'members', value: [{ value: two.id }] }]))
    expect(await members()).toEqual([one.id, two.id].sort())
    await scim('PATCH', `/Groups/${id}`, patch([{ op: 'remove', path: `members[value eq "${one.id}"]` }]))
    expect(await members()).toEqual([two.id])
    await scim('PATCH', `/Groups/${id}`, patch([{ op: 'Remove', path: 'members', value: [{ value: two.id }] }]))
    expect(await members()).toEqual([])
    await scim('PUT', `/Groups/${id}`, { ...GROUP, members: [{ value: one.id }, { value: two.id }] })
    expect((await members()).length).toBe(2)
    expect(
      (await scim('GET', '/Groups?filter=displayName%20eq%20%22platform%20dba%22&excludedAttributes=members')).body
        .Resources[0]!.members,
    ).toBeUndefined()
    expect(
      (await scim('PATCH', `/Groups/${id}`, patch([{ op: 'add', path: 'members', value: [{ value: 'usr_nobody' }] }])))
        .status,
    ).toBe(400)
    expect((await scim('DELETE', `/Groups/${id}`)).status).toBe(204)
  })

  it('give a person groups, and take them away from live sessions', async () => {
    const { id: user } = await create()
    const { id: group } = (await scim('POST', '/Groups', { ...GROUP, members: [{ value: user }] })).body
    const { cookie } = await signIn(door, { provider: 'acme', person: 'u1' })
    const principal = await door.api.services.identity.authenticate({ kind: 'cookie', proof: cookie!, from: '' })
    expect(principal?.groups).toEqual(['dba'])
    const ended = vi.fn()
    door.api.services.identity.onRevoked(principal!, ended)
    await scim('PATCH', `/Groups/${group}`, patch([{ op: 'remove', path: `members[value eq "${user}"]` }]))
    expect(ended).toHaveBeenCalledTimes(1)
  })
})

describe('a person of the provider', () => {
  it('signs in once provisioned, and is out within the request that deactivates (G10)', async () => {
    expect((await signIn(door, { provider: 'acme', person: 'u1' })).cookie).toBeUndefined()
    const { id } = await create()
    const { cookie } = await signIn(door, { provider: 'acme', person: 'u1' })
    const { authenticate, onRevoked } = door.api.services.identity
    const ended = vi.fn()
    onRevoked((await authenticate({ kind: 'cookie', proof: cookie!, from: '' }))!, ended)
    await scim('PATCH', `/Users/${id}`, patch([{ op: 'replace', path: 'active', value: false }]))
    expect(ended).toHaveBeenCalledTimes(1)
    expect(await authenticate({ kind: 'cookie', proof: cookie!, from: '' })).toBeUndefined()
    expect((await signIn(door, { provider: 'acme', person: 'u1' })).cookie).toBeUndefined()
  })

  it('who was deleted and made again under another id is the same person only with the same subject', async () => {
    const { id } = await create()
    await signIn(door, { provider: 'acme', person: 'u1' })
    await scim('DELETE', `/Users/${id}`)
    expect(door.api.services.principals.lookup('human:acme:u1')).toBeUndefined()
    await create({ externalId: 'somebody-else' })
    expect(door.api.services.principals.lookup('human:acme:u1')).toBeUndefined()
  })
})

it('50,000 lists in one another are refused, and texts full of brackets are none', async () => {
  const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/scim+json' }
  const send = (body: string) => fetch(`${door.url}/scim/acme/v2/Users`, { method: 'POST', headers, body })
  const deep = `{"userName":"a","x":${'['.repeat(50_000)}${']'.repeat(50_000)}}`
  expect((await send(deep)).status).toBe(400)
  expect((await send(JSON.stringify({ ...ada, title: '[{"\\'.repeat(100) }))).status).toBe(201)
})

describe('the bearer token', () => {
  it.each([
    ['none', {}],
    ['a wrong one', { authorization: 'Bearer wrong' }],
    ['one of the gateway', { authorization: 'slu' }],
  ])('%s opens nothing, and a provider that is not there answers alike', async (_, given) => {
    const headers =
      'authorization' in given && given.authorization === 'slu'
        ? { authorization: `Bearer ${door.api.token('root')}` }
        : given
    const [known, unknown] = await Promise.all(
      ['acme', 'nobody'].map((name) => fetch(`${door.url}/scim/${name}/v2/Users`, { headers })),
    )
    expect([known!.status, unknown!.status]).toEqual([401, 401])
    expect(await known!.text()).toBe(await unknown!.text())
  })

  it('opens nothing else', async () => {
    expect((await fetch(`${door.url}/api/v1/me`, { headers: { authorization: `Bearer ${TOKEN}` } })).status).toBe(401)
  })

  it('cannot be guessed for long', async () => {
    const statuses: number[] = []
    for (let i = 0; i < 12; i++)
      statuses.push(
        (await fetch(`${door.url}/scim/acme/v2/Users`, { headers: { authorization: `Bearer ${i}` } })).status,
      )
    expect(statuses.slice(-1)).toEqual([429])
  })
})

/** Requests in the form Entra (Microsoft Learn, "Develop a SCIM endpoint") and Okta ("Okta and SCIM Version 2.0") publish, in the order they send them. */
describe('what providers send', () => {
  it('Entra: a user and a group from the first look to the last member', async () => {
    const { id } = (await scim('POST', '/Users', ada)).body
    for (const [path, total] of [
      [`/Users?filter=userName+eq+"Ada%40acme.example"`, 1],
      [`/Users?filter=externalId+eq+"u1"`, 1],
      [`/Users?filter=userName+eq+"non-existent"`, 0],
      [`/Groups?excludedAttributes=members&filter=displayName+eq+"Platform+DBA"`, 0],
    ] as const)
      expect((await scim('GET', path)).body).toMatchObject({ totalResults: total })
    const Group = 'urn:ietf:params:scim:schemas:core:2.0:Group'
    const made = { schemas: [Group, 'http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group'] }
    const group = (await scim('POST', '/Groups', { ...made, externalId: '8aa1', displayName: 'Platform DBA' })).body.id
    const joined = patch([{ op: 'Add', path: 'members', value: [{ $ref: null, value: id }] }])
    expect((await scim('PATCH', `/Groups/${group}`, joined)).status).toBe(200)
    const inGroup = async (filter: string) =>
      (await scim('GET', `/Groups?excludedAttributes=members&filter=${encodeURIComponent(filter)}`)).body
    for (const filter of [
      `id eq "${group}" and members eq "${id}"`,
      `id eq "${group}" and members[value eq "${id}"]`,
      `members.value eq "${id}"`,
    ])
      expect(await inGroup(filter)).toMatchObject({ totalResults: 1, Resources: [{ id: group }] })
    expect(await inGroup(`id eq "${group}" and members eq "usr_other"`)).toMatchObject({ totalResults: 0 })
    await scim('PATCH', `/Groups/${group}`, patch([{ op: 'Remove', path: `members[value eq "${id}"]` }]))
    expect(await inGroup(`members eq "${id}"`)).toMatchObject({ totalResults: 0 })
    const off = await scim('PATCH', `/Users/${id}`, patch([{ op: 'Replace', path: 'active', value: 'False' }]))
    expect(off.body).toMatchObject({ active: false })
    expect((await scim('GET', `/Users?filter=active+eq+"False"`)).body).toMatchObject({ totalResults: 1 })
  })

  it('Okta: a user by page, the whole of it again, out; a group renamed and filled', async () => {
    const query = `filter=userName%20eq%20%22Ada%40acme.example%22&startIndex=1&count=100`
    expect((await scim('GET', `/Users?${query}`)).body).toMatchObject({ totalResults: 0, startIndex: 1, Resources: [] })
    const { id } = (await scim('POST', '/Users', { ...ada, locale: 'en-US', groups: [], password: 'x' })).body
    const found = await scim('GET', `/Users?${query}`)
    expect(found.body).toMatchObject({ totalResults: 1, itemsPerPage: 1 })
    expect(found.body.Resources[0]).not.toHaveProperty('password')
    expect((await scim('PUT', `/Users/${id}`, { ...ada, id, active: false })).body).toMatchObject({ active: false })
    expect((await scim('PATCH', `/Users/${id}`, patch([{ op: 'replace', value: { active: true } }]))).status).toBe(200)
    const made = { schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'], displayName: 'Test', members: [] }
    const group = (await scim('POST', '/Groups', made)).body.id
    const named = patch([{ op: 'replace', value: { id: group, displayName: 'Platform DBA' } }])
    expect((await scim('PATCH', `/Groups/${group}`, named)).status).toBe(200)
    const filled = patch([
      { op: 'remove', path: `members[value eq "${id}"]` },
      { op: 'add', path: 'members', value: [{ value: id, display: 'Ada@acme.example' }] },
    ])
    expect((await scim('PATCH', `/Groups/${group}`, filled)).body).toMatchObject({ members: [{ value: id }] })
    expect((await scim('GET', '/Groups?startIndex=1&count=100')).body).toMatchObject({
      totalResults: 1,
      Resources: [{ displayName: 'Platform DBA' }],
    })
  })

  it('names in any case, and what the service says it is', async () => {
    const odd = { Schemas: [USER], USERNAME: 'b@acme.example', ExternalID: 'u9', Active: 'FALSE' }
    expect((await scim('POST', '/Users', odd)).body).toMatchObject({ userName: 'b@acme.example', active: false })
    const { id } = await create()
    const change = { SCHEMAS: [PATCH], operations: [{ OP: 'REPLACE', Path: 'ACTIVE', Value: 'fALSE' }] }
    expect((await scim('PATCH', `/Users/${id}`, change)).body).toMatchObject({ active: false })
    expect((await scim('GET', '/ServiceProviderConfig')).body).toMatchObject({ filter: { supported: true } })
    for (const [path, ids] of [
      ['/ResourceTypes', ['User', 'Group']],
      ['/Schemas', [USER, USER.replace('User', 'Group')]],
    ] as const) {
      expect((await scim('GET', path)).body.Resources.map((each) => each.id)).toEqual(ids)
      expect((await scim('GET', `${path}/${ids[0]}`)).body).toMatchObject({ id: ids[0] })
    }
  })
})
