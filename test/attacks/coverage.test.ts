/** Every row of the catalogue is in the table, and in the file the table names for it. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const range = (letter: string, last: number) => Array.from({ length: last }, (_, i) => `${letter}${i + 1}`)
const CATALOGUE = [
  ...range('A', 60),
  ...Array.from({ length: 7 }, (_, i) => `A${i + 30}f`),
  ...range('B', 46),
  ...range('D', 30),
  ...range('G', 29).slice(21),
]

test('no row is forgotten', () => {
  const read = (name: string) => readFileSync(join(import.meta.dirname, name), 'utf8')
  const lines = read('README.md')
    .split('## What stays open')[0]!
    .split('\n')
    .filter((line) => /^\| [ABDG]\d/.test(line))
  const covered = new Set<string>()
  for (const line of lines) {
    const [, rows, where] = line.split('|') as [string, string, string]
    const files = [...where.matchAll(/`([\w-]+\.test\.ts)`/g)].map(([, name]) => read(name!))
    const also = /with ([ABDG]\d+)/.exec(where)?.[1]
    for (const row of rows.trim().split(' ')) {
      covered.add(row)
      if (files.length > 0)
        expect(
          files.some((text) => new RegExp(`\\b${also ?? row}\\b`).test(text)),
          row,
        ).toBe(true)
    }
  }
  expect(CATALOGUE.filter((row) => !covered.has(row))).toEqual([])
})
