import type { Contender, ContenderName } from './contenders.ts'
import { bulk, latency, ROWS, transactions } from './load.ts'
import { median, type Row } from './report.ts'

export type Round = Partial<Record<ContenderName, number>>

/** Something every contender is measured by. */
export interface Measure {
  readonly name: string
  readonly unit: string
  /** Ratios are turned so that more is always better for us. */
  readonly better: 'more' | 'less'
  readonly only?: readonly ContenderName[]
  readonly targets: readonly { readonly against: ContenderName; readonly target: number }[]
  /** Judged by what is added over `direct`, relative to what the pipe adds. */
  readonly added?: number
  take(contender: Contender): Promise<number>
}

/** The measures of the issue and their targets. */
export function measures(quick: boolean): Measure[] {
  const time = ['-T', quick ? '2' : '5']
  const eight = (mode: string) => ['-c', '8', '-j', '2', ...time, '-M', mode]
  return [
    {
      name: 'pgbench -S, 8 clients, prepared',
      unit: 'tps',
      better: 'more',
      targets: [
        { against: 'pipe', target: 0.85 },
        { against: 'pgbouncer', target: 0.65 },
      ],
      take: ({ login }) => transactions(login, eight('prepared')),
    },
    {
      name: 'pgbench -S, 8 clients, simple',
      unit: 'tps',
      better: 'more',
      targets: [{ against: 'pipe', target: 0.75 }],
      take: ({ login }) => transactions(login, eight('simple')),
    },
    {
      name: 'one client, median latency',
      unit: 'µs',
      better: 'less',
      targets: [],
      added: 2,
      take: ({ login }) => latency(login, quick ? 5_000 : 20_000),
    },
    {
      name: `${ROWS} rows to psql`,
      unit: 's',
      better: 'less',
      targets: [{ against: 'direct', target: 0.85 }],
      take: ({ login }) => bulk(login, 'events'),
    },
    {
      name: `${ROWS} rows to psql, two masked columns`,
      unit: 's',
      better: 'less',
      targets: [{ against: 'direct', target: 0.55 }],
      take: ({ login }) => bulk(login, 'customers'),
    },
    {
      name: 'pgbench -C, session set-up',
      unit: 'tps',
      better: 'more',
      only: ['direct', 'pgbouncer', 'sluice'],
      targets: [{ against: 'direct', target: 0.7 }],
      take: ({ login }) => transactions(login, ['-C', '-c', '4', '-j', '2', ...time]),
    },
  ]
}

/** What the rounds of a measure mean against its targets. */
export function judge({ name, better, targets, added }: Measure, rounds: readonly Round[]): Row[] {
  const rows: Row[] = targets.map(({ against, target }) => ({
    measure: name,
    // Within one round first: what drifts over minutes hits both sides alike.
    ratio: median(
      rounds.map((round) => (better === 'more' ? round.sluice! / round[against]! : round[against]! / round.sluice!)),
    ),
    against,
    target,
  }))
  if (added !== undefined)
    rows.push({
      measure: `${name}, added`,
      ratio: addedRatio(rounds),
      against: 'what the pipe adds',
      target: added,
      lower: true,
    })
  return rows
}

/** Differences of small numbers are noisy: medians first, then the ratio. */
function addedRatio(rounds: readonly Round[]): number {
  const at = (name: ContenderName) => median(rounds.map((round) => round[name]!))
  return (at('sluice') - at('direct')) / (at('pipe') - at('direct'))
}
