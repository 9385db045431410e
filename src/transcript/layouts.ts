import type { Column } from './cells.ts'
import { LAYOUTS } from './limits.ts'

/** Layouts of rows by the operation that first had them; the oldest leave when there are too many. Made when the first comes. */
export class Layouts {
  #byOp: Map<number, readonly Column[]> | undefined

  set(op: number, columns: readonly Column[]): void {
    this.#byOp ??= new Map()
    this.#byOp.set(op, columns)
    if (this.#byOp.size > LAYOUTS) for (const oldest of this.#byOp.keys()) if (this.#byOp.delete(oldest)) break
  }

  /** The columns of an operation; none when they are not known. */
  of(op: number): readonly Column[] {
    return this.#byOp?.get(op) ?? []
  }
}
