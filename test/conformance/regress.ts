import { cpSync, existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { serverAccount } from '../rig/account.ts'
import { mustRun, run } from '../rig/child.ts'
import type { Login } from '../rig/postgres.ts'
import type { SuiteResult } from './report.ts'
import { compile, type SourceTree } from './source.ts'

export interface RegressRun {
  readonly source: SourceTree
  /** Where pg_regress and the tests' psql connect. */
  readonly through: Login
  /** A folder of this run alone, reachable by the server's account: test files, libraries, results. */
  readonly folder: string
  readonly schedule?: string
}

/** Puts test files and libraries where server and pg_regress, both under the unprivileged account, can read and write them. */
export async function prepareRegress(source: SourceTree, folder: string): Promise<void> {
  const input = join(folder, 'regress')
  cpSync(join(source.tree, 'src/test/regress'), input, { recursive: true })
  const libraries = join(folder, 'lib')
  mkdirSync(libraries)
  await compile(source, join(input, 'regress.c'), ['-shared', '-fPIC', '-o', join(libraries, 'regress.so')])
  for (const name of ['autoinc.so', 'refint.so'])
    cpSync(`/usr/lib/postgresql/${source.major}/lib/${name}`, join(libraries, name))
  const account = serverAccount()
  if (account) await mustRun(['chown', '-R', `${account.uid}:${account.gid}`, folder])
}

/** PostgreSQL's core regression suite. Drops and creates the database `regression` and cluster-wide roles: only for a server of our own. */
export async function runRegress({
  source,
  through,
  folder,
  schedule = 'parallel_schedule',
}: RegressRun): Promise<SuiteResult> {
  const bin = `/usr/lib/postgresql/${source.major}`
  const input = join(folder, 'regress')
  const command = [
    `${bin}/lib/pgxs/src/test/regress/pg_regress`,
    `--inputdir=${input}`,
    `--outputdir=${input}`,
    `--bindir=${bin}/bin`,
    `--dlpath=${join(folder, 'lib')}`,
    `--schedule=${join(input, schedule)}`,
    '--max-concurrent-tests=20',
    '--max-connections=4',
    `--host=${through.host}`,
    `--port=${through.port}`,
    `--user=${through.user}`,
  ]
  const env = { PATH: `${bin}/bin:/usr/bin:/bin`, HOME: folder, PGPASSWORD: through.password, LC_ALL: 'C' }
  const { stdout, stderr } = await run(command, { account: serverAccount(), cwd: input, env, timeout_ms: 1_200_000 })
  return summarize(stdout, stderr, join(input, 'regression.diffs'))
}

function summarize(stdout: string, stderr: string, evidence: string): SuiteResult {
  const results = [...stdout.matchAll(/^(?:test\s+|\s{5})(\S+)\s+\.\.\. (ok|FAILED)/gm)]
  if (results.length === 0) throw new Error(`pg_regress ran nothing:\n${stdout}${stderr}`)
  const failed = results.filter(([, , word]) => word !== 'ok').map(([, name]) => name!)
  return {
    name: 'regress',
    passed: results.length - failed.length,
    total: results.length,
    failed,
    ...(existsSync(evidence) && failed.length > 0 ? { evidence } : {}),
  }
}
