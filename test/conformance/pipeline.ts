import { copyFileSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { mustRun, run } from '../rig/child.ts'
import type { Login } from '../rig/postgres.ts'
import { loginEnvironment, probe } from '../rig/psql.ts'
import type { SuiteResult } from './report.ts'
import { compile, type SourceTree } from './source.ts'

/** PostgreSQL's own numbers: rows its tests insert, and the tests whose wire it compares (t/001_libpq_pipeline.pl). */
const ROWS = '700'
const TRACED = new Set([
  'simple_pipeline',
  'nosync',
  'multi_pipelines',
  'prepared',
  'singlerow',
  'pipeline_abort',
  'pipeline_idle',
  'transaction',
  'disallowed_in_pipeline',
])

export interface PipelineRun {
  readonly source: SourceTree
  /** Straight to the server, to create the fresh database. */
  readonly server: Login
  readonly through: Login
  readonly folder: string
}

/** libpq_pipeline with its wire traces: each test in a fresh database, and each trace compared byte for byte. */
export async function runPipeline({ source, server, through, folder }: PipelineRun): Promise<SuiteResult[]> {
  const module = join(source.tree, 'src/test/modules/libpq_pipeline')
  const program = join(folder, 'libpq_pipeline')
  const libraries = join(source.dev, 'usr/lib/postgresql', String(source.major), 'lib')
  const switches = [
    `-I${join(source.tree, 'src/interfaces/libpq')}`,
    '-o',
    program,
    '-lpq',
    join(libraries, 'libpgcommon.a'),
    join(libraries, 'libpgport.a'),
  ]
  const copied = join(folder, 'libpq_pipeline.c')
  copyFileSync(join(module, 'libpq_pipeline.c'), copied)
  await compile(source, copied, switches)
  const names = (await mustRun([program, 'tests'])).trim().split(/\s+/)
  const database = `pipeline_${process.pid}`
  const failed: string[] = []
  const unlike: string[] = []
  for (const name of names) {
    await probe(server, `drop database if exists ${database} with (force)`)
    await probe(server, `create database ${database}`)
    const trace = join(folder, `${name}.trace`)
    const traced = TRACED.has(name) ? ['-t', trace] : []
    const { status } = await run([program, '-r', ROWS, ...traced, name, `dbname=${database}`], {
      env: loginEnvironment({ ...through, database }),
    })
    if (status !== 0) failed.push(name)
    if (traced.length > 0 && !same(trace, join(module, 'traces', `${name}.trace`))) unlike.push(name)
  }
  return [
    { name: 'pipeline', passed: names.length - failed.length, total: names.length, failed, evidence: folder },
    {
      name: 'pipeline traces',
      passed: TRACED.size - unlike.length,
      total: TRACED.size,
      failed: unlike,
      evidence: folder,
    },
  ]
}

function same(trace: string, expected: string): boolean {
  return existsSync(trace) && readFileSync(trace, 'utf8') === readFileSync(expected, 'utf8')
}
