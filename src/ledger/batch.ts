import type { EntryKind } from '../model/ledger.ts'
import { CARRY_units } from './limits.ts'

/** Refused with their batch, because their operations are. Every other kind reports what has happened and is written later. */
const REFUSED: ReadonlySet<string> = new Set<EntryKind>(['intent', 'open', 'login', 'held', 'admin'])

const LINE = /^\{"n":\d+,"at":(-?\d+),"kind":"(\w+)",?(.*)\}$/

export interface Carried {
  readonly at_ms: number
  readonly kind: EntryKind
  readonly body: string
}

/** What of a refused batch must still be written once that works again, and how many entries did not fit. */
export function carryOver(batch: string): { readonly carried: Carried[]; readonly lost: number } {
  const carried: Carried[] = []
  let units = 0
  let lost = 0
  for (const line of batch.split('\n')) {
    const match = LINE.exec(line)
    if (!match) continue
    const [, at = '', kind = '', body = ''] = match
    if (REFUSED.has(kind)) continue
    units += line.length
    if (units > CARRY_units) lost++
    else carried.push({ at_ms: Number(at), kind: kind as EntryKind, body })
  }
  return { carried, lost }
}

/** One entry as a line with its newline. The body must not hold a raw newline: JSON never does. */
export function entryLine(index: number, at_ms: number, kind: EntryKind, body: string): string {
  return body === ''
    ? `{"n":${index},"at":${at_ms},"kind":"${kind}"}\n`
    : `{"n":${index},"at":${at_ms},"kind":"${kind}",${body}}\n`
}
