import { readFileSync } from 'node:fs'
import { ledgerPaths } from '../../ledger/layout.ts'
import { CommandFailure, EXIT } from '../exit.ts'
import { auditFolder } from './folder.ts'

export interface CheckpointOptions {
  readonly dir?: string
  readonly publicKey?: boolean
  readonly json?: boolean
}

/** Prints the newest checkpoint or the public key, byte for byte as an auditor should keep them. */
export function printCheckpoint({ dir, publicKey, json }: CheckpointOptions): void {
  const paths = ledgerPaths(auditFolder(dir).ledger)
  const key = read(paths.publicKey)
  const note = publicKey ? '' : read(paths.checkpoint)
  if (json)
    process.stdout.write(`${JSON.stringify(publicKey ? { publicKey: key.trim() } : { note, publicKey: key.trim() })}\n`)
  else process.stdout.write(publicKey ? key : note)
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    throw new CommandFailure(
      `${path} cannot be read.`,
      EXIT.usage,
      'Run `sluice audit verify`: it says what is missing.',
    )
  }
}
