import { hash } from 'node:crypto'
import type { Secret } from '../kit/secret.ts'
import { type MaskKeys, maskKeys } from './mask-keys.ts'

/** A hashed text: this, then 32 hexadecimal digits. */
export const HASH_PREFIX = 'mask_'

const BLOCK = 64
/** Values up to this size are hashed out of a block that is reused. */
const scratch = Buffer.allocUnsafe(4096)
const outerScratch = Buffer.allocUnsafe(BLOCK + 32)

/** HMAC-SHA-256 of `bytes[start,end)`, hexadecimal. Two one-shot hashes: half the cost of an Hmac object. */
export function macHex(bytes: Buffer, start: number, end: number, keys: MaskKeys): string {
  const size = BLOCK + end - start
  const block = size <= scratch.length ? scratch : Buffer.allocUnsafe(size)
  keys.inner.copy(block)
  bytes.copy(block, BLOCK, start, end)
  const inner = hash('sha256', block.subarray(0, size), 'buffer')
  keys.outer.copy(outerScratch)
  inner.copy(outerScratch, BLOCK)
  return hash('sha256', outerScratch, 'hex')
}

/** The hash of a text: equal texts give equal hashes under one key. */
export function hashText(value: string, key: Secret): string {
  const bytes = Buffer.from(value)
  return HASH_PREFIX + macHex(bytes, 0, bytes.length, maskKeys(key)).slice(0, 32)
}

/** A whole number from 0 below 2^bits (at most 52) that stands for the value of the given canonical text. */
export function hashNumber(value: string, bits: number, key: Secret): number {
  const bytes = Buffer.from(value)
  const digits = macHex(bytes, 0, bytes.length, maskKeys(key)).slice(0, 13)
  return Math.floor(Number.parseInt(digits, 16) / 2 ** (52 - bits))
}
