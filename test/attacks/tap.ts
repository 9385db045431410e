import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A relay on the client's leg that keeps every byte a client is sent. */
export interface Tap extends AsyncDisposable {
  readonly port: number
  /** What clients received since the last call, one buffer per connection. */
  taken(): Buffer[]
}

export async function startTap(port: number): Promise<Tap> {
  let heard: Buffer[][] = []
  const sockets = new Set<Socket>()
  const server = createServer({ noDelay: true }, (client) => {
    const target = connect({ port, host: '127.0.0.1', noDelay: true })
    const pieces: Buffer[] = []
    heard.push(pieces)
    for (const socket of [client, target]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        client.destroy()
        target.destroy()
        sockets.delete(socket)
      })
    }
    target.on('data', (bytes: Buffer) => {
      if (!heard.includes(pieces)) heard.push(pieces)
      pieces.push(bytes)
    })
    client.pipe(target)
    target.pipe(client)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port: own } = server.address() as AddressInfo
  return {
    port: own,
    taken() {
      const taken = heard.map((pieces) => Buffer.concat(pieces.splice(0)))
      heard = []
      return taken
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}
