import type { Policy, PolicyPort } from '../model/ports.ts'
import { LIMITS } from './limits.ts'

/** An operation that runs on: what is permitted once and goes on until somebody ends it. */
export interface Standing {
  /** The policy that judged it last. */
  policy: Policy
  /** Judges it by the policy in force, and ends it where that no longer permits it. */
  again(): void
}

/**
 * Operations that run on, of all sessions. When another policy comes into force each is judged again: a bounded number in one turn of the event
 * loop, and each once however many policies follow one another meanwhile.
 */
export class StandingOperations {
  readonly #policies: Pick<PolicyPort, 'current'>
  /** Whoever was looked at last stands last: reloads that follow one another starve nobody. */
  readonly #all = new Set<Standing>()
  #due = 0
  #armed = false
  readonly #turn = () => this.#sweep()

  constructor(policies: Pick<PolicyPort, 'current'>) {
    this.#policies = policies
  }

  get size(): number {
    return this.#all.size
  }

  add(standing: Standing): void {
    this.#all.add(standing)
    // Between its decision and now policy may have changed: the ledger was waited for, or the target.
    if (standing.policy !== this.#policies.current()) this.changed()
  }

  remove(standing: Standing): void {
    this.#all.delete(standing)
  }

  /** Another policy is in force. */
  changed(): void {
    this.#due = this.#all.size
    this.#arm()
  }

  #arm(): void {
    if (this.#armed || this.#due === 0) return
    this.#armed = true
    setImmediate(this.#turn)
  }

  #sweep(): void {
    this.#armed = false
    const policy = this.#policies.current()
    for (const standing of this.#front()) {
      this.#all.delete(standing)
      this.#all.add(standing)
      if (standing.policy === policy) continue
      standing.policy = policy
      standing.again()
    }
    this.#arm()
  }

  #front(): Standing[] {
    const front: Standing[] = []
    const most = Math.min(LIMITS.standingPerTurn, this.#due)
    this.#due -= most
    for (const standing of this.#all) {
      if (front.length >= most) break
      front.push(standing)
    }
    return front
  }
}
