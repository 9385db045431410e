/**
 * `npm run conformance [-- --suite regress --suite pipeline] [--through direct|pipe|gateway] [--masks] [--json FILE]`: suites nobody here
 * wrote, run through the gateway under an allow-all policy. `--masks` loads every masking rule on unlabelled data: nothing may change.
 * Exit code 1 when a test fails that test/conformance/exceptions.json does not explain, or one it explains passes.
 */
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { cacheFolder } from '../rig/postgres-binaries.ts'
import { tempFolder } from '../rig/temp.ts'
import { judgeEffects } from './judge.ts'
import { runPipeline } from './pipeline.ts'
import { prepareRegress, runRegress } from './regress.ts'
import type { Exception, SuiteResult } from './report.ts'
import { postgresSource, type SourceTree } from './source.ts'
import { type Subject, startSubject, type Through } from './subject.ts'

const SUITES = ['regress', 'pipeline'] as const
type Suite = (typeof SUITES)[number]
/** Ends the names of results under every mask. Its own exceptions are tests whose data is masked rightly. */
const MASKED = ', every mask'

const { values } = parseArgs({
  options: {
    suite: { type: 'string', multiple: true, default: [...SUITES] },
    through: { type: 'string', default: 'gateway' },
    masks: { type: 'boolean', default: false },
    json: { type: 'string' },
  },
})
const known: Record<string, Exception[]> = JSON.parse(
  readFileSync(join(import.meta.dirname, 'exceptions.json'), 'utf8'),
)
const results: SuiteResult[] = []
for (const suite of values.suite) results.push(...(await runSuite(suite as Suite)))
const wrong = results.flatMap((result) => judge(result, exceptionsOf(result.name)))
for (const line of wrong) console.error(line)
if (values.json) writeFileSync(values.json, `${JSON.stringify({ suites: results.map(published) }, null, 2)}\n`)
process.exit(wrong.length > 0 ? 1 : 0)

async function runSuite(suite: Suite): Promise<SuiteResult[]> {
  const folder = tempFolder('conformance')
  await using subject = await startSubject({ through: values.through as Through, masks: values.masks })
  const source = await postgresSource(subject.server.major)
  const began = performance.now()
  const plain = await perform(suite, { source, subject, folder: folder.path })
  const performed = values.masks ? plain.map((result) => ({ ...result, name: result.name + MASKED })) : plain
  const seconds = ((performance.now() - began) / 1000).toFixed(0)
  for (const result of performed) {
    const kept = keep(result)
    console.log(
      `${result.name} (${values.through}): ${result.passed} of ${result.total} in ${seconds} s${kept ? `, evidence in ${kept}` : ''}`,
    )
  }
  folder.remove()
  return performed
}

async function perform(
  suite: Suite,
  { source, subject, folder }: { source: SourceTree; subject: Subject; folder: string },
): Promise<SuiteResult[]> {
  if (suite === 'regress') {
    await prepareRegress(source, folder)
    const regress = await runRegress({ source, through: subject.login, folder })
    return subject.gateway ? [regress, judgeEffects(subject.gateway.dataDir)] : [regress]
  }
  if (suite === 'pipeline') return await runPipeline({ source, server: subject.server, through: subject.login, folder })
  throw new Error(`"${suite}" is not a suite; write one of ${SUITES.join(', ')}`)
}

/** Failures leave their evidence in the cache; the run's own folder goes. */
function keep({ name, failed, evidence }: SuiteResult): string | undefined {
  if (failed.length === 0) return undefined
  const kept = join(cacheFolder, 'conformance', `failed-${name.replaceAll(/\W+/g, '-')}`)
  rmSync(kept, { recursive: true, force: true })
  mkdirSync(kept, { recursive: true })
  writeFileSync(join(kept, 'failed.txt'), failed.map((line) => `${line}\n`).join(''))
  if (evidence) cpSync(evidence, join(kept, evidence.split('/').at(-1)!), { recursive: true })
  return kept
}

function judge({ name, failed }: SuiteResult, exceptions: readonly Exception[]): string[] {
  const explained = new Set(exceptions.map(({ test }) => test))
  const unexplained = failed
    .filter((test) => !explained.has(test))
    .map((test) => `${name}: ${test} failed, and exceptions.json does not say why`)
  const stale = [...explained]
    .filter((test) => !failed.includes(test))
    .map((test) => `${name}: ${test} passes; take it out of exceptions.json`)
  return [...unexplained, ...stale]
}

/** Only what stands between can be the reason of an exception: straight to the server there are none. */
function exceptionsOf(name: string): readonly Exception[] {
  if (values.through !== 'gateway') return []
  const plain = known[name.replace(MASKED, '')] ?? []
  return name.endsWith(MASKED) ? [...plain, ...(known[name] ?? [])] : plain
}

function published({ name, passed, total, failed }: SuiteResult) {
  const why = (test: string) => exceptionsOf(name).find((each) => each.test === test)?.why ?? 'not explained'
  return { name, passed, total, exceptions: failed.map((test) => ({ test, why: why(test) })) }
}
