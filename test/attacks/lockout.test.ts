/** What strangers show wrong locks nobody else out (docs/decisions/0010): not by a name, not by an address, not by somebody's browser. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { GRANT } from '../../src/identity/exchange/grant.ts'
import { startIssuer, type TestIssuer } from '../rig/issuer.ts'
import { startDoor, type TestDoor } from '../rig/sign-in.ts'
import { tempFolder } from '../rig/temp.ts'

const BASIC_TYPE = 'application/x-www-form-urlencoded'
const PROXY = '127.0.0.1'
const SCIM_TOKEN = 'a-token-of-the-provider-with-many-characters'
const ours = await generateKeyPair('EdDSA', { extractable: true })
const theirs = await generateKeyPair('EdDSA')

type Key = typeof ours.privateKey

let door: TestDoor
let idp: TestIssuer
beforeEach(async () => {
  ;[door, idp] = await Promise.all([startDoor({ patient: false }), startIssuer()])
  Object.assign(door.api.services, { trustedProxies: [PROXY] })
  // Time stands still for what is counted: nothing is forgotten while a test runs.
  vi.spyOn(door.api.services.clock, 'monotonic_ms').mockReturnValue(1_000_000)
  const file = join(tempFolder('scim').path, 'token')
  writeFileSync(file, SCIM_TOKEN, { mode: 0o600 })
  const oidc = { issuer: idp.url, clientId: 'sluice', scopes: [], algorithm: 'RS256', userinfo: false, groups: [] }
  door.trust('acme', { oidc, scim: { token: { file }, claim: 'sub', attribute: 'externalId' } })
  const metadata = { issuer: idp.url, authorization_endpoint: `${idp.url}/auth`, jwks_uri: `${idp.url}/jwks` }
  idp.answers.set('/.well-known/openid-configuration', (_, response) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(metadata)),
  )
  door.api.people.set('service:export', { kind: 'service', name: 'export', groups: [] })
  const body = { id: 'nightly', principal: 'service:export', keys: [await exportJWK(ours.publicKey)] }
  expect((await door.api.call('root', 'POST', '/api/v1/clients', body)).status).toBe(200)
})
afterEach(async () => {
  vi.restoreAllMocks()
  await idp[Symbol.asyncDispose]()
  await door[Symbol.asyncDispose]()
})

interface Sent {
  readonly from: string
  readonly method?: string
  readonly body?: URLSearchParams | object
  readonly headers?: Record<string, string>
}

/** The status of a request as it comes from an address behind the trusted proxy. */
async function send(path: string, { from, method = 'POST', body, headers = {} }: Sent): Promise<number> {
  const form = body instanceof URLSearchParams
  const response = await fetch(`${door.url}${path}`, {
    method,
    redirect: 'manual',
    headers: {
      'x-forwarded-for': from,
      ...(body && { 'content-type': form ? BASIC_TYPE : 'application/json' }),
      ...headers,
    },
    ...(body && { body: form ? body : JSON.stringify(body) }),
  })
  await response.body?.cancel()
  return response.status
}

const now_s = () => Math.floor(Date.now() / 1_000)
const assertion = (key: Key) =>
  new SignJWT({
    ...{ iss: 'nightly', sub: 'nightly', aud: door.url, jti: crypto.randomUUID() },
    ...{ iat: now_s(), exp: now_s() + 60 },
  })
    .setProtectedHeader({ alg: 'EdDSA' })
    .sign(key)
const credentials = async (from: string, key: Key) =>
  send('/oauth/token', {
    from,
    body: new URLSearchParams({
      grant_type: GRANT.client,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: await assertion(key),
    }),
  })
const exchange = (from: string, token: string, headers: Record<string, string> = {}) =>
  send('/oauth/token', {
    ...{ from, headers },
    body: new URLSearchParams({
      ...{ grant_type: GRANT.exchange, subject_token: token, requested_actor: 'agent:bot' },
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    }),
  })
const device = (from: string) =>
  send('/oauth/device_authorization', { from, body: new URLSearchParams({ client_id: 'sluice-cli' }) })
const scim = (from: string, token: string, headers: Record<string, string> = {}) =>
  send('/scim/acme/v2/Users', { from, method: 'GET', headers: { authorization: `Bearer ${token}`, ...headers } })
const glass = (from: string, secret: string, headers: Record<string, string> = {}) =>
  send('/break-glass', { from, headers, body: { secret, reason: 'no provider answers today' } })
const introspect = (from: string, token: string) =>
  send('/oauth/introspect', {
    ...{ from, headers: { authorization: `Bearer ${token}` } },
    body: new URLSearchParams({ token: 'slu_x' }),
  })
const me = (from: string, token: string) =>
  send('/api/v1/me', { from, method: 'GET', headers: { authorization: `Bearer ${token}` } })
const logout = (from: string, token: string) =>
  send('/sign-in/acme/logout', { from, body: new URLSearchParams({ logout_token: token }) })
const logoutToken = () =>
  idp.sign({
    claims: {
      ...{ iss: idp.url, aud: 'sluice', sub: 'nobody-here', jti: crypto.randomUUID(), iat: now_s(), exp: now_s() + 60 },
      events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
    },
    header: { typ: 'logout+jwt' },
  })
const many = (count: number, work: (i: number) => Promise<number>) =>
  Promise.all(Array.from({ length: count }, (_, i) => work(i)))

describe('a name that everybody knows', () => {
  it('is not locked by forged assertions, from one address or from many', async () => {
    const statuses = await many(30, (i) => credentials(`203.0.113.${i}`, theirs.privateKey))
    expect(new Set(statuses)).toEqual(new Set([401]))
    expect(await credentials('198.51.100.1', ours.privateKey)).toBe(200)
    await many(15, () => credentials('203.0.113.99', theirs.privateKey))
    expect(await credentials('203.0.113.99', theirs.privateKey)).toBe(429)
    expect(await credentials('203.0.113.99', ours.privateKey)).toBe(200)
  })
})

describe('an address that others share', () => {
  const SHARED = '203.0.113.7'
  /** Everything wrong that needs no credential, at every door, well beyond any bound. */
  async function junk(from: string): Promise<void> {
    await many(15, () => exchange(from, 'slu_wrong'))
    await many(15, () => scim(from, 'wrong'))
    await many(15, (i) => logout(from, `wrong${i}`))
    await many(25, () => me(from, 'slu_wrong'))
    for (let i = 0; i < 15; i++) await glass(from, 'AAAA-AAAA')
    await many(15, () => introspect(from, 'slu_wrong'))
  }

  it('is open to whoever is right, at every door', async () => {
    vi.spyOn(door.api.services.log, 'error').mockImplementation(() => {})
    const sealed = await door.api.call('root', 'POST', '/api/v1/break-glass/seal', {})
    const { secret } = (await sealed.json()) as { secret: string }
    await junk(SHARED)
    const wrong = [
      await exchange(SHARED, 'slu_wrong'),
      await scim(SHARED, 'wrong'),
      await logout(SHARED, 'wrong'),
      await me(SHARED, 'slu_wrong'),
      await glass(SHARED, 'AAAA-AAAA'),
    ]
    expect(wrong).toEqual([429, 429, 429, 429, 429])
    const right = {
      exchange: await exchange(SHARED, door.api.token('sue')),
      device: await device(SHARED),
      scim: await scim(SHARED, SCIM_TOKEN),
      introspect: await introspect(SHARED, door.api.token('root')),
      me: await me(SHARED, door.api.token('sue')),
      logout: await logout(SHARED, await logoutToken()),
      breakGlass: await glass(SHARED, secret),
    }
    expect(right).toEqual({
      ...{ exchange: 200, device: 200, scim: 200, introspect: 200, me: 200, logout: 200, breakGlass: 200 },
    })
  })

  it('does not fill the ledger: beyond the bound what is wrong is on record no more', async () => {
    await many(15, () => scim(SHARED, 'wrong'))
    for (let i = 0; i < 10; i++) await exchange(SHARED, 'slu_wrong')
    const before = door.api.entries.length
    expect(new Set(await many(20, () => exchange(SHARED, 'slu_wrong')))).toEqual(new Set([429]))
    expect(door.api.entries.length).toBe(before)
  })

  it('counts one /64 of IPv6 as one, and another as another', async () => {
    await many(15, (i) => scim(`2001:db8:0:1::${i}`, 'wrong'))
    expect([await scim('2001:db8:0:1:ffff::1', 'wrong'), await scim('2001:db8:0:2::1', 'wrong')]).toEqual([429, 401])
  })
})

describe('somebody’s browser, on a page elsewhere', () => {
  it.each<[string, Record<string, string>]>([
    ['a foreign origin', { origin: 'https://evil.example' }],
    ['no origin', { origin: 'null' }],
    ['another site, as browsers say it', { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }],
    ['a sister host', { 'sec-fetch-site': 'same-site', origin: 'https://blog.gateway.example' }],
  ])('is turned away and counts nothing: %s', async (_, headers) => {
    const from = '203.0.113.8'
    const turned = [
      ...(await many(20, () => exchange(from, 'slu_wrong', headers))),
      ...(await many(20, () => scim(from, 'wrong', headers))),
      ...(await many(20, () => glass(from, 'AAAA', headers))),
      await exchange(from, door.api.token('sue'), headers),
    ]
    expect(new Set(turned)).toEqual(new Set([403]))
    expect([await exchange(from, 'slu_wrong'), await scim(from, 'wrong'), await glass(from, 'AAAA')]).toEqual([
      ...[400, 401, 403],
    ])
  })

  it('cannot begin sign-ins behind the person’s back, and a link from elsewhere still leads in', async () => {
    const from = '203.0.113.9'
    const load = (dest: string) =>
      send('/sign-in/acme', {
        ...{ from, method: 'GET' },
        headers: { 'sec-fetch-site': 'cross-site', 'sec-fetch-dest': dest },
      })
    expect(new Set(await many(3, () => load('image')))).toEqual(new Set([403]))
    expect([await load('iframe'), await load('document')]).toEqual([403, 302])
  })
})

describe('a device’s code, which is short', () => {
  it('is not guessed from one address, nor by one person; others go on', async () => {
    const begun = await fetch(`${door.url}/oauth/device_authorization`, {
      method: 'POST',
      headers: { 'x-forwarded-for': '198.51.100.2' },
      body: new URLSearchParams({ client_id: 'sluice-cli' }),
    })
    const { user_code } = (await begun.json()) as { user_code: string }
    const look = (from: string, code: string) => send(`/device?user_code=${code}`, { from, method: 'GET' })
    await many(12, () => look('203.0.113.10', 'BBBBBBBB'))
    expect([await look('203.0.113.10', user_code), await look('198.51.100.2', user_code)]).toEqual([429, 200])
    const { devices } = door.api.services.oauth
    const guess = (principal: string) => devices.confirm('BBBB-BBBB', { principal, approve: true })
    for (let i = 0; i < 10; i++) expect(await guess('human:eve')).toBe(false)
    await expect(devices.confirm(user_code, { principal: 'human:eve', approve: true })).rejects.toMatchObject({
      code: 'signin.codes',
    })
    expect(await devices.confirm(user_code, { principal: 'human:sue', approve: true })).toBe(true)
  })
})
