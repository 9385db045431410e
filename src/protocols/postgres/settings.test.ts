import { describe, expect, test } from 'vitest'
import { SluiceError } from '../../kit/errors.ts'
import { acceptSetting, readOptions, splitOptions } from './settings.ts'

/** The code an action throws, and its detail. */
function refusal(action: () => unknown): string {
  try {
    action()
  } catch (error) {
    if (error instanceof SluiceError) return `${error.code}: ${error.detail}`
    throw error
  }
  return 'accepted'
}

function accepted(name: string, value: string): [string, string][] {
  const into = new Map<string, string>()
  acceptSetting(into, name, value)
  return [...into]
}

describe('A40: options are cut into words as pg_split_opts does', () => {
  test.each([
    ['', []],
    ['   ', []],
    ['-c a=b', ['-c', 'a=b']],
    ['  -c\ta=b\n\v\f\r--c=d ', ['-c', 'a=b', '--c=d']],
    [String.raw`-c search_path=a\ b`, ['-c', 'search_path=a b']],
    [String.raw`-c x=\\`, ['-c', 'x=\\']],
    [String.raw`-c x=a\\ b`, ['-c', 'x=a\\', 'b']],
    [String.raw`\-c x=\'`, ['-c', "x='"]],
    [`-c x="a b"`, ['-c', 'x="a', 'b"']],
    ['-c x=y\\', ['-c', 'x=y']],
    ['\\', ['']],
    [String.raw`\ `, [' ']],
    ['-c x=a\u00a0b', ['-c', 'x=a\u00a0b']],
  ])('%j', (options, words) => {
    expect(splitOptions(options)).toEqual(words)
  })
})

describe('A40: switches mean what process_postgres_switches makes of them', () => {
  test.each([
    ['-c work_mem=64MB', [['work_mem', '64MB']]],
    ['-cwork_mem=64MB', [['work_mem', '64MB']]],
    ['--work-mem=64MB', [['work_mem', '64MB']]],
    ['--search_path=a=b', [['search_path', 'a=b']]],
    ['-c search_path=', [['search_path', '']]],
    [
      '-c a=1 --b=2 -c a=3',
      [
        ['a', '1'],
        ['b', '2'],
        ['a', '3'],
      ],
    ],
  ])('%j is read', (options, settings) => {
    expect(readOptions(options)).toEqual(settings)
  })

  test.each([
    '-c',
    '-c work_mem',
    '--work_mem',
    '--=1',
    '-c =1',
    '--',
    '-',
    'work_mem=1',
    '-O',
    '-fs',
    '-e',
    '-ec a=b',
    '-S 10',
    '-d5',
    '-W 10',
    '-c --',
    '-P -c a=b',
    '\\',
  ])('%j is refused', (options) => {
    expect(refusal(() => readOptions(options))).toMatch(/^protocol\.parameter: options: /)
  })
})

describe('A41: a setting is accepted by name, and what is not listed is refused', () => {
  test.each([
    ['search_path', 's1,s2'],
    ['DateStyle', 'ISO, MDY'],
    ['TimeZone', 'Europe/Berlin'],
    ['intervalstyle', 'postgres_verbose'],
    ['extra_float_digits', '3'],
    ['debug_parallel_query', 'regress'],
    ['statement_timeout', '1s'],
    ['idle_in_transaction_session_timeout', '1s'],
    ['default_transaction_isolation', 'serializable'],
    ['jit', 'off'],
  ])('%s', (name, value) => {
    expect(accepted(name, value)).toEqual([[name.toLowerCase(), value]])
  })

  test.each([
    'role',
    'ROLE',
    'session_authorization',
    'session_replication_role',
    'row_security',
    'transform_null_equals',
    'backslash_quote',
    'local_preload_libraries',
    'session_preload_libraries',
    'dynamic_library_path',
    'log_statement',
    'allow_system_table_mods',
    'lo_compat_privileges',
    'app.user_id',
    'ſearch_path',
    'searchpath',
    'search_path ',
    'is_superuser',
    'default_with_oids',
  ])('%j is refused', (name) => {
    expect(refusal(() => accepted(name, 'x'))).toBe(`protocol.parameter: ${name}`)
  })
})

describe('A10, A12: what decides how text is read cannot be chosen', () => {
  test.each(['UTF8', 'utf8', 'UTF-8', "'utf-8'", 'Unicode', 'u_t_f_8', 'SQL_ASCII'])(
    'client_encoding %s asks for no more than UTF8',
    (value) => {
      expect(accepted('client_encoding', value)).toEqual([])
    },
  )
  test.each(['SJIS', 'GBK', 'LATIN1', 'utf16', '', 'auto', 'MULE_INTERNAL', 'utf8x'])(
    'client_encoding %j is refused',
    (value) => {
      expect(refusal(() => accepted('Client_Encoding', value))).toBe(`sql.setting: client_encoding ${value}`)
    },
  )
  test.each(['on', 'ON', 'true', 't', 'yes', 'y', '1'])('standard_conforming_strings %s is what is pinned', (value) => {
    expect(accepted('standard_conforming_strings', value)).toEqual([])
  })
  test.each(['off', 'of', 'false', '0', 'no', '', 'o', 'on ', 'default'])(
    'standard_conforming_strings %j is refused',
    (value) => {
      expect(refusal(() => accepted('STANDARD_CONFORMING_STRINGS', value))).toMatch(/^sql\.setting/)
    },
  )
})
