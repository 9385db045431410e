import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'

/**
 * The least a Node process between client and server can do: every byte copied both ways, nothing looked at. Benchmarks use it as the
 * floor of the runtime. As a program: `node test/rig/pipe.ts PORT` prints its own port on one line.
 */
export async function startPipe(target: {
  port: number
  host?: string
}): Promise<{ port: number; stop(): Promise<void> }> {
  const server = createServer({ noDelay: true, pauseOnConnect: false }, (client) => {
    const upstream = connect({ port: target.port, host: target.host ?? '127.0.0.1', noDelay: true })
    client.pipe(upstream)
    upstream.pipe(client)
    client.on('error', () => upstream.destroy())
    upstream.on('error', () => client.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    stop: async () => {
      server.close()
      await once(server, 'close')
    },
  }
}

if (import.meta.main) {
  const { port } = await startPipe({ port: Number(process.argv[2]) })
  process.stdout.write(`${port}\n`)
}
