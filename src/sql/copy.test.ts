import { expect, test } from 'vitest'
import { NO_LABEL_INDEX, SHOP, SHOP_LABELS } from '../../test/rig/sketch.ts'
import { PostgresSql, SessionMirror } from './postgres.ts'

const versions: PostgresSql[] = []
for (const major of [13, 15, 18]) versions.push(await PostgresSql.load(major))

function resolve(text: string, sql = versions[1]!, labels = SHOP_LABELS) {
  return sql.resolve(sql.parse(text), { catalogue: SHOP, labels, database: 'shop', mirror: new SessionMirror() })
}

const TEXT = { format: 'text', delimiter: '\t', quote: '"', escape: '"', null: '\\N', header: false }
const CSV = { ...TEXT, format: 'csv', delimiter: ',', null: '' }

test.each([
  ['COPY orders TO STDOUT', TEXT],
  [
    "COPY orders TO STDOUT (DELIMITER '|', NULL 'none', HEADER)",
    { ...TEXT, delimiter: '|', null: 'none', header: true },
  ],
  ["COPY orders TO STDOUT DELIMITER '|' NULL AS ''", { ...TEXT, delimiter: '|', null: '' }],
  ['COPY orders TO STDOUT CSV', CSV],
  ['COPY orders TO STDOUT CSV HEADER', { ...CSV, header: true }],
  ['COPY orders TO STDOUT (FORMAT csv, HEADER off)', CSV],
  ['COPY orders TO STDOUT (FORMAT csv, HEADER 1)', { ...CSV, header: true }],
  [`COPY orders TO STDOUT (FORMAT 'CSV', QUOTE '''')`, { ...CSV, quote: "'", escape: "'" }],
  [
    `COPY orders TO STDOUT (FORMAT csv, QUOTE '''', ESCAPE '\\', DELIMITER ';', NULL '-')`,
    { ...CSV, quote: "'", escape: '\\', delimiter: ';', null: '-' },
  ],
  ['COPY orders TO STDOUT BINARY', { ...TEXT, format: 'binary' }],
  ['COPY BINARY orders TO STDOUT', { ...TEXT, format: 'binary' }],
  ['COPY orders TO STDOUT (FORMAT binary)', { ...TEXT, format: 'binary' }],
  ["COPY orders TO STDOUT (ENCODING 'UTF8')", TEXT],
])('B14 rows are written as the options say: %s', (text, expected) => {
  for (const sql of versions)
    expect(resolve(text, sql).statements[0]?.result).toMatchObject({ kind: 'copyOut', ...expected })
})

test('B15 a format or encoding that cannot be read is opaque', () => {
  for (const text of ["COPY customers TO STDOUT (ENCODING 'SJIS')", 'COPY customers TO STDOUT (FORMAT parquet)'])
    expect(resolve(text).statements[0]?.result).toEqual({ kind: 'opaque', labels: SHOP_LABELS.all })
})

test('COPY is a stream when rows pass the client, and a file is named when they do not', () => {
  expect(resolve('COPY orders TO STDOUT').operation.shape).toBe('stream')
  expect(resolve('COPY orders FROM STDIN').operation.shape).toBe('stream')
  const { operation } = resolve("COPY orders TO '/tmp/x'")
  expect(operation.shape).toBe('call')
  expect(operation.objects).toContainEqual(expect.objectContaining({ kind: 'file', name: '/tmp/x' }))
})

test('where no relation carries a label nothing is untraceable', () => {
  const elsewhere = { ...SHOP_LABELS, touches: () => false, column: () => [] }
  for (const labels of [NO_LABEL_INDEX, elsewhere]) {
    expect(resolve('SELECT mine(1), a FROM nowhere', versions[1], labels).statements[0]?.result).toEqual({
      kind: 'rows',
      columns: [
        { name: 'mine', labels: [] },
        { name: 'a', labels: [] },
      ],
    })
  }
  const sql = versions[1]!
  expect(sql.everything({ catalogue: SHOP, labels: elsewhere })).toEqual([])
  expect(sql.everything({ catalogue: undefined, labels: elsewhere })).toEqual(SHOP_LABELS.all)
})

test('without a catalogue every label is possible', () => {
  const sql = versions[1]!
  const context = { catalogue: undefined, labels: SHOP_LABELS, database: 'shop', mirror: new SessionMirror() }
  const { operation, statements } = sql.resolve(sql.parse('SELECT id, upper(x), now() FROM anything'), context)
  expect(statements[0]?.result).toMatchObject({
    columns: [{ labels: SHOP_LABELS.all }, { labels: SHOP_LABELS.all }, { labels: [] }],
  })
  expect(operation.confidence).toBe('partial')
})

test('an operation’s text is bounded and says what was cut', () => {
  const { operation } = resolve(`SELECT '${'x'.repeat(20_000)}'`)
  expect(operation.text.length).toBeLessThan(8 * 1024 + 120)
  expect(operation.text).toMatch(/x… \[20009 characters, SHA-256 [0-9a-f]{64}\]$/)
})
