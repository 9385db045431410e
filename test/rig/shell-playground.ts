import { spawn } from 'node:child_process'
import {
  chownSync,
  existsSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { tempFolder } from './temp.ts'

/** Programs a line may use; nothing else is on its path. */
const PROGRAMS =
  'touch rm cp mv cat tee sed ls head tail sort wc grep find uniq cut stat diff xargs env nice nohup timeout sleep true false echo sh bash awk ln mkdir truncate'
const FILES = ['a', 'b', 'c', 'd/e']
const FOLDERS = ['/usr/bin', '/bin']
const NOBODY = 65_534
const LINE_MS = 3_000
const LONG_AGO = 1_000_000_000

/** A throwaway home in which command lines are run by real shells under an account that owns nothing else. */
export class ShellPlayground {
  readonly #root = tempFolder('shell')
  readonly #bin = join(this.#root.path, 'bin')
  readonly #home = join(this.#root.path, 'home')
  readonly #account = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {}
  readonly #path: string
  readonly #wait_ms: number
  #before = ''

  /** `path`: where programs are looked for instead; `wait_ms`: what a line gets before it is stopped. */
  constructor({ path, wait_ms = LINE_MS }: { readonly path?: string; readonly wait_ms?: number } = {}) {
    this.#path = path ?? this.#bin
    this.#wait_ms = wait_ms
    mkdirSync(this.#bin)
    for (const name of PROGRAMS.split(' ')) {
      const path = FOLDERS.map((folder) => join(folder, name)).find((each) => existsSync(each))
      if (path) symlinkSync(path, join(this.#bin, name))
    }
    if (this.#account.uid !== undefined) chownSync(this.#root.path, NOBODY, NOBODY)
    this.#reset()
  }

  /** What a line changed among the files, or '' for nothing. */
  async changedBy(shell: string, line: string): Promise<string> {
    await this.#run(shell, line)
    const after = this.#snapshot()
    if (after === this.#before) return ''
    const before = new Set(this.#before.split('\n'))
    const changed = after.split('\n').filter((each) => !before.has(each))
    this.#reset()
    return changed.join(', ') || 'something is gone'
  }

  /** The files a line opened, by their time of last access, and what it changed. The file system has to keep that time (`keepsAccess`). */
  async usedBy(shell: string, line: string): Promise<{ readonly read: readonly string[]; readonly changed: string }> {
    for (const name of FILES) lutimesSync(join(this.#home, name), LONG_AGO, LONG_AGO)
    await this.#run(shell, line)
    const read = FILES.filter(
      (name) => lstatSync(join(this.#home, name), { throwIfNoEntry: false })?.atimeMs !== LONG_AGO * 1_000,
    )
    const after = this.#snapshot()
    const changed = after === this.#before ? '' : 'something'
    if (changed !== '') this.#reset()
    return { read, changed }
  }

  /** Whether reading a file can be seen here: not on file systems mounted with noatime. */
  async keepsAccess(shell: string): Promise<boolean> {
    return (await this.usedBy(shell, 'while read x; do :; done < a')).read.includes('a')
  }

  remove(): void {
    this.#root.remove()
  }

  #run(shell: string, line: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const child = spawn(shell, ['-c', line], {
        cwd: this.#home,
        env: { PATH: this.#path, HOME: this.#home, LANG: 'C.UTF-8' },
        stdio: ['ignore', 'ignore', 'ignore'],
        detached: true,
        ...this.#account,
      })
      const stop = () => {
        try {
          process.kill(-child.pid!, 'SIGKILL')
        } catch {
          // All of it has ended.
        }
      }
      const timer = setTimeout(stop, this.#wait_ms)
      child.once('error', reject)
      child.once('exit', () => {
        clearTimeout(timer)
        stop()
        resolve()
      })
    })
  }

  #reset(): void {
    rmSync(this.#home, { recursive: true, force: true })
    mkdirSync(join(this.#home, 'd'), { recursive: true })
    for (const name of FILES) writeFileSync(join(this.#home, name), `touch n # text of ${name}\n`)
    const { uid } = this.#account
    for (const name of [...FILES, 'd', '']) {
      if (uid !== undefined) chownSync(join(this.#home, name), uid, uid)
      lutimesSync(join(this.#home, name), LONG_AGO, LONG_AGO)
    }
    this.#before = this.#snapshot()
  }

  #snapshot(): string {
    const seen: string[] = []
    const visit = (path: string): void => {
      const full = join(this.#home, path)
      const stat = lstatSync(full)
      const text = stat.isSymbolicLink() ? readlinkSync(full) : stat.isFile() ? readFileSync(full, 'latin1') : ''
      seen.push(JSON.stringify([path, stat.mode, stat.mtimeMs, text]))
      if (stat.isDirectory()) for (const name of readdirSync(full)) visit(join(path, name))
    }
    visit('.')
    return seen.sort().join('\n')
  }
}
