import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { ConnectorWish } from './cli/connector.ts'
import { SluiceError } from './kit/errors.ts'
import { createLog, type Log } from './kit/log.ts'
import { Secret } from './kit/secret.ts'
import { allowListOf } from './tunnel/connector/allow-list.ts'
import { Connector } from './tunnel/connector/connector.ts'
import { type ConnectorIdentity, keepIdentity, readIdentity } from './tunnel/connector/identity-file.ts'
import { join, joinAsWorkload } from './tunnel/connector/join.ts'
import type { Way } from './tunnel/connector/way.ts'

export interface ConnectorOptions {
  readonly version: string
  readonly log?: Log
  /** Called each time the gateway has taken it in. */
  readonly ready?: () => void
}

/** A connector that runs. */
export interface RunningConnector {
  readonly identity: ConnectorIdentity
  /** Settles when it stopped; rejects with the reason when the gateway will never take it in. */
  readonly ended: Promise<void>
  /** Takes nothing new, lets what is open end in the wish's time, and stops. */
  stop(): Promise<void>
}

/** Composition root of `sluice connector`: joins when it has to, then keeps the tunnel. Rejects with `config.invalid` or `tunnel.*`. */
export async function startConnector(wish: ConnectorWish, options: ConnectorOptions): Promise<RunningConnector> {
  const log = options.log ?? createLog(wish.log)
  const { version, ready } = options
  const allow = allowListOf([...wish.allow, ...(wish.allowFile === undefined ? [] : entriesOf(wish.allowFile))])
  if (allow.size === 0)
    throw new SluiceError(
      'config.invalid',
      'nothing is on the allow-list, so nothing could be reached; write --allow HOST:PORT',
    )
  const way: Way = { ...wish.gateway, websocket: wish.websocket, proxy: wish.proxy }
  const folder = resolve(wish.folder)
  const identity = readIdentity(folder) ?? (await joined(wish, { way, folder, version, log }))
  const connector = new Connector({ way, identity, folder, allow, version, log, ...(ready && { ready }) })
  return { identity, ended: connector.run(), stop: () => connector.drain(wish.drain_ms) }
}

interface Joining {
  readonly way: Way
  readonly folder: string
  readonly version: string
  readonly log: Log
}

async function joined(wish: ConnectorWish, { way, folder, version, log }: Joining): Promise<ConnectorIdentity> {
  const { workload } = wish
  if (workload) {
    const shown = { authority: workload.authority, token: new Secret(read(workload.tokenFile).trim()) }
    return keep(await joinAsWorkload(way, shown, version))
  }
  const token = wish.tokenFile === undefined ? wish.token : read(wish.tokenFile).trim()
  if (!token)
    throw new SluiceError(
      'config.invalid',
      `${folder} holds no certificate yet; make a token with \`sluice connectors add NAME\` and give it as --token`,
    )
  return keep(await join(way, new Secret(token), version))

  function keep(identity: ConnectorIdentity): ConnectorIdentity {
    keepIdentity(folder, identity)
    log.info('joined', { name: identity.name, id: identity.id })
    return identity
  }
}

/** One entry per line; what follows a # is a comment. */
function entriesOf(path: string): string[] {
  const lines = read(path).split('\n')
  return lines.map((line) => line.replace(/#.*/, '').trim()).filter((line) => line !== '')
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new SluiceError('config.invalid', `${path} cannot be read (${(error as NodeJS.ErrnoException).code})`)
  }
}
