import { readdirSync } from 'node:fs'
import { join } from 'node:path'

/** Where the ledger keeps what. README.md of this folder describes the formats. */
export interface LedgerPaths {
  readonly dir: string
  readonly entries: string
  readonly tiles: string
  /** The newest signed checkpoint, as a C2SP signed note. */
  readonly checkpoint: string
  /** Every checkpoint ever signed, one JSON line each. */
  readonly checkpoints: string
  /** The C2SP verifier key: `<origin>+<key id>+<base64>`. */
  readonly publicKey: string
  readonly lock: string
  /** Sessions and intents without an end, as of some tree size; a cache. */
  readonly openWork: string
  /** Bytes cut from a torn tail are kept here. */
  readonly torn: string
}

export function ledgerPaths(dir: string): LedgerPaths {
  return {
    dir,
    entries: join(dir, 'entries'),
    tiles: join(dir, 'tile'),
    checkpoint: join(dir, 'checkpoint'),
    checkpoints: join(dir, 'checkpoints.jsonl'),
    publicKey: join(dir, 'public-key'),
    lock: join(dir, 'lock'),
    openWork: join(dir, 'open-work.json'),
    torn: join(dir, 'torn'),
  }
}

export interface Segment {
  /** Index of its first entry; its file is named after it. */
  readonly first: number
  readonly path: string
}

const SEGMENT_NAME = /^(\d{15})\.jsonl$/

export function segmentPath(entries: string, first: number): string {
  return join(entries, `${String(first).padStart(15, '0')}.jsonl`)
}

/** All segments by first index. A missing folder is an empty ledger. */
export function listSegments(entries: string): Segment[] {
  let names: string[]
  try {
    names = readdirSync(entries)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw cause
  }
  const segments: Segment[] = []
  for (const name of names) {
    const match = SEGMENT_NAME.exec(name)
    if (match) segments.push({ first: Number(match[1]), path: join(entries, name) })
  }
  return segments.sort((a, b) => a.first - b.first)
}

/** A tile's path below the ledger's folder (c2sp.org/tlog-tiles "Merkle Tree"): three digits an element, all but the last led by `x`. */
export function tilePath(level: number, index: number, width = 256): string {
  let path = String(index % 1000).padStart(3, '0')
  for (let rest = Math.floor(index / 1000); rest > 0; rest = Math.floor(rest / 1000)) {
    path = `x${String(rest % 1000).padStart(3, '0')}/${path}`
  }
  return width === 256 ? `tile/${level}/${path}` : `tile/${level}/${path}.p/${width}`
}
