/**
 * Whether names of files, as the facts of an operation give them, may be among the names of a rule. Both are written alike: `*` stands for
 * any part of a name, `**` for any folders, and `/etc/**` for `/etc` and all that is in it. Nothing is looked up: a link has any name.
 */

/** Characters a kernel takes for a name (PATH_MAX of Linux); a longer one is treated as not known. */
const NAME_MAX = 4_096

/**
 * True when a file may be one of `names`. `?` may be any. `plain`: folders in which a name of the form `**``/x` is taken to lie only where
 * `x` is written out, so that reading `/var/log/**` is not reading every `.env` there might be.
 */
export function mayBeOneOf(files: readonly string[], names: readonly string[], plain: readonly string[]): boolean {
  const wanted = names.map(segmentsOf)
  const folders = plain.map(segmentsOf)
  return files.some((file) => mayBe(file, wanted, folders))
}

function mayBe(file: string, names: readonly Name[], folders: readonly Name[]): boolean {
  if (file === '?' || file.length > NAME_MAX) return true
  return placesOf(file).some((place) => {
    const open = place.some(isOpen)
    const isPlain = open && folders.some((folder) => liesIn(place, folder))
    return names.some((name) => !(isPlain && name[0] === '**') && meet(place, name))
  })
}

type Name = readonly string[]

const isOpen = (segment: string): boolean => /[*?[]/.test(segment)

function segmentsOf(name: string): Name {
  return name.split('/').filter((segment) => segment !== '' && segment !== '.')
}

/** A relative name starts at home, or at the root for accounts that have none; one that starts with `..` starts anywhere. */
function placesOf(file: string): readonly Name[] {
  const segments = segmentsOf(file)
  if (segments.includes('..')) return [['**', ...segments.slice(segments.lastIndexOf('..') + 1)]]
  if (file.startsWith('/') || file.startsWith('~')) return [segments]
  return [segments, ['~', ...segments]]
}

/** True when every file `place` may be lies in `folder`: `/srv/**` takes folders read whole as well, `/srv/*` patterns only. */
function liesIn(place: Name, folder: Name): boolean {
  if (folder.at(-1) !== '**' && place.includes('**')) return false
  return folder.slice(0, -1).every((segment, at) => place[at] === segment)
}

/** True when some name has both forms. Walks both at once, keeping every place of `b` that is still possible. */
function meet(a: Name, b: Name): boolean {
  let possible = closure(new Set([0]), b)
  for (const segment of a) {
    const next = new Set<number>()
    for (const at of possible) {
      if (segment === '**') for (let later = at; later <= b.length; later++) next.add(later)
      else if (b[at] === '**') next.add(at)
      else if (at < b.length && segmentsMeet(segment, b[at]!)) next.add(at + 1)
    }
    if (next.size === 0) return false
    possible = closure(next, b)
  }
  return possible.has(b.length)
}

/** `**` may stand for no folder at all. */
function closure(places: Set<number>, name: Name): Set<number> {
  for (const at of places) if (name[at] === '**') places.add(at + 1)
  return places
}

/** A shell's pattern names no hidden file unless its dot is written out. */
function segmentsMeet(pattern: string, wanted: string): boolean {
  if (!isOpen(pattern) && !isOpen(wanted)) return pattern === wanted
  if (wanted.startsWith('.') && /^[*?[]/.test(pattern)) return false
  // From a bracket on that is not a plain one, anything may come.
  const a = pattern
    .replace(/\[[!^]?[\w.-]+\]/g, '?')
    .replace(/\[.*/s, '*')
    .replace(/\*+/g, '*')
  let row = starts(wanted)
  for (const letter of a) {
    const next: boolean[] = [letter === '*' && row[0]!]
    for (let at = 1; at <= wanted.length; at++) {
      const other = wanted[at - 1]!
      if (letter === '*' || other === '*') next[at] = row[at]! || next[at - 1]!
      else next[at] = row[at - 1]! && (letter === other || letter === '?' || other === '?')
    }
    row = next
  }
  return row[wanted.length]!
}

/** Where the name may stand before the first letter: behind its leading stars. */
function starts(wanted: string): boolean[] {
  const row = [true]
  for (let at = 1; at <= wanted.length; at++) row[at] = row[at - 1]! && wanted[at - 1] === '*'
  return row
}
