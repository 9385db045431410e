import type { Command } from 'commander'
import { answerOf, type Context, contextOf } from './context.ts'
import { briefly } from './duration.ts'
import { openBrowser } from './login/browser.ts'
import { byDevice } from './login/device.ts'
import { awaitBrowser } from './login/loopback.ts'
import { loginFile, storeLogin } from './login/stored.ts'
import { checkProvider, type GivenToken, givenToken, postForm } from './login/token-endpoint.ts'
import { signInAgent } from './ssh.ts'

interface LoginOptions {
  readonly provider?: string
  readonly fresh?: boolean
  readonly browser: boolean
  readonly device?: boolean
  readonly ssh: boolean
}

/** `sluice login` */
export function registerLoginCommand(program: Command): void {
  program
    .command('login')
    .description('sign in at your identity provider, in a browser; the token that gives you is used from then on')
    .option('--provider <name>', 'which one, where the gateway has several (default: the browser asks)')
    .option('--fresh', 'show your credentials again: approving needs a sign-in of the last minutes')
    .option('--no-browser', 'only print the address; open it in a browser on this machine')
    .option('--device', 'for a machine without a browser: a code to enter on another one')
    .option('--no-ssh', 'put no SSH certificate into the running ssh-agent')
    .addHelpText(
      'after',
      `
Examples:
  sluice login
  sluice login --provider acme --fresh
  sluice login --device
  sluice login --device --json          # two lines: where to enter which code, then who signed in
  PGPASSWORD="$(sluice token print)" psql -h gateway -U orders

The token is kept in login.json beside the profile in use, else in ~/.config/sluice, for its owner only (0600). It ends by itself, with
\`sluice logout\`, and when your provider takes your account or a group away. BROWSER names the program that opens pages. Where an ssh-agent
runs it gets a certificate for the gateway's SSH, good for ten minutes; \`sluice ssh cert\` gets the next one.
`,
    )
    .action((options: LoginOptions, command: Command) => login(command, options))
}

async function login(command: Command, options: LoginOptions): Promise<void> {
  const context = contextOf(command, { anonymous: true })
  if (options.provider !== undefined) await checkProvider(context.profile.api, options.provider)
  const given = options.device ? await byCode(context) : await byBrowser(context, options)
  const url = context.profile.api
  const expires_ms = Date.now() + given.expires_in_s * 1_000
  const { token } = given
  const me = await answerOf(contextOf(command, { token }).api.me.$get())
  const principal = me.principal.chain[0]!.id
  storeLogin(loginFile(context.profile.folder), { url, token, principal, expires_ms })
  const ssh = options.ssh && process.env.SSH_AUTH_SOCK ? await certificate(command, token) : undefined
  if (context.json) return printLine(context, { url, principal, expires_ms, ...(ssh && { ssh }) })
  context.print(`Signed in as ${principal}, for ${briefly(given.expires_in_s * 1_000)}.\n`)
  if (ssh) context.complain(`Your ssh-agent holds a certificate for ${briefly(ssh.expires_ms - Date.now())}.\n`)
}

/** A certificate in the ssh-agent. Signing in has succeeded without it: what fails is told, no more. */
async function certificate(command: Command, token: string): Promise<{ expires_ms: number } | undefined> {
  try {
    const { expires_ms } = await signInAgent(contextOf(command, { token }).api, SSH_MS)
    return { expires_ms }
  } catch (error) {
    contextOf(command, { anonymous: true }).complain(`Your ssh-agent got no certificate: ${(error as Error).message}\n`)
    return undefined
  }
}

const SSH_MS = 600_000

async function byBrowser(context: Context, { provider, fresh = false, browser }: LoginOptions): Promise<GivenToken> {
  const gateway = context.profile.api
  const waiting = await awaitBrowser(gateway, { provider, fresh })
  try {
    const opened = browser && openBrowser(waiting.url)
    context.complain(
      opened ? `Your browser opens. If it does not, go to:\n` : 'Open this address in a browser on this machine:\n',
    )
    context.complain(`\n  ${waiting.url}\n\n`)
    const code = await waiting.code
    const answer = await postForm(`${gateway}/oauth/token`, {
      ...{ grant_type: 'authorization_code', client_id: 'sluice-cli', code },
      ...{ code_verifier: waiting.verifier, redirect_uri: waiting.redirectUri },
    })
    return givenToken(answer)
  } finally {
    waiting.close()
  }
}

/** One JSON document on one line: a device's sign-in prints two, the first while it waits. */
function printLine(context: Context, value: object): void {
  context.print(`${JSON.stringify(value)}\n`)
}

function byCode(context: Context): Promise<GivenToken> {
  return byDevice(context.profile.api, ({ page, code, direct }) => {
    if (context.json) return printLine(context, { page, code, direct })
    context.complain(
      `On a machine with a browser, go to:\n\n  ${page}\n\nand enter the code  ${context.warn.bold(code)}  (or go to ${direct}).\n`,
    )
  })
}
