import type { Clock } from '../../kit/clock.ts'
import type { Log } from '../../kit/log.ts'
import type { IdentityProvider } from '../../model/provider.ts'
import type { SignInRow } from '../../store/sign-ins.ts'
import type { Store } from '../../store/store.ts'
import type { Identity } from '../identity.ts'
import type { Oidc } from '../oidc/oidc.ts'
import type { People } from '../people.ts'
import { LIMITS } from './limits.ts'
import type { SignIns } from './sign-ins.ts'

export interface RecheckOptions {
  readonly store: Pick<Store, 'signIns'>
  readonly signIns: SignIns
  readonly oidc: Pick<Oidc, 'recheck'>
  readonly providers: () => ReadonlyMap<string, IdentityProvider>
  readonly people: People
  readonly identity: Pick<Identity, 'sweep'>
  readonly clock: Clock
  readonly log: Log
}

/** Asks providers again whether those who signed in are still who they were. */
export interface Recheck {
  /** Asks about everyone who is due. Runs by itself every few seconds, never twice at once. */
  run(): Promise<void>
  close(): void
}

const WHO = 'recheck'

/**
 * A provider that says no ends the sign-in at once; one that does not answer ends it after the provider's grace. What it says of groups takes
 * effect on live sessions before `run` resolves. A sign-in whose end has come is closed here too.
 */
export function createRecheck(options: RecheckOptions): Recheck {
  const { store, clock, log } = options
  let running: Promise<void> | undefined

  async function round(): Promise<void> {
    const due = await store.signIns.due(clock.now_ms(), LIMITS.recheck_batch)
    if (due.length === 0) return
    const open = [...due]
    const work = async () => {
      for (let row = open.pop(); row; row = open.pop()) await checked(options, row)
    }
    await Promise.all(Array.from({ length: LIMITS.recheck_together }, work))
    await options.identity.sweep()
  }

  const run = () => {
    running ??= round().finally(() => {
      running = undefined
    })
    return running
  }
  const timer = setInterval(() => {
    run().catch((error: unknown) => log.error('asking identity providers again failed', { error: String(error) }))
  }, LIMITS.recheck_every_ms)
  timer.unref()
  return { run, close: () => clearInterval(timer) }
}

async function checked(options: RecheckOptions, row: SignInRow): Promise<void> {
  const { signIns, clock, log } = options
  const now_ms = clock.now_ms()
  // A refresh token that two processes show at once looks stolen to the provider.
  if (!(await options.store.signIns.claim(row, now_ms + LIMITS.retry_ms))) return
  if (row.expires_ms <= now_ms) return void (await signIns.end(row.id, 'its time was over', WHO))
  const provider = options.providers().get(row.provider)
  if (!provider?.oidc) return void (await signIns.end(row.id, 'its identity provider is no longer set up', WHO))
  try {
    await ask(options, provider, row)
  } catch (error) {
    const since_ms = now_ms - row.checked_ms
    log.warn('an identity provider could not be asked about a sign-in', {
      signIn: row.id,
      provider: row.provider,
      error: String(error),
    })
    if (since_ms > provider.times.recheck_ms + provider.times.grace_ms)
      return void (await signIns.end(row.id, 'its identity provider did not answer', WHO))
  }
}

async function ask(
  { signIns, oidc, store, people, clock }: RecheckOptions,
  provider: IdentityProvider,
  row: SignInRow,
): Promise<void> {
  const { refresh, idToken, claims } = signIns.grantOf(row)
  if (refresh === undefined) return void (await signIns.end(row.id, 'nothing is left to ask with', WHO))
  const vouched = await oidc.recheck(provider, {
    refresh,
    subject: row.subject,
    ...(idToken !== undefined && { idToken }),
  })
  if (!vouched) return void (await signIns.end(row.id, 'its identity provider took it back', WHO))
  const now_ms = clock.now_ms()
  // The refresh token may have been exchanged for a new one: losing it would end the sign-in at the next check.
  await store.signIns.update(row.id, {
    grant_sealed: signIns.sealGrant(row.id, vouched),
    checked_ms: now_ms,
    next_check_ms: Math.min(now_ms + provider.times.recheck_ms, row.expires_ms),
  })
  const person = await signIns.learn(provider, vouched)
  // The documents may have come to name them, or no longer do: its tokens are another’s then.
  if (person !== row.person) await signIns.end(row.id, 'the person has another name here now', WHO)
  else if (!people.lookup(person)) await signIns.end(row.id, 'the person is not admitted any more', WHO)
  // Tokens carry the claims of their sign-in: others need another one.
  else if (JSON.stringify(vouched.claims ?? {}) !== JSON.stringify(claims ?? {}))
    await signIns.end(row.id, 'what its identity provider says of the person has changed', WHO)
}
