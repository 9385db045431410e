import type { Kysely, Selectable } from 'kysely'
import { CHUNK } from './gone.ts'
import type { Tables, VotesTable } from './tables.ts'

export type VoteRow = Readonly<Selectable<VotesTable>>

/** A vote and what became of the one who cast it. */
export interface JudgedVote extends VoteRow {
  /** Which of those who bore the voter's name it was; empty for the first. */
  readonly life: string
  /**
   * Why it no longer counts; empty while it does. `credential`: the token it was cast with was revoked (the end of a sign-in is that as
   * well), or is not known. `blocked`: the voter, or somebody the token acted for, has been shut out since, even if that was lifted: what
   * they said before is what the kill switch was pulled for. A token that only expired takes nothing back.
   */
  readonly fallen: '' | 'credential' | 'blocked'
}

/** The votes of these requests, each judged by what the store says of its voter now: in the order in which they were cast. */
export async function votesOf(db: Kysely<Tables>, ids: readonly string[]): Promise<JudgedVote[]> {
  const votes: JudgedVote[] = []
  for (let at = 0; at < ids.length; at += CHUNK) {
    const rows = await db
      .selectFrom('votes')
      .leftJoin('tokens', 'tokens.id', 'votes.credential')
      .selectAll('votes')
      .select(['tokens.actors', 'tokens.revoked_ms', 'tokens.lives'])
      .where('approval', 'in', ids.slice(at, at + CHUNK))
      .orderBy('voted_ms')
      .orderBy('votes.principal')
      .execute()
    const shut = rows.length > 0 ? await shutOut(db, Math.min(...rows.map((row) => row.voted_ms))) : new Map()
    for (const { actors, revoked_ms, lives, ...vote } of rows) {
      const parties = [vote.principal, ...(JSON.parse(actors ?? '[]') as string[])]
      const blocked = parties.some((party) => (shut.get(party) ?? -1) >= vote.voted_ms)
      const fallen = actors === null || revoked_ms !== null ? 'credential' : blocked ? 'blocked' : ''
      const [life = ''] = JSON.parse(lives ?? '[]') as string[]
      votes.push({ ...vote, life, fallen })
    }
  }
  return votes
}

/** Who is shut out, or was at some time since: until when, for ever where it stands. */
async function shutOut(db: Kysely<Tables>, since_ms: number): Promise<Map<string, number>> {
  const rows = await db
    .selectFrom('blocks')
    .select(['subject', 'lifted_ms'])
    .where('kind', '=', 'principal')
    .where((eb) => eb.or([eb('lifted_ms', 'is', null), eb('lifted_ms', '>=', since_ms)]))
    .execute()
  const until = new Map<string, number>()
  for (const { subject, lifted_ms } of rows)
    until.set(subject, Math.max(until.get(subject) ?? 0, lifted_ms ?? Number.POSITIVE_INFINITY))
  return until
}
