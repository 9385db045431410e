import { X509Certificate } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SluiceError } from '../../kit/errors.ts'

/** Who this connector is: what it was given when it joined, renewed since. */
export interface ConnectorIdentity {
  readonly name: string
  readonly id: string
  /** PEM. The key never leaves this machine. */
  readonly cert: string
  readonly key: string
  /** The authority it takes the gateway's word from. */
  readonly ca: string
}

const FILE = 'identity.json'
const FIELDS = ['name', 'id', 'cert', 'key', 'ca'] as const

/** The identity kept in a folder, or undefined when it has not joined yet. Throws `config.invalid` for a file that is damaged. */
export function readIdentity(folder: string): ConnectorIdentity | undefined {
  const path = join(folder, FILE)
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return undefined
    throw new SluiceError('config.invalid', `${path} cannot be read (${code})`, { cause: error })
  }
  try {
    const value = JSON.parse(text) as Record<string, unknown>
    if (FIELDS.every((field) => typeof value[field] === 'string')) {
      const identity = value as unknown as ConnectorIdentity
      new X509Certificate(identity.cert)
      return identity
    }
  } catch {
    // Told below.
  }
  throw new SluiceError('config.invalid', `${path} is damaged; remove it and join again with a new token`)
}

/** Keeps it, readable by its owner only, whole or not at all: certificate and key change together. */
export function keepIdentity(folder: string, identity: ConnectorIdentity): void {
  const path = join(folder, FILE)
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    writeFileSync(`${path}.new`, `${JSON.stringify(identity, null, 2)}\n`, { mode: 0o600, flush: true })
    renameSync(`${path}.new`, path)
  } catch (error) {
    throw new SluiceError('config.invalid', `${path} cannot be written: ${(error as Error).message}`, { cause: error })
  }
}
