import { type LedgerEntry, readLedger } from '../rig/ledger.ts'
import type { SuiteResult } from './report.ts'

/** What a command tag of the server proves was done: one of these effects must be among ours. First match counts. */
const PROOFS: readonly (readonly [RegExp, readonly string[]])[] = [
  [/^(INSERT|UPDATE) /, ['write']],
  [/^DELETE /, ['delete']],
  // MERGE 0 changed nothing; DO NOTHING is all some of them say.
  [/^MERGE [1-9]/, ['write', 'delete']],
  [/^TRUNCATE/, ['delete']],
  [/^DROP (ROLE|OWNED)/, ['grant']],
  [/^DROP /, ['delete', 'define']],
  [/^(GRANT|REVOKE|(CREATE|ALTER) (ROLE|POLICY|DEFAULT PRIVILEGES)|REASSIGN OWNED)/, ['grant', 'define']],
  [
    /^(CREATE|ALTER|COMMENT|SECURITY LABEL|IMPORT FOREIGN|REINDEX|CLUSTER|VACUUM|ANALYZE|REFRESH)/,
    ['define', 'write', 'execute'],
  ],
  [/^(DO|CALL)$/, ['execute']],
  [
    /^(SELECT|FETCH|MOVE|SHOW|EXPLAIN|COPY|BEGIN|START TRANSACTION|COMMIT|ROLLBACK|SAVEPOINT|RELEASE|SET|RESET|DECLARE|CLOSE|PREPARE|DEALLOCATE|DISCARD|LOCK TABLE|LISTEN|UNLISTEN|NOTIFY|CHECKPOINT|LOAD|MERGE 0)/,
    [],
  ],
]

/** Every effect that is more than looking. */
const HARMLESS = new Set(['read', 'session'])

interface Judged {
  readonly text: string
  readonly tag: string
  readonly effects: readonly string[]
}

/**
 * The server as judge: of every statement it completed, its command tag is compared with the effects we had found before it ran.
 * A statement of which we said no more than read, and which the server says wrote, is a failure; a tag nobody has listed is one too.
 */
export function judgeEffects(dataDir: string): SuiteResult {
  const intents = new Map<string, LedgerEntry>()
  const texts = new Map<string, string>()
  const failed: string[] = []
  let total = 0
  for (const entry of readLedger(dataDir)) {
    const key = `${entry.session} ${entry.op}`
    if (entry.kind === 'statement') texts.set(entry.sha256!, entry.text!)
    else if (entry.kind === 'intent') intents.set(key, entry)
    else if (entry.kind === 'outcome' && entry.status === 'ok' && entry.tag) {
      const intent = intents.get(key)
      total++
      const fault = intent
        ? faultOf({
            effects: intent.effects ?? [],
            tag: entry.tag,
            text: intent.text ?? texts.get(intent.statement!) ?? '',
          })
        : `no intent for ${key}: ${entry.tag}`
      if (fault) failed.push(fault)
      intents.delete(key)
    }
  }
  return { name: 'server as judge', passed: total - failed.length, total, failed }
}

function faultOf({ effects, tag, text }: Judged): string | undefined {
  if (effects.includes('unknown')) return undefined
  for (const one of tag.split('; ')) {
    const proof = PROOFS.find(([pattern]) => pattern.test(one))
    if (!proof) return `the server answered ${one}, which test/conformance/judge.ts does not list: ${text}`
    const proven = proof[1]
    if (proven.length > 0 && !proven.some((effect) => effects.includes(effect))) {
      const grave = effects.every((effect) => HARMLESS.has(effect))
        ? 'we said read, the server wrote'
        : 'effects differ'
      return `${grave}: ${one} but [${effects.join(' ')}]: ${text}`
    }
  }
  return undefined
}
