import { EXIT, type ExitCode, exitFor } from '../exit.ts'
import { type Paint, visible, visibleLines, widthOf } from '../paint.ts'
import { isServerError, type ServerWords, type SqlResult } from './connection.ts'

/** Types a reader compares by their last digit: int2, int4, int8, oid, float4, float8, money, numeric. */
const RIGHT = new Set([20, 21, 23, 26, 700, 701, 790, 1700])

/** A result as psql shows it: a table with a count, or the command's tag. */
export function formatResult(result: SqlResult, options: { expanded: boolean }): string {
  if (result.columns.length === 0) return result.tag === '' ? '' : `${result.tag}\n`
  const count = `(${result.rows.length} ${result.rows.length === 1 ? 'row' : 'rows'})`
  return `${options.expanded ? expandedRows(result) : alignedRows(result)}${count}\n`
}

function alignedRows({ columns, rows }: SqlResult): string {
  const cells = rows.map((row) => row.map((value) => (value === null ? '' : visible(value))))
  const titles = columns.map((column) => visible(column.name))
  const widths = titles.map((title, i) => cells.reduce((most, row) => Math.max(most, widthOf(row[i]!)), widthOf(title)))
  const line = (row: readonly string[], right: (i: number) => boolean) =>
    ` ${row.map((text, i) => pad(text, widths[i]!, right(i))).join(' | ')}`.trimEnd()
  const head = ` ${titles.map((title, i) => centred(title, widths[i]!)).join(' | ')}`.trimEnd()
  const rule = widths.map((width) => '-'.repeat(width + 2)).join('+')
  const body = cells.map((row) => line(row, (i) => RIGHT.has(columns[i]!.typeOid)))
  return `${[head, rule, ...body].join('\n')}\n`
}

function expandedRows({ columns, rows }: SqlResult): string {
  const titles = columns.map((column) => visible(column.name))
  const width = Math.max(0, ...titles.map(widthOf))
  const blocks = rows.map((row, r) => [
    `-[ RECORD ${r + 1} ]`.padEnd(width + 3, '-'),
    ...row.map((value, i) => `${pad(titles[i]!, width, false)} | ${value === null ? '' : visible(value)}`.trimEnd()),
  ])
  return blocks
    .flat()
    .map((text) => `${text}\n`)
    .join('')
}

function pad(text: string, width: number, right: boolean): string {
  const space = ' '.repeat(Math.max(0, width - widthOf(text)))
  return right ? space + text : text + space
}

function centred(text: string, width: number): string {
  const space = width - widthOf(text)
  return ' '.repeat(space >> 1) + text + ' '.repeat(space - (space >> 1))
}

/** Results as plain values for `--json`: an object per row, values as the server printed them. */
export function resultsAsJson(results: readonly SqlResult[]): unknown {
  return results.map((result) => ({
    tag: result.tag,
    count: result.rowCount,
    columns: result.columns.map((column) => column.name),
    rows: result.rows.map((row) => Object.fromEntries(row.map((value, i) => [result.columns[i]!.name, value]))),
  }))
}

/** A refusal of the gateway travels in DETAIL as JSON (design §9). Undefined when the error is the server's own. */
export interface RefusalWords {
  readonly status: string
  readonly code: string
  readonly rule?: string
  readonly message?: string
  readonly hint?: string
  readonly approval?: { readonly id: string; readonly url: string; readonly expires?: string }
}

export function refusalOf(words: ServerWords): RefusalWords | undefined {
  if (!words.detail?.startsWith('{')) return undefined
  try {
    const parsed = JSON.parse(words.detail) as Partial<RefusalWords>
    return typeof parsed.status === 'string' && typeof parsed.code === 'string' ? (parsed as RefusalWords) : undefined
  } catch {
    return undefined
  }
}

/** An error or notice in full: severity, code, message, then detail and hint on lines of their own. A refusal's JSON is told in words. */
export function formatWords(words: ServerWords, paint: Paint): string {
  const severity = words.severity ?? 'ERROR'
  const colour = severity === 'ERROR' || severity === 'FATAL' || severity === 'PANIC' ? paint.red : paint.yellow
  const code = words.code && words.code !== '00000' ? `${words.code}: ` : ''
  const lines: [string, string | undefined][] = [[severity, `${code}${words.message ?? ''}`]]
  const refusal = refusalOf(words)
  if (refusal) {
    lines.push(
      ['RULE', refusal.rule || undefined],
      ['REASON', refusal.code],
      ['APPROVAL', refusal.approval && `${refusal.approval.id}  ${refusal.approval.url}`],
    )
  } else lines.push(['DETAIL', words.detail])
  lines.push(['HINT', words.hint])
  return lines
    .filter((line): line is [string, string] => Boolean(line[1]))
    .map(([name, text], i) => `${(i === 0 ? colour : paint.dim)(`${name}:`)} ${visibleLines(text)}\n`)
    .join('')
}

/** What the shell gets for an error: refused, waiting, or failed. */
export function exitOf(error: unknown): ExitCode {
  if (!isServerError(error)) return EXIT.failure
  const refusal = refusalOf(error)
  if (refusal?.status === 'pending') return EXIT.pending
  if (refusal) return refusal.status === 'error' ? exitFor(refusal.code) : EXIT.denied
  return error.code === '28000' || error.code === '28P01' ? EXIT.denied : EXIT.failure
}
