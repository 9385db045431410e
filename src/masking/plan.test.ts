import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Secret } from '../kit/secret.ts'
import type { MaskTransform } from '../model/decision.ts'
import { labelMatches, planColumns } from './index.ts'
import { type JsonVisitor, rewriteJson } from './json.ts'

const KEY = new Secret('plan tests')
const TEXT = { typeOid: 25, format: 0 } as const
const JSONB = { typeOid: 3802, format: 0 } as const

function mask(
  value: string,
  labels: readonly string[],
  duties: readonly (readonly [string, MaskTransform])[],
): string | null | undefined {
  const plan = planColumns(
    [{ labels, type: TEXT }],
    duties.map(([label, transform]) => ({ labels: [label], with: transform })),
    KEY,
  )
  const bytes = Buffer.from(value)
  const result = plan?.maskers[0]?.mask(bytes, 0, bytes.length)
  return result && String(result)
}

describe('a label pattern', () => {
  it.each([
    ['pii.email', 'pii.email', true],
    ['pii.*', 'pii.email', true],
    ['pii.*', 'pii.contact.email', true],
    ['*', 'anything', true],
    ['pii.*', 'pii', false],
    ['pii.*', 'piix.email', false],
    ['pii.e*', 'pii.email', false],
    ['pii', 'pii.email', false],
    ['pii.email', 'PII.email', false],
  ])('%s and %s: %s', (pattern, label, expected) => {
    expect(labelMatches(pattern, label)).toBe(expected)
  })
})

describe('when several duties match a column', () => {
  const VALUE = 'anna@example.com'
  const ORDER: readonly MaskTransform[] = ['null', 'redact', 'fixed', 'hash', 'tokenize', 'partial']
  const ALONE = new Map(ORDER.map((transform) => [transform, mask(VALUE, ['pii.email'], [['pii.email', transform]])]))
  it('the one that shows least wins, in any order and for any label', () => {
    for (const [i, strong] of ORDER.entries()) {
      for (const weak of ORDER.slice(i)) {
        expect(
          mask(
            VALUE,
            ['pii.email'],
            [
              ['pii.*', weak],
              ['pii.email', strong],
            ],
          ),
          `${strong} ${weak}`,
        ).toBe(ALONE.get(strong))
        expect(
          mask(
            VALUE,
            ['pii.email'],
            [
              ['pii.email', strong],
              ['pii.*', weak],
            ],
          ),
        ).toBe(ALONE.get(strong))
      }
    }
  })
  it('B39: full replacement keeps no character and no length; partial is asked for by name', () => {
    expect(mask('a', ['crm.x'], [['crm.x', 'redact']])).toBe(
      mask('a much longer value', ['crm.x'], [['crm.x', 'redact']]),
    )
    expect(ALONE.get('partial')).toBe('a***@***.com')
  })
  it('labels of different kinds on one column keep no shape of either', () => {
    expect(mask('4111111111111111', ['pci.card', 'pii.ssn'], [['*', 'partial']])).toBe('4*****')
  })
  it('a transform nobody knows masks all the same', () => {
    expect(mask(VALUE, ['pii.email'], [['pii.email', 'blur' as MaskTransform]])).toBeNull()
  })
})

describe('a column', () => {
  it('with a label no duty names is looked at like an unlabelled one', () => {
    expect(mask('anna@example.com', ['crm.x'], [['pii.email', 'redact']])).toBe('*masked*')
    expect(mask('anna', ['crm.x'], [['pii.email', 'redact']])).toBeUndefined()
  })
  it('needs no look when no duty or detector could touch it', () => {
    expect(planColumns([{ labels: [], type: TEXT }], [], KEY)).toBeUndefined()
    expect(planColumns([{ labels: [], type: TEXT }], [{ labels: ['crm.x'], with: 'redact' }], KEY)).toBeUndefined()
    expect(
      planColumns([{ labels: [], type: { typeOid: 23, format: 0 } }], [{ labels: ['*'], with: 'redact' }], KEY),
    ).toBeUndefined()
  })
})

describe('partial masks', () => {
  it.each([
    ['pii.email', 'anna@example.com', 'a***@***.com'],
    ['pii.email', 'x@example.co.uk', '***@***.uk'],
    ['pii.email', 'no address', '*masked*'],
    ['pii.email', '@example.com', '*masked*'],
    ['pii.email', 'a b@x', 'a***@***'],
    ['pci.card', '4111-1111-1111-1234', '************1234'],
    ['pci.card', '1234', '*masked*'],
    ['pii.ssn', '987-65-4321', '***-**-4321'],
    ['pii.ssn', '4321', '*masked*'],
    ['pii.phone', '+1 415 555 2671', '***-***-71'],
    ['pii.phone', '71', '*masked*'],
    ['pii.iban', 'DE89 3704 0044 0532 0130 00', 'DE**************3000'],
    ['pii.iban', 'DE89', '*masked*'],
    ['pii.ip', '203.0.113.77', '203.0.*.*'],
    ['pii.ip', '2001:db8::1', '*masked*'],
    ['secret.key', 'anything', '*masked*'],
    ['crm.name', 'Johanna', 'J*****'],
    ['crm.name', 'Jo', '*masked*'],
    ['crm.name', 'Éva Kiss', '*masked*'],
    ['crm.name', 'anna@example.com', 'a***@***.com'],
    ['crm.name', '', '*masked*'],
  ])('of %s: %s becomes %s', (label, value, expected) => {
    expect(mask(value, [label], [[label, 'partial']])).toBe(expected)
  })
})

describe('rewritten JSON', () => {
  const shout: JsonVisitor<number> = {
    scalar: (text) => (text.includes('z') ? text.toUpperCase() : undefined),
    enter: (depth) => depth + 1,
    whole: () => undefined,
  }
  const viaParse = (value: unknown): unknown => {
    const loud = (text: string) => (text.includes('z') ? text.toUpperCase() : text)
    if (typeof value === 'string') return loud(value)
    if (Array.isArray(value)) return value.map(viaParse)
    if (value && typeof value === 'object')
      return Object.fromEntries(Object.entries(value).map(([k, v]) => [loud(k), viaParse(v)]))
    return value
  }
  it('is what parsing, changing and printing would give', () => {
    const json = fc.json({ maxDepth: 6 })
    fc.assert(
      fc.property(json, fc.boolean(), (text, pretty) => {
        const input = pretty ? JSON.stringify(JSON.parse(text), null, 2) : text
        const rewritten = rewriteJson(input, 0, shout)
        expect(JSON.parse(rewritten ?? input)).toEqual(viaParse(JSON.parse(input)))
        if (rewritten === undefined) expect(viaParse(JSON.parse(input))).toEqual(JSON.parse(input))
      }),
      { numRuns: 300 },
    )
  })
  it.each([
    '',
    '{',
    '{"a"',
    '{"a":',
    '[1,',
    '[1 2]',
    '"a',
    '{"a":1}x',
    '"\\u12"',
    '{a:1}',
    '[,]',
    '['.repeat(5000) + ']'.repeat(5000),
  ])('that cannot be read makes the cell NULL: %#', (text) => {
    const plan = planColumns(
      [{ labels: [], type: JSONB, paths: [{ path: ['a'], labels: ['crm.x'] }] }],
      [{ labels: ['crm.x'], with: 'redact' }],
      KEY,
    )
    const bytes = Buffer.from(text)
    expect(plan!.maskers[0]!.mask(bytes, 0, bytes.length)).toBeNull()
  })
})
