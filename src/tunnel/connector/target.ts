import { lookup as systemLookup } from 'node:dns/promises'
import { plainAddress } from '../../kit/addresses.ts'
import type { RefusalWord } from '../wire.ts'
import type { AllowList } from './allow-list.ts'

/** Where a gateway's wish leads: addresses that were checked, to be dialled as such. */
export type Pinned =
  | { readonly addresses: readonly string[]; readonly port: number }
  | { readonly refused: RefusalWord }

export type Lookup = (name: string) => Promise<readonly string[]>

const AUTHORITY = /^(?:\[([0-9a-fA-F:.]{2,45})\]|([A-Za-z0-9._-]{1,253})):([0-9]{1,5})$/

/**
 * Checks a CONNECT request's authority against the list, resolves a name once, and checks every address it led to. What comes out is dialled by
 * address: the name is not asked for again, so it cannot lead elsewhere in between.
 */
export async function pinTarget(authority: string, list: AllowList, lookup: Lookup = resolve): Promise<Pinned> {
  const match = AUTHORITY.exec(authority)
  const port = Number(match?.[3])
  if (!match || port < 1 || port > 65_535) return { refused: 'not-understood' }
  const host = (match[1] ?? match[2]!).toLowerCase().replace(/\.$/, '')
  const address = plainAddress(host)
  if (address !== undefined) {
    return list.allowsAddress(address, port) ? { addresses: [address], port } : { refused: 'not-allowed' }
  }
  // Numbers that are no address in plain form (127.1, 0x7f000001) are names here, and no entry names them.
  if (match[1] !== undefined || !list.allowsName(host, port)) return { refused: 'not-allowed' }
  let found: readonly string[]
  try {
    found = await lookup(host)
  } catch {
    return { refused: 'no-such-name' }
  }
  const plain = found.flatMap((each) => plainAddress(each) ?? [])
  if (plain.length === 0) return { refused: 'no-such-name' }
  const addresses = plain.filter((each) => list.allowsResolved(host, each, port))
  return addresses.length > 0 ? { addresses, port } : { refused: 'not-allowed' }
}

/** The machine's own way of resolving names, its hosts file included, in the order it prefers. */
async function resolve(name: string): Promise<readonly string[]> {
  return (await systemLookup(name, { all: true, verbatim: true })).map(({ address }) => address)
}
