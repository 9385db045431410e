import { type CreateTableBuilder, type Kysely, sql } from 'kysely'
import type { PeopleTables } from './people-tables.ts'
import type { Tables } from './tables.ts'

/** Adds the tables of people and their sign-ins. */
export async function peopleTables(db: Kysely<Tables>): Promise<void> {
  const create = (name: keyof PeopleTables, texts: readonly string[], numbers: readonly string[]) => {
    let table = db.schema.createTable(name) as CreateTableBuilder<string, string>
    for (const text of texts) table = table.addColumn(text, 'text', (c) => c.notNull())
    for (const number of numbers) table = table.addColumn(number, 'bigint', (c) => c.notNull())
    return table
  }
  await create(
    'people',
    ['id', 'provider', 'issuer', 'subject', 'name', 'email', 'matches', 'groups'],
    ['created_ms', 'seen_ms'],
  )
    .addPrimaryKeyConstraint('people_id', ['id'])
    .execute()
  await create(
    'sign_ins',
    ['id', 'person', 'provider', 'issuer', 'subject', 'sid', 'purpose'],
    ['auth_ms', 'created_ms', 'expires_ms', 'checked_ms', 'next_check_ms'],
  )
    .addColumn('grant_sealed', 'text')
    .addColumn('ended_ms', 'bigint')
    .addColumn('ended_why', 'text')
    .addPrimaryKeyConstraint('sign_ins_id', ['id'])
    .execute()
  await sql`create index sign_ins_due on sign_ins (next_check_ms) where ended_ms is null`.execute(db)
  await db.schema.createIndex('sign_ins_by_subject').on('sign_ins').columns(['provider', 'subject']).execute()
  await create('vouchers', ['kind', 'id', 'body'], ['expires_ms'])
    .addPrimaryKeyConstraint('vouchers_id', ['kind', 'id'])
    .execute()
  await db.schema.createIndex('vouchers_by_end').on('vouchers').column('expires_ms').execute()
  await scimTables(db, create)
  await create('break_glass', ['id', 'verifier', 'groups', 'sealed_by'], ['sealed_ms'])
    .addColumn('opened_ms', 'bigint')
    .addColumn('opened_from', 'text')
    .addColumn('opened_why', 'text')
    .addColumn('until_ms', 'bigint')
    .addPrimaryKeyConstraint('break_glass_id', ['id'])
    .execute()
}

type Create = (
  name: keyof PeopleTables,
  texts: readonly string[],
  numbers: readonly string[],
) => CreateTableBuilder<string, string>

async function scimTables(db: Kysely<Tables>, create: Create): Promise<void> {
  await create(
    'scim_users',
    ['id', 'provider', 'user_name', 'user_key', 'external_id', 'body'],
    ['active', 'version', 'created_ms', 'updated_ms'],
  )
    .addPrimaryKeyConstraint('scim_users_id', ['id'])
    .addUniqueConstraint('scim_users_name', ['provider', 'user_key'])
    .execute()
  await db.schema.createIndex('scim_users_external').on('scim_users').columns(['provider', 'external_id']).execute()
  await create(
    'scim_groups',
    ['id', 'provider', 'display_name', 'display_key', 'external_id'],
    ['version', 'created_ms', 'updated_ms'],
  )
    .addPrimaryKeyConstraint('scim_groups_id', ['id'])
    .addUniqueConstraint('scim_groups_name', ['provider', 'display_key'])
    .execute()
  await create('scim_members', ['group_id', 'user_id'], [])
    .addPrimaryKeyConstraint('scim_members_once', ['group_id', 'user_id'])
    .execute()
  await db.schema.createIndex('scim_members_by_user').on('scim_members').column('user_id').execute()
}
