import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { meta, operation, outcome, RecordingFolder } from '../../test/rig/recording.ts'
import { SAMPLE_bytes } from './limits.ts'

test('a program without a terminal is sampled, each stream for itself; on a terminal all is kept', async () => {
  using folder = new RecordingFolder()
  const transcripts = folder.open()
  const recorder = transcripts.open(meta('ses_1'))
  const bytes = Buffer.alloc(SAMPLE_bytes, 'x')
  recorder.note(operation(1))
  for (const stream of [1, 2, 1] as const) recorder.note({ kind: 'output', op: 1, stream, bytes })
  recorder.note({ kind: 'input', op: 1, bytes })
  recorder.note(outcome(1))
  recorder.note(operation(2))
  recorder.note({ kind: 'terminal', op: 2, term: 'xterm', width: 80, height: 24 })
  for (let i = 0; i < 3; i++) recorder.note({ kind: 'output', op: 2, stream: 1, bytes })
  await recorder.close()
  const sums = new Map<string, number>()
  for (const line of await folder.play('ses_1'))
    if (line.kind === 'output' || line.kind === 'input') {
      const key = `${line.op} ${line.kind === 'output' ? line.stream : 0}`
      sums.set(key, (sums.get(key) ?? 0) + line.bytes.length)
    }
  expect(Object.fromEntries(sums)).toEqual({
    '1 0': SAMPLE_bytes,
    '1 1': SAMPLE_bytes,
    '1 2': SAMPLE_bytes,
    '2 1': 3 * SAMPLE_bytes,
  })
  expect(folder.uncovered('ses_1')).toEqual([])
  expect(readFileSync(folder.path('ses_1'), 'utf8').endsWith('"kind":"end"}\n')).toBe(true)
})
