/** G13–G18: honest answers with bytes and elements moved at random. Whatever comes of it, nobody but the one who was signed for comes in. */
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createSaml, entityIdOf, requestIdOf, type Saml } from '../../src/identity/saml/saml.ts'
import { SluiceError } from '../../src/kit/errors.ts'
import { Thread, threadFile } from '../../src/kit/thread.ts'
import type { IdentityProvider } from '../../src/model/provider.ts'
import { openStore, type Store } from '../../src/store/store.ts'
import { assertionXml, responseXml, type SamlKey, samlKey, signed } from '../rig/saml.ts'
import { TIMES } from '../rig/sign-in.ts'
import { tempFolder } from '../rig/temp.ts'

const BASE = 'http://127.0.0.1:1'
const ASKED = 's'.repeat(43)
const CODES = ['signin.answer', 'signin.groups', 'signin.provider']
let key: SamlKey
let store: Store
let saml: Saml
let provider: IdentityProvider
beforeAll(async () => {
  key = await samlKey()
  store = await openStore({ path: `${tempFolder('saml-fuzz').path}/db` })
  const clock = { now_ms: () => Date.now(), monotonic_ms: () => performance.now() }
  saml = createSaml({ store, clock, base: () => BASE, secrets: { read: () => Promise.reject(new Error('no secret')) } })
  const settings = { entityId: 'https://idp.test', ssoUrl: 'https://idp.test/sso', certificates: [key.certificate] }
  provider = {
    name: 'acme',
    title: 'acme',
    map: [],
    admit: [],
    times: TIMES,
    saml: { ...settings, groups: 'groups', idpInitiated: false },
  }
}, 30_000)
afterAll(() => store.close())

let made = 0
/** A new assertion each time, so that none is a replay; and one for root that nobody signed. */
function answers(): { honest: string; forged: string } {
  const said = {
    audience: entityIdOf(BASE, 'acme'),
    recipient: `${BASE}/sign-in/acme/acs`,
    inResponseTo: requestIdOf(ASKED),
    attributes: { groups: ['staff'] },
  }
  const envelope = { destination: said.recipient, inResponseTo: said.inResponseTo }
  const honest = signed(responseXml(assertionXml({ ...said, id: `_a${++made}` }), envelope), 'Assertion', key)
  return {
    honest,
    forged: assertionXml({ ...said, id: `_evil${made}`, nameId: 'root', attributes: { groups: ['admins'] } }),
  }
}

async function outcome(xml: string): Promise<string> {
  try {
    const { subject, groups } = await saml.finish(provider, {
      response: Buffer.from(xml).toString('base64'),
      fresh: false,
      asked: ASKED,
    })
    return `${subject} in ${groups.join()}`
  } catch (error) {
    if (error instanceof SluiceError && CODES.includes(error.code)) return 'refused'
    throw error
  }
}

it('an honest one comes in', async () => {
  expect(await outcome(answers().honest)).toBe('ada in staff')
})

it('a changed, inserted or dropped character changes nobody', async () => {
  const edit = fc.record({
    at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    drop: fc.nat(40),
    put: fc.string({ maxLength: 12 }),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 3 }), async (edits) => {
      let xml = answers().honest
      for (const { at, drop, put } of edits) {
        const where = Math.floor(at * xml.length)
        xml = xml.slice(0, where) + put + xml.slice(where + drop)
      }
      expect(['ada in staff', 'refused']).toContain(await outcome(xml))
    }),
    { numRuns: 150 },
  )
}, 60_000)

it('a forged assertion put anywhere, or elements moved, make nobody else', async () => {
  const spot = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
  await fc.assert(
    fc.asyncProperty(spot, spot, fc.constantFrom('put', 'instead', 'move', 'copy'), async (from, to, how) => {
      const { honest, forged } = answers()
      const gaps = [...honest.matchAll(/(?=<)/g)].map((found) => found.index)
      const at = (share: number) => gaps[Math.floor(share * gaps.length)]!
      const [a, b] = [Math.min(at(from), at(to)), Math.max(at(from), at(to))]
      const xml = {
        put: honest.slice(0, a) + forged + honest.slice(a),
        instead: honest.slice(0, a) + forged + honest.slice(b),
        move: honest.slice(0, a) + honest.slice(b) + honest.slice(a, b),
        copy: honest.slice(0, b) + honest.slice(a, b) + honest.slice(b),
      }[how]
      expect(['ada in staff', 'refused']).toContain(await outcome(xml))
    }),
    { numRuns: 150 },
  )
}, 60_000)

it('G55: the largest document there can be is read while the event loop goes on', async () => {
  const said = { audience: entityIdOf(BASE, 'acme'), recipient: `${BASE}/sign-in/acme/acs` }
  const inResponseTo = requestIdOf(ASKED)
  const groups = Array.from({ length: 5_000 }, (_, i) => `a-group-of-a-company-${i}`)
  const assertion = assertionXml({ ...said, inResponseTo, id: `_a${++made}`, attributes: { groups } })
  const xml = signed(responseXml(assertion, { destination: said.recipient, inResponseTo }), 'Assertion', key)
  await outcome(answers().honest)
  let longest_ms = 0
  let before_ms = performance.now()
  const ticking = setInterval(() => {
    longest_ms = Math.max(longest_ms, performance.now() - before_ms)
    before_ms = performance.now()
  }, 1)
  const begun_ms = performance.now()
  expect(await outcome(xml)).toContain('ada in a-group-of-a-company-0')
  const took_ms = performance.now() - begun_ms
  clearInterval(ticking)
  expect(longest_ms).toBeLessThan(Math.max(50, took_ms / 3))
})

it('a document that is read for too long is given up, and those that wait are not', async () => {
  const file = threadFile('worker', new URL('../../src/identity/saml/saml.ts', import.meta.url).href)
  const hurried = new Thread<object, unknown>({
    ...{ file, bounds: { deadline_ms: 1, queue: 1, heap_mb: 64 } },
    busy: () => new SluiceError('api.busy'),
    lost: (why) => new SluiceError('signin.answer', why),
  })
  const asked = [hurried.ask({}), hurried.ask({}), hurried.ask({})].map((each) =>
    each.catch((error: SluiceError) => error),
  )
  expect((await Promise.all(asked)).map((error) => String(error))).toEqual([
    expect.stringContaining('deadline'),
    expect.stringContaining('deadline'),
    expect.stringContaining('Too much'),
  ])
})
