import { TextBuffer, type TextPiece } from '../kit/text-buffer.ts'
import type { EntryKind } from '../model/ledger.ts'
import { CARRY_units, ROOM_bytes, SLAB_bytes, SPARE_slabs } from './limits.ts'

/** Refused with their batch, because their operations are. Every other kind reports what has happened and is written later. */
const REFUSED: ReadonlySet<string> = new Set<EntryKind>(['intent', 'open', 'login', 'held', 'admin'])

const LINE = /^\{"n":\d+,"at":(-?\d+),"kind":"(\w+)",?(.*)\}$/

export interface Carried {
  readonly at_ms: number
  readonly kind: EntryKind
  readonly body: string
}

/** What of a refused batch must still be written once that works again, and how many entries did not fit. */
export function carryOver({ bytes, from, to }: Stretch): { readonly carried: Carried[]; readonly lost: number } {
  const carried: Carried[] = []
  let units = 0
  let lost = 0
  for (const line of bytes.toString('utf8', from, to).split('\n')) {
    const match = LINE.exec(line)
    if (!match) continue
    const [, at = '', kind = '', body = ''] = match
    if (REFUSED.has(kind)) continue
    units += line.length
    if (units > CARRY_units) lost++
    else carried.push({ at_ms: Number(at), kind: kind as EntryKind, body })
  }
  return { carried, lost }
}

/** Where bytes of committed entries stand, for as long as they are not on disk. */
export interface Stretch {
  readonly bytes: Buffer
  readonly from: number
  readonly to: number
}

export interface EntryHead {
  readonly n: number
  /** Milliseconds since the epoch. */
  readonly at_ms: number
  readonly kind: EntryKind
}

/** Entries as the bytes of their lines. What was committed stays where it is: whoever must keep it for a while copies nothing. */
export class Batch {
  #text = new TextBuffer(newSlab())
  /** Where the entries begin that are not committed. */
  #from = 0
  /** Slabs nobody needs any more. Memory outside the heap that comes and goes makes the collector run. */
  readonly #spare: Buffer[] = []

  /** The entries that are not committed. */
  get stretch(): Stretch {
    return { bytes: this.#text.bytes, from: this.#from, to: this.#text.length }
  }
  /** Their bytes. */
  get length(): number {
    return this.#text.length - this.#from
  }

  /** Adds one entry as a line with its newline. The body must hold no raw newline: JSON never does. */
  add(head: EntryHead, body: string | readonly TextPiece[]): void {
    if (this.#text.bytes.length - this.#text.length < ROOM_bytes) this.#moveOn()
    const text = this.#text
    text.text('{"n":')
    text.number(head.n)
    text.text(',"at":')
    text.number(head.at_ms)
    text.text(',"kind":"')
    text.text(head.kind)
    text.text(body === '' ? '"' : '",')
    if (typeof body === 'string') text.text(body)
    else for (const piece of body) text.piece(piece)
    text.text('}\n')
  }

  committed(): void {
    this.#from = this.#text.length
  }

  /** Gives up what is not committed. */
  drop(): void {
    this.#text.length = this.#from
  }

  /** Nothing in this memory must be kept any more. */
  release(bytes: Buffer): void {
    const mayServe = bytes.length === SLAB_bytes && bytes !== this.#text.bytes && this.#spare.length < SPARE_slabs
    if (mayServe && !this.#spare.includes(bytes)) this.#spare.push(bytes)
  }

  /** Takes a new slab: what was committed in the old one may still be needed. */
  #moveOn(): void {
    const { bytes, from, to } = this.stretch
    const large = to - from > SLAB_bytes / 2
    const slab = large ? Buffer.allocUnsafeSlow((to - from) * 2) : (this.#spare.pop() ?? newSlab())
    this.#text = new TextBuffer(slab)
    this.#text.length = bytes.copy(slab, 0, from, to)
    this.#from = 0
  }
}

function newSlab(): Buffer {
  return Buffer.allocUnsafeSlow(SLAB_bytes)
}
