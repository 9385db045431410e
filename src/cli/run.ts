import { type Command, CommanderError } from 'commander'
import { SluiceError } from '../kit/errors.ts'
import { CommandFailure, EXIT, exitFor } from './exit.ts'
import { paintFor } from './paint.ts'

/** Runs the program and sets the process's exit code; one clear sentence on stderr for whatever goes wrong. */
export async function runProgram(program: Command, argv: readonly string[]): Promise<void> {
  try {
    await program.parseAsync(argv, { from: 'user' })
  } catch (error) {
    process.exitCode = report(error)
  }
}

function report(error: unknown): number {
  // Commander has printed its message already; help and version are not failures.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
  const paint = paintFor(process.stderr)
  const say = (message: string, remedy: string) =>
    process.stderr.write(`${paint.red(message)}\n${remedy ? `${remedy}\n` : ''}`)
  if (error instanceof CommandFailure) {
    say(error.message, error.remedy)
    return error.exit
  }
  if (error instanceof SluiceError) {
    say(error.message, error.remedy)
    return exitFor(error.code)
  }
  say(`An error of sluice itself: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`, '')
  return EXIT.failure
}
