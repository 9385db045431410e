import { isOurSide, SluiceError, toSluiceError } from '../../kit/errors.ts'
import { type Claim, isAdministrator } from '../../model/principal.ts'
import { PostgresSql, SessionMirror } from '../../sql/postgres.ts'
import {
  type ClientStream,
  type Gate,
  isRefusal,
  type Protocol,
  type Session,
  type Upstream,
  type Wanted,
} from '../contract.ts'
import { CancelRegistry, sendCancel } from './cancel.ts'
import { CatalogueSources } from './catalogue.ts'
import { PostgresConversation } from './conversation.ts'
import { refusalFields, refuse, requestToken } from './handshake.ts'
import { CANCEL_MS, SAMPLE_ROWS, TOKEN_MS } from './limits.ts'
import { login } from './login.ts'
import { welcome } from './messages.ts'
import { replicationOperation } from './operation.ts'
import { type Opening, receiveOpening } from './startup.ts'

const NOWHERE = 'identity.nowhere'

type StartupOpening = Extract<Opening, { kind: 'startup' }>

export interface PostgresOptions {
  /** Rows of each operation kept in the transcript. */
  readonly sampleRows?: number
}

/** The PostgreSQL protocol: one object serves every listener, because a CancelRequest comes on a connection of its own. */
export function createPostgres(options: PostgresOptions = {}): Protocol {
  const cancels = new CancelRegistry()
  const catalogues = new CatalogueSources()
  const sampleRows = options.sampleRows ?? SAMPLE_ROWS
  return {
    name: 'postgres',
    fulfils: new Set(['mask', 'rows', 'timeout', 'readOnly', 'record']),
    async serve(client, gate) {
      const opening = await receive(client, gate)
      if (opening.kind === 'gone') return
      if (opening.kind === 'cancel') {
        await cancels.request(client.remoteAddress ?? '', opening.processId, opening.secret)
        return
      }
      const { stream } = opening
      const from = client.remoteAddress ?? ''
      const served = new ServedSession(opening, { gate, cancels, catalogues, sampleRows, from })
      try {
        await served.run()
      } catch (thrown) {
        const error = toSluiceError(thrown)
        refuse(stream, refusalFields(error, served.administrator))
        if (isOurSide(error)) throw error
      }
    },
  }
}

/** A client that breaks the protocol before it has named itself was told so by the reader; there is no session to end. */
async function receive(client: ClientStream, gate: Gate): ReturnType<typeof receiveOpening> {
  try {
    return await receiveOpening(client, gate)
  } catch (thrown) {
    const error = toSluiceError(thrown)
    if (error.code === 'internal') throw error
    return { kind: 'gone' }
  }
}

interface House {
  readonly gate: Gate
  readonly cancels: CancelRegistry
  readonly catalogues: CatalogueSources
  readonly sampleRows: number
  readonly from: string
}

/** One client from its start-up message to its end: prove, open, dial, log in, converse. */
class ServedSession {
  readonly #opening: StartupOpening
  readonly #house: House
  /** The caller proved to be one. */
  administrator = false

  constructor(opening: StartupOpening, house: House) {
    this.#opening = opening
    this.#house = house
  }

  async run(): Promise<void> {
    const { gate } = this.#house
    const { startup } = this.#opening
    const wanted: Wanted = {
      resource: startup.resource,
      user: startup.upstreamUser,
      database: startup.database,
      client: startup.applicationName,
    }
    const session = (await this.#byCertificate(wanted)) ?? (await gate.open(await this.#token(), wanted))
    if (isRefusal(session)) throw new SluiceError(session.code === NOWHERE ? NOWHERE : 'identity.refused')
    this.administrator = isAdministrator(session.principal)
    if (startup.replication) await this.#permitReplication(session)
    const upstream = await session.dial()
    await this.#converse(session, upstream)
  }

  /** A certificate that opens the resource is proof enough; one that does not may be some other's, and the client is asked for a token. */
  async #byCertificate(wanted: Wanted): Promise<Session | undefined> {
    const { clientCertificate: proof } = this.#opening
    if (proof === undefined) return undefined
    const session = await this.#house.gate.open({ kind: 'certificate', proof, from: this.#house.from }, wanted)
    return isRefusal(session) ? undefined : session
  }

  async #token(): Promise<Claim> {
    const { stream, secure } = this.#opening
    const { gate, from } = this.#house
    if (!secure && !gate.loopback) throw new SluiceError('identity.plaintext')
    const proof = await requestToken(stream, { ms: TOKEN_MS, signals: [gate.closing] })
    return { kind: 'token', proof, from }
  }

  /** A replication start-up is an operation of its own: nothing decodes what it streams (A39). */
  async #permitReplication(session: Session): Promise<void> {
    const operation = replicationOperation(this.#opening.startup.database ?? '', session.labels().all)
    const verdict = await session.enforce(operation, { text: operation.text }, () => {})
    if (!verdict.granted) throw new SluiceError('identity.refused')
    session.settle(verdict, { status: 'ok', tag: 'START-UP', rows: 0, bytes: 0 })
  }

  async #converse(session: Session, upstream: Upstream): Promise<void> {
    const { stream, startup, protocolMinor } = this.#opening
    const { cancels, catalogues, sampleRows } = this.#house
    const database = upstream.database ?? upstream.user
    const source = catalogues.of(session.resource.name, { upstream, database })
    const settings = startup.replication
      ? new Map([...startup.settings, ['replication', startup.database === undefined ? 'true' : 'database']])
      : startup.settings
    const wish = { database, settings, applicationName: startup.applicationName, protocolMinor, signal: session.ended }
    // Names cannot be resolved without a catalogue; then every label is possible, and the session masks or refuses accordingly.
    const [target] = await Promise.all([login(upstream, wish), source.get().catch(() => undefined)])
    const sql = await PostgresSql.load(target.serverMajor)
    const send = () => sendCancel(upstream, target, AbortSignal.timeout(CANCEL_MS))
    let conversation: PostgresConversation | undefined
    const registration = cancels.register(target.processId, protocolMinor, () =>
      conversation?.withdraw() ? Promise.resolve() : send(),
    )
    // A target that cannot be reached any more is noticed by the session itself.
    const cancel = () => void send().catch(() => {})
    session.ended.addEventListener('abort', cancel, { once: true })
    try {
      stream.write(welcome({ parameters: target.parameters, processId: target.processId, secret: registration.secret }))
      if (target.leftover.length > 0) target.stream.unshift(target.leftover)
      await session.relay(stream, target.stream, (wire) => {
        const mirror = new SessionMirror(startup.settings.get('search_path'))
        const { user: upstreamUser } = upstream
        const { replication } = startup
        conversation = new PostgresConversation({
          session,
          wire,
          sql,
          source,
          mirror,
          database,
          upstreamUser,
          replication,
          cancel,
          sampleRows,
        })
        return conversation
      })
    } finally {
      session.ended.removeEventListener('abort', cancel)
      registration.release()
    }
  }
}
