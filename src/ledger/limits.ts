/** Every bound of the ledger, by name (design §13.5). Sizes in bytes, times in milliseconds. */

/** A segment is closed by the first commit that finds it at least this long; it may be longer by one batch. */
export const SEGMENT_bytes = 64 * 1024 * 1024
/** Longest body one entry may carry, in UTF-16 units. */
export const BODY_units = 8 * 1024 * 1024
/** Longest line a reader accepts: a body in UTF-8, and its head. */
export const LINE_bytes = 3 * BODY_units + 1024
/** A batch beyond this is refused: nobody commits, or nothing can be written. */
export const BATCH_bytes = 64 * 1024 * 1024
/** Entries are put together in memory of this size; one with less room left than an ordinary batch takes is not used further. */
export const SLAB_bytes = 256 * 1024
export const ROOM_bytes = 16 * 1024
export const SPARE_slabs = 4
/** What is kept of refused batches (outcomes, closes …), to be written once that works again. */
export const CARRY_units = 16 * 1024 * 1024
/** Committed, but not yet known to be on disk. Beyond either, a commit is refused. */
export const UNSYNCED_bytes = 64 * 1024 * 1024
export const UNSYNCED_ms = 10_000
/** A commit is on disk this long after it, at the latest, on a disk that keeps up. */
export const FSYNC_ms = 50
/** Entries nobody commits (a transcript's chunk, an outcome) are committed after this. */
export const AUTOCOMMIT_ms = 5
/** How often writing is tried again while it fails. */
export const RETRY_ms = 500
/** How often a checkpoint is signed while there is something new: what an undetected cut of the tail can cost at most. */
export const CHECKPOINT_ms = 1000
/** Most bytes read at once by scanners. */
export const WINDOW_bytes = 1024 * 1024
/** How often open sessions and intents are saved, so that a restart reads little. */
export const OPEN_WORK_ms = 10_000
/** Sealing that fails for longer than this refuses further entries. */
export const SEAL_FAILING_ms = 60_000
/** The sealer is told at most this often what is on disk. */
export const SEAL_ms = 100
