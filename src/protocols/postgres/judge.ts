import { sha256 } from '../../kit/digest.ts'
import { SluiceError } from '../../kit/errors.ts'
import { containsMaskOutput, labelMatches } from '../../masking/index.ts'
import { effects, hasEffect } from '../../model/effects.ts'
import type { Call, SqlOperation } from '../../model/operation.ts'
import { INLINE_TEXT_MAX } from '../../sql/limits.ts'
import {
  type NameContext,
  type ParsedMessage,
  type Portal,
  type PreparedStatement,
  type Resolved,
  type ResolvedStatement,
  RUNS,
} from '../../sql/postgres.ts'
import type { HeldNotice, Permit, Refusal, Verdict } from '../contract.ts'
import { type Dialogue, isLexedBySetting } from './dialogue.ts'
import type { Words } from './exchange.ts'
import { nativeError } from './native-error.ts'
import { functionCallOperation, replicationCommand, type Understood } from './operation.ts'
import { heldResponse } from './reply.ts'
import { restNoMore } from './run.ts'
import { type BindFields, Bound, Prepared, parameterTexts } from './statements.ts'

const WRITES = effects('write', 'import', 'define', 'execute', 'unknown')

export interface BoundVerdict {
  readonly portal: Bound
  /** Set when people have to be asked, which happens before the server may plan with the parameters. */
  readonly verdict: Promise<Verdict> | undefined
}

export interface ExecuteVerdict {
  readonly portal: Bound | undefined
  readonly statements: readonly ResolvedStatement[]
  readonly verdict: Verdict | Promise<Verdict>
}

/** Turns what the client asks into operations and has them decided. A promise that carries nothing means: ask again when it settles. */
export class Judge {
  readonly #d: Dialogue
  readonly #told: (held: HeldNotice) => void
  #context: NameContext | undefined
  /** The catalogue could not be had a moment ago: the waiting handler goes on without. */
  #gaveUp = false
  /** The last large text parsed off the event loop, kept until the handler asks again. */
  #large: { readonly text: string; readonly parsed: ParsedMessage | SluiceError } | undefined

  constructor(dialogue: Dialogue) {
    this.#d = dialogue
    this.#told = (held) => {
      dialogue.held = held
      dialogue.tell(heldResponse(held))
    }
  }

  understand(text: string): Understood | Words | Promise<void> {
    const { session, sql } = this.#d.parts
    if (this.#d.lexingOpen > 0 && isLexedBySetting(text))
      return { refusal: session.refuse('sql.settings_uncertain', text, '') }
    const fresh = this.#freshCatalogue()
    if (fresh) return fresh
    try {
      const parsed = this.#parse(text)
      if (parsed instanceof Promise) return parsed
      return { parsed, resolved: sql.resolve(parsed, this.#names()) }
    } catch (thrown) {
      if (!(thrown instanceof SluiceError)) throw thrown
      const replication =
        this.#d.parts.replication && thrown.code === 'sql.syntax' ? this.#replication(text) : undefined
      return replication ?? this.#notUnderstood(text, thrown)
    }
  }

  #replication(text: string): Understood | undefined {
    const resolved = replicationCommand(text, this.#d.parts.database, this.#d.everything())
    return resolved && { parsed: { text, statements: [], parameters: 0, unknown: [], meanings: [] }, resolved }
  }

  #parse(text: string): ParsedMessage | Promise<void> {
    const large = this.#large
    if (large?.text === text) {
      this.#large = undefined
      if (large.parsed instanceof SluiceError) throw large.parsed
      return large.parsed
    }
    const { sql } = this.#d.parts
    if (text.length <= INLINE_TEXT_MAX) return sql.parse(text)
    return sql.parseLarge(text).then(
      (parsed) => {
        this.#large = { text, parsed }
      },
      (error: unknown) => {
        this.#large = {
          text,
          parsed: error instanceof SluiceError ? error : new SluiceError('sql.too_large', '', { cause: error }),
        }
      },
    )
  }

  /**
   * Waits for a catalogue — where labels make names matter, one that knows what this session committed. Without one every label is
   * possible, so a target that does not answer makes results masked or refused, never open.
   */
  #freshCatalogue(): Promise<void> | undefined {
    const { session, source } = this.#d.parts
    // Without labels, what matters is only that some catalogue tells which functions and views hide code.
    const stale = this.#d.catalogueStale && session.labels().all.length > 0
    if (!stale && source.current() !== undefined) return undefined
    if (this.#gaveUp) {
      this.#gaveUp = false
      return undefined
    }
    return source.get().then(
      () => {
        this.#d.catalogueStale = false
        this.#d.mirror.caughtUp()
      },
      () => {
        this.#gaveUp = true
      },
    )
  }

  #names(): NameContext {
    const { source, session, database, mirror } = this.#d.parts
    const catalogue = source.current()
    const labels = session.labels()
    if (this.#context?.catalogue !== catalogue || this.#context?.labels !== labels)
      this.#context = { catalogue, labels, database, mirror }
    return this.#context!
  }

  #notUnderstood(text: string, error: SluiceError): Words {
    const refusal = this.#d.parts.session.refuse(error.code, text, error.detail)
    const native = nativeError(error)
    return native ? { native } : { refusal }
  }

  query(understood: Understood, text: string): Verdict | Promise<Verdict> {
    const { resolved } = understood
    const call: Call = { text, state: () => this.#state(resolved.operation) }
    return this.#guard(resolved, call, text) ?? this.#enforce(resolved.operation, call)
  }

  /** A Parse runs nothing. It is refused when its statement would be; what needs people is asked for at Bind, with the parameters. */
  prepare(understood: Understood, text: string): Words | undefined {
    const { session } = this.#d.parts
    const { resolved } = understood
    const call: Call = { text, state: () => this.#state(resolved.operation) }
    const refused = this.#guard(resolved, call, text)
    if (refused) return { refusal: refused }
    if (session.judge(resolved.operation, call).outcome !== 'deny') return undefined
    const verdict = this.#enforce(resolved.operation, call)
    return { refusal: verdict as Refusal }
  }

  bind(bind: BindFields): BoundVerdict | Words | Promise<void> {
    const { session, sql } = this.#d.parts
    const known = this.#d.mirror.getStatement(bind.statement)
    if (!known) return this.unknownName('S', bind.statement)
    const fresh = this.#freshCatalogue()
    if (fresh) return fresh
    try {
      const resolved = sql.resolve(known.parsed, this.#names())
      const portal = new Bound(preparedOf(known), resolved, bind)
      const call = this.#callOf(portal)
      const refused = this.#guard(resolved, call, bind.values)
      if (refused) return { refusal: refused }
      const decision = session.judge(resolved.operation, call)
      portal.masked = decision.obligations.mask.length > 0
      if (decision.outcome !== 'approve') return { portal, verdict: undefined }
      return { portal, verdict: Promise.resolve(this.#enforce(resolved.operation, call)) }
    } catch (thrown) {
      if (!(thrown instanceof SluiceError)) throw thrown
      return this.#notUnderstood(known.parsed.text, thrown)
    }
  }

  execute(name: string): ExecuteVerdict | Words | Promise<void> {
    const known = this.#d.mirror.getPortal(name)
    if (!known) return this.unknownName('P', name)
    if (known instanceof Bound) {
      // A suspended portal goes on with what it was permitted; one that has ended would begin anew.
      const run = known.run?.running ? known.run : undefined
      const otherwise = run || known.prepared.planned ? undefined : this.#readAgain(known)
      if (otherwise) return otherwise
      const { statements, operation } = known.resolved
      const verdict = run?.permit ?? known.permit ?? this.#enforce(operation, this.#callOf(known))
      return { portal: known, statements, verdict }
    }
    // A cursor made by SQL DECLARE, fetched by the protocol (A33): its rows are masked as its query was traced.
    const text = `FETCH ALL FROM "${name.replaceAll('"', '""')}"`
    const call: Call = { text, state: () => ({ ...this.#state(known.operation), runs: known.operation.text }) }
    return {
      portal: undefined,
      statements: [known.statement],
      verdict: this.#enforce(known.operation, call),
    }
  }

  functionCall(oid: number): Verdict | Promise<Verdict> {
    const { database } = this.#d.parts
    const labels = this.#d.everything()
    const operation = functionCallOperation(oid, database, labels)
    const call: Call = { text: operation.text, state: () => this.#state(operation) }
    const resolved: Resolved = { operation, statements: [], copiesLabels: labels }
    return this.#guard(resolved, call, '') ?? this.#enforce(operation, call)
  }

  /** What a portal's names mean may have changed since its Bind (A30, A31, A57). */
  #readAgain(portal: Bound): Words | Promise<void> | undefined {
    const fresh = this.#freshCatalogue()
    if (fresh) return fresh
    try {
      const resolved = this.#d.parts.sql.resolve(portal.prepared.parsed, this.#names())
      if (resolved === portal.resolved) return undefined
      portal.resolved = resolved
      if (portal.permit) restNoMore(this.#d, portal)
      const refused = this.#guard(resolved, this.#callOf(portal), portal.bind.values)
      return refused && { refusal: refused }
    } catch (thrown) {
      if (!(thrown instanceof SluiceError)) throw thrown
      return this.#notUnderstood(portal.prepared.text, thrown)
    }
  }

  /** The statement behind a name as of now; undefined when nothing is masked, or for a statement that cannot run. */
  meaningOf(described: PreparedStatement | Portal): ResolvedStatement | undefined {
    if (!this.#d.masks) return undefined
    if ('statement' in described) return described.statement
    try {
      return this.#d.parts.sql.resolve(described.parsed, this.#names()).statements[0]
    } catch (thrown) {
      if (thrown instanceof SluiceError) return undefined
      throw thrown
    }
  }

  /** A statement ('S') or portal ('P') the gateway has not seen made: in the server's own words. */
  unknownName(of: 'S' | 'P', name: string): Words {
    const what =
      of === 'P' ? `portal "${name}"` : name === '' ? 'unnamed prepared statement' : `prepared statement "${name}"`
    const message = `${what} does not exist`
    this.#d.parts.session.refuse('sql.unknown_statement', '', message)
    return { native: { code: of === 'P' ? '34000' : '26000', message } }
  }

  /** Has an operation decided; while people are asked, the client may take it back. */
  #enforce(operation: SqlOperation, call: Call): Verdict | Promise<Verdict> {
    const verdict = this.#d.parts.session.enforce(operation, call, this.#told)
    if (!(verdict instanceof Promise)) return verdict
    const asked = JSON.stringify(call.state?.())
    return verdict.then((settled) => {
      const { held } = this.#d
      this.#d.held = undefined
      return settled.granted && (held || settled.approved) ? this.#asAsked(settled, call, asked) : settled
    })
  }

  /** While people thought, and since, others may have changed what the names stand for: then nobody has agreed to this (A59). */
  async #asAsked(permit: Permit, call: Call, asked: string): Promise<Verdict> {
    const { session, source } = this.#d.parts
    source.invalidate()
    await source.get().catch(() => {})
    if (JSON.stringify(call.state?.()) === asked) return permit
    session.settle(permit, { status: 'cancelled', tag: 'not sent', rows: 0, bytes: 0 })
    return session.refuse('approval.expired', call.text, 'What it names has changed since it was asked for.')
  }

  /** What masking forbids whatever the rules say: labelled values copied to where no label follows them, and masked text written back. */
  #guard(resolved: Resolved, call: Call, written: string | Buffer): Refusal | undefined {
    const { session } = this.#d.parts
    const duties = session.judge(resolved.operation, call).obligations.mask
    if (duties.length === 0) return undefined
    const copied = resolved.copiesLabels.find((label) =>
      duties.some((duty) => duty.labels.some((pattern) => labelMatches(pattern, label))),
    )
    if (copied !== undefined) return session.refuse('mask.copy', call.text, `label ${copied}`)
    const unreadable = resolved.statements.some(({ tag, result }) => tag === 'COPY' && result.kind === 'opaque')
    if (unreadable) return session.refuse('mask.unreadable', call.text, '')
    if (hasEffect(resolved.operation.effects, WRITES) && containsMaskOutput(written))
      return session.refuse('mask.write', call.text, '')
    return undefined
  }

  #callOf(portal: Bound): Call {
    return new PortalCall(portal, this.#stateOf)
  }

  readonly #stateOf = (operation: SqlOperation) => this.#state(operation)

  /** What else decides a text's meaning, for the approval's digest: also the identity of what its names stand for (A59). */
  #state(operation: SqlOperation): Record<string, string> {
    const { searchPath } = this.#d.mirror
    const relations = this.#d.parts.source.current()?.relations
    const { read, written } = operation.facts.tables
    const objects = [...read, ...written].map((name) => {
      const { oid, definition } = relations?.get(name) ?? { oid: 0 }
      return `${name} ${oid} ${definition ?? ''}`
    })
    return {
      user: this.#d.parts.upstreamUser,
      search_path: typeof searchPath === 'string' ? searchPath : searchPath.join(', '),
      transaction: this.#d.status,
      settings: this.#d.settings,
      // Which row a cursor stands on is in no text: what speaks of it is good for where it stands now.
      ...(CURRENT_OF.test(operation.text) ? { cursors: String(this.#d.statementsDone) } : {}),
      objects: sha256(objects.join('\0')),
      ...(operation.text.includes(RUNS) ? { runs: operation.text } : {}),
    }
  }
}

const CURRENT_OF = /\bcurrent\b/i

/** A portal's execution. What only some need is made when they ask. */
class PortalCall implements Call {
  readonly text: string
  readonly #portal: Bound
  readonly #stateOf: (operation: SqlOperation) => Record<string, string>

  constructor(portal: Bound, stateOf: (operation: SqlOperation) => Record<string, string>) {
    this.text = portal.prepared.text
    this.#portal = portal
    this.#stateOf = stateOf
  }
  parameters(): readonly (string | null)[] {
    const { bind, prepared } = this.#portal
    return parameterTexts(bind, prepared.parameterTypes)
  }
  state(): Readonly<Record<string, string>> {
    const { bind, resolved } = this.#portal
    return {
      ...this.#stateOf(resolved.operation),
      parameters: sha256(bind.values),
      types: this.#portal.prepared.declaredTypes.join(),
      formats: bind.parameterFormats.join(),
    }
  }
}

function preparedOf(known: PreparedStatement): Prepared {
  return known instanceof Prepared ? known : new Prepared(known.parsed.text, known.parsed, [])
}
