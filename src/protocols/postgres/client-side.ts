import { ByteReader } from '../../kit/bytes.ts'
import { SluiceError, toSluiceError } from '../../kit/errors.ts'
import type { Verdict } from '../contract.ts'
import { type Admission, FRONTEND, Framer, type FrameSink } from './codec.ts'
import type { Dialogue } from './dialogue.ts'
import type { Words } from './exchange.ts'
import { Judge } from './judge.ts'
import { MESSAGE_BYTES } from './limits.ts'
import { describePortal, FLUSH, STAND_IN, TERMINATE } from './reply.ts'
import { startRun } from './run.ts'
import { Bound, Prepared, readBind, readExecute, readNamed, readParse } from './statements.ts'

type Wait = void | Promise<void>
type Statements = Parameters<typeof startRun>[2]

/**
 * Reads what the client sends, has every operation judged, and forwards what is permitted — or a stand-in that can only fail.
 * A handler that has to wait (for the catalogue, for replies that change what names mean) returns a promise and is run again from its
 * start: it changes nothing before it is sure.
 */
export class ClientSide implements FrameSink {
  readonly #d: Dialogue
  readonly #framer: Framer
  readonly #judge: Judge

  constructor(dialogue: Dialogue) {
    this.#d = dialogue
    this.#judge = new Judge(dialogue)
    this.#framer = new Framer(this, (error) => dialogue.parts.wire.fail(toSluiceError(error)))
  }

  feed(chunk: Buffer): void {
    this.#framer.feed(chunk)
  }

  /** Lengths are checked before anything is collected (A50); the server's own bounds where it has some. */
  admit(type: number, length: number): Admission {
    const most = MESSAGE_BYTES.get(type)
    if (most === undefined) throw new SluiceError('protocol.malformed', `invalid frontend message type ${type}`)
    if (length > most) throw new SluiceError('protocol.malformed', `invalid message length ${length}`)
    return type === FRONTEND.CopyData ? 'stream' : 'whole'
  }

  message(bytes: Buffer, start: number, end: number): Wait {
    const wait = this.#message(bytes, start, end)
    if (wait) this.#d.parts.wire.park()
    return wait
  }

  resumed(): void {
    this.#d.parts.wire.unpark()
  }

  #message(bytes: Buffer, start: number, end: number): Wait {
    if (this.#d.over) return
    const type = bytes[start]!
    switch (type) {
      case FRONTEND.Terminate:
        return this.#terminate()
      case FRONTEND.Sync:
        return this.#sync(bytes, start, end)
      case FRONTEND.Flush:
        return this.#forward(bytes, start, end)
      case FRONTEND.CopyDone:
      case FRONTEND.CopyFail:
        return this.#copyEnd(bytes, start, end)
    }
    if (this.#d.copy === 'in') throw new SluiceError('protocol.malformed', `message type ${type} during COPY`)
    // The server ignores everything after an error until Sync; nothing of it is worth judging or sending.
    if (this.#d.skipping) return
    switch (type) {
      case FRONTEND.Query:
        return this.#query(bytes, start, end)
      case FRONTEND.Parse:
        return this.#parse(bytes, start, end)
      case FRONTEND.Bind:
        return this.#bind(bytes, start, end)
      case FRONTEND.Execute:
        return this.#execute(bytes, start, end)
      case FRONTEND.Describe:
        return this.#describe(bytes, start, end)
      case FRONTEND.Close:
        return this.#close(bytes, start, end)
      default:
        return this.#functionCall(bytes, start, end)
    }
  }

  #forward(bytes: Buffer, start: number, end: number): void {
    this.#d.parts.wire.toTarget(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end))
  }

  /** Waits for the next reply, then runs the handler again. In the middle of a pipeline the server must be asked to send what it has. */
  #later(again: () => Wait): Promise<void> {
    if (this.#d.queue.last?.kind !== 'sync' && this.#d.queue.last?.kind !== 'query') this.#d.parts.wire.toTarget(FLUSH)
    return this.#d.nextReply().then(() => (this.#d.over ? undefined : again()))
  }

  /** Query: String. */
  #query(bytes: Buffer, start: number, end: number): Wait {
    const reader = new ByteReader(bytes, start + 5, end)
    const text = reader.cstring()
    reader.finish()
    const again = () => this.#query(bytes, start, end)
    if (this.#d.mustWait(text)) return this.#later(again)
    const understood = this.#judge.understand(text)
    if (understood instanceof Promise) return understood.then(again)
    if (!('resolved' in understood)) return this.#refuseQuery(understood)
    const verdict = this.#judge.query(understood, text)
    if (verdict instanceof Promise)
      return verdict.then((settled) =>
        this.#sendQuery(bytes.subarray(start, end), understood.resolved.statements, settled),
      )
    return this.#sendQuery(
      start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end),
      understood.resolved.statements,
      verdict,
    )
  }

  #sendQuery(message: Buffer, statements: Statements, verdict: Verdict): void {
    if (this.#d.over) return this.#abandon(verdict)
    if (!verdict.granted) return this.#refuseQuery({ refusal: verdict })
    // A simple Query destroys the unnamed statement and the unnamed portal (A32).
    this.#d.mirror.simpleQuery()
    this.#d.queue.push({ kind: 'query', run: startRun(this.#d, verdict, statements), lexing: this.#closeLexing() })
    this.#d.parts.wire.toTarget(message)
  }

  /** The client left while people thought: what they permitted is not sent. */
  #abandon(verdict: Verdict): void {
    if (verdict.granted)
      this.#d.parts.session.settle(verdict, { status: 'cancelled', tag: 'not sent', rows: 0, bytes: 0 })
  }

  #refuseQuery(words: Words): void {
    this.#d.mirror.simpleQuery()
    this.#d.queue.push({ kind: 'query', run: undefined, lexing: this.#closeLexing(), words })
    this.#d.parts.wire.toTarget(STAND_IN.query)
  }

  #parse(bytes: Buffer, start: number, end: number): Wait {
    const { name, text, types } = readParse(bytes, start, end)
    const again = () => this.#parse(bytes, start, end)
    if (this.#d.mustWait(text) || this.#d.nameInDoubt(this.#d.mirror.getStatement(name), name))
      return this.#later(again)
    const understood = this.#judge.understand(text)
    if (understood instanceof Promise) return understood.then(again)
    const words = 'resolved' in understood ? this.#judge.prepare(understood, text) : understood
    const previous = this.#d.mirror.getStatement(name)
    if (words || !('resolved' in understood)) {
      this.#d.queue.push({ kind: 'parse', name, previous, ...(words ? { words } : {}) })
      return this.#standIn(STAND_IN.parse(name))
    }
    const prepared = new Prepared(text, understood.parsed, types)
    // The server should say that the name exists. If it does not, it knows better than we, and nobody uses the name before.
    const taken = name !== '' && previous !== undefined
    this.#d.queue.push({ kind: 'parse', name, previous, ...(taken ? { instead: prepared } : {}) })
    if (!taken) this.#d.mirror.setStatement(name, prepared)
    this.#forward(bytes, start, end)
  }

  #standIn(message: Buffer): void {
    this.#d.parts.wire.toTarget(message)
    this.#d.skipping = true
  }

  #bind(bytes: Buffer, start: number, end: number): Wait {
    const bind = readBind(bytes, start, end)
    const again = () => this.#bind(bytes, start, end)
    if (this.#d.mustWait('') || this.#d.nameInDoubt(this.#d.mirror.getPortal(bind.portal), bind.portal))
      return this.#later(again)
    if (bind.statement === '' && this.#d.queue.unnamedInDoubt('statement')) return this.#later(again)
    const bound = this.#judge.bind(bind)
    if (bound instanceof Promise) return bound.then(again)
    if (!('portal' in bound)) return this.#refuseBind(bind.portal, bound)
    const { portal, verdict } = bound
    if (!verdict) return this.#sendBind(bytes.subarray(start, end), portal)
    return verdict.then((settled) => {
      if (!settled.granted) return this.#refuseBind(bind.portal, { refusal: settled })
      portal.permit = settled
      return this.#sendBind(bytes.subarray(start, end), portal)
    })
  }

  #sendBind(message: Buffer, portal: Bound): void {
    const name = portal.bind.portal
    const previous = this.#d.mirror.getPortal(name)
    // A named portal that exists stays what it is: the server should refuse to make it anew.
    const taken = name !== '' && previous !== undefined
    this.#d.queue.push({ kind: 'bind', name, previous, portal, ...(taken ? { instead: portal } : {}) })
    if (!taken) this.#d.mirror.setPortal(name, portal)
    this.#d.parts.wire.toTarget(message)
  }

  #refuseBind(name: string, words: Words): void {
    this.#d.queue.push({ kind: 'bind', name, previous: this.#d.mirror.getPortal(name), words })
    this.#standIn(STAND_IN.other)
  }

  #execute(bytes: Buffer, start: number, end: number): Wait {
    const { portal: name } = readExecute(bytes, start, end)
    const again = () => this.#execute(bytes, start, end)
    if (this.#d.mustWait('') || (name === '' && this.#d.queue.unnamedInDoubt('portal'))) return this.#later(again)
    const executed = this.#judge.execute(name)
    if (executed instanceof Promise) return executed.then(again)
    if (!('verdict' in executed)) return this.#refuseExecute(executed)
    const { portal, statements, verdict } = executed
    const message = bytes.subarray(start, end)
    if (verdict instanceof Promise)
      return verdict.then((settled) => this.#sendExecute(message, name, portal, statements, settled))
    return this.#sendExecute(message, name, portal, statements, verdict)
  }

  #sendExecute(
    message: Buffer,
    name: string,
    portal: Bound | undefined,
    statements: Statements,
    verdict: Verdict,
  ): void {
    if (this.#d.over) return this.#abandon(verdict)
    if (!verdict.granted) return this.#refuseExecute({ refusal: verdict })
    const known = portal?.run
    const run = known ?? startRun(this.#d, verdict, statements, portal)
    if (portal) portal.run = run
    // Rows may need masking and no description was asked for: ask for one ourselves, unseen (A35).
    const described = portal && (portal.describeSent || portal.prepared.describeSent)
    if (!described && (verdict.obligations.mask.length > 0 || run.sample > 0)) {
      this.#d.queue.push({ kind: 'describe', of: portal ?? run, hidden: true })
      this.#d.parts.wire.toTarget(describePortal(name))
      if (portal) portal.describeSent = true
    }
    this.#d.queue.push({ kind: 'execute', run })
    this.#d.parts.wire.toTarget(message)
  }

  #refuseExecute(words: Words): void {
    this.#d.queue.push({ kind: 'execute', run: undefined, words })
    this.#standIn(STAND_IN.other)
  }

  #describe(bytes: Buffer, start: number, end: number): Wait {
    const { of, name } = readNamed(bytes, start, end)
    const again = () => this.#describe(bytes, start, end)
    const doubt = name === '' && this.#d.queue.unnamedInDoubt(of === 'S' ? 'statement' : 'portal')
    if (this.#d.mustWait('') || doubt) return this.#later(again)
    const described = of === 'S' ? this.#d.mirror.getStatement(name) : this.#d.mirror.getPortal(name)
    // What is described may bear values in its columns' names (B25).
    if (!described) return this.#refuseDescribe(this.#judge.unknownName(of, name))
    const ours = described instanceof Prepared || described instanceof Bound ? described : undefined
    if (ours) ours.describeSent = true
    this.#d.queue.push({ kind: 'describe', of: ours, statement: this.#judge.meaningOf(described), hidden: false })
    this.#forward(bytes, start, end)
  }

  #refuseDescribe(words: Words): void {
    this.#d.queue.push({ kind: 'describe', of: undefined, hidden: false, words })
    this.#standIn(STAND_IN.other)
  }

  #close(bytes: Buffer, start: number, end: number): Wait {
    const { of, name } = readNamed(bytes, start, end)
    if (this.#d.mustWait('')) return this.#later(() => this.#close(bytes, start, end))
    if (of === 'S') {
      this.#d.queue.push({ kind: 'close', of: 'statement', name, previous: this.#d.mirror.getStatement(name) })
      this.#d.mirror.closeStatement(name)
    } else {
      this.#d.queue.push({ kind: 'close', of: 'portal', name, previous: this.#d.mirror.getPortal(name) })
      this.#d.mirror.closePortal(name)
    }
    this.#forward(bytes, start, end)
  }

  /** FunctionCall: Int32 function oid, … No SQL text is on the wire, so nothing of it is understood (A38). */
  #functionCall(bytes: Buffer, start: number, end: number): Wait {
    const oid = new ByteReader(bytes, start + 5, end).uint32()
    if (this.#d.mustWait('')) return this.#later(() => this.#functionCall(bytes, start, end))
    const verdict = this.#judge.functionCall(oid)
    const message = bytes.subarray(start, end)
    if (verdict instanceof Promise) return verdict.then((settled) => this.#sendFunctionCall(message, settled))
    return this.#sendFunctionCall(message, verdict)
  }

  #sendFunctionCall(message: Buffer, verdict: Verdict): void {
    if (this.#d.over) return this.#abandon(verdict)
    if (!verdict.granted) return this.#refuseQuery({ refusal: verdict })
    this.#d.queue.push({ kind: 'query', run: startRun(this.#d, verdict, []), lexing: this.#closeLexing() })
    this.#d.parts.wire.toTarget(message)
  }

  #sync(bytes: Buffer, start: number, end: number): void {
    this.#d.skipping = false
    // During COPY IN the server discards Sync: no ReadyForQuery comes for it.
    if (this.#d.copy !== 'in') this.#d.queue.push({ kind: 'sync', lexing: this.#closeLexing() })
    this.#forward(bytes, start, end)
  }

  /** A ReadyForQuery is now on its way that will confirm how text is lexed after everything sent so far. */
  #closeLexing(): number {
    const { lexingOpen } = this.#d
    this.#d.lexingOpen = 0
    return lexingOpen
  }

  /** CopyData, in stretches as they come. Outside COPY the server ignores it; we drop it (A51). */
  piece(bytes: Buffer): void {
    if (this.#d.copyMayCome()) this.#d.parts.wire.toTarget(bytes)
  }

  #copyEnd(bytes: Buffer, start: number, end: number): void {
    if (!this.#d.copyMayCome()) return
    this.#forward(bytes, start, end)
    if (this.#d.copy === 'in') this.#d.copy = 'none'
    else if (this.#d.copy === 'none') this.#d.queue.push({ kind: 'copyEnd' })
  }

  #terminate(): void {
    this.#d.over = true
    this.#d.parts.wire.toTarget(TERMINATE)
    this.#d.parts.wire.finish()
  }
}
