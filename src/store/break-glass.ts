import type { Kysely, Selectable } from 'kysely'
import type { BreakGlassTable } from './people-tables.ts'
import type { Tables } from './tables.ts'

export type BreakGlassRow = Readonly<Selectable<BreakGlassTable>>

/** The one sealed account. */
export interface BreakGlassRepository {
  get(): Promise<BreakGlassRow | undefined>
  /** Seals it anew: what was before is gone. */
  seal(row: BreakGlassRow): Promise<void>
  /** Opens it, once: false when it is open, or was sealed anew meanwhile. */
  open(
    id: string,
    opening: {
      readonly opened_ms: number
      readonly opened_from: string
      readonly opened_why: string
      readonly until_ms: number
    },
  ): Promise<boolean>
  /** Takes an opening back that could not be recorded: the account is sealed as it was. */
  close(id: string, opened_ms: number): Promise<void>
}

export function breakGlassRepository(db: Kysely<Tables>): BreakGlassRepository {
  return {
    get: () => db.selectFrom('break_glass').selectAll().executeTakeFirst(),
    seal: (row) =>
      db.transaction().execute(async (trx) => {
        await trx.deleteFrom('break_glass').execute()
        await trx.insertInto('break_glass').values(row).execute()
      }),
    async open(id, opening) {
      const done = await db
        .updateTable('break_glass')
        .set(opening)
        .where('id', '=', id)
        .where('opened_ms', 'is', null)
        .executeTakeFirst()
      return done.numUpdatedRows === 1n
    },
    async close(id, opened_ms) {
      await db
        .updateTable('break_glass')
        .set({ opened_ms: null, opened_from: null, opened_why: null, until_ms: null })
        .where('id', '=', id)
        .where('opened_ms', '=', opened_ms)
        .execute()
    },
  }
}
