import type { SecretPort } from '../model/ports.ts'
import type { Resource, UpstreamUser } from '../model/resource.ts'
import type { UpstreamSsh } from '../protocols/contract.ts'

/** What one account's session logs in with, and the keys the target is known by. Throws `vault.missing`. */
export async function targetSsh(resource: Resource, user: UpstreamUser, secrets: SecretPort): Promise<UpstreamSsh> {
  const key = user.key && (await secrets.read(user.key))
  return { hostKeys: (resource.hostKeys ?? []).map(keyOfLine), ...(key && { key }) }
}

/** The key of a known_hosts line without its host: type, key in base64, comment. */
function keyOfLine(line: string): Buffer {
  return Buffer.from(line.split(' ')[1] ?? '', 'base64')
}
