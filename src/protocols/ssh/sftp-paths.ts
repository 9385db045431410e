import { normalPath } from '../../shell/path.ts'
import { PATH_BYTES } from './channel-limits.ts'

/** A path as it may be judged: absolute, without `.`, `..` and doubled slashes. Symlinks stay what they are. `home` is absolute. */
export function plainPath(path: string, home: string): string {
  return normalPath(path.startsWith('/') ? path : `${home}/${path}`, true) ?? '?'
}

/** Folder and last name; the name is empty where the path names a folder by itself (`/`, `a/..`, `.`). */
export function parted(path: string): { readonly folder: string; readonly name: string } {
  const trimmed = path.replace(/\/+$/, '')
  const cut = trimmed.lastIndexOf('/')
  const name = trimmed.slice(cut + 1)
  if (name === '' || name === '.' || name === '..') return { folder: path || '.', name: '' }
  return { folder: cut < 0 ? '.' : trimmed.slice(0, cut) || '/', name }
}

/**
 * The path the bytes spell, or why it cannot be judged: not UTF-8 (two spellings would be one name, or one name two), a NUL (the server
 * would read another name than we), too long, empty.
 */
export function readPath(bytes: Buffer): { readonly path: string } | { readonly bad: string } {
  if (bytes.length > PATH_BYTES) return { bad: 'the path is too long' }
  if (bytes.includes(0)) return { bad: 'the path holds a NUL' }
  const path = bytes.toString('utf8')
  if (!Buffer.from(path).equals(bytes)) return { bad: 'the path is not UTF-8' }
  return { path }
}

/** The names a path is judged by: as asked for, and as the server resolves it. */
export function namesOf(asked: string, resolved: string): readonly string[] {
  return asked === resolved ? [asked] : [asked, resolved]
}
