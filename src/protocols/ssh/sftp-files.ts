import { plainLine } from '../../kit/plain-line.ts'
import { type TextScrubber, textScrubber } from '../../masking/index.ts'
import type { Operation } from '../../model/operation.ts'
import type { Permit } from '../contract.ts'
import type { Deciding } from './decide.ts'
import { coverageText, TransferDigest } from './digest.ts'
import type { FileRequest } from './sftp-requests.ts'

/** A request about a path that was permitted. */
export interface Allowed {
  readonly permit: Permit
  readonly operation: Operation
  readonly path: string
}

export interface OpenFile extends Allowed {
  readonly folder: boolean
  /** Masks names in it. */
  readonly names: TextScrubber | undefined
  readonly got: TransferDigest
  readonly put: TransferDigest
  /** WRITEs the server has not answered. */
  writing: number
  /** When a rule's time limit ends it: milliseconds of the monotonic clock. */
  readonly until_ms: number
  /** Policy that changed: why nothing goes on by it, for its client and for the record. */
  shut: { readonly why: string; readonly tag: string } | undefined
}

/** What is known of a file when it was opened. */
export interface Opening extends Allowed {
  readonly folder: boolean
  readonly writes: boolean
  readonly fresh: boolean
  readonly appends: boolean
}

/** What a channel has open, by the server's handle. */
export class OpenFiles {
  readonly #house: Deciding
  readonly #open = new Map<string, OpenFile>()
  /** Paths of them that were opened for writing. */
  readonly #written = new Set<string>()

  constructor(house: Deciding) {
    this.#house = house
  }

  get size(): number {
    return this.#open.size
  }

  get(handle: string): OpenFile | undefined {
    return this.#open.get(handle)
  }

  opened(handle: string, opening: Opening): void {
    // A server that gives a handle twice has closed the first.
    this.closed(handle)
    const { permit, operation, path, folder, writes, fresh, appends } = opening
    const { timeout_ms } = permit.obligations
    const until_ms = timeout_ms === undefined ? Number.POSITIVE_INFINITY : performance.now() + timeout_ms
    const names = textScrubber(permit.obligations.mask, this.#house.session.maskKey)
    const [got, put] = [new TransferDigest(), new TransferDigest()]
    const file: OpenFile = {
      ...{ permit, operation, path, folder, names, until_ms, got, put },
      writing: 0,
      shut: undefined,
    }
    // It began empty: what is put is all of it.
    if (fresh) file.put.lasts(0)
    if (appends) file.put.disturb()
    this.#open.set(handle, file)
    this.#house.session.stand(permit, {
      operation,
      call: { text: operation.text },
      masks: folder || operation.verb === 'sftp put',
      ended: (why, tag) => {
        file.shut = { why, tag }
      },
    })
    if (writes) this.#written.add(path)
    if (this.#written.has(path) && [...this.#open.values()].some((other) => other !== file && other.path === path))
      this.disturb(path)
  }

  /** What lies there was changed by another way than the open file. */
  disturb(path: string): void {
    for (const file of this.#open.values()) {
      if (file.path !== path) continue
      file.put.disturb()
      file.got.disturb()
    }
  }

  /** What a request does to files that are open, from where it stands among their own. */
  changed({ verb, handles, attributes }: FileRequest, path: string): void {
    if (verb === 'sftp copy') this.disturb(path)
    if (attributes?.size === undefined || verb !== 'sftp setstat') return
    const open = handles && this.#open.get(handles[0]!.handle)
    if (open) open.put.lasts(attributes.size)
    else this.disturb(path)
  }

  /** `cut`: why it was not closed by its client. */
  closed(handle: string, cut?: string): void {
    const file = this.#open.get(handle)
    if (!file) return
    this.#open.delete(handle)
    if (![...this.#open.values()].some(({ path }) => path === file.path)) this.#written.delete(file.path)
    recordFile(this.#house, file, cut)
  }

  /** `asked`: what the server was asked and has not answered. */
  over(cut: string, asked: readonly { readonly permit?: Permit }[]): void {
    // Nobody saw whether the server did it.
    for (const { permit } of asked)
      if (permit) this.#house.session.settle(permit, { status: 'unknown', tag: cut, rows: 0, bytes: 0 })
    for (const handle of [...this.#open.keys()]) this.closed(handle, cut)
  }
}

/** Why nothing goes on by an open file any more; undefined while it does. */
export function whyShut({ shut, until_ms }: OpenFile): string | undefined {
  return shut?.why ?? (performance.now() > until_ms ? 'the time limit of a rule' : undefined)
}

/** Puts on record what was moved, and ends the operation it was moved under. */
function recordFile(house: Deciding, file: OpenFile, cut: string | undefined): void {
  const { permit, path, folder, got, put, writing, shut } = file
  const why = shut?.tag ?? cut
  const { session } = house
  if (writing > 0) put.disturb()
  const told: string[] = why ? [why] : []
  for (const [direction, digest] of [['get', got] as const, ['put', put] as const]) {
    if (digest.idle) continue
    const coverage = digest.finish()
    session.note({ kind: 'file', op: permit.op, direction, path, bytes: digest.bytes, ...coverage })
    told.push(`${direction} ${digest.bytes} bytes, sha256 ${coverage.sha256}${coverageText(coverage)}`)
  }
  const tag = told.join('; ') || (folder ? 'listed' : 'nothing moved')
  session.settle(permit, {
    status: why ? 'cancelled' : 'ok',
    tag: plainLine(tag),
    rows: 0,
    bytes: got.bytes + put.bytes,
  })
}
