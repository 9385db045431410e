import type { Clock } from '../kit/clock.ts'
import { sha256 } from '../kit/digest.ts'
import { SluiceError } from '../kit/errors.ts'
import type { Log } from '../kit/log.ts'
import { Lru } from '../kit/lru.ts'
import type { IdentityPort } from '../model/ports.ts'
import type { Claim, Principal } from '../model/principal.ts'
import type { Store } from '../store/store.ts'
import type { TokenRow } from '../store/tokens.ts'
import { type Block, type BlockKind, type BlockRequest, type Blocks, createBlocks } from './blocks.ts'
import { type DelegationRequest, delegate } from './delegation.ts'
import { LIMITS } from './limits.ts'
import { type PrincipalDirectory, principalOf, stillStands } from './principals.ts'
import type { SshCa } from './ssh-ca.ts'
import type { SshLinks } from './ssh-links.ts'
import {
  certificateHash,
  cookieHash,
  type IssuedToken,
  issueToken,
  registerCertificate,
  registerSshKey,
  sshKeyHash,
  type TokenRequest,
  type TokenSummary,
  tokenSummary,
} from './tokens.ts'
import { createWatches } from './watches.ts'

export interface IdentityOptions {
  readonly store: Pick<Store, 'tokens' | 'blocks'>
  readonly clock: Clock
  readonly principals: PrincipalDirectory
  readonly log?: Log
  /** Proofs of SSH; without them nobody signs in by one. */
  readonly ssh?: { readonly ca: Pick<SshCa, 'read'>; readonly links: Pick<SshLinks, 'invite' | 'redeem'> }
}

/** Local tokens, and the principals they stand for. */
export interface Identity extends IdentityPort {
  /** Throws `token.invalid` naming what is wrong with the request. */
  issueToken(request: TokenRequest): Promise<IssuedToken>
  /** A token for an agent that acts for the one who asks, with no more rights than both and the request leave. Throws `delegation.*`. */
  delegate(request: DelegationRequest): Promise<IssuedToken>
  /** A client certificate (PEM) that stands for a principal as a token does. Throws `token.invalid`, also for one already registered. */
  registerCertificate(request: TokenRequest, certificate: string): Promise<TokenSummary>
  /** An SSH public key (a line of a `.pub` file) that stands for a principal as a token does. Throws `token.invalid`. */
  registerSshKey(request: TokenRequest, publicKey: string): Promise<TokenSummary>
  /** False when there is no such token, or it was revoked before. Live sessions of it, and of what was exchanged from it, end before this resolves. */
  revokeToken(id: string, by: string): Promise<boolean>
  /** Newest first, at most 1,000. */
  listTokens(): Promise<TokenSummary[]>
  token(id: string): Promise<TokenSummary | undefined>
  /** Shuts a principal, a resource or everything out until it is lifted; false when it was already. A principal's live sessions end before this resolves. */
  block(request: BlockRequest): Promise<boolean>
  /** False when it was not shut out. */
  unblock(kind: BlockKind, subject: string, by: string): Promise<boolean>
  blocks(): Promise<readonly Block[]>
  /** Looks for proofs that ended: revoked by another process, expired, or with a principal the documents no longer know as it was. Runs by itself every second. */
  sweep(): Promise<void>
  /** Why a token or cookie that was good once stands for nobody now; undefined for one nobody ever had. Only who holds its text can ask. */
  whyEnded(claim: Claim): Promise<'identity.killed' | 'identity.revoked' | undefined>
  close(): void
}

/** A hash no token has: what a proof that cannot be one is looked up as, so that it costs the same. */
const NOBODY = '0'.repeat(64)

/** Local tokens behind the engine's identity port. Holds one timer, which does not keep the process alive. */
export function createIdentity(options: IdentityOptions): Identity {
  const { store, clock, principals, log } = options
  const blocks = createBlocks({ store: store.blocks, clock })
  const watches = createWatches({ tokens: store.tokens, clock, principals, blocks })
  const { forget, authenticate } = createProofs(options, blocks)
  let epoch = -1

  async function sweep(): Promise<void> {
    const now = await store.tokens.epoch()
    if (now !== epoch) {
      await blocks.load()
      epoch = now
      forget()
      await watches.checkRevoked()
    }
    watches.checkStanding()
  }

  const timer = setInterval(() => {
    sweep().catch((error: unknown) => {
      // What cannot be checked is not trusted: the next sign-in asks the store itself.
      forget()
      epoch = -1
      log?.error('looking for revoked tokens failed', { error: String(error) })
    })
  }, LIMITS.sweep_ms)
  timer.unref()

  return {
    ...officeOf(options),
    delegate: (request) => delegateUnlessShut(options, blocks, request),
    async authenticate(claim: Claim) {
      if (!blocks.loaded) await sweep()
      return authenticate(claim)
    },
    onRevoked: (principal, ended) => watches.add(principal, ended),
    barred: (resource) => blocks.barred(resource),
    ...(options.ssh && { invite: options.ssh.links.invite }),
    async revokeToken(id, by) {
      const ended = await store.tokens.revoke(id, by, clock.now_ms())
      forget()
      for (const each of ended) watches.end(each, 'the token was revoked')
      return ended.length > 0
    },
    async block(request) {
      const added = await blocks.add(request)
      forget()
      watches.checkStanding()
      return added
    },
    unblock: (kind, subject, by) => blocks.lift(kind, subject, by),
    async blocks() {
      if (!blocks.loaded) await blocks.load()
      return blocks.list()
    },
    sweep,
    async whyEnded(claim) {
      const row = await store.tokens.byHash(hashOf(claim))
      if (!row) return undefined
      if (!holds(row, clock.now_ms())) return 'identity.revoked'
      const principal = principalOf(row, principals)
      return principal && blocks.of(principal) ? 'identity.killed' : 'identity.revoked'
    },
    close: () => clearInterval(timer),
  }
}

/** An agent that is shut out would have a token that opens nothing; better it has none. */
async function delegateUnlessShut(
  options: IdentityOptions,
  blocks: Blocks,
  request: DelegationRequest,
): Promise<IssuedToken> {
  if (!blocks.loaded) await blocks.load()
  if (blocks.list().some(({ kind, subject }) => kind === 'principal' && subject === request.agent))
    throw new SluiceError('delegation.refused', `${request.agent} is shut out`)
  return await delegate(options, request)
}

type Office = Pick<Identity, 'issueToken' | 'registerCertificate' | 'registerSshKey' | 'listTokens' | 'token'>

/** Issuing and listing. */
function officeOf(options: IdentityOptions): Office {
  const { tokens } = options.store
  return {
    issueToken: (request) => issueToken(options, request),
    registerCertificate: (request, certificate) => registerCertificate(options, request, certificate),
    registerSshKey: (request, publicKey) => registerSshKey(options, request, publicKey),
    listTokens: async () => (await tokens.list(LIMITS.listed_tokens)).map(tokenSummary),
    async token(id) {
      const row = await tokens.byId(id)
      return row && tokenSummary(row)
    },
  }
}

/** Whom a proof stands for; what was found is kept warm until something is forgotten. */
function createProofs(options: IdentityOptions, blocks: Blocks) {
  const { store, clock, principals, ssh } = options
  const warm = new Lru<string, Principal>(LIMITS.warm_tokens)
  let generation = 0
  const stands = (principal: Principal) =>
    principal.expires_ms! > clock.now_ms() && stillStands(principal, principals) && !blocks.of(principal)

  /** Unknown, expired, revoked: each is one hash, one lookup and these comparisons. */
  async function lookUp(hash: string): Promise<Principal | undefined> {
    const before = generation
    const row = await store.tokens.byHash(hash)
    // A token was revoked while we read: what we read may be older.
    if (before !== generation) return lookUp(hash)
    if (!row || !holds(row, clock.now_ms())) return undefined
    const principal = principalOf(row, principals)
    if (!principal || blocks.of(principal)) return undefined
    warm.set(hash, principal)
    return principal
  }

  return {
    forget(): void {
      generation++
      warm.clear()
    },
    async authenticate(claim: Claim): Promise<Principal | undefined> {
      if (claim.kind === 'link') {
        const person = ssh?.links.redeem(claim.proof)
        return person && stands(person) ? person : undefined
      }
      const hash = claim.kind === 'ssh-certificate' ? await certifiedHash(options, claim.proof) : hashOf(claim)
      const known = warm.get(hash)
      return known && stands(known) ? known : lookUp(hash)
    },
  }
}

/** A certificate names the token it stands for, and whom: both must still be what they were when it was signed. */
async function certifiedHash({ ssh, store }: IdentityOptions, certificate: string): Promise<string> {
  const named = ssh?.ca.read(certificate)
  const row = named && (await store.tokens.byId(named.credential))
  if (!row) return NOBODY
  const chain = [row.principal, ...(JSON.parse(row.actors) as string[])]
  return chain.join(' ') === named.chain.join(' ') ? row.hash : NOBODY
}

/** What a proof is looked up by. The TLS handshake has shown that a certificate's sender holds its key; which one it is decides here. */
function hashOf(claim: Claim): string {
  if (claim.kind === 'ssh-key') return sshKeyHash(claim.proof)
  if (claim.kind !== 'certificate') {
    if (claim.proof.length > LIMITS.proof_chars) return NOBODY
    return claim.kind === 'cookie' ? cookieHash(claim.proof) : sha256(claim.proof)
  }
  try {
    return certificateHash(claim.proof)
  } catch {
    return NOBODY
  }
}

function holds(row: TokenRow, now_ms: number): boolean {
  // The hash of a cookie is another than that of the same text as a token: neither passes for the other.
  return (row.purpose === 'access' || row.purpose === 'sign-in') && row.revoked_ms === null && row.expires_ms > now_ms
}
