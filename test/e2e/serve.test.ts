/** `sluice serve` as an administrator meets it: first start, mistakes, changes while it runs, and the end. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePort } from '../rig/port.ts'
import { type PostgresServer, startPostgres } from '../rig/postgres.ts'
import { tempFolder } from '../rig/temp.ts'

const root = join(import.meta.dirname, '../..')
const folder = tempFolder('serve')
const policy = join(folder.path, 'policy')
let server: PostgresServer
let ports: { postgres: number; api: number }
let gateway: Serving
let token: string

const PEOPLE = 'kind: Human\nname: ada\ngroups: [admins]\n---\nkind: Agent\nname: bot\nowner: platform\n'
const rule = (name: string, who: string, then: string) =>
  `---\nkind: Rule\nname: ${name}\nwho: ${who}\non: true\nthen: ${then}\n`

beforeAll(async () => {
  server = await startPostgres()
  ports = { postgres: await freePort(), api: await freePort() }
  mkdirSync(policy)
  writeFileSync(join(folder.path, 'password'), server.password, { mode: 0o600 })
  const users = `users: [{ name: ${server.user}, password: { file: ${join(folder.path, 'password')} } }]`
  const resource = `kind: Resource\nname: orders\nprotocol: postgres\naddress: 127.0.0.1:${server.port}\ndatabase: postgres\ntls: { mode: disable }\n${users}\n`
  writeFileSync(join(policy, 'orders.yaml'), resource)
  writeFileSync(join(policy, 'rules.yaml'), PEOPLE + rule('people-work', 'principal.kind == "human"', 'allow'))
  writeFileSync(
    join(folder.path, 'sluice.yaml'),
    `dataDir: state\npolicyDir: policy\nlisten: { postgres: "127.0.0.1:${ports.postgres}", api: "127.0.0.1:${ports.api}" }\n`,
  )
  gateway = await serve('--config', 'sluice.yaml', '--issue', 'human:ada')
  token = gateway.out().trim()
})
afterAll(async () => {
  await gateway.stop()
  await server.stop()
  folder.remove()
})

interface Serving {
  readonly child: ChildProcess
  readonly out: () => string
  readonly err: () => string
  readonly ended: Promise<number | null>
  stop(): Promise<number | null>
}

/** Resolves when it is ready and has printed what it prints, or has ended. */
async function serve(...args: string[]): Promise<Serving> {
  const child = spawn(process.execPath, [join(root, 'src/main.ts'), 'serve', ...args], {
    cwd: folder.path,
    env: { PATH: process.env.PATH ?? '', HOME: folder.path },
  })
  let out = ''
  let err = ''
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  const ready = new Promise<void>((resolve) => {
    const hear = () => err.includes('Sluice is ready') && (!args.includes('--issue') || out.endsWith('\n')) && resolve()
    child.stdout.on('data', (text) => {
      out += text
      hear()
    })
    child.stderr.on('data', (text) => {
      err += text
      hear()
    })
  })
  await Promise.race([ready, ended])
  const stop = () => {
    child.kill('SIGTERM')
    return ended
  }
  return { child, out: () => out, err: () => err, ended, stop }
}

interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

function run(command: readonly string[], env: Record<string, string> = {}): Promise<Ran> & { child: ChildProcess } {
  const child = spawn(command[0]!, command.slice(1), {
    cwd: folder.path,
    env: { PATH: process.env.PATH ?? '', HOME: folder.path, ...env },
  })
  let out = ''
  let err = ''
  child.stdout.on('data', (text) => (out += text))
  child.stderr.on('data', (text) => (err += text))
  child.stdin.end()
  return Object.assign(new Promise<Ran>((resolve) => child.once('close', (code) => resolve({ code, out, err }))), {
    child,
  })
}

const psql = (options: string, sql: string) =>
  run(['psql', '-XAt', `port=${ports.postgres} user=orders ${options}`, '-c', sql], { PGPASSWORD: token })
const sluice = (...args: string[]) =>
  run([process.execPath, join(root, 'src/main.ts'), '--url', `http://127.0.0.1:${ports.api}`, ...args], {
    SLUICE_TOKEN: token,
  })

test('the first administrator gets a token from the machine itself, and works with it', async () => {
  expect(token).toMatch(/^slu_\w+$/)
  expect((await psql('host=127.0.0.1', 'select 6 * 7')).out).toBe('42\n')
  expect((await sluice('status')).out).toContain('human:ada (admins)')
})

test('TLS works without any setting, up to verify-full with the certificate it made', async () => {
  const certificate = join(folder.path, 'state/tls/cert.pem')
  const encrypted = 'select count(*) from pg_stat_activity'
  for (const options of ['sslmode=require', `sslmode=verify-full sslrootcert=${certificate}`]) {
    expect(await psql(`host=localhost ${options}`, encrypted)).toMatchObject({ code: 0, err: '' })
  }
  const other = await psql(
    'host=localhost sslmode=verify-full sslrootcert=/etc/ssl/certs/ca-certificates.crt',
    encrypted,
  )
  expect(other.err).toContain('certificate verify failed')
})

test('the API speaks TLS where other machines reach it, and the command line verifies it', async () => {
  const api = await freePort()
  const yaml = `policyDir: policy\ndataDir: open\nlisten: { postgres: "0.0.0.0:0", api: "0.0.0.0:${api}" }\n`
  writeFileSync(join(folder.path, 'open.yaml'), yaml)
  const open = await serve('--config', 'open.yaml', '--issue', 'human:ada')
  const at = (host: string, ca: Record<string, string>, ...verb: string[]) =>
    run([process.execPath, join(root, 'src/main.ts'), '--url', `https://${host}:${api}`, ...verb], {
      SLUICE_TOKEN: open.out().trim(),
      ...ca,
    })
  const trusting = { SLUICE_CA: 'open/tls/cert.pem' }
  expect((await at('localhost', trusting, 'status')).out).toContain('human:ada')
  // A gateway that listens everywhere is where its API is: nobody dials 0.0.0.0.
  expect((await at('localhost', trusting, 'sql', 'orders', '-c', 'select 6 * 7 as answer')).out).toContain('42')
  expect((await at('localhost', trusting, 'connect-info', 'orders')).out).toContain('PGHOST=localhost')
  for (const [host, ca] of [
    ['localhost', {}],
    ['127.0.0.2', trusting],
  ] as const) {
    const blind = await at(host, ca, 'status')
    expect(blind).toMatchObject({ code: 1, out: '' })
    expect(blind.err).toContain('SLUICE_CA')
  }
  expect(await open.stop()).toBe(0)
})

describe('a policy that changes while it runs', () => {
  const file = join(policy, 'rules.yaml')

  test('comes into force by itself; a broken one leaves the old in force and says where it is broken', async () => {
    const allowed = readFileSync(file, 'utf8')
    writeFileSync(file, `${allowed}${rule('no-sevens', 'true', 'deny')}when: op.text.contains("7")\n`)
    await until(async () => (await sluice('status')).out.includes('2 rules'))
    expect((await psql('host=127.0.0.1', 'select 7')).err).toContain('no-sevens')
    writeFileSync(file, `${allowed}---\nkind: Rul\n`)
    await until(async () => (await sluice('status')).out.includes('policy is broken on disk'))
    expect((await sluice('status')).out).toMatch(/policy\/rules\.yaml:\d+:\d+: There is no kind "Rul"/)
    expect((await psql('host=127.0.0.1', 'select 7')).err).toContain('no-sevens')
    expect((await psql('host=127.0.0.1', 'select 8')).out).toBe('8\n')
    writeFileSync(file, allowed)
    await until(async () => !(await sluice('status')).out.includes('broken'))
    expect((await psql('host=127.0.0.1', 'select 7')).out).toBe('7\n')
  })
})

describe('mistakes are sentences', () => {
  test('a second gateway on the same folder', async () => {
    const second = await serve('--config', 'sluice.yaml')
    expect(await second.ended).toBe(2)
    expect(second.err()).toContain('another gateway is writing this ledger')
  })

  test.each([
    [
      'a setting that is none',
      'listen:\n  postgress: 127.0.0.1:1\n',
      'bad.yaml:2: there is no setting "listen.postgress"',
    ],
    ['a policy folder that is not there', 'policyDir: nowhere\ndataDir: other\n', 'make it, or set policyDir'],
    [
      'a certificate that is none',
      'tls: { cert: policy/rules.yaml, key: password }\ndataDir: other\npolicyDir: policy\n',
      'the certificate and key of `tls` do not fit',
    ],
  ])('%s', async (_, yaml, sentence) => {
    writeFileSync(join(folder.path, 'bad.yaml'), yaml)
    const failed = await serve('--config', 'bad.yaml')
    expect(await failed.ended).toBe(2)
    expect(failed.err()).toContain(sentence)
    expect(failed.err()).not.toContain('    at ')
  })

  test('a port that is taken', async () => {
    writeFileSync(
      join(folder.path, 'taken.yaml'),
      `policyDir: policy\ndataDir: taken\nlisten: { postgres: "127.0.0.1:${ports.postgres}" }\n`,
    )
    const failed = await serve('--config', 'taken.yaml')
    expect(await failed.ended).toBe(2)
    expect(failed.err()).toContain(`port ${ports.postgres} is already in use`)
  })

  test('a principal nobody knows', async () => {
    writeFileSync(
      join(folder.path, 'free.yaml'),
      'policyDir: policy\ndataDir: free\nlisten: { postgres: "127.0.0.1:0", api: "127.0.0.1:0" }\n',
    )
    const failed = await serve('--config', 'free.yaml', '--issue', 'human:nobody')
    expect(await failed.ended).toBe(2)
    expect(failed.err()).toContain('no policy document names "human:nobody"')
  })
})

test('a shutdown lets the running statement end, ends the others at once, and goes in order', async () => {
  const running = psql('host=127.0.0.1', 'select pg_sleep(2), 42')
  const idle = spawn('psql', ['-XAt', `host=127.0.0.1 port=${ports.postgres} user=orders`], {
    env: { PATH: process.env.PATH ?? '', PGPASSWORD: token },
  })
  idle.stdin.write('select 1;\n')
  await until(async () => (await liveStates()).join() === 'idle,running')
  expect(await gateway.stop()).toBe(0)
  expect((await running).out).toBe('|42\n')
  idle.kill()
  gateway = await serve('--config', 'sluice.yaml')
  expect((await psql('host=127.0.0.1', 'select 1')).out).toBe('1\n')
})

async function liveStates(): Promise<string[]> {
  const headers = { authorization: `Bearer ${token}` }
  const answer = await fetch(`http://127.0.0.1:${ports.api}/api/v1/sessions?state=live`, { headers })
  const { sessions } = (await answer.json()) as { sessions: { state: string }[] }
  return sessions.map((session) => session.state).sort()
}

/** Asks again until it holds; the test's own time limit ends it. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20))
}
