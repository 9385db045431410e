import { type Kysely, sql } from 'kysely'
import { SluiceError } from '../kit/errors.ts'
import { connectorTables } from './connector-tables.ts'
import type { Tables } from './tables.ts'

type Db = Kysely<Tables>

/** In order; a released one never changes, a new one is added at the end. */
const MIGRATIONS: readonly ((db: Db) => Promise<void>)[] = [firstTables, connectorTables]

async function firstTables(db: Db): Promise<void> {
  await db.schema
    .createTable('tokens')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('hash', 'text', (c) => c.notNull().unique())
    .addColumn('principal', 'text', (c) => c.notNull())
    .addColumn('actors', 'text', (c) => c.notNull())
    .addColumn('label', 'text', (c) => c.notNull())
    .addColumn('created_by', 'text', (c) => c.notNull())
    .addColumn('created_ms', 'bigint', (c) => c.notNull())
    .addColumn('expires_ms', 'bigint', (c) => c.notNull())
    .addColumn('revoked_ms', 'bigint')
    .addColumn('revoked_by', 'text')
    .execute()
  await approvalTables(db)
  await db.schema
    .createTable('secrets')
    .addColumn('name', 'text', (c) => c.primaryKey())
    .addColumn('key_id', 'text', (c) => c.notNull())
    .addColumn('wrapped', 'text', (c) => c.notNull())
    .addColumn('sealed', 'text', (c) => c.notNull())
    .addColumn('updated_by', 'text', (c) => c.notNull())
    .addColumn('updated_ms', 'bigint', (c) => c.notNull())
    .execute()
  await db.schema
    .createTable('counters')
    .addColumn('name', 'text', (c) => c.primaryKey())
    .addColumn('value', 'bigint', (c) => c.notNull())
    .execute()
}

async function approvalTables(db: Db): Promise<void> {
  const texts = [
    'chain',
    'credential',
    'session',
    'resource',
    'database',
    'verb',
    'effects',
    'text',
    'parameters',
  ] as const
  let approvals = db.schema
    .createTable('approvals')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('digest', 'text', (c) => c.notNull())
    .addColumn('state', 'text', (c) => c.notNull())
    .addColumn('principal', 'text', (c) => c.notNull())
  for (const name of [...texts, 'session_state', 'terms', 'policy', 'message'] as const) {
    approvals = approvals.addColumn(name, 'text', (c) => c.notNull()) as typeof approvals
  }
  await approvals
    .addColumn('length', 'integer', (c) => c.notNull())
    .addColumn('statements', 'integer', (c) => c.notNull())
    .addColumn('created_ms', 'bigint', (c) => c.notNull())
    .addColumn('expires_ms', 'bigint', (c) => c.notNull())
    .addColumn('ended_ms', 'bigint')
    .addColumn('ended_why', 'text')
    .execute()
  // One open request per digest: two sessions that ask at once meet in the same row, whichever process they are in.
  await sql`create unique index approvals_open on approvals (digest) where state in ('pending', 'approved')`.execute(db)
  await db.schema.createIndex('approvals_by_state').on('approvals').columns(['state', 'created_ms']).execute()
  await db.schema
    .createTable('votes')
    .addColumn('approval', 'text', (c) => c.notNull().references('approvals.id'))
    .addColumn('principal', 'text', (c) => c.notNull())
    .addColumn('verdict', 'text', (c) => c.notNull())
    .addColumn('reason', 'text', (c) => c.notNull())
    .addColumn('voted_ms', 'bigint', (c) => c.notNull())
    .addPrimaryKeyConstraint('votes_once', ['approval', 'principal'])
    .execute()
}

/**
 * Brings the tables up to this program's version, in one transaction.
 * Throws SluiceError `config.invalid` for a store written by a newer program: going on would lose what it knows.
 */
export async function migrate(db: Db): Promise<void> {
  await db.transaction().execute(async (trx) => {
    await sql`create table if not exists sluice_schema (version integer not null)`.execute(trx)
    const { rows } = await sql<{ version: number }>`select version from sluice_schema`.execute(trx)
    const version = rows[0]?.version ?? 0
    if (version > MIGRATIONS.length) {
      throw new SluiceError(
        'config.invalid',
        `the store has version ${version}, this program knows ${MIGRATIONS.length}; run the newer Sluice`,
      )
    }
    for (const step of MIGRATIONS.slice(version)) await step(trx)
    await sql`delete from sluice_schema`.execute(trx)
    await sql`insert into sluice_schema (version) values (${MIGRATIONS.length})`.execute(trx)
  })
}
