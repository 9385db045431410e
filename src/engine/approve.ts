import type { ErrorCode } from '../kit/catalogue.ts'
import { sha256 } from '../kit/digest.ts'
import { toSluiceError } from '../kit/errors.ts'
import type { Decision } from '../model/decision.ts'
import { effectNames } from '../model/effects.ts'
import type { Call, Operation } from '../model/operation.ts'
import type { ApprovalEnd, ApprovalPort, ApprovalRequest, PendingApproval } from '../model/ports.ts'
import { actorChain, type Principal } from '../model/principal.ts'
import type { Resource } from '../model/resource.ts'
import type { HeldNotice, Refusal } from '../protocols/contract.ts'

export interface Question {
  readonly approvals: ApprovalPort
  readonly principal: Principal
  readonly resource: Resource
  readonly database: string
  readonly session: string
  readonly operation: Operation
  readonly call: Call
  readonly decision: Decision
  readonly told: (held: HeldNotice) => void
  readonly left: AbortSignal
  readonly ended: AbortSignal
}

type Answer =
  | { readonly granted: true; readonly id: string; readonly by: readonly string[] }
  | {
      readonly granted: false
      readonly code: ErrorCode
      readonly status: Refusal['status']
      readonly retry: boolean
      readonly approval?: NonNullable<Refusal['approval']>
      readonly hint?: string
    }

/**
 * The digest an approval is bound to (design §9): everything that says who would run what, where and in which state. Not the token: those are
 * short, and whoever sends it again once it is approved may hold the next one.
 */
export function approvalDigest(question: Question, request: ApprovalRequest): string {
  const { principal } = question
  return sha256(
    JSON.stringify([
      actorChain(principal).map((p) => p.id),
      request.resource,
      request.database,
      request.text,
      request.parameters,
      Object.entries(request.state).sort(),
      request.policy,
    ]),
  )
}

/** Asks people: uses an approval already given, or opens a request and waits as long as the rule holds the client. */
export async function askPeople(question: Question): Promise<Answer> {
  const { approvals, decision } = question
  const request = requestOf(question)
  const taken = await approvals.consume(request.digest)
  if (taken) return { granted: true, ...taken }
  const pending = await approvals.request(request)
  const hold_ms = Math.min(...decision.approvals.map((terms) => terms.hold_ms))
  const expires = new Date(pending.expires_ms).toISOString()
  const withdrawn = new AbortController()
  const withdraw = (why = 'the client withdrew it') => withdrawn.abort(why)
  question.told({
    id: pending.id,
    url: pending.url,
    rule: decision.rule,
    message: decision.message,
    hold_ms,
    expires,
    withdraw,
  })
  const end = await firstOf(question, pending, { hold_ms, withdrawn: withdrawn.signal })
  const approval = { id: pending.id, url: pending.url, expires }
  switch (end) {
    case 'approved': {
      const won = await approvals.consume(request.digest)
      if (won) return { granted: true, ...won }
      return { granted: false, code: 'approval.expired', status: 'expired', retry: true, approval }
    }
    case 'rejected':
      return {
        granted: false,
        code: 'approval.rejected',
        status: 'rejected',
        retry: false,
        approval,
        ...(pending.why() ? { hint: `They said: ${pending.why()}` } : {}),
      }
    case 'expired':
    case 'cancelled':
      return { granted: false, code: 'approval.expired', status: 'expired', retry: true, approval }
    case 'left':
      await approvals.cancel(pending.id, whyLeft(question))
      return { granted: false, code: 'approval.expired', status: 'expired', retry: true, approval }
    case 'withdrawn':
      await approvals.cancel(pending.id, String(withdrawn.signal.reason))
      return { granted: false, code: 'approval.withdrawn', status: 'expired', retry: true, approval }
    case 'held long enough':
      return {
        granted: false,
        code: 'approval.pending',
        status: 'pending',
        retry: true,
        approval,
        ...(decision.hint ? { hint: decision.hint } : {}),
      }
  }
}

/** Nobody waits for the answer any more: its client left, unless the session was ended under it. */
const whyLeft = ({ ended }: Question): string => (ended.aborted ? toSluiceError(ended.reason).code : 'the client left')

function requestOf(question: Question): ApprovalRequest {
  const { principal, resource, database, session, operation, call, decision } = question
  const request = {
    digest: '',
    session,
    principal,
    resource: resource.name,
    database,
    verb: operation.verb,
    effects: effectNames(operation.effects),
    statements: operation.facts.statements,
    text: call.text,
    parameters: call.parameters?.() ?? [],
    state: call.state?.() ?? {},
    terms: decision.approvals,
    policy: decision.policy,
    message: decision.message,
  }
  return { ...request, digest: approvalDigest(question, request) }
}

type HoldEnd = ApprovalEnd | 'left' | 'withdrawn' | 'held long enough'

interface Hold {
  readonly hold_ms: number
  readonly withdrawn: AbortSignal
}

function firstOf(question: Question, pending: PendingApproval, hold: Hold): Promise<HoldEnd> {
  const { left, ended } = question
  return new Promise((resolve) => {
    const done = (end: HoldEnd) => {
      clearTimeout(timer)
      left.removeEventListener('abort', gone)
      ended.removeEventListener('abort', gone)
      hold.withdrawn.removeEventListener('abort', withdrawn)
      resolve(end)
    }
    const gone = () => done('left')
    const withdrawn = () => done('withdrawn')
    const timer = setTimeout(() => done('held long enough'), hold.hold_ms)
    hold.withdrawn.addEventListener('abort', withdrawn)
    left.addEventListener('abort', gone)
    ended.addEventListener('abort', gone)
    void pending.settled.then(done)
    if (left.aborted || ended.aborted) gone()
  })
}
