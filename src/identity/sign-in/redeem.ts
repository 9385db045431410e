import { hash } from 'node:crypto'
import type { Clock } from '../../kit/clock.ts'
import { sha256 } from '../../kit/digest.ts'
import { SluiceError } from '../../kit/errors.ts'
import type { Store } from '../../store/store.ts'
import type { IssuedToken } from '../tokens.ts'
import { sameText } from './binding.ts'
import { CODE, SPENT } from './desk.ts'
import { LIMITS } from './limits.ts'
import type { SignIns } from './sign-ins.ts'

/** What a program shows at the token endpoint (RFC 6749 §4.1.3, RFC 7636 §4.5). */
export interface CodeProof {
  readonly code: string
  readonly verifier: string
  readonly redirectUri: string
  readonly client: string
  /** Peer address. */
  readonly from: string
}

interface Code {
  readonly signIn: string
  readonly client: string
  readonly redirectUri: string
  readonly challenge: string
}

export interface RedeemOptions {
  readonly store: Pick<Store, 'vouchers'>
  readonly signIns: SignIns
  readonly clock: Clock
}

/** A code against a token. A code is used up by its first showing, right or wrong. Throws `signin.expired` whatever did not fit. */
export async function redeemCode({ store, signIns, clock }: RedeemOptions, proof: CodeProof): Promise<IssuedToken> {
  const id = sha256(proof.code)
  const now_ms = clock.now_ms()
  const body = await store.vouchers.take(CODE, id, now_ms)
  if (body === undefined) {
    // RFC 6749 §4.1.2: two have the code, and which of them is the thief nobody knows.
    const led = await store.vouchers.take(SPENT, id, now_ms)
    if (led !== undefined) await signIns.end(led, 'its code was shown twice', proof.client)
    throw new SluiceError('signin.expired', 'code: unknown, used or too old')
  }
  const { signIn, client, redirectUri, challenge } = JSON.parse(body) as Code
  // Before there is a token: a second showing from here on finds what to end.
  await store.vouchers.issue(
    { kind: SPENT, id, body: signIn, expires_ms: now_ms + LIMITS.spent_ms },
    LIMITS.codes,
    now_ms,
  )
  const fits =
    /^[A-Za-z0-9._~-]{43,128}$/.test(proof.verifier) &&
    sameText(hash('sha256', proof.verifier, 'base64url'), challenge) &&
    proof.redirectUri === redirectUri &&
    proof.client === client
  if (!fits) {
    // Somebody else has the code: what it stood for ends.
    await signIns.end(signIn, 'its code was shown with the wrong proof', client)
    throw new SluiceError('signin.expired', 'code: shown with the wrong verifier, address or client')
  }
  return await signIns.token(signIn, 'sluice login')
}
