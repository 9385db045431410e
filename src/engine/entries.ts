import { sha256 } from '../kit/digest.ts'
import { Lru } from '../kit/lru.ts'
import type { Decision } from '../model/decision.ts'
import { effectNames } from '../model/effects.ts'
import type { Operation } from '../model/operation.ts'
import type { LedgerPort } from '../model/ports.ts'
import { actorChain, type Principal } from '../model/principal.ts'
import { LIMITS } from './limits.ts'

const J = JSON.stringify

/** The part of an intent that is the same for every call of one operation under one decision: built once, then pasted. */
export function decisionPart(operation: Operation, decision: Decision): string {
  const shadow = decision.shadow.length > 0 ? `,"shadow":${J(decision.shadow)}` : ''
  return (
    `"verb":${J(operation.verb)},"effects":${J(effectNames(operation.effects))},"outcome":"${decision.outcome}",` +
    `"reason":${J(decision.reason)},"rule":${J(decision.rule)},"policy":"${decision.policy}"${shadow}`
  )
}

/** Who, in one JSON member: `"principal":"agent:x","actors":[…]`. */
export function principalPart(principal: Principal): string {
  const chain = actorChain(principal)
  const actors = chain.length > 1 ? `,"actors":${J(chain.slice(1).map((p) => p.id))}` : ''
  return `"principal":${J(principal.id)}${actors},"credential":${J(principal.credential)}`
}

/** Statement texts in the ledger: short ones inline, long ones once per session as a `statement` entry, then by digest. */
export class Texts {
  readonly #ledger: LedgerPort
  readonly #session: string
  #stored: Lru<string, string> | undefined

  constructor(ledger: LedgerPort, session: string) {
    this.#ledger = ledger
    this.#session = session
  }

  part(text: string): string {
    if (text.length <= LIMITS.inlineText) return `"text":${J(text)}`
    this.#stored ??= new Lru(LIMITS.storedTexts)
    const digest = sha256(text)
    if (this.#stored.get(digest) === undefined) {
      this.#ledger.append('statement', `"session":"${this.#session}","sha256":"${digest}","text":${J(text)}`)
      this.#stored.set(digest, digest)
    }
    return `"statement":"${digest}"`
  }
}
