import { setTimeout as sleep } from 'node:timers/promises'
import { CommandFailure, EXIT } from '../exit.ts'
import { type GivenToken, givenToken, OauthFailure, postForm } from './token-endpoint.ts'

const GRANT = 'urn:ietf:params:oauth:grant-type:device_code'
const CLIENT = 'sluice-cli'
const SLOW_DOWN_S = 5

/** Signs in by a code that is entered on another machine (RFC 8628). `show` is told the address and the code. Throws CommandFailure. */
export async function byDevice(
  gateway: string,
  show: (at: { readonly page: string; readonly code: string; readonly direct: string }) => void,
): Promise<GivenToken> {
  const begun = await postForm(`${gateway}/oauth/device_authorization`, { client_id: CLIENT })
  const { device_code, user_code, verification_uri, verification_uri_complete, expires_in, interval } = begun
  show({ page: String(verification_uri), code: String(user_code), direct: String(verification_uri_complete) })
  let wait_s = Number(interval) || SLOW_DOWN_S
  for (const end = Date.now() + Number(expires_in) * 1_000; Date.now() < end; ) {
    await sleep(wait_s * 1_000)
    try {
      return givenToken(
        await postForm(`${gateway}/oauth/token`, {
          grant_type: GRANT,
          client_id: CLIENT,
          device_code: String(device_code),
        }),
      )
    } catch (error) {
      if (!(error instanceof OauthFailure)) throw error
      if (error.error === 'slow_down') wait_s += SLOW_DOWN_S
      else if (error.error !== 'authorization_pending') throw error
    }
  }
  throw new CommandFailure('Nobody signed in in time.', EXIT.failure, 'Start again: sluice login --device')
}
