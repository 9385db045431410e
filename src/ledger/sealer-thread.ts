import { readFileSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { ledgerPaths } from './layout.ts'
import { CHECKPOINT_ms } from './limits.ts'
import { signerKey } from './note.ts'
import { OpenWork } from './open-work.ts'
import { type Place, Sealer } from './sealer.ts'

/** What the writer tells the sealer: entries are on disk up to here; `last` asks for a final checkpoint and an end. */
export interface SealerOrder {
  readonly durable: Place
  readonly last: boolean
}

/** What the sealer answers. `failed` may pass: it tries again with every order and every second. `damaged` does not. */
export type SealerReport =
  | { readonly kind: 'sealed'; readonly size: number }
  | { readonly kind: 'failed' | 'damaged'; readonly why: string }
  | { readonly kind: 'ended'; readonly size: number }

export interface SealerStart {
  readonly dir: string
  readonly key: string
  readonly origin: string
  readonly sealed: Place
  readonly openWork: readonly (readonly [string, readonly number[]])[]
}

const given = workerData as SealerStart
const port = parentPort!
const work = new OpenWork()
for (const [id, operations] of given.openWork) work.sessions.set(id, new Set(operations))

const sealer = new Sealer({
  paths: ledgerPaths(given.dir),
  key: signerKey(given.origin, readFileSync(given.key, 'utf8')),
  sealed: given.sealed,
  openWork: work,
  now_ms: () => Date.now(),
})

let order: SealerOrder | undefined
let checkpointed = performance.now() - CHECKPOINT_ms
let timer: NodeJS.Timeout | undefined

function report(message: SealerReport): void {
  port.postMessage(message)
}

function seal(): void {
  clearTimeout(timer)
  timer = undefined
  if (!order) return
  try {
    sealer.advance(order.durable)
    const due = checkpointed + CHECKPOINT_ms - performance.now()
    if (order.last || due <= 0) {
      if (sealer.checkpoint(order.last)) report({ kind: 'sealed', size: sealer.sealed })
      checkpointed = performance.now()
    } else if (sealer.size > sealer.sealed) timer = setTimeout(seal, due)
    if (order.last) end()
  } catch (cause) {
    const { code, message } = cause as { code?: unknown; message: string }
    report({ kind: code === 'ledger.damaged' ? 'damaged' : 'failed', why: message })
    if (order.last) end()
    else if (code !== 'ledger.damaged') timer = setTimeout(seal, CHECKPOINT_ms)
  }
}

function end(): void {
  report({ kind: 'ended', size: sealer.sealed })
  port.close()
}

port.on('message', (next: SealerOrder) => {
  order = next
  seal()
})
