import type { SecureContext } from 'node:tls'
import type { SluiceError } from '../kit/errors.ts'
import { newId } from '../kit/ids.ts'
import type { Ports } from '../model/ports.ts'
import type { Claim, Principal } from '../model/principal.ts'
import { actorChain } from '../model/principal.ts'
import type { Resource, UpstreamUser } from '../model/resource.ts'
import type { Gate, Protocol, Refusal, Session, Wanted } from '../protocols/contract.ts'
import { LIMITS } from './limits.ts'
import { refusal } from './refusal.ts'
import { GatewaySession } from './session.ts'
import type { StandingOperations } from './standing.ts'
import type { Tick } from './tick.ts'

export interface GateParts {
  readonly ports: Ports
  readonly tick: Tick
  readonly standing: StandingOperations
  readonly protocol: Protocol
  readonly tls: SecureContext | undefined
  readonly loopback: boolean
  readonly closing: AbortSignal
  readonly now_ms: () => number
  readonly sessions: Map<string, GatewaySession>
  readonly broken: (why: SluiceError) => void
}

/** Answers "who are you, and may you open this?" for one client connection. */
export class ClientGate implements Gate {
  readonly #parts: GateParts
  session: GatewaySession | undefined
  constructor(parts: GateParts) {
    this.#parts = parts
  }
  get tls(): SecureContext | undefined {
    return this.#parts.tls
  }
  get loopback(): boolean {
    return this.#parts.loopback
  }
  get closing(): AbortSignal {
    return this.#parts.closing
  }

  get invite(): Gate['invite'] {
    const { identity } = this.#parts.ports
    if (!identity.invite) return undefined
    return ({ resource }, from) => identity.invite!({ resource, from })
  }

  async open(claim: Claim, wanted: Wanted): Promise<Session | Refusal> {
    const asked_ms = performance.now()
    const found = await this.#find(claim, wanted)
    if ('why' in found) {
      this.#record(claim, wanted, found.why)
      // A stranger gets one answer, who proved to be somebody one other: neither tells what there is that they may not open.
      const wait_ms = Math.max(0, LIMITS.refusal_ms - (performance.now() - asked_ms))
      await new Promise((resolve) => setTimeout(resolve, wait_ms))
      return refusal(found.proved ? 'identity.nowhere' : 'identity.refused')
    }
    return this.#start(claim, wanted, found)
  }

  async #find(claim: Claim, wanted: Wanted): Promise<Found | Shut> {
    const { ports, protocol, sessions } = this.#parts
    const policy = ports.policy.current()
    // A right proof passes whatever failed before it from that address: nobody guesses one, and an address is many people's.
    const principal = await ports.identity.authenticate(claim)
    const resource = policy.resource(wanted.resource)
    if (!principal)
      return {
        why: 'unknown, expired or revoked proof, or of somebody who is shut out (`sluice blocks`)',
        proved: false,
      }
    const shut = (why: string) => ({ why, proved: true })
    if (!resource || resource.protocol !== protocol.name) return shut('no such resource')
    if (ports.identity.barred(resource.name)) return shut('the kill switch keeps it shut')
    if (!policy.mayOpen(principal, resource)) return shut('no rule lets the principal open it')
    const user = pickUser(resource, principal, wanted.user)
    if (!user) return shut('the upstream user is not offered to the principal')
    let open = 0
    for (const session of sessions.values()) if (session.principal.id === principal.id) open++
    if (open >= LIMITS.sessionsPerPrincipal) return shut('too many sessions of the principal')
    return { principal, resource, user }
  }

  #record(claim: Claim, wanted: Wanted, why: string): void {
    const J = JSON.stringify
    this.#parts.ports.ledger.append(
      'login',
      `"ok":false,"from":${J(claim.from)},"resource":${J(wanted.resource.slice(0, 128))},"reason":"identity.refused","detail":${J(why)}`,
    )
    this.#parts.tick.touch()
  }

  #start(claim: Claim, wanted: Wanted, found: Found): Session {
    const { ports, tick, standing, protocol, now_ms, sessions } = this.#parts
    const { principal, resource, user } = found
    const opened_ms = now_ms()
    const meta = {
      id: newId('ses', opened_ms),
      protocol: protocol.name,
      resource: resource.name,
      principal,
      from: claim.from,
      opened_ms,
      upstreamUser: user.name,
      database: wanted.database ?? resource.database ?? '',
      client: (wanted.client ?? '').slice(0, 128),
    }
    const session = new GatewaySession({
      ports,
      tick,
      standing,
      protocol,
      principal,
      resource,
      user,
      meta,
      now_ms,
      broken: this.#parts.broken,
      closed: (ended) => sessions.delete(ended.id),
    })
    sessions.set(session.id, session)
    this.session = session
    return session
  }
}

/** Why nothing was opened, for the record, and whether the caller had proved who it is. */
interface Shut {
  readonly why: string
  readonly proved: boolean
}

interface Found {
  readonly principal: Principal
  readonly resource: Resource
  readonly user: UpstreamUser
}

/** The upstream account: the one asked for, else the first this principal may pick. */
function pickUser(resource: Resource, principal: Principal, wanted: string | undefined): UpstreamUser | undefined {
  const names = new Set(
    actorChain(principal)
      .slice(0, 1)
      .flatMap((p) => [p.id, ...p.groups.map((g) => `group:${g}`), ...p.groups]),
  )
  const may = (user: UpstreamUser) => !user.for || user.for.length === 0 || user.for.some((name) => names.has(name))
  return resource.users.find((user) => (wanted === undefined || user.name === wanted) && may(user))
}
