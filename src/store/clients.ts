import type { Kysely, Selectable } from 'kysely'
import type { ClientsTable, Tables } from './tables.ts'

export type ClientRow = Readonly<Selectable<ClientsTable>>

export interface ClientsRepository {
  /** False when the id was ever used: a client's name in the ledger means one client. */
  add(row: ClientRow): Promise<boolean>
  /** One that was not removed. */
  get(id: string): Promise<ClientRow | undefined>
  /** Those not removed, newest first. */
  list(limit: number): Promise<ClientRow[]>
  /** False when there is none. */
  remove(id: string, at_ms: number): Promise<boolean>
}

export function clientsRepository(db: Kysely<Tables>): ClientsRepository {
  const standing = () => db.selectFrom('clients').selectAll().where('removed_ms', 'is', null)
  return {
    async add(row) {
      const insert = db.insertInto('clients').values(row)
      const done = await insert.onConflict((oc) => oc.doNothing()).executeTakeFirst()
      return done.numInsertedOrUpdatedRows === 1n
    },
    get: (id) => standing().where('id', '=', id).executeTakeFirst(),
    list: (limit) => standing().orderBy('created_ms', 'desc').orderBy('id').limit(limit).execute(),
    async remove(id, at_ms) {
      const update = db.updateTable('clients').set({ removed_ms: at_ms }).where('id', '=', id)
      return (await update.where('removed_ms', 'is', null).executeTakeFirst()).numUpdatedRows === 1n
    },
  }
}
