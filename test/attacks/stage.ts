import pg from 'pg'
import { startTestGateway, type TestGateway } from '../rig/gateway.ts'
import { type PostgresOptions, type PostgresServer, startPostgres } from '../rig/postgres.ts'
import { WireClient } from '../rig/wire.ts'
import { startTap, type Tap } from './tap.ts'
import { POLICY, SCHEMA, STRICT } from './world.ts'

export type Who = 'agent:reader' | 'agent:scrubbed' | 'agent:analyst' | 'agent:writer' | 'human:open' | 'human:raw'

/** One server, one gateway, and what clients of it received. */
export interface Stage extends AsyncDisposable {
  readonly server: PostgresServer
  readonly gateway: TestGateway
  readonly tap: Tap
  /** Straight to the server, past the gateway. */
  readonly direct: pg.Client
  login(who: Who): ReturnType<TestGateway['login']>
  /** A raw session through the gateway. */
  open(who: Who, parameters?: Readonly<Record<string, string>>): Promise<WireClient>
  /** A session that stands between tests: the same one as long as it lives. */
  session(who: Who): Promise<WireClient>
  /** Everything that may not change, as one text, asked straight at the server. */
  state(): Promise<string>
}

/** Contents of every table, definitions, roles, sequences and large objects: whatever a statement that got through would leave behind. */
const STATE = `
select md5(string_agg(x, chr(10) order by x)) as state from (
  select 'rows ' || c.oid::regclass || md5(query_to_xml(format('select t.* from %s t order by 1', c.oid::regclass), true, false, '')::text)
    from pg_class c where relkind in ('r', 'S') and relnamespace not in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace, 'pg_toast'::regnamespace)
  union all select 'class ' || oid || relname || relowner || relacl::text from pg_class where relnamespace <> 'pg_toast'::regnamespace and relpersistence <> 't'
  union all select 'proc ' || oid || proname || prosrc from pg_proc where oid > 16383
  union all select 'role ' || rolname || rolsuper || rolconfig::text from pg_roles
  union all select 'setting ' || setdatabase || setrole || setconfig::text from pg_db_role_setting
  union all select 'other ' || (select count(*) from pg_largeobject_metadata) || '/' || (select count(*) from pg_replication_slots) || '/'
    || (select count(*) from pg_rewrite) || '/' || (select count(*) from pg_trigger) || '/' || (select count(*) from pg_extension) || '/'
    || (select count(*) from pg_prepared_xacts) || '/' || (select count(*) from pg_locks where locktype = 'advisory')
) as s (x)`

export async function startStage(options: PostgresOptions & { readonly schema?: string } = {}): Promise<Stage> {
  const { schema = SCHEMA, ...postgres } = options
  const server = await startPostgres({
    settings: { log_statement: 'all', max_prepared_transactions: 4, wal_level: 'logical' },
    ...postgres,
  })
  const direct = new pg.Client({ ...server, ssl: false })
  await direct.connect()
  await direct.query(schema)
  const gateway = await startTestGateway({ target: server, policy: POLICY + STRICT(`${server.host}:${server.port}`) })
  const tap = await startTap(gateway.port)
  const sessions = new Map<Who, WireClient>()
  const login = (who: Who) => ({ ...gateway.login(who), port: tap.port })
  return {
    server,
    gateway,
    tap,
    direct,
    login,
    open: (who, parameters) => WireClient.open(login(who), parameters),
    async session(who) {
      const standing = sessions.get(who) ?? (await WireClient.open(login(who)))
      sessions.set(who, standing)
      return standing
    },
    state: async () => (await direct.query<{ state: string }>(STATE)).rows[0]!.state,
    async [Symbol.asyncDispose]() {
      for (const session of sessions.values()) session[Symbol.dispose]()
      await direct.end()
      await tap[Symbol.asyncDispose]()
      await gateway.stop()
      await server.stop('immediate')
    },
  }
}

export interface Waiting {
  readonly id: string
  /** The statement and the session's state, as the person saw them. */
  readonly shown: string
}

/** Says yes, or no, to the one request that waits, as a person of the group dba. */
export async function decide(gateway: TestGateway, verdict: 'approve' | 'reject'): Promise<Waiting> {
  const headers = { authorization: `Bearer ${gateway.token('human:ada')}`, 'content-type': 'application/json' }
  const list = (await (await fetch(`${gateway.api}/api/v1/approvals?state=pending`, { headers })).json()) as {
    approvals: { id: string; digest: string; text: { text: string }; sessionState: Record<string, string> }[]
  }
  const [first, ...others] = list.approvals
  if (!first || others.length > 0) throw new Error(`${list.approvals.length} requests wait`)
  const body = { digest: first.digest, reason: 'test', ...(verdict === 'approve' ? { readWhole: true } : {}) }
  const url = `${gateway.api}/api/v1/approvals/${first.id}/${verdict}`
  const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
  if (!answer.ok) throw new Error(await answer.text())
  return { id: first.id, shown: JSON.stringify([first.text.text, first.sessionState]) }
}
