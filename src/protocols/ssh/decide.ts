import type { Call, Operation } from '../../model/operation.ts'
import type { HeldNotice, Permit, Refusal, Session, Verdict } from '../contract.ts'
import { STILL_WAITING_MS } from './channel-limits.ts'
import { heldText, stillHeldText } from './reply.ts'

/** What a question needs of the conversation it is asked in. */
export interface Deciding {
  readonly session: Session
  /** Runs what happens later: an error in it ends the session, not the process. */
  run(step: () => void): void
}

export interface Question {
  readonly house: Deciding
  readonly operation: Operation
  readonly call?: Call
  /** Tells the client something while it waits, where the channel has room for it. */
  readonly tell?: (text: string) => void
  readonly granted: (permit: Permit) => void
  readonly refused: (refusal: Refusal) => void
}

/** A question that waits for people. */
export interface Held {
  /** The client takes it back, unless there is another `why`. */
  withdraw(why?: string): void
}

/**
 * Asks policy about one operation and tells exactly one of `granted` and `refused`: before it returns, unless people must be asked — then
 * what is returned takes the operation back. Answers after that are not passed on; a permit that comes too late is settled as cancelled.
 */
export function decide(question: Question): Held | undefined {
  const { house, operation, tell } = question
  const { session } = house
  const call = question.call ?? { text: operation.text }
  let notice: HeldNotice | undefined
  let timer: NodeJS.Timeout | undefined
  let open = true
  let gone = ''
  const waiting = (held: HeldNotice) => {
    notice = held
    if (!open) return held.withdraw(gone || undefined)
    tell?.(heldText(held))
    const from = performance.now()
    if (tell)
      timer = setInterval(() => house.run(() => tell(stillHeldText(held, performance.now() - from))), STILL_WAITING_MS)
  }
  const done = (verdict: Verdict) => {
    clearInterval(timer)
    if (open) return answer(question, verdict)
    const tag = gone || 'the client left'
    if (verdict.granted) session.settle(verdict, { status: 'cancelled', tag, rows: 0, bytes: 0 })
  }
  const verdict = session.enforce(operation, call, waiting)
  if (!(verdict instanceof Promise)) {
    answer(question, verdict)
    return undefined
  }
  void verdict.then((settled) => house.run(() => done(settled)))
  return {
    withdraw: (why) => {
      if (!open) return
      open = false
      gone = why ?? ''
      clearInterval(timer)
      notice?.withdraw(why)
    },
  }
}

function answer({ granted, refused }: Question, verdict: Verdict): void {
  if (!verdict.granted) return refused(verdict)
  granted(verdict)
}
