import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { compilePolicy } from '../src/policy/index.ts'
import { readFiles } from '../src/setup/policy-folder.ts'
import type { DemoHost } from './host.ts'

/** Where the demo keeps everything: `.sluice` in the clone, or another folder. */
export interface DemoFolder {
  readonly root: string
  readonly demo: string
  readonly policy: string
  readonly tokens: string
}

export function demoFolder(dir: string): DemoFolder {
  const root = resolve(dir)
  return { root, demo: join(root, 'demo'), policy: join(root, 'policy'), tokens: join(root, 'tokens') }
}

/** Takes the folder for this process. Throws with a sentence when another start of the demo holds it; one that was killed holds nothing. Returns the release. */
export function takeFolder(folder: DemoFolder): () => void {
  mkdirSync(folder.root, { recursive: true, mode: 0o700 })
  mkdirSync(folder.demo, { recursive: true })
  mkdirSync(folder.tokens, { recursive: true, mode: 0o700 })
  const file = join(folder.demo, 'pid')
  const holder = existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0
  if (isDemo(holder))
    throw new Error(`The demo already runs on ${folder.root} (process ${holder}). Stop it first: kill ${holder}`)
  writeFileSync(file, String(process.pid))
  return () => rmSync(file, { force: true })
}

function isDemo(pid: number): boolean {
  if (pid === process.pid || pid <= 0) return false
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('demo/start.ts')
  } catch {
    return false
  }
}

/** The demo's own policy files, and where the names of those that were given to the user stand. */
const SHIPPED = join(import.meta.dirname, 'policy')
const GIVEN = 'policy-files'

function shippedText(name: string, folder: DemoFolder): string {
  return readFileSync(join(SHIPPED, name), 'utf8').replace(
    /file: ([\w-]+\.(?:password|key))/g,
    (_, file) => `file: ${JSON.stringify(join(folder.demo, file))}`,
  )
}

function givenTo(folder: DemoFolder): string[] {
  const record = join(folder.demo, GIVEN)
  return existsSync(record) ? readFileSync(record, 'utf8').split('\n') : []
}

/** Adds the files this version has and an older one did not give. One the user removed stays away, and so does one that does not fit what they wrote. */
function addMissing(folder: DemoFolder, say: (line: string) => void): void {
  const given = givenTo(folder)
  const missing = readdirSync(SHIPPED).filter((name) => !given.includes(name) && !existsSync(join(folder.policy, name)))
  for (const name of missing) {
    const path = join(folder.policy, name)
    writeFileSync(path, shippedText(name, folder))
    try {
      compilePolicy(readFiles(folder.policy))
      say(`Added ${path}: new in this version.`)
    } catch {
      rmSync(path)
      say(`Left out ${name}, which is new in this version and does not fit the other files in ${folder.policy}.`)
    }
  }
}

interface PolicyParts {
  readonly postgresPort: number
  readonly issuer: string
  readonly host: DemoHost | undefined
  readonly say: (line: string) => void
}

/**
 * Copies the demo's policy to where the user may edit it, once, and what a later version brings; nothing of theirs is overwritten. The addresses of the database and of the identity
 * provider are the lines kept right at every start, since a port may have been taken in between.
 */
export function preparePolicy(folder: DemoFolder, { postgresPort, issuer, host, say }: PolicyParts): void {
  if (existsSync(folder.policy)) addMissing(folder, say)
  else {
    const draft = `${folder.policy}.draft`
    rmSync(draft, { recursive: true, force: true })
    mkdirSync(draft)
    for (const name of readdirSync(SHIPPED)) writeFileSync(join(draft, name), shippedText(name, folder))
    renameSync(draft, folder.policy)
  }
  const given = new Set([...givenTo(folder), ...readdirSync(folder.policy)])
  writeFileSync(join(folder.demo, GIVEN), [...given].join('\n'))
  for (const name of ['orders.yaml', 'archive.yaml'])
    keepLine(join(folder.policy, name), /^address: 127\.0\.0\.1:\d+/m, `address: 127.0.0.1:${postgresPort}`)
  if (host) {
    const web = join(folder.policy, 'web-1.yaml')
    keepLine(web, /^address: 127\.0\.0\.1:\d+/m, `address: 127.0.0.1:${host.port}`)
    keepLine(web, /^hostKeys: \["ssh-ed25519 [^"]*"\]/m, `hostKeys: ["${host.hostKey}"]`)
    keepLine(web, /^users: \[\{ name: [\w-]+,/m, `users: [{ name: ${host.user},`)
  }
  keepLine(join(folder.policy, 'identity.yaml'), /^ {2}issuer: http:\/\/127\.0\.0\.1:\d+/m, `  issuer: ${issuer}`)
}

/** Keeps one line of a file of the user's right, where it is still there. */
function keepLine(path: string, line: RegExp, right: string): void {
  if (!existsSync(path)) return
  const text = readFileSync(path, 'utf8')
  const kept = text.replace(line, right)
  if (kept !== text) writeFileSync(path, kept)
}

/** Writes a file only its owner reads, whole or not at all. */
export function writePrivate(path: string, text: string): void {
  writeFileSync(`${path}.new`, text, { mode: 0o600 })
  renameSync(`${path}.new`, path)
}
