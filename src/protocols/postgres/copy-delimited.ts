import { SluiceError } from '../../kit/errors.ts'
import type { CellMasker, Masked } from '../../masking/index.ts'
import { FIELD_BYTES } from '../../masking/limits.ts'
import { type CopyOutput, Gathered } from './copy-output.ts'
import { type CopySyntax, END, type FieldForm, GO_ON } from './copy-syntax.ts'

/** What happens to the field being read. */
type Course =
  /** Its bytes go out as they come. */
  | 'pass'
  /** Its bytes are gathered until it ends. */
  | 'gather'
  /** Its replacement has gone out; its bytes are dropped. */
  | 'drop'

/**
 * Masks a COPY stream of text or CSV, in whatever pieces it comes. A field that is masked is gathered up to a bound; a
 * longer one is replaced as a whole.
 */
export class DelimitedMasker {
  readonly #maskers: readonly (CellMasker | undefined)[]
  readonly #syntax: CopySyntax
  readonly #output: CopyOutput
  #header: boolean
  #column = 0
  #course: Course
  readonly #gathered = new Gathered()
  #form: FieldForm

  constructor(
    maskers: readonly (CellMasker | undefined)[],
    syntax: CopySyntax & { readonly header: boolean },
    output: CopyOutput,
  ) {
    this.#maskers = maskers
    this.#syntax = syntax
    this.#output = output
    this.#header = syntax.header
    this.#form = syntax.newForm()
    this.#course = this.#courseOf(0)
  }

  feed(payload: Buffer): void {
    let start = 0
    const form = this.#form
    const length = payload.length
    for (let at = 0; at < length; at++) {
      const stops = form.stops
      while (at < length && stops[payload[at]!] === 0) at++
      if (at === length) break
      const step = form.step(payload[at]!)
      if (step === GO_ON) continue
      this.#endField(payload, start, at)
      this.#output.byte(payload[at]!)
      this.#next(step === END.row)
      start = at + 1
    }
    this.#piece(payload, start, length)
  }

  end(): void {
    if (this.#column > 0 || this.#gathered.size > 0 || this.#output.unfinished)
      throw unreadable('a row without its end')
  }

  /** Some or all of a field's bytes. */
  #piece(payload: Buffer, start: number, end: number): void {
    if (start === end || this.#course === 'drop') return
    if (this.#course === 'pass') return this.#output.copy(payload, start, end)
    if (this.#gathered.size + end - start <= FIELD_BYTES) return this.#gathered.add(payload, start, end)
    this.#output.copy(this.#syntax.redacted, 0, this.#syntax.redacted.length)
    this.#course = 'drop'
    this.#gathered.clear()
  }

  /** The field ends with `payload[start,end)`; what came of it before is gathered. */
  #endField(payload: Buffer, start: number, end: number): void {
    const whole = this.#gathered.size === 0 && end - start <= FIELD_BYTES
    if (this.#course === 'gather' && whole) return this.#mask(payload, start, end)
    this.#piece(payload, start, end)
    if (this.#course === 'gather') this.#mask(this.#gathered.bytes(), 0, this.#gathered.size)
  }

  #next(row: boolean): void {
    this.#gathered.clear()
    this.#form.begin()
    if (row) this.#endRow()
    else this.#column++
    this.#course = this.#courseOf(this.#column)
  }

  #endRow(): void {
    // A table without columns has rows all the same.
    if (this.#column !== Math.max(this.#maskers.length - 1, 0)) throw unreadable(`row of ${this.#column + 1} fields`)
    this.#output.endRow()
    this.#column = 0
    this.#header = false
  }

  #courseOf(column: number): Course {
    if (column >= this.#maskers.length && column > 0) throw unreadable(`more than ${this.#maskers.length} fields`)
    return this.#header || this.#maskers[column] === undefined ? 'pass' : 'gather'
  }

  #mask(bytes: Buffer, start: number, end: number): void {
    const masker = this.#maskers[this.#column]!
    const output = this.#output
    const syntax = this.#syntax
    const isNull = syntax.isNull(bytes, start, end)
    if (isNull && !masker.masksNull) return output.copy(bytes, start, end)
    let masked: Masked
    if (isNull) masked = masker.constant ?? null
    else if (this.#form.literal) masked = masker.mask(bytes, start, end)
    else {
      const value = syntax.read(bytes.subarray(start, end))
      masked = masker.mask(value, 0, value.length)
    }
    if (masked === undefined) return output.copy(bytes, start, end)
    const written = masked === null ? syntax.null : syntax.write(masked)
    output.copy(written, 0, written.length)
  }
}

function unreadable(detail: string): SluiceError {
  return new SluiceError('mask.unreadable', `COPY: ${detail}`)
}
