import fs from 'node:fs'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { columns, dataRow, meta, operation, outcome, RecordingFolder } from '../../test/rig/recording.ts'
import type { TranscriptEvent } from '../model/transcript.ts'
import type { PlayedLine } from './player.ts'

let folder: RecordingFolder
beforeEach(() => {
  folder = new RecordingFolder()
})
afterEach(() => folder[Symbol.dispose]())

describe('a session is recorded', () => {
  test('event by event, its chunks in the ledger, claims left out', async () => {
    const transcripts = folder.open()
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
    const lines = await folder.play('ses_1')
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
    expect(fs.readFileSync(folder.path('ses_1'), 'utf8')).not.toContain('claim"')
    expect(fs.statSync(folder.path('ses_1')).mode & 0o777).toBe(0o600)
    expect(folder.uncovered('ses_1')).toEqual([])
  })

  test('also long ones, in chunks that follow each other', async () => {
    const transcripts = folder.open()
    const recorder = transcripts.open(meta('ses_1'))
    for (let op = 1; op <= 3000; op++) {
      recorder.note(operation(op, `SELECT ${'x'.repeat(op % 300)}`))
      recorder.note(outcome(op))
      if (op % 500 === 0) await new Promise(setImmediate)
    }
    recorder.note(operation(3001, 'y'.repeat(1_000_000)))
    await recorder.close()
    const lines = await folder.play('ses_1')
    expect(lines.length).toBe(6003)
    expect(lines.filter((line) => line.kind === 'operation').map((line) => line.op)).toEqual(
      Array.from({ length: 3001 }, (_, i) => i + 1),
    )
    expect(folder.chunks.length).toBeGreaterThan(3)
    expect(folder.uncovered('ses_1')).toEqual([])
    await transcripts.close()
  })

  test('not after it closed, and closing twice seals once', async () => {
    const transcripts = folder.open()
    const recorder = transcripts.open(meta('ses_1'))
    recorder.note(operation(1))
    await Promise.all([recorder.close(), recorder.close()])
    recorder.note(operation(2))
    await transcripts.close()
    expect((await folder.play('ses_1')).map((line) => line.kind)).toEqual(['session', 'operation', 'end'])
    expect(folder.uncovered('ses_1')).toEqual([])
  })

  test.each(['../../etc/passwd', '', 'a/b', 'x'.repeat(65), '..'])(
    '"%s" is no session: it would become a path',
    async (id) => {
      const transcripts = folder.open()
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
    const transcripts = folder.open({ sampleRows: 5 })
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
    expect(rowsOf(await folder.play('ses_1'))).toBe(10)
    await transcripts.close()
  })

  test('and of so many bytes', async () => {
    const transcripts = folder.open({ sampleRows: 1000 })
    const recorder = transcripts.open(meta('ses_1'))
    for (let i = 0; i < 100; i++)
      recorder.note({ kind: 'rows', op: 1, columnsOf: 1, bytes: dataRow('x'.repeat(100_000)) })
    await recorder.close()
    expect((await folder.play('ses_1')).filter((line) => line.kind === 'rows').length).toBe(3)
    await transcripts.close()
  })

  test('bytes that are no messages are not kept', async () => {
    const transcripts = folder.open()
    const recorder = transcripts.open(meta('ses_1'))
    recorder.note({ kind: 'rows', op: 1, columnsOf: 1, bytes: Buffer.from('D\xff\xff\xff\xffhello', 'latin1') })
    recorder.note({ kind: 'rows', op: 1, columnsOf: 1, bytes: Buffer.from('D') })
    recorder.note(outcome(1))
    await recorder.close()
    expect(rowsOf(await folder.play('ses_1'))).toBe(0)
    await transcripts.close()
  })
})

test('1,000 idle sessions cost no file and little memory; after work, few descriptors', async () => {
  const transcripts = folder.open()
  const before = fs.readdirSync('/proc/self/fd').length
  const recorders = Array.from({ length: 1000 }, (_, i) => transcripts.open(meta(`ses_${i}`)))
  expect(fs.readdirSync(folder.dir)).toEqual([])
  for (const recorder of recorders) recorder.note(operation(1))
  await new Promise<void>((resolve) => {
    const look = (): void => (folder.chunks.length === 1000 ? resolve() : void setImmediate(look))
    look()
  })
  expect(fs.readdirSync('/proc/self/fd').length - before).toBeLessThan(100)
  await transcripts.close()
  expect(fs.readdirSync('/proc/self/fd').length - before).toBeLessThan(20)
  for (let i = 0; i < 1000; i += 100) expect(folder.uncovered(`ses_${i}`)).toEqual([])
})
