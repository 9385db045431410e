import { createLocalJWKSet, decodeProtectedHeader, importJWK, type JSONWebKeySet, type JWK, jwtVerify } from 'jose'
import { sha256 } from '../../kit/digest.ts'
import { SluiceError } from '../../kit/errors.ts'
import type { ClientRow } from '../../store/clients.ts'
import type { IssuedToken } from '../tokens.ts'
import type { Form } from './form.ts'
import { type Exchange, GRANT, type GrantRequest } from './grant.ts'
import { LIMITS } from './limits.ts'

/** A program that asks for tokens. */
export interface Client {
  readonly id: string
  readonly name: string
  /** Whom its own credentials stand for. */
  readonly principal: string | undefined
  readonly grants: readonly string[]
  readonly redirects: readonly string[]
  /** It has a key, and proved it. */
  readonly confidential: boolean
  readonly createdBy: string
  readonly created_ms: number
}

export interface ClientRequest {
  readonly id: string
  readonly name: string
  readonly principal?: string | undefined
  /** Public keys, as JWKs; none for a public client. */
  readonly keys?: readonly object[] | undefined
  readonly by: string
}

/** The registry of clients. The command line of this project is in it from the start, as a public one. */
export interface Clients {
  /** Throws `token.invalid` naming what is wrong. */
  register(request: ClientRequest): Promise<Client>
  list(): Promise<Client[]>
  /** False when there is none. */
  remove(id: string): Promise<boolean>
  /**
   * The client a request comes from; undefined where it names none. A confidential one proves itself by `private_key_jwt` (RFC 7523); a public
   * one only says its name. Throws `oauth.client`, the same for an unknown client and a wrong assertion.
   */
  authenticate(form: Form): Promise<Client | undefined>
}

/** What an assertion may be signed with. */
export const CLIENT_ALGORITHMS = ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA'] as const
const BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/** The command line: anybody has its id, so it proves nothing by it. */
export const CLI_CLIENT: Client = {
  id: 'sluice-cli',
  name: 'the sluice command',
  principal: undefined,
  grants: [GRANT.code, GRANT.device, GRANT.exchange],
  redirects: [],
  confidential: false,
  createdBy: 'sluice',
  created_ms: 0,
}

export function createClients(parts: Exchange): Clients {
  const { store, clock, principals } = parts
  return {
    async register(request) {
      checkRequest(request, principals.lookup(request.principal ?? '')?.kind)
      const row: ClientRow = {
        id: request.id,
        name: request.name,
        principal: request.principal ?? null,
        keys: request.keys ? JSON.stringify({ keys: await publicKeys(request.keys) }) : null,
        grants: JSON.stringify(request.keys ? [GRANT.client, GRANT.exchange] : [GRANT.device, GRANT.exchange]),
        redirects: '[]',
        created_by: request.by,
        created_ms: clock.now_ms(),
        removed_ms: null,
        life: principals.lookup(request.principal ?? '')?.life ?? '',
      }
      if (request.id === CLI_CLIENT.id || !(await store.clients.add(row)))
        throw new SluiceError('token.invalid', `the client id ${request.id} is, or was, another client’s`)
      return clientOf(row)
    },
    list: async () => [CLI_CLIENT, ...(await store.clients.list(LIMITS.clients)).map(clientOf)],
    remove: (id) => store.clients.remove(id, clock.now_ms()),
    authenticate: (form) => authenticate(parts, form),
  }
}

function checkRequest({ id, name, principal, keys }: ClientRequest, kind: string | undefined): void {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(id))
    throw new SluiceError('token.invalid', 'a client id is letters, digits and . _ -, at most 64')
  if (name.length > LIMITS.client_chars) throw new SluiceError('token.invalid', 'the client’s name is too long')
  if (principal !== undefined && kind !== 'service' && kind !== 'agent')
    throw new SluiceError('token.invalid', `no policy document names a service or agent ${principal.slice(0, 100)}`)
  if ((principal === undefined) !== (keys === undefined))
    throw new SluiceError(
      'token.invalid',
      'a client that stands for a principal has keys, and one with keys stands for one',
    )
  if (keys && (keys.length === 0 || keys.length > LIMITS.client_keys))
    throw new SluiceError('token.invalid', `a client has 1 to ${LIMITS.client_keys} keys`)
}

/** The public parts of keys, read once so that a broken one is told at once. Throws `token.invalid`; also for a secret one, which is then no longer secret. */
async function publicKeys(keys: readonly object[]): Promise<JWK[]> {
  return await Promise.all(
    keys.map(async (key) => {
      const { kty, d } = key as JWK
      if (d !== undefined || kty === 'oct')
        throw new SluiceError('token.invalid', 'that is a private key; register the public one, and make a new pair')
      const alg = CLIENT_ALGORITHMS.find((each) => suits(key as JWK, each))
      if (alg === undefined)
        throw new SluiceError('token.invalid', `a key must suit one of ${CLIENT_ALGORITHMS.join(', ')}`)
      await importJWK(key as JWK, alg).catch((cause: unknown) => {
        throw new SluiceError('token.invalid', 'a key cannot be read', { cause })
      })
      return key as JWK
    }),
  )
}

function suits({ kty, crv, alg }: JWK, wanted: string): boolean {
  if (alg !== undefined && alg !== wanted) return false
  if (kty === 'RSA') return wanted === 'RS256' || wanted === 'PS256'
  if (kty === 'EC') return (crv === 'P-256' && wanted === 'ES256') || (crv === 'P-384' && wanted === 'ES384')
  return kty === 'OKP' && crv === 'Ed25519' && wanted === 'EdDSA'
}

function clientOf(row: ClientRow): Client {
  return {
    id: row.id,
    name: row.name,
    principal: row.principal ?? undefined,
    grants: JSON.parse(row.grants) as string[],
    redirects: JSON.parse(row.redirects) as string[],
    confidential: row.keys !== null,
    createdBy: row.created_by,
    created_ms: row.created_ms,
  }
}

async function authenticate(parts: Exchange, form: Form): Promise<Client | undefined> {
  form.without('client_secret')
  const assertion = form.get('client_assertion')
  const id = form.get('client_id') ?? (assertion === undefined ? undefined : claimedId(assertion))
  if (id === undefined) return undefined
  if (id === CLI_CLIENT.id && assertion === undefined) return CLI_CLIENT
  const row = await parts.store.clients.get(id)
  if (!row) throw new SluiceError('oauth.client', 'there is no client of this id')
  checkPrincipal(parts, row)
  if (row.keys !== null) await checkAssertion(parts, row, form)
  else if (assertion !== undefined) throw new SluiceError('oauth.client', 'the client has no key')
  return clientOf(row)
}

/** A key was registered for one principal: it is not that of another who has the name now, and of nobody who left. */
function checkPrincipal({ principals }: Exchange, { principal, life }: ClientRow): void {
  if (principal === null) return
  const known = principals.lookup(principal)
  if (!known || (known.life ?? '') !== life) throw new SluiceError('oauth.client', `its ${principal} is gone`)
}

/** RFC 7523 §3: issued by and about the client, for this issuer or its token endpoint alone, fresh, and used once. */
async function checkAssertion({ issuer, clock, store }: Exchange, row: ClientRow, form: Form): Promise<void> {
  const assertion = form.get('client_assertion')
  if (assertion === undefined || form.get('client_assertion_type') !== BEARER)
    throw new SluiceError('oauth.client', 'the client’s assertion is missing')
  try {
    const { alg, crit, jwk, jku, x5u, x5c } = decodeProtectedHeader(assertion)
    if (crit || jwk || jku || x5u || x5c) throw new Error('its header brings a key of its own')
    const keys = createLocalJWKSet(JSON.parse(row.keys!) as JSONWebKeySet)
    const { payload } = await jwtVerify(assertion, keys, {
      algorithms: [...CLIENT_ALGORITHMS].filter((each) => each === alg),
      issuer: row.id,
      subject: row.id,
      audience: [issuer(), `${issuer()}/oauth/token`],
      clockTolerance: LIMITS.assertion_skew_ms / 1_000,
      currentDate: new Date(clock.now_ms()),
      requiredClaims: ['exp', 'jti'],
    })
    const { exp, jti, aud } = payload
    if (Array.isArray(aud) && aud.length !== 1) throw new Error('it is meant for others as well')
    const last_ms = clock.now_ms() + LIMITS.assertion_lifetime_ms + LIMITS.assertion_skew_ms
    if (exp! * 1_000 > last_ms) throw new Error('it holds for more than five minutes')
    if (typeof jti !== 'string') throw new Error('its jti is no text')
    const first = await store.usedIds.use(`client:${row.id}`, sha256(jti), exp! * 1_000 + LIMITS.assertion_skew_ms)
    if (!first) throw new Error('its jti was used before')
  } catch (cause) {
    throw new SluiceError('oauth.client', cause instanceof Error ? cause.message : 'the assertion is wrong', { cause })
  }
}

/** The `iss` of an assertion, before anything is believed: it only says whose keys to try. */
function claimedId(assertion: string): string {
  try {
    const claims = JSON.parse(Buffer.from(assertion.split('.')[1] ?? '', 'base64url').toString('utf8')) as {
      iss?: unknown
    }
    return typeof claims.iss === 'string' ? claims.iss : ''
  } catch {
    return ''
  }
}

/** Client credentials (RFC 6749 §4.4): the client's own principal, for a quarter of an hour. */
export async function clientCredentials(parts: Exchange, { form, client, from }: GrantRequest): Promise<IssuedToken> {
  form.without('scope', 'resource', 'audience', 'authorization_details')
  if (!client?.confidential || client.principal === undefined)
    throw new SluiceError('oauth.client', 'no client with a key asked')
  const issued = await parts.identity.issueToken({
    principal: client.principal,
    label: client.name,
    ttl_ms: LIMITS.client_ttl_ms,
    by: `client:${client.id}`,
    client: client.id,
    kind: 'exchanged',
  })
  const stands = await parts.identity.authenticate({ kind: 'token', proof: issued.token.reveal(), from })
  if (!stands) throw new SluiceError('oauth.grant', `${client.principal} is shut out`)
  return issued
}
