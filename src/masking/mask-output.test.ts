import { describe, expect, it } from 'vitest'
import { Secret } from '../kit/secret.ts'
import type { MaskTransform } from '../model/decision.ts'
import { cellMasker, containsMaskOutput, planColumns, textScrubber } from './index.ts'

const KEY = new Secret('guard tests')
const VALUES: Readonly<Record<string, string>> = {
  'pii.email': 'anna.berg@example.com',
  'pii.mail': 'x@example.org',
  'pci.card': '4111 1111 1111 1111',
  'pii.ssn': '987-65-4321',
  'pii.phone': '+1 415 555 2671',
  'pii.iban': 'DE89 3704 0044 0532 0130 00',
  'pii.ip': '203.0.113.77',
  'secret.api': 'sk-ant-api03-aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0x',
  'crm.name': 'Johanna Berg',
  'crm.note': 'é',
}
const TRANSFORMS: readonly MaskTransform[] = ['redact', 'partial', 'hash', 'fixed', 'tokenize']

function masked(label: string, transform: MaskTransform, value: string): string {
  const plan = planColumns(
    [{ labels: [label], type: { typeOid: 25, format: 0 } }],
    [{ labels: [label], with: transform }],
    KEY,
  )
  const bytes = Buffer.from(value)
  return String(plan!.maskers[0]!.mask(bytes, 0, bytes.length))
}

describe('B46: what a transform writes', () => {
  const cases = Object.entries(VALUES).flatMap(([label, value]) =>
    TRANSFORMS.map((transform) => [transform, label, value] as const),
  )
  it.each(cases)('by %s of %s (%s) is recognised in a statement, and the value is not', (transform, label, value) => {
    const output = masked(label, transform, value)
    expect(output).not.toContain(value)
    for (const write of [
      output,
      `UPDATE t SET x='${output}'`,
      `('a', '${output}', 7)`,
      `x ${output}.`,
      Buffer.from(`"${output}"`),
    ]) {
      expect(containsMaskOutput(write), String(write)).toBe(true)
    }
    expect(containsMaskOutput(`UPDATE t SET x='${value}'`)).toBe(false)
  })

  it.each(TRANSFORMS)('by %s in json and as a uuid hash is recognised', (transform) => {
    for (const typeOid of [114, 3802]) {
      const json = cellMasker(transform, { typeOid, format: 0 }, KEY).mask(Buffer.from('{"a": 1}'), 0, 8)
      expect(containsMaskOutput(json as Buffer)).toBe(true)
    }
    const uuid = '550e8400-e29b-41d4-a716-446655440000'
    const hashed = cellMasker('hash', { typeOid: 2950, format: 0 }, KEY).mask(Buffer.from(uuid), 0, uuid.length)
    expect(containsMaskOutput(hashed as Buffer)).toBe(true)
  })

  it.each(TRANSFORMS)('by %s of a value found in text is recognised', (transform) => {
    const scrubber = textScrubber([{ labels: ['*'], with: transform }], KEY)!
    for (const [label, value] of Object.entries(VALUES)) {
      if (label.startsWith('crm.')) continue
      expect(containsMaskOutput(scrubber.scrubText(`see ${value}, please`)!), label).toBe(true)
    }
  })

  it.each([
    'SELECT 2 *masked FROM t',
    'SELECT a ** b, c *** d /***/ -- *****',
    '/******* a comment *******/ SELECT 1',
    "SELECT 'x*y', '****', '** note **', '5*****2'",
    "SELECT * FROM t WHERE a LIKE '%*%'",
    "INSERT INTO t VALUES ('000-00-00', '0000-0000', 'mask_me', 'tok_en', 'masked', 'task_0123456789abcdef')",
    "SELECT '192.168.*', 'a@b.*', '511ce0de'",
    "SELECT regexp_matches(x, 'a*****b')",
    'SELECT 1 /* 12 */ *4111',
  ])('is not seen in: %s', (statement) => {
    expect(containsMaskOutput(statement)).toBe(false)
  })
})
