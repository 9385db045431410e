import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { stringify } from 'yaml'
import { compilePolicy, KINDS, PolicyErrors } from './index.ts'
import { policySchemas } from './schema.ts'

const packs = join(import.meta.dirname, '../../policies')
const texts = readdirSync(packs)
  .filter((name) => name.endsWith('.yaml'))
  .map((name) => readFileSync(join(packs, name), 'utf8'))

/** Compiles, and checks that what is thrown names places inside the text. */
function compile(text: string): void {
  try {
    compilePolicy([{ path: 'p.yaml', text }])
  } catch (thrown) {
    if (!(thrown instanceof PolicyErrors)) throw thrown
    expect(thrown.problems.length).toBeGreaterThan(0)
    const lines = text.split('\n').length
    for (const { line, column, message } of thrown.problems) {
      expect(line).toBeGreaterThan(0)
      expect(line).toBeLessThanOrEqual(lines + 1)
      expect(column).toBeGreaterThan(0)
      expect(message).not.toBe('')
    }
  }
}

test('a damaged file is a list of problems with places, never another error', () => {
  const scraps = [
    '\n---\n',
    ': ',
    '- ',
    '&a ',
    '*a',
    '{',
    '}',
    '[',
    '"',
    "'",
    '|\n  ',
    '\t',
    '!!set ',
    '\0',
    '%YAML 9\n',
    'on: ',
    'null',
    '1e999',
    'op.has(',
    ' && ',
    '.',
    '🦥',
  ]
  const cut = fc.record({
    text: fc.constantFrom(...texts),
    at: fc.nat(),
    length: fc.nat(40),
    scrap: fc.constantFrom(...scraps),
  })
  fc.assert(
    fc.property(fc.array(cut, { minLength: 1, maxLength: 3 }), (cuts) => {
      for (const { text, at, length, scrap } of cuts) {
        const from = at % text.length
        compile(text.slice(0, from) + scrap + text.slice(from + length))
      }
    }),
    { numRuns: 300 },
  )
})

test('a document of any shape is a list of problems, never another error', () => {
  const keys = [...new Set(KINDS.flatMap((kind) => Object.keys(policySchemas()[kind].properties ?? {})))]
  const value = fc.oneof(
    fc.string(),
    fc.jsonValue({ maxDepth: 2 }),
    fc.constantFrom<unknown>(
      'true',
      'deny',
      'approve',
      '10s',
      ['group:dba'],
      { rows: 1 },
      [{ match: 'a.b.c', labels: ['x'] }],
      { by: ['human:a'] },
      'op.has("read")',
      '1 / 0 == 1',
    ),
  )
  fc.assert(
    fc.property(
      fc.constantFrom(...KINDS),
      fc.dictionary(fc.constantFrom(...keys), value, { maxKeys: 8 }),
      (kind, fields) => {
        compile(stringify({ name: 'x', who: 'true', on: 'true', ...fields, kind }))
      },
    ),
    { numRuns: 500 },
  )
})
