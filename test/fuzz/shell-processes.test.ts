/** `ps` shows the environment of processes by a bare `e`, and reads what it cannot read one way the other: real ps is asked what it shows. */
import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { Shell } from '../../src/shell/shell.ts'
import { type Chance, chance, eachSeed } from './seed.ts'

const MARK = 'SLUICE_MARK=shown'
const WORDS =
  'a x u e w ww f h l j -e -f -A -a -x -u -o o k -p -C -U -t -p1 -ef -ae aux auxe -auxe -xe ax axe we xe --sort --sort=pid --forest --user --pid --format pid comm args environ pid,comm e root nobody 1 -F -L H -H m T -N n s v -M -g -G -s q -q -eo axo -j -l -y -c --ppid --env +e 1e -1e'.split(
    ' ',
  )
const LETTERS = [...'-aAcdefghHjkLlmMnNOopPqrsStTuUvVwxXyZ1,']

/** All processes are asked for every other time, so that there are some to show. */
function words(random: Chance): readonly string[] {
  const cluster = () => Array.from({ length: 1 + random.below(3) }, () => random.of(LETTERS)).join('')
  const few = Array.from({ length: 1 + random.below(3) }, () => (random.below(3) === 0 ? cluster() : random.of(WORDS)))
  return random.below(2) === 0 ? ['x', ...few] : few
}

/** True when ps shows its own environment. */
function shows(given: readonly string[]): boolean {
  const env = { [MARK.split('=')[0]!]: MARK.split('=')[1]!, PATH: '/usr/bin:/bin' }
  return spawnSync('ps', given, { encoding: 'utf8', env, timeout: 5_000 }).stdout?.includes(MARK) === true
}

const procps = spawnSync('ps', ['--version'], { encoding: 'utf8' }).stdout?.includes('procps') === true

test.skipIf(!procps)(
  'no words of ps show an environment that was not said to be read',
  async () => {
    const shell = new Shell()
    const named = (given: readonly string[]) => shell.readWords(['ps', ...given]).facts.paths.read.length > 0
    expect([shows(['axe']), named(['axe']), shows(['ax']), named(['ax'])]).toEqual([true, true, false, false])
    let quiet = 0
    await eachSeed(400, async (seed) => {
      const given = words(chance(seed))
      if (named(given)) return
      quiet += 1
      expect([given, shows(given)]).toEqual([given, false])
    })
    // Or nothing was tried.
    expect(quiet).toBeGreaterThan(process.env.SLUICE_FUZZ_SEED === undefined ? 100 : -1)
  },
  120_000,
)
