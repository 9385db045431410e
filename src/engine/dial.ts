import { connect } from 'node:net'
import type { Duplex } from 'node:stream'
import { SluiceError } from '../kit/errors.ts'
import type { DialerPort } from '../model/ports.ts'
import type { Resource } from '../model/resource.ts'
import { LIMITS } from './limits.ts'

export interface Dial {
  readonly signal?: AbortSignal | undefined
  /** Told when the way to the target broke, before the stream ends. */
  readonly lost?: ((why: SluiceError) => void) | undefined
}

/** Opens a byte stream to a resource's target: straight, or through its connectors. Throws `target.unreachable`, or what the tunnel throws. */
export async function dialTarget(resource: Resource, tunnels: DialerPort | undefined, dial: Dial): Promise<Duplex> {
  const { host, port } = splitAddress(resource.address)
  const { via } = resource
  if (via === undefined) return await dialTcp(host, port, dial.signal)
  if (!tunnels) throw new SluiceError('tunnel.down', 'the setting listen.tunnel is not set')
  return await tunnels.dial({ host, port, via, ...dial })
}

/** `host:port`, with or without brackets around an IPv6 host. */
export function splitAddress(address: string): { host: string; port: number } {
  const match = /^\[?([^\]]+?)\]?:(\d+)$/.exec(address)
  if (!match) throw new SluiceError('config.invalid', `address "${address}" is not host:port`)
  return { host: match[1]!, port: Number(match[2]) }
}

function reasonOf({ code, message }: NodeJS.ErrnoException, host: string, port: number): string {
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return `the gateway cannot resolve the name ${host}`
  if (code === 'ECONNREFUSED') return `nothing listens at ${host}:${port}`
  return message
}

/** Connects to the target, at most LIMITS.dial_ms. */
function dialTcp(host: string, port: number, signal?: AbortSignal): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true })
    const fail = (detail: string) => {
      finish()
      socket.destroy()
      reject(new SluiceError('target.unreachable', detail))
    }
    const onError = (error: NodeJS.ErrnoException) => fail(reasonOf(error, host, port))
    const onAbort = () => fail('the session ended')
    const timer = setTimeout(
      () => fail(`no answer from ${host}:${port} within ${LIMITS.dial_ms / 1000} s`),
      LIMITS.dial_ms,
    )
    const finish = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
      socket.off('error', onError)
    }
    socket.once('error', onError)
    signal?.addEventListener('abort', onAbort)
    socket.once('connect', () => {
      finish()
      socket.on('error', () => socket.destroy())
      resolve(socket)
    })
  })
}
