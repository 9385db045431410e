import { FF1 } from '@noble/ciphers/ff1.js'
import type { Secret } from '../kit/secret.ts'
import { hashText } from './hash.ts'
import { TOKEN_BYTES } from './limits.ts'
import { maskKeys } from './mask-keys.ts'

/**
 * Reversible tokens by FF1 (NIST SP 800-38G). A text token is `tok_n` and digits in the grouping of the value, or
 * `tok_x` and the encrypted UTF-8 bytes in hexadecimal. Integers and UUIDs become other ones of their type.
 */
export const TOKEN_PREFIX = 'tok_'

/** Domains below a million are searched too easily (SP 800-38G revision 1). */
const LEAST_DIGITS = 6
const LEAST_BYTES = 4

const GROUPED_DIGITS = /^\d(?:[ -]?\d)*$/

type Domain = 'n' | 'x' | '4' | '8' | 'u'

function cipher(domain: Domain, radix: number, key: Secret) {
  return FF1(radix, maskKeys(key).tokenize, Uint8Array.of(domain.charCodeAt(0)))
}

/** The token of a text; a text over 256 bytes is hashed instead. */
export function tokenizeText(value: string, key: Secret): string {
  const digits = value.replace(/[ -]/g, '')
  if (digits.length >= LEAST_DIGITS && value.length <= TOKEN_BYTES && GROUPED_DIGITS.test(value)) {
    const encrypted = cipher('n', 10, key).encrypt(Array.from(digits, Number))
    return `${TOKEN_PREFIX}n${regroup(value, encrypted)}`
  }
  const bytes = Buffer.from(value)
  if (bytes.length > TOKEN_BYTES) return hashText(value, key)
  // Padded as ISO/IEC 7816-4 does: a one bit, then zeros.
  const padded = Buffer.alloc(Math.max(bytes.length + 1, LEAST_BYTES))
  bytes.copy(padded)
  padded[bytes.length] = 0x80
  return `${TOKEN_PREFIX}x${hexText(cipher('x', 16, key).encrypt(nibbles(padded.toString('hex'))))}`
}

/** The text a token stands for, or undefined for what is no token of this key's form. */
export function detokenize(token: string, key: Secret): string | undefined {
  const body = token.slice(TOKEN_PREFIX.length + 1)
  if (body.length > 2 * (TOKEN_BYTES + 1)) return undefined
  if (token.startsWith(`${TOKEN_PREFIX}n`) && GROUPED_DIGITS.test(body)) {
    const digits = Array.from(body.replace(/[ -]/g, ''), Number)
    return digits.length < LEAST_DIGITS ? undefined : regroup(body, cipher('n', 10, key).decrypt(digits))
  }
  if (!token.startsWith(`${TOKEN_PREFIX}x`) || !/^(?:[0-9a-f]{2}){4,}$/.test(body)) return undefined
  const padded = Buffer.from(hexText(cipher('x', 16, key).decrypt(nibbles(body))), 'hex')
  let end = padded.length - 1
  while (end >= 0 && padded[end] === 0) end--
  return padded[end] === 0x80 ? padded.toString('utf8', 0, end) : undefined
}

/** Another integer of `bits` bits (32 or 64), two's complement; every integer has exactly one token. */
export function tokenizeInteger(value: bigint, bits: 32 | 64, key: Secret): bigint {
  return permuteInteger(value, bits, (x) => cipher(bits === 32 ? '4' : '8', 2, key).encrypt(x))
}

/** The integer whose token this is. */
export function detokenizeInteger(token: bigint, bits: 32 | 64, key: Secret): bigint {
  return permuteInteger(token, bits, (x) => cipher(bits === 32 ? '4' : '8', 2, key).decrypt(x))
}

function permuteInteger(value: bigint, bits: number, permute: (digits: number[]) => number[]): bigint {
  const text = BigInt.asUintN(bits, value).toString(2).padStart(bits, '0')
  return BigInt.asIntN(bits, BigInt(`0b${permute(Array.from(text, Number)).join('')}`))
}

/** Another UUID: 32 hexadecimal digits for 32, without hyphens. */
export function tokenizeUuid(digits: string, key: Secret): string {
  return hexText(cipher('u', 16, key).encrypt(nibbles(digits)))
}

/** The UUID whose token this is, as 32 hexadecimal digits. */
export function detokenizeUuid(digits: string, key: Secret): string {
  return hexText(cipher('u', 16, key).decrypt(nibbles(digits)))
}

function regroup(pattern: string, digits: readonly number[]): string {
  let next = 0
  return pattern.replace(/\d/g, () => String(digits[next++]))
}

function nibbles(hex: string): number[] {
  return Array.from(hex, (digit) => Number.parseInt(digit, 16))
}

function hexText(digits: readonly number[]): string {
  return digits.map((digit) => digit.toString(16)).join('')
}
