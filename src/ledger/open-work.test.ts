import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ENTRY_KINDS } from '../model/ledger.ts'
import { Batch } from './batch.ts'
import { OpenWork } from './open-work.ts'

const state = (work: OpenWork) => [...work.sessions].map(([id, operations]) => [id, ...operations])
const read = (work: OpenWork, line: string) => {
  const bytes = Buffer.from(`\n${line}\n`)
  work.read(bytes, 1, bytes.length - 1)
}

/** What the lines say, by JSON. */
function expected(lines: readonly string[]): unknown[] {
  const sessions = new Map<string, Set<number>>()
  for (const line of lines) {
    const { kind, session, op } = JSON.parse(line)
    if (kind === 'open') sessions.set(session, sessions.get(session) ?? new Set())
    if (kind === 'intent') sessions.set(session, (sessions.get(session) ?? new Set()).add(op))
    if (kind === 'outcome') sessions.get(session)?.delete(op)
    if (kind === 'close') sessions.delete(session)
  }
  return [...sessions].map(([id, operations]) => [id, ...operations])
}

test('open work is what the entries say, however they are spelled', () => {
  const id = fc.oneof(
    fc.constantFrom('ses_1', 'ses_2', 'ses_0123456789abcdefghijkl'),
    fc.string({ maxLength: 80, unit: 'grapheme' }),
  )
  const entry = fc.record({
    kind: fc.constantFrom(...ENTRY_KINDS),
    session: id,
    op: fc.nat(3),
    at: fc.nat(),
    text: fc.string(),
  })
  const shape = fc.constantFrom('ours', 'reordered', 'spaced')
  fc.assert(
    fc.property(fc.array(fc.tuple(entry, shape), { maxLength: 20 }), (entries) => {
      const lines = entries.map(([{ kind, session, op, at, text }, spelled], n) => {
        if (spelled === 'reordered') return JSON.stringify({ n, at, kind, text, op, session })
        if (spelled === 'spaced') return JSON.stringify({ n, at, kind, session, op }).replace('"op":', '"op": ')
        const batch = new Batch()
        batch.add(
          { n, at_ms: at, kind },
          `"session":${JSON.stringify(session)},"op":${op},"text":${JSON.stringify(text)}`,
        )
        return batch.stretch.bytes.toString('utf8', 0, batch.length - 1)
      })
      const work = new OpenWork()
      for (const line of lines) read(work, line)
      expect(state(work)).toEqual(expected(lines))
    }),
  )
})
