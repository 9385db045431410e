import type { Clock } from '../../kit/clock.ts'
import { SluiceError } from '../../kit/errors.ts'
import type { Log } from '../../kit/log.ts'
import type { LedgerPort, SealPort, SecretPort } from '../../model/ports.ts'
import type { SignInRow } from '../../store/sign-ins.ts'
import type { Store } from '../../store/store.ts'
import { type Attempts, createAttempts } from '../attempts.ts'
import type { Identity } from '../identity.ts'
import { createOidc } from '../oidc/oidc.ts'
import type { People, PeopleDocuments } from '../people.ts'
import { createSaml } from '../saml/saml.ts'
import { createScim, type Scim } from '../scim/scim.ts'
import type { IssuedToken } from '../tokens.ts'
import { createTurnstile } from '../turnstile.ts'
import { backChannel } from './back-channel.ts'
import { type BreakGlass, createBreakGlass } from './break-glass.ts'
import { createSignInDesk, type SignInDesk } from './desk.ts'
import { LIMITS } from './limits.ts'
import { createRecheck } from './recheck.ts'
import { type CodeProof, redeemCode } from './redeem.ts'
import { type AskedLogout, samlLogout } from './saml-logout.ts'
import { createSignIns, type SignIns } from './sign-ins.ts'

export interface SignInServiceOptions {
  readonly store: Pick<Store, 'people' | 'signIns' | 'vouchers' | 'usedIds' | 'scim' | 'breakGlass'>
  readonly identity: Identity
  readonly people: People
  readonly documents: () => PeopleDocuments
  readonly secrets: Pick<SecretPort, 'read'>
  readonly seal: SealPort
  readonly ledger: LedgerPort
  readonly attempts: Attempts
  /** In place of the bound on sign-ins begun. */
  readonly flowAttempts?: Attempts
  readonly base: () => string
  readonly clock: Clock
  readonly log: Log
}

/** Everything the API needs to let people in and out. */
export interface SignInService {
  readonly desk: SignInDesk
  readonly signIns: SignIns
  readonly scim: Scim
  readonly breakGlass: BreakGlass
  /** Base of our own URLs. */
  base(): string
  redeem(proof: CodeProof): Promise<IssuedToken>
  /** Whether the person showed a credential lately enough for what needs it. */
  isFresh(row: SignInRow): boolean
  /** Ends the sign-in behind a credential, or the credential where there is none. Returns where the browser goes to end the provider's own session, if anywhere. */
  leave(credential: string, by: string): Promise<string | undefined>
  /** A provider's word that sessions of its own ended (back-channel logout): ends ours. Throws `signin.answer`. Returns how many ended. */
  logoutToken(provider: string, token: string, from: string): Promise<number>
  /** The same by SAML. Returns where the browser goes with our answer, if anywhere. Throws `signin.answer`. */
  samlLogout(provider: string, asked: AskedLogout): Promise<string | undefined>
  /** Asks providers about everyone who is due. Runs by itself. */
  recheck(): Promise<void>
  /** Our SAML metadata for a provider. Throws `api.not_found` for one that speaks no SAML. */
  metadata(provider: string): Promise<string>
  close(): void
}

export function createSignInService(options: SignInServiceOptions): SignInService {
  const { documents, base, clock } = options
  const oidc = createOidc(options)
  const saml = createSaml(options)
  const signIns = createSignIns(options)
  const providers = () => documents().providers
  const attempts = options.flowAttempts ?? createAttempts({ clock, bounds: LIMITS.flow_attempts })
  const reading = createTurnstile(LIMITS.saml)
  const desk = createSignInDesk({ ...options, attempts, reading, providers, signIns, oidc, saml })
  const breakGlass = createBreakGlass(options)
  options.people.also(breakGlass)
  const recheck = createRecheck({ ...options, signIns, oidc, providers })
  return {
    desk,
    signIns,
    scim: createScim({ ...options, providers }),
    breakGlass,
    base,
    isFresh({ provider, auth_ms }) {
      const age_ms = clock.now_ms() - auth_ms
      return age_ms >= -LIMITS.ahead_ms && age_ms <= (providers().get(provider)?.times.fresh_ms ?? 0)
    },
    redeem: (proof) => redeemCode({ ...options, signIns }, proof),
    async leave(credential, by) {
      const row = await signIns.of(credential)
      // A token no provider stands behind is all there is to end.
      if (!row) return void (await options.identity.revokeToken(credential, by))
      const grant = signIns.grantOf(row)
      await signIns.end(row.id, 'signed out', by)
      const provider = providers().get(row.provider)
      if (provider?.saml && grant.nameId)
        return await saml.endSession(provider, { nameId: grant.nameId, sid: row.sid }).catch(() => undefined)
      if (!provider?.oidc) return undefined
      if (grant.refresh) await oidc.forget(provider, grant.refresh)
      const { idToken } = grant
      const to = await oidc
        .endSession(provider, { returnTo: `${base()}/sign-out`, ...(idToken && { idToken }) })
        .catch(() => undefined)
      return to?.href
    },
    recheck: () => recheck.run(),
    async metadata(name) {
      const provider = providers().get(name)
      if (!provider?.saml) throw new SluiceError('api.not_found')
      return await saml.metadata(provider)
    },
    logoutToken: (name, token, from) => backChannel({ ...options, signIns, oidc, providers, name, token, from }),
    samlLogout: (name, asked) => samlLogout({ ...options, signIns, saml, providers, attempts, reading, name, asked }),
    close: () => recheck.close(),
  }
}
