import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { SluiceError } from '../kit/errors.ts'
import { formatVerifierKey, openCheckpoint, openNote, parseVerifierKey, signCheckpoint, signerKey } from './note.ts'

const pem = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
const key = signerKey('gateway.example/ledger', pem)
const root = 'r'.repeat(32)

describe('notes are those of c2sp.org/signed-note', () => {
  // The example of Go's golang.org/x/mod/sumdb/note, which the specification was written after.
  const go = parseVerifierKey('PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW')
  const text = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
  const signature =
    '— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM='

  test('a note another implementation signed opens', () => {
    expect(openNote(`${text}\n${signature}\n`, go)).toBe(text)
  })
  test('signatures of unknown keys are ignored, before ours or after', () => {
    const other = `— somebody.else ${Buffer.alloc(68, 7).toString('base64')}`
    expect(openNote(`${text}\n${other}\n${signature}\n${other}\n`, go)).toBe(text)
  })
  test.each([
    ['another text', `${text.replace('answer', 'Answer')}\n${signature}\n`],
    ['no signature of ours', `${text}\n— somebody.else ${Buffer.alloc(68, 7).toString('base64')}\n`],
    ['a signature line that is not one', `${text}\n${signature}\nmore\n`],
    ['a cut signature', `${text}\n${signature.slice(0, -8)}\n`],
    ['no blank line', `${text}${signature}\n`],
    ['no final newline', `${text}\n${signature}`],
    ['a note beyond the bound', `${text.repeat(2000)}\n${signature}\n`],
  ])('%s does not', (_, note) => {
    expect(openNote(note, go)).toBeUndefined()
  })
})

describe('checkpoints are those of c2sp.org/tlog-checkpoint', () => {
  const note = signCheckpoint(key, 20852163, root)
  test('three lines and a signature under the origin', () => {
    expect(note).toMatch(
      /^gateway\.example\/ledger\n20852163\n[A-Za-z0-9+/]{43}=\n\n— gateway\.example\/ledger [A-Za-z0-9+/=]{92}\n$/,
    )
    expect(openCheckpoint(note, parseVerifierKey(formatVerifierKey(key)))).toEqual({
      origin: key.name,
      size: 20852163,
      root,
    })
  })
  test('another key of the same name does not open it', () => {
    const other = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
    expect(openCheckpoint(note, signerKey(key.name, other))).toBeUndefined()
  })
  test.each([
    ['size 1', note.replace('20852163', '20852164')],
    ['another root', note.replace('cnJy', 'cnJz')],
  ])('%s does not verify', (_, forged) => {
    expect(openCheckpoint(forged, key)).toBeUndefined()
  })
})

test.each(['', 'two words', 'a+b', 'new\nline', 'tab\t', ' '])('"%s" is no origin', (origin) => {
  expect(() => signerKey(origin, pem)).toThrow(SluiceError)
})

test.each(['', 'name+00000000+AQ==', formatVerifierKey(key).replace(key.id, '00000000'), 'no key at all'])(
  '"%s" is no public key',
  (text) => {
    expect(() => parseVerifierKey(text)).toThrow(/not a ledger public key/)
  },
)
