import { randomBytes } from 'node:crypto'
import { join as path } from 'node:path'
import { systemClock } from '../src/kit/clock.ts'
import { createLog } from '../src/kit/log.ts'
import { Secret } from '../src/kit/secret.ts'
import { openStore } from '../src/store/store.ts'
import { allowListOf } from '../src/tunnel/connector/allow-list.ts'
import { Backoff } from '../src/tunnel/connector/backoff.ts'
import { Connector } from '../src/tunnel/connector/connector.ts'
import { join } from '../src/tunnel/connector/join.ts'
import { createTunnels, type Tunnels } from '../src/tunnel/gateway/tunnels.ts'
import { tempFolder } from '../test/rig/temp.ts'
import { until } from '../test/rig/until.ts'

/** What many connectors did when their gateway came back. */
export interface Herd {
  readonly count: number
  /** Dials per second of the first seconds after the loss. */
  readonly perSecond: readonly number[]
  /** The largest part of all that dialled within one tenth of a second. */
  readonly crowd: number
  /** Seconds until all were back. */
  readonly back_s: number
}

class NotingBackoff extends Backoff {
  readonly #note: (wait_ms: number) => void
  constructor(note: (wait_ms: number) => void) {
    super()
    this.#note = note
  }
  override next(held_ms: number): number {
    const wait_ms = super.next(held_ms)
    this.#note(wait_ms)
    return wait_ms
  }
}

/** Many connectors lose one gateway in one moment; it is gone for `gone_ms`. All of it in this process: what counts is when they dial. */
export async function startHerd(count: number, gone_ms: number): Promise<Herd> {
  const folder = tempFolder('herd')
  const store = await openStore({ path: path(folder.path, 'store.sqlite') })
  const seed = new Secret(randomBytes(32).toString('base64'))
  const open = async (port: number): Promise<{ tunnels: Tunnels; port: number }> => {
    const ledger = { append: () => 0, commit: () => {}, durable: async () => {} }
    const attempts = { failed: () => false }
    const log = createLog('error', () => {})
    const tunnels = createTunnels({ store, ledger, attempts, log, seed, clock: systemClock, tls: undefined })
    return { tunnels, port: (await tunnels.listen({ host: '127.0.0.1', port })).port }
  }
  const first = await open(0)
  const way = { host: '127.0.0.1', port: first.port, websocket: false }
  const dials: number[] = []
  let lost_ms = 0
  const connectors: Connector[] = []
  const runs: Promise<void>[] = []
  for (let i = 0; i < count; i++) {
    const { token } = await first.tunnels.invite(`pool-${i % 50}`, 600_000, 'bench')
    const log = createLog('error', () => {})
    const backoff = new NotingBackoff((wait_ms) => lost_ms > 0 && dials.push(performance.now() - lost_ms + wait_ms))
    const identity = await join(way, new Secret(token), '1')
    const connector = new Connector({
      way,
      identity,
      folder: undefined,
      allow: allowListOf([]),
      version: '1',
      log,
      backoff,
    })
    connectors.push(connector)
    runs.push(connector.run())
  }
  const all = (tunnels: Tunnels) => async () => {
    await new Promise((resolve) => setTimeout(resolve, 20))
    return (await tunnels.list()).every(({ state }) => state === 'ready')
  }
  await until(all(first.tunnels), 120_000)
  lost_ms = performance.now()
  await first.tunnels.close()
  await new Promise((resolve) => setTimeout(resolve, gone_ms))
  const second = await open(first.port)
  await until(all(second.tunnels), 120_000)
  const back_s = (performance.now() - lost_ms) / 1000
  for (const connector of connectors) connector.stop()
  await Promise.all(runs)
  await second.tunnels.close()
  await store.close()
  folder.remove()
  return { count, back_s, ...spread(dials, count) }
}

function spread(dials: readonly number[], count: number): { perSecond: number[]; crowd: number } {
  const bucket = (width_ms: number) => {
    const found: number[] = []
    for (const at of dials) found[Math.floor(at / width_ms)] = (found[Math.floor(at / width_ms)] ?? 0) + 1
    return Array.from(found, (each) => each ?? 0)
  }
  return { perSecond: bucket(1000), crowd: Math.max(...bucket(100)) / count }
}
