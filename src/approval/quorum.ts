import type { ApprovalTerms } from '../model/decision.ts'
import { actorChain, type Principal } from '../model/principal.ts'

/** Someone who voted, as the policy documents know them now. */
export interface Voter {
  readonly id: string
  readonly groups: readonly string[]
}

/** Whether the terms name this person, by id or by group. An empty list names nobody. */
export function names(terms: ApprovalTerms, voter: Voter): boolean {
  return terms.by.some((by) =>
    by.startsWith('group:') ? voter.groups.includes(by.slice('group:'.length)) : by === voter.id,
  )
}

/** True when every terms entry has its count of distinct people. No terms at all are never satisfied. */
export function satisfied(terms: readonly ApprovalTerms[], voters: readonly Voter[]): boolean {
  if (terms.length === 0) return false
  return terms.every((entry) => {
    const people = new Set(voters.filter((voter) => names(entry, voter)).map((voter) => voter.id))
    return Number.isInteger(entry.count) && entry.count >= 1 && people.size >= entry.count
  })
}

export type Standing = 'may' | 'self' | 'forbidden'

/**
 * May this person decide a request of `chain`? Never one of the chain, nor anyone acting for one of it (`self`); never an agent or a
 * service, nor a person an agent stands behind, nor by a token that was narrowed for other work; else those whom a terms entry names.
 */
export function standing(approver: Principal, chain: readonly string[], terms: readonly ApprovalTerms[]): Standing {
  const parties = actorChain(approver)
  if (parties.some((party) => chain.includes(party.id))) return 'self'
  if (approver.scope !== undefined || parties.some((party) => party.kind !== 'human')) return 'forbidden'
  return terms.some((entry) => names(entry, approver)) ? 'may' : 'forbidden'
}
