import { Secret } from '../../src/kit/secret.ts'
import { SshReader, sshString, sshUint32, sshUint64 } from '../../src/kit/ssh-wire.ts'
import { NO_OBLIGATIONS, type Obligations } from '../../src/model/decision.ts'
import type { Operation } from '../../src/model/operation.ts'
import type { TranscriptEvent } from '../../src/model/transcript.ts'
import type { Permit, Refusal, Running, Session, Verdict } from '../../src/protocols/contract.ts'
import { SftpRelay } from '../../src/protocols/ssh/sftp.ts'
import { FX, FXF, FXP, sftpPacket, statusPacket } from '../../src/protocols/ssh/sftp-packets.ts'
import { cleaner } from '../../src/protocols/ssh/target-text.ts'

interface Play {
  /** What policy says of an operation. */
  readonly decide?: (operation: Operation) => 'allow' | 'deny' | Promise<'allow' | 'deny'>
  readonly obligations?: Obligations
  /** What the server says to a packet; undefined: nothing yet. */
  readonly serve?: (packet: Buffer) => Buffer | undefined
}

/** A client of version 6 begins. */
export const INIT = Buffer.from([0, 0, 0, 5, FXP.INIT, 0, 0, 0, 6])
const VERSION = Buffer.concat([
  ...[Buffer.from([0, 0, 0, 0, FXP.VERSION, 0, 0, 0, 3])],
  ...['posix-rename@openssh.com', '1', 'evil@example.com', '1'].map(sshString),
])
VERSION.writeUInt32BE(VERSION.length - 4)

/** The server's answer with one name. */
export const name = (id: number, path: string) =>
  sftpPacket(FXP.NAME, id, sshUint32(1), sshString(path), sshString(''), sshUint32(0))

/** A server without symlinks whose home is /home/me. */
export function server(packet: Buffer): Buffer | undefined {
  if (packet[4] === FXP.INIT) return VERSION
  const id = packet.readUInt32BE(5)
  switch (packet[4]) {
    case FXP.REALPATH: {
      const path = new SshReader(packet.subarray(9)).text()
      return name(id, path.startsWith('/') ? path : `/home/me${path === '.' ? '' : `/${path}`}`)
    }
    case FXP.OPEN:
      return sftpPacket(FXP.HANDLE, id, sshString('h'))
    case FXP.READ: {
      const at = Number(packet.readBigUInt64BE(14))
      return at >= 8 ? statusPacket(id, FX.EOF, '') : sftpPacket(FXP.DATA, id, sshString('contents'.slice(at, at + 4)))
    }
    default:
      return statusPacket(id, FX.OK, '')
  }
}

const refusal = (code: string): Refusal => ({
  ...{ granted: false, op: 1, status: 'denied', code, rule: 'r', message: 'No.', hint: '', retry: false },
})

/** A relay between a client that says what it is told and a scripted server. */
export function stage({ decide = () => 'allow', obligations = NO_OBLIGATIONS, serve = server }: Play = {}) {
  const judged: Operation[] = []
  const toClient: Buffer[] = []
  const toTarget: Buffer[] = []
  const [notes, settled, stood]: [TranscriptEvent[], string[], Running[]] = [[], [], []]
  const session = {
    enforce(operation: Operation): Verdict | Promise<Verdict> {
      judged.push(operation)
      const answer = (said: string): Verdict =>
        said === 'allow' ? ({ granted: true, op: judged.length, obligations } as Permit) : refusal('policy.denied')
      const said = decide(operation)
      return typeof said === 'string' ? answer(said) : said.then(answer)
    },
    stand: (_: Permit, running: Running) => void stood.push(running),
    refuse: (code: string) => refusal(code),
    maskKey: new Secret('of a test'),
    settle: (_: Permit, { status, tag }: { status: string; tag: string }) => settled.push(`${status} ${tag}`),
    note: (event: TranscriptEvent) => notes.push(event),
  } as unknown as Session
  const relay: SftpRelay = new SftpRelay({
    house: { session, run: (step) => step() },
    clean: cleaner(obligations.mask, session),
    toClient: (bytes) => toClient.push(Buffer.from(bytes)),
    toTarget: (bytes) => toTarget.push(Buffer.from(bytes)),
    tell: () => {},
    endTarget: () => {},
    refill: () => {},
  })
  let served = 0
  let rest = Buffer.alloc(0)
  /** Lets the server answer what it was sent, until nobody says anything. */
  const settle = (cut = (bytes: Buffer) => [bytes]) => {
    for (;;) {
      rest = Buffer.concat([rest, ...toTarget.slice(served)])
      served = toTarget.length
      if (rest.length < 4 || rest.length < 4 + rest.readUInt32BE()) return
      const packet = rest.subarray(0, 4 + rest.readUInt32BE())
      rest = rest.subarray(packet.length)
      const answer = serve(packet)
      if (answer) for (const piece of cut(answer)) relay.fromTarget(piece)
    }
  }
  return {
    relay,
    judged,
    notes,
    settled,
    stood,
    settle,
    say(...packets: Buffer[]) {
      for (const packet of packets) {
        relay.fromClient(packet)
        settle()
      }
    },
    heard: () => Buffer.concat(toClient),
    reached: () => Buffer.concat(toTarget),
    /** Answers in order: id and type, with the code of a STATUS. */
    answers() {
      const all: string[] = []
      for (let bytes = Buffer.concat(toClient); bytes.length > 4; bytes = bytes.subarray(4 + bytes.readUInt32BE())) {
        const type = bytes[4]!
        if (type === FXP.VERSION) continue
        all.push(`${bytes.readUInt32BE(5)}:${type}${type === FXP.STATUS ? `:${bytes.readUInt32BE(9)}` : ''}`)
      }
      return all
    },
  }
}

export const open = (id: number, path: string | Buffer, flags: number = FXF.READ) =>
  sftpPacket(FXP.OPEN, id, sshString(path), sshUint32(flags), sshUint32(0))
export const read = (id: number, at: number) =>
  sftpPacket(FXP.READ, id, sshString('h'), sshUint64(BigInt(at)), sshUint32(4))
export const write = (id: number, at: number, bytes: string) =>
  sftpPacket(FXP.WRITE, id, sshString('h'), sshUint64(BigInt(at)), sshString(bytes))
export const close = (id: number) => sftpPacket(FXP.CLOSE, id, sshString('h'))
export const byPath = (type: number, id: number, path: string | Buffer) => sftpPacket(type, id, sshString(path))
