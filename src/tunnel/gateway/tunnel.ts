import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2'
import { isIP } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { SluiceError, toSluiceError } from '../../kit/errors.ts'
import { Lender } from '../../kit/give-back.ts'
import type { DialWish } from '../../model/ports.ts'
import { LIMITS } from '../limits.ts'
import { readLines, textOf, writeLine } from '../lines.ts'
import { Window } from '../window.ts'
import { type Bye, CONTROL_PATH, type FromGateway, type Hello, REQUIRED, sessionOptions, WHY } from '../wire.ts'
import type { Holder } from './authority.ts'

export interface TunnelParts {
  readonly socket: TLSSocket
  readonly holder: Holder
  readonly from: string
  /** Called once, with why the tunnel ended. */
  readonly ended: (tunnel: Tunnel, why: string) => void
  /** The connector wants a new certificate. Rejects to refuse. */
  readonly renew: (publicKey: string, proof: string) => Promise<{ readonly cert: string; readonly expires_ms: number }>
}

/** One connector's tunnel, the gateway's end: the HTTP/2 client on a connection that the connector opened. */
export class Tunnel {
  readonly #parts: TunnelParts
  readonly #session: ClientHttp2Session
  #control: ClientHttp2Stream | undefined
  #pinger: NodeJS.Timeout | undefined
  #over: string | undefined
  #hello: Hello | undefined
  #draining = false
  #streams = 0
  #opened = 0
  #rtt_ms: number | undefined
  readonly #window: Window
  /** Node hands out what came in one TLS record as chunks of its memory, one record after the other. */
  readonly #lender = new Lender()
  #expires_ms: number
  readonly since_ms = Date.now()

  constructor(parts: TunnelParts, expires_ms: number) {
    this.#parts = parts
    this.#expires_ms = expires_ms
    // Before HTTP/2 takes the socket: whoever has streams open must hear of the loss before they end.
    parts.socket.once('close', () => this.end('the connection closed'))
    const session = connect('https://connector', { ...sessionOptions(), createConnection: () => parts.socket })
    this.#session = session
    this.#window = new Window((bytes) => session.setLocalWindowSize(bytes))
    session.on('error', (error) => this.end(error.message))
    session.on('close', () => this.end('the connection closed'))
    session.on('goaway', () => {
      this.#draining = true
    })
    // A connector opens no streams of its own: push is off, so one that comes breaks the protocol.
    session.on('stream', (stream) => stream.close(constants.NGHTTP2_REFUSED_STREAM))
  }

  get holder(): Holder {
    return this.#parts.holder
  }
  get from(): string {
    return this.#parts.from
  }
  get version(): string {
    return this.#hello?.version ?? ''
  }
  get instance(): string {
    return this.#hello?.instance ?? ''
  }
  /** Target connections open now. */
  get streams(): number {
    return this.#streams
  }
  /** Target connections since it came. */
  get opened(): number {
    return this.#opened
  }
  /** Bytes on the wire, both ways. */
  get bytes(): number {
    return this.#parts.socket.bytesRead + this.#parts.socket.bytesWritten
  }
  /** Milliseconds of the last round trip. */
  get rtt_ms(): number | undefined {
    return this.#rtt_ms
  }
  get expires_ms(): number {
    return this.#expires_ms
  }
  get missing(): readonly string[] {
    return REQUIRED.filter((each) => !this.#hello?.capabilities.includes(each))
  }
  get state(): 'ready' | 'draining' | 'incompatible' | 'gone' {
    if (this.#over !== undefined) return 'gone'
    if (this.missing.length > 0) return 'incompatible'
    return this.#draining ? 'draining' : 'ready'
  }

  /** Opens the control stream and waits for the connector's first word. Rejects with `tunnel.malformed`. */
  async greet(): Promise<Hello> {
    const control = this.#session.request({ ':method': 'POST', ':path': CONTROL_PATH }, { endStream: false })
    control.on('error', () => control.destroy())
    control.on('close', () => this.end('the control stream closed'))
    this.#control = control
    const timer = setTimeout(() => this.end('no word in time'), LIMITS.hello_ms)
    const lines = readLines(control)
    try {
      const first = await lines.next()
      if (first.done || this.#over !== undefined) throw new SluiceError('tunnel.malformed', this.#over ?? 'no word')
      this.#hello = helloOf(first.value)
    } finally {
      clearTimeout(timer)
    }
    void this.#listen(lines)
    return this.#hello
  }

  /** From here on the tunnel carries streams, and is looked after. */
  async welcome(renewAfter_ms: number): Promise<void> {
    const { name, id } = this.#parts.holder
    await this.#tell({ say: 'welcome', name, id, renewAfter_ms })
    this.#pinger = setInterval(() => this.#ping(), LIMITS.ping_ms)
    this.#pinger.unref()
    for (let i = 0; i < LIMITS.earlyPings; i++) setTimeout(() => this.#ping(), i * LIMITS.earlyPing_ms).unref()
  }

  /** Fits what may be under way to what the link carries. */
  fit(now_ms: number): void {
    if (this.#streams > 0) this.#window.look(this.#parts.socket.bytesRead, now_ms)
  }

  /** Whether the connector answers within `limit_ms`. */
  answers(limit_ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), limit_ms)
      const sent =
        this.#over === undefined &&
        this.#session.ping((error) => {
          clearTimeout(timer)
          resolve(error === null)
        })
      if (!sent) resolve(false)
    })
  }

  /** One byte stream to a target. Rejects with `tunnel.lost`, `tunnel.forbidden`, `target.unreachable`. */
  dial({ host, port, signal, lost }: DialWish): Promise<Duplex> {
    if (this.#over !== undefined) return Promise.reject(new SluiceError('tunnel.lost', this.#over))
    const authority = `${host.includes(':') ? `[${host}]` : host}:${port}`
    const stream = this.#session.request({ ':method': 'CONNECT', ':authority': authority }, { endStream: false })
    this.#streams++
    this.#opened++
    stream.once('close', () => {
      this.#streams--
    })
    return new Promise((resolve, reject) => {
      const fail = (why: SluiceError) => {
        finish()
        stream.on('error', () => {})
        stream.close(constants.NGHTTP2_CANCEL)
        reject(why)
      }
      const broken = () =>
        fail(this.#over === undefined ? refusalOf(undefined, authority) : new SluiceError('tunnel.lost', this.#over))
      const aborted = () => fail(new SluiceError('target.unreachable', 'the session ended'))
      const timer = setTimeout(() => fail(new SluiceError('target.unreachable', 'no answer in time')), LIMITS.dial_ms)
      const finish = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', aborted)
        for (const event of ['error', 'close'] as const) stream.off(event, broken)
      }
      for (const event of ['error', 'close'] as const) stream.once(event, broken)
      signal?.addEventListener('abort', aborted)
      if (signal?.aborted) return aborted()
      stream.once('response', (headers) => {
        if (headers[':status'] !== 200) return fail(refusalOf(headers[WHY], authority))
        finish()
        this.#watch(stream, lost)
        this.#lend(stream)
        // As on a socket: a target on the connector's own machine is known by it.
        resolve(isIP(host) ? Object.assign(stream, { remoteAddress: host }) : stream)
      })
    })
  }

  #lend(stream: ClientHttp2Stream): void {
    const push = stream.push.bind(stream)
    stream.push = (chunk: Buffer | null, ...rest) => {
      if (chunk) this.#lender.lend(chunk)
      return push(chunk, ...rest)
    }
  }

  /** Tells a stream's user when it ends because the tunnel did, before it sees the end: its own listeners come later. */
  #watch(stream: ClientHttp2Stream, lost: DialWish['lost']): void {
    const told = () => {
      if (this.#over === undefined && !this.#session.destroyed && !this.#parts.socket.destroyed) return
      lost?.(new SluiceError('tunnel.lost', this.#over ?? 'the connection closed'))
    }
    stream.on('error', () => {
      told()
      stream.destroy()
    })
    stream.once('end', told)
    stream.once('close', told)
  }

  /** Says goodbye and ends: streams that are open break. */
  bye(why: Bye): void {
    if (!this.#over) this.#leave(why)
    void this.#tell({ say: 'bye', why }).catch(() => {})
    this.#control?.end()
    // By then the last words have left, or the other end does not read.
    setTimeout(() => this.end(why), LIMITS.bye_ms).unref()
  }

  end(why: string): void {
    if (!this.#over) this.#leave(why)
    if (!this.#session.destroyed) this.#session.destroy()
    this.#parts.socket.destroy()
  }

  #leave(why: string): void {
    this.#over = why || 'it ended'
    clearInterval(this.#pinger)
    this.#parts.ended(this, this.#over)
  }

  async #tell(message: FromGateway): Promise<void> {
    if (this.#control && !this.#control.destroyed) await writeLine(this.#control, message)
  }

  async #listen(lines: AsyncGenerator<Record<string, unknown>>): Promise<void> {
    try {
      for await (const message of lines) await this.#hear(message)
      this.end('the control stream ended')
    } catch (thrown) {
      this.end(toSluiceError(thrown).message)
    }
  }

  async #hear(message: Record<string, unknown>): Promise<void> {
    if (message.say === 'drain') this.#draining = true
    else if (message.say === 'renew') {
      const proof = [textOf(message, 'publicKey', 1_000), textOf(message, 'proof', 1_000)] as const
      const { cert, expires_ms } = await this.#parts.renew(...proof)
      this.#expires_ms = expires_ms
      await this.#tell({ say: 'certificate', cert })
    } else throw new SluiceError('tunnel.malformed', 'a word nobody knows')
  }

  #ping(): void {
    if (this.#over) return
    const sent = performance.now()
    const timer = setTimeout(() => this.end('no answer to a ping'), LIMITS.pingAnswer_ms)
    timer.unref()
    this.#session.ping((error) => {
      clearTimeout(timer)
      if (error) return
      this.#rtt_ms = performance.now() - sent
      this.#window.roundTrip(this.#rtt_ms, performance.now())
    })
  }
}

function helloOf(message: Record<string, unknown>): Hello {
  const { capabilities } = message
  if (message.say !== 'hello' || !Array.isArray(capabilities) || capabilities.length > 64)
    throw new SluiceError('tunnel.malformed', 'the first word is no hello')
  return {
    say: 'hello',
    version: textOf(message, 'version', 64).replace(/[^\w.+-]/g, ''),
    capabilities: capabilities.filter((each): each is string => typeof each === 'string'),
    instance: textOf(message, 'instance', 64),
  }
}

/** What a connector's refusal means to a session. The words come from a peer: unknown ones say only that it did not work. */
function refusalOf(why: string | string[] | undefined, target: string): SluiceError {
  if (why === 'not-allowed') return new SluiceError('tunnel.forbidden', `no entry of its list allows ${target}`)
  if (why === 'draining' || why === 'busy') return new SluiceError('tunnel.down', `the connector is ${why}`)
  const words: Readonly<Record<string, string>> = {
    'no-such-name': 'the connector cannot resolve the name',
    unreachable: 'the connector cannot reach it',
    late: 'the connector had no answer in time',
  }
  return new SluiceError('target.unreachable', (typeof why === 'string' && words[why]) || 'the connector refused')
}
