import fc from 'fast-check'
import { expect, test } from 'vitest'
import { byPath, close, INIT, name, open, read, server, stage, write } from '../../../test/rig/sftp-relay.ts'
import { SshReader, sshString, sshUint32, sshUint64 } from '../../kit/ssh-wire.ts'
import { FX, FXF, FXP, sftpPacket, statusPacket } from './sftp-packets.ts'

test('a client of a later version gets version 3, and the extensions that are read here', () => {
  const { say, heard, reached } = stage()
  say(INIT)
  expect(reached().readUInt32BE(5)).toBe(3)
  expect(heard().toString('latin1')).toContain('posix-rename')
  expect(heard().toString('latin1')).not.toContain('evil')
})

test('a file read to its end is on record whole', () => {
  const { say, notes, settled, judged } = stage()
  say(INIT, open(1, 'x'), read(2, 0), read(3, 4), read(4, 8), close(5))
  expect(judged.map(({ verb, text }) => [verb, text])).toEqual([['sftp get', 'sftp get /home/me/x']])
  const file = { kind: 'file', direction: 'get', path: '/home/me/x', bytes: 8, covers: 'whole' }
  expect(notes).toEqual([expect.objectContaining(file)])
  expect(settled[0]).toMatch(/^ok get 8 bytes, sha256 d1b2a59f/)
})

test.each([
  ['not to its end', [read(2, 0), read(3, 4)], 'part', 0, 8],
  ['from the middle', [read(2, 4), read(3, 8)], 'part', 4, 4],
  ['with a gap', [read(2, 0), read(3, 6), read(4, 8)], 'moved', 0, 6],
  ['backwards', [read(2, 4), read(3, 0), read(4, 8)], 'moved', 4, 8],
  ['twice', [read(2, 0), read(3, 0), read(4, 4), read(5, 8)], 'moved', 0, 12],
])('the digest says what it is of: %s', (_, reads, covers, from, length) => {
  const { say, notes } = stage()
  say(INIT, open(1, 'x'), ...reads, close(9))
  expect(notes).toEqual([expect.objectContaining({ covers, from, length })])
})

test.each([
  ['read', read(3, 4), FXF.READ, false, /^cancelled policy changed: policy.denied; get 4 bytes/],
  ['written', write(3, 4, 'more'), FXF.WRITE | FXF.CREAT, true, /^cancelled policy changed: policy.denied/],
] as const)(
  'a file that policy no longer permits is not %s on, and the record says why',
  (_, more, flags, masks, record) => {
    const { say, stood, answers, settled } = stage()
    say(INIT, open(1, 'x', flags), flags === FXF.READ ? read(2, 0) : write(2, 0, 'some'))
    expect(stood).toMatchObject([{ operation: { verb: flags === FXF.READ ? 'sftp get' : 'sftp put' }, masks }])
    stood[0]!.ended('policy changed: no', 'policy changed: policy.denied')
    say(more, close(4))
    expect(answers().slice(2)).toEqual([`3:101:${FX.PERMISSION_DENIED}`, '4:101:0'])
    expect(settled).toEqual([expect.stringMatching(record)])
  },
)

test.each([
  ['made empty first', FXF.WRITE | FXF.CREAT | FXF.TRUNC, 'whole'],
  ['over what may be longer', FXF.WRITE | FXF.CREAT, 'part'],
])('a file written %s', (_, flags, covers) => {
  const { say, notes, reached } = stage()
  say(INIT, open(1, 'x', flags), write(2, 0, 'con'), write(3, 3, 'tents'), close(4))
  expect(notes).toEqual([expect.objectContaining({ direction: 'put', bytes: 8, covers })])
  expect(reached().toString('latin1')).toContain('tents')
})

test('what is refused is answered in its turn, and does not reach the server', () => {
  const late: Buffer[] = []
  const { say, relay, answers, reached } = stage({
    decide: ({ verb }) => (verb === 'sftp remove' ? 'deny' : 'allow'),
    serve: (packet) => {
      // The server is slow about READ.
      if (packet[4] !== FXP.READ) return server(packet)
      late.push(server(packet)!)
      return undefined
    },
  })
  say(INIT, open(1, 'x'), read(2, 0), byPath(FXP.REMOVE, 3, '/home/me/x'), read(4, 4), byPath(FXP.STAT, 5, 'x'))
  expect(answers()).toEqual(['1:102', '5:101:0'])
  for (const packet of late) relay.fromTarget(packet)
  expect(answers()).toEqual(['1:102', '5:101:0', '2:103', `3:101:${FX.PERMISSION_DENIED}`, '4:103'])
  expect(reached().includes(byPath(FXP.REMOVE, 3, '/home/me/x'))).toBe(false)
})

test('while people are asked, what comes behind waits; answers of the server do not', async () => {
  let decided = (_: 'allow' | 'deny') => {}
  const asked = new Promise<'allow' | 'deny'>((resolve) => {
    decided = resolve
  })
  const { say, settle, answers, relay } = stage({ decide: ({ verb }) => (verb === 'sftp mkdir' ? asked : 'allow') })
  say(INIT, byPath(FXP.STAT, 1, 'a'))
  relay.fromClient(sftpPacket(FXP.MKDIR, 2, sshString('d'), sshUint32(0)))
  settle()
  relay.fromClient(byPath(FXP.STAT, 3, 'b'))
  settle()
  expect(answers()).toEqual(['1:101:0'])
  expect(relay.keptOfClient).toBeGreaterThan(0)
  decided('allow')
  await asked
  await Promise.resolve()
  settle()
  expect(answers()).toEqual(['1:101:0', '2:101:0', '3:101:0'])
})

test('a link that leads to nothing yet is judged by where it leads, also where REALPATH does not follow it', () => {
  const { say, judged } = stage({
    serve: (packet) => {
      const path = packet[4] === FXP.INIT ? '' : new SshReader(packet.subarray(9)).text()
      if (packet[4] === FXP.REALPATH && path !== '.')
        return path === '/own' ? name(packet.readUInt32BE(5), path) : statusPacket(packet.readUInt32BE(5), 2, '')
      if (packet[4] !== FXP.READLINK) return server(packet)
      const text = { '/own/a': 'b', '/own/b': '/secret/new' }[path]
      return text === undefined ? statusPacket(packet.readUInt32BE(5), 2, '') : name(packet.readUInt32BE(5), text)
    },
  })
  say(INIT, open(1, '/own/a', FXF.WRITE | FXF.CREAT))
  expect(judged.map(({ objects }) => objects.map((each) => each.name))).toEqual([['/own/a', '/secret/new']])
})

const BAD: readonly [string, Buffer][] = [
  ['a NUL', Buffer.from('/etc/x\0/y')],
  ['no UTF-8', Buffer.from([0x2f, 0xff])],
  ['an overlong slash', Buffer.from([0x2e, 0x2e, 0xc0, 0xaf])],
  ['5,000 bytes', Buffer.alloc(5_000, 'x')],
]
test.each(BAD)('D10: a path of %s is refused, by every request that takes one', (_, path) => {
  const { say, answers, judged } = stage()
  const two = (type: number, id: number) => sftpPacket(type, id, sshString('ok'), sshString(path))
  say(
    ...[INIT, open(1, path), byPath(FXP.OPENDIR, 2, path), byPath(FXP.STAT, 3, path), byPath(FXP.LSTAT, 4, path)],
    ...[
      byPath(FXP.REMOVE, 5, path),
      byPath(FXP.RMDIR, 6, path),
      byPath(FXP.READLINK, 7, path),
      byPath(FXP.REALPATH, 8, path),
    ],
    ...[two(FXP.RENAME, 9), two(FXP.SYMLINK, 10)],
    ...[
      sftpPacket(FXP.MKDIR, 11, sshString(path), sshUint32(0)),
      sftpPacket(FXP.SETSTAT, 12, sshString(path), sshUint32(0)),
    ],
    sftpPacket(FXP.EXTENDED, 13, sshString('hardlink@openssh.com'), sshString('ok'), sshString(path)),
  )
  expect(answers()).toEqual(Array.from({ length: 13 }, (_, i) => `${i + 1}:101:${FX.PERMISSION_DENIED}`))
  expect(judged).toEqual([])
})

test.each([
  ['an unknown type', sftpPacket(77, 1), FX.OP_UNSUPPORTED],
  [
    'an unknown extension',
    sftpPacket(FXP.EXTENDED, 1, sshString('run@example.com'), sshString('id')),
    FX.OP_UNSUPPORTED,
  ],
  ['a handle nobody gave', close(1), FX.FAILURE],
  ['a write to a handle nobody gave', write(1, 0, 'x'), FX.FAILURE],
  [
    'a copy between handles nobody gave',
    sftpPacket(
      FXP.EXTENDED,
      1,
      sshString('copy-data'),
      sshString('a'),
      sshUint64(0n),
      sshUint64(0n),
      sshString('b'),
      sshUint64(0n),
    ),
    FX.FAILURE,
  ],
])('D10: %s is answered here', (_, packet, code) => {
  const { say, answers, reached, heard } = stage()
  say(INIT)
  const before = reached().length
  say(packet, byPath(FXP.STAT, 2, 'x'))
  expect(answers()).toEqual([`1:101:${code}`, '2:101:0'])
  expect(reached().subarray(before).includes(packet)).toBe(false)
  expect(heard().length).toBeGreaterThan(0)
})

test.each([
  ['another packet than INIT', byPath(FXP.STAT, 1, 'x')],
  ['a length of nothing', Buffer.from([0, 0, 0, 0, FXP.INIT])],
  ['a length of everything', Buffer.from([255, 255, 255, 255, FXP.INIT])],
  ['a path longer than its packet', Buffer.concat([INIT, Buffer.from([0, 0, 0, 9, FXP.STAT, 0, 0, 0, 1, 0, 0, 9, 9])])],
  [
    'contents longer than their packet',
    Buffer.concat([
      INIT,
      Buffer.from([0, 0, 0, 22, FXP.WRITE, 0, 0, 0, 1, 0, 0, 0, 1, 104, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 9]),
    ]),
  ],
])('a client that sends %s breaks the protocol', (_, bytes) => {
  expect(() => stage().say(bytes)).toThrow('protocol')
})

test.each([
  ['an answer nobody asked for', statusPacket(99, 0, '')],
  ['data nobody asked for', sftpPacket(FXP.DATA, 99, sshString('x'))],
  ['another version', Buffer.from([0, 0, 0, 5, FXP.VERSION, 0, 0, 0, 9])],
])('a server that sends %s breaks the protocol', (_, bytes) => {
  const { relay, say } = stage()
  say(INIT)
  expect(() => relay.fromTarget(bytes)).toThrow('protocol')
})

test('two requests of one id at once: the second is refused', () => {
  const { say, answers } = stage({ serve: (packet) => (packet[4] === FXP.FSTAT ? undefined : server(packet)) })
  say(INIT, open(1, 'x'), sftpPacket(FXP.FSTAT, 2, sshString('h')), sftpPacket(FXP.FSTAT, 2, sshString('h')))
  expect(answers()).toEqual(['1:102'])
})

test('a mask duty refuses the contents of files: they cannot be masked in any order', () => {
  const { say, answers, settled } = stage({ obligations: { mask: [{ labels: ['secret'], with: 'redact' }] } })
  say(INIT, open(1, 'x'), open(2, 'y', FXF.WRITE | FXF.CREAT))
  expect(answers()).toEqual([`1:101:${FX.PERMISSION_DENIED}`, '2:102'])
  expect(settled).toEqual(['refused policy.unfulfilled'])
})

test('invariant 3: the same, however the bytes are cut', () => {
  // A client knows a handle once it was given one: what it says at once is cut, not what it waits for.
  const batches = [
    [INIT],
    [open(1, 'x')],
    [read(2, 0), read(3, 4), read(4, 8), close(5)],
    [open(6, 'y', FXF.WRITE | FXF.TRUNC)],
    [write(7, 0, 'some contents'), byPath(FXP.REMOVE, 8, 'z'), write(9, 13, 'and more'), close(10)],
  ]
  const play = (cut: (bytes: Buffer) => Buffer[]) => {
    const { relay, settle, heard, reached, notes } = stage({
      decide: ({ verb }) => (verb === 'sftp remove' ? 'deny' : 'allow'),
    })
    for (const batch of batches) {
      for (const piece of cut(Buffer.concat(batch))) relay.fromClient(piece)
      settle(cut)
    }
    return { heard: heard().toString('hex'), reached: reached().toString('hex'), notes }
  }
  const whole = play((bytes) => [bytes])
  expect(play((bytes) => [...bytes].map((_, i) => bytes.subarray(i, i + 1)))).toEqual(whole)
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), (sizes) => {
      const cut = (bytes: Buffer) => {
        const pieces: Buffer[] = []
        for (let at = 0, i = 0; at < bytes.length; i++) {
          const size = sizes[i % sizes.length]!
          pieces.push(bytes.subarray(at, at + size))
          at += size
        }
        return pieces
      }
      expect(play(cut)).toEqual(whole)
    }),
    { numRuns: 50 },
  )
})

test('random bytes end the channel or are answered, and nothing else', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const { say } = stage()
      say(INIT)
      try {
        say(Buffer.from(bytes))
      } catch (thrown) {
        expect((thrown as { code?: string }).code).toBe('protocol.malformed')
      }
    }),
    { numRuns: 300 },
  )
})
