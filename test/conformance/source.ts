import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { mustRun, run } from '../rig/child.ts'
import { cacheFolder } from '../rig/postgres-binaries.ts'

/** What the suites need of PostgreSQL's source, of exactly the version of the server that runs. */
export interface SourceTree {
  /** The unpacked source package's root. */
  readonly tree: string
  /** Root of the unpacked server-dev package: headers and static libraries. */
  readonly dev: string
  /** Debian's version of the package: `15.18-0+deb12u1`. */
  readonly version: string
  readonly major: number
}

/** Throws with the packages to install when a program the suites are built with is missing. */
function checkTools(): void {
  const needed = {
    gcc: '/usr/bin/gcc',
    'libc6-dev': '/usr/include/stdio.h',
    'libpq-dev': '/usr/include/postgresql/libpq-fe.h',
    'dpkg-dev': '/usr/bin/dpkg-source',
    bzip2: '/bin/bzip2',
  }
  const missing = Object.entries(needed).filter(([, path]) => !existsSync(path))
  if (missing.length > 0)
    throw new Error(`the suites are built from source: apt-get install ${missing.map(([name]) => name).join(' ')}`)
}

/** Downloads (once, into the cache) Debian's source package and headers of the installed server. Touches nothing of the system's own apt state. */
export async function postgresSource(major: number): Promise<SourceTree> {
  checkTools()
  const name = `postgresql-${major}`
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own placeholder.
  const version = (await mustRun(['dpkg-query', '-W', '-f', '${Version}', name])).trim()
  const folder = join(cacheFolder, 'conformance', version)
  const done = join(folder, 'done')
  if (!existsSync(done)) {
    await download(folder, name, version)
    await mustRun(['apt-get', '-qq', 'download', `postgresql-server-dev-${major}=${version}`], { cwd: folder })
    await unpack(folder)
    writeFileSync(done, '')
  }
  const upstream = version.split('-')[0]
  return { tree: join(folder, `postgresql-${upstream}`), dev: join(folder, 'dev'), version, major }
}

async function download(folder: string, name: string, version: string): Promise<void> {
  const apt = join(folder, 'apt')
  for (const each of ['lists/partial', 'cache/archives/partial']) mkdirSync(join(apt, each), { recursive: true })
  writeFileSync(join(apt, 'status'), '')
  writeFileSync(join(apt, 'sources.list'), await sourceLines())
  const settings = {
    'Dir::Etc::SourceList': join(apt, 'sources.list'),
    'Dir::Etc::SourceParts': '-',
    'Dir::State': apt,
    'Dir::State::status': join(apt, 'status'),
    'Dir::Cache': join(apt, 'cache'),
    'APT::Sandbox::User': 'root',
    'Acquire::Languages': 'none',
  }
  const options = Object.entries(settings).flatMap(([key, value]) => ['-o', `${key}=${value}`])
  await mustRun(['apt-get', ...options, '-qq', 'update'], { timeout_ms: 300_000 })
  const fetched = await run(['apt-get', ...options, '-qq', '--download-only', 'source', `${name}=${version}`], {
    cwd: folder,
    timeout_ms: 300_000,
  })
  if (fetched.status !== 0) {
    const there = await mustRun(['apt-cache', ...options, 'showsrc', name])
    const versions = [...there.matchAll(/^Version: (.+)$/gm)].map(([, each]) => each)
    throw new Error(
      `Debian no longer has the source of ${name} ${version}, which is installed here; it has ${versions.join(', ')}. ` +
        `Upgrade the server first: apt-get install ${name} postgresql-client-${name.slice(11)} libpq5 libpq-dev\n${fetched.stderr}`,
    )
  }
}

/** The same mirrors the system installs from, as source lines. */
async function sourceLines(): Promise<string> {
  const targets = await mustRun([
    'apt-get',
    'indextargets',
    '--format',
    '$(REPO_URI) $(RELEASE)',
    'Created-By: Packages',
    'Origin: Debian',
  ])
  const lines = new Set(targets.trim().split('\n'))
  return [...lines].map((line) => `deb-src ${line} main\n`).join('')
}

async function unpack(folder: string): Promise<void> {
  const files = readdirSync(folder)
  const archive = files.find((file) => file.includes('.orig.tar'))
  const headers = files.find((file) => file.endsWith('.deb'))
  if (!archive || !headers) throw new Error(`${folder} lacks the source archive or the headers: ${files.join(' ')}`)
  await mustRun(
    [
      'tar',
      '-xf',
      archive,
      '--wildcards',
      '*/src/test/regress',
      '*/src/test/modules/libpq_pipeline',
      '*/src/test/isolation',
      '*/src/interfaces/libpq',
      '*/src/include',
    ],
    { cwd: folder },
  )
  await mustRun(['dpkg-deb', '-x', join(folder, headers), join(folder, 'dev')])
}

/** Compiles one C file with the server's headers. */
export async function compile(source: SourceTree, from: string, switches: readonly string[]): Promise<void> {
  const include = join(source.dev, 'usr/include/postgresql', String(source.major), 'server')
  await mustRun(['gcc', '-O1', '-w', `-I${include}`, '-I/usr/include/postgresql', from, ...switches], {
    cwd: dirname(from),
  })
}
