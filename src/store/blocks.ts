import type { Kysely, Selectable } from 'kysely'
import type { BlocksTable, Tables } from './tables.ts'
import { moveEpoch } from './tokens.ts'

export type BlockRow = Readonly<Selectable<BlocksTable>>

export interface BlocksRepository {
  /** What is shut out now, newest first. */
  standing(): Promise<BlockRow[]>
  /** False when the same is shut out already. Moves the token epoch. */
  add(row: BlockRow): Promise<boolean>
  /** False when it is not shut out. Moves the token epoch. */
  lift(lift: {
    readonly kind: string
    readonly subject: string
    readonly by: string
    readonly at_ms: number
  }): Promise<boolean>
}

export function blocksRepository(db: Kysely<Tables>): BlocksRepository {
  return {
    standing: () =>
      db.selectFrom('blocks').selectAll().where('lifted_ms', 'is', null).orderBy('created_ms', 'desc').execute(),
    add: (row) =>
      db.transaction().execute(async (trx) => {
        const insert = trx.insertInto('blocks').values(row)
        const done = await insert.onConflict((oc) => oc.doNothing()).executeTakeFirst()
        await moveEpoch(trx)
        return done.numInsertedOrUpdatedRows === 1n
      }),
    lift: ({ kind, subject, by, at_ms }) =>
      db.transaction().execute(async (trx) => {
        const done = await trx
          .updateTable('blocks')
          .set({ lifted_ms: at_ms, lifted_by: by })
          .where('kind', '=', kind)
          .where('subject', '=', subject)
          .where('lifted_ms', 'is', null)
          .executeTakeFirst()
        await moveEpoch(trx)
        return done.numUpdatedRows === 1n
      }),
  }
}
