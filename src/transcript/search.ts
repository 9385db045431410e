import { readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { type Cell, decodeRows } from './cells.ts'
import { Layouts } from './layouts.ts'
import { type PlayedLine, readTranscript, transcriptDays } from './player.ts'

export interface TranscriptSearch {
  readonly dir: string
  /** Looked for without regard to case in statements, parameters, rows, outcomes and notices. */
  readonly text: string
  /** Which sessions may be searched at all: by right, principal, resource, time. */
  readonly allowed: (session: string) => boolean
  readonly limit: number
  readonly signal?: AbortSignal
}

export interface TranscriptHit {
  readonly session: string
  readonly at: number
  readonly op: number | undefined
  readonly kind: PlayedLine['kind']
  /** The place around the text, as it was: whoever shows it makes it inert. */
  readonly excerpt: string
}

/** Hits, the newest sessions first, at most `limit`. Reads files one after the other; memory stays bounded. */
export async function* searchTranscripts(search: TranscriptSearch): AsyncGenerator<TranscriptHit> {
  let left = search.limit
  for (const day of await transcriptDays(search.dir)) {
    const files = (await readdir(join(search.dir, day))).filter((name) => name.endsWith('.jsonl')).sort()
    for (const file of files.reverse()) {
      const session = basename(file, '.jsonl')
      if (!search.allowed(session)) continue
      for await (const hit of searchFile(join(search.dir, day, file), session, search.text)) {
        yield hit
        if (--left <= 0) return
      }
      if (search.signal?.aborted) return
    }
  }
}

async function* searchFile(path: string, session: string, text: string): AsyncGenerator<TranscriptHit> {
  const needle = text.toLowerCase()
  const layouts = new Layouts()
  for await (const line of readTranscript(path)) {
    if (line.kind === 'columns') layouts.set(line.op, line.columns)
    for (const part of parts(line, layouts)) {
      const at = part === null ? -1 : part.toLowerCase().indexOf(needle)
      if (part === null || at < 0) continue
      const op = 'op' in line ? line.op : undefined
      yield {
        session,
        at: line.at,
        op,
        kind: line.kind,
        excerpt: part.slice(Math.max(0, at - 60), at + text.length + 60),
      }
      break
    }
  }
}

/** What of an event people search in. */
function parts(line: PlayedLine, layouts: Layouts): readonly Cell[] {
  switch (line.kind) {
    case 'operation':
      return [line.text, ...(line.parameters ?? [])]
    case 'rows':
      return decodeRows(line.bytes, layouts.of(line.columnsOf)).flat()
    case 'outcome':
      return [line.tag]
    case 'notice':
    case 'typed':
      return [line.text]
    case 'output':
    case 'input':
      return [Buffer.from(line.bytes).toString('utf8')]
    case 'file':
      return [line.path, line.sha256]
    default:
      return []
  }
}
