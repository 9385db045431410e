import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { answerOf, type Context, contextOf, named } from './context.ts'
import { briefly, durationOf, instantOf } from './duration.ts'
import { CommandFailure, EXIT, idOf, principalIdOf } from './exit.ts'
import { formatTable } from './table.ts'

interface IssueOptions {
  readonly for: string[]
  readonly ttl: string
  readonly label: string
  readonly certificate?: string
  readonly sshKey?: string
}

/** `sluice token issue|list|revoke` */
export function registerTokenCommands(program: Command): void {
  const token = program.command('token').description('tokens of people and agents')
  token
    .command('issue')
    .description('issue a token; it is shown this once')
    .argument('<principal>', 'human:NAME, agent:NAME or service:NAME of a policy document')
    .option(
      '--for <principal>',
      'whom it acts for, nearest first; may be given several times',
      (id, all: string[]) => [...all, id],
      [],
    )
    .option('--ttl <duration>', 'how long it holds', '8h')
    .option('--label <text>', 'what it is for', '')
    .option('--certificate <file>', 'a client certificate (PEM) that proves the principal, instead of a token text')
    .option('--ssh-key <file>', 'an SSH public key that proves the principal, instead of a token text')
    .addHelpText(
      'after',
      '\nExamples:\n  sluice token issue human:ada --ttl 8h\n  export SLUICE_TOKEN="$(sluice token issue agent:triage-bot --for human:ada)"\n',
    )
    .action(issue)
  token
    .command('list')
    .description('tokens, newest first; never their text')
    .addHelpText('after', '\nExamples:\n  sluice token list\n  sluice token list --json\n')
    .action(list)
  token
    .command('print')
    .description('the token this command line uses, for a client that asks for a password')
    .addHelpText('after', '\nExamples:\n  PGPASSWORD="$(sluice token print)" psql -h gateway -U orders\n')
    .action(printToken)
  token
    .command('revoke')
    .description('end a token, and the sessions that stand on it')
    .argument('<id>', 'its id, from `sluice token list`')
    .addHelpText('after', '\nExample:\n  sluice token revoke tok_01h…\n')
    .action(revoke)
}

async function issue(principal: string, options: IssueOptions, command: Command): Promise<void> {
  for (const id of [principal, ...options.for]) principalIdOf(id)
  const context = contextOf(command)
  const certificate = options.certificate === undefined ? undefined : readFileSync(options.certificate, 'utf8')
  const sshKey = options.sshKey === undefined ? undefined : readFileSync(options.sshKey, 'utf8')
  const json = {
    sshKey,
    principal,
    actors: options.for,
    label: options.label,
    ttl_ms: durationOf(options.ttl),
    certificate,
  }
  const issued = await answerOf(context.api.tokens.$post({ json }))
  if (context.json) return context.printJson(issued)
  if (issued.token === undefined)
    return context.complain(`${issued.id}: the ${sshKey ? 'key' : 'certificate'} stands for ${issued.principal} now.\n`)
  // The text alone on stdout, so that a script can take it.
  context.complain(
    `${issued.id} for ${[issued.principal, ...issued.actors].join(' for ')}, good until ${instantOf(issued.expires_ms)}. It is not shown again.\n`,
  )
  context.print(`${issued.token}\n`)
}

async function list(_options: object, command: Command): Promise<void> {
  const context = contextOf(command)
  const { tokens } = await answerOf(context.api.tokens.$get())
  if (context.json) return context.printJson(tokens)
  if (tokens.length === 0) return context.complain('There are no tokens.\n')
  context.print(tableOf(tokens, context))
}

type ListedToken = {
  id: string
  principal: string
  actors: string[]
  label: string
  createdBy: string
  expires_ms: number
  revoked_ms?: number | undefined
  revokedBy?: string | undefined
}

function tableOf(tokens: readonly ListedToken[], { paint }: Context): string {
  const now_ms = Date.now()
  const stateOf = (token: ListedToken) =>
    token.revoked_ms !== undefined
      ? `revoked by ${token.revokedBy}`
      : token.expires_ms <= now_ms
        ? 'expired'
        : `good for ${briefly(token.expires_ms - now_ms)}`
  return formatTable(tokens, [
    { title: 'id', value: (token) => token.id },
    { title: 'principal', value: (token) => [token.principal, ...token.actors].join(' for '), most: 50 },
    { title: 'label', value: (token) => token.label, most: 30 },
    { title: 'issued by', value: (token) => token.createdBy },
    {
      title: 'state',
      value: stateOf,
      paint: (text, token) => (token.revoked_ms === undefined && token.expires_ms > now_ms ? text : paint.dim(text)),
    },
  ])
}

async function revoke(id: string, _options: object, command: Command): Promise<void> {
  const context = contextOf(command)
  const answer = await named(
    answerOf(context.api.tokens[':id'].revoke.$post({ param: { id: idOf(id) } })),
    `token ${id} that still holds`,
    'List them: sluice token list',
  )
  if (context.json) return context.printJson(answer)
  context.print(`Revoked ${id}.\n`)
}

function printToken(_options: object, command: Command): void {
  const context = contextOf(command)
  const { token } = context.profile
  if (token === undefined)
    throw new CommandFailure('There is no token here.', EXIT.denied, 'Sign in: sluice login, or set SLUICE_TOKEN.')
  if (context.json) return context.printJson({ token })
  context.print(`${token}\n`)
}
