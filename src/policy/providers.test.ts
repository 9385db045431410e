import { describe, expect, it } from 'vitest'
import { compilePolicy } from './compile.ts'
import { formatProblem, type PolicyErrors } from './problem.ts'

const compile = (text: string) => compilePolicy([{ path: 'p.yaml', text }])
const OIDC = 'oidc: { issuer: "https://login.acme.example", clientId: sluice }'
const provider = (more: string) => `kind: IdentityProvider\nname: acme\n${more}\n`

function problemsOf(text: string): string[] {
  try {
    compile(text)
    return []
  } catch (error) {
    return (error as PolicyErrors).problems.map(formatProblem)
  }
}

describe('an IdentityProvider', () => {
  it('has defaults for everything but its address and client', () => {
    expect(compile(provider(OIDC)).signIn.providers.get('acme')).toEqual({
      name: 'acme',
      title: 'acme',
      map: [],
      admit: [],
      times: { max_ms: 28_800_000, recheck_ms: 300_000, grace_ms: 900_000, fresh_ms: 900_000 },
      oidc: {
        issuer: 'https://login.acme.example',
        clientId: 'sluice',
        algorithm: 'RS256',
        userinfo: false,
        scopes: ['profile', 'email', 'offline_access'],
      },
    })
  })

  it.each([
    ['realm_access.roles', ['realm_access', 'roles']],
    ['["https://acme.example/groups"]', ['https://acme.example/groups']],
  ])('finds groups at %s', (written, steps) => {
    const { signIn } = compile(provider(`oidc: { issuer: "https://a.example", clientId: s, groups: ${written} }`))
    expect(signIn.providers.get('acme')?.oidc?.groups).toEqual(steps)
  })

  it.each<[string, string, RegExp]>([
    ['neither protocol', 'title: A', /exactly one of OpenID Connect and SAML/],
    [
      'both protocols',
      `${OIDC}\nsaml: { entityId: e, ssoUrl: "https://i.example/s", certificates: ["-----BEGIN CERTIFICATE-----"] }`,
      /exactly one of/,
    ],
    ['an issuer elsewhere without TLS', 'oidc: { issuer: "http://login.acme.example", clientId: s }', /by TLS only/],
    ['an issuer with a query', 'oidc: { issuer: "https://a.example?x=1", clientId: s }', /neither query nor fragment/],
    [
      'two places of one secret',
      'oidc: { issuer: "https://a.example", clientId: s, clientSecret: { env: A, file: b } }',
      /exactly one place/,
    ],
    [
      'a shared-secret algorithm',
      'oidc: { issuer: "https://a.example", clientId: s, algorithm: HS256 }',
      /`algorithm` cannot be "HS256"/,
    ],
    [
      'no algorithm at all',
      'oidc: { issuer: "https://a.example", clientId: s, algorithm: none }',
      /`algorithm` cannot be "none"/,
    ],
    ['an endless sign-in', `${OIDC}\nsignIn: { max: 30d }`, /at most 7d/],
    ['a re-check every second', `${OIDC}\nsignIn: { recheck: 1s }`, /every 5s/],
    ['a mapping to nothing', `${OIDC}\nmap: [{ group: a, gives: [] }]`, /`gives` cannot be an empty list/],
    [
      'a certificate that is none',
      'saml: { entityId: e, ssoUrl: "https://i.example/s", certificates: [x] }',
      /certificates/,
    ],
    ['a key nobody knows', `${OIDC}\nadmits: [a]`, /has no key "admits"/],
  ])('with %s is refused, with the place and what to write', (_, more, problem) => {
    expect(problemsOf(provider(more))).toEqual([expect.stringMatching(problem)])
    expect(problemsOf(provider(more))[0]).toMatch(/^p\.yaml:\d+:\d+: /)
  })

  it.each(['break-glass', 'ssh'])('cannot be called %s', (name) => {
    expect(problemsOf(`kind: IdentityProvider\nname: ${name}\n${OIDC}\n`)).toEqual([expect.stringMatching(/is taken/)])
  })
})

describe('accounts of a person', () => {
  const human = (name: string, accounts: string) => `---\nkind: Human\nname: ${name}\naccounts: ${accounts}\n`
  it('are looked up by provider and subject', () => {
    const policy = compile(provider(OIDC) + human('ada', '[{ provider: acme, subject: "auth0|1:2" }]'))
    expect([...policy.signIn.accounts]).toEqual([['acme:auth0|1:2', 'human:ada']])
  })

  it.each<[string, string, RegExp]>([
    [
      'of a provider that is not there',
      human('ada', '[{ provider: other, subject: x }]'),
      /There is no IdentityProvider "other"/,
    ],
    [
      'of two people',
      human('ada', '[{ provider: acme, subject: x }]') + human('eve', '[{ provider: acme, subject: x }]'),
      /belongs to human:ada already/,
    ],
    ['of the sealed account', human('break-glass', '[]'), /is taken/],
  ])('%s are refused', (_, documents, problem) => {
    expect(problemsOf(provider(OIDC) + documents)).toEqual([expect.stringMatching(problem)])
  })
})
