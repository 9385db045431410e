import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'

export interface Account {
  readonly uid: number
  readonly gid: number
}

export interface Finished {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/**
 * Starts a program that dies with us: when this process is killed the kernel sends the child `death`, so an interrupted test run
 * leaves no server behind. `account` drops root first.
 */
export function spawnMortal(
  command: readonly string[],
  options: SpawnOptions & { account?: Account | undefined; death?: string } = {},
): ChildProcess {
  const { account, death = 'KILL', ...rest } = options
  const drop = account ? [`--reuid=${account.uid}`, `--regid=${account.gid}`, '--clear-groups'] : []
  return spawn('setpriv', [`--pdeathsig=${death}`, ...drop, '--', ...command], rest)
}

/** Runs a program to its end and hands back what it printed. Never throws for a status; throws when it cannot be started or outlives `timeout_ms`. */
export async function run(
  command: readonly string[],
  options: SpawnOptions & { account?: Account | undefined; input?: string | Buffer; timeout_ms?: number } = {},
): Promise<Finished> {
  const { input, timeout_ms = 120_000, ...rest } = options
  const child = spawnMortal(command, { ...rest, stdio: ['pipe', 'pipe', 'pipe'] })
  const out: Buffer[] = []
  const err: Buffer[] = []
  child.stdout?.on('data', (chunk: Buffer) => out.push(chunk))
  child.stderr?.on('data', (chunk: Buffer) => err.push(chunk))
  // A program may end without reading its input: that is its business, not an error of ours.
  child.stdin?.on('error', () => {})
  child.stdin?.end(input ?? '')
  let late = false
  const timer = setTimeout(() => {
    late = true
    child.kill('SIGKILL')
  }, timeout_ms)
  const [status] = (await once(child, 'close').finally(() => clearTimeout(timer))) as [number | null]
  const finished = { status, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() }
  if (late) throw new Error(`${command.join(' ')} did not end within ${timeout_ms} ms:\n${finished.stderr}`)
  return finished
}

/** Like {@link run}, but a status other than 0 throws with what the program said. Returns its output. */
export async function mustRun(command: readonly string[], options: Parameters<typeof run>[1] = {}): Promise<string> {
  const { status, stdout, stderr } = await run(command, options)
  if (status !== 0) throw new Error(`${command.join(' ')} ended with ${status}:\n${stdout}${stderr}`)
  return stdout
}

/** Resolves when the child has ended. */
export async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
}
