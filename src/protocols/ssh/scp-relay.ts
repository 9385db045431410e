import { Carry } from '../../kit/carry.ts'
import { plainLine } from '../../kit/plain-line.ts'
import { effects } from '../../model/effects.ts'
import type { Permit, Refusal } from '../contract.ts'
import { SCP_DEPTH, SCP_LINE_BYTES } from './channel-limits.ts'
import { type Deciding, decide, type Held } from './decide.ts'
import { coverageText, TransferDigest } from './digest.ts'
import { fileOperation, modeGrants, modeText } from './operation.ts'
import { refusalText, sentence } from './reply.ts'
import { placesOf, type ScpOrder } from './scp-order.ts'
import { malformed } from './sftp-packets.ts'
import type { Cleaner } from './target-text.ts'

export interface ScpHost {
  readonly house: Deciding
  toSource(bytes: Buffer): void
  toSink(bytes: Buffer): void
  /** A line to whoever sits at the client. */
  tell(text: string): void
  /** How complaints of the target are shown. */
  readonly clean: Cleaner
  /** The source says no more, and what it said was passed on. */
  endSink(): void
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
  /** What comes next: a line of the source, a decision, the sink's answer, a file's bytes, its closing byte. */
  #state: 'line' | 'judging' | 'answer' | 'contents' | 'closing' = 'answer'
  /**
   * What the sink answers next. Each thing is answered once, and nothing of the source is read before: contents that came ahead of a refusal
   * would be lines to the sink.
   */
  #asked: 'start' | 'line' | 'record' | 'file' = 'start'
  #eof = false
  #moving: Moving | undefined
  /** A folder the sink has not answered for. */
  #entering: string | undefined
  #held: Held | undefined
  /** An error line of the sink, as far as it came. */
  readonly #complaint = new Carry()
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
    const waits = this.#state === 'judging' || this.#state === 'answer'
    if (this.#eof && (this.#kept.size === 0 || !waits)) this.#host.endSink()
  }

  sourceEof(): void {
    this.#eof = true
    this.#read()
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
      this.#ask('file')
      this.#host.toSink(OK)
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
    // 1 and 2 begin an error of the source. The sink does not answer it.
    if (bytes[0] === 1 || bytes[0] === 2) {
      if (this.#state === 'closing') {
        // It stands where the closing byte would: what came is not the file, and the sink answers.
        this.#moving?.digest.disturb()
        this.#ask('file')
      }
      return this.#host.toSink(this.#complaintOf('get', bytes))
    }
    if (this.#state !== 'line') throw malformed('scp contents without an end')
    if (text === 'E') {
      this.#folders.pop()
      return this.#pass(bytes, 'line')
    }
    if (TIMES.test(text)) return this.#pass(bytes, 'line')
    const record = RECORD.exec(text)
    if (!record || !Buffer.from(text).equals(bytes)) throw malformed('an scp line nobody knows')
    const [, kind, mode, size, name] = record as unknown as [string, 'C' | 'D', string, string, string]
    this.#judge(bytes, { folder: kind === 'D', size: Number(size), name, mode: Number.parseInt(mode, 8) })
  }

  #ask(asked: 'line' | 'record' | 'file'): void {
    this.#state = 'answer'
    this.#asked = asked
  }

  #pass(line: Buffer, asked: 'line' | 'record'): void {
    this.#ask(asked)
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
    const moves =
      direction === 'get'
        ? folder
          ? READ
          : GET
        : (folder ? WRITE : PUT) | (modeGrants(mode, this.#order.exact) ? GRANT : 0)
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
        this.#pass(line, 'record')
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

  /** The file under way is over; `taken`: the sink said that it has it; `cut`: why neither side said that it is. */
  #arrived(taken: boolean, cut?: string): void {
    const moving = this.#moving
    if (!moving) return
    this.#moving = undefined
    const { session } = this.#host.house
    const { permit, path, digest, size, left } = moving
    if (left === 0) digest.endsAt(size)
    if (left === 0 && !taken) digest.disturb()
    const coverage = digest.finish()
    const { direction } = this.#order
    session.note({ kind: 'file', op: permit.op, direction, path, bytes: digest.bytes, ...coverage })
    const tag = plainLine(
      `${cut ? `${cut}; ` : ''}${direction} ${digest.bytes} bytes, sha256 ${coverage.sha256}${coverageText(coverage)}`,
    )
    const status = cut || left > 0 ? 'cancelled' : taken ? 'ok' : 'error'
    session.settle(permit, { status, tag, rows: 0, bytes: digest.bytes })
  }

  /** Answers of the sink: a byte 0, or 1 or 2 and a line. */
  fromSink(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; ) {
      if (this.#complaint.size === 0 && bytes[at] === 0) {
        this.#host.toSource(OK)
        this.#answered(true)
        at += 1
        continue
      }
      const end = bytes.indexOf(NEWLINE, at)
      this.#complaint.keep(bytes.subarray(at, end < 0 ? bytes.length : end))
      if (this.#complaint.size > SCP_LINE_BYTES) throw malformed('an scp line is too long')
      if (end < 0) return
      this.#host.toSource(this.#complaintOf('put', this.#complaint.take()))
      this.#answered(false)
      at = end + 1
    }
  }

  /** An error line, told to whoever sits at the other side: it must not move their cursor (D11). The target speaks in the one `direction` only. */
  #complaintOf(direction: 'get' | 'put', bytes: Buffer): Buffer {
    const known = bytes[0] === 1 || bytes[0] === 2
    const text = bytes.subarray(known ? 1 : 0).toString('utf8')
    const shown = this.#order.direction === direction ? this.#host.clean(text) : plainLine(text)
    return Buffer.from(`${String.fromCharCode(known ? bytes[0]! : 1)}${shown}\n`)
  }

  #answered(taken: boolean): void {
    if (this.#state !== 'answer') return
    this.#state = 'line'
    if (this.#asked === 'record') {
      if (this.#entering !== undefined && taken) this.#folders.push(this.#entering)
      this.#entering = undefined
      if (this.#moving && taken) this.#state = this.#moving.left === 0 ? 'closing' : 'contents'
      else this.#arrived(false)
    } else if (this.#asked === 'file') this.#arrived(taken)
    this.#read()
  }

  /** Nothing more moves, for the reason `cut`. True when something was under way. */
  over(cut: string): boolean {
    const interrupted = this.#moving !== undefined || this.#held !== undefined
    this.#held?.withdraw(cut)
    this.#arrived(false, cut)
    return interrupted
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
