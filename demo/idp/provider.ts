/** An OpenID Connect provider in this process: for `npm start`, and for tests. It asks for no password: never use it for anything else. */
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import Provider from 'oidc-provider'
import MemoryAdapter from 'oidc-provider/lib/adapters/memory_adapter.js'
import { confirmForm, formFields, page, peopleForm } from './pages.ts'

class Forgetful extends MemoryAdapter {}

/** Someone who can sign in there. */
export interface DemoPerson {
  readonly subject: string
  readonly name: string
  readonly email: string
  readonly groups: readonly string[]
}

export interface DemoClient {
  readonly id: string
  /** Unset: a public client. */
  readonly secret?: string
  readonly redirectUris: readonly string[]
  readonly signedOutUris?: readonly string[]
  readonly logoutUri?: string
}

export interface DemoProviderOptions {
  /** 0 for any free one. */
  readonly port: number
  readonly clients: (issuer: string) => readonly DemoClient[]
  readonly people: ReadonlyMap<string, DemoPerson>
  /** Overrides of oidc-provider's configuration, for tests. */
  readonly configuration?: Readonly<Record<string, unknown>>
}

export interface DemoProvider {
  readonly issuer: string
  readonly port: number
  readonly provider: Provider
  close(): Promise<void>
}

/** Starts it on loopback. Groups are read anew at every sign-in and refresh. */
export async function startDemoProvider(options: DemoProviderOptions): Promise<DemoProvider> {
  let serve: (request: IncomingMessage, response: ServerResponse) => unknown = () => {}
  const server = createServer((request, response) => void serve(request, response))
  await listen(server, options.port)
  const { port } = server.address() as AddressInfo
  const issuer = `http://127.0.0.1:${port}`
  const provider = new Provider(issuer, configurationOf(issuer, options))
  const callback = provider.callback()
  serve = (request, response) => {
    if (!request.url?.startsWith('/interaction/')) return callback(request, response)
    return interaction(provider, options.people, { request, response }).catch((error: Error) => {
      response
        .writeHead(400, { 'Content-Type': 'text/html; charset=utf-8' })
        .end(page('Sign in', `<p>${error.message}</p>`))
    })
  }
  return {
    issuer,
    port,
    provider,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function listen(server: Server, port: number): Promise<void> {
  const at = (wanted: number) =>
    new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(wanted, '127.0.0.1', () => {
        server.removeListener('error', reject)
        resolve()
      })
    })
  // The port of the last start may be taken by now: another one is as good.
  await at(port).catch(() => at(0))
}

function configurationOf(issuer: string, { clients, people, configuration }: DemoProviderOptions): object {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  return {
    // Named, so that the library does not warn of forgetting: a demo may.
    adapter: Forgetful,
    clients: clients(issuer).map(clientOf),
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256', kid: 'demo' }] },
    cookies: { keys: [randomBytes(32).toString('base64url')] },
    // Groups in the ID token itself, flat and nested: what providers do differs.
    claims: { openid: ['sub'], profile: ['name'], email: ['email'], groups: ['groups', 'realm_access'] },
    conformIdTokenClaims: false,
    scopes: ['openid', 'profile', 'email', 'groups', 'offline_access'],
    findAccount: (_: unknown, id: string) => {
      const person = people.get(id)
      return person && { accountId: id, claims: () => claimsOf(id, person) }
    },
    features: {
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: true },
      revocation: { enabled: true, allowedPolicy: () => true },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (ctx: { body: string }, form: string) => {
          ctx.body = page('Sign out', confirmForm(form))
        },
        postLogoutSuccessSource: (ctx: { body: string }) => {
          ctx.body = page('Signed out', '<p>You are signed out.</p>')
        },
      },
    },
    fetch: reachHere,
    interactions: { url: (_: unknown, { uid }: { uid: string }) => `/interaction/${uid}` },
    loadExistingGrant: grantEverything,
    issueRefreshToken: () => true,
    pkce: { required: () => true },
    ttl: {
      Interaction: 3_600,
      Session: 86_400,
      Grant: 86_400,
      RefreshToken: 86_400,
      IdToken: 3_600,
      AccessToken: 3_600,
    },
    renderError: (ctx: { type: string; body: string }, out: { error: string; error_description?: string }) => {
      ctx.type = 'html'
      ctx.body = page('That did not work', `<p>${out.error}: ${out.error_description ?? ''}</p>`)
    },
    ...configuration,
  }
}

/** The library refuses to call this machine's own addresses, where the gateway is. */
function reachHere(
  url: string,
  { dispatcher: _, ...options }: RequestInit & { dispatcher?: unknown },
): Promise<Response> {
  return fetch(url, options)
}

function clientOf({ id, secret, redirectUris, signedOutUris, logoutUri }: DemoClient): object {
  return {
    client_id: id,
    redirect_uris: redirectUris,
    response_types: ['code'],
    grant_types: ['authorization_code', 'refresh_token'],
    ...(secret === undefined ? { token_endpoint_auth_method: 'none' } : { client_secret: secret }),
    ...(signedOutUris && { post_logout_redirect_uris: signedOutUris }),
    ...(logoutUri && { backchannel_logout_uri: logoutUri, backchannel_logout_session_required: true }),
  }
}

function claimsOf(sub: string, { name, email, groups }: DemoPerson): object {
  return { sub, name, email, groups, realm_access: { roles: groups } }
}

/** Nobody is asked whether the one client there is may know who they are. */
async function grantEverything(ctx: {
  oidc: {
    client: { clientId: string }
    session: { accountId: string; grantIdFor(id: string): string | undefined }
    provider: Provider
  }
}): Promise<unknown> {
  const { client, session, provider } = ctx.oidc
  const known = session.grantIdFor(client.clientId)
  if (known) return await provider.Grant.find(known)
  const grant = new provider.Grant({ accountId: session.accountId, clientId: client.clientId })
  grant.addOIDCScope('openid profile email groups offline_access')
  await grant.save()
  return grant
}

interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

/** The sign-in page: a button for everyone there is. */
async function interaction(
  provider: Provider,
  people: ReadonlyMap<string, DemoPerson>,
  { request, response }: Exchange,
): Promise<void> {
  const { uid } = await provider.interactionDetails(request, response)
  if (request.method !== 'POST') {
    response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8', 'Cache-Control': 'no-store' })
    response.end(page('Demo identity provider', peopleForm(uid, people)))
    return
  }
  const { person, cancel } = await formFields(request)
  const result =
    cancel !== undefined
      ? { error: 'access_denied', error_description: 'The person left.' }
      : { login: { accountId: person, ts: Math.floor(Date.now() / 1_000) } }
  if (cancel === undefined && !people.has(person ?? '')) throw new Error('Nobody of this name.')
  await provider.interactionFinished(request, response, result)
}
