import type { Clock } from '../kit/clock.ts'
import type { Principal } from '../model/principal.ts'
import type { TokensRepository } from '../store/tokens.ts'
import type { Blocks } from './blocks.ts'
import { type PrincipalDirectory, stillStands } from './principals.ts'

interface Watch {
  readonly principal: Principal
  readonly ended: (why: string) => void
}

export interface Watches {
  add(principal: Principal, ended: (why: string) => void): () => void
  /** Ends everything that stands on this credential. */
  end(credential: string, why: string): void
  /** Asks the store which watched credentials were revoked. */
  checkRevoked(): Promise<void>
  /** Ends what expired or whose principal the documents no longer know as it was. */
  checkStanding(): void
}

/** The live sessions of each credential, so that they end with it. */
export function createWatches(options: {
  tokens: TokensRepository
  clock: Clock
  principals: PrincipalDirectory
  blocks: Pick<Blocks, 'of'>
}): Watches {
  const { tokens, clock, principals, blocks } = options
  const byCredential = new Map<string, Set<Watch>>()

  function drop(watch: Watch): boolean {
    const set = byCredential.get(watch.principal.credential)
    if (!set?.delete(watch)) return false
    if (set.size === 0) byCredential.delete(watch.principal.credential)
    return true
  }

  function end(credential: string, why: string): void {
    for (const watch of [...(byCredential.get(credential) ?? [])]) if (drop(watch)) watch.ended(why)
  }

  async function checkRevoked(credentials: readonly string[] = [...byCredential.keys()]): Promise<void> {
    for (const id of await tokens.gone(credentials)) end(id, 'the token was revoked')
  }

  return {
    add(principal, ended) {
      const watch = { principal, ended }
      const set = byCredential.get(principal.credential)
      if (set) set.add(watch)
      else byCredential.set(principal.credential, new Set([watch]))
      // The token may have been revoked between sign-in and now. When the store does not answer, nothing proves that it was not.
      if (!set)
        checkRevoked([principal.credential]).catch(() => end(principal.credential, 'the store cannot be reached'))
      return () => void drop(watch)
    },
    end,
    checkRevoked: () => checkRevoked(),
    checkStanding() {
      const now_ms = clock.now_ms()
      for (const set of [...byCredential.values()]) {
        for (const watch of [...set]) {
          const why = standing(watch.principal, now_ms)
          if (why && drop(watch)) watch.ended(why)
        }
      }
    },
  }

  function standing(principal: Principal, now_ms: number): string {
    if (principal.expires_ms !== undefined && principal.expires_ms <= now_ms) return 'the token expired'
    if (!stillStands(principal, principals)) return 'the principal was disabled or changed'
    if (blocks.of(principal)) return 'the principal was blocked'
    return ''
  }
}
