import { createHmac, createPublicKey, generateKeyPairSync } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { EXCHANGE, JWT, startExchange, type TestExchange } from '../../../test/rig/exchange.ts'
import { type SignWish, startIssuer, type TestIssuer } from '../../../test/rig/issuer.ts'
import { SluiceError } from '../../kit/errors.ts'
import { isPrivateAddress } from '../trust/address.ts'
import { fetchDocument } from '../trust/fetch.ts'

let issuer: TestIssuer
let rig: TestExchange

const documentOf = (more = '') => `
kind: TrustedIssuer
name: github
issuer: ${issuer.url}
audience: sluice
network: { private: true }
${more}
grants:
  - { when: 'claims.repository == "acme/shop" && claims.ref == "refs/heads/main"', principal: service:deploy }
  - { when: 'claims.repository == "acme/tools"', principal: service:ci }
`

beforeAll(async () => {
  issuer = await startIssuer()
})
afterAll(() => issuer[Symbol.asyncDispose]())
beforeEach(async () => {
  rig = await startExchange(documentOf())
})
afterEach(() => rig[Symbol.asyncDispose]())

const form = (token: string, more: Record<string, string> = {}) => ({
  ...{ grant_type: EXCHANGE, subject_token: token, subject_token_type: JWT },
  ...more,
})
const refused = async (wish: SignWish) => await rig.refusal(form(await issuer.sign(wish)))
const now_s = () => Math.floor(Date.now() / 1_000)
/** Counted from when the token is made. */
const in_s = (seconds: number) => () => now_s() + seconds

describe('a workload’s token', () => {
  it('becomes one of ours, for ten minutes, with what its issuer said', async () => {
    const { token, expires_ms } = await rig.send(form(await issuer.sign()))
    const principal = (await rig.signIn(token.reveal()))!
    expect(principal).toMatchObject({ kind: 'service', id: 'service:deploy', claims: { repository: 'acme/shop' } })
    expect(Math.round((expires_ms - Date.now()) / 60_000)).toBe(10)
    expect(rig.entries.at(-1)).toMatchObject({ ok: true, principal: 'service:deploy' })
  })

  it('delegates to an agent in one step, where the agent’s document lists the service', async () => {
    const more = { requested_actor: 'agent:bot', authorization_details: '[{"type":"sluice","effects":["read"]}]' }
    const { token } = await rig.send(form(await issuer.sign(), more))
    expect(await rig.signIn(token.reveal())).toMatchObject({
      id: 'agent:bot',
      actor: { id: 'service:deploy', claims: { repository: 'acme/shop' } },
    })
    expect(await rig.refusal(form(await issuer.sign({ claims: { repository: 'acme/tools' } }), more))).toBe(
      'delegation.refused',
    )
  })

  it('opens nothing by itself (G7, G12)', async () => {
    expect(await rig.signIn(await issuer.sign())).toBeUndefined()
  })

  // G3, G5, G7
  it.each<[string, SignWish, string]>([
    ['for another audience', { claims: { aud: 'other' } }, 'trust.audience'],
    ['for ours and another', { claims: { aud: ['sluice', 'other'] } }, 'trust.audience'],
    ['for a longer audience', { claims: { aud: 'sluice/' } }, 'trust.audience'],
    ['for no audience', { claims: { aud: undefined } }, 'trust.audience'],
    ['of an issuer with a slash more', { claims: { iss: 'SELF/' } }, 'trust.issuer'],
    ['of no issuer', { claims: { iss: undefined } }, 'trust.issuer'],
    ['of an issuer that is a list', { claims: { iss: ['SELF'] } }, 'trust.issuer'],
    ['of no subject', { claims: { sub: undefined } }, 'trust.form'],
    ['of a subject that is no text', { claims: { sub: 7 } }, 'trust.form'],
    ['that never ends', { claims: { exp: undefined } }, 'trust.time'],
    ['that ended beyond the skew', { claims: { exp: in_s(-31) } }, 'trust.time'],
    ['that ended within the skew', { claims: { exp: in_s(-25) } }, ''],
    ['that begins beyond the skew', { claims: { nbf: in_s(40) } }, 'trust.time'],
    ['that begins within the skew', { claims: { nbf: in_s(20) } }, ''],
    ['issued in the future', { claims: { iat: in_s(40) } }, 'trust.time'],
    ['that lives for a year', { claims: { exp: in_s(31_536_000) } }, 'trust.time'],
    ['whose time is no number', { claims: { exp: 'tomorrow' } }, 'trust.time'],
    ['of another type', { header: { typ: 'at+jwt' } }, 'trust.form'],
    ['of a logout', { header: { typ: 'logout+jwt' } }, 'trust.form'],
    ['of a branch nobody trusts', { claims: { ref: 'refs/heads/evil' } }, 'trust.claims'],
    ['with claims too long to keep', { claims: { padding: 'x'.repeat(9_000) } }, 'trust.claims'],
  ])('%s: %j → %s', async (_, { claims = {}, header = {} }, code) => {
    const own = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(own)
      if (typeof value === 'function') return (value as () => number)()
      return typeof value === 'string' ? value.replace('SELF', issuer.url) : value
    }
    const mine = Object.fromEntries(Object.entries(claims).map(([name, value]) => [name, own(value)]))
    expect(await refused({ claims: mine, header })).toBe(code)
  })

  it('with a jti is good once; without one, and where the document allows it, again and again', async () => {
    const once = await issuer.sign({ claims: { jti: 'a' } })
    expect([await rig.refusal(form(once)), await rig.refusal(form(once))]).toEqual(['', 'trust.replayed'])
    const many = await issuer.sign()
    expect([await rig.refusal(form(many)), await rig.refusal(form(many))]).toEqual(['', ''])
    await using lenient = await startExchange(documentOf('replay: allow'))
    const again = await issuer.sign({ claims: { jti: 'b' } })
    expect([await lenient.refusal(form(again)), await lenient.refusal(form(again))]).toEqual(['', ''])
  })

  it('of a service that is blocked gives nothing', async () => {
    await rig.identity.block({ kind: 'principal', subject: 'service:deploy', by: 'human:root', why: 'test' })
    expect(await rig.refusal(form(await issuer.sign()))).toBe('oauth.grant')
  })

  it('refused says nothing to its sender of why, and everything to the ledger', async () => {
    await refused({ claims: { aud: 'other' } })
    expect(rig.entries.at(-1)).toMatchObject({
      ok: false,
      reason: 'trust.audience',
      detail: expect.stringContaining('github'),
    })
  })
})

// G1
describe('a token whose signature proves nothing', () => {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const resigned = async (header: object, sign: (input: string) => string) => {
    const [, claims] = (await issuer.sign()).split('.')
    const input = `${part(header)}.${claims}`
    return `${input}.${sign(input)}`
  }
  it.each(['none', 'None', 'NONE', 'nOnE', ''])('alg %j', async (alg) => {
    for (const signature of ['', 'AA'])
      expect(await rig.refusal(form(await resigned({ alg, kid: 'k1' }, () => signature)))).toMatch(
        /^trust\.(algorithm|form)$/,
      )
  })

  it('HMAC with the public key as its secret, in every form the key has', async () => {
    const jwk = issuer.publicKey()
    const pem = createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'pem' }) as string
    for (const secret of [pem, pem.trim(), JSON.stringify(jwk), jwk.n!, Buffer.from(jwk.n!, 'base64url')]) {
      const token = await resigned({ alg: 'HS256', kid: 'k1' }, (input) =>
        createHmac('sha256', secret).update(input).digest('base64url'),
      )
      expect(await rig.refusal(form(token))).toBe('trust.algorithm')
    }
  })

  it('a key it brings along itself', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const jwk = publicKey.export({ format: 'jwk' })
    const { SignJWT } = await import('jose')
    for (const brought of [{ jwk }, { jku: `${issuer.url}/jwks` }, { x5u: 'https://evil.example' }, { x5c: ['AA'] }]) {
      const token = await new SignJWT({
        iss: issuer.url,
        sub: 'x',
        aud: 'sluice',
        exp: now_s() + 60,
        repository: 'acme/shop',
        ref: 'refs/heads/main',
      })
        .setProtectedHeader({ alg: 'RS256', kid: 'k1', ...brought })
        .sign(privateKey)
      expect(await rig.refusal(form(token))).toBe('trust.form')
    }
  })

  it('another key under a name of theirs, an altered claim, a cut signature', async () => {
    const other = await startIssuer()
    await using _ = other
    const forged = await other.sign({ claims: { iss: issuer.url } })
    expect(await rig.refusal(form(forged))).toBe('trust.signature')
    const [head, , signature] = (await issuer.sign()).split('.')
    const claims = part({ iss: issuer.url, sub: 'x', aud: 'sluice', exp: now_s() + 60, repository: 'acme/tools' })
    expect(await rig.refusal(form(`${head}.${claims}.${signature}`))).toBe('trust.signature')
    expect(await rig.refusal(form((await issuer.sign()).slice(0, -8)))).toMatch(/^trust\.(signature|form)$/)
  })

  it.each([
    ['critical words', { crit: ['exp'], exp: 1 }],
    ['an unencoded payload', { b64: false, crit: ['b64'] }],
    ['a kid that is no text', { kid: 7 }],
    ['a kid of a page', { kid: 'k'.repeat(300) }],
  ])('a header with %s', async (_, header) => {
    expect(await rig.refusal(form(await resigned({ alg: 'RS256', ...header }, () => 'AA')))).toBe('trust.form')
  })

  it.each(['', 'x', 'a.b', 'a.b.c', 'a.b.c.d', 'e30.e30.', `${'A'.repeat(20_000)}`, '....', 'bnVsbA.bnVsbA.AA'])(
    'no token at all: %j',
    async (text) => {
      expect(await rig.refusal(form(text))).toMatch(/^(trust\.(form|issuer|algorithm)|oauth\.request)$/)
    },
  )
})

// G2
describe('keys', () => {
  it('are found by their exact name alone: a path, a query, a prototype’s word are names like any other', async () => {
    for (const kid of ['../../jwks', '/dev/null', "k1' OR '1'='1", 'k1\u0000', 'K1', ' k1', '__proto__', 'constructor'])
      expect([kid, await refused({ header: { kid } })]).toEqual([kid, 'trust.keys'])
    expect(issuer.asked.filter((path) => path !== '/jwks' && !path.startsWith('/.well-known'))).toEqual([])
  })

  it('unnamed are used when there is one, not when several fit', async () => {
    expect(await refused({ header: { kid: undefined } })).toBe('')
    await using other = await startIssuer()
    await other.addKey('k2')
    await using two = await startExchange(documentOf().replaceAll(issuer.url, other.url))
    expect(await two.refusal(form(await other.sign({ header: { kid: undefined } })))).toBe('trust.keys')
    expect(await two.refusal(form(await other.sign({ kid: 'k2' })))).toBe('')
  })

  it('of one name twice, or of the wrong kind, or unreadable, are none; the rest of the set still counts', async () => {
    await using other = await startIssuer()
    await using its = await startExchange(documentOf().replaceAll(issuer.url, other.url))
    const [good] = other.keys
    other.keys = [
      { kty: 'RSA', kid: 'k1', use: 'enc', n: 'AA', e: 'AQAB' },
      { kty: 'oct', kid: 'k1', k: 'AAAA' },
      { kty: 'XYZ', kid: 'k9' } as never,
      good!,
    ]
    expect(await its.refusal(form(await other.sign()))).toBe('')
    await using twice = await startExchange(documentOf().replaceAll(issuer.url, other.url))
    other.keys = [good!, { ...good!, n: 'AAAA' }]
    expect(await twice.refusal(form(await other.sign()))).toBe('trust.keys')
  })

  it('that are new are fetched, but not more often than twice a minute, whatever tokens say', async () => {
    await using other = await startIssuer()
    await using its = await startExchange(documentOf().replaceAll(issuer.url, other.url))
    expect(await its.refusal(form(await other.sign()))).toBe('')
    await other.addKey('k2')
    const fetched = () => other.asked.filter((path) => path === '/jwks').length
    expect(await its.refusal(form(await other.sign({ kid: 'k2' })))).toBe('trust.keys')
    expect(fetched()).toBe(1)
    its.ahead_ms = 30_000
    expect(await its.refusal(form(await other.sign({ kid: 'k2' })))).toBe('')
    await Promise.all(
      Array.from({ length: 50 }, async (_, i) => its.refusal(form(await other.sign({ header: { kid: `x${i}` } })))),
    )
    expect(fetched()).toBe(2)
  })

  it('stay good for a while when their server does not answer, and no longer', async () => {
    await using other = await startIssuer()
    await using its = await startExchange(documentOf().replaceAll(issuer.url, other.url))
    expect(await its.refusal(form(await other.sign()))).toBe('')
    other.answers.set('/jwks', (_, response) => response.writeHead(500).end())
    its.ahead_ms = 1_800_000
    const later = { claims: { iat: now_s() + 1_800, exp: now_s() + 2_000 } }
    expect(await its.refusal(form(await other.sign(later)))).toBe('')
    its.ahead_ms = 3_700_000
    const muchLater = { claims: { iat: now_s() + 3_700, exp: now_s() + 3_900 } }
    expect(await its.refusal(form(await other.sign(muchLater)))).toBe('trust.keys')
  })

  it('of a discovery document that names another issuer are not taken', async () => {
    await using other = await startIssuer()
    await using its = await startExchange(documentOf().replaceAll(issuer.url, other.url))
    other.answers.set('/.well-known/openid-configuration', (_, response) =>
      response.end(JSON.stringify({ issuer: `${other.url}/`, jwks_uri: `${other.url}/jwks` })),
    )
    expect(await its.refusal(form(await other.sign()))).toBe('trust.keys')
  })

  it('of an Ed25519 or P-256 issuer verify, where the document lists the algorithm', async () => {
    await using other = await startIssuer()
    await other.addKey('ec', 'ES256')
    await other.addKey('ed', 'EdDSA')
    await using its = await startExchange(documentOf('algorithms: [ES256, EdDSA]').replaceAll(issuer.url, other.url))
    expect(await its.refusal(form(await other.sign({ kid: 'ec' })))).toBe('')
    expect(await its.refusal(form(await other.sign({ kid: 'ed' })))).toBe('')
    expect(await its.refusal(form(await other.sign({ kid: 'k1' })))).toBe('trust.algorithm')
  })
})

describe('a SPIFFE JWT-SVID', () => {
  it('is known by its trust domain, with keys meant for it alone', async () => {
    await issuer.addKey('svid', 'ES256')
    const jwks = {
      keys: [
        { ...issuer.publicKey('svid'), use: 'jwt-svid' },
        { ...issuer.publicKey('k1'), use: 'x509-svid' },
      ],
    }
    await using its = await startExchange(`
kind: TrustedIssuer
name: mesh
trustDomain: prod.example
audience: sluice
keys: { jwks: ${JSON.stringify(jwks)} }
grants: [{ when: 'claims.sub == "spiffe://prod.example/ns/shop/sa/deploy"', principal: service:deploy }]`)
    const svid = (sub: string, kid = 'svid') =>
      issuer.sign({ kid, claims: { iss: undefined, sub }, header: { typ: 'JOSE' } })
    const code = async (token: Promise<string>) => await its.refusal(form(await token))
    expect(await code(svid('spiffe://prod.example/ns/shop/sa/deploy'))).toBe('')
    expect(await code(svid('spiffe://prod.example/ns/shop/sa/other'))).toBe('trust.claims')
    expect(await code(svid('spiffe://prod.example.evil/ns/shop/sa/deploy'))).toBe('trust.issuer')
    expect(await code(svid('spiffe://prod.example/ns/shop/sa/deploy', 'k1'))).toBe('trust.keys')
  })
})

describe('fetching an issuer’s documents', () => {
  const why = (wish: Partial<Parameters<typeof fetchDocument>[0]> & { url: string }) =>
    fetchDocument({ allowPrivate: true, ca: undefined, ...wish }).then(
      () => '',
      (error: unknown) => (error instanceof SluiceError ? `${error.code} ${error.detail}` : String(error)),
    )

  it.each<[string, string, RegExp]>([
    ['a redirect, even to itself', '/redirect', /status 302/],
    ['another status', '/404', /status 404/],
    ['an answer without an end', '/endless', /more than 262144 bytes/],
    ['no JSON', '/html', /trust\.keys/],
  ])('stops at %s', async (_, path, expected) => {
    issuer.answers.set('/redirect', (_request, response) => response.writeHead(302, { location: '/jwks' }).end())
    issuer.answers.set('/html', (_request, response) => response.end('<html>'))
    issuer.answers.set('/endless', (_request, response) => {
      const more = () => {
        while (response.write('x'.repeat(65_536)));
      }
      response.on('drain', more)
      more()
    })
    expect(await why({ url: issuer.url + path })).toMatch(expected)
  })

  it.each([
    'http://169.254.169.254/latest/meta-data',
    'https://10.0.0.1/jwks',
    'https://[::1]/jwks',
    'https://[::ffff:127.0.0.1]/jwks',
    'https://127.1/jwks',
    'https://0x7f000001/jwks',
    'https://localhost/jwks',
    'http://issuer.example/jwks',
    'https://user:secret@issuer.example/jwks',
    'file:///etc/passwd',
    'gopher://x',
    '',
  ])('asks nothing of %s', async (url) => {
    expect(await why({ url, allowPrivate: false })).toMatch(
      /^trust\.keys .*(private address|in the clear|no plain http)/,
    )
  })

  it.each([
    ['8.8.8.8', false],
    ['2606:4700::1111', false],
    ['127.0.0.1', true],
    ['172.31.255.255', true],
    ['172.32.0.1', false],
    ['100.64.0.1', true],
    ['::ffff:10.0.0.1', true],
    ['::ffff:8.8.8.8', false],
    ['::ffff:a00:1', true],
    ['fd00::1', true],
    ['fe80::1', true],
    ['64:ff9b::a00:1', true],
    ['no address', true],
  ])('%s is private: %s', (address, expected) => {
    expect(isPrivateAddress(address)).toBe(expected)
  })
})
