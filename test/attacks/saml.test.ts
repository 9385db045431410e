/** ATTACKS.md part G.2: assertions that must not let anyone in, made by a provider whose key we hold and by one who has none. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Visitor } from '../../demo/idp/visitor.ts'
import { entityIdOf, requestIdOf } from '../../src/identity/saml/saml.ts'
import { type AssertionWish, assertionXml, responseXml, type SamlKey, samlKey, signed } from '../rig/saml.ts'
import { startDoor, type TestDoor } from '../rig/sign-in.ts'

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

function trust(over: Record<string, unknown> = {}) {
  const settings = { entityId: 'https://idp.test', ssoUrl: 'https://idp.test/sso', certificates: [idp.certificate] }
  door.trust('acme', {
    saml: { ...settings, groups: 'groups', idpInitiated: false, ...over },
    map: [{ group: 'dba', gives: ['dba'] }],
  })
}

interface Open {
  readonly visitor: Visitor
  readonly state: string
  readonly acs: string
  /** What an honest assertion says. */
  readonly honest: AssertionWish
}

/** A browser on its way to the provider. */
async function begin(query = ''): Promise<Open> {
  const visitor = new Visitor()
  const page = await visitor.open(`${door.url}/sign-in/acme${query}`, (url) => url.hostname === 'idp.test')
  const state = new URL(page.url).searchParams.get('RelayState')!
  const acs = `${door.url}/sign-in/acme/acs`
  const honest = {
    audience: entityIdOf(door.url, 'acme'),
    recipient: acs,
    inResponseTo: requestIdOf(state),
    attributes: { groups: ['dba'] },
  }
  return { visitor, state, acs, honest }
}

async function post({ visitor, state, acs }: Open, xml: string, relay: string = state) {
  const html = `<form action="${acs}"></form>`
  const SAMLResponse = Buffer.from(xml).toString('base64')
  const page = await visitor.submit(
    { url: 'https://idp.test/', status: 200, html },
    { SAMLResponse, RelayState: relay },
  )
  return { page, cookie: visitor.cookies.get(new URL(door.url).host)?.get('__Host-sluice')?.value }
}

const envelope = ({ acs, honest }: Open) => ({ destination: acs, inResponseTo: honest.inResponseTo! })
/** What an honest provider sends. */
const answer = (open: Open, over: AssertionWish = {}) =>
  signed(responseXml(assertionXml({ ...open.honest, ...over }), envelope(open)), 'Assertion', idp)
const SENTENCE =
  /What the identity provider sent could not be trusted\.|This sign-in is no longer open, or belongs to another browser\.|did not complete the sign-in/

async function mustRefuse(open: Open, xml: string, why: RegExp, relay?: string) {
  const { page, cookie } = await post(open, xml, relay)
  expect(cookie).toBeUndefined()
  expect(page.html).toMatch(SENTENCE)
  expect(door.refusals()).toEqual([expect.stringMatching(why)])
  expect(page.html).not.toContain('Issuer')
}

describe('an honest answer', () => {
  it('signs in, once (G19)', async () => {
    const open = await begin('?return=/x')
    const xml = answer(open)
    const { cookie, page } = await post(open, xml)
    expect(cookie).toBeDefined()
    expect(new URL(page.url).pathname).toBe('/x')
    expect(door.api.entries.find(({ kind }) => kind === 'login')?.body).toMatchObject({
      ok: true,
      principal: 'human:acme:ada',
    })
    await mustRefuse({ ...open, visitor: new Visitor() }, xml, /state: unknown, used/)
  })

  it('with the response signed too signs in', async () => {
    const open = await begin()
    expect((await post(open, signed(answer(open), 'Response', idp))).cookie).toBeDefined()
  })

  it('gives rules the attributes the document lists, one value or several', async () => {
    const before = door.api.providers.get('acme')!
    door.api.providers.set('acme', { ...before, claims: ['team', 'roles', 'none'] })
    const open = await begin()
    const { cookie } = await post(
      open,
      answer(open, { attributes: { team: ['shop'], roles: ['a', 'b'], other: ['x'] } }),
    )
    const person = await door.api.services.identity.authenticate({ kind: 'cookie', proof: cookie!, from: '' })
    expect(person?.claims).toEqual({ team: 'shop', roles: ['a', 'b'] })
  })

  it('with 5,000 groups signs in', async () => {
    const open = await begin()
    const groups = [...Array.from({ length: 5_000 }, (_, i) => `a-group-of-a-company-${i}`), 'dba']
    expect((await post(open, answer(open, { attributes: { groups } }))).cookie).toBeDefined()
  })

  it('is good in the browser that asked only, and for one request (G19)', async () => {
    const open = await begin()
    await mustRefuse({ ...open, visitor: new Visitor() }, answer(open), /begun in another browser/)
    const [one, two] = [await begin(), await begin()]
    door.api.entries.length = 0
    await mustRefuse({ ...two, state: two.state }, answer(one), /InResponseTo is not our request/)
  })

  it('whose assertion was shown before is a replay, also under a new request (G19)', async () => {
    const open = await begin()
    expect((await post(open, answer(open, { id: '_once' }))).cookie).toBeDefined()
    const again = await begin()
    await mustRefuse(again, answer(again, { id: '_once' }), /was used before/)
  })
})

const now = () => Date.now()
describe('what an assertion must say', () => {
  it.each<[string, AssertionWish, RegExp]>([
    ['G19 no audience', { audience: undefined }, /no AudienceRestriction|no audience/],
    ['G19 another audience', { audience: 'https://other.test' }, /audience mismatch|another audience/],
    ['G19 no recipient', { recipient: undefined }, /Recipient/],
    ['G19 another recipient', { recipient: 'https://other.test/acs' }, /Recipient/],
    ['G19 no InResponseTo', { inResponseTo: undefined }, /InResponseTo/],
    ['G19 no end', { to_ms: undefined }, /NotOnOrAfter|no end/],
    [
      'G19 expired',
      { from_ms: now() - 400_000, to_ms: now() - 61_000 },
      /expired|No valid subject confirmation|NotOnOrAfter/i,
    ],
    ['G5 not yet', { from_ms: now() + 90_000 }, /not yet|does not hold yet/],
    ['G5 issued ahead', { issued_ms: now() + 90_000 }, /future/],
    ['too old', { issued_ms: now() - 3_700_000 }, /too old|No valid subject confirmation/],
    ['G21 another issuer', { issuer: 'https://other.test' }, /another issuer/],
    ['a transient name', { format: 'urn:oasis:names:tc:SAML:2.0:nameid-format:transient' }, /transient/],
    ['an empty name', { nameId: '' }, /subject/],
    ['a name with a blank', { nameId: 'ada root' }, /subject/],
    ['G18 a comment in the name', { nameId: 'ada<!---->@evil' }, /a comment/],
    ['G18 a CDATA in the name', { nameId: 'ada<![CDATA[x]]>' }, /CDATA/],
    ['G18 an element in the name', { nameId: 'ada<b xmlns="x"/>' }, /more than text/],
  ])('%s', async (_, wish, why) => {
    const open = await begin()
    await mustRefuse(open, answer(open, wish), why)
  })

  it('clocks may differ by a minute (G5)', async () => {
    const open = await begin()
    expect(
      (await post(open, answer(open, { from_ms: now() + 40_000, issued_ms: now() + 40_000 }))).cookie,
    ).toBeDefined()
    const late = await begin()
    expect((await post(late, answer(late, { from_ms: now() - 90_000, to_ms: now() - 40_000 }))).cookie).toBeDefined()
  })

  it('a fresh sign-in was asked for, and this is an old one', async () => {
    const open = await begin('?fresh=1')
    await mustRefuse(open, answer(open, { auth_ms: now() - 3_000_000 }), /fresh sign-in/)
  })
})

describe('what must be signed', () => {
  const plain = (open: Open, over: AssertionWish = {}) =>
    responseXml(assertionXml({ ...open.honest, ...over }), envelope(open))
  it.each<[string, (open: Open) => string, RegExp]>([
    ['G14 nothing is', (open) => plain(open), /is not signed/],
    ['G14 the response only is', (open) => signed(plain(open), 'Response', idp), /is not signed/],
    [
      'G20 by another key whose certificate comes along',
      (open) => signed(plain(open), 'Assertion', stranger),
      /does not verify: invalid signature/,
    ],
    ['G15 with SHA-1', (open) => signed(plain(open), 'Assertion', idp, 'sha1'), /not taken/],
    ['changed after', (open) => answer(open).replace('>ada<', '>root<'), /a digest does not match/],
    [
      'G15 with HMAC',
      (open) => answer(open).replace('xmldsig-more#rsa-sha256', 'xmldsig-more#hmac-sha256'),
      /not taken/,
    ],
    [
      'G15 a comment in the digest',
      (open) => answer(open).replace(/<DigestValue>/, '<DigestValue><!--x-->'),
      /a comment/,
    ],
    [
      'G15 two SignedInfo',
      (open) => answer(open).replace(/(<SignedInfo>.*<\/SignedInfo>)/, '$1$1'),
      /exactly one SignedInfo/,
    ],
    [
      'G15 an element in the digest',
      (open) => answer(open).replace(/<DigestValue>/, '<DigestValue><x/>'),
      /more than text/,
    ],
    [
      'G17 an XSLT transform',
      (open) =>
        answer(open).replace(
          'http://www.w3.org/2000/09/xmldsig#enveloped-signature',
          'http://www.w3.org/TR/1999/REC-xslt-19991116',
        ),
      /not taken/,
    ],
    [
      'a reference to the whole document',
      (open) => answer(open).replace(/URI="#[^"]*"/, 'URI=""'),
      /something else than its parent/,
    ],
    [
      'G16 two elements of one id',
      (open) =>
        answer(open)
          .replace(
            '<samlp:Status>',
            `<samlp:Status ID="${/<saml:Assertion[^>]* ID="([^"]*)"/.exec(answer(open))?.[1] ?? ''}">`,
          )
          .replace(/ID="_r1"/, (whole) => `${whole} Id="_r1"`),
      /same id/,
    ],
  ])('%s', async (_, make, why) => {
    const open = await begin()
    await mustRefuse(open, make(open), why)
  })
})

/** Signature wrapping as in Somorovsky et al., "On Breaking SAML" (2012): a forged assertion beside, around or inside the signed one. */
describe('G13 wrapping', () => {
  interface Parts {
    readonly response: (inner: string) => string
    /** The signed assertion with its signature, the same without it, the signature, and the forgery. */
    readonly whole: string
    readonly bare: string
    readonly signature: string
    readonly evil: string
    /** The forgery with something put behind its issuer. */
    readonly evilWith: (inner: string) => string
  }
  function partsOf(open: Open): Parts {
    const whole = /<saml:Assertion[\s\S]*<\/saml:Assertion>/.exec(answer(open))![0]
    const signature = /<Signature[\s\S]*<\/Signature>/.exec(whole)![0]
    const forged = assertionXml({ ...open.honest, id: '_evil', nameId: 'root' })
    return {
      response: (inner) => responseXml(inner, envelope(open)),
      ...{ whole, signature, bare: whole.replace(signature, ''), evil: forged },
      evilWith: (inner) => forged.replace('</saml:Issuer>', `</saml:Issuer>${inner}`),
    }
  }
  const signedResponse = (open: Open) => signed(responseXml(assertionXml(open.honest), envelope(open)), 'Response', idp)
  const evilResponse = (open: Open, signature: string, inside: string) =>
    responseXml(assertionXml({ ...open.honest, id: '_evil', nameId: 'root' }), {
      ...envelope(open),
      id: '_evilr',
    }).replace(
      '</saml:Issuer><samlp:Status>',
      `</saml:Issuer>${signature.replace('</Signature>', `${inside}</Signature>`)}<samlp:Status>`,
    )
  it.each<[string, (open: Open) => string]>([
    [
      'XSW1: the signed response inside the signature of a forged one',
      (open) => {
        const response = signedResponse(open)
        const signature = /<Signature[\s\S]*<\/Signature>/.exec(response)![0]
        return evilResponse(open, signature, response.replace(signature, ''))
      },
    ],
    [
      'XSW2: the signed response before the detached signature',
      (open) => {
        const response = signedResponse(open)
        const signature = /<Signature[\s\S]*<\/Signature>/.exec(response)![0]
        return evilResponse(open, signature, '').replace(signature, `${response.replace(signature, '')}${signature}`)
      },
    ],
    [
      'XSW3: a forgery before the signed assertion',
      (open) => partsOf(open).response(partsOf(open).evil + answerAssertion(open)),
    ],
    [
      'XSW4: the signed assertion inside a forgery',
      (open) => partsOf(open).response(partsOf(open).evilWith(answerAssertion(open))),
    ],
    [
      'XSW5: the signature in the forgery, the signed one behind it',
      (open) => {
        const { response, evilWith, signature, bare } = partsOf(open)
        return response(evilWith(signature) + bare)
      },
    ],
    [
      'XSW6: the signed one inside the signature inside the forgery',
      (open) => {
        const { response, evilWith, signature, bare } = partsOf(open)
        return response(evilWith(signature.replace('</Signature>', `${bare}</Signature>`)))
      },
    ],
    [
      'XSW7: the forgery in an Extensions before the signed one',
      (open) => {
        const { response, whole, evil } = partsOf(open)
        return response(`<samlp:Extensions>${evil}</samlp:Extensions>${whole}`)
      },
    ],
    [
      'XSW8: the signed one in an Object of the signature of the forgery',
      (open) => {
        const { response, evilWith, signature, bare } = partsOf(open)
        return response(evilWith(signature.replace('</Signature>', `<Object>${bare}</Object></Signature>`)))
      },
    ],
    [
      'two assertions, both signed',
      (open) => {
        const { response, whole } = partsOf(open)
        return response(whole + whole.replaceAll(/_a\w+/g, '_b1'))
      },
    ],
    ['the forgery under another root', (open) => `<x>${answer(open)}</x>`],
  ])('%s', async (_, make) => {
    const open = await begin()
    const { page, cookie } = await post(open, make(open))
    expect(cookie).toBeUndefined()
    expect(page.html).toMatch(SENTENCE)
    expect(door.refusals()).toEqual([expect.stringMatching(/^signin\.answer: SAML: /)])
  })
  const answerAssertion = (open: Open) => /<saml:Assertion[\s\S]*<\/saml:Assertion>/.exec(answer(open))![0]
})

describe('what is no message', () => {
  it.each<[string, (xml: string) => string, RegExp]>([
    [
      'G17 an external entity',
      (xml) => `<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>${xml.replace('>ada<', '>&x;<')}`,
      /document type/,
    ],
    ['G17 an entity bomb', (xml) => `<!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>${xml}`, /document type/],
    ['an undeclared entity', (xml) => xml.replace('>ada<', '>&root;<'), /./],
    [
      'a processing instruction',
      (xml) => xml.replace('<saml:Issuer>', '<?x y?><saml:Issuer>'),
      /processing instruction/,
    ],
    ['another encoding', (xml) => `<?xml version="1.0" encoding="UTF-7"?>${xml}`, /processing instruction/],
    ['a control character', (xml) => xml.replace('>ada<', '>a\u0001da<'), /character/],
    ['nothing', () => '', /base64/],
    [
      'depth without end',
      (xml) => xml.replace('<samlp:Status>', `${'<d>'.repeat(500)}${'</d>'.repeat(500)}<samlp:Status>`),
      /too deep/,
    ],
    [
      'a logout request (G21)',
      () => '<samlp:LogoutRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_l"/>',
      /not a Response/,
    ],
    [
      'an error of the provider',
      (xml) => xml.replace('status:Success', 'status:Responder'),
      /signin\.provider: it answered/,
    ],
    [
      'sent to another address',
      (xml) => xml.replace(/Destination="[^"]*"/, 'Destination="https://other.test/"'),
      /another address/,
    ],
  ])('%s', async (_, alter, why) => {
    const open = await begin()
    await mustRefuse(open, alter(answer(open)), why)
  })

  it('large beyond reason is refused before it is parsed, and what is within it costs little', async () => {
    const open = await begin()
    await mustRefuse(
      open,
      answer(open).replace('<samlp:Status>', `${'<d/>'.repeat(20_000)}<samlp:Status>`),
      /too many elements/,
    )
    const second = await begin()
    door.api.entries.length = 0
    const parts = '<d a="b">text of some length</d>'.repeat(7_800)
    const unsigned = responseXml(assertionXml(second.honest), envelope(second))
    const large = unsigned.replace('<samlp:Status>', `<samlp:Extensions>${parts}</samlp:Extensions><samlp:Status>`)
    const before = process.cpuUsage()
    await post(second, large)
    const { user, system } = process.cpuUsage(before)
    expect((user + system) / 1_000).toBeLessThan(1_000)
    expect(door.refusals()).toEqual([expect.stringMatching(/signin\.answer/)])
  })

  it('of Latin-1, not UTF-8', async () => {
    const open = await begin()
    const SAMLResponse = Buffer.from(answer(open).replace('>ada<', '>\u00e4da<'), 'latin1').toString('base64')
    const form = { url: 'https://idp.test/', status: 200, html: `<form action="${open.acs}"></form>` }
    await open.visitor.submit(form, { SAMLResponse, RelayState: open.state })
    expect(door.refusals()).toEqual([expect.stringMatching(/UTF-8/)])
  })
})

describe('an answer that says more than is understood', () => {
  const conditions = (open: Open, more: string) =>
    signed(
      responseXml(assertionXml(open.honest).replace('</saml:Conditions>', `${more}</saml:Conditions>`), envelope(open)),
      'Assertion',
      idp,
    )

  it.each([
    [
      'of a type of its own',
      '<saml:Condition xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="x:OnlyAtNight"/>',
    ],
    ['of another namespace', '<x:AudienceRestriction xmlns:x="urn:x"/>'],
    ['of a later SAML', '<saml:OnlyAtNight/>'],
  ])('holds under no condition %s (G19)', async (_, more) => {
    const open = await begin()
    await mustRefuse(open, conditions(open, more), /a condition nobody knows/)
  })

  it('may ask to be used once', async () => {
    const open = await begin()
    expect(
      (await post(open, conditions(open, '<saml:OneTimeUse/><saml:ProxyRestriction Count="0"/>'))).cookie,
    ).toBeDefined()
  })

  it('comes from the provider, envelope and all (G14)', async () => {
    const open = await begin()
    const xml = answer(open).replace('<saml:Issuer>https://idp.test<', '<saml:Issuer>https://other.test<')
    await mustRefuse(open, xml, /the response has another issuer/)
  })

  it.each([
    ['before the root', 'once upon a time ', ''],
    ['behind it', '', ' and so on'],
    ['behind it, that ends as an element does', '', ' and so on>'],
  ])('has no text %s (G16)', async (_, before, after) => {
    const open = await begin()
    await mustRefuse(open, `${before}${answer(open)}${after}`, /text outside its root|not XML/)
  })
})

describe('RelayState', () => {
  it.each([
    ['of our making, for another provider', 'other'],
    ['changed', 'x'.repeat(43)],
    ['an address', 'https://evil.test/'],
    ['missing', ''],
  ])('%s leads nowhere', async (_, relay) => {
    const open = await begin()
    await mustRefuse(open, answer(open), /^signin\.expired/, relay)
  })

  it('a path of ours is all one is sent to (open redirect)', async () => {
    for (const wanted of ['https://evil.test/', '//evil.test/', '/\\evil.test', 'javascript:alert(1)', '/ok?x=1']) {
      const open = await begin(`?return=${encodeURIComponent(wanted)}`)
      const { page } = await post(open, answer(open))
      expect(new URL(page.url).origin).toBe(door.url)
      expect(new URL(page.url).pathname).toBe(wanted === '/ok?x=1' ? '/ok' : '/')
    }
  })
})

describe('an answer nobody asked for (G19)', () => {
  const unasked = (open: Open) =>
    signed(
      responseXml(assertionXml({ ...open.honest, inResponseTo: undefined }), { destination: open.acs }),
      'Assertion',
      idp,
    )
  it('is refused, until the document says otherwise; even then a used one is', async () => {
    const open = await begin()
    await mustRefuse(open, unasked(open), /RelayState: missing|state: unknown/, '')
    trust({ idpInitiated: true })
    const xml = unasked(open)
    expect((await post(open, xml, 'https://idp.test/start')).cookie).toBeDefined()
    door.api.entries.length = 0
    await mustRefuse({ ...open, visitor: new Visitor() }, xml, /was used before/, '')
  })

  it('may not pass for one that was, nor the reverse', async () => {
    trust({ idpInitiated: true })
    const open = await begin()
    await mustRefuse(open, unasked(open), /InResponseTo/)
    const second = await begin()
    door.api.entries.length = 0
    await mustRefuse(second, answer(second), /InResponseTo/, '')
  })
})
