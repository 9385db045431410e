import { describe, expect, test } from 'vitest'
import { agent, operation } from '../example.ts'
import { type Condition, compileCondition, isCondition } from './condition.ts'
import { beginPatternWork, endPatternWork, matchesLinear, WORK_LIMIT } from './pattern.ts'
import { OperationView, PrincipalView, ResourceView, SessionView } from './views.ts'

const op = new OperationView()
op.operation = operation(['read', 'delete'], { filters: ['pii.email'] })
op.text = 'DELETE FROM t'
const session = new SessionView()
session.session = { id: 's', labelsRead: [], operations: 3, rows: 0, bytes: 0, inFlight: 0 }
const frame = {
  principal: new PrincipalView({ ...agent, claims: { level: 3, team: 'eng', roles: ['a', 5] } }, (each) => each.groups),
  resource: new ResourceView({
    name: 'orders',
    protocol: 'postgres',
    labels: { env: 'prod' },
    address: '',
    users: [],
    tls: { mode: 'disable' },
  }),
  op,
  session,
  now: new Date('2026-03-02T17:30:00Z'),
}

function compiled(part: 'who' | 'on' | 'when', source: string): Condition {
  const condition = compileCondition(part, source)
  if (!isCondition(condition)) throw new Error(condition[0]!.message)
  return condition
}

describe('a condition that is not right fails when it is loaded', () => {
  test.each([
    ['when', 'op.has("delte")', 7, '"delte" is not an effect.', 'Write `delete`.'],
    ['when', 'op.only(["read", "sesion"])', 17, '"sesion" is not an effect.', 'Write `session`.'],
    ['when', 'op.objects.exists(o, o.has("wirte"))', 27, '"wirte" is not an effect.', 'Write `write`.'],
    ['when', '"delte" in op.effects', 0, '"delte" is not a value of `op.effects`.', 'Write `delete`.'],
    ['when', 'op.confidence == "opaqe"', 17, '"opaqe" is not a value of `op.confidence`.', 'Write `opaque`.'],
    [
      'who',
      '"robot" == principal.kind',
      0,
      '"robot" is not a value of `principal.kind`.',
      'Write one of human, agent, service.',
    ],
    ['who', 'principal["kind"] in ["agnt"]', 22, '"agnt" is not a value of `principal.kind`.', 'Write `agent`.'],
    ['when', 'op.has(delete)', 7, 'Unknown variable: delete.', 'Write `"delete"`, in quotes.'],
    ['who', 'prinicpal.kind == "agent"', 0, 'Unknown variable: prinicpal.', 'Write `principal`.'],
    [
      'who',
      'resource.name == "x"',
      0,
      'Unknown variable: resource.',
      '`who` sees only principal. Write this part in `when`.',
    ],
    ['when', 'op.facts.filter.size() > 0', 9, 'No such key: filter.', 'Write `filters`.'],
    [
      'on',
      'has(resource.labels.env)',
      0,
      '`resource.labels.env` is never absent',
      'Write `resource.labels.env != ""`.',
    ],
    [
      'on',
      '"env" in resource.labels',
      9,
      '`resource.labels` can only be asked for one entry.',
      'Write `resource.labels.NAME != ""`.',
    ],
    [
      'on',
      'cel.bind(l, resource.labels, "env" in l)',
      12,
      '`resource.labels` can only be asked for one entry.',
      'Write',
    ],
    ['on', 'cel.bind(r, resource, "env" in r.labels)', 12, '`resource` can only be asked for one field.', 'Write'],
    [
      'who',
      '[principal.actor].exists(p, "x" in p.claims)',
      1,
      '`principal.actor` can only be asked for one field.',
      'Write',
    ],
    ['when', 'resource[op.verb] == "x"', 0, '`resource` can only be asked for one field.', 'Write'],
    ['who', '"admin" in principal.claims.roles', 11, 'may be missing or no list', 'Write `principal.claim("roles")`.'],
    ['on', 'resource.labels.env == 5', 0, 'no such overload: string == int.', 'Write values of the same type'],
    ['when', 'op.verb', 0, 'The condition is a string, not true or false.', 'Write a comparison.'],
    ['when', 'op.text.matches(op.verb)', 0, '`matches` takes a pattern written out.', 'Write the pattern as a literal'],
    ['when', 'op.text.matches("(a)\\\\1")', 16, 'Not a pattern', 'Write RE2 syntax'],
    ['when', 'op.text.matchesLinear("a")', 0, 'There is no function matchesLinear.', 'Write `matches`.'],
    ['when', 'op.has("a"', 10, 'Not a condition', 'Write CEL'],
  ] as const)('%s: %s', (part, source, offset, message, remedy) => {
    const problems = compileCondition(part, source)
    expect(isCondition(problems)).toBe(false)
    expect(problems).toContainEqual({
      offset,
      message: expect.stringContaining(message),
      remedy: expect.stringContaining(remedy),
    })
  })
})

describe('conditions read the operation, the principal, the session and the time', () => {
  test.each([
    ['when', 'op.has("delete") && !op.has("write")', true],
    ['when', 'op.has(["write", "delete"])', true],
    ['when', 'op.only(["read", "session"])', false],
    ['when', 'op.effects == ["read", "delete"]', true],
    ['when', 'op.facts.filters.exists(l, l.startsWith("pii."))', true],
    ['when', 'op.facts.statements == 1', true],
    ['when', 'op.text.matches("^DELETE\\\\s+FROM")', true],
    ['when', 'session.operations > 2', true],
    ['when', 'now.getHours("Europe/Vienna") == 18', true],
    ['who', 'principal.claims.level == 3 && principal.claims.team == "eng"', true],
    ['who', 'principal.claims.missing == "x"', false],
    ['who', '"eng" in principal.claim("team") && "a" in principal.claim("roles")', true],
    ['who', 'principal.claim("missing") == [] && principal.actor.claim("roles").size() == 0', true],
    ['who', 'has(principal.claims.org.unit)', false],
    ['who', 'principal.actor.kind == "human"', false],
    ['on', 'resource.labels.env == "prod"', true],
    ['on', 'resource.labels.missing == "prod"', false],
    ['on', 'resource.labels.missing != "prod"', true],
    ['on', 'resource.labels["missing"] == ""', true],
  ] as const)('%s: %s is %s', (part, source, expected) => {
    expect(compiled(part, source).holds(frame)).toBe(expected)
  })
})

test('an effect that is computed and outside the vocabulary is an error, not a false', () => {
  expect(() => compiled('when', 'op.has(op.verb)').holds(frame)).toThrow(/not an effect/)
})

test('a pattern runs in linear time (F32)', () => {
  // A backtracking engine would not come back from this.
  expect(matchesLinear(`${'a'.repeat(5_000)}!`, '^(a+)+$')).toBe(false)
})

test('a text too long for a pattern is an error, so that the rule refuses', () => {
  expect(() => matchesLinear('a'.repeat(70_000), 'b')).toThrow(RangeError)
})

test('the patterns of one decision share a budget (G55); outside of decisions there is none', () => {
  const text = 'x'.repeat(60_000)
  const tries = () => {
    for (let looked = 0; looked <= WORK_LIMIT; looked += text.length) matchesLinear(text, 'b')
  }
  beginPatternWork()
  expect(tries).toThrow(/too much to look at/)
  endPatternWork()
  expect(tries).not.toThrow()
})
