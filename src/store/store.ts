import { Kysely } from 'kysely'
import { type ApprovalsRepository, approvalsRepository } from './approvals.ts'
import { type ConnectorsRepository, connectorsRepository } from './connectors.ts'
import { migrate } from './migrations.ts'
import { type SecretsRepository, secretsRepository } from './secrets.ts'
import { sqliteDialect } from './sqlite.ts'
import type { Tables } from './tables.ts'
import { type TokensRepository, tokensRepository } from './tokens.ts'

/** What outlives the process. Every method rejects with SluiceError `store.unavailable` when the database does not answer. */
export interface Store {
  readonly tokens: TokensRepository
  readonly approvals: ApprovalsRepository
  readonly secrets: SecretsRepository
  readonly connectors: ConnectorsRepository
  close(): Promise<void>
}

/** Opens (and creates, and migrates) the store in one SQLite file. */
export async function openStore({ path }: { readonly path: string }): Promise<Store> {
  const db = new Kysely<Tables>({ dialect: sqliteDialect(path) })
  try {
    await migrate(db)
  } catch (error) {
    await db.destroy()
    throw error
  }
  return {
    tokens: tokensRepository(db),
    approvals: approvalsRepository(db),
    secrets: secretsRepository(db),
    connectors: connectorsRepository(db),
    close: () => db.destroy(),
  }
}
