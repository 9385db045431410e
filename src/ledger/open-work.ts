import fs from 'node:fs'
import { replaceFile } from './key.ts'

/** Most unanswered operations tracked for one session; a session has a handful. */
const OPERATIONS = 10_000
/** `kind` and `session` stand within this many bytes of a line, as the writers put them; otherwise the line is parsed. */
const HEAD_bytes = 160

const HEAD = /"kind":"(open|close|intent|outcome)","session":"([A-Za-z0-9_-]+)"(?:,"op":(\d+)[,}])?/

/** Sessions without a close and intents without an outcome: what a restart has to end. */
export class OpenWork {
  readonly sessions = new Map<string, Set<number>>()

  /** Reads one line of the ledger. */
  read(bytes: Buffer, start: number, end: number): void {
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
