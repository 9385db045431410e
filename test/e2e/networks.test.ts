/** Gateway, connector and database on three machines: network namespaces in a row, of which the middle one forwards nothing. */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ended, run, spawnMortal } from '../rig/child.ts'
import { type ConnectorProcess, startConnectorProcess } from '../rig/connector.ts'
import { startTestGateway, type TestGateway } from '../rig/gateway.ts'
import { readLedger } from '../rig/ledger.ts'
import { type Networks, networksMissing, startNetworks } from '../rig/networks.ts'
import { ALLOW_ALL } from '../rig/policies.ts'
import { type PostgresServer, startPostgres } from '../rig/postgres.ts'
import { loginEnvironment } from '../rig/psql.ts'
import { until } from '../rig/until.ts'

describe.skipIf(networksMissing)(`three networks${networksMissing ? ` (${networksMissing})` : ''}`, () => {
  let networks: Networks
  let server: PostgresServer
  let bridge: ChildProcess
  let database: string
  let gateway: TestGateway
  let connector: ConnectorProcess

  beforeAll(async () => {
    networks = await startNetworks()
    server = await startPostgres()
    const { near, middle, far } = networks
    // The server's socket is a file, which every namespace sees; its TCP port on the far machine is this bridge.
    const program = join(import.meta.dirname, '../rig/socket-bridge.ts')
    const socket = join(server.folder, `.s.PGSQL.${server.port}`)
    bridge = spawnMortal([...far.exec, process.execPath, program, far.address, socket], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [port] = (await once(createInterface(bridge.stdout!), 'line')) as [string]
    database = `${far.address}:${port}`
    const resource = {
      ...{ kind: 'Resource', name: 'remote', protocol: 'postgres', address: database, via: 'connector:middle' },
      ...{ database: server.database, labels: {}, tls: { mode: 'disable' } },
      users: [{ name: server.user, password: { env: 'REMOTE_PASSWORD' } }],
    }
    process.env.REMOTE_PASSWORD = server.password
    gateway = await startTestGateway({
      ...{ target: server, policy: `${ALLOW_ALL}\n---\n${JSON.stringify(resource)}`, resources: [] },
      settings: { listen: { postgres: '127.0.0.1:0', api: '127.0.0.1:0', tunnel: `${near.address}:0` } },
      ...{ through: 'direct', joinTokens: { middle: 1 }, before: near.exec },
    })
    connector = await startConnectorProcess({
      ...{ gateway: `${near.address}:${gateway.tunnel}`, token: gateway.joinTokens.middle![0]! },
      ...{ allow: [database], before: middle.exec },
    })
  })
  afterAll(async () => {
    await connector?.stop()
    await gateway?.stop()
    bridge?.kill()
    if (bridge) await ended(bridge)
    await server?.stop('immediate')
    await networks?.[Symbol.asyncDispose]()
  })

  const psql = (sql: string) =>
    run([...networks.near.exec, 'psql', '-X', '-A', '-t', '-c', sql], {
      env: loginEnvironment(gateway.login('human:suite', { resource: 'remote' })),
    })
  const reaches = async (from: readonly string[], address: string) => {
    const [host, port] = address.split(':')
    const text = `require('node:net').connect(${port}, '${host}').on('connect', () => process.exit(0)).on('error', () => process.exit(1)); setTimeout(() => process.exit(1), 2000)`
    return (await run([...from, process.execPath, '-e', text])).status === 0
  }

  it('the gateway cannot reach the database, the connector can, and the database is worked with all the same', async () => {
    expect(await reaches(networks.near.exec, database)).toBe(false)
    expect(await reaches(networks.middle.exec, database)).toBe(true)
    expect(await psql('select 6 * 7')).toMatchObject({ status: 0, stdout: '42\n' })
  })

  it('the connector listens on nothing: it only dials out', async () => {
    const { stdout } = await run([...networks.middle.exec, 'ss', '-Hltn'])
    expect(stdout.trim()).toBe('')
  })

  it('a link that is cut ends the session within the time of two pings, and is used again once it is back', async () => {
    const began = performance.now()
    const waiting = psql('select pg_sleep(600)')
    await until(async () =>
      readLedger(gateway.dataDir).some((entry) => entry.kind === 'intent' && entry.text?.includes('600') === true),
    )
    await networks.link('down')
    const { status, stderr } = await waiting
    expect(status).not.toBe(0)
    expect(stderr).toContain('The connector to the target was lost.')
    expect(performance.now() - began).toBeLessThan(30_000)
    await networks.link('up')
    await until(async () => (await psql('select 1')).status === 0, 60_000)
  }, 120_000)
})
