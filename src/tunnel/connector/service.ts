import {
  constants,
  type IncomingHttpHeaders,
  performServerHandshake,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import type { TLSSocket } from 'node:tls'
import { SluiceError, toSluiceError } from '../../kit/errors.ts'
import type { Log } from '../../kit/log.ts'
import { LIMITS } from '../limits.ts'
import { readLines, textOf, writeLine } from '../lines.ts'
import { proveNewKey } from '../proof.ts'
import { Window } from '../window.ts'
import {
  type Bye,
  CAPABILITIES,
  CONTROL_PATH,
  type FromConnector,
  REFUSALS,
  type RefusalWord,
  sessionOptions,
  WHY,
} from '../wire.ts'
import type { AllowList } from './allow-list.ts'
import { carry, reach } from './carry.ts'
import { type Lookup, pinTarget } from './target.ts'

export interface ServiceParts {
  readonly socket: TLSSocket
  readonly allow: AllowList
  readonly version: string
  readonly instance: string
  readonly log: Log
  readonly lookup?: Lookup | undefined
  /** A renewed certificate and its key: to be kept before the old one is forgotten. */
  readonly renewed: (cert: string, key: string) => void
  /** The gateway took the connector in. */
  readonly welcomed: (name: string, id: string) => void
}

/** Why a tunnel ended: the gateway's last word, or that it broke. */
export type Ending = { readonly bye: Bye } | { readonly broke: string }

/** One tunnel, the connector's end: the HTTP/2 server on a connection it opened itself. */
export class TunnelService {
  readonly ended: Promise<Ending>
  readonly #parts: ServiceParts
  readonly #session: ServerHttp2Session
  #resolve!: (ending: Ending) => void
  #control: ServerHttp2Stream | undefined
  #draining = false
  #dialling = 0
  #streams = 0
  #pinger: NodeJS.Timeout | undefined
  #renewal: NodeJS.Timeout | undefined
  #bye: Bye | undefined
  readonly #window: Window
  readonly #fitter: NodeJS.Timeout

  constructor(parts: ServiceParts) {
    this.#parts = parts
    this.ended = new Promise((resolve) => {
      this.#resolve = resolve
    })
    parts.socket.once('close', () => this.#end('the connection closed'))
    const session = performServerHandshake(parts.socket, sessionOptions())
    this.#session = session
    session.on('error', (error) => this.#end(error.message))
    session.on('close', () => this.#end('the connection closed'))
    session.on('stream', (stream, headers) => this.#accept(stream, headers))
    // A gateway that accepts and then says nothing is no gateway.
    this.#renewal = setTimeout(() => this.#end('the gateway said nothing'), LIMITS.hello_ms)
    this.#pinger = setInterval(() => this.#ping(), LIMITS.ping_ms)
    this.#window = new Window((bytes) => session.setLocalWindowSize(bytes))
    this.#fitter = setInterval(() => {
      if (this.#streams > 0) this.#window.look(parts.socket.bytesRead, performance.now())
    }, LIMITS.windowLook_ms)
    for (let i = 0; i < LIMITS.earlyPings; i++) setTimeout(() => this.#ping(), i * LIMITS.earlyPing_ms).unref()
  }

  /** Target connections open now. */
  get streams(): number {
    return this.#streams
  }

  /** Takes nothing new, and tells the gateway. */
  drain(): void {
    this.#draining = true
    void this.#tell({ say: 'drain' }).catch(() => {})
  }

  close(): void {
    this.#end('it was closed here')
  }

  #accept(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    stream.on('error', () => stream.destroy())
    const method = headers[':method']
    if (method === 'CONNECT') return void this.#connect(stream, String(headers[':authority'] ?? ''))
    if (method === 'POST' && headers[':path'] === CONTROL_PATH && !this.#control) {
      this.#control = stream
      stream.once('close', () => this.#end('the control stream closed'))
      stream.respond({ ':status': 200 })
      return void this.#talk(stream)
    }
    stream.respond({ ':status': 404 }, { endStream: true })
    stream.close(constants.NGHTTP2_NO_ERROR)
  }

  async #connect(stream: ServerHttp2Stream, authority: string): Promise<void> {
    const { allow, log, lookup } = this.#parts
    if (this.#draining) return refuse(stream, 'draining')
    if (this.#dialling >= LIMITS.dials || this.#streams >= LIMITS.streams) return refuse(stream, 'busy')
    const left = new AbortController()
    stream.once('close', () => left.abort())
    this.#dialling++
    try {
      const target = await pinTarget(authority, allow, lookup)
      if ('refused' in target) {
        // The gateway asked for something it was not given: whoever runs this connector wants to know.
        if (target.refused === 'not-allowed')
          log.warn('the gateway asked for an address that is not allowed', { address: authority.slice(0, 300) })
        return refuse(stream, target.refused)
      }
      const reached = await reach(target.addresses, target.port, left.signal)
      if (typeof reached === 'string') return refuse(stream, reached)
      if (stream.destroyed) return void reached.socket.destroy()
      this.#streams++
      stream.once('close', () => {
        this.#streams--
      })
      stream.respond({ ':status': 200 })
      carry(stream, reached)
    } finally {
      this.#dialling--
    }
  }

  async #talk(control: ServerHttp2Stream): Promise<void> {
    try {
      const { version, instance } = this.#parts
      await this.#tell({ say: 'hello', version, capabilities: CAPABILITIES, instance })
      for await (const message of readLines(control)) this.#hear(message)
      this.#end('the control stream ended')
    } catch (thrown) {
      this.#end(toSluiceError(thrown).message)
    }
  }

  /** The key a renewal is under way for. */
  #key: string | undefined

  #hear(message: Record<string, unknown>): void {
    if (message.say === 'welcome') {
      const wait_ms =
        typeof message.renewAfter_ms === 'number' && message.renewAfter_ms >= 0 ? message.renewAfter_ms : 0
      this.#renewLater(wait_ms)
      this.#parts.welcomed(textOf(message, 'name', 64), textOf(message, 'id', 64))
    } else if (message.say === 'certificate') {
      if (this.#key === undefined) throw new SluiceError('tunnel.malformed', 'a certificate nobody asked for')
      this.#parts.renewed(textOf(message, 'cert', 8_192), this.#key)
      this.#key = undefined
      this.#renewLater(LIMITS.renew_ms)
    } else if (message.say === 'bye') {
      this.#bye = textOf(message, 'why', 20) as Bye
      this.#end(this.#bye)
    } else throw new SluiceError('tunnel.malformed', 'a word nobody knows')
  }

  #renewLater(wait_ms: number): void {
    clearTimeout(this.#renewal)
    this.#renewal = setTimeout(
      () => {
        const { key, publicKey, proof } = proveNewKey(this.#parts.socket)
        this.#key = key
        void this.#tell({ say: 'renew', publicKey, proof }).catch(() => {})
      },
      Math.min(wait_ms, 2 ** 31 - 1),
    )
  }

  async #tell(message: FromConnector): Promise<void> {
    if (this.#control && !this.#control.destroyed) await writeLine(this.#control, message)
  }

  #ping(): void {
    if (this.#session.destroyed) return
    const timer = setTimeout(() => this.#end('no answer to a ping'), LIMITS.pingAnswer_ms)
    timer.unref()
    const sent = performance.now()
    this.#session.ping((error) => {
      if (error) return
      clearTimeout(timer)
      this.#window.roundTrip(performance.now() - sent, performance.now())
    })
  }

  #end(broke: string): void {
    clearTimeout(this.#renewal)
    clearInterval(this.#pinger)
    clearInterval(this.#fitter)
    if (!this.#session.destroyed) this.#session.destroy()
    this.#parts.socket.destroy()
    this.#resolve(this.#bye === undefined ? { broke } : { bye: this.#bye })
  }
}

function refuse(stream: ServerHttp2Stream, why: RefusalWord): void {
  if (stream.destroyed) return
  stream.respond({ ':status': REFUSALS[why], [WHY]: why }, { endStream: true })
  stream.close(constants.NGHTTP2_NO_ERROR)
}
