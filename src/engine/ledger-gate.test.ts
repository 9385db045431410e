import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { SluiceError } from '../kit/errors.ts'
import { LedgerGate } from './ledger-gate.ts'
import { Tick } from './tick.ts'

/** A target that keeps what it is given, and a ledger that says when it was written. */
function scene() {
  const happened: string[] = []
  const target = new Duplex({
    read() {},
    write(chunk: Buffer, _, done) {
      happened.push(`target ${chunk.toString()}`)
      done()
    },
    final(done) {
      happened.push('target end')
      done()
    },
  })
  const ledger = { fails: false }
  const tick = new Tick({
    append: () => 0,
    durable: async () => {},
    commit: () => {
      if (ledger.fails) throw new SluiceError('ledger.unwritable')
      happened.push('ledger')
    },
  })
  const gate = new LedgerGate(target, tick)
  gate.on('error', (error) => happened.push((error as SluiceError).code))
  return { happened, target, ledger, gate }
}

test('what a library writes leaves after the ledger of its turn, in order, as one piece', async () => {
  const { happened, gate } = scene()
  gate.write('a')
  gate.write('b')
  expect(happened).toEqual([])
  await nextTurn()
  await nextTurn()
  // The first write was under way when the second came.
  expect(happened.join(' ')).toBe('ledger target a ledger target b')
  gate.cork()
  gate.write('c')
  gate.write('d')
  gate.uncork()
  await nextTurn()
  await nextTurn()
  expect(happened.slice(4)).toEqual(['ledger', 'target cd'])
})

test('nothing leaves when the ledger cannot be written, then or later', async () => {
  const { happened, ledger, gate, target } = scene()
  ledger.fails = true
  gate.write('secret deed')
  await nextTurn()
  ledger.fails = false
  gate.write('more')
  await nextTurn()
  await nextTurn()
  expect(happened.filter((each) => each.startsWith('target'))).toEqual([])
  expect(happened).toContain('ledger.unwritable')
  expect(target.destroyed).toBe(true)
})

test('an end comes behind what was written', async () => {
  const { happened, gate } = scene()
  gate.end('last words')
  await once(gate, 'finish')
  expect(happened).toEqual(['ledger', 'target last words', 'target end'])
})

test('what the target says passes, and waits while nobody reads', async () => {
  const { gate, target } = scene()
  target.push('hello')
  await nextTurn()
  expect(target.isPaused()).toBe(true)
  gate.resume()
  const [heard] = (await once(gate, 'data')) as [Buffer]
  expect(heard.toString()).toBe('hello')
  target.push(null)
  await once(gate, 'end')
})

test('whoever writes waits for a target that does not read, and its memory goes back when it does', async () => {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const accepted = once(server, 'connection') as Promise<[Socket]>
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const [peer] = await accepted
  const tick = new Tick({ append: () => 0, durable: async () => {}, commit: () => {} })
  const gate = new LedgerGate(socket, tick)
  const chunks = Array.from({ length: 400 }, (_, i) => Buffer.alloc(65_536, i))
  let written = 0
  for (const chunk of chunks) gate.write(chunk, () => written++)
  await nextTurn()
  await nextTurn()
  expect(written).toBeLessThan(chunks.length)
  let heard = 0
  let right = true
  peer.on('data', (bytes: Buffer) => {
    for (const byte of bytes) right &&= byte === (Math.floor(heard++ / 65_536) & 0xff)
  })
  gate.end()
  await once(peer, 'end')
  expect({ heard, right, written }).toEqual({ heard: 400 * 65_536, right: true, written: 400 })
  expect(chunks.every((chunk) => chunk.length === 0)).toBe(true)
  peer.destroy()
  socket.destroy()
  server.close()
})
