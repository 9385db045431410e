import type { GroupRule, IdentityProvider, OidcSettings, SamlSettings, ScimSettings } from '../model/provider.ts'
import type { SecretSource } from '../model/resource.ts'
import type { Problem } from './problem.ts'
import type { Read, ReadByKind } from './read.ts'
import type { DocumentOf } from './schema.ts'
import { duration_ms } from './units.ts'

type Body = DocumentOf<'IdentityProvider'>

/** Names principal ids use themselves. */
const RESERVED = new Set(['break-glass', 'ssh'])
const TIMES = { max: '8h', recheck: '5m', grace: '15m', fresh: '15m' } as const
const SCOPES = ['profile', 'email', 'offline_access']
const LOOPBACK = /^(127(\.\d+){3}|\[::1\]|localhost)$/

/** Identity providers, and the accounts that are people of the documents, under `provider:subject`. */
export interface Providers {
  readonly providers: ReadonlyMap<string, IdentityProvider>
  readonly accounts: ReadonlyMap<string, string>
}

type Report = (path: readonly PropertyKey[], message: string, remedy: string) => void

const reporter =
  ({ source }: Read, problems: Problem[]): Report =>
  (path, message, remedy) =>
    problems.push({ file: source.file, ...source.at(path), message, remedy })

/** Compiles IdentityProvider documents and the accounts of Human documents; reports what contradicts itself. */
export function compileProviders(documents: ReadByKind, problems: Problem[]): Providers {
  const providers = new Map<string, IdentityProvider>()
  for (const read of documents.IdentityProvider) {
    check(read.body, reporter(read, problems))
    providers.set(read.body.name, providerOf(read.body))
  }
  return { providers, accounts: accountsOf(documents, providers, problems) }
}

function check(body: Body, report: Report): void {
  if ((body.oidc === undefined) === (body.saml === undefined))
    report([], 'A provider speaks exactly one of OpenID Connect and SAML.', 'Write one of oidc, saml.')
  if (RESERVED.has(body.name)) report(['name'], `The name "${body.name}" is taken.`, 'Write another name.')
  for (const [path, secret] of [
    [['oidc', 'clientSecret'], body.oidc?.clientSecret],
    [['scim', 'token'], body.scim?.token],
    [['saml', 'decryption', 'key'], body.saml?.decryption?.key],
    [['saml', 'signing', 'key'], body.saml?.signing?.key],
  ] as const) {
    if (secret !== undefined && Object.keys(secret).length !== 1)
      report(path, 'A secret comes from exactly one place.', 'Write one of env, file, vault.')
  }
  for (const [path, url] of [
    [['oidc', 'issuer'], body.oidc?.issuer],
    [['saml', 'ssoUrl'], body.saml?.ssoUrl],
    [['saml', 'sloUrl'], body.saml?.sloUrl],
  ] as const) {
    if (url === undefined) continue
    const { protocol, hostname, search, hash } = new URL(url)
    if (protocol === 'http:' && !LOOPBACK.test(hostname))
      report(path, 'A provider on another machine is reached by TLS only.', 'Write an https:// address.')
    if (path[1] === 'issuer' && (search !== '' || hash !== ''))
      report(path, 'An issuer has neither query nor fragment.', 'Write it as the provider’s `iss` has it.')
  }
  const { max, recheck } = timesOf(body)
  if (duration_ms(max) > 7 * 86_400_000)
    report(['signIn', 'max'], 'A sign-in holds for at most 7d.', 'Write `max: 8h`.')
  if (duration_ms(recheck) < 5_000)
    report(['signIn', 'recheck'], 'A provider is asked at most every 5s.', 'Write `recheck: 5m`.')
}

function timesOf({ signIn: { max, recheck, grace, fresh } = {} }: Body): Record<keyof typeof TIMES, string> {
  return {
    max: max ?? TIMES.max,
    recheck: recheck ?? TIMES.recheck,
    grace: grace ?? TIMES.grace,
    fresh: fresh ?? TIMES.fresh,
  }
}

function providerOf(body: Body): IdentityProvider {
  const { name, title = name, oidc, saml, map = [], claims, admit = [], scim } = body
  const times = timesOf(body)
  return {
    ...{ name, title, admit, map: map as readonly GroupRule[] },
    times: {
      max_ms: duration_ms(times.max),
      recheck_ms: duration_ms(times.recheck),
      grace_ms: duration_ms(times.grace),
      fresh_ms: duration_ms(times.fresh),
    },
    ...(claims !== undefined && { claims }),
    ...(oidc && { oidc: oidcOf(oidc) }),
    ...(saml && { saml: samlOf(saml) }),
    ...(scim && { scim: scimOf(scim) }),
  }
}

function oidcOf(oidc: NonNullable<Body['oidc']>): OidcSettings {
  const { issuer, clientId, clientSecret, scopes = SCOPES, algorithm = 'RS256', groups, userinfo = false } = oidc
  return {
    ...{ issuer, clientId, algorithm, userinfo },
    scopes: scopes.filter((scope) => scope !== 'openid'),
    ...(clientSecret && { clientSecret: clientSecret as SecretSource }),
    ...(groups !== undefined && { groups: typeof groups === 'string' ? groups.split('.') : groups }),
  }
}

function samlOf(saml: NonNullable<Body['saml']>): SamlSettings {
  const { entityId, ssoUrl, sloUrl, certificates, groups, subject, idpInitiated = false } = saml
  const own = (pair: typeof saml.signing) => pair && { key: pair.key as SecretSource, certificate: pair.certificate }
  const [decryption, signing] = [own(saml.decryption), own(saml.signing)]
  return {
    ...{ entityId, ssoUrl, certificates, idpInitiated },
    ...(groups !== undefined && { groups }),
    ...(subject !== undefined && { subject }),
    ...(sloUrl !== undefined && { sloUrl }),
    ...(decryption && { decryption }),
    ...(signing && { signing }),
  }
}

function scimOf({ token, claim = 'sub', attribute = 'externalId' }: NonNullable<Body['scim']>): ScimSettings {
  return { token: token as SecretSource, claim, attribute }
}

function accountsOf(
  documents: ReadByKind,
  providers: ReadonlyMap<string, IdentityProvider>,
  problems: Problem[],
): Map<string, string> {
  const accounts = new Map<string, string>()
  for (const read of documents.Human) {
    const report = reporter(read, problems)
    if (RESERVED.has(read.body.name)) report(['name'], `The name "${read.body.name}" is taken.`, 'Write another name.')
    for (const [i, { provider, subject }] of (read.body.accounts ?? []).entries()) {
      const key = `${provider}:${subject}`
      if (!providers.has(provider))
        report(['accounts', i, 'provider'], `There is no IdentityProvider "${provider}".`, 'Write the name of one.')
      if (accounts.has(key))
        report(['accounts', i], `This account belongs to ${accounts.get(key)} already.`, 'Write it once.')
      accounts.set(key, `human:${read.body.name}`)
    }
  }
  return accounts
}
