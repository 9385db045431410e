import type { Kysely } from 'kysely'
import type { Tables } from './tables.ts'

/** Most ids one query names: far below SQLite's bound of 32,766 parameters. */
export const CHUNK = 500

/** Those of the ids that are unknown or revoked. */
export async function gone(
  db: Kysely<Tables>,
  table: 'tokens' | 'connectors',
  ids: readonly string[],
): Promise<string[]> {
  const live = new Set<string>()
  for (let at = 0; at < ids.length; at += CHUNK) {
    const part = ids.slice(at, at + CHUNK)
    const rows = await db
      .selectFrom(table)
      .select('id')
      .where('id', 'in', part)
      .where('revoked_ms', 'is', null)
      .execute()
    for (const row of rows) live.add(row.id)
  }
  return ids.filter((id) => !live.has(id))
}
