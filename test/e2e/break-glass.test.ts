/** The sealed account: what it takes to open it, and that nobody can miss that it was. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { signIn, startDoor, startRealProvider, type TestDoor } from '../rig/sign-in.ts'

const WHY = 'The identity provider is down and orders are stuck.'
let door: TestDoor
beforeEach(async () => {
  door = await startDoor({ patient: false })
})
afterEach(() => door[Symbol.asyncDispose]())

const seal = async (caller: 'root' | 'ada' = 'root', body: unknown = {}) => {
  const response = await door.api.call(caller, 'POST', '/api/v1/break-glass/seal', body)
  return { status: response.status, ...((await response.json()) as { secret?: string; code?: string }) }
}
const open = async (secret: string, reason = WHY) => {
  const response = await fetch(`${door.url}/break-glass`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ secret, reason }),
  })
  return {
    status: response.status,
    ...((await response.json()) as { token?: string; code?: string; message?: string }),
  }
}
const who = (proof: string) => door.api.services.identity.authenticate({ kind: 'token', proof, from: '' })
const entries = () => door.api.entries.filter(({ kind }) => kind === 'break-glass').map(({ body }) => body)

it('opens once, for an hour, as an administrator, and is heard of everywhere', async () => {
  const shout = vi.spyOn(door.api.services.log, 'error').mockImplementation(() => {})
  const { secret } = await seal()
  expect(secret).toMatch(/^([0-9A-HJKMNP-TV-Z]{4}-){7}[0-9A-HJKMNP-TV-Z]{4}$/)
  const { token } = await open(secret!.toLowerCase().replaceAll('-', ' '))
  expect(await who(token!)).toMatchObject({ id: 'human:break-glass', kind: 'human', groups: ['admins'] })
  expect(entries()).toMatchObject([
    { action: 'seal', by: 'human:root' },
    { action: 'open', why: WHY, from: '127.0.0.1' },
  ])
  expect(shout).toHaveBeenCalledWith(expect.stringContaining('BREAK-GLASS'), expect.objectContaining({ why: WHY }))
  const status = (await (await door.api.call('root', 'GET', '/api/v1/status')).json()) as { notices: string[] }
  expect(status.notices).toEqual([expect.stringContaining(WHY)])
  expect((await open(secret!)).code).toBe('signin.refused')
  const leave = await fetch(`${door.url}/api/v1/sign-out`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
  })
  expect([leave.status, await who(token!)]).toEqual([200, undefined])
})

it('sealed anew, the notice goes, and so does whoever came in', async () => {
  vi.spyOn(door.api.services.log, 'error').mockImplementation(() => {})
  const { token } = await open((await seal()).secret!)
  const ended = vi.fn()
  door.api.services.identity.onRevoked((await who(token!))!, ended)
  await seal()
  expect([await who(token!), ended.mock.calls.length]).toEqual([undefined, 1])
  expect(
    ((await (await door.api.call('root', 'GET', '/api/v1/status')).json()) as { notices: string[] }).notices,
  ).toEqual([])
})

it('nothing sealed, a wrong secret and a used one answer alike, cost alike, and are told when they were too many', async () => {
  // Nothing is forgotten while the test runs, however long it takes.
  vi.spyOn(door.api.services.clock, 'monotonic_ms').mockReturnValue(1_000_000)
  const words = async (secret: string) => {
    const { token: _, ...said } = await open(secret)
    return said
  }
  const none = await words('AAAA')
  const { secret } = await seal()
  const wrong = await words('AAAA')
  await open(secret!)
  expect([wrong, await words(secret!)]).toEqual([none, none])
  for (let i = 0; i < 10; i++) await open(`guess ${i}`)
  expect((await open('AAAA')).code).toBe('api.limited')
})

it('G42: shown four times at once it opens once, and the ledger says what happened to each', async () => {
  vi.spyOn(door.api.services.log, 'error').mockImplementation(() => {})
  const { secret } = await seal()
  const answers = await Promise.all([1, 2, 3, 4].map((i) => open(secret!, `${WHY} ${i}`)))
  expect(answers.map(({ code = 'opened' }) => code).sort()).toEqual(['opened', ...Array(3).fill('signin.refused')])
  const opened = entries().filter(({ action }) => action === 'open')
  expect(opened).toMatchObject([{ why: `${WHY} ${answers.findIndex(({ token }) => token) + 1}` }])
  const refused = door.api.entries.filter(({ kind, body }) => kind === 'login' && body.breakGlass === true)
  expect(refused).toHaveLength(3)
  for (const { body } of refused) expect(body).toMatchObject({ ok: false, reason: 'signin.refused' })
})

it('is not opened when that cannot be recorded, nor without a reason', async () => {
  const { secret } = await seal()
  expect((await open(secret!, 'short')).code).toBe('api.invalid')
  door.api.ledgerFails = true
  expect((await open(secret!)).code).toBe('ledger.unwritable')
  door.api.ledgerFails = false
  expect(await (await door.api.call('root', 'GET', '/api/v1/break-glass')).json()).toMatchObject({ state: 'sealed' })
  expect((await open(secret!)).token).toBeDefined()
})

it('is sealed by administrators only, by a fresh sign-in where they came by one', async () => {
  expect((await seal('ada')).code).toBe('api.forbidden')
  const acme = await startRealProvider(door, 'acme', { over: { map: [{ group: 'admins', gives: ['admins'] }] } })
  acme.people.set('u1', { subject: 'u1', name: 'Ada', email: 'a@b.example', groups: ['admins'] })
  const { cookie } = await signIn(door, { provider: 'acme', person: 'u1' })
  const csrf = (
    (await (await fetch(`${door.url}/api/v1/me`, { headers: { cookie: `__Host-sluice=${cookie}` } })).json()) as {
      csrf: string
    }
  ).csrf
  const headers = {
    cookie: `__Host-sluice=${cookie}`,
    origin: door.url,
    'x-sluice-csrf': csrf,
    'content-type': 'application/json',
  }
  const sealing = async () =>
    (await fetch(`${door.url}/api/v1/break-glass/seal`, { method: 'POST', headers, body: '{}' })).status
  expect(await sealing()).toBe(200)
  door.trust('acme', {
    ...door.api.providers.get('acme'),
    times: { ...door.api.providers.get('acme')!.times, fresh_ms: -1 },
  })
  expect(await sealing()).toBe(403)
  await acme.close()
})

it('is not sealed with a group nobody can have: on the day it would open nothing', async () => {
  expect(await seal('root', { groups: ['admins', 'admnis'] })).toMatchObject({ code: 'api.invalid' })
  const map = [{ group: 'platform', gives: ['on-call'] }]
  door.trust('acme', { map })
  expect(await seal('root', { groups: ['on-call'] })).toMatchObject({ status: 200 })
})

it('opened, sealed and opened again, the first token stays dead (G10)', async () => {
  vi.spyOn(door.api.services.log, 'error').mockImplementation(() => {})
  const first = (await open((await seal()).secret!)).token!
  const second = (await open((await seal()).secret!)).token!
  expect([await who(first), (await who(second))?.id]).toEqual([undefined, 'human:break-glass'])
})
