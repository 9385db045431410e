import type { Command } from 'commander'
import { answerOf, type Context, contextOf, named } from './context.ts'
import { briefly, durationOf, instantOf } from './duration.ts'
import { CommandFailure, EXIT, idOf } from './exit.ts'
import { formatTable } from './table.ts'

const LOOK_MS = 250

/** A request as the API shows it. Its texts hold nothing that could hide or imitate. */
export type ShownApproval = Awaited<ReturnType<typeof oneApproval>>

interface ApprovalsOptions {
  readonly all?: boolean
  readonly wait?: string
  readonly ids?: boolean
}

/** `sluice approvals [show ID]` */
export function registerApprovalsCommand(program: Command): void {
  const approvals = program
    .command('approvals')
    .description('requests you made or may decide')
    .option('--all', 'also those that ended')
    .option('--wait <duration>', 'wait this long for one you may decide; print the newest')
    .option('--ids', 'print only the ids')
    .addHelpText(
      'after',
      '\nExamples:\n  sluice approvals\n  sluice approvals show apr_01h…\n  sluice approvals --wait 30s --ids\n\nExit code 4 when nothing came within --wait.\n',
    )
    .action(async (options: ApprovalsOptions, command: Command) => {
      const context = contextOf(command)
      const found =
        options.wait === undefined
          ? await listApprovals(context, options.all)
          : await waitForOne(context, durationOf(options.wait))
      if (options.ids) return context.print(found.map(({ id }) => `${id}\n`).join(''))
      if (context.json) return context.printJson(found)
      if (found.length === 0) return context.complain(`There are no ${options.all ? '' : 'pending '}requests.\n`)
      context.print(tableOf(found, context))
    })
  approvals
    .command('show')
    .description('one request in full')
    .argument('<id>', 'the request')
    .option('--full', 'long texts whole')
    .addHelpText('after', '\nExamples:\n  sluice approvals show apr_01h…\n  sluice approvals show apr_01h… --json\n')
    .action(async (id: string, { full }: { full?: boolean }, command: Command) => {
      const context = contextOf(command)
      const approval = await oneApproval(context, id, full)
      if (context.json) return context.printJson(approval)
      context.print(formatApproval(approval, context))
    })
}

async function listApprovals({ api }: Context, all = false) {
  return (await answerOf(api.approvals.$get({ query: all ? {} : { state: 'pending' } }))).approvals
}

/** One request. Throws CommandFailure for one the caller may not see. */
export async function oneApproval({ api }: Context, id: string, full = false) {
  return named(
    answerOf(api.approvals[':id'].$get({ param: { id: idOf(id) }, query: { full: full ? 'true' : 'false' } })),
    `request ${id} that you made or may decide`,
    'List them: sluice approvals --all',
  )
}

/** The newest request the caller may decide, as soon as there is one: what a script then decides is one request. */
async function waitForOne(context: Context, limit_ms: number): Promise<ShownApproval[]> {
  for (const end = Date.now() + limit_ms; ; await new Promise((resolve) => setTimeout(resolve, LOOK_MS))) {
    const mine = (await listApprovals(context)).filter((approval) => approval.mayDecide)
    if (mine.length > 0) return mine.toSorted((a, b) => b.created_ms - a.created_ms).slice(0, 1)
    if (Date.now() > end) throw new CommandFailure('Nothing came that you may decide.', EXIT.notFound)
  }
}

function tableOf(approvals: readonly ShownApproval[], { paint }: Context): string {
  const now_ms = Date.now()
  return formatTable(approvals, [
    { title: 'id', value: (approval) => approval.id },
    {
      title: 'state',
      value: (approval) => approval.state,
      paint: (text, { state }) => (state === 'pending' ? paint.yellow(text) : text),
    },
    { title: 'who', value: (approval) => approval.chain.join(' for '), most: 40 },
    { title: 'resource', value: (approval) => approval.resource },
    {
      title: 'left',
      value: (approval) => (approval.state === 'pending' ? briefly(approval.expires_ms - now_ms) : ''),
      right: true,
    },
    { title: 'statement', value: (approval) => approval.text.text.replace(/\s+/g, ' '), most: 80 },
  ])
}

/** A request for a person's eyes: the exact text first, then everything that makes it what it is. */
export function formatApproval(approval: ShownApproval, { paint }: Context): string {
  const parameters = approval.parameters.map((value, i) => `$${i + 1} = ${value === null ? 'NULL' : `'${value.text}'`}`)
  const warnings = [approval.text, ...approval.parameters].flatMap((shown) => shown?.warnings ?? [])
  const rows: [string, string][] = [
    ['who', approval.chain.join(', acting for ')],
    ['where', [approval.resource, approval.database].filter(Boolean).join(' / ')],
    ['what', `${approval.verb} (${approval.effects.join(', ')})`],
    ['why asked', `${approval.message} (${approval.terms.map((terms) => terms.rule).join(', ')})`],
    ['session', Object.entries(approval.sessionState).map(stateText).filter(Boolean).join('; ')],
    ['needs', approval.terms.map((terms) => `${terms.count} of ${terms.by.join(', ')}`).join('; and ')],
    [
      'votes',
      approval.votes
        .map((vote) => `${vote.principal}: ${vote.verdict}${vote.reason ? ` (${vote.reason})` : ''}`)
        .join('; '),
    ],
    [
      'state',
      `${approval.state}${approval.endedWhy ? ` (${approval.endedWhy})` : ''}${approval.state === 'pending' ? `, open until ${instantOf(approval.expires_ms)}` : ''}`,
    ],
    ['digest', approval.digest],
    ['url', approval.url],
  ]
  return [
    `${paint.bold(approval.id)}\n\n`,
    [approval.text.text, ...parameters].join('\n').replace(/^/gm, '  '),
    '\n\n',
    ...warnings.map((warning) => `${paint.yellow(`! ${warning}`)}\n`),
    ...rows.filter(([, value]) => value !== '').map(([name, value]) => `${paint.dim(name.padEnd(10))} ${value}\n`),
  ].join('')
}

/** The server's letters for where a session stands in a transaction. */
const TRANSACTION: Readonly<Record<string, string>> = { I: 'none open', T: 'open', E: 'failed' }

/** One part of the session's state. Digests of what the text alone does not say bind the approval and tell a person nothing. */
function stateText([name, value]: [string, string]): string {
  if (value === '' || /^[0-9a-f]{64}$/.test(value)) return ''
  return `${name} = ${(name === 'transaction' && TRANSACTION[value]) || value}`
}
