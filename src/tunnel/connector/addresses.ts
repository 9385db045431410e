import { BlockList, isIP } from 'node:net'

/**
 * Addresses a name may not lead to unless the allow-list has them as addresses: the connector's own machine, its link (cloud metadata), and
 * what is no single host. A name's owner decides where it leads, and need not be its user's friend (RFC 6890).
 */
const SPECIAL = new BlockList()
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['192.0.0.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const)
  SPECIAL.addSubnet(network, prefix, 'ipv4')
for (const [network, prefix] of [
  ['::', 128],
  ['::1', 128],
  ['fe80::', 10],
  ['ff00::', 8],
  // The cloud's metadata service by IPv6.
  ['fd00:ec2::', 32],
] as const)
  SPECIAL.addSubnet(network, prefix, 'ipv6')

/** Prefixes under which an IPv4 address hides in an IPv6 one: mapped (RFC 4291), NAT64 (RFC 6052), 6to4 (RFC 3056). */
export function isSpecial(address: string): boolean {
  const hidden = hiddenIPv4(address)
  return SPECIAL.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4') || (hidden !== undefined && isSpecial(hidden))
}

/** The address in the form it is compared in: an IPv4 address as such, however it was written. Undefined for what is no address. */
export function plainAddress(text: string): string | undefined {
  if (isIP(text) === 4) return text
  if (isIP(text) !== 6 || text.includes('%')) return undefined
  const words = wordsOf(text)
  if (words.slice(0, 5).every((word) => word === 0) && words[5] === 0xffff) return quad(words[6]!, words[7]!)
  return text.toLowerCase()
}

function hiddenIPv4(address: string): string | undefined {
  if (isIP(address) !== 6) return undefined
  const words = wordsOf(address)
  const zeros = (from: number, to: number) => words.slice(from, to).every((word) => word === 0)
  if (zeros(0, 5) && (words[5] === 0xffff || (words[5] === 0 && words[6] !== 0))) return quad(words[6]!, words[7]!)
  if (words[0] === 0x64 && words[1] === 0xff9b) return quad(words[6]!, words[7]!)
  return words[0] === 0x2002 ? quad(words[1]!, words[2]!) : undefined
}

/** The eight 16-bit groups of an IPv6 address (RFC 4291 §2.2). */
function wordsOf(address: string): number[] {
  const dotted = /(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address)
  const text = dotted
    ? address.slice(0, dotted.index) +
      [0, 2].map((i) => (Number(dotted[i + 1]) * 256 + Number(dotted[i + 2])).toString(16)).join(':')
    : address
  const [head = '', tail] = text.split('::')
  const groups = (part: string) => (part === '' ? [] : part.split(':').map((word) => Number.parseInt(word, 16)))
  const before = groups(head)
  if (tail === undefined) return before
  const after = groups(tail)
  return [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after]
}

function quad(high: number, low: number): string {
  return [high >> 8, high & 255, low >> 8, low & 255].join('.')
}
