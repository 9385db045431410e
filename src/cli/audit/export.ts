import { once } from 'node:events'
import { readEntries } from '../../ledger/reader.ts'
import { ENTRY_KINDS, type EntryKind } from '../../model/ledger.ts'
import { CommandFailure, EXIT } from '../exit.ts'
import { auditFolder } from './folder.ts'

export interface ExportOptions {
  readonly dir?: string
  readonly from: number
  readonly to?: number
  /** Milliseconds since the epoch. */
  readonly since?: number
  readonly until?: number
  readonly kind: readonly string[]
  readonly session?: string
}

/** Prints entries as JSON lines, as they were written. A clock may go back, so times filter and never end the reading. */
export async function exportAudit(options: ExportOptions): Promise<void> {
  const { since = Number.NEGATIVE_INFINITY, until = Number.POSITIVE_INFINITY, session, from, to } = options
  const kinds = kindsOf(options.kind)
  const entries = readEntries({
    dir: auditFolder(options.dir).ledger,
    from,
    ...(to === undefined ? {} : { to }),
    ...(kinds.length > 0 ? { kinds } : {}),
    filter: ({ at, session: of }) => at >= since && at < until && (session === undefined || of === session),
  })
  for await (const entry of entries) {
    if (!process.stdout.write(`${JSON.stringify(entry)}\n`)) await once(process.stdout, 'drain')
  }
}

function kindsOf(words: readonly string[]): EntryKind[] {
  return words.map((word) => {
    const kind = ENTRY_KINDS.find((known) => known === word)
    if (!kind)
      throw new CommandFailure(`"${word}" is no kind of entry.`, EXIT.usage, `Write one of ${ENTRY_KINDS.join(', ')}.`)
    return kind
  })
}
