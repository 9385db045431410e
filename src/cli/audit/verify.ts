import { existsSync, readFileSync } from 'node:fs'
import { type LedgerVerdict, verifyLedger } from '../../ledger/verify.ts'
import { CommandFailure, EXIT } from '../exit.ts'
import { type Paint, paintFor, visible } from '../paint.ts'
import { auditFolder } from './folder.ts'

export interface VerifyAuditOptions {
  readonly dir?: string
  readonly publicKey?: string
  readonly checkpoint: readonly string[]
  /** A folder; false leaves recordings out. */
  readonly transcripts?: string | false
  readonly json?: boolean
}

/** Verifies and says what was found. Sets exit code 1 for a damaged ledger; throws for one that cannot be verified at all. */
export async function verifyAudit(options: VerifyAuditOptions): Promise<void> {
  const folder = auditFolder(options.dir)
  const transcripts = options.transcripts ?? folder.transcripts
  const progress = new Progress()
  const verdict = await verifyLedger({
    dir: folder.ledger,
    anchors: options.checkpoint.map((file) => readInput(file, 'checkpoint')),
    onProgress: (entries) => progress.tell(entries),
    ...(options.publicKey === undefined ? {} : { publicKey: keyOf(options.publicKey) }),
    ...(transcripts ? { transcripts } : {}),
  })
  progress.clear()
  if (options.json) process.stdout.write(`${JSON.stringify(verdict, null, 2)}\n`)
  else process.stdout.write(tell(verdict, options, paintFor(process.stdout)))
  if (!verdict.verified) process.exitCode = EXIT.failure
}

/** `--public-key` takes the key's text or a file that holds it. */
function keyOf(given: string): string {
  return existsSync(given) ? readInput(given, 'public key') : given
}

function readInput(file: string, what: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new CommandFailure(`The ${what} ${file} cannot be read: ${(cause as Error).message}`, EXIT.usage)
  }
}

const number = (value: number): string => value.toLocaleString('en-US')

function tell(verdict: LedgerVerdict, options: VerifyAuditOptions, paint: Paint): string {
  const lines = verdict.verified
    ? [paint.green(`Verified: ${number(verdict.entries)} entries.`)]
    : damage(verdict, paint)
  const trust =
    options.publicKey === undefined ? ' (the key in the folder; pass --public-key with a copy kept elsewhere)' : ''
  lines.push(row('key', verdict.publicKey + paint.dim(trust)))
  lines.push(row('checkpoints', checkpointsOf(verdict, options)))
  const unsealed = verdict.verified ? verdict.entries - verdict.sealed : 0
  if (unsealed > 0)
    lines.push(
      row(
        'not signed yet',
        unsealed === 1
          ? 'the last entry: only its number is checked'
          : `the last ${number(unsealed)} entries: only their numbering is checked`,
      ),
    )
  if (verdict.torn_bytes > 0) {
    lines.push(row('unfinished', `${number(verdict.torn_bytes)} bytes of a last entry: a crash, or a write under way`))
  }
  if (verdict.transcripts) lines.push(row('recordings', recordingsOf(verdict.transcripts)))
  for (const warning of verdict.warnings) lines.push(row('note', warning))
  return `${lines.join('\n')}\n`
}

function damage({ problems, firstBad, entries }: LedgerVerdict, paint: Paint): string[] {
  const where = firstBad === undefined ? '' : ` The first bad entry is ${number(firstBad)}.`
  return [
    paint.red(paint.bold(`DAMAGED.${where}`)),
    ...problems.map(({ what }) => `  ${visible(what)}`),
    `  ${number(entries)} entries were read. Keep the files as they are and compare them with a copy.`,
  ]
}

function row(title: string, text: string): string {
  return `  ${title.padEnd(15)} ${text}`
}

function checkpointsOf({ checkpoints, sealed, sealed_ms }: LedgerVerdict, { checkpoint }: VerifyAuditOptions): string {
  if (checkpoints === 0) return 'none that this key signed fits'
  const until = sealed_ms === undefined ? '' : `, the last of them from ${new Date(sealed_ms).toISOString()}`
  const kept = checkpoint.length > 0 ? `; ${checkpoint.length} kept elsewhere among them` : ''
  return `${number(checkpoints)} fit, covering ${number(sealed)} entries${until}${kept}`
}

function recordingsOf({ chunks, bytes, sessions, unlisted }: NonNullable<LedgerVerdict['transcripts']>): string {
  const more = unlisted > 0 ? `; ${number(unlisted)} files not in the ledger (under way, or cut short by a crash)` : ''
  return `${number(chunks)} chunks of ${number(sessions)} sessions, ${number(bytes)} bytes${more}`
}

/** How far the reading is, on a terminal. */
class Progress {
  readonly #shown = process.stderr.isTTY === true
  #told_ms = performance.now()
  #dirty = false

  tell(entries: number): void {
    const now = performance.now()
    if (!this.#shown || now - this.#told_ms < 200) return
    this.#told_ms = now
    this.#dirty = true
    process.stderr.write(`\r${number(entries)} entries …`)
  }

  clear(): void {
    if (this.#dirty) process.stderr.write('\r\x1b[K')
  }
}
