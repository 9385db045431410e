import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startTestApi, type TestApi } from '../../test/rig/api.ts'

const ISSUER = 'http://127.0.0.1:1'
const TYPE = 'urn:ietf:params:oauth:token-type:access_token'
const ASSERTION = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const GRANT = {
  exchange: 'urn:ietf:params:oauth:grant-type:token-exchange',
  device: 'urn:ietf:params:oauth:grant-type:device_code',
}

let api: TestApi
beforeEach(async () => {
  api = await startTestApi()
})
afterEach(() => api[Symbol.asyncDispose]())

interface Answer {
  readonly status: number
  readonly body: Record<string, unknown>
  readonly headers: Headers
}

async function post(path: string, fields: Record<string, string>, bearer?: string): Promise<Answer> {
  const headers = {
    'content-type': 'application/x-www-form-urlencoded',
    ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
  }
  const response = await api.app.request(path, {
    method: 'POST',
    headers,
    body: new URLSearchParams(fields).toString(),
  })
  return {
    status: response.status,
    body: (await response.json()) as Record<string, unknown>,
    headers: response.headers,
  }
}

const exchange = (subject: string, more: Record<string, string> = {}) => ({
  ...{ grant_type: GRANT.exchange, subject_token: subject, subject_token_type: TYPE, requested_actor: 'agent:bot' },
  ...more,
})

it('says what it offers (RFC 8414)', async () => {
  const found = (await (await api.app.request('/.well-known/oauth-authorization-server')).json()) as Record<
    string,
    unknown
  >
  expect(found).toMatchObject({
    issuer: ISSUER,
    token_endpoint: `${ISSUER}/oauth/token`,
    device_authorization_endpoint: `${ISSUER}/oauth/device_authorization`,
    code_challenge_methods_supported: ['S256'],
    token_endpoint_auth_methods_supported: ['private_key_jwt', 'none'],
  })
  expect(found.grant_types_supported).toEqual(
    expect.arrayContaining([GRANT.exchange, GRANT.device, 'client_credentials']),
  )
})

describe('the token endpoint', () => {
  it('answers in OAuth’s shape, and nothing keeps the answer', async () => {
    const answer = await post('/oauth/token', exchange(api.token('sue'), { expires_in: '600' }))
    expect(answer).toMatchObject({
      status: 200,
      body: { token_type: 'Bearer', issued_token_type: TYPE, access_token: expect.stringMatching(/^slu_/) },
    })
    expect(answer.body.expires_in).toBeGreaterThan(590)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(answer.headers.get('pragma')).toBe('no-cache')
  })

  it.each<[string, Record<string, string>, number, string]>([
    ['no grant type', {}, 400, 'invalid_request'],
    ['one it does not know', { grant_type: 'password', username: 'x', password: 'y' }, 400, 'unsupported_grant_type'],
    ['one of a prototype', { grant_type: 'constructor' }, 400, 'unsupported_grant_type'],
    ['a wrong token', exchange('slu_wrong'), 400, 'invalid_grant'],
    ['an agent that is not theirs', exchange('EVE'), 400, 'invalid_grant'],
    [
      'more than they have',
      exchange('SUE', { authorization_details: '[{"type":"other"}]' }),
      400,
      'invalid_authorization_details',
    ],
    ['a client that is not registered', exchange('SUE', { client_id: 'nobody' }), 401, 'invalid_client'],
    [
      'a client with a secret',
      exchange('SUE', { client_id: 'sluice-cli', client_secret: 'x' }),
      400,
      'invalid_request',
    ],
    ['client credentials of nobody', { grant_type: 'client_credentials' }, 401, 'invalid_client'],
  ])('refuses %s', async (_, fields, status, error) => {
    const own = { EVE: api.token('eve'), SUE: api.token('sue') } as Record<string, string>
    const mine = Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, own[value] ?? value]))
    expect(await post('/oauth/token', mine)).toMatchObject({ status, body: { error } })
  })

  it('says the same of a token that is unknown, expired and revoked, and of a workload nobody trusts', async () => {
    const words = new Set<string>()
    await api.services.identity.revokeToken(api.tokenIds.eve, 'test')
    for (const proof of ['slu_x', api.token('eve'), 'y'.repeat(300)])
      words.add(JSON.stringify((await post('/oauth/token', exchange(proof))).body))
    const workload = { ...exchange('a.b.c'), subject_token_type: 'urn:ietf:params:oauth:token-type:jwt' }
    words.add(JSON.stringify((await post('/oauth/token', workload)).body))
    expect([...words]).toEqual([
      JSON.stringify({
        error: 'invalid_grant',
        error_description: 'What was presented is not accepted.',
        code: 'oauth.grant',
      }),
    ])
  })

  it('says the same of an agent there is not, and one that is not theirs', async () => {
    const asked = async (requested_actor: string) =>
      (await post('/oauth/token', exchange(api.token('eve'), { requested_actor }))).body
    expect(await asked('agent:gone')).toEqual(await asked('agent:bot'))
  })

  it('takes forms only, each field once, and little of them', async () => {
    const request = async (type: string, body: string) =>
      (await api.app.request('/oauth/token', { method: 'POST', headers: { 'content-type': type }, body })).status
    const form = 'application/x-www-form-urlencoded'
    expect(await request('application/json', '{}')).toBe(400)
    expect(await request(form, 'grant_type=a&grant_type=a')).toBe(400)
    expect(await request(form, Array.from({ length: 30 }, (_, i) => `a${i}=1`).join('&'))).toBe(400)
    expect(await request(form, `grant_type=${'x'.repeat(300_000)}`)).toBe(413)
    expect((await api.app.request('/oauth/token')).status).toBe(404)
  })

  it('answers an address that was wrong too often with that alone, and is open to whoever is right', async () => {
    const answers: number[] = []
    for (let i = 0; i < 12; i++) answers.push((await post('/oauth/token', exchange(`slu_${i}`))).status)
    expect(answers.slice(0, 9)).toEqual(Array(9).fill(400))
    expect(answers.at(-1)).toBe(429)
    const before = api.entries.length
    expect((await post('/oauth/token', exchange('slu_x'))).body).toMatchObject({ code: 'api.limited' })
    expect(api.entries.length).toBe(before)
    expect((await post('/oauth/token', exchange(api.token('sue')))).status).toBe(200)
  })

  it('gives nothing while the ledger cannot be written', async () => {
    api.ledgerFails = true
    expect(await post('/oauth/token', exchange(api.token('sue')))).toMatchObject({ status: 503 })
  })
})

const pair = await generateKeyPair('EdDSA', { extractable: true })
const jwk = { ...(await exportJWK(pair.publicKey)) }

describe('a client with a key', () => {
  const now_s = () => Math.floor(Date.now() / 1_000)
  const assertion = (
    claims: Record<string, unknown> = {},
    header: Record<string, unknown> = {},
    key = pair.privateKey,
  ) => {
    const all = {
      ...{ iss: 'export', sub: 'export', aud: ISSUER, jti: String(Math.random()), iat: now_s(), exp: now_s() + 60 },
      ...claims,
    }
    return new SignJWT(Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)))
      .setProtectedHeader({ alg: 'EdDSA', ...header })
      .sign(key)
  }
  const ask = async (text: string | Promise<string>, more: Record<string, string> = {}) =>
    await post('/oauth/token', {
      ...{ grant_type: 'client_credentials', client_assertion_type: ASSERTION, client_assertion: await text },
      ...more,
    })
  beforeEach(async () => {
    api.people.set('service:export', { kind: 'service', name: 'export', groups: [] })
    const body = { id: 'export', principal: 'service:export', keys: [jwk] }
    expect((await api.call('root', 'POST', '/api/v1/clients', body)).status).toBe(200)
  })

  it('gets a token of its service, for a quarter of an hour', async () => {
    const { status, body } = await ask(assertion())
    expect([status, body.expires_in]).toEqual([
      200,
      expect.toSatisfy((seconds: number) => seconds > 890 && seconds <= 900),
    ])
    const proof = body.access_token as string
    const caller = await api.services.identity.authenticate({ kind: 'token', proof, from: '' })
    expect(caller).toMatchObject({ id: 'service:export', kind: 'service' })
  })

  it.each<[string, Record<string, unknown>, Record<string, unknown>]>([
    ['for the token endpoint of another', { aud: 'https://other.example/oauth/token' }, {}],
    ['for two', { aud: [ISSUER, 'https://other.example'] }, {}],
    ['of another issuer', { iss: 'other' }, {}],
    ['about another', { sub: 'other' }, {}],
    ['without an id', { jti: undefined }, {}],
    ['without an end', { exp: undefined }, {}],
    ['that ended', { exp: 1_000 }, {}],
    ['that holds for an hour', { exp: 4_000_000_000 }, {}],
    ['that brings its key', {}, { jwk }],
  ])('is refused with an assertion %s', async (_, claims, header) => {
    expect(await ask(assertion(claims, header))).toMatchObject({
      status: 401,
      body: { error: 'invalid_client', code: 'oauth.client' },
    })
  })

  it('is refused with another’s key, with an assertion used before, and once it is removed', async () => {
    const other = await generateKeyPair('EdDSA')
    expect((await ask(assertion({}, {}, other.privateKey))).status).toBe(401)
    const once = await assertion()
    expect((await ask(once)).status).toBe(200)
    expect((await ask(once)).status).toBe(401)
    expect((await api.call('root', 'POST', '/api/v1/clients/export/remove')).status).toBe(200)
    expect((await ask(assertion())).status).toBe(401)
    // Nobody else ever gets the name.
    expect((await api.call('root', 'POST', '/api/v1/clients', { id: 'export' })).status).toBe(400)
  })

  it('may not use its assertion as anything else (G7)', async () => {
    const text = await assertion()
    const workload = { ...exchange(text), subject_token_type: 'urn:ietf:params:oauth:token-type:jwt' }
    expect((await post('/oauth/token', workload)).body).toMatchObject({ error: 'invalid_grant' })
    expect((await post('/oauth/introspect', { token: text }, text)).status).toBe(401)
    expect((await ask(api.token('sue'), { client_id: 'export' })).status).toBe(401)
  })

  it.each<[string, Record<string, unknown>]>([
    ['a private key', { keys: [{ kty: 'OKP', crv: 'Ed25519', x: 'AA', d: 'AA' }] }],
    ['a shared secret', { keys: [{ kty: 'oct', k: 'AAAA' }] }],
    ['a key that cannot be read', { keys: [{ kty: 'OKP', crv: 'Ed25519', x: 'AA' }] }],
    ['a person', { principal: 'human:sue', keys: [jwk] }],
    ['nobody known', { principal: 'service:gone', keys: [jwk] }],
    ['a principal without a key', { principal: 'service:export' }],
  ])('is not registered with %s', async (_, more) => {
    expect((await api.call('root', 'POST', '/api/v1/clients', { id: 'x', ...more })).status).toBe(400)
  })

  it('may ask what a token stands for (RFC 7662); others may not', async () => {
    const client = { client_assertion_type: ASSERTION, client_assertion: await assertion() }
    const details = '[{"type":"sluice","resources":["orders"],"effects":["read"]}]'
    const given = await post(
      '/oauth/token',
      exchange(api.token('sue'), { authorization_details: details, client_id: 'sluice-cli' }),
    )
    const token = given.body.access_token as string
    expect((await post('/oauth/introspect', { token, ...client })).body).toMatchObject({
      active: true,
      iss: ISSUER,
      sub: 'human:sue',
      act: { sub: 'agent:bot' },
      client_id: 'sluice-cli',
      authorization_details: JSON.parse(details),
    })
    const listed = (await (await api.call('sue', 'GET', '/api/v1/tokens')).json()) as { tokens: object[] }
    expect(listed.tokens).toContainEqual(expect.objectContaining({ authorization_details: JSON.parse(details) }))
    expect((await post('/oauth/introspect', { token: 'slu_x' }, api.token('root'))).body).toEqual({ active: false })
    expect((await post('/oauth/introspect', { token }, api.token('sue'))).status).toBe(401)
    expect((await post('/oauth/introspect', { token, client_id: 'sluice-cli' })).status).toBe(401)
    expect((await post('/oauth/introspect', { token })).status).toBe(401)
  })
})

describe('revocation (RFC 7009)', () => {
  it('ends a token and what was exchanged from it; an unknown one is as good as ended', async () => {
    const given = await post('/oauth/token', exchange(api.token('sue')))
    const child = given.body.access_token as string
    const stands = async (proof: string) =>
      (await api.services.identity.authenticate({ kind: 'token', proof, from: '' })) !== undefined
    expect(await stands(child)).toBe(true)
    expect((await post('/oauth/revoke', { token: api.token('sue'), token_type_hint: 'access_token' })).status).toBe(200)
    expect([await stands(child), await stands(api.token('sue'))]).toEqual([false, false])
    expect((await post('/oauth/revoke', { token: 'slu_x' })).status).toBe(200)
    expect((await post('/oauth/revoke', {})).status).toBe(400)
  })
})

describe('the device grant (RFC 8628)', () => {
  const begin = async () =>
    (await post('/oauth/device_authorization', { client_id: 'sluice-cli' })).body as Record<string, string>
  const poll = (device_code: string, client_id = 'sluice-cli') =>
    post('/oauth/token', { grant_type: GRANT.device, device_code, client_id })
  const yes = { principal: 'human:sue', approve: true }

  it('gives a token once a person said yes, once', async () => {
    const { device_code, user_code, verification_uri, interval, expires_in } = await begin()
    expect(user_code).toMatch(/^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/)
    expect([verification_uri, interval, expires_in]).toEqual([
      `${ISSUER}/device`,
      5,
      expect.toSatisfy((s: number) => s > 590),
    ])
    expect((await poll(device_code!)).body).toMatchObject({ error: 'authorization_pending' })
    expect((await poll(device_code!)).body).toMatchObject({ error: 'slow_down' })
    const { devices } = api.services.oauth
    expect(await devices.find(user_code!.toLowerCase().replace('-', ' '), '')).toMatchObject({ client: 'sluice-cli' })
    expect(await devices.confirm(user_code!, yes)).toBe(true)
    expect(await devices.confirm(user_code!, yes)).toBe(false)
    const { status, body } = await poll(device_code!)
    expect(status).toBe(200)
    const proof = body.access_token as string
    expect(await api.services.identity.authenticate({ kind: 'token', proof, from: '' })).toMatchObject({
      id: 'human:sue',
    })
    expect((await poll(device_code!)).body).toMatchObject({ error: 'invalid_grant' })
  })

  it('ends what a device code led to when it is shown again (G11), and not for another client', async () => {
    const { device_code, user_code } = await begin()
    await api.services.oauth.devices.confirm(user_code!, { ...yes, parent: api.tokenIds.sue })
    const proof = (await poll(device_code!)).body.access_token as string
    const who = () => api.services.identity.authenticate({ kind: 'token', proof, from: '' })
    await api.call('root', 'POST', '/api/v1/clients', { id: 'other' })
    expect((await poll(device_code!, 'other')).body).toMatchObject({ error: 'invalid_grant' })
    expect(await who()).toBeDefined()
    expect((await poll(device_code!)).body).toMatchObject({ error: 'invalid_grant' })
    expect(await who()).toBeUndefined()
  })

  it('says no when the person did, and nothing to another client or for an unknown code', async () => {
    const { device_code, user_code } = await begin()
    expect((await poll('unknown')).body).toMatchObject({ error: 'invalid_grant' })
    expect((await api.call('root', 'POST', '/api/v1/clients', { id: 'other' })).status).toBe(200)
    expect((await poll(device_code!, 'other')).body).toMatchObject({ error: 'invalid_grant' })
    expect(await api.services.oauth.devices.confirm(user_code!, { ...yes, approve: false })).toBe(true)
    expect((await poll(device_code!)).body).toMatchObject({ error: 'access_denied' })
  })

  it('ends with the sign-in it was answered in', async () => {
    const { device_code, user_code } = await begin()
    await api.services.oauth.devices.confirm(user_code!, { ...yes, parent: api.tokenIds.sue })
    const proof = (await poll(device_code!)).body.access_token as string
    await api.services.identity.revokeToken(api.tokenIds.sue, 'test')
    expect(await api.services.identity.authenticate({ kind: 'token', proof, from: '' })).toBeUndefined()
  })

  it('is not begun without end from one address', async () => {
    const statuses: number[] = []
    for (let i = 0; i < 40; i++)
      statuses.push((await post('/oauth/device_authorization', { client_id: 'sluice-cli' })).status)
    expect([statuses[0], statuses.at(-1)]).toEqual([200, 429])
  })

  it('lets nobody guess codes: after ten wrong ones an address waits', async () => {
    const { devices } = api.services.oauth
    for (let i = 0; i < 11; i++) await devices.find('WRONGCOD', '192.0.2.9').catch(() => undefined)
    await expect(devices.find('WRONGCOD', '192.0.2.9')).rejects.toMatchObject({ code: 'signin.codes' })
    expect(await devices.find('WRONGCOD', '192.0.2.10')).toBeUndefined()
  })
})

it('a person’s narrowed token approves nothing and administers nothing', async () => {
  const narrowed = {
    ...exchange(api.token('root'), { authorization_details: '[{"type":"sluice","effects":["read"]}]' }),
  }
  const { requested_actor: _, ...fields } = narrowed
  const token = (await post('/oauth/token', fields)).body.access_token as string
  const response = await api.app.request('/api/v1/tokens', {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ principal: 'human:eve', ttl_ms: 60_000 }),
  })
  expect(response.status).toBe(403)
})
