import { RunningProgram } from './exec.ts'
import type { ProgramParts } from './program.ts'
import type { ScpOrder } from './scp-order.ts'
export class ScpProgram extends RunningProgram {
  constructor(parts: ProgramParts, _order: ScpOrder) {
    super(parts)
  }
}
