import { describe, expect, test } from 'vitest'
import { SluiceError } from '../kit/errors.ts'
import { Secret } from '../kit/secret.ts'
import { type Decision, NO_OBLIGATIONS, type ObligationKind, type Obligations } from '../model/decision.ts'
import { effects } from '../model/effects.ts'
import type { SqlOperation } from '../model/operation.ts'
import type { LedgerPort, Policy, Ports } from '../model/ports.ts'
import type { Permit } from '../protocols/contract.ts'
import { Enforcer } from './enforce.ts'
import { StandingOperations } from './standing.ts'
import { Tick } from './tick.ts'

const OPERATION = {
  verb: 'SELECT',
  effects: effects('read'),
  objects: [],
  text: 'select 1',
  facts: { kind: 'sql', labels: [] },
  shape: 'call',
  confidence: 'exact',
} as unknown as SqlOperation
const CALL = { text: 'select 1' }

interface World {
  readonly fulfils?: readonly ObligationKind[]
  readonly obligations?: Partial<Obligations>
  readonly outcome?: Decision['outcome']
  readonly durable?: () => Promise<void>
}

function enforcerIn({ fulfils = [], obligations = {}, outcome = 'allow', durable = async () => {} }: World) {
  const entries: string[] = []
  const notes: string[] = []
  const ledger: LedgerPort = {
    append: (kind, body) => entries.push(`${kind} ${typeof body === 'string' ? body : body.join('')}`),
    commit: () => {},
    durable,
  }
  const decision: Decision = {
    outcome,
    reason: 'policy.allowed',
    rule: 'the-rule',
    matched: ['the-rule'],
    message: '',
    hint: '',
    obligations: { ...NO_OBLIGATIONS, ...obligations },
    approvals: [],
    policy: 'abc',
    cacheable: true,
    shadow: [],
  }
  const ended = new AbortController()
  const policyOf = (made: Decision) => ({ version: 'abc', decide: () => made }) as unknown as Policy
  let policy = policyOf(decision)
  const approvals = { consume: async () => ({ id: 'apr_1', by: ['human:zoe'] }) }
  const secrets = { maskKey: new Secret('k') }
  const ports = { ledger, policy: { current: () => policy }, secrets, approvals } as unknown as Ports
  const standing = new StandingOperations(ports.policy)
  const enforcer = new Enforcer({
    ports,
    tick: new Tick(ledger),
    standing,
    protocol: { name: 'test', fulfils: new Set(fulfils), serve: async () => {} },
    principal: { kind: 'human', id: 'human:ada', name: 'Ada', groups: [], claims: {}, credential: 'tok' },
    resource: { name: 'orders', protocol: 'test', labels: {}, address: 'db:1', users: [], tls: { mode: 'disable' } },
    session: 'ses_1',
    database: '',
    recorder: { note: (event) => void notes.push(event.kind), close: async () => {} },
    ended: ended.signal,
    left: new AbortController().signal,
    now_ms: () => 0,
  })
  /** Another policy comes into force. */
  const change = ({ mask = [], ...now }: Partial<Decision> & { mask?: Obligations['mask'] }) => {
    policy = policyOf({ ...decision, outcome: 'allow', ...now, obligations: { mask } })
    standing.changed()
  }
  return { enforcer, entries, notes, ended, standing, change }
}

const nobodyWaits = () => {
  throw new Error('nobody is asked')
}

describe('a duty the protocol cannot fulfil turns an allow into a refusal', () => {
  test.each<[ObligationKind, Partial<Obligations>]>([
    ['mask', { mask: [{ labels: ['pii.*'], with: 'partial' }] }],
    ['rows', { rows: 5 }],
    ['timeout', { timeout_ms: 100 }],
    ['readOnly', { readOnly: true }],
    ['record', { record: 'full' }],
  ])('%s', async (kind, obligations) => {
    const others = (['mask', 'rows', 'timeout', 'readOnly', 'record'] as const).filter((one) => one !== kind)
    const without = enforcerIn({ fulfils: others, obligations })
    const verdict = await without.enforcer.enforce(OPERATION, CALL, nobodyWaits)
    expect(verdict).toMatchObject({ granted: false, code: 'policy.unfulfilled', rule: 'the-rule' })
    expect(without.entries).toEqual([
      expect.stringMatching(/^refusal .*"outcome":"deny","reason":"policy.unfulfilled"/),
    ])
    expect(without.notes).toEqual(['operation'])
    const able = enforcerIn({ fulfils: [kind], obligations })
    expect(await able.enforcer.enforce(OPERATION, CALL, nobodyWaits)).toMatchObject({ granted: true })
  })
})

describe('what runs on is judged again when policy changes', () => {
  type Now = Partial<Pick<Decision, 'outcome' | 'reason'>> & { mask?: Obligations['mask'] }
  const MASK = [{ labels: ['pii.*'], with: 'redact' }] as const
  const LEAVE = { status: 'ok', tag: '', rows: 0, bytes: 0 } as const
  const DENIED: Now = { outcome: 'deny', reason: 'policy.denied' }
  const ASKS: Now = { outcome: 'approve', reason: 'approval.pending' }

  test.each<[string, Now, { masks?: boolean; approved?: boolean }, string | undefined]>([
    ['still allowed: it stays', {}, {}, undefined],
    ['denied: it ends', DENIED, {}, 'policy changed: policy.denied'],
    ['denied though people had approved it: it ends', DENIED, { approved: true }, 'policy changed: policy.denied'],
    ['to be approved: it ends', ASKS, {}, 'policy changed: approval.pending'],
    ['to be approved, and people had: it stays', ASKS, { approved: true }, undefined],
    ['to be masked, and can be: it stays', { mask: MASK }, { masks: true }, undefined],
    ['to be masked, and cannot be: it ends', { mask: MASK }, { masks: false }, 'policy changed: policy.unfulfilled'],
  ])('%s', async (_, now, { masks = true, approved = false }, tag) => {
    const world = enforcerIn({ fulfils: ['mask'], outcome: approved ? 'approve' : 'allow' })
    const permit = (await world.enforcer.enforce(OPERATION, CALL, nobodyWaits)) as Permit
    expect(permit).toMatchObject({ granted: true, approved })
    const ended: string[] = []
    world.enforcer.stand(permit, { operation: OPERATION, call: CALL, masks, ended: (_why, why) => ended.push(why) })
    world.change(now)
    await new Promise(setImmediate)
    expect(ended).toEqual(tag === undefined ? [] : [tag])
    expect(world.standing.size).toBe(tag === undefined ? 1 : 0)
    world.enforcer.settle(permit, LEAVE)
    expect(world.standing.size).toBe(0)
  })

  test('not once it is settled, nor when its session is over', async () => {
    const world = enforcerIn({})
    const ended: string[] = []
    const running = { operation: OPERATION, call: CALL, masks: true, ended: (why: string) => void ended.push(why) }
    const [first, second] = [0, 1].map(() => world.enforcer.enforce(OPERATION, CALL, nobodyWaits) as Permit)
    world.enforcer.stand(first!, running)
    world.enforcer.settle(first!, LEAVE)
    world.enforcer.stand(first!, running)
    world.enforcer.stand(second!, running)
    expect(world.standing.size).toBe(1)
    world.enforcer.over()
    expect(world.standing.size).toBe(0)
    world.change(DENIED)
    await new Promise(setImmediate)
    expect(ended).toEqual([])
  })
})

describe('a Permit', () => {
  test('is settled once: a second report changes nothing, nor does one of something that is none', () => {
    const { enforcer, entries } = enforcerIn({})
    const permit = enforcer.enforce(OPERATION, CALL, nobodyWaits) as Permit
    const result = { status: 'ok', tag: 'SELECT 1', rows: 1, bytes: 12 } as const
    enforcer.settle({ granted: true, op: 1, obligations: NO_OBLIGATIONS }, result)
    expect(enforcer.facts).toMatchObject({ rows: 0, inFlight: 1 })
    enforcer.settle(permit, result)
    enforcer.settle(permit, result)
    expect(enforcer.facts).toMatchObject({ operations: 1, rows: 1, bytes: 12, inFlight: 0 })
    expect(entries.map((entry) => entry.split(' ')[0])).toEqual(['intent', 'outcome'])
  })

  test('is not handed out in a session that was ended', () => {
    const { enforcer, entries, ended } = enforcerIn({})
    ended.abort(new SluiceError('session.killed'))
    expect(enforcer.enforce(OPERATION, CALL, nobodyWaits)).toMatchObject({ granted: false, code: 'session.killed' })
    expect(entries).toEqual([])
  })

  test('under record: durable comes when its intent is on disk, and never when it cannot be', async () => {
    const disk = Promise.withResolvers<void>()
    const waits = enforcerIn({ fulfils: ['record'], obligations: { record: 'durable' }, durable: () => disk.promise })
    let verdict: unknown
    const asked = (waits.enforcer.enforce(OPERATION, CALL, nobodyWaits) as Promise<unknown>).then((v) => {
      verdict = v
    })
    await new Promise(setImmediate)
    expect(verdict).toBeUndefined()
    disk.resolve()
    await asked
    expect(verdict).toMatchObject({ granted: true })
    const durable = () => Promise.reject(new SluiceError('ledger.unwritable'))
    const fails = enforcerIn({ fulfils: ['record'], obligations: { record: 'durable' }, durable })
    expect(await fails.enforcer.enforce(OPERATION, CALL, nobodyWaits)).toMatchObject({
      granted: false,
      code: 'ledger.unwritable',
    })
  })
})
