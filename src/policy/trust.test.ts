import { describe, expect, test } from 'vitest'
import { compilePolicy } from './compile.ts'
import type { PolicyErrors } from './problem.ts'

const SERVICES = 'kind: Service\nname: deploy\n---\nkind: Service\nname: ci\n---\n'
const compile = (document: string) => compilePolicy([{ path: 'trust.yaml', text: SERVICES + document }])
const issuer = (grants: string, more = '') =>
  `kind: TrustedIssuer\nname: github\nissuer: https://ci.example\naudience: sluice\n${more}\ngrants:\n${grants}`

describe('claims stand for whom the grants that hold name', () => {
  const { trust } = compile(
    issuer(
      `  - { when: 'claims.repository == "acme/shop"', principal: service:deploy }
  - { when: 'claims["kubernetes.io"].namespace == "ci"', principal: service:ci }
  - { when: 'claims.sub.startsWith("repo:acme/")', principal: service:deploy }`,
    ),
  )
  test.each([
    ['one that holds', { repository: 'acme/shop', sub: 'x' }, { principal: 'service:deploy' }],
    ['a nested claim', { 'kubernetes.io': { namespace: 'ci' }, sub: 'x' }, { principal: 'service:ci' }],
    ['two that agree', { repository: 'acme/shop', sub: 'repo:acme/shop' }, { principal: 'service:deploy' }],
    [
      'two that do not',
      { 'kubernetes.io': { namespace: 'ci' }, sub: 'repo:acme/shop' },
      { why: 'grants name both service:ci and service:deploy' },
    ],
    ['none', { sub: 'x', 'kubernetes.io': { namespace: 'prod' } }, { why: 'no grant holds' }],
    [
      'a claim of another type',
      { sub: 7, repository: ['acme/shop'] },
      { why: expect.stringMatching(/^no grant holds/) },
    ],
    ['no claims', {}, { why: expect.stringMatching(/^no grant holds/) }],
    ['a prototype’s keys', JSON.parse('{"__proto__": {"repository": "acme/shop"}}'), { why: expect.any(String) }],
  ])('%s', (_, claims, expected) => {
    expect(trust.issuer('https://ci.example')!.trust(claims)).toEqual(expected)
  })

  test('an issuer is known by its exact name only', () => {
    for (const iss of [
      'https://ci.example/',
      'https://CI.example',
      'http://ci.example',
      'https://ci.example.evil.example',
      '',
    ])
      expect(trust.issuer(iss)).toBeUndefined()
  })
})

const good = `  - { when: 'claims.sub == "x"', principal: service:deploy }`
test.each([
  ['grants to everybody', issuer('  - { when: true, principal: service:deploy }'), 'says nothing of who is meant'],
  [
    'grants to nobody known',
    issuer(`  - { when: 'claims.sub == "x"', principal: service:gone }`),
    'No document declares',
  ],
  ['grants to a person', issuer(`  - { when: 'claims.sub == "x"', principal: human:ada }`), 'cannot be "human:ada"'],
  [
    'asks for what is not a claim',
    issuer(`  - { when: 'principal.id == "x"', principal: service:ci }`),
    'Unknown variable',
  ],
  ['holds for too long', issuer(good, 'ttl: 1h'), '5m to 15m'],
  ['allows a clock to be minutes off', issuer(good, 'skew: 5m'), '60s'],
  ['is signed with a secret', issuer(good, 'algorithms: [HS256]'), 'cannot be "HS256"'],
  ['is not signed', issuer(good, 'algorithms: [none]'), 'cannot be "none"'],
  ['carries a private key', issuer(good, 'keys: { jwks: { keys: [{ kty: OKP, d: x }] } }'), 'secret key'],
  ['has keys from two places', issuer(good, 'keys: { discovery: true, file: x }'), 'exactly one place'],
  ['is two issuers', issuer(good, 'trustDomain: prod.example'), 'exactly one of issuer and trustDomain'],
  ['stands there twice', `${issuer(good)}\n---\n${issuer(good).replace('name: github', 'name: other')}`, 'already'],
])('a document that %s does not come into force', (_, document, problem) => {
  try {
    compile(document)
    expect.unreachable()
  } catch (error) {
    expect((error as PolicyErrors).problems.map(({ message }) => message).join('\n')).toContain(problem)
  }
})
