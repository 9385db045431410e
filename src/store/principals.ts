import { type Kysely, type Selectable, sql } from 'kysely'
import { moveEpoch } from './people.ts'
import type { PrincipalsTable, Tables } from './tables.ts'
import { revokeAll } from './tokens.ts'

export type PrincipalRow = Readonly<Selectable<PrincipalsTable>>

export interface PrincipalsRepository {
  all(): Promise<PrincipalRow[]>
  /**
   * Writes what is known of them now; one whose life has moved on elsewhere stays as it is. With each new life the tokens of the one before are
   * revoked. Moves the people's epoch.
   */
  put(rows: readonly PrincipalRow[], at_ms: number): Promise<void>
}

export function principalsRepository(db: Kysely<Tables>): PrincipalsRepository {
  return {
    all: () => db.selectFrom('principals').selectAll().orderBy('id').execute(),
    put: (rows, at_ms) =>
      db.transaction().execute(async (trx) => {
        for (const row of rows) {
          const before = await trx.selectFrom('principals').select('life').where('id', '=', row.id).executeTakeFirst()
          const { id: _, ...rest } = row
          await trx
            .insertInto('principals')
            .values(row)
            .onConflict((oc) => oc.column('id').doUpdateSet(rest).where(sql.ref('principals.life'), '<=', row.life))
            .execute()
          if (row.life > (before?.life ?? 0)) await revokeAll(trx, await heldBy(trx, row.id), { by: 'policy', at_ms })
        }
        await moveEpoch(trx)
      }),
  }
}

/** Tokens that stand and name the principal, acting or behind another. */
async function heldBy(trx: Kysely<Tables>, id: string): Promise<string[]> {
  const named = trx
    .selectFrom('tokens')
    .select('id')
    .where('revoked_ms', 'is', null)
    .where((eb) => eb.or([eb('principal', '=', id), sql<boolean>`instr(actors, ${JSON.stringify(id)}) > 0`]))
  return (await named.execute()).map((row) => row.id)
}
