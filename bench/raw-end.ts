/**
 * The far end of the raw stream: `node bench/raw-end.ts`. Prints the ports of a TCP and of a TLS listener. A connection that begins with `T`
 * is read to its end and answered with one byte; one that begins with `F` and a number of MB is sent as much, in writes of 64 KB.
 */
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { selfSigned } from '../src/setup/certificate.ts'

const CHUNK = Buffer.alloc(65_536, 'x')

async function serve(socket: Socket): Promise<void> {
  let megabytes = 0
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    if (megabytes === 0 && chunk[0] === 0x46) {
      megabytes = Number(chunk.toString('latin1', 1))
      break
    }
  }
  if (megabytes === 0) return void socket.end('.')
  for (let left = megabytes * 16; left > 0; left--) if (!socket.write(CHUNK)) await once(socket, 'drain')
  socket.end()
}

const answer = (socket: Socket) => {
  socket.on('error', () => socket.destroy())
  // `break` must not end the connection.
  const kept = Object.assign(socket, { [Symbol.asyncIterator]: () => socket.iterator({ destroyOnReturn: false }) })
  void serve(kept).catch(() => socket.destroy())
}
const plain = createServer({ allowHalfOpen: true, noDelay: true }, answer).listen(0, '127.0.0.1')
const pair = selfSigned(['localhost'], Date.now())
const tls = createTlsServer({ ...pair, allowHalfOpen: true, minVersion: 'TLSv1.3' }, answer).listen(0, '127.0.0.1')
await Promise.all([once(plain, 'listening'), once(tls, 'listening')])
const portOf = (address: unknown) => (address as AddressInfo).port
process.stdout.write(`${JSON.stringify({ plain: portOf(plain.address()), tls: portOf(tls.address()) })}\n`)
