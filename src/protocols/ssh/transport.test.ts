import { createCipheriv, randomBytes } from 'node:crypto'
import { expect, test, vi } from 'vitest'
import { GcmCipher, GcmDecipher } from './transport-gcm.ts'
import { Guard } from './transport-guard.ts'
import { HYBRID, makeHybrid } from './transport-hybrid.ts'
import {
  installedVersion,
  type KeyExchange,
  LIBRARY_VERSION,
  type LibraryCipher,
  type Wire,
} from './transport-library.ts'

test('ssh2 is the version whose inside is used here; read transport-library.ts again before changing it', () => {
  expect(installedVersion).toBe(LIBRARY_VERSION)
})

/** As much of an exchange as the hybrid one touches. */
function exchange(server: boolean): KeyExchange {
  const one = { negotiated: { kex: 'curve25519-sha256' } } as unknown as KeyExchange
  makeHybrid(one, server)
  return one
}

test('both sides of a hybrid exchange come to the same secret, and each exchange to another', () => {
  const secrets = [1, 2].map(() => {
    const [client, server] = [exchange(false), exchange(true)]
    const init = client.getPublicKey()
    expect(init.length).toBe(1184 + 32)
    const secret = server.computeSecret(init) as Buffer
    expect(server.getPublicKey().length).toBe(1088 + 32)
    expect(client.computeSecret(server.getPublicKey())).toEqual(secret)
    expect(secret.length).toBe(32)
    return secret
  })
  expect(secrets[0]).not.toEqual(secrets[1])
  expect(exchange(true).negotiated.kex).toBe(HYBRID)
})

test.each([
  ['too short', (init: Buffer) => init.subarray(1)],
  ['too long', (init: Buffer) => Buffer.concat([init, Buffer.alloc(1)])],
  ['empty', () => Buffer.alloc(0)],
  [
    'with coefficients that are not reduced',
    (init: Buffer) => Buffer.concat([Buffer.alloc(1184, 0xff), init.subarray(1184)]),
  ],
  ['with a point of small order', (init: Buffer) => Buffer.concat([init.subarray(0, 1184), Buffer.alloc(32)])],
])('a first message %s is refused', (_, change) => {
  expect(exchange(true).computeSecret(change(exchange(false).getPublicKey()))).toBeInstanceOf(Error)
})

/** What the guard sees of a connection. */
function wireOf(server: boolean): Wire {
  return { _server: server, _packetRW: { write: {} }, _authsQueue: [] } as unknown as Wire
}

test('D19: a key exchange that is begun must end in time', () => {
  vi.useFakeTimers()
  try {
    const late = vi.fn()
    const guard = new Guard(wireOf(false), { server: undefined, write: () => {}, late })
    const list = Buffer.concat([Buffer.from([0, 0, 0, 1]), Buffer.from('x')])
    guard.read(
      Buffer.concat([Buffer.from([20]), Buffer.alloc(16), ...Array.from({ length: 10 }, () => list), Buffer.alloc(5)]),
    )
    vi.advanceTimersByTime(29_000)
    expect(late).not.toHaveBeenCalled()
    vi.advanceTimersByTime(2_000)
    expect(late).toHaveBeenCalledOnce()
  } finally {
    vi.useRealTimers()
  }
})

test('a target may send a server’s messages only, and nothing of the connection protocol before it has let us in', () => {
  for (let type = 1; type < 256; type++) {
    const guard = new Guard(wireOf(false), { server: undefined, write: () => {}, late: () => {} })
    const allowed = [1, 2, 3, 4, 6, 7, 21, 51, 52, 53, 60].includes(type) || (type >= 30 && type <= 49)
    const read = () => guard.read(Buffer.from([type, 0, 0, 0, 0]))
    if (type === 20) continue
    if (allowed) expect(read()[0]).toBe(type)
    else expect(read, `message ${type}`).toThrow('The client broke the protocol')
  }
})

/** Two ends of one direction. */
function line() {
  const [key, iv] = [randomBytes(16), randomBytes(12)]
  const sent: Buffer[] = []
  const got: Buffer[] = []
  const cipher = new GcmCipher(
    { outSeqno: 3, _encSSLName: 'aes-128-gcm', _encKey: key, _encIV: Buffer.from(iv) } as unknown as LibraryCipher,
    (bytes) => sent.push(bytes),
  )
  const decipher = new GcmDecipher({
    inSeqno: 3,
    _decipherSSLName: 'aes-128-gcm',
    _decipherKey: key,
    _decipherIV: Buffer.from(iv),
    _onPayload: (payload) => {
      got.push(Buffer.from(payload))
      return undefined
    },
    decrypt: () => undefined,
    free: () => {},
  })
  const say = (payload: Buffer) => {
    const packet = cipher.allocPacket(payload.length)
    payload.copy(packet, 5)
    cipher.encrypt(packet)
  }
  return { key, iv, sent, got, cipher, decipher, say }
}

test('AES-GCM: the same packets come out however the bytes are cut', () => {
  const payloads = [0, 1, 10, 11, 12, 15, 16, 17, 1_000, 1_040, 32_777, 34_900].map((size) => randomBytes(size))
  for (const piece of [1, 3, 4, 5, 19, 20, 21, 4_096, 65_536, 1e9]) {
    const { sent, got, say, decipher } = line()
    for (const payload of payloads) say(payload)
    const all = Buffer.concat(sent)
    for (let at = 0; at < all.length; at += piece) {
      const part = Buffer.from(all.subarray(at, at + piece))
      decipher.decrypt(part, 0, part.length)
    }
    expect(got.map((each) => each.toString('hex'))).toEqual(payloads.map((each) => each.toString('hex')))
    expect(decipher.inSeqno).toBe(3 + payloads.length)
  }
})

test('AES-GCM: the counter carries over, and a packet that was altered, repeated or left out ends it', () => {
  const { sent, got, say, decipher, iv } = line()
  iv.fill(0xff, 4)
  const other = line()
  for (const each of ['a', 'b', 'c']) other.say(Buffer.from(each))
  say(Buffer.from('one'))
  const [one] = [Buffer.concat(sent)]
  decipher.decrypt(Buffer.from(one), 0, one.length)
  expect(got.length).toBe(1)
  expect(() => decipher.decrypt(Buffer.from(one), 0, one.length), 'repeated').toThrow()
  const [a, b, c] = other.sent as [Buffer, Buffer, Buffer]
  const altered = Buffer.from(a)
  altered[6]! ^= 1
  expect(() => other.decipher.decrypt(altered, 0, altered.length), 'altered').toThrow()
  const fresh = line()
  for (const each of ['a', 'b']) fresh.say(Buffer.from(each))
  expect(() => fresh.decipher.decrypt(Buffer.from(fresh.sent[1]!), 0, fresh.sent[1]!.length), 'left out').toThrow()
  expect([b.length, c.length]).toEqual([36, 36])
})

test.each([0, 15, 17, 8, 35_008, 0xffffffff])('AES-GCM: a length of %d is no packet', (length) => {
  const { decipher } = line()
  const bytes = Buffer.alloc(40)
  bytes.writeUInt32BE(length)
  expect(() => decipher.decrypt(bytes, 0, bytes.length)).toThrow()
  const again = line()
  expect(() => {
    for (const byte of bytes) again.decipher.decrypt(Buffer.from([byte]), 0, 1)
  }).toThrow()
})

test('AES-GCM: padding that is longer than the packet is refused though its tag is right', () => {
  const { key, iv, decipher } = line()
  const length = Buffer.from([0, 0, 0, 16])
  const cipher = createCipheriv('aes-128-gcm', key, iv)
  cipher.setAAD(length)
  const body = Buffer.concat([cipher.update(Buffer.alloc(16, 16)), cipher.final()])
  const packet = Buffer.concat([length, body, cipher.getAuthTag()])
  expect(() => decipher.decrypt(packet, 0, packet.length)).toThrow(/padding/)
})
