import { once } from 'node:events'
import { duplexPair } from 'node:stream'
import { describe, expect, test, vi } from 'vitest'
import { SluiceError, toSluiceError } from '../../kit/errors.ts'
import { Secret } from '../../kit/secret.ts'
import type { Upstream } from '../contract.ts'
import { LOGIN_MS } from './limits.ts'
import { type LoggedIn, type LoginWish, login } from './login.ts'
import { frame } from './messages.ts'

const never = new AbortController().signal
const WISH: LoginWish = { database: 'postgres', settings: new Map(), protocolMinor: 0, signal: never }

async function refusal(attempt: Promise<LoggedIn>): Promise<SluiceError> {
  const error = await attempt.then(
    () => new Error('it logged in'),
    (thrown) => thrown,
  )
  return toSluiceError(error)
}

interface FakePeer {
  send(...messages: Buffer[]): void
  /** Next message the login wrote, whole. */
  next(): Promise<Buffer>
}

/** A login against a target that does what `act` says; hands back what the login threw. */
async function fakeTarget(
  act: (peer: FakePeer) => Promise<void>,
  options: Partial<Upstream> & { signal?: AbortSignal } = {},
): Promise<SluiceError> {
  const [near, far] = duplexPair()
  const { signal = never, ...rest } = options
  const next = async () => {
    for (;;) {
      const chunk: Buffer | null = far.read()
      if (chunk) return chunk
      await once(far, 'readable')
    }
  }
  const peer: FakePeer = { send: (...messages) => void far.write(Buffer.concat(messages)), next }
  const upstream: Upstream = {
    stream: near,
    host: 'db.test',
    user: 'u',
    password: new Secret('p'),
    database: undefined,
    tls: { mode: 'disable' },
    redial: () => Promise.reject(new Error('not here')),
    ...rest,
  }
  const attempt = refusal(login(upstream, { ...WISH, signal }))
  await next()
  await act(peer)
  const error = await attempt
  expect(near.destroyed).toBe(true)
  return error
}

const authentication = (kind: number, rest: Buffer | string = '') => {
  const code = Buffer.alloc(4)
  code.writeInt32BE(kind)
  return frame('R', code, Buffer.from(rest))
}
const OK = authentication(0)
const SASL = authentication(10, 'SCRAM-SHA-256\0\0')
const READY = frame('Z', Buffer.from('I'))
const status = (name: string, value: string) => frame('S', Buffer.from(`${name}\0${value}\0`))
const nonceOf = (first: Buffer) => /r=([^,]+)$/.exec(first.toString())![1]!

describe('a hostile target', () => {
  test('A45: bytes in the clear behind its answer are not read as encrypted', async () => {
    const said = await fakeTarget(
      async (peer) => {
        peer.send(Buffer.from('SE'))
      },
      { tls: { mode: 'require' } },
    )
    expect(said.code).toBe('protocol.target')
  })

  test.each<[string, string, Buffer[]]>([
    ['A47: asks for the password in the clear from another machine', 'target.login', [authentication(3)]],
    ['A47: asks for an MD5 of the password from another machine', 'target.login', [authentication(5, 'salt')]],
    ['asks for Kerberos', 'target.login', [authentication(7)]],
    ['offers no mechanism we know', 'target.login', [authentication(10, 'OAUTHBEARER\0\0')]],
    ['offers only channel binding without TLS', 'target.login', [authentication(10, 'SCRAM-SHA-256-PLUS\0\0')]],
    ['continues a SASL exchange that never began', 'target.login', [authentication(11, 'x')]],
    ['asks for MD5 after SCRAM', 'target.login', [SASL, authentication(5, 'salt')]],
    ['says OK in the middle of SCRAM', 'target.login', [SASL, OK]],
    ['sends rows', 'protocol.target', [frame('D', Buffer.alloc(2))]],
    ['sends a key before authentication', 'protocol.target', [frame('K', Buffer.alloc(8))]],
    ['A50: length 3', 'protocol.target', [Buffer.from([82, 0, 0, 0, 3])]],
    ['A50: length -1', 'protocol.target', [Buffer.from([82, 255, 255, 255, 255])]],
    ['A50: 2 GiB', 'protocol.target', [Buffer.from([82, 127, 255, 255, 255])]],
    ['G26: a cancel key of 300 bytes', 'protocol.target', [OK, frame('K', Buffer.alloc(304))]],
    ['G26: two cancel keys', 'protocol.target', [OK, frame('K', Buffer.alloc(8)), frame('K', Buffer.alloc(8))]],
    ['G26: notices without end', 'protocol.target', Array(40).fill(frame('N', Buffer.alloc(60_000)))],
    ['an error cut short', 'protocol.target', [frame('E', Buffer.from('C2800'))]],
    ['an empty authentication request', 'protocol.target', [frame('R')]],
    ['a version above what was asked for', 'protocol.target', [frame('v', Buffer.from([0, 3, 0, 2, 0, 0, 0, 0]))]],
    ['does not tell its settings', 'target.version', [OK, READY]],
    ['is too old', 'target.version', [OK, status('server_version', '9.6.24'), READY]],
    ['is too new', 'target.version', [OK, status('server_version', '19.0'), READY]],
    [
      'A12: says SJIS',
      'protocol.target',
      [
        OK,
        status('server_version', '15.1'),
        status('client_encoding', 'SJIS'),
        status('standard_conforming_strings', 'on'),
        READY,
      ],
    ],
    [
      'A10: says off',
      'protocol.target',
      [
        OK,
        status('server_version', '15.1'),
        status('client_encoding', 'UTF8'),
        status('standard_conforming_strings', 'off'),
        READY,
      ],
    ],
    ['text that is not UTF-8', 'protocol.target', [OK, frame('S', Buffer.from([0xff, 0, 0x31, 0]))]],
  ])('%s', async (_, code, messages) => {
    expect((await fakeTarget(async (peer) => peer.send(...messages))).code).toBe(code)
  })

  test.each([
    ['2,000,000,000 rounds', 'protocol.target', (nonce: string) => `r=${nonce}x,s=c2FsdA==,i=2000000000`],
    ['no rounds', 'protocol.target', (nonce: string) => `r=${nonce}x,s=c2FsdA==,i=0`],
    ["another's nonce", 'protocol.target', () => 'r=abcdefgh,s=c2FsdA==,i=4096'],
    ['our nonce alone', 'protocol.target', (nonce: string) => `r=${nonce},s=c2FsdA==,i=4096`],
    ['an extension', 'protocol.target', (nonce: string) => `m=x,r=${nonce}x,s=c2FsdA==,i=4096`],
  ])('SCRAM with %s', async (_, code, first) => {
    const error = await fakeTarget(async (peer) => {
      peer.send(SASL)
      peer.send(authentication(11, first(nonceOf(await peer.next()))))
    })
    expect(error.code).toBe(code)
  })

  test.each([
    ['a signature it cannot make', authentication(12, `v=${Buffer.alloc(32).toString('base64')}`)],
    ['no signature', authentication(12, 'v=')],
    ['an error attribute', authentication(12, 'e=other-error')],
    ['OK without a signature', OK],
  ])('SCRAM that ends with %s', async (_, end) => {
    const error = await fakeTarget(async (peer) => {
      peer.send(SASL)
      const nonce = nonceOf(await peer.next())
      peer.send(authentication(11, `r=${nonce}x,s=c2FsdA==,i=4096`))
      expect((await peer.next()).toString()).toContain(`r=${nonce}x,p=`)
      peer.send(end, OK)
    })
    expect(error.code).toBe('target.login')
  })

  test('one that says nothing is given up on', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const error = await fakeTarget(async () => void vi.advanceTimersByTime(LOGIN_MS)).finally(() => vi.useRealTimers())
    expect(error.code).toBe('target.unreachable')
  })

  test('a session that ends does not wait for it', async () => {
    const ended = new AbortController()
    const error = await fakeTarget(async () => ended.abort(new SluiceError('session.killed')), { signal: ended.signal })
    expect(error.code).toBe('session.killed')
  })
})
