import { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import type { SluiceError } from '../kit/errors.ts'
import { giveBack } from '../kit/give-back.ts'
import type { Flushable, Tick } from './tick.ts'
import { writeAll } from './write-all.ts'

/**
 * The target's stream as a library that owns its streams sees it: what it writes waits for the ledger of the same turn (invariant 1), what
 * it reads passes unchanged. What was written must not be used afterwards: its memory goes back. Bytes a library emits on its own — a key exchange, a keepalive — wait with the rest: nothing tells them apart.
 */
export class LedgerGate extends Duplex implements Flushable {
  readonly #target: Duplex
  readonly #tick: Tick
  #held: Buffer[] = []
  #done: ((error?: Error | null) => void) | undefined

  constructor(target: Duplex, tick: Tick) {
    super({ allowHalfOpen: true })
    this.#target = target
    this.#tick = tick
    target.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) target.pause()
    })
    target.once('end', () => this.push(null))
    target.once('error', (error) => this.destroy(error))
    target.once('close', () => this.destroy())
    target.pause()
  }

  override _read(): void {
    this.#target.resume()
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#hold([chunk], done)
  }

  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    this.#hold(
      chunks.map(({ chunk }) => chunk),
      done,
    )
  }

  #hold(chunks: Buffer[], done: (error?: Error | null) => void): void {
    this.#held = chunks
    this.#done = done
    this.#tick.schedule(this)
  }

  flush(): void {
    const held = this.#held
    const done = this.#done
    this.#held = []
    this.#done = undefined
    if (!done) return
    const target = this.#target
    if (target.destroyed || target.writableEnded) return done(new Error('the target left'))
    writeAll(target, held, (error) => {
      // A socket has handed the bytes to the kernel; any other stream may keep them.
      if (target instanceof Socket) for (const bytes of held) giveBack(bytes)
      done(error)
    })
  }

  refuseFlush(why: SluiceError): void {
    this.#held = []
    this.destroy(why)
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#target.end()
    done()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#held = []
    this.#done = undefined
    this.#target.destroy()
    done(error)
  }
}
