import {
  closeSync,
  fstatSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { SluiceError } from '../kit/errors.ts'
import { type MasterKey, masterKey, randomKey } from './seal.ts'

/**
 * The installation's master key: from SLUICE_MASTER_KEY if it is set, else from the file, which is made (mode 0600) when missing.
 * Throws `config.invalid` for a key that is not one, and for a file others can read.
 */
export function loadMasterKey({ env, path }: { readonly env: NodeJS.ProcessEnv; readonly path: string }): MasterKey {
  const given = env.SLUICE_MASTER_KEY
  if (given !== undefined) return masterKey(given)
  return read(path) ?? create(path)
}

function read(path: string): MasterKey | undefined {
  let file: number
  try {
    file = openSync(path, 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new SluiceError('config.invalid', `the master key ${path} cannot be read`, { cause: error })
  }
  try {
    const mode = fstatSync(file).mode & 0o777
    if (mode & 0o077) throw new SluiceError('config.invalid', `others can read the master key; run: chmod 600 ${path}`)
    return masterKey(readFileSync(file, 'utf8'))
  } finally {
    closeSync(file)
  }
}

/** Written whole under another name first: a crash must not leave half a key, and a second process must not replace the first one's. */
function create(path: string): MasterKey {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const draft = `${path}.${process.pid}`
  rmSync(draft, { force: true })
  const file = openSync(draft, 'wx', 0o600)
  writeSync(file, `${randomKey()}\n`)
  fsyncSync(file)
  closeSync(file)
  try {
    linkSync(draft, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    rmSync(draft)
  }
  return read(path)!
}
