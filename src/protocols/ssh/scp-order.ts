import type { Operation } from '../../model/operation.ts'
export interface ScpOrder {
  readonly operation: Operation
}
export function scpOrder(_rest: Buffer): ScpOrder | undefined {
  return undefined
}
