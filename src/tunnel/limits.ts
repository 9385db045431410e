/** Every bound of the tunnel. Bytes unless the name says otherwise. */
export const LIMITS = {
  /** What one stream may have under way. 1 MB carries 160 Mbit/s over 50 ms. */
  streamWindow: 1 << 20,
  /** What all streams of one tunnel together may have under way: least, most, and how often it is fitted to the link. */
  windowLeast: 65_536,
  windowMost: 8 << 20,
  windowLook_ms: 100,
  /** What a queue may add to a round trip, for the ends' own work between reading and answering. */
  windowSlack_ms: 1,
  /** Round trips measured when a tunnel is new and nothing is in its way, and the time between them. */
  earlyPings: 8,
  earlyPing_ms: 25,
  /** The best round trip is that of the last one to two such spans. */
  windowSpan_ms: 60_000,
  /** Target connections at once through one tunnel. */
  streams: 4_096,
  /** Target connections a connector is opening at once. */
  dials: 512,
  /** Header block of a request or an answer; ours have under 1 KB. */
  headers: 4_096,
  headerPairs: 32,
  /** Memory one HTTP/2 session may use before it refuses streams, in MB. */
  sessionMemory_mb: 1_024,
  /** Frames that are not valid, and streams refused, before a session ends. */
  invalidFrames: 32,
  refusedStreams: 1_024,
  outstandingPings: 4,
  outstandingSettings: 4,
  /** One message on the control stream, or of a join. */
  line: 16_384,
  /** TCP and TLS, and the WebSocket around it, up to the first message. */
  handshake_ms: 10_000,
  /** From the first request to the connector's first word. */
  hello_ms: 10_000,
  join_ms: 10_000,
  /** From the last word to the end of a tunnel. */
  bye_ms: 250,
  /** How long a second holder of a certificate waits for the first to show that it is there. */
  rival_ms: 3_000,
  /** How often both ends look whether the other is there, and how long an answer may take. */
  ping_ms: 5_000,
  pingAnswer_ms: 10_000,
  /** Opening a connection to a target, name resolution included. The engine waits as long. */
  dial_ms: 10_000,
  /** The part of it the connector takes for the target itself, so that it is the one that says why not. */
  targetDial_ms: 8_000,
  /** Connections to the tunnel's listener: joined, joining and unknown. */
  connections: 10_000,
  /** Of those, how many may be in their handshake. */
  handshakes: 256,
  /** A WebSocket message; ours carry a TLS record or a few. */
  webSocketMessage: 1 << 20,
  /** Head of an HTTP request to the tunnel's listener, and of a proxy's answer. */
  httpHead: 8_192,
  /** A join token's life. */
  joinTtlDefault_ms: 600_000,
  joinTtlMin_ms: 1_000,
  joinTtlMax_ms: 86_400_000,
  /** Connectors of one name, and of all. */
  membersPerName: 64,
  members: 10_000,
  /** A connector's certificate, and the age at which it is renewed. */
  certificate_ms: 7 * 86_400_000,
  renew_ms: 86_400_000,
  /** The gateway makes its own certificate anew at every start, and a day before it ends. */
  gatewayCertificate_ms: 30 * 86_400_000,
  /** How often the store is asked who was revoked. */
  sweep_ms: 1_000,
  /** First and longest wait before the gateway is dialled again; each is a random part of it. */
  backoffFirst_ms: 2_000,
  backoffMost_ms: 15_000,
  /** A tunnel that held this long counts as one that worked: the waits begin anew. */
  settled_ms: 60_000,
  /** A piece of this size is part of something larger. */
  bulk: 8_192,
  /** Read from a target and not sent yet, per stream. */
  ahead: 262_144,
  /** Read buffers of 64 KB a connector keeps for later use. */
  readBuffers: 64,
  /** Entries of one allow-list. */
  allowed: 1_000,
} as const
