import { ByteReader } from '../../kit/bytes.ts'
import { SluiceError, toSluiceError } from '../../kit/errors.ts'
import type { PreparedStatement } from '../../sql/postgres.ts'
import type { Verdict } from '../contract.ts'
import { type Admission, FRONTEND, Framer, type FrameSink } from './codec.ts'
import { CopyGuard } from './copy-guard.ts'
import type { Dialogue } from './dialogue.ts'
import type { Words } from './exchange.ts'
import { Judge } from './judge.ts'
import { EXCHANGES, MESSAGE_BYTES } from './limits.ts'
import { Outbound } from './outbound.ts'
import { describePortal, FLUSH, STAND_IN, TERMINATE } from './reply.ts'
import { forwarded, startRun } from './run.ts'
import { Bound, Prepared, readBind, readExecute, readNamed, readParse } from './statements.ts'

type Wait = void | Promise<void>
const MOST_BYTES: readonly (number | undefined)[] = Array.from({ length: 256 }, (_, type) => MESSAGE_BYTES.get(type))
/** Where a message of the client stands. */
interface Place {
  readonly bytes: Buffer
  readonly start: number
  readonly end: number
}
type Statements = Parameters<typeof startRun>[2]
interface PortalPlace extends Place {
  readonly name: string
  readonly portal: Bound | undefined
  readonly statements: Statements
}

/**
 * Reads what the client sends, has every operation judged, and forwards what is permitted — or a stand-in that can only fail.
 * A handler that has to wait (for the catalogue, for replies that change what names mean) returns a promise and is run again from its
 * start: it changes nothing before it is sure.
 */
export class ClientSide implements FrameSink {
  readonly #d: Dialogue
  readonly #framer: Framer
  readonly #judge: Judge
  readonly #out: Outbound
  readonly #copyGuard: CopyGuard
  /** Whether the CopyData message that is on its way is passed on: decided at its header, for all of it. */
  #passing = false

  constructor(dialogue: Dialogue) {
    this.#d = dialogue
    this.#judge = new Judge(dialogue)
    this.#out = new Outbound(dialogue.parts.wire)
    this.#copyGuard = new CopyGuard(dialogue)
    this.#framer = new Framer(this, (error) => dialogue.parts.wire.fail(toSluiceError(error)))
  }

  feed(chunk: Buffer): void {
    this.#framer.feed(chunk)
    this.#out.release()
  }

  /** Lengths are checked before anything is collected (A50); the server's own bounds where it has some. */
  admit(type: number, length: number): Admission {
    const most = MOST_BYTES[type]
    if (most === undefined) throw new SluiceError('protocol.malformed', `invalid frontend message type ${type}`)
    if (length > most) throw new SluiceError('protocol.malformed', `invalid message length ${length}`)
    return type === FRONTEND.CopyData ? 'stream' : 'whole'
  }

  message(bytes: Buffer, start: number, end: number): Wait {
    const wait = this.#message(bytes, start, end)
    if (wait) {
      this.#out.release()
      this.#d.parts.wire.park()
    }
    return wait
  }

  resumed(): void {
    this.#out.release()
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
        return this.#out.forwardAtOnce(bytes, start, end)
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

  /** Waits for the next reply, then runs the handler again. In the middle of a pipeline the server must be asked, once, to send what it has. */
  #later(bytes: Buffer, start: number, end: number): Promise<void> {
    if (this.#out.unflushed) this.#out.sendAtOnce(FLUSH)
    return this.#after(this.#d.nextReply(), bytes, start, end)
  }

  /** Runs a handler again from the top: the client may have left since, or the server given up on this batch. */
  #after(event: Promise<void>, bytes: Buffer, start: number, end: number): Promise<void> {
    return event.then(() => this.#message(bytes, start, end))
  }

  /**
   * False when the client left while people thought, or the server gave up on this batch and ignores all up to its Sync: then what they
   * permitted is not sent.
   */
  #stillWanted(verdict: Verdict): boolean {
    const { over, skipping, copy, parts } = this.#d
    if (!over && !skipping && copy !== 'in') return true
    if (verdict.granted) parts.session.settle(verdict, { status: 'cancelled', tag: 'not sent', rows: 0, bytes: 0 })
    if (copy === 'in' && !over) throw new SluiceError('protocol.malformed', 'a message during COPY')
    return false
  }

  /** Query: String. */
  #query(bytes: Buffer, start: number, end: number): Wait {
    const reader = new ByteReader(bytes, start + 5, end)
    const text = reader.cstring()
    reader.finish()
    if (this.#d.mustWait(text)) return this.#later(bytes, start, end)
    const understood = this.#judge.understand(text)
    if (understood instanceof Promise) return this.#after(understood, bytes, start, end)
    if (!('resolved' in understood)) return this.#refuseQuery(understood)
    const verdict = this.#judge.query(understood, text)
    if (verdict instanceof Promise)
      return verdict.then((settled) => this.#sendQuery({ bytes, start, end }, understood.resolved.statements, settled))
    return this.#sendQuery({ bytes, start, end }, understood.resolved.statements, verdict)
  }

  #sendQuery({ bytes, start, end }: Place, statements: Statements, verdict: Verdict): void {
    if (!this.#stillWanted(verdict)) return
    if (!verdict.granted) return this.#refuseQuery({ refusal: verdict })
    const run = startRun(this.#d, verdict, statements)
    forwarded(this.#d, run)
    this.#d.queue.push({ kind: 'query', run, lexing: this.#closeLexing(), previous: this.#unnamedLost() })
    this.#d.watch()
    this.#out.forwardAtOnce(bytes, start, end)
  }

  /**
   * A simple Query destroys the unnamed statement and portal (A32). Returns the statement, in case the Query is skipped. One that fails leaves
   * a portal behind that PostgreSQL (15 and 18 were tried) may crash on: nobody gets to use it.
   */
  #unnamedLost(): PreparedStatement | undefined {
    const previous = this.#d.mirror.getStatement('')
    this.#d.mirror.closeStatement('')
    this.#d.mirror.closePortal('')
    return previous
  }

  #refuseQuery(words: Words): void {
    const previous = this.#unnamedLost()
    this.#d.queue.push({ kind: 'query', run: undefined, lexing: this.#closeLexing(), previous, words })
    this.#out.sendAtOnce(STAND_IN.query)
  }

  #parse(bytes: Buffer, start: number, end: number): Wait {
    const { name, text, types } = readParse(bytes, start, end)
    if (this.#d.mustWait(text) || this.#d.nameInDoubt(this.#d.mirror.getStatement(name), name))
      return this.#later(bytes, start, end)
    const understood = this.#judge.understand(text)
    if (understood instanceof Promise) return this.#after(understood, bytes, start, end)
    const words = 'resolved' in understood ? this.#judge.prepare(understood, text) : understood
    const previous = this.#d.mirror.getStatement(name)
    if (words || !('resolved' in understood)) {
      this.#d.queue.push({ kind: 'parse', name, previous, ...(words ? { words } : {}) })
      return this.#standIn(STAND_IN.parse(name))
    }
    const prepared = new Prepared(text, understood.parsed, types)
    // The server should say that the name exists. If it does not, it knows better than we, and nobody uses the name before.
    const taken = name !== '' && previous !== undefined
    if (taken) this.#d.queue.push({ kind: 'parse', name, previous, instead: prepared })
    else this.#d.queue.push({ kind: 'parse', name, previous })
    if (!taken) this.#d.mirror.setStatement(name, prepared)
    this.#out.forward(bytes, start, end)
  }

  #standIn(message: Buffer): void {
    this.#out.send(message)
    this.#d.skipping = true
  }

  #bind(bytes: Buffer, start: number, end: number): Wait {
    const bind = readBind(bytes, start, end)
    if (this.#d.mustWait('') || this.#d.nameInDoubt(this.#d.mirror.getPortal(bind.portal), bind.portal))
      return this.#later(bytes, start, end)
    if (bind.statement === '' && this.#d.queue.unnamedInDoubt('statement')) return this.#later(bytes, start, end)
    const bound = this.#judge.bind(bind)
    if (bound instanceof Promise) return this.#after(bound, bytes, start, end)
    if (!('portal' in bound)) return this.#refuseBind(bind.portal, bound)
    const { portal, verdict } = bound
    if (!verdict) return this.#sendBind({ bytes, start, end }, portal)
    return verdict.then((settled) => {
      if (!this.#stillWanted(settled)) return
      if (!settled.granted) return this.#refuseBind(bind.portal, { refusal: settled })
      portal.permit = settled
      return this.#sendBind({ bytes, start, end }, portal)
    })
  }

  #sendBind({ bytes, start, end }: Place, portal: Bound): void {
    const name = portal.bind.portal
    const previous = this.#d.mirror.getPortal(name)
    // A named portal that exists stays what it is: the server should refuse to make it anew.
    const taken = name !== '' && previous !== undefined
    if (taken) this.#d.queue.push({ kind: 'bind', name, previous, portal, instead: portal })
    else this.#d.queue.push({ kind: 'bind', name, previous, portal })
    if (!taken) this.#d.mirror.setPortal(name, portal)
    if (portal.permit) this.#d.resting.add(portal)
    this.#out.forward(bytes, start, end)
  }

  #refuseBind(name: string, words: Words): void {
    this.#d.queue.push({ kind: 'bind', name, previous: this.#d.mirror.getPortal(name), words })
    this.#standIn(STAND_IN.other)
  }

  #execute(bytes: Buffer, start: number, end: number): Wait {
    const { portal: name } = readExecute(bytes, start, end)
    if (this.#d.mustWait('') || (name === '' && this.#d.queue.unnamedInDoubt('portal')))
      return this.#later(bytes, start, end)
    const executed = this.#judge.execute(name)
    if (executed instanceof Promise) return this.#after(executed, bytes, start, end)
    if (!('verdict' in executed)) return this.#refuseExecute(executed)
    const { portal, statements, verdict } = executed
    const execute = { bytes, start, end, name, portal, statements }
    if (verdict instanceof Promise) return verdict.then((settled) => this.#sendExecute(execute, settled))
    return this.#sendExecute(execute, verdict)
  }

  #sendExecute({ bytes, start, end, name, portal, statements }: PortalPlace, verdict: Verdict): void {
    if (!this.#stillWanted(verdict)) return
    if (!verdict.granted) return this.#refuseExecute({ refusal: verdict })
    const run = portal?.run?.running ? portal.run : startRun(this.#d, verdict, statements, portal)
    if (portal) {
      portal.run = run
      portal.permit = undefined
      this.#d.resting.delete(portal)
    }
    // Rows may need masking and no description was asked for: ask for one ourselves, unseen (A35).
    const { batch } = this.#d
    const described = portal?.description.precedes(batch) || portal?.prepared.description.precedes(batch)
    if (!described && (verdict.obligations.mask.length > 0 || run.sample > 0)) {
      const { description } = run
      description.ask(batch)
      this.#d.queue.push({ kind: 'describe', of: description, ours: portal, hidden: true })
      this.#out.send(describePortal(name))
    }
    forwarded(this.#d, run)
    this.#d.queue.push({ kind: 'execute', run })
    this.#d.watch()
    this.#out.forward(bytes, start, end)
  }

  #refuseExecute(words: Words): void {
    this.#d.queue.push({ kind: 'execute', run: undefined, words })
    this.#standIn(STAND_IN.other)
  }

  #describe(bytes: Buffer, start: number, end: number): Wait {
    const { of, name } = readNamed(bytes, start, end)
    const doubt = name === '' && this.#d.queue.unnamedInDoubt(of === 'S' ? 'statement' : 'portal')
    if (this.#d.mustWait('') || doubt) return this.#later(bytes, start, end)
    const described = of === 'S' ? this.#d.mirror.getStatement(name) : this.#d.mirror.getPortal(name)
    // What is described may bear values in its columns' names (B25).
    if (!described) return this.#refuseDescribe(this.#judge.unknownName(of, name))
    const ours = described instanceof Prepared || described instanceof Bound ? described : undefined
    ours?.description.ask(this.#d.batch)
    const statement = this.#judge.meaningOf(described)
    this.#d.queue.push({ kind: 'describe', of: ours?.description, ours, statement, hidden: false })
    this.#out.forward(bytes, start, end)
  }

  #refuseDescribe(words: Words): void {
    this.#d.queue.push({ kind: 'describe', of: undefined, hidden: false, words })
    this.#standIn(STAND_IN.other)
  }

  #close(bytes: Buffer, start: number, end: number): Wait {
    const { of, name } = readNamed(bytes, start, end)
    if (this.#d.mustWait('')) return this.#later(bytes, start, end)
    if (of === 'S') {
      this.#d.queue.push({ kind: 'close', of: 'statement', name, previous: this.#d.mirror.getStatement(name) })
      this.#d.mirror.closeStatement(name)
    } else {
      this.#d.queue.push({ kind: 'close', of: 'portal', name, previous: this.#d.mirror.getPortal(name) })
      this.#d.mirror.closePortal(name)
    }
    this.#out.forward(bytes, start, end)
  }

  /** FunctionCall: Int32 function oid, … No SQL text is on the wire, so nothing of it is understood (A38). */
  #functionCall(bytes: Buffer, start: number, end: number): Wait {
    const oid = new ByteReader(bytes, start + 5, end).uint32()
    if (this.#d.mustWait('')) return this.#later(bytes, start, end)
    const verdict = this.#judge.functionCall(oid)
    const place = { bytes, start, end }
    if (verdict instanceof Promise) return verdict.then((settled) => this.#sendFunctionCall(place, settled))
    return this.#sendFunctionCall(place, verdict)
  }

  #sendFunctionCall({ bytes, start, end }: Place, verdict: Verdict): void {
    if (!this.#stillWanted(verdict)) return
    if (!verdict.granted) return this.#refuseQuery({ refusal: verdict })
    const run = startRun(this.#d, verdict, [])
    forwarded(this.#d, run)
    this.#d.queue.push({ kind: 'query', run, lexing: this.#closeLexing() })
    this.#d.watch()
    this.#out.forwardAtOnce(bytes, start, end)
  }

  #sync(bytes: Buffer, start: number, end: number): Wait {
    if (this.#d.queue.length > EXCHANGES) return this.#later(bytes, start, end)
    this.#d.skipping = false
    // During COPY IN the server discards Sync: no ReadyForQuery comes for it.
    this.#d.batch++
    if (this.#d.copy !== 'in') this.#d.queue.push({ kind: 'sync', lexing: this.#closeLexing(), spent: false })
    this.#out.forwardAtOnce(bytes, start, end)
  }

  /** A ReadyForQuery is now on its way that will confirm how text is lexed after everything sent so far. */
  #closeLexing(): number {
    const { lexingOpen } = this.#d
    this.#d.lexingOpen = 0
    return lexingOpen
  }

  /**
   * CopyData, in stretches as they come. Outside COPY the server ignores it; we drop it (A51). A message whose header has left must leave
   * whole, also when the COPY fails in its midst: the server would read what comes next as the rest of it.
   */
  piece(bytes: Buffer, first: boolean): void {
    if (first) this.#passing = !this.#d.over && this.#d.copyMayCome
    if (!this.#passing) return
    const fate = this.#d.copy === 'both' || !this.#d.masks ? 'pass' : this.#copyGuard.look(bytes, first)
    if (fate === 'pass') this.#out.pass(bytes)
    else {
      this.#passing = false
      if (fate === 'fail') this.#failCopy(this.#copyGuard.fail(!first, bytes.length))
    }
  }

  #failCopy(messages: readonly Buffer[]): void {
    for (const message of messages) this.#out.pass(message)
    this.#copyEnded()
  }

  #copyEnd(bytes: Buffer, start: number, end: number): void {
    if (!this.#d.copyMayCome || this.#copyGuard.failed) return
    this.#out.forward(bytes, start, end)
    this.#copyEnded()
  }

  #copyEnded(): void {
    if (this.#d.copy === 'in') this.#d.copy = 'none'
    // A second one in a row finds no COPY to end.
    else if (this.#d.copy !== 'both' && this.#d.queue.last?.kind !== 'copyEnd') this.#d.queue.push({ kind: 'copyEnd' })
  }

  #terminate(): void {
    this.#out.sendAtOnce(TERMINATE)
    this.#d.end()
    this.#d.parts.wire.finish()
  }
}
