import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Command } from 'commander'
import { Ed25519Key } from '../kit/ssh-key.ts'
import { answerOf, type Context, contextOf } from './context.ts'
import { briefly, durationOf, instantOf } from './duration.ts'
import { CommandFailure, EXIT } from './exit.ts'

interface CertOptions {
  readonly ttl?: string
  readonly out?: string
}

/** `sluice ssh cert|known-hosts|target-ca` */
export function registerSshCommands(program: Command): void {
  const ssh = program.command('ssh').description('certificates, and whom to trust')
  ssh
    .command('cert')
    .description('sign in to SSH for some minutes: a certificate for a key of yours, or for a fresh one in your agent')
    .argument('[public key]', 'a .pub file; without it a key is made and put into the agent, and is nowhere else')
    .option('--ttl <duration>', 'how long it holds, an hour at most', '10m')
    .option('--out <file>', 'where to write it (default: beside the key, as ssh looks for it)')
    .addHelpText(
      'after',
      '\nExamples:\n  eval "$(ssh-agent)"; sluice ssh cert && ssh -p 15422 web-1@gateway\n  sluice ssh cert ~/.ssh/id_ed25519.pub\n',
    )
    .action(certify)
  ssh
    .command('known-hosts')
    .description('the line of known_hosts that makes ssh trust the gateway without asking')
    .addHelpText('after', '\nExample:\n  sluice ssh known-hosts >> ~/.ssh/known_hosts\n')
    .action(async (_options: object, command: Command) => {
      const context = contextOf(command)
      const { address, knownHosts, authority } = await answerOf(context.api.ssh.$get())
      if (context.json) return context.printJson({ address, knownHosts, authority })
      context.print(`${knownHosts}\n`)
    })
  ssh
    .command('target-ca')
    .description('the key that targets trust whose resource says `certificate: true`')
    .addHelpText(
      'after',
      '\nExample:\n  sluice ssh target-ca > /etc/ssh/sluice.pub   # then in sshd_config: TrustedUserCAKeys /etc/ssh/sluice.pub\n',
    )
    .action(async (_options: object, command: Command) => {
      const context = contextOf(command)
      const { targetAuthority } = await answerOf(context.api.ssh.$get())
      if (context.json) return context.printJson({ targetAuthority })
      context.print(`${targetAuthority}\n`)
    })
}

async function certify(file: string | undefined, options: CertOptions, command: Command): Promise<void> {
  const context = contextOf(command)
  const ttl_ms = durationOf(options.ttl ?? '10m')
  if (file === undefined) return report(context, await signInAgent(context.api, ttl_ms), 'put into the agent')
  const publicKey = publicLineOf(readText(file), file)
  const issued = await answerOf(context.api.ssh.certificates.$post({ json: { publicKey, ttl_ms } }))
  const out = options.out ?? `${file.replace(/\.pub$/, '')}-cert.pub`
  writeFileSync(out, `${issued.certificate}\n`, { mode: 0o644 })
  report(context, issued, `written to ${out}`)
}

interface Issued {
  readonly certificate: string
  readonly keyId: string
  readonly expires_ms: number
}

function report(context: Context, issued: Issued, where: string): void {
  if (context.json) return context.printJson({ ...issued, where })
  context.complain(
    `Signed in to SSH until ${instantOf(issued.expires_ms)} (${briefly(issued.expires_ms - Date.now())}): ${where}.\n`,
  )
}

/**
 * Makes a key, has it certified and hands both to the running ssh-agent, which forgets them when the certificate ends. Nothing stays on
 * disk. Throws CommandFailure where no agent runs.
 */
export async function signInAgent(api: Context['api'], ttl_ms: number): Promise<Issued> {
  if (!process.env.SSH_AUTH_SOCK)
    throw new CommandFailure(
      'No ssh-agent runs here: SSH_AUTH_SOCK is not set.',
      EXIT.usage,
      'Start one: eval "$(ssh-agent)"; or name a key: sluice ssh cert ~/.ssh/id_ed25519.pub',
    )
  const key = Ed25519Key.fresh()
  const issued = await answerOf(api.ssh.certificates.$post({ json: { publicKey: key.publicLine('sluice'), ttl_ms } }))
  const folder = mkdtempSync(join(tmpdir(), 'sluice-ssh-'))
  try {
    // ssh-add takes a certificate from beside its key only.
    writeFileSync(join(folder, 'key'), key.privateText('sluice').reveal(), { mode: 0o600 })
    writeFileSync(join(folder, 'key-cert.pub'), `${issued.certificate}\n`, { mode: 0o600 })
    const left_s = Math.max(1, Math.floor((issued.expires_ms - Date.now()) / 1000))
    execFileSync('ssh-add', ['-q', '-t', String(left_s), join(folder, 'key')], { stdio: ['ignore', 'ignore', 'pipe'] })
  } catch (error) {
    const said = (error as { stderr?: Buffer }).stderr?.toString().trim() || (error as Error).message
    throw new CommandFailure(`ssh-add did not take the key: ${said}`, EXIT.failure, 'Look at: ssh-add -l')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  return issued
}

/** Throws CommandFailure for a private key, so that it never leaves this machine. */
function publicLineOf(text: string, file: string): string {
  if (!/PRIVATE KEY-----/.test(text)) return text
  throw new CommandFailure(
    `${file} is a private key: it stays where it is, and is sent to nobody.`,
    EXIT.usage,
    `Name the public one: sluice ssh cert ${file}.pub`,
  )
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new CommandFailure(
      `${file} cannot be read (${code}).`,
      EXIT.usage,
      'Name a public key: ~/.ssh/id_ed25519.pub',
    )
  }
}
