import { createHmac } from 'node:crypto'
import type { Secret } from '../kit/secret.ts'

/** Keys derived from the mask key, one per purpose, so that a hash says nothing of a token. */
export interface MaskKeys {
  /** For HMAC-SHA-256: the two padded key blocks of RFC 2104. */
  readonly inner: Buffer
  readonly outer: Buffer
  /** AES-256, for FF1. */
  readonly tokenize: Uint8Array
}

const DERIVED = new WeakMap<Secret, MaskKeys>()
const BLOCK = 64

/** The keys of a mask key; derived once per Secret. */
export function maskKeys(secret: Secret): MaskKeys {
  const known = DERIVED.get(secret)
  if (known) return known
  const derive = (purpose: string) => createHmac('sha256', secret.reveal()).update(`sluice mask ${purpose}`).digest()
  const hash = derive('hash')
  const inner = Buffer.alloc(BLOCK, 0x36)
  const outer = Buffer.alloc(BLOCK, 0x5c)
  for (let i = 0; i < hash.length; i++) {
    inner[i]! ^= hash[i]!
    outer[i]! ^= hash[i]!
  }
  const keys: MaskKeys = { inner, outer, tokenize: Uint8Array.from(derive('tokenize')) }
  DERIVED.set(secret, keys)
  return keys
}
