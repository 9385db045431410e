import type { KeyObject } from 'node:crypto'
import type { Clock } from '../../kit/clock.ts'
import { SluiceError } from '../../kit/errors.ts'
import { newId } from '../../kit/ids.ts'
import type { ConnectorRow, ConnectorsRepository } from '../../store/connectors.ts'
import { joinTokenHash, newJoinToken, readJoinToken } from '../join-token.ts'
import { LIMITS } from '../limits.ts'
import type { Authority, Holder, Issued } from './authority.ts'
import type { Journal } from './journal.ts'

export interface MembersParts {
  readonly connectors: ConnectorsRepository
  readonly authority: Authority
  readonly clock: Clock
  readonly journal: Journal
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

  /** Makes a connector of whoever holds an unused token. Throws `tunnel.token`; each refusal is on record, a second use above all. */
  async join(text: string, key: KeyObject, { from, version }: { from: string; version: string }): Promise<Joined> {
    const { connectors, authority, clock, journal, certificate_ms } = this.#parts
    const now_ms = clock.now_ms()
    const token = readJoinToken(text)
    const row = await connectors.token(joinTokenHash(token.text))
    const refused = (why: string): never => {
      journal.write('join-refused', { ...(row && { name: row.name, invitation: row.id }), from, why })
      throw new SluiceError('tunnel.token', why)
    }
    if (!row) return refused('unknown')
    if (row.used_ms !== null) return refused(`used before, from ${row.used_from}, by ${row.connector}`)
    if (row.expires_ms <= now_ms) return refused('expired or withdrawn')
    await this.#room(row.name)
    const id = newId('con', now_ms)
    const issued = authority.issue({ name: row.name, id }, key, { now_ms, lasts_ms: certificate_ms })
    // On record before it is so: a connector nobody can find in the ledger must not exist.
    journal.write('join', {
      id,
      name: row.name,
      invitation: row.id,
      invitedBy: row.created_by,
      from,
      serial: issued.serial,
    })
    const member: ConnectorRow = {
      id,
      name: row.name,
      serial: issued.serial,
      previous_serial: null,
      joined_ms: now_ms,
      joined_from: from,
      joined_by: row.created_by,
      expires_ms: issued.expires_ms,
      version,
      seen_ms: now_ms,
      seen_from: from,
      revoked_ms: null,
      revoked_by: null,
    }
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

  async #room(name: string): Promise<void> {
    const { ofName, all } = await this.#parts.connectors.count(name)
    if (ofName >= LIMITS.membersPerName || all >= LIMITS.members)
      throw new SluiceError(
        'tunnel.invalid',
        `there are ${ofName} connectors of this name already; revoke those that are gone`,
      )
  }
}

/** OpenSSL prints no leading zeros. */
function sameSerial(one: string, other: string | null): boolean {
  return other !== null && one.replace(/^0+/, '') === other.replace(/^0+/, '')
}
