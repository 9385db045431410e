import {
  allowInsecureRequests,
  type ClientAuth,
  ClientSecretBasic,
  ClientSecretPost,
  Configuration,
  clockTolerance,
  customFetch,
  discovery,
  enableNonRepudiationChecks,
  None,
  type ServerMetadata,
} from 'openid-client'
import type { Clock } from '../../kit/clock.ts'
import { SluiceError } from '../../kit/errors.ts'
import type { SecretPort } from '../../model/ports.ts'
import type { IdentityProvider } from '../../model/provider.ts'
import { boundedFetch } from './fetch.ts'
import { LIMITS } from './limits.ts'

export interface OidcClientsOptions {
  readonly secrets: Pick<SecretPort, 'read'>
  readonly clock: Clock
}

/** The client of each provider, its discovery document read when it is first needed. */
export interface OidcClients {
  /** Throws `signin.provider` when the provider does not answer, or says it is another one. */
  of(provider: IdentityProvider): Promise<Configuration>
}

interface Kept {
  readonly settings: string
  readonly until_ms: number
  readonly client: Promise<Configuration>
}

export function createOidcClients(options: OidcClientsOptions): OidcClients {
  const { clock } = options
  const kept = new Map<string, Kept>()
  return {
    of(provider) {
      const settings = JSON.stringify(provider.oidc)
      const now_ms = clock.monotonic_ms()
      const found = kept.get(provider.name)
      if (found && found.settings === settings && found.until_ms > now_ms) return found.client
      const client = discover(provider, options)
      kept.set(provider.name, { settings, client, until_ms: now_ms + LIMITS.discovery_ms })
      client.catch(() => {
        if (kept.get(provider.name)?.client === client)
          kept.set(provider.name, { settings, client, until_ms: clock.monotonic_ms() + LIMITS.failed_ms })
      })
      return client
    },
  }
}

async function discover({ oidc }: IdentityProvider, { secrets }: OidcClientsOptions): Promise<Configuration> {
  const { issuer, clientId, clientSecret, algorithm } = oidc!
  const secret = clientSecret && (await secrets.read(clientSecret)).reveal()
  const client = { id_token_signed_response_alg: algorithm, [clockTolerance]: LIMITS.skew_s }
  const metadata = await read(new URL(issuer), clientId)
  // The library forgives a slash at the end; an ID token's `iss` is compared letter by letter, and so is this.
  if (metadata.issuer !== issuer)
    throw new SluiceError('signin.provider', `the provider calls itself ${metadata.issuer}, not ${issuer}`)
  const config = new Configuration(metadata, clientId, client, methodOf(metadata, secret))
  config[customFetch] = boundedFetch
  config.timeout = LIMITS.request_ms / 1_000
  if (isPlain(new URL(issuer))) allowInsecureRequests(config)
  // A signature is checked although TLS brought the token: whoever can speak for the token endpoint cannot sign.
  enableNonRepudiationChecks(config)
  return config
}

async function read(issuer: URL, clientId: string): Promise<ServerMetadata> {
  const execute = isPlain(issuer) ? [allowInsecureRequests] : []
  const timeout = LIMITS.request_ms / 1_000
  try {
    return (
      await discovery(issuer, clientId, undefined, None(), { execute, timeout, [customFetch]: boundedFetch })
    ).serverMetadata()
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new SluiceError('signin.provider', `discovery failed: ${why}`, { cause })
  }
}

/** The documents let a provider on this machine only do without TLS. */
const isPlain = (issuer: URL) => issuer.protocol === 'http:'

function methodOf(metadata: ServerMetadata, secret: string | undefined): ClientAuth {
  if (secret === undefined) return None()
  const known = metadata.token_endpoint_auth_methods_supported ?? ['client_secret_basic']
  return known.includes('client_secret_basic') || !known.includes('client_secret_post')
    ? ClientSecretBasic(secret)
    : ClientSecretPost(secret)
}
