import type { Kysely, Selectable } from 'kysely'
import type { SignInsTable } from './people-tables.ts'
import type { Tables } from './tables.ts'

export type SignInRow = Readonly<Selectable<SignInsTable>>

export interface SignInsRepository {
  insert(row: SignInRow): Promise<void>
  get(id: string): Promise<SignInRow | undefined>
  /** The sign-in a token came of, directly. */
  ofToken(token: string): Promise<SignInRow | undefined>
  /** Those that stand and whose provider is to be asked, longest due first. */
  due(now_ms: number, limit: number): Promise<SignInRow[]>
  /** Takes a due one to be asked about, so that no other process does: false when another took it. It is due again at `again_ms`. */
  claim(row: Pick<SignInRow, 'id' | 'next_check_ms'>, again_ms: number): Promise<boolean>
  /** Those that stand of one subject, or of one session of the provider. */
  standing(of: { readonly provider: string; readonly subject?: string; readonly sid?: string }): Promise<SignInRow[]>
  update(
    id: string,
    change: Partial<Pick<SignInRow, 'grant_sealed' | 'checked_ms' | 'next_check_ms' | 'sid'>>,
  ): Promise<void>
  /** False when it had ended before. */
  end(id: string, why: string, at_ms: number): Promise<boolean>
}

export function signInsRepository(db: Kysely<Tables>): SignInsRepository {
  return {
    async insert(row) {
      await db.insertInto('sign_ins').values(row).execute()
    },
    get: (id) => db.selectFrom('sign_ins').selectAll().where('id', '=', id).executeTakeFirst(),
    ofToken: (token) =>
      db
        .selectFrom('tokens')
        .innerJoin('sign_ins', 'sign_ins.id', 'tokens.parent')
        .selectAll('sign_ins')
        .where('tokens.id', '=', token)
        .executeTakeFirst(),
    due: (now_ms, limit) =>
      db
        .selectFrom('sign_ins')
        .selectAll()
        .where('ended_ms', 'is', null)
        .where('next_check_ms', '<=', now_ms)
        .orderBy('next_check_ms')
        .limit(limit)
        .execute(),
    async claim({ id, next_check_ms }, again_ms) {
      const done = await db
        .updateTable('sign_ins')
        .set({ next_check_ms: again_ms })
        .where('id', '=', id)
        .where('next_check_ms', '=', next_check_ms)
        .where('ended_ms', 'is', null)
        .executeTakeFirst()
      return done.numUpdatedRows === 1n
    },
    standing({ provider, subject, sid }) {
      let query = db.selectFrom('sign_ins').selectAll().where('ended_ms', 'is', null).where('provider', '=', provider)
      if (subject !== undefined) query = query.where('subject', '=', subject)
      if (sid !== undefined) query = query.where('sid', '=', sid)
      return query.execute()
    },
    async update(id, change) {
      await db.updateTable('sign_ins').set(change).where('id', '=', id).execute()
    },
    async end(id, why, at_ms) {
      const done = await db
        .updateTable('sign_ins')
        .set({ ended_ms: at_ms, ended_why: why, grant_sealed: null })
        .where('id', '=', id)
        .where('ended_ms', 'is', null)
        .executeTakeFirst()
      return done.numUpdatedRows === 1n
    },
  }
}
