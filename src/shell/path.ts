/** Names that lead nowhere: terminals, what is thrown away, open descriptors, chance. */
const DEVICE = /^\/dev\/(null|zero|full|random|urandom|tty|stdin|stdout|stderr|fd\/\d+)$/

export function isDevice(path: string): boolean {
  return DEVICE.test(path)
}

/**
 * A path without `.`, empty and inner `..` parts; what links do to `..` is not seen. Undefined when a pattern could name the folder
 * above, or the home of somebody.
 */
export function normalPath(path: string): string | undefined {
  if (path === '') return ''
  if (path.startsWith('~') && !/^~(\/|$)/.test(path)) return undefined
  const root = path.startsWith('/') ? '/' : ''
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue
    if (/^\.[*?[{]/.test(part)) return undefined
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..') {
      if (parts.at(-1) === '~') return undefined
      parts.pop()
    } else if (part !== '..' || root === '') parts.push(part)
  }
  return root + parts.join('/') || root || '.'
}

/** `to` seen from `from`; both normal, `to` relative. */
export function joinPath(from: string, to: string): string {
  if (from === '') return to
  return normalPath(`${from}/${to}`) ?? '?'
}
