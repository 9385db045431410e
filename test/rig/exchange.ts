import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAttempts } from '../../src/identity/attempts.ts'
import { createTokenEndpoint, type TokenEndpoint } from '../../src/identity/exchange/endpoint.ts'
import { Form } from '../../src/identity/exchange/form.ts'
import { createIdentity, type Identity } from '../../src/identity/identity.ts'
import type { KnownPrincipal } from '../../src/identity/principals.ts'
import type { IssuedToken } from '../../src/identity/tokens.ts'
import { SluiceError } from '../../src/kit/errors.ts'
import type { Principal } from '../../src/model/principal.ts'
import { compilePolicy } from '../../src/policy/index.ts'
import { openStore, type Store } from '../../src/store/store.ts'

export const ISSUER = 'https://sluice.example'
const TYPE = 'urn:ietf:params:oauth:token-type:'
export const ACCESS = `${TYPE}access_token`
export const JWT = `${TYPE}jwt`
export const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
const FROM = '192.0.2.1'

/** The documents' principals unless a test says otherwise. */
export const PEOPLE = `
kind: Human
name: ada
groups: [dba]
---
kind: Human
name: eve
---
kind: Service
name: deploy
---
kind: Service
name: ci
---
kind: Agent
name: bot
owner: support
delegators: [group:dba, service:deploy]
maxLifetime: 2h
---
kind: Agent
name: helper
owner: support
delegators: [agent:bot]
---
kind: Agent
name: third
owner: support
delegators: [agent:helper]
---
kind: Agent
name: loner
owner: support
`

export interface TestExchange extends AsyncDisposable {
  readonly identity: Identity
  readonly oauth: TokenEndpoint
  readonly store: Store
  readonly people: Map<string, KnownPrincipal>
  /** The bodies of `login` entries, in order. */
  readonly entries: Record<string, unknown>[]
  /** Milliseconds the clocks are ahead of the real ones. */
  ahead_ms: number
  /** Sends a form; rejects with the refusal. */
  send(fields: Readonly<Record<string, string>>, from?: string): Promise<IssuedToken>
  /** The code a form is refused with; '' when it is not. */
  refusal(fields: Readonly<Record<string, string>>, from?: string): Promise<string>
  /** A token of this principal, issued by hand. */
  token(principal: string, more?: Partial<Parameters<Identity['issueToken']>[0]>): Promise<string>
  signIn(token: string): Promise<Principal | undefined>
}

/** The token endpoint over a real store, with the documents given. */
export async function startExchange(documents = ''): Promise<TestExchange> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-exchange-'))
  const store = await openStore({ path: join(folder, 'store.sqlite') })
  const policy = compilePolicy([{ path: 'policy.yaml', text: documents ? `${PEOPLE}---\n${documents}` : PEOPLE }])
  const people = new Map<string, KnownPrincipal>(policy.principals)
  const principals = { lookup: (id: string) => people.get(id) }
  const rig = { ahead_ms: 0, entries: [] as Record<string, unknown>[] }
  const clock = { now_ms: () => Date.now() + rig.ahead_ms, monotonic_ms: () => performance.now() + rig.ahead_ms }
  const identity = createIdentity({ store, clock, principals })
  const ledger = {
    append: (_: string, body: unknown) => rig.entries.push(JSON.parse(`{${String(body)}}`) as Record<string, unknown>),
    commit: () => {},
    durable: async () => {},
  }
  const oauth = createTokenEndpoint({
    ...{ identity, store, principals, ledger, clock },
    attempts: createAttempts({
      clock,
      bounds: { burst: 1_000, forget_ms: 1, wait_ms: 1, wait_max_ms: 1, keys: 100 },
    }),
    trust: () => policy.trust,
    issuer: () => ISSUER,
    redeem: () => Promise.reject(new SluiceError('oauth.grant', 'no code was given out')),
  })
  const send = (fields: Readonly<Record<string, string>>, from = FROM) =>
    oauth.token(new Form(Object.entries(fields)), { from })
  return Object.assign(rig, {
    ...{ identity, oauth, store, people, send },
    refusal: (fields: Readonly<Record<string, string>>, from = FROM) =>
      send(fields, from).then(
        () => '',
        (error: unknown) => (error instanceof SluiceError ? error.code : String(error)),
      ),
    async token(principal: string, more: Partial<Parameters<Identity['issueToken']>[0]> = {}) {
      const wish = { principal, label: 'test', ttl_ms: 3_600_000, by: 'human:root', ...more }
      return (await identity.issueToken(wish)).token.reveal()
    },
    signIn: (proof: string) => identity.authenticate({ kind: 'token' as const, proof, from: FROM }),
    async [Symbol.asyncDispose]() {
      oauth.close()
      identity.close()
      await store.close()
      rmSync(folder, { recursive: true })
    },
  })
}

/** The fields of an exchange of a token of ours. */
export function exchangeOf(
  subject: string,
  more: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  return { grant_type: EXCHANGE, subject_token: subject, subject_token_type: ACCESS, ...more }
}
