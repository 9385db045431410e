import type { Kysely } from 'kysely'
import type { Tables } from './tables.ts'

/** Connectors, and the tokens they join with. */
export async function connectorTables(db: Kysely<Tables>): Promise<void> {
  await db.schema
    .createTable('connectors')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('name', 'text', (c) => c.notNull())
    .addColumn('serial', 'text', (c) => c.notNull())
    .addColumn('previous_serial', 'text')
    .addColumn('joined_ms', 'bigint', (c) => c.notNull())
    .addColumn('joined_from', 'text', (c) => c.notNull())
    .addColumn('joined_by', 'text', (c) => c.notNull())
    .addColumn('expires_ms', 'bigint', (c) => c.notNull())
    .addColumn('version', 'text', (c) => c.notNull())
    .addColumn('seen_ms', 'bigint', (c) => c.notNull())
    .addColumn('seen_from', 'text', (c) => c.notNull())
    .addColumn('revoked_ms', 'bigint')
    .addColumn('revoked_by', 'text')
    .execute()
  await db.schema.createIndex('connectors_by_name').on('connectors').column('name').execute()
  await db.schema
    .createTable('join_tokens')
    .addColumn('hash', 'text', (c) => c.primaryKey())
    .addColumn('id', 'text', (c) => c.notNull())
    .addColumn('name', 'text', (c) => c.notNull())
    .addColumn('created_by', 'text', (c) => c.notNull())
    .addColumn('created_ms', 'bigint', (c) => c.notNull())
    .addColumn('expires_ms', 'bigint', (c) => c.notNull())
    .addColumn('used_ms', 'bigint')
    .addColumn('used_from', 'text')
    .addColumn('connector', 'text')
    .execute()
}
