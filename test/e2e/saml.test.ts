/** People sign in by SAML at an identity provider nobody here wrote: SimpleSAMLphp of Debian. Metadata goes both ways as it is published. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Page, Visitor } from '../../demo/idp/visitor.ts'
import { readMetadata } from '../../src/identity/saml/metadata.ts'
import { samlKey } from '../rig/saml.ts'
import { startDoor, type TestDoor } from '../rig/sign-in.ts'
import { hasSimpleSamlPhp, type SimpleSamlPhp, startSimpleSamlPhp } from '../rig/simplesamlphp.ts'
import { tempFolder } from '../rig/temp.ts'

const MISSING = 'SimpleSAMLphp is not installed'

describe('SimpleSAMLphp', () => {
  let door: TestDoor
  let idp: SimpleSamlPhp
  beforeAll(async () => {
    if (!hasSimpleSamlPhp) return
    ;[door, idp] = await Promise.all([startDoor(), startSimpleSamlPhp()])
  }, 60_000)
  afterAll(async () => {
    await door?.[Symbol.asyncDispose]()
    await idp?.[Symbol.asyncDispose]()
  })

  async function meet(over: Record<string, unknown> = {}, encrypt = false): Promise<void> {
    const read = await readMetadata(await idp.metadata())
    door.trust('acme', {
      saml: { ...read, groups: 'groups', idpInitiated: false, ...over },
      map: [{ group: 'platform-dba', gives: ['dba'] }],
    })
    idp.know(await (await fetch(`${door.url}/sign-in/acme/metadata`)).text(), { encrypt })
  }

  /** Signs in with a password and carries the answer back, as a browser without scripts does by a button. */
  async function signIn(visitor = new Visitor()): Promise<{ cookie: string | undefined; page: Page }> {
    const login = await visitor.open(`${door.url}/sign-in/acme`)
    expect(login.html).toContain('name="password"')
    const carrier = await visitor.submit(
      { ...login, html: login.html.slice(login.html.indexOf('name="f"') - 80) },
      { username: 'ada', password: 'pw' },
    )
    expect(carrier.html).toContain('SAMLResponse')
    const page = await visitor.submit(carrier, {})
    return { page, cookie: visitor.cookies.get(new URL(door.url).host)?.get('__Host-sluice')?.value }
  }

  const me = async (cookie: string) => {
    const response = await fetch(`${door.url}/api/v1/me`, { headers: { cookie: `__Host-sluice=${cookie}` } })
    const body = (await response.json()) as { principal?: { chain: { id: string; name: string; groups: string[] }[] } }
    return body.principal?.chain[0]
  }

  it('signs a person in: groups, name, a stable subject', async (ctx) => {
    if (!hasSimpleSamlPhp) ctx.skip(MISSING)
    await meet()
    const { cookie, page } = await signIn()
    expect([door.refusals(), page.status]).toEqual([[], 200])
    expect(await me(cookie!)).toEqual({ kind: 'human', id: 'human:acme:ada.l', name: 'Ada Lovelace', groups: ['dba'] })
  })

  it('signing out there ends the session here, and signing out here ends the one there', async (ctx) => {
    if (!hasSimpleSamlPhp) ctx.skip(MISSING)
    await meet()
    const visitor = new Visitor()
    const { cookie } = await signIn(visitor)
    const page = await visitor.open(`${idp.url}/saml2/idp/initSLO.php?RelayState=${encodeURIComponent(`${idp.url}/`)}`)
    expect([door.refusals(), await me(cookie!), page.url]).toEqual([[], undefined, expect.stringContaining(idp.url)])
    expect(door.api.entries.at(-1)?.body).toMatchObject({ ended: true, why: 'signed out at the identity provider' })

    const again = await signIn(visitor)
    const asked = await visitor.open(`${door.url}/sign-out`)
    const left = await visitor.submit(asked, {})
    const there = /href="(http[^"]*SAMLRequest[^"]*)"/.exec(left.html)![1]!.replaceAll('&amp;', '&')
    expect((await visitor.open(there)).html).toContain('You are signed out')
    expect([door.refusals(), await me(again.cookie!)]).toEqual([[], undefined])
    // Its session is gone: it asks for the password anew.
    expect((await visitor.open(`${door.url}/sign-in/acme`)).html).toContain('name="password"')
  })

  it('an assertion encrypted to us is read, and one nobody can read is refused', async (ctx) => {
    if (!hasSimpleSamlPhp) ctx.skip(MISSING)
    const ours = await samlKey('/CN=sluice')
    const file = join(tempFolder('saml-key').path, 'key.pem')
    writeFileSync(file, ours.key, { mode: 0o600 })
    await meet({ decryption: { key: { file }, certificate: ours.certificate } }, true)
    const { cookie } = await signIn()
    expect([door.refusals(), (await me(cookie!))?.id]).toEqual([[], 'human:acme:ada.l'])
    const other = await samlKey('/CN=other')
    writeFileSync(file, other.key)
    expect((await signIn()).cookie).toBeUndefined()
    expect(door.refusals()).toEqual([expect.stringMatching(/does not decrypt/)])
  })
})
