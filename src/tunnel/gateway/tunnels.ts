import { createSecureContext, type SecureContext, type TLSSocket } from 'node:tls'
import type { Clock } from '../../kit/clock.ts'
import { SluiceError, toSluiceError } from '../../kit/errors.ts'
import type { Log } from '../../kit/log.ts'
import type { Secret } from '../../kit/secret.ts'
import type { DialerPort, LedgerPort } from '../../model/ports.ts'
import type { ConnectorRow, Revoked } from '../../store/connectors.ts'
import type { Store } from '../../store/store.ts'
import { LIMITS } from '../limits.ts'
import { readLine, textOf, writeLine } from '../lines.ts'
import { provenKey } from '../proof.ts'
import { type Bye, JOIN, type JoinAnswer, type TUNNEL } from '../wire.ts'
import { type Authority, createAuthority, type Holder } from './authority.ts'
import { createJournal, type Journal } from './journal.ts'
import { listenForConnectors, type TunnelListener } from './listener.ts'
import { type Invitation, Members } from './members.ts'
import { Pools } from './pools.ts'
import { Tunnel } from './tunnel.ts'

export interface TunnelsOptions {
  readonly store: Pick<Store, 'connectors'>
  readonly ledger: LedgerPort
  readonly clock: Clock
  readonly log: Log
  /** The installation's seed for the authority: 32 bytes in base64. */
  readonly seed: Secret
  /** Counts, per address, what was wrong; true once that was too much. */
  readonly attempts: { failed(door: 'join' | 'tunnel', from: string): boolean }
  /** Whose token a workload shows, where issuers are trusted: `service:NAME`. Throws `trust.*`. */
  readonly workload?: (token: string) => Promise<string>
  /** What HTTPS clients see on the tunnel's port. */
  readonly tls: { readonly cert: string; readonly key: string } | undefined
  /** For tests: how long certificates last, and at what age they are renewed. */
  readonly certificate_ms?: number
  readonly renew_ms?: number
  /** For tests: how long a peer may take to join. */
  readonly join_ms?: number
}

/** A connector as `sluice connectors` shows it. */
export interface ConnectorSummary {
  readonly name: string
  readonly id: string
  readonly state: 'ready' | 'draining' | 'incompatible' | 'gone' | 'revoked' | 'expired'
  readonly version: string
  readonly from: string
  readonly joined_ms: number
  readonly joinedBy: string
  readonly seen_ms: number
  readonly expires_ms: number
  /** Of the tunnel that is up. */
  readonly since_ms?: number
  readonly streams?: number
  readonly opened?: number
  readonly bytes?: number
  readonly rtt_ms?: number
  readonly revokedBy?: string
}

/** The gateway's side of everything connectors do. */
export interface Tunnels extends DialerPort {
  /** Throws `tunnel.invalid`. */
  invite(name: string, ttl_ms: number, by: string): Promise<Invitation>
  /** Lets a workload join as connectors of this name. Returns the digest its connectors know this gateway by. Throws `tunnel.invalid`. */
  grant(name: string, workload: string, by: string): Promise<string>
  list(): Promise<ConnectorSummary[]>
  /** Revokes one by its id, or all of a name with its unused tokens. Their tunnels end with it. */
  revoke(which: string, by: string): Promise<Revoked>
  /** Takes connectors in. Rejects with `config.invalid`. */
  listen(address: { readonly host: string; readonly port: number }): Promise<{ readonly port: number }>
  close(): Promise<void>
}

/** How long a revoked connector stays in the list. */
const REMEMBERED_MS = 7 * 86_400_000

export function createTunnels(options: TunnelsOptions): Tunnels {
  const office = new Office(options)
  return {
    dial: (wish) => office.pools.dial(wish),
    invite: (name, ttl_ms, by) => office.members.invite(name, ttl_ms, by),
    grant: async (name, workload, by) => {
      await office.members.grant(name, workload, by)
      return office.digest
    },
    list: () => office.list(),
    revoke: (which, by) => office.revoke(which, by),
    listen: (address) => office.listen(address),
    close: () => office.close(),
  }
}

class Office {
  readonly pools = new Pools()
  readonly members: Members
  readonly #options: TunnelsOptions
  readonly #authority: Authority
  readonly #journal: Journal
  readonly #timer: NodeJS.Timeout
  readonly #fitter: NodeJS.Timeout
  #listener: TunnelListener | undefined
  #context: { readonly value: SecureContext; readonly until_ms: number } | undefined
  /** Peers being taken in. Those that join are counted apart: they have shown nothing yet, and must not keep out those that have. */
  readonly #entering = { join: 0, tunnel: 0 }
  /** Connectors whose tunnel is being judged: one at a time each. */
  readonly #judged = new Set<string>()

  constructor(options: TunnelsOptions) {
    this.#options = options
    this.#authority = createAuthority(options.seed)
    this.#journal = createJournal(options.ledger)
    this.members = new Members({
      connectors: options.store.connectors,
      authority: this.#authority,
      clock: options.clock,
      journal: this.#journal,
      workload: options.workload,
      certificate_ms: options.certificate_ms ?? LIMITS.certificate_ms,
    })
    this.#timer = setInterval(() => void this.#sweep(), LIMITS.sweep_ms)
    this.#timer.unref()
    this.#fitter = setInterval(() => {
      const now_ms = performance.now()
      for (const tunnel of this.pools.list()) tunnel.fit(now_ms)
    }, LIMITS.windowLook_ms)
    this.#fitter.unref()
  }

  get digest(): string {
    return this.#authority.digest
  }

  async listen(address: { readonly host: string; readonly port: number }): Promise<{ readonly port: number }> {
    this.#listener = await listenForConnectors({
      ...address,
      inner: () => this.#inner(),
      outer: this.#options.tls ?? this.#authority.gatewayPair(this.#options.clock.now_ms()),
      accepted: (socket, protocol, from) => void this.#enter(socket, protocol, from),
    })
    return this.#listener
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    clearInterval(this.#fitter)
    for (const tunnel of this.pools.list()) tunnel.bye('shutdown')
    if (this.pools.list().length > 0) await new Promise((resolve) => setTimeout(resolve, LIMITS.bye_ms))
    await this.#listener?.close()
  }

  async revoke(which: string, by: string): Promise<Revoked> {
    const { store, clock } = this.#options
    const ended = await store.connectors.revoke(
      which.startsWith('con_') ? { id: which } : { name: which },
      by,
      clock.now_ms(),
    )
    for (const id of ended.revoked) this.pools.of(id)?.bye('revoked')
    return ended
  }

  async list(): Promise<ConnectorSummary[]> {
    const { store, clock } = this.#options
    const rows = await store.connectors.list(clock.now_ms() - REMEMBERED_MS)
    const tunnels = new Map(this.pools.list().map((tunnel) => [tunnel.holder.id, tunnel]))
    return rows.map((row) => summaryOf(row, tunnels.get(row.id), clock.now_ms()))
  }

  /** The gateway's certificate inside the tunnels, made anew a day before it ends. */
  #inner(): SecureContext {
    const now_ms = this.#options.clock.now_ms()
    if (!this.#context || this.#context.until_ms < now_ms) {
      const pair = this.#authority.gatewayPair(now_ms)
      const { certificate: ca } = this.#authority
      // The authority goes along: whoever joins knows it by a digest only.
      const value = createSecureContext({ cert: pair.cert + ca, key: pair.key, ca, minVersion: 'TLSv1.3' })
      this.#context = { value, until_ms: now_ms + LIMITS.gatewayCertificate_ms - 86_400_000 }
    }
    return this.#context.value
  }

  async #enter(socket: TLSSocket, protocol: typeof TUNNEL | typeof JOIN, from: string): Promise<void> {
    socket.on('error', () => socket.destroy())
    const kind = protocol === JOIN ? 'join' : 'tunnel'
    if (this.#entering[kind] >= LIMITS.handshakes) return void socket.destroy()
    this.#entering[kind]++
    try {
      if (protocol === JOIN) await this.#join(socket, from)
      else await this.#open(socket, from)
    } catch (thrown) {
      socket.destroy()
      const error = toSluiceError(thrown)
      const { log } = this.#options
      if (error.code === 'internal') log.error('a connector could not be taken in', { from, detail: error.stack })
      else log.warn('a connector was not taken in', { from, code: error.code, detail: error.detail })
    } finally {
      this.#entering[kind]--
    }
  }

  async #join(socket: TLSSocket, from: string): Promise<void> {
    const stranger = () => this.#options.attempts.failed('join', from)
    const late = setTimeout(() => socket.destroy(), this.#options.join_ms ?? LIMITS.join_ms)
    let answer: JoinAnswer
    try {
      const request = await readLine(socket)
      const workload = 'workload' in request
      const token = workload ? textOf(request, 'workload', LIMITS.line) : textOf(request, 'token', 200)
      const version = textOf(request, 'version', 64).replace(/[^\w.+-]/g, '')
      const key = provenKey(socket, textOf(request, 'publicKey', 1_000), textOf(request, 'proof', 1_000))
      const joined = await this.members[workload ? 'joinWorkload' : 'join'](token, key, { from, version, stranger })
      this.#options.log.info('a connector joined', { name: joined.name, id: joined.id, from })
      answer = { ok: true, id: joined.id, name: joined.name, cert: joined.cert, ca: this.#authority.certificate }
    } catch (thrown) {
      const error = toSluiceError(thrown)
      // The mark a token leaves that somebody holds who did not ask for it; wrong tokens are on record already.
      if (error.code === 'tunnel.proof' && !stranger())
        this.#journal.note('join-refused', { from, why: 'the proof is not of this connection and key' })
      // Which of wrong, used and expired it was is on record here; the other end is told the same for all.
      answer = { ok: false, code: error.code, message: error.safeMessage }
      if (error.code === 'internal') throw error
      this.#options.log.warn('a join was refused', { from, code: error.code, detail: error.detail })
    } finally {
      clearTimeout(late)
    }
    await writeLine(socket, answer)
    socket.end()
    setTimeout(() => socket.destroy(), LIMITS.join_ms).unref()
  }

  /** A peer that asks to be a tunnel: its certificate says who it is, the store whether it still may. */
  async #open(socket: TLSSocket, from: string): Promise<void> {
    const holder = this.#authority.holder(socket.getPeerX509Certificate(), this.#options.clock.now_ms())
    if (!holder) {
      // A stranger does not fill the ledger: after a few tries they are not on record any more.
      if (!this.#options.attempts.failed('tunnel', from))
        this.#journal.note('refused', { from, why: 'no certificate of ours' })
      throw new SluiceError('tunnel.refused', 'no certificate of ours')
    }
    let row: ConnectorRow
    try {
      row = await this.members.admit(holder, from)
    } catch (thrown) {
      await this.#turnAway(socket, { holder, from }, thrown)
      throw thrown
    }
    const tunnel = this.#tunnel(socket, holder, from)
    const { version, instance } = await tunnel.greet()
    if (this.#judged.has(holder.id)) return tunnel.bye('duplicate')
    this.#judged.add(holder.id)
    try {
      if (!(await this.#alone(tunnel, instance))) return
      this.#journal.write('connect', { id: holder.id, name: holder.name, from, version, serial: holder.serial })
      await this.#options.store.connectors.seen(holder.id, {
        version,
        seen_ms: this.#options.clock.now_ms(),
        seen_from: from,
        previous_serial: row.previous_serial,
      })
      if (tunnel.state === 'gone') return
      this.pools.add(tunnel)
    } finally {
      this.#judged.delete(holder.id)
    }
    const { missing } = tunnel
    if (missing.length > 0)
      this.#options.log.warn('a connector lacks what this gateway needs', {
        name: holder.name,
        id: holder.id,
        version,
        missing,
      })
    // Those that joined on one day must not renew in one minute.
    const age_ms =
      this.#options.clock.now_ms() - (row.expires_ms - (this.#options.certificate_ms ?? LIMITS.certificate_ms))
    const due_ms = Math.max(0, (this.#options.renew_ms ?? LIMITS.renew_ms) - age_ms)
    await tunnel.welcome(Math.round(due_ms * (0.9 + Math.random() * 0.2)))
  }

  #tunnel(socket: TLSSocket, holder: Holder, from: string): Tunnel {
    let held = holder
    const expires_ms = Date.parse(socket.getPeerX509Certificate()!.validTo)
    return new Tunnel(
      {
        socket,
        holder,
        from,
        ended: (tunnel, why) => {
          if (!this.pools.remove(tunnel)) return
          const { streams, opened, bytes } = tunnel
          const about = { id: holder.id, name: holder.name, from }
          this.#journal.note('disconnect', { ...about, why, streams, opened, bytes })
          this.#options.log.info('a connector left', { ...about, why, streams })
          const { store, clock } = this.#options
          // For the list alone: a store that is closing, or fails, keeps the time it came.
          store.connectors.left(holder.id, clock.now_ms()).catch(() => {})
        },
        renew: async (publicKey, proof) => {
          const issued = await this.members.renew(held, provenKey(socket, publicKey, proof), from)
          held = { ...held, serial: issued.serial }
          return issued
        },
      },
      expires_ms,
    )
  }

  /**
   * One certificate, one tunnel. A connector that comes back finds its old tunnel half open or draining, and replaces it; where the old one
   * still answers, somebody holds a copy: that is an alarm, and the newcomer stays out.
   */
  async #alone(tunnel: Tunnel, instance: string): Promise<boolean> {
    const { holder, from } = tunnel
    const before = this.pools.of(holder.id)
    if (!before) return true
    if (before.instance !== instance && before.state === 'ready' && (await before.answers(LIMITS.rival_ms))) {
      const about = { id: holder.id, name: holder.name, from, heldFrom: before.from }
      this.#journal.note('alarm', { ...about, why: 'a second holder of the certificate' })
      this.#options.log.error('two processes hold the certificate of one connector: it may have been stolen', about)
      tunnel.bye('duplicate')
      return false
    }
    before.bye('superseded')
    return true
  }

  /** Tells a connector that may not come in why, so that it stops knocking. */
  async #turnAway(
    socket: TLSSocket,
    { holder, from }: { holder: Holder; from: string },
    thrown: unknown,
  ): Promise<void> {
    const why: Bye = toSluiceError(thrown).detail === 'revoked' ? 'revoked' : 'refused'
    const tunnel = this.#tunnel(socket, holder, from)
    await tunnel.greet()
    tunnel.bye(why)
    await new Promise((resolve) => setTimeout(resolve, LIMITS.bye_ms))
  }

  /** Revocations by another process, and certificates that ended. What cannot be checked is tried again; nothing new is let in meanwhile. */
  async #sweep(): Promise<void> {
    const tunnels = this.pools.list()
    if (tunnels.length === 0) return
    const now_ms = this.#options.clock.now_ms()
    for (const tunnel of tunnels) if (tunnel.expires_ms <= now_ms) tunnel.bye('refused')
    try {
      const gone = new Set(await this.#options.store.connectors.gone(tunnels.map((tunnel) => tunnel.holder.id)))
      for (const tunnel of tunnels) if (gone.has(tunnel.holder.id)) tunnel.bye('revoked')
    } catch (error) {
      this.#options.log.error('looking for revoked connectors failed', { error: String(error) })
    }
  }
}

function summaryOf(row: ConnectorRow, tunnel: Tunnel | undefined, now_ms: number): ConnectorSummary {
  const state = row.revoked_ms !== null ? 'revoked' : (tunnel?.state ?? (row.expires_ms <= now_ms ? 'expired' : 'gone'))
  return {
    name: row.name,
    id: row.id,
    state,
    version: tunnel?.version ?? row.version,
    from: tunnel?.from ?? row.seen_from,
    joined_ms: row.joined_ms,
    joinedBy: row.joined_by,
    seen_ms: tunnel ? now_ms : row.seen_ms,
    expires_ms: row.expires_ms,
    ...(tunnel && {
      since_ms: tunnel.since_ms,
      streams: tunnel.streams,
      opened: tunnel.opened,
      bytes: tunnel.bytes,
      ...(tunnel.rtt_ms !== undefined && { rtt_ms: Math.round(tunnel.rtt_ms * 10) / 10 }),
    }),
    ...(row.revoked_by !== null && { revokedBy: row.revoked_by }),
  }
}
