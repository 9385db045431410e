import { Command } from 'commander'
import { registerApprovalsCommand } from './approvals.ts'
import { registerAuditCommands } from './audit.ts'
import { registerApproveCommand, registerRejectCommand } from './ballot.ts'
import { registerBreakGlassCommands } from './break-glass.ts'
import { registerClientCommands } from './client.ts'
import { registerConnectCommand } from './connect.ts'
import { type ConnectorWish, registerConnectorCommand } from './connector.ts'
import { registerConnectorsCommand } from './connectors.ts'
import { addGlobalOptions } from './context.ts'
import { registerKillCommand } from './kill.ts'
import { registerRunCommand } from './launch.ts'
import { registerLoginCommand } from './login.ts'
import { registerLogoutCommand } from './logout.ts'
import { registerPolicyCommands } from './policy.ts'
import { registerReplayCommand } from './replay.ts'
import { registerResourcesCommand } from './resources.ts'
import { registerSamlCommands } from './saml.ts'
import { registerSecretCommands } from './secret.ts'
import { registerServeCommand, type ServeWish } from './serve.ts'
import { registerSessionsCommand } from './sessions.ts'
import { registerSqlCommand } from './sql.ts'
import { registerSshCommands } from './ssh.ts'
import { registerStatusCommand } from './status.ts'
import { registerTokenCommands } from './token.ts'
import { registerWatchCommand } from './watch.ts'
import { registerWhoamiCommand } from './whoami.ts'

/** In the order help shows them. */
const VERBS = [
  registerLoginCommand,
  registerLogoutCommand,
  registerWhoamiCommand,
  registerSqlCommand,
  registerResourcesCommand,
  registerConnectCommand,
  registerRunCommand,
  registerStatusCommand,
  registerApprovalsCommand,
  registerApproveCommand,
  registerRejectCommand,
  registerSessionsCommand,
  registerReplayCommand,
  registerWatchCommand,
  registerKillCommand,
  registerTokenCommands,
  registerClientCommands,
  registerSshCommands,
  registerSecretCommands,
  registerBreakGlassCommands,
  registerSamlCommands,
  registerConnectorsCommand,
  registerPolicyCommands,
  registerAuditCommands,
]

export interface ProgramParts {
  readonly version: string
  /** The gateway itself: the one thing here that is no client of the API. */
  readonly serve: (wish: ServeWish) => Promise<void>
  /** A connector. It is run without this program, so that it loads nothing of it; here it has its help. */
  readonly connector?: (wish: ConnectorWish) => Promise<void>
}

/** The command line: every verb, one file each. */
export function createProgram({ version, serve, connector = async () => {} }: ProgramParts): Command {
  const program = addGlobalOptions(new Command('sluice'))
    .description('A gateway between AI agents, people and the systems they use.')
    .version(version)
    .showHelpAfterError('(sluice --help tells more)')
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
  registerServeCommand(program, serve)
  registerConnectorCommand(program, connector)
  for (const register of VERBS) register(program)
  for (const command of program.commands) {
    command.exitOverride()
    for (const inner of command.commands) inner.exitOverride()
  }
  return program
}
