/** Longest text parsed on the event loop, in UTF-16 code units. Longer ones go to the worker. */
export const INLINE_TEXT_MAX = 64 * 1024
/** Longest text parsed at all. */
export const TEXT_MAX = 16 * 1024 * 1024
/** Deepest nesting of grammar nodes: the walkers recurse once or a few times per level and must fit the JavaScript stack. */
export const DEPTH_MAX = 1_000
/** Most grammar nodes of one message, after constants that say nothing were pruned: what one message may cost the event loop. */
export const NODES_MAX = 60_000
/** Most statements in one message: each is looked up, judged and described by itself, about 0.2 ms of the event loop. */
export const STATEMENTS_MAX = 2_000
/** Most grammar nodes the worker looks at before pruning. */
export const WORKER_NODES_MAX = 1_500_000
/** Longest JSON text of a syntax tree the worker reads once rows of constants are cut out, in UTF-16 code units. */
export const TREE_TEXT_MAX = 32_000_000
/** Longest time one text may take in the worker. */
export const WORKER_DEADLINE_MS = 20_000
/** Most texts waiting for the worker. */
export const WORKER_QUEUE_MAX = 32
/** Heap of the worker, in MiB. */
export const WORKER_HEAP_MB = 1024
/** The worker is replaced after a text longer than this, so that its memory does not stay. */
export const WORKER_RECYCLE = 2 * 1024 * 1024
/** Entries and characters (text plus syntax tree as JSON, about 4.4 bytes of memory each) of the cache of parsed texts. */
export const CACHE_ENTRIES = 4096
export const CACHE_CHARACTERS = 12 * 1024 * 1024
/** A syntax tree larger than this is not cached. */
export const CACHE_ENTRY_MAX = 512 * 1024
/** Literal shapes remembered. */
export const SHAPES_MAX = 4096
/** Longest text whose literals are abstracted. */
export const SHAPE_TEXT_MAX = 4096
/** Meanings remembered per parsed text (one per catalogue, labels, search path). */
export const MEANINGS_MAX = 4
/** What of a statement's text an operation carries. */
export const OPERATION_TEXT_MAX = 8 * 1024
/** Views inside views, and the longest definition that is expanded. */
export const VIEW_DEPTH_MAX = 1_000
export const VIEW_TEXT_MAX = 64 * 1024
/** Rounds until the labels of a recursive query must have settled. */
export const RECURSION_ROUNDS = 64
/** Objects listed on one operation; facts list all. */
export const OBJECTS_MAX = 256
/** Statements, cursors and relations one session's mirror remembers. */
export const MIRROR_ENTRIES_MAX = 10_000
/** Most steps (expressions, names looked up, columns expanded) one statement's tracing may take: about a second. */
export const STEPS_MAX = 2_000_000
