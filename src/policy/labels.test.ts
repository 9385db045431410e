import { describe, expect, test } from 'vitest'
import { policyOf } from './example.ts'
import { compilePart } from './labels.ts'

const COLUMNS = `kind: Classification
name: c
resource: orders
columns:
  - { match: public.customers.email, labels: [pii.email] }
  - { match: "*.customers.*mail*", labels: [pii.contact, pii.email] }
  - { match: 'public."odd.table"."Col.umn"', labels: [secret] }
paths:
  - { match: public.customers.profile, path: contact.email, labels: [pii.email] }
  - { match: public.customers.mixed, path: a.*.b, labels: [pii.name] }
---
kind: Classification
name: everywhere
columns: [{ match: public.customers.mixed, labels: [pii.phone] }]
---
kind: Classification
name: where-it-cannot-be-told
on: resource.labels.env.size() / 0 == 1
columns: [{ match: public.doubt.x, labels: [doubt] }]
---
kind: Classification
name: elsewhere
on: resource.labels.env == "staging"
columns: [{ match: public.customers.id, labels: [pii.id] }]
`

describe('labels of columns', () => {
  const policy = policyOf(COLUMNS)
  const labels = policy.labels(policy.resource('orders')!)
  test.each([
    ['public', 'customers', 'email', ['pii.contact', 'pii.email']],
    ['crm', 'customers', 'work_email2', ['pii.contact', 'pii.email']],
    ['crm', 'customers', 'phone', []],
    ['PUBLIC', 'Customers', 'EMAIL', ['pii.contact', 'pii.email']],
    ['public', 'odd.table', 'col.umn', ['secret']],
    ['public', 'customers', 'profile', ['pii.email']],
    ['public', 'customers', 'id', []],
    ['public', 'doubt', 'x', ['doubt']],
    ['public', 'nothing', 'email', []],
  ])('%s.%s.%s', (schema, relation, column, expected) => {
    expect(labels.column(schema, relation, column)).toEqual(expected)
    // The second answer is a remembered one.
    expect(labels.column(schema, relation, column)).toBe(labels.column(schema, relation, column))
  })

  test('paths speak of the inside of a column only where it has no label of its own', () => {
    expect(labels.paths?.('public', 'customers', 'profile')).toEqual([
      { path: ['contact', 'email'], labels: ['pii.email'] },
    ])
    expect(labels.paths?.('public', 'customers', 'mixed')).toEqual([])
    expect(labels.paths?.('public', 'customers', 'email')).toEqual([])
  })

  test('a relation is touched when one of its columns may carry a label', () => {
    expect(labels.touches('public', 'customers')).toBe(true)
    expect(labels.touches('other', 'customers')).toBe(true)
    expect(labels.touches('public', 'orders')).toBe(false)
  })

  test('all are the labels of this resource, and the index keeps its identity', () => {
    expect(labels.all).toEqual(['doubt', 'pii.contact', 'pii.email', 'pii.name', 'pii.phone', 'secret'])
    expect(policy.labels(policy.resource('orders')!)).toBe(labels)
    expect(policy.labels(policy.resource('bare')!).all).toEqual(['doubt', 'pii.phone'])
  })
})

test.each([
  ['email', 'email', true],
  ['email', 'emails', false],
  ['*', '', true],
  ['*mail', 'email', true],
  ['a*a', 'a', false],
  ['a*b*c', 'axbyc', true],
  ['a*b*c', 'acb', false],
  ['*a*a*', 'ba', false],
  ['**', 'x', true],
])('%s fits %s: %s', (pattern, name, expected) => {
  expect(compilePart(pattern)(name)).toBe(expected)
})
