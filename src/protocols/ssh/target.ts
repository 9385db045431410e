import type { Duplex } from 'node:stream'
import type { Client } from 'ssh2'
import { SluiceError } from '../../kit/errors.ts'
import { SshReader } from '../../kit/ssh-wire.ts'
import type { Upstream } from '../contract.ts'
import { TARGET_LOGIN_MS } from './limits.ts'
import { certifiedAuthentication } from './target-certificate.ts'
import { reachLeg } from './transport.ts'

/** Logs in to the target over `stream`, unless `ended` aborts. Throws SluiceError `target.handshake`, `target.hostkey`, `target.login`; the stream is then destroyed. */
export function loginToTarget(stream: Duplex, upstream: Upstream, ended: AbortSignal): Promise<Client> {
  const { ssh, password, user } = upstream
  const hostKeys = ssh?.hostKeys ?? []
  let shownFalse = false
  let shaken = false
  const leg = reachLeg(stream, {
    username: user,
    hostKeyTypes: hostKeys.map((key) => new SshReader(key).text()),
    hostVerifier: (shown) => {
      const known = hostKeys.some((key) => key.equals(shown))
      shownFalse = !known
      return known
    },
    readyTimeout: TARGET_LOGIN_MS,
    authHandler: methodsOf(upstream),
    ...(password && { password: password.reveal() }),
  })
  const client = leg.connection
  if (ssh?.key && ssh.certificate) certifiedAuthentication(client, ssh.key, ssh.certificate)
  leg.admit()
  return new Promise((resolve, reject) => {
    const fail = (detail: string) => {
      ended.removeEventListener('abort', gone)
      client.on('error', () => {})
      stream.destroy()
      reject(new SluiceError(shownFalse ? 'target.hostkey' : shaken ? 'target.login' : 'target.handshake', detail))
    }
    // After the guard's own look at it: what that refuses is no handshake.
    client.once('handshake', () => {
      shaken = true
    })
    const gone = () => fail('the session ended')
    if (ended.aborted) return gone()
    ended.addEventListener('abort', gone, { once: true })
    client.once('error', (error: Error) => fail(error.message))
    client.once('close', () => fail('the target closed the connection'))
    client.once('ready', () => {
      ended.removeEventListener('abort', gone)
      client.removeAllListeners('error').removeAllListeners('close')
      client.on('error', () => stream.destroy())
      resolve(client)
    })
  })
}

/** How to log in, in order. The password also answers a target that asks for it by keyboard-interactive, as PAM makes it do. */
function methodsOf({ ssh, user, password }: Upstream): unknown[] {
  const methods: unknown[] = []
  if (ssh?.key) methods.push({ type: 'publickey', username: user, key: ssh.key.reveal() })
  if (password) {
    methods.push({ type: 'password', username: user, password: password.reveal() })
    methods.push({
      type: 'keyboard-interactive',
      username: user,
      prompt: (
        _name: string,
        _text: string,
        _language: string,
        prompts: readonly { readonly echo: boolean }[],
        answer: (answers: readonly string[]) => void,
      ) => answer(prompts.map(({ echo }) => (echo ? '' : password.reveal()))),
    })
  }
  return methods
}
