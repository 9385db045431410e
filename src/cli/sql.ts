import type { Command } from 'commander'
import { SluiceError } from '../kit/errors.ts'
import { isUntrusted } from '../kit/untrusted.ts'
import { type Context, contextOf } from './context.ts'
import { CommandFailure, EXIT } from './exit.ts'
import { resourceOf } from './resources.ts'
import { isServerError, type ServerWords, SqlConnection, type SqlTarget } from './sql/connection.ts'
import { exitOf, formatResult, formatWords, refusalOf, resultsAsJson } from './sql/print.ts'
import { interactiveShell, pipedStatements, statementOf } from './sql/shell.ts'

interface SqlOptions {
  readonly command?: string[]
  readonly database?: string
  readonly user?: string
  readonly tls?: boolean
  readonly expanded?: boolean
  readonly postgres?: string
}

/** `sluice sql RESOURCE`: a small client for machines without psql. */
export function registerSqlCommand(program: Command): void {
  program
    .command('sql')
    .description('open a PostgreSQL resource through the gateway: a small built-in client')
    .argument('<resource>', 'name of the resource')
    .option('-c, --command <sql>', 'run this and leave; may be given several times', (text, all: string[] = []) => [
      ...all,
      text,
    ])
    .option('-d, --database <name>', 'database (default: the resource’s)')
    .option('-U, --user <account>', 'account on the target, where the resource offers several')
    .option('-x, --expanded', 'one value per line')
    .option('--postgres <host:port>', 'the gateway’s PostgreSQL listener (default: the profile’s)')
    .option('--tls', 'use TLS on this machine too (always used to another one)')
    .addHelpText(
      'after',
      `
Examples:
  sluice sql orders
  sluice sql orders -c "select email from customers limit 3"
  sluice sql orders --as triage-bot -c "delete from tickets where id = 7"
  sluice sql orders --json -c "select 1 as one"
  sluice sql orders < report.sql

Exit codes: 0 done, 1 failed, 3 refused, 77 waiting for approval.
`,
    )
    .action(async (resource: string, options: SqlOptions, command: Command) => {
      process.exitCode = await sql(contextOf(command), resource, options)
    })
}

async function sql(context: Context, resource: string, options: SqlOptions): Promise<number> {
  const target = await targetFor(context, resource, options)
  const run = new SqlRun(context, options.expanded === true)
  const connection = await openOrExplain(target, run)
  try {
    if (options.command) return await run.all(options.command, connection)
    if (!process.stdin.isTTY) return run.done(await pipedStatements((text) => run.one(text, connection)))
    context.print(`Connected to ${resource} through Sluice. \\? for help, \\q to leave.\n`)
    await interactiveShell({
      resource,
      run: async (text) => {
        await run.one(text, connection).catch((error) => run.complain(error))
        return connection.lost === undefined
      },
      cancel: () => void connection.cancel(),
      print: context.print,
      toggleExpanded: () => run.toggleExpanded(),
    })
    return connection.lost ? EXIT.failure : EXIT.ok
  } finally {
    await connection.close()
  }
}

async function targetFor(context: Context, resource: string, options: SqlOptions): Promise<SqlTarget> {
  const { profile } = context
  if (!profile.token)
    throw new CommandFailure(
      'No token: the gateway must know who you are.',
      EXIT.denied,
      'Set SLUICE_TOKEN, or start the demo with `npm start` in this folder.',
    )
  const { host, port } = addressOf(
    options.postgres ?? profile.postgres ?? new URL((await resourceOf(context, resource)).url).host,
  )
  const loopback = /^(127\.|localhost$|::1$)/.test(host)
  return {
    host,
    port,
    user: options.user ? `${options.user}+${resource}` : resource,
    token: profile.token,
    database: options.database,
    tls: options.tls || !loopback ? 'on' : 'off',
    ca: profile.ca,
  }
}

function addressOf(written: string): { host: string; port: number } {
  const [, host = '', port = ''] = /^(.+):(\d{1,5})$/.exec(written) ?? []
  if (host === '')
    throw new CommandFailure(`"${written}" is not host:port.`, EXIT.usage, 'Write it like 127.0.0.1:15432.')
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) }
}

async function openOrExplain(target: SqlTarget, run: SqlRun): Promise<SqlConnection> {
  try {
    return await SqlConnection.open(target, run)
  } catch (error) {
    if (isServerError(error))
      throw new CommandFailure(
        error.detail && !refusalOf(error) ? `${error.message} (${error.detail})` : error.message,
        exitOf(error),
        error.hint ?? 'Check the name of the resource and your token; `sluice resources` lists what you may open.',
      )
    const where = `${target.host}:${target.port}`
    if (isUntrusted((error as NodeJS.ErrnoException).code ?? ''))
      throw new SluiceError('api.untrusted', `${where}: ${(error as Error).message}`)
    throw new CommandFailure(
      `The gateway does not answer at ${where} (${(error as Error).message}).`,
      EXIT.failure,
      'Start it: `npm start` in the clone, or `sluice serve`.',
    )
  }
}

/** Runs statements and prints what comes of them. */
class SqlRun {
  readonly #context: Context
  #expanded: boolean
  readonly #collected: unknown[] = []

  constructor(context: Context, expanded: boolean) {
    this.#context = context
    this.#expanded = expanded
  }

  notice(words: ServerWords): void {
    this.#context.complain(formatWords(words, this.#context.warn))
  }

  copied(chunk: Buffer): void {
    process.stdout.write(chunk)
  }

  toggleExpanded(): boolean {
    this.#expanded = !this.#expanded
    return this.#expanded
  }

  /** Runs one text and prints its results. Ctrl-C cancels it on the server. Rejects with its error. */
  async one(text: string, connection: SqlConnection): Promise<void> {
    const cancel = () => void connection.cancel()
    process.once('SIGINT', cancel)
    try {
      const results = await connection.run(statementOf(text) ?? text)
      if (this.#context.json) this.#collected.push(resultsAsJson(results))
      else for (const result of results) this.#context.print(formatResult(result, { expanded: this.#expanded }))
    } finally {
      process.removeListener('SIGINT', cancel)
    }
  }

  /** Runs texts in turn and stops at the first error. */
  async all(texts: readonly string[], connection: SqlConnection): Promise<number> {
    try {
      for (const text of texts) await this.one(text, connection)
      return this.done(undefined)
    } catch (error) {
      return this.done(error)
    }
  }

  /** Ends a run that is not interactive: prints what `--json` collected and the error, if any. Returns the exit code. */
  done(error: unknown): number {
    if (this.#context.json)
      this.#context.printJson({ results: this.#collected.flat(), ...(error ? { error: wordsOf(error) } : {}) })
    else if (error) this.complain(error)
    return error ? exitOf(error) : EXIT.ok
  }

  complain(error: unknown): void {
    const words = isServerError(error)
      ? error
      : { severity: 'FATAL', message: `the connection ended: ${(error as Error).message}` }
    this.#context.complain(formatWords(words, this.#context.warn))
  }
}

function wordsOf(error: unknown): unknown {
  if (!isServerError(error)) return { message: (error as Error).message }
  const { severity, code, message, detail, hint } = error
  return { severity, code, message, hint, ...(refusalOf(error) ? { refusal: refusalOf(error) } : { detail }) }
}
