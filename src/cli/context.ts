import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import type { Command } from 'commander'
import { type ApiClient, answerOf, createClient, eventsOf } from '../api/client.ts'
import { SluiceError } from '../kit/errors.ts'
import { CommandFailure, EXIT } from './exit.ts'
import { type Paint, paintFor } from './paint.ts'
import { loadProfile, type Profile, type ProfileChoice } from './profile.ts'

/** What every verb needs: the options all of them share, and where to print. */
export interface Context {
  readonly json: boolean
  readonly profile: Profile
  /** The API's routes under /api/v1. */
  readonly api: ApiClient['api']['v1']
  /** Paint for stdout. */
  readonly paint: Paint
  /** Paint for stderr. */
  readonly warn: Paint
  print(text: string): void
  complain(text: string): void
  /** One JSON document on stdout. */
  printJson(value: unknown): void
}

export { answerOf, eventsOf }

/** What was asked for by its id. Throws CommandFailure, naming it, where the gateway knows none that the caller may see. */
export async function named<T>(asked: Promise<T>, what: string, remedy: string): Promise<T> {
  try {
    return await asked
  } catch (error) {
    if (!(error instanceof SluiceError) || error.code !== 'api.not_found') throw error
    throw new CommandFailure(`There is no ${what}.`, EXIT.notFound, remedy)
  }
}

interface GlobalOptions {
  readonly url?: string
  readonly token?: string
  readonly as?: string
  readonly json?: boolean
}

/** The options every verb takes. */
export function addGlobalOptions(program: Command): Command {
  return program
    .option('--url <url>', 'the gateway’s API (or SLUICE_URL; default: the profile’s, then http://127.0.0.1:8420)')
    .option('--token <token>', 'your token (better: SLUICE_TOKEN, which other users cannot see in the process list)')
    .option('--as <name>', 'act as this identity of the profile (.sluice/tokens/NAME)')
    .option('--json', 'print JSON instead of a table')
}

/** Builds the context of one run of a verb. Throws CommandFailure for an unusable profile. */
export function contextOf(command: Command, over: Pick<ProfileChoice, 'anonymous' | 'token'> = {}): Context {
  const options = command.optsWithGlobals<GlobalOptions>()
  const profile = loadProfile({ ...options, ...over })
  // fetch takes authorities from the process alone.
  if (profile.ca && profile.api.startsWith('https:'))
    setDefaultCACertificates([...getCACertificates('default'), profile.ca])
  return {
    json: options.json === true,
    profile,
    api: createClient({ url: profile.api, token: profile.token }).api.v1,
    paint: paintFor(process.stdout),
    warn: paintFor(process.stderr),
    print: (text) => void process.stdout.write(text),
    complain: (text) => void process.stderr.write(text),
    printJson: (value) => void process.stdout.write(`${JSON.stringify(value, null, 2)}\n`),
  }
}
