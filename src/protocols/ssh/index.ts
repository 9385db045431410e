import ssh2, { type AuthContext, type Connection } from 'ssh2'
import { SluiceError } from '../../kit/errors.ts'
import type { Secret } from '../../kit/secret.ts'
import { type ClientStream, type Gate, isRefusal, type Protocol, type Session } from '../contract.ts'
import { converse } from './conversation.ts'
import { wantedOf } from './handshake.ts'
import { KEEPALIVE_MS, KEEPALIVES, LOGIN_GRACE_MS } from './limits.ts'
import { loginToTarget } from './target.ts'

export interface SshOptions {
  /** The gateway's host key, in OpenSSH's format. */
  readonly hostKey: Secret
}

const METHODS = ['password']

/** The SSH protocol. */
export function createSsh(options: SshOptions): Protocol {
  return {
    name: 'ssh',
    fulfils: new Set(['mask', 'timeout', 'readOnly', 'record']),
    async serve(client, gate) {
      const session = await new Welcome(client, gate, options).session()
      if (!session) return
      await session.talk()
    },
  }
}

interface Welcomed {
  talk(): Promise<void>
}

/** One client from its first byte to its proof. */
class Welcome {
  readonly #client: ClientStream
  readonly #gate: Gate
  readonly #options: SshOptions

  constructor(client: ClientStream, gate: Gate, options: SshOptions) {
    this.#client = client
    this.#gate = gate
    this.#options = options
  }

  /** Undefined when the client left, or proved nothing in time. */
  session(): Promise<Welcomed | undefined> {
    const client = this.#client
    return new Promise((resolve) => {
      const grace = setTimeout(() => client.destroy(), LOGIN_GRACE_MS)
      client.once('close', () => {
        clearTimeout(grace)
        resolve(undefined)
      })
      const server = new ssh2.Server({
        hostKeys: [this.#options.hostKey.reveal()],
        ident: 'Sluice',
        keepaliveInterval: KEEPALIVE_MS,
        keepaliveCountMax: KEEPALIVES,
      })
      server.on('connection', (connection) => {
        connection.on('error', () => client.destroy())
        connection.on('authentication', (context) => {
          void this.#prove(connection, context).then((session) => {
            if (session) clearTimeout(grace)
            if (session) resolve(session)
          })
        })
      })
      server.injectSocket(client)
    })
  }

  async #prove(connection: Connection, context: AuthContext): Promise<Welcomed | undefined> {
    const wanted = wantedOf(context.username)
    if (context.method !== 'password' || !wanted || context.password === undefined) {
      context.reject(METHODS)
      return undefined
    }
    const from = this.#client.remoteAddress ?? ''
    const session = await this.#gate.open({ kind: 'token', proof: context.password, from }, wanted)
    if (isRefusal(session)) {
      context.reject(METHODS)
      return undefined
    }
    return this.#reach(connection, context, session)
  }

  async #reach(connection: Connection, context: AuthContext, session: Session): Promise<Welcomed | undefined> {
    try {
      const upstream = await session.dial()
      const target = await loginToTarget(session.carry(this.#client, upstream.stream), upstream)
      const talk = converse({ client: connection, target, session })
      context.accept()
      return { talk: () => talk }
    } catch (thrown) {
      if (!(thrown instanceof SluiceError)) throw thrown
      this.#client.destroy()
      return undefined
    }
  }
}
