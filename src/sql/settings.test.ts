import { describe, expect, test } from 'vitest'
import { SHOP, SHOP_LABELS } from '../../test/rig/sketch.ts'
import { PostgresSql, SessionMirror } from './postgres.ts'

const versions: PostgresSql[] = []
for (const major of [13, 15, 18]) versions.push(await PostgresSql.load(major))

function judge(text: string, sql = versions[1]!): string {
  const context = { catalogue: SHOP, labels: SHOP_LABELS, database: 'shop', mirror: new SessionMirror() }
  try {
    sql.resolve(sql.parse(text), context)
    return 'judged'
  } catch (error) {
    return (error as { code: string }).code
  }
}

describe('settings under which text reads otherwise cannot be reached', () => {
  test.each([
    ['A10', 'SET standard_conforming_strings = off'],
    ['A10', 'SET LOCAL standard_conforming_strings TO 0'],
    ['A10', 'SET "Standard_Conforming_Strings" = \'no\''],
    ['A10', "SELECT set_config('standard_conforming_strings', 'off', false)"],
    ['A10', "SELECT pg_catalog.set_config('STANDARD_conforming_strings'::text, 'f', true)"],
    ['A10', "SELECT set_config(is_local => false, new_value => 'off', setting_name => 'standard_conforming_strings')"],
    ['A10', "SELECT 1 FROM customers WHERE set_config('standard_conforming_strings', 'off', false) = ''"],
    ['A10', "WITH q AS (SELECT set_config('standard_conforming_strings', 'off', false)) SELECT 1"],
    ['A10', "PREPARE p AS SELECT set_config('standard_conforming_strings', 'off', false)"],
    ['A10', 'ALTER ROLE low SET standard_conforming_strings = off'],
    ['A10', 'ALTER DATABASE shop SET standard_conforming_strings = off'],
    ['A10', 'ALTER SYSTEM SET standard_conforming_strings = off'],
    ['A10', "CREATE FUNCTION f() RETURNS int LANGUAGE sql SET standard_conforming_strings = off AS 'SELECT 1'"],
    ['A10', 'ALTER FUNCTION f() SET standard_conforming_strings = off'],
    ['A10', "UPDATE pg_settings SET setting = 'off' WHERE name = 'standard_conforming_strings'"],
    ['A10', "UPDATE pg_catalog.pg_settings SET setting = 'off'"],
    ['A10', 'SELECT 1; SET standard_conforming_strings = off'],
    ['A12', "SET client_encoding = 'SJIS'"],
    ['A12', "SET NAMES 'SJIS'"],
    ['A13', 'SET client_encoding TO GBK'],
    ['A13', "SELECT set_config('client_encoding', 'GBK', false)"],
    ['A13', "SET client_encoding = 'SQL_ASCII'"],
    ['A13', "ALTER ROLE low SET client_encoding = 'SJIS'"],
  ])('%s %s', (_, text) => {
    for (const sql of versions) expect(judge(text, sql)).toBe('sql.setting')
  })

  test.each([
    'SET standard_conforming_strings = on',
    "SET standard_conforming_strings = 'TRUE'",
    'RESET standard_conforming_strings',
    'SET standard_conforming_strings TO DEFAULT',
    'RESET ALL',
    'DISCARD ALL',
    "SET client_encoding = 'UTF8'",
    "SET NAMES 'utf-8'",
    "SET client_encoding TO 'Unicode'",
    'SET escape_string_warning = off',
    'SET backslash_quote = on',
    "SELECT set_config('client_encoding', 'utf8', false)",
    "SELECT set_config('standard_conforming_strings', NULL, false)",
    "SELECT set_config('work_mem', '1MB', false)",
    'SELECT * FROM pg_settings',
  ])('%s is harmless', (text) => {
    for (const sql of versions) expect(judge(text, sql)).toBe('judged')
  })

  test('a setting that cannot be told makes what follows uncertain, and the statement opaque', () => {
    const sql = versions[1]!
    const context = { catalogue: SHOP, labels: SHOP_LABELS, database: 'shop', mirror: new SessionMirror() }
    for (const text of [
      "SELECT set_config('standard_'||'conforming_strings', 'off', false)",
      "SELECT set_config('client_encoding', $1, false)",
      'SELECT set_config($1, $2, false)',
    ]) {
      const { operation, statements } = sql.resolve(sql.parse(text), context)
      expect(operation.confidence, text).toBe('opaque')
      expect(statements[0]?.settingsSensitive, text).toBe(true)
    }
  })
})
