import type { Kysely, Selectable } from 'kysely'
import type { SecretsTable, Tables } from './tables.ts'

export type SecretRow = Readonly<Selectable<SecretsTable>>

/** Sealed secrets by name. The store never sees one in the clear. */
export interface SecretsRepository {
  /** Inserts or replaces. */
  put(row: SecretRow): Promise<void>
  /** Inserts unless the name is taken; false when it was. */
  add(row: SecretRow): Promise<boolean>
  get(name: string): Promise<SecretRow | undefined>
  /** By name, without what is sealed. */
  list(): Promise<Pick<SecretRow, 'name' | 'updated_by' | 'updated_ms'>[]>
  delete(name: string): Promise<boolean>
}

export function secretsRepository(db: Kysely<Tables>): SecretsRepository {
  return {
    async put(row) {
      const { name: _, ...rest } = row
      await db
        .insertInto('secrets')
        .values(row)
        .onConflict((oc) => oc.column('name').doUpdateSet(rest))
        .execute()
    },
    async add(row) {
      const done = await db
        .insertInto('secrets')
        .values(row)
        .onConflict((oc) => oc.doNothing())
        .executeTakeFirst()
      return done.numInsertedOrUpdatedRows === 1n
    },
    get: (name) => db.selectFrom('secrets').selectAll().where('name', '=', name).executeTakeFirst(),
    list: () => db.selectFrom('secrets').select(['name', 'updated_by', 'updated_ms']).orderBy('name').execute(),
    async delete(name) {
      const done = await db.deleteFrom('secrets').where('name', '=', name).executeTakeFirst()
      return done.numDeletedRows === 1n
    },
  }
}
