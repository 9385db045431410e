import { expect, it } from 'vitest'
import { awaitBrowser } from './loopback.ts'

const GATEWAY = 'http://127.0.0.1:8420'
const open = (wait_ms = 20_000) => awaitBrowser(GATEWAY, { fresh: false, wait_ms })
const carry = (redirectUri: string, query: Record<string, string>, init: RequestInit = {}) =>
  fetch(`${redirectUri}?${new URLSearchParams(query)}`, init)

it('asks for a code by PKCE, with a state of its own each time', async () => {
  const [one, two] = [await open(), await open()]
  const query = new URL(one.url).searchParams
  expect(Object.fromEntries(query)).toMatchObject({
    response_type: 'code',
    client_id: 'sluice-cli',
    code_challenge_method: 'S256',
    redirect_uri: one.redirectUri,
  })
  expect(query.get('state')).not.toBe(new URL(two.url).searchParams.get('state'))
  one.close()
  two.close()
})

it('takes the code that comes with its state, and then the port is closed', async () => {
  const waiting = await open()
  const state = new URL(waiting.url).searchParams.get('state')!
  const page = await carry(waiting.redirectUri, { code: 'c1', state, iss: GATEWAY })
  expect([page.status, page.headers.get('content-security-policy'), page.headers.get('referrer-policy')]).toEqual([
    200,
    "default-src 'none'; frame-ancestors 'none'",
    'no-referrer',
  ])
  expect(await waiting.code).toBe('c1')
  waiting.close()
  await expect(fetch(waiting.redirectUri)).rejects.toThrow()
})

it.each<[string, (uri: string, state: string) => Promise<Response>]>([
  ['no state', (uri) => carry(uri, { code: 'evil' })],
  ['another state', (uri) => carry(uri, { code: 'evil', state: 'x'.repeat(43) })],
  ['another gateway', (uri, state) => carry(uri, { code: 'evil', state, iss: 'https://evil.test' })],
  ['a gateway that is no address', (uri, state) => carry(uri, { code: 'evil', state, iss: 'evil' })],
  ['another path', (uri, state) => fetch(`${uri}x?code=evil&state=${state}`)],
  ['a post', (uri, state) => carry(uri, { code: 'evil', state }, { method: 'POST' })],
])('what comes with %s changes nothing', async (_, send) => {
  const waiting = await open()
  const state = new URL(waiting.url).searchParams.get('state')!
  expect((await send(waiting.redirectUri, state)).status).toBe(404)
  await carry(waiting.redirectUri, { code: 'mine', state })
  expect(await waiting.code).toBe('mine')
  waiting.close()
})

it('a refusal in the browser and a person who never comes end it with a sentence', async () => {
  const refused = await open()
  await carry(refused.redirectUri, { error: 'access_denied', state: new URL(refused.url).searchParams.get('state')! })
  await expect(refused.code).rejects.toThrow('refused in the browser')
  refused.close()
  const late = await open(20)
  await expect(late.code).rejects.toThrow('Nobody signed in in time')
  late.close()
})
