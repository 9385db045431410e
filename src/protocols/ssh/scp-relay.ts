import { Carry } from '../../kit/carry.ts'
import { plainLine } from '../../kit/plain-line.ts'
import { effects } from '../../model/effects.ts'
import type { Permit, Refusal } from '../contract.ts'
import { SCP_DEPTH, SCP_LINE_BYTES } from './channel-limits.ts'
import { type Deciding, decide, type Held } from './decide.ts'
import { TransferDigest } from './digest.ts'
import { fileOperation, modeText } from './operation.ts'
import { refusalText, sentence } from './reply.ts'
import { placesOf, type ScpOrder } from './scp-order.ts'
import { malformed } from './sftp-packets.ts'

export interface ScpHost {
  readonly house: Deciding
  toSource(bytes: Buffer): void
  toSink(bytes: Buffer): void
  /** A line to whoever sits at the client. */
  tell(text: string): void
  /** What was kept of the source's went on. */
  refill(): void
}

/** A file under way. */
interface Moving {
  readonly permit: Permit
  readonly path: string
  readonly size: number
  left: number
  readonly digest: TransferDigest
}

/** C: a file, D: a folder, with mode, size and name; E: the folder ends; T: times. */
const RECORD = /^([CD])([0-7]{4}) (\d{1,16}) ([^\n]+)$/
const TIMES = /^T\d{1,16} \d{1,6} \d{1,16} \d{1,6}$/

const OK = Buffer.from([0])
const NEWLINE = 10

/**
 * scp's legacy protocol between a source of files and a sink: every file and folder is judged before the sink hears of it. The source says
 * what comes in lines, the sink answers each with a byte 0, or 1 or 2 and a line.
 */
export class ScpRelay {
  readonly #host: ScpHost
  readonly #order: ScpOrder
  readonly #kept = new Carry()
  readonly #folders: string[] = []
  /** What comes next of the source: a line, the sink's answer to one, a file's bytes, its closing byte. */
  #state: 'line' | 'judging' | 'answer' | 'contents' | 'closing' = 'line'
  #moving: Moving | undefined
  /** A folder the sink has not answered for. */
  #entering: string | undefined
  #held: Held | undefined
  /** Bytes of an error line of the sink. */
  #complaint = false
  #reading = false

  constructor(host: ScpHost, order: ScpOrder) {
    this.#host = host
    this.#order = order
  }

  get holds(): boolean {
    return this.#state === 'judging'
  }

  get kept(): number {
    return this.#kept.size
  }

  fromSource(chunk: Buffer): void {
    this.#kept.keep(chunk)
    this.#read()
  }

  #read(): void {
    if (this.#reading) return
    this.#reading = true
    while (this.#kept.size > 0 && this.#step());
    this.#reading = false
    this.#host.refill()
  }

  /** Takes the next thing from what is kept; false when it is not whole, or has to wait. */
  #step(): boolean {
    if (this.#state === 'judging' || this.#state === 'answer') return false
    const bytes = this.#kept.take()
    if (this.#state === 'contents') {
      const piece = bytes.subarray(0, this.#moving!.left)
      this.#kept.keep(bytes.subarray(piece.length))
      this.#contents(piece)
      return true
    }
    if (this.#state === 'closing' && bytes[0] === 0) {
      this.#kept.keep(bytes.subarray(1))
      this.#state = 'line'
      this.#host.toSink(OK)
      this.#arrived()
      return true
    }
    const end = bytes.indexOf(NEWLINE)
    if (end < 0) {
      if (bytes.length > SCP_LINE_BYTES) throw malformed('an scp line is too long')
      this.#kept.keep(bytes)
      return false
    }
    this.#kept.keep(bytes.subarray(end + 1))
    this.#line(bytes.subarray(0, end))
    return true
  }

  #line(bytes: Buffer): void {
    if (bytes.length > SCP_LINE_BYTES) throw malformed('an scp line is too long')
    const text = bytes.toString('utf8')
    // 1 and 2 begin an error of the source, told to whoever sits at the sink: it must not move their cursor (D11).
    if (bytes[0] === 1 || bytes[0] === 2) {
      if (this.#state === 'closing') this.#arrived()
      this.#state = 'line'
      return this.#host.toSink(Buffer.concat([bytes.subarray(0, 1), Buffer.from(`${plainLine(text.slice(1))}\n`)]))
    }
    if (this.#state !== 'line') throw malformed('scp contents without an end')
    if (text === 'E') {
      this.#folders.pop()
      return this.#pass(bytes)
    }
    if (TIMES.test(text)) return this.#pass(bytes)
    const record = RECORD.exec(text)
    if (!record || !Buffer.from(text).equals(bytes)) throw malformed('an scp line nobody knows')
    const [, kind, mode, size, name] = record as unknown as [string, 'C' | 'D', string, string, string]
    this.#judge(bytes, { folder: kind === 'D', size: Number(size), name, mode: Number.parseInt(mode, 8) })
  }

  #pass(line: Buffer): void {
    this.#host.toSink(Buffer.concat([line, Buffer.from([NEWLINE])]))
  }

  #judge(line: Buffer, record: { folder: boolean; size: number; name: string; mode: number }): void {
    const { folder, size, name, mode } = record
    const { direction } = this.#order
    const { session } = this.#host.house
    if (!isName(name) || (folder && (!this.#order.recursive || this.#folders.length >= SCP_DEPTH)))
      return this.#refuse(session.refuse('ssh.path', plainLine(`scp ${name}`), 'not a name a file can have here'))
    const { names: paths, sure } = placesOf(this.#order, this.#folders, name)
    const verb = folder ? (direction === 'put' ? 'scp mkdir' : 'scp list') : `scp ${direction}`
    const moves = direction === 'get' ? (folder ? READ : GET) : (folder ? WRITE : PUT) | (mode & 0o7000 ? GRANT : 0)
    const set = sure ? moves : moves | UNKNOWN
    this.#state = 'judging'
    this.#held = decide({
      house: this.#host.house,
      operation: fileOperation({
        transfer: 'scp',
        verb,
        effects: set,
        text: plainLine(`${verb} ${paths.join(' or ')} (${folder ? '' : `${size} bytes, `}mode ${modeText(mode)})`),
        ...(direction === 'get' ? { read: paths } : { written: paths }),
      }),
      tell: (text) => this.#host.tell(text),
      refused: (refusal) => this.#refuse(refusal),
      granted: (permit) => {
        this.#held = undefined
        if (direction === 'get' && !folder && permit.obligations.mask.length > 0) {
          session.settle(permit, { status: 'refused', tag: 'policy.unfulfilled', rows: 0, bytes: 0 })
          return this.#refuse(
            session.refuse('policy.unfulfilled', `${verb} ${name}`, 'contents of files are not masked'),
          )
        }
        if (folder) {
          this.#entering = name
          session.settle(permit, { status: 'ok', tag: verb, rows: 0, bytes: 0 })
        } else this.#moving = { permit, path: paths.join(' or '), size, left: size, digest: new TransferDigest() }
        this.#state = 'answer'
        this.#pass(line)
      },
    })
  }

  /** Neither side moves it: the source is told no, the sink that there was an error; both go on with what is next. */
  #refuse(refusal: Refusal): void {
    this.#held = undefined
    this.#host.tell(refusalText(refusal))
    const line = `\x01sluice: ${plainLine(sentence(refusal))}\n`
    this.#host.toSource(Buffer.from(line))
    if (this.#order.direction === 'get') this.#host.toSink(Buffer.from(line))
    this.#state = 'line'
    this.#read()
  }

  #contents(piece: Buffer): void {
    const moving = this.#moving!
    moving.digest.add(moving.size - moving.left, piece)
    moving.left -= piece.length
    this.#host.toSink(piece)
    if (moving.left === 0) this.#state = 'closing'
  }

  #arrived(): void {
    const moving = this.#moving
    if (!moving) return
    this.#moving = undefined
    const { session } = this.#host.house
    const { permit, path, digest, size, left } = moving
    if (left === 0) digest.endsAt(size)
    const coverage = digest.finish()
    const { direction } = this.#order
    session.note({ kind: 'file', op: permit.op, direction, path, bytes: digest.bytes, ...coverage })
    const tag = plainLine(`${direction} ${digest.bytes} bytes, sha256 ${coverage.sha256}`)
    session.settle(permit, { status: left === 0 ? 'ok' : 'cancelled', tag, rows: 0, bytes: digest.bytes })
  }

  /** Answers of the sink pass as they are; those to a record say whether its contents come. */
  fromSink(bytes: Buffer): void {
    for (const byte of bytes) {
      if (this.#complaint) {
        if (byte === NEWLINE) this.#complaint = false
      } else if (byte === 0) this.#answered(true)
      else {
        this.#complaint = true
        this.#answered(false)
      }
    }
    this.#host.toSource(bytes)
    this.#read()
  }

  #answered(taken: boolean): void {
    if (this.#state !== 'answer') return
    if (this.#entering !== undefined && taken) this.#folders.push(this.#entering)
    this.#entering = undefined
    this.#state = 'line'
    if (!this.#moving) return
    if (taken) this.#state = this.#moving.left === 0 ? 'closing' : 'contents'
    else this.#arrived()
  }

  over(): void {
    this.#held?.withdraw()
    this.#arrived()
  }
}

const READ = effects('read')
const WRITE = effects('write')
const GRANT = effects('grant')
const UNKNOWN = effects('unknown')
const GET = effects('read', 'export')
const PUT = effects('write', 'import')

/** One name, of a file that lies where it was asked for (D11). */
function isName(name: string): boolean {
  return (
    name !== '.' &&
    name !== '..' &&
    !name.includes('/') &&
    !/[\p{Cc}\p{Cs}]/u.test(name) &&
    Buffer.byteLength(name) <= 255
  )
}
