import { SshReader } from '../../kit/ssh-wire.ts'
import { type EffectSet, effects } from '../../model/effects.ts'
import { type FileDeed, modeGrants } from './operation.ts'
import { type Attributes, readAttributes } from './sftp-attributes.ts'
import { FXF, FXP } from './sftp-packets.ts'

/** A path a request names, and what is done to it. `follow`: a symlink at its end is followed. */
export interface PathUse {
  readonly path: Buffer
  readonly follow: boolean
  readonly deed: FileDeed
}

/** What a request wants, before its paths are resolved. */
export type SftpRequest =
  /** Goes on with what was opened. */
  | { readonly of: 'handle'; readonly handle: string }
  /** About the server alone. */
  | { readonly of: 'server' }
  | FileRequest
  /** Known to nobody here. */
  | { readonly of: 'unknown'; readonly name: string }

export interface FileRequest {
  readonly of: 'files'
  readonly verb: string
  readonly effects: EffectSet
  readonly uses: readonly PathUse[]
  /** Open files it is about, by handle. */
  readonly handles?: readonly { readonly handle: string; readonly deed: FileDeed }[]
  /** What a granted answer opens. */
  readonly opens?: 'file' | 'folder'
  /** The file begins empty. */
  readonly fresh?: boolean
  /** What is written goes to its end, wherever it says. */
  readonly appends?: boolean
  readonly attributes?: Attributes
}

const DOT = 0x2e
const READ = effects('read')
const WRITE = effects('write')
const DELETE = effects('delete')
const GET = effects('read', 'export')
const PUT = effects('write', 'import')
const GRANT = effects('grant')

const use = (deed: FileDeed, path: Buffer, follow = false): PathUse => ({ path, follow, deed })

/** Reads a request packet, its length field included. Throws `protocol.malformed`. Sections of draft-ietf-secsh-filexfer-02. */
export function readSftpRequest(packet: Buffer): SftpRequest {
  const reader = new SshReader(packet.subarray(9))
  const handle = () => reader.string().toString('latin1')
  const files = (verb: string, set: EffectSet, ...uses: PathUse[]): FileRequest => ({
    of: 'files',
    verb: `sftp ${verb}`,
    effects: set,
    uses,
  })
  switch (packet[4]) {
    case FXP.CLOSE:
    case FXP.READ:
    case FXP.FSTAT:
    case FXP.READDIR:
      return { of: 'handle', handle: handle() }
    case FXP.OPEN: // §6.3: path, pflags, attributes
      return opening(reader.string(), reader.uint32(), readAttributes(reader))
    case FXP.OPENDIR:
      return { ...files('list', READ, use('read', reader.string(), true)), opens: 'folder' }
    case FXP.STAT:
      return files('stat', READ, use('read', reader.string(), true))
    case FXP.LSTAT:
      return files('stat', READ, use('read', reader.string()))
    case FXP.READLINK:
      return files('readlink', READ, use('read', reader.string()))
    case FXP.REALPATH: {
      const path = reader.string()
      // Where a client begins: it learns the folder it was let into.
      if (path.length === 0 || (path.length === 1 && path[0] === DOT)) return { of: 'server' }
      return files('realpath', READ, use('read', path, true))
    }
    case FXP.SETSTAT:
      return setting(files('setstat', WRITE, use('written', reader.string(), true)), readAttributes(reader))
    case FXP.FSETSTAT: {
      const handles = [{ handle: handle(), deed: 'written' as const }]
      return setting({ ...files('setstat', WRITE), handles }, readAttributes(reader))
    }
    case FXP.REMOVE:
      return files('remove', DELETE, use('deleted', reader.string()))
    case FXP.RMDIR:
      return files('rmdir', DELETE, use('deleted', reader.string()))
    case FXP.MKDIR:
      return making(files('mkdir', WRITE, use('written', reader.string())), readAttributes(reader))
    case FXP.RENAME:
      return files('rename', WRITE, use('written', reader.string()), use('written', reader.string()))
    case FXP.SYMLINK:
      // OpenSSH takes the link's text first, unlike the draft (its PROTOCOL §4.1).
      return files('symlink', WRITE, use('written', reader.string()), use('written', reader.string()))
    case FXP.EXTENDED:
      return extended(reader, files)
    default:
      return { of: 'unknown', name: `type ${packet[4]}` }
  }
}

type Files = (verb: string, set: EffectSet, ...uses: PathUse[]) => FileRequest

/** OpenSSH's PROTOCOL §4, and draft-ietf-secsh-filexfer-extensions-00 for copy-data and home-directory. */
function extended(reader: SshReader, files: Files): SftpRequest {
  const name = reader.string().toString('latin1')
  const handle = () => reader.string().toString('latin1')
  switch (name) {
    case 'posix-rename@openssh.com':
      return files('rename', WRITE, use('written', reader.string()), use('written', reader.string()))
    case 'hardlink@openssh.com':
      // A second name for the same file: whoever may use that may read and write the first.
      return files('link', effects('read', 'write'), use('read', reader.string()), use('written', reader.string()))
    case 'statvfs@openssh.com':
      return files('statvfs', READ, use('read', reader.string(), true))
    case 'lsetstat@openssh.com':
      return setting(files('setstat', WRITE, use('written', reader.string())), readAttributes(reader))
    case 'expand-path@openssh.com':
      return files('realpath', READ, use('read', reader.string(), true))
    case 'fstatvfs@openssh.com':
    case 'fsync@openssh.com':
      return { of: 'handle', handle: handle() }
    case 'copy-data': {
      // string from, uint64 offset, uint64 length, string to, uint64 offset
      const from = handle()
      reader.uint64()
      reader.uint64()
      const handles = [
        { handle: from, deed: 'read' as const },
        { handle: handle(), deed: 'written' as const },
      ]
      return { ...files('copy', effects('read', 'write')), handles }
    }
    case 'home-directory':
    case 'users-groups-by-id@openssh.com':
      return files(name.split('@')[0]!, READ)
    case 'limits@openssh.com':
      return { of: 'server' }
    default:
      return { of: 'unknown', name: name.slice(0, 64) }
  }
}

/** Extensions a server may be seen to offer: those read above. */
const EXTENSIONS: ReadonlySet<string> = new Set([
  'posix-rename@openssh.com',
  'hardlink@openssh.com',
  'statvfs@openssh.com',
  'fstatvfs@openssh.com',
  'lsetstat@openssh.com',
  'expand-path@openssh.com',
  'fsync@openssh.com',
  'copy-data',
  'home-directory',
  'users-groups-by-id@openssh.com',
  'limits@openssh.com',
])

/** Those of a server's greeting, with their versions: short numbers, for a client shows them. */
export function readExtensions(reader: SshReader): (readonly [name: string, version: string])[] {
  const known: (readonly [string, string])[] = []
  while (reader.remaining > 0) {
    const [name, version] = [reader.string().toString('latin1'), reader.string().toString('latin1')]
    if (EXTENSIONS.has(name) && (/^\d{1,8}$/.test(version) || version === '')) known.push([name, version])
  }
  return known
}

function opening(path: Buffer, flags: number, attributes: Attributes): FileRequest {
  const writes = (flags & (FXF.WRITE | FXF.APPEND | FXF.CREAT | FXF.TRUNC)) !== 0
  const reads = (flags & FXF.READ) !== 0 || !writes
  const { mode, owner } = attributes
  const grants = owner !== undefined || (mode !== undefined && modeGrants(mode, false))
  return {
    of: 'files',
    verb: writes ? (reads ? 'sftp edit' : 'sftp put') : 'sftp get',
    effects: (writes ? PUT : 0) | (reads ? GET : 0) | (grants ? GRANT : 0),
    uses: [...(reads ? [use('read', path, true)] : []), ...(writes ? [use('written', path, true)] : [])],
    opens: 'file',
    // EXCL says nothing without CREAT.
    fresh: (flags & FXF.TRUNC) !== 0 || (flags & NEW) === NEW,
    appends: (flags & FXF.APPEND) !== 0,
    attributes,
  }
}

const NEW = FXF.CREAT | FXF.EXCL

/** A folder with attributes. OpenSSH asks for 0777 each time and leaves the rest to the umask. */
function making(request: FileRequest, attributes: Attributes): FileRequest {
  const grants = attributes.owner !== undefined || ((attributes.mode ?? 0) & 0o7000) !== 0
  return { ...request, attributes, ...(grants && { effects: request.effects | GRANT }) }
}

/** New attributes, which no umask touches. A new owner is granted the file, and whoever may act as the owner or write to it something, too. */
function setting(request: FileRequest, attributes: Attributes): FileRequest {
  const grants = attributes.owner !== undefined || modeGrants(attributes.mode ?? 0, true)
  return { ...request, attributes, ...(grants && { effects: request.effects | GRANT }) }
}
