import { type PostgresServer, startPostgres } from '../test/rig/postgres.ts'
import { type Contender, type ContenderName, startContenders, startSluice } from './contenders.ts'
import { fill } from './load.ts'
import { judge, type Measure, measures, type Round } from './measures.ts'
import { idleSessions, largeResult, stoppedReader } from './memory.ts'
import { median, type Row, type Sample } from './report.ts'

export interface BenchOptions {
  readonly quick: boolean
  /** Take only measures whose name contains this. */
  readonly only: string
  /** Switches of node for the gateway's process. */
  readonly node: readonly string[]
  say(line: string): void
}

export interface BenchResult {
  readonly samples: Sample[]
  readonly rows: Row[]
}

/** Runs every measure, contenders taking turns. */
export async function benchPostgres(options: BenchOptions): Promise<BenchResult> {
  const server = await startPostgres({ settings: { max_connections: 1200, shared_buffers: '512MB' } })
  await fill(server)
  const contenders = await startContenders(server, options.node)
  const samples: Sample[] = []
  const rows: Row[] = []
  try {
    for (const measure of measures(options.quick)) {
      if (!measure.name.includes(options.only)) continue
      const rounds = await takeTurns(measure, contenders, options)
      samples.push(sample(measure, rounds))
      rows.push(...judge(measure, rounds))
    }
    if ('memory'.includes(options.only)) rows.push(...(await memory(server, options)))
  } finally {
    for (const contender of contenders.reverse()) await contender.stop()
    await server.stop('immediate')
  }
  return { samples, rows }
}

async function takeTurns(
  measure: Measure,
  contenders: readonly Contender[],
  { quick, say }: BenchOptions,
): Promise<Round[]> {
  const rounds: Round[] = []
  const taking = contenders.filter(({ name }) => !measure.only || measure.only.includes(name))
  // One turn that does not count: caches fill, code is compiled.
  for (const contender of taking) await measure.take(contender)
  while (rounds.length < (quick ? 3 : 7)) {
    const round: Round = {}
    for (const contender of taking) round[contender.name] = await measure.take(contender)
    rounds.push(round)
    const figures = Object.entries(round).map(([name, value]) => `${name} ${value.toFixed(3)}`)
    say(`${measure.name}: ${figures.join(' ')} ${measure.unit}`)
  }
  return rounds
}

function sample({ name, unit }: Measure, rounds: readonly Round[]): Sample {
  const names = Object.keys(rounds[0]!) as ContenderName[]
  const medians = names.map((one) => [one, median(rounds.map((round) => round[one]!))])
  return { measure: name, unit, medians: Object.fromEntries(medians) }
}

/** Memory is measured in a fresh process each: one that has worked before has room it would not have to ask for. */
async function memory(server: PostgresServer, { quick, say }: BenchOptions): Promise<Row[]> {
  const count = quick ? 200 : 1000
  const idle = await fresh(server, (gateway) => idleSessions(gateway, count))
  const large = await fresh(server, largeResult)
  const { grown, stopped } = await fresh(server, (gateway) => stoppedReader(gateway, server))
  say(`memory: idle ${idle.toFixed(1)}, large ${large.toFixed(1)}, stopped ${grown.toFixed(1)} MB`)
  const megabytes = { against: 'MB', lower: true } as const
  return [
    { measure: `${count} idle sessions add`, ratio: idle, target: 0.12 * count, ...megabytes },
    { measure: 'a 1 GB result adds', ratio: large, target: 64, ...megabytes },
    { measure: 'a stopped reader adds', ratio: grown, target: 64, ...megabytes },
    { measure: 'a stopped reader stops the server', ratio: stopped ? 1 : 0, against: 'yes is 1', target: 1 },
  ]
}

async function fresh<T>(server: PostgresServer, measure: (gateway: Contender) => Promise<T>): Promise<T> {
  const gateway = await startSluice(server)
  try {
    return await measure(gateway)
  } finally {
    await gateway.stop()
  }
}
