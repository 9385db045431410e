/** What a program finds when it starts: variables, its terminal, what was lent to it. Little of it passes; people approve all of it (ATTACKS D6, G31, G34). */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sshString, sshUint32 } from '../../src/kit/ssh-wire.ts'
import { MESSAGE } from '../../src/protocols/ssh/channel-messages.ts'
import { readLedger } from '../rig/ledger.ts'
import { ALLOW_ALL } from '../rig/policies.ts'
import { type SshGateway, startSshGateway } from '../rig/ssh-gateway.ts'
import { type FakeTarget, fakeTarget, type RawPeer, rawClient, takeSession } from '../rig/ssh-peer.ts'

const POLICY = `${ALLOW_ALL}
when: principal.kind == "human"
---
kind: Human
name: ada
groups: [sre]
---
kind: Agent
name: bot
owner: ops
---
kind: Rule
name: around
who: principal.kind == "agent"
on: true
when: op.verb != "exec"
then: allow
---
kind: Rule
name: running-asks
who: principal.kind == "agent"
on: true
when: op.verb == "exec"
then: approve
approve: { by: [group:sre], hold: 100ms, expires: 5m }
`

/** A name for each way a common program can be led astray. */
const NEVER = [
  ...['LD_PRELOAD', 'LD_LIBRARY_PATH', 'GLIBC_TUNABLES', 'MALLOC_CONF', 'GCONV_PATH', 'LOCPATH', 'HOSTALIASES'],
  ...[
    'BASH_ENV',
    'ENV',
    'PATH',
    'IFS',
    'PS4',
    'SHELLOPTS',
    'BASHOPTS',
    'PROMPT_COMMAND',
    'ZDOTDIR',
    'INPUTRC',
    'TZDIR',
  ],
  ...[
    'HOME',
    'USER',
    'SHELL',
    'TMPDIR',
    'DISPLAY',
    'XDG_CONFIG_HOME',
    'SSH_AUTH_SOCK',
    'SUDO_ASKPASS',
    'DBUS_SESSION_BUS_ADDRESS',
  ],
  ...['EDITOR', 'VISUAL', 'PAGER', 'MANPAGER', 'BAT_PAGER', 'LESS', 'LESSOPEN', 'VIMINIT', 'EXINIT', 'SYSTEMD_EDITOR'],
  ...[
    'TAR_OPTIONS',
    'GREP_OPTIONS',
    'GZIP',
    'RSYNC_RSH',
    'RSYNC_OLD_ARGS',
    'RIPGREP_CONFIG_PATH',
    'CURL_HOME',
    'WGETRC',
  ],
  ...[
    'OPENSSL_CONF',
    'SSLKEYLOGFILE',
    'SSL_CERT_FILE',
    'KRB5_CONFIG',
    'GNUTLS_SYSTEM_PRIORITY_FILE',
    'https_proxy',
    'HTTP_PROXY',
  ],
  ...[
    'PSQLRC',
    'PGHOST',
    'MYSQL_HOME',
    'DOCKER_HOST',
    'KUBECONFIG',
    'AWS_PROFILE',
    'ANSIBLE_CONFIG',
    'TF_CLI_CONFIG_FILE',
  ],
  ...[
    'PERL5OPT',
    'PERL5DB',
    'PYTHONSTARTUP',
    'PYTHONPATH',
    'RUBYOPT',
    'NODE_OPTIONS',
    'JAVA_TOOL_OPTIONS',
    'JDK_JAVA_OPTIONS',
  ],
  ...[
    'LUA_INIT',
    'LUA_INIT_5_4',
    'PHPRC',
    'PHP_INI_SCAN_DIR',
    'R_PROFILE',
    'R_PROFILE_USER',
    'RUBYLIB',
    'TCLLIBPATH',
    'DOTNET_STARTUP_HOOKS',
  ],
  ...[
    'MAKEFLAGS',
    'MAKEFILES',
    'CC',
    'GOFLAGS',
    'CARGO_HOME',
    'RUSTC_WRAPPER',
    'DEBUGINFOD_URLS',
    'GIT_SSH_COMMAND',
    'GIT_EXTERNAL_DIFF',
  ],
]

const variable = (name: string, value: string | Buffer) => Buffer.concat([sshString(name), sshString(value)])
const terminal = (term: string, modes = Buffer.from([0])) =>
  Buffer.concat([sshString(term), ...[80, 24, 0, 0].map(sshUint32), sshString(modes)])

describe('D6: variables', () => {
  let target: FakeTarget
  let stage: SshGateway
  beforeAll(async () => {
    target = await fakeTarget()
    // Everything is allowed by rules, and named by the resource.
    stage = await startSshGateway({
      target,
      policy: POLICY,
      resource: { environment: ['DEPLOY_TARGET', ...NEVER].slice(0, 100) },
    })
  })
  afterAll(async () => {
    await stage?.stop()
    await target?.[Symbol.asyncDispose]()
  })

  it('that make programs run or load something, or connect elsewhere, are passed on to nobody, whatever rules and resources say', async () => {
    await using client = await rawClient(stage, 'human:suite')
    await using _other = await target.next()
    const channel = (await client.open('session')) as { ours: number; theirs: number }
    const granted: string[] = []
    for (const name of NEVER) if (await client.request(channel, 'env', variable(name, 'v'))) granted.push(name)
    expect(granted).toEqual([])
  })

  it.each([
    ['TZ', 'UTC'],
    ['RELEASE', '1'],
    ['LANG', '../../tmp/x'],
    ['LANGUAGE', '/tmp/x'],
    ['LC_ALL', 'C\n'],
    ['TERM', '/tmp/x'],
    ['DEPLOY_TARGET', Buffer.from([0xff])],
    ['DEPLOY_TARGET', 'a\nb'],
    ['DEPLOY_TARGET', '‮gpj'],
    ['DEPLOY_TARGET', 'x'.repeat(5_000)],
  ])('%j with the value %j is not passed on: nobody named it, or nobody can be shown it', async (name, value) => {
    await using client = await rawClient(stage, 'human:suite')
    await using _other = await target.next()
    const channel = (await client.open('session')) as { ours: number; theirs: number }
    expect(await client.request(channel, 'env', variable(name as string, value))).toBe(false)
  })

  it.each([
    ['LANG', 'de_DE.UTF-8@euro'],
    ['LC_TIME', 'C'],
    ['LANGUAGE', 'de:en'],
    ['COLORTERM', 'truecolor'],
    ['GIT_PROTOCOL', 'version=2'],
    ['DEPLOY_TARGET', '/srv/app (blue)'],
  ])('%j with the value %j is', async (name, value) => {
    await using client = await rawClient(stage, 'human:suite')
    await using other = await target.next()
    expect(await pass(client, other, 'env', variable(name, value))).toBe(true)
  })

  it.each(['../xterm', '/tmp/x', 'x'.repeat(65), 'xterm\n', 'é'])('no terminal is called %j', async (term) => {
    await using client = await rawClient(stage, 'human:suite')
    await using _other = await target.next()
    const channel = (await client.open('session')) as { ours: number; theirs: number }
    expect(await client.request(channel, 'pty-req', terminal(term))).toBe(false)
  })

  /** Whether a request for a new channel is granted, once the target was asked and said yes. */
  async function pass(client: RawPeer, other: RawPeer, name: string, rest: Buffer): Promise<boolean> {
    const channel = (await client.open('session')) as { ours: number; theirs: number }
    const asked = client.request(channel, name, rest)
    const half = await takeSession(other)
    await other.until((heard) => heard.name === name)
    other.say(MESSAGE.SUCCESS, half.theirs)
    return asked
  }

  const api = async (path: string, body?: unknown) =>
    (await fetch(`${stage.gateway.api}/api/v1${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${stage.gateway.token('human:ada')}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    }).then((answer) => answer.json())) as {
      approvals: { id: string; digest: string; text: { text: string }; sessionState: Record<string, string> }[]
    }

  /** How a command ends that is asked for with these requests before it: what it was refused with, or that it went to the target. */
  async function attempt(line: string | Buffer, before: readonly (readonly [string, Buffer])[]): Promise<string> {
    await using client = await rawClient(stage, 'agent:bot')
    await using other = await target.next()
    const channel = (await client.open('session')) as { ours: number; theirs: number }
    for (const [name, rest] of before) {
      const asked = client.request(channel, name, rest)
      const half = await takeSession(other)
      await other.until((heard) => heard.name === name)
      other.say(MESSAGE.SUCCESS, half.theirs)
      expect(await asked).toBe(true)
    }
    const ran = other.until(({ name }) => name === 'exec').then(() => 'ran')
    ran.catch(() => {})
    void client.request(channel, 'exec', sshString(line)).catch(() => {})
    if (before.length === 0) takeSession(other).catch(() => {})
    return await Promise.race([ran, client.exit(channel.ours).then(String)])
  }

  const NAMED = ['env', variable('DEPLOY_TARGET', 'blue')] as const
  it.each([
    ['nothing', [], [NAMED]],
    ['a variable', [NAMED], []],
    ['a variable', [NAMED], [['env', variable('DEPLOY_TARGET', 'green')]]],
    ['a locale', [['env', variable('LANG', 'C')]], [['env', variable('LANG', 'tr_TR.UTF-8')]]],
    ['no terminal', [], [['pty-req', terminal('xterm')]]],
    ['a terminal', [['pty-req', terminal('xterm')]], [['pty-req', terminal('vt100')]]],
    ['its modes', [['pty-req', terminal('xterm')]], [['pty-req', terminal('xterm', Buffer.from([53, 0, 0, 0, 0, 0]))]]],
  ] as const)('G31: an approval with %s is good for exactly that', async (what, asked, other) => {
    const line = `deploy ${JSON.stringify([what, asked.length, other.length])}`
    expect(await attempt(line, asked)).toBe('77')
    const { approvals } = await api('/approvals?state=pending')
    const mine = approvals.find(({ text }) => text.text === line)!
    const held = readLedger(stage.gateway.dataDir).filter((entry) => 'approval' in entry && entry.approval === mine.id)
    // Who approves sees it, and so does whoever reads the ledger.
    for (const [name] of asked)
      for (const seen of [mine.sessionState, held.find((entry) => 'state' in entry)])
        expect(JSON.stringify(seen)).toContain(name === 'env' ? 'variable ' : 'xterm')
    await api(`/approvals/${mine.id}/approve`, { digest: mine.digest, reason: '' })
    expect(await attempt(line, other)).toBe('77')
    expect(await attempt(line, asked)).toBe('ran')
  })

  it('G31: an approval of a line is not one of other bytes that read alike', async () => {
    expect(await attempt('deploy é', [])).toBe('77')
    const { approvals } = await api('/approvals?state=pending')
    const { id, digest } = approvals.find(({ text }) => text.text.endsWith('é'))!
    await api(`/approvals/${id}/approve`, { digest, reason: '' })
    expect(await attempt(Buffer.from('deploy é', 'latin1'), [])).toBe('77')
    expect(await attempt('deploy é', [])).toBe('ran')
  })
})
