/**
 * Records the captures again: `node test/fuzz/record.ts [NAME …]`. Starts a server of its own, puts the conversation between it and real
 * clients, and keeps what both said, in order.
 */
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { sha256 } from '../../src/kit/digest.ts'
import type { Gate } from '../../src/protocols/contract.ts'
import { login } from '../../src/protocols/postgres/login.ts'
import { welcome } from '../../src/protocols/postgres/messages.ts'
import { receiveOpening } from '../../src/protocols/postgres/startup.ts'
import { framesOf } from '../rig/frames.ts'
import { type Login, type PostgresServer, startPostgres } from '../rig/postgres.ts'
import { probe } from '../rig/psql.ts'
import { Talk } from '../rig/talk.ts'
import { upstreamTo } from '../rig/upstream.ts'
import { CAPTURES, printCapture, type Turn } from './capture.ts'
import { DATABASE, REGIMES } from './regimes.ts'
import { type RecordedSession, SESSIONS } from './sessions.ts'

const gate = { tls: undefined, loopback: true, closing: new AbortController().signal } as Gate

/**
 * What came in, message by message: a message belongs to the moment it was complete. A turn ends where the other side's begins, and the
 * target's also where it was asked something more.
 */
class Reel {
  readonly turns: Turn[] = []
  #askedMore = false
  readonly #rest: Record<'client' | 'target', Buffer> = { client: Buffer.alloc(0), target: Buffer.alloc(0) }

  keep(from: 'client' | 'target', chunk: Buffer): void {
    const { frames, rest } = framesOf(Buffer.concat([this.#rest[from], chunk]))
    this.#rest[from] = Buffer.from(rest)
    if (frames.length === 0) return
    const bytes = Buffer.concat(frames.map((frame) => frame.bytes))
    const last = this.turns.at(-1)
    const goesOn = last?.from === from && !(from === 'target' && this.#askedMore)
    if (from === 'target') this.#askedMore = false
    if (goesOn) this.turns[this.turns.length - 1] = { from, bytes: Buffer.concat([last.bytes, bytes]) }
    else this.turns.push({ from, bytes })
  }

  asked(): void {
    this.#askedMore = true
  }
}

/** Records one session: a client that connects to the port it is given, and the server behind. */
async function record(server: PostgresServer, { name, regime, play, rejects = [] }: RecordedSession): Promise<void> {
  await probe(server, 'drop database if exists shop')
  await probe(server, 'create database shop')
  await probe({ ...server, database: 'shop' }, DATABASE)
  let reel = new Reel()
  let sent: Buffer[] = []
  const listener = createServer((socket) => void converse(socket))
  await once(listener.listen(0, '127.0.0.1'), 'listening')
  const ended = Promise.withResolvers<void>()

  async function converse(client: Socket): Promise<void> {
    const opening = await receiveOpening(client, gate)
    if (opening.kind !== 'startup') return
    // pgbench looks around before it begins: what counts is the last connection.
    reel = new Reel()
    sent = []
    const upstream = { ...(await upstreamTo(server)), database: 'shop' }
    const wish = { database: 'shop', settings: new Map(), protocolMinor: 0, signal: gate.closing } as const
    const target = await login(upstream, wish)
    client.write(welcome({ parameters: target.parameters, processId: target.processId, secret: Buffer.alloc(4) }))
    const talk = await Talk.open(REGIMES[regime]!)
    let answers = 0
    talk.emitted = () => {
      for (const bytes of talk.toClientBytes.splice(0)) client.write(bytes)
      for (const bytes of talk.toTargetBytes.splice(0)) {
        sent.push(bytes)
        reel.asked()
        target.stream.write(bytes)
      }
      if (talk.over) end()
    }
    const answer = async () => {
      await Talk.settled()
      while (talk.held > 0) {
        const approved = !rejects.includes(answers++)
        reel.turns.push({ from: 'people', approved })
        await talk.decided(approved)
      }
    }
    const end = () => {
      client.end()
      target.stream.end()
      ended.resolve()
    }
    client.on('data', (chunk: Buffer) => {
      reel.keep('client', chunk)
      talk.fromClient(chunk)
      void answer()
    })
    target.stream.on('data', (chunk: Buffer) => {
      reel.keep('target', chunk)
      talk.fromTarget(chunk)
      void answer()
    })
    client.on('end', end)
  }

  const { port } = listener.address() as AddressInfo
  const way: Login = { host: '127.0.0.1', port, user: 'orders', password: '', database: 'shop' }
  await play(way)
  await ended.promise
  listener.close()
  const capture = { name, regime, turns: reel.turns, sent: sha256(Buffer.concat(sent)) }
  writeFileSync(join(CAPTURES, `${name}.capture`), printCapture(capture))
}

const wanted = process.argv.slice(2)
await using server = await startPostgres({ hba: ['local all all trust', 'host all all 127.0.0.1/32 trust'] })
for (const session of SESSIONS) {
  if (wanted.length > 0 && !wanted.includes(session.name)) continue
  await record(server, session)
  console.log(session.name)
}
