/** Commands and shells over SSH: held, refused, limited, masked, ended from outside (ATTACKS D2, D3, D5, D8, D25, D26). */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sshString, sshUint32 } from '../../src/kit/ssh-wire.ts'
import { freePort, listening } from '../rig/port.ts'
import { commandLines } from '../rig/processes.ts'
import { sftp, transcriptsOnce } from '../rig/ssh-clients.ts'
import { type SshGateway, startSshGateway } from '../rig/ssh-gateway.ts'
import { rawClient } from '../rig/ssh-peer.ts'
import { type Sshd, sshdMissing, startSshd } from '../rig/sshd.ts'
import { until } from '../rig/until.ts'

const HOST = 'web-1@127.0.0.1'
const KEY = 'AKIAQ4CBZ7YKZ2EXAMPL'
const MAIL = 'qzvkxw01@jpmhcd.example'

const POLICY = `
kind: Agent
name: bot
owner: ops
---
kind: Agent
name: slow
owner: ops
---
kind: Agent
name: reader
owner: ops
---
kind: Agent
name: unmasked
owner: ops
---
kind: Human
name: ada
groups: [sre, admins]
---
kind: Human
name: zoe
groups: [sre]
---
kind: Rule
name: looks-around
who: principal.name == "bot"
on: true
when: (op.facts.kind == "shell" && op.only(["read", "session"])) || op.verb == "subsystem"
then: allow
---
kind: Rule
name: deleting-asks
who: principal.name == "bot"
on: true
when: op.has("delete")
then: approve
approve: { by: [group:sre], hold: 3s, expires: 5m }
say: Deleting needs a person.
---
kind: Rule
name: for-a-second
who: principal.name == "slow"
on: true
then: allow
oblige: { timeout: 1s }
---
kind: Rule
name: reads
who: principal.name == "reader"
on: true
then: allow
oblige: { readOnly: true }
---
kind: Agent
name: masked
owner: ops
---
kind: Rule
name: masks
who: principal.name == "masked"
on: true
then: allow
oblige: { mask: [{ labels: ["pii.*", "secret"], with: redact }] }
---
kind: Rule
name: everything
who: principal.name == "unmasked" || principal.name == "ada"
on: true
then: allow
`

describe.skipIf(sshdMissing)('commands over SSH', () => {
  let sshd: Sshd
  let stage: SshGateway
  let at: (name: string) => string
  beforeAll(async () => {
    sshd = await startSshd()
    stage = await startSshGateway({ target: sshd, policy: POLICY })
    at = (name) => join(sshd.home, name)
  })
  afterAll(async () => {
    await stage?.stop()
    await sshd?.stop()
  })

  const api = (path: string, body?: unknown, token = stage.gateway.token('human:ada')) =>
    fetch(`${stage.gateway.api}/api/v1${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })

  async function approve(token?: string): Promise<void> {
    let waiting: { id: string; digest: string }[] = []
    await until(async () => {
      const answer = (await (await api('/approvals?state=pending')).json()) as { approvals: typeof waiting }
      waiting = answer.approvals
      return waiting.length > 0
    })
    for (const { id, digest } of waiting) await api(`/approvals/${id}/approve`, { digest, reason: '' }, token)
  }

  it('refused: 126, one sentence and one line of JSON on standard error', async () => {
    const done = await stage.ssh('agent:bot', [HOST, 'touch', at('never')])
    expect(done).toMatchObject({ status: 126, stdout: '' })
    const json = done.stderr.split('\n').find((line) => line.startsWith('{'))!
    expect(JSON.parse(json)).toMatchObject({ status: 'denied', code: 'policy.default', retry: false })
    expect(existsSync(at('never'))).toBe(false)
  })

  it('held: told at once what waits and where, runs when a person approves', async () => {
    writeFileSync(at('old'), '')
    const child = spawn('ssh', [...stage.options, HOST, `rm ${at('old')}; echo gone`], {
      env: stage.password(stage.gateway.token('agent:bot')),
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let said = ''
    child.stderr.on('data', (chunk) => {
      said += chunk
    })
    let out = ''
    child.stdout.on('data', (chunk) => {
      out += chunk
    })
    await until(
      async () => (await turn()) ?? /Waiting for approval \[deleting-asks\][\s\S]*sluice approve apr_/.test(said),
    )
    expect(existsSync(at('old'))).toBe(true)
    await approve()
    expect((await once(child, 'close'))[0]).toBe(0)
    expect([out, existsSync(at('old'))]).toEqual(['gone\n', false])
  })

  it('pending: 77 when nobody answers in time; the same command, once approved, runs', async () => {
    writeFileSync(at('old2'), '')
    const command = `rm ${at('old2')}`
    const first = await stage.ssh('agent:bot', [HOST, command])
    expect(first, first.stderr).toMatchObject({ status: 77 })
    expect(first.stderr).toContain('"status":"pending"')
    await approve()
    expect(await stage.ssh('agent:bot', [HOST, command])).toMatchObject({ status: 0 })
    expect(existsSync(at('old2'))).toBe(false)
  })

  it.each([
    ['the voter was shut out', 'principal', 'human:zoe'],
    ['the token they voted with was revoked', 'token', undefined],
  ])('G36: a command that was approved does not run once %s: people are asked anew', async (_, kind, subject) => {
    writeFileSync(at('kept'), '')
    const command = `rm ${at('kept')}`
    expect(await stage.ssh('agent:bot', [HOST, command])).toMatchObject({ status: 77 })
    const issued = await api('/tokens', { principal: 'human:zoe', ttl_ms: 600_000 })
    const { id, token } = (await issued.json()) as { id: string; token: string }
    await approve(token)
    const killed = await api('/kill', { kind, subject: subject ?? id, reason: 'compromised' })
    expect(await killed.json()).toMatchObject({ changed: true })
    const again = await stage.ssh('agent:bot', [HOST, command])
    expect(again, again.stderr).toMatchObject({ status: 77 })
    expect(existsSync(at('kept'))).toBe(true)
    await approve()
    expect(await stage.ssh('agent:bot', [HOST, command])).toMatchObject({ status: 0 })
    if (subject) await api('/unblock', { kind, subject })
  })

  it('D8: what is sent while a command is held waits with it', async () => {
    await using peer = await rawClient(stage, 'agent:bot')
    const channel = (await peer.open('session')) as { ours: number; theirs: number }
    const asked = peer.request(channel, 'exec', sshString(`rm -f ${at('x')}; cat`))
    peer.data(channel.theirs, 'early ')
    peer.say(96, channel.theirs)
    await peer.until(({ bytes }) => bytes?.includes('Waiting') ?? false)
    await approve()
    expect(await asked).toBe(true)
    expect(await peer.exit(channel.ours)).toBe(0)
    expect(peer.text(channel.ours)).toContain('early ')
  })

  it('D8: other channels go on while one is held, and a client that closes it takes the request back', async () => {
    await using peer = await rawClient(stage, 'agent:bot')
    const held = (await peer.open('session')) as { ours: number; theirs: number }
    peer.request(held, 'exec', sshString(`rm ${at('y')}`)).catch(() => false)
    await peer.until(({ bytes }) => bytes?.includes('Waiting') ?? false)
    const other = (await peer.open('session')) as { ours: number; theirs: number }
    expect(await peer.request(other, 'exec', sshString('echo here'))).toBe(true)
    expect(await peer.exit(other.ours)).toBe(0)
    peer.say(97, held.theirs)
    await until(async () => {
      const answer = (await (await api('/approvals?state=pending')).json()) as { approvals: unknown[] }
      return answer.approvals.length === 0
    })
  })

  it('sftp: a removal is held, and runs once approved, in its turn', async () => {
    writeFileSync(at('f1'), '')
    const running = sftp(stage, 'agent:unmasked', [`ls ${sshd.home}`, `rm ${at('f1')}`])
    expect(await running).toMatchObject({ status: 0 })
    writeFileSync(at('f2'), '')
    const done = await sftp(stage, 'agent:bot', [`rm ${at('f2')}`])
    expect(done.status).not.toBe(0)
    expect(existsSync(at('f2'))).toBe(true)
  })

  it.each([
    "r''m -rf X",
    '\\rm -rf X',
    '/bin/rm -rf X',
    '"rm" -rf X',
    'rm\t-rf X',
    '$(echo rm) -rf X',
    '/b?n/rm -rf X',
    'rm\x24{IFS}-rf\x24{IFS}X',
    'echo cm0gLXJmIFg= | base64 -d | sh',
    'sh -c "rm -rf X"',
    'bash <<< "rm -rf X"',
    'sh <<E\nrm -rf X\nE',
    'echo $(rm -rf X)',
    '`rm -rf X`',
    'true\nrm -rf X',
    'true; rm -rf X',
    'true && rm -rf X',
    'find X -delete',
    'find X -exec rm {} +',
    'echo X | xargs rm -rf',
    'python3 -c "import shutil; shutil.rmtree(\'X\')"',
    'git -c alias.z="!rm -rf X" z',
    'perl -e "unlink X"',
    'eval "rm -rf X"',
    'alias l=rm; l X',
    'tar cf /dev/null --checkpoint=1 --checkpoint-action=exec="rm -rf X" X',
    'env -S "rm -rf X"',
    'timeout 5 rm -rf X',
    'ssh localhost rm -rf X',
    '. X',
    'x() { rm -rf X; }; x',
    'vi -c ":!rm -rf X" X',
    'awk "BEGIN { system(\\"rm -rf X\\") }"',
    'exec rm -rf X',
    '> X',
    'dd of=X if=/dev/null',
  ])('D2 D3: %j does not pass as looking around', async (line) => {
    const path = at('precious')
    writeFileSync(path, 'precious')
    await using peer = await rawClient(stage, 'agent:bot')
    const channel = (await peer.open('session')) as { ours: number; theirs: number }
    void peer.request(channel, 'exec', sshString(line.replaceAll('X', path))).catch(() => false)
    const told = await peer.until(({ bytes }) => bytes !== undefined)
    expect(told.bytes!.toString()).toMatch(/^sluice: /)
    expect(existsSync(path)).toBe(true)
  })

  it('D5: an agent gets no shell unless a rule says so, with or without a terminal', async () => {
    for (const args of [['-T'], ['-tt']]) {
      const done = await stage.ssh('agent:bot', [...args, HOST], 'id\nexit\n')
      // Without its terminal, ssh ends with a status of its own.
      expect([126, 255]).toContain(done.status)
      expect(done.stdout).toBe('')
      if (done.status === 126) expect(done.stderr).toContain('"code":"policy.default"')
    }
  })

  it('a time limit ends a command, on the target too: 124', async () => {
    const mark = `sleep 47.${Math.trunc(Math.random() * 1e6)}`
    const done = await stage.ssh('agent:slow', [HOST, mark])
    expect(done).toMatchObject({ status: 124 })
    await until(async () => !(await processes()).includes(mark))
  })

  it('read-only: what may change something is not begun', async () => {
    writeFileSync(at('precious'), '')
    expect(await stage.ssh('agent:reader', [HOST, `cat ${at('precious')}`])).toMatchObject({ status: 0 })
    for (const command of [`touch ${at('new')}`, 'python3 -c 1', `cat > ${at('new')}`]) {
      const done = await stage.ssh('agent:reader', [HOST, command])
      expect(done).toMatchObject({ status: 126 })
      expect(done.stderr).toContain('"rule":"reads"')
    }
    writeFileSync(join(stage.folder, 'x'), 'x')
    expect((await sftp(stage, 'agent:reader', [`put ${join(stage.folder, 'x')} ${at('new')}`])).status).not.toBe(0)
    expect(existsSync(at('new'))).toBe(false)
  })

  it.each([
    ['cat', `cat F`],
    ['both streams', 'cat F >&2'],
    ['env', `env K=${KEY} M=${MAIL} env`],
    ['pieces', `head -c 8 F; sleep 0.01; tail -c +9 F`],
    ['colour within it', `sed -e 's/Q4CB/\\x1b[31mQ4CB\\x1b[0m/' -e 's/jpm/\\x1b[1;32mjpm\\x1b[m/' F`],
    ['no line end', `printf %s "$(cat F)"`],
  ])('secrets in output are masked: %s', async (_, command) => {
    writeFileSync(at('secrets'), `key=${KEY}\nmail ${MAIL}\n`)
    const line = command.replaceAll('F', at('secrets'))
    const plain = await stage.ssh('agent:unmasked', [HOST, line])
    const done = await stage.ssh('agent:masked', [HOST, line])
    const bare = (text: string) => text.replaceAll(/\x1b\[[0-9;]*m/g, '')
    expect(bare(plain.stdout + plain.stderr)).toContain(KEY)
    expect(done.status, done.stderr).toBe(0)
    const shown = bare(done.stdout + done.stderr)
    for (const secret of [KEY, MAIL]) expect(shown).not.toContain(secret)
    expect(shown).toMatch(/mail |M=/)
    await transcriptsOnce(stage, (all) => all.some(({ kind }) => kind === 'output'))
  })

  it('a mask duty refuses what cannot be masked: forwards, files, rsync and git', async () => {
    await using peer = await rawClient(stage, 'agent:masked')
    const rest = Buffer.concat([sshString('127.0.0.1'), sshUint32(sshd.port), sshString('127.0.0.1'), sshUint32(1)])
    expect(await peer.open('direct-tcpip', rest)).toBe(1)
    for (const command of [
      `rsync --server --sender -logDtpre.iLsfxC . ${sshd.home}`,
      `git-upload-pack '${sshd.home}'`,
    ]) {
      const done = await stage.ssh('agent:masked', [HOST, command])
      expect(done).toMatchObject({ status: 126, stdout: '' })
      expect(done.stderr).toContain('"code":"policy.unfulfilled"')
    }
    expect((await sftp(stage, 'agent:masked', [`get ${at('secrets')} ${stage.folder}/got`])).status).not.toBe(0)
    expect(existsSync(join(stage.folder, 'got'))).toBe(false)
  })

  it('a time limit ends a listener too', async () => {
    await using peer = await rawClient(stage, 'agent:slow')
    const port = await freePort()
    const where = Buffer.concat([sshString('127.0.0.1'), sshUint32(port)])
    expect(await peer.global('tcpip-forward', where)).toBe(true)
    await until(async () => !(await listening(port)))
    expect(await peer.global('cancel-tcpip-forward', where)).toBe(false)
  })

  it('D26: a killed session ends within a second, and what runs on the target with it', async () => {
    const mark = `sleep 48.${Math.trunc(Math.random() * 1e6)}`
    const child = spawn('ssh', [...stage.options, HOST, `echo begun; ${mark}`], {
      env: stage.password(stage.gateway.token('agent:unmasked')),
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let said = ''
    child.stderr.on('data', (chunk) => {
      said += chunk
    })
    await once(child.stdout, 'data')
    const { sessions } = (await (await api('/sessions?state=live')).json()) as { sessions: { id: string }[] }
    const from = performance.now()
    const gone = once(child, 'close')
    for (const { id } of sessions) expect((await api(`/sessions/${id}/kill`, { reason: 'test' })).status).toBe(200)
    await gone
    expect(performance.now() - from).toBeLessThan(1000)
    expect(said).toContain('An administrator ended this session')
    await until(async () => !(await processes()).includes(mark))
  })

  it('D25: bytes that are no text are on record as they were, both ways', async () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i))
    await stage.ssh('agent:unmasked', [HOST, 'cat'], bytes)
    for (const way of ['input', 'output'])
      await transcriptsOnce(stage, (all) =>
        all.some(({ kind, bytes: each }) => kind === way && each === bytes.toString('base64')),
      )
  })

  it('each channel of a connection is judged for itself', async () => {
    await using peer = await rawClient(stage, 'agent:bot')
    const first = (await peer.open('session')) as { ours: number; theirs: number }
    expect(await peer.request(first, 'exec', sshString('echo before'))).toBe(true)
    const second = (await peer.open('session')) as { ours: number; theirs: number }
    expect(await peer.request(second, 'exec', sshString('systemctl restart x'))).toBe(true)
    expect(await peer.exit(second.ours)).toBe(126)
  })

  /** Lets what has come be heard. */
  const turn = () => new Promise<undefined>((resolve) => setImmediate(resolve, undefined))

  const processes = async () => (await commandLines()).filter((line) => !line.startsWith('ssh ')).join('\n')
})
