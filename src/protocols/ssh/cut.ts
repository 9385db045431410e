/** Why nothing goes on: of a session, or of one channel of it. */
export interface Cut {
  /** For the record: an error's code, or a few words. */
  readonly tag: string
  /** Nobody meant it to end here: what only waited is cut off as well, not just what was under way. */
  readonly sudden: boolean
}

/** As a client may at any time. */
export const CLIENT_LEFT: Cut = { tag: 'the client left', sudden: false }

/** As it does when what ran on it has ended. */
export const TARGET_CLOSED: Cut = { tag: 'the target closed the channel', sudden: false }
