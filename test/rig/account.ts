import { accessSync, chownSync, constants, readFileSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { Account } from './child.ts'

/** The account servers run under: PostgreSQL refuses to run as root, so root becomes `postgres`, or `nobody` where that does not exist. */
export function serverAccount(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined
  const lines = readFileSync('/etc/passwd', 'utf8').split('\n')
  for (const name of ['postgres', 'nobody']) {
    const fields = lines.find((line) => line.startsWith(`${name}:`))?.split(':')
    if (fields) return { uid: Number(fields[2]), gid: Number(fields[3]) }
  }
  throw new Error('no unprivileged account to run a server under: create the user "postgres"')
}

/** Gives a file or folder to the account servers run under. */
export function giveTo(account: Account | undefined, path: string): void {
  if (account) chownSync(path, account.uid, account.gid)
}

/** True when everyone may pass through every folder above `path`: a dropped account can then start a program there. */
export function reachableByAll(path: string): boolean {
  accessSync(path, constants.R_OK)
  for (let folder = dirname(resolve(path)); ; folder = dirname(folder)) {
    if ((statSync(folder).mode & 0o001) === 0) return false
    if (folder === dirname(folder)) return true
  }
}
