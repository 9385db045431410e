/** `npm run check`: types, lint and format, dead code. `npm test` begins with the same. */
import { join } from 'node:path'
import { run } from '../test/rig/child.ts'

const root = join(import.meta.dirname, '..')

interface Check {
  readonly name: string
  readonly command: readonly string[]
}

const CHECKS: readonly Check[] = [
  { name: 'types', command: ['tsc', '--noEmit'] },
  { name: 'lint and format', command: ['biome', 'check', '--diagnostic-level=warn', '--colors=off'] },
  { name: 'dead code', command: ['knip', '--no-progress', '--no-config-hints'] },
]

/** Runs every check, says on stdout how each went, and returns how many passed and failed. Needs node_modules/.bin on PATH. */
export async function runChecks(): Promise<{ passed: number; failed: number }> {
  const count = { passed: 0, failed: 0 }
  for (const { name, command } of CHECKS) {
    const { status, stdout, stderr } = await run(command, { cwd: root, timeout_ms: 300_000 })
    const passed = status === 0
    count[passed ? 'passed' : 'failed']++
    console.log(passed ? `ok: ${name}` : `failed: ${name} (${command.join(' ')})\n${stdout}${stderr}`)
  }
  return count
}

if (import.meta.main) process.exitCode = (await runChecks()).failed > 0 ? 1 : 0
