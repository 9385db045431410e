/** `npm start` keeps what it prints: the tour is taken by a script, and nothing is left behind. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { tourOf } from '../../demo/tour.ts'
import { freePort } from '../rig/port.ts'

const LAST_LINE = 'Ctrl-C stops everything'
const root = join(import.meta.dirname, '../..')
const dir = mkdtempSync(join(tmpdir(), 'sluice-demo-'))
let ports: { port: number; api: number }
let demo: Demo
beforeAll(async () => {
  ports = { port: await freePort(), api: await freePort() }
  demo = await startDemo(ports)
  // Without it, every test below would fail for a reason of its own.
  expect(demo.said()).toContain(LAST_LINE)
})
afterAll(async () => {
  await demo.stop()
  rmSync(dir, { recursive: true, force: true })
})

interface Demo {
  readonly child: ChildProcess
  readonly said: () => string
  stop(signal?: NodeJS.Signals): Promise<number | null>
}

/** What a newcomer's shell has: no HOME is needed, and the folder and ports are ours. */
function environment(more: Record<string, string> = {}): NodeJS.ProcessEnv {
  return {
    PATH: process.env.PATH ?? '',
    SLUICE_DIR: dir,
    SLUICE_PORT: String(ports.port),
    SLUICE_API_PORT: String(ports.api),
    ...more,
  }
}

/** Starts it as `npm start` does, and waits for its last line. */
async function startDemo(_: object, args: readonly string[] = []): Promise<Demo> {
  const child = spawn('node', ['tools/run.cjs', 'demo/start.ts', ...args], {
    cwd: root,
    env: environment(),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  const ready = new Promise<void>((resolve) => {
    const hear = (text: Buffer) => {
      said += text
      if (said.includes(LAST_LINE)) resolve()
    }
    child.stdout.on('data', hear)
    child.stderr.on('data', hear)
  })
  await Promise.race([ready, ended])
  return {
    child,
    said: () => said,
    stop: (signal = 'SIGINT') => {
      child.kill(signal)
      return ended
    },
  }
}

function shell(run: string): Promise<{ code: number | null; said: string }> {
  const child = spawn('sh', ['-c', run], {
    cwd: root,
    env: environment({ HOME: dir }),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  child.stdout.on('data', (text) => (said += text))
  child.stderr.on('data', (text) => (said += text))
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, said })))
}

interface Description {
  readonly console: string
  readonly api: string
  readonly resources: { readonly orders: { readonly url: string } }
  readonly tour: readonly { readonly promise: string; readonly run: string; readonly expect: string }[]
}
const description = () => JSON.parse(readFileSync(join(dir, 'demo.json'), 'utf8')) as Description

function isAlive(pid: number): boolean {
  try {
    return !/^State:\s*Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

test('every promise of the tour shows what it says, in order', async () => {
  const { tour } = description()
  expect(tour.length).toBeGreaterThanOrEqual(5)
  for (const { promise, run, expect: wanted } of tour) {
    const { said } = await shell(run)
    expect(said, `${promise}\n$ ${run}`).toMatch(new RegExp(wanted))
  }
}, 120_000)

test('the same tour holds with the built-in client, where psql is not installed, and a second time', async () => {
  const sluice = 'node bin/sluice.cjs'
  for (const { promise, run, expect: wanted } of tourOf({
    host: '127.0.0.1',
    port: ports.port,
    sluice,
    tokenFile: undefined,
    ssh: false,
  })) {
    const { said } = await shell(run)
    expect(said, `${promise}\n$ ${run}`).toMatch(new RegExp(wanted))
  }
}, 120_000)

test('the agent cannot write a mask over a real value', async () => {
  const { said, code } = await shell(
    `node bin/sluice.cjs sql orders --as triage-bot -c "UPDATE tickets SET body = 'n***@***.org' WHERE id = 8"`,
  )
  expect(said).toContain('mask.write')
  expect(code).toBe(3)
})

test('what is printed is what is written down, and only its owner reads the tokens', () => {
  for (const { run } of description().tour) expect(demo.said()).toContain(run)
  for (const file of ['demo.json', 'profile.json', 'tokens/ada', 'tokens/triage-bot', 'demo/shop_app.password'])
    expect(statSync(join(dir, file)).mode & 0o077, file).toBe(0)
  expect(demo.said()).not.toContain('slu_')
})

describe('starting and stopping', () => {
  test('Ctrl-C ends everything, and a second start goes on with the same rows in under three seconds', async () => {
    const count = async () =>
      (await shell('node bin/sluice.cjs sql orders --json -c "SELECT count(*) FROM tickets"')).said
    const before = await count()
    const pids = ['demo/pid', 'demo/postgres/postmaster.pid'].map((file) =>
      Number.parseInt(readFileSync(join(dir, file), 'utf8'), 10),
    )
    expect(pids.filter(isAlive)).toEqual(pids)
    expect(await demo.stop('SIGINT')).toBe(0)
    expect(pids.filter(isAlive)).toEqual([])
    expect(existsSync(join(dir, 'demo/postgres/postmaster.pid'))).toBe(false)
    await listenable(ports.port)
    const started_ms = performance.now()
    demo = await startDemo(ports)
    // Three seconds of a machine of its own: others may be using this one.
    const share = Math.max(1, loadavg()[0]! / availableParallelism())
    expect(performance.now() - started_ms).toBeLessThan(3_000 * share)
    expect(await count()).toBe(before)
  })

  test('a crash leaves nothing that keeps the next start from working', async () => {
    const pid = Number(readFileSync(join(dir, 'demo/pid'), 'utf8'))
    process.kill(pid, 'SIGKILL')
    await demo.stop()
    demo = await startDemo(ports)
    expect(demo.said()).toContain('Sluice is ready')
    const { said } = await shell('node bin/sluice.cjs audit verify')
    expect(said).toMatch(/^Verified: /)
  })

  test('a taken port is one sentence that says what to do', async () => {
    const { said, code } = await shell(`node tools/run.cjs demo/start.ts --dir ${join(dir, 'other')}`)
    expect(code).toBe(1)
    expect(said).toBe(
      `Port ${ports.port} is already in use, perhaps by another \`npm start\`. Stop that one, or choose another port: npm start -- --port ${ports.port + 1}\n`,
    )
  })

  test('a second start on the same folder is refused, whatever its ports', async () => {
    const { said, code } = await shell(
      `node tools/run.cjs demo/start.ts --port ${await freePort()} --api-port ${await freePort()}`,
    )
    expect(code).toBe(1)
    expect(said).toContain('The demo already runs on')
    expect((await shell('node bin/sluice.cjs status')).code).toBe(0)
  })

  test.each([
    ['--port 99999', '"99999" is not a port'],
    ['--prot 1', "Unknown option '--prot'"],
  ])('a mistyped option is a sentence: %s', async (args, sentence) => {
    const { said, code } = await shell(`node tools/run.cjs demo/start.ts ${args}`)
    expect(code).toBe(1)
    expect(said).toContain(sentence)
    expect(said).toContain('npm start -- --help')
  })

  test('--help is no failure, and starts nothing', async () => {
    const { said, code } = await shell('node tools/run.cjs demo/start.ts --help')
    expect([code, said]).toEqual([0, expect.stringMatching(/^Usage: npm start[\s\S]*--ssh-port/)])
  })
})

/** Rejects when somebody still listens there. */
async function listenable(port: number): Promise<void> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve))
  await new Promise((resolve) => server.close(resolve))
}
