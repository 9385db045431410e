import type { Kysely, Selectable } from 'kysely'
import type { AgentsTable, Tables } from './tables.ts'

export type AgentRow = Readonly<Selectable<AgentsTable>>

export interface AgentsRepository {
  all(): Promise<AgentRow[]>
  /** Adds an agent, or replaces what is known of it. */
  put(row: AgentRow): Promise<void>
}

export function agentsRepository(db: Kysely<Tables>): AgentsRepository {
  return {
    all: () => db.selectFrom('agents').selectAll().orderBy('id').execute(),
    async put(row) {
      const { id: _, ...rest } = row
      await db
        .insertInto('agents')
        .values(row)
        .onConflict((oc) => oc.column('id').doUpdateSet(rest))
        .execute()
    },
  }
}
