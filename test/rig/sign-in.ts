import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type DemoPerson, type DemoProvider, startDemoProvider } from '../../demo/idp/provider.ts'
import { Visitor } from '../../demo/idp/visitor.ts'
import { listenApi } from '../../src/api/server.ts'
import type { IdentityProvider } from '../../src/model/provider.ts'
import { startTestApi, type TestApi } from './api.ts'
import { tempFolder } from './temp.ts'

export interface TestDoor extends AsyncDisposable {
  readonly api: TestApi
  readonly url: string
  /** Sets up a provider of this name. */
  trust(name: string, over: Partial<IdentityProvider>): IdentityProvider
  /** The `login` entries so far: `[ok, reason, detail]` of each that failed, or who came in. */
  refusals(): string[]
}

export const TIMES = { max_ms: 3_600_000, recheck_ms: 60_000, grace_ms: 60_000, fresh_ms: 60_000 } as const

/** The API on a real port, with providers to be set up. Wrong answers cost no wait unless told. */
export async function startDoor({ patient = true } = {}): Promise<TestDoor> {
  const api = await startTestApi({ patient })
  const listener = await listenApi({ app: api.app, port: 0 })
  api.base = listener.url
  return {
    api,
    url: listener.url,
    trust(name, over) {
      const provider: IdentityProvider = { name, title: name, map: [], admit: [], times: TIMES, ...over }
      api.providers.set(name, provider)
      return provider
    },
    refusals: () =>
      api.entries
        .filter(({ kind, body }) => kind === 'login' && body.ok === false)
        .map(({ body }) => `${String(body.reason)}: ${String(body.detail)}`),
    async [Symbol.asyncDispose]() {
      await listener.close()
      await api[Symbol.asyncDispose]()
    },
  }
}

export interface RealProvider extends DemoProvider {
  readonly people: Map<string, DemoPerson>
}

/** oidc-provider, set up at the door under `name`. */
export async function startRealProvider(
  door: TestDoor,
  name: string,
  { over = {}, configuration = {} }: { over?: Partial<IdentityProvider>; configuration?: Record<string, unknown> } = {},
): Promise<RealProvider> {
  const people = new Map<string, DemoPerson>()
  const provider = await startDemoProvider({
    port: 0,
    people,
    configuration,
    clients: () => [
      {
        id: `sluice-${name}`,
        secret: 'a-secret-of-some-length',
        redirectUris: [`${door.url}/sign-in/${name}/callback`],
        signedOutUris: [`${door.url}/sign-out`],
        logoutUri: `${door.url}/sign-in/${name}/logout`,
      },
    ],
  })
  const scopes = ['profile', 'email', 'groups', 'offline_access']
  const settings = { issuer: provider.issuer, clientId: `sluice-${name}`, scopes, algorithm: 'RS256', userinfo: false }
  door.trust(name, {
    oidc: { ...settings, groups: ['groups'], clientSecret: { file: secretFile(name) } },
    ...over,
  })
  return { ...provider, people }
}

function secretFile(name: string): string {
  const path = join(tempFolder('secret').path, name)
  writeFileSync(path, 'a-secret-of-some-length', { mode: 0o600 })
  return path
}

/** Signs a visitor in at a real provider, up to where the door sends them. */
export async function signIn(
  door: TestDoor,
  who: { provider: string; person: string; visitor?: Visitor; path?: string },
) {
  const visitor = who.visitor ?? new Visitor()
  const choice = await visitor.open(`${door.url}${who.path ?? `/sign-in/${who.provider}`}`)
  const arrived = choice.html.includes('name="person"') ? await visitor.submit(choice, { person: who.person }) : choice
  return { visitor, page: arrived, cookie: visitor.cookies.get(new URL(door.url).host)?.get('__Host-sluice')?.value }
}

/** Asks the API as a browser does. */
export async function asBrowser(
  door: TestDoor,
  cookie: string,
  request: { path: string; method?: string; body?: unknown; headers?: Record<string, string> },
): Promise<Response> {
  const { path, method = 'GET', body, headers = {} } = request
  return await fetch(`${door.url}${path}`, {
    method,
    headers: {
      cookie: `__Host-sluice=${cookie}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
}
