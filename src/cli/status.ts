import type { Command } from 'commander'
import { SluiceError } from '../kit/errors.ts'
import { answerOf, type Context, contextOf } from './context.ts'
import { briefly } from './duration.ts'
import { CommandFailure, EXIT, exitFor } from './exit.ts'
import { visible } from './paint.ts'
import { counted } from './policy/print.ts'

/** `sluice status`: who you are, which policy is in force, and whether anything keeps the gateway from forwarding. */
export function registerStatusCommand(program: Command): void {
  program
    .command('status')
    .description('who you are here, the policy in force, and whether the gateway forwards')
    .addHelpText(
      'after',
      '\nExamples:\n  sluice status\n  sluice status --json\n\nExit code 1 when something keeps the gateway from forwarding.\n',
    )
    .action(async (_options: object, command: Command) => {
      const context = contextOf(command)
      const { api, paint } = context
      const asked = Promise.all([answerOf(api.me.$get()), answerOf(api.policy.$get())])
      const [me, policy] = await asked.catch((error: unknown) => withoutProfile(context, error))
      const { problems, notices } = me.admin ? await answerOf(api.status.$get()) : { problems: [], notices: [] }
      process.exitCode = problems.length > 0 ? EXIT.failure : EXIT.ok
      if (context.json) return context.printJson({ url: context.profile.api, me, policy, problems, notices })
      const [self] = me.principal.chain
      const behind = me.principal.chain
        .slice(1)
        .map((party) => ` for ${party.id}`)
        .join('')
      const until = me.expires_ms === undefined ? '' : `, token good for ${briefly(me.expires_ms - Date.now())}`
      context.print(`gateway   ${context.profile.api} (version ${me.version})\n`)
      context.print(
        `you       ${self?.id}${behind}${self?.groups.length ? ` (${self.groups.join(', ')})` : ''}${until}\n`,
      )
      context.print(
        `policy    ${policy.version.slice(0, 12)}: ${counted(policy.rules, 'rule')}, ${counted(policy.resources, 'resource')}, in force for ${briefly(Date.now() - policy.loaded_ms)}\n`,
      )
      for (const problem of policy.problems)
        context.print(`${paint.yellow('policy is broken on disk')}  ${visible(problem)}\n`)
      for (const notice of notices) context.print(`${paint.yellow('notice')}  ${visible(notice)}\n`)
      for (const problem of problems) context.print(`${paint.red('not forwarding')}  ${visible(problem)}\n`)
    })
}

/** Where no profile was found, that is the likelier cause: the command was run in another folder than the gateway. */
function withoutProfile({ profile }: Context, error: unknown): never {
  const lost = error instanceof SluiceError && /^api\.(unreachable|unauthorized)$/.test(error.code)
  if (!lost || profile.folder !== undefined || profile.token !== undefined) throw error
  throw new CommandFailure(
    error.message,
    exitFor(error.code),
    'There is no profile here. Go to the folder that has .sluice/, name it in SLUICE_DIR, or name the gateway in SLUICE_URL and: sluice login',
  )
}
