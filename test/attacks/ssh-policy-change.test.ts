/** What runs on over SSH does not outlive the policy that permitted it (ATTACKS D26, D27, G10). */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { readLedger } from '../rig/ledger.ts'
import { freePort, listening } from '../rig/port.ts'
import { commandLines } from '../rig/processes.ts'
import { type SshGateway, startSshGateway } from '../rig/ssh-gateway.ts'
import { type Sshd, sshdMissing, startSshd } from '../rig/sshd.ts'
import { until } from '../rig/until.ts'

const HOST = 'web-1@127.0.0.1'
/** From the file that changes policy to the end of what it no longer permits. */
const SOON_MS = 2_000

const POLICY = `
kind: Human
name: ops
---
kind: Agent
name: bot
owner: ops
---
kind: Agent
name: other
owner: ops
---
kind: Rule
name: everything
who: principal.kind == "agent"
on: true
then: allow
`

const now = (then: string, verb: string) => `
kind: Rule
name: not-any-more
who: principal.name == "bot"
on: true
when: op.verb == "${verb}"
${then}
`
const DENY = 'then: deny\nsay: Nobody does that today.'
const ASK = 'then: approve\napprove: { by: ["human:ops"], hold: 1s, expires: 5m }\nsay: A person decides that now.'

describe.skipIf(sshdMissing)('policy that changes while something runs', () => {
  let sshd: Sshd
  let stage: SshGateway
  let echo: Server
  let from_ms = 0
  const begun = new Set<ChildProcess>()
  beforeAll(async () => {
    sshd = await startSshd()
    stage = await startSshGateway({ target: sshd, policy: POLICY })
    echo = createServer((socket) => socket.on('error', () => {}).pipe(socket))
    await once(echo.listen(0, '127.0.0.1'), 'listening')
  })
  afterEach(async () => {
    for (const child of begun) child.kill('SIGKILL')
    begun.clear()
    await change(undefined)
  })
  afterAll(async () => {
    await stage?.stop()
    await sshd?.stop()
    echo?.close()
  })

  const loaded = () => stage.gateway.log().split('a new policy is in force').length
  /** One more document in the policy folder, or no longer. */
  async function change(document: string | undefined): Promise<void> {
    const [file, before] = [join(stage.gateway.policyDir, 'later.yaml'), loaded()]
    from_ms = performance.now()
    if (document === undefined) rmSync(file, { force: true })
    else writeFileSync(file, document)
    await until(async () => loaded() > before)
  }

  function start(principal: string, program: string, args: readonly string[]) {
    const env = stage.password(stage.gateway.token(principal))
    const child = spawn(program, [...stage.options, ...args], { env, stdio: 'pipe' })
    begun.add(child)
    const heard = { out: '', err: '' }
    child.stdout.on('data', (chunk) => {
      heard.out += chunk
    })
    child.stderr.on('data', (chunk) => {
      heard.err += chunk
    })
    child.stdin.on('error', () => {})
    const gone = once(child, 'close').then(([status]) => ({ status, after_ms: performance.now() - from_ms }))
    const type = (line: string) => void child.stdin.write(`${line}\n`)
    const answers = async (line: string, answer: string) => {
      type(line)
      await until(async () => (await turn()) ?? heard.out.includes(answer))
    }
    return { heard, gone, type, answers }
  }

  const turn = () => new Promise<undefined>((resolve) => setImmediate(resolve, undefined))
  const outcomes = () =>
    readLedger(stage.gateway.dataDir).filter((entry) => entry.kind === 'outcome') as { tag?: string; status?: string }[]

  it.each([
    ['is denied', DENY, 'policy.denied', 'Nobody does that today.'],
    ['has to be approved', ASK, 'approval.pending', 'A person decides that now.'],
  ])('a shell that %s ends, and is told why; another does not', async (_, then, reason, say) => {
    const [bot, other] = [start('agent:bot', 'ssh', ['-T', HOST]), start('agent:other', 'ssh', ['-T', HOST])]
    for (const each of [bot, other]) await each.answers('echo $((6*7))', '42')
    await change(now(then, 'shell'))
    const { status, after_ms } = await bot.gone
    expect(status).toBe(126)
    expect(after_ms).toBeLessThan(SOON_MS)
    expect(bot.heard.err).toContain(`sluice: policy changed: ${say} [not-any-more]\n`)
    await other.answers('echo $((7*9))', '63')
    const tag = `policy changed: ${reason}`
    await until(async () => outcomes().some((entry) => entry.tag === tag && entry.status === 'cancelled'))
  })

  it('a command that runs is killed on its target', async () => {
    const mark = `sleep 47.${Math.trunc(Math.random() * 1e6)}`
    const bot = start('agent:bot', 'ssh', [HOST, `echo begun; ${mark}`])
    await until(async () => (await turn()) ?? bot.heard.out === 'begun\n')
    expect(await running(mark)).toBe(true)
    await change(now(DENY, 'exec'))
    expect(await bot.gone).toMatchObject({ status: 126 })
    expect(performance.now() - from_ms).toBeLessThan(SOON_MS)
    await until(async () => !(await running(mark)))
  })

  it('sftp ends', async () => {
    const bot = start('agent:bot', 'sftp', ['-oBatchMode=no', HOST])
    await bot.answers('pwd', 'Remote working directory')
    await change(now(DENY, 'subsystem'))
    const told = 'policy changed: Nobody does that today. [not-any-more]'
    await until(async () => (await turn()) ?? bot.heard.err.includes(told))
    expect(performance.now() - from_ms).toBeLessThan(SOON_MS)
    // It looks at its connection only when it is to do something.
    bot.type('ls')
    expect((await bot.gone).status).not.toBe(0)
    expect(bot.heard.err).toContain('Connection closed')
  })

  it('a forwarded connection is closed; one of somebody else is not', async () => {
    const { port } = echo.address() as { port: number }
    const sockets = []
    for (const principal of ['agent:bot', 'agent:other']) {
      const near = await freePort()
      start(principal, 'ssh', ['-N', '-L', `127.0.0.1:${near}:127.0.0.1:${port}`, HOST])
      sockets.push(await reached(near))
    }
    const [mine, theirs] = sockets as [Socket, Socket]
    for (const socket of sockets) expect(await said(socket, 'before')).toBe('before')
    const closed = once(mine.resume(), 'close')
    await change(now(DENY, 'direct-tcpip'))
    await closed
    expect(performance.now() - from_ms).toBeLessThan(SOON_MS)
    expect(await said(theirs, 'after')).toBe('after')
    theirs.destroy()
  })

  it('a listener on the target is taken down; what came in by it is judged for itself', async () => {
    const [far, { port }] = [await freePort(), echo.address() as { port: number }]
    start('agent:bot', 'ssh', ['-N', '-R', `127.0.0.1:${far}:127.0.0.1:${port}`, HOST])
    const socket = await reached(far)
    expect(await said(socket, 'before')).toBe('before')
    await change(now(DENY, 'tcpip-forward'))
    await until(async () => !(await listening(far)))
    expect(performance.now() - from_ms).toBeLessThan(SOON_MS)
    expect(await said(socket, 'still')).toBe('still')
    const closed = once(socket.resume(), 'close')
    await change(now(DENY, 'forwarded-tcpip'))
    await closed
    expect(performance.now() - from_ms).toBeLessThan(SOON_MS)
  })

  it('a policy that does not compile ends nothing', async () => {
    const bot = start('agent:bot', 'ssh', ['-T', HOST])
    await bot.answers('echo $((6*7))', '42')
    writeFileSync(join(stage.gateway.policyDir, 'later.yaml'), now('then: refuse-it', 'shell'))
    await until(async () => stage.gateway.log().includes('the policy folder is broken'))
    await bot.answers('echo $((7*9))', '63')
    await change(now(DENY, 'subsystem'))
    await bot.answers('echo $((8*8))', '64')
  })

  /** A connection through a forward, as soon as it stands. */
  async function reached(port: number): Promise<Socket> {
    await until(() => listening(port))
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    await once(socket, 'connect')
    return socket
  }

  async function said(socket: Socket, word: string): Promise<string> {
    const heard = once(socket, 'data')
    socket.write(word)
    return String((await heard)[0])
  }

  const running = async (mark: string) => (await commandLines()).includes(mark)
})
