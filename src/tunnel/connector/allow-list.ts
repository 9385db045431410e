import { BlockList, isIP } from 'node:net'
import { type AddressKind, kindOfAddress, plainAddress } from '../../kit/addresses.ts'
import { SluiceError } from '../../kit/errors.ts'
import { LIMITS } from '../limits.ts'

/** One line of the list: where to, and on which ports. */
interface Entry {
  readonly where: (host: string) => boolean
  /** Of an entry that names addresses: the one address, or where its network begins. */
  readonly address?: { readonly kind: AddressKind; readonly alone: boolean }
  readonly first: number
  readonly last: number
}

/** What a connector may reach. Nothing that no entry names; an empty list is nothing at all. */
export interface AllowList {
  readonly size: number
  /** A host name that may be resolved for this port. */
  allowsName(name: string, port: number): boolean
  /** An address in plain form that an entry names as an address. */
  allowsAddress(address: string, port: number): boolean
  /** An address that a permitted name led to: any but the special ones, and those where an entry names them. */
  allowsResolved(name: string, address: string, port: number): boolean
}

const LINE = /^(?:\[([^\]]+)\](\/\d{1,3})?|([^\s:]+)):(\d{1,5}|\*)(?:-(\d{1,5}))?$/
const HOST_NAME = /^(\*\.)?([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/

/**
 * What a name may lead to although no entry has it as an address. A name's owner decides where it leads, and need not be its user's friend:
 * not to the connector's own machine, its link, its cloud's metadata, nor to what is no single host.
 */
const ORDINARY: ReadonlySet<AddressKind | undefined> = new Set<AddressKind | undefined>(['private', 'public'])

/** A broad network does not mean the special addresses that lie in it: an entry names those alone, or lies among them itself. */
function means({ address }: Entry, kind: AddressKind | undefined): boolean {
  return address !== undefined && (address.alone || (kind !== 'metadata' && address.kind === kind))
}

/**
 * Reads entries `HOST:PORT`: a host is a name, `*.` and a domain, an address, or a network (`10.0.3.0/24`, `[fd12::]/64`); a port is a number,
 * a range `5432-5439`, or `*`. Throws `config.invalid` naming the entry.
 */
export function allowListOf(entries: readonly string[]): AllowList {
  if (entries.length > LIMITS.allowed)
    throw new SluiceError('config.invalid', `an allow-list has at most ${LIMITS.allowed} entries`)
  const names: Entry[] = []
  const addresses: Entry[] = []
  for (const entry of entries) readEntry(entry, names, addresses)
  const some = (list: readonly Entry[], host: string, port: number) =>
    list.filter((entry) => port >= entry.first && port <= entry.last && entry.where(host))
  const allowsAddress = (address: string, port: number) => {
    const kind = kindOfAddress(address)
    return some(addresses, address, port).some((entry) => ORDINARY.has(kind) || means(entry, kind))
  }
  return {
    size: entries.length,
    allowsName: (name, port) => some(names, name, port).length > 0,
    allowsAddress,
    allowsResolved: (name, address, port) =>
      allowsAddress(address, port) ||
      ORDINARY.has(kindOfAddress(address)) ||
      (name === 'localhost' && /^(127\.|::1$)/.test(address)),
  }
}

function readEntry(entry: string, names: Entry[], addresses: Entry[]): void {
  const match = LINE.exec(entry)
  const wrong = (why: string) => new SluiceError('config.invalid', `the allow-list’s entry "${entry}" ${why}`)
  if (!match) throw wrong('is not HOST:PORT, like db.internal:5432 or 10.0.3.0/24:5432')
  const [, bracketed, suffix = '', plain, from, to = from] = match
  const [first, last] = from === '*' ? [1, 65_535] : [Number(from), Number(to)]
  if (!(first! >= 1 && last! <= 65_535 && first! <= last!)) throw wrong('has no port from 1 to 65535')
  const host = (bracketed === undefined ? plain! : bracketed + suffix).toLowerCase().replace(/\.$/, '')
  const network = networkOf(host)
  const [base = '', length] = host.split('/')
  const alone = length === undefined || Number(length) === (isIP(plainAddress(base) ?? '') === 4 ? 32 : 128)
  if (network)
    addresses.push({ where: network, first: first!, last: last!, address: { kind: kindOfAddress(base)!, alone } })
  else if (HOST_NAME.test(host) && !/(^|\.)\d+$/.test(host))
    names.push({ where: nameTest(host), first: first!, last: last! })
  else throw wrong('names neither a host, nor an address, nor a network')
}

/** Undefined for a name. A network's `/0` is refused: everything is not a list. */
function networkOf(host: string): ((address: string) => boolean) | undefined {
  const [base = '', length, more] = host.split('/')
  const address = plainAddress(base)
  if (address === undefined || more !== undefined) return undefined
  if (length === undefined) return (other) => same(other, address)
  const prefix = Number(length)
  const family = isIP(address) === 4 ? 'ipv4' : 'ipv6'
  if (!/^\d+$/.test(length) || prefix < 1 || prefix > (family === 'ipv4' ? 32 : 128)) return undefined
  const network = new BlockList()
  network.addSubnet(address, prefix, family)
  return (other) => (isIP(other) === 4 ? 'ipv4' : 'ipv6') === family && network.check(other, family)
}

/** IPv6 addresses have many spellings; the block list knows them all. */
function same(one: string, other: string): boolean {
  if (one === other) return true
  if (isIP(one) !== 6 || isIP(other) !== 6) return false
  const network = new BlockList()
  network.addAddress(other, 'ipv6')
  return network.check(one, 'ipv6')
}

function nameTest(pattern: string): (name: string) => boolean {
  if (!pattern.startsWith('*.')) return (name) => name === pattern
  const domain = pattern.slice(1)
  return (name) => name.endsWith(domain) && name.length > domain.length
}
