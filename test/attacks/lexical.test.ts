/** ATTACKS A.1: text that one reader takes for another. The role may read; what is refused must not have reached the server. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { frame, query } from '../rig/wire.ts'
import { type Attack, DENIED, hear, passes, refused } from './attack.ts'
import { type Stage, startStage } from './stage.ts'

let stage: Stage
beforeAll(async () => {
  stage = await startStage()
})
afterAll(() => stage?.[Symbol.asyncDispose]())

const long = 'n'.repeat(63)
const SETTING = 'sql.setting'
const bytes = (text: string, encoding: BufferEncoding = 'latin1') => frame('Q', Buffer.from(`${text}\0`, encoding))

const ATTACKS: readonly Attack[] = [
  {
    number: 'A1',
    said: ['DELETE/**/FROM/*/*x*/*/audit_me'],
    code: DENIED,
    twin: ['SELECT/**/1/*/*x*/*/'],
    shows: /D 1/,
  },
  { number: 'A1', said: ['delete/*/* */ from orders /* */*/from audit_me'], code: DENIED },
  { number: 'A1', said: ['-- */ select 1\ndelete from audit_me'], code: DENIED },
  { number: 'A2', said: ['dElEtE\t\n\r\f FROM\naudit_me'], code: DENIED, twin: ['sElEcT\t\n\r\f 1'], shows: /D 1/ },
  { number: 'A3', said: ['delete\vfrom\vaudit_me'], code: [...DENIED, '42601', 'sql.syntax'] },
  { number: 'A4', said: ['delete\u00a0from\u00a0audit_me'], code: [...DENIED, '42601', 'sql.syntax'] },
  { number: 'A4', said: ['\ufeffdelete from audit_me'], code: [...DENIED, '42601', 'sql.syntax'] },
  { number: 'A4', said: ['ｄelete from audit_me'], code: [...DENIED, '42601', 'sql.syntax'] },
  {
    number: 'A5',
    said: ['DELETE FROM U&"\\0061udit_me"'],
    code: DENIED,
    twin: ['select note from U&"\\006frders" limit 1'],
    shows: /order/,
  },
  {
    number: 'A6',
    said: ['DELETE FROM U&"!0061udit_me" UESCAPE \'!\''],
    code: DENIED,
    twin: ['select note from U&"!006frders" UESCAPE \'!\' limit 1'],
    shows: /order/,
  },
  {
    number: 'A7',
    said: [`drop table "${long}seven"`],
    code: DENIED,
    twin: [`select id from "${long}seven"`],
    shows: /D 1/,
  },
  {
    number: 'A9',
    said: ['select $a$ $b$ ; delete from audit_me; $b$ $a$; delete from audit_me'],
    code: DENIED,
    twin: ['select $a$ $b$ ; delete from audit_me; $b$ $a$'],
    shows: /delete/,
  },
  { number: 'A9', said: ['select 1 -- $$\n; delete from audit_me -- $$'], code: DENIED },
  { number: 'A9', said: ['select 1 /* $$ */ ; delete from audit_me /* $$ */'], code: DENIED },
  { number: 'A9', said: ['select $é$ ; $é$ ; delete from audit_me'], code: DENIED },
  {
    number: 'A10',
    said: ['set standard_conforming_strings = off', "select '\\'; delete from audit_me; --'"],
    code: [SETTING, ...DENIED],
  },
  { number: 'A10', said: ["set local standard_conforming_strings to 'OfF'"], code: SETTING },
  { number: 'A10', said: ['set session standard_conforming_strings = 0'], code: SETTING },
  { number: 'A10', said: ['set "Standard_Conforming_Strings" = false'], code: SETTING },
  { number: 'A10', said: ["select set_config('standard_conforming_strings', 'off', false)"], code: SETTING },
  { number: 'A10', said: ["select set_config(U&'st\\0061ndard_conforming_strings', 'off', false)"], code: SETTING },
  { number: 'A10', said: ["select set_config(lower('STANDARD_CONFORMING_STRINGS'), 'off', false)"], code: DENIED },
  {
    number: 'A10',
    said: ["select set_config(is_local => false, new_value => 'off', setting_name => 'standard_conforming_strings')"],
    code: SETTING,
  },
  {
    number: 'A10',
    said: ["update pg_settings set setting = 'off' where name = 'standard_conforming_strings'"],
    code: [...DENIED, SETTING],
  },
  { number: 'A10', said: ['alter role postgres set standard_conforming_strings = off'], code: [...DENIED, SETTING] },
  {
    number: 'A10',
    said: ['alter database postgres set standard_conforming_strings = off'],
    code: [...DENIED, SETTING],
  },
  {
    number: 'A11',
    said: ["select E'\\'; delete from audit_me; --'; delete from audit_me"],
    code: DENIED,
    twin: ["select E'\\'; delete from audit_me; --'"],
    shows: /delete/,
  },
  {
    number: 'A11',
    said: ["select 'a'\n'b; delete from audit_me'; delete from audit_me"],
    code: DENIED,
    twin: ["select 'a'\n'b; delete from audit_me', B'1', X'f', N'n'"],
    shows: /ab; delete/,
  },
  { number: 'A11', said: ["select 'a' -- x\n'b'; delete from audit_me --'"], code: [...DENIED, '42601'] },
  { number: 'A12', said: [bytes('set client_encoding = SJIS')], code: SETTING },
  { number: 'A13', said: ['set client_encoding = GBK'], code: SETTING, twin: ["set client_encoding = 'utf-8'"] },
  { number: 'A13', said: ["set names 'big5'"], code: SETTING, twin: ["set names 'UTF8'"] },
  { number: 'A13', said: ["select set_config('client_encoding', 'SJIS', true)"], code: SETTING },
  { number: 'A13', said: ['set client_encoding = SQL_ASCII'], code: SETTING },
]

describe('A.1 lexical', () => {
  test.each(ATTACKS)('$number is refused: $said.0', (attack) => refused(stage, attack))
})

test('A8 only an unquoted name is folded', async () => {
  await passes(stage, { said: ['select note from "CUSTOMERS"'], shows: /upper case/ })
  const folded = await passes(stage, { said: ['select note, ssn from CUSTOMERS order by id limit 1'] })
  expect(folded.data).toEqual(['D note 1 | *masked*'])
})

test.each(['SJIS', 'BIG5', 'GBK', 'LATIN1', 'EUC_JP'])('A12 a session cannot start in %s', async (client_encoding) => {
  await expect(stage.open('agent:reader', { client_encoding })).rejects.toThrow('client_encoding')
  await expect(stage.open('agent:reader', { options: `-c client_encoding=${client_encoding}` })).rejects.toThrow(
    'client_encoding',
  )
})

test('A12 SQL_ASCII at the start means bytes as they are: it is given UTF-8', async () => {
  using client = await stage.open('agent:reader', { client_encoding: 'SQL_ASCII' })
  expect(await client.exchange([query('show client_encoding')])).toContain('D UTF8')
})

/** The connection ends, and the server has heard nothing of it. */
test.each([
  ['A14 a byte no UTF-8 has', bytes("select 'a\xff'; delete from audit_me")],
  ['A14 an overlong quote', bytes("select '\xc0\xa7; delete from audit_me; --'")],
  ['A14 a lone surrogate', bytes("select '\xed\xa0\x80'; delete from audit_me")],
  ['A12 the second byte of a character is a backslash', bytes("select E'\x95\x5c'; delete from audit_me; --'")],
  ['A13 the second byte of a character is a backslash', bytes("select E'\xbf\x5c'; delete from audit_me; --'")],
  ['A15 a NUL in a Query', bytes('select 1\0; delete from audit_me')],
  ['A16 bytes behind the fields of a Parse', frame('P', Buffer.from('\0delete from audit_me\0\0\0x'))],
  ['A16 bytes behind a Query', frame('Q', Buffer.from('select 1\0delete from audit_me\0'))],
])('%s', async (_, message) => {
  const before = await stage.state()
  const logged = stage.server.log().length
  using client = await stage.open('agent:reader')
  client.send(message, query('select 1'))
  const lines = await client.until(({ type }) => type === 'closed')
  expect(lines.at(-2)).toMatch(/^E SFATAL .*C08P01/)
  expect(stage.server.log().slice(logged)).not.toContain('delete')
  expect(await stage.state()).toBe(before)
})

describe('A17 texts beyond what is analysed are refused, and the gateway goes on', () => {
  test.each([
    ['parentheses', () => `select ${'('.repeat(200_000)}1${')'.repeat(200_000)}`],
    ['a long chain of ANDs', () => `select 1 where ${Array(200_000).fill('true').join(' and ')}`],
    ['nested subqueries', () => `select ${'(select '.repeat(5_000)}1${')'.repeat(5_000)}`],
    ['nested CTEs', () => `${'with a as ('.repeat(2_000)}select 1${') select 1'.repeat(2_000)}`],
    ['casts', () => `select 1${'::int'.repeat(20_000)}`],
    ['array brackets', () => `select ${'array['.repeat(20_000)}1${']'.repeat(20_000)}`],
  ])('%s', async (_, text) => {
    const tried = await hear(stage, 'agent:reader', [`${text()}; delete from audit_me`, 'select 7'])
    expect(tried.codes).toHaveLength(1)
    expect(['sql.too_large', 'policy.default', 'policy.denied']).toContain(tried.codes[0])
    expect(tried.data).toEqual(['D 7'])
  })

  test('an IN list of megabytes is parsed, and judged', async () => {
    const list = Array.from({ length: 150_000 }, (_, i) => i).join()
    await passes(stage, { said: [`select count(*) from orders where id in (${list})`], shows: /D 20/ })
    await refused(stage, { number: 'A17', said: [`delete from audit_me where id in (${list})`], code: DENIED })
  })
})

test('A18 what this version’s grammar does not know is refused with a reason of its own', async () => {
  // JSON_TABLE came with 17; the server here is older, and so is the grammar that reads for it.
  const tried = await hear(stage, 'agent:reader', ["select * from json_table('1', '$' columns (a int path '$'))"])
  expect(tried.codes).toEqual(['42601'])
})
