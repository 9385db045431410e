import { createInterface } from 'node:readline/promises'
import type { Command } from 'commander'
import { answerOf, contextOf } from './context.ts'
import { briefly, instantOf } from './duration.ts'
import { CommandFailure, EXIT } from './exit.ts'
import { loginFile, storeLogin } from './login/stored.ts'
import { visible } from './paint.ts'

/** `sluice break-glass status|seal|open` */
export function registerBreakGlassCommands(program: Command): void {
  const glass = program.command('break-glass').description('the sealed account for the day nothing else lets anyone in')
  glass
    .command('status')
    .description('whether it is sealed, and who opened it')
    .addHelpText('after', '\nExample:\n  sluice break-glass status\n')
    .action(status)
  glass
    .command('seal')
    .description('seal it anew, and print its secret this once: put it in an envelope and lock it away')
    .option(
      '-g, --group <name>',
      'a group it has once open; may be given several times',
      (name, all: string[] = []) => [...all, name],
    )
    .addHelpText('after', '\nExamples:\n  sluice login --fresh && sluice break-glass seal\n')
    .action(seal)
  glass
    .command('open')
    .description('open it: an hour, once, and everyone hears of it')
    .requiredOption('-r, --reason <text>', 'why; for the record')
    .addHelpText(
      'after',
      '\nExamples:\n  sluice break-glass open --reason "the identity provider is down, orders are stuck"\n\nThe secret is asked for, or read from a pipe.\n',
    )
    .action(open)
}

async function status(_options: object, command: Command): Promise<void> {
  const context = contextOf(command)
  const found = await answerOf(context.api['break-glass'].$get())
  if (context.json) return context.printJson(found)
  const { paint } = context
  const groups = found.groups.length > 0 ? ` (${found.groups.join(', ')})` : ''
  context.print(`${found.state === 'open' ? paint.red('open') : found.state}${groups}\n`)
  if (found.sealed_ms !== undefined) context.print(`sealed  ${instantOf(found.sealed_ms)} by ${found.sealedBy}\n`)
  if (found.opened_ms !== undefined)
    context.print(`opened  ${instantOf(found.opened_ms)} from ${found.openedFrom}: ${visible(found.openedWhy ?? '')}\n`)
}

async function seal({ group = ['admins'] }: { group?: string[] }, command: Command): Promise<void> {
  const context = contextOf(command)
  const { secret } = await answerOf(context.api['break-glass'].seal.$post({ json: { groups: group } }))
  if (context.json) return context.printJson({ secret })
  context.complain('Sealed. This secret is not shown again; whoever holds it opens the account once:\n')
  context.print(`${secret}\n`)
}

async function open({ reason }: { reason: string }, command: Command): Promise<void> {
  const context = contextOf(command, { anonymous: true })
  const secret = await secretFrom()
  const url = context.profile.api
  const response = await fetch(`${url}/break-glass`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ secret, reason }),
    signal: AbortSignal.timeout(30_000),
  })
  const answer = (await response.json()) as { token?: string; expires_ms?: number; message?: string; hint?: string }
  if (!response.ok || !answer.token || !answer.expires_ms)
    throw new CommandFailure(answer.message ?? `It answered ${response.status}.`, EXIT.denied, answer.hint ?? '')
  storeLogin(loginFile(context.profile.folder), {
    url,
    token: answer.token,
    principal: 'human:break-glass',
    expires_ms: answer.expires_ms,
  })
  if (context.json) return context.printJson({ principal: 'human:break-glass', expires_ms: answer.expires_ms })
  context.print(
    `The glass is broken: you are human:break-glass for ${briefly(answer.expires_ms - Date.now())}. Everyone hears of it.\n`,
  )
}

async function secretFrom(): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr, terminal: false })
  if (process.stdin.isTTY) process.stderr.write('Secret: ')
  for await (const line of lines) {
    lines.close()
    return line.trim()
  }
  throw new CommandFailure(
    'No secret came on stdin.',
    EXIT.usage,
    'Run it at a terminal, which asks for the secret, or: sluice break-glass open --reason "…" < FILE',
  )
}
