/** Characters of a command line; a longer one is unknown. */
export const LINE_MAX = 65_536
/** Characters of the canonical text. */
export const TEXT_MAX = 8_192
