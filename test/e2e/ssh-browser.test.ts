/** An ssh that waits for a browser: the page it sends its person to, signed in at a real OpenID Connect provider. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type RealProvider, signIn, startDoor, startRealProvider, type TestDoor } from '../rig/sign-in.ts'

let door: TestDoor
let acme: RealProvider
beforeEach(async () => {
  door = await startDoor()
  acme = await startRealProvider(door, 'acme')
  acme.people.set('u1', { subject: 'u1', name: 'Ada <b>', email: 'ada@acme.example', groups: [] })
})
afterEach(async () => {
  await acme.close()
  await door[Symbol.asyncDispose]()
})

interface Visit {
  readonly path: string
  readonly form?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
}

/** A browser with this session: forms go as forms, redirects are looked at. */
function visit(cookie: string, { path, form, headers = {} }: Visit): Promise<Response> {
  return fetch(`${door.url}${path}`, {
    redirect: 'manual',
    method: form ? 'POST' : 'GET',
    headers: { cookie: `__Host-sluice=${cookie}`, ...(form && { origin: new URL(door.url).origin }), ...headers },
    ...(form && { body: new URLSearchParams(form) }),
  })
}

const csrfIn = (page: string) => /name="csrf" value="([^"]+)"/.exec(page)?.[1] ?? ''

describe('the page of a waiting ssh', () => {
  it('leads through sign-in, asks for the code the terminal shows, and then the terminal is the person’s', async () => {
    const { links } = door.api.services.ssh
    const link = links.invite({ resource: 'web-1', from: '192.0.2.7' })!
    const path = new URL(link.url).pathname
    const { cookie, page } = await signIn(door, { provider: 'acme', person: 'u1', path })
    expect(new URL(page.url).pathname).toBe(path)
    const shown = await (await visit(cookie!, { path })).text()
    expect(shown).toContain('192.0.2.7')
    expect(shown).toContain('web-1')
    expect(shown).toContain('Ada &lt;b&gt;')
    expect(shown).not.toContain(link.code)
    const post = (fields: Record<string, string>, headers: Record<string, string> = {}) =>
      visit(cookie!, { path, form: { csrf: csrfIn(shown), answer: 'yes', ...fields }, headers })
    expect((await post({ code: 'BCDF-BCDF' })).status).toBe(403)
    expect((await post({ code: link.code, csrf: 'x' })).status).toBe(403)
    expect((await post({ code: link.code }, { origin: 'https://evil.example' })).status).toBe(403)
    expect((await post({ code: link.code.toLowerCase().replace('-', ' ') })).status).toBe(200)
    const claim = (await link.answered)!
    const who = await door.api.services.identity.authenticate({ ...claim, from: '192.0.2.7' })
    expect(who).toMatchObject({ kind: 'human', id: 'human:acme:u1' })
    expect(await door.api.services.identity.authenticate({ ...claim, from: '192.0.2.7' })).toBeUndefined()
    expect((await post({ code: link.code })).status).toBe(404)
    expect(door.api.entries.find(({ body }) => body.action === 'ssh.confirm')?.body).toMatchObject({
      by: 'human:acme:u1',
    })
  })

  it('turns away what is not theirs, and shows nothing to whoever is not signed in', async () => {
    const link = door.api.services.ssh.links.invite({ resource: 'web-1', from: '192.0.2.7' })!
    const path = new URL(link.url).pathname
    const stranger = await visit('', { path })
    expect(stranger.status).toBe(302)
    expect(stranger.headers.get('location')).toMatch(/^\/sign-in\?return=/)
    const { cookie } = await signIn(door, { provider: 'acme', person: 'u1' })
    const shown = await (await visit(cookie!, { path })).text()
    const refused = await visit(cookie!, { path, form: { csrf: csrfIn(shown), answer: 'no' } })
    expect(refused.status).toBe(200)
    expect(await link.answered).toBeUndefined()
  })

  it('a link ends with five wrong codes', async () => {
    const { links } = door.api.services.ssh
    const link = links.invite({ resource: 'web-1', from: '192.0.2.7' })!
    const { cookie } = await signIn(door, { provider: 'acme', person: 'u1' })
    const path = new URL(link.url).pathname
    const csrf = csrfIn(await (await visit(cookie!, { path })).text())
    for (let i = 0; i < 5; i++)
      expect((await visit(cookie!, { path, form: { csrf, answer: 'yes', code: 'x' } })).status).toBe(403)
    expect(await link.answered).toBeUndefined()
  })
})
