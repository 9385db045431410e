import type { Secret } from '../../kit/secret.ts'
import { planColumns } from '../../masking/index.ts'
import type { MaskDuty } from '../../model/decision.ts'
import { BinaryMasker } from './copy-binary.ts'
import { DelimitedMasker } from './copy-delimited.ts'
import { CopyOutput } from './copy-output.ts'
import { csvSyntax, textSyntax } from './copy-syntax.ts'

/** A COPY TO STDOUT: its columns and how it writes them. Marks are single ASCII characters. */
export interface CopyShape {
  readonly columns: readonly {
    readonly labels: readonly string[]
    readonly plain?: boolean | undefined
    /** Where the catalogue knows it. Without it a masked value is text in text and CSV, NULL in binary. */
    readonly typeOid?: number
  }[]
  readonly format: 'text' | 'csv' | 'binary'
  readonly delimiter: string
  readonly quote: string
  readonly escape: string
  readonly null: string
  /** The first line names the columns. */
  readonly header: boolean
}

/** Masks the data of one COPY TO STDOUT (attacks B14, B15). */
export class CopyMasker {
  readonly #masker: DelimitedMasker | BinaryMasker
  readonly #output: CopyOutput

  private constructor(masker: DelimitedMasker | BinaryMasker, output: CopyOutput) {
    this.#masker = masker
    this.#output = output
  }

  /** The masker for a COPY, or undefined when nothing in it needs a look: forward the original messages. */
  static of(shape: CopyShape, duties: readonly MaskDuty[], key: Secret): CopyMasker | undefined {
    const format = shape.format === 'binary' ? 1 : 0
    const columns = shape.columns.map(({ labels, plain, typeOid = 0 }) => {
      return { labels, derived: plain !== true, type: { typeOid, format } as const }
    })
    const plan = planColumns(columns, duties, key)
    if (!plan) return undefined
    const output = new CopyOutput()
    if (format === 1) return new CopyMasker(new BinaryMasker(plan.maskers, output), output)
    const syntax = shape.format === 'csv' ? csvSyntax(shape) : textSyntax(shape)
    return new CopyMasker(new DelimitedMasker(plan.maskers, { ...syntax, header: shape.header }, output), output)
  }

  /**
   * Takes the payload of one CopyData message, not necessarily one row, and returns the CopyData messages that are ready,
   * one per row; maybe none. Throws `mask.unreadable` for data that is not what the shape says.
   */
  feed(payload: Buffer): Buffer {
    this.#masker.feed(payload)
    return this.#output.take()
  }

  /** The data is complete. Throws `mask.unreadable` when it stopped within a row. */
  end(): Buffer {
    this.#masker.end()
    return this.#output.take()
  }
}
