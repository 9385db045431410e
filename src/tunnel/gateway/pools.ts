import type { Duplex } from 'node:stream'
import { SluiceError } from '../../kit/errors.ts'
import type { DialerPort, DialWish } from '../../model/ports.ts'
import type { Tunnel } from './tunnel.ts'

/** Failures of a connector, not of a target: another member of the pool may do better. */
const ELSEWHERE = new Set(['tunnel.lost', 'tunnel.down'])

/** The tunnels that are up, by the name of their connectors. */
export class Pools implements DialerPort {
  readonly #pools = new Map<string, Set<Tunnel>>()

  /** Every tunnel that is up. */
  list(): Tunnel[] {
    return [...this.#pools.values()].flatMap((pool) => [...pool])
  }

  /** The tunnel of this connector, if it is up. */
  of(id: string): Tunnel | undefined {
    return this.list().find((tunnel) => tunnel.holder.id === id)
  }

  add(tunnel: Tunnel): void {
    const { name } = tunnel.holder
    const pool = this.#pools.get(name) ?? new Set()
    this.#pools.set(name, pool.add(tunnel))
  }

  /** True when it was there. */
  remove(tunnel: Tunnel): boolean {
    const { name } = tunnel.holder
    const pool = this.#pools.get(name)
    if (!pool?.delete(tunnel)) return false
    if (pool.size === 0) this.#pools.delete(name)
    return true
  }

  /** Tries the members of the pool, least loaded first, until one is not itself the reason why it fails. */
  async dial(wish: DialWish): Promise<Duplex> {
    const tried = new Set<Tunnel>()
    let failure: SluiceError | undefined
    for (;;) {
      const tunnel = this.#pick(wish.via, tried)
      if (!tunnel) throw failure ?? this.#none(wish.via)
      tried.add(tunnel)
      try {
        return await tunnel.dial(wish)
      } catch (thrown) {
        if (!(thrown instanceof SluiceError) || !ELSEWHERE.has(thrown.code)) throw thrown
        failure = thrown
      }
    }
  }

  /** Fewest streams; of those the one that has had fewest in all, so that short sessions take turns. */
  #pick(name: string, tried: ReadonlySet<Tunnel>): Tunnel | undefined {
    let best: Tunnel | undefined
    for (const tunnel of this.#pools.get(name) ?? []) {
      if (tunnel.state !== 'ready' || tried.has(tunnel)) continue
      const less = best && (tunnel.streams - best.streams || tunnel.opened - best.opened) < 0
      if (!best || less) best = tunnel
    }
    return best
  }

  #none(name: string): SluiceError {
    const states = [...(this.#pools.get(name) ?? [])].map((tunnel) => tunnel.state)
    if (states.length > 0 && states.every((state) => state === 'incompatible'))
      return new SluiceError('tunnel.incompatible', name)
    return new SluiceError('tunnel.down', `${name}: ${states.join(', ') || 'none is connected'}`)
  }
}
