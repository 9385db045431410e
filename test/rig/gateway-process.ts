/**
 * A gateway as a process of its own: `node test/rig/gateway-process.ts '{"settings": {…}, "principals": […]}'`. Prints one line of JSON
 * (ports and a token for each principal) once it runs; SIGTERM stops it in order.
 */
import { startGateway } from '../../src/serve.ts'
import { parseSettings } from '../../src/setup/config.ts'
import type { GatewayLine, GatewayOrder } from './gateway.ts'

const { settings, principals, connectors = {} } = JSON.parse(process.argv[2]!) as GatewayOrder
const gateway = await startGateway(parseSettings(JSON.stringify(settings), { file: 'rig', base: '/' }), {
  version: 'test',
})
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void gateway.stop().then(() => process.exit(0)))
const tokens: Record<string, string> = {}
for (const principal of principals) tokens[principal] = await gateway.issueToken(principal, 86_400_000)
const joinTokens: Record<string, string[]> = {}
for (const [name, count] of Object.entries(connectors)) {
  const invite = () => gateway.connectors.invite(name, 3_600_000, 'rig')
  joinTokens[name] = await Promise.all(Array.from({ length: count }, async () => (await invite()).token))
}
const portOf = (address: string) => Number(address.split(':').at(-1))
const line: GatewayLine = {
  port: portOf(gateway.postgres),
  ...(gateway.ssh !== undefined && { ssh: portOf(gateway.ssh) }),
  ...(gateway.tunnel !== undefined && { tunnel: portOf(gateway.tunnel) }),
  api: gateway.api,
  tokens,
  joinTokens,
}
process.stdout.write(`${JSON.stringify(line)}\n`)
