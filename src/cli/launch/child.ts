import { type ChildProcess, spawn } from 'node:child_process'
import { constants } from 'node:os'
import { CommandFailure } from '../exit.ts'

/** How a program ended: its own exit code, or the signal that ended it. */
export type Ended = { readonly code: number } | { readonly signal: NodeJS.Signals }

const PASSED_ON = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH', 'SIGCONT'] as const
/** What a terminal sends to everybody in front of it: the program has got it by itself. */
const BY_TERMINAL: ReadonlySet<string> = new Set(['SIGINT', 'SIGQUIT', 'SIGWINCH'])

/** What would end a program that does nothing about it. */
const ENDING: ReadonlySet<string> = new Set(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'])

/** Signals sent to us, from before there is a program until after it ended: none of them ends us before what was set up is taken down. */
export interface HeldSignals {
  /** The first that came before there was a program and would have ended it. */
  early(): NodeJS.Signals | undefined
  /** From now on they go to this program. */
  attach(child: ChildProcess): void
  release(): void
}

export function holdSignals(): HeldSignals {
  let child: ChildProcess | undefined
  let early: NodeJS.Signals | undefined
  const handlers = PASSED_ON.map((signal) => {
    const handler = () => {
      if (!child) early ??= ENDING.has(signal) ? signal : undefined
      else if (!(process.stdin.isTTY && BY_TERMINAL.has(signal))) child.kill(signal)
    }
    process.on(signal, handler)
    return [signal, handler] as const
  })
  return {
    early: () => early,
    attach: (started) => {
      child = started
    },
    release: () => {
      for (const [signal, handler] of handlers) process.off(signal, handler)
    },
  }
}

/**
 * Runs a program on our own standard streams until it ends; signals sent to us are passed on, and we wait for it whatever they are. One that
 * came before it could start ends the run before it begins. Throws CommandFailure, with the shell's own exit codes, when it cannot be started.
 */
export async function runToEnd(
  command: readonly string[],
  env: NodeJS.ProcessEnv,
  signals: HeldSignals,
): Promise<Ended> {
  const signal = signals.early()
  if (signal) return { signal }
  const [file, ...args] = command
  const child = spawn(file!, args, { stdio: 'inherit', env })
  signals.attach(child)
  return await new Promise<Ended>((resolve, reject) => {
    child.once('error', (error: NodeJS.ErrnoException) => reject(unstartable(file!, error)))
    child.once('exit', (code, signal) => resolve(signal ? { signal } : { code: code ?? 1 }))
  })
}

function unstartable(file: string, error: NodeJS.ErrnoException): CommandFailure {
  const missing = error.code === 'ENOENT'
  const failure = new CommandFailure(missing ? `${file}: not found.` : `${file}: cannot be run (${error.code}).`)
  return Object.assign(failure, { exit: missing ? 127 : 126 })
}

/** Ends this process the way the program ended, so that whoever called us sees what they would have seen of it. */
export function endLike(ended: Ended): void {
  if ('code' in ended) {
    process.exitCode = ended.code
    return
  }
  process.exitCode = 128 + constants.signals[ended.signal]
  process.kill(process.pid, ended.signal)
}
