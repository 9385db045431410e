import { readFile } from 'node:fs/promises'
import type { AuditEntry, AuditReader } from '../api/services.ts'
import { SluiceError } from '../kit/errors.ts'
import { ledgerPaths } from '../ledger/layout.ts'
import { readEntries } from '../ledger/reader.ts'
import { verifyLedger } from '../ledger/verify.ts'

export interface AuditSource {
  /** The ledger's folder. */
  readonly dir: string
  readonly transcripts: string
  readonly publicKey: string
  /** Entries committed so far: a reader beside the writer stops there. */
  size(): number
}

/** The ledger as the API reads it: from its files, beside the running writer. */
export function auditReader(source: AuditSource): AuditReader {
  const { dir, publicKey, transcripts } = source
  return {
    async entries({ from, limit }) {
      const size = source.size()
      const entries: AuditEntry[] = []
      for await (const { n, at, kind, ...body } of readEntries({ dir, from, to: Math.min(size, from + limit) }))
        entries.push({ index: n, at_ms: at, kind, body })
      return { entries, size }
    },
    async checkpoint() {
      const note = await readFile(ledgerPaths(dir).checkpoint, 'utf8').catch((cause: unknown) => {
        throw new SluiceError('api.not_found', 'no checkpoint has been signed yet', { cause })
      })
      return { note, publicKey }
    },
    async verify() {
      const verdict = await verifyLedger({ dir, publicKey, transcripts })
      const [problem] = verdict.problems
      return {
        ok: verdict.verified,
        size: verdict.entries,
        ...(verdict.firstBad === undefined ? {} : { firstBad: verdict.firstBad }),
        ...(problem === undefined ? {} : { problem: problem.what }),
      }
    },
  }
}
