import { expect, test } from 'vitest'
import { byPath, close, INIT, open, server, stage, write } from '../../../test/rig/sftp-relay.ts'
import { sshString, sshUint32, sshUint64 } from '../../kit/ssh-wire.ts'
import { effects, hasEffect } from '../../model/effects.ts'
import { FX, FXF, FXP, sftpPacket, statusPacket } from './sftp-packets.ts'

const NEW = FXF.WRITE | FXF.CREAT | FXF.TRUNC
const size = (id: number, bytes: number) =>
  sftpPacket(FXP.FSETSTAT, id, sshString('h'), sshUint32(1), sshUint64(BigInt(bytes)))
const sizeByPath = (id: number) => sftpPacket(FXP.SETSTAT, id, sshString('x'), sshUint32(1), sshUint64(1n))
const copy = (id: number) =>
  sftpPacket(
    ...[FXP.EXTENDED, id, sshString('copy-data'), sshString('h'), sshUint64(0n), sshUint64(0n)],
    ...[sshString('h'), sshUint64(0n)],
  )

test.each([
  ['twice from its beginning', NEW, [write(2, 0, 'good'), write(3, 0, 'evil')], 'moved'],
  ['backwards', NEW, [write(2, 4, 'good'), write(3, 0, 'evil')], 'moved'],
  ['with a hole', NEW, [write(2, 0, 'good'), write(3, 5, 'evil')], 'moved'],
  ['at its end, wherever it says', NEW | FXF.APPEND, [write(2, 0, 'good'), write(3, 0, 'evil')], 'moved'],
  ['and cut afterwards', NEW, [write(2, 0, 'good'), size(3, 2)], 'moved'],
  ['and made longer afterwards', NEW, [write(2, 0, 'good'), size(3, 9)], 'part'],
  ['after its length was set', NEW, [size(2, 8), write(3, 0, 'goodgood')], 'whole'],
  ['in place and then cut to length', FXF.WRITE, [write(2, 0, 'good'), size(3, 4)], 'whole'],
  ['and cut by its name', NEW, [write(2, 0, 'good'), sizeByPath(3)], 'moved'],
  ['and copied over on the server', NEW, [write(2, 0, 'good'), copy(3)], 'moved'],
  ['with EXCL alone, which makes nothing', FXF.WRITE | FXF.EXCL, [write(2, 0, 'good')], 'part'],
  ['as a new file', FXF.WRITE | FXF.CREAT | FXF.EXCL, [write(2, 0, 'good')], 'whole'],
])('G40: a file written %s', (_, flags, packets, covers) => {
  const { say, notes } = stage()
  say(INIT, open(1, 'x', flags), ...packets, close(9))
  expect(notes).toEqual([expect.objectContaining({ direction: 'put', covers })])
})

test.each([
  ['fails', (packet: Buffer) => statusPacket(packet.readUInt32BE(5), FX.FAILURE, '')],
  ['has no answer', () => undefined],
  ['has an answer nobody can read', (packet: Buffer) => sftpPacket(FXP.STATUS, packet.readUInt32BE(5))],
])('G40: a WRITE that %s is in no file: the digest is not said to be of it', (_, answer) => {
  const { say, relay, notes } = stage({
    serve: (packet) => (packet[4] === FXP.WRITE ? answer(packet) : server(packet)),
  })
  say(INIT, open(1, 'x', NEW), write(2, 0, 'good'))
  relay.over('the channel closed')
  expect(notes).toEqual([expect.objectContaining({ covers: 'moved', bytes: 4 })])
})

test('what is under way when the session ends is on record as cut off, what has no answer as unknown', () => {
  const { say, relay, settled } = stage({
    serve: (packet) => (packet[4] === FXP.REMOVE ? undefined : server(packet)),
  })
  say(INIT)
  expect(relay.over('target.left')).toBe(false)
  say(open(1, 'x', NEW), write(2, 0, 'good'), byPath(FXP.REMOVE, 3, 'y'))
  expect(relay.over('target.left')).toBe(true)
  expect(settled).toEqual([
    'unknown target.left',
    expect.stringMatching(/^cancelled target\.left; put 4 bytes, sha256 \w+/),
  ])
})

test('G40: of a file that is open twice, once to write, no digest is said to be its own', () => {
  let handles = 0
  const opened = (packet: Buffer) => sftpPacket(FXP.HANDLE, packet.readUInt32BE(5), sshString(`h${handles++}`))
  const { say, notes } = stage({ serve: (packet) => (packet[4] === FXP.OPEN ? opened(packet) : server(packet)) })
  const into = (id: number, handle: string, bytes: string) =>
    sftpPacket(FXP.WRITE, id, sshString(handle), sshUint64(0n), sshString(bytes))
  const shut = (id: number, handle: string) => sftpPacket(FXP.CLOSE, id, sshString(handle))
  say(INIT, open(1, 'x', NEW), open(2, 'x', NEW), into(3, 'h0', 'evil'), into(4, 'h1', 'good'))
  say(shut(5, 'h1'), shut(6, 'h0'), open(7, 'x', NEW), into(8, 'h2', 'fine'), shut(9, 'h2'))
  expect(notes.map((note) => 'covers' in note && note.covers)).toEqual(['moved', 'moved', 'whole'])
})

const mode = (flags: number, ...values: number[]) => Buffer.concat([flags, ...values].map(sshUint32))

test.each([
  ['put', 'mode 4755', sftpPacket(FXP.OPEN, 1, sshString('x'), sshUint32(NEW), mode(4, 0o104755)), true],
  ['put', 'mode 2755', sftpPacket(FXP.OPEN, 1, sshString('x'), sshUint32(NEW), mode(4, 0o2755)), true],
  ['put', 'mode 1644', sftpPacket(FXP.OPEN, 1, sshString('x'), sshUint32(NEW), mode(4, 0o1644)), true],
  ['put', 'mode 0666', sftpPacket(FXP.OPEN, 1, sshString('x'), sshUint32(NEW), mode(4, 0o666)), true],
  ['put', 'mode 0664', sftpPacket(FXP.OPEN, 1, sshString('x'), sshUint32(NEW), mode(4, 0o664)), false],
  ['put', 'owner 0:0', sftpPacket(FXP.OPEN, 1, sshString('x'), sshUint32(NEW), mode(2, 0, 0)), true],
  ['get', 'mode 4755', sftpPacket(FXP.OPEN, 1, sshString('x'), sshUint32(1), mode(4, 0o4755)), true],
  ['mkdir', 'mode 0777', sftpPacket(FXP.MKDIR, 1, sshString('x'), mode(4, 0o777)), false],
  ['mkdir', 'mode 2775', sftpPacket(FXP.MKDIR, 1, sshString('x'), mode(4, 0o2775)), true],
  ['mkdir', 'owner 1:2, mode 0755', sftpPacket(FXP.MKDIR, 1, sshString('x'), mode(6, 1, 2, 0o755)), true],
  ['setstat', 'mode 0644', sftpPacket(FXP.SETSTAT, 1, sshString('x'), mode(4, 0o644)), false],
  ['setstat', 'mode 0664', sftpPacket(FXP.SETSTAT, 1, sshString('x'), mode(4, 0o664)), true],
  ['setstat', '0 bytes', sftpPacket(FXP.SETSTAT, 1, sshString('x'), mode(1, 0, 0)), false],
  ['setstat', 'owner 0:5', sftpPacket(FXP.SETSTAT, 1, sshString('x'), mode(2, 0, 5)), true],
])('D4: %s with %s: who is granted something, and the record has it', (verb, words, packet, grants) => {
  const { say, judged } = stage()
  say(INIT, packet)
  expect(judged.map(({ text, effects }) => [text, hasEffect(effects, GRANT)])).toEqual([
    [`sftp ${verb} /home/me/x (${words})`, grants],
  ])
})

const GRANT = effects('grant')

test.each([
  ['expand-path@openssh.com', 'mine', ['/own/mine', '/own/soft']],
  ['expand-path@openssh.com', '../secret', ['/secret', '/own/soft']],
  ['expand-path@openssh.com', '/x/../y', ['/y', '/own/soft']],
  // Whichever is the link: as seen from home, and from where the other lies.
  ['fsync@openssh.com', 'mine', ['/home/me/mine', '/own/soft', '/own/mine']],
])('D10: with %s, a link to %s at /own/soft is judged by where it leads', (extension, text, names) => {
  const version = Buffer.concat([Buffer.from([FXP.VERSION, 0, 0, 0, 3]), sshString(extension), sshString('1')])
  const { say, judged } = stage({
    serve: (packet) => (packet[4] === FXP.INIT ? Buffer.concat([sshUint32(version.length), version]) : server(packet)),
  })
  say(INIT, sftpPacket(FXP.SYMLINK, 1, sshString(text), sshString('/own/soft')))
  expect(new Set(judged.flatMap(({ objects }) => objects.map(({ name }) => name)))).toEqual(new Set(names))
})
