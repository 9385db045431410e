import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { CommandFailure, EXIT } from '../exit.ts'

/** What `sluice login` leaves behind: a token that ends by itself, in a file only its owner reads. */
export interface StoredLogin {
  /** Base URL of the gateway it is for. */
  readonly url: string
  readonly token: string
  readonly principal: string
  /** Milliseconds since the epoch. */
  readonly expires_ms: number
}

/** Beside the profile in use, else in ~/.config/sluice. */
export function loginFile(folder: string | undefined, env: NodeJS.ProcessEnv = process.env): string {
  return join(folder ?? join(env.XDG_CONFIG_HOME || join(homedir(), '.config'), 'sluice'), 'login.json')
}

/** The sign-in kept for this gateway; undefined where there is none. Throws CommandFailure for a file others can read or wrote. */
export function storedLogin(file: string, url: string): StoredLogin | undefined {
  if (!existsSync(file)) return undefined
  const stat = statSync(file)
  if ((stat.mode & 0o077) !== 0 || stat.uid !== (process.getuid?.() ?? stat.uid))
    throw new CommandFailure(
      `${file} is not yours alone, so it is not used.`,
      EXIT.failure,
      `Delete it, then: sluice login`,
    )
  try {
    const kept = JSON.parse(readFileSync(file, 'utf8')) as StoredLogin
    return kept.url === url && typeof kept.token === 'string' && typeof kept.expires_ms === 'number' ? kept : undefined
  } catch {
    throw new CommandFailure(`${file} is not JSON.`, EXIT.usage, 'Delete it, then: sluice login')
  }
}

/** Writes it whole or not at all, 0600. */
export function storeLogin(file: string, login: StoredLogin): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  rmSync(`${file}.new`, { force: true })
  writeFileSync(`${file}.new`, `${JSON.stringify(login, null, 2)}\n`, { mode: 0o600, flag: 'wx' })
  renameSync(`${file}.new`, file)
}

export function forgetLogin(file: string): void {
  rmSync(file, { force: true })
}
