import pg from 'pg'
import { startTestGateway, type TestGateway } from '../test/rig/gateway.ts'
import type { Login, PostgresServer } from '../test/rig/postgres.ts'
import { startPostgres } from '../test/rig/postgres.ts'
import { type Herd, startHerd } from './herd.ts'
import { bulk, fill, ROWS, transactions } from './load.ts'
import { POLICY } from './policy.ts'
import type { BenchOptions, BenchResult } from './postgres.ts'
import { type RawWay, startRawStream } from './raw-stream.ts'
import { median, type Row, type Sample } from './report.ts'

/** Something measured on several ways to the same end, in turns. */
interface Comparison {
  readonly measure: string
  readonly unit: string
  readonly better: 'more' | 'less'
  readonly target: number
  /** The first is what is measured, the second what it is measured against; more are for the reader. */
  readonly ways: readonly (readonly [string, () => Promise<number>])[]
}

/** The tunnel: the same gateway with its target behind a connector and without, and raw streams beside plain TLS. */
export async function benchTunnel(options: BenchOptions): Promise<BenchResult> {
  const { only, say } = options
  const result: BenchResult = { samples: [], rows: [] }
  const wanted = (name: string) => name.includes(only)
  if (['pgbench', 'rows', 'small query'].some((word) => word.includes(only) || only.includes(word)))
    await throughGateways(options, result)
  if (wanted('raw stream')) await rawStreams(options, result)
  if (wanted('reconnect')) {
    const herd = await startHerd(options.quick ? 300 : 1000, 3_000)
    say(`reconnect: ${JSON.stringify(herd)}`)
    result.rows.push(...herdRows(herd))
  }
  return result
}

async function throughGateways(options: BenchOptions, result: BenchResult): Promise<void> {
  const server = await startPostgres({ settings: { max_connections: 200, shared_buffers: '512MB' } })
  await fill(server)
  const start = (through: 'direct' | 'connector') =>
    startTestGateway({ target: server, policy: POLICY, node: options.node, through })
  const gateways = { direct: await start('direct'), connector: await start('connector') }
  try {
    const login = (gateway: TestGateway) => gateway.login('human:bench')
    const both = (take: (login: Login) => Promise<number>): Comparison['ways'] => [
      ['connector', () => take(login(gateways.connector))],
      ['without', () => take(login(gateways.direct))],
      ['server', () => take(server)],
    ]
    const load = ['-c', '8', '-j', '2', '-T', options.quick ? '2' : '5', '-M', 'prepared']
    await takeTurns(result, options, [
      {
        ...{ measure: 'pgbench -S, 8 clients, prepared', unit: 'tps', better: 'more', target: 0.7 },
        ways: both((to) => transactions(to, load)),
      },
      {
        ...{ measure: `${ROWS} rows to psql`, unit: 's', better: 'less', target: 0.6 },
        ways: both((to) => bulk(to, 'events')),
      },
    ])
    if ('small query'.includes(options.only)) await smallQueries(result, options, { gateways, server })
  } finally {
    for (const gateway of Object.values(gateways)) await gateway.stop()
    await server.stop('immediate')
  }
}

async function rawStreams(options: BenchOptions, result: BenchResult): Promise<void> {
  const raw = await startRawStream()
  const megabytes = options.quick ? 256 : 1024
  const way = (name: RawWay, direction: 'to' | 'from') => [name, () => raw.measure(name, direction, megabytes)] as const
  try {
    const directions = [
      ['from', 'raw stream of 64 KB writes, from the target'],
      ['to', 'raw stream of 64 KB writes, to the target'],
    ] as const
    const comparisons = directions.map(
      ([direction, measure]): Comparison => ({
        ...{ measure, unit: 'MB/s', better: 'more', target: 0.6 },
        ways: (['tunnel', 'tls', 'tcp', 'websocket'] as const).map((name) => way(name, direction)),
      }),
    )
    await takeTurns(result, options, comparisons)
  } finally {
    await raw.stop()
  }
}

async function takeTurns(
  { samples, rows }: BenchResult,
  { quick, only, say }: BenchOptions,
  comparisons: readonly Comparison[],
): Promise<void> {
  for (const { measure, unit, better, target, ways } of comparisons) {
    if (!measure.includes(only)) continue
    const rounds: number[][] = []
    // One turn that does not count: caches fill, code is compiled.
    for (let round = -1; round < (quick ? 3 : 7); round++) {
      const values: number[] = []
      for (const [, take] of ways) values.push(await take())
      if (round < 0) continue
      rounds.push(values)
      say(`${measure}: ${ways.map(([name], i) => `${name} ${values[i]!.toFixed(3)}`).join(' ')} ${unit}`)
    }
    const medians = ways.map(([name], i) => [name, median(rounds.map((values) => values[i]!))] as const)
    samples.push({ measure, unit, medians: Object.fromEntries(medians) })
    // Within one round first: what drifts over minutes hits both sides alike.
    const ratios = rounds.map(([ours, other]) => (better === 'more' ? ours! / other! : other! / ours!))
    rows.push({ measure, ratio: median(ratios), against: ways[1]![0], target })
  }
}

/** The slowest hundredth of small queries, in ms, while a copy that is read as fast as it comes saturates the same tunnel. */
async function smallQueries(
  { samples, rows }: BenchResult,
  { quick, say }: BenchOptions,
  on: { gateways: { connector: TestGateway; direct: TestGateway }; server: PostgresServer },
): Promise<void> {
  const medians: Record<string, number> = {}
  for (const [name, login] of [
    ['connector', on.gateways.connector.login('human:bench')],
    ['without', on.gateways.direct.login('human:bench')],
    ['server', on.server as Login],
  ] as const) {
    const samples = await besideBulk(login, quick ? 1_000 : 5_000)
    medians[name] = samples[Math.floor(samples.length * 0.99)]!
    say(`small query p99 beside a bulk copy, ${name}: ${medians[name]!.toFixed(2)} ms`)
  }
  const measure = 'small query p99 beside a bulk copy'
  samples.push({ measure, unit: 'ms', medians } satisfies Sample)
  rows.push({ measure, ratio: medians.connector!, against: 'ms', target: 5, lower: true } satisfies Row)
}

async function besideBulk(login: Login, count: number): Promise<number[]> {
  const stop = { now: false }
  const copies = (async () => {
    while (!stop.now) await bulk(login, 'events')
  })()
  const client = new pg.Client({ ...login, ssl: false })
  await client.connect()
  const times: number[] = []
  for (let i = 0; i < count; i++) {
    const began = performance.now()
    await client.query({ name: 'one', text: 'select abalance from pgbench_accounts where aid = $1', values: [i + 1] })
    times.push(performance.now() - began)
  }
  stop.now = true
  await client.end()
  await copies
  return times.sort((a, b) => a - b)
}

function herdRows({ count, crowd, back_s }: Herd): Row[] {
  return [
    {
      measure: `${count} connectors reconnect: most in 0.1 s`,
      ratio: crowd,
      against: 'of all',
      target: 0.15,
      lower: true,
    },
    { measure: `${count} connectors reconnect: all are back`, ratio: back_s, against: 's', target: 60, lower: true },
  ]
}
