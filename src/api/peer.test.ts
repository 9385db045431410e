/** Limits count by address: whose address it is must not be the caller's choice. */
import { expect, it } from 'vitest'
import { startTestApi } from '../../test/rig/api.ts'
import { routeGroup } from './env.ts'
import { peerOf } from './peer.ts'
import type { ApiServices } from './services.ts'

const TRUSTED = ['10.0.0.7', '192.168.0.0/16', 'fd00::/8']
const envOf = (remoteAddress: string) => ({ incoming: { socket: { remoteAddress } } }) as never

async function seen(remote: string, forwarded: string | undefined, trustedProxies: readonly string[] | undefined) {
  const app = routeGroup()
  app.use(async (c, next) => {
    c.set('services', { trustedProxies } as unknown as ApiServices)
    await next()
  })
  app.get('/', (c) => c.text(peerOf(c)))
  const headers = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded }
  return await (await app.request('/', { headers }, envOf(remote))).text()
}

it.each<[string, string, string | undefined, string]>([
  ['no header', '10.0.0.7', undefined, '10.0.0.7'],
  ['a caller who is no proxy', '203.0.113.9', '198.51.100.1', '203.0.113.9'],
  ['a proxy', '10.0.0.7', '198.51.100.1', '198.51.100.1'],
  ['a proxy seen over IPv6', '::ffff:10.0.0.7', '198.51.100.1', '198.51.100.1'],
  ['what the caller put before it', '10.0.0.7', '127.0.0.1, 198.51.100.1', '198.51.100.1'],
  ['a chain of proxies', '10.0.0.7', '1.1.1.1, 198.51.100.1, 192.168.4.4', '198.51.100.1'],
  ['ports and brackets', '10.0.0.7', '[2001:db8::1]:443, 192.168.4.4:1234', '2001:db8::1'],
  ['IPv6', 'fd00::7', '2001:db8::1', '2001:db8::1'],
  ['no address', '10.0.0.7', '198.51.100.1, unknown', '10.0.0.7'],
  ['nothing but proxies', '10.0.0.7', '192.168.1.1', '192.168.1.1'],
  ['an empty header', '10.0.0.7', '', '10.0.0.7'],
])('%s', async (_, remote, forwarded, expected) => {
  expect(await seen(remote, forwarded, TRUSTED)).toBe(expected)
  // Unless proxies are named, nobody's word is taken.
  const own = remote.replace('::ffff:', '')
  expect([await seen(remote, forwarded, []), await seen(remote, forwarded, undefined)]).toEqual([own, own])
})

it('who guesses behind a trusted proxy waits, and the others behind it do not', async () => {
  await using api = await startTestApi()
  Object.assign(api.services, { trustedProxies: ['10.0.0.7'] })
  const guess = async (client: string, remote = '10.0.0.7') => {
    const headers = { authorization: 'Bearer slu_guess', 'x-forwarded-for': client }
    return (await api.app.request('/api/v1/me', { headers }, envOf(remote))).status
  }
  for (let i = 0; i < 20; i++) expect(await guess(`10.9.9.${i}, 198.51.100.1`)).toBe(401)
  expect([await guess('198.51.100.1'), await guess('198.51.100.2')]).toEqual([429, 401])
  for (let i = 0; i < 20; i++) await guess(`198.51.100.${100 + i}`, '203.0.113.9')
  expect(await guess('198.51.100.99', '203.0.113.9')).toBe(429)
})
