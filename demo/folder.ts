import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
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

/**
 * Copies the demo's policy to where the user may edit it, once; nothing of theirs is overwritten. The addresses of the database and of the identity
 * provider are the lines kept right at every start, since a port may have been taken in between.
 */
export function preparePolicy(
  folder: DemoFolder,
  { postgresPort, issuer, host }: { postgresPort: number; issuer: string; host: DemoHost | undefined },
): void {
  const from = join(import.meta.dirname, 'policy')
  if (!existsSync(folder.policy)) {
    const draft = `${folder.policy}.draft`
    rmSync(draft, { recursive: true, force: true })
    mkdirSync(draft)
    for (const name of readdirSync(from)) {
      const text = readFileSync(join(from, name), 'utf8')
      writeFileSync(
        join(draft, name),
        text.replace(
          /file: ([\w-]+\.(?:password|key))/g,
          (_, file) => `file: ${JSON.stringify(join(folder.demo, file))}`,
        ),
      )
    }
    renameSync(draft, folder.policy)
  }
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
