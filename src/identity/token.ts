import { randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const PREFIX = 'slu_'
/** 62^43 > 2^256. */
const BODY = 43
/** 62^6 > 2^32. */
const CHECK = 6

function base62(value: bigint, width: number): string {
  let text = ''
  for (let rest = value; text.length < width; rest /= 62n) text = DIGITS[Number(rest % 62n)] + text
  return text
}

const checksum = (body: string) => base62(BigInt(crc32(body)), CHECK)

/** A new token's text: `slu_`, 256 random bits in base 62, and a CRC-32 so that scanners and typos are told apart from real ones. */
export function newTokenText(random: Buffer = randomBytes(32)): string {
  const body = base62(BigInt(`0x${random.toString('hex')}`), BODY)
  return PREFIX + body + checksum(body)
}

/** Whether a text has a token's form and checksum. Says nothing of whether it was ever issued. */
export function looksLikeToken(text: string): boolean {
  if (text.length !== PREFIX.length + BODY + CHECK || !text.startsWith(PREFIX)) return false
  const body = text.slice(PREFIX.length, PREFIX.length + BODY)
  return /^[0-9A-Za-z]+$/.test(body) && text.endsWith(checksum(body))
}
