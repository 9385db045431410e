import type { Insertable, Kysely, Selectable } from 'kysely'
import { CHUNK, gone } from './gone.ts'
import type { Tables, TokensTable } from './tables.ts'

export type TokenRow = Readonly<Selectable<TokensTable>>
export type NewToken = Readonly<Insertable<TokensTable>>

const EPOCH = 'token-epoch'
export interface TokensRepository {
  insert(row: NewToken): Promise<void>
  byHash(hash: string): Promise<TokenRow | undefined>
  byId(id: string): Promise<TokenRow | undefined>
  /** Newest first. */
  list(limit: number): Promise<TokenRow[]>
  /** Revokes a token and every one exchanged from it; returns their ids, none when there is no such token or it was revoked before. Moves the epoch. */
  revoke(id: string, by: string, at_ms: number): Promise<string[]>
  /** Grows whenever any process revokes a token. */
  epoch(): Promise<number>
  /** Those of the ids that are unknown or revoked. */
  gone(ids: readonly string[]): Promise<string[]>
}

export function tokensRepository(db: Kysely<Tables>): TokensRepository {
  return {
    async insert(row) {
      await db.insertInto('tokens').values(row).execute()
    },
    byHash: (hash) => db.selectFrom('tokens').selectAll().where('hash', '=', hash).executeTakeFirst(),
    byId: (id) => db.selectFrom('tokens').selectAll().where('id', '=', id).executeTakeFirst(),
    list: (limit) =>
      db.selectFrom('tokens').selectAll().orderBy('created_ms', 'desc').orderBy('id').limit(limit).execute(),
    revoke: (id, by, at_ms) => revoke(db, { id, by, at_ms }),
    async epoch() {
      const row = await db.selectFrom('counters').select('value').where('name', '=', EPOCH).executeTakeFirst()
      return row?.value ?? 0
    },
    gone: (ids) => gone(db, 'tokens', ids),
  }
}

function revoke(db: Kysely<Tables>, { id, by, at_ms }: { id: string; by: string; at_ms: number }): Promise<string[]> {
  return db.transaction().execute(async (trx) => {
    const ended: string[] = []
    // Those exchanged from it, and from those: delegation is at most a few deep, and a token has one parent, so this ends.
    for (let ids = [id]; ids.length > 0; ) {
      const rows = await trx
        .updateTable('tokens')
        .set({ revoked_ms: at_ms, revoked_by: by })
        .where('id', 'in', ids.slice(0, CHUNK))
        .where('revoked_ms', 'is', null)
        .returning('id')
        .execute()
      for (const row of rows) ended.push(row.id)
      if (ended.length === 0) return []
      const children = await trx
        .selectFrom('tokens')
        .select('id')
        .where('parent', 'in', ids.slice(0, CHUNK))
        .where('revoked_ms', 'is', null)
        .execute()
      ids = [...ids.slice(CHUNK), ...children.map((row) => row.id)]
    }
    await moveEpoch(trx)
    return ended
  })
}

/** Tells every process that something that was good may no longer be. */
export async function moveEpoch(db: Kysely<Tables>): Promise<void> {
  await db
    .insertInto('counters')
    .values({ name: EPOCH, value: 1 })
    .onConflict((oc) => oc.column('name').doUpdateSet((eb) => ({ value: eb('counters.value', '+', 1) })))
    .execute()
}
