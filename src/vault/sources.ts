import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { SluiceError } from '../kit/errors.ts'
import type { Log } from '../kit/log.ts'
import { Secret } from '../kit/secret.ts'
import { LIMITS } from './limits.ts'

/** An environment variable's value. Throws `vault.missing` when it is unset or empty, and for the master key itself. */
export function fromEnv(env: NodeJS.ProcessEnv, name: string): Secret {
  const value = name !== 'SLUICE_MASTER_KEY' && Object.hasOwn(env, name) ? env[name] : undefined
  if (!value) throw new SluiceError('vault.missing', `environment variable ${name} is not set`)
  return new Secret(value)
}

/**
 * A file's content without one trailing line break. Throws `vault.missing` when it cannot be read, is empty, larger than 64 KiB or not a
 * plain file. A file everyone can read is used, with a warning: that is how Kubernetes mounts secrets.
 */
export async function fromFile(path: string, log?: Log): Promise<Secret> {
  const text = await read(path, log).catch((cause: unknown) => {
    throw cause instanceof SluiceError ? cause : new SluiceError('vault.missing', `${path} cannot be read`, { cause })
  })
  const value = text.replace(/\r?\n$/, '')
  if (value === '') throw new SluiceError('vault.missing', `${path} is empty`)
  return new Secret(value)
}

async function read(path: string, log?: Log): Promise<string> {
  // Non-blocking: opening a named pipe would else wait for its other end.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const stat = await file.stat()
    if (!stat.isFile() || stat.size > LIMITS.secret_bytes) {
      throw new SluiceError('vault.missing', `${path} is not a plain file of at most ${LIMITS.secret_bytes} bytes`)
    }
    if (stat.mode & 0o004) log?.warn('everyone on this machine can read a secret file', { path })
    const { buffer, bytesRead } = await file.read(Buffer.alloc(LIMITS.secret_bytes), 0, LIMITS.secret_bytes, 0)
    return buffer.toString('utf8', 0, bytesRead)
  } finally {
    await file.close()
  }
}
