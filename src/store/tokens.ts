import type { Insertable, Kysely, Selectable } from 'kysely'
import { CHUNK, gone } from './gone.ts'
import type { Tables, TokensTable } from './tables.ts'

export type TokenRow = Readonly<Selectable<TokensTable>>
export type NewToken = Readonly<Insertable<TokensTable>>

const EPOCH = 'token-epoch'
export interface TokensRepository {
  /** False when the token it is exchanged from has been revoked, or is none: nothing is written. */
  insert(row: NewToken): Promise<boolean>
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
    insert: (row) =>
      // In one transaction with the look at its parent: a revocation comes before, and is seen, or after, and finds the child.
      db.transaction().execute(async (trx) => {
        if (row.parent) {
          const parent = trx.selectFrom('tokens').select('id').where('id', '=', row.parent)
          if (!(await parent.where('revoked_ms', 'is', null).executeTakeFirst())) return false
        }
        await trx.insertInto('tokens').values(row).execute()
        return true
      }),
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

/** Why tokens end, and when. */
export interface Ending {
  readonly by: string
  readonly at_ms: number
}

function revoke(db: Kysely<Tables>, { id, ...ending }: Ending & { readonly id: string }): Promise<string[]> {
  return db.transaction().execute((trx) => revokeAll(trx, [id], ending))
}

/** Revokes tokens and all that were exchanged from them, within a transaction; returns the ids of those that had not ended before. */
export async function revokeAll(trx: Kysely<Tables>, first: readonly string[], ending: Ending): Promise<string[]> {
  const ended: string[] = []
  // Those exchanged from it, and from those: a token has one parent, and what was revoked is not looked at again, so this ends.
  for (let ids = [...first]; ids.length > 0; ) {
    const rows = await trx
      .updateTable('tokens')
      .set({ revoked_ms: ending.at_ms, revoked_by: ending.by })
      .where('id', 'in', ids.slice(0, CHUNK))
      .where('revoked_ms', 'is', null)
      .returning('id')
      .execute()
    const now = rows.map((row) => row.id)
    ended.push(...now)
    const children =
      now.length === 0
        ? []
        : await trx
            .selectFrom('tokens')
            .select('id')
            .where('parent', 'in', now)
            .where('revoked_ms', 'is', null)
            .execute()
    ids = [...ids.slice(CHUNK), ...children.map((row) => row.id)]
  }
  if (ended.length > 0) await moveEpoch(trx)
  return ended
}

/** Tells every process that something that was good may no longer be. */
export async function moveEpoch(db: Kysely<Tables>): Promise<void> {
  await db
    .insertInto('counters')
    .values({ name: EPOCH, value: 1 })
    .onConflict((oc) => oc.column('name').doUpdateSet((eb) => ({ value: eb('counters.value', '+', 1) })))
    .execute()
}
