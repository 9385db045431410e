import type { Catalogue, LabelIndex } from '../model/catalogue.ts'
import type { EffectSet } from '../model/effects.ts'
import type { SqlOperation } from '../model/operation.ts'
import type { ParsedMessage } from './message.ts'
import type { SessionMirror } from './mirror.ts'

/** What names mean for one call: the database's catalogue, the labels in force, and what this session did before. */
export interface NameContext {
  /** Undefined offline and before the first load: then no user objects are assumed, and every label is possible. */
  readonly catalogue: Catalogue | undefined
  readonly labels: LabelIndex
  readonly database: string
  readonly mirror: SessionMirror
}

/** One message's meaning. Shared between calls: equal meaning is the same object. */
export interface Resolved {
  readonly operation: SqlOperation
  readonly statements: readonly ResolvedStatement[]
  /** Labels of values that would flow from labelled columns into something that is written, defined or sent elsewhere. */
  readonly copiesLabels: readonly string[]
}

export interface ResolvedStatement {
  /** The command tag the server would answer with, without counts: 'SELECT', 'CREATE TABLE'. */
  readonly tag: string
  readonly effects: EffectSet
  readonly result: ResultShape
  /** Labels of every column of every relation it touches: what an error text could echo. */
  readonly labelsRead: readonly string[]
  readonly transitions: readonly Transition[]
  /** It may change how later text is read: the caller puts a barrier after it. */
  readonly settingsSensitive: boolean
}

export interface OutputColumn {
  readonly name: string
  readonly labels: readonly string[]
  /** Its values are those a table stores, unchanged. */
  readonly plain?: boolean | undefined
}

/** A column as results show it. */
export function outputColumn({ name, labels, plain }: OutputColumn): OutputColumn {
  return plain ? { name, labels, plain } : { name, labels }
}

type CopyFormat = 'text' | 'csv' | 'binary'

export type ResultShape =
  | { readonly kind: 'none' }
  | { readonly kind: 'rows'; readonly columns: readonly OutputColumn[] }
  | CopyOut
  | { readonly kind: 'copyIn' }
  /** Its columns cannot be told: each carries all of `labels`. */
  | { readonly kind: 'opaque'; readonly labels: readonly string[] }

export interface CopyOut {
  readonly kind: 'copyOut'
  readonly columns: readonly OutputColumn[]
  readonly format: CopyFormat
  readonly delimiter: string
  readonly quote: string
  readonly escape: string
  readonly null: string
  readonly header: boolean
}

/** A prepared statement, whether made by SQL PREPARE or by the protocol's Parse: one namespace (A31). */
export interface PreparedStatement {
  readonly parsed: ParsedMessage
  /** Its exact text, where `parsed` is shared with texts that differ in literals. */
  readonly text?: string
}

/** A cursor or portal, whether made by DECLARE or by Bind: one namespace (A33). */
export interface Portal {
  readonly statement: ResolvedStatement
  readonly operation: SqlOperation
  /** What exactly it runs, where `operation` is shared with texts that differ in literals. */
  readonly text?: string
  /** WITH HOLD: outlives its transaction. */
  readonly holdable: boolean
}

export type TransactionVerb =
  | 'begin'
  | 'commit'
  | 'rollback'
  | 'savepoint'
  | 'release'
  | 'rollback to'
  | 'prepare'
  | 'commit prepared'
  | 'rollback prepared'

/** What a statement changes in the session once the server has run it. */
export type Transition =
  | {
      readonly kind: 'prepare'
      readonly name: string
      readonly prepared: PreparedStatement
      readonly inner: Resolved
      readonly parameters: number
    }
  | { readonly kind: 'deallocate'; readonly name: string | undefined }
  | { readonly kind: 'declare'; readonly name: string; readonly portal: Portal }
  | { readonly kind: 'close'; readonly name: string | undefined }
  /** `value` undefined: back to the default. `name` 'all': every setting. */
  | { readonly kind: 'setting'; readonly name: string; readonly value: string | undefined; readonly local: boolean }
  | { readonly kind: 'searchPath'; readonly path: readonly string[] | 'default' | 'uncertain'; readonly local: boolean }
  | { readonly kind: 'transaction'; readonly verb: TransactionVerb }
  | { readonly kind: 'discard'; readonly what: 'all' | 'plans' | 'sequences' | 'temp' }
  | {
      readonly kind: 'created'
      readonly schema: string | undefined
      readonly relation: string
      readonly temporary: boolean
    }
  /** Other DDL: names may mean something else now. `names` are functions, operators and types it defined. */
  | { readonly kind: 'redefined'; readonly names: readonly string[] }
  | { readonly kind: 'listen'; readonly channel: string }
  | { readonly kind: 'unlisten'; readonly channel: string | undefined }
