import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, closeSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as after } from 'node:timers/promises'
import ssh2, { type Client } from 'ssh2'
import { mustRun } from '../test/rig/child.ts'
import { type SshGateway, startSshGateway } from '../test/rig/ssh-gateway.ts'
import { type Sshd, sshdMissing, startSshd } from '../test/rig/sshd.ts'
import { forgetPeak, resident } from './memory.ts'
import type { BenchOptions, BenchResult } from './postgres.ts'
import { median, type Row, type Sample } from './report.ts'

const POLICY = `
kind: Human
name: bench
groups: [admins]
---
kind: Rule
name: work
who: principal.id == "human:bench"
on: resource.labels.env == "prod"
then: allow
---
kind: Rule
name: agents-see-masks
who: principal.kind == "agent"
on: true
then: oblige
oblige: { mask: [{ labels: ["pii.*", "secret"], with: redact }] }
`

/** Where a client goes: the same program, the same key, the same options. */
interface Way {
  readonly name: 'direct' | 'sluice'
  readonly user: string
  readonly port: number
}

const CIPHER = 'aes128-gcm@openssh.com'
const MB = 1_000_000

/** SSH: copies, connections and memory, straight to a real sshd and through the gateway in turns. Rejects where sshd is not installed. */
export async function benchSsh(options: BenchOptions): Promise<BenchResult> {
  if (sshdMissing) throw new Error(sshdMissing)
  const sshd = await startSshd()
  const stage = await startSshGateway({ target: sshd, policy: POLICY, node: options.node })
  try {
    await register(stage, sshd)
    return await new SshBench(options, sshd, stage).run()
  } finally {
    await stage.stop()
    await sshd.stop()
  }
}

/** The key that signs in to the host signs in to the gateway too: both ways do the same work. */
async function register({ gateway }: SshGateway, sshd: Sshd): Promise<void> {
  const sshKey = await mustRun(['ssh-keygen', '-y', '-f', sshd.keyFile])
  const answer = await fetch(`${gateway.api}/api/v1/tokens`, {
    method: 'POST',
    headers: { authorization: `Bearer ${gateway.token('human:bench')}`, 'content-type': 'application/json' },
    body: JSON.stringify({ principal: 'human:bench', ttl_ms: 86_400_000, sshKey }),
  })
  if (!answer.ok) throw new Error(await answer.text())
}

class SshBench {
  readonly #options: BenchOptions
  readonly #sshd: Sshd
  readonly #stage: SshGateway
  readonly #ways: readonly Way[]
  readonly #samples: Sample[] = []
  readonly #rows: Row[] = []

  constructor(options: BenchOptions, sshd: Sshd, stage: SshGateway) {
    this.#options = options
    this.#sshd = sshd
    this.#stage = stage
    this.#ways = [
      { name: 'direct', user: sshd.user, port: sshd.port },
      { name: 'sluice', user: 'web-1', port: stage.port },
    ]
  }

  async run(): Promise<BenchResult> {
    const { quick } = this.#options
    const bytes = quick ? 250 * MB : 1_000 * MB
    const [source, copy] = [join(this.#stage.folder, 'source'), join(this.#sshd.home, 'copy')]
    chmodSync(this.#stage.folder, 0o711)
    fill(source, bytes)
    try {
      const scp = (way: Way, from: string, to: string) => this.#seconds(['scp', '-q', '-c', CIPHER], way, [from, to])
      const here = join(this.#stage.folder, 'here')
      await this.#compare(`scp of ${bytes / MB} MB from the host`, 0.35, (way) =>
        scp(way, `${way.user}@127.0.0.1:${source}`, here),
      )
      await this.#compare(`scp of ${bytes / MB} MB to the host`, 0.35, (way) =>
        scp(way, source, `${way.user}@127.0.0.1:${copy}`),
      )
    } finally {
      for (const file of [source, copy]) rmSync(file, { force: true })
    }
    const times = quick ? 5 : 20
    const connect = async (way: Way) => {
      let total = 0
      for (let i = 0; i < times; i++) total += await this.#seconds(['ssh'], way, [`${way.user}@127.0.0.1`, 'true'])
      return total / times
    }
    await this.#compare('exec of true', undefined, connect)
    if (this.#wanted('concurrent')) await this.#concurrent(200)
    if (this.#wanted('slow reader')) await this.#slowReader()
    return { samples: this.#samples, rows: this.#rows }
  }

  #wanted(name: string): boolean {
    return name.includes(this.#options.only)
  }

  /** Takes turns and judges: `target` is the least share of the direct speed; undefined: what a second connection adds, at most 1.5 of the first. */
  async #compare(measure: string, target: number | undefined, take: (way: Way) => Promise<number>): Promise<void> {
    if (!this.#wanted(measure)) return
    for (const way of this.#ways) await take(way)
    const rounds: Record<Way['name'], number>[] = []
    while (rounds.length < (this.#options.quick ? 3 : 7)) {
      const round = { direct: 0, sluice: 0 }
      for (const way of this.#ways) round[way.name] = await take(way)
      rounds.push(round)
      this.#options.say(`${measure}: direct ${round.direct.toFixed(3)} sluice ${round.sluice.toFixed(3)} s`)
    }
    const of = (name: Way['name']) => median(rounds.map((round) => round[name]))
    this.#samples.push({ measure, unit: 's', medians: { direct: of('direct'), sluice: of('sluice') } })
    this.#rows.push(
      target === undefined
        ? {
            measure: `${measure} adds`,
            ratio: median(rounds.map(({ direct, sluice }) => (sluice - direct) / direct)),
            against: 'a second direct connection',
            target: 1.5,
            lower: true,
          }
        : { measure, ratio: median(rounds.map(({ direct, sluice }) => direct / sluice)), against: 'direct', target },
    )
  }

  /** Seconds a client program runs. */
  async #seconds(program: readonly string[], way: Way, args: readonly string[]): Promise<number> {
    const begun = performance.now()
    await mustRun([...program, ...this.#clientOptions(way), ...args], { timeout_ms: 300_000 })
    return (performance.now() - begun) / 1000
  }

  #clientOptions({ port }: Way): string[] {
    return [
      ...['-F', '/dev/null', '-o', `Port=${port}`, '-i', this.#sshd.keyFile, '-o', 'IdentitiesOnly=yes'],
      ...['-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null', '-o', 'LogLevel=ERROR'],
      ...['-o', 'IdentityAgent=none', '-o', 'BatchMode=yes'],
    ]
  }

  /** Sessions open at once, each of which has run a command and runs another at the end. */
  async #concurrent(count: number): Promise<void> {
    const before = resident(this.#stage.gateway.pid, 'VmRSS')
    const clients: Client[] = []
    const open = async () => {
      const client = new ssh2.Client()
      client.on('error', () => {})
      client.connect({
        ...{ host: '127.0.0.1', port: this.#stage.port, username: 'web-1', privateKey: this.#sshd.keyText },
        readyTimeout: 120_000,
      } as never)
      await Promise.race([once(client, 'ready'), once(client, 'close')])
      await answer(client, 'echo in')
      clients.push(client)
    }
    for (let i = 0; i < count; i += 20) await Promise.all(Array.from({ length: 20 }, open))
    const added = resident(this.#stage.gateway.pid, 'VmRSS') - before
    const answers = await Promise.all(clients.map((client) => answer(client, 'echo still')))
    for (const client of clients) client.end()
    this.#options.say(
      `${count} sessions at once: ${answers.filter((each) => each === 'still\n').length} answer, ${added.toFixed(1)} MB`,
    )
    const right = answers.filter((each) => each === 'still\n').length
    this.#rows.push({
      measure: `${count} concurrent sessions that answer`,
      ratio: right,
      against: 'sessions',
      target: count,
    })
  }

  /** MB the gateway grows by while 2 GB go to a reader that takes a few MB a second, then nothing for a while, then the rest. */
  async #slowReader(): Promise<void> {
    const gigabytes = this.#options.quick ? 1 : 2
    // A process that has worked before has room it need not ask for.
    await using fresh = await startSshGateway({ target: this.#sshd, policy: POLICY, node: this.#options.node })
    await register(fresh, this.#sshd)
    const way: Way = { name: 'sluice', user: 'web-1', port: fresh.port }
    await this.#seconds(['ssh'], way, ['web-1@127.0.0.1', 'head -c 20000000 /dev/zero'])
    const { pid } = fresh.gateway
    const before = resident(pid, 'VmRSS')
    forgetPeak(pid)
    const command = `head -c ${gigabytes}000000000 /dev/zero`
    const child = spawn('ssh', [...this.#clientOptions(way), '-c', CIPHER, 'web-1@127.0.0.1', command], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let got = 0
    child.stdout.on('data', (chunk: Buffer) => {
      got += chunk.length
    })
    for (let i = 0; i < 20; i++) {
      child.stdout.resume()
      await after(20)
      child.stdout.pause()
      await after(180)
    }
    child.stdout.resume()
    await once(child, 'close')
    const grown = resident(pid, 'VmHWM') - before
    this.#options.say(`slow reader: ${got} bytes, ${grown.toFixed(1)} MB`)
    if (got !== gigabytes * 1_000 * MB) throw new Error(`the slow reader got ${got} bytes`)
    this.#rows.push({
      measure: `${gigabytes} GB to a slow reader adds`,
      ratio: grown,
      against: 'MB',
      target: 64,
      lower: true,
    })
  }
}

/** What a command prints. */
async function answer(client: Client, command: string): Promise<string> {
  return await new Promise((resolve) => {
    client.exec(command, {}, (error, channel) => {
      if (error) return resolve(error.message)
      let text = ''
      channel.on('data', (chunk: Buffer) => {
        text += chunk
      })
      channel.on('close', () => resolve(text))
    })
  })
}

/** A file of bytes that nothing compresses. */
function fill(path: string, bytes: number): void {
  const file = openSync(path, 'w', 0o644)
  const block = randomBytes(MB)
  for (let written = 0; written < bytes; written += block.length) writeSync(file, block)
  closeSync(file)
}
