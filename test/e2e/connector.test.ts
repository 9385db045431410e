/** `sluice connector` and `sluice connectors` as an operator meets them. */
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Finished, run } from '../rig/child.ts'
import { startConnectorProcess } from '../rig/connector.ts'
import { startTestGateway, type TestGateway } from '../rig/gateway.ts'
import { readLedger } from '../rig/ledger.ts'
import { ALLOW_ALL } from '../rig/policies.ts'
import { tempFolder } from '../rig/temp.ts'
import { echo, startTarget, startTunnelRig } from '../rig/tunnels.ts'
import { until } from '../rig/until.ts'

const root = join(import.meta.dirname, '../..')
const ADMIN = `
---
kind: Human
name: root
groups: [admins]
`
const nowhere = { host: '127.0.0.1', port: 9, user: 'x', password: 'x', database: 'x' }

let gateway: TestGateway
beforeAll(async () => {
  const listen = { postgres: '127.0.0.1:0', api: '127.0.0.1:0', tunnel: '127.0.0.1:0' }
  gateway = await startTestGateway({
    target: nowhere,
    policy: ALLOW_ALL + ADMIN,
    settings: { listen },
    through: 'direct',
  })
})
afterAll(() => gateway.stop())

const sluice = (args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Finished> =>
  run([process.execPath, join(root, 'src/main.ts'), ...args], {
    env: { PATH: process.env.PATH, SLUICE_URL: gateway.api, SLUICE_TOKEN: gateway.token('human:root'), ...env },
    timeout_ms: 30_000,
  })

test('add, run, list, revoke: a token on stdout alone, a table, --json, exit codes, and all of it in the ledger', async () => {
  expect(await sluice(['connectors'])).toMatchObject({ status: 0, stdout: '' })
  const added = await sluice(['connectors', 'add', 'vpc-1', '--ttl', '5m'])
  expect(added).toMatchObject({ status: 0, stdout: expect.stringMatching(/^slu_join_[\w-]+\n$/) })
  expect(added.stderr).toContain(`sluice connector --gateway 127.0.0.1:${gateway.tunnel}`)
  await using connector = await startConnectorProcess({
    ...{ gateway: `127.0.0.1:${gateway.tunnel}`, token: added.stdout.trim(), allow: ['127.0.0.1:5432'] },
  })
  const table = await sluice(['connectors'])
  expect(table.stdout).toMatch(/NAME +ID +STATE +VERSION +FROM +SINCE +STREAMS +BYTES +RTT +CERTIFICATE/)
  expect(table.stdout).toMatch(/vpc-1 +con_\w+ +ready +\d+\.\d+\.\d+ +127\.0\.0\.1/)
  const [one] = JSON.parse((await sluice(['connectors', '--json'])).stdout) as { id: string; state: string }[]
  expect(one).toMatchObject({ state: 'ready' })
  expect(await sluice(['connectors', 'revoke', one!.id])).toMatchObject({ status: 0, stdout: `Revoked ${one!.id}.\n` })
  await until(async () => connector.child.exitCode !== null)
  expect(connector.child.exitCode).not.toBe(0)
  expect(connector.log()).toContain('it was revoked')
  expect((await sluice(['connectors'])).stdout).toContain('revoked by human:root')
  const actions = readLedger(gateway.dataDir).flatMap((entry) => {
    const { kind, action } = entry as unknown as { kind: string; action?: string }
    return kind === 'connector' || action?.startsWith('connector') ? [action] : []
  })
  expect(actions).toEqual(['connector.add', 'join', 'connect', 'connector.revoke', 'disconnect'])
})

test.each([
  [['connectors', 'add', 'no/name'], 2, 'This connector cannot be added'],
  [['connectors', 'add', 'x', '--ttl', '2d'], 2, '24 hours'],
  [['connectors', 'add', 'x', '--ttl', 'soon'], 2, 'is not a duration'],
  [['connectors', 'revoke', 'con_nothing'], 4, 'There is no connector'],
  [['connectors', 'revoke', 'a b'], 2, 'neither an id nor a name'],
  [['connector'], 2, '--gateway HOST:PORT'],
  [['connector', '--gateway', 'gw.example'], 2, 'no host:port of a gateway'],
  [['connector', '--gateway', 'https://gw.example:443'], 2, 'no host:port of a gateway'],
  [['connector', '--gateway', 'gw:1', '--allow', 'nonsense'], 2, 'HOST:PORT'],
  [['connector', '--gateway', 'gw:1'], 2, 'nothing is on the allow-list'],
  [['connector', '--gateway', 'gw:1', '--allow', 'a:1', '--dir', '/nonexistent/x'], 2, 'sluice connectors add NAME'],
  [['connector', '--gateway', 'gw:1', '--allow', 'a:1', '--allow-file', '/nonexistent/x'], 2, 'cannot be read'],
  [['connector', '--gateway', 'gw:1', '--allow', 'a:1', '--proxy', 'socks5://x'], 2, 'a proxy is written'],
  [
    ['connector', '--gateway', '127.0.0.1:1', '--allow', 'a:1', '--token', 'slu_x', '--dir', '/nonexistent/x'],
    1,
    'join token',
  ],
  [['connector', '--nonsense'], 2, 'unknown option'],
])('a mistake is one sentence and its remedy: %j', async (args, status, said) => {
  const done = await sluice(args)
  expect(`${done.stdout}${done.stderr}`).toContain(said)
  expect(done.status).toBe(status)
  expect(done.stderr).not.toMatch(/\n\s+at /)
})

test('the certificate lies in a file only its owner reads; a damaged one is not mended silently', async () => {
  const folder = tempFolder('identity')
  const token = (await sluice(['connectors', 'add', 'vpc-2'])).stdout.trim()
  const wish = { gateway: `127.0.0.1:${gateway.tunnel}`, allow: ['127.0.0.1:5432'], folder: folder.path }
  const first = await startConnectorProcess({ ...wish, token })
  await first.stop()
  const file = join(folder.path, 'identity.json')
  expect(statSync(file).mode & 0o777).toBe(0o600)
  // A second start needs no token.
  const second = await startConnectorProcess(wish)
  await second.stop()
  writeFileSync(file, readFileSync(file, 'utf8').slice(0, 100))
  const done = await sluice(['connector', '--gateway', wish.gateway, '--allow', 'a:1', '--dir', folder.path])
  expect(done).toMatchObject({ status: 2, stderr: expect.stringContaining('is damaged') })
  folder.remove()
})

describe('small and separate', () => {
  test('what `sluice connector` loads holds no store, no API, no console and no other verb', async () => {
    const hooks = tempFolder('loaded')
    const list = join(hooks.path, 'list')
    const hook = join(hooks.path, 'hook.mjs')
    writeFileSync(
      hook,
      `import { registerHooks } from 'node:module'; import { appendFileSync } from 'node:fs'
       registerHooks({ load(url, context, next) { appendFileSync(${JSON.stringify(list)}, url + '\\n'); return next(url, context) } })`,
    )
    const token = (await sluice(['connectors', 'add', 'vpc-3'])).stdout.trim()
    await using _ = await startConnectorProcess({
      ...{ gateway: `127.0.0.1:${gateway.tunnel}`, token, allow: ['127.0.0.1:5432'], node: ['--import', hook] },
    })
    const loaded = readFileSync(list, 'utf8').split('\n')
    const ours = loaded.flatMap((url) => /\/src\/(.+)$/.exec(url)?.[1] ?? [])
    const folders = [...new Set(ours.map((path) => path.split('/').slice(0, -1).join('/')))].sort()
    expect(folders).toEqual(['', 'cli', 'kit', 'kit/catalogue', 'tunnel', 'tunnel/connector'])
    expect(ours.filter((path) => path.startsWith('cli/')).sort()).toEqual([
      ...['cli/connector.ts', 'cli/duration.ts', 'cli/exit.ts', 'cli/paint.ts', 'cli/run.ts'],
    ])
    expect(ours.filter((path) => !path.includes('/')).sort()).toEqual(['connector.ts', 'main.ts'])
    const packages = loaded.flatMap((url) => /\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ?? [])
    expect([...new Set(packages)]).toEqual(['commander'])
    expect(loaded.filter((url) => /sqlite|hono|zod|react/.test(url))).toEqual([])
  })

  test('with 100 idle streams it holds at most 80 MB', async () => {
    // As it is published: built, not stripped of its types at every start.
    const built = tempFolder('built')
    const { status, stdout } = await run(
      [
        join(root, 'node_modules/.bin/tsc'),
        '-p',
        join(root, 'tsconfig.build.json'),
        '--outDir',
        join(built.path, 'dist'),
      ],
      { cwd: root },
    )
    expect(existsSync(join(built.path, 'dist/src/main.js')), `${status} ${stdout}`).toBe(true)
    writeFileSync(join(built.path, 'package.json'), '{"type":"module","version":"0.0.0"}')
    await run(['ln', '-s', join(root, 'node_modules'), join(built.path, 'node_modules')])
    await using rig = await startTunnelRig()
    await using target = await startTarget(echo)
    await using connector = await startConnectorProcess({
      ...{ gateway: `127.0.0.1:${rig.port}`, token: await rig.token('vpc-1'), allow: [`127.0.0.1:${target.port}`] },
      main: join(built.path, 'dist/src/main.js'),
    })
    for (let i = 0; i < 100; i++) {
      const stream = await rig.tunnels.dial({ host: '127.0.0.1', port: target.port, via: 'vpc-1' })
      stream.write('x')
    }
    expect((await rig.tunnels.list())[0]?.streams).toBe(100)
    const megabytes = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${connector.pid}/status`, 'utf8'))?.[1]) / 1024
    expect(megabytes).toBeLessThan(80)
    expect(readdirSync(connector.folder)).toContain('identity.json')
    built.remove()
  }, 120_000)
})
