import type { IssuerKeys, Trust, TrustDirectory, TrustedIssuer } from '../model/trust.ts'
import { errorText } from './candidates.ts'
import type { Condition } from './cel/condition.ts'
import { claimsOf } from './cel/views.ts'
import type { Problem } from './problem.ts'
import type { Read } from './read.ts'
import { Conditions } from './rule.ts'
import type { DocumentOf } from './schema.ts'
import { duration_ms } from './units.ts'

type Body = DocumentOf<'TrustedIssuer'>

interface Grant {
  readonly when: Condition
  readonly principal: string
}

const TTL_MIN_MS = 300_000
const TTL_MAX_MS = 900_000
const SKEW_MAX_MS = 60_000

/** The issuers of the documents; reports what contradicts itself, names nobody, or trusts everybody. */
export function compileTrust(
  reads: readonly Read<'TrustedIssuer'>[],
  declared: ReadonlySet<string>,
  problems: Problem[],
): TrustDirectory {
  const byIssuer = new Map<string, TrustedIssuer>()
  const byDomain = new Map<string, TrustedIssuer>()
  for (const read of reads) {
    const conditions = new Conditions(read.source, problems)
    const before = problems.length
    check(read.body, conditions)
    const grants = grantsOf(read.body, { conditions, declared })
    const { issuer, trustDomain } = read.body
    if ((issuer !== undefined && byIssuer.has(issuer)) || (trustDomain !== undefined && byDomain.has(trustDomain)))
      conditions.report(['name'], 'Another document trusts this issuer already.', 'Write its grants there.')
    if (problems.length > before) continue
    const compiled = issuerOf(read.body, grants)
    if (issuer !== undefined) byIssuer.set(issuer, compiled)
    if (trustDomain !== undefined) byDomain.set(trustDomain, compiled)
  }
  return { issuer: (iss) => byIssuer.get(iss), trustDomain: (name) => byDomain.get(name) }
}

function check(body: Body, conditions: Conditions): void {
  if ((body.issuer === undefined) === (body.trustDomain === undefined))
    conditions.report([], 'It is known by exactly one of issuer and trustDomain.', 'Write one of issuer, trustDomain.')
  if (body.keys !== undefined && Object.keys(body.keys).length !== 1)
    conditions.report(['keys'], 'Keys come from exactly one place.', 'Write one of discovery, url, file, jwks.')
  if (body.trustDomain !== undefined && (body.keys === undefined || body.keys.discovery))
    conditions.report(['trustDomain'], 'A trust domain has no discovery.', 'Write `keys:` with url, file or jwks.')
  const ttl_ms = duration_ms(body.ttl ?? '10m')
  if (ttl_ms < TTL_MIN_MS || ttl_ms > TTL_MAX_MS)
    conditions.report(['ttl'], 'An exchanged token holds for 5m to 15m.', 'Write `ttl: 10m`.')
  if (duration_ms(body.skew ?? '30s') > SKEW_MAX_MS)
    conditions.report(['skew'], 'A clock that is off by more than 60s must be mended.', 'Write `skew: 30s`.')
  const secret = body.keys?.jwks?.keys.findIndex((key) => key.kty === 'oct' || 'd' in key) ?? -1
  if (secret >= 0)
    conditions.report(['keys', 'jwks', 'keys', secret], 'This is a secret key.', 'Write public keys only.')
}

interface Scene {
  readonly conditions: Conditions
  readonly declared: ReadonlySet<string>
}

function grantsOf(body: Body, { conditions, declared }: Scene): Grant[] {
  return body.grants.flatMap(({ when: written, principal }, i) => {
    if (!declared.has(principal))
      conditions.report(
        ['grants', i, 'principal'],
        `No document declares ${principal}.`,
        'Declare it, or mend the name.',
      )
    if (typeof written === 'boolean') {
      conditions.report(['grants', i, 'when'], 'It says nothing of who is meant.', 'Write a condition over `claims`.')
      return []
    }
    const when = conditions.compile('claims', written, ['grants', i, 'when'])
    return when ? [{ when, principal }] : []
  })
}

function issuerOf(body: Body, grants: readonly Grant[]): TrustedIssuer {
  return {
    name: body.name,
    issuer: body.issuer,
    trustDomain: body.trustDomain,
    audience: body.audience,
    keys: keysOf(body),
    algorithms: body.algorithms ?? ['RS256', 'ES256'],
    ttl_ms: duration_ms(body.ttl ?? '10m'),
    skew_ms: duration_ms(body.skew ?? '30s'),
    once: body.replay !== 'allow',
    allowPrivate: body.network?.private ?? false,
    ca: body.network?.ca,
    trust: (claims) => trust(grants, claims),
  }
}

function keysOf({ keys }: Body): IssuerKeys {
  if (keys?.url !== undefined) return { from: 'url', url: keys.url }
  if (keys?.file !== undefined) return { from: 'file', path: keys.file }
  if (keys?.jwks !== undefined) return { from: 'document', jwks: keys.jwks }
  return { from: 'discovery' }
}

/** One principal, or none: claims that fit two say nothing, and a condition that cannot be evaluated does not hold. */
function trust(grants: readonly Grant[], claims: Readonly<Record<string, unknown>>): Trust {
  const frame = { claims: claimsOf(claims) }
  const found = new Set<string>()
  let broken = ''
  for (const { when, principal } of grants) {
    try {
      if (when.holds(frame)) found.add(principal)
    } catch (thrown) {
      broken ||= errorText(thrown)
    }
  }
  const [principal, other] = found
  if (principal === undefined)
    return { why: broken ? `no grant holds; one cannot be evaluated: ${broken}` : 'no grant holds' }
  return other === undefined ? { principal } : { why: `grants name both ${principal} and ${other}` }
}
