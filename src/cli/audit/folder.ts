import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { CommandFailure, EXIT } from '../exit.ts'

export interface AuditFolder {
  readonly ledger: string
  /** Recordings beside the ledger, when there are any. */
  readonly transcripts: string | undefined
}

/** Finds the ledger: `dir` is its own folder or the gateway's data folder. Throws CommandFailure when neither. */
export function auditFolder(dir: string | undefined, env: NodeJS.ProcessEnv = process.env): AuditFolder {
  const place = resolve(dir ?? env.SLUICE_DIR ?? '.sluice')
  const ledger = [place, join(place, 'ledger')].find((folder) => existsSync(join(folder, 'public-key')))
  if (ledger === undefined) {
    throw new CommandFailure(
      `There is no ledger in ${place}.`,
      EXIT.usage,
      'Pass --dir with the ledger’s folder (it holds "entries" and "public-key") or the gateway’s data folder.',
    )
  }
  const transcripts = join(dirname(ledger), 'transcripts')
  return { ledger, transcripts: existsSync(transcripts) ? transcripts : undefined }
}
