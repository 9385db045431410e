/** ATTACKS.md part G.1: answers of a hostile or confused provider, of another browser, and requests a page elsewhere makes. */
import { generateKeyPairSync } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { base64url, type JWK, SignJWT, UnsecuredJWT } from 'jose'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Visitor } from '../../demo/idp/visitor.ts'
import { type SignWish, startIssuer, type TestIssuer } from '../rig/issuer.ts'
import { asBrowser, signIn, startDoor, startRealProvider, type TestDoor } from '../rig/sign-in.ts'

let door: TestDoor
let idp: TestIssuer
/** What the hostile provider's token endpoint answers with; set by each test. */
let answerWith: (asked: { nonce: string; body: URLSearchParams }) => Promise<Record<string, unknown>>
let nonce = ''
let challenge = ''

beforeEach(async () => {
  ;[door, idp] = await Promise.all([startDoor(), startIssuer()])
  trust()
  serve()
  answerWith = async () => ({ id_token: await idToken() })
})
afterEach(async () => {
  await idp[Symbol.asyncDispose]()
  await door[Symbol.asyncDispose]()
})

function trust(over: Record<string, unknown> = {}): void {
  const oidc = {
    issuer: idp.url,
    clientId: 'sluice',
    scopes: ['profile'],
    algorithm: 'RS256',
    userinfo: false,
    groups: ['realm', 'roles'],
  }
  door.trust('acme', { oidc: { ...oidc, ...over }, map: [{ group: 'dba', gives: ['dba'] }] })
}

function json(response: ServerResponse, body: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

/** Metadata with everything a code flow needs; a test may overwrite parts. */
function serve(over: Record<string, unknown> = {}): void {
  const metadata = {
    issuer: idp.url,
    authorization_endpoint: `${idp.url}/auth`,
    token_endpoint: `${idp.url}/token`,
    jwks_uri: `${idp.url}/jwks`,
    userinfo_endpoint: `${idp.url}/me`,
    token_endpoint_auth_methods_supported: ['none'],
    ...over,
  }
  idp.answers.set('/.well-known/openid-configuration', (_, response) => json(response, metadata))
  idp.answers.set('/token', (request, response) => void token(request, response))
}

async function token(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let text = ''
  for await (const part of request) text += String(part)
  json(response, {
    access_token: 'at',
    token_type: 'Bearer',
    expires_in: 300,
    ...(await answerWith({ nonce, body: new URLSearchParams(text) })),
  })
}

const idToken = (wish: SignWish = {}) =>
  idp.sign({ ...wish, claims: { sub: 'ada', nonce, name: 'Ada', ...wish.claims } })

/** A browser sent to the provider: what it carries back is up to the test. */
async function begin(provider = 'acme', visitor = new Visitor()) {
  const page = await visitor.open(`${door.url}/sign-in/${provider}`, (url) => url.pathname === '/auth')
  const query = new URL(page.url).searchParams
  nonce = query.get('nonce')!
  challenge = query.get('code_challenge')!
  return { visitor, state: query.get('state')!, query }
}

async function back(
  { visitor, state }: { visitor: Visitor; state: string },
  over: Record<string, string> = {},
  provider = 'acme',
) {
  const url = new URL(`${door.url}/sign-in/${provider}/callback`)
  for (const [name, value] of Object.entries({ code: 'c', state, ...over })) url.searchParams.set(name, value)
  const page = await visitor.open(url.href)
  return { page, cookie: visitor.cookies.get(new URL(door.url).host)?.get('__Host-sluice')?.value }
}

const SENTENCES =
  /What the identity provider sent could not be trusted\.|This sign-in is no longer open, or belongs to another browser\.|The identity provider did not complete the sign-in\.|Your groups at the identity provider could not be read\./

function mustBeRefused(
  { page, cookie }: { page: { html: string; status: number }; cookie: string | undefined },
  why: RegExp,
): void {
  expect(cookie).toBeUndefined()
  expect(page.html).toMatch(SENTENCES)
  expect(page.status).toBeGreaterThanOrEqual(400)
  expect(door.refusals()).toEqual([expect.stringMatching(why)])
  // The person reads what to do, never what exactly was wrong, nor for whom.
  expect(page.html).not.toMatch(/nonce|iss\b|aud\b|ada|OAUTH/)
}

// G5
describe('when the person last showed a credential', () => {
  const now_s = () => Math.floor(Date.now() / 1_000)
  it.each<[string, string, () => unknown, RegExp]>([
    ['two hours ahead', '', () => now_s() + 7_200, /auth_time lies ahead/],
    ['no number', '', () => 'yesterday', /auth_time/],
    ['longer ago than a sign-in may hold', '', () => now_s() - 3_700, /a newer proof was asked for/],
    ['longer ago than a fresh one was asked for', '?fresh=1', () => now_s() - 600, /auth_time|too much time/],
  ])('%s signs nobody in', async (_, query, auth_time, why) => {
    answerWith = async () => ({ id_token: await idToken({ claims: { auth_time: auth_time() } }) })
    mustBeRefused(await back(await begin(`acme${query}`)), why)
  })

  it('is a little ahead by a provider whose clock is', async () => {
    answerWith = async () => ({ id_token: await idToken({ claims: { auth_time: now_s() + 30 } }) })
    expect((await back(await begin())).cookie).toBeDefined()
  })
})

it('an honest answer signs in, and asks for what binds it', async () => {
  const flow = await begin()
  expect(Object.fromEntries(flow.query)).toMatchObject({
    response_type: 'code',
    code_challenge_method: 'S256',
    scope: 'openid profile',
  })
  let sent = new URLSearchParams()
  answerWith = async ({ body }) => {
    sent = body
    return { id_token: await idToken({ claims: { realm: { roles: ['dba', 'x'] } } }) }
  }
  const { cookie } = await back(flow)
  expect(cookie).toBeDefined()
  expect(
    Buffer.from(await crypto.subtle.digest('SHA-256', Buffer.from(sent.get('code_verifier')!))).toString('base64url'),
  ).toBe(challenge)
  expect(sent.get('redirect_uri')).toBe(`${door.url}/sign-in/acme/callback`)
  expect(door.api.services.principals.lookup('human:acme:ada')).toMatchObject({ name: 'Ada', groups: ['dba'] })
})

const soon = (s: number) => Math.floor(Date.now() / 1_000) + s
describe('an ID token', () => {
  it.each<[string, () => Promise<Record<string, unknown>>, RegExp]>([
    ['G1 without a signature', async () => ({ id_token: unsecured() }), /alg/i],
    ['G1 "nOnE"', async () => ({ id_token: unsecured('nOnE') }), /alg/i],
    ['G1 HS256 with the public key as the secret', async () => ({ id_token: await hmac() }), /alg/i],
    ['G1 of a key that comes along (jwk)', async () => ({ id_token: await foreign({ jwk: true }) }), /key|signature/i],
    [
      'G1 of a key elsewhere (jku, x5u)',
      async () => ({ id_token: await foreign({ jku: 'http://127.0.0.1:1/jwks', x5u: 'http://127.0.0.1:1/c' }) }),
      /key|signature/i,
    ],
    [
      'G1 of another algorithm of the same key',
      async () => ({ id_token: await idToken({ header: { alg: 'RS512' } }).catch(() => 'x.y.z') }),
      /./,
    ],
    [
      'G2 of a kid that is a path',
      async () => ({ id_token: await idToken({ header: { kid: '../../../../dev/null' } }) }),
      /key/i,
    ],
    ['G3 for nobody', async () => ({ id_token: await idToken({ claims: { aud: undefined } }) }), /"aud"/],
    ['G3 G7 for another client', async () => ({ id_token: await idToken({ claims: { aud: 'other' } }) }), /"aud"/],
    [
      'G3 for several without azp',
      async () => ({ id_token: await idToken({ claims: { aud: ['sluice', 'other'] } }) }),
      /"aud"|azp/,
    ],
    ['G3 azp of another', async () => ({ id_token: await idToken({ claims: { azp: 'other' } }) }), /azp/],
    [
      'G3 of another issuer',
      async () => ({ id_token: await idToken({ claims: { iss: 'https://other.test' } }) }),
      /"iss"/,
    ],
    [
      'G3 of the issuer with a slash',
      async () => ({ id_token: await idToken({ claims: { iss: `${idp.url}/` } }) }),
      /"iss"/,
    ],
    ['G4 without a nonce', async () => ({ id_token: await idToken({ claims: { nonce: undefined } }) }), /nonce/],
    ['G4 with another nonce', async () => ({ id_token: await idToken({ claims: { nonce: 'old' } }) }), /nonce/],
    ['G5 expired', async () => ({ id_token: await idToken({ claims: { exp: soon(-61) } }) }), /"exp"/],
    ['G5 not yet', async () => ({ id_token: await idToken({ claims: { nbf: soon(90) } }) }), /"nbf"/],
    [
      'G5 issued ahead',
      async () => ({ id_token: await idToken({ claims: { iat: soon(120), exp: soon(900) } }) }),
      /iat lies \d+ s ahead: a clock is wrong/,
    ],
    ['of nobody', async () => ({ id_token: await idToken({ claims: { sub: undefined } }) }), /"sub"/],
    [
      'of a subject with a line break',
      async () => ({ id_token: await idToken({ claims: { sub: 'a\nb' } }) }),
      /subject/,
    ],
    [
      'of an endless subject',
      async () => ({ id_token: await idToken({ claims: { sub: 'x'.repeat(256) } }) }),
      /subject/,
    ],
    ['that is not there', async () => ({}), /id_token/],
    ['that is an access token (G7)', async () => ({ id_token: 'opaque' }), /./],
    [
      'with 10,001 groups',
      async () => ({
        id_token: await idToken({ claims: { realm: { roles: Array.from({ length: 10_001 }, (_, i) => `g${i}`) } } }),
      }),
      /signin\.groups: more than/,
    ],
    [
      'with groups that are no list',
      async () => ({ id_token: await idToken({ claims: { realm: { roles: { dba: true } } } }) }),
      /signin\.groups/,
    ],
    [
      'whose groups were left out for their number',
      async () => ({ id_token: await idToken({ claims: { _claim_names: { realm: 'src1' } } }) }),
      /signin\.groups: the provider left/,
    ],
  ])('%s is refused', async (_, make, why) => {
    const flow = await begin()
    answerWith = make
    mustBeRefused(await back(flow), why)
  })

  it.each([
    ['exp', -40],
    ['nbf', 40],
    ['iat', 40],
  ])('may be off by a clock’s %s of less than a minute (G5)', async (claim, s) => {
    const flow = await begin()
    answerWith = async () => ({ id_token: await idToken({ claims: { [claim]: soon(s) } }) })
    expect((await back(flow)).cookie).toBeDefined()
  })

  it('claims of __proto__ and the like give nothing', async () => {
    trust({ groups: ['__proto__', 'roles'] })
    const flow = await begin()
    answerWith = async () => ({ id_token: await idToken({ claims: { constructor: { roles: ['dba'] } } }) })
    await back(flow)
    expect(door.api.services.principals.lookup('human:acme:ada')?.groups).toEqual([])
  })

  it('of a key that was published meanwhile is accepted, one of a key taken back is not (G2)', async () => {
    await back(await begin())
    idp.keys = []
    await idp.addKey('k2')
    const flow = await begin()
    answerWith = async () => ({ id_token: await idToken({ kid: 'k2' }) })
    // The library asks for new keys once a minute at most: a flood of unknown kids is no flood of requests.
    const { page } = await back(flow)
    expect([302, 404, 400]).toContain(page.status)
    expect(idp.asked.filter((path) => path === '/jwks').length).toBeLessThanOrEqual(2)
  })

  it('G6: userinfo of another subject, and an address that is another’s, make nobody else', async () => {
    trust({ userinfo: true })
    idp.answers.set('/me', (_, response) => json(response, { sub: 'root', email: 'root@acme.example' }))
    mustBeRefused(await back(await begin()), /"sub"/)
    door.api.entries.length = 0
    idp.answers.set('/me', (_, response) =>
      json(response, { sub: 'ada', email: 'root@acme.example', email_verified: false, realm: { roles: ['dba'] } }),
    )
    await back(await begin())
    expect(door.api.services.principals.lookup('human:acme:ada')?.groups).toEqual(['dba'])
  })
})

describe('the answer itself', () => {
  it.each<[string, (flow: { visitor: Visitor; state: string }) => ReturnType<typeof back>, RegExp]>([
    ['without a state', (flow) => back(flow, { state: '' }), /state: unknown/],
    ['with a state nobody gave', (flow) => back(flow, { state: 'x'.repeat(43) }), /state: unknown/],
    [
      'in another browser (login CSRF, code injection)',
      ({ state }) => back({ visitor: new Visitor(), state }),
      /another browser/,
    ],
    ['of another issuer (mix-up)', (flow) => back(flow, { iss: 'https://other.test' }), /iss/],
    [
      'that is an error',
      (flow) => back(flow, { error: 'access_denied' }),
      /signin\.provider: it answered access_denied/,
    ],
    ['without a code', (flow) => back(flow, { code: '' }), /code/],
  ])('G4 %s leads nowhere', async (_, answer, why) => {
    mustBeRefused(await answer(await begin()), why)
  })

  it('G4 is good once, also for the honest browser', async () => {
    const flow = await begin()
    expect((await back(flow)).cookie).toBeDefined()
    const visitor = new Visitor()
    for (const [host, jar] of flow.visitor.cookies)
      visitor.cookies.set(host, new Map([...jar].filter(([name]) => name !== '__Host-sluice')))
    mustBeRefused(await back({ ...flow, visitor }), /state: unknown, used/)
  })

  it('G4 begun with one provider is not taken from another (mix-up)', async () => {
    const other = await startIssuer()
    door.trust('other', {
      oidc: { issuer: other.url, clientId: 'sluice', scopes: [], algorithm: 'RS256', userinfo: false },
    })
    mustBeRefused(await back(await begin(), {}, 'other'), /begun with acme/)
    await other[Symbol.asyncDispose]()
  })

  it('G4 of a provider that announces iss must carry it (RFC 9207)', async () => {
    serve({ authorization_response_iss_parameter_supported: true })
    mustBeRefused(await back(await begin()), /iss/)
  })

  it('G3 a provider that calls itself something else is not asked', async () => {
    serve({ issuer: `${idp.url}/` })
    const page = await new Visitor().open(`${door.url}/sign-in/acme`)
    expect(page.html).toContain('did not complete the sign-in')
    expect(door.refusals()).toEqual([expect.stringMatching(/signin\.provider: /)])
  })

  it('too old is as good as none', async () => {
    const flow = await begin()
    await door.api.store.vouchers.take('flow', 'x', 0)
    const { sha256 } = await import('../../src/kit/digest.ts')
    const body = (await door.api.store.vouchers.take('flow', sha256(flow.state), Date.now()))!
    await door.api.store.vouchers.issue(
      { kind: 'flow', id: sha256(flow.state), body, expires_ms: Date.now() - 1 },
      9,
      0,
    )
    mustBeRefused(await back(flow), /too old/)
  })

  it('an endless one of the provider is not read to its end', async () => {
    idp.answers.set('/token', (_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      const more = () => {
        while (!response.destroyed && response.write('x'.repeat(65_536)));
        if (!response.destroyed) response.once('drain', more)
      }
      more()
    })
    mustBeRefused(await back(await begin()), /./)
  })
})

describe('in the browser', () => {
  it.each([
    'https://evil.test/',
    '//evil.test',
    '/\\evil.test',
    '/%0d%0aSet-Cookie:x',
    'javascript:alert(1)',
    '/\t/evil.test',
  ])('one is not sent to %s after signing in (open redirect)', async (wanted) => {
    const visitor = new Visitor()
    await visitor.open(
      `${door.url}/sign-in/acme?return=${encodeURIComponent(wanted)}`,
      (url) => url.pathname === '/auth',
    )
    const page = await visitor.open(
      `${door.url}/sign-in/acme?return=${encodeURIComponent(wanted)}`,
      (url) => url.pathname === '/auth',
    )
    const query = new URL(page.url).searchParams
    nonce = query.get('nonce')!
    const arrived = await back({ visitor, state: query.get('state')! })
    expect(new URL(arrived.page.url).origin).toBe(door.url)
  })

  it('pages cannot be framed, run nothing, and post to themselves only (G9)', async () => {
    for (const path of ['/sign-in', '/device', '/sign-out', '/confirm?ticket=x']) {
      const response = await fetch(`${door.url}${path}`, { redirect: 'manual' })
      if (response.status === 302) continue
      expect(response.headers.get('content-security-policy')).toMatch(
        /default-src 'none';.*form-action 'self';.*frame-ancestors 'none'/,
      )
      expect(response.headers.get('x-frame-options')).toBe('DENY')
      expect(await response.text()).not.toMatch(/<script|\bon\w+=/i)
    }
  })

  it('a change needs our origin and the session’s own token (G9)', async () => {
    const { cookie } = await back(await begin())
    const me = (await (await asBrowser(door, cookie!, { path: '/api/v1/me' })).json()) as { csrf: string }
    const leave = async (headers: Record<string, string>) => {
      const response = await asBrowser(door, cookie!, { path: '/api/v1/sign-out', method: 'POST', headers })
      return [response.status, ((await response.json()) as { code?: string }).code]
    }
    const right = { origin: door.url, 'x-sluice-csrf': me.csrf }
    expect(await leave({})).toEqual([403, 'signin.forged'])
    expect(await leave({ origin: door.url })).toEqual([403, 'signin.forged'])
    expect(await leave({ 'x-sluice-csrf': me.csrf })).toEqual([403, 'signin.forged'])
    expect(await leave({ ...right, origin: 'https://evil.test' })).toEqual([403, 'signin.forged'])
    expect(await leave({ ...right, origin: 'null' })).toEqual([403, 'signin.forged'])
    expect(await leave({ ...right, 'sec-fetch-site': 'cross-site' })).toEqual([403, 'signin.forged'])
    expect(await leave({ ...right, 'x-sluice-csrf': 'x' })).toEqual([403, 'signin.forged'])
    expect(await leave(right)).toEqual([200, undefined])
  })

  it('a form of another page signs nobody out and says yes to nothing (G9)', async () => {
    const { cookie } = await back(await begin())
    for (const path of ['/sign-out', '/confirm']) {
      const response = await fetch(`${door.url}${path}`, {
        method: 'POST',
        headers: { cookie: `__Host-sluice=${cookie}`, origin: 'https://evil.test' },
        body: new URLSearchParams({ csrf: 'x', ticket: 'x', answer: 'yes' }),
      })
      expect(response.status).toBe(403)
    }
    expect((await asBrowser(door, cookie!, { path: '/api/v1/me' })).status).toBe(200)
  })

  it('a session is no token, a token no session, and two cookies of the name are none (G7, G8)', async () => {
    const { cookie } = await back(await begin())
    const { authenticate } = door.api.services.identity
    expect(await authenticate({ kind: 'token', proof: cookie!, from: '' })).toBeUndefined()
    expect(await authenticate({ kind: 'cookie', proof: door.api.token('root'), from: '' })).toBeUndefined()
    expect((await fetch(`${door.url}/api/v1/me`, { headers: { authorization: `Bearer ${cookie}` } })).status).toBe(401)
    const twice = await fetch(`${door.url}/api/v1/me`, {
      headers: { cookie: `__Host-sluice=${cookie}; __Host-sluice=x` },
    })
    expect(twice.status).toBe(401)
  })

  it('beginning without end is bounded, and does not lock those who are signed in out', async () => {
    await using impatient = await startDoor({ patient: false })
    impatient.trust('acme', {
      oidc: { issuer: idp.url, clientId: 'sluice', scopes: [], algorithm: 'RS256', userinfo: false },
    })
    const statuses = new Set<number>()
    for (let i = 0; i < 260 && !statuses.has(429); i++)
      statuses.add((await fetch(`${impatient.url}/sign-in/acme`, { redirect: 'manual' })).status)
    expect(statuses).toEqual(new Set([302, 429]))
    expect((await impatient.api.call('root', 'GET', '/api/v1/me')).status).toBe(200)
  })
})

describe('a program’s sign-in', () => {
  const verifier = 'v'.repeat(43)
  const wish = async (over: Record<string, string> = {}) => {
    const digest = await crypto.subtle.digest('SHA-256', Buffer.from(verifier))
    const query = {
      response_type: 'code',
      client_id: 'sluice-cli',
      redirect_uri: 'http://127.0.0.1:4711/',
      state: 's'.repeat(20),
      code_challenge_method: 'S256',
      code_challenge: base64url.encode(new Uint8Array(digest)),
      ...over,
    }
    return `${door.url}/authorize?${new URLSearchParams(query)}`
  }
  it.each([
    ['an address elsewhere', { redirect_uri: 'https://evil.test/' }],
    ['a name that may be anything', { redirect_uri: 'http://localhost:4711/' }],
    ['an address with a user', { redirect_uri: 'http://127.0.0.1@evil.test:80/' }],
    ['no port', { redirect_uri: 'http://127.0.0.1/' }],
    ['a scheme of its own', { redirect_uri: 'evil:/x' }],
    ['another client', { client_id: 'other' }],
    ['a plain challenge (G4, PKCE downgrade)', { code_challenge_method: 'plain' }],
    ['no challenge', { code_challenge: '' }],
    ['another flow', { response_type: 'token' }],
    ['no state', { state: '' }],
  ])('with %s is not begun', async (_, over) => {
    const page = await new Visitor().open(await wish(over))
    expect([page.status, new URL(page.url).origin]).toEqual([400, door.url])
  })

  /** Up to the question. */
  async function asked() {
    const visitor = new Visitor()
    const page = await visitor.open(await wish(), (url) => url.pathname === '/auth')
    const query = new URL(page.url).searchParams
    nonce = query.get('nonce')!
    const { page: question } = await back({ visitor, state: query.get('state')! })
    return { visitor, question }
  }
  const redeem = async (over: Record<string, string>) => {
    const fields = {
      grant_type: 'authorization_code',
      client_id: 'sluice-cli',
      redirect_uri: 'http://127.0.0.1:4711/',
      code_verifier: verifier,
      ...over,
    }
    const response = await fetch(`${door.url}/oauth/token`, { method: 'POST', body: new URLSearchParams(fields) })
    return { status: response.status, ...((await response.json()) as { error?: string; access_token?: string }) }
  }
  const yes = async () => {
    const { visitor, question } = await asked()
    const page = await visitor.submit(question, { answer: 'yes' }, (url) => url.port === '4711')
    return new URL(page.url).searchParams
  }

  it('asks the person first, gives no session to the browser, and a code that is good once', async () => {
    const { visitor, question } = await asked()
    expect(question.html).toContain('asks to act for you')
    expect(visitor.cookies.get(new URL(door.url).host)?.has('__Host-sluice')).toBe(false)
    const page = await visitor.submit(question, { answer: 'yes' }, (url) => url.port === '4711')
    const { code, state, iss } = Object.fromEntries(new URL(page.url).searchParams)
    expect([state, iss]).toEqual(['s'.repeat(20), door.url])
    const { access_token } = await redeem({ code: code! })
    expect(
      await door.api.services.identity.authenticate({ kind: 'token', proof: access_token!, from: '' }),
    ).toMatchObject({ id: 'human:acme:ada' })
    expect(await redeem({ code: code! })).toMatchObject({ status: 400, error: 'invalid_grant' })
  })

  it('a code shown twice ends what it led to (G4, G11)', async () => {
    const code = (await yes()).get('code')!
    const { access_token } = await redeem({ code })
    const who = () => door.api.services.identity.authenticate({ kind: 'token', proof: access_token!, from: '' })
    expect(await redeem({ code: `${code.slice(0, -1)}${code.endsWith('A') ? 'B' : 'A'}` })).toMatchObject({
      status: 400,
    })
    expect(await who()).toBeDefined()
    expect(await redeem({ code, code_verifier: 'w'.repeat(43) })).toMatchObject({ error: 'invalid_grant' })
    expect(await who()).toBeUndefined()
  })

  it('of two showings at once at most one token is left (G4)', async () => {
    const code = (await yes()).get('code')!
    const answers = await Promise.all([1, 2, 3].map(() => redeem({ code })))
    expect(answers.filter(({ access_token }) => access_token !== undefined).length).toBeLessThanOrEqual(1)
  })

  it('a no is a no, and the question is good once, in that browser, for a page of ours', async () => {
    const { visitor, question } = await asked()
    const other = await new Visitor().open(question.url)
    expect(other.html).toContain('no longer open, or belongs to another browser')
    const page = await visitor.submit(question, { answer: 'no' }, (url) => url.port === '4711')
    expect(Object.fromEntries(new URL(page.url).searchParams)).toMatchObject({ error: 'access_denied' })
    expect((await visitor.submit(question, { answer: 'yes' })).html).toContain('no longer')
  })

  it.each<[string, Record<string, string>]>([
    ['another verifier (PKCE)', { code_verifier: 'w'.repeat(43) }],
    ['no verifier', { code_verifier: '' }],
    ['another address', { redirect_uri: 'http://127.0.0.1:4712/' }],
  ])('a code shown with %s is worth nothing, then or later', async (_, over) => {
    const code = (await yes()).get('code')!
    const refused = await redeem({ code, ...over })
    expect(refused.status).toBe(400)
    if (over.code_verifier !== '') expect((await redeem({ code })).error).toBe('invalid_grant')
  })
})

describe('a logout token (back channel)', () => {
  const EVENTS = { 'http://schemas.openid.net/event/backchannel-logout': {} }
  const send = async (logout_token: string, provider = 'acme') =>
    (
      await fetch(`${door.url}/sign-in/${provider}/logout`, {
        method: 'POST',
        body: new URLSearchParams({ logout_token }),
      })
    ).status
  const logout = (claims: Record<string, unknown> = {}, header: Record<string, unknown> = {}) =>
    idp.sign({
      claims: { sub: 'ada', events: EVENTS, jti: crypto.randomUUID(), ...claims },
      header: { typ: 'logout+jwt', ...header },
    })

  it.each<[string, () => Promise<string>]>([
    ['an ID token', () => idToken()],
    ['with a nonce', () => logout({ nonce: 'n' })],
    ['for another client', () => logout({ aud: 'other' })],
    ['of another issuer', () => logout({ iss: 'https://other.test' })],
    ['of nobody', () => logout({ sub: undefined })],
    ['without an id', () => logout({ jti: undefined })],
    ['an old one', () => logout({ iat: soon(-400) })],
    ['one of tomorrow', () => logout({ iat: soon(4_000), exp: soon(8_000) })],
    ['of another type', () => logout({}, { typ: 'at+jwt' })],
    ['unsigned', async () => unsecured('none', { events: EVENTS, jti: 'x' })],
    ['of a stranger’s key', () => foreign({})],
    ['nonsense', async () => 'x'],
  ])('%s ends nothing (G21)', async (_, make) => {
    const { cookie } = await back(await begin())
    expect(await send(await make())).toBe(400)
    expect((await asBrowser(door, cookie!, { path: '/api/v1/me' })).status).toBe(200)
  })

  it('ends the subject’s sign-ins, is good once, and for its provider only', async () => {
    const { cookie } = await back(await begin())
    const token = await logout()
    expect(await send(token, 'nobody')).toBe(400)
    expect(await send(token)).toBe(200)
    expect((await asBrowser(door, cookie!, { path: '/api/v1/me' })).status).toBe(401)
    expect(await send(token)).toBe(400)
  })
})

it('G11: a refresh token that was used by another ends the sign-in at the provider, and so here', async () => {
  const acme = await startRealProvider(door, 'real', { configuration: { rotateRefreshToken: true } })
  acme.people.set('u1', { subject: 'u1', name: 'Ada', email: 'a@b.example', groups: [] })
  const { cookie } = await signIn(door, { provider: 'real', person: 'u1' })
  const row = (await door.api.store.signIns.standing({ provider: 'real' }))[0]!
  const { refresh } = door.api.services.signIn.signIns.grantOf(row)
  const authorization = `Basic ${Buffer.from('sluice-real:a-secret-of-some-length').toString('base64')}`
  const steal = () =>
    fetch(`${acme.issuer}/token`, {
      method: 'POST',
      headers: { authorization },
      body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: refresh! }),
    })
  expect((await steal()).status).toBe(200)
  await steal()
  await door.api.store.signIns.update(row.id, { next_check_ms: 0 })
  await door.api.services.signIn.recheck()
  expect((await asBrowser(door, cookie!, { path: '/api/v1/me' })).status).toBe(401)
  await acme.close()
})

const claims = () => ({ iss: idp.url, aud: 'sluice', sub: 'ada', nonce, iat: soon(0), exp: soon(300) })

function unsecured(alg = 'none', more: object = {}): string {
  const [, payload] = new UnsecuredJWT({ ...claims(), ...more }).encode().split('.')
  return `${base64url.encode(JSON.stringify({ alg }))}.${payload}.`
}

async function hmac(): Promise<string> {
  const { kid: _, ...jwk } = idp.publicKey()
  return await new SignJWT(claims())
    .setProtectedHeader({ alg: 'HS256', kid: 'k1' })
    .sign(new TextEncoder().encode(JSON.stringify(jwk).padEnd(64, ' ')))
}

/** Signed by a key the provider never published. */
async function foreign({ jwk = false, ...header }: { jwk?: boolean; [name: string]: unknown }): Promise<string> {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const own = jwk ? { jwk: publicKey.export({ format: 'jwk' }) as JWK } : {}
  return await new SignJWT(claims()).setProtectedHeader({ alg: 'RS256', kid: 'k1', ...header, ...own }).sign(privateKey)
}
