import { createServer, type Server, type Socket } from 'node:net'
import type { SecureContext } from 'node:tls'
import { SluiceError, toSluiceError } from '../kit/errors.ts'
import type { Log } from '../kit/log.ts'
import type { LiveSessions, Ports } from '../model/ports.ts'
import type { Protocol } from '../protocols/contract.ts'
import { ClientGate } from './gate.ts'
import { LIMITS } from './limits.ts'
import type { GatewaySession } from './session.ts'
import { StandingOperations } from './standing.ts'
import { Tick } from './tick.ts'

export interface ListenerConfig {
  readonly protocol: Protocol
  readonly host: string
  readonly port: number
  readonly tls?: SecureContext | undefined
}

export interface GatewayConfig {
  readonly ports: Ports
  readonly listeners: readonly ListenerConfig[]
  readonly log: Log
  readonly now_ms?: () => number
}

export interface Gateway {
  readonly live: LiveSessions
  /** The ports listened on, in the order of the listeners. */
  readonly ports: readonly number[]
  /** Writes entries appended outside a session (an approval, an API change) at the end of this turn. */
  touchLedger(): void
  /** Ends every live session. */
  end(why: SluiceError): void
  /** Stops accepting, ends the sessions with `session.shutdown` after `grace_ms`, and resolves when all are sealed. */
  stop(grace_ms?: number): Promise<void>
}

/** Starts the listeners. Rejects with `config.invalid` when an address cannot be listened on. */
export async function createGateway(config: GatewayConfig): Promise<Gateway> {
  const { ports, log } = config
  const tick = new Tick(ports.ledger)
  const standing = new StandingOperations(ports.policy)
  const unsubscribe = ports.policy.onChange(() => standing.changed())
  const sessions = new Map<string, GatewaySession>()
  const serving = new Set<Promise<void>>()
  const sockets = new Set<Socket>()
  const closing = new AbortController()
  const now_ms = config.now_ms ?? Date.now

  const accept = (listener: ListenerConfig, socket: Socket) => {
    socket.on('error', () => socket.destroy())
    if (closing.signal.aborted || sockets.size >= LIMITS.connections) return void socket.destroy()
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    const gate = new ClientGate({
      ports,
      tick,
      standing,
      protocol: listener.protocol,
      tls: listener.tls,
      loopback: isLoopback(socket.remoteAddress),
      closing: closing.signal,
      now_ms,
      sessions,
      broken: (why) => report(log, why),
    })
    const done = serveOne(listener.protocol, socket, gate, log)
    serving.add(done)
    void done.finally(() => serving.delete(done))
  }

  const endAll = (why: SluiceError) => {
    for (const session of sessions.values()) session.end(why)
  }

  const servers = await Promise.all(config.listeners.map((listener) => listen(listener, accept)))
  return {
    ports: servers.map((server) => (server.address() as { port: number }).port),
    touchLedger: () => tick.touch(),
    live: {
      list: () => [...sessions.values()].map((session) => session.live()),
      kill: async (id, by, why) => {
        const session = sessions.get(id)
        if (!session) return 'unknown'
        session.end(new SluiceError('session.killed', `${by}: ${why}`))
        await within(session.over, LIMITS.kill_ms)
        return sessions.has(id) ? 'ending' : 'ended'
      },
    },
    end: endAll,
    async stop(grace_ms = 0) {
      for (const server of servers) server.close()
      const settled = Promise.allSettled(serving)
      if (grace_ms > 0) await within(settled, grace_ms)
      closing.abort(new SluiceError('session.shutdown'))
      endAll(new SluiceError('session.shutdown'))
      await within(Promise.allSettled(serving), LIMITS.drain_ms)
      for (const socket of sockets) socket.destroy()
      unsubscribe()
      await Promise.allSettled(serving)
      tick.run()
    },
  }
}

/** An error of the gateway's own or of its target, with its place: the only trace of it, since the client hears nothing of it. */
function report(log: Log, error: SluiceError, session?: GatewaySession): void {
  const where = session && { session: session.id, resource: session.resource.name }
  // A wrong name of a database is its client's mistake: nobody who runs the gateway has to act.
  if (error.code === 'target.refused')
    return log.info('a target refused what a client asked for', { ...where, detail: error.detail })
  // What a target refused has no place in our code.
  const { stack } = error.code !== 'internal' ? {} : error.cause instanceof Error ? error.cause : error
  log.error('a session ended by an error that is not its client’s', {
    ...where,
    code: error.code,
    detail: error.detail,
    stack,
  })
}

/** One client from accept to close. A programmer error ends its session, never the process. */
async function serveOne(protocol: Protocol, socket: Socket, gate: ClientGate, log: Log): Promise<void> {
  try {
    await protocol.serve(socket, gate)
  } catch (thrown) {
    const error = toSluiceError(thrown)
    report(log, error, gate.session)
    // So that its record says why it came to nothing.
    gate.session?.end(error)
  } finally {
    socket.destroySoon()
    try {
      await gate.session?.close()
    } catch (thrown) {
      log.error('a session could not be sealed', { detail: toSluiceError(thrown).message })
    }
  }
}

function listen(listener: ListenerConfig, accept: (listener: ListenerConfig, socket: Socket) => void): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => accept(listener, socket))
    server.once('error', (error: NodeJS.ErrnoException) => {
      const taken =
        error.code === 'EADDRINUSE'
          ? `port ${listener.port} is already in use; stop what holds it, or choose another port`
          : error.message
      reject(new SluiceError('config.invalid', taken, { cause: error }))
    })
    server.listen({ host: listener.host, port: listener.port, backlog: 4096 }, () => resolve(server))
  })
}

function isLoopback(address: string | undefined): boolean {
  return address !== undefined && (address === '::1' || /^(::ffff:)?127\./.test(address))
}

function within(work: Promise<unknown>, limit_ms: number): Promise<unknown> {
  let timer: NodeJS.Timeout
  const limit = new Promise((resolve) => {
    timer = setTimeout(resolve, limit_ms)
  })
  return Promise.race([work, limit]).finally(() => clearTimeout(timer))
}
