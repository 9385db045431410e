import { open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { SluiceError } from '../kit/errors.ts'
import type { TranscriptLine } from './format.ts'
import { LINE_bytes } from './limits.ts'

/** A line as played: what was recorded, or word that a line cannot be read. */
export type PlayedLine = TranscriptLine | { readonly at: number; readonly kind: 'unreadable' }

const READ_bytes = 256 * 1024

/**
 * The file of a session, looked for by id in the day folders, the newest first. Throws `api.not_found`: also for an id that is not one,
 * since it becomes a path.
 */
export async function findTranscript(dir: string, session: string): Promise<string> {
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(session)) throw new SluiceError('api.not_found', 'not a session id')
  for (const day of await transcriptDays(dir)) {
    const path = join(dir, day, `${session}.jsonl`)
    const found = await stat(path).catch(() => undefined)
    if (found?.isFile()) return path
  }
  throw new SluiceError('api.not_found', `no transcript of ${session}: it did nothing, or was never here`)
}

/** Day folders, the newest first. */
export async function transcriptDays(dir: string): Promise<string[]> {
  const names = await readdir(dir).catch(() => [])
  return names
    .filter((name) => /^\d{4}-\d\d-\d\d$/.test(name))
    .sort()
    .reverse()
}

/** A line and where in the file the next one begins. */
export interface PlacedLine {
  readonly line: PlayedLine
  readonly end: number
}

/** Everything recorded, in order, as a stream. An unfinished last line (a crash, a session under way) ends it. */
export async function* readTranscript(path: string): AsyncGenerator<PlayedLine> {
  for await (const { line } of placedLines(path, 0)) yield line
}

/** The same from a byte where a line begins. */
export async function* placedLines(path: string, from: number): AsyncGenerator<PlacedLine> {
  const file = await open(path, 'r')
  let rest = Buffer.alloc(0)
  let read = from
  let at = 0
  try {
    for (;;) {
      const piece = Buffer.allocUnsafe(READ_bytes)
      const { bytesRead } = await file.read(piece, 0, READ_bytes, read)
      if (bytesRead === 0) return
      const bytes = Buffer.concat([rest, piece.subarray(0, bytesRead)])
      const base = read - rest.length
      read += bytesRead
      let start = 0
      for (let newline = bytes.indexOf(10); newline >= 0; newline = bytes.indexOf(10, start)) {
        const line = parseLine(bytes.toString('utf8', start, newline)) ?? { at, kind: 'unreadable' as const }
        at = line.at
        start = newline + 1
        yield { line, end: base + start }
      }
      rest = bytes.subarray(start)
      if (rest.length > LINE_bytes)
        throw new SluiceError('ledger.damaged', `${path} holds a line longer than any event`)
    }
  } finally {
    await file.close()
  }
}

const KINDS: ReadonlySet<unknown> = new Set<TranscriptLine['kind']>([
  'session',
  'operation',
  'held',
  'columns',
  'rows',
  'outcome',
  'notice',
  'terminal',
  'resize',
  'output',
  'input',
  'typed',
  'file',
  'gap',
  'end',
])

/** One line; undefined when it is not an event. Checks what the renderer relies on, no more. */
function parseLine(text: string): TranscriptLine | undefined {
  let line: Record<string, unknown>
  try {
    line = JSON.parse(text) as Record<string, unknown>
  } catch {
    return undefined
  }
  if (line === null || typeof line !== 'object' || typeof line.at !== 'number' || !KINDS.has(line.kind))
    return undefined
  const op = typeof line.op === 'number'
  switch (line.kind) {
    case 'rows':
      return op && typeof line.columnsOf === 'number' && typeof line.bytes === 'string'
        ? ({ ...line, bytes: Buffer.from(line.bytes, 'base64') } as never)
        : undefined
    case 'output':
    case 'input':
      return op && typeof line.bytes === 'string'
        ? ({ ...line, bytes: Buffer.from(line.bytes, 'base64') } as never)
        : undefined
    case 'terminal':
    case 'resize':
      return op && typeof line.width === 'number' && typeof line.height === 'number' ? (line as never) : undefined
    case 'typed':
      return op && typeof line.text === 'string' ? (line as never) : undefined
    case 'file':
      return op && typeof line.path === 'string' && typeof line.sha256 === 'string' ? (line as never) : undefined
    case 'columns':
      return op && Array.isArray(line.columns) && line.columns.every(isColumn) ? (line as never) : undefined
    case 'operation':
      return op && typeof line.text === 'string' && typeof line.verb === 'string' ? (line as never) : undefined
    case 'outcome':
      return op && typeof line.tag === 'string' ? (line as never) : undefined
    case 'notice':
      return typeof line.text === 'string' ? (line as never) : undefined
    case 'session':
      return typeof line.session === 'object' && line.session !== null ? (line as never) : undefined
    default:
      return line as never
  }
}

function isColumn(column: unknown): boolean {
  const { name, typeOid, format } = (column ?? {}) as Record<string, unknown>
  return typeof name === 'string' && typeof typeOid === 'number' && typeof format === 'number'
}
