import { join } from 'node:path'
import { SluiceError } from '../kit/errors.ts'
import type { TextBuffer } from '../kit/text-buffer.ts'
import type { Principal } from '../model/principal.ts'
import type { SessionMeta, TranscriptEvent } from '../model/transcript.ts'

/**
 * A transcript is JSON lines: first the session, then what happened, each with `at` in milliseconds since the session opened; `end` is the
 * last line of a sealed one. Rows are base64 of the protocol's own messages, output and input base64 of what was written and read.
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

/** Writes bytes a program read or wrote as a line. */
export function writeStream(
  line: TextBuffer,
  at: number,
  event: Extract<TranscriptEvent, { kind: 'output' | 'input' }>,
): void {
  line.text('{"at":')
  line.number(at)
  line.text(`,"kind":"${event.kind}","op":`)
  line.number(event.op)
  if (event.kind === 'output') line.text(`,"stream":${event.stream}`)
  line.text(',"bytes":"')
  line.base64(event.bytes)
  line.text('"}\n')
}

/** Writes one event but rows and streams as a line: this runs for every operation. */
export function writeEvent(
  line: TextBuffer,
  at: number,
  event: Exclude<TranscriptEvent, { kind: 'rows' | 'output' | 'input' }>,
): void {
  if (event.kind === 'operation') writeOperation(line, at, event)
  else if (event.kind === 'outcome') writeOutcome(line, at, event)
  else line.text(`${JSON.stringify({ at, ...event })}\n`)
}

function writeOperation(line: TextBuffer, at: number, event: Extract<TranscriptEvent, { kind: 'operation' }>): void {
  line.text('{"at":')
  line.number(at)
  line.text(',"kind":"operation","op":')
  line.number(event.op)
  line.text(',"verb":')
  line.json(event.verb)
  line.text(',"text":')
  line.json(event.text)
  if (event.parameters) writeParameters(line, event.parameters)
  line.text(',"outcome":"')
  line.text(event.outcome)
  line.text('","rule":')
  line.json(event.rule)
  line.text(',"reason":')
  line.json(event.reason)
  line.text('}\n')
}

function writeParameters(line: TextBuffer, parameters: readonly (string | null)[]): void {
  line.text(',"parameters":')
  let before = '['
  for (const parameter of parameters) {
    line.text(before)
    if (parameter === null) line.text('null')
    else line.json(parameter)
    before = ','
  }
  line.text(parameters.length === 0 ? '[]' : ']')
}

function writeOutcome(line: TextBuffer, at: number, event: Extract<TranscriptEvent, { kind: 'outcome' }>): void {
  line.text('{"at":')
  line.number(at)
  line.text(',"kind":"outcome","op":')
  line.number(event.op)
  line.text(',"status":"')
  line.text(event.status)
  line.text('","tag":')
  line.json(event.tag)
  line.text(',"rows":')
  line.number(event.rows)
  line.text(',"bytes":')
  line.number(event.bytes)
  line.text(',"duration_ms":')
  line.thousandths(Math.round(event.duration_ms * 1000))
  line.text('}\n')
}

/** Writes sampled rows as a line: whole messages of the protocol's own framing. */
export function writeRows(line: TextBuffer, at: number, rows: Extract<TranscriptEvent, { kind: 'rows' }>): void {
  line.text('{"at":')
  line.number(at)
  line.text(',"kind":"rows","op":')
  line.number(rows.op)
  line.text(',"columnsOf":')
  line.number(rows.columnsOf)
  line.text(',"bytes":"')
  line.base64(rows.bytes)
  line.text('"}\n')
}

/** How much of `bytes` holds at most `rows` DataRow messages of PostgreSQL's framing (type, then length including itself), and how many it holds. */
export function countRows(bytes: Uint8Array, rows: number): { readonly length: number; readonly rows: number } {
  let at = 0
  let count = 0
  while (at + 5 <= bytes.length) {
    const size = (bytes[at + 1]! << 24) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 8) | bytes[at + 4]!
    if (size < 4 || at + 1 + size > bytes.length) break
    if (bytes[at] === 0x44) {
      if (count === rows) return { length: at, rows: count }
      count++
    }
    at += 1 + size
  }
  return { length: at, rows: count }
}
