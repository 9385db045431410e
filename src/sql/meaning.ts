import type { Resolved } from './resolved.ts'

/** A remembered result of `resolve`, with everything it depended on. It holds no catalogue, so that old ones can go. */
export interface Meaning {
  /** Snapshot.id: catalogue and labels. */
  readonly snapshot: number
  readonly database: string
  /** SessionMirror.namespace: search path, relations created here. */
  readonly namespace: string
  /** SessionMirror.objects when statement or cursor names were looked up, else the empty string. */
  readonly objects: string
  readonly resolved: Resolved
}
