import { Kysely } from 'kysely'
import { type AgentsRepository, agentsRepository } from './agents.ts'
import { type ApprovalsRepository, approvalsRepository } from './approvals.ts'
import { type BlocksRepository, blocksRepository } from './blocks.ts'
import { type BreakGlassRepository, breakGlassRepository } from './break-glass.ts'
import { type ClientsRepository, clientsRepository } from './clients.ts'
import { type ConnectorsRepository, connectorsRepository } from './connectors.ts'
import { type DevicesRepository, devicesRepository } from './devices.ts'
import { migrate } from './migrations.ts'
import { type PeopleRepository, peopleRepository } from './people.ts'
import { type PrincipalsRepository, principalsRepository } from './principals.ts'
import { type ScimRepository, scimRepository } from './scim.ts'
import { type SecretsRepository, secretsRepository } from './secrets.ts'
import { type SignInsRepository, signInsRepository } from './sign-ins.ts'
import { sqliteDialect } from './sqlite.ts'
import type { Tables } from './tables.ts'
import { type TokensRepository, tokensRepository } from './tokens.ts'
import { type UsedIdsRepository, usedIdsRepository } from './used-ids.ts'
import { type VouchersRepository, vouchersRepository } from './vouchers.ts'

/** What outlives the process. Every method rejects with SluiceError `store.unavailable` when the database does not answer. */
export interface Store {
  readonly tokens: TokensRepository
  readonly approvals: ApprovalsRepository
  readonly secrets: SecretsRepository
  readonly connectors: ConnectorsRepository
  readonly clients: ClientsRepository
  readonly devices: DevicesRepository
  readonly usedIds: UsedIdsRepository
  readonly blocks: BlocksRepository
  readonly agents: AgentsRepository
  readonly principals: PrincipalsRepository
  readonly people: PeopleRepository
  readonly signIns: SignInsRepository
  readonly vouchers: VouchersRepository
  readonly breakGlass: BreakGlassRepository
  readonly scim: ScimRepository
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
    clients: clientsRepository(db),
    devices: devicesRepository(db),
    usedIds: usedIdsRepository(db),
    blocks: blocksRepository(db),
    agents: agentsRepository(db),
    principals: principalsRepository(db),
    people: peopleRepository(db),
    signIns: signInsRepository(db),
    vouchers: vouchersRepository(db),
    breakGlass: breakGlassRepository(db),
    scim: scimRepository(db),
    close: () => db.destroy(),
  }
}
