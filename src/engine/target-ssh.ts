import { SluiceError } from '../kit/errors.ts'
import type { Ports } from '../model/ports.ts'
import type { Principal } from '../model/principal.ts'
import type { Resource, UpstreamUser } from '../model/resource.ts'
import type { UpstreamSsh } from '../protocols/contract.ts'

export interface TargetSshParts {
  readonly ports: Pick<Ports, 'secrets' | 'sshLogins'>
  readonly resource: Resource
  readonly user: UpstreamUser
  readonly session: string
  readonly principal: Principal
}

/** What one session logs in with, and the keys the target is known by. Throws `vault.missing`, `target.login`. */
export async function targetSsh(parts: TargetSshParts): Promise<UpstreamSsh> {
  const { ports, resource, user, session, principal } = parts
  const hostKeys = (resource.hostKeys ?? []).map(keyOfLine)
  if (user.certificate) {
    if (!ports.sshLogins) throw new SluiceError('target.login', 'this gateway signs no certificates')
    return { hostKeys, ...ports.sshLogins.forTarget({ user: user.name, session, principal }) }
  }
  const key = user.key && (await ports.secrets.read(user.key))
  return { hostKeys, ...(key && { key }) }
}

/** The key of a known_hosts line without its host: type, key in base64, comment. */
function keyOfLine(line: string): Buffer {
  return Buffer.from(line.split(' ')[1] ?? '', 'base64')
}
