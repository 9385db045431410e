import { type FSWatcher, readdirSync, readFileSync, statSync, watch } from 'node:fs'
import { join, relative } from 'node:path'
import { SluiceError } from '../kit/errors.ts'
import type { Log } from '../kit/log.ts'
import { type CompiledPolicy, compilePolicy, formatProblem, PolicyErrors, type PolicyFile } from '../policy/index.ts'

/** Editors write a file in several steps: a change is read when the folder has been still for this long. */
const STILL_MS = 150
/** Where the system cannot watch (a network file system), and as a net below it. */
const POLL_MS = 2_000

/** The policy in force, and what is wrong with the one in the folder. */
export interface PolicyFolder {
  readonly dir: string
  current(): CompiledPolicy
  /** When the policy in force came into force, ms since the epoch. */
  loaded_ms(): number
  /** Sentences with file and line; empty when the folder's own policy is in force. */
  problems(): readonly string[]
  /** Reads the folder again now. True when another policy came into force. */
  reload(): boolean
  /** Told of every policy that comes into force after the first. Returns the unsubscriber. */
  onChange(listener: (policy: CompiledPolicy) => void): () => void
  close(): void
}

/**
 * Loads every .yaml and .yml file below `dir`, but for tests (*.test.yaml), and watches it. A folder that does not compile at the start is `policy.invalid`; later it
 * leaves the old policy in force, says so in the log, and is tried again at the next change.
 */
export function openPolicyFolder(dir: string, log: Log): PolicyFolder {
  const listeners = new Set<(policy: CompiledPolicy) => void>()
  let seen = readFiles(dir)
  let policy = compilePolicy(seen)
  let problems: readonly string[] = []
  let loaded_ms = Date.now()

  const reload = (): boolean => {
    let files: PolicyFile[] = []
    try {
      files = readFiles(dir)
      if (sameFiles(files, seen)) return false
      const next = compilePolicy(files)
      seen = files
      if (next.version === policy.version) {
        if (problems.length > 0) log.info('the policy folder is in order again', { policy: policy.version })
        problems = []
        return false
      }
      problems = []
      policy = next
      loaded_ms = Date.now()
    } catch (error) {
      seen = files
      const before = problems.join()
      problems = problemsOf(error)
      if (problems.join() === before) return false
      log.error('the policy folder is broken; the old policy stays in force', { policy: policy.version, problems })
      return false
    }
    log.info('a new policy is in force', { policy: policy.version, rules: policy.rules.length })
    for (const listener of listeners) listener(policy)
    return true
  }

  const stop = watchFolder(dir, reload)
  return {
    dir,
    current: () => policy,
    loaded_ms: () => loaded_ms,
    problems: () => problems,
    reload,
    onChange: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    close: stop,
  }
}

/** Calls `changed` some time after the folder did. Returns the stopper. */
function watchFolder(dir: string, changed: () => void): () => void {
  let timer: NodeJS.Timeout | undefined
  let watcher: FSWatcher | undefined
  const soon = () => {
    clearTimeout(timer)
    timer = setTimeout(changed, STILL_MS)
    timer.unref()
  }
  const begin = () => {
    try {
      watcher = watch(dir, { recursive: true, persistent: false }, soon)
      watcher.on('error', () => {
        watcher?.close()
        watcher = undefined
      })
    } catch {
      watcher = undefined // the poll below sees the change
    }
  }
  begin()
  const poll = setInterval(() => {
    if (watcher === undefined) begin()
    changed()
  }, POLL_MS)
  poll.unref()
  return () => {
    clearInterval(poll)
    clearTimeout(timer)
    watcher?.close()
  }
}

/** All documents' files in one order everywhere. Throws `config.invalid` when the folder cannot be read. */
export function readFiles(dir: string): PolicyFile[] {
  try {
    if (!statSync(dir).isDirectory()) throw new Error('it is not a folder')
    return readdirSync(dir, { recursive: true, encoding: 'utf8' })
      .filter(
        (name) =>
          /\.ya?ml$/.test(name) &&
          !/\.test\.ya?ml$/.test(name) &&
          !name.split('/').some((part) => part.startsWith('.')),
      )
      .sort()
      .map((name) => ({ path: shownPath(join(dir, name)), text: readFileSync(join(dir, name), 'utf8') }))
  } catch (error) {
    throw new SluiceError(
      'config.invalid',
      `the policy folder ${dir} cannot be read (${(error as Error).message}); make it, or set policyDir`,
      { cause: error },
    )
  }
}

/** As a person would write it from where they stand. */
function shownPath(path: string): string {
  const near = relative(process.cwd(), path)
  return near.startsWith('..') ? path : near
}

function sameFiles(a: readonly PolicyFile[], b: readonly PolicyFile[]): boolean {
  return a.length === b.length && a.every((file, i) => file.path === b[i]!.path && file.text === b[i]!.text)
}

function problemsOf(error: unknown): string[] {
  if (error instanceof PolicyErrors) return error.problems.map(formatProblem)
  return [error instanceof Error ? error.message : String(error)]
}
