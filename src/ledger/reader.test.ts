import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createLog } from '../kit/log.ts'
import { ledgerPaths, listSegments } from './layout.ts'
import type { Ledger } from './ledger.ts'
import { openLedger } from './open.ts'
import { followEntries, type LedgerEntry, type ReadOptions, readEntries } from './reader.ts'

let root: string
let dir: string
let size: number
const silent = createLog('error', () => {})

async function read(options: Omit<ReadOptions, 'dir'> = {}): Promise<LedgerEntry[]> {
  const entries: LedgerEntry[] = []
  for await (const entry of readEntries({ dir, ...options })) entries.push(entry)
  return entries
}
const indexes = async (options: Omit<ReadOptions, 'dir'>): Promise<number[]> => (await read(options)).map(({ n }) => n)

/** Two segments of about 2 MB, with entries far longer than what a search reads at once. */
beforeAll(async () => {
  root = fs.mkdtempSync(join(tmpdir(), 'sluice-reader-'))
  dir = join(root, 'ledger')
  const ledger = await openLedger({ dir, origin: 'test/ledger', segment_bytes: 2_000_000, log: silent })
  for (let i = 1; i < 6000; i++) {
    ledger.append(
      i % 3 === 0 ? 'outcome' : 'intent',
      `"session":"ses_${i % 7}","text":"${'x'.repeat(i % 500 === 0 ? 300_000 : 50)}"`,
    )
    ledger.commit()
  }
  await ledger.close()
  size = 6001
})
afterAll(() => fs.rmSync(root, { recursive: true }))

describe('entries are read', () => {
  test('all, in order', async () => {
    expect(listSegments(ledgerPaths(dir).entries).length).toBeGreaterThan(1)
    expect(await indexes({})).toEqual(Array.from({ length: size }, (_, i) => i))
  })
  test('from any index to any other', async () => {
    const edges = listSegments(ledgerPaths(dir).entries).flatMap(({ first }) => [first - 1, first, first + 1])
    for (const from of [
      0,
      1,
      499,
      500,
      501,
      2999,
      3000,
      4321,
      5999,
      6000,
      6001,
      9999,
      ...edges.filter((i) => i >= 0),
    ]) {
      const expected = [from, from + 1, from + 2].filter((i) => i < size)
      expect(await indexes({ from, to: from + 3 })).toEqual(expected)
    }
  })
  test('of some kinds, and by a condition', async () => {
    expect((await read({ kinds: ['start', 'stop'] })).map(({ kind }) => kind)).toEqual(['start', 'stop'])
    const some = await read({ from: 10, to: 30, filter: (entry) => entry.session === 'ses_3' })
    expect(some.map(({ n }) => n)).toEqual([10, 17, 24])
  })
  test('with what each holds', async () => {
    expect((await read({ from: 7, to: 8 }))[0]).toEqual({
      n: 7,
      at: expect.any(Number),
      kind: 'intent',
      session: 'ses_0',
      text: 'x'.repeat(50),
    })
  })
  test('none where there is no ledger', async () => {
    dir = join(root, 'nothing')
    expect(await read()).toEqual([])
    dir = join(root, 'ledger')
  })
})

test.each(['hello', '{"n":2}', '{"n":2,"at":1,"kind":"intent"'])(
  'the line %s is damage, not an entry',
  async (line) => {
    const bad = join(root, 'bad')
    fs.mkdirSync(join(bad, 'entries'), { recursive: true })
    fs.writeFileSync(
      join(bad, 'entries/000000000000000.jsonl'),
      `{"n":0,"at":1,"kind":"start"}\n{"n":1,"at":1,"kind":"stop"}\n${line}\n`,
    )
    const seen: number[] = []
    const reading = (async () => {
      for await (const { n } of readEntries({ dir: bad })) seen.push(n)
    })()
    await expect(reading).rejects.toMatchObject({ code: 'ledger.damaged' })
    expect(seen).toEqual([0, 1])
  },
)

test('one who follows sees every entry once, and no more after leaving', async () => {
  const place = join(root, 'followed')
  const ledger: Ledger = await openLedger({ dir: place, origin: 'test/ledger', log: silent })
  const left = new AbortController()
  const seen: number[] = []
  const following = (async () => {
    for await (const { n } of followEntries({
      dir: place,
      from: 0,
      size: () => ledger.size,
      signal: left.signal,
      poll_ms: 1,
    })) {
      seen.push(n)
      if (n === 50) left.abort()
    }
  })()
  for (let i = 0; i < 60; i++) {
    ledger.append('intent', `"op":${i}`)
    if (i % 7 === 0) ledger.commit()
    await new Promise(setImmediate)
  }
  ledger.commit()
  await following
  expect(seen).toEqual(Array.from({ length: 51 }, (_, i) => i))
  await ledger.close()
})
