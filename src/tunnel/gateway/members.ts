import type { KeyObject } from 'node:crypto'
import type { Clock } from '../../kit/clock.ts'
import { sha256 } from '../../kit/digest.ts'
import { SluiceError, toSluiceError } from '../../kit/errors.ts'
import { newId } from '../../kit/ids.ts'
import type { ConnectorRow, ConnectorsRepository, JoinTokenRow } from '../../store/connectors.ts'
import { joinTokenHash, newJoinToken, readJoinToken } from '../join-token.ts'
import { LIMITS } from '../limits.ts'
import type { Authority, Holder, Issued } from './authority.ts'
import type { Journal } from './journal.ts'

export interface MembersParts {
  readonly connectors: ConnectorsRepository
  readonly authority: Authority
  readonly clock: Clock
  readonly journal: Journal
  /** Whose token a workload shows: `service:NAME`. Throws `trust.*`. */
  readonly workload: ((token: string) => Promise<string>) | undefined
  /** How long a certificate lasts. */
  readonly certificate_ms: number
}

export interface Invitation {
  readonly id: string
  readonly name: string
  /** Shown this once. */
  readonly token: string
  readonly expires_ms: number
}

export interface Joined extends Issued {
  readonly id: string
  readonly name: string
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/

/** Who asks to be a connector. */
export interface Joining {
  readonly from: string
  readonly version: string
  /** Counts one who showed nothing of ours; true once that was too often to be put on record each time. */
  readonly stranger: () => boolean
}

/** Who may open a tunnel: joined once with an invitation, known by a certificate, shut out by a mark in the store. */
export class Members {
  readonly #parts: MembersParts

  constructor(parts: MembersParts) {
    this.#parts = parts
  }

  /** A token for one connector of this name. Throws `tunnel.invalid` for a name or a life that cannot be. */
  async invite(name: string, ttl_ms: number, by: string): Promise<Invitation> {
    const { connectors, authority, clock } = this.#parts
    if (!NAME.test(name))
      throw new SluiceError('tunnel.invalid', 'a name has 1 to 63 letters, digits, dots, dashes and underscores')
    if (!(ttl_ms >= LIMITS.joinTtlMin_ms && ttl_ms <= LIMITS.joinTtlMax_ms))
      throw new SluiceError('tunnel.invalid', 'a join token lasts 1 second to 24 hours')
    await this.#room(name)
    const { text } = newJoinToken(authority.digest)
    const now_ms = clock.now_ms()
    const row = {
      hash: joinTokenHash(text),
      id: newId('inv', now_ms),
      name,
      created_by: by,
      created_ms: now_ms,
      expires_ms: now_ms + Math.floor(ttl_ms),
      used_ms: null,
      used_from: null,
      connector: null,
    }
    await connectors.addToken(row)
    return { id: row.id, name, token: text, expires_ms: row.expires_ms }
  }

  /** Lets a workload, known by a trusted issuer's token, join as connectors of this name until the name is revoked. Throws `tunnel.invalid`. */
  async grant(name: string, principal: string, by: string): Promise<void> {
    const { connectors, clock } = this.#parts
    if (!NAME.test(name) || !/^service:\S{1,200}$/.test(principal))
      throw new SluiceError('tunnel.invalid', 'a workload is written service:NAME, as its TrustedIssuer names it')
    const now_ms = clock.now_ms()
    const used = { used_ms: null, used_from: null, connector: null }
    const row = {
      hash: grantHash(principal),
      id: newId('inv', now_ms),
      name,
      created_by: by,
      created_ms: now_ms,
      ...used,
    }
    await connectors.putGrant({ ...row, expires_ms: NEVER_MS })
  }

  /** Makes a connector of a workload that a grant names. Throws `tunnel.token`, on record with the reason. */
  async joinWorkload(token: string, key: KeyObject, { from, version, stranger }: Joining): Promise<Joined> {
    const { connectors, clock, journal, workload } = this.#parts
    let principal: string
    try {
      if (!workload) throw new SluiceError('tunnel.token', 'no issuer is trusted here')
      principal = await workload(token)
    } catch (thrown) {
      const { code, detail } = toSluiceError(thrown)
      if (!stranger()) journal.write('join-refused', { from, why: `${code}: ${detail}` })
      throw new SluiceError('tunnel.token', detail)
    }
    const now_ms = clock.now_ms()
    const grant = await connectors.token(grantHash(principal))
    const refused = (why: string): never => {
      journal.write('join-refused', { from, workload: principal, why })
      throw new SluiceError('tunnel.token', why)
    }
    if (!grant || grant.expires_ms <= now_ms) return refused('no grant names it')
    await this.#room(grant.name)
    const { member, issued } = this.#made(grant, key, { from, version, now_ms })
    journal.write('join', { id: member.id, name: grant.name, workload: principal, from, serial: issued.serial })
    if (!(await connectors.joinByGrant(grant.hash, { ...member, joined_by: principal })))
      return refused('withdrawn in between')
    return { id: member.id, name: grant.name, ...issued }
  }

  /** Makes a connector of whoever holds an unused token. Throws `tunnel.token`; each refusal is on record, a second use above all. */
  async join(text: string, key: KeyObject, { from, version, stranger }: Joining): Promise<Joined> {
    const { connectors, clock, journal } = this.#parts
    const now_ms = clock.now_ms()
    const token = readJoinToken(text)
    const row = await connectors.token(joinTokenHash(token.text))
    const refused = (why: string): never => {
      // Who shows one that was ours held it: that is on record whatever else they tried.
      if (row || !stranger())
        journal.write('join-refused', { ...(row && { name: row.name, invitation: row.id }), from, why })
      throw new SluiceError('tunnel.token', why)
    }
    if (!row) return refused('unknown')
    if (row.used_ms !== null) return refused(`used before, from ${row.used_from}, by ${row.connector}`)
    if (row.expires_ms <= now_ms) return refused('expired or withdrawn')
    await this.#room(row.name)
    const { member, issued } = this.#made(row, key, { from, version, now_ms })
    const { id } = member
    // On record before it is so: a connector nobody can find in the ledger must not exist.
    journal.write('join', {
      id,
      name: row.name,
      invitation: row.id,
      invitedBy: row.created_by,
      from,
      serial: issued.serial,
    })
    if (!(await connectors.join(row.hash, from, member))) return refused('used, or expired, in between')
    return { id, name: row.name, ...issued }
  }

  /**
   * The connector a certificate stands for, as it is to be kept. Throws `tunnel.refused`; a certificate that was renewed since is the mark of
   * a copy, and is on record as such.
   */
  async admit(holder: Holder, from: string): Promise<ConnectorRow> {
    const { connectors, journal } = this.#parts
    const row = await connectors.get(holder.id)
    const refused = (why: string): never => {
      journal.write('refused', { id: holder.id, name: holder.name, from, serial: holder.serial, why })
      throw new SluiceError('tunnel.refused', why)
    }
    if (!row) return refused('unknown')
    if (row.name !== holder.name) return refused('another name than it joined with')
    if (row.revoked_ms !== null) return refused('revoked')
    if (!sameSerial(holder.serial, row.serial) && !sameSerial(holder.serial, row.previous_serial))
      return refused('a certificate that was renewed: somebody holds an old copy')
    // The newest is in use: the one before it is not needed any more, and a copy of it is worth nothing.
    return sameSerial(holder.serial, row.serial) ? { ...row, previous_serial: null } : row
  }

  /** A new certificate for whoever holds the newest one. Throws `tunnel.refused` when it was renewed by another, or revoked. */
  async renew(holder: Holder, key: KeyObject, from: string): Promise<Issued> {
    const { connectors, authority, clock, journal, certificate_ms } = this.#parts
    const row = await this.admit(holder, from)
    const issued = authority.issue(holder, key, { now_ms: clock.now_ms(), lasts_ms: certificate_ms })
    journal.write('renew', { id: holder.id, name: holder.name, from, replaces: row.serial, serial: issued.serial })
    if (!(await connectors.renew(holder.id, { newest: row.serial, held: holder.serial }, issued)))
      throw new SluiceError('tunnel.refused', 'it was renewed or revoked in between')
    return issued
  }

  /** A certificate, and the row that stands for its holder. */
  #made(
    invitation: JoinTokenRow,
    key: KeyObject,
    { from, version, now_ms }: { from: string; version: string; now_ms: number },
  ): { member: ConnectorRow; issued: Issued } {
    const { authority, certificate_ms } = this.#parts
    const { name, created_by } = invitation
    const id = newId('con', now_ms)
    const issued = authority.issue({ name, id }, key, { now_ms, lasts_ms: certificate_ms })
    const { serial, expires_ms } = issued
    const joined = { joined_ms: now_ms, joined_from: from, joined_by: created_by, seen_ms: now_ms, seen_from: from }
    const fresh = { previous_serial: null, revoked_ms: null, revoked_by: null }
    return { member: { id, name, serial, expires_ms, version, ...joined, ...fresh }, issued }
  }

  async #room(name: string): Promise<void> {
    const { ofName, all } = await this.#parts.connectors.count(name, this.#parts.clock.now_ms())
    if (ofName >= LIMITS.membersPerName || all >= LIMITS.members)
      throw new SluiceError(
        'tunnel.invalid',
        `there are ${ofName} connectors of this name already; revoke those that are gone`,
      )
  }
}

/** What a workload's grant is stored as, where a token's hash would be. */
function grantHash(principal: string): string {
  return sha256(`workload\0${principal}`)
}

/** The last instant a Date can be written with four digits of a year. */
const NEVER_MS = Date.UTC(9999, 11, 31)

/** OpenSSL prints no leading zeros. */
function sameSerial(one: string, other: string | null): boolean {
  return other !== null && one.replace(/^0+/, '') === other.replace(/^0+/, '')
}
