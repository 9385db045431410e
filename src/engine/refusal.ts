import { CATALOGUE, type ErrorCode } from '../kit/catalogue.ts'
import type { Refusal } from '../protocols/contract.ts'

/** A Refusal with the catalogue's own words, unless the rule brought better ones. */
export function refusal(code: ErrorCode, more: Partial<Omit<Refusal, 'granted' | 'code'>> = {}): Refusal {
  const entry = CATALOGUE[code]
  return {
    granted: false,
    op: more.op ?? 0,
    status: more.status ?? 'denied',
    code,
    rule: more.rule ?? '',
    message: more.message || entry.message,
    hint: more.hint || entry.remedy,
    retry: more.retry ?? false,
    ...(more.approval ? { approval: more.approval } : {}),
  }
}
