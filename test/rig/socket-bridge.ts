/** `node test/rig/socket-bridge.ts HOST SOCKET`: a TCP port that leads to a Unix socket. Prints the port on one line. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'

const [host, path] = process.argv.slice(2) as [string, string]
const server = createServer({ allowHalfOpen: true }, (client) => {
  const target = connect({ path, allowHalfOpen: true })
  client.pipe(target)
  target.pipe(client)
  client.on('error', () => target.destroy())
  target.on('error', () => client.destroy())
})
server.listen(0, host)
await once(server, 'listening')
process.stdout.write(`${(server.address() as AddressInfo).port}\n`)
