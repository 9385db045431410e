import { createInterface } from 'node:readline/promises'
import type { Command } from 'commander'
import { formatApproval, oneApproval, type ShownApproval } from './approvals.ts'
import { answerOf, type Context, contextOf } from './context.ts'
import { CommandFailure, EXIT } from './exit.ts'

interface BallotOptions {
  readonly digest?: string
  readonly reason: string
  readonly readWhole?: boolean
  readonly yes?: boolean
}

/** `sluice approve ID` */
export function registerApproveCommand(program: Command): void {
  ballot(program, 'approve', 'say yes to exactly the operation shown; it then runs')
    .option('--read-whole', 'you read a text too long to be shown whole: sluice approvals show ID --full')
    .action((id: string, options: BallotOptions, command: Command) =>
      vote(contextOf(command), id, { ...options, verdict: 'approve' }),
    )
}

/** `sluice reject ID` */
export function registerRejectCommand(program: Command): void {
  ballot(program, 'reject', 'say no; that ends the request').action(
    (id: string, options: BallotOptions, command: Command) =>
      vote(contextOf(command), id, { ...options, verdict: 'reject' }),
  )
}

function ballot(program: Command, verb: 'approve' | 'reject', what: string): Command {
  return program
    .command(verb)
    .description(what)
    .argument('<id>', 'the request')
    .option('--digest <hex>', 'only if it is still what you saw: its digest')
    .option('-r, --reason <text>', 'for the record', '')
    .option('-y, --yes', 'do not ask on a terminal')
    .addHelpText(
      'after',
      `\nExamples:\n  sluice ${verb} apr_01h…\n  sluice ${verb} "$(sluice approvals --wait 30s --ids)" --reason "agreed"\n`,
    )
}

async function vote(
  context: Context,
  id: string,
  { verdict, ...options }: BallotOptions & { verdict: 'approve' | 'reject' },
): Promise<void> {
  const seen = await oneApproval(context, id)
  if (!context.json && options.digest === undefined) context.print(formatApproval(seen, context))
  if (seen.state !== 'pending')
    throw new CommandFailure(`It is ${seen.state} already. Nothing was decided.`, EXIT.failure)
  if (options.digest === undefined && !options.yes) await confirm(verdict)
  const param = { id }
  const said = { digest: options.digest ?? seen.digest, reason: options.reason }
  const { api } = context
  const after: ShownApproval =
    verdict === 'approve'
      ? await answerOf(
          api.approvals[':id'].approve.$post({ param, json: { ...said, readWhole: options.readWhole === true } }),
        )
      : await answerOf(api.approvals[':id'].reject.$post({ param, json: said }))
  if (context.json) return context.printJson(after)
  context.print(`${context.paint.bold(outcomeOf(after))}\n`)
}

/** Asks a person at a terminal; a script has decided before. */
async function confirm(verdict: 'approve' | 'reject'): Promise<void> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  const answer = await lines.question(`\n${verdict === 'approve' ? 'Approve' : 'Reject'} exactly this? [y/N] `)
  lines.close()
  if (!/^y(es)?$/i.test(answer.trim())) throw new CommandFailure('Nothing was decided.', EXIT.failure)
}

function outcomeOf(approval: ShownApproval): string {
  if (approval.state !== 'pending')
    return `${approval.id} is ${approval.state === 'consumed' ? 'approved, and it ran' : approval.state}.`
  const wanted = approval.terms.reduce((sum, terms) => sum + terms.count, 0)
  return `Your vote counts; ${approval.id} waits for others (${approval.votes.length} of ${wanted}).`
}
