import type { Principal } from './principal.ts'

/** What a session was, known when it opens. */
export interface SessionMeta {
  readonly id: string
  readonly protocol: string
  readonly resource: string
  readonly principal: Principal
  readonly from: string
  readonly opened_ms: number
  /** The upstream account, and the database where the protocol has one. */
  readonly upstreamUser: string
  readonly database: string
  readonly client: string
}

/** What happened in a session, for replay. `op` is the operation's number within its session, from 1; `at` is added by the recorder. */
export type TranscriptEvent =
  | {
      readonly kind: 'operation'
      readonly op: number
      readonly verb: string
      readonly text: string
      readonly parameters?: readonly (string | null)[] | undefined
      readonly outcome: 'allow' | 'approve' | 'deny'
      readonly rule: string
      readonly reason: string
    }
  | { readonly kind: 'held'; readonly op: number; readonly approval: string }
  /** Result columns first seen in `op`; `rows` events refer to it by `columnsOf`. `format` 0 text, 1 binary. */
  | {
      readonly kind: 'columns'
      readonly op: number
      readonly columns: readonly { readonly name: string; readonly typeOid: number; readonly format: number }[]
    }
  /**
   * Rows as the client got them (masked), a sample: `bytes` holds whole messages of the protocol's own framing; the recorder copies them.
   * `columnsOf` is the operation whose `columns` event describes them: a layout is noted once per session, not per operation.
   */
  | { readonly kind: 'rows'; readonly op: number; readonly columnsOf: number; readonly bytes: Uint8Array }
  | {
      readonly kind: 'outcome'
      readonly op: number
      readonly status: OutcomeStatus
      /** Command tag, or the error's text as the client saw it. */
      readonly tag: string
      readonly rows: number
      readonly bytes: number
      readonly duration_ms: number
    }
  | { readonly kind: 'notice'; readonly text: string }

export type OutcomeStatus = 'ok' | 'error' | 'refused' | 'cancelled' | 'unknown'

/** Takes a session's events. Never throws to the caller: a recorder that cannot write raises its alarm through the port it came from. */
export interface Recorder {
  note(event: TranscriptEvent): void
  /** Seals the transcript; resolves when its last chunk is written. `why` is given when the session did not end by itself. */
  close(why?: string): Promise<void>
}
