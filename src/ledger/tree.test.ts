import { hash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { tilePath } from './layout.ts'
import { EMPTY_ROOT, Frontier, type Hash, leafHashInPlace, nodeHash } from './tree.ts'

const hex = (value: Hash): string => Buffer.from(value, 'latin1').toString('hex')

function leaf(text: string | Buffer): Hash {
  const bytes = Buffer.concat([Buffer.of(9), Buffer.from(text)])
  return leafHashInPlace(bytes, 1, bytes.length)
}

/** RFC 6962 §2.1, word for word: the tree splits at the largest power of two below n. */
function mth(leaves: readonly Hash[]): Hash {
  if (leaves.length === 0) return hash('sha256', '', 'binary')
  if (leaves.length === 1) return leaves[0]!
  let k = 1
  while (k * 2 < leaves.length) k *= 2
  return nodeHash(mth(leaves.slice(0, k)), mth(leaves.slice(k)))
}

describe('the tree is the one of RFC 6962', () => {
  // The inputs and roots that Certificate Transparency's own implementations are tested with.
  const inputs = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f']
  const roots = [
    '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
    'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
    'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
    'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
    '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
    'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
    '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
  ]
  test.each(roots.map((root, i) => [i + 1, root] as const))('of %i leaves', (size, root) => {
    const tree = new Frontier()
    for (const input of inputs.slice(0, size)) tree.add(leaf(Buffer.from(input, 'hex')))
    expect(hex(tree.root())).toBe(root)
  })

  test('of none', () => {
    expect(new Frontier().root()).toBe(EMPTY_ROOT)
  })

  test('of every size to 600, and from its tiles', () => {
    const leaves: Hash[] = []
    const tiles = new Map<string, Hash>()
    const tree = new Frontier((level, index, value) => tiles.set(`${level}/${index}`, value))
    for (let size = 1; size <= 600; size++) {
      leaves.push(leaf(`entry ${size}`))
      tree.add(leaves.at(-1)!)
      expect(tree.root()).toBe(mth(leaves))
    }
    expect(tiles.get('1/1')).toBe(mth(leaves.slice(256, 512)))
    const again = new Frontier()
    for (let i = 0; i < 2; i++) again.addSubtree(tiles.get(`1/${i}`)!, 1)
    for (let i = 512; i < 600; i++) again.add(tiles.get(`0/${i}`)!)
    expect(again.root()).toBe(tree.root())
  })
})

test.each([
  [0, 5, 256, 'tile/0/005'],
  [1, 1234067, 256, 'tile/1/x001/x234/067'],
  [2, 0, 17, 'tile/2/000.p/17'],
])('tile %i/%i of width %i has the path of c2sp.org/tlog-tiles', (level, index, width, path) => {
  expect(tilePath(level, index, width)).toBe(path)
})
