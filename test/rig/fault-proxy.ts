import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { setTimeout as after, setImmediate as nextTurn } from 'node:timers/promises'

/** What happens to the bytes of one direction. Read anew for every chunk, so a test may change it while bytes flow. */
export interface Fault {
  /** Wait before each chunk. */
  delay_ms?: number
  /** Bytes per second; 0 stops the direction until it is raised. */
  rate?: number
  /** Largest piece written at once. 1 sends every byte in a segment of its own. */
  piece?: number
  /** Break the connection after this many bytes of this direction. */
  cutAfter?: number
}

export interface FaultProxy extends AsyncDisposable {
  readonly port: number
  readonly toTarget: Fault
  readonly toClient: Fault
  /** Connections open now. */
  readonly open: number
  /** Breaks every connection with a reset, both ways. */
  cut(): void
  /** Ends one direction of every connection in order (FIN) and leaves the other open. */
  halfClose(towards: 'client' | 'target'): void
  stop(): Promise<void>
}

interface Pair {
  readonly client: Socket
  readonly target: Socket
}

/** A TCP proxy that misbehaves on request. Without faults it is a byte pipe. */
export async function startFaultProxy(options: {
  target: { port: number }
  toTarget?: Fault
  toClient?: Fault
}): Promise<FaultProxy> {
  const toTarget = { ...options.toTarget }
  const toClient = { ...options.toClient }
  const pairs = new Set<Pair>()
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (client) => {
    const target = connect({ port: options.target.port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
    const pair = { client, target }
    pairs.add(pair)
    for (const socket of [client, target]) socket.on('error', () => break_(pair))
    void Promise.allSettled([carry(client, target, toTarget), carry(target, client, toClient)]).then(() =>
      pairs.delete(pair),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const stop = async () => {
    server.close()
    for (const pair of pairs) break_(pair)
    if (server.listening) await once(server, 'close')
  }
  return {
    port: (server.address() as AddressInfo).port,
    toTarget,
    toClient,
    get open() {
      return pairs.size
    },
    cut: () => pairs.forEach(break_),
    halfClose: (towards) => {
      for (const pair of pairs) pair[towards].end()
    },
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

function break_({ client, target }: Pair): void {
  client.resetAndDestroy()
  target.resetAndDestroy()
}

async function carry(from: Socket, to: Socket, fault: Fault): Promise<void> {
  let carried = 0
  for await (const chunk of from as AsyncIterable<Buffer>) {
    for (let at = 0; at < chunk.length; ) {
      const piece = chunk.subarray(at, at + (fault.piece ?? (fault.rate === undefined ? chunk.length : 1024)))
      await hold(fault, piece.length)
      if (fault.cutAfter !== undefined && carried + piece.length > fault.cutAfter)
        return break_({ client: from, target: to })
      if (!to.write(piece)) await Promise.race([once(to, 'drain'), once(to, 'close')])
      if (to.destroyed) return
      carried += piece.length
      at += piece.length
    }
  }
  to.end()
}

/** Waits as the fault says. A turn of the event loop between pieces keeps the kernel from joining them. */
async function hold(fault: Fault, bytes: number): Promise<void> {
  if (fault.delay_ms) await after(fault.delay_ms)
  while (fault.rate === 0) await after(5)
  if (fault.rate) await after((bytes / fault.rate) * 1000)
  else if (fault.piece) await nextTurn()
}
