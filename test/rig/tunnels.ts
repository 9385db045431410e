import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { join as path } from 'node:path'
import { type Clock, systemClock } from '../../src/kit/clock.ts'
import { createLog, type Log } from '../../src/kit/log.ts'
import { Secret } from '../../src/kit/secret.ts'
import { openStore, type Store } from '../../src/store/store.ts'
import { allowListOf } from '../../src/tunnel/connector/allow-list.ts'
import { Connector, type ConnectorParts } from '../../src/tunnel/connector/connector.ts'
import type { ConnectorIdentity } from '../../src/tunnel/connector/identity-file.ts'
import { join } from '../../src/tunnel/connector/join.ts'
import { createTunnels, type Tunnels, type TunnelsOptions } from '../../src/tunnel/gateway/tunnels.ts'
import { tempFolder } from './temp.ts'

export interface LedgerLine {
  readonly kind: string
  readonly action?: string
  readonly why?: string
  readonly [field: string]: unknown
}

/** Of the rig's authority. */
export const SEED = Buffer.alloc(32, 7).toString('base64')

/** A gateway's side of tunnels on a real store, in this process. */
export interface TunnelRig extends AsyncDisposable {
  readonly tunnels: Tunnels
  readonly store: Store
  readonly port: number
  /** What went into the ledger. */
  readonly ledger: LedgerLine[]
  /** What was logged, both ends. */
  readonly lines: string[]
  readonly log: Log
  /** While true the ledger refuses. */
  ledgerFails: boolean
  token(name: string, ttl_ms?: number): Promise<string>
  join(name: string): Promise<ConnectorIdentity>
  /** Joins and runs a connector; resolves when the gateway has taken it in. */
  connector(name: string, allow: readonly string[], over?: Partial<ConnectorParts>): Promise<Connector>
}

export async function startTunnelRig(over: Partial<TunnelsOptions> & { clock?: Clock } = {}): Promise<TunnelRig> {
  const folder = tempFolder('tunnels')
  const store = await openStore({ path: path(folder.path, 'store.sqlite') })
  const lines: string[] = []
  const log = createLog('debug', (line) => void lines.push(line))
  const ledger: LedgerLine[] = []
  const running: { connector: Connector; run: Promise<void> }[] = []
  const rig = { ledgerFails: false }
  const tunnels = createTunnels({
    store,
    log,
    clock: systemClock,
    seed: new Secret(SEED),
    attempts: { failed: () => false },
    tls: undefined,
    ledger: {
      append: (kind, body) => ledger.push({ kind, ...(JSON.parse(`{${body as string}}`) as object) }),
      commit: () => {
        if (rig.ledgerFails) throw new Error('the disk is full')
      },
      durable: async () => {},
    },
    ...over,
  })
  const { port } = await tunnels.listen({ host: '127.0.0.1', port: 0 })
  const way = { host: '127.0.0.1', port, websocket: false }
  const token = async (name: string, ttl_ms = 60_000) => (await tunnels.invite(name, ttl_ms, 'human:ada')).token
  const joinAs = async (name: string) => await join(way, new Secret(await token(name)), '1.0.0')
  return Object.assign(rig, {
    ...{ tunnels, store, port, ledger, lines, log, token },
    join: joinAs,
    async connector(name: string, allow: readonly string[], parts: Partial<ConnectorParts> = {}) {
      const ready = Promise.withResolvers<void>()
      const connector = new Connector({
        ...{ way, folder: undefined, log, version: '1.0.0', allow: allowListOf(allow), ready: () => ready.resolve() },
        identity: parts.identity ?? (await joinAs(name)),
        ...parts,
      })
      const run = connector.run().catch((error: Error) => {
        lines.push(`the connector gave up: ${error.message}`)
        ready.reject(error)
      })
      running.push({ connector, run })
      await ready.promise
      return connector
    },
    async [Symbol.asyncDispose]() {
      for (const { connector } of running) connector.stop()
      await Promise.all(running.map(({ run }) => run))
      await tunnels.close()
      await store.close()
      folder.remove()
    },
  })
}

/** A TCP server of the test's own. */
export async function startTarget(
  serve: (socket: Socket) => void,
): Promise<{ port: number; server: Server } & AsyncDisposable> {
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    serve(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    server,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}

export const echo = (socket: Socket) => void socket.pipe(socket)
