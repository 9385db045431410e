import { visible, widthOf } from './paint.ts'

export interface Column<Row> {
  readonly title: string
  /** The title is a name from elsewhere (a database's column) and keeps its letters. */
  readonly named?: boolean
  readonly value: (row: Row) => string
  readonly right?: boolean
  /** Colour of the cell, applied after it was padded. */
  readonly paint?: (text: string, row: Row) => string
  /** Longest the cell may get, in characters; what is cut is marked. */
  readonly most?: number
}

/** Rows as aligned text, one line each, with a head. Cells are made safe for a terminal. */
export function formatTable<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string {
  const cells = rows.map((row) => columns.map((column) => cut(visible(column.value(row)), column.most)))
  const widths = columns.map((column, i) => Math.max(widthOf(column.title), ...cells.map((line) => widthOf(line[i]!))))
  const pad = (text: string, i: number) => {
    const space = ' '.repeat(widths[i]! - widthOf(text))
    if (columns[i]!.right) return space + text
    return i === columns.length - 1 ? text : text + space
  }
  const head = columns.map((column, i) => pad(column.named ? column.title : column.title.toUpperCase(), i)).join('  ')
  const lines = cells.map((line, r) =>
    line.map((text, i) => columns[i]!.paint?.(pad(text, i), rows[r]!) ?? pad(text, i)).join('  '),
  )
  return [head, ...lines].map((line) => `${line.trimEnd()}\n`).join('')
}

function cut(text: string, most = Number.POSITIVE_INFINITY): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`
}
