import { randomBytes } from 'node:crypto'
import { sha256 } from '../kit/digest.ts'
import { SluiceError } from '../kit/errors.ts'

const PREFIX = 'slu_join_'
const RANDOM = 24
const HASH = 32

/** A join token taken apart. */
export interface JoinToken {
  readonly text: string
  /** SHA-256 of the authority's public key (SPKI, DER), hex: whom the connector will trust, and nobody else. */
  readonly authority: string
}

/** A new token: `slu_join_`, 192 random bits and the authority's digest, in base64url. */
export function newJoinToken(authority: string): JoinToken {
  const body = Buffer.concat([randomBytes(RANDOM), Buffer.from(authority, 'hex')])
  return { text: PREFIX + body.toString('base64url'), authority }
}

/** Reads a token's text. Throws `tunnel.token` for anything else; says nothing of whether it was ever issued. */
export function readJoinToken(text: string): JoinToken {
  const body = text.startsWith(PREFIX) ? Buffer.from(text.slice(PREFIX.length), 'base64url') : Buffer.alloc(0)
  if (body.length !== RANDOM + HASH || body.toString('base64url') !== text.slice(PREFIX.length))
    throw new SluiceError('tunnel.token', 'it does not have a join token’s form')
  return { text, authority: body.subarray(RANDOM).toString('hex') }
}

/** What a token is stored and looked up as. */
export function joinTokenHash(text: string): string {
  return sha256(text)
}
