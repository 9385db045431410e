import { type ChildProcess, spawn } from 'node:child_process'
import { constants } from 'node:os'
import { CommandFailure } from '../exit.ts'

/** How a program ended: its own exit code, or the signal that ended it. */
export type Ended = { readonly code: number } | { readonly signal: NodeJS.Signals }

const PASSED_ON = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH', 'SIGCONT'] as const
/** What a terminal sends to everybody in front of it: the program has got it by itself. */
const BY_TERMINAL: ReadonlySet<string> = new Set(['SIGINT', 'SIGQUIT', 'SIGWINCH'])

/**
 * Runs a program on our own standard streams until it ends. Signals sent to us are passed on; whatever they are, we wait for the program, so
 * that what was set up for it outlives it. Throws CommandFailure, with the shell's own exit codes, when it cannot be started.
 */
export async function runToEnd(command: readonly string[], env: NodeJS.ProcessEnv): Promise<Ended> {
  const [file, ...args] = command
  const child = spawn(file!, args, { stdio: 'inherit', env })
  const stop = passOn(child)
  try {
    return await new Promise<Ended>((resolve, reject) => {
      child.once('error', (error: NodeJS.ErrnoException) => reject(unstartable(file!, error)))
      child.once('exit', (code, signal) => resolve(signal ? { signal } : { code: code ?? 1 }))
    })
  } finally {
    stop()
  }
}

function passOn(child: ChildProcess): () => void {
  const handlers = PASSED_ON.map((signal) => {
    const handler = () => {
      if (!(process.stdin.isTTY && BY_TERMINAL.has(signal))) child.kill(signal)
    }
    process.on(signal, handler)
    return [signal, handler] as const
  })
  return () => {
    for (const [signal, handler] of handlers) process.off(signal, handler)
  }
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
