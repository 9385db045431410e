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
    if (!found && PARENT.test(part)) return undefined
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..') {
      if (parts.length === 1 && path.startsWith('~')) return undefined
      parts.pop()
    } else if (part !== '..' || root === '') parts.push(part)
  }
  return root + parts.join('/') || root || '.'
}

/** Patterns that may name `..`: bash before 5.2 and dash let `.*`, `..*` and `.[.]` do so. */
const PARENT = /^(?:\.[*?[{]|\.\.\*)/

/** What a path names, where it starts at the account's home and nobody resolves it: see `namesFromHome`. */
export interface HomeNames {
  readonly names: readonly string[]
  /** False when it may lead anywhere: a rule about effects is to see `unknown`. */
  readonly sure: boolean
}

/**
 * The one form of a path by which files are judged: from `/` or `~`, without `.`, empty parts and `..`. Where `..` stands behind a folder,
 * that may be a link, the name as it reads and what may be meant as well; above the home, and in other homes, anything. `found`: no part of
 * it is a pattern.
 */
export function namesFromHome(path: string, found = false): HomeNames {
  const normal = normalPath(path, found)
  if (normal === undefined) return { names: ['?'], sure: false }
  if (normal === '..' || normal.startsWith('../')) return { names: [aboveLinks(`~/${path}`)!], sure: false }
  const from = /^[/~]/.test(path) ? normal : normal === '.' || normal === '' ? '~' : `~/${normal}`
  const behind = aboveLinks(path)
  return behind === undefined ? { names: [from], sure: true } : { names: [from, behind], sure: false }
}

/** A folder with all that is in it. */
export function wholeOf(path: string): string {
  if (path === '?' || path === '**' || path.endsWith('/**')) return path
  return path === '.' ? '**' : `${path === '/' ? '' : path}/**`
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
