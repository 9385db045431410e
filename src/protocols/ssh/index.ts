import type { AuthContext, Client } from 'ssh2'
import { isOurSide, particulars, type SluiceError, toSluiceError } from '../../kit/errors.ts'
import type { Secret } from '../../kit/secret.ts'
import { isAdministrator } from '../../model/principal.ts'
import type { ClientStream, Gate, Protocol, Session } from '../contract.ts'
import { converse } from './conversation.ts'
import { Handshake } from './handshake.ts'
import { GOODBYE_MS, LOGIN_GRACE_MS, PENDING, PENDING_PER_ADDRESS } from './limits.ts'
import { loginToTarget } from './target.ts'
import { acceptLeg, certifiedKey, REASON, type ServerKey } from './transport.ts'
import { readPrivateKey } from './transport-library.ts'

export interface SshOptions {
  /** The gateway's host key, in OpenSSH's format. */
  readonly hostKey: Secret
  /** Its certificate, as SSH writes it: asked for with every connection, for it is renewed. */
  readonly hostCertificate: () => Buffer
}

/** The SSH protocol. Throws a RangeError for a host key that is none. */
export function createSsh(options: SshOptions): Protocol {
  const hostKey = readPrivateKey(options.hostKey.reveal())
  const pending = new Pending()
  return {
    name: 'ssh',
    fulfils: new Set(['mask', 'timeout', 'readOnly', 'record']),
    async serve(client, gate) {
      const leave = pending.enter(client.remoteAddress ?? '')
      if (!leave) return
      try {
        const key = { hostKey, certified: certifiedKey(hostKey, options.hostCertificate()) }
        await new Service(client, gate, { key, welcomed: leave }).done
      } finally {
        leave()
      }
    },
  }
}

/** Connections that have proved nothing yet. */
class Pending {
  #all = 0
  readonly #of = new Map<string, number>()

  /** Undefined when there are too many; else what to call, once or more, when it is one no longer. */
  enter(address: string): (() => void) | undefined {
    const here = this.#of.get(address) ?? 0
    if (this.#all >= PENDING || here >= PENDING_PER_ADDRESS) return undefined
    this.#all++
    this.#of.set(address, here + 1)
    let inside = true
    return () => {
      if (!inside) return
      inside = false
      this.#all--
      const left = this.#of.get(address)! - 1
      if (left === 0) this.#of.delete(address)
      else this.#of.set(address, left)
    }
  }
}

const UNREADABLE = `sluice: a packet that cannot be read, or of more than 35,000 bytes: a command line and what belongs to it must fit in one.`

interface ServiceParts {
  readonly key: ServerKey
  readonly welcomed: () => void
}

/** One client from its first byte to its last. */
class Service {
  readonly done: Promise<void>
  readonly #client: ClientStream
  readonly #parts: ServiceParts
  readonly #leg: ReturnType<typeof acceptLeg>
  readonly #handshake: Handshake
  readonly #left = new AbortController()
  #grace: NodeJS.Timeout | undefined
  #settle: (failed?: unknown) => void = () => {}
  #reached = false
  /** Requests being answered: a session that one of them opens must be there to be closed. */
  #answering = 0
  #administrator = false
  /** What went wrong on our side, for whoever runs the gateway. */
  #failed: unknown

  constructor(client: ClientStream, gate: Gate, parts: ServiceParts) {
    this.#client = client
    this.#parts = parts
    this.done = new Promise((resolve, reject) => {
      this.#settle = (failed) => (failed === undefined ? resolve() : reject(failed))
    })
    this.#leg = acceptLeg(client, parts.key, (request) => this.#handshake.failed(request))
    this.#handshake = new Handshake({
      gate,
      from: client.remoteAddress ?? '',
      client: () => '',
      patient: (waits) => (waits ? clearTimeout(this.#grace) : this.#hurry()),
      enough: () => this.#goodbye(REASON.NO_MORE_AUTH_METHODS, 'Too many authentication failures'),
      left: this.#left.signal,
    })
    this.#hurry()
    const { connection } = this.#leg
    // What a peer did wrong ends its connection. For a packet it cannot read the library has no words.
    connection.on('error', () => {
      this.#leg.goodbye(REASON.PROTOCOL_ERROR, UNREADABLE)
      this.#hangUp()
    })
    connection.on('close', () => this.#gone())
    connection.on('authentication', (context) => void this.#answer(context))
    client.once('close', () => this.#gone())
    // Whoever sends no more has left: as OpenSSH's server sees it, a half of a connection is none.
    client.once('end', () => {
      this.#gone()
      this.#hangUp()
    })
    const closing = () => this.#goodbye(REASON.BY_APPLICATION, 'The gateway is shutting down.')
    gate.closing.addEventListener('abort', closing, { once: true })
    void this.done.catch(() => {}).then(() => gate.closing.removeEventListener('abort', closing))
  }

  /** The grace begins, or begins anew. */
  #hurry(): void {
    clearTimeout(this.#grace)
    this.#grace = setTimeout(() => this.#client.destroy(), LOGIN_GRACE_MS)
  }

  #gone(): void {
    clearTimeout(this.#grace)
    this.#left.abort()
    this.#conclude()
  }

  /** It is over when the client is gone, or its conversation; never while something is being answered. */
  #conclude(): void {
    if (this.#answering === 0 && (this.#reached || this.#left.signal.aborted)) this.#settle(this.#failed)
  }

  #goodbye(reason: number, text: string): void {
    if (this.#reached) return
    this.#leg.goodbye(reason, text)
    this.#hangUp()
  }

  /** Ends the connection, also for a client that would leave its half open. */
  #hangUp(): void {
    this.#client.end()
    setTimeout(() => this.#client.destroy(), GOODBYE_MS).unref()
  }

  async #answer(context: AuthContext): Promise<void> {
    this.#answering++
    try {
      const session = await this.#handshake.answer(context)
      if (session) await this.#serve(session, context)
    } catch (thrown) {
      const error = toSluiceError(thrown)
      if (isOurSide(error) && !this.#left.signal.aborted) this.#failed = thrown
      this.#goodbye(REASON.BY_APPLICATION, wordsOf(error, this.#administrator))
    } finally {
      this.#answering--
      this.#conclude()
    }
  }

  /** Reaches the target before the client is told that it is in: what fails is then said in words. */
  async #serve(session: Session, context: AuthContext): Promise<void> {
    clearTimeout(this.#grace)
    this.#administrator = isAdministrator(session.principal)
    const target = await this.#reach(session)
    this.#reached = true
    this.#parts.welcomed()
    const { connection } = this.#leg
    const talk = converse({ client: connection, target, session })
    this.#leg.admit()
    context.accept()
    await talk
  }

  /** Throws why the session ended where that is why the target was not reached. */
  async #reach(session: Session): Promise<Client> {
    try {
      const upstream = await session.dial()
      const ended = AbortSignal.any([this.#left.signal, session.ended])
      return await loginToTarget(session.carry(this.#client, upstream.stream), upstream, ended)
    } catch (thrown) {
      session.ended.throwIfAborted()
      throw thrown
    }
  }
}

/** What a client may read of an error; an administrator reads why. */
function wordsOf(error: SluiceError, administrator: boolean): string {
  const why = particulars(error, administrator)
  return [error.safeMessage, why && `(${why})`, error.remedy].filter(Boolean).join(' ')
}
