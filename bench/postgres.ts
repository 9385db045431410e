import { startPostgres } from '../test/rig/postgres.ts'
import { type Contender, type ContenderName, startContenders } from './contenders.ts'
import { bulk, fill, latency, ROWS, transactions } from './load.ts'
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

type Round = Partial<Record<ContenderName, number>>

interface Measure {
  readonly name: string
  readonly unit: string
  /** How often everybody has a turn. */
  readonly rounds: number
  readonly only?: readonly ContenderName[]
  take(contender: Contender): Promise<number>
}

export interface BenchResult {
  readonly samples: Sample[]
  readonly rows: Row[]
}

/** Runs every measure of the issue, contenders taking turns. */
export async function benchPostgres(options: BenchOptions): Promise<BenchResult> {
  const server = await startPostgres({ settings: { max_connections: 1200, shared_buffers: '512MB' } })
  await fill(server)
  const contenders = await startContenders(server, options.node)
  const samples: Sample[] = []
  const rows: Row[] = []
  try {
    for (const { measure, judge } of plan(options.quick)) {
      if (!measure.name.includes(options.only)) continue
      const rounds = await takeTurns(measure, contenders, options)
      samples.push(sample(measure, rounds))
      rows.push(...judge(rounds))
    }
    if ('memory'.includes(options.only)) rows.push(...(await memory(contenders, options)))
  } finally {
    for (const contender of contenders.reverse()) await contender.stop()
    await server.stop('immediate')
  }
  return { samples, rows }
}

async function takeTurns(measure: Measure, contenders: readonly Contender[], options: BenchOptions): Promise<Round[]> {
  const rounds: Round[] = []
  for (let turn = 0; turn < measure.rounds; turn++) {
    const round: Round = {}
    for (const contender of contenders)
      if (!measure.only || measure.only.includes(contender.name)) round[contender.name] = await measure.take(contender)
    rounds.push(round)
    options.say(
      `${measure.name}: ${Object.entries(round)
        .map(([name, value]) => `${name} ${value.toFixed(3)}`)
        .join(' ')} ${measure.unit}`,
    )
  }
  return rounds
}

function sample({ name, unit }: Measure, rounds: readonly Round[]): Sample {
  const names = Object.keys(rounds[0]!) as ContenderName[]
  return {
    measure: name,
    unit,
    medians: Object.fromEntries(names.map((one) => [one, median(rounds.map((round) => round[one]!))])),
  }
}

interface Judged {
  readonly measure: Measure
  judge(rounds: readonly Round[]): Row[]
}

/** The median over the rounds of a ratio taken within one round: what drifts over minutes then hits both sides alike. */
function ratio(rounds: readonly Round[], of: (round: Required<Round>) => number): number {
  return median(rounds.map((round) => of(round as Required<Round>)))
}

function plan(quick: boolean): Judged[] {
  const rounds = quick ? 3 : 7
  const time = ['-T', quick ? '2' : '5']
  const eight = ['-c', '8', '-j', '2', ...time]
  const prepared: Measure = {
    name: 'pgbench -S, 8 clients, prepared',
    unit: 'tps',
    rounds,
    take: ({ login }) => transactions(login, [...eight, '-M', 'prepared']),
  }
  const simple: Measure = {
    name: 'pgbench -S, 8 clients, simple',
    unit: 'tps',
    rounds,
    take: ({ login }) => transactions(login, [...eight, '-M', 'simple']),
  }
  const one: Measure = {
    name: 'one client, median latency',
    unit: 'µs',
    rounds,
    take: ({ login }) => latency(login, quick ? 5_000 : 20_000),
  }
  const setUp: Measure = {
    name: 'pgbench -C, session set-up',
    unit: 'tps',
    rounds,
    only: ['direct', 'pgbouncer', 'sluice'],
    take: ({ login }) => transactions(login, ['-C', '-c', '4', '-j', '2', ...time]),
  }
  const rowsOf = (table: string, name: string): Measure => ({
    name,
    unit: 's',
    rounds,
    take: ({ login }) => bulk(login, table),
  })
  const plain = rowsOf('events', `${ROWS} rows to psql`)
  const masked = rowsOf('customers', `${ROWS} rows to psql, two masked columns`)
  return [
    {
      measure: prepared,
      judge: (taken) => [
        { measure: prepared.name, ratio: ratio(taken, (r) => r.sluice / r.pipe), against: 'pipe', target: 0.85 },
        {
          measure: prepared.name,
          ratio: ratio(taken, (r) => r.sluice / r.pgbouncer),
          against: 'pgbouncer',
          target: 0.65,
        },
      ],
    },
    {
      measure: simple,
      judge: (taken) => [
        { measure: simple.name, ratio: ratio(taken, (r) => r.sluice / r.pipe), against: 'pipe', target: 0.75 },
      ],
    },
    {
      measure: one,
      judge: (taken) => [
        { measure: `${one.name} added`, ratio: added(taken), against: 'what the pipe adds', target: 2, lower: true },
      ],
    },
    {
      measure: plain,
      judge: (taken) => [
        { measure: plain.name, ratio: ratio(taken, (r) => r.direct / r.sluice), against: 'direct', target: 0.85 },
      ],
    },
    {
      measure: masked,
      judge: (taken) => [
        { measure: masked.name, ratio: ratio(taken, (r) => r.direct / r.sluice), against: 'direct', target: 0.55 },
      ],
    },
    {
      measure: setUp,
      judge: (taken) => [
        { measure: setUp.name, ratio: ratio(taken, (r) => r.sluice / r.direct), against: 'direct', target: 0.7 },
      ],
    },
  ]
}

/** Differences of small numbers are noisy: medians first, then the ratio. */
function added(rounds: readonly Round[]): number {
  const at = (name: ContenderName) => median(rounds.map((round) => round[name]!))
  return (at('sluice') - at('direct')) / (at('pipe') - at('direct'))
}

async function memory(contenders: readonly Contender[], { quick, say }: BenchOptions): Promise<Row[]> {
  const direct = contenders.find(({ name }) => name === 'direct')!
  const gateway = contenders.find(({ name }) => name === 'sluice')!
  const idle = await idleSessions(gateway, quick ? 200 : 1000)
  const large = await largeResult(gateway)
  const { grown, stopped } = await stoppedReader(gateway, direct.login)
  say(`memory: idle ${idle.toFixed(1)}, large ${large.toFixed(1)}, stopped ${grown.toFixed(1)} MB`)
  return [
    {
      measure: `${quick ? 200 : 1000} idle sessions add`,
      ratio: idle,
      against: 'MB',
      target: quick ? 24 : 120,
      lower: true,
    },
    { measure: 'a 1 GB result adds', ratio: large, against: 'MB', target: 64, lower: true },
    { measure: 'a stopped reader adds', ratio: grown, against: 'MB', target: 64, lower: true },
    { measure: 'a stopped reader stops the server', ratio: stopped ? 1 : 0, against: 'yes is 1', target: 1 },
  ]
}
