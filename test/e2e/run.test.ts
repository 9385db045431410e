/** `sluice run`: programs that know nothing of Sluice, under an identity of their own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { spawnMortal } from '../rig/child.ts'
import { startTestGateway, type TestGateway } from '../rig/gateway.ts'
import { type LedgerEntry, readLedger } from '../rig/ledger.ts'
import { type PostgresServer, startPostgres } from '../rig/postgres.ts'
import { tempFolder } from '../rig/temp.ts'
import { until } from '../rig/until.ts'

const main = join(import.meta.dirname, '../../src/main.ts')

const POLICY = `
kind: Human
name: ada
groups: [dba]
---
kind: Human
name: eve
---
{ kind: Agent, name: bot, owner: support, delegators: ["group:dba"], maxLifetime: 30m }
---
kind: Rule
name: everything
who: "true"
on: "true"
then: allow
`

interface Ran {
  readonly status: number | null
  readonly signal: string | null
  readonly out: string
  readonly err: string
}

let server: PostgresServer
let gateway: TestGateway
let folder: ReturnType<typeof tempFolder>

beforeAll(async () => {
  server = await startPostgres()
  const users = [{ name: server.user, password: server.password }]
  gateway = await startTestGateway({
    target: server,
    policy: POLICY,
    resources: [
      { name: 'orders', labels: { env: 'prod' }, users },
      { name: 'billing', users },
    ],
  })
  folder = tempFolder('run')
  mkdirSync(join(folder.path, 'home'))
  mkdirSync(join(folder.path, 'runtime'), { mode: 0o700 })
})
afterAll(async () => {
  await gateway?.stop()
  await server?.stop('immediate')
  folder?.remove()
})

const runtime = () => join(folder.path, 'runtime')

function start(
  args: readonly string[],
  { as = 'human:ada', input = '' } = {},
): { child: ChildProcess; ran: Promise<Ran> } {
  const env = {
    ...{ PATH: process.env.PATH, HOME: join(folder.path, 'home'), XDG_RUNTIME_DIR: runtime() },
    ...{ SLUICE_URL: gateway.api, SLUICE_TOKEN: gateway.token(as), PGHOST: 'wrong.invalid', PGPASSWORD: 'wrong' },
  }
  const child = spawnMortal([process.execPath, main, 'run', ...args], { env, cwd: folder.path })
  let out = ''
  let err = ''
  child.stdout!.on('data', (chunk) => {
    out += chunk
  })
  child.stderr!.on('data', (chunk) => {
    err += chunk
  })
  child.stdin!.end(input)
  const ran = once(child, 'close').then(([status, signal]) => ({ status, signal, out, err }) as Ran)
  return { child, ran }
}

const sluiceRun = async (args: readonly string[], options = {}) => await start(args, options).ran
const psql = ['psql', '-XAtq']
const live = async () => {
  const response = await fetch(`${gateway.api}/api/v1/me`, {
    headers: { authorization: `Bearer ${gateway.token('human:ada')}` },
  })
  return response.status
}
const ofKind = (kind: string) =>
  readLedger(gateway.dataDir).filter((entry) => entry.kind === kind) as (LedgerEntry & Record<string, unknown>)[]

describe('sluice run', () => {
  it('gives a bare psql the resource, the agent’s identity and the person’s; the ledger has both', async () => {
    const ran = await sluiceRun(['--agent', 'bot', '--on', 'orders', '--', ...psql, '-c', 'select 40 + 2'])
    expect(ran).toMatchObject({ status: 0, out: '42\n' })
    expect(ran.err).toMatch(/^For 30 min:\n {2}orders: psql service=orders/)
    expect(ofKind('open').at(-1)).toMatchObject({ principal: 'agent:bot', actors: ['human:ada'], resource: 'orders' })
    expect(ofKind('intent').at(-1)).toMatchObject({ principal: 'agent:bot', actors: ['human:ada'] })
  })

  it('has a service per resource', async () => {
    const script = 'for s in orders billing; do PGSERVICE=$s psql -XAtqc "select current_user, \'$s\'"; done'
    const ran = await sluiceRun(['--agent', 'bot', '--quiet', '--', 'sh', '-c', script])
    expect(ran).toMatchObject({ status: 0, out: 'postgres|orders\npostgres|billing\n', err: '' })
  })

  it('narrows to what was asked for', async () => {
    const script =
      'psql -XAtqc "select 1"; psql -XAtqc "create table never (x int)"; PGSERVICE=billing psql -XAtqc "select 2"'
    const ran = await sluiceRun([
      '--agent',
      'bot',
      '--quiet',
      '--on',
      'orders',
      '--effects',
      'read',
      '--',
      'sh',
      '-c',
      script,
    ])
    expect(ran.out).toBe('1\n')
    expect(ran.err).toMatch(/does not cover this/)
    expect(ran.err).toMatch(/billing/)
  })

  it('leaves the caller’s own sign-in and servers out of the program’s environment', async () => {
    const ran = await sluiceRun(['--agent', 'bot', '--quiet', '--', 'env'])
    expect(ran.out).not.toContain(gateway.token('human:ada'))
    expect(ran.out).not.toContain('wrong')
    expect(ran.out).toMatch(/^SLUICE_TOKEN=slu_\w{49}$/m)
  })

  it.each([
    ['exit code 0', ['true'], { status: 0 }],
    ['exit code 7', ['sh', '-c', 'exit 7'], { status: 7 }],
    ['a signal of its own', ['sh', '-c', 'kill -TERM $$'], { signal: 'SIGTERM' }],
    ['SIGKILL', ['sh', '-c', 'kill -KILL $$'], { signal: 'SIGKILL' }],
    ['a program that is not there', ['no-such-program'], { status: 127 }],
    ['one that cannot be run', ['/etc/passwd'], { status: 126 }],
  ])('ends as the program ends: %s; and leaves nothing on disk', async (_, command, expected) => {
    expect(await sluiceRun(['--agent', 'bot', '--quiet', '--', ...command])).toMatchObject(expected)
    expect(readdirSync(runtime())).toEqual([])
  })

  it('passes standard input on', async () => {
    expect(await sluiceRun(['--agent', 'bot', '--quiet', '--', 'cat'], { input: 'as it is' })).toMatchObject({
      out: 'as it is',
    })
  })

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1'] as const)(
    'passes %s on, and waits for the program',
    async (signal) => {
      const script = `trap 'echo got it; exit 3' ${signal.slice(3)}; touch ready-${signal}; while :; do sleep 0.05; done`
      const { child, ran } = start(['--agent', 'bot', '--quiet', '--', 'sh', '-c', script])
      await until(async () => readdirSync(folder.path).includes(`ready-${signal}`))
      child.kill(signal)
      expect(await ran).toMatchObject({ status: 3, out: 'got it\n' })
    },
  )

  it('a signal that comes before there is a program ends the run, and leaves neither folder nor token', async () => {
    const { child, ran } = start(['--agent', 'bot', '--quiet', '--', 'touch', 'never'])
    await until(async () => readdirSync(runtime()).length > 0)
    child.kill('SIGTERM')
    const { signal, status } = await ran
    // Either it came in time, or the program was as fast: nothing is left in any case.
    expect(signal === 'SIGTERM' || status === 0).toBe(true)
    expect(readdirSync(runtime())).toEqual([])
    expect(ofKind('login').at(-1)).toMatchObject({ grant: 'revoke', ok: true })
  })

  it('ends the token with the program, and with it what the program left running', async () => {
    // The session outlives the shell that started it, until the token ends.
    const script = 'psql -XAtqc "select pg_sleep(600)" >/dev/null 2>left & echo $SLUICE_TOKEN; sleep 1'
    const ran = await sluiceRun(['--agent', 'bot', '--quiet', '--on', 'orders', '--', 'sh', '-c', script])
    const token = ran.out.trim()
    const answer = await fetch(`${gateway.api}/api/v1/me`, { headers: { authorization: `Bearer ${token}` } })
    expect(answer.status).toBe(401)
    await until(async () => ofKind('close').length === ofKind('open').length)
    expect(ofKind('login').at(-1)).toMatchObject({ ok: true, grant: 'revoke', principal: 'agent:bot' })
    expect(await live()).toBe(200)
  })

  it('writes nothing secret while it runs, in a folder of its owner alone', async () => {
    const script =
      'd=$(dirname "$PGSERVICEFILE"); stat -c %a "$d"; grep -rlF "$SLUICE_TOKEN" "$d" || echo none; cat "$PGSERVICEFILE"'
    const { out } = await sluiceRun(['--agent', 'bot', '--quiet', '--', 'sh', '-c', script])
    expect(out).toMatch(/^700\nnone\n\[/)
    expect(out).not.toContain('password')
  })

  it('a program that is killed leaves nothing either', async () => {
    const { status, signal } = await sluiceRun(['--agent', 'bot', '--quiet', '--', 'sh', '-c', 'kill -9 $$'])
    expect([status, signal]).toEqual([null, 'SIGKILL'])
    expect(readdirSync(runtime())).toEqual([])
    expect(ofKind('login').at(-1)).toMatchObject({ grant: 'revoke', ok: true })
  })

  it('killed itself it leaves a folder without a secret, and a token that only its end or a kill takes', async () => {
    const script = 'echo "$SLUICE_TOKEN"; kill -9 "$PPID"'
    const { signal, out } = await sluiceRun(['--agent', 'bot', '--quiet', '--', 'sh', '-c', script])
    expect(signal).toBe('SIGKILL')
    const token = out.trim()
    expect(token).toMatch(/^slu_/)
    const [left, ...more] = readdirSync(runtime())
    expect(more).toEqual([])
    const kept = readdirSync(join(runtime(), left!), { recursive: true, withFileTypes: true }).filter((each) =>
      each.isFile(),
    )
    expect(kept.map(({ name }) => name)).toContain('pg_service.conf')
    for (const { parentPath, name } of kept)
      expect(readFileSync(join(parentPath, name), 'utf8')).not.toMatch(/slu_|PRIVATE/)
    rmSync(join(runtime(), left!), { recursive: true })
    const asks = () => fetch(`${gateway.api}/api/v1/me`, { headers: { authorization: `Bearer ${token}` } })
    expect((await asks()).status).toBe(200)
    await fetch(`${gateway.api}/oauth/revoke`, {
      method: 'POST',
      body: new URLSearchParams({ token, client_id: 'sluice-cli' }),
    })
    expect((await asks()).status).toBe(401)
  })

  it.each([
    ['an agent that does not list you', ['--agent', 'bot', '--', 'true'], 'human:eve', /cannot delegate/],
    ['an agent there is not', ['--agent', 'gone', '--', 'true'], 'human:ada', /cannot delegate/],
    [
      'a resource there is not',
      ['--agent', 'bot', '--on', 'nothing', '--', 'true'],
      'human:ada',
      /may not open "nothing"/,
    ],
    ['an effect that is none', ['--agent', 'bot', '--effects', 'reed', '--', 'true'], 'human:ada', /reed/],
  ])('refuses %s in one sentence', async (_, args, as, expected) => {
    const ran = await sluiceRun(args, { as })
    expect([ran.status, ran.err]).toEqual([3, expect.stringMatching(expected)])
    expect(readdirSync(runtime())).toEqual([])
  })
})

describe('sluice connect', () => {
  it('opens one local port until it is told to end', async () => {
    const env = {
      PATH: process.env.PATH,
      HOME: folder.path,
      SLUICE_URL: gateway.api,
      SLUICE_TOKEN: gateway.token('human:ada'),
    }
    const child = spawnMortal([process.execPath, main, 'connect', 'orders', '--json'], {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const lines: string[] = []
    for await (const line of createInterface(child.stdout!)) if (lines.push(line) && line === '}') break
    const told = lines.join('\n')
    const { host, port, user, database } = JSON.parse(told) as Record<string, string>
    const place = {
      PGHOST: host,
      PGPORT: String(port),
      PGUSER: user,
      PGDATABASE: database,
      PGPASSWORD: env.SLUICE_TOKEN,
    }
    const client = spawn('psql', ['-XAtqc', 'select 7'], {
      env: { PATH: env.PATH, ...place },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    expect((await once(client.stdout, 'data'))[0].toString()).toBe('7\n')
    child.kill('SIGTERM')
    expect((await once(child, 'close'))[0]).toBe(0)
  })
})
