import { randomBytes } from 'node:crypto'

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'

/** A sortable id: `prefix_` + 10 characters of time (ms, base 32) + 12 of randomness. */
export function newId(prefix: string, now_ms = Date.now()): string {
  let time = ''
  for (let rest = now_ms, i = 0; i < 10; i++, rest = Math.floor(rest / 32)) time = ALPHABET[rest % 32] + time
  let random = ''
  for (const byte of randomBytes(12)) random += ALPHABET[byte & 31]
  return `${prefix}_${time}${random}`
}
