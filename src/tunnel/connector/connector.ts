import { randomBytes, X509Certificate } from 'node:crypto'
import { setTimeout as after } from 'node:timers/promises'
import { SluiceError, toSluiceError } from '../../kit/errors.ts'
import type { Log } from '../../kit/log.ts'
import { TUNNEL } from '../wire.ts'
import type { AllowList } from './allow-list.ts'
import { Backoff } from './backoff.ts'
import { type ConnectorIdentity, keepIdentity } from './identity-file.ts'
import { type Ending, TunnelService } from './service.ts'
import type { Lookup } from './target.ts'
import { openWay, type Way } from './way.ts'

export interface ConnectorParts {
  readonly way: Way
  readonly identity: ConnectorIdentity
  /** Where the identity is kept; undefined keeps it in memory. */
  readonly folder: string | undefined
  readonly allow: AllowList
  readonly version: string
  readonly log: Log
  readonly lookup?: Lookup
  readonly backoff?: Backoff
  /** Called each time the gateway has taken it in. */
  readonly ready?: () => void
}

/** A connector that runs: it keeps one tunnel to its gateway, for as long as the gateway wants it. */
export class Connector {
  readonly #parts: ConnectorParts
  readonly #stopped = new AbortController()
  readonly #instance = randomBytes(12).toString('hex')
  readonly #backoff: Backoff
  #identity: ConnectorIdentity
  #service: TunnelService | undefined

  constructor(parts: ConnectorParts) {
    this.#parts = parts
    this.#identity = parts.identity
    this.#backoff = parts.backoff ?? new Backoff()
  }

  get streams(): number {
    return this.#service?.streams ?? 0
  }

  /** Dials the gateway again and again until it is stopped. Throws `tunnel.refused` or `tunnel.duplicate` when the gateway will never take it in. */
  async run(): Promise<void> {
    const { log } = this.#parts
    while (!this.#stopped.signal.aborted) {
      const began = performance.now()
      let why: string
      try {
        const ending = await this.#once()
        why = 'bye' in ending ? endingOf(ending.bye) : ending.broke
      } catch (thrown) {
        const error = toSluiceError(thrown)
        if (FINAL.has(error.code) || error.code === 'internal') throw error
        why = error.message
      }
      if (this.#stopped.signal.aborted) return
      const wait_ms = this.#backoff.next(performance.now() - began)
      log.warn('the tunnel is down', { why, again_ms: Math.round(wait_ms) })
      await after(wait_ms, undefined, { signal: this.#stopped.signal }).catch(() => {})
    }
  }

  /** Lets open streams come to their end for at most `limit_ms`, takes nothing new, then stops. */
  async drain(limit_ms: number): Promise<void> {
    this.#service?.drain()
    const end = performance.now() + limit_ms
    while (this.streams > 0 && performance.now() < end) await after(LOOK_MS)
    this.stop()
  }

  stop(): void {
    this.#stopped.abort()
    this.#service?.close()
  }

  async #once(): Promise<Ending> {
    const { way, log, ready } = this.#parts
    const { ca, cert, key } = this.#identity
    if (new X509Certificate(cert).validToDate.getTime() <= Date.now())
      throw new SluiceError('tunnel.refused', 'its certificate has ended')
    const socket = await openWay(way, { ca, cert, key }, TUNNEL)
    if (this.#stopped.signal.aborted) {
      socket.destroy()
      return { broke: 'it was stopped' }
    }
    const service = new TunnelService({
      ...this.#parts,
      socket,
      instance: this.#instance,
      welcomed: (name, id) => {
        log.info('the tunnel is up', { name, id, gateway: `${way.host}:${way.port}` })
        ready?.()
      },
      renewed: (newCert, newKey) => this.#renewed({ ...this.#identity, cert: newCert, key: newKey }),
    })
    this.#service = service
    return await service.ended
  }

  #renewed(identity: ConnectorIdentity): void {
    if (this.#parts.folder !== undefined) keepIdentity(this.#parts.folder, identity)
    this.#identity = identity
    this.#parts.log.info('the certificate was renewed')
  }
}

/** How often a drain looks whether anything is still open. */
const LOOK_MS = 25
/** What trying again cannot change. */
const FINAL = new Set(['tunnel.refused', 'tunnel.duplicate', 'config.invalid'])

/** The gateway's last word as a reason to try again. Throws where there is none. */
function endingOf(bye: string): string {
  if (bye === 'revoked') throw new SluiceError('tunnel.refused', 'it was revoked')
  if (bye === 'refused') throw new SluiceError('tunnel.refused', 'its certificate does not hold any more')
  if (bye === 'duplicate' || bye === 'superseded') throw new SluiceError('tunnel.duplicate')
  return `the gateway said: ${bye}`
}
