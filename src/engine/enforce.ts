import { CATALOGUE, type ErrorCode } from '../kit/catalogue.ts'
import { toSluiceError } from '../kit/errors.ts'
import { type Decision, NO_OBLIGATIONS, type Obligations } from '../model/decision.ts'
import type { SessionFacts } from '../model/facts.ts'
import type { Call, Operation } from '../model/operation.ts'
import type { Policy, Ports } from '../model/ports.ts'
import type { Principal } from '../model/principal.ts'
import type { Resource } from '../model/resource.ts'
import type { Account, SpendingPort } from '../model/spending.ts'
import type { Recorder } from '../model/transcript.ts'
import type { HeldNotice, Permit, Protocol, Refusal, Running, Settlement, Verdict } from '../protocols/contract.ts'
import { askPeople } from './approve.ts'
import { chainPart, decisionPart, outcomePieces, Texts } from './entries.ts'
import { refusal } from './refusal.ts'
import { createSpending } from './spending.ts'
import type { Standing, StandingOperations } from './standing.ts'
import type { Tick } from './tick.ts'

/** The Permit. The class stays in this file: nothing else can mint one. */
class Granted implements Permit {
  readonly granted = true as const
  readonly op: number
  readonly obligations: Obligations
  readonly started_ms = performance.now()
  readonly approved: boolean
  /** The policy that permitted it. */
  readonly policy: Policy
  /** Where it runs on: what has it judged again. */
  standing: Standing | undefined
  settled = false
  /** Budgets it counts against, and the rows reserved of them. */
  accounts: readonly Account[] | undefined
  reserved = 0
  constructor(op: number, { policy, decision }: Judged, approved: boolean) {
    this.op = op
    this.policy = policy
    this.obligations = decision.obligations
    this.approved = approved
  }
}

interface Judged {
  readonly policy: Policy
  readonly decision: Decision
  /** Ready-made JSON of the decision for the ledger, between commas. */
  readonly part: string
}

export interface EnforcerParts {
  readonly ports: Ports
  readonly tick: Tick
  readonly standing: StandingOperations
  readonly protocol: Protocol
  readonly principal: Principal
  readonly resource: Resource
  readonly session: string
  readonly database: string
  readonly recorder: Recorder
  readonly ended: AbortSignal
  /** Aborts when the client has left. */
  readonly left: AbortSignal
  readonly now_ms: () => number
}

/** Decides, records, and hands out Permits and Refusals for one session. */
export class Enforcer {
  readonly #parts: EnforcerParts
  readonly #texts: Texts
  readonly #who: string
  readonly #chain: string
  readonly #spending: SpendingPort
  readonly #standing = new Set<Standing>()
  #judged = new WeakMap<Operation, Judged>()
  #policy: Policy | undefined
  /** The operation judged last, where the decision holds: one statement is judged several times on its way. */
  #lastOperation: Operation | undefined
  #lastJudged: Judged | undefined
  readonly facts = {
    id: '',
    labelsRead: [] as string[],
    operations: 0,
    rows: 0,
    bytes: 0,
    inFlight: 0,
  } satisfies Mutable<SessionFacts>
  held = 0

  constructor(parts: EnforcerParts) {
    this.#parts = parts
    this.#texts = new Texts(parts.ports.ledger, parts.session)
    this.#who = `"session":"${parts.session}","op":`
    this.#chain = chainPart(parts.principal)
    this.#spending = parts.ports.spending ?? createSpending()
    this.facts.id = parts.session
  }

  judge(operation: Operation, call: Call): Decision {
    return this.#judge(operation, call).decision
  }

  #judge(operation: Operation, call: Call): Judged {
    const policy = this.#parts.ports.policy.current()
    if (policy !== this.#policy) {
      this.#policy = policy
      this.#judged = new WeakMap()
      this.#lastOperation = undefined
    }
    if (operation === this.#lastOperation) return this.#lastJudged!
    const known = this.#judged.get(operation)
    if (known) {
      this.#lastOperation = operation
      this.#lastJudged = known
      return known
    }
    const { principal, resource, now_ms } = this.#parts
    const spending = this.#spending
    const request = { principal, resource, operation, call, session: this.facts, now_ms: now_ms(), spending }
    const decision = this.#fulfillable(policy.decide(request))
    const judged = { policy, decision, part: `,${this.#chain},${decisionPart(operation, decision)},` }
    if (decision.cacheable) this.#judged.set(operation, judged)
    return judged
  }

  /** Invariant 2: an allow with a duty this protocol cannot fulfil is a refusal. */
  #fulfillable(decision: Decision): Decision {
    if (decision.outcome === 'deny') return decision
    const { mask, rows, timeout_ms, readOnly, record } = decision.obligations
    const { fulfils } = this.#parts.protocol
    const missing =
      (mask.length > 0 && !fulfils.has('mask')) ||
      (rows !== undefined && !fulfils.has('rows')) ||
      (timeout_ms !== undefined && !fulfils.has('timeout')) ||
      (readOnly === true && !fulfils.has('readOnly')) ||
      (record !== undefined && !fulfils.has('record'))
    if (!missing) return decision
    return {
      ...decision,
      outcome: 'deny',
      reason: 'policy.unfulfilled',
      message: '',
      hint: '',
      obligations: NO_OBLIGATIONS,
      approvals: [],
    }
  }

  enforce(operation: Operation, call: Call, waiting: (held: HeldNotice) => void): Verdict | Promise<Verdict> {
    const { ended } = this.#parts
    const op = ++this.facts.operations
    if (ended.aborted) return refusal('session.killed', { op })
    const judged = this.#judge(operation, call)
    const { decision } = judged
    if (decision.outcome === 'deny') return this.#refuse(op, call, operation, judged)
    if (decision.outcome === 'approve') return this.#ask(op, operation, call, judged, waiting)
    return this.#grant(op, operation, call, judged, '')
  }

  #grant(op: number, operation: Operation, call: Call, judged: Judged, approval: string): Verdict | Promise<Verdict> {
    const { ledger } = this.#parts.ports
    const { decision } = judged
    ledger.append('intent', [this.#who, op, judged.part, this.#texts.part(call.text), approval])
    this.#note(op, operation, call, decision)
    this.#parts.tick.touch()
    for (const label of operation.facts.labels) {
      if (!this.facts.labelsRead.includes(label)) this.facts.labelsRead.push(label)
    }
    this.facts.inFlight++
    const permit = new Granted(op, judged, approval !== '')
    if (decision.accounts) this.#reserve(permit, decision.accounts)
    return decision.obligations.record === 'durable' ? this.#onDisk(permit) : permit
  }

  /** Before it runs: what it may return at most is taken from every budget, so that operations at once cannot spend the same rows. */
  #reserve(permit: Granted, accounts: readonly Account[]): void {
    permit.accounts = accounts
    permit.reserved = permit.obligations.rows ?? 0
    const now_ms = this.#parts.now_ms()
    for (const account of accounts) this.#spending.reserve(account, account.countsRows ? permit.reserved : 0, now_ms)
  }

  async #onDisk(permit: Granted): Promise<Verdict> {
    try {
      this.#parts.ports.ledger.commit()
      await this.#parts.ports.ledger.durable()
      return permit
    } catch {
      this.settle(permit, { status: 'refused', tag: 'ledger.unwritable', rows: 0, bytes: 0 })
      return refusal('ledger.unwritable', { op: permit.op, status: 'error', retry: true })
    }
  }

  #refuse(op: number, call: Call, operation: Operation, judged: Judged): Refusal {
    const { decision } = judged
    this.#parts.ports.ledger.append('refusal', [this.#who, op, judged.part, this.#texts.part(call.text)])
    this.#note(op, operation, call, decision)
    this.#parts.tick.touch()
    const code = decision.reason as ErrorCode
    return refusal(code, { op, rule: decision.rule, message: decision.message, hint: decision.hint })
  }

  /** Has what runs on judged again whenever another policy comes into force, until it is settled. */
  stand(permit: Permit, running: Running): void {
    if (!(permit instanceof Granted) || permit.settled || permit.standing) return
    const standing: Standing = {
      policy: permit.policy,
      again: () => {
        const why = this.#refusedNow(permit, running)
        if (!why) return
        this.#lieDown(permit)
        running.ended(`policy changed: ${why.message}${why.rule && ` [${why.rule}]`}`, `policy changed: ${why.reason}`)
      },
    }
    permit.standing = standing
    this.#standing.add(standing)
    this.#parts.standing.add(standing)
  }

  /** What refuses it, if it began now. What budgets had left was asked when it began: it has spent its own share since. */
  #refusedNow({ approved }: Granted, { operation, call, masks }: Running) {
    const { principal, resource, now_ms, ports } = this.#parts
    const request = { principal, resource, operation, call, session: this.facts, now_ms: now_ms() }
    const decision = this.#fulfillable(ports.policy.current().decide(request))
    const { outcome, obligations, rule } = decision
    if (outcome === 'deny' || (outcome === 'approve' && !approved)) {
      const reason = decision.reason as ErrorCode
      return { reason, rule, message: decision.message || CATALOGUE[reason].message }
    }
    if (masks || obligations.mask.length === 0) return undefined
    return { reason: 'policy.unfulfilled' as const, rule, message: CATALOGUE['policy.unfulfilled'].message }
  }

  #lieDown(permit: Granted): void {
    if (!permit.standing) return
    this.#standing.delete(permit.standing)
    this.#parts.standing.remove(permit.standing)
  }

  /** The session is over. */
  over(): void {
    for (const standing of this.#standing) this.#parts.standing.remove(standing)
    this.#standing.clear()
  }

  /** Records a refusal that needed no policy: a statement that does not parse, a copy of masked data. */
  refuseOutright(code: ErrorCode, text: string, detail: string): Refusal {
    const op = ++this.facts.operations
    const why = `"verb":"","effects":["unknown"],"outcome":"deny","reason":"${code}","rule":"","detail":${JSON.stringify(detail)}`
    this.#parts.ports.ledger.append('refusal', `${this.#who}${op},${this.#chain},${why},${this.#texts.part(text)}`)
    this.#parts.recorder.note({ kind: 'operation', op, verb: '', text, outcome: 'deny', rule: '', reason: code })
    this.#parts.tick.touch()
    return refusal(code, { op, hint: detail })
  }

  async #ask(
    op: number,
    operation: Operation,
    call: Call,
    judged: Judged,
    waiting: (held: HeldNotice) => void,
  ): Promise<Verdict> {
    this.held++
    try {
      const { ports, principal, resource, database, session, left, ended } = this.#parts
      const told = (held: HeldNotice) => {
        ports.ledger.append('held', [
          this.#who,
          op,
          judged.part,
          this.#texts.part(call.text),
          `,"approval":"${held.id}"`,
        ])
        this.#note(op, operation, call, judged.decision)
        this.#parts.recorder.note({ kind: 'held', op, approval: held.id })
        this.#parts.tick.touch()
        waiting(held)
      }
      const answer = await askPeople({
        approvals: ports.approvals,
        principal,
        resource,
        database,
        session,
        operation,
        call,
        decision: judged.decision,
        told,
        left,
        ended,
      })
      if (!answer.granted)
        return refusal(answer.code, { ...answer, op, rule: judged.decision.rule, status: answer.status })
      // Policy is evaluated again at execution: it may have changed while people thought.
      const again = this.#judge(operation, call)
      if (again.decision.outcome === 'deny') return this.#refuse(op, call, operation, again)
      if (again.policy.version !== judged.policy.version)
        return refusal('approval.expired', { op, status: 'expired', retry: true })
      return this.#grant(
        op,
        operation,
        call,
        again,
        `,"approval":"${answer.id}","approvedBy":${JSON.stringify(answer.by)}`,
      )
    } catch (thrown) {
      const { code } = toSluiceError(thrown)
      const known = code.startsWith('approval.') ? code : 'approval.unavailable'
      return refusal(known, { op, status: 'error', retry: known !== 'approval.too_large' })
    } finally {
      this.held--
    }
  }

  #note(op: number, operation: Operation, call: Call, decision: Decision): void {
    const parameters = call.parameters?.()
    this.#parts.recorder.note({
      kind: 'operation',
      op,
      verb: operation.verb,
      text: call.text,
      parameters: parameters && parameters.length > 0 ? parameters : undefined,
      outcome: decision.outcome,
      rule: decision.rule,
      reason: decision.reason,
    })
  }

  #count(permit: Granted, accounts: readonly Account[], { rows, bytes }: Settlement): void {
    const now_ms = this.#parts.now_ms()
    for (const account of accounts)
      this.#spending.settle(account, { reserved: account.countsRows ? permit.reserved : 0, rows, bytes }, now_ms)
  }

  settle(permit: Permit, result: Settlement): void {
    if (!(permit instanceof Granted) || permit.settled) return
    permit.settled = true
    this.#lieDown(permit)
    this.facts.inFlight--
    this.facts.rows += result.rows
    this.facts.bytes += result.bytes
    if (permit.accounts) this.#count(permit, permit.accounts, result)
    const event = {
      kind: 'outcome',
      op: permit.op,
      status: result.status,
      tag: result.tag,
      rows: result.rows,
      bytes: result.bytes,
      duration_ms: Math.round((performance.now() - permit.started_ms) * 1000) / 1000,
    } as const
    // Nothing waits for an outcome: it is written with the next intents, or by the ledger itself a little later.
    this.#parts.ports.ledger.append('outcome', outcomePieces(this.#who, event))
    this.#parts.recorder.note(event)
  }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer U)[] ? U[] : T[K] }
