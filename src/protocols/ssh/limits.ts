/** Bounds of this folder (design §13.5). */

/** From accept until the client has proved who it is. */
export const LOGIN_GRACE_MS = 30_000
/** Proofs one connection may try: OpenSSH's MaxAuthTries. */
export const PROOFS = 6
/** Keys one connection may name without using them. */
export const OFFERS = 32
/** How often whoever signs in with a browser is told that it still waits. */
export const STATUS_MS = 10_000
/** Connections without a proof, of one address and altogether. Beyond them the newest is closed. */
export const PENDING_PER_ADDRESS = 256
export const PENDING = 4_096
/** Until the target has accepted our login. */
export const TARGET_LOGIN_MS = 10_000
/** How long a client has to read a last message before its connection is cut. */
export const GOODBYE_MS = 1_000
/** A silent peer is asked whether it is still there this often, and is given up after so many silent answers. */
export const KEEPALIVE_MS = 30_000
export const KEEPALIVES = 4
/** Messages before sign-in, key exchange apart: a stock client with ten keys and a browser link sends some forty. */
export const EARLY_MESSAGES = 200
/** One KEXINIT. OpenSSH 10 sends 1.6 KB. */
export const KEX_LIST_BYTES = 8_192
/** From a peer's KEXINIT to the end of that key exchange. */
export const REKEY_MS = 30_000
