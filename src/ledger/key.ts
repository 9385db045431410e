import { generateKeyPairSync } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs'
import { dirname } from 'node:path'
import { SluiceError } from '../kit/errors.ts'
import { writeWhole } from './disk.ts'
import type { LedgerPaths } from './layout.ts'
import { checkOrigin, formatVerifierKey, type SignerKey, signerKey } from './note.ts'

/**
 * The signing key, made on first use (PKCS #8 PEM, mode 0600), and the public key beside the entries.
 * Throws `config.invalid` when the ledger was written under another key or origin: a ledger has one key for life.
 */
export function ledgerKey(paths: LedgerPaths, file: string, origin: string): SignerKey {
  checkOrigin(origin)
  const known = existsSync(paths.publicKey) ? readFileSync(paths.publicKey, 'utf8').trim() : undefined
  if (!existsSync(file)) {
    if (known !== undefined) {
      throw new SluiceError(
        'config.invalid',
        `the ledger's signing key ${file} is gone; restore it, or move the ledger away to begin a new one`,
      )
    }
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    const pem = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
    replaceFile(file, pem, 0o600)
  }
  const key = signerKey(origin, readFileSync(file, 'utf8'))
  const text = formatVerifierKey(key)
  if (known === undefined) replaceFile(paths.publicKey, `${text}\n`, 0o644)
  else if (known !== text) {
    throw new SluiceError(
      'config.invalid',
      `the ledger was written under the key ${known}, but ${file} under origin "${origin}" is ${text}`,
    )
  }
  return key
}

/** Replaces a file as one step: whoever reads it sees the old or the new text, also after a power loss. */
export function replaceFile(path: string, text: string, mode: number): void {
  writeWhole(`${path}.new`, Buffer.from(text), mode)
  renameSync(`${path}.new`, path)
}
