import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cacheFolder } from './postgres-binaries.ts'

/** A program of another Debian release, started by that release's own loader and libraries. */
export type ForeignCommand = (program: string) => readonly string[]

const FOLDER = join(cacheFolder, 'openssh-sid')

/**
 * OpenSSH's client of Debian sid (10.6 in 2026), unpacked into the cache on first use without touching the system's packages. Returns how
 * to start one of its programs, or a sentence that says why it cannot be had.
 */
export function newestOpenSsh(): ForeignCommand | string {
  try {
    if (!existsSync(FOLDER)) fetchInto(FOLDER)
    const loader = ['lib64', 'lib']
      .flatMap((each) => list(join(FOLDER, 'usr', each)).map((name) => join(FOLDER, 'usr', each, name)))
      .find((path) => /\/ld-linux-[^/]*\.so\.[12]$/.test(path))
    const libraries = list(join(FOLDER, 'usr', 'lib')).find((name) => name.endsWith('-linux-gnu'))
    if (!loader || !libraries) return 'what was unpacked of Debian sid has no loader'
    return (program) => [loader, '--library-path', join(FOLDER, 'usr', 'lib', libraries), join(FOLDER, 'usr', program)]
  } catch (error) {
    return `Debian sid cannot be reached for openssh-client: ${(error as Error).message.split('\n')[0]}`
  }
}

function list(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : []
}

/** Downloads the package and all it needs by an apt of its own: lists, status and cache are in the folder. */
function fetchInto(folder: string): void {
  const draft = `${folder}.${process.pid}`
  const apt = join(draft, '.apt')
  mkdirSync(join(apt, 'lists', 'partial'), { recursive: true })
  mkdirSync(join(apt, 'cache', 'archives', 'partial'), { recursive: true })
  writeFileSync(join(apt, 'status'), '')
  writeFileSync(join(apt, 'list'), `deb ${mirror()} sid main\n`)
  const options = {
    'Dir::Etc::SourceList': join(apt, 'list'),
    'Dir::Etc::SourceParts': '-',
    'Dir::State': apt,
    'Dir::State::status': join(apt, 'status'),
    'Dir::Cache': join(apt, 'cache'),
    'Acquire::Languages': 'none',
    'APT::Install-Recommends': 'false',
    'APT::Sandbox::User': 'root',
  }
  const get = (...args: string[]) =>
    execFileSync(
      'apt-get',
      [...Object.entries(options).flatMap(([key, value]) => ['-o', `${key}=${value}`]), ...args],
      {
        stdio: ['ignore', 'ignore', 'pipe'],
        timeout: 120_000,
      },
    )
  get('-qq', 'update')
  get('-qq', '-y', '--download-only', 'install', 'openssh-client')
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) {
    mkdirSync(join(draft, 'usr', name), { recursive: true })
    symlinkSync(`usr/${name}`, join(draft, name))
  }
  const archives = join(apt, 'cache', 'archives')
  for (const file of list(archives).filter((name) => name.endsWith('.deb')))
    execFileSync('dpkg-deb', ['-x', join(archives, file), draft], { stdio: 'ignore' })
  rmSync(apt, { recursive: true })
  renameSync(draft, folder)
}

/** Where this system's own packages come from. */
function mirror(): string {
  const targets = execFileSync('apt-get', ['indextargets', '--format', '$(REPO_URI)', 'Created-By: Packages'], {
    encoding: 'utf8',
  })
  const found = [...new Set(targets.split('\n'))].filter((uri) => uri && !uri.includes('security')).sort()
  if (!found[0]) throw new Error('no Debian mirror is configured')
  return found[0]
}
