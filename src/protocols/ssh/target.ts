import type { Duplex } from 'node:stream'
import ssh2, { type Client } from 'ssh2'
import { SluiceError } from '../../kit/errors.ts'
import type { Upstream } from '../contract.ts'
import { KEEPALIVE_MS, KEEPALIVES, TARGET_LOGIN_MS } from './limits.ts'

/** Logs in to the target over `stream`. Throws SluiceError `target.login`, `target.left`; the stream is then destroyed. */
export function loginToTarget(stream: Duplex, upstream: Upstream): Promise<Client> {
  const client = new ssh2.Client()
  const { ssh } = upstream
  return new Promise((resolve, reject) => {
    const fail = (detail: string) => {
      client.on('error', () => {})
      stream.destroy()
      reject(new SluiceError('target.login', detail))
    }
    client.once('error', (error: Error) => fail(error.message))
    client.once('close', () => fail('the target closed the connection'))
    client.once('ready', () => {
      client.removeAllListeners('error').removeAllListeners('close')
      client.on('error', () => stream.destroy())
      resolve(client)
    })
    client.connect({
      sock: stream,
      username: upstream.user,
      ...(upstream.password && { password: upstream.password.reveal() }),
      ...(ssh?.key && { privateKey: ssh.key.reveal() }),
      hostVerifier: (shown) => ssh?.hostKeys.some((key) => key.equals(shown)) ?? false,
      readyTimeout: TARGET_LOGIN_MS,
      ident: 'Sluice',
      keepaliveInterval: KEEPALIVE_MS,
      keepaliveCountMax: KEEPALIVES,
    })
  })
}
