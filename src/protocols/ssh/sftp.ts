import { plainLine } from '../../kit/plain-line.ts'
import { SshReader, sshString, sshUint32 } from '../../kit/ssh-wire.ts'
import { type TextScrubber, textScrubber } from '../../masking/index.ts'
import type { Permit } from '../contract.ts'
import { SFTP_HANDLES, SFTP_OUTSTANDING } from './channel-limits.ts'
import { type Deciding, decide, type Held } from './decide.ts'
import { fileOperation } from './operation.ts'
import { refusalText, sentence } from './reply.ts'
import { shownAnswer } from './sftp-answers.ts'
import { attributesText } from './sftp-attributes.ts'
import { type Allowed, type OpenFile, OpenFiles, whyShut } from './sftp-files.ts'
import { FX, FXP, malformed, SftpFramer, sftpPacket, statusOf, statusPacket } from './sftp-packets.ts'
import { readPath } from './sftp-paths.ts'
import { type FileRequest, readExtensions, readSftpRequest } from './sftp-requests.ts'
import { type PathNames, PathResolver } from './sftp-resolver.ts'
import type { Cleaner } from './target-text.ts'

export interface SftpHost {
  readonly house: Deciding
  /** How sentences of the server are shown. */
  readonly clean: Cleaner
  toClient(bytes: Buffer): void
  toTarget(bytes: Buffer): void
  /** A line to whoever sits at the client. */
  tell(text: string): void
  /** The client says no more, and what it said was passed on. */
  endTarget(): void
  /** Some of what was kept of the client's went on. */
  refill(): void
}

/** Where in which file the next bytes belong. */
interface Place {
  readonly file: OpenFile
  offset: number
}

/** A request the target was passed, or one that is answered here and waits for its turn. */
interface Asked {
  readonly id: number
  /** What it is told when its answer has come; `undefined` for one answered here. */
  readonly answered: ((packet: Buffer) => void) | undefined
  /** The client does not know of it. */
  readonly own: boolean
  /** A READ: where what comes belongs. */
  readonly read?: Place
  /** What it was permitted by, where its answer settles that. */
  readonly permit?: Permit
  /** Masks the names of files in what comes. */
  readonly names?: TextScrubber | undefined
  local?: Buffer
  done: boolean
}

/**
 * SFTP version 3 between a client and a server. Every request that names a path is judged by what the server says the path is, before it is
 * passed on; original bytes are passed. What is refused is answered in its turn. Sans I/O: bytes in, bytes out through its host.
 */
export class SftpRelay {
  readonly #host: SftpHost
  readonly #client: SftpFramer
  readonly #target: SftpFramer
  readonly #files: OpenFiles
  readonly #resolver: PathResolver
  /** Asked and unanswered, in order. */
  readonly #asked: Asked[] = []
  readonly #byId = new Map<number, Asked>()
  #phase: 'new' | 'greeted' | 'ready' = 'new'
  #eof = false
  #ownId = 0x7fff0000
  #held: Held | undefined
  /** A request is being judged: those behind it wait. */
  #judging = false
  /** Contents under way: of a WRITE that is passed on (undefined: it is swallowed), and of a DATA. */
  #writing: Place | undefined
  #reading: { readonly asked: Asked; readonly place: Place; left: number } | undefined

  constructor(host: SftpHost) {
    this.#host = host
    this.#files = new OpenFiles(host.house)
    this.#resolver = new PathResolver({
      realPath: (path, told) => this.#nameOf(FXP.REALPATH, path, told),
      readLink: (path, told) => this.#nameOf(FXP.READLINK, path, told),
    })
    this.#client = new SftpFramer(FXP.WRITE, {
      packet: (packet) => this.#request(packet),
      contents: (head) => this.#write(head),
      piece: (bytes) => this.#written(bytes),
    })
    this.#target = new SftpFramer(FXP.DATA, {
      packet: (packet) => this.#answer(packet),
      contents: (head, length) => this.#read(head, length),
      piece: (bytes) => this.#readPiece(bytes),
    })
  }

  get keptOfClient(): number {
    return this.#client.kept
  }

  get keptOfTarget(): number {
    return this.#target.kept
  }

  get holds(): boolean {
    return this.#judging
  }

  fromClient(bytes: Buffer): void {
    this.#client.push(bytes)
  }

  fromTarget(bytes: Buffer): void {
    this.#target.push(bytes)
  }

  /** Nothing more moves, for the reason `cut`. True when something was under way. */
  over(cut: string): boolean {
    this.#held?.withdraw(cut)
    const interrupted = this.#files.size > 0 || this.#asked.length > 0 || this.#judging
    this.#files.over(cut, this.#asked)
    return interrupted
  }

  /** Goes on with the client's requests, unless something else holds them. */
  #go(): void {
    if (this.#judging || this.#phase !== 'ready' || this.#asked.length >= SFTP_OUTSTANDING) return
    this.#client.go()
    this.#host.refill()
    if (this.#eof && !this.#judging) this.#host.endTarget()
  }

  clientEof(): void {
    this.#eof = true
    this.#go()
  }

  /** What was judged has its answer, or is on its way to one. */
  #judged(): void {
    this.#judging = false
    this.#held = undefined
    this.#go()
  }

  // --- the client's side

  #request(packet: Buffer): void {
    if (this.#phase === 'new') return this.#greet(packet)
    if (packet.length < 9) throw malformed('an SFTP request without an id')
    const id = packet.readUInt32BE(5)
    if (this.#byId.has(id)) return this.#say(id, FX.BAD_MESSAGE, 'sluice: two requests of one id')
    const request = readSftpRequest(packet)
    switch (request.of) {
      case 'unknown':
        this.#host.house.session.refuse('ssh.request', `sftp ${request.name}`, request.name)
        return this.#say(id, FX.OP_UNSUPPORTED, 'sluice: not known here')
      case 'server':
        return this.#pass(id, packet)
      case 'handle':
        return this.#goOn(id, packet, request.handle)
      case 'files':
        this.#judging = true
        this.#client.stop()
        return this.#resolver.resolve(request, (names) => this.#judge({ id, packet, request, names }))
    }
  }

  /** INIT: uint32 version. We speak 3, and say so. */
  #greet(packet: Buffer): void {
    if (packet[4] !== FXP.INIT || packet.length < 9 || packet.readUInt32BE(5) < 3)
      throw malformed('SFTP begins with another packet than INIT')
    this.#phase = 'greeted'
    this.#client.stop()
    this.#host.toTarget(Buffer.from([0, 0, 0, 5, FXP.INIT, 0, 0, 0, 3]))
  }

  /** A request about what was opened needs no decision of its own: it was opened with one. */
  #goOn(id: number, packet: Buffer, handle: string): void {
    const file = this.#files.get(handle)
    if (!file) return this.#say(id, FX.FAILURE, 'sluice: no such handle')
    if (packet[4] === FXP.CLOSE) return this.#pass(id, packet, () => this.#files.closed(handle))
    const shut = whyShut(file)
    if (shut) return this.#say(id, FX.PERMISSION_DENIED, plainLine(`sluice: ${shut}`))
    if (packet[4] === FXP.READDIR) return this.#pass(id, packet, undefined, { names: file.names })
    if (packet[4] !== FXP.READ) return this.#pass(id, packet)
    // READ: string handle, uint64 offset, uint32 length
    const offset = Number(packet.readBigUInt64BE(13 + handle.length))
    const eof = (answer: Buffer) => {
      if (statusOf(answer) === FX.EOF) file.got.endsAt(offset)
    }
    this.#pass(id, packet, eof, { read: { file, offset } })
  }

  /** The beginning of a WRITE: id, string handle, uint64 offset, string data. */
  #write(head: Buffer): void {
    if (this.#phase !== 'ready') throw malformed('SFTP begins with another packet than INIT')
    const id = head.readUInt32BE(5)
    const handle = head.toString('latin1', 13, head.length - 12)
    const file = this.#files.get(handle)
    this.#writing = undefined
    if (this.#byId.has(id)) return this.#say(id, FX.BAD_MESSAGE, 'sluice: two requests of one id')
    if (!file) return this.#say(id, FX.FAILURE, 'sluice: no such handle')
    const shut = whyShut(file)
    if (shut) return this.#say(id, FX.PERMISSION_DENIED, plainLine(`sluice: ${shut}`))
    this.#writing = { file, offset: Number(head.readBigUInt64BE(head.length - 12)) }
    file.writing += 1
    this.#pass(id, head, (answer) => {
      file.writing -= 1
      if (statusOf(answer) !== FX.OK) file.put.disturb()
    })
  }

  #written(bytes: Buffer): void {
    const place = this.#writing
    if (!place) return
    place.file.put.add(place.offset, bytes)
    place.offset += bytes.length
    this.#host.toTarget(bytes)
  }

  /** Asks the server for one name, under an id no request of the client has. */
  #nameOf(
    type: typeof FXP.REALPATH | typeof FXP.READLINK,
    path: string,
    told: (path: string | undefined) => void,
  ): void {
    do this.#ownId = this.#ownId >= 0x7fffffff ? 0x7fff0000 : this.#ownId + 1
    while (this.#byId.has(this.#ownId))
    const answered = (packet: Buffer) => {
      if (packet[4] !== FXP.NAME) return told(undefined)
      const reader = new SshReader(packet.subarray(9))
      const found = reader.uint32() === 1 ? readPath(reader.string()) : { bad: '' }
      told('path' in found && (type === FXP.READLINK || found.path.startsWith('/')) ? found.path : undefined)
    }
    this.#ask({ id: this.#ownId, answered, own: true, done: false })
    this.#host.toTarget(sftpPacket(type, this.#ownId, sshString(path)))
  }

  #judge(asking: Asking): void {
    const { id, request, names } = asking
    const bad = request.uses.map(({ path }) => readPath(path)).find((read) => 'bad' in read)
    const files = (request.handles ?? []).map(({ handle, deed }) => ({ file: this.#files.get(handle), deed }))
    if (bad && 'bad' in bad) {
      const refusal = this.#host.house.session.refuse('ssh.path', request.verb, bad.bad)
      this.#say(id, FX.PERMISSION_DENIED, `sluice: ${sentence(refusal)}`)
      return this.#judged()
    }
    if (files.some(({ file }) => !file) || (request.opens && this.#files.size >= SFTP_HANDLES)) {
      this.#say(id, FX.FAILURE, 'sluice: no such handle, or too many')
      return this.#judged()
    }
    const open = files.map(({ file, deed }) => ({ deed, path: file!.path }))
    const { read, written, deleted } = this.#resolver.namesBy(request, names, open)
    const first = [...read, ...written, ...deleted]
    const attributes = request.attributes ? attributesText(request.attributes) : ''
    const text = plainLine(`${request.verb} ${[...new Set(first)].join(' ')}`.trim() + attributes)
    const { verb, effects } = request
    const operation = fileOperation({ transfer: 'sftp', verb, effects, text, read, written, deleted })
    this.#held = decide({
      house: this.#host.house,
      operation,
      tell: (line) => this.#host.tell(line),
      refused: (refusal) => {
        this.#host.tell(refusalText(refusal))
        this.#say(id, FX.PERMISSION_DENIED, plainLine(`sluice: ${sentence(refusal)}`))
        this.#judged()
      },
      granted: (permit) => {
        this.#granted(asking, { permit, operation, path: first.at(-1) ?? '' })
        this.#judged()
      },
    })
  }

  #granted({ id, packet, request }: Asking, allowed: Allowed): void {
    const { permit, path } = allowed
    const { session } = this.#host.house
    if (request.verb !== 'sftp put' && request.opens === 'file' && permit.obligations.mask.length > 0) {
      // Clients read a file anywhere and in any order, by its size: its contents cannot be masked on the way.
      session.settle(permit, { status: 'refused', tag: 'policy.unfulfilled', rows: 0, bytes: 0 })
      const refusal = session.refuse(
        'policy.unfulfilled',
        `${request.verb} ${path}`,
        'contents of files are not masked',
      )
      this.#host.tell(refusalText(refusal))
      return this.#say(id, FX.PERMISSION_DENIED, plainLine(`sluice: ${sentence(refusal)}`))
    }
    this.#files.changed(request, path)
    const answered = (answer: Buffer) => {
      if (request.opens && answer[4] === FXP.HANDLE) {
        const handle = new SshReader(answer.subarray(9)).string().toString('latin1')
        return this.#files.opened(handle, {
          ...allowed,
          folder: request.opens === 'folder',
          writes: request.verb === 'sftp put' || request.verb === 'sftp edit',
          fresh: request.fresh ?? false,
          appends: request.appends ?? false,
        })
      }
      const code = statusOf(answer)
      const failed = code !== undefined && code !== FX.OK
      // It may be as long as it was.
      if (failed && request.attributes?.size !== undefined) this.#files.disturb(path)
      const tag = failed ? `status ${code}` : request.verb
      session.settle(permit, { status: failed ? 'error' : 'ok', tag, rows: 0, bytes: 0 })
    }
    this.#pass(id, packet, answered, { permit, names: textScrubber(permit.obligations.mask, session.maskKey) })
  }

  #pass(
    id: number,
    packet: Buffer,
    answered: Asked['answered'] = () => {},
    more?: Pick<Asked, 'read' | 'names' | 'permit'>,
  ): void {
    this.#ask({ id, answered, own: false, done: false, ...more })
    this.#host.toTarget(packet)
  }

  #ask(asked: Asked): void {
    this.#asked.push(asked)
    this.#byId.set(asked.id, asked)
    if (this.#asked.length >= SFTP_OUTSTANDING) this.#client.stop()
  }

  /** Answers a request here: once everything asked before it has its answer. */
  #say(id: number, code: number, text: string): void {
    this.#asked.push({ id, answered: undefined, own: false, done: true, local: statusPacket(id, code, text) })
    this.#inTurn()
  }

  #inTurn(): void {
    const full = this.#asked.length >= SFTP_OUTSTANDING
    while (this.#asked[0]?.done) {
      const { local } = this.#asked.shift()!
      if (local) this.#host.toClient(local)
    }
    if (full) this.#go()
  }

  // --- the server's side

  #answer(packet: Buffer): void {
    if (packet[4] === FXP.VERSION) return this.#greeted(packet)
    if (packet.length < 9) throw malformed('an SFTP answer without an id')
    const asked = this.#byId.get(packet.readUInt32BE(5))
    if (!asked) throw malformed('an SFTP answer nobody asked for')
    this.#byId.delete(asked.id)
    if (!asked.own) this.#host.toClient(shownAnswer(packet, { clean: this.#host.clean, names: asked.names }))
    asked.done = true
    asked.answered?.(packet)
    this.#inTurn()
  }

  /** VERSION: uint32 version, then pairs of strings, the extensions. The client sees those we read. */
  #greeted(packet: Buffer): void {
    if (this.#phase !== 'greeted' || packet.readUInt32BE(5) !== 3) throw malformed('an SFTP version we do not speak')
    const reader = new SshReader(packet.subarray(9))
    const pairs = readExtensions(reader)
    // OpenSSH alone offers this one.
    this.#resolver.textFirst = pairs.some(([name]) => name === 'expand-path@openssh.com')
    const rest = Buffer.concat([sshUint32(3), ...pairs.flat().map(sshString)])
    this.#nameOf(FXP.REALPATH, '.', (home) => {
      this.#resolver.home = home ?? '/'
      this.#host.toClient(Buffer.concat([sshUint32(rest.length + 1), Buffer.from([FXP.VERSION]), rest]))
      this.#phase = 'ready'
      this.#go()
    })
  }

  /** The beginning of a DATA: id, string data. */
  #read(head: Buffer, length: number): void {
    const asked = this.#byId.get(head.readUInt32BE(5))
    if (!asked?.read) throw malformed('SFTP data nobody asked for')
    this.#byId.delete(asked.id)
    this.#host.toClient(head)
    this.#reading = { asked, place: asked.read, left: length }
    if (length === 0) this.#readPiece(Buffer.alloc(0))
  }

  #readPiece(bytes: Buffer): void {
    const reading = this.#reading!
    reading.place.file.got.add(reading.place.offset, bytes)
    reading.place.offset += bytes.length
    reading.left -= bytes.length
    this.#host.toClient(bytes)
    if (reading.left > 0) return
    reading.asked.done = true
    this.#inTurn()
  }
}

interface Asking {
  readonly id: number
  readonly packet: Buffer
  readonly request: FileRequest
  readonly names: PathNames
}
