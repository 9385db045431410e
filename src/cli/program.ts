import { Command, CommanderError } from 'commander'
import { SluiceError } from '../kit/errors.ts'
import { registerApprovalsCommand } from './approvals.ts'
import { registerAuditCommands } from './audit.ts'
import { registerApproveCommand, registerRejectCommand } from './ballot.ts'
import { registerConnectCommand } from './connect.ts'
import { addGlobalOptions } from './context.ts'
import { CommandFailure, EXIT, exitFor } from './exit.ts'
import { registerKillCommand } from './kill.ts'
import { paintFor } from './paint.ts'
import { registerPolicyCommands } from './policy.ts'
import { registerReplayCommand } from './replay.ts'
import { registerResourcesCommand } from './resources.ts'
import { registerSecretCommands } from './secret.ts'
import { registerServeCommand, type ServeWish } from './serve.ts'
import { registerSessionsCommand } from './sessions.ts'
import { registerSqlCommand } from './sql.ts'
import { registerStatusCommand } from './status.ts'
import { registerTokenCommands } from './token.ts'
import { registerWatchCommand } from './watch.ts'

/** In the order help shows them. */
const VERBS = [
  registerSqlCommand,
  registerResourcesCommand,
  registerConnectCommand,
  registerStatusCommand,
  registerApprovalsCommand,
  registerApproveCommand,
  registerRejectCommand,
  registerSessionsCommand,
  registerReplayCommand,
  registerWatchCommand,
  registerKillCommand,
  registerTokenCommands,
  registerSecretCommands,
  registerPolicyCommands,
  registerAuditCommands,
]

export interface ProgramParts {
  readonly version: string
  /** The gateway itself: the one thing here that is no client of the API. */
  readonly serve: (wish: ServeWish) => Promise<void>
}

/** The command line: every verb, one file each. */
export function createProgram({ version, serve }: ProgramParts): Command {
  const program = addGlobalOptions(new Command('sluice'))
    .description('A gateway between AI agents, people and the systems they use.')
    .version(version)
    .showHelpAfterError('(sluice --help tells more)')
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
  registerServeCommand(program, serve)
  for (const register of VERBS) register(program)
  for (const command of program.commands) {
    command.exitOverride()
    for (const inner of command.commands) inner.exitOverride()
  }
  return program
}

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
