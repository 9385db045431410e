/** People sign in at a real OpenID Connect provider (oidc-provider), and what they may ends when the provider says so. */
import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { DIGEST } from '../rig/api.ts'
import { asBrowser, type RealProvider, signIn, startDoor, startRealProvider, type TestDoor } from '../rig/sign-in.ts'

let door: TestDoor
let acme: RealProvider
beforeEach(async () => {
  door = await startDoor()
  acme = await startRealProvider(door, 'acme', {
    over: { map: [{ group: 'platform-dba', gives: ['dba'] }, { prefix: 'sluice:' }] },
  })
  acme.people.set('u1', {
    subject: 'u1',
    name: 'Ada',
    email: 'ada@acme.example',
    groups: ['platform-dba', 'sluice:staff', 'other'],
  })
  acme.people.set('u2', { subject: 'u2', name: 'Bob', email: 'bob@acme.example', groups: [] })
})
afterEach(async () => {
  await acme.close()
  await door[Symbol.asyncDispose]()
})

const me = async (cookie: string) => (await (await asBrowser(door, cookie, { path: '/api/v1/me' })).json()) as Me
interface Me {
  readonly principal: {
    readonly chain: readonly { readonly id: string; readonly name: string; readonly groups: readonly string[] }[]
    readonly credential: string
  }
  readonly csrf: string
  readonly code?: string
}

describe('a person', () => {
  it('signs in by browser, is known by provider and subject, and has the groups the rules give', async () => {
    const { cookie, page } = await signIn(door, {
      provider: 'acme',
      person: 'u1',
      path: '/sign-in/acme?return=/approvals/x',
    })
    expect(new URL(page.url).pathname).toBe('/approvals/x')
    const { principal } = await me(cookie!)
    expect(principal.chain).toEqual([{ kind: 'human', id: 'human:acme:u1', name: 'Ada', groups: ['dba', 'staff'] }])
    expect(door.api.entries.find(({ kind }) => kind === 'login')?.body).toMatchObject({
      ok: true,
      provider: 'acme',
      principal: 'human:acme:u1',
      purpose: 'console',
    })
  })

  it('whom a document names is that one, with the groups of both', async () => {
    door.api.accounts.set('acme:u1', 'human:ada')
    const { cookie } = await signIn(door, { provider: 'acme', person: 'u1' })
    expect((await me(cookie!)).principal.chain[0]).toMatchObject({
      id: 'human:ada',
      name: 'ada',
      groups: ['dba', 'staff'],
    })
  })

  it('of another provider with the same subject and address is another person', async () => {
    const other = await startRealProvider(door, 'other')
    other.people.set('u1', { subject: 'u1', name: 'Ada', email: 'ada@acme.example', groups: ['platform-dba'] })
    const first = await signIn(door, { provider: 'acme', person: 'u1' })
    const second = await signIn(door, { provider: 'other', person: 'u1' })
    expect([
      (await me(first.cookie!)).principal.chain[0]!.id,
      (await me(second.cookie!)).principal.chain[0]!.id,
    ]).toEqual(['human:acme:u1', 'human:other:u1'])
    expect((await me(second.cookie!)).principal.chain[0]!.groups).toEqual([])
    await other.close()
  })

  it('gets a new session at every sign-in (G8)', async () => {
    const first = await signIn(door, { provider: 'acme', person: 'u1' })
    const second = await signIn(door, { provider: 'acme', person: 'u1', visitor: first.visitor })
    expect(second.cookie).not.toBe(first.cookie)
    expect((await me(first.cookie!)).code).toBe('identity.revoked')
    expect((await me(second.cookie!)).principal).toBeDefined()
    const line = (await fetch(`${door.url}/sign-in/acme`, { redirect: 'manual' })).headers.getSetCookie()
    expect(line[0]).toMatch(/^__Host-sluice-flow=[\w-]{43}; Path=\/; Max-Age=\d+; HttpOnly; Secure; SameSite=Lax$/)
  })

  it('with 5,000 groups signs in', async () => {
    const groups = Array.from({ length: 5_000 }, (_, i) => `group-${i}-of-a-large-company`)
    acme.people.set('u1', { subject: 'u1', name: 'Ada', email: 'a@b.example', groups: [...groups, 'platform-dba'] })
    const { cookie } = await signIn(door, { provider: 'acme', person: 'u1' })
    expect((await me(cookie!)).principal.chain[0]!.groups).toEqual(['dba'])
  })

  it('who is in none of the admitted groups, and one who may not, read the same sentence', async () => {
    door.trust('acme', { ...door.api.providers.get('acme'), admit: ['staff'] })
    const { page, cookie } = await signIn(door, { provider: 'acme', person: 'u2' })
    expect(cookie).toBeUndefined()
    expect(page.html).toContain('You could not be signed in.')
    expect(page.html).not.toContain('staff')
    expect(door.refusals()).toEqual([expect.stringMatching(/^signin\.refused: human:acme:u2 /)])
  })
})

describe('approving', () => {
  it('needs a fresh sign-in of one who came by a provider, and none of a token issued by hand', async () => {
    const times = { max_ms: 3_600_000, recheck_ms: 60_000, grace_ms: 60_000, fresh_ms: 60_000 }
    door.trust('acme', { ...door.api.providers.get('acme'), times })
    const { cookie, visitor } = await signIn(door, { provider: 'acme', person: 'u1' })
    const vote = async (proof: string) => {
      const { csrf } = await me(proof)
      const id = (
        await door.api.services.approvals.request(door.api.request({ digest: randomBytes(32).toString('hex') }))
      ).id
      const { digest } = (await door.api.services.approvals.get(id))!
      const headers = { origin: door.url, 'x-sluice-csrf': csrf }
      const response = await asBrowser(door, proof, {
        path: `/api/v1/approvals/${id}/approve`,
        method: 'POST',
        body: { digest },
        headers,
      })
      return [response.status, ((await response.json()) as { code?: string }).code]
    }
    expect(await vote(cookie!)).toEqual([200, undefined])
    door.trust('acme', { ...door.api.providers.get('acme'), times: { ...times, fresh_ms: -60_000 } })
    expect(await vote(cookie!)).toEqual([403, 'signin.stale'])
    door.trust('acme', { ...door.api.providers.get('acme'), times })
    // The provider asks again, although it has a session of its own.
    const page = await visitor.open(`${door.url}/sign-in/acme?fresh=1`)
    expect(page.html).toContain('name="person"')
    await visitor.submit(page, { person: 'u1' })
    expect(await vote(visitor.cookies.get(new URL(door.url).host)!.get('__Host-sluice')!.value)).toEqual([
      200,
      undefined,
    ])
    const { approval } = door.api.ids
    expect(
      (await door.api.call('ada', 'POST', `/api/v1/approvals/${approval}/approve`, { digest: DIGEST })).status,
    ).toBe(200)
  })
})

describe('access ends', () => {
  const live = async (cookie: string) => {
    const principal = (await door.api.services.identity.authenticate({ kind: 'cookie', proof: cookie, from: '' }))!
    const ended = vi.fn()
    door.api.services.identity.onRevoked(principal, ended)
    return ended
  }
  /** Lets the next check be due now. */
  const due = async () => {
    for (const row of await door.api.store.signIns.standing({ provider: 'acme' }))
      await door.api.store.signIns.update(row.id, { next_check_ms: 0 })
    await door.api.services.signIn.recheck()
  }

  it('of live sessions when the provider takes a group away, and the next sign-in has the new ones (G10)', async () => {
    const { cookie } = await signIn(door, { provider: 'acme', person: 'u1' })
    const ended = await live(cookie!)
    await due()
    expect(ended).not.toHaveBeenCalled()
    acme.people.set('u1', { ...acme.people.get('u1')!, groups: ['sluice:staff'] })
    await due()
    expect(ended).toHaveBeenCalledWith('the principal was disabled or changed')
    expect((await me(cookie!)).principal.chain[0]!.groups).toEqual(['staff'])
  })

  it('when a claim changes that rules may read; until then every token of the sign-in has it', async () => {
    const before = door.api.providers.get('acme')!
    door.api.providers.set('acme', { ...before, claims: ['email', 'nothing'] })
    acme.people.set('u7', { subject: 'u7', name: 'Grace', email: 'grace@acme.example', groups: [] })
    const { cookie } = await signIn(door, { provider: 'acme', person: 'u7' })
    const { identity, signIn: service } = door.api.services
    const person = (await identity.authenticate({ kind: 'cookie', proof: cookie!, from: '' }))!
    const { token } = await service.signIns.token(person.credential, 'test')
    const program = await identity.authenticate({ kind: 'token', proof: token.reveal(), from: '' })
    expect([person.claims, program?.claims]).toEqual(Array(2).fill({ email: 'grace@acme.example' }))
    const ended = await live(cookie!)
    await due()
    expect(ended).not.toHaveBeenCalled()
    acme.people.set('u7', { ...acme.people.get('u7')!, email: 'grace@elsewhere.example' })
    await due()
    expect(ended).toHaveBeenCalledTimes(1)
    door.api.providers.set('acme', before)
  })

  it('when the provider no longer knows the person', async () => {
    const { cookie } = await signIn(door, { provider: 'acme', person: 'u1' })
    const ended = await live(cookie!)
    acme.people.delete('u1')
    await due()
    expect(ended).toHaveBeenCalledTimes(1)
    expect((await me(cookie!)).code).toBe('identity.revoked')
  })

  it('a sign-in that is due is asked about by one process only', async () => {
    await signIn(door, { provider: 'acme', person: 'u1' })
    const [row] = await door.api.store.signIns.standing({ provider: 'acme' })
    const claims = await Promise.all([1, 2, 3].map((n) => door.api.store.signIns.claim(row!, row!.next_check_ms + n)))
    expect(claims.filter(Boolean)).toEqual([true])
  })

  it('when the provider does not answer for longer than its grace, and not before', async () => {
    const { cookie } = await signIn(door, { provider: 'acme', person: 'u1' })
    await acme.close()
    await due()
    expect((await me(cookie!)).principal).toBeDefined()
    for (const row of await door.api.store.signIns.standing({ provider: 'acme' }))
      await door.api.store.signIns.update(row.id, { checked_ms: row.checked_ms - 121_000 })
    await due()
    expect((await me(cookie!)).code).toBe('identity.revoked')
  })

  it('when the person signs out here: the provider’s session ends too, and its back channel finds nothing left', async () => {
    const { cookie, visitor } = await signIn(door, { provider: 'acme', person: 'u1' })
    const ended = await live(cookie!)
    const after = await visitor.submit(await visitor.open(`${door.url}/sign-out`), {})
    expect(ended).toHaveBeenCalledTimes(1)
    const elsewhere = /href="([^"]*session\/end[^"]*)"/.exec(after.html)![1]!.replaceAll('&amp;', '&')
    const done = await visitor.submit(await visitor.open(elsewhere), { logout: 'yes' })
    expect(new URL(done.url).href).toBe(`${door.url}/sign-out`)
    // The provider asks who one is again: its own session is over.
    expect((await visitor.open(`${door.url}/sign-in/acme`)).html).toContain('name="person"')
    expect((await me(cookie!)).code).toBe('identity.revoked')
  })

  it('when the person signs out at the provider (back channel)', async () => {
    const { cookie, visitor } = await signIn(door, { provider: 'acme', person: 'u1' })
    const bob = await signIn(door, { provider: 'acme', person: 'u2' })
    const ended = await live(cookie!)
    const page = await visitor.open(`${acme.issuer}/session/end?client_id=sluice-acme`)
    await visitor.submit(page, { logout: 'yes' })
    await vi.waitFor(() => expect(ended).toHaveBeenCalledTimes(1), { timeout: 2_000 })
    expect((await me(cookie!)).code).toBe('identity.revoked')
    expect((await me(bob.cookie!)).principal).toBeDefined()
  })

  it('of every token of a program when its sign-in ends, and of no other', async () => {
    const first = await signIn(door, { provider: 'acme', person: 'u1' })
    const row = (await door.api.store.signIns.standing({ provider: 'acme' }))[0]!
    const { token, id } = await door.api.services.signIn.signIns.token(row.id, 'program')
    const { authenticate } = door.api.services.identity
    expect(await authenticate({ kind: 'token', proof: token.reveal(), from: '' })).toMatchObject({
      id: 'human:acme:u1',
    })
    expect((await door.api.services.signIn.signIns.of(id))?.id).toBe(row.id)
    await door.api.services.signIn.signIns.end(row.id, 'test', 'test')
    expect(await authenticate({ kind: 'token', proof: token.reveal(), from: '' })).toBeUndefined()
    expect((await me(first.cookie!)).code).toBe('identity.revoked')
  })
})
