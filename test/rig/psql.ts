import { type Finished, run } from './child.ts'
import type { Login } from './postgres.ts'

/** The environment libpq clients log in with, and nothing of the surroundings that could change what they print. */
export function loginEnvironment(login: Login): NodeJS.ProcessEnv {
  return {
    PATH: process.env.PATH,
    HOME: '/nonexistent',
    LC_ALL: 'C.UTF-8',
    TZ: 'UTC',
    PGHOST: login.host,
    PGPORT: String(login.port),
    PGUSER: login.user,
    PGPASSWORD: login.password,
    PGDATABASE: login.database,
    PGCONNECT_TIMEOUT: '10',
  }
}

/** Debian's psql, without start-up file, pager or prompts, fed `input` on stdin: what it prints depends on the server's answers alone. */
export async function canonicalPsql(login: Login, input: string, switches: readonly string[] = []): Promise<Finished> {
  return await run(['psql', '-X', '-w', '-P', 'pager=off', ...switches], { env: loginEnvironment(login), input })
}

/** One statement straight to a server, unaligned rows without header; throws when it fails. */
export async function probe(login: Login, sql: string): Promise<string> {
  const { status, stdout, stderr } = await canonicalPsql(login, sql, ['-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1'])
  if (status !== 0) throw new Error(`${sql}\n${stderr}`)
  return stdout.trimEnd()
}
