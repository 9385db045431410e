import type { Kysely, Selectable } from 'kysely'
import type { VouchersTable } from './people-tables.ts'
import type { Tables } from './tables.ts'

export type VoucherRow = Readonly<Selectable<VouchersTable>>

/** Things that are good once, and until a moment. */
export interface VouchersRepository {
  /** Keeps `limit` of a kind at most: the one that ends first gives way, so that nobody who fills the room keeps others out of it. */
  issue(row: VoucherRow, limit: number, now_ms: number): Promise<void>
  /** Takes it away and returns its body, once; undefined for one unknown, taken or ended. */
  take(kind: string, id: string, now_ms: number): Promise<string | undefined>
  /** Reads it and leaves it. */
  look(kind: string, id: string, now_ms: number): Promise<string | undefined>
}

export function vouchersRepository(db: Kysely<Tables>): VouchersRepository {
  return {
    issue: (row, limit, now_ms) =>
      db.transaction().execute(async (trx) => {
        await trx.deleteFrom('vouchers').where('expires_ms', '<=', now_ms).execute()
        const { count } = await trx
          .selectFrom('vouchers')
          .select((eb) => eb.fn.countAll<number>().as('count'))
          .where('kind', '=', row.kind)
          .executeTakeFirstOrThrow()
        if (Number(count) >= limit) {
          const first = trx
            .selectFrom('vouchers')
            .select('id')
            .where('kind', '=', row.kind)
            .orderBy('expires_ms')
            .limit(1)
          await trx.deleteFrom('vouchers').where('kind', '=', row.kind).where('id', '=', first).execute()
        }
        await trx.insertInto('vouchers').values(row).execute()
      }),
    async take(kind, id, now_ms) {
      const row = await db
        .deleteFrom('vouchers')
        .where('kind', '=', kind)
        .where('id', '=', id)
        .returningAll()
        .executeTakeFirst()
      return row && row.expires_ms > now_ms ? row.body : undefined
    },
    async look(kind, id, now_ms) {
      const row = await db
        .selectFrom('vouchers')
        .selectAll()
        .where('kind', '=', kind)
        .where('id', '=', id)
        .executeTakeFirst()
      return row && row.expires_ms > now_ms ? row.body : undefined
    },
  }
}
