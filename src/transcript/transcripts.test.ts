import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { sha256 } from '../kit/digest.ts'
import { createLog } from '../kit/log.ts'
import type { SessionMeta, TranscriptEvent } from '../model/transcript.ts'
import { transcriptPath } from './format.ts'
import { type PlayedLine, readTranscript } from './player.ts'
import type { ReplayEvent } from './replay.ts'
import { searchTranscripts } from './search.ts'
import { openTranscripts, type TranscriptDisk, type TranscriptOptions, type Transcripts } from './transcripts.ts'

let dir: string
let chunks: Record<string, unknown>[]
beforeEach(() => {
  dir = fs.mkdtempSync(join(tmpdir(), 'sluice-transcripts-'))
  chunks = []
})
afterEach(() => fs.rmSync(dir, { recursive: true, force: true }))

const silent = createLog('error', () => {})
const ledger = {
  append: (kind: string, body: string) => chunks.push({ kind, ...(JSON.parse(`{${body}}`) as object) }),
}
const open = (more: Partial<TranscriptOptions> = {}): Transcripts =>
  openTranscripts({ dir, ledger, log: silent, ...more })

const meta = (id: string, more: Partial<SessionMeta> = {}): SessionMeta => ({
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
const path = (id: string): string => transcriptPath(dir, meta(id))

const operation = (op: number, text = 'SELECT 1'): TranscriptEvent => ({
  kind: 'operation',
  op,
  verb: 'SELECT',
  text,
  outcome: 'allow',
  rule: 'readers',
  reason: 'policy.allowed',
})
const outcome = (op: number, rows = 1): TranscriptEvent => ({
  kind: 'outcome',
  op,
  status: 'ok',
  tag: `SELECT ${rows}`,
  rows,
  bytes: rows * 10,
  duration_ms: 1.23456,
})
const columns = (op: number, ...names: string[]): TranscriptEvent => ({
  kind: 'columns',
  op,
  columns: names.map((name) => ({ name, typeOid: 25, format: 0 })),
})

/** A PostgreSQL DataRow of text cells. */
function dataRow(...cells: string[]): Buffer {
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

async function play(id: string): Promise<PlayedLine[]> {
  const lines: PlayedLine[] = []
  for await (const line of readTranscript(path(id))) lines.push(line)
  return lines
}

/** Every chunk entry fits the file, and together they cover it. */
function expectCovered(id: string): void {
  const bytes = fs.readFileSync(path(id))
  const mine = chunks.filter((chunk) => chunk.session === id) as { offset: number; length: number; sha256: string }[]
  for (const { offset, length, sha256: digest } of mine) {
    expect(sha256(bytes.subarray(offset, offset + length))).toBe(digest)
  }
  expect(mine.reduce((sum, { length }) => sum + length, 0)).toBe(bytes.length)
  expect(chunks.filter((chunk) => chunk.session === id && chunk.sealed).length).toBe(1)
}

describe('a session is recorded', () => {
  test('event by event, its chunks in the ledger, claims left out', async () => {
    const transcripts = open()
    const recorder = transcripts.open(meta('ses_1'))
    const parameters = ['é\u0000"\n', null]
    recorder.note({ ...operation(1, 'SELECT $1\n-- two lines'), parameters } as TranscriptEvent)
    recorder.note({ kind: 'held', op: 1, approval: 'apr_1' })
    recorder.note(columns(1, 'a', 'b'))
    const row = dataRow('x', 'ü')
    recorder.note({ kind: 'rows', op: 1, columnsOf: 1, bytes: row })
    row.fill(0)
    recorder.note(outcome(1))
    recorder.note({ kind: 'notice', text: 'bye' })
    await recorder.close()
    await transcripts.close()
    const lines = await play('ses_1')
    expect(lines.map((line) => line.kind)).toEqual([
      'session',
      'operation',
      'held',
      'columns',
      'rows',
      'outcome',
      'notice',
      'end',
    ])
    expect(lines[1]).toMatchObject({ text: 'SELECT $1\n-- two lines', parameters, outcome: 'allow', rule: 'readers' })
    expect(lines[4]).toMatchObject({ bytes: dataRow('x', 'ü') })
    expect(lines[5]).toMatchObject({ rows: 1, bytes: 10, duration_ms: 1.235 })
    expect(fs.readFileSync(path('ses_1'), 'utf8')).not.toContain('claim"')
    expect(fs.statSync(path('ses_1')).mode & 0o777).toBe(0o600)
    expectCovered('ses_1')
  })

  test('also long ones, in chunks that follow each other', async () => {
    const transcripts = open()
    const recorder = transcripts.open(meta('ses_1'))
    for (let op = 1; op <= 3000; op++) {
      recorder.note(operation(op, `SELECT ${'x'.repeat(op % 300)}`))
      recorder.note(outcome(op))
      if (op % 500 === 0) await new Promise(setImmediate)
    }
    recorder.note(operation(3001, 'y'.repeat(1_000_000)))
    await recorder.close()
    const lines = await play('ses_1')
    expect(lines.length).toBe(6003)
    expect(lines.filter((line) => line.kind === 'operation').map((line) => line.op)).toEqual(
      Array.from({ length: 3001 }, (_, i) => i + 1),
    )
    expect(chunks.length).toBeGreaterThan(3)
    expectCovered('ses_1')
    await transcripts.close()
  })

  test('not after it closed, and closing twice seals once', async () => {
    const transcripts = open()
    const recorder = transcripts.open(meta('ses_1'))
    recorder.note(operation(1))
    await Promise.all([recorder.close(), recorder.close()])
    recorder.note(operation(2))
    await transcripts.close()
    expect((await play('ses_1')).map((line) => line.kind)).toEqual(['session', 'operation', 'end'])
    expectCovered('ses_1')
  })

  test.each(['../../etc/passwd', '', 'a/b', 'x'.repeat(65), '..'])(
    '"%s" is no session: it would become a path',
    async (id) => {
      const transcripts = open()
      expect(() => transcripts.open(meta(id))).toThrow(expect.objectContaining({ code: 'api.not_found' }))
      await expect(transcripts.read(id, { from: 0, limit: 1 })).rejects.toMatchObject({ code: 'api.not_found' })
      await transcripts.close()
    },
  )
})

describe('rows are a sample', () => {
  const rowsOf = (lines: PlayedLine[]): number =>
    lines.reduce((sum, line) => sum + (line.kind === 'rows' ? line.bytes.length / dataRow('x').length : 0), 0)

  test('of so many rows an operation, however they arrive', async () => {
    const transcripts = open({ sampleRows: 5 })
    const recorder = transcripts.open(meta('ses_1'))
    for (let op = 1; op <= 2; op++) {
      recorder.note({ kind: 'rows', op, columnsOf: op, bytes: dataRow('x') })
      recorder.note({
        kind: 'rows',
        op,
        columnsOf: op,
        bytes: Buffer.concat(Array.from({ length: 9 }, () => dataRow('x'))),
      })
      recorder.note({ kind: 'rows', op, columnsOf: op, bytes: dataRow('x') })
    }
    await recorder.close()
    expect(rowsOf(await play('ses_1'))).toBe(10)
    await transcripts.close()
  })

  test('and of so many bytes', async () => {
    const transcripts = open({ sampleRows: 1000 })
    const recorder = transcripts.open(meta('ses_1'))
    for (let i = 0; i < 100; i++)
      recorder.note({ kind: 'rows', op: 1, columnsOf: 1, bytes: dataRow('x'.repeat(100_000)) })
    await recorder.close()
    expect((await play('ses_1')).filter((line) => line.kind === 'rows').length).toBe(3)
    await transcripts.close()
  })

  test('bytes that are no messages are not kept', async () => {
    const transcripts = open()
    const recorder = transcripts.open(meta('ses_1'))
    recorder.note({ kind: 'rows', op: 1, columnsOf: 1, bytes: Buffer.from('D\xff\xff\xff\xffhello', 'latin1') })
    recorder.note({ kind: 'rows', op: 1, columnsOf: 1, bytes: Buffer.from('D') })
    recorder.note(outcome(1))
    await recorder.close()
    expect(rowsOf(await play('ses_1'))).toBe(0)
    await transcripts.close()
  })
})

test('1,000 idle sessions cost no file and little memory; after work, few descriptors', async () => {
  const transcripts = open()
  const before = fs.readdirSync('/proc/self/fd').length
  const recorders = Array.from({ length: 1000 }, (_, i) => transcripts.open(meta(`ses_${i}`)))
  expect(fs.readdirSync(dir)).toEqual([])
  for (const recorder of recorders) recorder.note(operation(1))
  await new Promise<void>((resolve) => {
    const look = (): void => (chunks.length === 1000 ? resolve() : void setImmediate(look))
    look()
  })
  expect(fs.readdirSync('/proc/self/fd').length - before).toBeLessThan(100)
  await transcripts.close()
  expect(fs.readdirSync('/proc/self/fd').length - before).toBeLessThan(20)
  for (let i = 0; i < 1000; i += 100) expectCovered(`ses_${i}`)
})

/** A disk that can refuse, be slow, or take single bytes. */
function slowDisk() {
  const state = { mode: 'works' as 'works' | 'full' | 'fails' | 'holds' | 'short', held: [] as (() => void)[], sync: 0 }
  const refuse = (): never => {
    throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' })
  }
  const disk = {
    ...fs,
    openSync: (...args: Parameters<typeof fs.openSync>) => (state.mode === 'full' ? refuse() : fs.openSync(...args)),
    writeSync: (fd: number, bytes: Uint8Array, offset: number, length: number, position: number) => {
      state.sync++
      if (state.mode === 'full') refuse()
      return fs.writeSync(fd, bytes, offset, state.mode === 'short' ? 1 + (length >> 1) : length, position)
    },
    write: (
      fd: number,
      bytes: Uint8Array,
      offset: number,
      length: number,
      position: number,
      done: (error: Error | null, written: number) => void,
    ) => {
      if (state.mode === 'full' || state.mode === 'fails')
        setImmediate(() => done(Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' }), 0))
      else if (state.mode === 'holds') state.held.push(() => fs.write(fd, bytes, offset, length, position, done))
      else fs.write(fd, bytes, offset, state.mode === 'short' ? 1 + (length >> 1) : length, position, done)
    },
  }
  return { state, disk: disk as unknown as TranscriptDisk }
}

describe('G44: a disk that is missing or slow', () => {
  test('short writes are completed', async () => {
    const { state, disk } = slowDisk()
    state.mode = 'short'
    const transcripts = open({ disk })
    const recorder = transcripts.open(meta('ses_1'))
    for (let op = 1; op <= 100; op++) recorder.note(operation(op))
    await recorder.close()
    expect((await play('ses_1')).length).toBe(102)
    expectCovered('ses_1')
    await transcripts.close()
  })

  test('raises the alarm, loses nothing, and lowers it', async () => {
    const { state, disk } = slowDisk()
    const transcripts = open({ disk, flush_ms: 1 })
    const told: (string | undefined)[] = []
    const failed = new Promise<void>((resolve) => {
      transcripts.onFailure((failure) => {
        told.push(failure?.code)
        resolve()
      })
    })
    state.mode = 'full'
    const recorder = transcripts.open(meta('ses_1'))
    const other = transcripts.open(meta('ses_2'))
    recorder.note(operation(1))
    other.note(operation(1))
    await failed
    expect(transcripts.failure).toMatchObject({ code: 'ledger.unwritable' })
    recorder.note(operation(2))
    state.mode = 'works'
    await Promise.all([recorder.close(), other.close()])
    expect(told).toEqual(['ledger.unwritable', undefined])
    expect((await play('ses_1')).map((line) => line.kind)).toEqual(['session', 'operation', 'operation', 'end'])
    expectCovered('ses_1')
    expectCovered('ses_2')
    await transcripts.close()
  })

  test('refuses a thousand sessions with few descriptors, and writes them all once it can', async () => {
    const { state, disk } = slowDisk()
    const transcripts = open({ disk, flush_ms: 1 })
    const before = fs.readdirSync('/proc/self/fd').length
    const recorders = Array.from({ length: 1000 }, (_, i) => transcripts.open(meta(`ses_${i}`)))
    for (const recorder of recorders) recorder.note(operation(1))
    state.mode = 'fails'
    await new Promise<void>((resolve) => void transcripts.onFailure(() => resolve()))
    for (let i = 0; i < 500; i++) await new Promise(setImmediate)
    expect(fs.readdirSync('/proc/self/fd').length - before).toBeLessThan(100)
    state.mode = 'works'
    await transcripts.close()
    for (let i = 0; i < 1000; i++) expectCovered(`ses_${i}`)
  })

  test('memory stays bounded while it refuses, and the recording says what is missing', async () => {
    const { state, disk } = slowDisk()
    const transcripts = open({ disk, flush_ms: 1 })
    state.mode = 'full'
    const recorder = transcripts.open(meta('ses_1'))
    const failed = new Promise<void>((resolve) => void transcripts.onFailure(() => resolve()))
    recorder.note(operation(1))
    await failed
    for (let op = 2; op <= 40; op++) recorder.note(operation(op, 'x'.repeat(1_000_000)))
    expect(recorder.pending).toBeLessThan(14_000_000)
    state.mode = 'works'
    recorder.note(operation(41))
    await recorder.close()
    const lines = await play('ses_1')
    const kept = lines.filter((line) => line.kind === 'operation').length
    const gap = lines.find((line) => line.kind === 'gap')
    expect(kept + (gap?.kind === 'gap' ? gap.events : 0)).toBe(41)
    expect(gap).toBeDefined()
    expectCovered('ses_1')
    await transcripts.close()
  })

  test('a session far ahead of the disk waits for it, and its bytes keep their order', async () => {
    const { state, disk } = slowDisk()
    const transcripts = open({ disk, flush_ms: 1 })
    const recorder = transcripts.open(meta('ses_1'))
    state.mode = 'holds'
    for (let op = 1; op <= 30; op++) recorder.note(operation(op, 'x'.repeat(1_000_000)))
    expect(state.sync).toBeGreaterThan(1)
    expect(recorder.pending).toBeLessThan(9_500_000)
    state.mode = 'works'
    for (const go of state.held) go()
    await recorder.close()
    expect((await play('ses_1')).filter((line) => line.kind === 'operation').map((line) => line.op)).toEqual(
      Array.from({ length: 30 }, (_, i) => i + 1),
    )
    expectCovered('ses_1')
    await transcripts.close()
  })
})

describe('a transcript is read as far as it can be', () => {
  async function recorded(): Promise<void> {
    const transcripts = open()
    const recorder = transcripts.open(meta('ses_1'))
    recorder.note(operation(1))
    recorder.note(outcome(1))
    await recorder.close()
    await transcripts.close()
  }
  test.each([
    ['an unfinished last line', (text: string) => text.slice(0, -5), ['session', 'operation', 'outcome']],
    [
      'a line that is no JSON',
      (text: string) => text.replace('{"at":0,"kind":"operation"', '{"at'),
      ['session', 'unreadable', 'outcome', 'end'],
    ],
    [
      'a line of a kind nobody knows',
      (text: string) => text.replace('"kind":"operation"', '"kind":"__proto__"'),
      ['session', 'unreadable', 'outcome', 'end'],
    ],
    [
      'a line whose text is missing',
      (text: string) => text.replace('"text"', '"test"'),
      ['session', 'unreadable', 'outcome', 'end'],
    ],
    ['null', (text: string) => text.replace(/^.*\n/, 'null\n'), ['unreadable', 'operation', 'outcome', 'end']],
    ['nothing at all', () => '', []],
  ])('%s', async (_, damage, kinds) => {
    await recorded()
    fs.writeFileSync(path('ses_1'), damage(fs.readFileSync(path('ses_1'), 'utf8').replaceAll(/"at":\d+/g, '"at":0')))
    expect((await play('ses_1')).map((line) => line.kind)).toEqual(kinds)
  })
})

describe('replay', () => {
  test('pages follow each other, rows decoded by the columns before them', async () => {
    const transcripts = open()
    const recorder = transcripts.open(meta('ses_1'))
    for (let op = 1; op <= 10; op++) {
      recorder.note(operation(op))
      // A layout is noted once, and referred to ever after.
      if (op === 2) recorder.note(columns(op, 'name'))
      recorder.note({ kind: 'rows', op, columnsOf: 2, bytes: dataRow(`row ${op}`) })
      recorder.note(outcome(op))
    }
    await recorder.close()
    const events: ReplayEvent[] = []
    for (let from: number | undefined = 0; from !== undefined; ) {
      const page: { events: readonly ReplayEvent[]; next?: number } = await transcripts.read('ses_1', {
        from,
        limit: 3,
      })
      events.push(...page.events)
      from = page.next
    }
    expect(events.length).toBe(32)
    expect(events.filter((event) => event.kind === 'rows').map((event) => event.rows)).toEqual(
      Array.from({ length: 10 }, (_, i) => [[`row ${i + 1}`]]),
    )
    // From a number nobody paged to, and in another process.
    await transcripts.close()
    const again = open()
    expect(await again.read('ses_1', { from: 14, limit: 2 })).toMatchObject({
      events: [{ kind: 'rows', rows: [['row 5']] }, { kind: 'outcome' }],
      next: 16,
    })
    expect(await again.read('ses_1', { from: 100, limit: 2 })).toEqual({ events: [] })
    await again.close()
  })

  test('a session that did nothing has no events; one that never was is not found', async () => {
    const transcripts = open()
    const idle = transcripts.open(meta('ses_idle'))
    expect(await transcripts.read('ses_idle', { from: 0, limit: 9 })).toEqual({ events: [] })
    await idle.close()
    expect(await transcripts.read('ses_idle', { from: 0, limit: 9 })).toEqual({ events: [] })
    await expect(transcripts.read('ses_none', { from: 0, limit: 9 })).rejects.toMatchObject({ code: 'api.not_found' })
    expect(fs.readdirSync(dir).filter((name) => name !== 'sessions')).toEqual([])
    await transcripts.close()
  })

  test('a watcher sees what happens from now on, until the end', async () => {
    const transcripts = open()
    const recorder = transcripts.open(meta('ses_1'))
    recorder.note(operation(1))
    recorder.note(columns(1, 'name'))
    const seen: ReplayEvent[] = []
    const signal = new AbortController().signal
    const watch = transcripts.follow('ses_1', signal)
    const first = watch.next()
    const row = dataRow('x')
    recorder.note({ kind: 'rows', op: 1, columnsOf: 1, bytes: row })
    row.fill(0)
    recorder.note(outcome(1))
    const closed = recorder.close()
    seen.push((await first).value as ReplayEvent)
    for await (const event of watch) seen.push(event)
    expect(seen).toMatchObject([{ kind: 'rows', rows: [['x']] }, { kind: 'outcome' }, { kind: 'end' }])
    await closed
    await expect(transcripts.follow('ses_1', signal).next()).rejects.toMatchObject({ code: 'api.not_found' })
    await transcripts.close()
  })

  test('a watcher that does not keep up costs bounded memory and is told', async () => {
    const transcripts = open()
    const recorder = transcripts.open(meta('ses_1'))
    const watch = transcripts.follow('ses_1', new AbortController().signal)
    const first = watch.next()
    for (let op = 1; op <= 5000; op++) recorder.note(operation(op))
    const closed = recorder.close()
    const seen = [(await first).value as ReplayEvent]
    for await (const event of watch) seen.push(event)
    const missed = seen.reduce((sum, event) => sum + (event.kind === 'gap' ? event.events : 0), 0)
    expect(missed).toBeGreaterThan(3000)
    expect(seen.length - 2 + missed).toBe(5000)
    expect(seen.at(-1)).toMatchObject({ kind: 'end' })
    await closed
    expect((await play('ses_1')).length).toBe(5002)
    await transcripts.close()
  })

  test('a watcher that leaves is forgotten', async () => {
    const transcripts = open()
    const recorder = transcripts.open(meta('ses_1'))
    const left = new AbortController()
    const watch = transcripts.follow('ses_1', left.signal)
    const first = watch.next()
    left.abort()
    expect((await first).done).toBe(true)
    recorder.note(operation(1))
    await transcripts.close()
  })
})

describe('search', () => {
  test('finds statements, parameters, cells, tags and notices, in sessions one may read only, the newest first', async () => {
    const transcripts = open()
    const sessions = ['ses_a', 'ses_b', 'ses_c'].map((id) => transcripts.open(meta(id)))
    for (const recorder of sessions) {
      recorder.note({ ...operation(1, 'SELECT needle'), parameters: ['a needle'] } as TranscriptEvent)
      recorder.note(columns(1, 'name'))
      recorder.note({ kind: 'rows', op: 1, columnsOf: 1, bytes: dataRow('hay', 'a NEEDLE here') })
      recorder.note({ ...outcome(1), tag: 'no Needle' } as TranscriptEvent)
      recorder.note({ kind: 'notice', text: 'a needle too' })
      recorder.note(operation(2, 'SELECT hay'))
      await recorder.close()
    }
    const found: [string, string][] = []
    const search = { dir, text: 'needle', allowed: (id: string) => id !== 'ses_b', limit: 6 }
    for await (const hit of searchTranscripts(search)) found.push([hit.session, hit.kind])
    expect(found).toEqual([
      ['ses_c', 'operation'],
      ['ses_c', 'rows'],
      ['ses_c', 'outcome'],
      ['ses_c', 'notice'],
      ['ses_a', 'operation'],
      ['ses_a', 'rows'],
    ])
    await transcripts.close()
  })
})

describe('the index of sessions', () => {
  const at = (hour: number): number => Date.UTC(2026, 0, 2, hour)

  test('lists what ended, the newest first, page by page, also after a restart', async () => {
    const transcripts = open()
    for (let i = 0; i < 30; i++) {
      const recorder = transcripts.open(
        meta(`ses_${String(i).padStart(2, '0')}`, { opened_ms: at(Math.floor(i / 10)) }),
      )
      recorder.note(operation(1))
      recorder.note(outcome(1, 7))
      if (i !== 5) await recorder.close(i === 29 ? 'killed' : undefined)
    }
    const ids = async (of: Transcripts, before?: string): Promise<string[]> =>
      (await of.sessions.recent({ limit: 12, before })).map((session) => session.id.slice(4))
    const names = Array.from({ length: 30 }, (_, i) => String(29 - i).padStart(2, '0'))
    expect(await ids(transcripts)).toEqual(names.slice(0, 12))
    expect(await ids(transcripts, 'ses_18')).toEqual(names.slice(12, 24))
    expect(await ids(transcripts, 'ses_06')).toEqual(['04', '03', '02', '01', '00'])
    const newest = (await transcripts.sessions.recent({ limit: 1 }))[0]
    expect(newest).toMatchObject({ operations: 1, rows: 7, bytes: 70, endedWhy: 'killed', resource: 'orders' })
    expect(newest!.principal.actor).toMatchObject({ id: 'human:ada', claims: {} })
    expect(await transcripts.sessions.get('ses_05')).toBeUndefined()

    const again = open()
    expect(await ids(again)).toEqual(names.slice(0, 12))
    // The one the last run left open ended with it.
    expect(await again.sessions.get('ses_05')).toMatchObject({ id: 'ses_05', endedWhy: 'the gateway stopped' })
    expect(await again.sessions.get('ses_29')).toMatchObject({ closed_ms: expect.any(Number), rows: 7 })
    expect(await again.sessions.get('ses_none')).toBeUndefined()
    await transcripts.close()
    await again.close()
  })

  test('a short session costs one line, and a lost index nothing else', async () => {
    const transcripts = open()
    const recorder = transcripts.open(meta('ses_1'))
    recorder.note(operation(1))
    await recorder.close()
    await transcripts.close()
    const [file] = fs.readdirSync(join(dir, 'sessions'))
    expect(fs.readFileSync(join(dir, 'sessions', file!), 'utf8').split('\n').length).toBe(2)
    fs.rmSync(join(dir, 'sessions'), { recursive: true })
    const again = open()
    expect(await again.sessions.recent({ limit: 5 })).toEqual([])
    expect((await again.read('ses_1', { from: 0, limit: 5 })).events.length).toBe(2)
    await again.close()
  })
})
