import { type MaskDuty, NO_OBLIGATIONS, type Obligations, type RecordLevel } from '../model/decision.ts'

const STRICTNESS: readonly RecordLevel[] = ['statements', 'full', 'durable']

/** Both sets of duties at once: every mask, the smaller limits, the stricter record. */
export function bothObligations(a: Obligations, b: Obligations): Obligations {
  if (a === NO_OBLIGATIONS || a === b) return b
  if (b === NO_OBLIGATIONS) return a
  const rows = smaller(a.rows, b.rows)
  const timeout_ms = smaller(a.timeout_ms, b.timeout_ms)
  const record = stricter(a.record, b.record)
  return {
    mask: bothMasks(a.mask, b.mask),
    ...(rows !== undefined && { rows }),
    ...(timeout_ms !== undefined && { timeout_ms }),
    ...((a.readOnly || b.readOnly) && { readOnly: true }),
    ...(record !== undefined && { record }),
  }
}

function smaller(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined ? b : b === undefined ? a : Math.min(a, b)
}

function stricter(a: RecordLevel | undefined, b: RecordLevel | undefined): RecordLevel | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return STRICTNESS.indexOf(a) >= STRICTNESS.indexOf(b) ? a : b
}

function bothMasks(a: readonly MaskDuty[], b: readonly MaskDuty[]): readonly MaskDuty[] {
  if (a.length === 0) return b
  if (b.length === 0) return a
  const key = (duty: MaskDuty) => `${duty.with} ${duty.labels.join(' ')}`
  return [...new Map([...a, ...b].map((duty) => [key(duty), duty])).values()]
}
