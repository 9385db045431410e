/** Every bound of the PostgreSQL protocol before a session's pump takes over, and of what runs beside it (design, invariant 5). */
import { FRONTEND } from './codec.ts'

/** From accept to a complete StartupMessage, TLS handshake included. */
export const OPENING_MS = 15_000
/** From the password request to the password. Clients hold it ready: nobody types while this runs. */
export const TOKEN_MS = 15_000
/** From a connected stream to the target's ReadyForQuery. */
export const LOGIN_MS = 20_000
/** How long a refused client may take to read its refusal and leave. */
export const GOODBYE_MS = 2_000

/** Largest StartupMessage after its length field: the server's own MAX_STARTUP_PACKET_LENGTH. */
export const STARTUP_BYTES = 10_000
/** Largest PasswordMessage body. Tokens are short; a JWT with many groups is a few kilobytes. */
export const TOKEN_BYTES = 16_384
/** Names longer than this are cut by the server, so what is judged and what is opened could differ: NAMEDATALEN - 1. */
export const NAME_BYTES = 63

/** Largest single message of a target during login. */
export const LOGIN_MESSAGE_BYTES = 65_536
/** Everything a target may send during login. */
export const LOGIN_BYTES = 1_048_576
/** SCRAM rounds we are willing to compute; servers use 4,096 unless told otherwise. */
export const SCRAM_ITERATIONS = 1_000_000
/** Derived SCRAM keys kept, one per (password, salt, rounds). */
export const SCRAM_KEYS = 256

/** Parsed certificates of targets kept. */
export const TARGET_CONTEXTS = 64

/** Cancel keys: what protocol 3.2 allows, and what we hand out. */
export const CANCEL_KEY_BYTES = { least: 4, most: 256, version30: 4, version32: 32 } as const

/** Largest length field by frontend message type; a type not listed is not taken at all. Small messages: the server's PQ_SMALL_MESSAGE_LIMIT. */
export const MESSAGE_BYTES: ReadonlyMap<number, number> = new Map([
  [FRONTEND.Query, 17 << 20],
  [FRONTEND.Parse, 17 << 20],
  [FRONTEND.Bind, 256 << 20],
  [FRONTEND.FunctionCall, 64 << 20],
  [FRONTEND.CopyData, 0x3fffffff],
  [FRONTEND.Execute, 10_000],
  [FRONTEND.Describe, 10_000],
  [FRONTEND.Close, 10_000],
  [FRONTEND.CopyFail, 10_000],
  [FRONTEND.CopyDone, 4],
  [FRONTEND.Flush, 4],
  [FRONTEND.Sync, 4],
  [FRONTEND.Terminate, 4],
])
/** Messages forwarded whose reply is awaited, at most: a pipeline deeper than this waits. */
export const EXCHANGES = 10_000
/** Largest single message of a target that is collected: only a row to be masked, a description or an error ever is. */
export const COLLECTED_BYTES = 64 << 20
/** Rows kept in the transcript per operation, in bytes. */
export const SAMPLE_BYTES = 16_384
/** Rows kept in the transcript per operation. */
export const SAMPLE_ROWS = 20

/** Cancel requests one peer may send at once, and how many more per second after that. Whoever sends more is not answered differently. */
export const CANCELS_AT_ONCE = 100
export const CANCELS_PER_SECOND = 20
/** Peers whose rate is remembered. */
export const CANCEL_PEERS = 10_000
/** Longest that a cancel request is on its way to the target. */
export const CANCEL_MS = 5_000

/** How often a catalogue in use is compared with the target's. */
export const CATALOGUE_CHECK_MS = 5_000
/** A catalogue not compared for this long is not handed out. */
export const CATALOGUE_STALE_MS = 15_000
/** How long a side connection outlives the last session on its database: a pending DROP DATABASE waits for it. */
export const CATALOGUE_LINGER_MS = 500
/** One load of a catalogue, at most. */
export const CATALOGUE_LOAD_MS = 30_000
/** After a load failed, the next one waits this long. */
export const CATALOGUE_RETRY_MS = 1_000
/** What one load may bring, and the largest single row of it (a view's definition). */
export const CATALOGUE_BYTES = 512 << 20
export const CATALOGUE_ROW_BYTES = 4 << 20
/** Views whose definitions are asked for in one query. */
export const CATALOGUE_VIEWS = 200
/** Databases whose catalogue is kept after their last session left. */
export const CATALOGUES = 64
