/**
 * ATTACKS A30–A37 at random: pipelines over a handful of names, SQL and protocol mixed, with errors anywhere. Nothing labelled shows, whatever the order;
 * and whoever is not masked hears message for message what the server itself says.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readLedger } from '../rig/ledger.ts'
import {
  bind,
  close,
  describe as describeMessage,
  execute,
  flush,
  parse,
  query,
  sync,
  WireClient,
} from '../rig/wire.ts'
import { heard } from './attack.ts'
import { type Stage, startStage, type Who } from './stage.ts'

let stage: Stage
beforeAll(async () => {
  stage = await startStage({
    hba: ['host all all 127.0.0.1/32 trust', 'local all all trust'],
    settings: { log_statement: 'all', log_line_prefix: '%p|', max_prepared_transactions: 4 },
  })
})
afterAll(() => stage?.[Symbol.asyncDispose]())

/** A small generator of its own, so that a seed is all it takes to see a failure again (mulberry32). */
function randomness(seed: number) {
  let state = seed
  const next = () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
  return {
    below: (limit: number) => Math.floor(next() * limit),
    of: <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)]!,
  }
}

const NAMES = ['', '', 'a', 'b', `${'n'.repeat(63)}x`, `${'n'.repeat(63)}y`]
const SECRET = 'select reverse(ssn) as note from customers order by id'
const PLAIN = 'select note from customers order by id'
const quoted = (name: string) => `"${name === '' ? 'a' : name}"`

/** What a text may be: reads with and without a label, failures, and whatever changes what names mean. */
function text(random: ReturnType<typeof randomness>): string {
  const name = quoted(random.of(NAMES))
  return random.of([
    SECRET,
    SECRET,
    PLAIN,
    PLAIN,
    'select nothing_like_it',
    'select 1/0',
    'begin',
    'commit',
    'rollback',
    'savepoint s',
    'rollback to s',
    `prepare ${name} as ${random.of([SECRET, PLAIN])}`,
    `execute ${name}`,
    `deallocate ${name}`,
    'deallocate all',
    `declare ${name} cursor for ${random.of([SECRET, PLAIN])}`,
    `declare ${name} cursor with hold for ${random.of([SECRET, PLAIN])}`,
    `fetch 2 from ${name}`,
    `close ${name}`,
    'set search_path = s2',
    'set search_path = public',
    'set local search_path = s2',
    'copy customers (ssn, note) to stdout',
    `select 1; ${random.of([SECRET, PLAIN])}; select 2`,
  ])
}

function message(random: ReturnType<typeof randomness>): Buffer {
  const name = () => random.of(NAMES)
  switch (random.below(14)) {
    case 0:
    case 1:
    case 2: {
      const sql = text(random)
      // A statement that executes itself is refused at Bind, which the server does only when it runs.
      return parse(sql.startsWith('execute') ? '' : name(), sql)
    }
    case 3:
    case 4:
    case 5:
      return bind(name(), name(), random.below(12) === 0 ? ['x'] : [], random.below(3) === 0 ? [1] : [])
    case 6:
    case 7:
    case 8:
      return execute(name(), random.below(3))
    case 9:
      return describeMessage(random.of(['S', 'P'] as const), name())
    case 10:
      return close(random.of(['S', 'P'] as const), name())
    case 11:
      return random.below(3) === 0 ? flush() : query(text(random))
    default:
      return sync()
  }
}

const END = "select 'the end'"

function packets(seed: number): Buffer[] {
  const random = randomness(seed)
  return Array.from({ length: 1 + random.below(4) }, () =>
    Buffer.concat(Array.from({ length: 1 + random.below(12) }, () => message(random))),
  )
}

/** Sends the packets, then asks for something that ends it, and gives all that was heard. */
async function play(client: WireClient, seed: number): Promise<string[]> {
  const lines: string[] = []
  // Each packet is followed by a Sync, which is answered once: after the errors it meets, and not at all while COPY data is expected.
  for (const packet of packets(seed)) client.send(packet)
  client.send(sync(), query('rollback'), query(END))
  let ended = false
  lines.push(
    ...(await client.until(({ type, body }) => {
      if (type === 'D' && body.toString().includes('the end')) ended = true
      return ended && type === 'Z'
    })),
  )
  return lines
}

/** Backends that only the gateway talked to. */
const backends = new Set<string>()

const SEEDS = Number(process.env.FUZZ_RUNS ?? 100)
const FIRST = Number(process.env.FUZZ_SEED ?? 1)
const BATCH = 25

describe('random pipelines', () => {
  test.each(Array.from({ length: Math.ceil(SEEDS / BATCH) }, (_, i) => FIRST + i * BATCH))(
    'seeds from %i',
    async (from) => {
      const _shown = 0
      for (let seed = from; seed < from + BATCH; seed++) {
        using direct = await WireClient.open(stage.server)
        const expected = await play(direct, seed)
        using raw = await stage.open('human:raw')
        expect(await play(raw, seed), `seed ${seed}`).toEqual(expected)
        for (const who of ['agent:analyst', 'human:open'] as const satisfies readonly Who[]) {
          stage.tap.taken()
          using masked = await stage.open(who)
          backends.add(String(masked.pid))
          const lines = await play(masked, seed)
          const { leaks } = heard(lines, Buffer.concat(stage.tap.taken()))
          expect(leaks, `seed ${seed}, ${who}`).toEqual([])
          expect(lines.at(-1), `seed ${seed}, ${who}`).toBe('Z I')
        }
      }
    },
  )
})

/** Runs last. */
test('G50 everything these sessions made the server run stands in the ledger, and nothing ran that was refused', () => {
  const recorded = new Map<string, Set<string>>()
  const texts = new Map<string, string>()
  for (const entry of readLedger(stage.gateway.dataDir)) {
    if (entry.kind === 'statement' && entry.sha256 && entry.text) texts.set(entry.sha256, entry.text)
    if (entry.kind !== 'intent') continue
    const written = entry.text ?? texts.get(entry.statement ?? '') ?? ''
    recorded.set(written, (recorded.get(written) ?? new Set()).add(entry.session ?? ''))
  }
  const ran: string[] = []
  for (const line of stage.server.log().split('\n')) {
    const found = /^(\d+)\|LOG: {2}(?:statement|execute (?:fetch from )?[^:]*): (.*)$/.exec(line)
    if (found && backends.has(found[1]!)) ran.push(found[2]!)
  }
  expect(ran.length).toBeGreaterThan(SEEDS)
  expect([...new Set(ran)].filter((sql) => !recorded.has(sql))).toEqual([])
})
