import { ByteReader } from '../../kit/bytes.ts'
import { sha256 } from '../../kit/digest.ts'
import { SluiceError } from '../../kit/errors.ts'
import type { SqlOperation } from '../../model/operation.ts'
import type { ParsedMessage, Portal, PreparedStatement, Resolved, ResolvedStatement } from '../../sql/postgres.ts'
import type { Permit } from '../contract.ts'
import type { Run } from './exchange.ts'
import type { ResultFields } from './results.ts'

/** Longest statement or portal name we keep; the server has no bound of its own. */
const NAME_LENGTH = 255

/** What the server says of a statement's or portal's columns. */
export class Description {
  /** The batch in which it was asked for last, counted by Syncs. */
  #askedIn = -1
  /** The server answered, maybe that there are no columns. */
  #known = false
  fields: ResultFields | undefined

  ask(batch: number): void {
    this.#askedIn = batch
  }
  answer(fields: ResultFields | undefined): void {
    this.#known = true
    this.fields = fields
  }
  /** True when it is known before the rows of an Execute sent now: what the server skips in this batch, it skips with the Execute. */
  precedes(batch: number): boolean {
    return this.#known || this.#askedIn === batch
  }
}

/** A statement prepared by a Parse message: its own instance, so a later Parse of the same name has its own verdict (A30). */
export class Prepared implements PreparedStatement {
  readonly text: string
  readonly parsed: ParsedMessage
  /** Parameter type oids: as declared by Parse, then as the server described them. */
  parameterTypes: readonly number[]
  /** As declared by Parse. */
  readonly declaredTypes: readonly number[]
  readonly description = new Description()

  constructor(text: string, parsed: ParsedMessage, parameterTypes: readonly number[]) {
    this.text = text
    this.parsed = parsed
    this.parameterTypes = parameterTypes
    this.declaredTypes = parameterTypes
  }

  /** True when Bind fixes what its names mean. Other statements (COPY, EXECUTE, FETCH) are read again when they run. */
  get planned(): boolean {
    return PLANNED.has(this.parsed.statements[0]?.node.nodeType ?? '')
  }
}

const PLANNED: ReadonlySet<string> = new Set(['SelectStmt', 'InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt'])

/** A portal made by a Bind message. */
export class Bound implements Portal {
  /** Sent, and not confirmed: the end of a transaction that is reported now came before it. */
  pending = true
  readonly prepared: Prepared
  /** As of Bind. The server reads a utility statement (COPY, EXECUTE, FETCH) only at its first Execute: then as of that. */
  resolved: Resolved
  readonly bind: BindFields
  /** Given at Bind when people had to be asked; otherwise at the first Execute. */
  permit: Permit | undefined
  /** Some labels are masked in what it gives. */
  masked = false
  readonly description = new Description()
  /** The operation's single Run; a suspended portal continues it. */
  run: Run | undefined

  constructor(prepared: Prepared, resolved: Resolved, bind: BindFields) {
    this.prepared = prepared
    this.resolved = resolved
    this.bind = bind
  }
  get statement(): ResolvedStatement {
    return this.resolved.statements[0] ?? EMPTY_STATEMENT
  }
  /** Made when somebody asks people about a FETCH from it: the statement with its values. */
  get text(): string {
    const values = parameterTexts(this.bind, this.prepared.parameterTypes)
    return `${this.prepared.text} ${JSON.stringify(values)} ${sha256(this.bind.values)}`
  }
  get operation(): SqlOperation {
    return this.resolved.operation
  }
  get holdable(): boolean {
    return this.pending
  }
}

const EMPTY_STATEMENT: ResolvedStatement = {
  tag: '',
  effects: 0,
  result: { kind: 'none' },
  labelsRead: [],
  transitions: [],
  settingsSensitive: false,
}

/**
 * Parse: String name, String query, Int16 count, then Int32 type oids. Trailing bytes are an error, as on the server.
 */
export function readParse(bytes: Buffer, start: number, end: number): { name: string; text: string; types: number[] } {
  const reader = new ByteReader(bytes, start + 5, end)
  const name = nameOf(reader)
  const text = reader.cstring()
  const count = reader.uint16()
  const types: number[] = []
  for (let i = 0; i < count; i++) types.push(reader.uint32())
  reader.finish()
  return { name, text, types }
}

/** Where the parts of a Bind message lie. Values stay bytes until somebody asks for text. */
export interface BindFields {
  readonly portal: string
  readonly statement: string
  readonly parameterFormats: readonly (0 | 1)[]
  readonly resultFormats: readonly (0 | 1)[]
  /** The parameter values' stretch: Int16 count, then Int32 length and bytes each. */
  readonly values: Buffer
}

const NO_FORMATS: readonly (0 | 1)[] = []

/** Bind: String portal, String statement, Int16 formats[], Int16 count of values (Int32 length or -1, bytes), Int16 result formats[]. */
export function readBind(bytes: Buffer, start: number, end: number): BindFields {
  const reader = new ByteReader(bytes, start + 5, end)
  const portal = nameOf(reader)
  const statement = nameOf(reader)
  const parameterFormats = readFormats(reader)
  const valuesAt = reader.offset
  const count = reader.uint16()
  for (let i = 0; i < count; i++) {
    const length = reader.int32()
    if (length < -1) throw new SluiceError('protocol.malformed', 'negative parameter length')
    if (length > 0) reader.skip(length)
  }
  const values = bytes.subarray(valuesAt, reader.offset)
  const resultFormats = readFormats(reader)
  reader.finish()
  return { portal, statement, parameterFormats, resultFormats, values }
}

function readFormats(reader: ByteReader): readonly (0 | 1)[] {
  const count = reader.uint16()
  if (count === 0) return NO_FORMATS
  const formats: (0 | 1)[] = []
  for (let i = 0; i < count; i++) formats.push(formatOf(reader.int16()))
  return formats
}

function formatOf(code: number): 0 | 1 {
  if (code === 0 || code === 1) return code
  throw new SluiceError('protocol.malformed', `format code ${code}`)
}

/** Execute: String portal, Int32 most rows (0: all). */
export function readExecute(bytes: Buffer, start: number, end: number): { portal: string; rows: number } {
  const reader = new ByteReader(bytes, start + 5, end)
  const portal = nameOf(reader)
  const rows = reader.int32()
  reader.finish()
  return { portal, rows }
}

/** Describe and Close: Byte1 'S' or 'P', String name. */
export function readNamed(bytes: Buffer, start: number, end: number): { of: 'S' | 'P'; name: string } {
  const reader = new ByteReader(bytes, start + 5, end)
  const of = String.fromCharCode(reader.uint8())
  const name = nameOf(reader)
  reader.finish()
  if (of !== 'S' && of !== 'P') throw new SluiceError('protocol.malformed', `Describe or Close of "${of}"`)
  return { of, name }
}

function nameOf(reader: ByteReader): string {
  if (reader.emptyString()) return ''
  const view = reader.cstringView()
  if (view.length > NAME_LENGTH) throw new SluiceError('protocol.malformed', 'a statement or portal name is too long')
  const name = view.toString('utf8')
  if (name.includes('\uFFFD'))
    throw new SluiceError('protocol.malformed', 'a statement or portal name is not valid UTF-8')
  return name
}

/** Most text of one parameter that is shown and recorded, in characters. */
const PARAMETER_TEXT = 1_024

/** Bound parameters as people read them: text as it is, integers decoded, other binary as hex. Long values are cut with their length said. */
export function parameterTexts(bind: BindFields, types: readonly number[]): (string | null)[] {
  const reader = new ByteReader(bind.values)
  const count = reader.uint16()
  const texts: (string | null)[] = []
  for (let i = 0; i < count; i++) {
    const length = reader.int32()
    if (length === -1) {
      texts.push(null)
      continue
    }
    const value = reader.view(length)
    const format = bind.parameterFormats.length === 1 ? bind.parameterFormats[0]! : (bind.parameterFormats[i] ?? 0)
    texts.push(
      cut(format === 0 ? value.toString('utf8', 0, PARAMETER_TEXT * 4) : binaryText(value, types[i] ?? 0), length),
    )
  }
  return texts
}

function cut(text: string, bytes: number): string {
  return text.length <= PARAMETER_TEXT ? text : `${text.slice(0, PARAMETER_TEXT)}… (${bytes} bytes)`
}

/** Integers are the binary parameters drivers really send; text types are the same in both formats. */
function binaryText(value: Buffer, typeOid: number): string {
  if (typeOid === 21 && value.length === 2) return String(value.readInt16BE())
  if (typeOid === 23 && value.length === 4) return String(value.readInt32BE())
  if (typeOid === 20 && value.length === 8) return String(value.readBigInt64BE())
  if (typeOid === 25 || typeOid === 1043) return value.toString('utf8')
  return `\\x${value.toString('hex', 0, PARAMETER_TEXT)}`
}
