import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Ed25519Key } from '../kit/ssh-key.ts'

const root = join(import.meta.dirname, '../..')
const packs = join(root, 'policies')
let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-policy-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

function sluice(...args: readonly string[]): Promise<Ran> {
  const env = { PATH: process.env.PATH ?? '', HOME: folder }
  const child = spawn(process.execPath, [join(root, 'src/main.ts'), ...args], { cwd: folder, env })
  return new Promise((resolve) => {
    let out = ''
    let err = ''
    child.stdout.on('data', (text) => (out += text))
    child.stderr.on('data', (text) => (err += text))
    child.on('close', (code) => resolve({ code, out, err }))
  })
}

function write(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

const POLICY = `kind: Resource
name: orders
protocol: postgres
address: h:1
labels: { env: prod }
users: [{ name: app }]
---
kind: Classification
name: c
columns: [{ match: public.customers.email, labels: [pii.email] }]
---
kind: Rule
name: reads
who: principal.kind == "agent"
on: resource.labels.env == "prod"
when: op.only(["read"]) && op.facts.filters.size() == 0
then: allow
`

describe('sluice policy test', () => {
  test('every pack in policies/ has cases, and all of them pass', async () => {
    const files = readdirSync(packs).filter((name) => name.endsWith('.yaml'))
    for (const name of files.filter((each) => !each.endsWith('.test.yaml')))
      expect(files).toContain(name.replace('.yaml', '.test.yaml'))
    const { code, out } = await sluice('policy', 'test', packs, '--json')
    const { ok, problems, cases } = JSON.parse(out) as {
      ok: boolean
      problems: unknown[]
      cases: { file: string; name: string; failures: string[] }[]
    }
    expect(problems).toEqual([])
    expect(cases.filter(({ failures }) => failures.length > 0)).toEqual([])
    expect(new Set(cases.map(({ file }) => file)).size).toBe(files.filter((name) => name.endsWith('.test.yaml')).length)
    expect([ok, code]).toEqual([true, 0])
  })

  test('a case that fails says what came, and the exit code is 1', async () => {
    write('p.yaml', POLICY)
    const cases =
      'kind: Test\nname: t\ncases: [{ name: writes, as: agent:bot, on: orders, sql: DELETE FROM t, expect: { outcome: allow } }]\n'
    const { code, out } = await sluice('policy', 'test', 'p.yaml', write('p.test.yaml', cases))
    expect(out).toContain('✗ writes  line 3\n      outcome: expected "allow", got "deny"\n1 case, 1 failed')
    expect(code).toBe(1)
  })

  test('nothing to test is a mistake, not a success', async () => {
    write('p.yaml', POLICY)
    expect(await sluice('policy', 'test', 'p.yaml')).toMatchObject({
      code: 2,
      err: expect.stringContaining('There is no *.test.yaml file'),
    })
  })
})

describe('sluice policy check', () => {
  test('names file, line, column and what to write, on one line each, without colour in a pipe', async () => {
    write('bad.yaml', `${POLICY}wen: x\n---\nkind: Rulr\n`)
    const { code, out } = await sluice('policy', 'check', 'bad.yaml')
    expect(out).toBe(
      'bad.yaml:18:1: error The document has no key "wen". Write `when`.\nbad.yaml:20:7: error There is no kind "Rulr". Write `Rule`.\n2 errors\n',
    )
    expect(code).toBe(1)
  })

  test('says what a valid policy holds', async () => {
    write('p.yaml', POLICY)
    expect(await sluice('policy', 'check', 'p.yaml')).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^ok {2}1 rule, 1 resource, 0 principals in 1 file; version [0-9a-f]{12}\n$/),
    })
  })

  test('warns of files a resource names that are not there, or hold no certificate', async () => {
    write('empty.pem', '')
    write(
      'files.yaml',
      `kind: Resource
name: db
protocol: postgres
address: db:5432
tls: { mode: verify-full, ca: ${join(folder, 'none.pem')}, cert: ${join(folder, 'empty.pem')} }
users: [{ name: app, password: { file: '${join(folder, 'password')}' } }]
`,
    )
    const { code, out } = await sluice('policy', 'check', 'files.yaml')
    expect(code).toBe(0)
    expect(out).toMatch(
      /^files\.yaml:5:\d+: warning db: tls\.ca, .*none\.pem, is not there on this machine\. The gateway/m,
    )
    expect(out).toMatch(/^files\.yaml:5:\d+: warning db: tls\.cert, .*empty\.pem, holds no certificate in PEM form/m)
    expect(out).toMatch(/^files\.yaml:6:\d+: warning db: the password of app, .*password, is not there/m)
  })

  test('a path that is not there is a usage error', async () => {
    expect(await sluice('policy', 'check', 'nowhere')).toMatchObject({
      code: 2,
      err: expect.stringContaining('There is no file or folder nowhere.'),
    })
  })
})

describe('sluice explain', () => {
  const table = ['--table', 'customers: id, email']
  test('names the rule and the sub-expression that settled it, with what it saw', async () => {
    write('p.yaml', POLICY)
    const { code, out } = await sluice(
      'explain',
      '--as',
      'agent:bot',
      '--on',
      'orders',
      '--policy',
      'p.yaml',
      ...table,
      "SELECT id FROM customers WHERE email = 'x'",
    )
    expect(out).toContain('deny  no rule  policy.default')
    expect(out).toContain('when: op.facts.filters.size() == 0 is false  op.facts.filters = ["pii.email"]')
    expect(code).toBe(0)
  })

  test('says what the text was taken for, and why something of it is not known', async () => {
    write(
      'host.yaml',
      `kind: Resource
name: web
protocol: ssh
address: 127.0.0.1:22
labels: {}
hostKeys: ['${Ed25519Key.fresh().publicLine()}']
users: [{ name: app, certificate: true }]
---
${POLICY}`,
    )
    const { out } = await sluice('explain', '--as', 'agent:bot', '--on', 'web', '--policy', 'host.yaml', 'frobnicate /')
    expect(out).toMatch(/^ {2}does .*unknown/m)
    expect(out).toMatch(/^ {2}not known: .*frobnicate/m)
    const sql = await sluice(
      'explain',
      '--as',
      'agent:bot',
      '--on',
      'orders',
      '--policy',
      'host.yaml',
      '--json',
      'SELECT f(1)',
    )
    expect(JSON.parse(sql.out).operation).toMatchObject({
      effects: expect.arrayContaining(['execute']),
      reasons: [expect.stringMatching(/^the function .*f is not known to be harmless/)],
    })
  })

  test('prints JSON for programs', async () => {
    write('p.yaml', POLICY)
    const { out } = await sluice(
      'explain',
      '--json',
      '--as',
      'agent:bot',
      '--on',
      'orders',
      '--policy',
      'p.yaml',
      ...table,
      'SELECT id FROM customers',
    )
    expect(JSON.parse(out)).toMatchObject({
      decision: { outcome: 'allow', rule: 'reads' },
      mayOpen: true,
      tablesDeclared: true,
    })
  })

  test('the scenes of two test files do not stand in each other\u2019s way', async () => {
    write('p.yaml', POLICY)
    const scene =
      'kind: Human\nname: ada\n---\nkind: Test\nname: NAME\ncases: [{ name: reads, as: agent:bot, on: orders, sql: SELECT 1, expect: { outcome: allow } }]\n'
    const scenes = ['a', 'b'].map((name) => write(`${name}.test.yaml`, scene.replace('NAME', name)))
    const paths = ['p.yaml', ...scenes].flatMap((path) => ['--policy', path])
    const ran = await sluice('explain', '--as', 'agent:bot', '--on', 'orders', ...paths, 'SELECT 1')
    expect(ran).toMatchObject({ code: 0, err: '', out: expect.stringContaining('allow  by reads') })
  })

  test('says that nobody has the name it is asked about', async () => {
    write('p.yaml', POLICY)
    const { out } = await sluice('explain', '--as', 'agent:bto', '--on', 'orders', '--policy', 'p.yaml', 'SELECT 1')
    expect(out).toContain('No document names agent:bto')
  })

  test.each([
    [['--as', 'bot', '--on', 'orders', 'SELECT 1'], 2, '"bot" is not a principal.'],
    [['--as', 'agent:bot', '--on', 'ordrs', 'SELECT 1'], 2, 'There is no resource "ordrs".'],
    [
      ['--as', 'agent:bot', '--on', 'orders', '--major', '9', 'SELECT 1'],
      2,
      'There is no PostgreSQL grammar of version "9".',
    ],
    [['--as', 'agent:bot', '--on', 'orders', 'SELEC 1'], 1, 'syntax error at or near "SELEC"'],
    [['--as', 'agent:bot', 'SELECT 1'], 2, "required option '--on <resource>' not specified"],
  ])('%j', async (args, code, message) => {
    write('p.yaml', POLICY)
    expect(await sluice('explain', '--policy', 'p.yaml', ...args)).toMatchObject({
      code,
      err: expect.stringContaining(message),
    })
  })
})
