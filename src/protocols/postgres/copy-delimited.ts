import { SluiceError } from '../../kit/errors.ts'
import type { CellMasker } from '../../masking/index.ts'
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
    for (let at = 0; at < payload.length; at++) {
      const step = form.step(payload[at]!)
      if (step === GO_ON) continue
      this.#piece(payload, start, at)
      this.#endField(payload[at]!, step === END.row)
      start = at + 1
    }
    this.#piece(payload, start, payload.length)
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

  #endField(mark: number, row: boolean): void {
    if (this.#course === 'gather') this.#mask()
    this.#output.byte(mark)
    this.#gathered.clear()
    this.#form.begin()
    if (!row) this.#column++
    else this.#endRow()
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

  #mask(): void {
    const raw = this.#gathered.bytes()
    const output = this.#output
    const syntax = this.#syntax
    if (syntax.isNull(raw)) return output.copy(raw, 0, raw.length)
    const value = syntax.read(raw)
    const masked = this.#maskers[this.#column]!.mask(value, 0, value.length)
    const written = masked === undefined ? raw : masked === null ? syntax.null : syntax.write(masked)
    output.copy(written, 0, written.length)
  }
}

function unreadable(detail: string): SluiceError {
  return new SluiceError('mask.unreadable', `COPY: ${detail}`)
}
