import { hash, X509Certificate } from 'node:crypto'
import type { Clock } from '../kit/clock.ts'
import { sha256 } from '../kit/digest.ts'
import { SluiceError } from '../kit/errors.ts'
import { newId } from '../kit/ids.ts'
import { Secret } from '../kit/secret.ts'
import type { Principal } from '../model/principal.ts'
import type { Scope } from '../model/scope.ts'
import type { Store } from '../store/store.ts'
import type { NewToken, TokenRow } from '../store/tokens.ts'
import { scopeOf, scopeText } from './authorization-details.ts'
import { LIMITS } from './limits.ts'
import { mayActFor, type PrincipalDirectory, principalOf } from './principals.ts'
import { blobOf } from './ssh-ca.ts'
import { newTokenText } from './token.ts'

export interface TokenRequest {
  /** The principal's id: `human:ada`, `agent:triage-bot`. */
  readonly principal: string
  /** Ids of the parties it acts for, nearest first. */
  readonly actors?: readonly string[]
  readonly label: string
  /** Milliseconds it holds, 1 s to 366 days. */
  readonly ttl_ms: number
  /** Id of who issues it. */
  readonly by: string
  /** What it is narrowed to. */
  readonly scope?: Scope | undefined
  /** What issuers said of its parties: id to claims. */
  readonly claims?: Readonly<Record<string, Principal['claims']>>
  /** The OAuth client that asked for it. */
  readonly client?: string
  /** Id of the token it is exchanged from: it ends with it. */
  readonly parent?: string
  /** `sign-in`: the root of a sign-in, accepted as a browser's cookie and nowhere else. Default `access`. */
  readonly purpose?: 'access' | 'sign-in'
  /** How it comes to be. Default `issued`, which never counts as a fresh sign-in. */
  readonly kind?: TokenKind
}

/**
 * How a token came to be: made on the gateway's own machine; handed out to who signed in; to who opened the break-glass account; asked for at the
 * API by somebody for somebody; or for another proof at the token endpoint.
 */
export type TokenKind = 'machine' | 'sign-in' | 'break-glass' | 'issued' | 'exchanged'

/** A token as it may be shown: everything but its text. */
export interface TokenSummary {
  readonly id: string
  readonly kind: TokenKind
  readonly principal: string
  readonly actors: readonly string[]
  readonly label: string
  readonly createdBy: string
  readonly created_ms: number
  readonly expires_ms: number
  readonly revoked_ms?: number
  readonly revokedBy?: string
  readonly scope?: Scope
  readonly client?: string
}

export interface IssuedToken extends TokenSummary {
  /** The only time the text exists outside its holder's hands. */
  readonly token: Secret
}

export interface Office {
  readonly store: Pick<Store, 'tokens'>
  readonly clock: Clock
  readonly principals: PrincipalDirectory
}

/** Issues a token. Throws `token.invalid` naming what is wrong with the request. */
export async function issueToken(office: Office, request: TokenRequest): Promise<IssuedToken> {
  const text = newTokenText()
  const known = request.purpose === 'sign-in' ? cookieHash(text) : sha256(text)
  return { ...(await record(office, request, known)), token: new Secret(text) }
}

/** What a cookie is known by: another function than a token's, so that no text is good for both. */
export function cookieHash(text: string): string {
  return hash('sha512-256', text, 'hex')
}

/** Lets a client certificate (PEM) stand for the principal, in place of a token's text. Throws `token.invalid`. */
export async function registerCertificate(
  office: Office,
  request: TokenRequest,
  certificate: string,
): Promise<TokenSummary> {
  return await record(office, request, certificateHash(certificate))
}

/** Lets an SSH public key (a line of a `.pub` file) stand for the principal, in place of a token's text. Throws `token.invalid`. */
export async function registerSshKey(office: Office, request: TokenRequest, publicKey: string): Promise<TokenSummary> {
  return await record(office, request, sshKeyHash(blobOf(publicKey).toString('base64')))
}

/** What an SSH public key (base64) is known by. A token is hashed as text, and no text has this first byte: nobody types a key as a token. */
export function sshKeyHash(key: string): string {
  return sha256(Buffer.concat([Buffer.from([0xff]), Buffer.from('ssh-key'), Buffer.from(key, 'base64')]))
}

async function record(
  { store, clock, principals }: Office,
  request: TokenRequest,
  hash: string,
): Promise<TokenSummary> {
  const actors = request.actors ?? []
  const now_ms = clock.now_ms()
  const parent = request.parent === undefined ? undefined : await store.tokens.byId(request.parent)
  if (request.parent !== undefined && !(parent && stands(parent, principals, now_ms))) throw ended()
  const expires_ms = now_ms + Math.floor(request.ttl_ms)
  checkRequest(request, actors, principals)
  const lives = [request.principal, ...actors].map((id) => principals.lookup(id)?.life ?? '')
  const row: NewToken & TokenRow = {
    id: newId('tok', now_ms),
    hash,
    principal: request.principal,
    actors: JSON.stringify(actors),
    label: request.label,
    created_by: request.by,
    created_ms: now_ms,
    expires_ms: Math.min(expires_ms, parent?.expires_ms ?? expires_ms),
    revoked_ms: null,
    revoked_by: null,
    purpose: request.purpose ?? 'access',
    scope: request.scope ? scopeText(request.scope) : null,
    claims: JSON.stringify(request.claims ?? {}),
    client: request.client ?? '',
    parent: request.parent ?? null,
    kind: request.kind ?? 'issued',
    lives: JSON.stringify(lives),
  }
  if (!(await store.tokens.insert(row))) throw ended()
  return tokenSummary(row)
}

/** Whether a credential is a token of ours; a workload’s own proof is none. */
export const isTokenId = (credential: string) => credential.startsWith('tok_')

/** Whether a token that another is to come of still proves anybody. */
function stands(row: TokenRow, principals: PrincipalDirectory, now_ms: number): boolean {
  return row.revoked_ms === null && row.expires_ms > now_ms && principalOf(row, principals) !== undefined
}

const ended = () => new SluiceError('identity.revoked', 'what the token was to come of has ended')

/** SHA-256 of a certificate's DER form, hex: what it is known by. Throws `token.invalid` for what is not a certificate. */
export function certificateHash(pem: string): string {
  try {
    return sha256(new X509Certificate(pem).raw)
  } catch (cause) {
    throw new SluiceError('token.invalid', 'that is not a certificate in PEM form', { cause })
  }
}

function checkRequest(request: TokenRequest, actors: readonly string[], principals: PrincipalDirectory): void {
  const ids = [request.principal, ...actors]
  for (const id of ids) {
    if (!principals.lookup(id))
      throw new SluiceError('token.invalid', `no policy document names ${JSON.stringify(id.slice(0, 100))}`)
  }
  if (new Set(ids).size !== ids.length) throw new SluiceError('token.invalid', 'a principal cannot act for itself')
  ids.slice(1).forEach((actor, i) => {
    const groups = principals.lookup(actor)!.groups
    if (!mayActFor(principals.lookup(ids[i]!)!, { id: actor, groups })) {
      throw new SluiceError('token.invalid', `the document of ${ids[i]} does not list ${actor} among its delegators`)
    }
  })
  if (ids.filter((id) => principals.lookup(id)!.kind === 'agent').length > LIMITS.delegation_depth)
    throw new SluiceError('token.invalid', `at most ${LIMITS.delegation_depth} agents may stand in a chain`)
  if (actors.length > LIMITS.actors)
    throw new SluiceError('token.invalid', `at most ${LIMITS.actors} parties can stand behind a principal`)
  if (request.label.length > LIMITS.label_chars)
    throw new SluiceError('token.invalid', `a label has at most ${LIMITS.label_chars} characters`)
  if (!(request.ttl_ms >= LIMITS.token_ttl_min_ms && request.ttl_ms <= LIMITS.token_ttl_max_ms)) {
    throw new SluiceError('token.invalid', 'a token holds for 1 second to 366 days')
  }
  const longest_ms = lifetimeOf(ids, principals)
  if (request.ttl_ms > longest_ms)
    throw new SluiceError('token.invalid', `the documents let this token hold for ${longest_ms / 1_000} s at most`)
}

/** The longest a token of this chain may hold by the documents, in milliseconds. */
export function lifetimeOf(ids: readonly string[], principals: PrincipalDirectory): number {
  return Math.min(...ids.map((id) => principals.lookup(id)?.maxLifetime_ms ?? LIMITS.token_ttl_max_ms))
}

/** A kind this program does not know was written by a newer one: it proves the least. */
const kindOf = (kind: string): TokenKind => KINDS.find((each) => each === kind) ?? 'issued'
const KINDS: readonly TokenKind[] = ['machine', 'sign-in', 'break-glass', 'issued', 'exchanged']

/** A stored token without its hash. */
export function tokenSummary(row: TokenRow): TokenSummary {
  const scope = scopeOf(row.scope)
  return {
    id: row.id,
    kind: kindOf(row.kind),
    principal: row.principal,
    actors: JSON.parse(row.actors) as string[],
    label: row.label,
    createdBy: row.created_by,
    created_ms: row.created_ms,
    expires_ms: row.expires_ms,
    ...(row.revoked_ms === null ? {} : { revoked_ms: row.revoked_ms, revokedBy: row.revoked_by ?? '' }),
    ...(scope ? { scope } : {}),
    ...(row.client === '' ? {} : { client: row.client }),
  }
}
