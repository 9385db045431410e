import { NAMES_MAX } from './limits.ts'

/** Names that lead nowhere: terminals, what is thrown away, open descriptors, chance. */
const DEVICE = /^\/dev\/(null|zero|full|random|urandom|tty|stdin|stdout|stderr|fd\/\d+)$/

export function isDevice(path: string): boolean {
  return DEVICE.test(path)
}

/**
 * A path without `.`, empty and inner `..` parts; what links do to `..` is not seen. Undefined when a pattern could name the folder
 * above, or the home of somebody. `found`: files that were found, none of which is named `..`.
 */
export function normalPath(path: string, found = false): string | undefined {
  if (path === '') return ''
  if (path.startsWith('~') && !/^~(\/|$)/.test(path)) return undefined
  const root = path.startsWith('/') ? '/' : ''
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue
    if (!found && /^\.[*?[{]/.test(part)) return undefined
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..') {
      if (parts.at(-1) === '~') return undefined
      parts.pop()
    } else if (part !== '..' || root === '') parts.push(part)
  }
  return root + parts.join('/') || root || '.'
}

/** The names braces and patterns may stand for, as patterns; undefined when there are too many, or one is not known. */
export function namesOf(text: string): readonly string[] | undefined {
  let names = [text]
  for (let at = 0; at < names.length; ) {
    const [braces, choice = ''] = BRACES.exec(names[at]!) ?? []
    if (braces === undefined) {
      at += 1
      continue
    }
    const made = (choice.includes(',') ? choice.split(',') : ['*']).map((each) =>
      names[at]!.replace(braces, () => each),
    )
    names = [...names.slice(0, at), ...made, ...names.slice(at + 1)]
    if (names.length > NAMES_MAX) return undefined
  }
  return names
}

/** Braces without braces in them. */
const BRACES = /\{([^{}]*)\}/

/** Where a name with `..` behind a folder may lead, since the folder may be a link: anywhere, with what follows known. */
export function aboveLinks(path: string): string | undefined {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.')
  const last = parts.lastIndexOf('..')
  // At the root, and at the start of a relative name, there is no link.
  if (parts.slice(0, last + 1).every((part) => part === '..')) return undefined
  return ['**', ...parts.slice(last + 1)].join('/')
}

/** `to` seen from `from`; both normal, `to` relative. */
export function joinPath(from: string, to: string): string {
  if (from === '') return to
  return normalPath(`${from}/${to}`) ?? '?'
}
