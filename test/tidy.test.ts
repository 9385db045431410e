/** The house keeps its order: each failure is a sentence that says where and what to do instead. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { CATALOGUE } from '../src/kit/catalogue.ts'
import { generatedDocuments } from '../tools/generate-docs.ts'
import { CROSSINGS } from './tidy/borders.ts'
import * as rules from './tidy/rules.ts'
import { readSources } from './tidy/source.ts'

const root = join(import.meta.dirname, '..')
const house = readSources('src')
const everything = [...house, ...readSources('test', 'bench', 'demo', 'tools')]
/** A declaration file speaks a library's language, not ours. */
const ours = everything.filter(({ path }) => !path.endsWith('.d.ts'))

test('no folder imports what the table of the design does not allow, and no exception outlives its need', () => {
  const used = new Set<string>()
  expect(house.flatMap((source) => rules.bordersCrossed(source, used))).toEqual([])
  expect(Object.keys(CROSSINGS).filter((key) => !used.has(key))).toEqual([])
})

test('pure folders touch neither clock, chance nor environment', () => {
  expect(house.flatMap(rules.worldTouched)).toEqual([])
})

test('files and functions stay short enough to read, with few parameters', () => {
  expect(everything.flatMap(rules.tooLong)).toEqual([])
  expect(house.flatMap(rules.tooManyParameters)).toEqual([])
})

test('names say what they hold', () => {
  expect(ours.flatMap(rules.emptyNames)).toEqual([])
})

test('the syntax erases, and exports have names', () => {
  expect(ours.flatMap(rules.bannedSyntax)).toEqual([])
})

test('only the engine listens to raw data, but for files listed with a reason', () => {
  const used = new Set<string>()
  expect(house.flatMap((source) => rules.bareListeners(source, used))).toEqual([])
  expect(rules.LISTENER_FILES.filter((path) => !used.has(path))).toEqual([])
})

const PROTOCOL_FILES = [
  'README.md',
  'index.ts',
  'codec.ts',
  'limits.ts',
  'handshake.ts',
  'operation.ts',
  'conversation.ts',
  'mask.ts',
  'reply.ts',
]
/** Protocols that stand on a library which owns the streams have no framing of their own. */
const WITHOUT: Readonly<Record<string, readonly string[]>> = { ssh: ['codec.ts'] }

test('every protocol folder has the same files, and tests', () => {
  const folders = readdirSync(join(root, 'src/protocols'), { withFileTypes: true }).filter((entry) =>
    entry.isDirectory(),
  )
  const missing = folders.flatMap(({ name }) => {
    const files = readdirSync(join(root, 'src/protocols', name), { recursive: true, encoding: 'utf8' })
    const absent = PROTOCOL_FILES.filter((file) => !files.includes(file) && !WITHOUT[name]?.includes(file))
    const untested = files.some((file) => file.endsWith('.test.ts')) ? [] : ['a test']
    return [...absent, ...untested].map((file) => `src/protocols/${name} lacks ${file}`)
  })
  expect(missing).toEqual([])
})

const live = house.filter(({ path }) => !path.startsWith('src/kit/catalogue') && !path.endsWith('.test.ts'))

test('every documented error code is used by the product', () => {
  const dead = Object.keys(CATALOGUE).filter((code) => !live.some(({ text }) => text.includes(`'${code}'`)))
  expect(dead.map((code) => `${code} is in src/kit/catalogue.ts but nothing uses it: take it out.`)).toEqual([])
})

test('every code the product writes is documented', () => {
  const groups = [
    ...new Set(Object.keys(CATALOGUE).flatMap((code) => (code.includes('.') ? [code.split('.')[0]] : []))),
  ]
  const word = new RegExp(`\\b(?:code|reason): '((?:${groups.join('|')})\\.[a-z_]+)'`, 'g')
  const unknown = live.flatMap(({ path, text }) =>
    [...text.matchAll(word)]
      .filter(([, code]) => !(code! in CATALOGUE))
      .map(([, code]) => `${path} writes ${code}: add it to src/kit/catalogue.ts.`),
  )
  expect(unknown).toEqual([])
})

test('generated references are what their sources say', async () => {
  const drifted = (await generatedDocuments()).filter(
    ({ path, text }) => !existsSync(join(root, path)) || readFileSync(join(root, path), 'utf8') !== text,
  )
  expect(
    drifted.map(({ path }) => `${path} has drifted: run \`node_modules/.bin/node tools/generate-docs.ts\`.`),
  ).toEqual([])
})

test('no file names a path of the machine it was written on', () => {
  expect(everything.filter(({ text }) => text.includes(root)).map(({ path }) => `${path} contains ${root}`)).toEqual([])
})
