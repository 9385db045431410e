/**
 * `npm run bench -- postgres|ssh|tunnel|identity [--json FILE] [--quick] [--measure WORD] [--cpu-prof FOLDER]`: direct, PgBouncer, a bare Node byte pipe and Sluice with full
 * enforcement take turns. Exit code 1 when a target is missed. `--measure` takes only those whose name contains the word. `--cpu-prof` writes a profile of the gateway's process, and its figures
 * then include the profiler.
 */
import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { benchIdentity } from './identity.ts'
import { benchPostgres } from './postgres.ts'
import { met, tables } from './report.ts'
import { benchSsh } from './ssh.ts'
import { benchTunnel } from './tunnel.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'string' },
    measure: { type: 'string', default: '' },
    quick: { type: 'boolean', default: false },
    'cpu-prof': { type: 'string' },
  },
})
const SUITES: Readonly<Record<string, typeof benchPostgres>> = {
  postgres: benchPostgres,
  ssh: benchSsh,
  tunnel: benchTunnel,
  identity: benchIdentity,
}
const suite = positionals.length === 1 ? SUITES[positionals[0]!] : undefined
if (!suite) {
  console.error(
    'Say what to measure: npm run bench -- postgres|ssh|tunnel|identity [--json FILE] [--quick] [--measure WORD] [--cpu-prof FOLDER]',
  )
  process.exit(2)
}
const profile = values['cpu-prof'] === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${resolve(values['cpu-prof'])}`]
const { samples, rows } = await suite({
  quick: values.quick,
  only: values.measure,
  node: profile,
  say: (line) => console.error(line),
})
console.log(tables(samples, rows))
if (values.json) writeFileSync(values.json, `${JSON.stringify({ rows }, null, 2)}\n`)
process.exit(rows.every(met) ? 0 : 1)
