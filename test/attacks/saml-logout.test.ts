/** G21: a provider's requests to log out by SAML, and those that are not the provider's. What a forged one would end stays. */
import { verify } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inflateRawSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Visitor } from '../../demo/idp/visitor.ts'
import { entityIdOf, requestIdOf } from '../../src/identity/saml/saml.ts'
import {
  assertionXml,
  type LogoutWish,
  logoutXml,
  responseXml,
  type SamlKey,
  samlKey,
  signed,
  signedQuery,
} from '../rig/saml.ts'
import { asBrowser, startDoor, type TestDoor } from '../rig/sign-in.ts'
import { tempFolder } from '../rig/temp.ts'

let door: TestDoor
let idp: SamlKey
let stranger: SamlKey
beforeAll(async () => {
  ;[door, idp, stranger] = await Promise.all([startDoor(), samlKey(), samlKey()])
}, 60_000)
afterAll(() => door[Symbol.asyncDispose]())
beforeEach(() => {
  door.api.entries.length = 0
  trust()
})

const SLO = 'https://idp.test/slo'
const slo = () => `${door.url}/sign-in/acme/slo`

function trust(over: Record<string, unknown> = {}) {
  const settings = { entityId: 'https://idp.test', ssoUrl: 'https://idp.test/sso', certificates: [idp.certificate] }
  door.trust('acme', { saml: { ...settings, sloUrl: SLO, idpInitiated: false, ...over } })
}

/** Signs a person in; the cookie. */
async function signIn(nameId: string, attributes: Record<string, string[]> = {}): Promise<string> {
  const visitor = new Visitor()
  const page = await visitor.open(`${door.url}/sign-in/acme`, (url) => url.hostname === 'idp.test')
  const RelayState = new URL(page.url).searchParams.get('RelayState')!
  const acs = `${door.url}/sign-in/acme/acs`
  const inResponseTo = requestIdOf(RelayState)
  const said = { audience: entityIdOf(door.url, 'acme'), recipient: acs, inResponseTo, nameId, attributes }
  const xml = signed(responseXml(assertionXml(said), { destination: acs, inResponseTo }), 'Assertion', idp)
  const form = { url: 'https://idp.test/', status: 200, html: `<form action="${acs}"></form>` }
  await visitor.submit(form, { SAMLResponse: Buffer.from(xml).toString('base64'), RelayState })
  return visitor.cookies.get(new URL(door.url).host)?.get('__Host-sluice')?.value ?? ''
}

const isIn = async (cookie: string) => (await asBrowser(door, cookie, { path: '/api/v1/me' })).status === 200
const request = (over: LogoutWish = {}) => logoutXml({ destination: slo(), ...over })
const posted = (xml: string, relay?: string) =>
  fetch(slo(), {
    method: 'POST',
    redirect: 'manual',
    body: new URLSearchParams({
      SAMLRequest: Buffer.from(xml).toString('base64'),
      ...(relay !== undefined && { RelayState: relay }),
    }),
  })
const queried = (query: string) => fetch(`${slo()}?${query}`, { redirect: 'manual' })
const signedPost = (over: LogoutWish = {}, key = idp) => signed(request(over), 'LogoutRequest', key)

describe('an honest request', () => {
  it.each<[string, () => Promise<Response>]>([
    ['posted', () => posted(signedPost(), 'r')],
    ['in a query', () => queried(signedQuery(request(), idp, { relayState: 'r' }))],
    [
      'in a query, signed with SHA-512',
      () => queried(signedQuery(request(), idp, { relayState: 'r', digest: 'sha512' })),
    ],
    ['of one session', () => posted(signedPost({ sessions: ['_s1'] }), 'r')],
  ])('%s ends that person’s sign-ins, nobody else’s, and is answered', async (_, send) => {
    const [ada, twice, grace] = [await signIn('ada'), await signIn('ada'), await signIn('grace')]
    const response = await send()
    expect([door.refusals(), response.status]).toEqual([[], 303])
    expect([await isIn(ada), await isIn(twice), await isIn(grace)]).toEqual([false, false, true])
    const to = new URL(response.headers.get('location')!)
    expect([to.origin + to.pathname, to.searchParams.get('RelayState')]).toEqual([SLO, 'r'])
    const answer = inflateRawSync(Buffer.from(to.searchParams.get('SAMLResponse')!, 'base64')).toString()
    expect(answer).toMatch(/LogoutResponse.*status:Success/)
  })

  it('finds whom an attribute names by the NameID they came with, a transient one too', async () => {
    trust({ subject: 'uid', sloUrl: undefined })
    const [ada, grace] = [await signIn('_t1', { uid: ['ada'] }), await signIn('_t2', { uid: ['grace'] })]
    const response = await posted(signedPost({ nameId: '_t1' }))
    expect([response.status, await response.text()]).toEqual([200, expect.stringContaining('signed out')])
    expect([await isIn(ada), await isIn(grace)]).toEqual([false, true])
  })
})

describe('refused, and nothing ends', () => {
  it.each<[string, () => Promise<Response>, RegExp]>([
    ['unsigned, posted', () => posted(request()), /not signed/],
    ['unsigned, in a query', () => queried(signedQuery(request(), idp).replace(/&SigAlg.*/, '')), /not signed/],
    ['signed by another key', () => posted(signedPost({}, stranger)), /does not verify/],
    ['a query signed by another key', () => queried(signedQuery(request(), stranger)), /does not verify/],
    ['changed after', () => posted(signedPost({ nameId: 'grace' }).replace('>grace<', '>ada<')), /does not verify/],
    ['a query of two requests', () => queried(`SAMLRequest=x&${signedQuery(request(), idp)}`), /comes twice/],
    [
      'a query whose RelayState is not what was signed',
      () => queried(signedQuery(request(), idp, { relayState: 'a' }).replace('RelayState=a', 'RelayState=b')),
      /does not verify/,
    ],
    [
      'a query with HMAC',
      () => queried(signedQuery(request(), idp).replace('rsa-sha256', 'hmac-sha256')),
      /algorithm .* not taken/,
    ],
    ['a query with SHA-1', () => queried(signedQuery(request(), idp).replace('rsa-sha256', 'rsa-sha1')), /not taken/],
    ['a query that inflates without end', () => queried(signedQuery(' '.repeat(9_000_000), idp)), /does not inflate/],
    ['another issuer', () => posted(signedPost({ issuer: 'https://evil.test' })), /another issuer/],
    ['for another service', () => posted(signedPost({ destination: 'https://other.test/slo' })), /another address/],
    ['for no service', () => posted(signedPost({ destination: undefined })), /another address/],
    ['old', () => posted(signedPost({ issued_ms: Date.now() - 600_000 })), /too old/],
    ['of the future', () => posted(signedPost({ issued_ms: Date.now() + 600_000 })), /in the future/],
    ['expired', () => posted(signedPost({ to_ms: Date.now() - 120_000 })), /expired/],
    [
      'a comment in the NameID',
      () => posted(signedPost({ nameId: 'ada-x' }).replace('ada-x', 'ada<!---->x')),
      /a comment/,
    ],
    [
      'a signed assertion in its place',
      () => posted(signed(responseXml(assertionXml({})), 'Assertion', idp)),
      /not a LogoutRequest/,
    ],
    [
      'an unsigned request around a signed one (XSW)',
      () => posted(request({ id: '_evil' }).replace('</samlp:LogoutRequest>', `${signedPost({ nameId: 'grace' })}$&`)),
      /not signed/,
    ],
    ['too large', () => posted(signedPost({ nameId: 'a'.repeat(80_000) })), /too large/],
  ])('%s', async (_, send, why) => {
    const ada = await signIn('ada')
    const response = await send()
    expect(response.status).toBeGreaterThanOrEqual(400)
    expect(door.refusals()).toEqual([expect.stringMatching(why)])
    expect(await isIn(ada)).toBe(true)
  })

  it('a second time', async () => {
    const xml = signedPost()
    expect((await posted(xml)).status).toBe(303)
    const ada = await signIn('ada')
    expect((await posted(xml)).status).toBe(400)
    expect(door.refusals()).toEqual([expect.stringMatching(/used before/)])
    expect(await isIn(ada)).toBe(true)
  })

  it('a name nobody here has, or with another person’s session, ends nothing and says no more than any other', async () => {
    const ada = await signIn('ada')
    for (const over of [{ nameId: 'nobody' }, { nameId: 'nobody', sessions: ['_s1'] }, { sessions: ['_s2'] }])
      expect((await posted(signedPost(over))).status).toBe(303)
    expect(await isIn(ada)).toBe(true)
  })
})

it('signing out here sends a request of ours where the provider takes one, signed where we have a key', async () => {
  const leave = async () => {
    const cookie = await signIn('ada')
    const page = await (await asBrowser(door, cookie, { path: '/sign-out' })).text()
    const response = await fetch(`${door.url}/sign-out`, {
      method: 'POST',
      headers: { cookie: `__Host-sluice=${cookie}`, origin: door.url },
      body: new URLSearchParams({ csrf: /name="csrf" value="([^"]*)"/.exec(page)![1]! }),
    })
    return response.headers.get('refresh')
  }
  const to = new URL((await leave())!.replace('0; url=', ''))
  const ours = inflateRawSync(Buffer.from(to.searchParams.get('SAMLRequest')!, 'base64')).toString()
  expect(to.origin + to.pathname).toBe(SLO)
  expect(ours).toMatch(/LogoutRequest.*nameid-format:persistent">ada<.*SessionIndex[^>]*>_s1</)
  expect(to.searchParams.has('Signature')).toBe(false)
  const file = join(tempFolder('saml-signing').path, 'key')
  writeFileSync(file, stranger.key, { mode: 0o600 })
  trust({ signing: { key: { file }, certificate: stranger.certificate } })
  const [covered, signature] = new URL((await leave())!.replace('0; url=', '')).search.slice(1).split('&Signature=')
  const bytes = Buffer.from(decodeURIComponent(signature!), 'base64')
  expect(verify('sha256', Buffer.from(covered!), stranger.certificate, bytes)).toBe(true)
  trust({ sloUrl: undefined })
  expect(await leave()).toBeNull()
})
