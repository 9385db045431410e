import {
  EFFECTS,
  type Effect,
  type EffectSet,
  effectBit,
  effectNames,
  effects,
  hasEffect,
  onlyEffects,
} from '../../model/effects.ts'
import type {
  ChannelFacts,
  Facts,
  FileFacts,
  SessionFacts,
  ShellCommand,
  ShellFacts,
  SqlFacts,
} from '../../model/facts.ts'
import type { ObjectRef, Operation } from '../../model/operation.ts'
import { actorChain, type Principal } from '../../model/principal.ts'
import type { Resource } from '../../model/resource.ts'
import { memo } from '../memo.ts'
import { mayBeOneOf } from './file-names.ts'

/** What conditions see. The CEL library knows a value's type by its class, and reads fields by name. */

/** A map that reads `""` where it has no entry, so that a rule about a label never fails on a resource without it. */
function withDefault<V>(entries: Readonly<Record<string, V>>): Map<string, V | string> {
  const map = new Map<string, V | string>()
  for (const [key, value] of Object.entries(entries)) if (value !== undefined) map.set(key, value)
  // An own method, not a subclass: the library takes only a plain Map for a map.
  map.get = (key) => Map.prototype.get.call(map, key) ?? ''
  return map
}

/** An issuer's claims as a condition sees them. */
export function claimsOf(claims: Readonly<Record<string, unknown>>): Map<string, unknown> {
  return withDefault(claims)
}

/** A party without the party behind it. */
export class ActorView {
  readonly kind: string
  readonly id: string
  readonly name: string
  readonly groups: readonly string[]
  readonly claims: Map<string, unknown>
  constructor(principal: Principal | undefined, groups: readonly string[]) {
    this.kind = principal?.kind ?? ''
    this.id = principal?.id ?? ''
    this.name = principal?.name ?? ''
    this.groups = groups
    this.claims = withDefault(principal?.claims ?? {})
  }
}

/** A claim as a list of texts: none when it is missing, one for a single text; what is no text is left out. */
export function claim(party: ActorView, name: string): readonly string[] {
  const value = party.claims.get(name)
  if (Array.isArray(value)) return value.filter((each) => typeof each === 'string')
  return typeof value === 'string' && value !== '' ? [value] : []
}

export class PrincipalView extends ActorView {
  /** The party it acts for; all fields empty when there is none. */
  readonly actor: ActorView
  /** The party at the far end of the chain, who delegated first; all fields empty when nobody did. */
  readonly delegator: ActorView
  constructor(principal: Principal, groupsOf: (principal: Principal) => readonly string[]) {
    super(principal, groupsOf(principal))
    this.actor = new ActorView(principal.actor, principal.actor ? groupsOf(principal.actor) : [])
    const first = principal.actor && actorChain(principal).at(-1)
    this.delegator = first === principal.actor ? this.actor : new ActorView(first, first ? groupsOf(first) : [])
  }
}

export class ResourceView {
  readonly name: string
  readonly protocol: string
  readonly labels: Map<string, string>
  constructor(resource: Resource) {
    this.name = resource.name
    this.protocol = resource.protocol
    this.labels = withDefault(resource.labels)
  }
}

/** At most 2^11 sets exist. */
const NAMES = new Map<EffectSet, readonly Effect[]>()

function namesOf(set: EffectSet): readonly Effect[] {
  return memo(NAMES, set & ((1 << EFFECTS.length) - 1), () => effectNames(set))
}

export class ObjectView {
  readonly kind: string
  readonly name: string
  readonly labels: readonly string[]
  readonly effect: EffectSet
  constructor(object: ObjectRef) {
    this.kind = object.kind
    this.name = object.name
    this.labels = object.labels
    this.effect = object.effect
  }
  get effects(): readonly Effect[] {
    return namesOf(this.effect)
  }
}

/** A fact that operations of another kind have: it has no value here. */
export class OtherKind extends Error {
  constructor(kind: Facts['kind']) {
    super(`only an operation of the kind ${kind} has this fact`)
  }
}

/** One simple command of a command line. */
export class CommandView {
  readonly #command: ShellCommand
  constructor(command: ShellCommand) {
    this.#command = command
  }
  get program(): string {
    return this.#command.program
  }
  get name(): string {
    return this.#command.name
  }
  get arguments(): readonly string[] {
    return this.#command.arguments
  }
  get literal(): boolean {
    return this.#command.literal
  }
  get effect(): EffectSet {
    return this.#command.effects
  }
  get effects(): readonly Effect[] {
    return namesOf(this.#command.effects)
  }
  get within(): readonly string[] {
    return this.#command.within
  }
  get unknown(): string {
    return this.#command.unknown
  }
}

export class FactsView {
  readonly #facts: Facts
  #commands: readonly CommandView[] | undefined
  constructor(facts: Facts) {
    this.#facts = facts
  }
  get #sql(): SqlFacts {
    if (this.#facts.kind !== 'sql') throw new OtherKind('sql')
    return this.#facts
  }
  get #shell(): ShellFacts {
    if (this.#facts.kind !== 'shell') throw new OtherKind('shell')
    return this.#facts
  }
  get #file(): FileFacts {
    if (this.#facts.kind !== 'file') throw new OtherKind('file')
    return this.#facts
  }
  get #channel(): ChannelFacts {
    if (this.#facts.kind !== 'channel') throw new OtherKind('channel')
    return this.#facts
  }
  get #paths(): FileFacts['paths'] {
    return this.#facts.kind === 'file' ? this.#facts.paths : this.#shell.paths
  }
  get kind(): string {
    return this.#facts.kind
  }
  get dialect(): string {
    return this.#sql.dialect
  }
  get database(): string {
    return this.#sql.database
  }
  get statements(): bigint {
    return BigInt(this.#facts.statements)
  }
  get tags(): readonly string[] {
    return this.#sql.tags
  }
  get functions(): readonly string[] {
    return this.#sql.functions
  }
  get tablesRead(): readonly string[] {
    return this.#sql.tables.read
  }
  get tablesWritten(): readonly string[] {
    return this.#sql.tables.written
  }
  get columns(): readonly string[] {
    return this.#sql.columns
  }
  get labels(): readonly string[] {
    return this.#facts.labels
  }
  get filters(): readonly string[] {
    return this.#sql.filters
  }
  get hasWhere(): boolean {
    return this.#sql.hasWhere
  }
  get vacuousWhere(): boolean {
    return this.#sql.vacuousWhere
  }
  get settings(): readonly string[] {
    return this.#sql.settings
  }
  get transaction(): readonly string[] {
    return this.#sql.transaction
  }
  get commands(): readonly CommandView[] {
    this.#commands ??= this.#shell.commands.map((command) => new CommandView(command))
    return this.#commands
  }
  get programs(): readonly string[] {
    return this.#shell.programs
  }
  get arguments(): readonly string[] {
    return this.#shell.arguments
  }
  get pathsRead(): readonly string[] {
    return this.#paths.read
  }
  get pathsListed(): readonly string[] {
    return this.#shell.paths.listed
  }
  get pathsWritten(): readonly string[] {
    return this.#paths.written
  }
  get pathsDeleted(): readonly string[] {
    return this.#paths.deleted
  }
  get pathsExecuted(): readonly string[] {
    return this.#paths.executed
  }
  get hosts(): readonly string[] {
    return this.#facts.kind === 'channel' ? this.#facts.hosts : this.#shell.hosts
  }
  get users(): readonly string[] {
    return this.#shell.users
  }
  get variables(): readonly string[] {
    return this.#facts.kind === 'channel' ? this.#facts.variables : this.#shell.variables
  }
  get transfer(): string {
    return this.#file.transfer
  }
  get port(): bigint {
    return BigInt(this.#channel.port)
  }
  get network(): string {
    return this.#channel.network
  }
  get constructs(): readonly string[] {
    return this.#shell.constructs
  }
  get reasons(): readonly string[] {
    return this.#shell.reasons
  }
}

interface Seen {
  readonly objects: readonly ObjectView[]
  readonly facts: FactsView
}

/** Operations are shared by every call of the same meaning, so their views are too. */
const SEEN = new WeakMap<Operation, Seen>()

function seen(operation: Operation): Seen {
  return memo(SEEN, operation, () => ({
    objects: operation.objects.map((object) => new ObjectView(object)),
    facts: new FactsView(operation.facts),
  }))
}

/** The operation of the decision at hand; one instance is pointed at each in turn. */
export class OperationView {
  operation!: Operation
  /** The exact text of this call: it differs from call to call of one operation. */
  text = ''
  get verb(): string {
    return this.operation.verb
  }
  get effects(): readonly Effect[] {
    return namesOf(this.operation.effects)
  }
  get objects(): readonly ObjectView[] {
    return seen(this.operation).objects
  }
  get facts(): FactsView {
    return seen(this.operation).facts
  }
  get confidence(): string {
    return this.operation.confidence
  }
  get shape(): string {
    return this.operation.shape
  }
}

export class SessionView {
  session!: SessionFacts
  get id(): string {
    return this.session.id
  }
  get labelsRead(): readonly string[] {
    return this.session.labelsRead
  }
  get operations(): bigint {
    return BigInt(this.session.operations)
  }
  get rows(): bigint {
    return BigInt(this.session.rows)
  }
  get bytes(): bigint {
    return BigInt(this.session.bytes)
  }
  get inFlight(): bigint {
    return BigInt(this.session.inFlight)
  }
}

/** What has an effect set. */
interface WithEffect {
  readonly effect: EffectSet
}

const setOf = (words: readonly string[]): EffectSet => words.reduce((set, word) => set | effectBit(word), effects())

export const hasWord = (op: OperationView, word: string): boolean => hasEffect(op.operation.effects, effectBit(word))
export const hasAny = (op: OperationView, words: readonly string[]): boolean =>
  hasEffect(op.operation.effects, setOf(words))
/** Whether it may read a file of these names; false for an operation that reads no files. `plain`: see `mayBeOneOf`. */
export const mayRead = (op: OperationView, names: readonly string[], plain: readonly string[] = []): boolean => {
  const { facts } = op.operation
  return (facts.kind === 'shell' || facts.kind === 'file') && mayBeOneOf(facts.paths.read, names, plain)
}
export const hasOnly = (op: OperationView, words: readonly string[]): boolean =>
  onlyEffects(op.operation.effects, setOf(words))
export const objectHasWord = (object: WithEffect, word: string): boolean => hasEffect(object.effect, effectBit(word))
export const objectHasAny = (object: WithEffect, words: readonly string[]): boolean =>
  hasEffect(object.effect, setOf(words))
export const commandHasOnly = (command: WithEffect, words: readonly string[]): boolean =>
  onlyEffects(command.effect, setOf(words))
