import { hash } from 'node:crypto'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { ByteReader } from '../../kit/bytes.ts'
import { SluiceError } from '../../kit/errors.ts'
import type { Secret } from '../../kit/secret.ts'
import type { Upstream } from '../contract.ts'
import { Intake, TARGET } from './intake.ts'
import { CANCEL_KEY_BYTES, LOGIN_BYTES, LOGIN_MESSAGE_BYTES, LOGIN_MS } from './limits.ts'
import {
  type ProtocolMinor,
  passwordMessage,
  readErrorFields,
  saslInitialResponse,
  saslResponse,
  startupMessage,
} from './messages.ts'
import { type Binding, endPointBinding, SCRAM, SCRAM_PLUS, ScramClient } from './scram.ts'
import { secureTarget } from './target-tls.ts'

/** A session on the target, ready for its first query. */
export interface LoggedIn {
  readonly stream: Duplex
  /** ParameterStatus as last reported. */
  readonly parameters: Map<string, string>
  readonly processId: number
  /** The target's own cancel key: never shown to a client. */
  readonly cancelKey: Buffer
  readonly protocolMinor: ProtocolMinor
  readonly serverMajor: number
  /** What the target sent behind its first ReadyForQuery; usually empty. */
  readonly leftover: Buffer
}

export interface LoginWish {
  readonly database: string
  readonly settings: ReadonlyMap<string, string>
  readonly applicationName?: string | undefined
  /** The newest the session may speak; the target may be older. */
  readonly protocolMinor: ProtocolMinor
  readonly signal: AbortSignal
}

const OLDEST_MAJOR = 13
const NEWEST_MAJOR = 18

/**
 * Logs in to the target: TLS as configured, then whatever the server asks of trust, password, MD5 and SCRAM. Takes LOGIN_MS at most. Throws
 * SluiceError `target.login`, `target.left`, `target.unreachable`, `target.refused`, `target.busy` (their `cause` is what the client may be told) or
 * `protocol.target`; the stream is then destroyed. Spec: "Message Flow", Start-up.
 */
export async function login(upstream: Upstream, wanted: LoginWish): Promise<LoggedIn> {
  const intake = new Intake(
    upstream.stream,
    { ms: LOGIN_MS, signals: [wanted.signal] },
    { blame: TARGET, bytes: LOGIN_BYTES },
  )
  try {
    const tls = await secureTarget(intake, upstream)
    intake.stream.write(startupMessage(wanted.protocolMinor, parametersOf(upstream, wanted)))
    return await new TargetLogin(intake, upstream, tls).finish(wanted)
  } catch (thrown) {
    intake.stream.destroy()
    upstream.stream.destroy()
    // The byte reader blames the client; here it read the target.
    if (thrown instanceof SluiceError && thrown.code === 'protocol.malformed') throw intake.malformed(thrown.detail)
    throw thrown
  } finally {
    intake.release()
  }
}

/** What decides how text is read is given here, above any default of the role or the database (invariant 9). */
function* parametersOf(upstream: Upstream, wanted: LoginWish): Generator<[string, string]> {
  yield ['user', upstream.user]
  yield ['database', wanted.database]
  yield ['client_encoding', 'UTF8']
  yield ['standard_conforming_strings', 'on']
  if (wanted.applicationName !== undefined) yield ['application_name', wanted.applicationName]
  yield* wanted.settings
}

/** What the server must still do before its AuthenticationOk may be believed. */
type Proof = 'none asked' | 'scram begun' | 'scram continued' | 'scram verified' | 'password sent' | 'done'

const letter = (text: string): number => text.charCodeAt(0)
const AUTHENTICATION = letter('R')
const ERROR = letter('E')
const NOTICE = letter('N')
const PARAMETER_STATUS = letter('S')
const BACKEND_KEY_DATA = letter('K')
const READY_FOR_QUERY = letter('Z')
const NEGOTIATE_VERSION = letter('v')

class TargetLogin {
  readonly #intake: Intake
  readonly #upstream: Upstream
  readonly #tls: TLSSocket | undefined
  #proof: Proof = 'none asked'
  #scram: ScramClient | undefined
  #minor: ProtocolMinor = 0
  #processId: number | undefined
  #cancelKey: Buffer = Buffer.alloc(0)
  readonly #parameters = new Map<string, string>()

  constructor(intake: Intake, upstream: Upstream, tls: TLSSocket | undefined) {
    this.#intake = intake
    this.#upstream = upstream
    this.#tls = tls
  }

  async finish(wanted: LoginWish): Promise<LoggedIn> {
    this.#minor = wanted.protocolMinor
    for (;;) {
      const { type, body } = await this.#intake.message(LOGIN_MESSAGE_BYTES)
      const reader = new ByteReader(body)
      if (type === ERROR) throw refusedBy(body, wanted)
      if (type === NOTICE) continue
      if (this.#proof !== 'done') {
        if (type === AUTHENTICATION) await this.#authenticate(reader)
        else if (type === NEGOTIATE_VERSION && this.#proof === 'none asked') this.#negotiate(reader)
        else throw this.#intake.malformed(`message ${type} during authentication`)
      } else if (type === PARAMETER_STATUS) this.#parameters.set(reader.cstring(), reader.cstring())
      else if (type === BACKEND_KEY_DATA && this.#processId === undefined) this.#keyData(reader)
      else if (type === READY_FOR_QUERY) return this.#ready()
      else throw this.#intake.malformed(`message ${type} after authentication`)
    }
  }

  async #authenticate(reader: ByteReader): Promise<void> {
    const stream = this.#intake.stream
    const kind = reader.int32()
    if (
      kind === 0 &&
      (this.#proof === 'none asked' || this.#proof === 'password sent' || this.#proof === 'scram verified')
    ) {
      this.#proof = 'done'
    } else if (kind === 3 && this.#proof === 'none asked') {
      this.#mustBePrivate('the target asks for the password in the clear')
      stream.write(passwordMessage(this.#password().reveal()))
      this.#proof = 'password sent'
    } else if (kind === 5 && this.#proof === 'none asked') {
      // Whoever chose the salt, and whoever listens, can try passwords against the answer at leisure.
      this.#mustBePrivate('the target asks for an MD5 of the password in the clear')
      stream.write(passwordMessage(md5(this.#upstream.user, this.#password(), reader.view(4))))
      this.#proof = 'password sent'
    } else if (kind === 10 && this.#proof === 'none asked') {
      this.#scram = new ScramClient(this.#password(), this.#binding(reader))
      stream.write(saslInitialResponse(this.#scram.mechanism, this.#scram.first()))
      this.#proof = 'scram begun'
    } else if (kind === 11 && this.#proof === 'scram begun') {
      stream.write(saslResponse(await this.#scram!.final(reader.view(reader.remaining).toString('latin1'))))
      this.#proof = 'scram continued'
    } else if (kind === 12 && this.#proof === 'scram continued') {
      this.#scram!.verify(reader.view(reader.remaining).toString('latin1'))
      this.#proof = 'scram verified'
    } else throw new SluiceError('target.login', `authentication request ${kind} after "${this.#proof}"`)
  }

  /** Throws `target.login` where others could listen, or pretend to be the target. */
  #mustBePrivate(detail: string): void {
    if (!this.#tls && !isLoopback(this.#upstream.stream)) throw new SluiceError('target.login', detail)
  }

  #password(): Secret {
    const { password } = this.#upstream
    if (!password) throw new SluiceError('target.login', 'the target asks for a password, and none is stored')
    return password
  }

  /** Mechanism names, each NUL-terminated, then an empty one. PLUS is used whenever it is offered inside TLS (A48). */
  #binding(reader: ByteReader): Binding {
    const offered = new Set<string>()
    for (let name = reader.cstring(); name !== ''; name = reader.cstring()) offered.add(name)
    const certificate = this.#tls?.getPeerX509Certificate()
    const endPoint = certificate && endPointBinding(certificate)
    if (endPoint && offered.has(SCRAM_PLUS)) return { endPoint }
    if (!offered.has(SCRAM)) throw new SluiceError('target.login', `no mechanism in common: ${[...offered].join(' ')}`)
    return endPoint ? 'not offered' : 'impossible'
  }

  /** Int32 newest version, Int32 number of unknown options, their names. */
  #negotiate(reader: ByteReader): void {
    const version = reader.int32()
    if (version >>> 16 !== 3 || (version & 0xffff) > this.#minor || reader.int32() !== 0)
      throw this.#intake.malformed(`version ${version}`)
    this.#minor = (version & 0xffff) === 2 ? 2 : 0
  }

  #keyData(reader: ByteReader): void {
    this.#processId = reader.int32()
    const { least, most, version30 } = CANCEL_KEY_BYTES
    if (reader.remaining < least || reader.remaining > (this.#minor === 2 ? most : version30))
      throw this.#intake.malformed('length of the cancel key')
    this.#cancelKey = Buffer.from(reader.view(reader.remaining))
  }

  #ready(): LoggedIn {
    const { stream } = this.#intake
    const parameters = this.#parameters
    const serverMajor = Number.parseInt(parameters.get('server_version') ?? '', 10)
    if (!(serverMajor >= OLDEST_MAJOR && serverMajor <= NEWEST_MAJOR))
      throw new SluiceError('target.version', `version ${serverMajor}`)
    // A login trigger, or a pooler in between, could have changed what was asked for.
    if (parameters.get('client_encoding') !== 'UTF8' || parameters.get('standard_conforming_strings') !== 'on')
      throw new SluiceError(
        'protocol.target',
        'client_encoding or standard_conforming_strings is not what was asked for',
      )
    return {
      stream,
      parameters,
      processId: this.#processId ?? 0,
      cancelKey: this.#cancelKey,
      protocolMinor: this.#minor,
      serverMajor,
      leftover: stream.read() ?? Buffer.alloc(0),
    }
  }
}

function md5(user: string, password: Secret, salt: Buffer): string {
  const inner = hash('md5', password.reveal() + user, 'hex')
  return `md5${hash('md5', Buffer.concat([Buffer.from(inner), salt]), 'hex')}`
}

function isLoopback(stream: Duplex & { remoteAddress?: string }): boolean {
  return /^(127\.|::1$|::ffff:127\.)/.test(stream.remoteAddress ?? '')
}

/** Errors about what the caller asked for. Their text names nothing but the caller's own words. */
const CALLERS_FAULT: Readonly<Record<string, (wanted: LoginWish, message: string) => string>> = {
  '3D000': ({ database }) => `database "${database}" does not exist`,
  '42501': ({ database }) => `permission denied for database "${database}"`,
  '22023': (_, message) => message,
  '42704': (_, message) => message,
}

/** Errors that pass by themselves. */
const BUSY: Readonly<Record<string, string>> = {
  '53300': 'the target has no free connection',
  '57P03': 'the target is starting up or shutting down',
  '55000': 'the target does not accept connections to this database now',
}

/** How hba refuses a connection in the clear (libpq/auth.c), in whatever case of "no entry" and "rejected by one". */
const NO_TLS = /pg_hba\.conf .*, no encryption$/

/** The server's refusal to log us in. Whatever concerns the stored account stays inside. */
function refusedBy(body: Buffer, wanted: LoginWish): SluiceError {
  const fields = readErrorFields(body)
  const code = fields.get('C') ?? ''
  const said = fields.get('M') ?? ''
  const told = (message: string) => ({ cause: { severity: 'FATAL', code, message } })
  const asked = CALLERS_FAULT[code]?.(wanted, said)
  if (asked !== undefined) return new SluiceError('target.refused', `${code} ${said}`, told(asked))
  const busy = BUSY[code]
  if (busy !== undefined) return new SluiceError('target.busy', `${code} ${said}`, told(busy))
  return new SluiceError(NO_TLS.test(said) ? 'target.tls_required' : 'target.login', `${code} ${said}`)
}
