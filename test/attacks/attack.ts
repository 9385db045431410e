import { expect } from 'vitest'
import { bind, execute, parse, query, sync, type WireClient } from '../rig/wire.ts'
import { leaks, leaksOfRows, rowsOf } from './oracle.ts'
import type { Stage, Who } from './stage.ts'

/** One message of a client: SQL is a simple Query; `binary` and `text` are the extended protocol with that format for every column. */
export type Said = string | Buffer | { readonly text: string } | { readonly binary: string }

export interface Heard {
  readonly lines: readonly string[]
  /** What crossed the client's leg, in the clear. */
  readonly bytes: Buffer
  /** The code of every refusal, and the SQLSTATE of every other error. */
  readonly codes: readonly string[]
  /** Rows and COPY data. */
  readonly data: readonly string[]
  readonly leaks: readonly string[]
}

const extended = (sql: string, format: 0 | 1) =>
  Buffer.concat([parse('', sql), bind('', '', [], [format]), execute(''), sync()])

function messageOf(said: Said): Buffer {
  if (typeof said === 'string') return query(said)
  if (Buffer.isBuffer(said)) return said
  return 'text' in said ? extended(said.text, 0) : extended(said.binary, 1)
}

/** How many ReadyForQuery a message is answered with: one, unless the bytes are several Syncs. */
function replies(message: Buffer): number {
  let times = 0
  for (let at = 0; at < message.length; at += 1 + message.readUInt32BE(at + 1)) {
    const type = String.fromCharCode(message[at]!)
    if (type === 'Q' || type === 'S' || type === 'F') times++
  }
  return times
}

/** One session of `who` that says all of it, each message once the one before is answered. */
export async function hear(stage: Stage, who: Who, said: readonly Said[]): Promise<Heard> {
  stage.tap.taken()
  using client = await stage.open(who)
  return await hearFrom(stage, client, said)
}

/** The same in a session that stands. */
export async function hearFrom(stage: Stage, client: WireClient, said: readonly Said[]): Promise<Heard> {
  stage.tap.taken()
  const lines: string[] = []
  for (const one of said) {
    const message = messageOf(one)
    lines.push(...(await client.exchange([message], replies(message))))
  }
  return heard(lines, Buffer.concat(stage.tap.taken()))
}

export function heard(lines: readonly string[], bytes: Buffer): Heard {
  return {
    lines,
    bytes,
    codes: lines.filter((line) => line.startsWith('E ')).map(codeOf),
    data: lines.filter((line) => /^[Dd] /.test(line)),
    leaks: [...leaks(bytes), ...leaksOfRows(rowsOf(bytes))],
  }
}

function codeOf(line: string): string {
  const json = / D(\{.*?\})(?: ;|$)/.exec(line)?.[1]
  if (json) return (JSON.parse(json) as { code: string }).code
  return / C(\w{5})/.exec(line)?.[1] ?? line
}

/** A row of the attack catalogue that must not get through. */
export interface Attack {
  /** Rows of the catalogue. */
  readonly number: string
  readonly said: readonly Said[]
  /** The codes of ours, or SQLSTATEs of the server, it may end with. */
  readonly code: string | readonly string[]
  readonly who?: Who
  /** The same shape without harm, which passes, and something it shows. */
  readonly twin?: readonly Said[]
  readonly shows?: RegExp
}

/** What a rule, and what no rule, refuses. */
export const DENIED = ['policy.denied', 'policy.default'] as const

/** Plays an attack: it is refused with its code, changes nothing on the server, and shows nothing; its twin passes. */
export async function refused(stage: Stage, { who = 'agent:reader', said, code, twin, shows }: Attack): Promise<void> {
  const before = await stage.state()
  const tried = await hear(stage, who, said)
  expect(await stage.state()).toBe(before)
  expect(tried.leaks).toEqual([])
  expect(tried.codes, tried.lines.join('\n')).not.toEqual([])
  expect([code].flat(), tried.lines.join('\n')).toEqual(expect.arrayContaining([...tried.codes]))
  if (twin) await passes(stage, { who, said: twin, shows })
}

export interface Harmless {
  readonly said: readonly Said[]
  readonly who?: Who
  readonly shows?: RegExp | undefined
}

/** Something allowed: no error, and it shows what it should. */
export async function passes(stage: Stage, { who = 'agent:reader', said, shows }: Harmless): Promise<Heard> {
  const twin = await hear(stage, who, said)
  expect(twin.codes, twin.lines.join('\n')).toEqual([])
  if (shows) expect(twin.lines.join('\n')).toMatch(shows)
  expect(twin.leaks).toEqual([])
  return twin
}

/** Something said that would show a labelled value. */
export interface Channel {
  readonly number: string
  readonly said: readonly Said[]
  /** False: the value is not shown to anybody in a form the oracle knows. */
  readonly shownToRaw?: boolean
}

/** Said in a transaction that is undone, so that it can change what it likes. */
export const undone = (...said: readonly Said[]): Said[] => ['begin', ...said, 'rollback']

/** Says it in a standing session, and leaves nothing behind for the next. */
export async function heardIn(stage: Stage, who: Who, said: readonly Said[]): Promise<Heard> {
  const session = await stage.session(who)
  const seen = await hearFrom(stage, session, said)
  await session.exchange([query('rollback'), query('discard all')], 2)
  return seen
}

/** The value is there to be seen, and whoever may only see it masked does not, whatever else they may do. */
export async function shownToNobody(stage: Stage, { said, shownToRaw = true }: Channel): Promise<void> {
  const shown = await heardIn(stage, 'human:raw', said)
  if (shownToRaw) expect(shown.leaks.length, shown.lines.join('\n')).toBeGreaterThan(0)
  for (const who of ['agent:analyst', 'human:open', 'agent:writer'] as const) {
    const seen = await heardIn(stage, who, said)
    const leaking = seen.lines.filter((line) => leaks(Buffer.from(line)).length > 0)
    expect(seen.leaks, `${who}\n${leaking.join('\n')}`).toEqual([])
  }
}
