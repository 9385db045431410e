import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Identity } from '../src/identity/identity.ts'
import { writePrivate } from './folder.ts'

const DAY_MS = 86_400_000
const FROM = '127.0.0.1'

/** The tokens of the demo's people and agent, in files only their owner reads. One that ended is replaced at the next start. */
export async function ensureTokens(folder: string, identity: Identity): Promise<{ human: string; agent: string }> {
  // A folder of an earlier version may name no bob: then nobody is him.
  await ensureToken(join(folder, 'bob'), 'human:bob', identity).catch(() => undefined)
  return {
    human: await ensureToken(join(folder, 'ada'), 'human:ada', identity),
    agent: await ensureToken(join(folder, 'triage-bot'), 'agent:triage-bot', identity),
  }
}

async function ensureToken(file: string, principal: string, identity: Identity): Promise<string> {
  const kept = existsSync(file) ? readFileSync(file, 'utf8').trim() : ''
  const known = kept && (await identity.authenticate({ kind: 'token', proof: kept, from: FROM }))
  if (known && known.id === principal && (known.expires_ms ?? 0) > Date.now() + DAY_MS) return kept
  const issued = await identity.issueToken({
    principal,
    label: 'demo',
    ttl_ms: 30 * DAY_MS,
    by: 'demo',
    kind: 'machine',
  })
  writePrivate(file, `${issued.token.reveal()}\n`)
  return issued.token.reveal()
}
