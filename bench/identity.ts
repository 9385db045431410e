import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createIdentity, type Identity } from '../src/identity/identity.ts'
import type { KnownPrincipal } from '../src/identity/principals.ts'
import { systemClock } from '../src/kit/clock.ts'
import { openStore } from '../src/store/store.ts'
import type { BenchResult } from './postgres.ts'
import { median, type Row } from './report.ts'
import { benchSignIn } from './sign-in.ts'

export interface IdentityBenchOptions {
  readonly quick: boolean
  readonly only: string
  say(line: string): void
}

/** Tokens in use at once: more than fit a processor's cache, fewer than are kept warm. */
const TOKENS = 2_000
const HOUR_MS = 3_600_000

/** What a token check costs in the gateway's own process: warm, after a revocation emptied the cache, and for one nobody issued. */
export async function benchIdentity(options: IdentityBenchOptions): Promise<BenchResult> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'))
  const store = await openStore({ path: join(folder, 'store.sqlite') })
  const people = new Map<string, KnownPrincipal>([
    ['human:ada', { kind: 'human', name: 'ada', groups: ['dba', 'support'] }],
    ['agent:bot', { kind: 'agent', name: 'bot', groups: ['agents'], delegators: ['group:dba'] }],
  ])
  const identity = createIdentity({ store, clock: systemClock, principals: { lookup: (id) => people.get(id) } })
  try {
    const { samples, rows } = await measure(identity, options)
    return { samples, rows: [...rows, ...(await benchSignIn(options))] }
  } finally {
    identity.close()
    await store.close()
    rmSync(folder, { recursive: true })
  }
}

async function measure(identity: Identity, { quick, only, say }: IdentityBenchOptions): Promise<BenchResult> {
  const own = await issue(identity, { principal: 'human:ada', actors: [] })
  const delegated = await issue(identity, { principal: 'agent:bot', actors: ['human:ada'] })
  const rounds = quick ? 3 : 7
  const rows: Row[] = []
  const take = async (measure: string, target: number, work: () => Promise<number>) => {
    if (!measure.includes(only)) return
    await work()
    const taken: number[] = []
    for (let i = 0; i < rounds; i++) taken.push(await work())
    say(`${measure}: ${taken.map((us) => us.toFixed(2)).join(' ')} µs`)
    rows.push({ measure, ratio: median(taken), against: 'µs', target, lower: true })
  }
  await take('token check, warm', 20, () => check(identity, own, 20_000))
  await take('delegated token check, warm', 20, () => check(identity, delegated, 20_000))
  await take('token check, cold', 1_000, async () => {
    await identity.revokeToken('tok_none', 'bench')
    return await check(identity, own, TOKENS)
  })
  await take('unknown token', 1_000, () =>
    check(
      identity,
      own.map((token) => `${token}x`),
      TOKENS,
    ),
  )
  return { samples: [], rows }
}

async function issue(identity: Identity, { principal, actors }: { principal: string; actors: string[] }) {
  const tokens: string[] = []
  for (let i = 0; i < TOKENS; i++) {
    const { token } = await identity.issueToken({ principal, actors, label: 'bench', ttl_ms: HOUR_MS, by: 'bench' })
    tokens.push(token.reveal())
  }
  return tokens
}

/** The median cost of one check in µs, in batches of ten: a clock's own resolution is coarser than one. */
async function check(identity: Identity, tokens: readonly string[], count: number): Promise<number> {
  const batches: number[] = []
  for (let i = 0; i < count; i += 10) {
    const start = process.hrtime.bigint()
    for (let j = 0; j < 10; j++)
      await identity.authenticate({ kind: 'token', proof: tokens[(i + j) % tokens.length]!, from: '127.0.0.1' })
    batches.push(Number(process.hrtime.bigint() - start) / 10_000)
  }
  return median(batches)
}
