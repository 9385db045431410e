import * as wire from '../rig/wire.ts'
import type { Chance } from './seed.ts'

/** Statements that make, use and lose names, open and end transactions, fail, wait and move data. */
const TEXTS = [
  'select 1 as one',
  'select id, ssn from customers order by id',
  'select email from customers order by id',
  'select g from generate_series(1, 5) g',
  'select 1/0',
  'select nothing',
  'select from where',
  '',
  'select 1; select 2',
  'select ssn from customers where id = 1; select 1/0; select 3',
  'begin',
  'commit',
  'rollback',
  'savepoint s',
  'rollback to s',
  'insert into orders values (99, 1, $$new$$)',
  'update orders set note = $$changed$$ where id = 2 returning note',
  'delete from orders where id = 1',
  'prepare a as delete from orders where id = 1',
  'prepare a as select ssn from customers order by id',
  'execute a',
  'deallocate a',
  'declare p cursor for select ssn from customers order by id',
  'declare p cursor for select id from orders order by id',
  'fetch 1 from p',
  'close p',
  'close all',
  'set search_path to public',
  'set work_mem to $$1MB$$',
  'create temp table tt (a int)',
  'create table public.made (a int)',
  'drop table if exists tt',
  'listen ch',
  'notify ch, $$x$$',
  'copy (select id, ssn from customers order by id) to stdout',
  'discard all',
]
const NAMES = ['', '', 'a', 'b']
const PORTALS = ['', '', 'p', 'q']
const COPY = 'copy orders from stdin'

/** A message, or a few that belong together. */
type Phrase = (chance: Chance) => Buffer[]

const execute: Phrase = ({ of }) => [wire.execute(of(PORTALS), of([0, 0, 1, 2]))]
const copyDataOf = ({ of, below }: Chance) => wire.copyData(`${of([1, 300, 301])}\t1\t${below(9)}\n`)

const PHRASES: readonly Phrase[] = [
  ({ of }) => [wire.query(of(TEXTS))],
  ({ of }) => [wire.query(of(TEXTS))],
  ({ of }) => [wire.parse(of(NAMES), of(TEXTS))],
  ({ of }) => [wire.parse(of(NAMES), of(TEXTS))],
  ({ of }) => [wire.bind(of(PORTALS), of(NAMES))],
  ({ of }) => [wire.bind(of(PORTALS), of(NAMES))],
  execute,
  execute,
  ({ of }) => [wire.parse('', of(TEXTS)), wire.bind('', ''), wire.execute('')],
  ({ of }) => [wire.parse('', of(TEXTS)), wire.describe('S', ''), wire.bind('', ''), wire.execute('')],
  ({ of }) => [wire.close('S', of(NAMES)), wire.parse('a', of(TEXTS))],
  ({ of }) => [wire.describe('S', of(NAMES))],
  // Not the unnamed one, see differential.test.ts.
  ({ of }) => [wire.describe('P', of(['p', 'q']))],
  ({ of }) => [wire.close('S', of(NAMES))],
  ({ of }) => [wire.close('P', of(PORTALS))],
  () => [wire.sync()],
  () => [wire.sync()],
  () => [wire.sync()],
  () => [wire.flush()],
  // Nobody reads COPY data now.
  (chance) => [copyDataOf(chance)],
  () => [wire.copyDone()],
  // A COPY that has its data behind it; a server in COPY that is told anything else ends the connection.
  (chance) => [wire.sync(), wire.query(COPY), copyDataOf(chance), copyDataOf(chance), wire.copyDone()],
  (chance) => [wire.sync(), wire.query(COPY), copyDataOf(chance), wire.copyFail('no'), wire.copyDone()],
  (chance) => [
    ...[wire.sync(), wire.parse('', COPY), wire.bind('', ''), wire.execute(''), wire.sync()],
    ...[copyDataOf(chance), wire.copyDone(), wire.sync()],
  ],
]

/** The last words of every conversation made here, and the last answer to them. */
const LAST = [wire.sync(), wire.query("rollback; select 'the end' as last")]
export const isLast = (lines: readonly string[]) => lines.at(-1) === 'Z I' && lines.includes('D the end')

/** What a name stands for may be a deletion, or something that shows what is masked: it matters which. */
const NAMED = [
  'delete from orders where id = 1',
  'select ssn from customers order by id',
  'select id from orders order by id',
  'execute b',
  'fetch 1 from p',
  'copy customers to stdout',
  'commit',
]

/** Names made before the rest, which often has them closed, skipped and made again. */
const PRELUDES: readonly Phrase[] = [
  () => [],
  ({ of }) => [wire.parse('a', of(NAMED)), wire.parse('b', of(NAMED)), wire.sync()],
  ({ of }) => [wire.parse('b', of(NAMED)), wire.parse('a', of(NAMED)), wire.query('begin'), wire.bind('p', 'a')],
  ({ of }) => [wire.query(`prepare a as ${of(NAMED.slice(0, 3))}`), wire.query('begin')],
  ({ of }) => [wire.query(`begin; declare p cursor for ${of(NAMED.slice(1, 3))}; savepoint s`)],
]

/** A prelude, up to `most` phrases, and the last words. */
export function conversation(chance: Chance, most: number): Buffer {
  const phrases = Array.from({ length: 1 + chance.below(most) }, () => chance.of(PHRASES)(chance))
  return Buffer.concat([...chance.of(PRELUDES)(chance), ...phrases.flat(), ...LAST])
}
