import { unanswered } from '../../api/client.ts'
import { CommandFailure, EXIT } from '../exit.ts'

/** What the token endpoint answered with. */
export interface GivenToken {
  readonly token: string
  readonly expires_in_s: number
}

/** An error of the token endpoint, by its registered name. */
export class OauthFailure extends CommandFailure {
  readonly error: string
  constructor(error: string, description: string) {
    super(description || `The gateway refused: ${error}.`, EXIT.denied, 'Start again: sluice login')
    this.error = error
  }
}

/** Throws CommandFailure, with those there are, for a provider the gateway has none of; before a browser opens. */
export async function checkProvider(gateway: string, wanted: string): Promise<void> {
  const metadata = await ask(`${gateway}/.well-known/oauth-authorization-server`, {})
  const { identity_providers: known } = metadata as { identity_providers?: readonly { readonly name: string }[] }
  // A gateway that does not say is asked by the browser.
  if (!Array.isArray(known) || known.some(({ name }) => name === wanted)) return
  const names = known.map(({ name }) => name).join(', ')
  throw new CommandFailure(
    `There is no identity provider ${wanted} here.`,
    EXIT.usage,
    names === '' ? 'None is set up: an administrator writes one (docs/guides/oidc.md).' : `There is: ${names}.`,
  )
}

/** Posts a form to an OAuth endpoint of the gateway. Throws OauthFailure, or SluiceError `api.unreachable` or `api.untrusted`. */
export async function postForm(
  url: string,
  fields: Readonly<Record<string, string>>,
): Promise<Record<string, unknown>> {
  return await ask(url, { method: 'POST', body: new URLSearchParams(fields) })
}

async function ask(url: string, init: RequestInit): Promise<Record<string, unknown>> {
  const response = await fetch(url, {
    ...init,
    redirect: 'error',
    signal: AbortSignal.timeout(30_000),
  }).catch((cause: unknown) => {
    throw unanswered(new URL(url).origin, cause)
  })
  const answer = (await response.json().catch(() => ({}))) as Record<string, unknown>
  if (response.ok) return answer
  throw new OauthFailure(
    String(answer.error ?? answer.code ?? response.status),
    String(answer.error_description ?? answer.message ?? ''),
  )
}

export function givenToken(answer: Record<string, unknown>): GivenToken {
  const { access_token, expires_in } = answer
  if (typeof access_token !== 'string' || typeof expires_in !== 'number')
    throw new CommandFailure(
      'The gateway’s answer cannot be read.',
      EXIT.failure,
      'Use the same version of sluice as the gateway.',
    )
  return { token: access_token, expires_in_s: expires_in }
}
