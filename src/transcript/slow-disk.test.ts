import fs from 'node:fs'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { meta, operation, RecordingFolder } from '../../test/rig/recording.ts'
import type { TranscriptDisk } from './transcripts.ts'

let folder: RecordingFolder
beforeEach(() => {
  folder = new RecordingFolder()
})
afterEach(() => folder[Symbol.dispose]())

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
    const transcripts = folder.open({ disk })
    const recorder = transcripts.open(meta('ses_1'))
    for (let op = 1; op <= 100; op++) recorder.note(operation(op))
    await recorder.close()
    expect((await folder.play('ses_1')).length).toBe(102)
    expect(folder.uncovered('ses_1')).toEqual([])
    await transcripts.close()
  })

  test('raises the alarm, loses nothing, and lowers it', async () => {
    const { state, disk } = slowDisk()
    const transcripts = folder.open({ disk, flush_ms: 1 })
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
    expect((await folder.play('ses_1')).map((line) => line.kind)).toEqual(['session', 'operation', 'operation', 'end'])
    expect(folder.uncovered('ses_1')).toEqual([])
    expect(folder.uncovered('ses_2')).toEqual([])
    await transcripts.close()
  })

  test('refuses a thousand sessions with few descriptors, and writes them all once it can', async () => {
    const { state, disk } = slowDisk()
    const transcripts = folder.open({ disk, flush_ms: 1 })
    const before = fs.readdirSync('/proc/self/fd').length
    const recorders = Array.from({ length: 1000 }, (_, i) => transcripts.open(meta(`ses_${i}`)))
    for (const recorder of recorders) recorder.note(operation(1))
    state.mode = 'fails'
    await new Promise<void>((resolve) => void transcripts.onFailure(() => resolve()))
    for (let i = 0; i < 500; i++) await new Promise(setImmediate)
    expect(fs.readdirSync('/proc/self/fd').length - before).toBeLessThan(100)
    state.mode = 'works'
    await transcripts.close()
    for (let i = 0; i < 1000; i++) expect(folder.uncovered(`ses_${i}`)).toEqual([])
  })

  test('memory stays bounded while it refuses, and the recording says what is missing', async () => {
    const { state, disk } = slowDisk()
    const transcripts = folder.open({ disk, flush_ms: 1 })
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
    const lines = await folder.play('ses_1')
    const kept = lines.filter((line) => line.kind === 'operation').length
    const gap = lines.find((line) => line.kind === 'gap')
    expect(kept + (gap?.kind === 'gap' ? gap.events : 0)).toBe(41)
    expect(gap).toBeDefined()
    expect(folder.uncovered('ses_1')).toEqual([])
    await transcripts.close()
  })

  test('a session far ahead of the disk waits for it, and its bytes keep their order', async () => {
    const { state, disk } = slowDisk()
    const transcripts = folder.open({ disk, flush_ms: 1 })
    const recorder = transcripts.open(meta('ses_1'))
    state.mode = 'holds'
    for (let op = 1; op <= 30; op++) recorder.note(operation(op, 'x'.repeat(1_000_000)))
    expect(state.sync).toBeGreaterThan(1)
    expect(recorder.pending).toBeLessThan(9_500_000)
    state.mode = 'works'
    for (const go of state.held) go()
    await recorder.close()
    expect((await folder.play('ses_1')).filter((line) => line.kind === 'operation').map((line) => line.op)).toEqual(
      Array.from({ length: 30 }, (_, i) => i + 1),
    )
    expect(folder.uncovered('ses_1')).toEqual([])
    await transcripts.close()
  })
})
