/** One line of the published table. Absolute times on shared machines say little, so what counts is the ratio. */
export interface Row {
  readonly measure: string
  readonly ratio: number
  /** What the ratio is taken against; a unit for a measure that is no ratio. */
  readonly against: string
  readonly target: number
  /** Less is better. */
  readonly lower?: true
}

/** What each contender reached, for the reader. */
export interface Sample {
  readonly measure: string
  readonly unit: string
  readonly medians: Readonly<Record<string, number>>
}

export function met(row: Row): boolean {
  return row.lower ? row.ratio <= row.target : row.ratio >= row.target
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** Both tables as Markdown: what was reached, and what it means against the targets. */
export function tables(samples: readonly Sample[], rows: readonly Row[]): string {
  const names = [...new Set(samples.flatMap((sample) => Object.keys(sample.medians)))]
  const reached = samples.map((sample) => [
    sample.measure,
    ...names.map((name) => figure(sample.medians[name])),
    sample.unit,
  ])
  const judged = rows.map((row) => [
    row.measure,
    figure(row.ratio),
    row.against,
    `${row.lower ? '≤' : '≥'} ${row.target}`,
    met(row) ? 'met' : 'MISSED',
  ])
  return `${table(['Median', ...names, 'unit'], reached)}\n${table(['Measure', 'Ratio', 'against', 'target', ''], judged)}`
}

function table(head: readonly string[], body: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...body].map((cells) => `| ${cells.join(' | ')} |\n`).join('')
}

function figure(value: number | undefined): string {
  if (value === undefined) return '–'
  return value >= 100 ? value.toFixed(0) : value.toFixed(value >= 10 ? 1 : 3)
}
