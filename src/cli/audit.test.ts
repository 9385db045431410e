import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { dataRow, meta, operation, outcome } from '../../test/rig/recording.ts'
import { createLog } from '../kit/log.ts'
import { listSegments } from '../ledger/layout.ts'
import { openLedger } from '../ledger/open.ts'
import { transcriptPath } from '../transcript/format.ts'
import { openTranscripts } from '../transcript/transcripts.ts'

const MAIN = join(import.meta.dirname, '../main.ts')

let root: string
let original: string
let dir: string

/** A gateway's data folder: two sessions recorded, one of them in several chunks. */
beforeAll(async () => {
  root = fs.mkdtempSync(join(tmpdir(), 'sluice-audit-'))
  original = join(root, 'original')
  const log = createLog('error', () => {})
  const ledger = await openLedger({ dir: join(original, 'ledger'), origin: 'test/ledger', log })
  const transcripts = openTranscripts({ dir: join(original, 'transcripts'), ledger, log })
  for (const id of ['ses_1', 'ses_2']) {
    const recorder = transcripts.open(meta(id))
    for (let op = 1; op <= 700; op++) {
      ledger.append('intent', `"session":"${id}","op":${op}`)
      recorder.note(operation(op))
      recorder.note({ kind: 'rows', op, columnsOf: op, bytes: dataRow('x') })
      recorder.note(outcome(op))
      ledger.append('outcome', `"session":"${id}","op":${op},"status":"ok"`)
    }
    await recorder.close()
    ledger.append('close', `"session":"${id}"`)
    ledger.commit()
  }
  await transcripts.close()
  await ledger.close()
})
afterAll(() => fs.rmSync(root, { recursive: true }))
beforeEach(() => {
  dir = join(root, 'copy')
  fs.cpSync(original, dir, { recursive: true })
})
afterEach(() => fs.rmSync(dir, { recursive: true, force: true }))

function sluice(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, 'audit', ...args], {
    encoding: 'utf8',
    cwd: root,
    env: { PATH: process.env.PATH, SLUICE_DIR: 'copy' },
  })
  return { status, stdout, stderr }
}
const entriesFile = (): string => listSegments(join(dir, 'ledger/entries'))[0]!.path

describe('sluice audit verify', () => {
  test('says what was verified and by which key, and exits with 0', () => {
    const { status, stdout, stderr } = sluice('verify')
    expect(stderr).toBe('')
    expect(stdout).toMatch(/^Verified: 2,8\d\d entries\.\n/)
    expect(stdout).toMatch(/key +test\/ledger\+[0-9a-f]{8}\+\S+ \(the key in the folder/)
    expect(stdout).toMatch(/checkpoints +\d+ fit, covering 2,8\d\d entries, the last of them from 20\d\d-/)
    expect(stdout).toMatch(/recordings +\d+ chunks of 2 sessions, [\d,]+ bytes\n/)
    expect(status).toBe(0)
  })

  test.each([
    ['the data folder', () => ['--dir', dir]],
    ['the ledger itself', () => ['--dir', join(dir, 'ledger')]],
    ['the key as a file', () => ['--public-key', join(dir, 'ledger/public-key')]],
    ['the key as text', () => ['--public-key', fs.readFileSync(join(dir, 'ledger/public-key'), 'utf8').trim()]],
    ['a checkpoint kept elsewhere', () => ['--checkpoint', join(original, 'ledger/checkpoint')]],
    ['no recordings', () => ['--no-transcripts']],
  ])('takes %s', (_, args) => {
    expect(sluice('verify', ...args())).toMatchObject({ status: 0, stderr: '' })
  })

  test('G41: names the first bad entry of a ledger that was changed, and exits with 1', () => {
    fs.writeFileSync(
      entriesFile(),
      fs.readFileSync(entriesFile(), 'utf8').replace(/("session":"ses_1","op":)77\b/, '$178'),
    )
    const index = Number(
      /"n":(\d+),.*"op":77\b/.exec(fs.readFileSync(join(original, 'ledger/entries/000000000000000.jsonl'), 'utf8'))![1],
    )
    const { status, stdout } = sluice('verify')
    expect(stdout).toMatch(
      new RegExp(`^DAMAGED\\. The first bad entry is ${index}\\.\n  entry ${index} is not what was signed`),
    )
    expect(status).toBe(1)
    const json = sluice('verify', '--json')
    expect(JSON.parse(json.stdout)).toMatchObject({ verified: false, firstBad: index })
    expect(json.status).toBe(1)
  })

  test.each<[string, (file: string) => void, RegExp]>([
    [
      'changed',
      (file) => fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replace('"op":3,', '"op":4,')),
      /is not what was recorded/,
    ],
    ['shortened', (file) => fs.truncateSync(file, fs.statSync(file).size - 10), /the file ends before it/],
    [
      'lengthened',
      (file) => fs.appendFileSync(file, '{"at":1,"kind":"notice","text":"forged"}\n'),
      /the file has .* bytes, recorded were/,
    ],
    ['gone', (file) => fs.rmSync(file), /the file is missing/],
  ])('a recording that was %s is damage, too', (_, tamper, what) => {
    tamper(transcriptPath(join(dir, 'transcripts'), meta('ses_2')))
    const { status, stdout } = sluice('verify')
    expect(stdout).toMatch(what)
    expect(stdout).toContain('ses_2')
    expect(status).toBe(1)
    expect(sluice('verify', '--no-transcripts').status).toBe(0)
  })

  test('a recording the ledger knows nothing of is mentioned', () => {
    fs.writeFileSync(transcriptPath(join(dir, 'transcripts'), meta('ses_forged')), '{"at":0,"kind":"end"}\n')
    expect(sluice('verify')).toMatchObject({ status: 0, stdout: expect.stringContaining('1 files not in the ledger') })
  })

  test.each([
    ['a folder without a ledger', () => ['--dir', root], /There is no ledger in/],
    ['a folder that is not there', () => ['--dir', join(root, 'nowhere')], /There is no ledger in/],
    ['a key that is none', () => ['--public-key', 'hello'], /not a ledger public key/],
    ['a checkpoint that is not there', () => ['--checkpoint', join(root, 'nowhere')], /cannot be read/],
    ['a checkpoint that is none', () => ['--checkpoint', MAIN], /not signed by/],
    ['an option nobody knows', () => ['--fast'], /unknown option/],
  ])('%s: one sentence, exit code 2', (_, args, sentence) => {
    const { status, stdout, stderr } = sluice('verify', ...args())
    expect(stderr).toMatch(sentence)
    expect(stderr).not.toMatch(/\bat .*\.ts:/)
    expect(stdout).toBe('')
    expect(status).toBe(2)
  })
})

describe('sluice audit export', () => {
  const lines = (...args: string[]): Record<string, unknown>[] =>
    sluice('export', ...args)
      .stdout.split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Record<string, unknown>)

  test('prints entries as they were written', () => {
    const { stdout, status } = sluice('export')
    expect(stdout).toBe(fs.readFileSync(entriesFile(), 'utf8'))
    expect(status).toBe(0)
  })
  test('of some kinds, some range, one session', () => {
    expect(lines('--kind', 'start', '--kind', 'close').map((entry) => entry.kind)).toEqual(['start', 'close', 'close'])
    expect(lines('--from', '5', '--to', '8').map((entry) => entry.n)).toEqual([5, 6, 7])
    expect(lines('--session', 'ses_2', '--kind', 'intent').length).toBe(700)
    expect(lines('--until', '2020-01-01')).toEqual([])
    expect(lines('--since', '2020-01-01').length).toBeGreaterThan(2800)
  })
  test.each([
    ['--kind', 'gossip'],
    ['--from', 'x'],
    ['--since', 'yesterday'],
  ])('%s %s: exit code 2', (...args) => {
    expect(sluice('export', ...args)).toMatchObject({ status: 2, stdout: '' })
  })
})

describe('sluice audit checkpoint', () => {
  test('prints what verify takes, later', () => {
    fs.writeFileSync(join(dir, 'kept.txt'), sluice('checkpoint').stdout)
    fs.writeFileSync(join(dir, 'kept.pub'), sluice('checkpoint', '--public-key').stdout)
    const args = ['--checkpoint', join(dir, 'kept.txt'), '--public-key', join(dir, 'kept.pub')]
    expect(sluice('verify', ...args)).toMatchObject({ status: 0, stdout: expect.stringContaining('1 kept elsewhere') })
  })
})
