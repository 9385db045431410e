import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createLog } from '../kit/log.ts'
import { ledgerPaths, listSegments } from './layout.ts'
import type { Ledger } from './ledger.ts'
import { type LedgerOptions, openLedger } from './open.ts'
import { type LedgerEntry, readEntries } from './reader.ts'
import { verifyLedger } from './verify.ts'

let dir: string
beforeEach(() => {
  dir = join(fs.mkdtempSync(join(tmpdir(), 'sluice-ledger-')), 'ledger')
})
afterEach(() => fs.rmSync(join(dir, '..'), { recursive: true, force: true }))

const silent = createLog('error', () => {})
const open = (more: Partial<LedgerOptions> = {}): Promise<Ledger> =>
  openLedger({ dir, origin: 'test/ledger', log: silent, ...more })

async function entries(): Promise<LedgerEntry[]> {
  const all: LedgerEntry[] = []
  for await (const entry of readEntries({ dir })) all.push(entry)
  return all
}
const kinds = async (): Promise<string[]> => (await entries()).map((entry) => entry.kind)
const write = (ledger: Ledger, count: number): void => {
  for (let i = 0; i < count; i++) ledger.append('intent', `"effects":1,"op":${i}`)
  ledger.commit()
}

describe('G42: a restart ends what the last run left open', () => {
  /** Stops without closing: what the sealer and the timers would still do does not matter to the files. */
  async function leave(ledger: Ledger, mend: () => void): Promise<void> {
    await ledger.durable()
    const copy = `${dir}.copy`
    fs.cpSync(dir, copy, { recursive: true })
    await ledger.close()
    fs.rmSync(dir, { recursive: true })
    fs.renameSync(copy, dir)
    mend()
  }
  const oldest = (): string => listSegments(ledgerPaths(dir).entries)[0]!.path
  const last = (): string => listSegments(ledgerPaths(dir).entries).at(-1)!.path

  test('intents without an outcome become unknown, sessions are closed', async () => {
    const ledger = await open()
    for (const [kind, body] of [
      ['open', '"session":"ses_a"'],
      ['open', '"session":"ses_b"'],
      ['intent', '"session":"ses_a","op":1'],
      ['intent', '"rule":"r","session":"ses_b","op":1'],
      ['outcome', '"session":"ses_a","op":1,"status":"ok"'],
      ['intent', '"session":"ses_a","op":2'],
      ['open', '"session":"ses_c"'],
      ['close', '"session":"ses_c"'],
    ] as const) {
      ledger.append(kind, body)
    }
    ledger.commit()
    await leave(ledger, () => {})
    await (await open()).close()
    const ends = (await entries()).slice(9).map(({ kind, session, op, status }) => [kind, session, op, status])
    expect(ends).toEqual([
      ['start', undefined, undefined, undefined],
      ['outcome', 'ses_a', 2, 'unknown'],
      ['close', 'ses_a', undefined, undefined],
      ['outcome', 'ses_b', 1, 'unknown'],
      ['close', 'ses_b', undefined, undefined],
      ['stop', undefined, undefined, undefined],
    ])
    await (await open()).close()
    expect((await kinds()).slice(-2)).toEqual(['start', 'stop'])
  })

  test('entries no checkpoint covered are counted where they are taken over', async () => {
    await (await open()).close()
    const [start, stop] = await entries()
    fs.appendFileSync(last(), `{"n":2,"at":${stop!.at},"kind":"approval","approval":"forged"}\n`)
    await (await open()).close()
    const all = await entries()
    expect(start).not.toHaveProperty('unsealed')
    expect(all[3]).toMatchObject({ kind: 'start', unsealed: 1 })
    await (await open()).close()
    expect((await entries())[5]).not.toHaveProperty('unsealed')
  })

  test.each([
    ['an unfinished last line', Buffer.from('{"n":4,"at":1,"kind":"inte')],
    ['a single byte', Buffer.from('{')],
    ['the zeros of a power loss', Buffer.alloc(5000)],
    [
      'zeros after half a line, with lines after them',
      Buffer.from(`{"n":4,"at"${'\0'.repeat(99)}\n{"n":5,"at":1,"kind":"intent"}\n`),
    ],
  ])('%s is cut, kept aside and reported', async (_, torn) => {
    const ledger = await open()
    write(ledger, 3)
    await leave(ledger, () => fs.appendFileSync(last(), torn))
    await (await open()).close()
    const start = (await entries())[4]!
    expect(start).toMatchObject({ kind: 'start', cut: { bytes: torn.length } })
    const kept = join(ledgerPaths(dir).torn, (start.cut as { sha256: string }).sha256)
    expect(fs.readFileSync(kept).equals(torn)).toBe(true)
    expect((await verifyLedger({ dir })).verified).toBe(true)
  })

  test.each([
    ['a whole line that is no entry', () => fs.appendFileSync(last(), 'hello\n')],
    ['an entry out of order', () => fs.appendFileSync(last(), '{"n":9,"at":1,"kind":"intent"}\n')],
    ['sealed entries missing at the end', () => fs.truncateSync(oldest(), fs.statSync(oldest()).size - 300)],
    ['no checkpoints', () => ['checkpoint', 'checkpoints.jsonl'].map((name) => fs.rmSync(join(dir, name)))],
    ['no entries', () => fs.rmSync(join(dir, 'entries'), { recursive: true })],
    [
      'a sealed entry changed',
      () => fs.writeFileSync(oldest(), fs.readFileSync(oldest(), 'utf8').replace('"op":1', '"op":7')),
    ],
    ['a segment missing', () => fs.rmSync(oldest())],
  ])('%s is not a crash: it refuses to start', async (_, damage) => {
    const first = await open()
    write(first, 300)
    await first.close()
    const second = await open({ segment_bytes: 1000 })
    write(second, 3)
    await leave(second, damage)
    await expect(open()).rejects.toMatchObject({ code: 'ledger.damaged' })
    await expect(open()).rejects.toMatchObject({ code: 'ledger.damaged' })
  })

  test.each([
    ['tiles', () => fs.rmSync(join(dir, 'tile'), { recursive: true })],
    ['one tile’s content', () => fs.writeFileSync(join(dir, 'tile/0/000'), Buffer.alloc(8192))],
    ['saved open work', () => fs.writeFileSync(join(dir, 'open-work.json'), '{')],
    ['the newest checkpoint file', () => fs.writeFileSync(join(dir, 'checkpoint'), '')],
    ['the end of the checkpoints', () => fs.appendFileSync(join(dir, 'checkpoints.jsonl'), '{"at":1,"no')],
  ])('losing %s loses nothing', async (_, lose) => {
    const first = await open()
    write(first, 600)
    await first.close()
    lose()
    const second = await open()
    write(second, 10)
    await second.close()
    expect(await verifyLedger({ dir })).toMatchObject({ verified: true, warnings: [], sealed: 614 })
  })

  test('any cut of what was not sealed is mended; any cut of what was is refused', async () => {
    const first = await open()
    write(first, 40)
    await first.close()
    const second = await open()
    write(second, 40)
    await leave(second, () => fs.rmSync(join(dir, 'lock')))
    const bytes = fs.readFileSync(last())
    const sealed = bytes.indexOf('{"n":42,')
    const kept = `${dir}.kept`
    fs.cpSync(dir, kept, { recursive: true })
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), async (at) => {
        fs.rmSync(dir, { recursive: true })
        fs.cpSync(kept, dir, { recursive: true })
        fs.truncateSync(last(), at)
        if (at < sealed) {
          await expect(open()).rejects.toMatchObject({ code: 'ledger.damaged' })
        } else {
          await (await open()).close()
          expect(await verifyLedger({ dir })).toMatchObject({ verified: true, torn_bytes: 0 })
        }
      }),
      { numRuns: 25 },
    )
  })
})
