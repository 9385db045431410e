import { lookup } from 'node:dns/promises'
import { kindOfAddress, plainAddress } from '../kit/addresses.ts'
import type { Located } from '../protocols/contract.ts'
import { LIMITS } from './limits.ts'

/** The addresses of a name as the gateway's resolver has them, and where they lie; none when it does not know the name. Never rejects. */
export async function locate(host: string): Promise<Located[]> {
  const network = kindOfAddress(host)
  if (network) return [{ address: plainAddress(host)!, network }]
  if (host.length > 255 || !/^[A-Za-z0-9._-]+$/.test(host)) return []
  const late = new Promise<[]>((resolve) => setTimeout(resolve, LIMITS.resolve_ms, []).unref())
  const found = await Promise.race([lookup(host, { all: true, verbatim: true }).catch(() => []), late])
  return found
    .slice(0, LIMITS.addresses)
    .map(({ address }) => ({ address, network: kindOfAddress(address) ?? 'special' }))
}
