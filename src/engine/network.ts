import { lookup } from 'node:dns/promises'
import { BlockList, isIP } from 'node:net'
import type { Network } from '../model/facts.ts'
import type { Located } from '../protocols/contract.ts'
import { LIMITS } from './limits.ts'

const NETWORKS: readonly (readonly [Network, readonly string[]])[] = [
  // Cloud metadata: AWS, GCP, Azure, Oracle, DigitalOcean, OpenStack; AWS over IPv6; Alibaba; Oracle's second; AWS container credentials.
  [
    'metadata',
    [
      '169.254.169.254/32',
      'fd00:ec2::254/128',
      '100.100.100.200/32',
      '192.0.0.192/32',
      '169.254.170.2/32',
      '169.254.170.23/32',
      'fd00:ec2::23/128',
      '168.63.129.16/32',
    ],
  ],
  ['loopback', ['127.0.0.0/8', '::1/128']],
  ['link-local', ['169.254.0.0/16', 'fe80::/10']],
  ['private', ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', 'fc00::/7', 'fec0::/10']],
  [
    'special',
    [
      '0.0.0.0/8',
      '::/128',
      '192.0.0.0/24',
      '192.0.2.0/24',
      '198.18.0.0/15',
      '198.51.100.0/24',
      '203.0.113.0/24',
      '224.0.0.0/3',
      'ff00::/8',
      '2001:db8::/32',
      '100::/64',
      '64:ff9b::/96',
      '64:ff9b:1::/48',
      '2002::/16',
      '2001::/32',
    ],
  ],
]

const LISTS = NETWORKS.map(([network, subnets]) => {
  const list = new BlockList()
  for (const subnet of subnets) {
    const [address = '', bits = ''] = subnet.split('/')
    list.addSubnet(address, Number(bits), isIP(address) === 4 ? 'ipv4' : 'ipv6')
  }
  return [network, list] as const
})

/** Where an address lies; undefined for what is no address. An IPv4 address inside an IPv6 one (`::ffff:169.254.169.254`) is what it stands for. */
export function networkOf(text: string): Network | undefined {
  const address = text.replace(/%.*$/, '')
  const version = isIP(address)
  if (version === 0) return undefined
  const family = version === 4 ? 'ipv4' : 'ipv6'
  for (const [network, list] of LISTS) if (list.check(address, family)) return network
  return 'public'
}

/** The addresses of a name as the gateway's resolver has them, and where they lie; none when it does not know the name. Never rejects. */
export async function locate(host: string): Promise<Located[]> {
  const network = networkOf(host)
  if (network) return [{ address: host, network }]
  if (host.length > 255 || !/^[A-Za-z0-9._-]+$/.test(host)) return []
  const late = new Promise<[]>((resolve) => setTimeout(resolve, LIMITS.resolve_ms, []).unref())
  const found = await Promise.race([lookup(host, { all: true, verbatim: true }).catch(() => []), late])
  return found
    .slice(0, LIMITS.addresses)
    .map(({ address }) => ({ address, network: networkOf(address) ?? 'unresolved' }))
}
