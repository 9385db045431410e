import { randomBytes, timingSafeEqual } from 'node:crypto'
import { type Clock, systemClock } from '../../kit/clock.ts'
import { Lru } from '../../kit/lru.ts'
import type { Upstream } from '../contract.ts'
import { Intake, TARGET } from './intake.ts'
import { CANCEL_KEY_BYTES, CANCEL_MS, CANCEL_PEERS, CANCELS_AT_ONCE, CANCELS_PER_SECOND } from './limits.ts'
import { cancelRequest, type ProtocolMinor } from './messages.ts'
import { secureTarget } from './target-tls.ts'

interface Entry {
  readonly secret: Buffer
  readonly cancel: () => Promise<void>
  /** The cancel on its way; a second request joins it. */
  pending: Promise<void> | undefined
}

/** A peer's allowance; it refills with time. */
interface Bucket {
  tokens: number
  at_ms: number
}

/**
 * Which session a CancelRequest means (A44). Clients know the target's real process id and a secret of ours; the target's own key stays here.
 * Several targets may use one process id, so the secret decides.
 */
export class CancelRegistry {
  readonly #entries = new Map<number, Set<Entry>>()
  readonly #peers = new Lru<string, Bucket>(CANCEL_PEERS)
  readonly #clock: Clock
  /** How long the last cancel that reached a target took: a wrong request is answered no sooner, so time tells nothing. */
  #usual_ms = 2

  constructor(clock: Clock = systemClock) {
    this.#clock = clock
  }

  get size(): number {
    let size = 0
    for (const entries of this.#entries.values()) size += entries.size
    return size
  }

  /** Hands out a session's secret, 4 bytes for protocol 3.0 and 32 for 3.2. `cancel` runs when a client presents it; call `release` when the session ends. */
  register(
    processId: number,
    minor: ProtocolMinor,
    cancel: () => Promise<void>,
  ): { readonly secret: Buffer; release(): void } {
    const secret = randomBytes(minor === 2 ? CANCEL_KEY_BYTES.version32 : CANCEL_KEY_BYTES.version30)
    const entry: Entry = { secret, cancel, pending: undefined }
    const entries = this.#entries.get(processId) ?? new Set()
    entries.add(entry)
    this.#entries.set(processId, entries)
    const release = () => {
      entries.delete(entry)
      if (entries.size === 0 && this.#entries.get(processId) === entries) this.#entries.delete(processId)
    }
    return { secret, release }
  }

  /**
   * Carries out one CancelRequest. Resolves when the client's connection is to be closed, right or wrong; never rejects and never tells which.
   * For a right one that is after the target took it, so that it cannot hit the client's next statement.
   */
  async request(from: string, processId: number, secret: Buffer): Promise<void> {
    const now = this.#clock.monotonic_ms()
    if (!this.#within(peerOf(from), now)) return
    const entry = this.#find(processId, secret)
    if (!entry) return this.#pretend()
    entry.pending ??= entry.cancel().finally(() => {
      entry.pending = undefined
    })
    // A target that cannot be reached is the session's to notice.
    await entry.pending.catch(() => {})
    this.#usual_ms = Math.min(Math.max(this.#clock.monotonic_ms() - now, 1), 50)
  }

  #find(processId: number, secret: Buffer): Entry | undefined {
    let found: Entry | undefined
    for (const entry of this.#entries.get(processId) ?? [])
      if (entry.secret.length === secret.length && timingSafeEqual(entry.secret, secret)) found = entry
    return found
  }

  #pretend(): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, this.#usual_ms))
  }

  #within(peer: string, now: number): boolean {
    const bucket = this.#peers.get(peer) ?? { tokens: CANCELS_AT_ONCE, at_ms: now }
    const refilled = bucket.tokens + ((now - bucket.at_ms) / 1000) * CANCELS_PER_SECOND
    bucket.tokens = Math.min(CANCELS_AT_ONCE, refilled)
    bucket.at_ms = now
    this.#peers.set(peer, bucket)
    if (bucket.tokens < 1) return false
    bucket.tokens -= 1
    return true
  }
}

/** One host may own a whole IPv6 /64, so that counts as one peer. */
function peerOf(from: string): string {
  return from.includes(':') && !from.startsWith('::ffff:') ? from.split(':').slice(0, 4).join(':') : from
}

/**
 * Sends the target's own cancel key over a second connection, TLS included where the target asks for it, and waits until the target closes it:
 * by then it has signalled the backend. Rejects when that cannot be done within CANCEL_MS. Spec: "Canceling Requests in Progress".
 */
export async function sendCancel(
  upstream: Upstream,
  backend: { readonly processId: number; readonly cancelKey: Uint8Array },
  signal: AbortSignal,
): Promise<void> {
  const stream = await upstream.redial()
  const intake = new Intake(stream, { ms: CANCEL_MS, signals: [signal] }, { blame: TARGET })
  try {
    await secureTarget(intake, upstream)
    intake.stream.write(cancelRequest(backend.processId, backend.cancelKey))
    await intake.left()
  } finally {
    intake.release()
    intake.stream.destroy()
    stream.destroy()
  }
}
