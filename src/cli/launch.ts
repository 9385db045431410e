import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Command } from 'commander'
import { createClient } from '../api/client.ts'
import { answerOf, type Context, contextOf } from './context.ts'
import { briefly, durationOf } from './duration.ts'
import { CommandFailure, EXIT } from './exit.ts'
import { type Ended, endLike, type HeldSignals, holdSignals, runToEnd } from './launch/child.ts'
import { LIMITS } from './launch/limits.ts'
import { type Surroundings, surround } from './launch/surroundings.ts'
import { type GivenToken, givenToken, OauthFailure, postForm } from './login/token-endpoint.ts'

interface RunOptions {
  readonly agent: string
  readonly ttl?: string
  readonly on: string[]
  readonly effects?: string
  readonly quiet?: boolean
}

const gather = (text: string, all: string[]): string[] => [...all, text]
const TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:access_token'

/** `sluice run --agent X -- COMMAND` */
export function registerRunCommand(program: Command): void {
  program
    .command('run')
    .description('run a program as an agent that acts for you; its clients reach your resources under that identity')
    .requiredOption('--agent <name>', 'the agent; its document must list you among its delegators')
    .option('--ttl <duration>', 'how long it may act (default: an hour, or as long as the agent’s document lets it)')
    .option(
      '--on <resource>',
      'only this resource; may be given several times, and a bare `psql` reaches the first',
      gather,
      [],
    )
    .option('--effects <words>', 'only these effects, such as read,write (default: whatever you both may do)')
    .option('--quiet', 'do not say what is where')
    .argument('<command...>', 'the program and its arguments, after --')
    .addHelpText(
      'after',
      `
Examples:
  sluice run --agent triage-bot -- psql service=orders
  sluice run --agent triage-bot --ttl 15m --on orders --effects read -- ./triage.sh
  sluice run --agent deployer -- ssh web-1 uptime

The program gets PGHOST, PGPORT, PGUSER, PGPASSWORD and PGSERVICEFILE (a service per resource), an ssh that knows the hosts, SLUICE_URL and
SLUICE_TOKEN. Every port is on this machine and leads to the gateway. The token ends with the program, nothing secret is written to disk, and
its exit code and signals are the program's own.
`,
    )
    .action((command: string[], options: RunOptions, self: Command) => run(self, command, options))
}

async function run(self: Command, command: readonly string[], options: RunOptions): Promise<void> {
  const signals = holdSignals()
  let ended: Ended
  try {
    ended = await runDelegated(contextOf(self), command, { options, signals })
  } finally {
    signals.release()
  }
  endLike(ended)
}

interface Wish {
  readonly options: RunOptions
  readonly signals: HeldSignals
}

async function runDelegated(context: Context, command: readonly string[], { options, signals }: Wish): Promise<Ended> {
  const given = await delegate(context, options)
  const folder = mkdtempSync(join(process.env.XDG_RUNTIME_DIR || tmpdir(), 'sluice-run-'))
  const tidy = () => rmSync(folder, { recursive: true, force: true })
  process.once('exit', tidy)
  let surroundings: Surroundings | undefined
  try {
    surroundings = await prepare(context, { given, folder, options })
    if (!options.quiet) tell(context, given, surroundings)
    return await runToEnd(command, environment(context, given, surroundings), signals)
  } finally {
    await surroundings?.close()
    tidy()
    await giveBack(context, given)
  }
}

/** A token of the agent, acting for the caller. Throws CommandFailure with the gateway's own sentence. */
async function delegate(context: Context, { agent, ttl, on, effects }: RunOptions): Promise<GivenToken> {
  const { token, api } = context.profile
  if (!token)
    throw new CommandFailure('No token: the gateway must know who delegates.', EXIT.denied, 'Sign in: sluice login')
  const narrowed = {
    type: 'sluice',
    ...(on.length > 0 && { resources: on }),
    ...(effects !== undefined && { effects: effects.split(',').map((word) => word.trim()) }),
  }
  try {
    return givenToken(
      await postForm(`${api}/oauth/token`, {
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        client_id: 'sluice-cli',
        subject_token: token,
        subject_token_type: TOKEN_TYPE,
        requested_actor: agent.startsWith('agent:') ? agent : `agent:${agent}`,
        ...(ttl !== undefined && { expires_in: String(Math.ceil(durationOf(ttl) / 1_000)) }),
        ...(Object.keys(narrowed).length > 1 && { authorization_details: JSON.stringify([narrowed]) }),
      }),
    )
  } catch (error) {
    if (!(error instanceof OauthFailure)) throw error
    throw new CommandFailure(error.message, EXIT.denied, 'See `sluice whoami`, and the agent’s document.')
  }
}

interface Start {
  readonly given: GivenToken
  readonly folder: string
  readonly options: RunOptions
}

/** What the agent may open for the caller: asked with its own token, so that nothing is offered that would be refused. */
async function prepare(context: Context, { given, folder, options }: Start): Promise<Surroundings> {
  const { token } = given
  const api = createClient({ url: context.profile.api, token }).api.v1
  const { resources } = await answerOf(api.resources.$get())
  for (const name of options.on)
    if (!resources.some((resource) => resource.name === name))
      throw new CommandFailure(`${options.agent} may not open "${name}" for you.`, EXIT.denied, 'See: sluice resources')
  const said = (why: string) => context.complain(`sluice: ${why}\n`)
  return await surround({ context, folder, token, preferred: options.on[0], said }, resources)
}

function tell({ complain, warn }: Context, { expires_in_s }: GivenToken, { told }: Surroundings): void {
  const lines = told.length > 0 ? told : ['there is nothing it may open']
  complain(`${warn.dim(`For ${briefly(expires_in_s * 1_000)}:`)}\n${lines.map((line) => `  ${line}\n`).join('')}`)
}

function environment(context: Context, { token }: GivenToken, { env, path }: Surroundings): NodeJS.ProcessEnv {
  const own = { ...process.env }
  // What names another server or account would lead the program past the gateway.
  for (const name of Object.keys(own))
    if (/^PG(HOST|PORT|USER|DATABASE|PASSWORD|PASSFILE|SERVICE|SERVICEFILE|SSL\w+)$/.test(name)) delete own[name]
  return {
    ...own,
    ...env,
    SLUICE_URL: context.profile.api,
    SLUICE_TOKEN: token,
    ...(path ? { PATH: `${path}:${own.PATH ?? ''}` } : {}),
  }
}

/** The token ends with the run, and with it what still ran on a target. */
async function giveBack(context: Context, { token, expires_in_s }: GivenToken): Promise<void> {
  const late = new Promise<never>((_, reject) => {
    setTimeout(() => reject(new Error('no answer in time')), LIMITS.revoke_ms).unref()
  })
  const asked = postForm(`${context.profile.api}/oauth/revoke`, { token, client_id: 'sluice-cli' })
  await Promise.race([asked, late]).catch((error: unknown) => {
    const why = error instanceof Error ? error.message : String(error)
    context.complain(
      `The agent’s token could not be taken back (${why}); it ends by itself within ${briefly(expires_in_s * 1_000)}.\n`,
    )
  })
}
