/** Every bound of transcripts, by name (design §13.5). Sizes in bytes, times in milliseconds. */

/** A session's events are written once this many wait, or FLUSH_ms after the first. */
export const CHUNK_bytes = 64 * 1024
export const FLUSH_ms = 50
/** Memory a session's first lines get; it grows with them. */
export const LINES_bytes = 4 * 1024
/** Memory of written chunks kept for further ones. */
export const SPARE_chunks = 32
/** Beyond either, writing stops being asynchronous: the session waits for the disk. */
export const SESSION_bytes = 8 * 1024 * 1024
export const TOTAL_bytes = 256 * 1024 * 1024
/** While the disk refuses, a session keeps this much; then its rows, then its other events are counted instead of kept. */
export const REFUSED_rows_bytes = 8 * 1024 * 1024
export const REFUSED_bytes = 12 * 1024 * 1024
/** How often writing is tried again while it fails. */
export const RETRY_ms = 500
/** A session's end does not wait longer than this for a disk that refuses. */
export const CLOSE_ms = 10_000
/** Writes under way at once; each has a file open. */
export const WRITES = 32
/** Transcript files kept open although nothing is being written to them. */
export const IDLE_FILES = 64
/** Rows of one operation kept as a sample, and their bytes. */
export const SAMPLE_ROWS = 100
export const SAMPLE_bytes = 256 * 1024
/** Events a live watcher may lag behind before it is told of a gap. */
export const WATCH_EVENTS = 1000
/** Longest line a reader accepts. */
export const LINE_bytes = 64 * 1024 * 1024
/** Closed sessions the index keeps in memory; lines that may wait for its file; how often they are written. */
export const INDEX_RECENT = 5000
export const INDEX_PENDING = 100_000
export const INDEX_FLUSH_ms = 500
/** Row layouts remembered of one session. Rows of one forgotten are shown by guess. */
export const LAYOUTS = 1000
