import { readSshPublicKey } from '../kit/ssh-public-key.ts'
import type { Resource, SecretSource, TargetTls, UpstreamUser } from '../model/resource.ts'
import type { Problem } from './problem.ts'
import type { Read } from './read.ts'
import type { DocumentOf } from './schema.ts'

/** A Resource document as the model's noun; reports an account listed twice or a secret with two sources. */
export function compileResource({ body, source }: Read<'Resource'>, problems: Problem[]): Resource {
  const report = (path: readonly PropertyKey[], message: string, remedy: string) =>
    problems.push({ file: source.file, ...source.at(path), message, remedy })
  const seen = new Set<string>()
  for (const [i, user] of body.users.entries()) {
    if (seen.has(user.name))
      report(['users', i, 'name'], `The account "${user.name}" is listed twice.`, 'Write it once.')
    seen.add(user.name)
    if (user.password !== undefined && Object.keys(user.password).length !== 1) {
      report(['users', i, 'password'], 'A password comes from exactly one place.', 'Write one of env, file, vault.')
    }
    if (user.key !== undefined && Object.keys(user.key).length !== 1) {
      report(['users', i, 'key'], 'A key comes from exactly one place.', 'Write one of env, file, vault.')
    }
    if (body.protocol !== 'ssh' && (user.key !== undefined || user.certificate !== undefined))
      report(['users', i], 'Only SSH knows `key` and `certificate`.', 'Leave it out, or write `protocol: ssh`.')
  }
  for (const [i, user] of body.users.entries()) {
    if (body.protocol === 'ssh' && !user.key && !user.password && !user.certificate)
      report(['users', i], 'Nothing logs this account in.', 'Write `certificate: true`, or `key` or `password`.')
  }
  for (const [i, line] of (body.hostKeys ?? []).entries()) {
    if (!isPublicKey(line))
      report(['hostKeys', i], 'This is not a public key.', 'Copy the line of `ssh-keyscan HOST`, without the host.')
  }
  if (body.protocol === 'ssh' && body.hostKeys === undefined)
    report(['name'], 'Nothing tells the target from another.', 'Write `hostKeys`; `ssh-keyscan HOST` prints them.')
  if (body.protocol !== 'ssh' && body.hostKeys !== undefined)
    report(['hostKeys'], 'Only SSH knows `hostKeys`.', 'Leave it out, or write `protocol: ssh`.')
  for (const field of ['environment', 'targetNames'] as const)
    if (body.protocol !== 'ssh' && body[field] !== undefined)
      report([field], `Only SSH knows \`${field}\`.`, 'Leave it out, or write `protocol: ssh`.')
  const port = Number(body.address.slice(body.address.lastIndexOf(':') + 1))
  if (port < 1 || port > 65_535) report(['address'], `${port} is not a port.`, 'Write a port from 1 to 65535.')
  return {
    name: body.name,
    protocol: body.protocol,
    labels: Object.freeze({ ...body.labels }),
    address: body.address,
    users: body.users.map(upstreamUser),
    tls: present<TargetTls>(body.tls ?? { mode: body.protocol === 'ssh' ? 'disable' : 'verify-full' }),
    ...(body.hostKeys !== undefined && { hostKeys: body.hostKeys }),
    ...(body.environment !== undefined && { environment: body.environment }),
    ...(body.targetNames !== undefined && { targetNames: body.targetNames }),
    ...(body.via !== undefined && { via: body.via.slice('connector:'.length) }),
    ...(body.database !== undefined && { database: body.database }),
    ...(body.description !== undefined && { description: body.description }),
  }
}

function upstreamUser(user: DocumentOf<'Resource'>['users'][number]): UpstreamUser {
  return {
    name: user.name,
    ...(user.password !== undefined && { password: present<SecretSource>(user.password) }),
    ...(user.key !== undefined && { key: present<SecretSource>(user.key) }),
    ...(user.certificate !== undefined && { certificate: user.certificate }),
    ...(user.for !== undefined && { for: user.for }),
  }
}

/** The entries that are set. */
function present<T extends object>(fields: { [key: string]: unknown }): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T
}

/** A line of type and key whose key says the same type and can be read. */
function isPublicKey(line: string): boolean {
  const [type, base64 = ''] = line.split(' ')
  try {
    return readSshPublicKey(Buffer.from(base64, 'base64')).type === type
  } catch {
    return false
  }
}
