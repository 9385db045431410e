import { SluiceError } from '../../kit/errors.ts'
import type { Upstream } from '../contract.ts'
import { Intake, TARGET } from './intake.ts'
import { CATALOGUE_BYTES, CATALOGUE_LOAD_MS, CATALOGUE_ROW_BYTES } from './limits.ts'
import { type LoggedIn, login } from './login.ts'
import { query, readErrorFields, terminate } from './messages.ts'

const letter = (text: string): number => text.charCodeAt(0)
const ROW_DESCRIPTION = letter('T')
const DATA_ROW = letter('D')
const READY_FOR_QUERY = letter('Z')
const ERROR = letter('E')
/** Nothing in these matters here: CommandComplete, EmptyQueryResponse, ParameterStatus, NoticeResponse, NotificationResponse. */
const PASSED_OVER = new Set(['C', 'I', 'S', 'N', 'A'].map(letter))

/** One row in text format. The same object serves every row: read it before the next one comes. */
export class Row {
  #bytes: Buffer = Buffer.alloc(0)
  #starts: number[] = []
  #lengths: number[] = []

  /** Int16 number of columns; per column Int32 length, -1 for NULL, and the value. Throws `protocol.target` when it does not fit. */
  read(bytes: Buffer, start: number, end: number): void {
    this.#bytes = bytes
    let at = start + 2
    const count = end - start >= 2 ? bytes.readInt16BE(start) : -1
    for (let i = 0; i < count; i++) {
      const length = at + 4 <= end ? bytes.readInt32BE(at) : end
      this.#starts[i] = at += 4
      this.#lengths[i] = length
      if (length > 0) at += length
    }
    if (at !== end) throw new SluiceError('protocol.target', 'DataRow')
  }

  /** A column's text; NULL reads as empty. */
  text(column: number): string {
    const start = this.#starts[column]!
    const length = this.#lengths[column]!
    return length > 0 ? this.#bytes.toString('utf8', start, start + length) : ''
  }

  /** A column that holds a non-negative integer. */
  integer(column: number): number {
    let value = 0
    const start = this.#starts[column]!
    for (let i = start; i < start + this.#lengths[column]!; i++) value = value * 10 + this.#bytes[i]! - 48
    return value
  }

  isNull(column: number): boolean {
    return this.#lengths[column] === -1
  }
}

/** Defaults of the account may be anything. Compiling a query that runs once costs more than running it. */
const SETTINGS: ReadonlyMap<string, string> = new Map([
  ['statement_timeout', String(CATALOGUE_LOAD_MS)],
  ['jit', 'off'],
])

/** Takes the rows of a query; `section` counts its results that have columns, from 0. */
export type RowTaker = (section: number, row: Row) => void

/** A connection of our own to a session's target, for questions beside it. One query at a time. */
export class SideConnection {
  readonly major: number
  readonly #login: LoggedIn
  readonly #signal: AbortSignal

  private constructor(loggedIn: LoggedIn, signal: AbortSignal) {
    this.#login = loggedIn
    this.#signal = signal
    this.major = loggedIn.serverMajor
  }

  static async open(upstream: Upstream, database: string, signal: AbortSignal): Promise<SideConnection> {
    const stream = await upstream.redial()
    const wish = {
      database,
      settings: SETTINGS,
      applicationName: 'sluice catalogue',
      protocolMinor: 0,
      signal,
    } as const
    return new SideConnection(await login({ ...upstream, stream }, wish), signal)
  }

  get closed(): boolean {
    return this.#login.stream.destroyed || this.#login.stream.readableEnded
  }

  close(): void {
    const { stream } = this.#login
    if (stream.destroyed) return
    stream.end(terminate())
    stream.resume()
  }

  /**
   * Runs one simple query, which may hold several statements, and hands over its rows as they arrive. The server's error, a broken protocol or
   * no end within CATALOGUE_LOAD_MS throws SluiceError `target.catalogue`, `protocol.target`, `target.left` or `target.unreachable`; after
   * anything but `target.catalogue` the connection is closed.
   */
  async run(sql: string, take: RowTaker): Promise<void> {
    const { stream } = this.#login
    const intake = new Intake(stream, { ms: CATALOGUE_LOAD_MS, signals: [this.#signal] }, { blame: TARGET })
    try {
      stream.write(query(sql))
      const reply = new Reply(take)
      while (!reply.done) reply.feed(await intake.chunk())
      if (reply.error) throw reply.error
    } catch (error) {
      if (!(error instanceof SluiceError) || error.code !== 'target.catalogue') stream.destroy()
      throw error
    } finally {
      intake.release()
    }
  }
}

/** The reply to one simple query, cut into messages as its bytes come. */
class Reply {
  done = false
  error: SluiceError | undefined
  readonly #take: RowTaker
  readonly #row = new Row()
  #rest: Buffer = Buffer.alloc(0)
  #section = -1
  #bytes = 0

  constructor(take: RowTaker) {
    this.#take = take
  }

  feed(chunk: Buffer): void {
    this.#bytes += chunk.length
    if (this.#bytes > CATALOGUE_BYTES) throw new SluiceError('protocol.target', 'the catalogue is too large')
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    let at = 0
    while (at + 5 <= bytes.length) {
      const end = at + 1 + bytes.readInt32BE(at + 1)
      if (end < at + 5 || end - at > CATALOGUE_ROW_BYTES)
        throw new SluiceError('protocol.target', 'length of a message')
      if (end > bytes.length) break
      this.#message(bytes, at, end)
      at = end
    }
    this.#rest = at === bytes.length ? Buffer.alloc(0) : bytes.subarray(at)
  }

  #message(bytes: Buffer, at: number, end: number): void {
    const type = bytes[at]!
    if (type === DATA_ROW) {
      this.#row.read(bytes, at + 5, end)
      this.#take(this.#section, this.#row)
    } else if (type === ROW_DESCRIPTION) this.#section += 1
    else if (type === READY_FOR_QUERY) this.done = true
    else if (type === ERROR) {
      const fields = readErrorFields(bytes.subarray(at + 5, end))
      this.error ??= new SluiceError('target.catalogue', `${fields.get('C')} ${fields.get('M')}`)
    } else if (!PASSED_OVER.has(type)) throw new SluiceError('protocol.target', `message ${type} in a catalogue query`)
  }
}
