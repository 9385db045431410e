import { readdir, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { PastSession, ReplayEvent, SessionIndex, TranscriptReader } from '../api/services.ts'
import { Lru } from '../kit/lru.ts'
import { type Column, decodeRows } from '../transcript/cells.ts'
import { followTranscript } from '../transcript/follow.ts'
import { findTranscript, type PlayedLine, readTranscript, transcriptDays } from '../transcript/player.ts'
import type { Transcripts } from '../transcript/transcripts.ts'

/** Summaries kept, so that a list does not read the same files again. */
const KEPT = 2_000

/** Sessions that were, as their transcripts tell. One that did nothing has none and is not listed. */
export function sessionIndex(dir: string): SessionIndex {
  const kept = new Lru<string, { readonly bytes: number; readonly session: PastSession | undefined }>(KEPT)
  const summary = async (path: string): Promise<PastSession | undefined> => {
    const { size: bytes } = await stat(path)
    const known = kept.get(path)
    if (known?.bytes === bytes) return known.session
    const session = await summarise(path)
    kept.set(path, { bytes, session })
    return session
  }
  return {
    async recent({ limit, before }) {
      const found: PastSession[] = []
      for await (const path of newestFirst(dir, before)) {
        const session = await summary(path)
        if (session) found.push(session)
        if (found.length === limit) break
      }
      return found
    },
    async get(id) {
      const path = await findTranscript(dir, id).catch(() => undefined)
      return path === undefined ? undefined : summary(path)
    },
  }
}

/** Transcripts of sessions older than `before`: an id begins with its time, so names sort by age. */
async function* newestFirst(dir: string, before: string | undefined): AsyncGenerator<string> {
  for (const day of await transcriptDays(dir)) {
    const names = (await readdir(join(dir, day)))
      .filter((name) => name.endsWith('.jsonl'))
      .sort()
      .reverse()
    for (const name of names) if (before === undefined || basename(name, '.jsonl') < before) yield join(dir, day, name)
  }
}

async function summarise(path: string): Promise<PastSession | undefined> {
  let session: PastSession | undefined
  const total = { operations: 0, rows: 0, bytes: 0 }
  let end: number | undefined
  for await (const line of readTranscript(path)) {
    if (line.kind === 'session') session = { ...line.session, ...total }
    else if (line.kind === 'operation') total.operations = Math.max(total.operations, line.op)
    else if (line.kind === 'end') end = line.at
    else if (line.kind === 'outcome') {
      total.rows += line.rows
      total.bytes += line.bytes
    }
  }
  return session && { ...session, ...total, ...(end === undefined ? {} : { closed_ms: session.opened_ms + end }) }
}

/** Transcripts as the API replays them: rows as text, by the layout their columns were announced with. */
export function transcriptReader(transcripts: Transcripts): TranscriptReader {
  return {
    async read(session, { from, limit }) {
      const events: ReplayEvent[] = []
      let number = 0
      for await (const event of replayed(linesOf(transcripts, session))) {
        if (events.length === limit) return { events, next: number }
        if (number++ >= from) events.push(event)
      }
      return { events }
    },
    follow: (session, signal) => replayed(followTranscript({ transcripts, session, signal })),
  }
}

async function* linesOf({ dir }: Transcripts, session: string): AsyncGenerator<PlayedLine> {
  yield* readTranscript(await findTranscript(dir, session))
}

async function* replayed(lines: AsyncIterable<PlayedLine>): AsyncGenerator<ReplayEvent> {
  let layout: { readonly op: number; readonly columns: readonly Column[] } = { op: 0, columns: [] }
  for await (const line of lines) {
    if (line.kind === 'session') continue
    if (line.kind === 'columns') layout = line
    if (line.kind === 'rows') {
      const columns = layout.op === line.op ? layout.columns : []
      yield { at: line.at, kind: 'rows', op: line.op, rows: decodeRows(line.bytes, columns) }
    } else if (line.kind === 'unreadable') yield { at: line.at, kind: 'gap', events: 1 }
    else yield line
  }
}
