import { isIP } from 'node:net'
import { expect, test } from 'vitest'
import { kindOfAddress, plainAddress } from './addresses.ts'

test.each([
  ...[
    '169.254.169.254',
    '::ffff:169.254.169.254',
    '::ffff:a9fe:a9fe',
    '0:0:0:0:0:FFFF:169.254.169.254',
    '::169.254.169.254',
  ],
  ...[
    '::a9fe:a9fe',
    '::ffff:0:169.254.169.254',
    '64:ff9b::169.254.169.254',
    '64:ff9b:1::a9fe:a9fe',
    '2002:a9fe:a9fe::1',
  ],
  // Teredo: as its server, and inverted as its client; ISATAP in any network.
  ...['2001:0:a9fe:a9fe::1', '2001:0:1:2:3:4:5601:5601', 'fd12::5efe:a9fe:a9fe', 'fd12::200:5efe:169.254.169.254'],
  ...[
    '100.100.100.200',
    '168.63.129.16',
    '192.0.0.192',
    '169.254.170.2',
    'fd00:ec2::254',
    'FD00:0EC2::23',
    'fd20:ce::254',
  ],
])('D7 G25: %s is where a machine’s own credentials are', (address) => {
  expect(kindOfAddress(address)).toBe('metadata')
})

test.each([
  ['127.0.0.1', 'loopback'],
  ['::1', 'loopback'],
  ['::7f00:1', 'loopback'],
  ['2002:7f00:1::', 'loopback'],
  ['169.254.1.1', 'link-local'],
  ['fe80::1', 'link-local'],
  ['febf::1', 'link-local'],
  ['fec0::1', 'special'],
  ['::', 'special'],
  ['0.1.2.3', 'special'],
  ['::8.8.8.8', 'special'],
  ['::ffff:0:8.8.8.8', 'special'],
  ['64:ff9b::808:808', 'special'],
  ['2001:db8::1', 'special'],
  ['255.255.255.255', 'special'],
  ['ff02::1', 'special'],
  ['2001:0:808:808::1', 'special'],
  ['10.0.0.1', 'private'],
  ['::ffff:10.0.0.1', 'private'],
  ['172.31.255.255', 'private'],
  ['100.64.0.1', 'private'],
  ['fd12::1', 'private'],
  ['172.32.0.1', 'public'],
  ['8.8.8.8', 'public'],
  ['2606:4700::1111', 'public'],
  ['2001:4860:4860::8888', 'public'],
] as const)('%s is %s', (address, kind) => {
  expect(kindOfAddress(address)).toBe(kind)
})

test('what is no address for node is none here, and the other way round', () => {
  const pieces = [
    '',
    '0',
    '00',
    '1',
    '01',
    '256',
    '255',
    'ffff',
    '10000',
    'g',
    '::',
    ':',
    ':::',
    '.',
    '1.2.3.4',
    '1.2.3',
    '0x1',
    '%eth0',
    ' ',
    '-1',
    '1e3',
  ]
  let seed = 7
  const random = (below: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
    return Math.floor((seed / 2_147_483_648) * below)
  }
  const wellFormed = () => Array.from({ length: 8 }, () => random(65_536).toString(16)).join(':')
  let addresses = 0
  for (let i = 0; i < 30_000; i++) {
    const parts = Array.from({ length: 1 + random(9) }, () => pieces[random(pieces.length)])
    const text =
      i % 3 === 0
        ? wellFormed().replace(/(:[0-9a-f]+){1,5}/, random(2) ? ':' : '$&')
        : parts.join(i % 3 === 1 ? ':' : '.')
    // A zone names a link of this machine, and is nobody's business here.
    const address = isIP(text) > 0 && !text.includes('%')
    if (address) addresses++
    expect([text, kindOfAddress(text) !== undefined]).toEqual([text, address])
  }
  expect(addresses).toBeGreaterThan(1_000)
})

test('an address is compared in one form', () => {
  expect(['::FFFF:10.0.3.9', '::ffff:a00:309', '10.0.3.9'].map(plainAddress)).toEqual([
    '10.0.3.9',
    '10.0.3.9',
    '10.0.3.9',
  ])
  expect(['FD12::1', 'x', '10.0.3', 'fe80::1%eth0'].map(plainAddress)).toEqual([
    'fd12::1',
    undefined,
    undefined,
    undefined,
  ])
})
