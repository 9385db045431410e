import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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

describe('a ledger keeps what was committed', () => {
  test('in order, numbered, and sealed when it closes', async () => {
    const ledger = await open()
    expect(ledger.append('login', '"who":"agent:a"')).toBe(1)
    write(ledger, 700)
    await ledger.durable()
    await ledger.close()
    const all = await entries()
    expect(all.map((entry) => entry.n)).toEqual(all.map((_, i) => i))
    expect(all.length).toBe(703)
    expect(await verifyLedger({ dir })).toMatchObject({
      verified: true,
      entries: 703,
      sealed: 703,
      publicKey: ledger.publicKey,
    })
  })

  test('across segments and runs', async () => {
    for (let run = 0; run < 3; run++) {
      const ledger = await open({ segment_bytes: 4000 })
      for (let i = 0; i < 20; i++) write(ledger, 10)
      write(ledger, 200)
      await ledger.close()
    }
    expect(listSegments(ledgerPaths(dir).entries).length).toBeGreaterThan(6)
    expect(await verifyLedger({ dir })).toMatchObject({ verified: true, entries: 3 * 402 })
  })

  test('of text of any kind', async () => {
    const ledger = await open()
    const text = 'é\u2028\ud83d\ude00\ud800\0\u001b]52;\\"\n'
    ledger.append('statement', `"text":${JSON.stringify(text)}`)
    ledger.append('statement', `"text":"${'x'.repeat(3_000_000)}"`)
    ledger.commit()
    await ledger.close()
    const all = await entries()
    expect(all[1]!.text).toBe(text)
    expect(String(all[2]!.text).length).toBe(3_000_000)
    expect((await verifyLedger({ dir })).verified).toBe(true)
  })

  test('also what nobody commits', async () => {
    const ledger = await open()
    const before = ledger.size
    ledger.append('chunk', '"session":"ses_1"')
    await new Promise<void>((resolve) => {
      const look = (): void => (ledger.size > before ? resolve() : void setImmediate(look))
      look()
    })
    await ledger.close()
    expect(await kinds()).toEqual(['start', 'chunk', 'stop'])
  })
})

test('it verifies beside a running writer, at any moment', async () => {
  const ledger = await open({ segment_bytes: 100_000 })
  let stop = false
  const writing = (async () => {
    while (!stop) {
      write(ledger, 50)
      await new Promise(setImmediate)
    }
  })()
  for (let sealed = 0; sealed < 2; ) {
    const verdict = await verifyLedger({ dir })
    expect(verdict).toMatchObject({ verified: true, warnings: [] })
    if (verdict.checkpoints > sealed) sealed++
  }
  stop = true
  await writing
  await ledger.close()
})

describe('one writer, one key', () => {
  test('a second writer is refused, and let in once the first has gone', async () => {
    const first = await open()
    await expect(open()).rejects.toThrow(/another gateway is writing/)
    await first.close()
    await (await open()).close()
  })
  test('the key is private, and the ledger refuses another', async () => {
    await (await open()).close()
    expect(fs.statSync(`${dir}.key`).mode & 0o777).toBe(0o600)
    await expect(open({ origin: 'other/ledger' })).rejects.toThrow(/written under the key/)
    fs.renameSync(`${dir}.key`, `${dir}.lost`)
    await expect(open()).rejects.toThrow(/signing key .* is gone/)
    fs.renameSync(`${dir}.lost`, `${dir}.key`)
    await (await open()).close()
  })
})

describe('G48: an entry cannot forge another', () => {
  test('a raw newline is refused, and nothing else', async () => {
    const ledger = await open()
    ledger.append('intent', '"op":1')
    expect(() => ledger.append('intent', '"op":1}\n{"n":2,"at":1,"kind":"approval"')).toThrow(/newline/)
    write(ledger, 1)
    await ledger.close()
    expect(await kinds()).toEqual(['start', 'intent', 'intent', 'stop'])
  })
  test('a body beyond the bound is refused at once', async () => {
    const ledger = await open()
    expect(() => ledger.append('statement', 'x'.repeat(9 * 1024 * 1024))).toThrow(
      expect.objectContaining({ code: 'limit.buffer' }),
    )
    await ledger.close()
  })
})

test('nothing is written after close, least of all into a file that got the old descriptor', async () => {
  const ledger = await open()
  await ledger.close()
  ledger.append('intent', '"op":1')
  expect(() => ledger.commit()).toThrow(/closed/)
  await ledger.close()
})
