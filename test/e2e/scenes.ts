import * as wire from '../rig/wire.ts'

/** One exchange on the wire. The numbers are rows of the attack catalogue. */
export interface Scene {
  readonly name: string
  readonly setup?: string
  readonly send: readonly Buffer[]
  /** ReadyForQuery to wait for. */
  readonly ready?: number
  /** The scene is only worth something if the server really does this. */
  readonly shows: RegExp
}

const NUMBERS = 'select g from generate_series(1, 5) g'
const TABLE = 'create table t (a int primary key, b text)'

/** What libpq sends for one statement in a pipeline. */
const described = (sql: string) => [wire.parse('', sql), wire.bind('', ''), wire.describe('P', ''), wire.execute('')]

export const SCENES: readonly Scene[] = [
  {
    name: 'a simple query of several statements',
    send: [wire.query('select 1; create temp table x(a int); insert into x values (1),(2); select * from x')],
    shows: /C INSERT 0 2/,
  },
  { name: 'an empty query', send: [wire.query(''), wire.query(' ; ')], ready: 2, shows: /^I$/m },
  {
    name: 'an error stops the rest of a simple query',
    send: [wire.query('select 1; select 1/0; select 2')],
    shows: /C22012/,
  },
  {
    name: 'a failed transaction says so until it ends',
    send: [wire.query('begin'), wire.query('select 1/0'), wire.query('select 1'), wire.query('rollback')],
    ready: 4,
    shows: /Z E/,
  },
  {
    name: 'named statements and portals',
    send: [
      wire.parse('s1', 'select $1::int + $2::int as sum', [23, 23]),
      wire.describe('S', 's1'),
      wire.bind('p1', 's1', ['1', '2']),
      wire.describe('P', 'p1'),
      wire.execute('p1'),
      wire.bind('p2', 's1', ['40', '2']),
      wire.execute('p2'),
      wire.close('P', 'p1'),
      wire.close('S', 's1'),
      wire.sync(),
    ],
    shows: /D 42/,
  },
  {
    name: 'a closed statement is gone',
    send: [wire.parse('s1', 'select 1'), wire.close('S', 's1'), wire.bind('', 's1'), wire.execute(''), wire.sync()],
    shows: /C26000/,
  },
  {
    name: 'the same name cannot be parsed twice',
    send: [wire.parse('s1', 'select 1'), wire.parse('s1', 'select 2'), wire.sync()],
    shows: /C42P05/,
  },
  {
    name: 'the unnamed statement is replaced',
    send: [wire.parse('', 'select 1'), wire.parse('', 'select 2'), wire.bind('', ''), wire.execute(''), wire.sync()],
    shows: /D 2/,
  },
  {
    name: 'a simple query destroys the unnamed statement (A32)',
    send: [
      wire.parse('', 'select 1'),
      wire.sync(),
      wire.query('select 2'),
      wire.bind('', ''),
      wire.execute(''),
      wire.sync(),
    ],
    ready: 3,
    shows: /C26000/,
  },
  {
    name: 'one name for SQL and protocol statements (A31)',
    send: [
      wire.query('prepare zz as select 7'),
      wire.bind('', 'zz'),
      wire.execute(''),
      wire.sync(),
      wire.parse('yy', 'select 8'),
      wire.sync(),
      wire.query('execute yy'),
    ],
    ready: 4,
    shows: /D 8/,
  },
  {
    name: 'one name for SQL cursors and portals (A33)',
    send: [
      wire.query(`begin; declare cc cursor for ${NUMBERS}`),
      wire.describe('P', 'cc'),
      wire.execute('cc', 2),
      wire.sync(),
      wire.query('fetch 1 from cc; commit'),
    ],
    ready: 3,
    shows: /D 3/,
  },
  {
    name: 'partial Execute: two suspended portals in turns (A34)',
    send: [
      wire.parse('n', NUMBERS),
      wire.bind('a', 'n'),
      wire.bind('b', 'n'),
      wire.execute('a', 2),
      wire.execute('b', 1),
      wire.execute('a', 2),
      wire.execute('b', 9),
      wire.execute('a', 2),
      wire.sync(),
    ],
    shows: /^s$/m,
  },
  {
    name: 'Execute without Describe (A35)',
    send: [wire.parse('', 'select 1 as one'), wire.bind('', ''), wire.execute(''), wire.sync()],
    shows: /^D 1$/m,
  },
  {
    name: 'Describe alone',
    send: [wire.parse('', 'select $1::text, 1::bigint as big'), wire.describe('S', ''), wire.sync()],
    shows: /big/,
  },
  {
    name: 'binary results',
    send: [
      wire.parse('', "select 258, 'x'::text, array[1,2]"),
      wire.bind('', '', [], [1, 0, 1]),
      wire.describe('P', ''),
      wire.execute(''),
      wire.sync(),
    ],
    shows: /0x00000102/,
  },
  {
    name: 'a pipeline with an error in the middle: the rest is skipped to Sync, the next Sync works (A36)',
    setup: TABLE,
    send: [
      wire.parse('', "insert into t values (1, 'a')"),
      wire.bind('', ''),
      wire.execute(''),
      wire.parse('', 'select 1/0'),
      wire.bind('', ''),
      wire.execute(''),
      wire.parse('', "insert into t values (2, 'b')"),
      wire.bind('', ''),
      wire.execute(''),
      wire.sync(),
      wire.parse('', 'select count(*) from t'),
      wire.bind('', ''),
      wire.execute(''),
      wire.sync(),
    ],
    ready: 2,
    shows: /D 0/,
  },
  {
    name: 'a pipeline fails between DDL and writes, each described: the next pipeline works (A36)',
    send: [
      ...described('create temp table t (a int)'),
      ...described('insert into t values (1)'),
      ...described('select no_such_function(1)'),
      ...described('insert into t values (2)'),
      wire.sync(),
      ...described('create temp table t (a int)'),
      ...described('insert into t values (3)'),
      wire.sync(),
      wire.query('select * from t'),
    ],
    ready: 3,
    shows: /C42883[\s\S]*D 3/,
  },
  {
    name: 'several Syncs at once',
    send: [wire.sync(), wire.query('select 1'), wire.sync(), wire.sync()],
    ready: 4,
    shows: /D 1/,
  },
  {
    name: 'Flush brings answers before Sync',
    send: [
      wire.parse('', 'select 1'),
      wire.flush(),
      wire.bind('', ''),
      wire.flush(),
      wire.execute(''),
      wire.flush(),
      wire.sync(),
    ],
    shows: /C SELECT 1/,
  },
  {
    name: 'a statement without a result',
    setup: TABLE,
    send: [wire.parse('', 'delete from t'), wire.describe('S', ''), wire.bind('', ''), wire.execute(''), wire.sync()],
    shows: /^n$/m,
  },
  {
    name: 'COPY in',
    setup: TABLE,
    send: [
      wire.query('copy t from stdin'),
      wire.copyData('1\ta\n2'),
      wire.copyData('\tb\n'),
      wire.copyDone(),
      wire.query('select * from t'),
    ],
    ready: 2,
    shows: /C COPY 2/,
  },
  {
    name: 'COPY in that the client fails',
    setup: TABLE,
    send: [
      wire.query('copy t from stdin'),
      wire.copyData('1\ta\n'),
      wire.copyFail('changed my mind'),
      wire.query('select count(*) from t'),
    ],
    ready: 2,
    shows: /C57014/,
  },
  {
    name: 'COPY in that the server fails',
    setup: TABLE,
    send: [
      wire.query('copy t from stdin'),
      wire.copyData('1\ta\n1\tb\n'),
      wire.copyDone(),
      wire.query('select count(*) from t'),
    ],
    ready: 2,
    shows: /C23505/,
  },
  {
    name: 'COPY in by the extended protocol, with Sync inside (A52)',
    setup: TABLE,
    send: [
      wire.parse('', 'copy t from stdin'),
      wire.bind('', ''),
      wire.execute(''),
      wire.sync(),
      wire.copyData('1\ta\n'),
      wire.copyDone(),
      wire.sync(),
    ],
    shows: /C COPY 1/,
  },
  {
    name: 'COPY in that is refused before it starts leaves no state',
    send: [wire.query('copy nowhere from stdin'), wire.copyData('1\ta\n'), wire.copyDone(), wire.query('select 1')],
    ready: 2,
    shows: /C42P01/,
  },
  {
    name: 'COPY out as text, CSV and binary',
    setup: `${TABLE}; insert into t values (1, 'a,b'), (2, null)`,
    send: [
      wire.query('copy t to stdout'),
      wire.query('copy t to stdout csv header'),
      wire.query('copy t to stdout binary'),
    ],
    ready: 3,
    shows: /d 1,"a,b"/,
  },
  {
    name: 'COPY out and a SELECT in one query (B16)',
    setup: `${TABLE}; insert into t values (1, 'x')`,
    send: [wire.query('copy t to stdout; select 2')],
    shows: /D 2/,
  },
  {
    name: 'stray copy messages are ignored (A51)',
    send: [wire.copyData('x'), wire.copyDone(), wire.query('select 1')],
    shows: /D 1/,
  },
  {
    name: 'notices arrive in their place',
    send: [wire.query("do $$ begin raise notice 'hello'; end $$; drop table if exists nope; select 1")],
    shows: /hello/,
  },
  {
    name: 'NOTIFY reaches the listener',
    send: [wire.query('listen ch'), wire.query("notify ch, 'payload'"), wire.query('unlisten *')],
    ready: 3,
    shows: /A ch=payload/,
  },
  {
    name: 'ParameterStatus follows SET',
    send: [wire.query("set timezone to 'Asia/Tokyo'"), wire.query('reset timezone')],
    ready: 2,
    shows: /S TimeZone=Asia/,
  },
  {
    name: 'a value of several megabytes',
    send: [wire.query("select repeat('x', 5000000) as big"), wire.query('select 1')],
    ready: 2,
    shows: /\(5000000\)/,
  },
  {
    name: 'a parameter of several megabytes',
    send: [
      wire.parse('', 'select length($1::text)'),
      wire.bind('', '', ['y'.repeat(3_000_000)]),
      wire.execute(''),
      wire.sync(),
    ],
    shows: /D 3000000/,
  },
  {
    name: 'transaction blocks across Sync',
    setup: TABLE,
    send: [
      wire.query('begin'),
      wire.parse('', "insert into t values (1,'a')"),
      wire.bind('', ''),
      wire.execute(''),
      wire.sync(),
      wire.query('rollback; select count(*) from t'),
    ],
    ready: 3,
    shows: /D 0/,
  },
  {
    name: 'a portal lives as long as its transaction',
    send: [
      wire.query('begin'),
      wire.parse('', NUMBERS),
      wire.bind('p', ''),
      wire.execute('p', 2),
      wire.sync(),
      wire.execute('p', 2),
      wire.sync(),
      wire.query('commit'),
      wire.execute('p'),
      wire.sync(),
    ],
    ready: 5,
    shows: /C34000/,
  },
  {
    name: 'errors carry every field',
    send: [
      wire.query(
        "do $$ begin raise exception 'm' using detail='d', hint='h', errcode='22012', column='c', constraint='k', datatype='dt', table='t', schema='s'; end $$",
      ),
    ],
    shows: /Dd .*Hh/,
  },
  {
    name: 'DEALLOCATE and DISCARD drop statements',
    send: [
      wire.parse('s1', 'select 1'),
      wire.sync(),
      wire.query('deallocate s1'),
      wire.bind('', 's1'),
      wire.sync(),
      wire.query('prepare q as select 1'),
      wire.query('discard all'),
      wire.query('execute q'),
    ],
    ready: 6,
    shows: /C26000/,
  },
]
