import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Ed25519Key } from '../../src/kit/ssh-key.ts'
import { giveTo, serverAccount } from './account.ts'
import { type Account, ended, mustRun, spawnMortal } from './child.ts'
import { onFreePort, PortTaken } from './port.ts'
import { tempFolder } from './temp.ts'

/** A real OpenSSH server with one account: the one it runs under. */
export interface Sshd extends AsyncDisposable {
  readonly host: '127.0.0.1'
  readonly port: number
  readonly user: string
  /** The host key's line, without the host. */
  readonly hostKey: string
  /** A private key it accepts, as a file of mode 0600 and as text. */
  readonly keyFile: string
  readonly keyText: string
  /** A folder its account may write to. */
  readonly home: string
  /** What it wrote to its log. */
  log(): string
  stop(): Promise<void>
}

export interface SshdOptions {
  /** A user CA it trusts: the line of its public key. */
  readonly trustedCa?: string
  /** Keep the rights of this process: a terminal's owner can be changed by root only. */
  readonly keepRights?: boolean
  /** Sessions find a home of the test's own in HOME, not the account's. */
  readonly ownHome?: boolean
  /** More lines of sshd_config. */
  readonly settings?: readonly string[]
}

const SSHD = '/usr/sbin/sshd'

/** Why no server can be started here, or undefined. */
export const sshdMissing: string | undefined = existsSync(SSHD)
  ? undefined
  : "sshd is not installed: Debian's openssh-server"

/** Starts sshd without privileges, in a folder of its own on a free port. It dies with this process. */
export async function startSshd(options: SshdOptions = {}): Promise<Sshd> {
  const folder = tempFolder('sshd')
  const { name, account } = options.keepRights ? { name: userInfo().username, account: undefined } : loginAccount()
  giveTo(account, folder.path)
  const at = (file: string) => join(folder.path, file)
  const write = (file: string, text: string) => {
    writeFileSync(at(file), text, { mode: 0o600 })
    giveTo(account, at(file))
  }
  const host = Ed25519Key.fresh()
  const key = Ed25519Key.fresh()
  write('host_key', host.privateText().reveal())
  write('authorized_keys', `${key.publicLine()}\n`)
  if (options.trustedCa !== undefined) write('trusted_ca', `${options.trustedCa}\n`)
  await mustRun(['mkdir', '-p', '-m', '700', at('home')])
  giveTo(account, at('home'))
  // The client's own copy: ssh takes no key file that others may read, whoever runs the test.
  writeFileSync(at('client_key'), key.privateText().reveal(), { mode: 0o600 })
  const started = await onFreePort(async (port) => {
    write('sshd_config', configOf({ port, at, options }))
    return { port, child: await launch(at('sshd_config'), account, at('log')) }
  })
  const stop = async () => {
    started.child.kill('SIGTERM')
    await ended(started.child)
    folder.remove()
  }
  return {
    host: '127.0.0.1',
    port: started.port,
    user: name,
    hostKey: host.publicLine(),
    keyFile: at('client_key'),
    keyText: key.privateText().reveal(),
    home: at('home'),
    log: () => readFileSync(at('log'), 'utf8'),
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

/** Whom the server logs in: without privileges it can be nobody but itself, and it must have a shell. */
function loginAccount(): { name: string; account: Account | undefined } {
  const account = serverAccount()
  if (!account) return { name: userInfo().username, account }
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((each) => each.split(':'))
    .find((fields) => Number(fields[2]) === account.uid)
  if (line && !/(nologin|false)$/.test(line[6] ?? '')) return { name: line[0]!, account }
  return { name: userInfo().username, account: undefined }
}

interface Config {
  readonly port: number
  readonly at: (file: string) => string
  readonly options: SshdOptions
}

function configOf({ port, at, options }: Config): string {
  const lines = [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${at('host_key')}`,
    'PidFile none',
    `AuthorizedKeysFile ${at('authorized_keys')}`,
    ...(options.trustedCa === undefined ? [] : [`TrustedUserCAKeys ${at('trusted_ca')}`]),
    'UsePAM no',
    'StrictModes no',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'PermitRootLogin prohibit-password',
    'PrintMotd no',
    'PrintLastLog no',
    'AcceptEnv LANG LC_*',
    'MaxStartups 1000',
    'MaxSessions 1000',
    'AllowStreamLocalForwarding yes',
    'Subsystem sftp /usr/lib/openssh/sftp-server',
    ...(options.ownHome ? [`SetEnv HOME=${at('home')}`] : []),
    ...(options.settings ?? []),
  ]
  return `${lines.join('\n')}\n`
}

async function launch(config: string, account: Account | undefined, log: string) {
  // As root it insists on an empty folder of root's own for its unprivileged half.
  if (!account && process.getuid?.() === 0) await mustRun(['mkdir', '-p', '-m', '755', '/run/sshd'])
  const child = spawnMortal([SSHD, '-D', '-e', '-f', config], { account, stdio: ['ignore', 'ignore', 'pipe'] })
  const lines = createInterface(child.stderr!)
  const said: string[] = []
  writeFileSync(log, '')
  lines.on('line', (line) => writeFileSync(log, `${line}\n`, { flag: 'a' }))
  await new Promise<void>((resolve, reject) => {
    lines.on('line', (line) => {
      said.push(line)
      if (line.startsWith('Server listening')) resolve()
    })
    child.once('exit', () => {
      const text = said.join('\n')
      reject(text.includes('Address already in use') ? new PortTaken(text) : new Error(`sshd ended:\n${text}`))
    })
  })
  return child
}
