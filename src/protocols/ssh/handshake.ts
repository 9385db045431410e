import type { AuthContext } from 'ssh2'
import { SluiceError } from '../../kit/errors.ts'
import { isCertificateType, readSshCertificate } from '../../kit/ssh-certificate.ts'
import { readSshPublicKey } from '../../kit/ssh-public-key.ts'
import { sshString } from '../../kit/ssh-wire.ts'
import type { Claim } from '../../model/principal.ts'
import { type Gate, isRefusal, type Session, type Wanted } from '../contract.ts'
import { OFFERS, PROOFS, STATUS_MS } from './limits.ts'

/** A resource's name, or an account's on the target: one strict set, so that no second reading of a user name is possible (D14). */
const NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,62}$/
const NOWHERE = 'identity.nowhere'
/** What a user name that names nothing asks for: no resource is called that, so it is refused as an unknown one is, after the same time. */
const NOTHING: Wanted = { resource: '' }

/** `web-1`, or `ubuntu+web-1` to pick the account on the target. Undefined for anything else: it names no resource. */
export function wantedOf(username: string): Wanted | undefined {
  const parts = username.split('+')
  if (parts.length > 2 || !parts.every((part) => NAME.test(part))) return undefined
  const [first, second] = parts as [string, string | undefined]
  return second === undefined ? { resource: first } : { resource: second, user: first }
}

/** What is offered, in the order most clients ask for it. */
export const METHODS: readonly string[] = ['publickey', 'keyboard-interactive', 'password']

export interface HandshakeParts {
  readonly gate: Gate
  /** Peer address. */
  readonly from: string
  /** The client's own name of itself: its identification string. */
  readonly client: () => string
  /** A browser sign-in has begun or ended: it may take longer than the login grace. */
  readonly patient: (waits: boolean) => void
  /** Too many proofs failed. */
  readonly enough: () => void
  /** Aborts when the client has left. */
  readonly left: AbortSignal
}

/** The kinds of proof one client may try, one after the other (RFC 4252). A session is the only way out. */
export class Handshake {
  readonly #parts: HandshakeParts
  #failures = 0
  #offers = 0
  #over = false
  /** A proof held, and opened nothing: the client may have another key that does. */
  #nowhere = false

  constructor(parts: HandshakeParts) {
    this.#parts = parts
  }

  /**
   * Answers one request; a session when it proved who the client is. The request is then not yet granted. Throws `identity.nowhere` when a
   * client that proved who it is asks for what it may not open, and has no other key to try.
   */
  async answer(context: AuthContext): Promise<Session | undefined> {
    if (this.#over) return undefined
    const wanted = { ...(wantedOf(context.username) ?? NOTHING), client: this.#parts.client() }
    switch (context.method) {
      case 'none':
        // How a client learns what there is: not a failed proof.
        context.reject(METHODS)
        return undefined
      case 'password':
        return this.#prove(context, wanted, { kind: 'token', proof: passwordOf(context) })
      case 'publickey':
        return context.signature ? this.#signed(context, wanted) : this.#offered(context)
      case 'keyboard-interactive':
        return this.#asked(context, wanted)
      default:
        return this.failed(context)
    }
  }

  /** One more failed proof; the last one allowed ends the connection. */
  failed(request: Pick<AuthContext, 'reject'>): undefined {
    if (++this.#failures < PROOFS) request.reject(METHODS)
    else this.#enough()
  }

  #enough(): void {
    this.#over = true
    this.#parts.enough()
  }

  async #prove(context: AuthContext, wanted: Wanted, claim: Omit<Claim, 'from'>): Promise<Session | undefined> {
    const opened = await this.#parts.gate.open({ ...claim, from: this.#parts.from }, wanted)
    if (isRefusal(opened)) {
      this.#nowhere ||= opened.code === NOWHERE
      return this.failed(context)
    }
    this.#over = true
    return opened
  }

  /**
   * A key was named, not used: every key that can be read is asked to sign, whoever's it is. To answer by whether it is known would tell
   * strangers which keys are registered, and would tempt to take the answer for a proof.
   */
  #offered(context: AuthContext): undefined {
    if (++this.#offers > OFFERS) return void this.#enough()
    if (keyOf(context)) context.accept()
    else context.reject(METHODS)
  }

  /** The identity is that of the key whose signature is checked here, never of one that was offered before (D13). */
  #signed(context: AuthContext, wanted: Wanted): Promise<Session | undefined> | undefined {
    const key = keyOf(context)
    const { signature, blob } = context
    if (!key || !signature || !blob || !key.verifies(blob, signature)) return this.failed(context)
    return this.#prove(context, wanted, { kind: key.kind, proof: context.key!.data.toString('base64') })
  }

  /** RFC 4256: a token, or Enter for a browser. What was asked with no answer is never a proof (D16). */
  async #asked(context: AuthContext, wanted: Wanted): Promise<Session | undefined> {
    // It has proved who it is, and has no key left to try: neither a token nor a browser would make the name another one.
    if (this.#nowhere) {
      this.#over = true
      throw new SluiceError(NOWHERE)
    }
    const { gate, left } = this.#parts
    const prompt = gate.invite ? 'Token (Enter to sign in with a browser): ' : 'Token: '
    const answers = await ask(context, { prompts: [prompt], text: '', left })
    if (!answers) return undefined
    const [typed = ''] = answers
    // Enter is one answer that is empty, not none, and not several (RFC 4256 §3.4).
    if (answers.length !== 1) return this.#prove(context, wanted, { kind: 'token', proof: '' })
    if (typed !== '' || !gate.invite) return this.#prove(context, wanted, { kind: 'token', proof: typed })
    this.#parts.patient(true)
    try {
      return await this.#invited(context, wanted, gate.invite(wanted, this.#parts.from))
    } finally {
      this.#parts.patient(false)
    }
  }

  async #invited(
    context: AuthContext,
    wanted: Wanted,
    invitation: ReturnType<NonNullable<Gate['invite']>>,
  ): Promise<Session | undefined> {
    if (!invitation) return this.failed(context)
    const { left } = this.#parts
    const { url, code, answered } = invitation
    let text = `Open ${url}\nand enter the code ${code} to sign in. This connection waits.`
    for (;;) {
      const told = await ask(context, { prompts: [], text, left })
      if (!told) break
      if (told.length > 0) {
        invitation.cancel()
        return this.#prove(context, wanted, { kind: 'token', proof: '' })
      }
      const claim = await Promise.race([answered, later(STATUS_MS, left)])
      if (claim === 'later') {
        const left_s = Math.max(0, Math.round((invitation.expires_ms - Date.now()) / 1000))
        text = `Still waiting for the browser: ${left_s} seconds left.`
        continue
      }
      if (!claim) return this.failed(context)
      return this.#prove(context, wanted, claim)
    }
    invitation.cancel()
    return undefined
  }
}

/** A request to change the password (RFC 4252 §8) comes as two of them: nobody's password is changed here, so it proves nothing. */
function passwordOf({ password }: AuthContext): string {
  const given: unknown = password
  return typeof given === 'string' ? given : ''
}

interface OfferedKey {
  readonly kind: 'ssh-key' | 'ssh-certificate'
  verifies(bytes: Buffer, signature: Buffer): boolean
}

/** The key a request names; undefined when it cannot be read or is of a kind that is not taken. */
function keyOf({ key: named, hashAlgo }: AuthContext): OfferedKey | undefined {
  // What a cut message lacks, the library leaves undefined.
  if (!named || typeof named.algo !== 'string' || !Buffer.isBuffer(named.data)) return undefined
  try {
    if (isCertificateType(named.algo)) {
      const { key } = readSshCertificate(named.data)
      return { kind: 'ssh-certificate', verifies: key.verifies }
    }
    const key = readSshPublicKey(named.data)
    if (key.type !== named.algo) return undefined
    const algorithm = algorithmOf(named.algo, hashAlgo)
    const whole = (signature: Buffer) => wholeSignature(algorithm, signature)
    return { kind: 'ssh-key', verifies: (bytes, signature) => key.verifies(bytes, whole(signature)) }
  } catch (thrown) {
    if (thrown instanceof SluiceError) return undefined
    throw thrown
  }
}

/**
 * The library has taken the algorithm's name off the signature, where it was the one announced, and made DER of an ECDSA signature:
 * SEQUENCE of two INTEGERs, which hold the mpints of RFC 5656 §3.1.2 as they came. Undone here.
 */
function wholeSignature(algorithm: string, signature: Buffer): Buffer {
  if (!algorithm.startsWith('ecdsa-')) return Buffer.concat([sshString(algorithm), sshString(signature)])
  const sequence = derValue(signature, 0)
  const r = derValue(sequence.value, 0)
  const s = derValue(sequence.value, r.end)
  return Buffer.concat([sshString(algorithm), sshString(Buffer.concat([sshString(r.value), sshString(s.value)]))])
}

/** The value that begins at `at`, of at most 255 bytes: P-521 needs 139. */
function derValue(bytes: Buffer, at: number): { readonly value: Buffer; readonly end: number } {
  const long = bytes[at + 1] === 0x81
  const from = at + (long ? 3 : 2)
  const end = from + (bytes[at + (long ? 2 : 1)] ?? 0)
  return { value: bytes.subarray(from, end), end }
}

function algorithmOf(type: string, hash: string | undefined): string {
  return type === 'ssh-rsa' ? ({ sha256: 'rsa-sha2-256', sha512: 'rsa-sha2-512' }[hash ?? ''] ?? type) : type
}

interface Question {
  readonly prompts: readonly string[]
  readonly text: string
  readonly left: AbortSignal
}

/** Shows prompts, or with none a text alone; undefined when the client turns to another method or leaves. */
function ask(context: AuthContext, { prompts, text, left }: Question): Promise<readonly string[] | undefined> {
  return new Promise((resolve) => {
    if (left.aborted) return resolve(undefined)
    const gone = () => resolve(undefined)
    left.addEventListener('abort', gone, { once: true })
    const shown = prompts.map((prompt) => ({ prompt, echo: false }))
    context.prompt(shown, text === '' ? '' : 'Sluice', text, (answers) => {
      left.removeEventListener('abort', gone)
      resolve(answers instanceof Error ? undefined : answers)
    })
  })
}

/** Resolves after a while, at once when the client leaves. */
function later(wait_ms: number, left: AbortSignal): Promise<'later'> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      left.removeEventListener('abort', done)
      resolve('later')
    }
    const timer = setTimeout(done, wait_ms)
    left.addEventListener('abort', done, { once: true })
  })
}
