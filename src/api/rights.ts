import { actorChain, type Principal } from '../model/principal.ts'

/**
 * Whether something that belongs to a chain (first the one acting) is the caller's own: the caller and everyone behind them are the
 * chain's end. So people see what their agents do; an agent sees what it did for the same person, not what it did for others.
 */
export function isOwn(caller: Principal, chain: readonly string[]): boolean {
  const mine = actorChain(caller).map((party) => party.id)
  const end = chain.slice(-mine.length)
  return mine.length <= chain.length && mine.every((id, i) => id === end[i])
}

/** The ids of a principal's chain, first the one acting. */
export function chainOf(principal: Principal): string[] {
  return actorChain(principal).map((party) => party.id)
}
