/** Bounds of channels and what flows through them (design §13.5). Bytes and milliseconds. */

/** What a peer may send on one channel before we have passed it on: OpenSSH's own. */
export const WINDOW_BYTES = 2 << 20
/** Windows of all channels of one connection together; a channel beyond gets less. */
export const WINDOWS_BYTES = 32 << 20
/** The least window a channel gets. */
export const WINDOW_LEAST_BYTES = 64 << 10
/** Largest data we take in one message, and send in one, whatever the peer offers. */
export const PACKET_BYTES = 32 << 10
/**
 * The least a peer must take in one message: who takes less would have every byte packed in a message of its own, and who takes nothing could
 * be sent nothing but empty ones, without end. Stock clients take 4 KiB and more.
 */
export const PACKET_LEAST_BYTES = 256
/** Channels of one connection at once. */
export const CHANNELS = 256
/** Requests that wait on one channel for an earlier one. */
export const WAITING_REQUESTS = 64
/** Global requests that wait for an answer. */
export const WAITING_GLOBALS = 64
/** Largest channel request: a command line is in one. */
export const REQUEST_BYTES = 256 << 10
/** Unsent bytes beyond which data waits, and beyond which the other side is not read. */
export const LINE_FULL_BYTES = 1 << 20
export const LINE_OVERRUN_BYTES = 4 << 20
/** What a peer that is told why has to read it. */
export const GOODBYE_MS = 250
/** What a connection that is over may take to take its last bytes and close. */
export const LINGER_MS = 5_000
/** How often a held client is told that it still waits. */
export const STILL_WAITING_MS = 15_000
/** Longest name of a variable, subsystem, host; longest value of a variable. */
export const NAME_BYTES = 255
export const VALUE_BYTES = 4_096
/** Variables of one channel; modes of a terminal: RFC 4254 §8 has some sixty, of five bytes each. */
export const VARIABLES = 64
export const MODES_BYTES = 1_024
/** Longest path in a file operation: PATH_MAX. */
export const PATH_BYTES = 4_096
/** Remote forwards of one connection. */
export const LISTENERS = 32
/** How long a line without its end may be held back by masking. */
export const MASK_PAUSE_MS = 40
/** Largest SFTP packet taken: OpenSSH's own bound. A larger one ends the channel. */
export const SFTP_PACKET_BYTES = 256 << 10
/** Longest handle: draft-ietf-secsh-filexfer-02 §6.2. */
export const SFTP_HANDLE_BYTES = 256
/** Requests of one SFTP channel that wait for their answers; open files. */
export const SFTP_OUTSTANDING = 1_024
export const SFTP_HANDLES = 1_024
/** Longest line of scp's protocol, and folders inside one another. */
export const SCP_LINE_BYTES = 8_192
export const SCP_DEPTH = 256
/** Typed bytes that wait for their echo, and the longest line put together of them. */
export const TYPED_BYTES = 4_096
export const TYPED_LINE = 4_096
/** Of a text the target says beside its output (a status, a signal's message), as much as is shown. */
export const TARGET_TEXT_BYTES = 4_096
