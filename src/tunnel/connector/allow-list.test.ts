import { describe, expect, test } from 'vitest'
import { plainAddress } from '../../kit/addresses.ts'
import { allowListOf } from './allow-list.ts'
import { pinTarget } from './target.ts'

describe('what the list names may be reached, and nothing else (G25)', () => {
  const list = allowListOf([
    'db.internal:5432',
    '*.shop.internal:5432-5439',
    '10.0.3.0/24:5432',
    '192.0.2.7:*',
    '[fd12:3456::]/32:5432',
    '[2001:db8::7]:22',
  ])
  test.each([
    ['db.internal:5432', true],
    ['DB.Internal.:5432', true],
    ['db.internal:5433', false],
    ['xdb.internal:5432', false],
    ['db.internal.evil.example:5432', false],
    ['a.shop.internal:5432', true],
    ['a.b.shop.internal:5439', true],
    ['a.shop.internal:5440', false],
    ['shop.internal:5432', false],
    ['.shop.internal:5432', false],
    ['evilshop.internal:5432', false],
    ['10.0.3.255:5432', true],
    ['10.0.4.0:5432', false],
    ['10.0.3.7:22', false],
    ['192.0.2.7:1', true],
    ['192.0.2.7:65535', true],
    ['192.0.2.8:1', false],
    ['[fd12:3456:789a::1]:5432', true],
    ['[fd12:3457::1]:5432', false],
    ['[2001:db8::7]:22', true],
    ['[2001:0db8:0:0:0:0:0:7]:22', true],
    ['[2001:db8::8]:22', false],
    // The same address, written otherwise.
    ['[::ffff:10.0.3.9]:5432', true],
    ['[::ffff:0a00:0309]:5432', true],
    ['[::ffff:10.0.4.9]:5432', false],
    // Spellings that a resolver would take for an address, and that are none here.
    ['167772937:5432', false],
    ['0xa000309:5432', false],
    ['10.0.777:5432', false],
    ['0012.0.3.9:5432', false],
  ])('%s: %s', async (authority, may) => {
    const pinned = await pinTarget(authority, list, async () => ['10.0.9.9'])
    expect('addresses' in pinned).toBe(may)
    if (!may) expect(pinned).toEqual({ refused: 'not-allowed' })
  })

  test.each([
    'db.internal',
    'db.internal:',
    'db.internal:0',
    'db.internal:65536',
    'db.internal:5432/path',
    'user@db.internal:5432',
    'db.internal:5432\r\nHost: x',
    'db internal:5432',
    ':5432',
    '',
    '[::1:5432',
    '[fe80::1%eth0]:5432',
    `${'a'.repeat(254)}:5432`,
  ])('no authority of a target: %j', async (authority) => {
    expect(await pinTarget(authority, list, async () => ['10.0.9.9'])).toEqual({ refused: 'not-understood' })
  })
})

describe('a name leads where its owner says, within bounds, and is asked for once (G25)', () => {
  const list = allowListOf(['db.internal:5432', 'localhost:5432', 'own.internal:5432', '127.0.0.9:5432'])
  const pin = (authority: string, found: readonly string[]) => pinTarget(authority, list, async () => found)
  test.each([
    '127.0.0.1',
    '127.1.2.3',
    '0.0.0.0',
    '169.254.169.254',
    '192.0.0.192',
    '224.0.0.1',
    '255.255.255.255',
    '::1',
    '::',
    'fe80::1',
    'ff02::1',
    'fd00:ec2::254',
    '::ffff:127.0.0.1',
    '::ffff:169.254.169.254',
    '64:ff9b::a9fe:a9fe',
    '64:ff9b::7f00:1',
    '2002:7f00:1::',
    '2002:a9fe:a9fe::1',
    '::7f00:1',
    '100.100.100.200',
    '168.63.129.16',
    '::ffff:0:169.254.169.254',
    '2001:0:a9fe:a9fe::1',
    '2001:0:1:2:3:4:5601:5601',
    'fec0::1',
    'fd12::5efe:169.254.169.254',
    '198.18.0.1',
  ])('a permitted name that leads to %s is refused', async (address) => {
    expect(await pin('db.internal:5432', [address])).toEqual({ refused: 'not-allowed' })
  })

  test('of several addresses the special ones are left out; the others are dialled as they are', async () => {
    expect(await pin('db.internal:5432', ['169.254.169.254', '10.1.1.1', 'fd12::1'])).toEqual({
      addresses: ['10.1.1.1', 'fd12::1'],
      port: 5432,
    })
  })

  test('a special address that is named may be reached: localhost by its name, others as addresses', async () => {
    expect(await pin('localhost:5432', ['::1', '127.0.0.1', '10.1.1.1'])).toEqual({
      addresses: ['::1', '127.0.0.1', '10.1.1.1'],
      port: 5432,
    })
    expect(await pin('own.internal:5432', ['127.0.0.9'])).toEqual({ addresses: ['127.0.0.9'], port: 5432 })
    expect(await pin('own.internal:5432', ['127.0.0.1'])).toEqual({ refused: 'not-allowed' })
  })

  test.each([
    ['0.0.0.0/1:80', ['0.1.2.3', '10.0.0.1'], ['127.0.0.1', '100.100.100.200', '169.254.169.254']],
    [
      '128.0.0.0/1:80',
      ['172.16.0.1', '168.63.129.17'],
      ['168.63.129.16', '169.254.169.254', '169.254.1.1', '224.0.0.1'],
    ],
    ['169.254.0.0/16:80', ['169.254.1.1'], ['169.254.169.254', '169.254.170.2']],
    ['100.64.0.0/10:80', ['100.64.0.1'], ['100.100.100.200']],
    ['[fc00::]/7:80', ['fd12::1'], ['fd00:ec2::254', 'fd12::5efe:169.254.169.254']],
    ['[fd00::]/32:80', ['fd00::1'], ['fd00::5efe:169.254.169.254']],
    ['[fd00:ec2::]/32:80', [], ['fd00:ec2::254']],
    ['[64:ff9b::]/96:80', ['64:ff9b::a00:1'], ['64:ff9b::a9fe:a9fe', '64:ff9b::7f00:1']],
    ['169.254.169.254:80', ['169.254.169.254', '::ffff:169.254.169.254'], []],
    ['169.254.169.254/32:80', ['169.254.169.254'], []],
    ['[fd00:ec2::254]/128:80', ['fd00:ec2::254'], []],
  ])('%s means %j, and not %j: metadata is named alone, other special addresses among their own', (entry, may, not) => {
    const own = allowListOf([entry])
    for (const [addresses, allowed] of [
      [may, true],
      [not, false],
    ] as const)
      for (const address of addresses)
        expect([address, own.allowsAddress(plainAddress(address)!, 80)]).toEqual([address, allowed])
  })

  test('the name is resolved once: a second answer (rebinding) is never asked for', async () => {
    const answers = [['10.1.1.1'], ['169.254.169.254']]
    const pinned = await pinTarget('db.internal:5432', list, async () => answers.shift()!)
    expect(pinned).toEqual({ addresses: ['10.1.1.1'], port: 5432 })
    expect(answers).toHaveLength(1)
  })

  test('a name that is not on the list is not even asked for: names carry data out', async () => {
    let asked = 0
    await pinTarget('secret-data.evil.example:5432', list, async () => [String(asked++)])
    await pinTarget('10.0.0.1:5432', list, async () => [String(asked++)])
    expect(asked).toBe(0)
  })

  test('a name that leads nowhere says so', async () => {
    expect(await pin('db.internal:5432', [])).toEqual({ refused: 'no-such-name' })
    const failing = pinTarget('db.internal:5432', list, () => Promise.reject(new Error('ENOTFOUND')))
    expect(await failing).toEqual({ refused: 'no-such-name' })
  })
})

test.each([
  'db.internal',
  'db.internal:0',
  'db.internal:70000',
  'db.internal:10-5',
  '*:5432',
  'db.*:5432',
  '10.0.0.0/0:5432',
  '10.0.0.0/33:5432',
  '10.0.0.0/8/8:5432',
  '[fd12::]/129:5432',
  '10.0.0:5432',
  '10:5432',
  'fd12::1:5432',
  'http://db.internal:5432',
  'db_internal!:5432',
  '',
])('an entry that cannot be meant is refused when it is read: %j', (entry) => {
  expect(() => allowListOf([entry])).toThrow(expect.objectContaining({ code: 'config.invalid' }))
})

test('an empty list allows nothing', async () => {
  expect(await pinTarget('10.0.0.1:5432', allowListOf([]))).toEqual({ refused: 'not-allowed' })
})
