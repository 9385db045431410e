import type { LiveSession, LiveSessions } from '../model/ports.ts'
import { actorChain } from '../model/principal.ts'
import type { BlockKind } from './blocks.ts'
import type { Identity } from './identity.ts'
import type { PrincipalDirectory } from './principals.ts'

/** What the kill switch is pulled on. A token is revoked for good; the others stay shut until they are lifted. */
export interface KillRequest {
  readonly kind: BlockKind | 'token'
  /** A token's id, a principal's id, a resource's name; `*` for all. */
  readonly subject: string
  readonly by: string
  readonly why: string
}

export interface Killed {
  /** False when it was shut, or the token revoked, before. */
  readonly changed: boolean
  /** Live sessions that were told to end. */
  readonly sessions: number
}

/** Whether there is anything of that name to shut out: known, at work, or shut out already. What nobody has is a slip of the pen. */
export async function isThere(
  { identity, live, principals, resources }: KillSight,
  { kind, subject }: Pick<KillRequest, 'kind' | 'subject'>,
): Promise<boolean> {
  if (kind === 'all') return true
  if (kind === 'token')
    return (await identity.token(subject)) !== undefined || live.list().some((each) => reaches(each, kind, subject))
  const known = kind === 'resource' ? resources.names().includes(subject) : principals.lookup(subject) !== undefined
  return (
    known ||
    live.list().some((session) => reaches(session, kind, subject)) ||
    (await identity.blocks()).some((block) => block.kind === kind && block.subject === subject)
  )
}

/** What is looked at to tell. */
export interface KillSight {
  readonly identity: Pick<Identity, 'blocks' | 'token'>
  readonly live: Pick<LiveSessions, 'list'>
  readonly principals: Pick<PrincipalDirectory, 'lookup'>
  readonly resources: { names(): readonly string[] }
}

/** Shuts the subject out, then ends every live session it reaches. In this order: no session opens in between and is missed. */
export async function kill(
  { identity, live }: { readonly identity: Identity; readonly live: LiveSessions },
  { kind, subject, by, why }: KillRequest,
): Promise<Killed> {
  const hit = live.list().filter((session) => reaches(session, kind, subject)).length
  const changed =
    kind === 'token'
      ? await identity.revokeToken(subject, by)
      : await identity.block({ kind, subject: kind === 'all' ? '*' : subject, by, why })
  for (const session of live.list()) if (reaches(session, kind, subject)) void live.kill(session.id, by, why)
  return { changed, sessions: hit }
}

function reaches(session: LiveSession, kind: KillRequest['kind'], subject: string): boolean {
  if (kind === 'all') return true
  if (kind === 'resource') return session.resource === subject
  if (kind === 'token') return session.principal.credential === subject
  return actorChain(session.principal).some((party) => party.id === subject)
}
