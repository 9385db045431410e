/** What a masker made of one cell: replacement bytes, SQL NULL, or unchanged. */
export type Masked = Buffer | null | undefined

/** How a cell's bytes are to be read: a PostgreSQL type oid (0: not known) and the wire format, 0 text, 1 binary. */
export interface CellType {
  readonly typeOid: number
  readonly format: 0 | 1
}

/** Writes a cell's replacement straight into the output, without an object per cell. */
export interface DirectMask {
  /** Most bytes `write` may produce for a value of `length` bytes. */
  bound(length: number): number
  /** Writes the replacement of `bytes[start,end)` at `out[at]`; returns its length. */
  write(bytes: Buffer, start: number, end: number, out: Buffer, at: number): number
}

/** Masks the cells of one column. A NULL cell never reaches `mask`: NULL stays NULL, but where `masksNull` says otherwise. */
export interface CellMasker {
  mask(bytes: Buffer, start: number, end: number): Masked
  /** Set when every cell gets the same replacement. */
  readonly constant?: Buffer | null
  /** NULL gets the constant as well. */
  readonly masksNull?: boolean
  /** Set when the replacement can be written without an object. */
  readonly direct?: DirectMask
}

/** Replaces every cell by the same bytes, or by NULL. */
export function constantMasker(constant: Buffer | null): CellMasker {
  return { mask: () => constant, constant }
}

/** A masker over a direct writer. */
export function directMasker(direct: DirectMask): CellMasker {
  return {
    direct,
    mask(bytes, start, end) {
      const out = Buffer.allocUnsafe(direct.bound(end - start))
      return out.subarray(0, direct.write(bytes, start, end, out, 0))
    },
  }
}
