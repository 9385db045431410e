import { type Kysely, type Selectable, sql } from 'kysely'
import type { PeopleTable, ScimUsersTable } from './people-tables.ts'
import type { Tables } from './tables.ts'

export type PersonRow = Readonly<Selectable<PeopleTable>>
/** What a provider says of a person. */
export type SaidOfPerson = Omit<PersonRow, 'life'>
type Db = Kysely<Tables>

const EPOCH = 'people-epoch'

/** A person with what the provider provisioned of it. */
export interface PersonWithProvision extends PersonRow {
  /** Null where nothing was provisioned for it. */
  readonly scimActive: number | null
  /** Groups provisioned for it, as the provider names them. */
  readonly scimGroups: readonly string[]
}

export interface PeopleRepository {
  /** Inserts a person, or writes what the provider says of it now; the id and when it was first seen stay. Moves the epoch when something changed. */
  put(row: SaidOfPerson): Promise<void>
  get(id: string): Promise<PersonRow | undefined>
  /** Everyone, or one, for the directory. `attributes`: what provisioned users of each provider are found by. */
  all(attributes: ReadonlyMap<string, 'externalId' | 'userName'>, id?: string): Promise<PersonWithProvision[]>
  /** Grows whenever any process changes a person or what was provisioned. */
  epoch(): Promise<number>
  touch(): Promise<void>
}

export function peopleRepository(db: Db): PeopleRepository {
  return {
    put: (row) =>
      db.transaction().execute(async (trx) => {
        const before = await trx.selectFrom('people').selectAll().where('id', '=', row.id).executeTakeFirst()
        const { id: _, created_ms: __, ...rest } = row
        await trx
          .insertInto('people')
          .values(row)
          .onConflict((oc) => oc.column('id').doUpdateSet(rest))
          .execute()
        const { name, groups, matches, issuer } = row
        if (
          before &&
          before.name === name &&
          before.groups === groups &&
          before.matches === matches &&
          before.issuer === issuer
        )
          return
        await moveEpoch(trx)
      }),
    get: (id) => db.selectFrom('people').selectAll().where('id', '=', id).executeTakeFirst(),
    all: (attributes, id) => all(db, attributes, id),
    async epoch() {
      const row = await db.selectFrom('counters').select('value').where('name', '=', EPOCH).executeTakeFirst()
      return row?.value ?? 0
    },
    touch: () => moveEpoch(db),
  }
}

export async function moveEpoch(db: Db): Promise<void> {
  await db
    .insertInto('counters')
    .values({ name: EPOCH, value: 1 })
    .onConflict((oc) => oc.column('name').doUpdateSet((eb) => ({ value: eb('counters.value', '+', 1) })))
    .execute()
}

async function all(
  db: Db,
  attributes: ReadonlyMap<string, 'externalId' | 'userName'>,
  id?: string,
): Promise<PersonWithProvision[]> {
  const query = db.selectFrom('people').selectAll()
  const people = await (id === undefined ? query : query.where('id', '=', id)).execute()
  if (attributes.size === 0) return people.map((row) => ({ ...row, scimActive: null, scimGroups: [] }))
  const found = new Map<string, ProvisionedUser>()
  for (const user of await provisioned(db, id === undefined ? undefined : people[0])) {
    const value = attributes.get(user.provider) === 'userName' ? user.user_name : user.external_id
    if (value !== '') found.set(`${user.provider}\0${value}`, user)
  }
  const groups = await groupsByUser(db, id === undefined ? undefined : [...found.values()].map((user) => user.id))
  return people.map((row) => {
    const user = found.get(`${row.provider}\0${row.matches}`)
    return { ...row, scimActive: user?.active ?? null, scimGroups: user ? (groups.get(user.id) ?? []) : [] }
  })
}

type ProvisionedUser = Pick<Selectable<ScimUsersTable>, 'id' | 'provider' | 'user_name' | 'external_id' | 'active'>

/** Users who may be this person; without one all of them. */
function provisioned(db: Db, person: PersonRow | undefined): Promise<ProvisionedUser[]> {
  const query = db.selectFrom('scim_users').select(['id', 'provider', 'user_name', 'external_id', 'active'])
  if (!person) return query.execute()
  const { provider, matches } = person
  const named = query.where('provider', '=', provider)
  return named
    .where((eb) => eb.or([eb('external_id', '=', matches), eb('user_key', '=', matches.toLowerCase())]))
    .execute()
}

async function groupsByUser(db: Db, users: readonly string[] | undefined): Promise<Map<string, string[]>> {
  const query = db
    .selectFrom('scim_members')
    .innerJoin('scim_groups', 'scim_groups.id', 'scim_members.group_id')
    .select(['scim_members.user_id', 'scim_groups.display_name'])
    .orderBy(sql`scim_groups.display_name`)
  const rows = await (users ? query.where('scim_members.user_id', 'in', users) : query).execute()
  const byUser = new Map<string, string[]>()
  for (const { user_id, display_name } of rows) {
    const list = byUser.get(user_id)
    if (list) list.push(display_name)
    else byUser.set(user_id, [display_name])
  }
  return byUser
}
