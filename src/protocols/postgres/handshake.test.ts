import { once } from 'node:events'
import { duplexPair } from 'node:stream'
import { describe, expect, test } from 'vitest'
import type { SluiceError } from '../../kit/errors.ts'
import { requestToken } from './handshake.ts'
import { cstring, frame } from './messages.ts'

describe('the token', () => {
  async function token(...answer: Buffer[]): Promise<{ came: string; asked: Buffer }> {
    const [near, far] = duplexPair()
    const came = requestToken(near, { ms: 1_000, signals: [] }).catch((error: SluiceError) => error.code)
    await once(far, 'readable')
    const asked: Buffer = far.read()
    for (const piece of answer) far.write(piece)
    if (answer.length === 0) far.end()
    return { came: await came, asked }
  }
  const password = frame('p', cstring('slu_token'))
  test.each([
    ['whole', 'slu_token', [password]],
    ['byte by byte', 'slu_token', Array.from(password, (byte) => Buffer.of(byte))],
    ['empty', '', [frame('p', cstring(''))]],
    ['as another message', 'protocol.malformed', [frame('Q', cstring('slu_token'))]],
    ['without end', 'protocol.malformed', [frame('p', Buffer.from('slu_token'))]],
    ['A15: with a NUL inside', 'protocol.malformed', [frame('p', Buffer.from('slu\0token\0'))]],
    ['with nothing in it', 'protocol.malformed', [frame('p')]],
    ['A14: in bytes that are not UTF-8', 'protocol.malformed', [frame('p', Buffer.from([0xc3, 0x28, 0]))]],
    ['A50: longer than a token can be', 'protocol.malformed', [frame('p', Buffer.alloc(16_385))]],
    ['A50: with length -1', 'protocol.malformed', [Buffer.from([112, 255, 255, 255, 255])]],
    ['not at all', 'client.left', []],
  ])('%s', async (_, expected, answer) => {
    const { came, asked } = await token(...answer)
    expect(asked.toString('hex')).toBe('520000000800000003')
    expect(came).toBe(expected)
  })

  test('what is sent too early stays for whoever reads next', async () => {
    const [near, far] = duplexPair()
    const came = requestToken(near, { ms: 1_000, signals: [] })
    far.write(Buffer.concat([password, Buffer.from('early')]))
    expect(await came).toBe('slu_token')
    expect(near.read().toString()).toBe('early')
  })
})
