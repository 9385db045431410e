import { SluiceError, toSluiceError } from '../../kit/errors.ts'
import { actorChain, type Principal } from '../../model/principal.ts'
import type { Door } from '../attempts.ts'
import type { IssuedToken } from '../tokens.ts'
import { createKeyring } from '../trust/keys.ts'
import { type Clients, clientCredentials, createClients } from './clients.ts'
import { createDevices, type DeviceAnswer, type Devices } from './devices.ts'
import type { Form } from './form.ts'
import { type Exchange, GRANT, type GrantRequest } from './grant.ts'
import { type Introspection, introspect } from './introspection.ts'
import { LIMITS } from './limits.ts'
import { exchange } from './token-exchange.ts'

/** Where a request came from, and how its client was known. */
export interface Asker {
  /** Peer address. */
  readonly from: string
}

/** The token endpoint and what stands around it (OAuth 2.1 shape). Every refusal is a SluiceError; the API gives it OAuth's words. */
export interface TokenEndpoint {
  issuer(): string
  readonly clients: Clients
  readonly devices: Devices
  token(form: Form, asker: Asker): Promise<IssuedToken>
  device(form: Form, asker: Asker): Promise<DeviceAnswer>
  /** RFC 7009: whoever holds a token may end it. An unknown one is as good as ended. */
  revoke(form: Form, asker: Asker): Promise<void>
  /** RFC 7662, for clients with a key and for administrators. */
  introspect(form: Form, asker: Asker & { readonly caller: Principal | undefined }): Promise<Introspection>
  close(): void
}

/** The OAuth side of a gateway. Holds one timer, which does not keep the process alive. */
export function createTokenEndpoint(parts: Exchange): TokenEndpoint {
  const { clock, store } = parts
  const clients = createClients(parts)
  const devices = createDevices(parts)
  const keys = createKeyring({ clock })
  const verify = { trust: parts.trust, keys, usedIds: store.usedIds, clock }

  const grants: Readonly<Record<string, (request: GrantRequest) => Promise<IssuedToken>>> = {
    [GRANT.exchange]: (request) => exchange(parts, verify, request),
    [GRANT.client]: (request) => clientCredentials(parts, request),
    [GRANT.device]: (request) => devices.redeem(request),
    [GRANT.code]: (request) => codeGrant(parts, request),
  }

  async function token(form: Form, from: string): Promise<IssuedToken> {
    const type = form.need('grant_type')
    const grant = Object.hasOwn(grants, type) ? grants[type] : undefined
    if (!grant) throw new SluiceError('oauth.grant_type', type.slice(0, 100))
    const client = await clients.authenticate(form)
    if (client && !client.grants.includes(type))
      throw new SluiceError('oauth.grant_type', `${client.id} may not use it`)
    return await grant({ form, client, from })
  }

  const timer = setInterval(() => {
    const now_ms = clock.now_ms()
    // What could not be forgotten now is forgotten next time.
    void Promise.allSettled([store.usedIds.prune(now_ms), store.devices.prune(now_ms - LIMITS.device_ms)])
  }, LIMITS.prune_ms)
  timer.unref()

  return {
    issuer: parts.issuer,
    clients,
    devices,
    token: (form, { from }) =>
      guarded(parts, { form, from }, async () => {
        const issued = await token(form, from)
        return { issued, answer: issued }
      }),
    device: (form, { from }) =>
      counted(parts, { door: 'device', from }, async () => devices.begin(await clients.authenticate(form), from)),
    revoke: (form, { from }) =>
      counted(parts, { door: 'revoke', from }, async () => {
        await clients.authenticate(form)
        const proof = form.need('token')
        const caller = await parts.identity.authenticate({ kind: 'token', proof, from })
        if (!caller) return
        record(parts, { ok: true, grant: 'revoke', from, client: form.get('client_id') ?? '', who: caller })
        await parts.identity.revokeToken(caller.credential, caller.id)
      }),
    introspect: (form, { from, caller }) =>
      counted(parts, { door: 'introspect', from }, async () => {
        const client = caller ? undefined : await clients.authenticate(form)
        if (!caller && !client?.confidential) throw new SluiceError('oauth.client')
        return await introspect(parts, form, from)
      }),
    close: () => clearInterval(timer),
  }
}

/** Authorization code with PKCE (RFC 6749 §4.1.3): a person's browser has answered. */
async function codeGrant({ redeem }: Exchange, { form, client, from }: GrantRequest): Promise<IssuedToken> {
  if (!client) throw new SluiceError('oauth.client', 'no client asked')
  const proof = {
    code: form.need('code'),
    verifier: form.need('code_verifier'),
    redirectUri: form.need('redirect_uri'),
  }
  return await redeem({ ...proof, client: client.id, from })
}

/** Errors in which a credential was wrong: they are counted, take as long as any other, and are on record. */
const CREDENTIAL = /^(trust\.|oauth\.(client|grant)$|signin\.expired$)/
/** A program that waits for its person, and one that mends a request, are no attackers: nothing is counted. */
const QUIET = new Set([
  'oauth.pending',
  'oauth.slow_down',
  'oauth.request',
  'oauth.grant_type',
  'api.limited',
  'api.busy',
])

interface Guarded {
  readonly form: Form
  readonly from: string
}

async function guarded<T>(
  parts: Exchange,
  { form, from }: Guarded,
  work: () => Promise<{ readonly issued: IssuedToken; readonly answer: T }>,
): Promise<T> {
  const about = { grant: form.get('grant_type') ?? '', client: form.get('client_id') ?? '', from }
  try {
    const { issued, answer } = await counted(parts, { door: 'token', from }, work)
    record(parts, { ...about, ok: true, issued })
    return answer
  } catch (thrown) {
    const error = toSluiceError(thrown)
    if (!QUIET.has(error.code)) record(parts, { ...about, ok: false, error })
    throw error
  }
}

/**
 * Whatever is shown here cannot be guessed: it is looked at first, and what was wrong is counted. Throws `api.limited` in place of what was
 * wrong once a source was too often; that is told as late as any other.
 */
async function counted<T>(
  { attempts, clock }: Exchange,
  { door, from }: { readonly door: Door; readonly from: string },
  work: () => Promise<T>,
): Promise<T> {
  const asked_ms = clock.monotonic_ms()
  try {
    return await work()
  } catch (thrown) {
    const error = toSluiceError(thrown)
    if (!CREDENTIAL.test(error.code)) throw error
    const tooMany = attempts.failed(door, from)
    const wait_ms = LIMITS.refusal_ms - (clock.monotonic_ms() - asked_ms)
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, wait_ms)))
    throw tooMany ? new SluiceError('api.limited', door, { cause: error }) : error
  }
}

interface Event {
  readonly ok: boolean
  readonly grant: string
  readonly client: string
  readonly from: string
  readonly issued?: IssuedToken
  readonly who?: Principal
  readonly error?: SluiceError
}

/** Every answer of the endpoint is a `login` entry: who got which token for what, or the coded reason why not. Throws `ledger.unwritable`. */
function record({ ledger }: Exchange, { ok, grant, client, from, issued, who, error }: Event): void {
  const entry = {
    ok,
    from,
    grant: grant.slice(0, 100),
    ...(client === '' ? {} : { client: client.slice(0, 100) }),
    ...(issued && {
      principal: issued.principal,
      ...(issued.actors.length > 0 && { actors: issued.actors }),
      credential: issued.id,
      expires_ms: issued.expires_ms,
      by: issued.createdBy,
    }),
    ...(who && {
      principal: who.id,
      actors: actorChain(who)
        .slice(1)
        .map(({ id }) => id),
      credential: who.credential,
    }),
    ...(error && { reason: error.code, detail: error.detail.slice(0, 500) }),
  }
  ledger.append('login', JSON.stringify(entry).slice(1, -1))
  ledger.commit()
}
