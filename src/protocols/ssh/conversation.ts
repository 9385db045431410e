import type { Client, Connection } from 'ssh2'
import { type SluiceError, toSluiceError } from '../../kit/errors.ts'
import { plainLine } from '../../kit/plain-line.ts'
import { type Shell, shellFor } from '../../shell/shell.ts'
import type { Session } from '../contract.ts'
import { ChannelEnd } from './channel-end.ts'
import {
  CHANNELS,
  GOODBYE_MS,
  PACKET_LEAST_BYTES,
  WINDOW_BYTES,
  WINDOW_LEAST_BYTES,
  WINDOWS_BYTES,
} from './channel-limits.ts'
import {
  MESSAGE,
  OPEN_REASON,
  type OpenRequest,
  openConfirmation,
  openFailure,
  openMessage,
  readConfirmation,
  readOpen,
  readOpenFailure,
  recipientOf,
} from './channel-messages.ts'
import { ChannelPair, type Flow } from './channel-pair.ts'
import { CLIENT_LEFT, type Cut } from './cut.ts'
import type { Deciding } from './decide.ts'
import { Forwards } from './forward.ts'
import { GlobalRequests } from './global-requests.ts'
import { PacketLine } from './packet-line.ts'
import { CLIENT_CHANNELS, TARGET_CHANNELS, treatmentOf } from './request-table.ts'
import { SessionChannel } from './session-channel.ts'

export interface ConversationParts {
  /** The client's connection. Not yet told that it is authenticated: handlers attached in this call miss nothing. */
  readonly client: Connection
  /** Our authenticated connection to the target. */
  readonly target: Client
  readonly session: Session
}

/** Serves the client's channels until either side leaves or the session ends. Rejects for an error of our own only; both sides are closed by then. */
export function converse(parts: ConversationParts): Promise<void> {
  return new Promise((resolve, reject) => new Conversation(parts, (broken) => (broken ? reject(broken) : resolve())))
}

/** RFC 4253 §11.1. */
const BY_APPLICATION = 11
const PROTOCOL_ERROR = 2
const TOO_SMALL = `sluice: a packet of ${PACKET_LEAST_BYTES} bytes at least must be taken`

/** What the parts of a conversation need of it. */
export interface House extends Deciding {
  readonly shell: Shell
  readonly client: PacketLine
  readonly target: PacketLine
  /** Channel types the target may open, for the client has lent it its agent or its screen. */
  readonly lent: Set<string>
  /** Why what is under way is cut off; undefined while the session goes on. */
  readonly cut: Cut | undefined
  /** A new pair; undefined when there are too many. `flowOf` is given its ends. */
  pair(flowOf: (ends: Ends) => Flow): ChannelPair | undefined
  /** Tells the side that asked that its channel is open. */
  confirm(side: 'client' | 'target', pair: ChannelPair, from: OpenRequest): void
  /** Opens the other half of a pair; `opened` or `failed` is told. */
  reach(side: 'client' | 'target', pair: ChannelPair, open: Reach): void
}

export interface Ends {
  readonly client: ChannelEnd
  readonly target: ChannelEnd
}

export interface Reach {
  readonly type: string
  readonly rest?: Buffer
  readonly opened?: () => void
  readonly failed: (reason: number, description: string) => void
}

class Conversation implements House {
  readonly session: Session
  readonly client: PacketLine
  readonly target: PacketLine
  readonly lent = new Set<string>()
  readonly #done: (broken?: SluiceError) => void
  readonly #pairs = new Map<number, ChannelPair>()
  /** Pairs whose other half is being opened. */
  readonly #reaching = new Map<string, Reach>()
  readonly #globals: GlobalRequests
  readonly #forwards: Forwards
  #next = 0
  #windows = 0
  #over = false
  #cut: Cut | undefined

  constructor(parts: ConversationParts, done: (broken?: SluiceError) => void) {
    this.#done = done
    this.session = parts.session
    this.client = new PacketLine(parts.client)
    this.target = new PacketLine(parts.target)
    this.#globals = new GlobalRequests(this)
    this.#forwards = new Forwards(this, this.#globals)
    this.#listen(this.client, 'client')
    this.#listen(this.target, 'target')
    // The library's word for it may be the target's own: it is not passed on.
    let ending = 'the target closed the connection'
    parts.target.on('error', () => {
      ending = 'the target broke the protocol, or its connection was lost'
    })
    // An end is enough: half of a connection carries nothing that could be answered.
    for (const event of ['end', 'close'] as const) {
      parts.client.on(event, () => {
        this.#cut ??= CLIENT_LEFT
        this.#end(undefined, 'the client left')
      })
      parts.target.on(event, () => this.#targetLeft(ending))
    }
    const { ended } = this.session
    if (ended.aborted) this.#stop()
    else ended.addEventListener('abort', () => this.#stop(), { once: true })
  }

  /** Whoever ended the session said so before any connection ended with it. */
  get cut(): Cut | undefined {
    const { ended } = this.session
    return ended.aborted ? { tag: toSluiceError(ended.reason).code, sudden: true } : this.#cut
  }

  /** Reads command lines by the policy in force now. */
  get shell(): Shell {
    return shellFor(this.session.commands())
  }

  run(step: () => void): void {
    if (this.#over) return
    try {
      step()
    } catch (thrown) {
      this.#broken('client', thrown)
    }
  }

  #listen(line: PacketLine, side: 'client' | 'target'): void {
    const other = side === 'client' ? () => this.target : () => this.client
    line.receive = (message) => {
      if (this.#over) return
      try {
        this.#take(side, message)
      } catch (thrown) {
        this.#broken(side, thrown)
      }
      // Whoever makes the other side pile up what it cannot refuse is not read until it is gone.
      if (other().overrun) line.pause()
    }
    line.room = () =>
      this.run(() => {
        for (const pair of this.#pairs.values()) pair[side].flush()
        if (!line.overrun) other().resume()
      })
  }

  #take(side: 'client' | 'target', message: Buffer): void {
    const type = message[0]!
    switch (type) {
      case MESSAGE.GLOBAL_REQUEST:
        return side === 'client' ? this.#globals.fromClient(message) : this.#globals.fromTarget(message)
      case MESSAGE.OPEN:
        return side === 'client' ? this.#clientOpens(readOpen(message)) : this.#targetOpens(readOpen(message))
      case MESSAGE.OPEN_CONFIRMATION:
        return this.#confirmed(side, message)
      case MESSAGE.OPEN_FAILURE:
        return this.#failed(side, message)
      default: {
        if (type < MESSAGE.OPEN || type > MESSAGE.FAILURE) return
        const pair = this.#pairs.get(recipientOf(message))
        if (!pair) return
        if (side === 'client') pair.fromClient(type, message)
        else pair.fromTarget(type, message)
      }
    }
  }

  #clientOpens(open: OpenRequest): void {
    const refuse = (reason: number, why: string) => this.client.send(openFailure(open.sender, reason, why))
    if (treatmentOf(CLIENT_CHANNELS, open.type) === 'refuse') {
      this.session.refuse('ssh.channel', `channel ${open.type}`, open.type)
      return refuse(OPEN_REASON.UNKNOWN_TYPE, 'sluice: this channel type is not known here')
    }
    if (open.packet < PACKET_LEAST_BYTES) return refuse(OPEN_REASON.SHORTAGE, TOO_SMALL)
    if (open.type !== 'session') return this.#forwards.clientOpens(open, refuse)
    if (this.#globals.noMoreSessions) return refuse(OPEN_REASON.PROHIBITED, 'no more sessions')
    const pair = this.pair((ends) => new SessionChannel(this, ends))
    if (!pair) return refuse(OPEN_REASON.SHORTAGE, 'sluice: too many channels')
    const channel = pair.flow as SessionChannel
    channel.attach(pair)
    this.confirm('client', pair, open)
  }

  #targetOpens(open: OpenRequest): void {
    const refuse = (reason: number, why: string) => this.target.send(openFailure(open.sender, reason, why))
    if (treatmentOf(TARGET_CHANNELS, open.type) === 'refuse') {
      this.session.refuse('ssh.channel', `channel ${open.type} of the target`, open.type)
      return refuse(OPEN_REASON.UNKNOWN_TYPE, '')
    }
    if (open.packet < PACKET_LEAST_BYTES) return refuse(OPEN_REASON.SHORTAGE, TOO_SMALL)
    this.#forwards.targetOpens(open, refuse)
  }

  pair(flowOf: (ends: Ends) => Flow): ChannelPair | undefined {
    if (this.#pairs.size >= CHANNELS) return undefined
    const window = Math.max(WINDOW_LEAST_BYTES, Math.min(WINDOW_BYTES, (WINDOWS_BYTES - this.#windows) / 4) | 0)
    this.#windows += window
    const id = this.#next
    this.#next = (this.#next + 1) % 0xffffffff
    const ends = { client: new ChannelEnd(this.client, id, window), target: new ChannelEnd(this.target, id, window) }
    const pair = new ChannelPair(ends, flowOf(ends), () => {
      this.#pairs.delete(id)
      this.#windows -= window
    })
    this.#pairs.set(id, pair)
    return pair
  }

  confirm(side: 'client' | 'target', pair: ChannelPair, { sender, window, packet }: OpenRequest): void {
    this[side].send(openConfirmation(sender, pair[side].id, pair[side].granted))
    pair[side].open(sender, window, packet)
  }

  reach(side: 'client' | 'target', pair: ChannelPair, reach: Reach): void {
    const end = pair[side]
    this.#reaching.set(`${side} ${end.id}`, reach)
    this[side].send(openMessage(reach.type, end.id, end.granted, reach.rest))
  }

  #confirmed(side: 'client' | 'target', message: Buffer): void {
    const key = `${side} ${recipientOf(message)}`
    const reach = this.#reaching.get(key)
    const pair = this.#pairs.get(recipientOf(message))
    this.#reaching.delete(key)
    if (!reach || !pair) return
    const { sender, window, packet } = readConfirmation(message)
    const fits = packet >= PACKET_LEAST_BYTES
    pair[side].open(sender, fits ? window : 0, packet)
    if (fits) return reach.opened?.()
    reach.failed(OPEN_REASON.CONNECT_FAILED, TOO_SMALL)
    pair[side].abandon()
  }

  #failed(side: 'client' | 'target', message: Buffer): void {
    const key = `${side} ${recipientOf(message)}`
    const reach = this.#reaching.get(key)
    const pair = this.#pairs.get(recipientOf(message))
    this.#reaching.delete(key)
    if (!reach || !pair) return
    pair[side].closed = true
    const { reason, text } = readOpenFailure(message)
    reach.failed(reason, text)
    pair.settle()
  }

  #targetLeft(text: string): void {
    if (this.#over) return
    this.#cut ??= { tag: 'target.left', sudden: true }
    const { ended } = this.session
    // The session's own end is on record with its reason; this one would not be.
    if (!ended.aborted) this.session.note({ kind: 'notice', text: `target.left: ${text}` })
    this.#end(undefined, ended.aborted ? toSluiceError(ended.reason).safeMessage : text)
  }

  /** The session ends from outside: everybody is told why, and what runs is stopped. */
  #stop(): void {
    if (this.#over) return
    const why = toSluiceError(this.session.ended.reason)
    for (const pair of this.#pairs.values()) if (pair.flow instanceof SessionChannel) pair.flow.stop(why.safeMessage)
    setTimeout(() => this.#end(undefined, why.safeMessage), GOODBYE_MS)
  }

  #broken(side: 'client' | 'target', thrown: unknown): void {
    const why = toSluiceError(thrown)
    const ours = why.code === 'internal'
    const text = ours ? why.safeMessage : `the ${side} broke the protocol: ${why.detail}`
    this.#cut ??= { tag: ours ? why.code : `the ${side} broke the protocol`, sudden: true }
    this.session.note({ kind: 'notice', text })
    this[side].close(PROTOCOL_ERROR, plainLine(text))
    // What was wrong in the target's words is for the record.
    this.#end(ours ? why : undefined, ours || side === 'client' ? text : 'the target broke the protocol')
  }

  #end(broken: SluiceError | undefined, text: string): void {
    if (this.#over) return
    this.#over = true
    let why = broken
    for (const pair of this.#pairs.values()) {
      pair.client.closed = pair.target.closed = true
      try {
        pair.flow.over()
      } catch (thrown) {
        why ??= toSluiceError(thrown)
      }
    }
    this.#pairs.clear()
    this.#forwards.over()
    this.client.close(BY_APPLICATION, plainLine(`sluice: ${text}`))
    this.target.close(BY_APPLICATION, '')
    this.#done(why)
  }
}
