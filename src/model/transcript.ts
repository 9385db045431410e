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
  /** A program of `op` runs on a terminal; sizes in characters. Its output and input are recorded whole. */
  | {
      readonly kind: 'terminal'
      readonly op: number
      readonly term: string
      readonly width: number
      readonly height: number
    }
  | { readonly kind: 'resize'; readonly op: number; readonly width: number; readonly height: number }
  /** What a program wrote, as the client got it (masked). Without a terminal a sample; the recorder copies the bytes. */
  | { readonly kind: 'output'; readonly op: number; readonly stream: 1 | 2; readonly bytes: Uint8Array }
  /** What it was sent. On a terminal only what was echoed: what is typed blindly (a password) is not here. */
  | { readonly kind: 'input'; readonly op: number; readonly bytes: Uint8Array }
  /** A line as it seems to have been typed. A hint for who reads: editing keys, completion and history may have made another of it. */
  | { readonly kind: 'typed'; readonly op: number; readonly text: string }
  /** A file that was moved. `covers` says what `sha256` is of: all of it, some bytes of it, or what moved in the order it moved, which is not how it stands in the file. */
  | {
      readonly kind: 'file'
      readonly op: number
      readonly direction: 'get' | 'put'
      readonly path: string
      /** Bytes moved, those moved twice counted twice. */
      readonly bytes: number
      readonly sha256: string
      readonly covers: 'whole' | 'part' | 'moved'
      /** Where the bytes of the digest begin in the file, and how many they are. */
      readonly from: number
      readonly length: number
    }

export type OutcomeStatus = 'ok' | 'error' | 'refused' | 'cancelled' | 'unknown'

/** Takes a session's events. Never throws to the caller: a recorder that cannot write raises its alarm through the port it came from. */
export interface Recorder {
  note(event: TranscriptEvent): void
  /** Seals the transcript; resolves when its last chunk is written. `why` is given when the session did not end by itself. */
  close(why?: string): Promise<void>
}
