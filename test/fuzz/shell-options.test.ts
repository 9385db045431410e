/**
 * The tables of options against the programs themselves: of a line that is judged to read, every file the program opens has to be among
 * those we named, and none may change. So an option that takes a value, writes or runs something where the table says otherwise is seen.
 * SLUICE_FUZZ_ROUNDS=100 tries nearly all of them.
 */
import { spawnSync } from 'node:child_process'
import { accessSync } from 'node:fs'
import { afterAll, expect, test } from 'vitest'
import { effects, onlyEffects } from '../../src/model/effects.ts'
import { mayBeOneOf } from '../../src/policy/cel/file-names.ts'
import { PROGRAMS } from '../../src/shell/programs/index.ts'
import { Shell } from '../../src/shell/shell.ts'
import { TABLE } from '../../src/shell/table/index.ts'
import { ShellPlayground } from '../rig/shell-playground.ts'
import { type Chance, chance, eachSeed } from './seed.ts'

const QUIET = effects('read', 'session')
const SH = '/bin/sh'
const FOLDERS = ['/usr/bin', '/usr/sbin', '/bin', '/sbin']
/** `top` makes a folder for its settings whatever it is told. Shells read the line, which other tests are about. */
const LEFT_OUT = /^(top|sh|bash|dash|ksh|zsh|rbash)$/
const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0'
const installed = (name: string): boolean =>
  FOLDERS.some((folder) => {
    try {
      accessSync(`${folder}/${name}`)
      return true
    } catch {
      return false
    }
  })
const shell = new Shell()
const reads = (text: string): boolean => onlyEffects(shell.read(text).effects, QUIET)
/** Programs that read, at least with some words: no other is started, not even for its help. */
const NAMES = [...new Set([...TABLE.keys(), ...PROGRAMS.keys()])].filter(
  (name) => !LEFT_OUT.test(name) && installed(name) && [name, `${name} a`, `${name} -n a`].some(reads),
)

const told = new Map<string, readonly string[]>()
/** Options of a program: of the table, of its own help, and every letter. */
function optionsOf(name: string): readonly string[] {
  const known = told.get(name)
  if (known) return known
  const help = spawnSync(name, ['--help'], { encoding: 'utf8', timeout: 2_000, stdio: ['ignore', 'pipe', 'pipe'] })
  const words = `${help.stdout} ${help.stderr}`.match(/(?<![\w-])--?[A-Za-z0-9][\w-]*/g) ?? []
  const options = [
    ...new Set([...(TABLE.get(name)?.options.keys() ?? []), ...words, ...[...LETTERS].map((c) => `-${c}`)]),
  ]
  told.set(name, options)
  return options
}

/** An option in every place a value may come from; every other one is of the table, where a mistake would be ours. */
function line(random: Chance): string {
  const name = random.of(NAMES)
  const own = [...(TABLE.get(name)?.options.keys() ?? [])]
  const option = random.of(own.length > 0 && random.below(2) === 0 ? own : optionsOf(name))
  return random.of([
    `${name} ${option} b a`,
    `${name} ${option} a`,
    `${name} ${option}${option.startsWith('--') ? '=' : ''}b a`,
    `${name} x ${option} b a`,
    `${name} ${option} d`,
    `${name} x ${option} d`,
    `${name} ${option}`,
  ])
}

const playground = new ShellPlayground({ path: FOLDERS.join(':'), wait_ms: 400 })
afterAll(() => playground.remove())
const seen = await playground.keepsAccess(SH)

test.skipIf(!seen)(
  'whatever its options, a program that is said to read opens no other file and changes none',
  async () => {
    let quiet = 0
    await eachSeed(800, async (seed) => {
      const text = line(chance(seed))
      if (!reads(text)) return
      quiet += 1
      const { read, changed } = await playground.usedBy(SH, text)
      const missed = read.filter((file) => !mayBeOneOf(shell.read(text).facts.paths.read, [file], []))
      expect({ text, missed, changed }).toEqual({ text, missed: [], changed: '' })
    })
    // Or nothing was tried.
    expect(quiet).toBeGreaterThan(process.env.SLUICE_FUZZ_SEED === undefined ? 150 : -1)
  },
  600_000,
)

test.skipIf(!seen)('what a program opens and changes is seen', async () => {
  for (const [text, read, changed] of [
    ['cat a d/e', ['a', 'd/e'], ''],
    ['grep -r x d', ['d/e'], ''],
    ['ls -l a', [], ''],
    ['cp a n', ['a'], 'something'],
  ] as const)
    expect([text, await playground.usedBy(SH, text)]).toEqual([text, { read, changed }])
})
