import { sha256 } from '../../kit/digest.ts'
import { plainLine } from '../../kit/plain-line.ts'
import { SshReader } from '../../kit/ssh-wire.ts'
import type { Operation } from '../../model/operation.ts'
import type { Permit, Refusal } from '../contract.ts'
import { NAME_BYTES, VALUE_BYTES, WAITING_REQUESTS } from './channel-limits.ts'
import { MESSAGE, type Request, requestBody, STDERR } from './channel-messages.ts'
import type { ChannelPair, Flow } from './channel-pair.ts'
import type { Ends, House } from './conversation.ts'
import { CLIENT_LEFT, type Cut, TARGET_CLOSED } from './cut.ts'
import { decide, type Held } from './decide.ts'
import { InTurn } from './in-turn.ts'
import { lendOperation, shellOperation, subsystemOperation, terminalOperation, variableOperation } from './operation.ts'
import { begin, type Program } from './program.ts'
import { exitOf, refusalText } from './reply.ts'
import { CLIENT_REQUESTS, TARGET_REQUESTS, treatmentOf } from './request-table.ts'
import { scpOrder } from './scp-order.ts'
import { Surroundings } from './surroundings.ts'
import { type Cleaner, cleaner, shownRequest } from './target-text.ts'
import { readTerminal, readWindow } from './terminal.ts'
import { transferOperation } from './transfer-order.ts'
import { variableKind } from './variables.ts'

type Item = Request | Buffer | 'eof'

const NOTHING = Buffer.alloc(0)

/** A `session` channel: what a client asks for on it, in order, each request with a decision of its own (RFC 4254 §6). */
export class SessionChannel implements Flow {
  readonly #house: House
  readonly #client: Ends['client']
  readonly #target: Ends['target']
  #pair: ChannelPair | undefined
  /** What waits for a decision about an earlier request. */
  #inbox: Item[] = []
  #inboxBytes = 0
  #held: Held | undefined
  /** Answers to the client, in the order it asked. */
  readonly #replies: InTurn<boolean>
  /** What the target was asked and has not answered. */
  readonly #asked: ((granted: boolean) => void)[] = []
  #reached = false
  readonly #surroundings = new Surroundings()
  /** How words of the target are shown: as the last permit says. */
  #clean: Cleaner = plainLine
  #program: Program | undefined
  /** A program was asked for: a channel has one (RFC 4254 §6.5). */
  #started = false
  /** Its permit names a time. */
  #limited = false
  #over = false
  /** Who ended it, where the session goes on: the first to say so. */
  #ended: Cut | undefined

  constructor(house: House, ends: Ends) {
    this.#house = house
    this.#client = ends.client
    this.#target = ends.target
    this.#replies = new InTurn((granted) => this.#client.say(granted ? MESSAGE.SUCCESS : MESSAGE.FAILURE, NOTHING))
  }

  attach(pair: ChannelPair): void {
    this.#pair = pair
  }

  get holds(): boolean {
    return this.#held !== undefined || (this.#program?.holds ?? false)
  }

  get keptOfClient(): number {
    return this.#inboxBytes + (this.#program?.keptOfClient ?? 0)
  }

  get keptOfTarget(): number {
    return this.#program?.keptOfTarget ?? 0
  }

  fromClient(bytes: Buffer): void {
    this.#next(bytes)
  }
  clientRequest(request: Request): void {
    this.#next(request)
  }
  clientEof(): void {
    this.#next('eof')
  }

  #next(item: Item): void {
    if (this.#over) return
    if (!this.#held) return this.#do(item)
    if (Buffer.isBuffer(item)) this.#inboxBytes += item.length
    else if (this.#inbox.length > WAITING_REQUESTS) return this.#end()
    this.#inbox.push(item)
  }

  #do(item: Item): void {
    if (item === 'eof') this.#program?.clientEof()
    else if (Buffer.isBuffer(item)) this.#program?.fromClient(item)
    else this.#request(item)
  }

  #resume(): void {
    this.#held = undefined
    const waiting = this.#inbox
    this.#inbox = []
    this.#inboxBytes = 0
    for (const item of waiting) this.#next(item)
    this.#pair?.refillClient()
  }

  #request(request: Request): void {
    const reply = request.wantReply ? this.#replies.place() : () => {}
    switch (treatmentOf(CLIENT_REQUESTS, request.name)) {
      case 'refuse':
      case 'here':
        return this.#never(request.name, reply)
      case 'follow':
        return this.#follow(request, reply)
      case 'decide':
        if (this.#replies.size > WAITING_REQUESTS) return this.#end()
        return this.#consider(request, reply)
    }
  }

  #never(name: string, reply: (granted: boolean) => void): void {
    this.#house.session.refuse('ssh.request', `request ${name}`, name)
    reply(false)
  }

  #consider(request: Request, reply: (granted: boolean) => void): void {
    const reader = new SshReader(request.rest)
    switch (request.name) {
      case 'exec':
        return this.#start(
          request,
          this.#house.shell.read(reader.string(), 'exec', this.#surroundings.terminal !== undefined),
          reply,
        )
      case 'shell':
        return this.#start(request, shellOperation(), reply)
      case 'subsystem':
        return this.#start(request, subsystemOperation(bounded(reader.text(), NAME_BYTES)), reply)
      case 'pty-req': {
        const terminal = readTerminal(request.rest)
        if (!terminal) return this.#never(request.name, reply)
        // Clients do not wait for the answer: what they ask for next is to run on it.
        const granted = () => {
          this.#surroundings.terminal = terminal
        }
        return this.#prepare(request, terminalOperation(terminal.term), reply, granted)
      }
      case 'env':
        return this.#variable(request, reply)
      default:
        return this.#lend(request, reply)
    }
  }

  #lend(request: Request, reply: (granted: boolean) => void): void {
    const answered = (granted: boolean) => {
      if (granted) this.#house.lent.add(request.name === 'x11-req' ? 'x11' : 'auth-agent@openssh.com')
      reply(granted)
    }
    const permitted = () => this.#surroundings.lend(request.name)
    this.#prepare(request, lendOperation(request.name, request.name), answered, permitted)
  }

  #variable(request: Request, reply: (granted: boolean) => void): void {
    const reader = new SshReader(request.rest)
    const [name, value] = [reader.string(), reader.string()]
    const text = name.toString('utf8')
    const kind = variableKind(text, value, this.#house.session.resource.environment ?? [])
    const long = name.length > NAME_BYTES || value.length > VALUE_BYTES
    if (long || kind === 'refused' || this.#surroundings.full) {
      this.#house.session.refuse('ssh.variable', `env ${text.slice(0, NAME_BYTES)}`, text.slice(0, NAME_BYTES))
      return reply(false)
    }
    const plain = value.toString('latin1')
    const granted = () => this.#surroundings.set(text, plain)
    this.#prepare(request, variableOperation(text, plain, kind), reply, granted)
  }

  /** Something for the program that starts next: on the target only when it is permitted. */
  #prepare(request: Request, operation: Operation, reply: (granted: boolean) => void, permitted = () => {}): void {
    if (this.#started) return reply(false)
    const { session } = this.#house
    this.#ask(operation, {
      refused: () => reply(false),
      granted: (permit) => {
        permitted()
        this.#askTarget(request.name, request.rest, (granted) => {
          session.settle(permit, { status: granted ? 'ok' : 'error', tag: request.name, rows: 0, bytes: 0 })
          reply(granted)
        })
      },
    })
  }

  /** What may run for a time only does not run on because nobody waits for it any more. */
  #limit(): void {
    if (this.#limited && !this.#target.closed) this.#kill()
    this.#limited = false
  }

  #start(request: Request, operation: Operation, reply: (granted: boolean) => void): void {
    if (this.#started) return reply(false)
    this.#started = true
    const exec = request.name === 'exec'
    const scp = exec ? scpOrder(request.rest) : undefined
    const asked = scp?.operation ?? (exec ? transferOperation(request.rest) : undefined) ?? operation
    const bound = { ...this.#surroundings.state(), ...lineState(request, asked, operation) }
    this.#ask(asked, {
      state: () => bound,
      tell: (text) => this.#tell(text),
      refused: (refusal) => {
        reply(true)
        this.#refuse(refusal)
      },
      granted: (permit) => {
        const ends = { client: this.#client, target: this.#target }
        const parts = { house: this.#house, ends, permit, operation: asked, terminal: this.#surroundings.terminal, scp }
        const program = begin({
          ...parts,
          exit: (status, why) => this.#exit(status, why),
          refill: () => this.#pair?.refillClient(),
        })
        if (!program.granted) {
          reply(true)
          return this.#refuse(program)
        }
        this.#program = program
        this.#limited = permit.obligations.timeout_ms !== undefined
        this.#askTarget(request.name, request.rest, (granted) => {
          if (!granted) program.failed()
          reply(granted)
        })
      },
    })
  }

  #ask(
    operation: Operation,
    answers: {
      tell?: (text: string) => void
      state?: () => Readonly<Record<string, string>>
      granted: (permit: Permit) => void
      refused: (refusal: Refusal) => void
    },
  ): void {
    let waits = false
    const { session } = this.#house
    const held = decide({
      house: this.#house,
      operation,
      call: { text: operation.text, ...(answers.state && { state: answers.state }) },
      ...(answers.tell && { tell: answers.tell }),
      refused: (refusal) => {
        if (!this.#over) answers.refused(refusal)
        if (waits) this.#resume()
      },
      granted: (permit) => {
        this.#clean = cleaner(permit.obligations.mask, session)
        if (this.#over) session.settle(permit, { status: 'cancelled', tag: 'the channel closed', rows: 0, bytes: 0 })
        else answers.granted(permit)
        if (waits) this.#resume()
      },
    })
    waits = held !== undefined
    this.#held = held
  }

  /** A request about what runs: passed on where something was permitted to. */
  #follow(request: Request, reply: (granted: boolean) => void): void {
    const window = request.name === 'window-change'
    if (window ? !this.#surroundings.terminal : !this.#program) return reply(false)
    if (window) this.#program?.resized(readWindow(request.rest))
    if (!request.wantReply) this.#target.say(MESSAGE.REQUEST, requestBody(request.name, false, request.rest))
    else this.#askTarget(request.name, request.rest, reply)
  }

  #askTarget(name: string, rest: Buffer, answered: (granted: boolean) => void): void {
    this.#asked.push(answered)
    if (!this.#reached && this.#pair) {
      this.#reached = true
      this.#house.reach('target', this.#pair, { type: 'session', failed: (_, why) => this.#unreached(why) })
    }
    this.#target.say(MESSAGE.REQUEST, requestBody(name, true, rest))
  }

  #unreached(why: string): void {
    for (const answered of this.#asked.splice(0)) answered(false)
    this.#exit(255, `sluice: the target opened no channel: ${this.#clean(why)}\n`)
  }

  clientReply(): void {}

  targetReply(granted: boolean): void {
    this.#asked.shift()?.(granted)
  }

  targetRequest(request: Request): void {
    const treatment = treatmentOf(TARGET_REQUESTS, request.name)
    if (treatment === 'follow' && this.#program) {
      const shown = shownRequest(request, this.#clean)
      this.#program.said(shown)
      this.#client.say(MESSAGE.REQUEST, requestBody(shown.name, false, shown.rest))
    }
    if (request.wantReply) this.#target.say(MESSAGE.FAILURE, NOTHING)
  }

  fromTarget(bytes: Buffer, type: number): void {
    this.#program?.fromTarget(bytes, type)
  }

  targetEof(): void {
    this.#ended ??= TARGET_CLOSED
    this.#program?.targetEof()
    this.#client.eof()
  }

  clientClosed(): void {
    this.#ended ??= CLIENT_LEFT
    this.#held?.withdraw()
    this.#client.close()
    this.#limit()
    if (this.#reached) this.#target.abandon()
    else this.#target.closed = true
    this.#over = true
  }

  targetClosed(): void {
    this.#ended ??= TARGET_CLOSED
    this.#program?.targetEof()
    this.#client.close()
    this.#target.close()
  }

  over(): void {
    this.#over = true
    const { cut } = this.#house
    this.#held?.withdraw(cut?.tag)
    this.#limit()
    this.#program?.over(cut ?? this.#ended ?? TARGET_CLOSED)
    this.#program = undefined
  }

  /** The session ends from outside: what runs is asked to stop, and the client is told. */
  stop(why: string): void {
    this.#held?.withdraw(this.#house.cut?.tag)
    this.#kill()
    this.#tell(`sluice: ${why}\n`)
    this.#end()
  }

  /** A closed channel alone ends nothing that does not read or write (RFC 4254 §6.9). */
  #kill(): void {
    if (this.#program) this.#target.urge(MESSAGE.REQUEST, requestBody('signal', false, SIGNAL_KILL))
  }

  #refuse(refusal: Refusal): void {
    this.#exit(exitOf(refusal), refusalText(refusal))
  }

  /** Ends the channel as a program does that ends with `status`. */
  #exit(status: number, text: string): void {
    this.#kill()
    this.#tell(text)
    const code = Buffer.allocUnsafe(4)
    code.writeUInt32BE(status)
    this.#client.say(MESSAGE.REQUEST, requestBody('exit-status', false, code))
    this.#end()
  }

  #end(): void {
    this.#client.close()
    if (this.#reached) this.#target.abandon()
    else this.#target.closed = true
    this.#over = true
    this.#pair?.settle()
  }

  /** A line to whoever sits there; on a terminal lines end with CR LF. */
  #tell(text: string): void {
    this.#client.write(Buffer.from(this.#surroundings.terminal ? text.replaceAll('\n', '\r\n') : text), STDERR)
  }
}

const SIGNAL_KILL = Buffer.from('\0\0\0\x04KILL', 'latin1')

/** What the operation's text does not say of the line: all of it, where it is told as a transfer; its bytes, where they are no text. */
function lineState({ name, rest }: Request, asked: Operation, read: Operation): Record<string, string> {
  if (name !== 'exec') return {}
  const line = new SshReader(rest).string()
  const bytes = Buffer.from(read.text).equals(line) ? undefined : sha256(line)
  return { ...(asked.text !== read.text && { line: JSON.stringify(read.text) }), ...(bytes && { bytes }) }
}

function bounded(text: string, most: number): string {
  return text.length > most ? text.slice(0, most) : text
}
