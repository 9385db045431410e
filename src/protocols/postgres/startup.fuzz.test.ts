import { duplexPair } from 'node:stream'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type PostgresServer, startPostgres } from '../../../test/rig/postgres.ts'
import { WireClient } from '../../../test/rig/wire.ts'
import { SluiceError } from '../../kit/errors.ts'
import type { Gate } from '../contract.ts'
import {
  cancelRequest,
  negotiateProtocolVersion,
  query,
  readErrorFields,
  sslRequest,
  startupMessage,
} from './messages.ts'
import { acceptSetting, readOptions } from './settings.ts'
import { receiveOpening } from './startup.ts'

const gate = { tls: undefined, loopback: true, closing: new AbortController().signal } as Gate

/** Feeds bytes in pieces of the given sizes; hands back what came of it and what was sent, as text. */
async function opened(bytes: Uint8Array, sizes: readonly number[]): Promise<string> {
  const [near, far] = duplexPair()
  const came = receiveOpening(near, gate).then(
    (opening) => JSON.stringify({ ...opening, stream: undefined }),
    (error: unknown) => {
      if (!(error instanceof SluiceError) || error.code === 'internal') throw error
      return error.code
    },
  )
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes.length === 0 ? bytes.length : sizes[i % sizes.length]!
    far.write(bytes.subarray(at, at + size))
    at += size
  }
  far.end()
  const result = await came
  const sent = far.read()?.toString('hex') ?? ''
  near.destroy()
  return `${result} ${sent}`
}

const seeds = [
  startupMessage(0, [
    ['user', 'reporting+orders'],
    ['database', 'shop'],
    ['options', String.raw`-c search_path=a\ b --work-mem=1MB`],
    ['DateStyle', 'ISO'],
  ]),
  startupMessage(2, [
    ['user', 'orders'],
    ['_pq_.x', '1'],
    ['replication', 'database'],
  ]),
  Buffer.concat([sslRequest(), startupMessage(0, [['user', 'orders']])]),
  cancelRequest(7, Buffer.alloc(32, 9)),
  negotiateProtocolVersion(2, []),
]
const mutated = fc
  .tuple(fc.constantFrom(...seeds), fc.array(fc.tuple(fc.nat(400), fc.nat(255), fc.nat(2)), { maxLength: 6 }))
  .map(([seed, changes]) => {
    const bytes = [...seed]
    for (const [where, byte, how] of changes) bytes.splice(where % (bytes.length + 1), how, byte)
    return Uint8Array.from(bytes)
  })
const anything = fc.oneof(mutated, fc.uint8Array({ maxLength: 600 }))

test('A53, G54: whatever a client begins with ends in an opening or a coded refusal, the same for every segmentation', async () => {
  const pieces = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 })
  await fc.assert(
    fc.asyncProperty(anything, pieces, async (bytes, sizes) => {
      const whole = await opened(bytes, [])
      // Bytes behind an encryption request are refused only when they are seen before the answer: that is the segmentation's to decide.
      fc.pre(!isEncryptionRequest(bytes))
      expect(await opened(bytes, sizes)).toBe(whole)
    }),
    { numRuns: 1_500, seed: 20_260 },
  )
})

function isEncryptionRequest(bytes: Uint8Array): boolean {
  return bytes.length >= 8 && [80877103, 80877104].includes(Buffer.from(bytes).readUInt32BE(4))
}

test('an error of the target never ends in anything but fields or a coded error', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        readErrorFields(Buffer.from(bytes))
      } catch (error) {
        expect((error as SluiceError).code).toBe('protocol.malformed')
      }
    }),
    { numRuns: 2_000, seed: 20_261 },
  )
})

let server: PostgresServer
beforeAll(async () => {
  server = await startPostgres({ hba: ['local all all trust', 'host all all 127.0.0.1/32 trust'] })
})
afterAll(() => server?.stop())

test('A40: the server gives every setting we read from options the value we read', async () => {
  const names = fc.constantFrom(
    'a',
    'b',
    String.raw`\a\b`,
    String.raw`"a\ b"`,
    String.raw`"a\\\\b"`,
    String.raw`\"\	\"`,
    '"é"',
  )
  const assignments = fc.oneof(
    fc.array(names, { minLength: 1, maxLength: 3 }).map((list) => `search_path=${list.join(',')}`),
    fc.constantFrom('Search-Path=c', String.raw`\search_path=d`, 'work_mem=64kB', 'work-mem=128kB', 'search_path=x=y'),
  )
  const switches = fc.tuple(fc.constantFrom('-c ', '-c', '--', '-c\t\n ', String.raw`\-c `), assignments)
  const noise = fc.constantFrom(' ', '\f', '\v ', ' -c', ' -', '\\', ' \\ ', ' =', ' --')
  const parts = fc.oneof(
    { weight: 9, arbitrary: switches.map((parts) => ` ${parts.join('')}`) },
    { weight: 1, arbitrary: noise },
  )
  const texts = fc.array(parts, { maxLength: 5 }).map((list) => `-c search_path=z${list.join('')}`)
  let compared = 0
  await fc.assert(
    fc.asyncProperty(texts, async (options) => {
      const ours = settingsOf(options)
      // What we refuse, the server never gets to see.
      if (!ours) return
      const theirs = await shown(options)
      if (theirs === undefined) return
      compared += 1
      expect(theirs.search_path, options).toBe(ours.get('search_path'))
      if (ours.has('work_mem')) expect(theirs.work_mem).toBe(ours.get('work_mem'))
    }),
    { numRuns: 400, seed: 20_262 },
  )
  expect(compared).toBeGreaterThan(50)
})

function settingsOf(options: string): Map<string, string> | undefined {
  const settings = new Map<string, string>()
  try {
    for (const [name, value] of readOptions(options)) acceptSetting(settings, name, value)
  } catch {
    return undefined
  }
  return settings
}

/** What the server makes of `options`; undefined when it refuses them. */
async function shown(options: string): Promise<Record<string, string> | undefined> {
  let client: WireClient
  try {
    client = await WireClient.open(server, { options })
  } catch (error) {
    if (/C22023|C42601|C42704|invalid value|requires a value|invalid command-line/.test(String(error))) return undefined
    throw error
  }
  using session = client
  session.send(query("select current_setting('search_path') || '|' || current_setting('work_mem')"))
  for (;;) {
    const { type, body } = await session.next()
    if (type === 'D') {
      const [search_path, work_mem] = body.subarray(6).toString().split('|')
      return { search_path: search_path!, work_mem: work_mem! }
    }
    if (type === 'E' || type === 'closed') throw new Error(body.toString())
  }
}
