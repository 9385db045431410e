/** Every bound of masking (design, invariant 5). */

/** A COPY field that is masked is gathered up to this size; a longer one is replaced whole. */
export const FIELD_BYTES = 16 << 20
/** Of a stream, a private key without its end is held back this far, and then shown as its mask; what still comes of it is left out. */
export const KEY_BYTES = 16_384
/** Longest END line of a key. */
export const KEY_END = 80
/** FF1 costs the square of the length: longer values are hashed, which cannot be reversed. */
export const TOKEN_BYTES = 256
/** Objects and arrays inside one another in JSON; a deeper document becomes NULL. */
export const JSON_DEPTH = 256
/** Binary records and arrays inside one another; a deeper one becomes NULL. */
export const NESTING = 16
/** Of a stream, a line without its end is held back up to the window, and looked at again from the overlap on; no value is longer than that. */
export const STREAM_WINDOW = 64 << 10
export const STREAM_OVERLAP = 24 << 10
