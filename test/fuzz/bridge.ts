import { once } from 'node:events'
import { login } from '../../src/protocols/postgres/login.ts'
import { framesOf } from '../rig/frames.ts'
import type { PostgresServer } from '../rig/postgres.ts'
import { type Regime, Talk } from '../rig/talk.ts'
import { upstreamTo } from '../rig/upstream.ts'
import { printed } from '../rig/wire.ts'
import type { Cut } from './replay.ts'

/** What came of a client that said everything at once and then listened. */
export interface Heard {
  readonly lines: readonly string[]
  readonly bytes: Buffer
  readonly talk: Talk
}

export interface Visit {
  readonly server: PostgresServer
  readonly database: string
  readonly regime: Regime
  readonly says: Buffer
  readonly cut: Cut
  /** The last thing the client hears, unless the session ends before. */
  readonly last: (lines: readonly string[]) => boolean
  /** What people answer to whatever is held. */
  readonly approves: () => boolean
}

/** Says something to a real server through the conversation, in memory on the client's side. */
export async function visit(visit: Visit): Promise<Heard> {
  const { server, database, cut, says } = visit
  const upstream = { ...(await upstreamTo(server)), database }
  const { signal } = new AbortController()
  const target = await login(upstream, { database, settings: new Map(), protocolMinor: 0, signal })
  const talk = await Talk.open(visit.regime)
  const socket = target.stream
  let wake = Promise.withResolvers<void>()
  let sent = 0
  talk.emitted = () => {
    for (; sent < talk.toTargetBytes.length; sent++) socket.write(talk.toTargetBytes[sent]!)
    wake.resolve()
  }
  socket.on('data', (chunk: Buffer) => {
    talk.fromTarget(chunk)
    wake.resolve()
  })
  socket.on('close', () => {
    talk.targetLeft()
    wake.resolve()
  })
  for (let at = 0; at < says.length; ) {
    const end = Math.min(says.length, at + cut.size())
    talk.fromClient(says.subarray(at, end))
    if (cut.settles()) await Talk.settled()
    at = end
  }
  const lines: string[] = []
  const bytes: Buffer[] = []
  for (;;) {
    wake = Promise.withResolvers()
    await Talk.settled()
    while (talk.held > 0) await talk.decided(visit.approves())
    const { frames, rest } = framesOf(talk.toClientAll)
    talk.toClientBytes.splice(0, talk.toClientBytes.length, rest)
    for (const frame of frames) {
      bytes.push(frame.bytes)
      lines.push(printed({ type: frame.type, body: frame.bytes.subarray(5) }))
    }
    if (talk.over || visit.last(lines)) break
    await wake.promise
  }
  talk.clientLeft()
  socket.destroy()
  if (!socket.closed) await once(socket, 'close')
  return { lines, bytes: Buffer.concat(bytes), talk }
}
