import type { Kysely, Selectable } from 'kysely'
import { gone } from './gone.ts'
import type { ConnectorsTable, JoinTokensTable, Tables } from './tables.ts'

export type ConnectorRow = Readonly<Selectable<ConnectorsTable>>
export type JoinTokenRow = Readonly<Selectable<JoinTokensTable>>

export interface Revoked {
  /** Ids of the connectors. */
  readonly revoked: readonly string[]
  /** Tokens that nobody had used yet. */
  readonly withdrawn: number
}

export interface NewCertificate {
  readonly serial: string
  readonly expires_ms: number
}

/** Connectors that joined, and the tokens they join with. */
export interface ConnectorsRepository {
  addToken(row: JoinTokenRow): Promise<void>
  /** A standing permission in a token's place: used again and again, replaced by a newer one of the same hash. */
  putGrant(row: JoinTokenRow): Promise<void>
  token(hash: string): Promise<JoinTokenRow | undefined>
  /** Uses a token up and writes the connector it made, both or neither. False when it was used, expired or withdrawn in between. */
  join(hash: string, from: string, row: ConnectorRow): Promise<boolean>
  /** The same by a grant, which is not used up. */
  joinByGrant(hash: string, row: ConnectorRow): Promise<boolean>
  get(id: string): Promise<ConnectorRow | undefined>
  /** By name and age; those revoked or ended before `since_ms` are left out. */
  list(since_ms: number): Promise<ConnectorRow[]>
  /** How many of a name, and of all, are neither revoked nor ended. */
  count(name: string, now_ms: number): Promise<{ readonly ofName: number; readonly all: number }>
  /** Puts a new certificate in the place of the newest; `held` stays good until the new one is used. False when `newest` is not that any more, or it was revoked. */
  renew(
    id: string,
    replaces: { readonly newest: string; readonly held: string },
    issued: NewCertificate,
  ): Promise<boolean>
  seen(id: string, what: Pick<ConnectorRow, 'version' | 'seen_ms' | 'seen_from' | 'previous_serial'>): Promise<void>
  /** Its tunnel ended. */
  left(id: string, at_ms: number): Promise<void>
  /** Revokes one by id, or all of a name with its unused tokens; what it ended. */
  revoke(which: { readonly id: string } | { readonly name: string }, by: string, at_ms: number): Promise<Revoked>
  /** Those of the ids that are unknown or revoked. */
  gone(ids: readonly string[]): Promise<string[]>
}

export function connectorsRepository(db: Kysely<Tables>): ConnectorsRepository {
  return {
    async addToken(row) {
      await db.insertInto('join_tokens').values(row).execute()
    },
    async putGrant(row) {
      const { hash: _, ...rest } = row
      await db
        .insertInto('join_tokens')
        .values(row)
        .onConflict((oc) => oc.column('hash').doUpdateSet(rest))
        .execute()
    },
    token: (hash) => db.selectFrom('join_tokens').selectAll().where('hash', '=', hash).executeTakeFirst(),
    join: (hash, from, row) => join(db, { hash, from, row }),
    joinByGrant: (hash, row) => joinByGrant(db, hash, row),
    get: (id) => db.selectFrom('connectors').selectAll().where('id', '=', id).executeTakeFirst(),
    list: (since_ms) =>
      db
        .selectFrom('connectors')
        .selectAll()
        .where((eb) => eb.or([eb('revoked_ms', 'is', null), eb('revoked_ms', '>', since_ms)]))
        .where('expires_ms', '>', since_ms)
        .orderBy('name')
        .orderBy('id')
        .execute(),
    async count(name, now_ms) {
      const rows = await db
        .selectFrom('connectors')
        .select((eb) => ['name', eb.fn.countAll<number>().as('many')])
        .where('revoked_ms', 'is', null)
        .where('expires_ms', '>', now_ms)
        .groupBy('name')
        .execute()
      const ofName = Number(rows.find((row) => row.name === name)?.many ?? 0)
      return { ofName, all: rows.reduce((sum, row) => sum + Number(row.many), 0) }
    },
    async renew(id, { newest, held }, issued) {
      const done = await db
        .updateTable('connectors')
        .set({ serial: issued.serial, previous_serial: held, expires_ms: issued.expires_ms })
        .where('id', '=', id)
        .where('serial', '=', newest)
        .where('revoked_ms', 'is', null)
        .executeTakeFirst()
      return done.numUpdatedRows === 1n
    },
    async seen(id, what) {
      await db.updateTable('connectors').set(what).where('id', '=', id).execute()
    },
    async left(id, at_ms) {
      await db.updateTable('connectors').set({ seen_ms: at_ms }).where('id', '=', id).execute()
    },
    revoke: (which, by, at_ms) => revoke(db, { which, by, at_ms }),
    gone: (ids) => gone(db, 'connectors', ids),
  }
}

function join(db: Kysely<Tables>, what: { hash: string; from: string; row: ConnectorRow }): Promise<boolean> {
  const { hash, from, row } = what
  return db.transaction().execute(async (trx) => {
    const used = await trx
      .updateTable('join_tokens')
      .set({ used_ms: row.joined_ms, used_from: from, connector: row.id })
      .where('hash', '=', hash)
      .where('used_ms', 'is', null)
      .where('expires_ms', '>', row.joined_ms)
      .executeTakeFirst()
    if (used.numUpdatedRows !== 1n) return false
    await trx.insertInto('connectors').values(row).execute()
    return true
  })
}

function joinByGrant(db: Kysely<Tables>, hash: string, row: ConnectorRow): Promise<boolean> {
  return db.transaction().execute(async (trx) => {
    const grant = await trx
      .selectFrom('join_tokens')
      .select('id')
      .where('hash', '=', hash)
      .where('expires_ms', '>', row.joined_ms)
      .executeTakeFirst()
    if (grant) await trx.insertInto('connectors').values(row).execute()
    return grant !== undefined
  })
}

function revoke(
  db: Kysely<Tables>,
  what: { which: { readonly id: string } | { readonly name: string }; by: string; at_ms: number },
): Promise<Revoked> {
  const { which, by, at_ms } = what
  return db.transaction().execute(async (trx) => {
    const change = trx
      .updateTable('connectors')
      .set({ revoked_ms: at_ms, revoked_by: by })
      .where('revoked_ms', 'is', null)
    const rows = await ('id' in which ? change.where('id', '=', which.id) : change.where('name', '=', which.name))
      .returning('id')
      .execute()
    const revoked = rows.map((row) => row.id)
    if ('id' in which) return { revoked, withdrawn: 0 }
    const done = await trx
      .updateTable('join_tokens')
      .set({ expires_ms: 0 })
      .where('name', '=', which.name)
      .where('used_ms', 'is', null)
      .where('expires_ms', '>', at_ms)
      .executeTakeFirst()
    return { revoked, withdrawn: Number(done.numUpdatedRows) }
  })
}
