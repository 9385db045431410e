import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createLog } from '../kit/log.ts'
import type { Disk } from './disk.ts'
import { realDisk } from './disk.ts'
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
})

/** A disk whose calls can be made to fail. */
class FailingDisk implements Disk {
  write: 'works' | 'full' | 'short' = 'works'
  truncate: 'works' | 'fails' = 'works'
  sync: 'works' | 'fails' | 'hangs' = 'works'
  open: 'works' | 'fails' = 'works'
  #hung: (() => void)[] = []
  openSync(path: string, flags: string, mode?: number): number {
    if (this.open === 'fails') throw errno('EROFS')
    return realDisk.openSync(path, flags, mode)
  }
  closeSync = realDisk.closeSync
  renameSync = realDisk.renameSync
  unlinkSync = realDisk.unlinkSync
  writeSync(fd: number, bytes: Uint8Array, offset: number, length: number, position: number): number {
    if (this.write === 'works') return realDisk.writeSync(fd, bytes, offset, length, position)
    if (offset > 0 || length < 2) throw errno('ENOSPC')
    const part = this.write === 'full' ? Math.ceil(length * 0.7) : 1
    return realDisk.writeSync(fd, bytes, offset, part, position)
  }
  ftruncateSync(fd: number, length: number): void {
    if (this.truncate === 'fails') throw errno('EIO')
    realDisk.ftruncateSync(fd, length)
  }
  fdatasyncSync(fd: number): void {
    if (this.sync !== 'works') throw errno('EIO')
    realDisk.fdatasyncSync(fd)
  }
  fdatasync(fd: number, done: (error: Error | null) => void): void {
    if (this.sync === 'fails') setImmediate(() => done(errno('EIO')))
    else if (this.sync === 'hangs') this.#hung.push(() => realDisk.fdatasync(fd, done))
    else realDisk.fdatasync(fd, done)
  }
  release(): void {
    this.sync = 'works'
    for (const go of this.#hung.splice(0)) go()
  }
}

function errno(code: string): Error {
  return Object.assign(new Error(code), { code })
}

describe('G43: a disk that fails refuses, and only as long as it fails', () => {
  test.each(['full', 'short'] as const)('%s: a batch is written whole or not at all', async (how) => {
    const disk = new FailingDisk()
    const ledger = await open({ disk })
    const told: (string | undefined)[] = []
    ledger.onFailure((failure) => told.push(failure?.code))
    disk.write = how
    ledger.append('outcome', '"session":"ses_1","op":7,"status":"ok"')
    ledger.append('intent', '"session":"ses_1","op":8')
    expect(() => ledger.commit()).toThrow(expect.objectContaining({ code: 'ledger.unwritable' }))
    ledger.append('intent', '"session":"ses_1","op":9')
    expect(() => ledger.commit()).toThrow(/cannot be written/)
    expect(fs.readFileSync(listSegments(ledgerPaths(dir).entries)[0]!.path, 'utf8').split('\n').length).toBe(2)
    disk.write = 'works'
    ledger.append('intent', '"session":"ses_1","op":10')
    ledger.commit()
    expect(told).toEqual(['ledger.unwritable', undefined])
    await ledger.close()
    // What was refused is not there; what had happened anyway is.
    expect((await entries()).map(({ n, kind, op }) => [n, kind, op])).toEqual([
      [0, 'start', undefined],
      [1, 'outcome', 7],
      [2, 'intent', 10],
      [3, 'stop', undefined],
    ])
    expect((await verifyLedger({ dir })).verified).toBe(true)
  })

  test('what merely reports is written without another commit', async () => {
    const disk = new FailingDisk()
    const ledger = await open({ disk })
    disk.write = 'full'
    ledger.append('outcome', '"session":"ses_1","op":7,"status":"ok"')
    expect(() => ledger.commit()).toThrow()
    disk.write = 'works'
    await new Promise<void>((resolve) => void ledger.onFailure((failure) => failure ?? resolve()))
    expect((await entries()).at(-1)).toMatchObject({ n: 1, kind: 'outcome', op: 7 })
    await ledger.close()
  })

  test('a torn write that cannot be cut is never written after', async () => {
    const disk = new FailingDisk()
    const ledger = await open({ disk })
    disk.write = 'full'
    disk.truncate = 'fails'
    ledger.append('intent', '"op":1')
    expect(() => ledger.commit()).toThrow()
    disk.write = 'works'
    ledger.append('intent', '"op":2')
    expect(() => ledger.commit()).toThrow()
    disk.truncate = 'works'
    write(ledger, 1)
    await ledger.close()
    expect(await verifyLedger({ dir })).toMatchObject({ verified: true, entries: 3, torn_bytes: 0 })
  })

  test('a failed sync is never taken for a later success: everything moves to a new file', async () => {
    const disk = new FailingDisk()
    const ledger = await open({ disk, segment_bytes: 500 })
    for (let i = 0; i < 5; i++) write(ledger, 5)
    disk.sync = 'fails'
    const synced = ledger.durable()
    await expect(synced).rejects.toMatchObject({ code: 'ledger.unwritable' })
    ledger.append('intent', '"op":1')
    expect(() => ledger.commit()).toThrow(/unwritable|cannot be written/)
    await expect(ledger.durable()).rejects.toMatchObject({ code: 'ledger.unwritable' })
    disk.sync = 'works'
    await new Promise<void>((resolve) => {
      ledger.onFailure((failure) => failure ?? resolve())
      ledger.append('outcome', '"session":"ses_1","op":1')
    })
    write(ledger, 5)
    await ledger.durable()
    await ledger.close()
    expect((await kinds()).filter((kind) => kind === 'intent').length).toBe(30)
    expect((await verifyLedger({ dir })).verified).toBe(true)
  })

  test('one failed sync with a disk that works again costs nothing', async () => {
    const disk = new FailingDisk()
    const ledger = await open({ disk })
    write(ledger, 10)
    disk.sync = 'fails'
    const synced = ledger.durable()
    disk.sync = 'works'
    write(ledger, 10)
    await expect(synced).rejects.toMatchObject({ code: 'ledger.unwritable' })
    expect(ledger.failure).toBeUndefined()
    write(ledger, 10)
    await ledger.close()
    expect(await verifyLedger({ dir })).toMatchObject({ verified: true, entries: 32 })
    expect(listSegments(ledgerPaths(dir).entries).length).toBe(2)
  })

  test('a disk that never finishes a sync refuses, and works again when it does', async () => {
    const disk = new FailingDisk()
    let now = 0
    const clock = { now_ms: () => 1, monotonic_ms: () => now }
    const ledger = await open({ disk, clock })
    disk.sync = 'hangs'
    write(ledger, 1)
    const synced = ledger.durable()
    now += 60_000
    ledger.append('intent', '"op":1')
    expect(() => ledger.commit()).toThrow(/does not finish a sync/)
    disk.release()
    await synced
    write(ledger, 1)
    await ledger.close()
    expect(await verifyLedger({ dir })).toMatchObject({ verified: true, entries: 4 })
  })

  test('a folder that became read-only refuses the next segment', async () => {
    const disk = new FailingDisk()
    const ledger = await open({ disk, segment_bytes: 10 })
    disk.open = 'fails'
    ledger.append('intent', '"op":1')
    expect(() => ledger.commit()).toThrow(/EROFS/)
    disk.open = 'works'
    write(ledger, 1)
    await ledger.close()
    expect(await verifyLedger({ dir })).toMatchObject({ verified: true, entries: 3 })
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
