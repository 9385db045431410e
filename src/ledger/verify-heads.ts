import fs from 'node:fs'
import { SluiceError } from '../kit/errors.ts'
import { lineNote } from './checkpoints.ts'
import type { LedgerPaths } from './layout.ts'
import { type Checkpoint, openCheckpoint, parseCheckpoint, type VerifierKey } from './note.ts'
import { fills } from './scan.ts'

/** A checkpoint to hold the tree against. Without `checkpoint`, the note is not one this key signed. */
export interface SignedHead {
  readonly checkpoint: Checkpoint | undefined
  /** Where it stands, for the problem's sentence. */
  readonly source: string
}

/** Checkpoints that somebody kept elsewhere. Throws `config.invalid` for one this key did not sign: that is the caller's mistake. */
function anchorHeads(anchors: readonly string[], key: VerifierKey): SignedHead[] {
  return anchors.map((note) => {
    const checkpoint = openCheckpoint(note, key)
    if (checkpoint) return { checkpoint, source: 'the checkpoint kept elsewhere' }
    const size = parseCheckpoint(note)?.size
    throw new SluiceError(
      'config.invalid',
      `the checkpoint kept elsewhere (${size ?? 'no'} entries) is not signed by ${key.name}+${key.id}`,
    )
  })
}

function newestHead(paths: LedgerPaths, key: VerifierKey): SignedHead[] {
  if (!fs.existsSync(paths.checkpoint)) return []
  return [
    { checkpoint: openCheckpoint(fs.readFileSync(paths.checkpoint, 'utf8'), key), source: 'the file "checkpoint"' },
  ]
}

/** Every checkpoint in the order of the history, the newest and the anchors in between by size. Reads the history as long as it is now. */
export async function* signedHeads(
  paths: LedgerPaths,
  key: VerifierKey,
  anchors: readonly string[],
): AsyncGenerator<SignedHead> {
  const extra = [...newestHead(paths, key), ...anchorHeads(anchors, key)]
  extra.sort((a, b) => (a.checkpoint?.size ?? -1) - (b.checkpoint?.size ?? -1))
  const to = fs.existsSync(paths.checkpoints) ? fs.statSync(paths.checkpoints).size : 0
  let number = 0
  if (to > 0) {
    for await (const window of fills({ path: paths.checkpoints, from: 0, to })) {
      while (window.next()) {
        number++
        const note = lineNote(window.bytes.toString('utf8', window.start, window.end))?.note
        const checkpoint = note === undefined ? undefined : openCheckpoint(note, key)
        while (checkpoint && extra[0] && (extra[0].checkpoint?.size ?? -1) <= checkpoint.size) yield extra.shift()!
        yield { checkpoint, source: `checkpoint ${number}` }
      }
    }
  }
  yield* extra
}
