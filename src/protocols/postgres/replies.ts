import { SluiceError } from '../../kit/errors.ts'
import type { ResolvedStatement } from '../../sql/postgres.ts'
import { BACKEND } from './codec.ts'
import type { Dialogue, TransactionStatus } from './dialogue.ts'
import { maskErrorFields, maskNotification, maskParameterStatus } from './error-mask.ts'
import type { Exchange, Run, Words } from './exchange.ts'
import { readErrorFields } from './messages.ts'
import { knownDescription, planCopy, planRows } from './plans.ts'
import { nativeResponse, refusalResponse } from './reply.ts'
import { knownNames, maskColumnNames, readRowDescription } from './results.ts'
import { cutShort, finishRun } from './run.ts'
import { Prepared } from './statements.ts'

/** What becomes of one message from the target: forwarded as it is (undefined), replaced, or replaced by nothing. */
export type Fate = Buffer | undefined
export const SWALLOW = Buffer.alloc(0)
const HEADER = 5

/** Matches the target's replies to what was asked, in order. A reply that does not fit ends the session. */
export class Replies {
  readonly #d: Dialogue
  /** After a limit cut a result short and the target finished all the same: nothing more is shown until ReadyForQuery. */
  muted = false

  constructor(dialogue: Dialogue) {
    this.#d = dialogue
  }

  /** The permitted operation whose results arrive now. */
  running(): Run | undefined {
    const first = this.#d.queue.first
    return first && (first.kind === 'execute' || first.kind === 'query') ? first.run : undefined
  }

  message(type: number, bytes: Buffer, start: number, end: number): Fate {
    switch (type) {
      case BACKEND.ReadyForQuery:
        return this.#readyForQuery(bytes, start, end)
      case BACKEND.ErrorResponse:
        return this.#error(bytes.subarray(start, end))
      case BACKEND.CommandComplete:
        return this.#commandComplete(bytes.toString('utf8', start + HEADER, end - 1))
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
        return this.#done('execute')
      case BACKEND.FunctionCallResponse:
        return this.#shown(undefined)
      default:
        return this.#streamed(type, bytes, start, end)
    }
  }

  #streamed(type: number, bytes: Buffer, start: number, end: number): Fate {
    switch (type) {
      case BACKEND.CopyData:
        return this.#copyData(bytes, start, end)
      case BACKEND.CopyOutResponse:
        return this.#copyOut(bytes.readInt16BE(start + HEADER + 1))
      case BACKEND.CopyInResponse:
        return this.#copyIn()
      case BACKEND.CopyBothResponse:
        this.#d.copy = 'both'
        return undefined
      case BACKEND.CopyDone:
        return this.#copyDone()
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

  #done(kind: Exchange['kind']): Fate {
    const first = this.#d.queue.first
    if (first?.kind !== kind)
      throw new SluiceError('protocol.target', `a reply to ${kind} where one to ${first?.kind ?? 'nothing'} was due`)
    this.#d.queue.shift()
    if (first.kind === 'parse' && first.instead) this.#d.mirror.setStatement(first.name, first.instead)
    if (first.kind === 'bind' && first.instead) this.#d.mirror.setPortal(first.name, first.instead)
    this.#d.wakeWaiters()
    return this.#shown(undefined)
  }

  #parameterDescription(bytes: Buffer, start: number, end: number): Fate {
    const first = this.#d.queue.first
    if (first?.kind !== 'describe') throw new SluiceError('protocol.target', 'an unexpected ParameterDescription')
    if (first.of instanceof Prepared) {
      const types: number[] = []
      for (let at = start + HEADER + 2; at + 4 <= end; at += 4) types.push(bytes.readUInt32BE(at))
      first.of.parameterTypes = types
    }
    return this.#shown(undefined)
  }

  #rowDescription(bytes: Buffer, start: number, end: number): Fate {
    const first = this.#d.queue.first
    if (first?.kind === 'describe') {
      this.#d.queue.shift()
      if (first.of) {
        const statement = 'statement' in first.of ? first.of.statement : undefined
        first.of.described =
          knownDescription(this.#d, statement, bytes.subarray(start, end)) ?? readRowDescription(bytes, start, end)
      }
      this.#d.wakeWaiters()
      return first.hidden ? SWALLOW : this.#shown(this.#columnNames(first.statement, bytes.subarray(start, end)))
    }
    if (first?.kind !== 'query' || !first.run) throw new SluiceError('protocol.target', 'an unexpected RowDescription')
    const { run } = first
    const statement = run.statements[run.index]
    const described =
      knownDescription(this.#d, statement, bytes.subarray(start, end)) ?? readRowDescription(bytes, start, end)
    planRows(this.#d, run, described, [])
    return this.#shown(this.#columnNames(statement, bytes.subarray(start, end)))
  }

  /** Columns of a query nobody has read — a cursor made inside a function — may be named by values (B25). */
  #columnNames(statement: ResolvedStatement | undefined, message: Buffer): Fate {
    const result = statement?.result
    if (!this.#d.masks || result?.kind !== 'opaque' || result.labels.length === 0) return undefined
    return maskColumnNames(message, knownNames(this.#d.parts.source.current()))
  }

  #noData(): Fate {
    const first = this.#d.queue.first
    if (first?.kind !== 'describe') throw new SluiceError('protocol.target', 'an unexpected NoData')
    this.#d.queue.shift()
    this.#d.wakeWaiters()
    return first.hidden ? SWALLOW : this.#shown(undefined)
  }

  #commandComplete(tag: string): Fate {
    const first = this.#d.queue.first
    const run = this.running()
    if (!first || !run) throw new SluiceError('protocol.target', 'a CommandComplete nobody asked for')
    run.tag = run.tag === '' ? tag : `${run.tag}; ${tag}`
    const statement = run.statements[run.index++]
    if (statement) this.#d.completed(statement, run.permit.obligations.mask)
    run.masker = undefined
    run.copyMasker = undefined
    run.planned = false
    this.#d.copy = 'none'
    const cut = run.cut
    if (first.kind === 'execute') {
      this.#d.queue.shift()
      finishRun(this.#d, run, cut ? 'cancelled' : 'ok')
    }
    if (!cut || this.muted) return this.#shown(undefined)
    // The target finished before the cancel reached it: the client hears of the limit, then nothing until ReadyForQuery.
    this.muted = true
    return refusalResponse(cut)
  }

  /** CopyOutResponse: Int8 format, Int16 columns, their formats. */
  #copyOut(columns: number): Fate {
    const run = this.running()
    if (!run) throw new SluiceError('protocol.target', 'an unexpected CopyOutResponse')
    planCopy(this.#d, run, columns)
    return this.#shown(undefined)
  }

  /** Sync and Flush sent before the COPY data ends are discarded by the server: no ReadyForQuery comes for those Syncs. */
  #copyIn(): Fate {
    const waiting = this.#d.queue.waiting()
    const end = waiting.findIndex((exchange) => exchange.kind === 'copyEnd')
    const until = end < 0 ? waiting.length : end
    this.#d.queue.replace(waiting.filter((exchange, i) => i !== end && (i >= until || exchange.kind !== 'sync')))
    this.#d.copy = end < 0 ? 'in' : 'none'
    return undefined
  }

  #copyData(bytes: Buffer, start: number, end: number): Fate {
    if (this.#d.copy === 'both') return undefined
    const run = this.running()
    if (!run) throw new SluiceError('protocol.target', 'COPY data nobody asked for')
    if (run.cut) return SWALLOW
    const most = run.permit.obligations.rows
    if (most !== undefined && run.rows >= most) {
      cutShort(this.#d, run, 'limit.rows', `at most ${most} rows`)
      return SWALLOW
    }
    run.rows++
    run.bytes += end - start
    return run.copyMasker?.feed(bytes.subarray(start + HEADER, end))
  }

  #copyDone(): Fate {
    const run = this.running()
    const rest = run?.copyMasker?.end()
    if (!rest || rest.length === 0) return this.#shown(undefined)
    return Buffer.concat([rest, Buffer.of(BACKEND.CopyDone, 0, 0, 0, 4)])
  }

  /** True when what arrives now may echo values the caller may only see masked. */
  #labelled(): boolean {
    const first = this.#d.queue.first
    // Planning, at Bind, may run functions.
    if (first?.kind === 'bind' && first.portal?.masked) return readsLabels(first.portal.resolved.statements)
    const run = this.running()
    return run !== undefined && run.permit.obligations.mask.length > 0 && readsLabels(run.statements)
  }

  #scrubbed(message: Buffer): Fate {
    const labelled = this.#labelled() || this.#d.echoes.errors
    if (!labelled && !this.#d.scrubber) return undefined
    return maskErrorFields(message, { labelled, scrubber: this.#d.scrubber })
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
    const run = this.running()
    if (run?.cut) return refusalResponse(run.cut)
    return this.#scrubbed(message)
  }

  /** The server ignores all up to the next Sync: what was asked there never happened. */
  #skipToSync(message: Buffer): void {
    const { queue, mirror } = this.#d
    const waiting = queue.waiting()
    const sync = waiting.findIndex((exchange) => exchange.kind === 'sync')
    const dropped = sync < 0 ? waiting : waiting.slice(0, sync)
    queue.replace(sync < 0 ? [] : waiting.slice(sync))
    if (sync < 0) this.#d.skipping = true
    for (let i = dropped.length - 1; i >= 0; i--) {
      const exchange = dropped[i]!
      this.#d.undo(exchange)
      // It was not described, so whoever runs it later asks anew.
      if (exchange.kind === 'describe' && exchange.of && 'describeSent' in exchange.of) exchange.of.describeSent = false
      if (!('run' in exchange) || !exchange.run) continue
      if (i === 0) this.#fail(exchange.run, message)
      else {
        exchange.run.tag = 'not executed'
        finishRun(this.#d, exchange.run, 'cancelled')
      }
    }
    // A failing Parse of the unnamed statement has destroyed the old one.
    const failed = dropped[0]
    if (failed?.kind === 'parse' && failed.name === '') mirror.closeStatement('')
    this.#d.wakeWaiters()
  }

  /** ReadyForQuery: Byte1 transaction status. */
  #readyForQuery(bytes: Buffer, start: number, end: number): Fate {
    const status = String.fromCharCode(bytes[start + HEADER]!)
    if (end - start !== 6 || (status !== 'I' && status !== 'T' && status !== 'E'))
      throw new SluiceError('protocol.target', 'a malformed ReadyForQuery')
    const first = this.#d.queue.shift()
    if (first?.kind !== 'sync' && first?.kind !== 'query')
      throw new SluiceError('protocol.target', 'a ReadyForQuery nobody asked for')
    if (first.kind === 'query' && first.run) finishRun(this.#d, first.run, first.run.cut ? 'cancelled' : 'ok')
    this.muted = false
    // COPY data that was sent ahead of a COPY which never began: the server has thrown it away.
    while (this.#d.queue.first?.kind === 'copyEnd') this.#d.queue.shift()
    this.#d.ready(status as TransactionStatus, first.lexing)
    return undefined
  }

  /** ParameterStatus: String name, String value. */
  #parameterStatus(bytes: Buffer, start: number, end: number): Fate {
    const nul = bytes.indexOf(0, start + HEADER)
    const name = bytes.toString('utf8', start + HEADER, nul)
    const value = bytes.toString('utf8', nul + 1, end - 1)
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
