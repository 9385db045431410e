import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
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

  test('a ledger that cannot be sealed for a minute refuses, and works again once it can', async () => {
    let now = 0
    const clock = { now_ms: () => 1, monotonic_ms: () => now }
    const logged: string[] = []
    const ledger = await open({ clock, log: createLog('error', (line) => logged.push(line)) })
    fs.rmSync(join(dir, 'tile'), { recursive: true, force: true })
    fs.writeFileSync(join(dir, 'tile'), '')
    write(ledger, 300)
    await until(() => logged.some((line) => line.includes('cannot be sealed')))
    write(ledger, 1)
    now += 61_000
    ledger.append('intent', '"op":1')
    expect(() => ledger.commit()).toThrow(/no checkpoint could be written/)
    fs.rmSync(join(dir, 'tile'))
    await until(() => {
      try {
        write(ledger, 1)
        return true
      } catch {
        return false
      }
    })
    await ledger.close()
    expect(await verifyLedger({ dir })).toMatchObject({ verified: true, warnings: [] })
  })

  test('a start on a full disk fails in one sentence and gives the folder back', async () => {
    const disk = new FailingDisk()
    disk.write = 'full'
    await expect(open({ disk })).rejects.toMatchObject({ code: 'ledger.unwritable' })
    await (await open()).close()
    expect((await verifyLedger({ dir })).verified).toBe(true)
  })
})

/** Resolves when the condition holds, looked at once a turn of the event loop. */
function until(holds: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => (holds() ? resolve() : void setImmediate(look))
    look()
  })
}

test('an entry changed on disk before it is sealed is never signed, and nothing is written after it', async () => {
  const ledger = await open()
  write(ledger, 3)
  await ledger.durable()
  const [segment] = listSegments(ledgerPaths(dir).entries)
  const fd = fs.openSync(segment!.path, 'r+')
  fs.writeSync(fd, '{"n":7', fs.readFileSync(segment!.path, 'latin1').indexOf('{"n":2'))
  fs.closeSync(fd)
  await vi.waitFor(() => expect(() => write(ledger, 1)).toThrow('ledger'), { timeout: 10_000 })
  expect(ledger.failure?.code).toBe('ledger.damaged')
  await expect(ledger.close()).rejects.toMatchObject({ code: 'ledger.damaged' })
  const verdict = await verifyLedger({ dir })
  expect(verdict).toMatchObject({ verified: false, firstBad: 2 })
})
