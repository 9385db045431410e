/** What a person leaves behind when access ends: tokens issued in time, what they were exchanged for, and steps past a fresh sign-in. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ACCESS, EXCHANGE } from '../rig/exchange.ts'
import {
  asBrowser,
  type RealProvider,
  signIn,
  startDoor,
  startRealProvider,
  type TestDoor,
  TIMES,
} from '../rig/sign-in.ts'
import { tempFolder } from '../rig/temp.ts'

const DAY = 86_400_000
const ME = 'human:acme:boss'
const SCIM = 'a-token-of-the-provider'
const map = [{ group: 'chiefs', gives: ['admins', 'dba'] }]

let door: TestDoor
let acme: RealProvider
beforeEach(async () => {
  door = await startDoor()
  acme = await startRealProvider(door, 'acme', { over: { map } })
  acme.people.set('boss', { subject: 'boss', name: 'Boss', email: 'boss@acme.example', groups: ['chiefs'] })
})
afterEach(async () => {
  await acme.close()
  await door[Symbol.asyncDispose]()
})

type Answer = Record<string, unknown> & { id: string; token: string; code?: string; expires_ms: number }

async function asked(proof: { cookie?: string; token?: string }, method: string, path: string, body?: unknown) {
  const headers: Record<string, string> = proof.token ? { authorization: `Bearer ${proof.token}` } : {}
  if (proof.cookie) {
    const me = (await (await asBrowser(door, proof.cookie, { path: '/api/v1/me' })).json()) as { csrf?: string }
    Object.assign(headers, {
      cookie: `__Host-sluice=${proof.cookie}`,
      origin: door.url,
      'x-sluice-csrf': me.csrf ?? '',
    })
  }
  const response = await fetch(`${door.url}/api/v1${path}`, {
    method,
    headers: { ...headers, ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  return { status: response.status, body: (await response.json()) as Answer }
}

const issue = (proof: { cookie?: string; token?: string }, over: object = {}) =>
  asked(proof, 'POST', '/tokens', { principal: ME, ttl_ms: 365 * DAY, ...over })
const alive = async (token: string) => (await asked({ token }, 'GET', '/me')).status === 200
/** Lets a provider be asked about everyone, now. */
async function recheck(): Promise<void> {
  for (const row of await door.api.store.signIns.standing({ provider: 'acme' }))
    await door.api.store.signIns.update(row.id, { next_check_ms: 0 })
  await door.api.services.signIn.recheck()
}
/** A minute is a year: every sign-in was too long ago. */
const age = () => door.trust('acme', { ...door.api.providers.get('acme'), times: { ...TIMES, fresh_ms: -1_000 } })

// G10
describe('a token somebody issued to themself', () => {
  it.each<[string, (cookie: string) => Promise<unknown>]>([
    [
      'the provider disables the account',
      async () => {
        acme.people.delete('boss')
        await recheck()
      },
    ],
    ['they sign out', async (cookie) => await asked({ cookie }, 'POST', '/sign-out')],
    [
      'the provider ends its session',
      async () => {
        const [row] = await door.api.store.signIns.standing({ provider: 'acme' })
        await door.api.services.signIn.signIns.end(row!.id, 'signed out at the identity provider', 'acme')
      },
    ],
  ])('ends when %s, and all that came of it', async (_, end) => {
    const { cookie } = await signIn(door, { provider: 'acme', person: 'boss' })
    const issued = await issue({ cookie: cookie! })
    expect(issued.status).toBe(200)
    expect(issued.body.expires_ms).toBeLessThanOrEqual(Date.now() + TIMES.max_ms)
    const forAgent = await issue({ cookie: cookie! }, { principal: 'agent:boss', actors: [ME], ttl_ms: DAY })
    const forSue = await issue({ cookie: cookie! }, { principal: 'human:sue', ttl_ms: DAY })
    const all = [issued.body.token, forAgent.body.token, forSue.body.token]
    expect(await Promise.all(all.map(alive))).toEqual([true, true, true])
    await end(cookie!)
    expect(await Promise.all(all.map(alive))).toEqual([false, false, false])
  })

  it('cannot be had for another person of a provider, by whom it may be', async () => {
    acme.people.set('u2', { subject: 'u2', name: 'Bob', email: 'bob@acme.example', groups: [] })
    await signIn(door, { provider: 'acme', person: 'u2' })
    door.api.accounts.set('acme:u9', 'human:tom')
    for (const principal of ['human:acme:u2', 'human:tom'])
      expect((await issue({ token: door.api.token('root') }, { principal })).body.code).toBe('token.invalid')
    const acting = { principal: 'agent:bot', actors: ['human:tom'] }
    expect((await issue({ token: door.api.token('root') }, acting)).body.code).toBe('token.invalid')
  })

  it('is not written when what it comes of is revoked at the same time', async () => {
    const { cookie } = await signIn(door, { provider: 'acme', person: 'boss' })
    const { store } = door.api
    const insert = store.tokens.insert
    const [row] = await store.signIns.standing({ provider: 'acme' })
    Object.assign(store.tokens, {
      insert: async (...args: Parameters<typeof insert>) => {
        await door.api.services.signIn.signIns.end(row!.id, 'signed out', 'test')
        return await insert(...args)
      },
    })
    expect(await issue({ cookie: cookie! })).toMatchObject({ status: 401, body: { code: 'identity.revoked' } })
  })

  it('nobody gets for who is shut out', async () => {
    await door.api.services.identity.block({ kind: 'principal', subject: 'agent:bot', by: 'human:root', why: 'test' })
    expect((await issue({ token: door.api.token('root') }, { principal: 'agent:bot' })).body.code).toBe('token.invalid')
  })
})

// G8, G9: what needs a fresh sign-in cannot be had by a token that came of an old one
describe('a sign-in of two hours ago', () => {
  const ACTS: [string, string, unknown][] = [
    ['POST', '/break-glass/seal', { groups: ['admins'] }],
    ['POST', '/tokens', { principal: 'agent:bot', ttl_ms: 60_000 }],
    ['POST', '/clients', { id: 'a-program' }],
    ['POST', '/connectors', { name: 'vpc-1' }],
    ['PUT', '/secrets/pw', { value: 'v' }],
    ['DELETE', '/secrets/pw', undefined],
    ['POST', '/unblock', { kind: 'resource', subject: 'orders' }],
  ]

  it.each(ACTS)('is not enough for %s %s, nor is a token that came of it', async (method, path, body) => {
    const { cookie } = await signIn(door, { provider: 'acme', person: 'boss' })
    const { token } = (await issue({ cookie: cookie! })).body
    for (const proof of [
      { token },
      { token: (await issue({ token: door.api.token('root') }, { principal: 'human:root' })).body.token },
    ])
      expect((await asked(proof, method, path, body)).body.code).toBe('signin.stale')
    age()
    expect((await asked({ cookie: cookie! }, method, path, body)).body.code).toBe('signin.stale')
    expect([200, 404]).toContain((await asked({ token: door.api.token('root') }, method, path, body)).status)
  })

  it('is not enough to approve, nor is one that was narrowed out of it', async () => {
    const { cookie } = await signIn(door, { provider: 'acme', person: 'boss' })
    const { signIn: service } = door.api.services
    const [row] = await door.api.store.signIns.standing({ provider: 'acme' })
    const own = (await service.signIns.token(row!.id, 'login')).token.reveal()
    const narrow = await fetch(`${door.url}/oauth/token`, {
      method: 'POST',
      body: new URLSearchParams({
        ...{ grant_type: EXCHANGE, subject_token: own, subject_token_type: ACCESS },
        authorization_details: '[{"type":"sluice","effects":["read","delete"]}]',
      }),
    })
    const { access_token } = (await narrow.json()) as { access_token: string }
    const { id } = await door.api.services.approvals.request(door.api.request({ digest: 'e'.repeat(64) }))
    const approve = (proof: { cookie?: string; token?: string }) =>
      asked(proof, 'POST', `/approvals/${id}/approve`, { digest: 'e'.repeat(64) })
    expect((await approve({ token: access_token })).body.code).toBe('api.not_found')
    age()
    for (const proof of [{ cookie: cookie! }, { token: own }])
      expect((await approve(proof)).body.code).toBe('signin.stale')
  })
})

// G10, G12
describe('a person SCIM took away', () => {
  const USER = {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
    userName: 'boss@acme.example',
    externalId: 'boss',
  }
  const patch = (active: boolean) => ({
    schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
    Operations: [{ op: 'replace', path: 'active', value: active }],
  })
  const scim = async (method: string, path: string, body?: unknown) => {
    const response = await fetch(`${door.url}/scim/acme/v2/Users${path}`, {
      method,
      headers: { authorization: `Bearer ${SCIM}`, 'content-type': 'application/scim+json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    const read = text ? (JSON.parse(text) as { id: string; scimType?: string }) : { id: '' }
    return { ...read, status: response.status }
  }
  beforeEach(() => {
    const file = join(tempFolder('scim').path, 'token')
    writeFileSync(file, SCIM, { mode: 0o600 })
    const settings = { token: { file }, claim: 'sub', attribute: 'externalId' } as const
    door.trust('acme', { ...door.api.providers.get('acme'), scim: settings })
  })

  it.each<[string, (id: string) => Promise<unknown>]>([
    [
      'is deactivated and let in again',
      async (id) => {
        await scim('PATCH', `/${id}`, patch(false))
        await scim('PATCH', `/${id}`, patch(true))
      },
    ],
    [
      'is deleted and made anew',
      async (id) => {
        await scim('DELETE', `/${id}`)
        await scim('POST', '', USER)
      },
    ],
    [
      'loses the external id and has it again',
      async (id) => {
        await scim('PUT', `/${id}`, { ...USER, externalId: 'x' })
        await scim('PUT', `/${id}`, USER)
      },
    ],
  ])('and who %s has nothing of what was held', async (_, change) => {
    const { id } = await scim('POST', '', USER)
    const { cookie } = await signIn(door, { provider: 'acme', person: 'boss' })
    const { token } = (await issue({ cookie: cookie! })).body
    const [row] = await door.api.store.signIns.standing({ provider: 'acme' })
    expect(await alive(token)).toBe(true)
    await change(id)
    expect(await alive(token)).toBe(false)
    expect((await asBrowser(door, cookie!, { path: '/api/v1/me' })).status).toBe(401)
    await expect(door.api.services.signIn.signIns.token(row!.id, 'login')).rejects.toMatchObject({
      code: 'signin.expired',
    })
    const again = await signIn(door, { provider: 'acme', person: 'boss' })
    expect((await asBrowser(door, again.cookie!, { path: '/api/v1/me' })).status).toBe(200)
  })

  it('a change that takes nobody away ends nothing', async () => {
    const { id } = await scim('POST', '', USER)
    const { cookie } = await signIn(door, { provider: 'acme', person: 'boss' })
    await scim('PUT', `/${id}`, { ...USER, userName: 'boss-renamed', title: 'Chief' })
    expect((await asBrowser(door, cookie!, { path: '/api/v1/me' })).status).toBe(200)
  })

  it('is nobody else: two users never have one external id', async () => {
    await scim('POST', '', USER)
    expect(await scim('POST', '', { ...USER, userName: 'b' })).toMatchObject({ status: 409, scimType: 'uniqueness' })
    const other = await scim('POST', '', { ...USER, userName: 'c', externalId: 'c' })
    const taken = { ...USER, userName: 'c' }
    expect(await scim('PUT', `/${other.id}`, taken)).toMatchObject({ status: 409, scimType: 'uniqueness' })
    expect(await scim('POST', '', { ...USER, userName: 'd', externalId: undefined })).toMatchObject({ status: 201 })
    expect(await scim('POST', '', { ...USER, userName: 'e', externalId: undefined })).toMatchObject({ status: 201 })
  })
})
