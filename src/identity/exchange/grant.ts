import type { Clock } from '../../kit/clock.ts'
import type { LedgerPort } from '../../model/ports.ts'
import type { TrustDirectory } from '../../model/trust.ts'
import type { Store } from '../../store/store.ts'
import type { Attempts } from '../attempts.ts'
import type { Identity } from '../identity.ts'
import type { PrincipalDirectory } from '../principals.ts'
import type { IssuedToken } from '../tokens.ts'
import type { Client } from './clients.ts'
import type { Form } from './form.ts'

/** What a program shows for an authorization code (RFC 6749 §4.1.3, RFC 7636 §4.5). */
export interface CodeProof {
  readonly code: string
  readonly verifier: string
  readonly redirectUri: string
  readonly client: string
  readonly from: string
}

/** What the grants stand on. */
export interface Exchange {
  readonly identity: Identity
  readonly store: Pick<Store, 'clients' | 'devices' | 'usedIds' | 'tokens'>
  readonly principals: PrincipalDirectory
  readonly trust: () => TrustDirectory
  readonly attempts: Attempts
  readonly ledger: LedgerPort
  readonly clock: Clock
  /** The issuer identifier: the API's public base URL. */
  readonly issuer: () => string
  /** Authorization codes of people who signed in by browser. */
  readonly redeem: (proof: CodeProof) => Promise<IssuedToken>
}

export const GRANT = {
  exchange: 'urn:ietf:params:oauth:grant-type:token-exchange',
  client: 'client_credentials',
  device: 'urn:ietf:params:oauth:grant-type:device_code',
  code: 'authorization_code',
} as const

/** A grant as its function sees it. */
export interface GrantRequest {
  readonly form: Form
  readonly client: Client | undefined
  readonly from: string
}
