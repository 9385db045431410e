/** Where an address of the Internet lies: one table for what forwards and connectors may lead to (RFC 6890 and the clouds' own). */
export type AddressKind = 'metadata' | 'loopback' | 'link-local' | 'special' | 'private' | 'public'

const DECIMAL = /^(?:0|[1-9]\d{0,2})$/
const GROUP = /^[0-9a-f]{1,4}$/i

type Kinds = readonly (readonly [AddressKind, readonly string[]])[]

/** The first that fits holds. Clouds keep the machine's own credentials at addresses of their own, not all of them link-local. */
const KINDS: Kinds = [
  [
    'metadata',
    [
      // Nearly all; AWS's containers and pods; Tencent, Scaleway.
      ...['169.254.169.254/32', '169.254.170.2/32', '169.254.170.23/32', '169.254.0.23/32', '169.254.42.42/32'],
      // Alibaba, Oracle, Azure.
      ...['100.100.100.200/32', '192.0.0.192/32', '168.63.129.16/32'],
      // AWS, Google, Scaleway by IPv6.
      ...['fd00:ec2::/32', 'fd20:ce::/32', 'fd00:42::42/128'],
    ],
  ],
  ['loopback', ['127.0.0.0/8', '::1/128']],
  ['link-local', ['169.254.0.0/16', 'fe80::/10']],
  [
    'special',
    [
      ...[
        '0.0.0.0/8',
        '192.0.0.0/24',
        '192.0.2.0/24',
        '198.18.0.0/15',
        '198.51.100.0/24',
        '203.0.113.0/24',
        '224.0.0.0/3',
      ],
      // Unspecified and IPv4-compatible, SIIT, discard, NAT64 (both), Teredo and what else is no host's, documentation, 6to4, site-local, multicast.
      ...[
        '::/96',
        '::ffff:0:0:0/96',
        '100::/64',
        '64:ff9b::/96',
        '64:ff9b:1::/48',
        '2001::/23',
        '2001:db8::/32',
        '3fff::/20',
      ],
      ...['2002::/16', 'fec0::/10', 'ff00::/8'],
    ],
  ],
  ['private', ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', 'fc00::/7']],
]

interface Subnet {
  readonly words: readonly number[]
  readonly bits: number
}

const TABLE = KINDS.map(([kind, subnets]) => [kind, subnets.map(readSubnet)] as const)

/** In the order of how bad it is to be led there; `public` is no kind to be afraid of. */
const WORST: readonly AddressKind[] = ['metadata', 'link-local', 'loopback', 'special', 'private', 'public']

/** Where an address lies; undefined for what is no address. One that carries an IPv4 address inside lies where the worse of both does. */
export function kindOfAddress(text: string): AddressKind | undefined {
  const words = wordsOf(text)
  if (!words) return undefined
  const own = kindOf(words)
  const inside = hiddenIn(words).map(kindOf)
  return WORST[Math.min(...[own, ...inside].map((kind) => WORST.indexOf(kind)))]!
}

/** The address in the form it is compared in: an IPv4 address as such, also where IPv6 maps it. Undefined for what is no address. */
export function plainAddress(text: string): string | undefined {
  const words = wordsOf(text)
  if (!words) return undefined
  return words.length === 2 ? quad(words) : text.toLowerCase()
}

function kindOf(words: readonly number[]): AddressKind {
  for (const [kind, subnets] of TABLE) if (subnets.some((subnet) => within(words, subnet))) return kind
  return 'public'
}

/**
 * IPv4 addresses an IPv6 one carries: IPv4-compatible (RFC 4291), SIIT (RFC 2765), NAT64 (RFC 6052, RFC 8215), 6to4 (RFC 3056), Teredo's server
 * and, inverted, its client (RFC 4380), ISATAP (RFC 5214). A mapped one is no other than itself, and has been read as such.
 */
function hiddenIn(words: readonly number[]): number[][] {
  if (words.length !== 8) return []
  const [a, b, c, d, e, f, g, h] = words as [number, number, number, number, number, number, number, number]
  const found: number[][] = []
  if (!(a | b | c | d) && ((e === 0 && f === 0 && g !== 0) || (e === 0xffff && f === 0))) found.push([g, h])
  if (a === 0x64 && b === 0xff9b) found.push([g, h])
  if (a === 0x2002) found.push([b, c])
  if (a === 0x2001 && b === 0) found.push([c, d], [g ^ 0xffff, h ^ 0xffff])
  if ((e & 0xfdff) === 0 && f === 0x5efe) found.push([g, h])
  return found
}

function within(words: readonly number[], { words: base, bits }: Subnet): boolean {
  if (words.length !== base.length) return false
  for (let i = 0, left = bits; left > 0; i++, left -= 16) {
    const mask = left >= 16 ? 0xffff : (0xffff << (16 - left)) & 0xffff
    if ((words[i]! & mask) !== (base[i]! & mask)) return false
  }
  return true
}

function readSubnet(text: string): Subnet {
  const [address = '', bits = ''] = text.split('/')
  return { words: wordsOf(address)!, bits: Number(bits) }
}

/** Two groups of 16 bits for an IPv4 address, also a mapped one; eight for any other IPv6 address (RFC 4291 §2.2). Undefined for what is none. */
function wordsOf(text: string): number[] | undefined {
  const four = fourOf(text)
  if (four) return four
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const [before, after] = halves.map((half, i) => groupsOf(half, i === halves.length - 1))
  if (!before || (halves.length === 2 && !after)) return undefined
  const missing = 8 - before.length - (after?.length ?? 0)
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined
  const words = [...before, ...Array<number>(halves.length === 1 ? 0 : missing).fill(0), ...(after ?? [])]
  const mapped = words.slice(0, 5).every((word) => word === 0) && words[5] === 0xffff
  return mapped ? words.slice(6) : words
}

/** Groups between colons; the last of an address may be a dotted quad. */
function groupsOf(half: string, last: boolean): number[] | undefined {
  if (half === '') return []
  const groups: number[] = []
  const parts = half.split(':')
  for (const [i, part] of parts.entries()) {
    const four = last && i === parts.length - 1 ? fourOf(part) : undefined
    if (four) groups.push(...four)
    else if (GROUP.test(part)) groups.push(Number.parseInt(part, 16))
    else return undefined
  }
  return groups
}

function fourOf(text: string): number[] | undefined {
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every((part) => DECIMAL.test(part) && Number(part) < 256)) return undefined
  const [a, b, c, d] = parts.map(Number) as [number, number, number, number]
  return [a * 256 + b, c * 256 + d]
}

function quad([high = 0, low = 0]: readonly number[]): string {
  return [high >> 8, high & 255, low >> 8, low & 255].join('.')
}
