import fs from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { columns, dataRow, meta, operation, outcome, RecordingFolder } from '../../test/rig/recording.ts'
import type { TranscriptEvent } from '../model/transcript.ts'
import type { ReplayEvent } from './replay.ts'
import { searchTranscripts } from './search.ts'
import type { Transcripts } from './transcripts.ts'

let folder: RecordingFolder
beforeEach(() => {
  folder = new RecordingFolder()
})
afterEach(() => folder[Symbol.dispose]())

describe('a transcript is read as far as it can be', () => {
  async function recorded(): Promise<void> {
    const transcripts = folder.open()
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
    fs.writeFileSync(
      folder.path('ses_1'),
      damage(fs.readFileSync(folder.path('ses_1'), 'utf8').replaceAll(/"at":\d+/g, '"at":0')),
    )
    expect((await folder.play('ses_1')).map((line) => line.kind)).toEqual(kinds)
  })
})

describe('replay', () => {
  test('pages follow each other, rows decoded by the columns before them', async () => {
    const transcripts = folder.open()
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
    const again = folder.open()
    expect(await again.read('ses_1', { from: 14, limit: 2 })).toMatchObject({
      events: [{ kind: 'rows', rows: [['row 5']] }, { kind: 'outcome' }],
      next: 16,
    })
    expect(await again.read('ses_1', { from: 100, limit: 2 })).toEqual({ events: [] })
    await again.close()
  })

  test('a session that did nothing has no events; one that never was is not found', async () => {
    const transcripts = folder.open()
    const idle = transcripts.open(meta('ses_idle'))
    expect(await transcripts.read('ses_idle', { from: 0, limit: 9 })).toEqual({ events: [] })
    await idle.close()
    expect(await transcripts.read('ses_idle', { from: 0, limit: 9 })).toEqual({ events: [] })
    await expect(transcripts.read('ses_none', { from: 0, limit: 9 })).rejects.toMatchObject({ code: 'api.not_found' })
    expect(fs.readdirSync(folder.dir).filter((name) => name !== 'sessions')).toEqual([])
    await transcripts.close()
  })

  test('a watcher sees what happens from now on, until the end', async () => {
    const transcripts = folder.open()
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
    const transcripts = folder.open()
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
    expect((await folder.play('ses_1')).length).toBe(5002)
    await transcripts.close()
  })

  test('a watcher that leaves is forgotten', async () => {
    const transcripts = folder.open()
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
    const transcripts = folder.open()
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
    const search = { dir: folder.dir, text: 'needle', allowed: (id: string) => id !== 'ses_b', limit: 6 }
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
    const transcripts = folder.open()
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

    const again = folder.open()
    expect(await ids(again)).toEqual(names.slice(0, 12))
    // The one the last run left open ended with it.
    expect(await again.sessions.get('ses_05')).toMatchObject({ id: 'ses_05', endedWhy: 'the gateway stopped' })
    expect(await again.sessions.get('ses_29')).toMatchObject({ closed_ms: expect.any(Number), rows: 7 })
    expect(await again.sessions.get('ses_none')).toBeUndefined()
    await transcripts.close()
    await again.close()
  })

  test('a short session costs one line, and a lost index nothing else', async () => {
    const transcripts = folder.open()
    const recorder = transcripts.open(meta('ses_1'))
    recorder.note(operation(1))
    await recorder.close()
    await transcripts.close()
    const [file] = fs.readdirSync(join(folder.dir, 'sessions'))
    expect(fs.readFileSync(join(folder.dir, 'sessions', file!), 'utf8').split('\n').length).toBe(2)
    fs.rmSync(join(folder.dir, 'sessions'), { recursive: true })
    const again = folder.open()
    expect(await again.sessions.recent({ limit: 5 })).toEqual([])
    expect((await again.read('ses_1', { from: 0, limit: 5 })).events.length).toBe(2)
    await again.close()
  })
})
