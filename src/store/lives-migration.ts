import { type Kysely, sql } from 'kysely'
import type { Tables } from './tables.ts'

/** Which life of a principal a credential was given to, and how each token came to be. */
export async function lives(db: Kysely<Tables>): Promise<void> {
  const add = (table: string, column: string, fallback: string) =>
    db.schema
      .alterTable(table)
      .addColumn(column, 'text', (c) => c.notNull().defaultTo(fallback))
      .execute()
  await add('tokens', 'kind', 'issued')
  await add('tokens', 'lives', '[]')
  await add('clients', 'life', '')
  await db.schema
    .alterTable('people')
    .addColumn('life', 'bigint', (c) => c.notNull().defaultTo(0))
    .execute()
  await db.schema
    .createTable('principals')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('life', 'bigint', (c) => c.notNull())
    .addColumn('said', 'text', (c) => c.notNull())
    .addColumn('gone_ms', 'bigint')
    .execute()
  await sql`update tokens set kind = 'machine' where created_by in ('serve', 'demo')`.execute(db)
  await sql`update tokens set kind = 'sign-in' where purpose = 'sign-in' or parent in (select id from sign_ins)`.execute(
    db,
  )
  // Of users who shared an external id the first keeps it; the others match nobody until their provider says who they are.
  await sql`update scim_users set external_id = '' where external_id <> '' and exists (
    select 1 from scim_users as earlier where earlier.provider = scim_users.provider
    and earlier.external_id = scim_users.external_id and earlier.id < scim_users.id)`.execute(db)
  await sql`create unique index scim_users_external_once on scim_users (provider, external_id) where external_id <> ''`.execute(
    db,
  )
}
