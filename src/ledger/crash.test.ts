import { execFileSync, spawn } from 'node:child_process'
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createLog } from '../kit/log.ts'
import { openLedger } from './open.ts'
import { readEntries } from './reader.ts'
import { verifyLedger } from './verify.ts'

const OPEN = JSON.stringify(new URL('./open.ts', import.meta.url).href)
const silent = createLog('error', () => {})

let dir: string
beforeEach(() => {
  dir = fs.mkdtempSync(join(tmpdir(), 'sluice-crash-'))
})
afterEach(() => fs.rmSync(dir, { recursive: true, force: true }))

/** Commits batches for ever, and says after each which entry came last: that is the moment bytes would be forwarded. */
const WRITER = `
  const { openLedger } = await import(${OPEN})
  const { writeSync } = await import('node:fs')
  // The pipe may be full: then whoever reads it must first catch up.
  const report = (line) => {
    for (;;) {
      try {
        return writeSync(1, line)
      } catch (cause) {
        if (cause.code !== 'EAGAIN') throw cause
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)
      }
    }
  }
  const ledger = await openLedger({ dir: process.argv[1], origin: 'test/ledger', segment_bytes: 200_000 })
  const session = 'ses_' + process.pid
  ledger.append('open', '"session":"' + session + '"')
  for (let op = 1; ; op += 5) {
    for (let i = 0; i < 5; i++) ledger.append('intent', '"session":"' + session + '","op":' + (op + i) + ',"text":"' + 'x'.repeat(op % 400) + '"')
    for (let i = 1; i < 5; i++) ledger.append('outcome', '"session":"' + session + '","op":' + (op + i) + ',"status":"ok"')
    ledger.commit()
    report(session + ' ' + (op + 4) + '\\n')
    if (op % 100 === 1) await new Promise(setImmediate)
  }
`

/** Runs the writer, kills it with SIGKILL once it has reported `reports` commits and `ready` says so, and returns the last report. */
function crash(ledgerDir: string, reports: number, ready: () => boolean): Promise<{ session: string; op: number }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', WRITER, ledgerDir], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let seen = 0
    let text = ''
    child.stdout.setEncoding('latin1').on('data', (piece: string) => {
      seen += piece.split('\n').length - 1
      text = (text + piece).slice(-1000)
      if (seen >= reports && ready()) child.kill('SIGKILL')
    })
    child.once('error', reject)
    child.once('close', () => {
      const whole = text.slice(0, text.lastIndexOf('\n')).split('\n').at(-1) ?? ''
      const [session = '', op = ''] = whole.split(' ')
      resolve({ session, op: Number(op) })
    })
  })
}

test('G42: kill -9 under load, 20 rounds: nothing committed is lost, and the ledger verifies after every restart', async () => {
  const ledgerDir = join(dir, 'ledger')
  let before = 0
  for (let round = 0; round < 20; round++) {
    // In every other round the kill comes after a checkpoint of that run, in the others mostly before.
    const sealed = newestCheckpoint(ledgerDir)
    const last = await crash(
      ledgerDir,
      1 + round * 150,
      () => round % 2 === 0 || newestCheckpoint(ledgerDir) !== sealed,
    )
    expect(last.op).toBeGreaterThan(0)
    const ledger = await openLedger({ dir: ledgerDir, origin: 'test/ledger', log: silent })
    await ledger.close()
    expect(await verifyLedger({ dir: ledgerDir, publicKey: ledger.publicKey })).toMatchObject({
      verified: true,
      torn_bytes: 0,
    })
    const intents = new Set<unknown>()
    const ended = new Set<unknown>()
    for await (const entry of readEntries({
      dir: ledgerDir,
      from: before,
      filter: (e) => e.session === last.session,
    })) {
      if (entry.kind === 'intent') intents.add(entry.op)
      if (entry.kind === 'outcome') ended.add(entry.op)
      if (entry.kind === 'close') ended.add('close')
    }
    for (let op = 1; op <= last.op; op++)
      if (!intents.has(op)) expect.fail(`round ${round}: intent ${op} of ${last.op} is lost`)
    // Every intent has an outcome now: ok, or unknown.
    expect([...intents].filter((op) => !ended.has(op))).toEqual([])
    expect(ended.has('close')).toBe(true)
    before = ledger.size
  }
}, 240_000)

function newestCheckpoint(ledgerDir: string): string {
  const path = join(ledgerDir, 'checkpoint')
  return fs.existsSync(path) ? fs.readFileSync(path, 'utf8') : ''
}

const canMount = ((): boolean => {
  const probe = fs.mkdtempSync(join(tmpdir(), 'sluice-mount-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', probe], { stdio: 'ignore' })
    execFileSync('umount', [probe], { stdio: 'ignore' })
    return true
  } catch {
    return false
  } finally {
    fs.rmdirSync(probe)
  }
})()

// Only root may mount; ledger.test.ts covers the same with a disk that fails by itself.
describe.skipIf(!canMount)('G43: a file system that is really full', () => {
  beforeEach(() => execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', dir]))
  afterEach(() => execFileSync('umount', ['-l', dir]))

  test('refuses, recovers when there is room again, and verifies', async () => {
    const ledgerDir = join(dir, 'ledger')
    const ledger = await openLedger({ dir: ledgerDir, origin: 'test/ledger', segment_bytes: 100_000, log: silent })
    const told: (string | undefined)[] = []
    ledger.onFailure((failure) => told.push(failure?.code))
    const ballast = join(dir, 'ballast')
    const written: number[] = []
    let refused = 0
    for (let op = 0; op < 3000; op++) {
      if (op === 500) fs.writeFileSync(ballast, Buffer.alloc(500_000))
      if (op === 2500) fs.rmSync(ballast)
      ledger.append('intent', `"op":${op},"text":"${'x'.repeat(300)}"`)
      try {
        ledger.commit()
        written.push(op)
      } catch (cause) {
        expect(cause).toMatchObject({ code: 'ledger.unwritable' })
        refused++
      }
    }
    expect(refused).toBeGreaterThan(100)
    expect(written.at(-1)).toBe(2999)
    expect(told).toEqual(['ledger.unwritable', undefined])
    await ledger.close()
    expect((await verifyLedger({ dir: ledgerDir })).verified).toBe(true)
    const found: unknown[] = []
    for await (const entry of readEntries({ dir: ledgerDir, kinds: ['intent'] })) found.push(entry.op)
    expect(found).toEqual(written)
  })
})
