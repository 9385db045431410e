import { ByteReader } from '../../kit/bytes.ts'
import { SluiceError } from '../../kit/errors.ts'
import type { ResolvedStatement } from '../../sql/postgres.ts'
import { BACKEND } from './codec.ts'
import { CopyReplies } from './copy-replies.ts'
import type { Dialogue, TransactionStatus } from './dialogue.ts'
import { maskErrorFields, maskNotification, maskParameterStatus } from './error-mask.ts'
import type { Exchange, Run, Words } from './exchange.ts'
import { dueRun, type Fate, SWALLOW } from './fate.ts'
import { readErrorFields, TagReader } from './messages.ts'
import { knownDescription, planRows } from './plans.ts'
import { nativeResponse, refusalResponse } from './reply.ts'
import { knownNames, maskColumnNames, readRowDescription } from './results.ts'
import { answered, finishRun } from './run.ts'
import { Bound, Prepared } from './statements.ts'

const HEADER = 5

/** Matches the target's replies to what was asked, in order. A reply that does not fit ends the session. */
export class Replies {
  readonly #d: Dialogue
  readonly #copies: CopyReplies
  readonly #tags = new TagReader()
  /** After a limit cut a result short and the target finished all the same: nothing more is shown until ReadyForQuery. */
  muted = false

  constructor(dialogue: Dialogue) {
    this.#d = dialogue
    this.#copies = new CopyReplies(dialogue)
  }

  message(type: number, bytes: Buffer, start: number, end: number): Fate {
    const fate = this.#reply(type, bytes, start, end)
    this.#d.watch()
    return fate
  }

  #reply(type: number, bytes: Buffer, start: number, end: number): Fate {
    switch (type) {
      case BACKEND.ReadyForQuery:
        return this.#readyForQuery(bytes, start, end)
      case BACKEND.ErrorResponse:
        return this.#error(bytes.subarray(start, end))
      case BACKEND.CommandComplete:
        return this.#commandComplete(this.#tags.read(bytes, start + HEADER, end - 1))
      case BACKEND.BindComplete:
        return this.#done('bind')
      case BACKEND.RowDescription:
        return this.#rowDescription(bytes, start, end)
      case BACKEND.ParseComplete:
        return this.#done('parse')
      case BACKEND.CloseComplete:
        return this.#done('close')
      case BACKEND.NoData:
        return this.#noData()
      case BACKEND.ParameterDescription:
        return this.#parameterDescription(bytes, start, end)
      case BACKEND.EmptyQueryResponse:
        return this.#commandComplete('')
      case BACKEND.PortalSuspended:
        return this.#suspended()
      case BACKEND.FunctionCallResponse:
        return this.#functionResult()
      default:
        return this.#streamed(type, bytes, start, end)
    }
  }

  #streamed(type: number, bytes: Buffer, start: number, end: number): Fate {
    switch (type) {
      case BACKEND.CopyData:
      case BACKEND.CopyDone:
      case BACKEND.CopyOutResponse:
      case BACKEND.CopyInResponse:
      case BACKEND.CopyBothResponse:
        return this.#copies.message(type, { bytes, start, end, muted: this.muted })
      case BACKEND.NoticeResponse:
        return this.#scrubbed(bytes.subarray(start, end))
      case BACKEND.NotificationResponse:
        return this.#notification(bytes.subarray(start, end))
      case BACKEND.ParameterStatus:
        return this.#parameterStatus(bytes, start, end)
      default:
        throw new SluiceError('protocol.target', `unknown message type ${type}`)
    }
  }

  #shown(fate: Fate): Fate {
    return this.muted ? SWALLOW : fate
  }

  /** What was asked first, if it was a `kind`. What stands in for a refused message can only fail. */
  #due<K extends Exchange['kind']>(kind: K): Extract<Exchange, { kind: K }> {
    const { first } = this.#d.queue
    if (first?.kind !== kind || ('words' in first && first.words))
      throw new SluiceError('protocol.target', `a reply to ${kind} where one to ${first?.kind ?? 'nothing'} was due`)
    return first as Extract<Exchange, { kind: K }>
  }

  #done(kind: 'parse' | 'bind' | 'close'): Fate {
    const first = this.#due(kind)
    this.#d.queue.shift()
    if (first.kind === 'bind' && first.portal) first.portal.pending = false
    if (first.kind === 'parse' && first.instead) this.#d.mirror.setStatement(first.name, first.instead)
    if (first.kind === 'bind' && first.instead) this.#d.mirror.setPortal(first.name, first.instead)
    this.#d.wakeWaiters()
    return this.#shown(undefined)
  }

  /** PortalSuspended: the row limit of this Execute was reached, the portal rests until the next. */
  #suspended(): Fate {
    const { run } = this.#due('execute')
    if (!run) throw new SluiceError('protocol.target', 'an unexpected PortalSuspended')
    this.#d.queue.shift()
    // What it did so far may have changed what names mean.
    this.#passed(run)
    answered(this.#d, run)
    if (!run.portal) {
      // A cursor made by SQL: every Execute of it is an operation of its own.
      run.tag = 'suspended'
      finishRun(this.#d, run, run.cut ? 'cancelled' : 'ok')
    } else if (run.running && run.inFlight === 0) this.#d.resting.add(run.portal)
    this.#d.wakeWaiters()
    return this.#cutOr(run)
  }

  #functionResult(): Fate {
    const { run } = this.#due('query')
    if (!run || run.statements.length > 0)
      throw new SluiceError('protocol.target', 'an unexpected FunctionCallResponse')
    return this.#shown(undefined)
  }

  #parameterDescription(bytes: Buffer, start: number, end: number): Fate {
    const { ours } = this.#due('describe')
    const reader = new ByteReader(bytes, start + HEADER, end)
    const types: number[] = []
    for (let left = reader.uint16(); left > 0; left--) types.push(reader.uint32())
    reader.finish()
    if (ours instanceof Prepared) ours.parameterTypes = types
    return this.#shown(undefined)
  }

  #rowDescription(bytes: Buffer, start: number, end: number): Fate {
    const first = this.#d.queue.first
    if (first?.kind === 'describe') {
      this.#due('describe')
      this.#d.queue.shift()
      const statement = first.ours instanceof Bound ? first.ours.statement : undefined
      const message = bytes.subarray(start, end)
      first.of?.answer(knownDescription(this.#d, statement, message) ?? readRowDescription(bytes, start, end))
      this.#d.wakeWaiters()
      return first.hidden ? SWALLOW : this.#shown(this.#columnNames(first.statement, message))
    }
    if (first?.kind !== 'query' || !first.run) throw new SluiceError('protocol.target', 'an unexpected RowDescription')
    const { run } = first
    const statement = run.statements[run.index]
    const message = bytes.subarray(start, end)
    const described = knownDescription(this.#d, statement, message) ?? readRowDescription(bytes, start, end)
    planRows(this.#d, run, described, [])
    return this.#shown(this.#columnNames(statement, message))
  }

  /** Columns of a query nobody has read — a cursor made inside a function — may be named by values (B25). */
  #columnNames(statement: ResolvedStatement | undefined, message: Buffer): Fate {
    const result = statement?.result
    if (!this.#d.masks || result?.kind !== 'opaque' || result.labels.length === 0) return undefined
    return maskColumnNames(message, knownNames(this.#d.parts.source.current()))
  }

  #noData(): Fate {
    const first = this.#due('describe')
    this.#d.queue.shift()
    first.of?.answer(undefined)
    this.#d.wakeWaiters()
    return first.hidden ? SWALLOW : this.#shown(undefined)
  }

  #commandComplete(tag: string): Fate {
    const run = dueRun(this.#d, 'a CommandComplete')
    run.tag = run.tag === '' ? tag : `${run.tag}; ${tag}`
    this.#passed(run)
    run.index++
    run.masker = undefined
    run.copyMasker = undefined
    run.planned = false
    this.#d.copy = 'none'
    if (this.#d.queue.first?.kind === 'execute') {
      this.#d.queue.shift()
      answered(this.#d, run)
      finishRun(this.#d, run, run.cut ? 'cancelled' : 'ok')
    }
    return this.#cutOr(run)
  }

  /** The server carried out the statement whose result arrives now, or a part of it. */
  #passed(run: Run): void {
    const statement = run.statements[run.index]
    if (statement) this.#d.completed(statement, run.permit.obligations.mask)
  }

  /** Where the target finished before the cancel reached it, the client hears of the limit, then nothing until ReadyForQuery. */
  #cutOr(run: Run): Fate {
    if (!run.cut || this.muted) return this.#shown(undefined)
    this.muted = true
    return refusalResponse(run.cut)
  }

  /** True when what arrives now may echo values the caller may only see masked. */
  #labelled(): boolean {
    const first = this.#d.queue.first
    // Planning, at Bind, may run functions.
    if (first?.kind === 'bind' && first.portal?.masked) return readsLabels(first.portal.resolved.statements)
    const run = this.#d.running()
    return run !== undefined && run.permit.obligations.mask.length > 0 && readsLabels(run.statements)
  }

  #scrubbed(message: Buffer): Fate {
    const labelled = this.#labelled() || this.#d.echoes.errors
    if (!labelled && !this.#d.scrubber) return undefined
    const known = knownNames(this.#d.parts.source.current())
    return maskErrorFields(message, { labelled, scrubber: this.#d.scrubber, known })
  }

  #notification(message: Buffer): Fate {
    const { scrubber, listensMasked } = this.#d
    return scrubber || listensMasked ? maskNotification(message, scrubber, listensMasked) : undefined
  }

  #error(message: Buffer): Fate {
    const first = this.#d.queue.first
    const said = this.muted ? SWALLOW : this.#errorText(first, message)
    this.#d.copy = 'none'
    this.#d.mirror.statementFailed()
    // The server has said why it goes; nothing need be added when it does.
    if (isFatal(message)) this.#d.over = true
    if (first === undefined || first.kind === 'sync' || first.kind === 'copyEnd') return said
    if (first.kind === 'query') {
      if (first.run) this.#fail(first.run, message)
      return said
    }
    this.#skipToSync(message)
    return said
  }

  #fail(run: Run, message: Buffer): void {
    run.tag = errorTag(message)
    finishRun(this.#d, run, run.cut ? 'cancelled' : 'error')
  }

  /** What the client hears of an error: ours where we caused it, the server's otherwise, scrubbed. */
  #errorText(first: Exchange | undefined, message: Buffer): Fate {
    const words = first && 'words' in first ? first.words : undefined
    if (words) return wordsResponse(words)
    const run = this.#d.running()
    if (run?.cut) return refusalResponse(run.cut)
    return this.#scrubbed(message)
  }

  /** The server ignores all up to the next Sync: what was asked there never happened. */
  #skipToSync(message: Buffer): void {
    const { queue } = this.#d
    let sync = 0
    for (let next = queue.first; next && (next.kind !== 'sync' || next.spent); ) next = queue.at(++sync)
    const dropped = queue.drop(sync)
    if (!queue.first) this.#d.skipping = true
    const [failed] = dropped
    // A failing Parse of the unnamed statement has destroyed the old one.
    if (failed?.kind === 'parse' && failed.name === '') failed.previous = undefined
    this.#d.undo(dropped)
    let lexing = 0
    for (const exchange of dropped) {
      if (exchange.kind === 'query') lexing += exchange.lexing
      if (!('run' in exchange) || !exchange.run) continue
      answered(this.#d, exchange.run)
      if (exchange === failed) this.#fail(exchange.run, message)
      else {
        exchange.run.tag ||= 'not executed'
        finishRun(this.#d, exchange.run, 'cancelled')
      }
    }
    this.#d.reopenLexing(lexing, 0)
    this.#d.wakeWaiters()
  }

  /** ReadyForQuery: Byte1 transaction status. */
  #readyForQuery(bytes: Buffer, start: number, end: number): Fate {
    const status = String.fromCharCode(bytes[start + HEADER]!)
    if (end - start !== 6 || (status !== 'I' && status !== 'T' && status !== 'E'))
      throw new SluiceError('protocol.target', 'a malformed ReadyForQuery')
    // Looked at before it is taken: what waits when a session ends is settled, what was taken is not.
    const { first } = this.#d.queue
    if (first?.kind !== 'sync' && first?.kind !== 'query')
      throw new SluiceError('protocol.target', 'a ReadyForQuery nobody asked for')
    this.#d.queue.shift()
    if (first.kind === 'query' && first.run) {
      answered(this.#d, first.run)
      finishRun(this.#d, first.run, first.run.cut ? 'cancelled' : 'ok')
    }
    this.muted = false
    // COPY data that was sent ahead of a COPY which never began: the server has thrown it away.
    while (this.#d.queue.first?.kind === 'copyEnd') this.#d.queue.shift()
    this.#d.ready(status as TransactionStatus, first.lexing)
    return undefined
  }

  /** ParameterStatus: String name, String value. */
  #parameterStatus(bytes: Buffer, start: number, end: number): Fate {
    const reader = new ByteReader(bytes, start + HEADER, end)
    const name = reader.cstringView().toString()
    const value = reader.cstringView().toString()
    reader.finish()
    // Invariant 9: from here on what we read and what the server parses would differ.
    const broken =
      (name === 'standard_conforming_strings' && value !== 'on') || (name === 'client_encoding' && value !== 'UTF8')
    if (broken) throw new SluiceError('sql.setting', `${name} = ${value}`)
    const labelled = this.#labelled() || this.#d.echoes.settings
    if (!labelled && !this.#d.scrubber) return undefined
    return maskParameterStatus(bytes.subarray(start, end), this.#d.scrubber, labelled)
  }
}

function readsLabels(statements: readonly ResolvedStatement[]): boolean {
  return statements.some((statement) => statement.labelsRead.length > 0)
}

function wordsResponse(words: Words): Buffer {
  return 'native' in words ? nativeResponse(words.native) : refusalResponse(words.refusal)
}

/** Severity, not localized, of an ErrorResponse that ends the session. */
function isFatal(message: Buffer): boolean {
  return message.includes('\0VFATAL\0') || message.includes('\0VPANIC\0')
}

/** An error's SQLSTATE for the record; its text may echo values. */
function errorTag(message: Buffer): string {
  try {
    return `ERROR ${readErrorFields(message.subarray(HEADER)).get('C') ?? ''}`
  } catch {
    return 'ERROR'
  }
}
