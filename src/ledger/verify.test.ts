import { generateKeyPairSync } from 'node:crypto'
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createLog } from '../kit/log.ts'
import { ledgerPaths, listSegments } from './layout.ts'
import { formatVerifierKey, parseCheckpoint, signCheckpoint, signerKey } from './note.ts'
import { openLedger } from './open.ts'
import { leafHashInPlace } from './tree.ts'
import { type LedgerVerdict, verifyLedger } from './verify.ts'

/** Three runs of 300 entries each, in small segments; checkpoints at 0, 302, 604 and 906. */
const RUNS = [302, 604, 906]
const ENTRIES = 906

let root: string
let original: string
let other: string
let publicKey: string
let dir: string

async function makeLedger(path: string, text: string): Promise<string> {
  let key = ''
  for (const run of RUNS) {
    const ledger = await openLedger({
      dir: path,
      origin: 'test/ledger',
      segment_bytes: 16_000,
      log: createLog('error', () => {}),
    })
    key = ledger.publicKey
    while (ledger.size < run - 1) {
      ledger.append('refusal', `"text":"${text} ${ledger.size}"`)
      ledger.commit()
    }
    await ledger.close()
  }
  return key
}

beforeAll(async () => {
  root = fs.mkdtempSync(join(tmpdir(), 'sluice-verify-'))
  original = join(root, 'original')
  other = join(root, 'other')
  publicKey = await makeLedger(original, 'delete customer')
  await makeLedger(other, 'read invoice')
})
afterAll(() => fs.rmSync(root, { recursive: true }))
beforeEach(() => {
  dir = join(root, 'copy')
  fs.cpSync(original, dir, { recursive: true })
})
afterEach(() => fs.rmSync(dir, { recursive: true, force: true }))

const verify = (): Promise<LedgerVerdict> => verifyLedger({ dir, publicKey })

/** All lines of a ledger; writing them back keeps the segments' names and first entries. */
function lines(of = dir): string[] {
  return listSegments(ledgerPaths(of).entries).flatMap(({ path }) =>
    fs.readFileSync(path, 'utf8').split('\n').slice(0, -1),
  )
}

/** Writes lines back, as many into each segment as its name says; what is over goes into the last. */
function put(all: readonly string[]): void {
  const segments = listSegments(ledgerPaths(dir).entries)
  segments.forEach(({ path, first }, i) => {
    const part = all.slice(first, segments[i + 1]?.first)
    fs.writeFileSync(path, part.map((line) => `${line}\n`).join(''))
  })
}

type Change = (all: string[]) => unknown

/** Does the changes one after the other to all lines. */
const edit = (...changes: Change[]): void => {
  const all = lines()
  for (const change of changes) change(all)
  put(all)
}
const replace =
  (index: number, what: string | RegExp, by: string): Change =>
  (all) =>
    all.splice(index, 1, all[index]!.replace(what, by))
const renumber: Change = (all) => {
  for (const [i, line] of all.entries()) all[i] = line.replace(/^\{"n":\d+/, `{"n":${i}`)
}
/** What somebody who knows the format does too: puts the new leaf hash into the stored tile. */
function forgeTile(index: number): void {
  const path = join(dir, 'tile/0', String(Math.floor(index / 256)).padStart(3, '0'))
  const tile = fs.readFileSync(path)
  const line = Buffer.from(`\0${lines()[index]}`)
  tile.write(leafHashInPlace(line, 1, line.length), (index % 256) * 32, 32, 'latin1')
  fs.writeFileSync(path, tile)
}

test('an untouched ledger verifies, with nothing to warn of', async () => {
  expect(await verify()).toMatchObject({
    verified: true,
    firstBad: undefined,
    problems: [],
    warnings: [],
    entries: ENTRIES,
    sealed: ENTRIES,
    torn_bytes: 0,
  })
})

describe('G41: the first bad entry is named after', () => {
  const rewrite = (index: number) => () => edit(replace(index, /"at":\d/, '"at":7'))
  const remove =
    (index: number, count = 1) =>
    () =>
      edit((all) => all.splice(index, count))
  const segment = (i: number): { path: string; first: number } => listSegments(ledgerPaths(dir).entries).at(i)!

  test.each<[string, () => void, () => number]>([
    ['an edit of the first entry', rewrite(0), () => 0],
    ['an edit of an entry', rewrite(299), () => 299],
    ['an edit of the last entry', rewrite(ENTRIES - 1), () => ENTRIES - 1],
    ['an edit that keeps the length', () => edit(replace(400, 'delete', 'reader')), () => 400],
    ['two edits', () => edit(replace(700, 'delete', 'x'), replace(310, 'delete', 'x')), () => 310],
    [
      'an edit and a deletion after it',
      () => edit(replace(310, 'delete', 'x'), (all) => all.splice(350, 1)),
      () => 310,
    ],
    ['a deletion', remove(450), () => 450],
    ['a deletion of many', remove(100, 300), () => 100],
    ['a deletion with the rest renumbered', () => edit((all) => all.splice(450, 1), renumber), () => 450],
    ['a reordering', () => edit((all) => all.splice(500, 2, all[501]!, all[500]!)), () => 500],
    [
      'a reordering with new numbers',
      () => edit((all) => all.splice(500, 2, all[501]!, all[500]!), renumber),
      () => 500,
    ],
    ['a duplicate', () => edit((all) => all.splice(600, 0, all[600]!)), () => 601],
    ['a duplicate with the rest renumbered', () => edit((all) => all.splice(600, 0, all[600]!), renumber), () => 601],
    ['an insertion', () => edit((all) => all.splice(7, 0, '{"n":7,"at":1,"kind":"approval"}'), renumber), () => 7],
    ['a cut of the last entry', remove(ENTRIES - 1), () => ENTRIES - 1],
    [
      'a cut in the middle of the last entry',
      () => fs.truncateSync(segment(-1).path, fs.statSync(segment(-1).path).size - 9),
      () => ENTRIES - 1,
    ],
    [
      'the loss of the last file',
      () => fs.rmSync(segment(-1).path),
      () => listSegments(ledgerPaths(original).entries).at(-1)!.first,
    ],
    [
      'the loss of a file',
      () => fs.rmSync(segment(2).path),
      () => listSegments(ledgerPaths(original).entries)[2]!.first,
    ],
    ['the loss of the first file', () => fs.rmSync(segment(0).path), () => 0],
    ['the loss of all files', () => fs.rmSync(ledgerPaths(dir).entries, { recursive: true }), () => 0],
    [
      'an emptied file',
      () => fs.truncateSync(segment(1).path),
      () => listSegments(ledgerPaths(original).entries)[1]!.first,
    ],
    ['a cut in the middle of a file', () => fs.truncateSync(segment(1).path, 5000), () => lineAt(original, 1, 5000)],
    ['a splice of two ledgers', () => edit((all) => all.splice(320, 9, ...lines(other).slice(320, 329))), () => 320],
    [
      'the other ledger’s entries from some point on',
      () => edit((all) => all.splice(640, 999, ...lines(other).slice(640))),
      () => 640,
    ],
    ['bytes that are no entry', () => edit((all) => all.splice(3, 0, 'hello')), () => 3],
    ['an empty line', () => edit((all) => all.splice(800, 0, '')), () => 800],
  ])('%s', async (_, tamper, bad) => {
    const expected = bad()
    tamper()
    const verdict = await verify()
    expect(verdict).toMatchObject({ verified: false, firstBad: expected })
    expect(verdict.problems[0]!.what).toMatch(new RegExp(`\\b${expected}\\b`))
  })

  /** The index of the entry that byte `offset` of a segment is in. */
  function lineAt(of: string, i: number, offset: number): number {
    const { path, first } = listSegments(ledgerPaths(of).entries)[i]!
    return first + fs.readFileSync(path, 'latin1').slice(0, offset).split('\n').length - 1
  }

  test('any change of any byte', async () => {
    const count = listSegments(ledgerPaths(original).entries).length
    await fc.assert(
      fc.asyncProperty(fc.nat(count - 1), fc.nat(), fc.integer({ min: 1, max: 255 }), async (i, at, flip) => {
        const { path } = segment(i)
        const bytes = fs.readFileSync(path)
        const offset = at % bytes.length
        const index = lineAt(original, i, offset)
        bytes[offset]! ^= flip
        fs.writeFileSync(path, bytes)
        const verdict = await verify()
        bytes[offset]! ^= flip
        fs.writeFileSync(path, bytes)
        expect(verdict).toMatchObject({ verified: false, firstBad: index })
      }),
      { numRuns: 150 },
    )
  })
})

/** Sizes checkpoints were signed at: one a run, and more where a run took longer than a second. */
function signedSizes(): number[] {
  const lines = fs.readFileSync(ledgerPaths(original).checkpoints, 'utf8').split('\n').slice(0, -1)
  return lines.map((line) => parseCheckpoint((JSON.parse(line) as { note: string }).note)!.size)
}

describe('G41: one who also mends the tiles is caught by the checkpoint', () => {
  test.each([10, 255, 256, 400, 500])('entry %i', async (index) => {
    edit(replace(index, 'delete', 'reader'))
    forgeTile(index)
    const verdict = await verify()
    // Only the checkpoints tell then: the first bad entry is somewhere after the last good one.
    const after = [0, ...signedSizes()].findLast((size) => size <= index)!
    expect(verdict).toMatchObject({ verified: false, firstBad: after, sealed: after })
  })
})

describe('G41: checkpoints', () => {
  const history = (): string => ledgerPaths(dir).checkpoints
  const newest = (): string => ledgerPaths(dir).checkpoint
  const rewriteHistory = (change: Change): void => {
    const all = fs.readFileSync(history(), 'utf8').split('\n')
    change(all)
    fs.writeFileSync(history(), all.join('\n'))
  }
  const stranger = signerKey(
    'test/ledger',
    generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
  )

  test.each<[string, () => void]>([
    ['without any', () => [history(), newest()].map((path) => fs.rmSync(path))],
    ['with a size changed', () => rewriteHistory(replace(1, /\\n\d+\\n/, '\\n303\\n'))],
    ['with one that is no JSON', () => rewriteHistory(replace(1, /.*/, 'checkpoint'))],
    ['out of order', () => rewriteHistory((all) => all.splice(1, 2, all[2]!, all[1]!))],
    [
      'with the newest forged',
      () => fs.writeFileSync(newest(), fs.readFileSync(newest(), 'utf8').replace('906', '806')),
    ],
    ['re-signed by another key', () => resign()],
  ])('%s it does not verify', async (_, tamper) => {
    tamper()
    expect(await verify()).toMatchObject({ verified: false })
  })

  function resign(): void {
    rewriteHistory((all) => {
      all.forEach((line, i) => {
        if (line === '') return
        const { size, root } = parseCheckpoint((JSON.parse(line) as { note: string }).note)!
        all[i] = JSON.stringify({ at: 1, note: signCheckpoint(stranger, size, root) })
      })
    })
    const { size, root } = parseCheckpoint(fs.readFileSync(newest(), 'utf8'))!
    fs.writeFileSync(newest(), signCheckpoint(stranger, size, root))
    fs.writeFileSync(ledgerPaths(dir).publicKey, formatVerifierKey(stranger))
  }

  test('a swapped key passes only for one who trusts the key in the folder', async () => {
    resign()
    expect(await verifyLedger({ dir })).toMatchObject({ verified: true, publicKey: formatVerifierKey(stranger) })
    expect(await verify()).toMatchObject({ verified: false, firstBad: undefined })
  })

  test('any one of the history is enough, as long as the newest is there', async () => {
    fs.rmSync(history())
    expect(await verify()).toMatchObject({ verified: true, sealed: ENTRIES, checkpoints: 1 })
  })
})

describe('G41: a rollback of all files', () => {
  async function rollBack(): Promise<string> {
    const anchor = fs.readFileSync(ledgerPaths(dir).checkpoint, 'utf8')
    edit((all) => all.splice(604))
    for (const { path, first } of listSegments(ledgerPaths(dir).entries)) if (first >= 604) fs.rmSync(path)
    const history = ledgerPaths(dir).checkpoints
    const all = fs.readFileSync(history, 'utf8').split('\n')
    fs.writeFileSync(history, `${all.slice(0, 3).join('\n')}\n`)
    fs.writeFileSync(ledgerPaths(dir).checkpoint, (JSON.parse(all[2]!) as { note: string }).note)
    return anchor
  }
  test('is seen by one who kept a checkpoint, and by nobody else', async () => {
    const anchor = await rollBack()
    expect(await verify()).toMatchObject({ verified: true, entries: 604 })
    expect(await verifyLedger({ dir, publicKey, anchors: [anchor] })).toMatchObject({ verified: false, firstBad: 604 })
  })
  test('a kept checkpoint of another log is refused', async () => {
    const anchors = [fs.readFileSync(ledgerPaths(other).checkpoint, 'utf8')]
    await expect(verifyLedger({ dir, publicKey, anchors })).rejects.toMatchObject({ code: 'config.invalid' })
  })
  test('a kept checkpoint that fits is one more to hold', async () => {
    const anchors = [fs.readFileSync(ledgerPaths(dir).checkpoint, 'utf8')]
    expect(await verifyLedger({ dir, publicKey, anchors })).toMatchObject({ verified: true })
  })
})

describe('what is odd without being damage', () => {
  test('an entry after the last checkpoint is numbered, not signed', async () => {
    edit((all) => all.push(`{"n":${ENTRIES},"at":1,"kind":"refusal"}`))
    expect(await verify()).toMatchObject({ verified: true, entries: ENTRIES + 1, sealed: ENTRIES })
  })
  test('an unfinished last entry', async () => {
    const { path } = listSegments(ledgerPaths(dir).entries).at(-1)!
    fs.appendFileSync(path, '{"n":906')
    expect(await verify()).toMatchObject({ verified: true, entries: ENTRIES, torn_bytes: 8 })
  })
  test('a wrong tile', async () => {
    const tile = join(dir, 'tile/0/001')
    fs.writeFileSync(tile, fs.readFileSync(tile).fill(0, 64, 96))
    const { verified, warnings } = await verify()
    expect(verified).toBe(true)
    expect(warnings).toEqual([expect.stringContaining('258')])
  })
  test('missing tiles', async () => {
    fs.rmSync(join(dir, 'tile'), { recursive: true })
    expect(await verify()).toMatchObject({ verified: true, warnings: [] })
  })
})

test('where there is no ledger, it says so', async () => {
  await expect(verifyLedger({ dir: join(root, 'nothing') })).rejects.toMatchObject({ code: 'config.invalid' })
})
