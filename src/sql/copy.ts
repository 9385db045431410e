import { effects } from '../model/effects.ts'
import { child, children, flag, type Node, names, stringOf, word } from './ast.ts'
import { readPredicate } from './expression.ts'
import type { NamedRelation } from './names.ts'
import { readQuery } from './query.ts'
import { type Reading, rangeVar } from './reading.ts'
import { type CopyOut, outputColumn, type ResultShape } from './resolved.ts'
import { FromItem, type Relation } from './scope.ts'
import { isUtf8 } from './settings.ts'

const TO_CLIENT = effects('read', 'export')
const FROM_CLIENT = effects('write', 'import')
const EXECUTE = effects('execute')

/** What a COPY does: the word a rule sees tells the four kinds apart (ATTACKS A27). */
export interface CopyReading {
  readonly verb: string
  readonly result: ResultShape
}

/** Reads a COPY statement. */
export function readCopy(reading: Reading, node: Node): CopyReading {
  const from = flag(node, 'is_from')
  const file = word(node, 'filename')
  const program = flag(node, 'is_program')
  const place = program ? 'PROGRAM' : file !== '' ? 'FILE' : from ? 'STDIN' : 'STDOUT'
  const effect = (from ? FROM_CLIENT : TO_CLIENT) | (program ? EXECUTE : 0)
  reading.effects |= effect
  if (file !== '') reading.files.set(program ? `program: ${file}` : file, effect)
  if (program) reading.sensitive = true
  const options = copyOptions(children(node, 'options'))
  const relation = from ? readTarget(reading, node) : readSource(reading, node)
  const verb = `COPY ${from ? 'FROM' : 'TO'} ${place}`
  if (file !== '') {
    // A file of the server may hold anything the database holds.
    reading.copy(from ? reading.everything : relation.labels)
    return { verb, result: { kind: 'none' } }
  }
  if (from) return { verb, result: { kind: 'copyIn' } }
  if (!options) return { verb, result: { kind: 'opaque', labels: relation.labels } }
  // Columns that cannot be told are one that carries everything: the masker spreads it over as many as come.
  const columns = relation.columns?.map(outputColumn) ?? [{ name: '', labels: relation.labels }]
  return { verb, result: { kind: 'copyOut', columns, ...options } }
}

function readTarget(reading: Reading, node: Node): Relation {
  const relation = child(node, 'relation')
  if (!relation) {
    reading.giveUp()
    return { columns: undefined, labels: reading.everything }
  }
  const named = rangeVar(reading, relation)
  reading.touch(named, FROM_CLIENT)
  const item = reading.names.item(named, undefined, false)
  readPredicate({ reading, scope: { items: [item], parent: undefined, tables: undefined } }, child(node, 'whereClause'))
  return { columns: item.columns, labels: item.row }
}

function readSource(reading: Reading, node: Node): Relation {
  const query = child(node, 'query')
  if (query) return readQuery(reading, query, { parent: undefined, tables: undefined })
  const relation = child(node, 'relation')
  if (!relation) {
    reading.giveUp()
    return { columns: undefined, labels: reading.everything }
  }
  const named = rangeVar(reading, relation)
  reading.touch(named, TO_CLIENT)
  const item = reading.names.item(named, undefined, false)
  const wanted = names(node, 'attlist')
  return listed(reading, item, wanted.length > 0 ? wanted : storedColumns(named))
}

/** What COPY takes of a table that has generated columns, which it leaves out; empty: all columns. */
function storedColumns({ relations }: NamedRelation): string[] {
  const columns = relations.length === 1 ? relations[0]!.columns : []
  if (columns.every(({ generated }) => generated === undefined)) return []
  return columns.flatMap(({ name, generated }) => (generated === undefined ? [name] : []))
}

/** The columns a COPY lists, or all of them. */
function listed(reading: Reading, item: FromItem, wanted: readonly string[]): Relation {
  if (wanted.length === 0) {
    reading.referRow(item)
    return { columns: item.open ? undefined : item.columns, labels: item.row }
  }
  const columns = wanted.map((name) => item.find(name) ?? { name, labels: item.row })
  for (const column of columns) reading.referTo({ labels: column.labels, column, found: true })
  return { columns, labels: new FromItem('', columns).row }
}

type CopyOptions = Omit<CopyOut, 'kind' | 'columns'>

/** The options that say how rows are written, with the server's defaults. Undefined for a format that is not known. */
function copyOptions(options: readonly Node[]): CopyOptions | undefined {
  const given = new Map(options.map((option) => [word(option, 'defname'), option]))
  const text = (name: string): string | undefined => {
    const option = given.get(name)
    return option && optionText(option)
  }
  const encoding = text('encoding')
  // Rows written in another encoding cannot be masked cell by cell: what is not known how to read is opaque. SQL_ASCII means no conversion.
  if (encoding !== undefined && !isUtf8(encoding) && !/^sql_?ascii$/i.test(encoding)) return undefined
  const format = (text('format') ?? 'text').toLowerCase()
  if (format !== 'text' && format !== 'csv' && format !== 'binary') return undefined
  const csv = format === 'csv'
  const quote = text('quote') ?? '"'
  return {
    format,
    delimiter: text('delimiter') ?? (csv ? ',' : '\t'),
    quote,
    escape: text('escape') ?? quote,
    null: text('null') ?? (csv ? '' : '\\N'),
    header: given.has('header') && !/^(false|off|0)$/i.test(text('header') ?? 'true'),
  }
}

/** An option's value as text; undefined when it has none. */
export function optionText(option: Node): string | undefined {
  const arg = child(option, 'arg')
  if (!arg) return undefined
  switch (arg.nodeType) {
    case 'String':
      return stringOf(arg)
    case 'A_Const':
      return String(arg.value)
    case 'Integer':
      return String(arg.ival ?? 0)
    case 'Float':
      return word(arg, 'fval') || word(arg, 'str')
    case 'Boolean':
      return String(arg.boolval ?? false)
    case 'TypeName':
      return names(arg, 'names').at(-1)
    default:
      return undefined
  }
}
