import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import { giveBack } from '../src/kit/give-back.ts'
import { ended, spawnMortal } from '../test/rig/child.ts'
import { startConnectorProcess } from '../test/rig/connector.ts'
import { startTunnelRig } from '../test/rig/tunnels.ts'

export type RawWay = 'tcp' | 'tls' | 'tunnel' | 'websocket'

/** One process that writes, one that reads, and between them TLS alone, or a tunnel. */
export interface RawStream {
  /** MB per second in 64 KB writes. */
  measure(way: RawWay, direction: 'to' | 'from', megabytes: number): Promise<number>
  stop(): Promise<void>
}

export async function startRawStream(): Promise<RawStream> {
  const far = spawnMortal([process.execPath, join(import.meta.dirname, 'raw-end.ts')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await once(createInterface(far.stdout!), 'line')) as [string]
  const ports = JSON.parse(line) as { plain: number; tls: number }
  const rig = await startTunnelRig()
  const gateway = `127.0.0.1:${rig.port}`
  const start = async (name: string, switches: string[]) =>
    await startConnectorProcess({ gateway, token: await rig.token(name), allow: ['127.0.0.1:*'], switches })
  const connectors = [await start('tunnel', []), await start('websocket', ['--websocket'])]
  const host = '127.0.0.1'
  const open: Record<RawWay, () => Promise<Duplex>> = {
    tcp: () => connected(connectTcp({ host, port: ports.plain, allowHalfOpen: true, noDelay: true }), 'connect'),
    tls: () =>
      connected(
        connectTls({ socket: connectTcp({ host, port: ports.tls, noDelay: true }), rejectUnauthorized: false }),
        'secureConnect',
      ),
    tunnel: () => rig.tunnels.dial({ host, port: ports.plain, via: 'tunnel' }),
    websocket: () => rig.tunnels.dial({ host, port: ports.plain, via: 'websocket' }),
  }
  return {
    async measure(way, direction, megabytes) {
      const stream = await open[way]()
      const began = performance.now()
      await (direction === 'to' ? push(stream, megabytes) : pull(stream, megabytes))
      const seconds = (performance.now() - began) / 1000
      stream.destroy()
      return megabytes / seconds
    },
    async stop() {
      for (const connector of connectors) await connector.stop()
      await rig[Symbol.asyncDispose]()
      far.kill()
      await ended(far)
    },
  }
}

async function connected<T extends Duplex>(stream: T, event: string): Promise<T> {
  await once(stream, event)
  return stream
}

const CHUNK = Buffer.alloc(65_536, 'x')

async function push(stream: Duplex, megabytes: number): Promise<void> {
  stream.write('T')
  for (let left = megabytes * 16; left > 0; left--) if (!stream.write(CHUNK)) await once(stream, 'drain')
  stream.end()
  for await (const _ of stream) return
  throw new Error('the far end did not answer')
}

async function pull(stream: Duplex, megabytes: number): Promise<void> {
  stream.write(`F${megabytes}`)
  let bytes = 0
  await new Promise<void>((resolve, reject) => {
    // As the pump reads: chunks as they come, their memory given back.
    stream.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      giveBack(chunk)
    })
    stream.once('end', resolve)
    stream.once('error', reject)
  })
  if (bytes !== megabytes << 20) throw new Error(`${bytes} bytes came`)
}
