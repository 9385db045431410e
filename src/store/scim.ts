import { type ExpressionBuilder, type Kysely, type Selectable, sql } from 'kysely'
import { moveEpoch } from './people.ts'
import type { ScimGroupsTable, ScimUsersTable } from './people-tables.ts'
import type { Tables } from './tables.ts'
import { revokeAll } from './tokens.ts'

export type ScimUserRow = Readonly<Selectable<ScimUsersTable>>
export type ScimGroupRow = Readonly<Selectable<ScimGroupsTable>>

/** One member of a group, with what shows it. */
export interface ScimMember {
  readonly id: string
  readonly name: string
}

/** Which resources of a provider: those of which every column equals its value. */
export interface ScimQuery<Column extends string> {
  readonly provider: string
  readonly equals: readonly { readonly column: Column; readonly value: string | number }[]
  /** From 0. */
  readonly offset: number
  readonly limit: number
}

export type UserColumn = 'id' | 'user_key' | 'external_id' | 'active'
export type GroupColumn = 'id' | 'display_key' | 'external_id' | 'member'

/** What identity providers provisioned. Every change moves the people's epoch: it takes effect everywhere within a second. */
export interface ScimRepository {
  /** False when the provider has a user of this name already. */
  addUser(row: ScimUserRow): Promise<boolean>
  user(provider: string, id: string): Promise<ScimUserRow | undefined>
  users(query: ScimQuery<UserColumn>): Promise<{ readonly rows: ScimUserRow[]; readonly total: number }>
  /** Writes a user as it is now, unless another change came first (`version` is the one it was read with). `taken` when its name is another's. */
  putUser(row: ScimUserRow, version: number): Promise<'done' | 'changed' | 'taken'>
  deleteUser(provider: string, id: string, at_ms: number): Promise<boolean>
  addGroup(row: ScimGroupRow, members: readonly string[]): Promise<boolean>
  group(provider: string, id: string): Promise<ScimGroupRow | undefined>
  groups(query: ScimQuery<GroupColumn>): Promise<{ readonly rows: ScimGroupRow[]; readonly total: number }>
  members(group: string): Promise<ScimMember[]>
  /** Writes a group as it is now. `members` undefined leaves them; else those are all of them. */
  putGroup(row: ScimGroupRow, version: number, members: MemberChange | undefined): Promise<'done' | 'changed' | 'taken'>
  deleteGroup(provider: string, id: string): Promise<boolean>
  /** Those of the ids that are users of the provider. */
  known(provider: string, ids: readonly string[]): Promise<Set<string>>
}

/** A change of who is in a group. */
export interface MemberChange {
  /** Leave only those who are added. */
  readonly clear: boolean
  readonly add: readonly string[]
  readonly remove: readonly string[]
}

const CHUNK = 500

export function scimRepository(db: Kysely<Tables>): ScimRepository {
  return { ...usersOf(db), ...groupsOf(db) }
}

function usersOf(db: Kysely<Tables>): Pick<ScimRepository, 'addUser' | 'user' | 'users' | 'putUser' | 'deleteUser'> {
  return {
    addUser: (row) =>
      db.transaction().execute(async (trx) => {
        const done = await trx
          .insertInto('scim_users')
          .values(row)
          .onConflict((oc) => oc.doNothing())
          .executeTakeFirst()
        if (done.numInsertedOrUpdatedRows !== 1n) return false
        await moveEpoch(trx)
        return true
      }),
    user: (provider, id) =>
      db.selectFrom('scim_users').selectAll().where('provider', '=', provider).where('id', '=', id).executeTakeFirst(),
    users: ({ provider, equals, offset, limit }) =>
      page(
        db
          .selectFrom('scim_users')
          .where('provider', '=', provider)
          .where((eb) => eb.and(equals.map(({ column, value }) => eb(column, '=', value as never)))),
        { offset, limit },
      ),
    putUser: (row, version) =>
      put(db, 'scim_users', row, version, { first: (trx) => takeAway(trx, row.id, row.updated_ms, row) }),
    deleteUser: (provider, id, at_ms) =>
      db.transaction().execute(async (trx) => {
        await takeAway(trx, id, at_ms)
        const done = await trx
          .deleteFrom('scim_users')
          .where('provider', '=', provider)
          .where('id', '=', id)
          .executeTakeFirst()
        if (done.numDeletedRows !== 1n) return false
        await trx.deleteFrom('scim_members').where('user_id', '=', id).execute()
        await moveEpoch(trx)
        return true
      }),
  }
}

/** One comparison of a group: of a column, or of who is in it. */
function groupMatch(
  eb: ExpressionBuilder<Tables, 'scim_groups'>,
  { column, value }: { readonly column: GroupColumn; readonly value: string | number },
) {
  if (column !== 'member') return eb(column, '=', value as never)
  return eb('id', 'in', eb.selectFrom('scim_members').select('group_id').where('user_id', '=', String(value)))
}

function groupsOf(
  db: Kysely<Tables>,
): Pick<ScimRepository, 'addGroup' | 'group' | 'groups' | 'members' | 'putGroup' | 'deleteGroup' | 'known'> {
  return {
    addGroup: (row, members) =>
      db.transaction().execute(async (trx) => {
        const done = await trx
          .insertInto('scim_groups')
          .values(row)
          .onConflict((oc) => oc.doNothing())
          .executeTakeFirst()
        if (done.numInsertedOrUpdatedRows !== 1n) return false
        await changeMembers(trx, row.id, { clear: false, add: members, remove: [] })
        await moveEpoch(trx)
        return true
      }),
    group: (provider, id) =>
      db.selectFrom('scim_groups').selectAll().where('provider', '=', provider).where('id', '=', id).executeTakeFirst(),
    groups: ({ provider, equals, offset, limit }) =>
      page(
        db
          .selectFrom('scim_groups')
          .where('provider', '=', provider)
          .where((eb) => eb.and(equals.map((each) => groupMatch(eb, each)))),
        { offset, limit },
      ),
    members: (group) =>
      db
        .selectFrom('scim_members')
        .innerJoin('scim_users', 'scim_users.id', 'scim_members.user_id')
        .select(['scim_users.id', 'scim_users.user_name as name'])
        .where('scim_members.group_id', '=', group)
        .orderBy('scim_users.user_name')
        .execute(),
    putGroup: (row, version, members) =>
      put(db, 'scim_groups', row, version, {
        last: (trx) => (members ? changeMembers(trx, row.id, members) : Promise.resolve()),
      }),
    deleteGroup: (provider, id) =>
      db.transaction().execute(async (trx) => {
        const done = await trx
          .deleteFrom('scim_groups')
          .where('provider', '=', provider)
          .where('id', '=', id)
          .executeTakeFirst()
        if (done.numDeletedRows !== 1n) return false
        await trx.deleteFrom('scim_members').where('group_id', '=', id).execute()
        await moveEpoch(trx)
        return true
      }),
    async known(provider, ids) {
      const found = new Set<string>()
      for (let at = 0; at < ids.length; at += CHUNK) {
        const part = db.selectFrom('scim_users').select('id').where('provider', '=', provider)
        for (const { id } of await part.where('id', 'in', ids.slice(at, at + CHUNK)).execute()) found.add(id)
      }
      return found
    },
  }
}

type Pageable = {
  selectAll(): { orderBy(column: never): unknown }
  select(pick: (eb: ExpressionBuilder<Tables, never>) => unknown): unknown
}

/** One page in a stable order, and how many there are. */
async function page<Row>(
  query: Pageable,
  { offset, limit }: { offset: number; limit: number },
): Promise<{ rows: Row[]; total: number }> {
  const all = query.selectAll() as unknown as {
    orderBy(column: string): { limit(n: number): { offset(n: number): { execute(): Promise<Row[]> } } }
  }
  const count = query.select((eb) => eb.fn.countAll<number>().as('total')) as unknown as {
    executeTakeFirstOrThrow(): Promise<{ total: number }>
  }
  const rows = await all.orderBy('id').limit(limit).offset(offset).execute()
  return { rows, total: Number((await count.executeTakeFirstOrThrow()).total) }
}

function put(
  db: Kysely<Tables>,
  table: 'scim_users' | 'scim_groups',
  row: ScimUserRow | ScimGroupRow,
  version: number,
  also: { readonly [when in 'first' | 'last']?: (trx: Kysely<Tables>) => Promise<void> } = {},
): Promise<'done' | 'changed' | 'taken'> {
  return db.transaction().execute(async (trx) => {
    if (await isTaken(trx, table, row)) return 'taken'
    await also.first?.(trx)
    const { id: _, provider: __, created_ms: ___, ...rest } = row
    const done = await trx
      .updateTable(table)
      .set({ ...rest, version: version + 1 } as never)
      .where('id', '=', row.id)
      .where('version', '=', version)
      .executeTakeFirst()
    if (done.numUpdatedRows !== 1n) return 'changed'
    await also.last?.(trx)
    await moveEpoch(trx)
    return 'done'
  })
}

/** Whether another of the provider has the name, or, of users, the external id: two with one would each be let in when the other is not. */
async function isTaken(
  trx: Kysely<Tables>,
  table: 'scim_users' | 'scim_groups',
  row: ScimUserRow | ScimGroupRow,
): Promise<boolean> {
  const same =
    'user_key' in row
      ? sql`(user_key = ${row.user_key} or (external_id <> '' and external_id = ${row.external_id}))`
      : sql`display_key = ${row.display_key}`
  const others =
    sql`select id from ${sql.table(table)} where provider = ${row.provider} and ${same} and id <> ${row.id} limit 1`.execute(
      trx,
    )
  return (await others).rows.length > 0
}

/**
 * Begins another life of the people a provisioned user no longer stands for, deleted or as it is written now, and ends their sign-ins: what they hold
 * is never good again, whoever is provisioned later.
 */
async function takeAway(trx: Kysely<Tables>, id: string, at_ms: number, now?: ScimUserRow): Promise<void> {
  const before = await trx.selectFrom('scim_users').selectAll().where('id', '=', id).executeTakeFirst()
  if (before?.active !== 1 || (now && before.version !== now.version - 1)) return
  const lost = [before.external_id, before.user_name].filter(
    (name, i) => name !== '' && !(now?.active === 1 && [now.external_id, now.user_name][i] === name),
  )
  if (lost.length === 0) return
  const { provider } = before
  const gone = await trx
    .updateTable('people')
    .set((eb) => ({ life: eb('life', '+', 1) }))
    .where('provider', '=', provider)
    .where('matches', 'in', lost)
    .returning('subject')
    .execute()
  for (const { subject } of gone) {
    const ended = await trx
      .updateTable('sign_ins')
      .set({ ended_ms: at_ms, ended_why: 'the person was taken away by SCIM', grant_sealed: null })
      .where('provider', '=', provider)
      .where('subject', '=', subject)
      .where('ended_ms', 'is', null)
      .returning('id')
      .execute()
    const roots = ended.map((row) => row.id)
    await revokeAll(trx, roots, { by: `scim:${provider}`, at_ms })
  }
}

async function changeMembers(trx: Kysely<Tables>, group: string, { clear, add, remove }: MemberChange): Promise<void> {
  if (clear) await trx.deleteFrom('scim_members').where('group_id', '=', group).execute()
  for (let at = 0; at < remove.length; at += CHUNK)
    await trx
      .deleteFrom('scim_members')
      .where('group_id', '=', group)
      .where('user_id', 'in', remove.slice(at, at + CHUNK))
      .execute()
  for (let at = 0; at < add.length; at += CHUNK) {
    const rows = add.slice(at, at + CHUNK).map((user_id) => ({ group_id: group, user_id }))
    await trx
      .insertInto('scim_members')
      .values(rows)
      .onConflict((oc) => oc.doNothing())
      .execute()
  }
}
