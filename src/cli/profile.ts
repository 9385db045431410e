import { readFileSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { CommandFailure, EXIT } from './exit.ts'
import { loginFile, storedLogin } from './login/stored.ts'

/** Where the gateway is and who asks. */
export interface Profile {
  /** Base URL of the API, without a slash at its end. */
  readonly api: string
  readonly token: string | undefined
  /** `host:port` of the PostgreSQL listener, when the profile names it. */
  readonly postgres: string | undefined
  /** PEM of the certificate authority the gateway's listeners are signed by: SLUICE_CA, or the profile's. */
  readonly ca: string | undefined
  /** The profile's folder; undefined when none was found. */
  readonly folder: string | undefined
}

/** What the command line says about the gateway; it wins over environment and profile. */
export interface ProfileChoice {
  readonly url?: string | undefined
  readonly token?: string | undefined
  /** An identity of the profile: the file `tokens/NAME` beside it. */
  readonly as?: string | undefined
  /** No token is needed: the verb is how one gets there. */
  readonly anonymous?: boolean | undefined
}

interface ProfileFile {
  readonly api?: string
  readonly postgres?: string
  readonly as?: string
  readonly ca?: string
}

const DEFAULT_API = 'http://127.0.0.1:8420'

/**
 * Command line, then SLUICE_URL and SLUICE_TOKEN, then what `sluice login` left, then the profile in `.sluice/` of the current folder (or SLUICE_DIR), then the one in ~/.config/sluice.
 * Throws CommandFailure for a profile that another user could have planted and for a token that would travel in the clear.
 */
export function loadProfile(choice: ProfileChoice, env: NodeJS.ProcessEnv = process.env, cwd = process.cwd()): Profile {
  const folder = [
    resolve(cwd, env.SLUICE_DIR || '.sluice'),
    join(env.XDG_CONFIG_HOME || join(homedir(), '.config'), 'sluice'),
  ].find((place) => isFile(join(place, 'profile.json')))
  const file = folder ? parseProfile(join(folder, 'profile.json')) : {}
  const api = (choice.url || env.SLUICE_URL || file.api || DEFAULT_API).replace(/\/+$/, '')
  const token = choice.anonymous ? undefined : tokenFor(choice, { api, folder, as: file.as, env })
  // A verb that is on its way to a token will have one sent to it.
  checkUrl(api, token ?? (choice.anonymous ? 'one to come' : undefined))
  const ca = env.SLUICE_CA
    ? readAuthority(resolve(cwd, env.SLUICE_CA))
    : folder && file.ca
      ? readOrUndefined(resolve(folder, file.ca))
      : undefined
  return { api, token, postgres: file.postgres, ca, folder }
}

interface Place {
  readonly api: string
  readonly folder: string | undefined
  /** The identity the profile names. */
  readonly as: string | undefined
  readonly env: NodeJS.ProcessEnv
}

/** A sign-in that has ended is said to have: acting as somebody else then would be a surprise. */
function tokenFor(choice: ProfileChoice, { api, folder, as, env }: Place): string | undefined {
  if (choice.token) return choice.token
  if (choice.as !== undefined) return tokenOf(folder, choice.as, true)
  if (env.SLUICE_TOKEN) return env.SLUICE_TOKEN
  const login = storedLogin(loginFile(folder, env), api)
  if (!login) return tokenOf(folder, as, false)
  if (login.expires_ms > Date.now()) return login.token
  throw new CommandFailure(
    'Your sign-in has ended.',
    EXIT.denied,
    'Sign in again: sluice login, or forget it: sluice logout',
  )
}

function parseProfile(path: string): ProfileFile {
  const stat = statSync(path)
  const mine = process.getuid?.()
  if (mine !== undefined && ((stat.uid !== mine && stat.uid !== 0) || (stat.mode & 0o022) !== 0)) {
    throw new CommandFailure(
      `${path} could have been written by another user, so it is not used.`,
      EXIT.failure,
      `Make it yours: chmod go-w ${path}, or pass --url and SLUICE_TOKEN.`,
    )
  }
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as ProfileFile
  } catch {
    throw new CommandFailure(`${path} is not JSON.`, EXIT.usage, 'Mend it, or delete it: `npm start` writes it again.')
  }
}

function tokenOf(folder: string | undefined, name: string | undefined, asked: boolean): string | undefined {
  if (name === undefined) return undefined
  if (!/^[\w.@-]+$/.test(name) || name.startsWith('.'))
    throw new CommandFailure(`"${name}" is not a name of an identity.`, EXIT.usage)
  const token = folder && readOrUndefined(join(folder, 'tokens', name))?.trim()
  if (!token && asked) {
    throw new CommandFailure(
      `There is no token for ${name} in ${folder ? join(folder, 'tokens') : '.sluice/tokens'}.`,
      EXIT.notFound,
      `Issue one: sluice token issue …, or pass SLUICE_TOKEN.`,
    )
  }
  return token
}

function checkUrl(api: string, token: string | undefined): void {
  const url = URL.parse(api)
  if (!url || !/^https?:$/.test(url.protocol))
    throw new CommandFailure(`"${api}" is not a URL of a gateway.`, EXIT.usage, 'Write it like http://127.0.0.1:8420.')
  const loopback = /^(127\.|localhost$|\[::1\]$)/.test(url.hostname)
  if (token && url.protocol === 'http:' && !loopback) {
    throw new CommandFailure(
      `A token may not be sent to ${url.hostname} without TLS.`,
      EXIT.usage,
      'Use the https:// address of the gateway.',
    )
  }
}

function readAuthority(path: string): string {
  const text = readOrUndefined(path)
  if (text === undefined) throw new CommandFailure(`SLUICE_CA names ${path}, which cannot be read.`, EXIT.usage)
  return text
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true
}

function readOrUndefined(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
