import type { Clock } from '../kit/clock.ts'
import { newId } from '../kit/ids.ts'
import { actorChain, type Principal } from '../model/principal.ts'
import type { BlockRow, BlocksRepository } from '../store/blocks.ts'

/** What the kill switch shuts out: one principal and all who act for it, one resource, or every session. */
export type BlockKind = 'principal' | 'resource' | 'all'

export interface Block {
  readonly id: string
  readonly kind: BlockKind
  /** A principal's id, a resource's name; `*` for all. */
  readonly subject: string
  readonly by: string
  readonly why: string
  readonly created_ms: number
}

export type BlockRequest = Pick<Block, 'kind' | 'subject' | 'by' | 'why'>

/** What is shut out now, kept in memory beside the store: asked at every sign-in. */
export interface Blocks {
  /** Reads what stands. Until it has been read once, everything is shut. */
  load(): Promise<void>
  readonly loaded: boolean
  list(): readonly Block[]
  /** The block the principal, or anyone behind it, falls under. */
  of(principal: Principal): Block | undefined
  /** Whether a resource may be opened at all; `*` asks for the block of everything only. */
  barred(resource: string): boolean
  /** False when it was shut out already. */
  add(request: BlockRequest): Promise<boolean>
  /** False when it was not. */
  lift(kind: BlockKind, subject: string, by: string): Promise<boolean>
}

export function createBlocks({ store, clock }: { readonly store: BlocksRepository; readonly clock: Clock }): Blocks {
  let standing: readonly Block[] | undefined
  const principals = new Map<string, Block>()
  const resources = new Set<string>()
  let all = false

  async function load(): Promise<void> {
    const rows = await store.standing()
    standing = rows.map(blockOf)
    principals.clear()
    resources.clear()
    all = false
    for (const block of standing) {
      if (block.kind === 'principal') principals.set(block.subject, block)
      else if (block.kind === 'resource') resources.add(block.subject)
      else all = true
    }
  }

  return {
    load,
    get loaded() {
      return standing !== undefined
    },
    list: () => standing ?? [],
    of(principal) {
      if (principals.size === 0) return undefined
      for (const party of actorChain(principal)) {
        const block = principals.get(party.id)
        if (block) return block
      }
      return undefined
    },
    barred: (resource) => standing === undefined || all || resources.has(resource),
    async add(request) {
      const created_ms = clock.now_ms()
      const row = { ...request, id: newId('blk', created_ms), created_ms, lifted_ms: null, lifted_by: null }
      const added = await store.add(row)
      await load()
      return added
    },
    async lift(kind, subject, by) {
      const lifted = await store.lift({ kind, subject, by, at_ms: clock.now_ms() })
      await load()
      return lifted
    },
  }
}

function blockOf({ id, kind, subject, by, why, created_ms }: BlockRow): Block {
  // A kind this program does not know was written by a newer one: what cannot be told apart shuts everything.
  return { id, kind: kind === 'principal' || kind === 'resource' ? kind : 'all', subject, by, why, created_ms }
}
