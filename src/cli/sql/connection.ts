import { connect } from 'node:net'
import pg from 'pg'

export interface SqlTarget {
  readonly host: string
  /** 1 to 65535. */
  readonly port: number
  /** The resource, or `account+resource`. */
  readonly user: string
  readonly token: string
  readonly database: string | undefined
  /** `off` on this machine only; `on` verifies the certificate against `ca`, or the system's authorities. */
  readonly tls: 'on' | 'off'
  readonly ca: string | undefined
}

/** One statement's result, every value as the server printed it. */
export interface SqlResult {
  /** The server's command tag: `DELETE 3`, `CREATE TABLE`. Empty for an empty statement. */
  readonly tag: string
  readonly rowCount: number | null
  readonly columns: readonly { readonly name: string; readonly typeOid: number }[]
  readonly rows: readonly (readonly (string | null)[])[]
}

/** Fields of an ErrorResponse or NoticeResponse a person reads. */
export interface ServerWords {
  readonly severity?: string | undefined
  readonly code?: string | undefined
  readonly message?: string | undefined
  readonly detail?: string | undefined
  readonly hint?: string | undefined
  readonly position?: string | undefined
}

export interface SqlHearing {
  /** Told at once, while a statement still waits: that is how a held operation says where to approve it. */
  notice(words: ServerWords): void
  /** Bytes of COPY … TO STDOUT. */
  copied(chunk: Buffer): void
}

/** A session through the gateway as `node-postgres` speaks it. */
export class SqlConnection {
  readonly #client: pg.Client
  readonly #target: SqlTarget
  #lost: Error | undefined
  /** Command tags of the message that runs: node-postgres keeps only their first word. */
  #tags: string[] = []

  private constructor(target: SqlTarget, client: pg.Client) {
    this.#target = target
    this.#client = client
    client.on('error', (error) => {
      this.#lost = error
    })
  }

  /** Rejects with the server's refusal (a DatabaseError) or the socket's error. */
  static async open(target: SqlTarget, hearing: SqlHearing): Promise<SqlConnection> {
    const client = new pg.Client({
      host: target.host,
      port: target.port,
      user: target.user,
      password: target.token,
      database: target.database ?? target.user.slice(target.user.indexOf('+') + 1),
      application_name: 'sluice sql',
      ssl: target.tls === 'on' ? { rejectUnauthorized: true, ...(target.ca ? { ca: target.ca } : {}) } : false,
      // The text the server sent is what is shown: nothing is parsed into numbers or dates.
      types: { getTypeParser: () => (value: string) => value } as never,
    })
    client.on('notice', (words) => hearing.notice(words))
    const wire = (client as unknown as { connection: NodeJS.EventEmitter }).connection
    wire.on('copyData', (message: { chunk: Buffer }) => hearing.copied(message.chunk))
    const connection = new SqlConnection(target, client)
    wire.on('commandComplete', (message: { text: string }) => connection.#tags.push(message.text))
    await client.connect()
    return connection
  }

  /** Why the connection broke, when it did. */
  get lost(): Error | undefined {
    return this.#lost
  }

  /** Runs one message of one or more statements by the simple protocol. Rejects with the server's error. */
  async run(text: string): Promise<SqlResult[]> {
    this.#tags = []
    const answered = (await this.#client.query({ text, rowMode: 'array' })) as unknown as RawResult | RawResult[]
    return [answered].flat().map((result, i) => ({
      tag: this.#tags[i] ?? '',
      rowCount: result.rowCount,
      columns: result.fields.map((field) => ({ name: field.name, typeOid: field.dataTypeID })),
      rows: result.rows,
    }))
  }

  /** Asks the server to cancel what runs, on a connection of its own as the protocol wants it. Never rejects. */
  cancel(): Promise<void> {
    const { processID, secretKey } = this.#client as unknown as { processID: number | null; secretKey: number | null }
    if (processID === null || secretKey === null) return Promise.resolve()
    const packet = Buffer.alloc(16)
    packet.writeInt32BE(16, 0)
    packet.writeInt32BE(80_877_102, 4)
    packet.writeInt32BE(processID, 8)
    packet.writeInt32BE(secretKey, 12)
    return new Promise((resolve) => {
      const socket = connect({ host: this.#target.host, port: this.#target.port }, () => socket.end(packet))
      socket.on('close', () => resolve())
      socket.on('error', () => resolve())
      socket.resume()
    })
  }

  async close(): Promise<void> {
    await this.#client.end().catch(() => {})
  }
}

interface RawResult {
  readonly rowCount: number | null
  readonly fields: { name: string; dataTypeID: number }[]
  readonly rows: (string | null)[][]
}

/** True for an error the server sent, as against one of the socket. */
export function isServerError(error: unknown): error is ServerWords & Error {
  return error instanceof pg.DatabaseError
}
