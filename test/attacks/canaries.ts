import { createHash } from 'node:crypto'

/** A value that must never leave unmasked: long, and different in every row and column. */
export interface Canary {
  /** `customers.ssn.1` */
  readonly name: string
  readonly value: string
}

const all: Canary[] = []

/** Every canary made so far. */
export function canaries(): readonly Canary[] {
  return all
}

const LETTERS = 'abcdefghkmnpqrstuvwxyzABCDEFGHKMNPQRSTUVWXYZ23456789'

function entropy(name: string): Buffer {
  return createHash('sha256').update(`canary ${name}`).digest()
}

function made(name: string, value: string): string {
  if (!all.some((one) => one.name === name)) all.push({ name, value })
  return value
}

/** Letters and digits that no detector takes for anything, `size` of them. */
export function letters(name: string, size = 20): string {
  const bytes = Buffer.concat([entropy(name), entropy(`${name} more`)])
  return made(name, Array.from({ length: size }, (_, i) => LETTERS[bytes[i]! % LETTERS.length]).join(''))
}

/** Digits that fit an integer. */
export function digits(name: string, size = 9): string {
  const bytes = entropy(name)
  return made(
    name,
    Array.from({ length: size }, (_, i) => String(i === 0 ? 1 + (bytes[i]! % 2) : bytes[i]! % 10)).join(''),
  )
}

/** Letters between characters that formats escape. */
export function awkward(name: string): string {
  const plain = letters(`${name} inside`, 24)
  return made(name, `${plain.slice(0, 8)}"\t\\${plain.slice(8, 16)}',é${plain.slice(16)}`)
}

/** `size` characters that do not compress, so that the server stores them in pieces. */
export function long(name: string, size: number): string {
  let text = ''
  for (let i = 0; text.length < size; i++) text += entropy(`${name} ${i}`).toString('base64url')
  return made(name, text.slice(0, size))
}
