import { plainLine } from '../../kit/plain-line.ts'
import type { Permit } from '../contract.ts'
import type { Deciding } from './decide.ts'
import { TransferDigest } from './digest.ts'

export interface OpenFile {
  readonly permit: Permit
  readonly path: string
  readonly folder: boolean
  readonly got: TransferDigest
  readonly put: TransferDigest
  /** It began empty: what was put is all of it. */
  readonly fresh: boolean
  /** When a rule's time limit ends it: milliseconds of the monotonic clock. */
  readonly until_ms: number
}

/** What a channel has open, by the server's handle. */
export class OpenFiles {
  readonly #house: Deciding
  readonly #open = new Map<string, OpenFile>()

  constructor(house: Deciding) {
    this.#house = house
  }

  get size(): number {
    return this.#open.size
  }

  get(handle: string): OpenFile | undefined {
    return this.#open.get(handle)
  }

  opened(handle: string, file: { permit: Permit; path: string; folder: boolean; fresh: boolean }): void {
    // A server that gives a handle twice has closed the first.
    this.closed(handle)
    const { timeout_ms } = file.permit.obligations
    const until_ms = timeout_ms === undefined ? Number.POSITIVE_INFINITY : performance.now() + timeout_ms
    this.#open.set(handle, { ...file, until_ms, got: new TransferDigest(), put: new TransferDigest() })
  }

  closed(handle: string): void {
    const file = this.#open.get(handle)
    if (!file) return
    this.#open.delete(handle)
    recordFile(this.#house, file)
  }

  over(): void {
    for (const handle of [...this.#open.keys()]) this.closed(handle)
  }
}

/** Puts on record what was moved, and ends the operation it was moved under. */
function recordFile(house: Deciding, { permit, path, folder, got, put, fresh }: OpenFile): void {
  const { session } = house
  if (fresh && put.bytes > 0) put.endsAt(put.next)
  const told: string[] = []
  for (const [direction, digest] of [['get', got] as const, ['put', put] as const]) {
    if (digest.idle) continue
    const coverage = digest.finish()
    session.note({ kind: 'file', op: permit.op, direction, path, bytes: digest.bytes, ...coverage })
    const of = coverage.covers === 'whole' ? '' : ` of bytes ${coverage.from} to ${coverage.from + coverage.length}`
    told.push(`${direction} ${digest.bytes} bytes, sha256 ${coverage.sha256}${of}`)
  }
  const tag = told.join('; ') || (folder ? 'listed' : 'nothing moved')
  session.settle(permit, { status: 'ok', tag: plainLine(tag), rows: 0, bytes: got.bytes + put.bytes })
}
