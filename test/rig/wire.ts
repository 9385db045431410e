import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { Login } from './postgres.ts'

/** One backend message: its type letter and its body. */
export interface BackendMessage {
  readonly type: string
  readonly body: Buffer
}

/** A client that says exactly what a test wants said, in the order and pieces it wants, and keeps every answer. */
export class WireClient implements Disposable {
  readonly #socket: Socket
  readonly #messages: AsyncGenerator<BackendMessage>
  /** From BackendKeyData. */
  pid = 0
  secret: Buffer = Buffer.alloc(0)

  private constructor(socket: Socket) {
    this.#socket = socket
    this.#messages = messagesOf(socket)
    socket.on('error', () => {})
  }

  /** Logs in with protocol 3.0 by trust or cleartext password. Throws with the server's own words when it is refused. */
  static async open(login: Login, parameters: Readonly<Record<string, string>> = {}): Promise<WireClient> {
    const client = await WireClient.unopened(login)
    client.send(startup({ user: login.user, database: login.database, ...parameters }))
    for (;;) {
      const message = await client.next()
      const method = message.type === 'R' ? message.body.readInt32BE() : 0
      if (method === 3) client.send(frame('p', cstring(login.password)))
      else if (message.type === 'K') {
        client.pid = message.body.readInt32BE()
        client.secret = message.body.subarray(4)
      } else if (message.type === 'Z') return client
      else if (method !== 0 || message.type === 'E' || message.type === 'closed') throw new Error(printed(message))
    }
  }

  /** A connection on which nothing has been said. */
  static async unopened(login: Pick<Login, 'host' | 'port'>): Promise<WireClient> {
    const socket = connect({ host: login.host, port: login.port, noDelay: true })
    await once(socket, 'connect')
    return new WireClient(socket)
  }

  send(...messages: readonly Buffer[]): void {
    this.#socket.write(Buffer.concat(messages))
  }

  /** The next message; one of type `closed` once the other side has ended. */
  async next(): Promise<BackendMessage> {
    const { value, done } = await this.#messages.next()
    return done ? { type: 'closed', body: Buffer.alloc(0) } : value
  }

  /** Every message up to and including the one `last` accepts, printed. */
  async until(last: (message: BackendMessage) => boolean): Promise<string[]> {
    const lines: string[] = []
    for (;;) {
      const message = await this.next()
      lines.push(printed(message))
      if (last(message) || message.type === 'closed') return lines
    }
  }

  /** Sends and prints the answers up to the last of `times` ReadyForQuery. */
  async exchange(messages: readonly Buffer[], times = 1): Promise<string[]> {
    this.send(...messages)
    let seen = 0
    return await this.until(({ type }) => type === 'Z' && ++seen === times)
  }

  /** Stops reading, so that the kernel's buffers fill. */
  pause(): void {
    this.#socket.pause()
  }

  [Symbol.dispose](): void {
    this.#socket.destroy()
  }
}

async function* messagesOf(socket: Socket): AsyncGenerator<BackendMessage> {
  let rest: Buffer = Buffer.alloc(0)
  try {
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
      while (rest.length >= 5) {
        const end = 1 + rest.readUInt32BE(1)
        if (rest.length < end) break
        yield { type: String.fromCharCode(rest[0]!), body: rest.subarray(5, end) }
        rest = rest.subarray(end)
      }
    }
  } catch {
    // A reset is an end like any other: the test sees `closed`.
  }
}

const cstring = (text: string) => Buffer.from(`${text}\0`)

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

/** Any frontend message. */
export function frame(type: string, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  return Buffer.concat([Buffer.from(type), int32(body.length + 4), body])
}

/** StartupMessage; `version` is 3.0 unless told. */
export function startup(parameters: Readonly<Record<string, string>>, version = 196608): Buffer {
  const pairs = Object.entries(parameters).flatMap(([name, value]) => [cstring(name), cstring(value)])
  const body = Buffer.concat([int32(version), ...pairs, Buffer.alloc(1)])
  return Buffer.concat([int32(body.length + 4), body])
}

export function cancelRequest(pid: number, secret: Buffer): Buffer {
  return Buffer.concat([int32(12 + secret.length), int32(80877102), int32(pid), secret])
}

export const query = (sql: string) => frame('Q', cstring(sql))
export const parse = (name: string, sql: string, types: readonly number[] = []) =>
  frame('P', cstring(name), cstring(sql), int16(types.length), ...types.map(int32))
export const describe = (kind: 'S' | 'P', name: string) => frame('D', Buffer.from(kind), cstring(name))
export const execute = (portal: string, rows = 0) => frame('E', cstring(portal), int32(rows))
export const close = (kind: 'S' | 'P', name: string) => frame('C', Buffer.from(kind), cstring(name))
export const sync = () => frame('S')
export const flush = () => frame('H')
export const copyData = (bytes: string | Buffer) => frame('d', Buffer.from(bytes as string))
export const copyDone = () => frame('c')
export const copyFail = (why: string) => frame('f', cstring(why))

/** Bind with text parameters. `formats` are the result formats. */
export function bind(
  portal: string,
  statement: string,
  values: readonly (string | null)[] = [],
  formats: readonly number[] = [],
): Buffer {
  const fields = values.flatMap((value) =>
    value === null ? [int32(-1)] : [int32(Buffer.byteLength(value)), Buffer.from(value)],
  )
  return frame(
    'B',
    cstring(portal),
    cstring(statement),
    int16(0),
    int16(values.length),
    ...fields,
    int16(formats.length),
    ...formats.map(int16),
  )
}

/** One backend message on one line: comparable, without what differs between two runs of the same thing (process ids, source lines). */
export function printed({ type, body }: BackendMessage): string {
  if (type === 'E' || type === 'N') return `${type} ${fields(body)}`
  if (type === 'D') return `D ${row(body).join(' | ')}`
  if (type === 'K') return 'K'
  if (type === 'A') return `A ${pairs(body.subarray(4))}`
  if (type === 'S') return `S ${pairs(body)}`
  if (type === 'T') return `T ${columns(body).join(' | ')}`
  return body.length === 0 ? type : `${type} ${text(body)}`
}

const pairs = (body: Buffer) => body.toString().replace(/\0$/, '').replace('\0', '=')

function fields(body: Buffer): string {
  const all = body
    .toString()
    .split('\0')
    .filter((field) => field !== '')
  return all.filter((field) => !/^[FLR]/.test(field)).join(' ; ')
}

/** Name, type, format; `*` marks a column with an origin. The origin's number differs from run to run. */
function columns(body: Buffer): string[] {
  const printed: string[] = []
  for (let at = 2; printed.length < body.readInt16BE(); ) {
    const end = body.indexOf(0, at)
    const origin = body.readUInt32BE(end + 1) > 0 ? `*${body.readInt16BE(end + 5)}` : ''
    printed.push(
      `${body.toString('utf8', at, end)}${origin} ${body.readUInt32BE(end + 7)} ${body.readInt16BE(end + 17)}`,
    )
    at = end + 19
  }
  return printed
}

function row(body: Buffer): string[] {
  const cells: string[] = []
  for (let at = 2; cells.length < body.readInt16BE(); ) {
    const length = body.readInt32BE(at)
    at += 4
    cells.push(length < 0 ? 'NULL' : text(body.subarray(at, at + length)))
    at += Math.max(length, 0)
  }
  return cells
}

function text(bytes: Buffer): string {
  const decoded = bytes.toString()
  const plain = Buffer.from(decoded).equals(bytes) && !/[\0-\x08]/.test(decoded.replace(/\0$/, ''))
  if (!plain) return `0x${bytes.toString('hex')}`
  return decoded.length > 200 ? `${decoded.slice(0, 100)}… (${decoded.length})` : decoded.replace(/\0$/, '')
}
