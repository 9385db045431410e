import { Duplex, duplexPair } from 'node:stream'
import { expect, test } from 'vitest'
import { SluiceError } from '../kit/errors.ts'
import type { LedgerPort } from '../model/ports.ts'
import type { Conversation, Wire } from '../protocols/contract.ts'
import { LIMITS } from './limits.ts'
import { pump } from './pump.ts'
import { Tick } from './tick.ts'

/** A conversation that forwards everything, appending one ledger entry per client chunk; `hold` parks the client until released. */
class Forwarder implements Conversation {
  readonly wire: Wire
  readonly #ledger: LedgerPort
  left = false
  constructor(wire: Wire, ledger: LedgerPort) {
    this.wire = wire
    this.#ledger = ledger
  }
  fromClient(chunk: Buffer): void {
    if (chunk.equals(Buffer.from('boom'))) throw new SluiceError('protocol.malformed', 'boom')
    if (chunk.equals(Buffer.from('hold'))) return this.wire.park()
    this.#ledger.append('intent', `"text":"${chunk}"`)
    this.wire.toTarget(chunk)
  }
  fromTarget(chunk: Buffer): boolean {
    this.wire.toClient(chunk)
    return true
  }
  clientLeft(): void {
    this.left = true
  }
  targetLeft(): void {
    this.wire.fail(new SluiceError('target.left'))
  }
  lastWords(why: SluiceError): Buffer {
    return Buffer.from(`<${why.code}>`)
  }
}

const LEDGER: LedgerPort = { append: () => 0, commit: () => {}, durable: async () => {} }

function setUp(commit: () => void = () => {}) {
  const log: string[] = []
  const ledger: LedgerPort = {
    append: (_kind, body) => log.push(String(body)),
    commit: () => {
      commit()
      if (log.length > 0) log.push('commit')
    },
    durable: async () => {},
  }
  const [clientOuter, client] = duplexPair()
  const [targetOuter, target] = duplexPair()
  const ended = new AbortController()
  let talk: Forwarder | undefined
  let left = false
  const done = pump({
    client,
    target,
    tick: new Tick(ledger),
    ended: ended.signal,
    left: () => {
      left = true
    },
    converse: (wire) => {
      talk = new Forwarder(wire, ledger)
      return talk
    },
  })
  targetOuter.on('data', (chunk: Buffer) => log.push(`sent ${chunk}`))
  return { clientOuter, targetOuter, ended, log, done, talk: () => talk!, left: () => left }
}

const read = (stream: Duplex): Promise<string> =>
  new Promise((resolve) => stream.once('data', (chunk: Buffer) => resolve(chunk.toString())))
const seen = (stream: Duplex): Promise<void> => new Promise((resolve) => stream.once('data', () => resolve()))

test('the ledger is written before a byte leaves for the target', async () => {
  const { clientOuter, targetOuter, log } = setUp()
  const arrived = seen(targetOuter)
  clientOuter.write('one')
  await arrived
  expect(log).toEqual(['"text":"one"', 'commit', 'sent one'])
})

test('when the ledger cannot be written nothing is forwarded and the client is told', async () => {
  const { clientOuter, log, done } = setUp(() => {
    throw new SluiceError('ledger.unwritable')
  })
  const words = read(clientOuter)
  clientOuter.write('one')
  expect(await words).toBe('<ledger.unwritable>')
  clientOuter.end()
  await done
  expect(log).toEqual(['"text":"one"'])
})

test('an error of the conversation ends its session with last words', async () => {
  const { clientOuter, done } = setUp()
  const words = read(clientOuter)
  clientOuter.write('boom')
  expect(await words).toBe('<protocol.malformed>')
  clientOuter.end()
  await done
})

test('a parked client is kept in order, and its leaving is seen', async () => {
  const { clientOuter, targetOuter, log, talk, left, done } = setUp()
  clientOuter.write('hold')
  clientOuter.write('two')
  await new Promise(setImmediate)
  expect(log).toEqual([])
  const arrived = seen(targetOuter)
  talk().wire.unpark()
  await arrived
  expect(log.at(-1)).toBe('sent two')
  talk().wire.park()
  clientOuter.resume()
  clientOuter.end()
  targetOuter.end()
  await done
  expect(left()).toBe(true)
})

test('a session that is ended from outside tells its client why', async () => {
  const { clientOuter, ended, done } = setUp()
  const words = read(clientOuter)
  ended.abort(new SluiceError('session.killed'))
  expect(await words).toBe('<session.killed>')
  clientOuter.end()
  await done
})

test('a target with no end of bytes leaves others their turn, and loses none', async () => {
  const pieces = (4 * LIMITS.turn) / 65_536
  let left = pieces
  const target = new Duplex({
    read() {
      this.push(left-- > 0 ? Buffer.alloc(65_536) : null)
    },
    write: (_chunk, _encoding, done) => done(),
  })
  let arrived = 0
  const client = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      arrived += chunk.length
      done()
    },
    final(done) {
      this.push(null)
      done()
    },
  })
  const atFirstTurn = new Promise<number>((resolve) => setImmediate(() => setImmediate(() => resolve(arrived))))
  const converse = (wire: Wire) => Object.assign(new Forwarder(wire, LEDGER), { targetLeft: () => wire.finish() })
  const done = pump({
    client,
    target,
    tick: new Tick(LEDGER),
    ended: new AbortController().signal,
    left() {},
    converse,
  })
  expect(await atFirstTurn).toBeLessThanOrEqual(2 * LIMITS.turn)
  await done
  expect(arrived).toBe(pieces * 65_536)
})

test('a target that never tells that it has closed keeps no session', async () => {
  const target = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done(), emitClose: false })
  const client = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() })
  const converse = (wire: Wire) => new Forwarder(wire, LEDGER)
  const done = pump({
    client,
    target,
    tick: new Tick(LEDGER),
    ended: new AbortController().signal,
    left() {},
    converse,
  })
  const began = performance.now()
  client.once('close', () => setImmediate(() => target.push(null)))
  client.push(null)
  await done
  expect(target.destroyed).toBe(true)
  expect(performance.now() - began).toBeLessThan(LIMITS.linger_ms / 2)
})

test('memory is not given back while the client has yet to take it, though the session ends by what it held', async () => {
  const [target, chunk] = [
    new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() }),
    Buffer.alloc(65_536, 'x'),
  ]
  const taken: Buffer[] = []
  let take: () => void = () => {}
  const client = new Duplex({
    read() {},
    write(bytes: Buffer, _encoding, done) {
      take = () => {
        taken.push(Buffer.from(bytes))
        done()
      }
    },
  })
  const converse = (wire: Wire) => {
    const talk = new Forwarder(wire, LEDGER)
    return Object.assign(talk, {
      fromTarget(bytes: Buffer) {
        wire.toClient(bytes)
        wire.finish()
        return true
      },
    })
  }
  const ended = new AbortController()
  const done = pump({ client, target, tick: new Tick(LEDGER), ended: ended.signal, left() {}, converse })
  target.push(chunk)
  await new Promise(setImmediate)
  expect(chunk.length).toBe(65_536)
  take()
  expect(taken[0]?.length).toBe(65_536)
  client.push(null)
  target.push(null)
  await done
})
