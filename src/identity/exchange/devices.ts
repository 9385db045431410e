import { randomBytes, randomInt } from 'node:crypto'
import { sha256 } from '../../kit/digest.ts'
import { SluiceError } from '../../kit/errors.ts'
import { newId } from '../../kit/ids.ts'
import { Secret } from '../../kit/secret.ts'
import type { DeviceRow } from '../../store/devices.ts'
import { createAttempts } from '../attempts.ts'
import type { IssuedToken } from '../tokens.ts'
import type { Client } from './clients.ts'
import type { Exchange, GrantRequest } from './grant.ts'
import { LIMITS } from './limits.ts'

/** RFC 8628 §3.2, without the addresses, which the API knows. */
export interface DeviceAnswer {
  readonly deviceCode: Secret
  /** `BCDF-GHJK`: what the person compares and types. */
  readonly userCode: string
  readonly expires_ms: number
  readonly interval_ms: number
}

/** What a person is shown before they answer. */
export interface DeviceQuestion {
  readonly client: string
  /** The address of the program that waits. */
  readonly from: string
  readonly created_ms: number
  readonly expires_ms: number
}

export interface DeviceReply {
  readonly approve: boolean
  /** The person: `human:ada`. */
  readonly principal: string
  /** The token of their sign-in: the device's token ends with it. */
  readonly parent?: string | undefined
}

export interface Devices {
  begin(client: Client | undefined, from: string): Promise<DeviceAnswer>
  /** The pending one of this code, for the page on which a signed-in person answers. Undefined for every other code; wrong ones are counted against `from`. */
  find(userCode: string, from: string): Promise<DeviceQuestion | undefined>
  /** A person's answer, once they have signed in. False when nothing of this code waits any more. */
  confirm(userCode: string, answer: DeviceReply): Promise<boolean>
  /** The grant itself: a token once the person said yes. */
  redeem(request: GrantRequest): Promise<IssuedToken>
}

/** Consonants without those that look or sound alike: no words, no vowels (RFC 8628 §6.1). 20^8 codes, ten minutes, ten tries. */
const LETTERS = 'BCDFGHJKLMNPQRSTVWXZ'

const codeHash = (text: string) =>
  sha256(
    `user-code:${text
      .toUpperCase()
      .replaceAll(/[^A-Z]/g, '')
      .slice(0, 16)}`,
  )
const deviceHash = (text: string) => sha256(`device-code:${text.slice(0, 256)}`)

export function createDevices(parts: Exchange): Devices {
  const { store, clock, attempts } = parts
  const starts = createAttempts({ clock, bounds: LIMITS.device_starts })
  /** A code is short enough to be guessed, so whoever tries them waits: an address, or the person who signed in with one. */
  const pending = async (userCode: string, who: string): Promise<DeviceRow | undefined> => {
    attempts.check('user code', who)
    const row = await store.devices.byCode(codeHash(userCode))
    if (row?.state === 'pending' && row.expires_ms > clock.now_ms()) return row
    attempts.failed('user code', who)
    return undefined
  }
  return {
    async begin(client, from) {
      if (!client) throw new SluiceError('oauth.client', 'no client asked')
      // Asking costs nothing, so every start counts: one address cannot fill the room for all.
      starts.check('begin', from)
      starts.failed('begin', from)
      const now_ms = clock.now_ms()
      await store.devices.prune(now_ms)
      const deviceCode = randomBytes(32).toString('base64url')
      const letters = Array.from({ length: 8 }, () => LETTERS[randomInt(LETTERS.length)]).join('')
      const userCode = `${letters.slice(0, 4)}-${letters.slice(4)}`
      const expires_ms = now_ms + LIMITS.device_ms
      const row = {
        id: newId('dev', now_ms),
        device_hash: deviceHash(deviceCode),
        code_hash: codeHash(userCode),
        client: client.id,
        state: 'pending',
        principal: null,
        parent: null,
        from_address: from,
        created_ms: now_ms,
        expires_ms,
        polled_ms: 0,
        interval_ms: LIMITS.device_interval_ms,
      }
      await store.devices.add(row, LIMITS.devices)
      return { deviceCode: new Secret(deviceCode), userCode, expires_ms, interval_ms: LIMITS.device_interval_ms }
    },
    async find(userCode, from) {
      const row = await pending(userCode, from)
      return (
        row && { client: row.client, from: row.from_address, created_ms: row.created_ms, expires_ms: row.expires_ms }
      )
    },
    async confirm(userCode, { principal, approve, parent = null }) {
      // By the person, who has signed in: what others try at their address does not take their yes away.
      const row = await pending(userCode, principal)
      if (!row) return false
      const state = approve ? 'approved' : 'denied'
      return await store.devices.answer({ id: row.id, state, principal, parent, now_ms: clock.now_ms() })
    },
    redeem: (request) => redeem(parts, request),
  }
}

/** As with any code (RFC 6749 §4.1.2): two have it, and what it led to ends. */
async function shownTwice({ identity }: Pick<Exchange, 'identity'>, { parent, client }: DeviceRow): Promise<void> {
  if (parent !== null) await identity.revokeToken(parent, client)
}

async function redeem({ store, clock, identity }: Exchange, { form, client }: GrantRequest): Promise<IssuedToken> {
  const row = await store.devices.byDevice(deviceHash(form.need('device_code')))
  if (row?.state === 'taken' && row.client === client?.id) await shownTwice({ identity }, row)
  if (!client || !row || row.client !== client.id || row.state === 'taken')
    throw new SluiceError('oauth.grant', 'the device code is unknown, used, or another client’s')
  const now_ms = clock.now_ms()
  if (row.state === 'denied') throw new SluiceError('oauth.denied', row.principal ?? '')
  if (row.expires_ms <= now_ms) throw new SluiceError('oauth.expired', row.id)
  if (row.state === 'pending') {
    const hurried = now_ms - row.polled_ms < row.interval_ms - 500
    const interval_ms = Math.min(row.interval_ms + (hurried ? 5_000 : 0), LIMITS.device_interval_max_ms)
    await store.devices.polled(row.id, now_ms, interval_ms)
    throw new SluiceError(hurried ? 'oauth.slow_down' : 'oauth.pending')
  }
  if (!(await store.devices.take(row.id))) throw new SluiceError('oauth.grant', 'the device code was used')
  const principal = row.principal!
  const parent = row.parent === null ? undefined : await identity.token(row.parent)
  const left_ms = parent ? parent.expires_ms - now_ms : LIMITS.device_ttl_ms
  if (parent?.revoked_ms !== undefined) throw new SluiceError('oauth.grant', 'the sign-in has ended')
  return await identity.issueToken({
    principal,
    label: client.name,
    ttl_ms: Math.min(LIMITS.device_ttl_ms, left_ms),
    by: principal,
    client: client.id,
    kind: 'sign-in',
    ...(parent ? { parent: parent.id } : {}),
  })
}
