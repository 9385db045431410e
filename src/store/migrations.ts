import { type Kysely, sql } from 'kysely'
import { SluiceError } from '../kit/errors.ts'
import { connectorTables } from './connector-tables.ts'
import { lives } from './lives-migration.ts'
import { peopleTables } from './people-migration.ts'
import type { Tables } from './tables.ts'

type Db = Kysely<Tables>

/** In order; a released one never changes, a new one is added at the end. */
const MIGRATIONS: readonly ((db: Db) => Promise<void>)[] = [
  firstTables,
  connectorTables,
  machineTables,
  peopleTables,
  voteCredentials,
  lives,
]

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

/** Delegation, workload trust, the token endpoint and the kill switch. */
async function machineTables(db: Db): Promise<void> {
  const tokens = (name: string) => db.schema.alterTable('tokens').addColumn(name, 'text')
  await db.schema
    .alterTable('tokens')
    .addColumn('purpose', 'text', (c) => c.notNull().defaultTo('access'))
    .execute()
  await db.schema
    .alterTable('tokens')
    .addColumn('claims', 'text', (c) => c.notNull().defaultTo('{}'))
    .execute()
  await db.schema
    .alterTable('tokens')
    .addColumn('client', 'text', (c) => c.notNull().defaultTo(''))
    .execute()
  for (const name of ['scope', 'parent']) await tokens(name).execute()
  await db.schema.createIndex('tokens_by_parent').on('tokens').column('parent').execute()
  await clientTables(db)
  await db.schema
    .createTable('blocks')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('kind', 'text', (c) => c.notNull())
    .addColumn('subject', 'text', (c) => c.notNull())
    .addColumn('by', 'text', (c) => c.notNull())
    .addColumn('why', 'text', (c) => c.notNull())
    .addColumn('created_ms', 'bigint', (c) => c.notNull())
    .addColumn('lifted_ms', 'bigint')
    .addColumn('lifted_by', 'text')
    .execute()
  // One standing block per subject: a second kill of the same one changes nothing.
  await sql`create unique index blocks_standing on blocks (kind, subject) where lifted_ms is null`.execute(db)
  await db.schema
    .createTable('agents')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('owner', 'text', (c) => c.notNull())
    .addColumn('purpose', 'text', (c) => c.notNull())
    .addColumn('first_ms', 'bigint', (c) => c.notNull())
    .addColumn('gone_ms', 'bigint')
    .execute()
}

async function clientTables(db: Db): Promise<void> {
  await db.schema
    .createTable('clients')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('name', 'text', (c) => c.notNull())
    .addColumn('principal', 'text')
    .addColumn('keys', 'text')
    .addColumn('grants', 'text', (c) => c.notNull())
    .addColumn('redirects', 'text', (c) => c.notNull())
    .addColumn('created_by', 'text', (c) => c.notNull())
    .addColumn('created_ms', 'bigint', (c) => c.notNull())
    .addColumn('removed_ms', 'bigint')
    .execute()
  await db.schema
    .createTable('devices')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('device_hash', 'text', (c) => c.notNull().unique())
    .addColumn('code_hash', 'text', (c) => c.notNull().unique())
    .addColumn('client', 'text', (c) => c.notNull())
    .addColumn('state', 'text', (c) => c.notNull())
    .addColumn('principal', 'text')
    .addColumn('parent', 'text')
    .addColumn('from_address', 'text', (c) => c.notNull())
    .addColumn('created_ms', 'bigint', (c) => c.notNull())
    .addColumn('expires_ms', 'bigint', (c) => c.notNull())
    .addColumn('polled_ms', 'bigint', (c) => c.notNull())
    .addColumn('interval_ms', 'bigint', (c) => c.notNull())
    .execute()
  await db.schema
    .createTable('used_ids')
    .addColumn('issuer', 'text', (c) => c.notNull())
    .addColumn('id', 'text', (c) => c.notNull())
    .addColumn('expires_ms', 'bigint', (c) => c.notNull())
    .addPrimaryKeyConstraint('used_ids_once', ['issuer', 'id'])
    .execute()
}

/** A vote falls with the token it was cast with. One from before has none, and counts no more: people are asked again. */
async function voteCredentials(db: Db): Promise<void> {
  await db.schema
    .alterTable('votes')
    .addColumn('credential', 'text', (c) => c.notNull().defaultTo(''))
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
