/** How a connector becomes one, and what does not. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { describe, expect, test } from 'vitest'
import { startTunnelRig, type TunnelRig } from '../../test/rig/tunnels.ts'
import { until } from '../../test/rig/until.ts'
import { SluiceError } from '../kit/errors.ts'
import { Secret } from '../kit/secret.ts'
import { join, joinAsWorkload } from './connector/join.ts'
import { openWay } from './connector/way.ts'
import { newJoinToken, readJoinToken } from './join-token.ts'
import { readLine, writeLine } from './lines.ts'
import { proveNewKey } from './proof.ts'
import { JOIN } from './wire.ts'

const wayTo = (rig: TunnelRig) => ({ host: '127.0.0.1', port: rig.port, websocket: false })
const joinWith = (rig: TunnelRig, token: string) => join(wayTo(rig), new Secret(token), '1.0.0')
const code = (code: string) => expect.objectContaining({ code })

test('a token makes one connector, and is on record with who asked for it and where it was used', async () => {
  await using rig = await startTunnelRig()
  const identity = await joinWith(rig, await rig.token('vpc-1'))
  expect(identity).toMatchObject({ name: 'vpc-1', id: expect.stringMatching(/^con_[0-9a-z]{22}$/) })
  expect(rig.ledger).toMatchObject([
    { kind: 'connector', action: 'join', name: 'vpc-1', id: identity.id, invitedBy: 'human:ada', from: '127.0.0.1' },
  ])
})

test('a token used a second time is refused, and the attempt is on record (G22)', async () => {
  await using rig = await startTunnelRig()
  const token = await rig.token('vpc-1')
  const { id } = await joinWith(rig, token)
  await expect(joinWith(rig, token)).rejects.toThrow(code('tunnel.token'))
  expect(rig.ledger.at(-1)).toMatchObject({ action: 'join-refused', name: 'vpc-1', why: expect.stringContaining(id) })
})

test('of many at once who hold one token, one joins', async () => {
  await using rig = await startTunnelRig()
  const token = await rig.token('vpc-1')
  const results = await Promise.allSettled(Array.from({ length: 12 }, () => joinWith(rig, token)))
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  expect(await rig.tunnels.list()).toHaveLength(1)
})

test('a token that expired, or was withdrawn with its name, is refused', async () => {
  let now_ms = Date.now()
  await using rig = await startTunnelRig({ clock: { now_ms: () => now_ms, monotonic_ms: () => performance.now() } })
  const old = await rig.token('vpc-1', 60_000)
  now_ms += 60_000
  await expect(joinWith(rig, old)).rejects.toThrow(code('tunnel.token'))
  const withdrawn = await rig.token('vpc-2')
  expect(await rig.tunnels.revoke('vpc-2', 'human:ada')).toEqual({ revoked: [], withdrawn: 1 })
  await expect(joinWith(rig, withdrawn)).rejects.toThrow(code('tunnel.token'))
  expect(rig.ledger.map(({ action }) => action)).toEqual(['join-refused', 'join-refused'])
})

test.each([
  ['an API token', 'slu_0000000000000000000000000000000000000000000abcdef'],
  ['nothing', ''],
  ['one that lost its end', 'slu_join_AAAA'],
  ['padding at its end', `${newJoinToken('00'.repeat(32)).text}=`],
])('what is no join token never leaves the machine: %s', async (_, token) => {
  await using rig = await startTunnelRig()
  await expect(joinWith(rig, token)).rejects.toThrow(code('tunnel.token'))
  expect(rig.ledger).toEqual([])
})

test('a port where something else answers is told in words, not in those of OpenSSL', async () => {
  await using rig = await startTunnelRig()
  const token = await rig.token('vpc-1')
  await using other = createServer((_, response) => response.end('an API'))
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  const { port } = other.address() as AddressInfo
  const wrong = { ...wayTo(rig), port }
  await expect(join(wrong, new Secret(token), '1.0.0')).rejects.toMatchObject({
    code: 'tunnel.unreachable',
    detail: 'what answers there is not a gateway’s `listen.tunnel`',
  })
})

test('a token of another installation is kept from this gateway: it is a stranger', async () => {
  await using rig = await startTunnelRig()
  await using other = await startTunnelRig({ seed: new Secret(Buffer.alloc(32, 8).toString('base64')) })
  const token = await other.token('vpc-1')
  await expect(joinWith(rig, token)).rejects.toThrow(code('tunnel.stranger'))
  expect(rig.ledger).toEqual([])
  // It was not used up.
  await joinWith(other, token)
})

/** A join by hand. */
async function say(rig: TunnelRig, request: (socket: TLSSocket) => object | string): Promise<Record<string, unknown>> {
  const socket = await openWay(wayTo(rig), {}, JOIN)
  const said = request(socket)
  if (typeof said === 'string') socket.write(said)
  else await writeLine(socket, said)
  return await readLine(socket)
}

test('a token with the right form that was never issued is refused', async () => {
  await using rig = await startTunnelRig()
  const digest = Buffer.from((await rig.token('x')).slice('slu_join_'.length), 'base64url')
    .subarray(24)
    .toString('hex')
  await expect(joinWith(rig, newJoinToken(digest).text)).rejects.toThrow(code('tunnel.token'))
  expect(rig.ledger).toMatchObject([{ action: 'join-refused', why: 'unknown' }])
})

test('a key whose proof was made on another connection is refused, and the token stays good', async () => {
  await using rig = await startTunnelRig()
  const token = await rig.token('vpc-1')
  const elsewhere = await openWay(wayTo(rig), {}, JOIN)
  const { publicKey, proof } = proveNewKey(elsewhere)
  const answer = await say(rig, () => ({ token, publicKey, proof, version: '1' }))
  expect(answer).toMatchObject({ ok: false, code: 'tunnel.proof' })
  expect(rig.ledger.at(-1)).toMatchObject({ action: 'join-refused', why: expect.stringContaining('proof') })
  elsewhere.destroy()
  await joinWith(rig, token)
})

test.each([
  ['no JSON', 'hello\n'],
  ['a list', '[]\n'],
  ['a number', '7\n'],
  ['fields that are missing', '{}\n'],
  ['a token that is a number', '{"token":7,"publicKey":"","proof":"","version":""}\n'],
  ['a line without end', 'x'.repeat(100_000)],
  ['a field without end', `{"token":"${'x'.repeat(20_000)}"}\n`],
])('a request that makes no sense is answered so, and nothing else: %s', async (_, text) => {
  await using rig = await startTunnelRig()
  const answer = await say(rig, () => text).catch((error: Error) => ({ ok: false, code: error.message }))
  expect(answer).toMatchObject({ ok: false })
  expect(rig.ledger).toEqual([])
  await joinWith(rig, await rig.token('vpc-1'))
})

test('while the ledger cannot be written nobody joins', async () => {
  await using rig = await startTunnelRig()
  const token = await rig.token('vpc-1')
  rig.ledgerFails = true
  await expect(joinWith(rig, token)).rejects.toThrow()
  expect(await rig.tunnels.list()).toEqual([])
  rig.ledgerFails = false
  await joinWith(rig, token)
})

test('wrong tokens are counted by address: beyond a few they are not on record, and a right one passes', async () => {
  const failures: string[] = []
  const attempts = { failed: (door: string, from: string) => failures.push(`${door} ${from}`) > 3 }
  await using rig = await startTunnelRig({ attempts })
  const used = await rig.token('vpc-1')
  await joinWith(rig, used)
  const { authority } = readJoinToken(used)
  for (let i = 0; i < 6; i++) await joinWith(rig, newJoinToken(authority).text).catch(() => {})
  expect(failures).toEqual(Array(6).fill('join 127.0.0.1'))
  const refused = () => rig.ledger.filter(({ action }) => action === 'join-refused').length
  expect(refused()).toBe(3)
  // One that was ours is on record whatever came before it, and a right one is never kept out.
  await expect(joinWith(rig, used)).rejects.toThrow()
  expect(refused()).toBe(4)
  await joinWith(rig, await rig.token('vpc-2'))
})

test.each([
  ['vpc/1', 60_000],
  ['', 60_000],
  ['-x', 60_000],
  ['x'.repeat(64), 60_000],
  ['vpc-1', 999],
  ['vpc-1', 86_400_001],
  ['vpc-1', Number.NaN],
])('no invitation for the name %j and the life %d', async (name, ttl_ms) => {
  await using rig = await startTunnelRig()
  await expect(rig.tunnels.invite(name, ttl_ms, 'human:ada')).rejects.toThrow(code('tunnel.invalid'))
})

test('a peer that connects and says nothing is let go', async () => {
  await using rig = await startTunnelRig({ join_ms: 200 })
  const socket = await openWay(wayTo(rig), {}, JOIN)
  socket.resume()
  await once(socket, 'close')
  await until(async () => rig.lines.some((line) => line.includes('without a word')))
  expect(rig.lines.filter((line) => line.includes('"level":"error"'))).toEqual([])
})

describe('a trusted workload joins by its own token', () => {
  const workload = async (token: string) => {
    if (!token.startsWith('good ')) throw new SluiceError('trust.signature', 'its signature is wrong')
    return token.slice('good '.length)
  }
  const joinAs = (rig: TunnelRig, text: string, authority: string) =>
    joinAsWorkload(wayTo(rig), { token: new Secret(text), authority }, '1.0.0')

  test('where a grant names it, again and again; each is a connector of its own', async () => {
    await using rig = await startTunnelRig({ workload })
    const authority = await rig.tunnels.grant('vpc-1', 'service:vpc', 'human:ada')
    const one = await joinAs(rig, 'good service:vpc', authority)
    const two = await joinAs(rig, 'good service:vpc', authority)
    expect(one.name).toBe('vpc-1')
    expect(two.id).not.toBe(one.id)
    expect(rig.ledger).toMatchObject([{ action: 'join', workload: 'service:vpc', id: one.id }, { id: two.id }])
    expect((await rig.tunnels.list()).map(({ joinedBy }) => joinedBy)).toEqual(['service:vpc', 'service:vpc'])
  })

  test.each([
    ['a token that does not verify', 'bad service:vpc', 'trust.signature'],
    ['a workload that no grant names', 'good service:other', 'no grant names it'],
  ])('%s is refused, on record with the reason', async (_, text, why) => {
    await using rig = await startTunnelRig({ workload })
    const authority = await rig.tunnels.grant('vpc-1', 'service:vpc', 'human:ada')
    await expect(joinAs(rig, text, authority)).rejects.toThrow(code('tunnel.token'))
    expect(rig.ledger.at(-1)).toMatchObject({ action: 'join-refused', why: expect.stringContaining(why) })
  })

  test('after its name was revoked it is refused, and where no issuer is trusted everybody is', async () => {
    await using rig = await startTunnelRig({ workload })
    const authority = await rig.tunnels.grant('vpc-1', 'service:vpc', 'human:ada')
    expect(await rig.tunnels.revoke('vpc-1', 'human:ada')).toEqual({ revoked: [], withdrawn: 1 })
    await expect(joinAs(rig, 'good service:vpc', authority)).rejects.toThrow(code('tunnel.token'))
    await using closed = await startTunnelRig()
    await closed.tunnels.grant('vpc-1', 'service:vpc', 'human:ada')
    await expect(joinAs(closed, 'good service:vpc', authority)).rejects.toThrow(code('tunnel.token'))
  })

  test('its token is kept from a gateway of another authority', async () => {
    await using rig = await startTunnelRig({ workload })
    await expect(joinAs(rig, 'good service:vpc', '0'.repeat(64))).rejects.toThrow(code('tunnel.stranger'))
    expect(rig.ledger).toEqual([])
  })

  test.each(['human:ada', 'agent:bot', 'service:', ''])('a grant is for a service: not for %j', async (principal) => {
    await using rig = await startTunnelRig({ workload })
    await expect(rig.tunnels.grant('vpc-1', principal, 'human:ada')).rejects.toThrow(code('tunnel.invalid'))
  })
})
