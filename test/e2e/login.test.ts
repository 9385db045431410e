/** `sluice login`, `whoami`, `logout` as a person types them, against the API and a real provider. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { Visitor } from '../../demo/idp/visitor.ts'
import { type RealProvider, startDoor, startRealProvider, type TestDoor } from '../rig/sign-in.ts'
import { tempFolder } from '../rig/temp.ts'

const root = join(import.meta.dirname, '../..')
const BROWSER = 'node tools/run.cjs demo/visit.ts'
let door: TestDoor
let acme: RealProvider
let home: string
beforeAll(async () => {
  door = await startDoor()
  acme = await startRealProvider(door, 'acme')
  acme.people.set('ada', { subject: 'ada', name: 'Ada', email: 'ada@acme.example', groups: [] })
})
afterAll(async () => {
  await acme.close()
  await door[Symbol.asyncDispose]()
})
beforeEach(() => {
  home = tempFolder('home').path
})

interface Run {
  readonly child: ChildProcess
  readonly said: () => string
  readonly ended: Promise<{ code: number | null; out: string; said: string }>
  /** Resolves with the first match in what it says. */
  hears(pattern: RegExp): Promise<string>
}

function sluice(args: readonly string[], env: Record<string, string> = {}): Run {
  const child = spawn('node', ['bin/sluice.cjs', ...args], {
    cwd: root,
    env: { PATH: process.env.PATH ?? '', HOME: home, SLUICE_DIR: join(home, 'none'), SLUICE_URL: door.url, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [said, out] = ['', '']
  const heard = new Set<() => void>()
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (text: Buffer) => {
      said += text
      if (stream === child.stdout) out += text
      for (const listener of heard) listener()
    })
  return {
    child,
    said: () => said,
    ended: new Promise((resolve) => child.once('close', (code) => resolve({ code, out, said }))),
    hears: (pattern) =>
      new Promise((resolve) => {
        const look = () => {
          const found = pattern.exec(said)?.[0]
          if (found) resolve(found)
        }
        heard.add(look)
        look()
      }),
  }
}
const file = () => join(home, '.config/sluice/login.json')

it('by browser: the token is kept for its owner, used, printed, and dead after logout', async () => {
  const login = await sluice(['login'], { BROWSER }).ended
  expect([login.code, login.out]).toEqual([
    0,
    expect.stringMatching(/^Signed in as human:acme:ada, for (60 min|1 h)\.\n$/),
  ])
  expect(statSync(file()).mode & 0o777).toBe(0o600)
  expect(login.said).not.toContain('slu_')
  const me = await sluice(['whoami']).ended
  expect(me.out).toMatch(/^human:acme:ada \(Ada\)\ngroups {3}none\nsign-in {2}by acme/)
  const { token } = JSON.parse(readFileSync(file(), 'utf8')) as { token: string }
  expect((await sluice(['token', 'print']).ended).out).toBe(`${token}\n`)
  expect((await sluice(['whoami', '--json'], { SLUICE_TOKEN: door.api.token('root') }).ended).out).toContain(
    'human:root',
  )
  expect((await sluice(['logout']).ended).out).toBe('Signed out human:acme:ada.\n')
  expect(existsSync(file())).toBe(false)
  expect(await door.api.services.identity.authenticate({ kind: 'token', proof: token, from: '' })).toBeUndefined()
  expect((await sluice(['logout']).ended).said).toContain('not signed in')
}, 60_000)

it('puts an SSH certificate into the agent that runs, and signs in without one where that fails', async () => {
  const socket = join(home, 'agent')
  const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(agent.stdout, 'data')
  try {
    const login = await sluice(['login'], { BROWSER, SSH_AUTH_SOCK: socket }).ended
    expect(login).toMatchObject({ code: 0, said: expect.stringContaining('Your ssh-agent holds a certificate for ') })
    const held = execFileSync('ssh-add', ['-l'], { env: { ...process.env, SSH_AUTH_SOCK: socket }, encoding: 'utf8' })
    expect(held).toContain('ED25519-CERT')
  } finally {
    agent.kill()
    await once(agent, 'exit')
  }
  const alone = await sluice(['login'], { BROWSER, SSH_AUTH_SOCK: socket }).ended
  expect(alone).toMatchObject({ code: 0, said: expect.stringContaining('Your ssh-agent got no certificate') })
  expect((await sluice(['login', '--no-ssh'], { BROWSER, SSH_AUTH_SOCK: socket }).ended).said).not.toContain(
    'ssh-agent',
  )
}, 60_000)

it('where no browser opens, the address is printed, and works in another one', async () => {
  const login = sluice(['login', '--json'])
  const url = await login.hears(/http:\/\/\S+\/authorize\S+/)
  const visitor = new Visitor()
  const question = await visitor.submit(await visitor.open(url), { person: 'ada' })
  await visitor.submit(question, { answer: 'yes' })
  expect(JSON.parse((await login.ended).out)).toMatchObject({ principal: 'human:acme:ada', url: door.url })
}, 60_000)

it('a no in the browser is exit code 3, and nothing is kept', async () => {
  const login = sluice(['login', '--no-browser'])
  const visitor = new Visitor()
  const question = await visitor.submit(await visitor.open(await login.hears(/http:\/\/\S+\/authorize\S+/)), {
    person: 'ada',
  })
  await visitor.submit(question, { answer: 'no' })
  expect(await login.ended).toMatchObject({ code: 3, said: expect.stringContaining('refused in the browser') })
  expect(existsSync(file())).toBe(false)
}, 60_000)

it('status away from any profile says so, and what was asked', async () => {
  const elsewhere = (url: string) => sluice(['status'], { SLUICE_URL: url }).ended
  const said = (text: string) => expect.stringMatching(new RegExp(`${text}[^]*There is no profile here`))
  expect(await elsewhere('http://127.0.0.1:1')).toMatchObject({ code: 1, said: said('http://127.0.0.1:1: ') })
  expect(await elsewhere(door.url)).toMatchObject({ code: 3, said: said('not signed in') })
}, 30_000)

it('a provider the gateway does not have is named with those it has, before any browser opens', async () => {
  for (const more of [[], ['--device']]) {
    const login = await sluice(['login', '--provider', 'nope', ...more], { BROWSER }).ended
    expect(login).toEqual({
      code: 2,
      out: '',
      said: 'There is no identity provider nope here.\nThere is: acme.\n',
    })
  }
})

it('a device’s sign-in in JSON is two lines: where to enter which code, and who signed in', async () => {
  const login = sluice(['login', '--device', '--json'])
  const asked = JSON.parse(await login.hears(/^\{.*\}$/m)) as Record<string, string>
  expect(asked).toEqual({ page: `${door.url}/device`, code: expect.any(String), direct: expect.any(String) })
  const visitor = new Visitor()
  const choice = await visitor.open(asked.direct!)
  const link = /href="(\/device\/sign-in[^"]*)"/.exec(choice.html)![1]!.replaceAll('&amp;', '&')
  const question = await visitor.submit(await visitor.open(new URL(link, asked.direct).href), { person: 'ada' })
  await visitor.submit(question, { answer: 'yes' })
  const { out, said } = await login.ended
  expect(said).toBe(out)
  expect(JSON.parse(out.trimEnd().split('\n')[1]!)).toMatchObject({ principal: 'human:acme:ada', url: door.url })
}, 60_000)

it('by a code on another machine; the device’s token ends with the sign-in', async () => {
  const login = sluice(['login', '--device'])
  const url = await login.hears(/http:\S+user_code=[A-Z-]{9}/)
  const visitor = new Visitor()
  const choice = await visitor.open(url)
  const link = /href="(\/device\/sign-in[^"]*)"/.exec(choice.html)![1]!.replaceAll('&amp;', '&')
  const question = await visitor.submit(await visitor.open(new URL(link, url).href), { person: 'ada' })
  expect(question.html).toContain(new URL(url).searchParams.get('user_code')!)
  expect((await visitor.submit(question, { answer: 'yes' })).html).toContain('The device is signed in')
  expect((await login.ended).out).toContain('Signed in as human:acme:ada')
  const { token } = JSON.parse(readFileSync(file(), 'utf8')) as { token: string }
  const who = await door.api.services.identity.authenticate({ kind: 'token', proof: token, from: '' })
  const row = (await door.api.services.signIn.signIns.of(who!.credential))!
  await door.api.services.signIn.signIns.end(row.id, 'test', 'test')
  expect(await door.api.services.identity.authenticate({ kind: 'token', proof: token, from: '' })).toBeUndefined()
}, 60_000)

it('a sign-in that ended is said to have, and nobody else is acted as', async () => {
  await sluice(['login'], { BROWSER }).ended
  const kept = JSON.parse(readFileSync(file(), 'utf8')) as object
  writeFileSync(file(), JSON.stringify({ ...kept, expires_ms: 1 }))
  expect(await sluice(['whoami']).ended).toMatchObject({
    code: 3,
    said: expect.stringContaining('Your sign-in has ended.'),
  })
  chmodSync(file(), 0o644)
  expect(await sluice(['whoami']).ended).toMatchObject({ code: 1, said: expect.stringContaining('not yours alone') })
}, 60_000)

it('a gateway that is not there, and one without a provider, are said to be', async () => {
  await using empty = await startDoor()
  const login = sluice(['login', '--no-browser'], { SLUICE_URL: empty.url })
  const page = await new Visitor().open(await login.hears(/http:\/\/\S+\/authorize\S+/))
  expect(page.html).toContain('No identity provider is set up here')
  login.child.kill()
  expect(await sluice(['login', '--device'], { SLUICE_URL: 'http://127.0.0.1:1' }).ended).toMatchObject({
    code: 1,
    said: expect.stringContaining('does not answer'),
  })
}, 60_000)
