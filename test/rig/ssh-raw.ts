import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import ssh2, { type Client } from 'ssh2'
import { SshReader, sshString } from '../../src/kit/ssh-wire.ts'
import { type PacketReader, sendMessage, type Wire, wireOf } from '../../src/protocols/ssh/transport-library.ts'
import { until } from './until.ts'

/** Message numbers a test says or hears (RFC 4250 §4.1.2). */
export const SAY = { SERVICE_REQUEST: 5, USERAUTH_REQUEST: 50, GLOBAL_REQUEST: 80, CHANNEL_OPEN: 90 } as const
export const HEAR = { DISCONNECT: 1, FAILURE: 51, SUCCESS: 52, PK_OK: 60, INFO_REQUEST: 60, OPEN_FAILURE: 92 } as const

const IGNORE = Buffer.from([2, 0, 0, 0, 0])

/** A client that has exchanged keys and then says exactly what a test tells it to. */
export class RawSsh implements Disposable {
  readonly #client: Client
  readonly #socket: Socket
  readonly wire: Wire
  /** Whole messages, in order. */
  readonly heard: Buffer[] = []
  closed = false

  private constructor(client: Client, socket: Socket) {
    this.#client = client
    this.#socket = socket
    this.wire = wireOf(client)
    const { write } = this.wire._packetRW
    const reader: PacketReader = {
      read: (payload) => {
        this.heard.push(Buffer.from(payload))
        // The library answers nothing that comes after the key exchange: the test does.
        return payload[0]! < 50 ? payload : IGNORE
      },
      cleanup: () => {},
    }
    const line = { write } as { write: typeof write; read: PacketReader }
    Object.defineProperty(line, 'read', { get: () => reader, set: () => {} })
    this.wire._packetRW = line
    socket.on('close', () => {
      this.closed = true
    })
    client.on('error', () => {})
  }

  /** Connects and exchanges keys. `change` may alter what the library does before the first byte. */
  static async open(port: number, change: (wire: Wire) => void = () => {}): Promise<RawSsh> {
    const socket = connect({ host: '127.0.0.1', port })
    await once(socket, 'connect')
    const client = new ssh2.Client()
    // The library would sign in by itself: it is never told how.
    client.connect({
      sock: socket,
      username: 'nobody',
      hostVerifier: () => true,
      readyTimeout: 0,
      authHandler: (() => {}) as never,
    })
    const raw = new RawSsh(client, socket)
    change(raw.wire)
    const shaken = new Promise((resolve) => (client as NodeJS.EventEmitter).once('handshake', resolve))
    await Promise.race([shaken, once(socket, 'close')])
    return raw
  }

  say(message: Buffer): void {
    sendMessage(this.wire, message)
  }

  /** The next message of one of these types from number `from` on; undefined when the connection closes first. */
  async hear(type: number | readonly number[], from = 0): Promise<Buffer | undefined> {
    const types = typeof type === 'number' ? [type] : type
    const find = () => this.heard.slice(from).find((message) => types.includes(message[0]!))
    await until(async () => {
      await nextTurn()
      return find() !== undefined || this.closed
    })
    return find()
  }

  async gone(): Promise<void> {
    await until(async () => {
      await nextTurn()
      return this.closed
    })
  }

  get sessionId(): Buffer {
    return this.wire._kex!.sessionID!
  }

  [Symbol.dispose](): void {
    this.#client.end()
    this.#socket.destroy()
  }
}

/** USERAUTH_REQUEST: string user, string service, string method, the rest. */
export function authRequest(user: string | Buffer, method: string, ...rest: Buffer[]): Buffer {
  return Buffer.concat([
    Buffer.from([SAY.USERAUTH_REQUEST]),
    sshString(user),
    sshString('ssh-connection'),
    sshString(method),
    ...rest,
  ])
}

/** byte 0, string password. */
export function passwordRequest(user: string | Buffer, password: string): Buffer {
  return authRequest(user, 'password', Buffer.from([0]), sshString(password))
}

/** The methods that can go on, of a USERAUTH_FAILURE. */
export function methodsLeft(failure: Buffer): string {
  return new SshReader(failure.subarray(1)).text()
}
