import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { listSegments } from '../../src/ledger/layout.ts'
import { type Finished, run } from './child.ts'

/** One entry of a gateway's ledger, as it stands in the file. */
export interface LedgerEntry {
  readonly n: number
  readonly kind: string
  readonly session?: string
  readonly op?: number
  readonly verb?: string
  readonly effects?: readonly string[]
  readonly text?: string
  /** Digest of a text stored in an earlier `statement` entry. */
  readonly statement?: string
  readonly sha256?: string
  readonly status?: string
  readonly tag?: string
}

/** Every whole entry in the files, in order: what an auditor would see, running gateway or not. */
export function readLedger(dataDir: string): LedgerEntry[] {
  const lines = listSegments(join(dataDir, 'ledger/entries')).flatMap(({ path }) =>
    readFileSync(path, 'utf8').split('\n').slice(0, -1),
  )
  return lines.map((line) => JSON.parse(line) as LedgerEntry)
}

/** `sluice audit verify` on the files alone. */
export async function verifyLedger(dataDir: string): Promise<Finished> {
  const main = join(import.meta.dirname, '../../src/main.ts')
  return await run([process.execPath, main, 'audit', 'verify'], {
    env: { PATH: process.env.PATH, SLUICE_DIR: dataDir },
  })
}
