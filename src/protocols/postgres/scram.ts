import { createHash, createHmac, hash, pbkdf2, randomBytes, timingSafeEqual, type X509Certificate } from 'node:crypto'
import { promisify } from 'node:util'
import { SluiceError } from '../../kit/errors.ts'
import { Lru } from '../../kit/lru.ts'
import type { Secret } from '../../kit/secret.ts'
import { SCRAM_ITERATIONS, SCRAM_KEYS } from './limits.ts'

export const SCRAM = 'SCRAM-SHA-256'
export const SCRAM_PLUS = 'SCRAM-SHA-256-PLUS'

/** Whether the exchange is tied to the TLS connection: its digest; that we could but the server did not offer it; or that we cannot. */
export type Binding = { readonly endPoint: Buffer } | 'not offered' | 'impossible'

const stretch = promisify(pbkdf2)

/** The client's side of SCRAM-SHA-256 (RFC 5802, RFC 7677): `first`, then `final` with the server's answer, then `verify`. */
export class ScramClient {
  readonly mechanism: string
  readonly #password: Secret
  readonly #header: string
  readonly #bindingInput: Buffer
  readonly #nonce: string
  #serverSignature: Buffer | undefined

  constructor(password: Secret, binding: Binding, nonce = randomBytes(18).toString('base64')) {
    this.#password = password
    this.#nonce = nonce
    const bound = typeof binding === 'object'
    this.mechanism = bound ? SCRAM_PLUS : SCRAM
    this.#header = bound ? 'p=tls-server-end-point,,' : binding === 'not offered' ? 'y,,' : 'n,,'
    this.#bindingInput = bound
      ? Buffer.concat([Buffer.from(this.#header), binding.endPoint])
      : Buffer.from(this.#header)
  }

  /** client-first-message. PostgreSQL ignores the user name in it and takes the start-up packet's. */
  first(): string {
    return `${this.#header}${this.#bare}`
  }

  get #bare(): string {
    return `n=,r=${this.#nonce}`
  }

  /** client-final-message for server-first-message. Throws `protocol.target` when that is malformed or asks for too much work. */
  async final(serverFirst: string): Promise<string> {
    const [, nonce, saltText, rounds] =
      /^r=([\x21-\x2b\x2d-\x7e]+),s=([A-Za-z0-9+/]+=*),i=([1-9][0-9]{0,9})$/.exec(serverFirst) ?? []
    if (!nonce || !saltText || !rounds) throw broken('server-first-message')
    if (!nonce.startsWith(this.#nonce) || nonce.length === this.#nonce.length) throw broken('nonce')
    if (Number(rounds) > SCRAM_ITERATIONS) throw broken(`${rounds} iterations`)
    const keys = await scramKeys(this.#password, Buffer.from(saltText, 'base64'), Number(rounds))
    const withoutProof = `c=${this.#bindingInput.toString('base64')},r=${nonce}`
    const authMessage = `${this.#bare},${serverFirst},${withoutProof}`
    const proof = hmac(hash('sha256', keys.client, 'buffer'), authMessage)
    for (let i = 0; i < proof.length; i++) proof[i]! ^= keys.client[i]!
    this.#serverSignature = hmac(keys.server, authMessage)
    return `${withoutProof},p=${proof.toString('base64')}`
  }

  /** Checks that the server knows the password too. Throws `target.login` when it does not. */
  verify(serverFinal: string): void {
    const signature = Buffer.from(/^v=([A-Za-z0-9+/]+=*)$/.exec(serverFinal)?.[1] ?? '', 'base64')
    const expected = this.#serverSignature
    if (!expected || signature.length !== expected.length || !timingSafeEqual(signature, expected))
      throw new SluiceError('target.login', 'the server did not prove that it knows the password')
  }
}

function broken(what: string): SluiceError {
  return new SluiceError('protocol.target', `SCRAM: ${what}`)
}

interface ScramKeys {
  readonly client: Buffer
  readonly server: Buffer
}

/** Deriving costs thousands of hashes and depends on password, salt and rounds alone, so sessions of one account share it. Keyed by a digest: no password is kept. */
const derived = new Lru<string, Promise<ScramKeys>>(SCRAM_KEYS)
const pepper = randomBytes(32)

function scramKeys(password: Secret, salt: Buffer, iterations: number): Promise<ScramKeys> {
  const prepared = saslPrep(password.reveal())
  const key = createHmac('sha256', pepper)
    .update(`${iterations},${salt.toString('base64')},`)
    .update(prepared)
    .digest('base64')
  const known = derived.get(key)
  if (known) return known
  const fresh = derive(prepared, salt, iterations)
  derived.set(key, fresh)
  fresh.catch(() => derived.delete(key))
  return fresh
}

async function derive(password: string, salt: Buffer, iterations: number): Promise<ScramKeys> {
  const salted = await stretch(password, salt, iterations, 32, 'sha256')
  return { client: hmac(salted, 'Client Key'), server: hmac(salted, 'Server Key') }
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}

const NON_ASCII_SPACE = /[\u00A0\u1680\u2000-\u200B\u202F\u205F\u3000]/g
const MAPPED_TO_NOTHING = /\u034F|[\u180B-\u180D]|[\uFE00-\uFE0F]|[\u00AD\u1806\u200B-\u200D\u2060\uFEFF]/g
const PROHIBITED =
  /[\p{Cc}\p{Co}\p{Cs}\p{Noncharacter_Code_Point}\u06DD\u070F\u180E\u200C-\u200F\u2028-\u202E\u2060-\u2063\u206A-\u206F\u2FF0-\u2FFB\uFEFF\uFFF9-\uFFFD\u{1D173}-\u{1D17A}\u{E0001}\u{E0020}-\u{E007F}]|[\u0340\u0341]/u
const RIGHT_TO_LEFT = /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\u200F]/u
const LEFT_TO_RIGHT =
  /[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/u

/** SASLprep (RFC 4013) as the server applies it: a password it would prohibit is used as it is. */
export function saslPrep(password: string): string {
  if (/^[\x20-\x7e]*$/.test(password)) return password
  const mapped = password.replace(NON_ASCII_SPACE, ' ').replace(MAPPED_TO_NOTHING, '').normalize('NFKC')
  if (mapped === '' || PROHIBITED.test(mapped)) return password
  if (RIGHT_TO_LEFT.test(mapped)) {
    const letters = [...mapped]
    const framed = RIGHT_TO_LEFT.test(letters[0]!) && RIGHT_TO_LEFT.test(letters.at(-1)!)
    if (!framed || LEFT_TO_RIGHT.test(mapped)) return password
  }
  return mapped
}

/**
 * tls-server-end-point (RFC 5929): the certificate's digest under its signature's own hash, SHA-256 where that is MD5 or SHA-1. Undefined
 * where the signature names no hash we know (Ed25519, RSA-PSS): then there is nothing to bind to.
 */
export function endPointBinding(certificate: X509Certificate): Buffer | undefined {
  const algorithm = /md5|sha-?(1|224|256|384|512)(?!\d)/i.exec(certificate.signatureAlgorithm ?? '')
  if (!algorithm) return undefined
  const bits = algorithm[1]
  const name = bits === undefined || bits === '1' ? 'sha256' : `sha${bits}`
  return createHash(name).update(certificate.raw).digest()
}
