import { type Kysely, type Selectable, sql, type Transaction } from 'kysely'
import { CHUNK } from './gone.ts'
import type { ApprovalsTable, Tables } from './tables.ts'
import { type JudgedVote, type VoteRow, votesOf } from './votes.ts'

export type ApprovalRow = Readonly<Selectable<ApprovalsTable>>
/** A row of a list: long parts are left out, and `brief` is 1 when one was. */
export type BriefApprovalRow = ApprovalRow & { readonly brief: number }
export type { JudgedVote, VoteRow } from './votes.ts'

/** `pending → approved | rejected | expired | cancelled`, `approved → consumed | expired`. */
export type ApprovalState = 'pending' | 'approved' | 'rejected' | 'expired' | 'cancelled' | 'consumed'

/** The open states: what a second asker of the same digest joins. */
const OPEN: readonly ApprovalState[] = ['pending', 'approved']

export interface StateChange {
  readonly id: string
  readonly from: ApprovalState
  readonly to: ApprovalState
  readonly at_ms: number
  readonly why: string
}

export interface Use {
  readonly id: string
  readonly now_ms: number
  readonly stands: (votes: readonly JudgedVote[]) => boolean
  /** Why it ends where they no longer stand. */
  readonly why: string
}

export interface ListFilter {
  readonly state?: ApprovalState | undefined
  readonly limit: number
  /** Characters of each long part a row may carry. */
  readonly chars: number
}

export interface ApprovalsRepository {
  /** Adds a pending request; false when one of the same digest is open. */
  add(row: ApprovalRow): Promise<boolean>
  get(id: string): Promise<ApprovalRow | undefined>
  /** The pending or approved request of this digest. */
  open(digest: string): Promise<ApprovalRow | undefined>
  /** Newest first. */
  list(filter: ListFilter): Promise<BriefApprovalRow[]>
  /** Pending requests, of one principal and of all. */
  pending(principal: string): Promise<{ readonly own: number; readonly all: number }>
  votes(ids: readonly string[]): Promise<JudgedVote[]>
  /**
   * Records a vote on a pending request and moves it where `next` says, in one transaction. Undefined when the request is no longer
   * pending, or this person has voted before.
   */
  vote(vote: VoteRow, next: (votes: readonly JudgedVote[]) => ApprovalState): Promise<ApprovalState | undefined>
  /** Compare-and-set. True for exactly one caller; on disk when it resolves. */
  change(change: StateChange): Promise<boolean>
  /**
   * Takes an approval that is approved and has time left, if `stands` holds for its votes as they are judged now; else ends it. One
   * transaction: nothing comes between the judgement and the use. `consumed` for exactly one caller; on disk when it resolves.
   */
  consume(use: Use): Promise<'consumed' | 'fallen' | undefined>
  /** Those of the ids that are no longer pending. */
  ended(ids: readonly string[]): Promise<{ readonly id: string; readonly state: ApprovalState }[]>
  /** Ends every open request whose time is over; returns their ids. */
  expire(now_ms: number): Promise<string[]>
}

export function approvalsRepository(db: Kysely<Tables>): ApprovalsRepository {
  return {
    async add(row) {
      const insert = db.insertInto('approvals').values(row)
      const done = await insert.onConflict((oc) => oc.doNothing()).executeTakeFirst()
      return done.numInsertedOrUpdatedRows === 1n
    },
    get: (id) => db.selectFrom('approvals').selectAll().where('id', '=', id).executeTakeFirst(),
    open: (digest) =>
      db.selectFrom('approvals').selectAll().where('digest', '=', digest).where('state', 'in', OPEN).executeTakeFirst(),
    list: (filter) => listBriefly(db, filter),
    async pending(principal) {
      const one = db.selectFrom('approvals').where('state', '=', 'pending')
      const count = one.select((eb) => [
        eb.fn.countAll<number>().as('all'),
        eb.fn.count<number>(eb.case().when('principal', '=', principal).then(1).end()).as('own'),
      ])
      const row = await count.executeTakeFirstOrThrow()
      return { own: Number(row.own), all: Number(row.all) }
    },
    votes: (ids) => votesOf(db, ids),
    vote: (vote, next) => db.transaction().execute((trx) => castVote(trx, vote, next)),
    change: (change) => changeState(db, change),
    consume: (use) => db.transaction().execute((trx) => take(trx, use)),
    async ended(ids) {
      const found: { id: string; state: ApprovalState }[] = []
      for (let at = 0; at < ids.length; at += CHUNK) {
        const query = db
          .selectFrom('approvals')
          .select(['id', 'state'])
          .where('id', 'in', ids.slice(at, at + CHUNK))
        const rows = await query.where('state', '!=', 'pending').execute()
        found.push(...(rows as typeof found))
      }
      return found
    },
    async expire(now_ms) {
      const due = db
        .updateTable('approvals')
        .set({ state: 'expired', ended_ms: now_ms, ended_why: 'its time was over' })
      const rows = await due.where('state', 'in', OPEN).where('expires_ms', '<=', now_ms).returning('id').execute()
      return rows.map((row) => row.id)
    },
  }
}

/** The database cuts: a list of the largest requests would else be tens of megabytes. JSON cannot be cut, so it is left out whole. */
function listBriefly(db: Kysely<Tables>, { state, limit, chars }: ListFilter): Promise<BriefApprovalRow[]> {
  const long = (name: 'parameters' | 'session_state') => sql<boolean>`length(${sql.ref(name)}) > ${chars}`
  const query = db
    .selectFrom('approvals')
    .selectAll()
    .select([
      sql<string>`substr(text, 1, ${chars})`.as('text'),
      sql<string>`case when ${long('parameters')} then '[]' else parameters end`.as('parameters'),
      sql<string>`case when ${long('session_state')} then '{}' else session_state end`.as('session_state'),
      sql<number>`case when length > ${chars} or ${long('parameters')} or ${long('session_state')} then 1 else 0 end`.as(
        'brief',
      ),
    ])
    .orderBy('created_ms', 'desc')
    .orderBy('id', 'desc')
    .limit(limit)
  return (state ? query.where('state', '=', state) : query).execute()
}

async function changeState(db: Kysely<Tables>, { id, from, to, at_ms, why }: StateChange): Promise<boolean> {
  const change = { state: to, ended_ms: at_ms, ended_why: why }
  const done = await db
    .updateTable('approvals')
    .set(change)
    .where('id', '=', id)
    .where('state', '=', from)
    .executeTakeFirst()
  return done.numUpdatedRows === 1n
}

async function take(trx: Transaction<Tables>, { id, now_ms, stands, why }: Use) {
  const query = trx.selectFrom('approvals').select('id').where('id', '=', id).where('state', '=', 'approved')
  if (!(await query.where('expires_ms', '>', now_ms).executeTakeFirst())) return undefined
  const to = stands(await votesOf(trx, [id])) ? 'consumed' : 'expired'
  const change = { id, from: 'approved', to, at_ms: now_ms, why: to === 'consumed' ? '' : why } as const
  if (!(await changeState(trx, change))) return undefined
  return to === 'consumed' ? 'consumed' : 'fallen'
}

async function castVote(
  trx: Transaction<Tables>,
  vote: VoteRow,
  next: (votes: readonly JudgedVote[]) => ApprovalState,
): Promise<ApprovalState | undefined> {
  const request = await trx
    .selectFrom('approvals')
    .select(['state', 'expires_ms'])
    .where('id', '=', vote.approval)
    .executeTakeFirst()
  if (request?.state !== 'pending' || request.expires_ms <= vote.voted_ms) return undefined
  const insert = trx.insertInto('votes').values(vote)
  const added = await insert.onConflict((oc) => oc.doNothing()).executeTakeFirst()
  if (added.numInsertedOrUpdatedRows !== 1n) return undefined
  const to = next(await votesOf(trx, [vote.approval]))
  if (to === 'pending') return to
  const change: StateChange = { id: vote.approval, from: 'pending', to, at_ms: vote.voted_ms, why: vote.reason }
  return (await changeState(trx, change)) ? to : undefined
}
