import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type PostgresServer, startPostgres } from '../../test/rig/postgres.ts'

// The client against a real server with nothing in between: what it shows is what any server says.
let server: PostgresServer
let folder: string
beforeAll(async () => {
  server = await startPostgres({ major: 18 })
  folder = mkdtempSync(join(tmpdir(), 'sluice-sql-'))
})
afterAll(async () => {
  await server.stop()
  rmSync(folder, { recursive: true, force: true })
})

interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

function sluice(args: readonly string[], input = ''): Promise<Ran> {
  const main = join(import.meta.dirname, '../main.ts')
  // The resource's name is the user the server knows; the profile's listener is the server itself.
  const env = { PATH: process.env.PATH ?? '', HOME: folder, SLUICE_TOKEN: server.password }
  const child = spawn(process.execPath, [main, 'sql', 'postgres', '--postgres', `127.0.0.1:${server.port}`, ...args], {
    cwd: folder,
    env,
  })
  return new Promise((resolve) => {
    let out = ''
    let err = ''
    child.stdout.on('data', (text) => (out += text))
    child.stderr.on('data', (text) => (err += text))
    child.on('close', (code) => resolve({ code, out, err }))
    child.stdin.end(input)
  })
}

test('rows are a table with heads, numbers to the right, a count and no escape sequences of the data', async () => {
  const ran = await sluice([
    '-c',
    "select 7 as id, 'a' as name, null as gone union all select 123, e'\\x1b[31mred', 'x'",
  ])
  expect(ran).toEqual({
    code: 0,
    err: '',
    out: ' id  |    name     | gone\n-----+-------------+------\n   7 | a           |\n 123 | \\x1b[31mred | x\n(2 rows)\n',
  })
})

test('--json prints values as the server wrote them', async () => {
  const { code, out } = await sluice(['--json', '-c', 'select 1::numeric(4,2) as n, true as b; select 2 as m'])
  expect(code).toBe(0)
  expect(JSON.parse(out)).toEqual({
    results: [
      { tag: 'SELECT 1', count: 1, columns: ['n', 'b'], rows: [{ n: '1.00', b: 't' }] },
      { tag: 'SELECT 1', count: 1, columns: ['m'], rows: [{ m: '2' }] },
    ],
  })
})

test('an error is told in full on stderr, and nothing after it runs', async () => {
  const { code, out, err } = await sluice(['-c', 'select * from nowhere', '-c', 'select 1'])
  expect({ code, out }).toEqual({ code: 1, out: '' })
  expect(err).toBe('ERROR: 42P01: relation "nowhere" does not exist\n')
})

test('a refusal of a gateway is told in words, with its rule and exit code 3; one that waits has 77', async () => {
  const refused = (status: string) => ({
    status,
    code: 'policy.denied',
    rule: 'no-deletes',
    message: 'No.',
    hint: 'Ask.',
    retry: false,
    approval: { id: 'apr_1', url: 'http://a/apr_1' },
  })
  const raise = (status: string) =>
    `do $$ begin raise exception 'No.' using errcode = '42501', hint = 'Ask.', detail = '${JSON.stringify(refused(status))}'; end $$`
  const denied = await sluice(['-c', raise('denied')])
  expect(denied.code).toBe(3)
  expect(denied.err).toBe(
    'ERROR: 42501: No.\nRULE: no-deletes\nREASON: policy.denied\nAPPROVAL: apr_1  http://a/apr_1\nHINT: Ask.\n',
  )
  expect((await sluice(['-c', raise('pending')])).code).toBe(77)
  const json = JSON.parse((await sluice(['--json', '-c', raise('denied')])).out) as { error: { refusal: unknown } }
  expect(json.error.refusal).toEqual(refused('denied'))
})

test('a notice arrives while its statement still waits', async () => {
  const main = join(import.meta.dirname, '../main.ts')
  const env = { PATH: process.env.PATH ?? '', HOME: folder, SLUICE_TOKEN: server.password }
  const text = "do $$ begin raise notice 'held: approve it'; perform pg_sleep(600); end $$"
  const child = spawn(
    process.execPath,
    [main, 'sql', 'postgres', '--postgres', `127.0.0.1:${server.port}`, '-c', text],
    { cwd: folder, env },
  )
  const heard = await new Promise<string>((resolve) => child.stderr.once('data', (bytes) => resolve(String(bytes))))
  expect(heard).toBe('NOTICE: held: approve it\n')
  // Ctrl-C cancels the statement on the server; the client ends by the server's own answer.
  child.kill('SIGINT')
  const said = await new Promise<string>((resolve) => child.stderr.once('data', (bytes) => resolve(String(bytes))))
  expect(said).toContain('57014: canceling statement due to user request')
  expect(await new Promise((resolve) => child.once('close', resolve))).toBe(1)
})

test('statements from a pipe run one by one and stop at the first error', async () => {
  const { code, out, err } = await sluice(
    [],
    "create table piped (a text);\ninsert into piped values ('x;y');\nselect * from piped;\nselect 1/0;\nselect 'never';\n",
  )
  expect(code).toBe(1)
  expect(out).toBe('CREATE TABLE\nINSERT 0 1\n  a\n-----\n x;y\n(1 row)\n')
  expect(err).toContain('22012: division by zero')
})

test('\\d lists relations and describes one, also in a script', async () => {
  await sluice(['-c', 'create table described (id int not null, "My Name" text)'])
  expect((await sluice(['-c', '\\d'])).out).toContain(' public | described | BASE TABLE')
  expect((await sluice([], '\\d public.described\n')).out).toContain(' id      | integer | NO')
})

test('COPY TO STDOUT comes out as it is', async () => {
  const { code, out } = await sluice(['-c', "copy (values (1, 'one'), (2, 'two')) to stdout with csv"])
  expect({ code, out }).toEqual({ code: 0, out: '1,one\n2,two\nCOPY 2\n' })
})

test('a wrong token is exit code 3, a gateway that is not there 1 and a sentence', async () => {
  const main = join(import.meta.dirname, '../main.ts')
  const go = (token: string, address: string) =>
    new Promise<Ran>((resolve) => {
      const child = spawn(process.execPath, [main, 'sql', 'postgres', '--postgres', address, '-c', 'select 1'], {
        cwd: folder,
        env: { HOME: folder, SLUICE_TOKEN: token },
      })
      let err = ''
      child.stderr.on('data', (text) => (err += text))
      child.on('close', (code) => resolve({ code, out: '', err }))
    })
  expect((await go('wrong', `127.0.0.1:${server.port}`)).code).toBe(3)
  const away = await go('any', '127.0.0.1:1')
  expect(away.code).toBe(1)
  expect(away.err).toContain('The gateway does not answer at 127.0.0.1:1')
})
