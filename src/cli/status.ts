import type { Command } from 'commander'
import { answerOf, contextOf } from './context.ts'
import { briefly } from './duration.ts'
import { EXIT } from './exit.ts'
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
      const [me, policy] = await Promise.all([answerOf(api.me.$get()), answerOf(api.policy.$get())])
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
      for (const problem of policy.problems) context.print(`${paint.yellow('policy is broken on disk')}  ${problem}\n`)
      for (const notice of notices) context.print(`${paint.yellow('notice')}  ${notice}\n`)
      for (const problem of problems) context.print(`${paint.red('not forwarding')}  ${problem}\n`)
    })
}
