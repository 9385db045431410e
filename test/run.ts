/**
 * `npm test [-- FILE …]`: types, lint, dead code, then every test; the last line is the count. With file names only those tests run.
 * Each static check counts as one test. Exit code 1 when anything failed, or when nothing ran at all.
 */
import { join } from 'node:path'
import type { TestModule } from 'vitest/node'
import { startVitest } from 'vitest/node'
import { runChecks } from '../tools/check.ts'

const root = join(import.meta.dirname, '..')

interface Count {
  passed: number
  failed: number
  readonly skipped: string[]
}

process.chdir(root)
process.env.PATH = `${join(root, 'node_modules/.bin')}:${process.env.PATH ?? ''}`
const filters = process.argv.slice(2)
const count: Count = { passed: 0, failed: 0, skipped: [] }
if (filters.length === 0) {
  const { passed, failed } = await runChecks()
  count.passed += passed
  count.failed += failed
}
await testAll(filters)
for (const skipped of count.skipped) console.log(`skipped: ${skipped}`)
console.log(`${count.passed} passed, ${count.failed} failed, ${count.skipped.length} skipped`)
process.exit(count.failed > 0 || count.passed === 0 ? 1 : 0)

async function testAll(files: string[]): Promise<void> {
  const reporter = {
    onTestRunEnd: (modules: readonly TestModule[], errors: readonly unknown[]) => tally(modules, errors),
  }
  const vitest = await startVitest('test', files, { watch: false, reporters: ['default', reporter] })
  await vitest.close()
}

function tally(modules: readonly TestModule[], errors: readonly unknown[]): void {
  count.failed += errors.length
  for (const module of modules) {
    // A file that fails to load has no tests; its own state is then the only sign.
    if (module.errors().length > 0) count.failed++
    for (const test of module.children.allTests()) {
      const result = test.result()
      if (result.state === 'passed') count.passed++
      else if (result.state === 'failed') count.failed++
      else count.skipped.push(`${test.fullName}: ${(result.state === 'skipped' && result.note) || 'no reason given'}`)
    }
  }
}
