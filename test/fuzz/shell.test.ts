/** Random command lines in real shells: of what is called reading, nothing may change a file. */
import { spawnSync } from 'node:child_process'
import { accessSync } from 'node:fs'
import { afterAll, expect, test } from 'vitest'
import { effects, onlyEffects } from '../../src/model/effects.ts'
import { Shell } from '../../src/shell/shell.ts'
import { ShellPlayground } from '../rig/shell-playground.ts'
import { chance, eachSeed } from './seed.ts'
import { line, mutated } from './shell-lines.ts'

const QUIET = effects('read', 'session')
const SHELLS = ['/usr/bin/bash', '/usr/bin/dash'].filter((path) => {
  try {
    accessSync(path)
    return true
  } catch {
    return false
  }
})
const playground = new ShellPlayground()
afterAll(() => playground.remove())

test.skipIf(SHELLS.length === 0)(
  'no line that only reads changes a file, in bash and in dash',
  async () => {
    const shell = new Shell()
    let quiet = 0
    await eachSeed(500, async (seed) => {
      const random = chance(seed)
      const plain = line(random)
      for (const text of [plain, mutated(random, plain), mutated(random, mutated(random, plain))]) {
        if (text.includes('\0') || !onlyEffects(shell.read(text).effects, QUIET)) continue
        quiet += 1
        for (const path of SHELLS)
          expect([text, path, await playground.changedBy(path, text)]).toEqual([text, path, ''])
      }
    })
    // Or nothing was tried.
    expect(quiet).toBeGreaterThan(100)
  },
  120_000,
)

test.skipIf(SHELLS.length === 0)('the playground sees what a line changes', async () => {
  for (const text of ['touch a', 'rm a', 'echo x >> b', 'mv c d', 'sed -i s/e/f/ d/e', 'cp a n', 'rm n'])
    expect([text, (await playground.changedBy(SHELLS[0]!, text)) !== '']).toEqual([text, text !== 'rm n'])
})

/** What bash prints of a function with this body: its own reading of the line. Undefined for what it does not read. */
function printed(text: string): string | undefined {
  const { stdout } = spawnSync(SHELLS[0]!, ['-O', 'extglob', '-c', `__f() {\n${text}\n}; declare -f __f`], {
    env: { PATH: '/nonexistent' },
    encoding: 'utf8',
  })
  return /^__f \(\) \n\{ \n([\s\S]*)\n\}\n$/.exec(stdout)?.[1]
}

test.skipIf(SHELLS[0]?.endsWith('bash') !== true)(
  'bash reads the same commands in a line',
  async () => {
    const shell = new Shell()
    const commands = (text: string) =>
      shell
        .read(text)
        .facts.commands.map(({ program, effects }) => `${program} ${effects}`)
        .sort()
    let compared = 0
    await eachSeed(250, async (seed) => {
      const random = chance(seed)
      const plain = line(random)
      for (const text of [plain, mutated(random, plain)]) {
        if (text.includes('\0') || shell.read(text).confidence === 'opaque') continue
        const own = printed(text)
        if (own === undefined) continue
        compared += 1
        expect([text, commands(text)]).toEqual([text, commands(own)])
      }
    })
    expect(compared).toBeGreaterThan(50)
  },
  120_000,
)

test('whatever it is given, reading ends, is bounded, and says unknown for what is no command line', async () => {
  const shell = new Shell()
  await eachSeed(300, async (seed) => {
    const random = chance(seed)
    const bytes = Buffer.from(Array.from({ length: random.below(400) }, () => random.below(256)))
    const read = shell.read(bytes)
    expect(read.facts.commands.length).toBeLessThanOrEqual(512)
    if (bytes.includes(0)) expect(onlyEffects(read.effects, -1)).toBe(false)
  })
})
