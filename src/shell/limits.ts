/** Characters of a command line; a longer one is unknown. */
export const LINE_MAX = 65_536
/** Characters of the canonical text. */
export const TEXT_MAX = 8_192
/** How deep command lines lie in one another (`sh -c`, `ssh`, `xargs`, substitutions); deeper is unknown. */
export const DEPTH_MAX = 16
/** Simple commands listed of one line; a line with more is unknown. */
export const COMMANDS_MAX = 512
/** Statements, pipes and compound commands read of one line; a line with more is unknown. */
export const NODES_MAX = 4_096
/** Files noted of one line; a line that names more is unknown. */
export const PATHS_MAX = 1_024
/** Names one word with braces may stand for; more are not known. */
export const NAMES_MAX = 64
/** Folders a `find` starts in whose files are told by name; of more, they are not known. */
export const ROOTS_MAX = 16
/** Functions a line may define. */
export const FUNCTIONS_MAX = 64
/** Characters read over all levels of one line: text inside `sh -c` is read again, so twice nested is read thrice. */
export const READ_MAX = 4 * LINE_MAX
/** Folders a `cd` may have led to; more, and relative names are not known. */
export const FOLDERS_MAX = 8
/** Lines kept read, and characters of all of them. */
export const CACHE_ENTRIES = 4_096
export const CACHE_CHARACTERS = 4 << 20
