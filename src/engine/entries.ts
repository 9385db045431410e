import { sha256 } from '../kit/digest.ts'
import { Lru } from '../kit/lru.ts'
import type { TextPiece } from '../kit/text-buffer.ts'
import type { Decision } from '../model/decision.ts'
import { effectNames } from '../model/effects.ts'
import type { Operation } from '../model/operation.ts'
import type { LedgerPort } from '../model/ports.ts'
import { actorChain, type Principal } from '../model/principal.ts'
import type { TranscriptEvent } from '../model/transcript.ts'
import { LIMITS } from './limits.ts'

const J = JSON.stringify

type Outcome = Extract<TranscriptEvent, { kind: 'outcome' }>

/** The part of an intent that is the same for every call of one operation under one decision: built once, then pasted. */
export function decisionPart(operation: Operation, decision: Decision): string {
  const shadow = decision.shadow.length > 0 ? `,"shadow":${J(decision.shadow)}` : ''
  return (
    `"verb":${J(operation.verb)},"effects":${J(effectNames(operation.effects))},"outcome":"${decision.outcome}",` +
    `"reason":${J(decision.reason)},"rule":${J(decision.rule)},"policy":"${decision.policy}"${shadow}`
  )
}

/** What became of an operation, in pieces: this runs for every operation. `who` ends where the operation's number is due. */
export function outcomePieces(who: string, outcome: Outcome): TextPiece[] {
  const { op, status, tag, rows, bytes } = outcome
  const duration_us = Math.round(outcome.duration_ms * 1000)
  return [
    who,
    op,
    ',"status":"',
    status,
    '","tag":',
    J(tag),
    ',"rows":',
    rows,
    ',"bytes":',
    bytes,
    ',"ms":',
    Math.floor(duration_us / 1000),
    THOUSANDTHS[duration_us % 1000]!,
  ]
}

/** `.000` to `.999`: microseconds behind milliseconds. */
const THOUSANDTHS: readonly string[] = Array.from({ length: 1000 }, (_, i) => `.${String(i).padStart(3, '0')}`)

/** Who acts, and for whom: `"principal":"agent:x","actors":["human:y"]`. Every decision's entry carries it. */
export function chainPart(principal: Principal): string {
  const chain = actorChain(principal)
  const actors = chain.length > 1 ? `,"actors":${J(chain.slice(1).map((p) => p.id))}` : ''
  return `"principal":${J(principal.id)}${actors}`
}

/** The same, with what proved it. */
export function principalPart(principal: Principal): string {
  return `${chainPart(principal)},"credential":${J(principal.credential)}`
}

/** Statement texts in the ledger: short ones inline, long ones once per session as a `statement` entry, then by digest. */
export class Texts {
  readonly #ledger: LedgerPort
  readonly #session: string
  #stored: Lru<string, string> | undefined
  /** A prepared statement's text comes again and again. */
  #last = ''
  #lastPart = '"text":""'

  constructor(ledger: LedgerPort, session: string) {
    this.#ledger = ledger
    this.#session = session
  }

  part(text: string): string {
    if (text === this.#last) return this.#lastPart
    if (text.length <= LIMITS.inlineText) {
      this.#last = text
      this.#lastPart = `"text":${J(text)}`
      return this.#lastPart
    }
    this.#stored ??= new Lru(LIMITS.storedTexts)
    const digest = sha256(text)
    if (this.#stored.get(digest) === undefined) {
      this.#ledger.append('statement', `"session":"${this.#session}","sha256":"${digest}","text":${J(text)}`)
      this.#stored.set(digest, digest)
    }
    return `"statement":"${digest}"`
  }
}
