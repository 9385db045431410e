import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Authority } from '../../test/rig/certificates.ts'
import type { SluiceError } from '../kit/errors.ts'
import { openStore, type Store } from '../store/store.ts'
import { createIdentity, type Identity } from './identity.ts'
import type { KnownPrincipal } from './principals.ts'

const HOUR = 3_600_000

const BOT: KnownPrincipal = { kind: 'agent', name: 'Bot', groups: [], delegators: ['group:dba'] }

let folder: string
let store: Store
let identity: Identity
let now_ms: number
let known: Map<string, KnownPrincipal>

function start(over = store): Identity {
  const clock = { now_ms: () => now_ms, monotonic_ms: () => now_ms }
  return createIdentity({ store: over, clock, principals: { lookup: (id) => known.get(id) } })
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-identity-'))
  store = await openStore({ path: join(folder, 'sluice.db') })
  now_ms = 1_800_000_000_000
  known = new Map([
    ['human:ada', { kind: 'human', name: 'Ada', groups: ['dba'] }],
    ['agent:bot', BOT],
    ['agent:loner', { kind: 'agent', name: 'Loner', groups: [] }],
  ])
  identity = start()
})
afterEach(async () => {
  identity.close()
  await store.close()
  rmSync(folder, { recursive: true })
})

const issue = (principal = 'human:ada', actors: string[] = []) =>
  identity.issueToken({ principal, actors, label: 'laptop', ttl_ms: HOUR, by: 'human:root' })
const later = (ms: number) => {
  now_ms += ms
}
const signIn = (proof: string, by = identity) => by.authenticate({ kind: 'token', proof, from: '127.0.0.1' })

describe('a token', () => {
  it('stands for its principal, with the groups of the policy documents', async () => {
    const { token, id } = await issue()
    expect(await signIn(token.reveal())).toEqual({
      kind: 'human',
      id: 'human:ada',
      name: 'Ada',
      groups: ['dba'],
      claims: {},
      credential: id,
      expires_ms: now_ms + HOUR,
    })
  })

  it('carries the chain of those behind it', async () => {
    const { token } = await issue('agent:bot', ['human:ada'])
    expect(await signIn(token.reveal())).toMatchObject({
      id: 'agent:bot',
      groups: [],
      actor: { id: 'human:ada', groups: ['dba'] },
    })
  })

  it('gives the same object while nothing changed, and a new one when the documents do', async () => {
    const { token } = await issue()
    await identity.sweep()
    const first = await signIn(token.reveal())
    expect(await signIn(token.reveal())).toBe(first)
    known.set('human:ada', { kind: 'human', name: 'Ada', groups: [] })
    expect(await signIn(token.reveal())).toMatchObject({ groups: [] })
  })

  // G47
  it('is nowhere in the store, only its hash', async () => {
    const { token } = await issue()
    await store.close()
    const bytes = readFileSync(join(folder, 'sluice.db')).toString('latin1')
    expect(bytes).toContain('human:ada')
    expect(bytes).not.toContain(token.reveal().slice(4, 40))
    store = await openStore({ path: join(folder, 'sluice.db') })
    expect(JSON.stringify(await issue().catch(String))).not.toContain(token.reveal())
  })

  const id = async () => (await identity.listTokens())[0]!.id
  it.each<[string, (text: string) => string, () => unknown]>([
    ['unknown', () => `slu_${'a'.repeat(49)}`, () => 0],
    ['empty', () => '', () => 0],
    ['one character off', (text) => text.slice(0, -1) + (text.endsWith('a') ? 'b' : 'a'), () => 0],
    ['with a blank behind it', (text) => `${text} `, () => 0],
    ['far too long', () => 'slu_'.repeat(1_000_000), () => 0],
    ['expired', String, () => later(HOUR)],
    ['of a principal the documents no longer name', String, () => known.delete('human:ada')],
    ['revoked', String, async () => identity.revokeToken(await id(), 'human:root')],
    [
      'revoked by another process',
      String,
      async () => store.tokens.revoke(await id(), 'x', 1).then(() => identity.sweep()),
    ],
  ])('is refused when it is %s, warm or cold', async (_, alter, change) => {
    const { token } = await issue()
    expect(await signIn(token.reveal())).toBeDefined()
    const proof = alter(token.reveal())
    await change()
    expect(await signIn(proof)).toBeUndefined()
    const cold = start()
    expect(await signIn(proof, cold)).toBeUndefined()
    cold.close()
  })

  it.each([
    ['is gone', () => known.delete('human:ada')],
    ['no longer delegates to it', () => known.set('agent:bot', { ...BOT, delegators: ['human:eve', 'group:ops'] })],
  ])('is refused when someone behind its principal %s', async (_, change) => {
    const { token } = await issue('agent:bot', ['human:ada'])
    expect(await signIn(token.reveal())).toBeDefined()
    change()
    expect(await signIn(token.reveal())).toBeUndefined()
  })

  it('costs one lookup whether it is unknown, expired or revoked', async () => {
    const expired = await issue()
    now_ms += HOUR
    const revoked = await issue()
    await identity.revokeToken(revoked.id, 'human:root')
    const byHash = vi.spyOn(store.tokens, 'byHash')
    for (const proof of ['x', expired.token.reveal(), revoked.token.reveal(), 'y'.repeat(5_000)]) {
      byHash.mockClear()
      expect(await signIn(proof)).toBeUndefined()
      expect(byHash).toHaveBeenCalledTimes(1)
    }
  })

  it('survives a restart; a certificate is not one', async () => {
    const { token } = await issue()
    identity.close()
    await store.close()
    store = await openStore({ path: join(folder, 'sluice.db') })
    identity = start()
    expect(await signIn(token.reveal())).toBeDefined()
    expect(await identity.authenticate({ kind: 'certificate', proof: token.reveal(), from: '' })).toBeUndefined()
  })

  it('a registered certificate stands for its principal until it is revoked; any other stands for nobody', async () => {
    const authority = await Authority.create()
    const { cert: mine } = await authority.issue('ada')
    const { cert: other } = await authority.issue('ada')
    const request = { principal: 'human:ada', label: 'laptop', ttl_ms: HOUR, by: 'human:root' }
    const { id } = await identity.registerCertificate(request, mine)
    const signInBy = (proof: string) => identity.authenticate({ kind: 'certificate', proof, from: '' })
    expect((await signInBy(mine))?.id).toBe('human:ada')
    expect(await signInBy(other)).toBeUndefined()
    await expect(identity.registerCertificate(request, 'no certificate')).rejects.toMatchObject({
      code: 'token.invalid',
    })
    await identity.revokeToken(id, 'human:root')
    expect(await signInBy(mine)).toBeUndefined()
  })

  it('revoked while it is being looked up does not become warm', async () => {
    const { token, id } = await issue()
    const byHash = store.tokens.byHash
    vi.spyOn(store.tokens, 'byHash').mockImplementationOnce(async (hash) => {
      const row = await byHash(hash)
      await identity.revokeToken(id, 'human:root')
      return row
    })
    expect(await signIn(token.reveal())).toBeUndefined()
    expect(await signIn(token.reveal())).toBeUndefined()
  })

  it.each([
    ['principal', { principal: 'human:eve' }],
    ['party behind it', { actors: ['human:eve'] }],
    ['chain', { actors: ['human:ada'] }],
    ['delegation', { principal: 'agent:loner', actors: ['human:ada'] }],
    ['delegation', { principal: 'human:ada', actors: ['agent:bot'] }],
    ['label', { label: 'x'.repeat(101) }],
    ['time', { ttl_ms: Number.NaN }],
    ['time', { ttl_ms: 367 * 24 * HOUR }],
    ['time', { ttl_ms: -1 }],
  ])('is not issued with a wrong %s', async (_, over) => {
    const wrong = identity.issueToken({ principal: 'human:ada', label: '', ttl_ms: HOUR, by: 'x', ...over })
    expect(await wrong.catch((error: SluiceError) => error.code)).toBe('token.invalid')
  })

  it('is listed without what could be used', async () => {
    const { id } = await issue()
    await identity.revokeToken(id, 'human:root')
    expect(await identity.revokeToken(id, 'human:root')).toBe(false)
    expect(await identity.listTokens()).toEqual([
      {
        id,
        kind: 'issued',
        principal: 'human:ada',
        actors: [],
        label: 'laptop',
        createdBy: 'human:root',
        created_ms: now_ms,
        expires_ms: now_ms + HOUR,
        revoked_ms: now_ms,
        revokedBy: 'human:root',
      },
    ])
  })
})

describe('a live session ends', () => {
  it.each<[string, (id: string) => unknown]>([
    ['its token is revoked', (id) => identity.revokeToken(id, 'human:root')],
    ['another process revokes its token', (id) => store.tokens.revoke(id, 'x', 1)],
    ['its token expires', () => later(HOUR)],
    ['its principal is disabled', () => known.delete('human:ada')],
    ['its principal leaves a group', () => known.set('human:ada', { kind: 'human', name: 'Ada', groups: [] })],
  ])('when %s, and only then, and once', async (_, change) => {
    const { token, id } = await issue()
    const bystander = await issue('agent:bot')
    now_ms += 1
    const ended = vi.fn()
    const unheard = vi.fn()
    identity.onRevoked((await signIn(token.reveal()))!, ended)
    identity.onRevoked((await signIn(token.reveal()))!, unheard)()
    const other = vi.fn()
    identity.onRevoked({ ...(await signIn(bystander.token.reveal()))!, expires_ms: now_ms + 2 * HOUR }, other)
    await identity.sweep()
    expect(ended).not.toHaveBeenCalled()
    await change(id)
    await identity.sweep()
    await identity.sweep()
    expect(ended).toHaveBeenCalledTimes(1)
    expect(unheard).not.toHaveBeenCalled()
    expect(other).not.toHaveBeenCalled()
  })

  it('when its token was revoked between sign-in and opening', async () => {
    const { token, id } = await issue()
    const principal = (await signIn(token.reveal()))!
    await identity.revokeToken(id, 'human:root')
    // The sweep has seen the revocation before the session is known: it will not look at it again.
    await identity.sweep()
    const why = await new Promise<string>((ended) => identity.onRevoked(principal, ended))
    expect(why).toBe('the token was revoked')
  })
})
