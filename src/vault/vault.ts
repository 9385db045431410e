import type { Clock } from '../kit/clock.ts'
import { SluiceError } from '../kit/errors.ts'
import type { Log } from '../kit/log.ts'
import { Secret } from '../kit/secret.ts'
import type { SealPort, SecretPort } from '../model/ports.ts'
import type { SecretSource } from '../model/resource.ts'
import type { Store } from '../store/store.ts'
import { LIMITS } from './limits.ts'
import { type MasterKey, randomKey, type Sealed, seal, unseal } from './seal.ts'
import { fromEnv, fromFile } from './sources.ts'

export interface VaultOptions {
  readonly store: Pick<Store, 'secrets'>
  readonly master: MasterKey
  readonly clock: Clock
  readonly env: NodeJS.ProcessEnv
  readonly log?: Log
}

/** A stored secret as it may be shown: never its value. */
export interface SecretSummary {
  readonly name: string
  readonly updatedBy: string
  readonly updated_ms: number
}

export interface Vault extends SecretPort, SealPort {
  /** Stores or replaces a secret. Throws `vault.refused` for a wrong name, or a value that is empty or above 64 KiB. */
  set(name: string, value: Secret, by: string): Promise<void>
  list(): Promise<SecretSummary[]>
  /** 32 random bytes of this installation in base64, made once under this name: the seed of a key of its own. */
  own(name: OwnKey): Promise<Secret>
  /** False when there was none. */
  delete(name: string): Promise<boolean>
}

/** Keys of the installation beside the mask key. */
export type OwnKey = 'connector-ca' | 'ssh-ca' | 'ssh-host' | 'ssh-target-ca'

/** Its slash keeps it apart from every name a person can set. */
const MASK_KEY = 'sluice/mask-key'
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/

/** The credentials of targets. Makes the installation's mask key on first use. Throws `vault.key` when the master key is another one. */
export async function createVault(options: VaultOptions): Promise<Vault> {
  const { store, master, clock, env, log } = options
  const maskKey = await ownKey(options, MASK_KEY)
  return {
    maskKey,
    async read(source: SecretSource) {
      if ('env' in source) return fromEnv(env, source.env)
      if ('file' in source) return fromFile(source.file, log)
      const row = NAME.test(source.vault) ? await store.secrets.get(source.vault) : undefined
      if (!row) throw new SluiceError('vault.missing', `no secret ${JSON.stringify(source.vault)} is stored`)
      return unseal(master, row.name, row)
    },
    seal: (name, value) => JSON.stringify(seal(master, `sealed/${name}`, value)),
    open: (name, sealed) => unseal(master, `sealed/${name}`, JSON.parse(sealed) as Sealed),
    async set(name, value, by) {
      check(name, value)
      await store.secrets.put({ name, ...seal(master, name, value), updated_by: by, updated_ms: clock.now_ms() })
    },
    async list() {
      const rows = await store.secrets.list()
      const own = rows.filter((row) => NAME.test(row.name))
      return own.map((row) => ({ name: row.name, updatedBy: row.updated_by, updated_ms: row.updated_ms }))
    },
    own: (name) => ownKey(options, `sluice/${name}`),
    async delete(name) {
      return NAME.test(name) && store.secrets.delete(name)
    },
  }
}

/** A random key of this installation, made once whichever process comes first. */
async function ownKey({ store, master, clock }: VaultOptions, name: string): Promise<Secret> {
  const row = { name, ...seal(master, name, new Secret(randomKey())), updated_by: 'sluice', updated_ms: clock.now_ms() }
  await store.secrets.add(row)
  return unseal(master, name, (await store.secrets.get(name))!)
}

function check(name: string, value: Secret): void {
  if (!NAME.test(name) || name.length > LIMITS.name_chars) {
    throw new SluiceError('vault.refused', 'a name has 1 to 100 letters, digits, dots, dashes and underscores')
  }
  const bytes = Buffer.byteLength(value.reveal())
  if (bytes === 0 || bytes > LIMITS.secret_bytes)
    throw new SluiceError('vault.refused', `a secret has 1 to ${LIMITS.secret_bytes} bytes`)
}
