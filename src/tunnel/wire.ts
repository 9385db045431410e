import { LIMITS } from './limits.ts'

/** What both ends must agree on. A change that an older peer would misread gets a new name. */

/** The inner protocols, by ALPN (RFC 7301). `http/1.1` on the same port carries the WebSocket. */
export const TUNNEL = 'sluice-tunnel/1'
export const JOIN = 'sluice-join/1'
export const WEB = 'http/1.1'

/** TLS 1.3's suites; AES-128 first: it is as safe here as AES-256, and faster. */
export const CIPHERS = 'TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384'

/** The name the gateway's end is known by inside the tunnel, whatever address reaches it. */
export const GATEWAY_NAME = 'gateway.sluice.internal'
export const WEBSOCKET_PATH = '/tunnel'
/** The stream both ends talk about themselves on. Targets are opened by CONNECT (RFC 9113 §8.5). */
export const CONTROL_PATH = '/control'
/** Says why a CONNECT was refused: a code of {@link REFUSALS}. */
export const WHY = 'sluice-why'

/**
 * What a connector can do. The gateway asks for {@link REQUIRED} of it before it sends anything through: one that lacks any is shown, and not
 * used.
 */
export const CAPABILITIES = ['connect', 'half-close', 'pinned-addresses', 'renew', 'drain'] as const
export const REQUIRED = ['connect', 'half-close', 'pinned-addresses'] as const

/** Why a connector does not open a connection, and the status it answers with. */
export const REFUSALS = {
  'not-allowed': 403,
  'not-understood': 400,
  'no-such-name': 502,
  unreachable: 502,
  late: 504,
  busy: 503,
  draining: 503,
} as const
export type RefusalWord = keyof typeof REFUSALS

/** Bounds on what a peer may send; the same at both ends. */
export function sessionOptions() {
  return {
    settings: {
      enablePush: false,
      initialWindowSize: LIMITS.streamWindow,
      maxConcurrentStreams: LIMITS.streams,
      maxHeaderListSize: LIMITS.headers,
    },
    maxHeaderListPairs: LIMITS.headerPairs,
    maxSessionMemory: LIMITS.sessionMemory_mb,
    maxSessionInvalidFrames: LIMITS.invalidFrames,
    maxSessionRejectedStreams: LIMITS.refusedStreams,
    maxOutstandingPings: LIMITS.outstandingPings,
    maxOutstandingSettings: LIMITS.outstandingSettings,
    maxSendHeaderBlockLength: LIMITS.headers,
    // A frame of the largest default size keeps a small query from waiting behind a large one.
    strictSingleValueFields: true,
  } as const
}

/** First words of a connector on the control stream. */
export interface Hello {
  readonly say: 'hello'
  readonly version: string
  readonly capabilities: readonly string[]
  /** Random, per process: tells a restart from a second holder of the same certificate. */
  readonly instance: string
}

/** What a connector says. */
export type FromConnector =
  | Hello
  /** `proof` is the new key's signature over the tunnel's own exported bytes: nobody else can send it, nowhere else. */
  | { readonly say: 'renew'; readonly publicKey: string; readonly proof: string }
  /** It will go: nothing new, please. */
  | { readonly say: 'drain' }

/** What the gateway says. */
export type FromGateway =
  | { readonly say: 'welcome'; readonly name: string; readonly id: string; readonly renewAfter_ms: number }
  | { readonly say: 'certificate'; readonly cert: string }
  /** The last word before the tunnel ends. `revoked` and `duplicate` are not tried again. */
  | { readonly say: 'bye'; readonly why: Bye }

export type Bye = 'revoked' | 'duplicate' | 'superseded' | 'incompatible' | 'shutdown' | 'refused'

/** What a joining connector sends, one line. */
export interface JoinRequest {
  readonly token?: string
  /** In a token's place: what a trusted issuer says of the one who joins. */
  readonly workload?: string
  readonly publicKey: string
  readonly proof: string
  readonly version: string
}

export type JoinAnswer =
  | { readonly ok: true; readonly id: string; readonly name: string; readonly cert: string; readonly ca: string }
  | { readonly ok: false; readonly code: string; readonly message: string }

/** What the bytes that bind a proof to one TLS connection are exported for (RFC 8446 §7.5). */
export const PROOF_LABEL = 'EXPORTER-sluice-connector-key'
