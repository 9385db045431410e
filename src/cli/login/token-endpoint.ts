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

/** Posts a form to an OAuth endpoint of the gateway. Throws OauthFailure, or CommandFailure when nobody answers. */
export async function postForm(
  url: string,
  fields: Readonly<Record<string, string>>,
): Promise<Record<string, unknown>> {
  const body = new URLSearchParams(fields)
  const response = await fetch(url, {
    method: 'POST',
    body,
    redirect: 'error',
    signal: AbortSignal.timeout(30_000),
  }).catch((cause: unknown) => {
    throw new CommandFailure(
      `The gateway does not answer at ${new URL(url).origin} (${String(cause)}).`,
      EXIT.failure,
      'Check that it runs and that --url names it.',
    )
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
