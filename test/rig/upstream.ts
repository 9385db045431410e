import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { Secret } from '../../src/kit/secret.ts'
import type { TargetPem, Upstream } from '../../src/protocols/contract.ts'

export interface UpstreamAccount {
  readonly port: number
  readonly user: string
  readonly password?: string | undefined
  readonly tls?: Upstream['tls']
  readonly pem?: TargetPem
}

/** What the engine would hand a protocol for a target on this machine, under the name db.test. */
export interface TestUpstream extends Upstream {
  /** Connections made by `redial`. */
  dialled: number
  /** Destroys every connection made. */
  hangUp(): void
}

/** A connected upstream on 127.0.0.1, with the account to log in with. */
export async function upstreamTo(account: UpstreamAccount): Promise<TestUpstream> {
  const { port, user, password, tls = { mode: 'disable' }, pem = {} } = account
  const sockets: Socket[] = []
  const dial = async () => {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true })
    sockets.push(socket)
    await once(socket, 'connect')
    return socket
  }
  const upstream: TestUpstream = {
    stream: await dial(),
    host: 'db.test',
    user,
    password: password === undefined ? undefined : new Secret(password),
    database: undefined,
    tls,
    pem,
    redial: () => {
      upstream.dialled += 1
      return dial()
    },
    dialled: 0,
    hangUp: () => {
      for (const socket of sockets) socket.destroy()
    },
  }
  return upstream
}
