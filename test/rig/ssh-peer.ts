import { type EventEmitter, once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import { createServer } from 'node:net'
import ssh2, { type Client, type Connection } from 'ssh2'
import { Ed25519Key } from '../../src/kit/ssh-key.ts'
import { sshString, sshUint32 } from '../../src/kit/ssh-wire.ts'
import {
  channelMessage,
  globalRequest,
  MESSAGE,
  openConfirmation,
  openMessage,
  readData,
  readOpen,
  readRequest,
  recipientOf,
  requestBody,
} from '../../src/protocols/ssh/channel-messages.ts'
import { PacketLine } from '../../src/protocols/ssh/packet-line.ts'
import type { SshGateway } from './ssh-gateway.ts'

/** A message that came, by what it says. */
export interface Heard {
  readonly type: number
  readonly channel: number
  readonly name?: string
  readonly bytes?: Buffer
  readonly message: Buffer
}

interface Inside {
  readonly _protocol: { readonly _handlers: { DISCONNECT: (protocol: unknown, reason: number, text: string) => void } }
}

/** A peer that says what it is told to say: messages of the connection protocol, one by one. */
export class RawPeer implements AsyncDisposable {
  readonly line: PacketLine
  /** For a test that ends the connection in its own way. */
  readonly socket: Socket
  readonly heard: Heard[] = []
  readonly #end: () => void
  #next = 0
  #waiting: (() => void)[] = []
  closed = false

  readonly #connection: EventEmitter

  constructor(end: Client | Connection, close: () => void) {
    this.#connection = end
    this.line = new PacketLine(end)
    this.socket = (end as unknown as { readonly _sock: Socket })._sock
    this.#end = close
    this.line.receive = (message) => this.#hear(message)
    end.on('close', () => {
      this.closed = true
      this.#wake()
    })
    end.on('error', () => {})
  }

  #hear(message: Buffer): void {
    const type = message[0]!
    const channel = message.length >= 5 ? recipientOf(message) : -1
    const carried = type === MESSAGE.DATA || type === MESSAGE.EXTENDED_DATA ? readData(message) : undefined
    const name =
      type === MESSAGE.REQUEST
        ? readRequest(message, 5).name
        : type === MESSAGE.GLOBAL_REQUEST
          ? readRequest(message, 1).name
          : type === MESSAGE.OPEN
            ? readOpen(message).type
            : undefined
    this.heard.push({ type, channel, message, ...(name && { name }), ...(carried && { bytes: carried.bytes }) })
    this.#wake()
  }

  /** The first message that fits, heard already or to come. */
  async until(fits: (heard: Heard) => boolean): Promise<Heard> {
    for (;;) {
      const found = this.heard.find(fits)
      if (found) return found
      if (this.closed) throw new Error('the connection ended first')
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake()
  }

  /** Opens a channel: the peer's number for it, or the reason it gives. */
  async open(
    type: string,
    rest: Buffer = Buffer.alloc(0),
    window = 1 << 20,
  ): Promise<{ ours: number; theirs: number } | number> {
    const ours = this.#next++
    this.line.send(openMessage(type, ours, window, rest))
    const answer = await this.until(
      ({ type: is, channel }) => channel === ours && (is === MESSAGE.OPEN_CONFIRMATION || is === MESSAGE.OPEN_FAILURE),
    )
    const number = answer.message.readUInt32BE(5)
    return answer.type === MESSAGE.OPEN_FAILURE ? number : { ours, theirs: number }
  }

  say(type: number, channel: number, rest?: Buffer): void {
    this.line.send(channelMessage(type, channel, rest))
  }

  /** Whether a channel's request is granted. One at a time. */
  async request(
    channel: { ours: number; theirs: number },
    name: string,
    rest: Buffer = Buffer.alloc(0),
  ): Promise<boolean> {
    const from = this.heard.length
    this.say(MESSAGE.REQUEST, channel.theirs, requestBody(name, true, rest))
    const answer = await this.until(
      (heard) =>
        this.heard.indexOf(heard) >= from &&
        heard.channel === channel.ours &&
        (heard.type === MESSAGE.SUCCESS || heard.type === MESSAGE.FAILURE),
    )
    return answer.type === MESSAGE.SUCCESS
  }

  global(name: string, rest: Buffer = Buffer.alloc(0)): Promise<boolean> {
    return new Promise((resolve) => this.line.ask(globalRequest(name, true, rest), resolve))
  }

  data(channel: number, bytes: string | Buffer): void {
    this.say(MESSAGE.DATA, channel, sshString(bytes))
  }

  adjust(channel: number, bytes: number): void {
    this.say(MESSAGE.WINDOW_ADJUST, channel, sshUint32(bytes))
  }

  /** The exit status of a channel, once it comes. */
  async exit(channel: number): Promise<number> {
    const { message } = await this.until((heard) => heard.channel === channel && heard.name === 'exit-status')
    return message.readUInt32BE(message.length - 4)
  }

  /** What the other side says when it ends the connection. */
  goodbye(): Promise<string> {
    return new Promise((resolve) => {
      // The library keeps what is said with a reason of the application's own to itself.
      const { _handlers } = (this.#connection as unknown as Inside)._protocol
      const library = _handlers.DISCONNECT
      _handlers.DISCONNECT = (protocol, reason, text) => {
        resolve(text)
        library(protocol, reason, text)
      }
      this.#connection.once('close', () => resolve('(it ended without a word)'))
    })
  }

  /** What was heard on a channel. */
  text(channel: number): string {
    return Buffer.concat(
      this.heard.filter((each) => each.channel === channel).map(({ bytes }) => bytes ?? Buffer.alloc(0)),
    ).toString()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end()
  }
}

/** Signs in at the gateway with a token, and then says what it is told. */
export async function rawClient(stage: SshGateway, principal: string): Promise<RawPeer> {
  const client = new ssh2.Client()
  const ready = once(client, 'ready')
  client.connect({
    host: '127.0.0.1',
    port: stage.port,
    username: 'web-1',
    password: stage.gateway.token(principal),
    hostVerifier: () => true,
    readyTimeout: 20_000,
  } as never)
  await ready
  return new RawPeer(client, () => client.end())
}

export interface FakeTarget extends AsyncDisposable {
  readonly host: '127.0.0.1'
  readonly port: number
  readonly user: string
  readonly hostKey: string
  readonly keyText: string
  /** The gateway's connections, in the order they came. */
  next(): Promise<RawPeer>
}

/** An SSH server that lets everybody in and then says what it is told. */
export async function fakeTarget(): Promise<FakeTarget> {
  const hostKey = Ed25519Key.fresh()
  const peers: RawPeer[] = []
  let wake = () => {}
  const ssh = new ssh2.Server({ hostKeys: [hostKey.privateText().reveal()] })
  ssh.on('connection', (connection) => {
    connection.on('error', () => {})
    connection.on('authentication', (context) => {
      if (context.method === 'publickey' && !context.signature) return context.accept()
      peers.push(new RawPeer(connection, () => connection.end()))
      context.accept()
      wake()
    })
  })
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    ssh.injectSocket(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    user: 'anyone',
    hostKey: hostKey.publicLine(),
    keyText: Ed25519Key.fresh().privateText().reveal(),
    async next() {
      while (peers.length === 0)
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      return peers.shift()!
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** The target's half: confirms the next session channel; the number the gateway gave it. */
export async function takeSession(peer: RawPeer, window = 1 << 20): Promise<{ ours: number; theirs: number }> {
  const { message } = await peer.until(({ name, type }) => type === MESSAGE.OPEN && name === 'session')
  const { sender } = readOpen(message)
  peer.line.send(openConfirmation(sender, 0, window))
  return { ours: 0, theirs: sender }
}
