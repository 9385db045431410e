import { Visitor } from '../demo/idp/visitor.ts'
import { entityIdOf, requestIdOf } from '../src/identity/saml/saml.ts'
import { startIssuer, type TestIssuer } from '../test/rig/issuer.ts'
import { assertionXml, responseXml, samlKey, signed } from '../test/rig/saml.ts'
import { startDoor, type TestDoor } from '../test/rig/sign-in.ts'
import { median, type Row } from './report.ts'

export interface SignInBenchOptions {
  readonly quick: boolean
  readonly only: string
  say(line: string): void
}

const TARGET_MS = 150
const GROUPS = Array.from({ length: 5_000 }, (_, i) => `group-${i}-of-a-large-company`)

/** What one sign-in costs us: both of our requests from the browser, without the time the provider takes. */
export async function benchSignIn({ quick, only, say }: SignInBenchOptions): Promise<Row[]> {
  await using door = await startDoor()
  await using idp = await startIssuer()
  const oidc = await openIdFlow(door, idp)
  const saml = await samlFlow(door)
  const rows: Row[] = []
  const measures: [string, () => Promise<number>][] = [
    ['sign-in by OpenID Connect', () => oidc([])],
    ['sign-in by OpenID Connect, 5,000 groups', () => oidc(GROUPS)],
    ['sign-in by SAML', () => saml([])],
    ['sign-in by SAML, 5,000 groups', () => saml(GROUPS)],
  ]
  for (const [measure, work] of measures) {
    if (!measure.includes(only)) continue
    await work()
    const taken: number[] = []
    for (let i = 0; i < (quick ? 5 : 15); i++) taken.push(await work())
    say(`${measure}: ${taken.map((ms) => ms.toFixed(1)).join(' ')} ms`)
    rows.push({
      measure,
      ratio: median(taken),
      against: 'ms',
      target: TARGET_MS,
      lower: true,
    })
  }
  return rows
}

/** A provider that answers at once; the time it spends signing is taken off. */
async function openIdFlow(door: TestDoor, idp: TestIssuer): Promise<(groups: readonly string[]) => Promise<number>> {
  let token = ''
  const metadata = {
    issuer: idp.url,
    authorization_endpoint: `${idp.url}/auth`,
    token_endpoint: `${idp.url}/token`,
    jwks_uri: `${idp.url}/jwks`,
  }
  const json = { 'content-type': 'application/json' }
  idp.answers.set('/.well-known/openid-configuration', (_, response) =>
    response.writeHead(200, json).end(JSON.stringify(metadata)),
  )
  idp.answers.set('/token', (request, response) => {
    request.resume()
    response.writeHead(200, json).end(JSON.stringify({ access_token: 'a', token_type: 'Bearer', id_token: token }))
  })
  door.trust('acme', {
    oidc: { issuer: idp.url, clientId: 'sluice', scopes: [], algorithm: 'RS256', userinfo: false, groups: ['groups'] },
    map: [{ group: GROUPS[4_999]!, gives: ['dba'] }],
  })
  return async (groups) => {
    const visitor = new Visitor()
    const [begun_ms, page] = await timed(() =>
      visitor.open(`${door.url}/sign-in/acme`, (url) => url.pathname === '/auth'),
    )
    const query = new URL(page.url).searchParams
    token = await idp.sign({ claims: { sub: 'ada', nonce: query.get('nonce'), groups } })
    const back = `${door.url}/sign-in/acme/callback?code=c&state=${query.get('state')}`
    const [answered_ms] = await timed(() => visitor.open(back, (url) => url.pathname === '/'))
    return begun_ms + answered_ms
  }
}

async function samlFlow(door: TestDoor): Promise<(groups: readonly string[]) => Promise<number>> {
  const key = await samlKey()
  const settings = { entityId: 'https://idp.test', ssoUrl: 'https://idp.test/sso', certificates: [key.certificate] }
  door.trust('saml', { saml: { ...settings, groups: 'groups', idpInitiated: false } })
  const acs = `${door.url}/sign-in/saml/acs`
  return async (groups) => {
    const visitor = new Visitor()
    const [begun_ms, page] = await timed(() =>
      visitor.open(`${door.url}/sign-in/saml`, (url) => url.hostname === 'idp.test'),
    )
    const RelayState = new URL(page.url).searchParams.get('RelayState')!
    const inResponseTo = requestIdOf(RelayState)
    const said = { audience: entityIdOf(door.url, 'saml'), recipient: acs, inResponseTo, attributes: { groups } }
    const xml = signed(responseXml(assertionXml(said), { destination: acs, inResponseTo }), 'Assertion', key)
    const form = { url: 'https://idp.test/', status: 200, html: `<form action="${acs}"></form>` }
    const fields = { SAMLResponse: Buffer.from(xml).toString('base64'), RelayState }
    const [answered_ms] = await timed(() => visitor.submit(form, fields, (url) => url.pathname === '/'))
    return begun_ms + answered_ms
  }
}

async function timed<T>(work: () => Promise<T>): Promise<[number, T]> {
  const start = performance.now()
  const done = await work()
  return [performance.now() - start, done]
}
