import { once } from 'node:events'
import { connect, createServer } from 'node:net'

/**
 * A TCP port on 127.0.0.1 that was free a moment ago. Another process may take it before it is used, so whoever starts a
 * server on it goes through {@link onFreePort}.
 */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (!address || typeof address === 'string') throw new Error('the kernel gave no port')
  return address.port
}

/** Thrown by a starter whose port was taken in between. */
export class PortTaken extends Error {}

/** Starts something on a free port, and once more on another one for as long as the starter throws {@link PortTaken} (5 times at most). */
export async function onFreePort<T>(start: (port: number) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start(await freePort())
    } catch (error) {
      if (!(error instanceof PortTaken) || attempt === 5) throw error
    }
  }
}

/** Whether something listens there. */
export async function listening(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  const there = await once(socket, 'connect').then(
    () => true,
    () => false,
  )
  socket.destroy()
  return there
}
