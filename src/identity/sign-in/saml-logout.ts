import { SluiceError } from '../../kit/errors.ts'
import type { Log } from '../../kit/log.ts'
import type { LedgerPort } from '../../model/ports.ts'
import type { IdentityProvider, SamlSettings } from '../../model/provider.ts'
import type { SignInRow } from '../../store/sign-ins.ts'
import type { Store } from '../../store/store.ts'
import type { Attempts } from '../attempts.ts'
import { LIMITS as SAML_LIMITS } from '../saml/limits.ts'
import type { LogoutMessage, LogoutRequest } from '../saml/logout.ts'
import { sameNameId } from '../saml/name-id.ts'
import type { Saml } from '../saml/saml.ts'
import type { Turnstile } from '../turnstile.ts'
import { signInJournal } from './journal.ts'
import { LIMITS } from './limits.ts'
import type { SignIns } from './sign-ins.ts'

/** A provider's request to log out, brought by somebody's browser. */
export interface AskedLogout {
  readonly message: LogoutMessage
  readonly relayState: string | undefined
  /** Peer address. */
  readonly from: string
}

export interface SamlLogoutOptions {
  readonly store: Pick<Store, 'signIns'>
  readonly signIns: Pick<SignIns, 'end' | 'grantOf'>
  readonly saml: Pick<Saml, 'logoutRequest' | 'logoutAnswer'>
  readonly providers: () => ReadonlyMap<string, IdentityProvider>
  readonly attempts: Attempts
  /** SAML is read a few messages at a time. */
  readonly reading: Turnstile
  readonly ledger: LedgerPort
  readonly log: Log
  /** The provider's name here. */
  readonly name: string
  readonly asked: AskedLogout
}

/**
 * Ends what a LogoutRequest names (SAML Profiles §4.4): all sign-ins of the person, or those of the provider's sessions it lists. Nobody known by
 * that name is no failure, and ends nothing. Returns where the browser goes with our answer, if anywhere.
 */
export async function samlLogout(options: SamlLogoutOptions): Promise<string | undefined> {
  const { signIns, saml, attempts, name, asked } = options
  try {
    const provider = options.providers().get(name)
    if (!provider?.saml) throw new SluiceError('api.not_found')
    if ((asked.relayState?.length ?? 0) > SAML_LIMITS.relay_chars)
      throw new SluiceError('signin.answer', 'SAML: the RelayState is too long')
    const request = await options.reading(asked.from, () => saml.logoutRequest(provider, asked.message))
    for (const row of await named(options, provider.saml, request))
      await signIns.end(row.id, 'signed out at the identity provider', name)
    return await saml.logoutAnswer(provider, { request: request.id, relayState: asked.relayState })
  } catch (error) {
    if (attempts.failed('answer', asked.from, LIMITS.saml_weight))
      throw new SluiceError('api.limited', 'answer', { cause: error })
    signInJournal(options).refused({ provider: name, from: asked.from, logout: true }, error)
    throw error
  }
}

/** The sign-ins of that name, which need not be the subject: each keeps the one it came with. */
async function named(
  { store, signIns, name }: SamlLogoutOptions,
  saml: SamlSettings,
  request: LogoutRequest,
): Promise<SignInRow[]> {
  const [sid, ...more] = request.sessions
  const rows = await store.signIns.standing({
    provider: name,
    ...(saml.subject === undefined && { subject: request.nameId.value }),
    ...(sid !== undefined && more.length === 0 && { sid }),
  })
  return rows.filter((row) => {
    if (request.sessions.length > 0 && !request.sessions.includes(row.sid)) return false
    const { nameId } = signIns.grantOf(row)
    return nameId !== undefined && sameNameId(nameId, request.nameId)
  })
}
