import { appendFileSync, mkdirSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { EXIT } from '../exit.ts'
import { StatementReader } from './statements.ts'

/** Statements remembered from earlier sessions. */
const HISTORY = 500

export interface ShellActions {
  readonly resource: string
  /** Runs one statement and prints what comes of it. Never rejects; false when the connection is gone. */
  run(text: string): Promise<boolean>
  cancel(): void
  print(text: string): void
  toggleExpanded(): boolean
}

const HELP = `\\d           relations you may read
\\d NAME      columns of one
\\x           one value per line, on or off
\\q           leave (also Ctrl-D)
Ctrl-C       cancel the statement that runs or is being typed; twice: leave
Anything else is SQL and ends with a semicolon.
`

/** Reads statements from a terminal until it ends. Resolves when the person leaves or the connection does. */
export async function interactiveShell(actions: ShellActions): Promise<void> {
  const file = historyFile()
  const lines = createInterface({
    input: process.stdin,
    output: process.stdout,
    terminal: true,
    history: readHistory(file),
    historySize: HISTORY,
    removeHistoryDuplicates: true,
  })
  const reader = new StatementReader()
  const prompt = () => {
    lines.setPrompt(`${actions.resource}${reader.open ? '-' : '='}> `)
    lines.prompt()
  }
  let running = false
  let cancelled = false
  lines.on('SIGINT', () => {
    // What a cancel does not end ends with the session: the gateway sees the client leave.
    if (running && cancelled) {
      lines.close()
      process.exit(EXIT.failure)
    }
    cancelled = running
    if (running) return actions.cancel()
    reader.rest()
    actions.print('\n')
    prompt()
  })
  prompt()
  for await (const line of lines) {
    remember(file, line)
    const command = reader.open ? undefined : line.trim()
    if (command === '\\q' || command === 'exit' || command === 'quit') break
    running = true
    cancelled = false
    const alive = command?.startsWith('\\') ? await meta(command, actions) : await runAll(reader.push(line), actions)
    running = false
    if (!alive) break
    prompt()
  }
  lines.close()
}

async function runAll(statements: readonly string[], actions: ShellActions): Promise<boolean> {
  for (const text of statements) if (!(await actions.run(text))) return false
  return true
}

async function meta(command: string, actions: ShellActions): Promise<boolean> {
  const text = statementOf(command)
  if (text) return actions.run(text)
  actions.print(command === '\\x' ? `Expanded display is ${actions.toggleExpanded() ? 'on' : 'off'}.\n` : HELP)
  return true
}

/** The statement behind `\d` and `\d NAME`; undefined for anything else. */
export function statementOf(command: string): string | undefined {
  const match = /^\s*\\dt?(?:\s+(\S+))?\s*$/.exec(command)
  if (!match) return undefined
  return match[1] === undefined ? LIST : describeText(match[1])
}

const LIST = `select table_schema as schema, table_name as name, table_type as type from information_schema.tables
 where table_schema not in ('pg_catalog', 'information_schema') order by 1, 2`

function describeText(name: string): string {
  const [first = '', second] = name
    .replace(/;$/, '')
    .split('.')
    .map((part) => part.replace(/^"|"$/g, '').replaceAll("'", "''"))
  const schema = second === undefined ? '' : ` and table_schema = '${first}'`
  return `select column_name as column, data_type as type, is_nullable as nullable, column_default as default
 from information_schema.columns where table_name = '${second ?? first}'${schema} order by table_schema, ordinal_position`
}

function historyFile(): string {
  return join(process.env.XDG_STATE_HOME || join(homedir(), '.local', 'state'), 'sluice', 'sql_history')
}

function readHistory(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n').filter(Boolean).slice(-HISTORY).reverse()
  } catch {
    return []
  }
}

/** History is a comfort: where it cannot be kept, the session goes on without. Statements may hold what others must not read: 0600. */
function remember(file: string, line: string): void {
  if (line.trim() === '') return
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    appendFileSync(file, `${line}\n`, { mode: 0o600 })
  } catch {}
}

/** Runs everything that comes from a pipe, one statement at a time, and stops at the first error. Resolves with that error. */
export async function pipedStatements(run: (text: string) => Promise<unknown>): Promise<unknown> {
  const reader = new StatementReader()
  const lines = createInterface({ input: process.stdin, terminal: false })
  try {
    for await (const line of lines) {
      const meta = reader.open ? undefined : statementOf(line)
      for (const text of meta ? [meta] : reader.push(line)) await run(text)
    }
    const rest = reader.rest()
    if (rest) await run(rest)
    return undefined
  } catch (error) {
    return error
  } finally {
    lines.close()
  }
}
