import type { Kysely } from 'kysely'
import type { Tables } from './tables.ts'

export interface UsedIdsRepository {
  /** True for exactly one caller per issuer and id, for as long as it is remembered. On disk when it resolves. */
  use(issuer: string, id: string, expires_ms: number): Promise<boolean>
  /** Forgets those whose tokens nobody would accept any more. */
  prune(now_ms: number): Promise<void>
}

export function usedIdsRepository(db: Kysely<Tables>): UsedIdsRepository {
  return {
    async use(issuer, id, expires_ms) {
      const insert = db.insertInto('used_ids').values({ issuer, id, expires_ms })
      const done = await insert.onConflict((oc) => oc.doNothing()).executeTakeFirst()
      return done.numInsertedOrUpdatedRows === 1n
    },
    async prune(now_ms) {
      await db.deleteFrom('used_ids').where('expires_ms', '<', now_ms).execute()
    },
  }
}
