import fs from 'node:fs'
import { ENTRY_KINDS } from '../model/ledger.ts'
import { replaceFile } from './key.ts'
import { hasAt } from './scan.ts'

/** Most unanswered operations tracked for one session; a session has a handful. */
const OPERATIONS = 10_000
/** `kind` and `session` stand within this many bytes of a line, as the writers put them; otherwise the line is parsed. */
const HEAD_bytes = 160

const HEAD = /"kind":"(open|close|intent|outcome)","session":"([A-Za-z0-9_-]+)"(?:,"op":(\d+)[,}])?/

const INDEX_bytes = '{"n":'.length
const AT = Buffer.from(',"at":')
const KIND = Buffer.from(',"kind":"')
const OP = Buffer.from('","op":')
const QUOTE = 0x22
const ID = /^[A-Za-z0-9_-]+$/
/** A session's id is shorter. */
const ID_bytes = 64
const FOLLOWED = ['intent', 'outcome', 'open', 'close'] as const
const HEADS = FOLLOWED.map((kind) => [kind, Buffer.from(`${kind}","session":"`)] as const)
const UNCONCERNED = ENTRY_KINDS.filter((kind) => !FOLLOWED.includes(kind as (typeof FOLLOWED)[number])).map((kind) =>
  Buffer.from(`${kind}"`),
)

/** Sessions without a close and intents without an outcome: what a restart has to end. */
export class OpenWork {
  readonly sessions = new Map<string, Set<number>>()

  /** Reads one line of the ledger. */
  read(bytes: Buffer, start: number, end: number): void {
    if (!this.#readQuickly(bytes, start, end)) this.#readHead(bytes, start, end)
  }

  /** Reads a line that looks as the writers make it, byte by byte; false when it does not. The sealer does this for every line. */
  #readQuickly(bytes: Buffer, start: number, end: number): boolean {
    const at = digitsEnd(bytes, start + INDEX_bytes)
    if (!hasAt(bytes, at, AT)) return false
    const kindAt = digitsEnd(bytes, at + AT.length) + KIND.length
    if (kindAt > end || !hasAt(bytes, kindAt - KIND.length, KIND)) return false
    for (const [kind, head] of HEADS) {
      if (!hasAt(bytes, kindAt, head)) continue
      const idAt = kindAt + head.length
      const idEnd = bytes.indexOf(QUOTE, idAt)
      if (idEnd < 0 || idEnd - idAt > ID_bytes) return false
      const needsOperation = kind === 'intent' || kind === 'outcome'
      const opAt = idEnd + OP.length
      const opEnd = needsOperation ? digitsEnd(bytes, opAt) : opAt
      if (needsOperation && (!hasAt(bytes, idEnd, OP) || opEnd === opAt || opEnd >= end)) return false
      const id = bytes.toString('latin1', idAt, idEnd)
      if (!ID.test(id)) return false
      this.#apply(kind, id, needsOperation ? Number(bytes.toString('latin1', opAt, opEnd)) : 0)
      return true
    }
    return UNCONCERNED.some((kind) => hasAt(bytes, kindAt, kind))
  }

  #readHead(bytes: Buffer, start: number, end: number): void {
    const head = bytes.toString('latin1', start, Math.min(end, start + HEAD_bytes))
    const kind = /"kind":"(\w+)"/.exec(head)?.[1]
    if (kind !== 'open' && kind !== 'close' && kind !== 'intent' && kind !== 'outcome') return
    const match = HEAD.exec(head)
    const needsOperation = kind === 'intent' || kind === 'outcome'
    if (match && (!needsOperation || match[3] !== undefined)) this.#apply(kind, match[2]!, Number(match[3]))
    else this.#parse(kind, bytes.toString('utf8', start, end))
  }

  #parse(kind: 'open' | 'close' | 'intent' | 'outcome', line: string): void {
    try {
      const { session, op } = JSON.parse(line) as { session?: unknown; op?: unknown }
      if (typeof session === 'string') this.#apply(kind, session, Number(op))
    } catch {
      // Not JSON: the verifier says so; here it opens and ends nothing.
    }
  }

  #apply(kind: 'open' | 'close' | 'intent' | 'outcome', session: string, op: number): void {
    if (kind === 'close') {
      this.sessions.delete(session)
      return
    }
    let operations = this.sessions.get(session)
    if (!operations) {
      if (kind === 'outcome') return
      operations = new Set()
      this.sessions.set(session, operations)
    }
    if (kind === 'outcome') operations.delete(op)
    else if (kind === 'intent' && operations.size < OPERATIONS) operations.add(op)
  }

  /** Keeps the state as of `size` entries, so that a restart need not read everything. */
  save(path: string, size: number): void {
    const sessions = [...this.sessions].map(([id, operations]) => [id, ...operations])
    replaceFile(path, JSON.stringify({ size, sessions }), 0o600)
  }
}

/** The state saved last, if it can be read and is not ahead of `limit` entries; otherwise that of an empty ledger. */
export function loadOpenWork(path: string, limit: number): { readonly size: number; readonly work: OpenWork } {
  const work = new OpenWork()
  try {
    const saved = JSON.parse(fs.readFileSync(path, 'utf8')) as { size: number; sessions: [string, ...number[]][] }
    if (!Number.isSafeInteger(saved.size) || saved.size < 0 || saved.size > limit) return { size: 0, work }
    for (const [id, ...operations] of saved.sessions) work.sessions.set(id, new Set(operations))
    return { size: saved.size, work }
  } catch {
    // Only a cache: without it everything is read again.
    return { size: 0, work: new OpenWork() }
  }
}

function digitsEnd(bytes: Buffer, from: number): number {
  let at = from
  while (bytes[at]! >= 0x30 && bytes[at]! <= 0x39) at++
  return at
}
