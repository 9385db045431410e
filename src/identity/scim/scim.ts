import type * as z from 'zod'
import type { Clock } from '../../kit/clock.ts'
import { sha256 } from '../../kit/digest.ts'
import { SluiceError } from '../../kit/errors.ts'
import { newId } from '../../kit/ids.ts'
import type { Log } from '../../kit/log.ts'
import type { LedgerPort, SecretPort } from '../../model/ports.ts'
import type { IdentityProvider } from '../../model/provider.ts'
import type { GroupColumn, ScimGroupRow, ScimUserRow, UserColumn } from '../../store/scim.ts'
import type { Store } from '../../store/store.ts'
import type { Attempts } from '../attempts.ts'
import type { Identity } from '../identity.ts'
import type { People } from '../people.ts'
import { sameText } from '../sign-in/binding.ts'
import { ScimFailure } from './failure.ts'
import { type EqualsFilter, readFilter } from './filter.ts'
import { LIMITS } from './limits.ts'
import { groupChange, patchedUser } from './patch.ts'
import { type GroupResource, groupResource, patchRequest, spelled, type UserResource, userResource } from './schema.ts'

export interface ScimOptions {
  readonly store: Pick<Store, 'scim'>
  readonly providers: () => ReadonlyMap<string, IdentityProvider>
  readonly people: People
  readonly identity: Pick<Identity, 'sweep'>
  readonly secrets: Pick<SecretPort, 'read'>
  readonly attempts: Attempts
  readonly ledger: LedgerPort
  readonly clock: Clock
  readonly log: Log
}

export interface Listed<Row> {
  readonly rows: readonly Row[]
  readonly total: number
  /** From 1, as SCIM counts. */
  readonly startIndex: number
}

export interface ListWish {
  readonly filter?: string | undefined
  readonly startIndex?: string | undefined
  readonly count?: string | undefined
}

/** What a change is held to: the version it was read at, where the caller says it (If-Match). */
export interface Condition {
  readonly version?: number | undefined
}

/** SCIM 2.0 (RFC 7643, 7644) for one provider, after its bearer token was accepted. Every method throws ScimFailure. */
export interface ScimOfProvider {
  listUsers(wish: ListWish): Promise<Listed<ScimUserRow>>
  user(id: string): Promise<ScimUserRow>
  createUser(body: unknown): Promise<ScimUserRow>
  replaceUser(id: string, body: unknown, condition: Condition): Promise<ScimUserRow>
  patchUser(id: string, body: unknown, condition: Condition): Promise<ScimUserRow>
  deleteUser(id: string): Promise<void>
  listGroups(wish: ListWish): Promise<Listed<ScimGroupRow>>
  group(id: string): Promise<ScimGroupRow>
  members(id: string): Promise<readonly { readonly id: string; readonly name: string }[]>
  createGroup(body: unknown): Promise<ScimGroupRow>
  replaceGroup(id: string, body: unknown, condition: Condition): Promise<ScimGroupRow>
  patchGroup(id: string, body: unknown, condition: Condition): Promise<ScimGroupRow>
  deleteGroup(id: string): Promise<void>
}

export interface Scim {
  /** Throws ScimFailure 401 for an unknown provider and for a wrong token alike, 429 in its place for an address that was wrong too often. */
  enter(provider: string, token: string | undefined, from: string): Promise<ScimOfProvider>
}

export function createScim(options: ScimOptions): Scim {
  const { attempts, providers, secrets, log } = options
  return {
    async enter(name, token, from) {
      const settings = providers().get(name)?.scim
      const wanted =
        settings &&
        (await secrets
          .read(settings.token)
          .catch(
            (error: unknown) =>
              void log.error('the SCIM token cannot be read', { provider: name, error: String(error) }),
          ))
      // Compared whatever there is to compare with: no provider and a wrong token cost the same.
      const right = sameText(token?.slice(0, LIMITS.token_chars) ?? '', wanted?.reveal() ?? sha256(name))
      if (!right || !wanted) {
        if (attempts.failed('scim', from)) throw new ScimFailure(429, new SluiceError('api.limited').safeMessage)
        throw new ScimFailure(401, 'The bearer token is missing or wrong.')
      }
      return new ProviderScim(options, name)
    },
  }
}

const NOT_FOUND = () => new ScimFailure(404, 'There is no such resource.')

class ProviderScim implements ScimOfProvider {
  readonly #parts: ScimOptions
  readonly #provider: string

  constructor(parts: ScimOptions, provider: string) {
    this.#parts = parts
    this.#provider = provider
  }

  get #store() {
    return this.#parts.store.scim
  }

  async listUsers(wish: ListWish) {
    const { offset, limit } = window(wish)
    const equals = columnsOf<UserColumn>(readFilter(wish.filter), USER_COLUMNS)
    return {
      ...(await this.#store.users({ provider: this.#provider, offset, limit, equals })),
      startIndex: offset + 1,
    }
  }

  async user(id: string) {
    return (await this.#store.user(this.#provider, id)) ?? raise(NOT_FOUND())
  }

  async createUser(body: unknown) {
    const { total } = await this.#store.users({ provider: this.#provider, offset: 0, limit: 1, equals: [] })
    if (total >= LIMITS.users) throw new ScimFailure(413, `At most ${LIMITS.users} users.`, 'tooMany')
    const now_ms = this.#parts.clock.now_ms()
    const row = userRow(read(userResource, body), {
      id: newId('usr', now_ms),
      provider: this.#provider,
      version: 1,
      created_ms: now_ms,
      updated_ms: now_ms,
    })
    this.#record('scim.user.create', row.user_name, { active: row.active === 1 })
    if (!(await this.#store.addUser(row)))
      throw new ScimFailure(409, 'There is a user of this name already.', 'uniqueness')
    await this.#takeEffect()
    return row
  }

  async replaceUser(id: string, body: unknown, condition: Condition) {
    return await this.#writeUser(await this.user(id), read(userResource, body), condition)
  }

  async patchUser(id: string, body: unknown, condition: Condition) {
    const before = await this.user(id)
    const patched = patchedUser(userOf(before), read(patchRequest, body).Operations)
    return await this.#writeUser(before, read(userResource, patched), condition)
  }

  async #writeUser(before: ScimUserRow, user: UserResource, condition: Condition) {
    checkVersion(before.version, condition)
    const { id, provider, version, created_ms } = before
    const row = userRow(user, {
      id,
      provider,
      version: version + 1,
      created_ms,
      updated_ms: this.#parts.clock.now_ms(),
    })
    this.#record(row.active === 1 ? 'scim.user.change' : 'scim.user.deactivate', row.user_name, {
      active: row.active === 1,
    })
    settle(await this.#store.putUser(row, version))
    await this.#takeEffect()
    return row
  }

  async deleteUser(id: string) {
    const { user_name } = await this.user(id)
    this.#record('scim.user.delete', user_name)
    await this.#store.deleteUser(this.#provider, id, this.#parts.clock.now_ms())
    await this.#takeEffect()
  }

  async listGroups(wish: ListWish) {
    const { offset, limit } = window(wish)
    const equals = columnsOf<GroupColumn>(readFilter(wish.filter), GROUP_COLUMNS)
    return {
      ...(await this.#store.groups({ provider: this.#provider, offset, limit, equals })),
      startIndex: offset + 1,
    }
  }

  async group(id: string) {
    return (await this.#store.group(this.#provider, id)) ?? raise(NOT_FOUND())
  }

  members(id: string) {
    return this.#store.members(id)
  }

  async createGroup(body: unknown) {
    const group = read(groupResource, body)
    const { total } = await this.#store.groups({ provider: this.#provider, offset: 0, limit: 1, equals: [] })
    if (total >= LIMITS.groups) throw new ScimFailure(413, `At most ${LIMITS.groups} groups.`, 'tooMany')
    const members = await this.#users(group.members.map(({ value }) => value))
    const now_ms = this.#parts.clock.now_ms()
    const row = groupRow(group, {
      id: newId('grp', now_ms),
      provider: this.#provider,
      version: 1,
      created_ms: now_ms,
      updated_ms: now_ms,
    })
    this.#record('scim.group.create', row.display_name, { members: members.length })
    if (!(await this.#store.addGroup(row, members)))
      throw new ScimFailure(409, 'There is a group of this name already.', 'uniqueness')
    await this.#takeEffect()
    return row
  }

  async replaceGroup(id: string, body: unknown, condition: Condition) {
    const group = read(groupResource, body)
    const add = await this.#users(group.members.map(({ value }) => value))
    return await this.#writeGroup(await this.group(id), group, { clear: true, add, remove: [] }, condition)
  }

  async patchGroup(id: string, body: unknown, condition: Condition) {
    const before = await this.group(id)
    const {
      displayName = before.display_name,
      externalId = before.external_id,
      clear,
      add,
      remove,
    } = groupChange(read(patchRequest, body).Operations)
    const joining = await this.#users([...add])
    return await this.#writeGroup(
      before,
      { displayName, externalId },
      { clear, add: joining, remove: [...remove] },
      condition,
    )
  }

  async #writeGroup(
    before: ScimGroupRow,
    group: Pick<GroupResource, 'displayName' | 'externalId'>,
    members: { clear: boolean; add: readonly string[]; remove: readonly string[] },
    condition: Condition,
  ) {
    checkVersion(before.version, condition)
    const { id, provider, version, created_ms } = before
    const row = groupRow(group, {
      id,
      provider,
      version: version + 1,
      created_ms,
      updated_ms: this.#parts.clock.now_ms(),
    })
    this.#record('scim.group.change', row.display_name, {
      cleared: members.clear,
      joined: members.add.length,
      left: members.remove.length,
    })
    settle(await this.#store.putGroup(row, version, members))
    await this.#takeEffect()
    return row
  }

  async deleteGroup(id: string) {
    const { display_name } = await this.group(id)
    this.#record('scim.group.delete', display_name)
    await this.#store.deleteGroup(this.#provider, id)
    await this.#takeEffect()
  }

  /** Ids of users of this provider: a member nobody knows would be a hole in the group. */
  async #users(ids: readonly string[]): Promise<readonly string[]> {
    const wanted = [...new Set(ids)]
    if (wanted.length > LIMITS.members) throw new ScimFailure(413, `At most ${LIMITS.members} members.`, 'tooMany')
    const known = await this.#store.known(this.#provider, wanted)
    const missing = wanted.find((id) => !known.has(id))
    if (missing !== undefined) throw new ScimFailure(400, `There is no user ${missing.slice(0, 100)}.`, 'invalidValue')
    return wanted
  }

  /** In the ledger before it is done. Throws `ledger.unwritable`; a change that takes away is not held up by a full disk. */
  #record(action: string, subject: string, fields: object = {}): void {
    const entry = { action, subject, by: `scim:${this.#provider}`, ...fields }
    const { ledger, log } = this.#parts
    try {
      ledger.append('admin', JSON.stringify(entry).slice(1, -1))
      ledger.commit()
    } catch (error) {
      if (!/deactivate|delete/.test(action)) throw error
      log.error('a change by SCIM could not be recorded', { ...entry, error: String(error) })
    }
  }

  /** Live sessions feel it before the provider has its answer. */
  async #takeEffect(): Promise<void> {
    await this.#parts.people.load()
    await this.#parts.identity.sweep()
  }
}

function raise(error: Error): never {
  throw error
}

function read<T>(schema: z.ZodType<T>, body: unknown): T {
  const checked = schema.safeParse(spelled(body))
  if (checked.success) return checked.data
  const [issue] = checked.error.issues
  throw new ScimFailure(
    400,
    `${issue?.path.join('.') || 'The request'}: ${issue?.message ?? 'is not valid'}.`,
    'invalidSyntax',
  )
}

function window({ startIndex, count }: ListWish): { offset: number; limit: number } {
  const whole = (text: string | undefined, fallback: number) =>
    text !== undefined && /^-?\d{1,9}$/.test(text) ? Number(text) : fallback
  // RFC 7644 §3.4.2.4: below one is one; a count below zero is zero.
  const offset = Math.max(1, whole(startIndex, 1)) - 1
  return { offset, limit: Math.min(LIMITS.page_max, Math.max(0, whole(count, LIMITS.page))) }
}

const USER_COLUMNS = { id: 'id', username: 'user_key', externalid: 'external_id', active: 'active' } as const
const GROUP_COLUMNS = { id: 'id', displayname: 'display_key', externalid: 'external_id', members: 'member' } as const

function columnsOf<Column extends string>(
  filter: readonly EqualsFilter[],
  columns: Readonly<Record<string, Column>>,
): { column: Column; value: string | number }[] {
  return filter.map(({ attribute, value }) => {
    const column = Object.hasOwn(columns, attribute) ? columns[attribute]! : undefined
    if (!column) throw new ScimFailure(400, `Nothing is looked up by ${attribute}.`, 'invalidFilter')
    // Some providers send truth as text.
    const truth = typeof value === 'boolean' ? value : /^(true|false)$/i.exec(value) && value.toLowerCase() === 'true'
    if (column === 'active' ? truth === null : typeof value === 'boolean')
      throw new ScimFailure(400, `${attribute} is not compared with that.`, 'invalidFilter')
    if (column === 'active') return { column, value: truth ? 1 : 0 }
    const text = String(value)
    return { column, value: column.endsWith('_key') ? text.toLowerCase() : text }
  })
}

function checkVersion(version: number, condition: Condition): void {
  if (condition.version !== undefined && condition.version !== version)
    throw new ScimFailure(412, 'The resource has changed since.')
}

function settle(outcome: 'done' | 'changed' | 'taken'): void {
  if (outcome === 'changed') throw new ScimFailure(412, 'The resource was changed at the same time.')
  if (outcome === 'taken') throw new ScimFailure(409, 'The name is another’s.', 'uniqueness')
}

type Standing = Pick<ScimUserRow, 'id' | 'provider' | 'version' | 'created_ms' | 'updated_ms'>

function userRow(
  // A password is of no use here, and nothing to keep.
  { userName, externalId = '', active, id: _, meta: __, groups: ___, password: ____, ...rest }: UserResource,
  standing: Standing,
): ScimUserRow {
  const body = JSON.stringify(rest)
  if (body.length > LIMITS.resource_chars) throw new ScimFailure(413, 'The user is too large.', 'tooMany')
  return {
    ...standing,
    user_name: userName,
    user_key: userName.toLowerCase(),
    external_id: externalId,
    active: active ? 1 : 0,
    body,
  }
}

function groupRow(
  { displayName, externalId = '' }: Pick<GroupResource, 'displayName' | 'externalId'>,
  standing: Standing,
): ScimGroupRow {
  return { ...standing, display_name: displayName, display_key: displayName.toLowerCase(), external_id: externalId }
}

/** A stored user as a resource, without what the server adds. */
export function userOf({ user_name, external_id, active, body }: ScimUserRow): Record<string, unknown> {
  return {
    ...(JSON.parse(body) as object),
    userName: user_name,
    ...(external_id && { externalId: external_id }),
    active: active === 1,
  }
}
