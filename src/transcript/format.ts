import { join } from 'node:path'
import { SluiceError } from '../kit/errors.ts'
import type { Principal } from '../model/principal.ts'
import type { SessionMeta, TranscriptEvent } from '../model/transcript.ts'

/**
 * A transcript is JSON lines: first the session, then what happened, each with `at` in milliseconds since the session opened; `end` is the
 * last line of a sealed one. Rows are base64 of the protocol's own messages.
 */
export type TranscriptLine =
  | { readonly at: number; readonly kind: 'session'; readonly version: 1; readonly session: SessionMeta }
  | ({ readonly at: number } & TranscriptEvent)
  /** Events given up while the disk refused. */
  | { readonly at: number; readonly kind: 'gap'; readonly events: number }
  | { readonly at: number; readonly kind: 'end' }

const ID = /^[A-Za-z0-9_-]{1,64}$/

/** `<dir>/<day>/<session>.jsonl`. Throws `api.not_found` for an id that is not one: it becomes a path. */
export function transcriptPath(dir: string, session: { readonly id: string; readonly opened_ms: number }): string {
  if (!ID.test(session.id)) throw new SluiceError('api.not_found', 'not a session id')
  return join(dir, new Date(session.opened_ms).toISOString().slice(0, 10), `${session.id}.jsonl`)
}

/** The first line. */
export function sessionLine(meta: SessionMeta): string {
  return `${JSON.stringify({ at: 0, kind: 'session', version: 1, session: { ...meta, principal: bare(meta.principal) } })}\n`
}

/** Who somebody is, without their claims: those stay with identity. */
export function bare(principal: Principal): Principal {
  const { kind, id, name, groups, actor, credential } = principal
  return { kind, id, name, groups, claims: {}, credential, ...(actor ? { actor: bare(actor) } : {}) }
}

/** One event as a line. Concatenation: this runs for every operation. */
export function eventLine(at: number, event: TranscriptEvent): string {
  switch (event.kind) {
    case 'operation': {
      const parameters = event.parameters ? `,"parameters":${JSON.stringify(event.parameters)}` : ''
      return `{"at":${at},"kind":"operation","op":${event.op},"verb":${quote(event.verb)},"text":${JSON.stringify(event.text)}${parameters},"outcome":"${event.outcome}","rule":${quote(event.rule)},"reason":${quote(event.reason)}}\n`
    }
    case 'outcome':
      return `{"at":${at},"kind":"outcome","op":${event.op},"status":"${event.status}","tag":${quote(event.tag)},"rows":${event.rows},"bytes":${event.bytes},"duration_ms":${round(event.duration_ms)}}\n`
    case 'rows':
      return rowsLine(at, event, event.bytes)
    default:
      return `${JSON.stringify({ at, ...event })}\n`
  }
}

export function rowsLine(
  at: number,
  of: { readonly op: number; readonly columnsOf: number },
  bytes: Uint8Array,
): string {
  const base64 = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
  return `{"at":${at},"kind":"rows","op":${of.op},"columnsOf":${of.columnsOf},"bytes":"${base64}"}\n`
}

/** Microseconds are enough. */
function round(ms: number): number {
  return Math.round(ms * 1000) / 1000
}

const quoted = new Map<string, string>()

/** JSON of a short text that comes again and again: verbs, rules, command tags. */
function quote(text: string): string {
  const known = quoted.get(text)
  if (known !== undefined) return known
  const json = JSON.stringify(text)
  if (text.length < 64 && quoted.size < 2000) quoted.set(text, json)
  return json
}

/** How much of `bytes` holds at most `rows` DataRow messages of PostgreSQL's framing (type, then length including itself), and how many it holds. */
export function countRows(bytes: Uint8Array, rows: number): { readonly length: number; readonly rows: number } {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 0
  let count = 0
  while (at + 5 <= view.length) {
    const size = view.readInt32BE(at + 1)
    if (size < 4 || at + 1 + size > view.length) break
    if (view[at] === 0x44) {
      if (count === rows) return { length: at, rows: count }
      count++
    }
    at += 1 + size
  }
  return { length: at, rows: count }
}
