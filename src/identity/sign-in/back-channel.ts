import { SluiceError } from '../../kit/errors.ts'
import type { Log } from '../../kit/log.ts'
import type { LedgerPort } from '../../model/ports.ts'
import type { IdentityProvider } from '../../model/provider.ts'
import type { Store } from '../../store/store.ts'
import type { Attempts } from '../attempts.ts'
import type { Oidc } from '../oidc/oidc.ts'
import { signInJournal } from './journal.ts'
import type { SignIns } from './sign-ins.ts'

export interface BackChannel {
  readonly store: Pick<Store, 'signIns' | 'usedIds'>
  readonly signIns: Pick<SignIns, 'end'>
  readonly oidc: Pick<Oidc, 'logoutToken'>
  readonly providers: () => ReadonlyMap<string, IdentityProvider>
  readonly attempts: Attempts
  readonly ledger: LedgerPort
  readonly log: Log
  /** The provider's name here. */
  readonly name: string
  readonly token: string
  /** Peer address. */
  readonly from: string
}

/** Ends what a logout token names (OpenID Connect Back-Channel Logout 1.0 §2.6): a session of the provider where it names one, else everything of the subject. */
export async function backChannel(options: BackChannel): Promise<number> {
  const { store, signIns, oidc, attempts, name, token, from } = options
  try {
    const provider = options.providers().get(name)
    if (!provider?.oidc) throw new SluiceError('api.not_found')
    const { subject, sid, jti, expires_ms } = await oidc.logoutToken(provider, token)
    if (!(await store.usedIds.use(`logout ${provider.oidc.issuer}`, jti, expires_ms)))
      throw new SluiceError('signin.answer', 'logout token: it was used before')
    const of = { provider: name, ...(subject !== undefined && { subject }), ...(sid !== undefined && { sid }) }
    const rows = await store.signIns.standing(of)
    for (const row of rows) await signIns.end(row.id, 'signed out at the identity provider', name)
    return rows.length
  } catch (error) {
    if (attempts.failed('logout', from)) throw new SluiceError('api.limited', 'logout', { cause: error })
    signInJournal(options).refused({ provider: name, from, logout: true }, error)
    throw error
  }
}
