import { sha256 } from '../kit/digest.ts'
import { type EffectSet, effects } from '../model/effects.ts'
import type { SqlFacts } from '../model/facts.ts'
import type { ObjectRef, SqlOperation } from '../model/operation.ts'
import type { Analysed } from './analyse.ts'
import { type LabelSet, labelSet, NO_LABELS, union } from './labels.ts'
import { OBJECTS_MAX, OPERATION_TEXT_MAX } from './limits.ts'
import type { Reading } from './reading.ts'
import type { Resolved } from './resolved.ts'

const READ = effects('read', 'export')
const CHANGES = effects('write', 'delete', 'define', 'grant', 'import')
const EXECUTE = effects('execute')
const SESSION = effects('session')
const UNKNOWN = effects('unknown')

/** What the message as a whole is called and where it runs. */
export interface MessageFrame {
  readonly text: string
  readonly database: string
  /** False when names could not be looked up: then nothing is exact. */
  readonly catalogued: boolean
}

/** One message's meaning out of its statements'. */
export function resolvedOf(parts: readonly Analysed[], frame: MessageFrame): Resolved {
  let all: EffectSet = 0
  let copies = NO_LABELS
  for (const { statement, analysis } of parts) {
    all |= statement.effects
    copies = union(copies, analysis.reading.copies)
  }
  // An empty message does nothing but keep the session going.
  if (parts.length === 0) all = SESSION
  const readings = parts.map((part) => part.analysis.reading)
  const objects = objectsOf(readings)
  // What is not listed cannot be asked for: a rule about objects would not see it.
  if (objects.length === OBJECTS_MAX) all |= UNKNOWN
  const operation: SqlOperation = {
    verb: verbOf(parts),
    effects: all,
    objects,
    text: textOf(parts, frame.text),
    facts: factsOf(parts, frame.database),
    shape: parts.some((part) => part.analysis.stream) ? 'stream' : 'call',
    confidence: (all & UNKNOWN) !== 0 ? 'opaque' : frame.catalogued ? 'exact' : 'partial',
  }
  return Object.freeze({
    operation: Object.freeze(operation),
    statements: parts.map((part) => part.statement),
    copiesLabels: copies,
  })
}

/** The word of the statement that does most. */
function verbOf(parts: readonly Analysed[]): string {
  let most: Analysed | undefined
  for (const part of parts)
    if (!most || severity(part.statement.effects) > severity(most.statement.effects)) most = part
  return most?.analysis.verb ?? 'EMPTY'
}

/** Effects are bits in order of severity: the highest decides. */
function severity(set: EffectSet): number {
  return 32 - Math.clz32(set)
}

function textOf(parts: readonly Analysed[], text: string): string {
  const behind = parts.flatMap((part) => part.analysis.behind)
  // A message's own text is bounded already.
  if (behind.length === 0) return text
  return boundedText(`${text}${[...new Set(behind)].map((one) => `${RUNS}${one}`).join('')}`)
}

/** Stands in an operation's text before what an EXECUTE or FETCH in it runs. */
export const RUNS = '\n-- runs: '

/** A text cut to what an operation carries, saying so; the digest keeps it apart from others that begin alike. */
export function boundedText(text: string): string {
  if (text.length <= OPERATION_TEXT_MAX) return text
  // Copied, so that the slice does not keep a text of megabytes alive.
  const head = Buffer.from(text.slice(0, OPERATION_TEXT_MAX)).toString()
  return `${head}… [${text.length} characters, SHA-256 ${sha256(text)}]`
}

function factsOf(parts: readonly Analysed[], database: string): SqlFacts {
  const readings = parts.map((part) => part.analysis.reading)
  const relations = (wanted: EffectSet) =>
    sorted(
      readings.flatMap((one) =>
        [...one.relations].filter(([, use]) => (use.effects & wanted) !== 0).map(([name]) => name),
      ),
    )
  const labels = (field: 'referenced' | 'filters'): LabelSet =>
    readings.reduce((set, one) => union(set, one[field]), NO_LABELS)
  return Object.freeze({
    kind: 'sql',
    dialect: 'postgres',
    database,
    statements: parts.length,
    tags: sorted(parts.map((part) => part.statement.tag)),
    functions: sorted(readings.flatMap((one) => [...one.functions.keys()])),
    tables: { read: relations(READ), written: relations(CHANGES) },
    columns: sorted(readings.flatMap((one) => [...one.columns])),
    labels: labelSet(labels('referenced')),
    filters: labelSet(labels('filters')),
    hasWhere: readings.every((one) => one.hasWhere),
    vacuousWhere: readings.some((one) => one.vacuousWhere),
    settings: sorted(readings.flatMap((one) => [...one.settings])),
    transaction: sorted(readings.flatMap((one) => [...one.transaction])),
  })
}

function sorted(names: readonly string[]): readonly string[] {
  return Object.freeze([...new Set(names)].sort())
}

function objectsOf(readings: readonly Reading[]): readonly ObjectRef[] {
  const objects = new Map<string, ObjectRef>()
  const add = (object: ObjectRef): void => {
    const key = `${object.kind} ${object.name}`
    const known = objects.get(key)
    if (known) {
      const labels = union(known.labels, object.labels)
      objects.set(key, { ...object, effect: known.effect | object.effect, labels })
    } else if (objects.size < OBJECTS_MAX) objects.set(key, object)
  }
  // Rules that forbid name files more than anything else: those are listed whatever else there is.
  for (const reading of readings)
    for (const [name, effect] of reading.files) add({ kind: 'file', name, effect, labels: [] })
  for (const reading of readings) {
    for (const [name, use] of reading.relations) add({ kind: use.kind, name, effect: use.effects, labels: use.labels })
    for (const [name, effect] of reading.functions)
      add({ kind: 'function', name, effect: effect | EXECUTE, labels: [] })
    for (const name of reading.settings) add({ kind: 'setting', name, effect: SESSION, labels: [] })
  }
  return Object.freeze([...objects.values()])
}
