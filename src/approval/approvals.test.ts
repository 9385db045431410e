import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { sha256 } from '../kit/digest.ts'
import { SluiceError } from '../kit/errors.ts'
import type { ApprovalTerms } from '../model/decision.ts'
import type { EntryKind } from '../model/ledger.ts'
import type { ApprovalRequest } from '../model/ports.ts'
import type { Principal } from '../model/principal.ts'
import { openStore, type Store } from '../store/store.ts'
import { type Approvals, createApprovals } from './approvals.ts'

const DBA: ApprovalTerms = { rule: 'ask', by: ['group:dba'], count: 1, hold_ms: 45_000, expires_ms: 60_000 }
const DIGEST = sha256('one')

function person(id: string, groups: readonly string[], actor?: Principal): Principal {
  const kind = id.split(':')[0] as Principal['kind']
  return { kind, id, name: id, groups, claims: {}, credential: `tok_${id}`, ...(actor ? { actor } : {}) }
}
const sue = person('human:sue', ['support'])
const ada = person('human:ada', ['dba'])
const bob = person('human:bob', ['dba', 'security'])
const bot = person('agent:bot', ['dba'], sue)

const PEOPLE = new Map([sue, ada, bob, bot].map((p) => [p.id, p]))

let folder: string
let store: Store
let approvals: Approvals
let now_ms: number
let known: Map<string, Principal>
let entries: { kind: EntryKind; body: Record<string, unknown> }[]
let ledgerFails: boolean

function start(): Approvals {
  return createApprovals({
    store,
    clock: { now_ms: () => now_ms, monotonic_ms: () => now_ms },
    principals: { lookup: (id) => known.get(id) },
    url: 'http://127.0.0.1:7700/approvals',
    ledger: {
      append: (kind, body) => entries.push({ kind, body: JSON.parse(`{${body}}`) }),
      commit: () => {
        if (ledgerFails) throw new SluiceError('ledger.unwritable')
      },
      durable: async () => {},
    },
  })
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-approval-'))
  store = await openStore({ path: join(folder, 'sluice.db') })
  now_ms = 1_800_000_000_000
  known = new Map(PEOPLE)
  entries = []
  ledgerFails = false
  approvals = start()
  for (const { id, actor } of PEOPLE.values()) await hold(id, actor ? [actor.id] : [])
})
afterEach(async () => {
  approvals.close()
  await store.close()
  rmSync(folder, { recursive: true })
})

/** The token a person of `person` has. */
const hold = (principal: string, actors: readonly string[] = [], id = `tok_${principal}`) =>
  store.tokens.insert({
    ...{ id, hash: sha256(id), principal, actors: JSON.stringify(actors), label: '', created_by: 'human:ada' },
    ...{ created_ms: now_ms, expires_ms: now_ms + 1_000, revoked_ms: null, revoked_by: null },
  })
const block = (subject: string) =>
  store.blocks.add({
    ...{ id: `blk_${subject}`, kind: 'principal', subject, by: 'human:root', why: '' },
    ...{ created_ms: now_ms, lifted_ms: null, lifted_by: null },
  })

function asked(over: Partial<ApprovalRequest> = {}): ApprovalRequest {
  return {
    digest: DIGEST,
    session: 'ses_1',
    principal: bot,
    resource: 'orders',
    database: 'shop',
    verb: 'DELETE',
    effects: ['delete'],
    text: 'DELETE FROM orders WHERE id = $1',
    parameters: ['7'],
    state: { search_path: 'public' },
    terms: [DBA],
    policy: 'p1',
    message: 'Deleting needs a DBA.',
    ...over,
  }
}

const vote = (id: string, approver: Principal, verdict: 'approve' | 'reject' = 'approve', digest = DIGEST) =>
  approvals.decide({ id, approver, verdict, digest, reason: 'because' })

const code = (promise: Promise<unknown>) =>
  promise.then(
    () => 'fulfilled',
    (error: SluiceError) => error.code,
  )

describe('an approval', () => {
  it('is used once, and its whole life is in the ledger', async () => {
    const pending = await approvals.request(asked())
    expect(pending).toMatchObject({ url: `http://127.0.0.1:7700/approvals/${pending.id}`, expires_ms: now_ms + 60_000 })
    expect(await approvals.consume(DIGEST)).toBeUndefined()
    await vote(pending.id, ada)
    expect(await pending.settled).toBe('approved')
    expect(await approvals.consume(DIGEST)).toEqual({ id: pending.id, by: ['human:ada'] })
    expect(await approvals.consume(DIGEST)).toBeUndefined()
    expect(entries.map((entry) => [entry.kind, entry.body.vote ?? entry.body.end ?? entry.body.asked])).toEqual([
      ['approval', 'DELETE'],
      ['approval', 'approve'],
      ['approval', 'approved'],
      ['approval', 'consumed'],
    ])
    expect(entries[0]!.body).toMatchObject({ approval: pending.id, digest: DIGEST, chain: ['agent:bot', 'human:sue'] })
    expect(entries[1]!.body).toMatchObject({ by: 'human:ada', credential: 'tok_human:ada' })
  })

  // G33
  it('has exactly one winner when many use it at once', async () => {
    await vote((await approvals.request(asked())).id, ada)
    const won = await Promise.all(Array.from({ length: 20 }, () => approvals.consume(DIGEST)))
    expect(won.filter(Boolean)).toHaveLength(1)
  })

  // G31
  it('is for its own digest only', async () => {
    await vote((await approvals.request(asked())).id, ada)
    expect(await approvals.consume(sha256('one '))).toBeUndefined()
    expect(await approvals.consume(DIGEST)).toBeDefined()
  })

  it('survives a restart, before and after it is given', async () => {
    const { id } = await approvals.request(asked())
    approvals.close()
    approvals = start()
    await vote(id, ada)
    approvals.close()
    await store.close()
    store = await openStore({ path: join(folder, 'sluice.db') })
    approvals = start()
    expect(await approvals.consume(DIGEST)).toMatchObject({ id })
    expect(await approvals.consume(DIGEST)).toBeUndefined()
  })

  it('is refused when the ledger cannot say so, and nothing has changed', async () => {
    const { id } = await approvals.request(asked())
    ledgerFails = true
    expect(await code(vote(id, ada))).toBe('ledger.unwritable')
    expect(await code(approvals.request(asked({ digest: sha256('two') })))).toBe('ledger.unwritable')
    ledgerFails = false
    expect(await approvals.get(id)).toMatchObject({ state: 'pending', votes: [] })
    expect(await approvals.list()).toHaveLength(1)
  })

  it('is not given out when its use cannot be recorded, and is spent', async () => {
    await vote((await approvals.request(asked())).id, ada)
    ledgerFails = true
    expect(await code(approvals.consume(DIGEST))).toBe('ledger.unwritable')
    ledgerFails = false
    expect(await approvals.consume(DIGEST)).toBeUndefined()
  })
})

describe('who may decide', () => {
  // G30, G32
  it.each<[string, Principal, string]>([
    ['the agent itself', bot, 'approval.self'],
    ['the person the agent acts for', sue, 'approval.self'],
    ['the person the agent acts for, in the group', person('human:sue', ['dba']), 'approval.self'],
    ['another agent in the group', person('agent:other', ['dba']), 'approval.forbidden'],
    ['a service in the group', person('service:ci', ['dba']), 'approval.forbidden'],
    ['an agent acting for an approver', person('agent:other', ['dba'], ada), 'approval.forbidden'],
    ['a person acting for the one who asked', person('human:eve', ['dba'], sue), 'approval.self'],
    ['a person with an agent behind them', person('human:eve', ['dba'], person('agent:x', [])), 'approval.forbidden'],
    ['a person outside the group', person('human:eve', ['admins']), 'approval.forbidden'],
  ])('%s may not', async (_, approver, want) => {
    const { id } = await approvals.request(asked())
    expect(await code(vote(id, approver))).toBe(want)
    expect(await approvals.get(id)).toMatchObject({ state: 'pending', votes: [] })
  })

  it('nobody may when a rule names nobody', async () => {
    const { id } = await approvals.request(asked({ terms: [{ ...DBA, by: [] }] }))
    expect(await code(vote(id, ada))).toBe('approval.forbidden')
  })

  it('counts distinct people, and every rule that asked', async () => {
    const two = { ...DBA, count: 2 }
    const security = { ...DBA, rule: 'sec', by: ['group:security', 'human:zoe'] }
    const pending = await approvals.request(asked({ terms: [two, security] }))
    expect((await vote(pending.id, ada)).state).toBe('pending')
    expect(await code(vote(pending.id, ada))).toBe('approval.closed')
    expect(await approvals.consume(DIGEST)).toBeUndefined()
    expect((await vote(pending.id, bob)).state).toBe('approved')
    expect(await pending.settled).toBe('approved')
  })

  it('one rejection ends it', async () => {
    const pending = await approvals.request(asked({ terms: [{ ...DBA, count: 2 }] }))
    await vote(pending.id, ada)
    expect((await vote(pending.id, bob, 'reject')).state).toBe('rejected')
    expect(await pending.settled).toBe('rejected')
    expect(pending.why()).toBe('because')
    expect(await code(vote(pending.id, bob))).toBe('approval.closed')
    expect(await approvals.consume(DIGEST)).toBeUndefined()
  })

  // G36
  it.each<[string, () => unknown]>([
    ['was disabled', () => known.delete('human:ada')],
    ['is no longer a person', () => known.set('human:ada', { ...ada, kind: 'service' })],
    ['left the group', () => known.set('human:ada', person('human:ada', []))],
    ['is another who bears the name', () => known.set('human:ada', { ...ada, life: '1' })],
    ['was shut out', () => block('human:ada')],
    [
      'was shut out and let in again',
      async () => {
        await block('human:ada')
        await store.blocks.lift({ kind: 'principal', subject: 'human:ada', by: 'human:root', at_ms: now_ms })
      },
    ],
    ['had the token revoked that they voted with', () => store.tokens.revoke('tok_human:ada', 'human:root', now_ms)],
  ])('an approval falls when its approver %s before it is used', async (_, change) => {
    const { id } = await approvals.request(asked())
    await vote(id, ada)
    await change()
    expect(await approvals.consume(DIGEST)).toBeUndefined()
    expect(await approvals.get(id)).toMatchObject({ state: 'expired' })
    expect(entries.at(-1)!.body).toMatchObject({ approval: id, end: 'expired' })
    expect(await approvals.consume(DIGEST)).toBeUndefined()
  })

  // G36
  it('an approval falls when somebody was shut out whom its approver acted for', async () => {
    const deputy = { ...person('human:bob', ['dba'], ada), credential: 'tok_deputy' }
    await hold('human:bob', ['human:ada'], 'tok_deputy')
    await vote((await approvals.request(asked())).id, deputy)
    await block('human:ada')
    expect(await approvals.consume(DIGEST)).toBeUndefined()
  })

  // G36
  it('an approval stands when the token it was given with merely expired, or others were shut out or let in before', async () => {
    await block('human:ada')
    await store.blocks.lift({ kind: 'principal', subject: 'human:ada', by: 'human:root', at_ms: now_ms })
    now_ms += 1
    await vote((await approvals.request(asked())).id, ada)
    await block('human:bob')
    await hold('human:ada', [], 'tok_another')
    await store.tokens.revoke('tok_another', 'human:root', now_ms)
    now_ms += 2_000
    expect(await approvals.consume(DIGEST)).toMatchObject({ by: ['human:ada'] })
  })

  // G36
  it('a vote that fell is not counted when another is cast, and not named beside those that count', async () => {
    const two = [{ ...DBA, count: 2 }]
    const first = await approvals.request(asked({ terms: two }))
    await vote(first.id, ada)
    await store.tokens.revoke('tok_human:ada', 'human:root', now_ms)
    expect((await vote(first.id, bob)).state).toBe('pending')
    const zoe = person('human:zoe', ['dba'])
    known.set(zoe.id, zoe)
    await hold(zoe.id)
    expect((await vote(first.id, zoe)).state).toBe('approved')
    expect(await approvals.consume(DIGEST)).toMatchObject({ by: ['human:bob', 'human:zoe'] })
  })

  it('a vote for another digest than the one shown does not count', async () => {
    const { id } = await approvals.request(asked())
    expect(await code(vote(id, ada, 'approve', sha256('other')))).toBe('approval.mismatch')
  })

  // G34
  it('a text too long to be shown whole asks for a word that it was read', async () => {
    const { id } = await approvals.request(
      asked({ text: `SELECT 1;${' '.repeat(100)}${'x'.repeat(20_000)}; DROP TABLE t` }),
    )
    expect(await code(vote(id, ada))).toBe('approval.truncated')
    const read = { id, approver: ada, verdict: 'approve', digest: DIGEST, reason: '', readWhole: true } as const
    expect((await approvals.decide(read)).state).toBe('approved')
  })
})

describe('a request', () => {
  it('is joined by the same digest, and both are woken', async () => {
    const [a, b] = await Promise.all([approvals.request(asked()), approvals.request(asked({ session: 'ses_2' }))])
    expect(a.id).toBe(b.id)
    await vote(a.id, ada)
    expect(await Promise.all([a.settled, b.settled])).toEqual(['approved', 'approved'])
    const late = await approvals.request(asked())
    expect([late.id, await late.settled]).toEqual([a.id, 'approved'])
  })

  it('ends when everyone who asked has left, and not before', async () => {
    const a = await approvals.request(asked())
    await approvals.request(asked({ session: 'ses_2' }))
    await approvals.cancel(a.id, 'the client left')
    expect(await approvals.get(a.id)).toMatchObject({ state: 'pending' })
    await approvals.cancel(a.id, 'the client left')
    expect(await a.settled).toBe('cancelled')
    expect(await code(vote(a.id, ada))).toBe('approval.closed')
    await approvals.cancel(a.id, 'again')
    await approvals.cancel('apr_unknown', 'again')
  })

  it.each([
    ['pending', false],
    ['approved', true],
  ])('expires when it is %s, by the clock', async (_, given) => {
    const pending = await approvals.request(asked({ terms: [DBA, { ...DBA, expires_ms: 1_000 }] }))
    if (given) await vote(pending.id, ada)
    now_ms += 1_000
    expect(await approvals.consume(DIGEST)).toBeUndefined()
    expect(await code(vote(pending.id, bob))).toBe('approval.closed')
    await approvals.sweep()
    expect(await approvals.get(pending.id)).toMatchObject({ state: 'expired' })
    expect(await pending.settled).toBe(given ? 'approved' : 'expired')
    const again = await approvals.request(asked())
    expect(again.id).not.toBe(pending.id)
  })

  it('learns what another process decided', async () => {
    const pending = await approvals.request(asked())
    const other = start()
    await other.decide({ id: pending.id, approver: ada, verdict: 'reject', digest: DIGEST, reason: '' })
    await approvals.sweep()
    expect(await pending.settled).toBe('rejected')
    other.close()
  })

  it('is refused beyond the bounds', async () => {
    const tooLarge = [
      { text: 'x'.repeat(131_073) },
      { parameters: Array<null>(1_001).fill(null) },
      { state: { path: 'x'.repeat(131_073) } },
    ]
    for (const over of tooLarge) expect(await code(approvals.request(asked(over)))).toBe('approval.too_large')
    expect(await code(approvals.request(asked({ terms: [] })))).toBe('approval.unavailable')
    expect(await code(approvals.request(asked({ terms: [{ ...DBA, expires_ms: Number.NaN }] })))).toBe(
      'approval.unavailable',
    )
    for (let i = 0; i < 50; i++) await approvals.request(asked({ digest: sha256(`n${i}`) }))
    expect(await code(approvals.request(asked()))).toBe('approval.too_many')
    expect(await code(approvals.request(asked({ principal: ada })))).toBe('fulfilled')
  })

  it('is listed without its long parts, and got whole', async () => {
    const long = { text: 'é'.repeat(5_000), parameters: ['x'.repeat(5_000)], state: { path: 'y'.repeat(5_000) } }
    const { id } = await approvals.request(asked(long))
    await approvals.request(asked({ digest: sha256('short') }))
    const [short, cut] = (await approvals.list()).toSorted((a, b) => a.length - b.length)
    expect(short).toMatchObject({ brief: false, parameters: ['7'], sessionState: { search_path: 'public' } })
    expect(cut).toMatchObject({
      id,
      brief: true,
      text: 'é'.repeat(2_000),
      length: 5_000,
      parameters: [],
      sessionState: {},
    })
    expect(await approvals.get(id)).toMatchObject({
      text: long.text,
      parameters: long.parameters,
      sessionState: long.state,
      brief: false,
      length: 5_000,
    })
  })

  it('tells its followers', async () => {
    const seen: string[] = []
    const stop = approvals.follow((event) => seen.push(`${event.kind} ${event.state}`))
    approvals.follow(() => {
      throw new Error('a broken follower')
    })
    const { id } = await approvals.request(asked({ terms: [{ ...DBA, count: 2 }] }))
    await vote(id, ada)
    await vote(id, bob)
    stop()
    await approvals.consume(DIGEST)
    expect(seen).toEqual(['requested pending', 'voted pending', 'ended approved'])
  })
})
