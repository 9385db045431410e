import type { Command } from 'commander'
import { answerOf, contextOf } from './context.ts'
import { forgetLogin, loginFile, storedLogin } from './login/stored.ts'

/** `sluice logout` */
export function registerLogoutCommand(program: Command): void {
  program
    .command('logout')
    .description('end the sign-in of `sluice login`, and every session that stands on it')
    .addHelpText('after', '\nExamples:\n  sluice logout\n')
    .action(async (_options: object, command: Command) => {
      const context = contextOf(command, { anonymous: true })
      const file = loginFile(context.profile.folder)
      const kept = storedLogin(file, context.profile.api)
      if (!kept) {
        if (context.json) return context.printJson({ done: false })
        return context.complain('You are not signed in here.\n')
      }
      // Forgotten here whatever the gateway says; ended there unless nobody answers.
      forgetLogin(file)
      const { api } = contextOf(command, { token: kept.token })
      if (kept.expires_ms > Date.now()) await answerOf(api['sign-out'].$post())
      if (context.json) return context.printJson({ done: true, principal: kept.principal })
      context.print(`Signed out ${kept.principal}.\n`)
    })
}
