import type { AddressInfo } from 'node:net'
import { createServer, type Server, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { CommandFailure, EXIT } from '../exit.ts'
import { LIMITS } from './limits.ts'

/** How one protocol's clients get from a local port to the gateway. */
export interface Front {
  /** Greets a local client as far as it must be before the gateway is asked, and reaches the gateway. Undefined: it was answered here. */
  connect(client: Socket): Promise<Duplex | undefined>
  /** Tells a client that the gateway cannot be reached, in the protocol's own words. */
  refuse(client: Socket, why: string): void
}

/** A port on this machine that leads to one resource. */
export interface LocalPort {
  readonly host: '127.0.0.1'
  readonly port: number
  close(): Promise<void>
}

/**
 * Opens a local port. The gateway is dialled only when somebody connects, once for each. Throws CommandFailure when the port is taken.
 * `said` is told why a connection failed.
 */
export async function openLocalPort(front: Front, port: number, said: (why: string) => void): Promise<LocalPort> {
  const open = new Set<Socket>()
  const server = createServer({ noDelay: true }, (client) => {
    open.add(client)
    client.once('close', () => open.delete(client))
    client.on('error', () => client.destroy())
    carry(front, client).catch((error: unknown) => said(error instanceof Error ? error.message : String(error)))
  })
  server.maxConnections = LIMITS.connections
  await listening(server, port)
  return {
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const client of open) client.destroy()
      }),
  }
}

async function carry(front: Front, client: Socket): Promise<void> {
  let gateway: Duplex | undefined
  try {
    gateway = await front.connect(client)
  } catch (error) {
    front.refuse(client, error instanceof Error ? error.message : String(error))
    throw error
  }
  if (!gateway) return void client.end()
  // Either side may leave at any moment; then so does the other.
  await Promise.allSettled([pipeline(client, gateway), pipeline(gateway, client)])
}

function listening(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'is taken' : `cannot be opened (${error.code})`
      reject(
        new CommandFailure(`Port ${port} of this machine ${why}.`, EXIT.failure, 'Choose another: --port 0 takes any.'),
      )
    })
    server.listen(port, '127.0.0.1', resolve)
  })
}
