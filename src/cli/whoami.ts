import type { Command } from 'commander'
import { answerOf, contextOf } from './context.ts'
import { briefly } from './duration.ts'
import { visible } from './paint.ts'

/** `sluice whoami` */
export function registerWhoamiCommand(program: Command): void {
  program
    .command('whoami')
    .description('who you are to the gateway')
    .addHelpText('after', '\nExamples:\n  sluice whoami\n  sluice whoami --json\n')
    .action(async (_options: object, command: Command) => {
      const context = contextOf(command)
      const me = await answerOf(context.api.me.$get())
      if (context.json) return context.printJson(me)
      const [self, ...behind] = me.principal.chain
      const chain = behind.map((party) => ` for ${party.id}`).join('')
      context.print(
        `${self?.id}${chain}${self && self.name !== '' && !self.id.endsWith(`:${self.name}`) ? ` (${visible(self.name)})` : ''}\n`,
      )
      context.print(`groups   ${self?.groups.join(', ') || 'none'}\n`)
      if (me.signIn)
        context.print(`sign-in  by ${me.signIn.provider}, ${briefly(Date.now() - me.signIn.created_ms)} ago\n`)
      if (me.expires_ms !== undefined) context.print(`token    good for ${briefly(me.expires_ms - Date.now())}\n`)
    })
}
