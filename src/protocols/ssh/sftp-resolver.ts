import type { FileDeed } from './operation.ts'
import { namesOf, parted, plainPath, readPath } from './sftp-paths.ts'
import type { FileRequest, PathUse } from './sftp-requests.ts'

/** The names each path of a request is judged by; none for a path that cannot be judged. */
export type PathNames = ReadonlyMap<PathUse, readonly string[]>

interface OpenName {
  readonly deed: FileDeed
  readonly path: string
}

type Told = (path: string | undefined) => void

/** What a server can be asked about a path; it tells undefined when there is nothing. */
export interface PathQuestions {
  /** SSH_FXP_REALPATH: absolute, without symlinks. */
  realPath(path: string, told: Told): void
  /** SSH_FXP_READLINK: the text of a symlink. */
  readLink(path: string, told: Told): void
}

/** Links to links that are followed one by one. */
const LINKS = 8

/**
 * What paths are, as the server has it: without symlinks on the way, and at the end where the request follows them. Between this answer and
 * the request's own turn somebody on the server may put a link in place: what must not be reached, the account must not be able to reach.
 */
export class PathResolver {
  readonly #ask: PathQuestions
  /** Where relative paths begin. */
  home = '/'
  /** The server takes a symlink's text before its name, unlike the draft. Where that is not known both orders are judged. */
  textFirst = false

  constructor(questions: PathQuestions) {
    this.#ask = questions
  }

  resolve(request: FileRequest, told: (names: PathNames) => void): void {
    const names = new Map<PathUse, readonly string[]>()
    const link = request.verb === 'sftp symlink'
    // A link's text is seen from the folder the link lies in, which must be known first.
    const uses = link ? request.uses.toReversed() : request.uses
    const next = (i: number): void => {
      const use = uses[i]
      if (!use) return told(names)
      const same = link
        ? undefined
        : uses.slice(0, i).find((earlier) => earlier.path.equals(use.path) && earlier.follow === use.follow)
      const read = readPath(use.path)
      if (same || 'bad' in read) {
        names.set(use, same ? names.get(same)! : [])
        return next(i + 1)
      }
      const beside =
        link && this.textFirst && i === 1 && !read.path.startsWith('/') ? names.get(uses[0]!)?.at(-1) : undefined
      const path = beside === undefined ? read.path : `${parted(beside).folder}/${read.path}`
      this.#resolved(path, use.follow, (resolved) => {
        names.set(use, namesOf(plainPath(path, this.home), resolved))
        next(i + 1)
      })
    }
    next(0)
  }

  /** What a request does to which names. `open`: of the files it names by handle. */
  namesBy(request: FileRequest, names: PathNames, open: readonly OpenName[]): Record<FileDeed, readonly string[]> {
    const by = (deed: FileDeed) => [
      ...request.uses.filter((use) => use.deed === deed).flatMap((use) => names.get(use) ?? []),
      ...open.filter((each) => each.deed === deed).map(({ path }) => path),
    ]
    const links = request.verb === 'sftp symlink' && !this.textFirst ? linkNames(request, names) : []
    return { read: by('read'), written: [...by('written'), ...links], deleted: by('deleted') }
  }

  /** The whole of it, or its folder, and the last name as it stands. */
  #resolved(path: string, follow: boolean, told: (resolved: string) => void, links = LINKS): void {
    const { folder, name } = parted(path)
    const lexical = plainPath(path, this.home)
    const byFolder = () =>
      this.#ask.realPath(folder, (found) => told(found === undefined ? lexical : plainPath(name, found)))
    if (!follow && name !== '') return byFolder()
    this.#ask.realPath(path || '.', (found) => {
      if (found !== undefined) return told(plainPath(found, '/'))
      if (name === '') return told(lexical)
      // Nothing is there, or a link that leads to nothing yet: what is made there is made where it leads.
      this.#ask.readLink(path, (text) => {
        if (text === undefined) return byFolder()
        // Nobody knows where that leads: no rule that names a folder allows it.
        if (links === 0) return told('?')
        this.#resolved(text.startsWith('/') ? text : `${folder}/${text}`, true, told, links - 1)
      })
    })
  }
}

/** What a link's text leads to from where the link lies, whichever of the two is the link. */
function linkNames({ uses }: FileRequest, names: PathNames): string[] {
  return uses.flatMap((text, i) => {
    const beside = names.get(uses[1 - i]!)?.at(-1)
    return beside === undefined ? [] : [plainPath(text.path.toString('utf8'), parted(beside).folder)]
  })
}
