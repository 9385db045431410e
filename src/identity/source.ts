import { isIP } from 'node:net'

/**
 * Whose requests count together: an address of IPv4; of IPv6 the /64 it lies in, which is what one customer has at least and picks from at will.
 * What is no address stands for itself.
 */
export function sourceOf(from: string): string {
  const bare = from.replace(/%.*$/, '')
  if (isIP(bare) !== 6) return bare
  const groups = groupsOf(bare)
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff)
    return [groups[6]! >> 8, groups[6]! & 255, groups[7]! >> 8, groups[7]! & 255].join('.')
  return `${groups
    .slice(0, 4)
    .map((group) => group.toString(16))
    .join(':')}::/64`
}

/** The eight groups of an address of IPv6 (RFC 4291 §2.2), of whatever spelling. */
function groupsOf(address: string): number[] {
  // WHATWG URLs write an embedded address of IPv4 as two groups, and zeroes shortened once.
  const [head = '', tail] = new URL(`http://[${address}]/`).hostname.slice(1, -1).split('::')
  const read = (part: string) => (part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16)))
  const [before, after] = [read(head), read(tail ?? '')]
  return [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after]
}
