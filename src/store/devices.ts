import type { Kysely, Selectable } from 'kysely'
import type { DevicesTable, Tables } from './tables.ts'

export type DeviceRow = Readonly<Selectable<DevicesTable>>

export interface DevicesRepository {
  /** Keeps `limit` at most: of those that wait for a person, the one that ends first gives way. */
  add(row: DeviceRow, limit: number): Promise<void>
  byDevice(hash: string): Promise<DeviceRow | undefined>
  byCode(hash: string): Promise<DeviceRow | undefined>
  /** A person's answer to a pending one that has time left. True for exactly one answer. */
  answer(answer: {
    readonly id: string
    readonly state: 'approved' | 'denied'
    readonly principal: string
    readonly parent: string | null
    readonly now_ms: number
  }): Promise<boolean>
  /** Takes an approved one. True for exactly one caller. */
  take(id: string): Promise<boolean>
  /** Notes when it was asked for, and how long its asker must wait from now on. */
  polled(id: string, at_ms: number, interval_ms: number): Promise<void>
  /** Forgets what ended before. */
  prune(before_ms: number): Promise<void>
}

export function devicesRepository(db: Kysely<Tables>): DevicesRepository {
  return {
    add: (row, limit) =>
      db.transaction().execute(async (trx) => {
        const count = trx.selectFrom('devices').select((eb) => eb.fn.countAll<number>().as('all'))
        if (Number((await count.executeTakeFirstOrThrow()).all) >= limit) {
          const waiting = trx.selectFrom('devices').select('id').where('state', '=', 'pending')
          await trx.deleteFrom('devices').where('id', '=', waiting.orderBy('expires_ms').limit(1)).execute()
        }
        await trx.insertInto('devices').values(row).execute()
      }),
    byDevice: (hash) => db.selectFrom('devices').selectAll().where('device_hash', '=', hash).executeTakeFirst(),
    byCode: (hash) => db.selectFrom('devices').selectAll().where('code_hash', '=', hash).executeTakeFirst(),
    async answer({ id, state, principal, parent, now_ms }) {
      const update = db.updateTable('devices').set({ state, principal, parent }).where('id', '=', id)
      const open = update.where('state', '=', 'pending').where('expires_ms', '>', now_ms)
      return (await open.executeTakeFirst()).numUpdatedRows === 1n
    },
    async take(id) {
      const update = db.updateTable('devices').set({ state: 'taken' }).where('id', '=', id)
      return (await update.where('state', '=', 'approved').executeTakeFirst()).numUpdatedRows === 1n
    },
    async polled(id, at_ms, interval_ms) {
      await db.updateTable('devices').set({ polled_ms: at_ms, interval_ms }).where('id', '=', id).execute()
    },
    async prune(before_ms) {
      await db.deleteFrom('devices').where('expires_ms', '<', before_ms).execute()
    },
  }
}
