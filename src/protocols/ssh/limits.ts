/** Bounds of this folder (design §13.5). */

/** From accept until the client has proved who it is. */
export const LOGIN_GRACE_MS = 30_000
/** Proofs one connection may try: OpenSSH's MaxAuthTries. */
export const PROOFS = 6
/** Until the target has accepted our login. */
export const TARGET_LOGIN_MS = 10_000
/** How long a client has to read a last message before its connection is cut. */
export const GOODBYE_MS = 1_000
/** A silent peer is asked whether it is still there this often, and is given up after so many silent answers. */
export const KEEPALIVE_MS = 30_000
export const KEEPALIVES = 4
