import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sha256 } from '../../src/kit/digest.ts'
import { createLog } from '../../src/kit/log.ts'
import type { SessionMeta, TranscriptEvent } from '../../src/model/transcript.ts'
import { transcriptPath } from '../../src/transcript/format.ts'
import { type PlayedLine, readTranscript } from '../../src/transcript/player.ts'
import { openTranscripts, type TranscriptOptions, type Transcripts } from '../../src/transcript/transcripts.ts'

/** A session as the engine describes it. */
export const meta = (id: string, more: Partial<SessionMeta> = {}): SessionMeta => ({
  id,
  protocol: 'postgres',
  resource: 'orders',
  principal: {
    kind: 'agent',
    id: 'agent:bot',
    name: 'bot',
    groups: [],
    claims: { secret: 'claim' },
    credential: 'tok_1',
    actor: {
      kind: 'human',
      id: 'human:ada',
      name: 'Ada',
      groups: [],
      claims: { secret: 'claim' },
      credential: 'tok_2',
    },
  },
  from: '127.0.0.1',
  opened_ms: Date.UTC(2026, 0, 2, 3, 4, 5),
  upstreamUser: 'app',
  database: 'shop',
  client: 'psql',
  ...more,
})
export const operation = (op: number, text = 'SELECT 1'): TranscriptEvent => ({
  kind: 'operation',
  op,
  verb: 'SELECT',
  text,
  outcome: 'allow',
  rule: 'readers',
  reason: 'policy.allowed',
})
export const outcome = (op: number, rows = 1): TranscriptEvent => ({
  kind: 'outcome',
  op,
  status: 'ok',
  tag: `SELECT ${rows}`,
  rows,
  bytes: rows * 10,
  duration_ms: 1.23456,
})
export const columns = (op: number, ...names: string[]): TranscriptEvent => ({
  kind: 'columns',
  op,
  columns: names.map((name) => ({ name, typeOid: 25, format: 0 })),
})

/** A PostgreSQL DataRow of text cells. */
export function dataRow(...cells: string[]): Buffer {
  const body = cells.map((cell) => {
    const length = Buffer.alloc(4)
    length.writeInt32BE(Buffer.byteLength(cell))
    return Buffer.concat([length, Buffer.from(cell)])
  })
  const head = Buffer.alloc(7)
  head.write('D')
  head.writeInt32BE(6 + body.reduce((sum, part) => sum + part.length, 0), 1)
  head.writeInt16BE(cells.length, 5)
  return Buffer.concat([head, ...body])
}

/** A folder of transcripts, and the chunk entries its recorders made. */
export class RecordingFolder implements Disposable {
  readonly dir = fs.mkdtempSync(join(tmpdir(), 'sluice-transcripts-'))
  readonly chunks: Record<string, unknown>[] = []

  open(more: Partial<TranscriptOptions> = {}): Transcripts {
    const append = (kind: string, body: string) => this.chunks.push({ kind, ...(JSON.parse(`{${body}}`) as object) })
    return openTranscripts({ dir: this.dir, ledger: { append }, log: createLog('error', () => {}), ...more })
  }

  path(id: string): string {
    return transcriptPath(this.dir, meta(id))
  }

  async play(id: string): Promise<PlayedLine[]> {
    const lines: PlayedLine[] = []
    for await (const line of readTranscript(this.path(id))) lines.push(line)
    return lines
  }

  /** What is wrong with a session's chunk entries; empty when each fits the file, together they cover it, and one seals it. */
  uncovered(id: string): string[] {
    const bytes = fs.readFileSync(this.path(id))
    const mine = this.chunks.filter((chunk) => chunk.session === id) as unknown as {
      offset: number
      length: number
      sha256: string
      sealed?: boolean
    }[]
    const wrong = mine.flatMap(({ offset, length, sha256: digest }) =>
      sha256(bytes.subarray(offset, offset + length)) === digest ? [] : [`chunk at ${offset}`],
    )
    if (mine.reduce((sum, { length }) => sum + length, 0) !== bytes.length) wrong.push('length')
    if (mine.filter((chunk) => chunk.sealed).length !== 1) wrong.push('seal')
    return wrong
  }

  [Symbol.dispose](): void {
    fs.rmSync(this.dir, { recursive: true, force: true })
  }
}
