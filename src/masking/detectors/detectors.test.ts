import { describe, expect, it } from 'vitest'
import { Secret } from '../../kit/secret.ts'
import { textScrubber } from '../index.ts'
import { DETECTOR_GROUPS } from './all.ts'

const KEY = new Secret('detector tests')

/** The text with every find of one label replaced. */
function scrubbed(label: string, text: string): string {
  return textScrubber([{ labels: [label], with: 'redact' }], KEY)!.scrubText(text) ?? text
}

const letters = (count: number) => 'aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xY'.repeat(20).slice(0, count)
const upper = (count: number) => 'ABCDEFGH234567JK'.repeat(5).slice(0, count)
const hex = (count: number) => '0123456789abcdef'.repeat(8).slice(0, count)

const FOUND: Readonly<Record<string, readonly string[]>> = {
  'pii.email': [
    'anna@example.com',
    'a.b+tag@mail.example.co.uk',
    "o'brien@example.org",
    'müller@exämple.de',
    'user_1@xn--e1afmkfd.xn--p1ai',
    'x@1.2.example.io',
  ],
  'pci.card': [
    '4111111111111111',
    '4111 1111 1111 1111',
    '5555-5555-5555-4444',
    '378282246310005',
    '3782 822463 10005',
    '6011111111111117',
    '30569309025904',
    '2223003122003222',
    '4222222222222',
    '6304000000000000',
  ],
  'pii.iban': [
    'DE89370400440532013000',
    'DE89 3704 0044 0532 0130 00',
    'GB82 WEST 1234 5698 7654 32',
    'NO93 8601 1117 947',
    'MT84MALT011000012345MTLCAST001S',
    'fr14 2004 1010 0505 0001 3m02 606',
  ],
  'pii.ssn': ['123-45-6789', '987-65-4321', '001-01-0001'],
  'pii.phone': [
    '+14155552671',
    '+1 415 555 2671',
    '+49 30 1234567',
    '+44 (0)20 7946 0018',
    '+81-12-3456-7890',
    '+1.415.555.2671',
    '(415) 555-2671',
    '415-555-2671',
    '1-800-555-0199',
  ],
  'pii.ip': [
    '203.0.113.77',
    '10.1.2.3',
    '2001:db8::1',
    '2001:0db8:85a3:0000:0000:8a2e:0370:7334',
    'fe80::6e40:8ff:fea9:8c46',
  ],
  'secret.aws': ['AKIAIOSFODNN7EXAMPLE', `ASIA${upper(16)}`],
  'secret.gcp': [`AIza${letters(35)}`, `GOCSPX-${letters(28)}`, `ya29.${letters(60)}`],
  'secret.azure': [`abc8Q~${letters(34)}`],
  'secret.github': [`ghp_${letters(36)}`, `github_pat_${letters(22)}_${letters(59)}`],
  'secret.gitlab': [`glpat-${letters(20)}`],
  'secret.slack': [
    ['xoxb', '1234567890', '1234567890', letters(24)].join('-'),
    `hooks.slack.com/services/T0000000/B0000000/${letters(24)}`,
  ],
  'secret.stripe': [`sk_live_${letters(24)}`, `rk_test_${letters(24)}`, `whsec_${letters(32)}`],
  'secret.openai': [`sk-${letters(48)}`, `sk-proj-${letters(60)}`],
  'secret.anthropic': [`sk-ant-api03-${letters(80)}`],
  'secret.sluice': [`slu_${letters(32)}`],
  'secret.npm': [`npm_${letters(36)}`],
  'secret.pypi': [`pypi-${letters(80)}`],
  'secret.sendgrid': [`SG.${letters(22)}.${letters(43)}`],
  'secret.huggingface': [`hf_${letters(34)}`],
  'secret.digitalocean': [`dop_v1_${hex(64)}`],
  'secret.databricks': [`dapi${hex(32)}`],
  'secret.token': [`eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.${letters(43)}`],
  'secret.key': [
    `-----BEGIN RSA PRIVATE KEY-----\n${letters(64)}\n-----END RSA PRIVATE KEY-----`,
    `-----BEGIN OPENSSH PRIVATE KEY-----\\n${letters(64)}`,
    `-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nVersion: 1\n${letters(64)}`,
  ],
}

/** Values found beside a keyword that stays. */
const NAMED: readonly (readonly [string, string, string])[] = [
  ['secret.aws', `aws_secret_access_key = ${letters(40)}`, 'aws_secret_access_key = *masked*'],
  ['secret.aws', `"SecretAccessKey": "${letters(40)}"`, '"SecretAccessKey": "*masked*"'],
  ['secret.azure', `AccountName=x;AccountKey=${letters(86)}==;E`, 'AccountName=x;AccountKey=*masked*;E'],
  ['secret.azure', `https://x.blob/y?sv=1&sig=${letters(43)}%3D&x=1`, 'https://x.blob/y?sv=1&sig=*masked*&x=1'],
  ['secret.password', 'postgres://app:s3cret@db.internal/shop', 'postgres://app:*masked*@db.internal/shop'],
  ['pii.ssn', 'SSN: 123456789.', 'SSN: *masked*.'],
]

/** What looks like a value to a careless pattern: the wrong checksum, length, range or neighbours. */
const LEFT: Readonly<Record<string, readonly string[]>> = {
  'pii.email': ['@', 'a @ b', 'user@host', '@example.com', 'a@b.c', 'x@1.2', 'a@.com', '5@6.7', 'select @ -5.5'],
  'pci.card': [
    '4111111111111112',
    '4567890123456789',
    '1234567890123456',
    '0000000000000000',
    '0.4111111111111111',
    '41111111111111110000000',
    'a4111111111111111f',
    '4111 11111111 1111',
    '3.4111111111111111e10',
  ],
  'pii.iban': ['DE88370400440532013000', 'ZZ89370400440532013000', 'DE8937040044', 'IDE89370400440532013000'],
  'pii.ssn': [
    '000-12-3456',
    '666-12-3456',
    '123-00-4567',
    '123-45-0000',
    '1123-45-6789',
    '123-45-67890',
    '2024-01-02',
    '1-123-45-6789',
  ],
  'pii.phone': [
    '+2147483647',
    '+9223372036854775807',
    '1234567890',
    '2024-01-02 03:04:05',
    '+4 5 6 7 8 9 0 1 2 3',
    '+1234567.89',
    '+1,234,567,890',
    '+05:30',
    '1e+1415555267',
    '2008-12-31 23:59:59+01',
    '123-456-7890',
    '550e8400-e29b-41d4-a716-446655440000',
    '+12 34',
  ],
  'pii.ip': [
    '127.0.0.1',
    '0.0.0.0',
    '255.255.255.0',
    '256.1.1.1',
    '1.2.3',
    '1.2.3.4.5',
    '01.02.03.04',
    '12:34:56',
    'a::b',
    '08:00:2b:01:02:03:04:05',
    '08:00:2b:01:02:03',
    "'x'::text",
    '::1',
  ],
  'secret.*': [
    'AKIAIOSFODNN7EXAMPLETOOLONG',
    'xAKIAIOSFODNN7EXAMPLE',
    'sk-short',
    'the risk-assessment-of-everything-we-do',
    'task_live_12345678901234',
    'eyJub3QiOiJhIHRva2VuIn0',
    '-----BEGIN PUBLIC KEY-----',
    '-----BEGIN CERTIFICATE-----',
    '550e8400-e29b-41d4-a716-446655440000',
    hex(64),
    'http://localhost:8080/path',
    'https://example.com:443/@user',
  ],
}

describe.each(Object.entries(FOUND))('%s', (label, values) => {
  it.each(values)('is found: %s', (value) => {
    expect(scrubbed(label, value)).toBe('*masked*')
    expect(scrubbed(label, `see (${value}), "${value}"; end`)).toBe('see (*masked*), "*masked*"; end')
  })
})

describe('a value beside its name', () => {
  it.each(NAMED)('%s is found in %s', (label, text, expected) => {
    expect(scrubbed(label, text)).toBe(expected)
  })
})

describe.each(Object.entries(LEFT))('what is not %s', (label, texts) => {
  it.each(texts)('is left: %s', (text) => {
    expect(scrubbed(label, text)).toBe(text)
  })
})

it('every detector has a value above', () => {
  const tested = new Set([...Object.keys(FOUND), ...NAMED.map(([label]) => label)])
  const labels = DETECTOR_GROUPS.flatMap(({ detectors }) => detectors.map(({ label }) => label))
  expect(labels.filter((label) => !tested.has(label))).toEqual([])
})

describe('B38: disguises', () => {
  it.each([
    ['pci.card', '４１１１ １１１１ １１１１ １１１１'],
    ['pci.card', '4111\u200b1111\u200d1111\ufeff1111'],
    ['pci.card', '4111\u00a01111\u00a01111\u00a01111'],
    ['pci.card', '٤١١١١١١١١١١١١١١١'],
    ['pii.ssn', '987‑65‑4321'],
    ['pii.ssn', '987–65–4321'],
    ['pii.email', 'anna＠example．com'],
    ['pii.email', 'an\u00adna@exam\u2060ple.com'],
    ['pii.ip', '２０３.0.113.77'],
    ['secret.aws', 'ＡＫＩＡIOSFODNN7EXAMPLE'],
    ['pci.card', '411111111111111⒈'],
  ])('%s is found in %s', (label, value) => {
    const result = scrubbed(label, `<${value}>`)
    expect(result).toMatch(/^<\*masked\*\.?>$/)
  })

  it('leaves text that only looks unusual as it was, byte for byte', () => {
    const scrubber = textScrubber([{ labels: ['*'], with: 'redact' }], KEY)!
    for (const text of ['ﬁne ½ ①②③ ﷺ', 'Straße 12, 10115 Berlin', '電話なし', '👩‍👩‍👧‍👦 ok', 'x²+y²']) {
      const bytes = Buffer.from(text)
      expect(scrubber.scrub(bytes, 0, bytes.length), text).toBeUndefined()
    }
  })

  it('replaces within text of any script and keeps the rest, also bytes that are no UTF-8', () => {
    const scrubber = textScrubber([{ labels: ['pii.email'], with: 'redact' }], KEY)!
    const bytes = Buffer.concat([Buffer.from('né\xff ', 'latin1'), Buffer.from('🙂ﬁ anna＠example.com ½')])
    expect(scrubber.scrub(bytes, 0, bytes.length)).toEqual(
      Buffer.concat([Buffer.from('né\xff ', 'latin1'), Buffer.from('🙂ﬁ *masked* ½')]),
    )
  })
})

describe('detectors take time linear in the text', () => {
  const units = [
    'a',
    '1',
    '-',
    '@',
    'a@',
    '+1',
    '1.',
    ':',
    'eyJ',
    '-----BEGIN RSA PRIVATE KEY-----',
    'sk-',
    'DE89',
    '4111 ',
    '://a:',
    '.a',
    '\u200b1',
  ]
  it.each(units)('for many %j', (unit) => {
    const scrubber = textScrubber([{ labels: ['*'], with: 'redact' }], KEY)!
    const text = unit.repeat(Math.ceil(400_000 / unit.length))
    const start = performance.now()
    scrubber.scrubText(text)
    // A quadratic search over 400,000 characters takes minutes; a linear one some hundred milliseconds.
    expect(performance.now() - start).toBeLessThan(10_000)
  })
})
