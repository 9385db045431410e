import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { startTestApi } from '../../test/rig/api.ts'
import { listenApi } from '../api/server.ts'
import { createProgram } from './program.ts'
import { runProgram } from './run.ts'

const NOT_FOUND = {
  status: 'error',
  code: 'api.not_found',
  rule: '',
  message: 'There is no such thing.',
  hint: 'List.',
}
const STATE = { user: 'app', search_path: 'default', transaction: 'I', objects: 'a'.repeat(64) }

const approval = (id: string, more: object = {}) => ({
  id,
  digest: 'd1',
  state: 'pending',
  principal: 'agent:bot',
  chain: ['agent:bot'],
  resource: 'orders',
  database: 'shop',
  verb: 'DELETE',
  effects: ['delete'],
  text: { text: 'DELETE FROM t', warnings: [] },
  parameters: [],
  sessionState: STATE,
  terms: [{ rule: 'ask', by: ['group:dba'], count: 1 }],
  message: 'Ask.',
  created_ms: 1,
  expires_ms: 2_000_000_000_000,
  votes: [],
  url: 'http://x/approvals/a',
  mayDecide: true,
  ...more,
})

/** What the gateway answers, by method and path below /api/v1; everything else is not found. */
const answers = new Map<string, unknown>()
const asked: string[] = []
const server = createServer((request, response) => {
  const route = `${request.method} ${new URL(request.url!, 'http://x').pathname.replace('/api/v1', '')}`
  asked.push(route)
  const known = answers.get(route)
  response.writeHead(known ? 200 : 404, { 'content-type': 'application/json' })
  response.end(JSON.stringify(known ?? NOT_FOUND))
})
beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)))
afterAll(() => void server.close())
afterEach(() => {
  answers.clear()
  asked.length = 0
  vi.restoreAllMocks()
  process.exitCode = 0
})

async function sluice(...args: string[]) {
  const said = { out: '', err: '' }
  const into = (name: 'out' | 'err') => (text: unknown) => {
    said[name] += String(text)
    return true
  }
  vi.spyOn(process.stdout, 'write').mockImplementation(into('out'))
  vi.spyOn(process.stderr, 'write').mockImplementation(into('err'))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  process.exitCode = 0
  await runProgram(createProgram({ version: '0', serve: async () => {} }), ['--url', url, '--token', 't', ...args])
  const code = process.exitCode
  vi.restoreAllMocks()
  return { ...said, code }
}

test.each([
  [['kill', 'ses_1'], 'There is no live session ses_1.\nList them: sluice sessions --live\n'],
  [['kill', 'tok_1'], 'There is no token tok_1 that still holds.\nList them: sluice token list\n'],
  [['replay', 'ses_1'], 'There is no session ses_1.\nList them: sluice sessions\n'],
  [['token', 'revoke', 'tok_1'], 'There is no token tok_1 that still holds.\nList them: sluice token list\n'],
  [['approve', 'apr_1'], 'There is no request apr_1 that you made or may decide.\nList them: sluice approvals --all\n'],
])('%j of something that is not there names it, and how to find what is', async (args, err) => {
  expect(await sluice(...args)).toEqual({ out: '', err, code: 4 })
})

test('a name nobody has is told with what is like it, and shut out beforehand only where that is asked for', async () => {
  await using api = await startTestApi()
  const listener = await listenApi({ app: api.app, port: 0 })
  const kill = (...args: string[]) => sluice('--url', listener.url, '--token', api.token('root'), 'kill', ...args)
  const unknown = (what: string) => ({
    out: '',
    code: 4,
    err: `Nothing was shut out, for there is nothing of that name: ${what}.\nGive the name in full, as the policy and \`sluice sessions\` write it; \`--unseen\` shuts out one before it is there.\n`,
  })
  expect(await kill('--human', 'SUE')).toEqual(unknown('human:SUE; there is human:sue'))
  expect(await kill('--agent', 'Bot')).toEqual(unknown('agent:Bot; there is agent:bot'))
  expect(await kill('--resource', 'Orders')).toEqual(unknown('Orders; there is orders'))
  expect(await kill('--agent', 'zzzzzzzz')).toEqual(unknown('agent:zzzzzzzz'))
  expect(await kill('--human', '')).toMatchObject({ code: 4 })
  expect(await kill('--human', '', '--unseen')).toMatchObject({ code: 4 })
  expect(await kill('--agent', 'next-week', '--unseen')).toMatchObject({
    out: 'agent:next-week is shut out; 0 live sessions end.\n',
    code: 0,
  })
  await listener.close()
})

// D24
test('what a caller gave as a reason cannot act on the terminal of whoever reads it', async () => {
  const openedWhy = 'down\u001b[2J\nsealed  by nobody\u202e'
  const opened = { state: 'open', groups: ['admins'], opened_ms: 1, openedFrom: '127.0.0.1', openedWhy }
  answers.set('GET /break-glass', opened)
  const { out } = await sluice('break-glass', 'status')
  expect(out.split('\n')).toHaveLength(3)
  expect(out).not.toMatch(/[^\n\x20-\x7e]/)
})

test('waiting for a request gives the newest one alone, so that what a script approves is one request', async () => {
  const approvals = [
    approval('apr_old'),
    approval('apr_new', { created_ms: 9 }),
    approval('apr_others', { created_ms: 99, mayDecide: false }),
  ]
  answers.set('GET /approvals', { approvals })
  expect(await sluice('approvals', '--wait', '5s', '--ids')).toEqual({ out: 'apr_new\n', err: '', code: 0 })
})

test('a request tells a person where its session stands, in words', async () => {
  answers.set('GET /approvals/apr_1', approval('apr_1'))
  const { out } = await sluice('approvals', 'show', 'apr_1')
  expect(out).toContain('session    user = app; search_path = default; transaction = none open\n')
  expect(out).toContain('state      pending, open until 2033-05-18 03:33:20Z\n')
})

test('a vote on a request that has ended is not sent', async () => {
  answers.set('GET /approvals/apr_1', approval('apr_1', { state: 'expired', endedWhy: 'its time was over' }))
  const { out, err, code } = await sluice('approve', 'apr_1')
  expect(out).toContain('state      expired (its time was over)\n')
  expect([err, code]).toEqual(['It is expired already. Nothing was decided.\n', 1])
  expect(asked).toEqual(['GET /approvals/apr_1'])
})

test('a token is issued to a principal only: a bare name is told what is missing', async () => {
  const wrong = { out: '', err: expect.stringContaining('Write `agent:triage-bot`'), code: 2 }
  expect(await sluice('token', 'issue', 'triage-bot')).toEqual(wrong)
  expect(await sluice('token', 'issue', 'agent:bot', '--for', 'ada')).toEqual(wrong)
  expect(asked).toEqual([])
})

test('a private key is sent to nobody: the public one is asked for', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-verbs-'))
  const file = join(folder, 'id')
  writeFileSync(file, '-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n')
  const { err, code } = await sluice('ssh', 'cert', file)
  rmSync(folder, { recursive: true })
  expect([err, code]).toEqual([expect.stringContaining(`Name the public one: sluice ssh cert ${file}.pub\n`), 2])
  expect(asked).toEqual([])
})
