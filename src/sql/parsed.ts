import { SluiceError } from '../kit/errors.ts'
import type { Node } from './ast.ts'
import { STATEMENTS_MAX } from './limits.ts'
import type { ParsedMessage, ParsedStatement } from './message.ts'
import { boundedText } from './operation.ts'

interface RawStatement {
  readonly stmt?: Node
  /** Byte offsets into the UTF-8 text; omitted when zero, a length of zero means the rest. */
  readonly stmt_location?: number
  readonly stmt_len?: number
}

/** A normalised tree: its statements, node types that are not in the table, highest parameter. */
export interface Tree {
  readonly statements: readonly RawStatement[]
  readonly unknown: readonly string[]
  readonly parameters: number
}

/** A message out of a normalised tree. Throws `sql.too_large` for more than STATEMENTS_MAX statements. */
export function messageOf(text: string, tree: Tree): ParsedMessage {
  const { statements: raw, unknown, parameters } = tree
  if (raw.length > STATEMENTS_MAX) throw new SluiceError('sql.too_large', `${raw.length} statements in one message`)
  const bytes = raw.length > 1 ? Buffer.from(text) : undefined
  const statements: ParsedStatement[] = raw.map((one) => {
    if (!one.stmt) throw new SluiceError('internal', 'a statement without a tree')
    const start = one.stmt_location ?? 0
    const end = one.stmt_len ? start + one.stmt_len : undefined
    const own = bytes ? bytes.toString('utf8', start, end ?? bytes.length) : text
    return { node: one.stmt, text: boundedText(own.trim()) }
  })
  return { text: boundedText(text), statements, parameters, unknown, meanings: [] }
}
