/** Servers 13 to 18: the same session, straight and through the gateway. Older majors are installed into .cache on first use. */
import { afterAll, expect, test } from 'vitest'
import { startTestGateway } from '../rig/gateway.ts'
import { ALLOW_ALL } from '../rig/policies.ts'
import { type PostgresServer, startPostgres } from '../rig/postgres.ts'
import { canonicalPsql, probe } from '../rig/psql.ts'
import { SHOP } from './shop.ts'

const started: PostgresServer[] = []
afterAll(async () => {
  for (const server of started) await server.stop('immediate')
})

/** Statements only newer servers have. */
const NEWER: Readonly<Record<number, string>> = {
  14: "select ('{\"a\": 1}'::jsonb)['a'];",
  15: 'merge into notes n using (values (1)) v(id) on n.id = v.id when matched then update set body = body;',
  16: 'select 0xff, 1_000;',
  17: "select * from json_table('[1,2]', '$[*]' columns (x int path '$'));",
  18: "update notes set body = 'b' where id = 1 returning old.id, new.body;",
}

const SESSION = `
select version() ~ '^PostgreSQL';
select * from orders order by id limit 3;
select * from open_orders order by id limit 2;
select nothing;
selec;
begin; insert into orders values (900, 1, 1.5); savepoint a; select 1/0; rollback to a; select count(*) from orders; rollback;
copy (select id, name from customers order by id limit 2) to stdout csv;
prepare p(int) as select status from orders where id = $1; execute p(3);
declare c cursor with hold for select id from orders order by id; fetch 2 from c; close c;
explain (costs off) select * from customers where id = 1;
`

test.each([13, 14, 15, 16, 17, 18] as const)('PostgreSQL %i', { timeout: 300_000 }, async (major) => {
  const server = await startPostgres({ major })
  started.push(server)
  await probe(server, SHOP)
  const newer = Object.entries(NEWER).filter(([since]) => Number(since) <= major)
  const session = SESSION + newer.map(([, sql]) => `${sql}\n`).join('')
  const direct = await canonicalPsql(server, session)
  expect(direct.stderr.match(/^ERROR/gm)).toHaveLength(3)
  await using gateway = await startTestGateway({ target: server, policy: ALLOW_ALL })
  expect(await canonicalPsql(gateway.login('human:suite'), session)).toEqual(direct)
})
