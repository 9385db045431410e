/**
 * ATTACKS B8, B32–B35: what can be concluded without a value ever being shown. Masking cannot close it (⊘): the rule packs refuse predicates, ordering,
 * grouping and whatever else lets rows depend on a labelled column, and that is what is held here. What stays open is listed at the end.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { heardIn } from './attack.ts'
import { type Stage, startStage } from './stage.ts'

let stage: Stage
beforeAll(async () => {
  stage = await startStage()
})
afterAll(() => stage?.[Symbol.asyncDispose]())

/** Each tells something of a labelled column to whoever may run it. */
const GUESSES: Readonly<Record<string, readonly string[]>> = {
  B32: [
    "select id from customers where ssn like '1%'",
    "select id from customers where ssn = 'x'",
    "select id from customers where (ssn, id) = ('x', 1)",
    "select id from customers where ssn in ('x', 'y')",
    "select id from customers where 'x' = any (array[ssn])",
    'select id from customers where ssn is null',
    'select id from customers where length(ssn) > 3',
    "select id from customers where customers::text like '%1%'",
    "select id from customers c where to_jsonb(c) @> '{}'",
    'select id from customers c where c is not null',
    'select id from customers c where row(c.*) is not null',
    "select exists (select from customers where ssn like '1%')",
    "select count(*) from customers where email > 'm'",
    "select count(*) filter (where ssn like '1%') from customers",
    "select note from orders where customer_id in (select id from customers where ssn like '1%')",
    "select o.note from orders o join customers c on c.id = o.customer_id and c.ssn like '1%'",
    'select a.id from customers a join customers b on a.ssn = b.ssn',
    'select a.id from customers a join customers b using (ssn)',
    'select id from customers natural join (select ssn from customers) s',
    "select id from v_alias where label like '1%'",
    "select id from v_twice where harmless like '1%'",
    "with w as (select id, ssn as x from customers) select id from w where x like '1%'",
    "select id from (select id, reverse(ssn) as x from customers) s where x like '1%'",
    "select id from customers group by id having max(ssn) > 'a'",
    'select note from customers except select ssn from customers',
    'select count(distinct ssn) from customers',
    'select distinct ssn from customers',
    'select distinct on (ssn) id from customers',
    'select count(*) from (select distinct ssn from customers) s',
    "select case when ssn like '1%' then 1 else 0 end from customers",
    "select case ssn when 'x' then 1 end from customers",
    "select count(case when ssn like '1%' then 1 end) from customers",
    "select count(nullif(ssn, 'x')) from customers",
    'select id from customers limit (select length(ssn) from customers where id = 1)',
    'select id from customers offset (select length(ssn) from customers where id = 1)',
    "explain analyze select id from customers where ssn like '1%'",
    'prepare p as select id from customers where ssn = $1',
    "declare c cursor for select id from customers where ssn like '1%'",
    "copy (select id from customers where ssn like '1%') to stdout",
    "select id from people where secret like '1%'",
    "select id from parts where secret like '1%'",
    "select id from customers where ssn ~ '^1'",
    "select id from customers where ssn between '1' and '2'",
    "select id from customers where ssn similar to '1%'",
    'select id from customers where ssn collate "C" < \'2\'',
    "select tablename from pg_stats where histogram_bounds::text like '%1%'",
    'select lower(note) from (select 1) x, customers c where exists (select from orders o where o.note = c.ssn)',
  ],
  B33: [
    'select id from customers order by ssn',
    'select id, ssn from customers order by 2',
    'select id, ssn as s from customers order by s',
    'select id from customers order by reverse(ssn), id',
    'select id from customers c order by c',
    'select row_number() over (order by ssn) from customers',
    'select rank() over (partition by ssn) from customers',
    'select array_agg(id order by ssn) from customers',
    "select string_agg(note, ',' order by ssn) from customers",
    'select id from customers where ssn > (select ssn from customers where id = 1)',
    'select count(*) over (partition by ssn) from customers',
    'select sum(1) over (order by id rows between (select length(ssn) from customers where id = 1) preceding and current row) from customers',
    'select id from customers group by id, ssn',
    'select count(*) from customers group by ssn',
    'select count(*) from customers group by grouping sets ((ssn), ())',
    'select percentile_disc(0.5) within group (order by ssn) from customers',
    'select json_agg(id order by ssn) from customers',
    'select id from customers order by case when true then ssn end',
    'select * from customers order by ssn fetch first 1 rows with ties',
  ],
  // How many rows there are is a value as well: count(*) over generate_series(1, x) is x.
  B8: [
    'select count(*) from generate_series(1, (select right(ssn, 4)::int from customers where id = 3))',
    'select count(*) from (select generate_series(1, right(ssn, 4)::int) from customers where id = 3) s',
    'select count(*) from customers c, generate_series(1, ascii(c.ssn)) where c.id = 1',
    'select 1 from customers c, generate_series(1, ascii(c.ssn)) where c.id = 1',
    'select cardinality(array(select 1 from generate_series(1, (select ascii(ssn) from customers where id = 1))))',
    'select exists (select from customers c, generate_series(1, ascii(c.ssn) - 100) where c.id = 1)',
    "select count(*) from customers c, regexp_split_to_table(ssn, '1')",
    'select count(*) from customers c, unnest(string_to_array(ssn, null))',
    'select count(*) from (select unnest(string_to_array(ssn, null)) from customers) s',
    'select count(*) from customers c, json_array_elements(to_json(string_to_array(ssn, null)))',
    "select count(*) from customers c, xmltable('/r/a' passing xmlelement(name r, (select xmlagg(xmlelement(name a)) from generate_series(1, ascii(c.ssn)))) columns x text) where id = 1",
    'select max(n) from generate_series(1, (select right(ssn, 4)::int from customers where id = 3)) with ordinality as t(g, n)',
    'select row_number() over () from (select generate_series(1, right(ssn, 2)::int) from customers where id = 3) s',
    'select count(*) from orders tablesample bernoulli ((select right(ssn, 2)::int from customers where id = 3))',
    'select count(*) from rows from (generate_series(1, 2), generate_series(1, (select right(ssn, 2)::int from customers where id = 3))) as r(a, b)',
    'with recursive r(n) as (select right(ssn, 2)::int from customers where id = 3 union all select n - 1 from r where n > 0) select count(*) from r',
  ],
  B35: [
    "select case when ssn like '1%' then 1 / 0 end from customers",
    "select case when ssn like '1%' then pg_sleep(1) end from customers",
    "select 1 / (select count(*) from customers where ssn like '1%')",
    'select 1 / (ascii(ssn) - 72) from customers where id = 2',
    'select ssn::int from customers where id = 3',
    'select substr(note, ascii(ssn) - 72) from customers where id = 2',
    'select repeat(note, ascii(ssn)) from customers where id = 2',
    "select 'x' ~ ssn from customers where id = 2",
    'select to_number(ssn, $$999$$) from customers where id = 2',
    'select xmlparse(document ssn) from customers where id = 2',
    'select cast(ssn as json) from customers where id = 2',
    'select (select id / (ascii(c.ssn) - 72)) from customers c where id = 2',
    'select sum(1 / (ascii(ssn) - 72)) over () from customers where id = 2',
    'select row(1 / (ascii(ssn) - 72)) from customers where id = 2',
  ],
}

describe('whoever is masked by the rule packs cannot ask by a labelled column', () => {
  test.each(Object.entries(GUESSES).flatMap(([number, list]) => list.map((sql): [string, string] => [number, sql])))(
    '%s %s',
    async (_, sql) => {
      const asked = await heardIn(stage, 'agent:reader', ['begin', sql, 'rollback'])
      expect(asked.codes, asked.lines.join('\n')).toEqual(['policy.denied'])
      expect(asked.leaks).toEqual([])
      // It is right SQL and does run for others; even there no value is shown.
      const allowed = await heardIn(stage, 'agent:analyst', ['begin', sql, 'rollback'])
      expect(
        allowed.codes.filter((code) => !/^22|^policy/.test(code)),
        allowed.lines.join('\n'),
      ).toEqual([])
      expect(allowed.leaks).toEqual([])
    },
  )
})

describe('and everything else stays as easy as it was', () => {
  test.each([
    'select ssn from customers where id = 1',
    'select id, ssn, card from customers order by id limit 2',
    'select count(*) from customers',
    'select count(ssn) from customers',
    'select note, count(*) from customers group by note order by 1',
    'select c.ssn, o.note from customers c join orders o on o.customer_id = c.id where o.total > 50 order by o.id',
    "select max(total), (select min(name) from customers) from orders where note like 'order%'",
    'select ssn from (select ssn from customers order by id) s',
    'select coalesce(ssn, card) from customers',
    'select array_agg(ssn) from customers',
    "select upper(ssn), left(ssn, 3), replace(ssn, '-', ''), ssn || '!', ssn::text, concat(ssn, card) from customers",
    'select row_to_json(c) from customers c',
    "select generate_series(1, 3), regexp_split_to_table('a b', ' ')",
    'select ssn from products where ssn is not null order by ssn',
  ])('%s', async (sql) => {
    const seen = await heardIn(stage, 'agent:reader', [sql])
    expect(seen.codes, seen.lines.join('\n')).toEqual([])
    expect(seen.data.length).toBeGreaterThan(0)
    expect(seen.leaks).toEqual([])
  })
})

/** Inference that neither masking nor the predicate rule closes. Each still runs: when one no longer does, it moves up. */
describe('⊘ residual', () => {
  test.each([
    [
      'how long an expression over a value takes (B35)',
      "select regexp_replace(ssn, '(.*)*x', '') from customers where id = 2",
      [],
    ],
    ['how many values are NULL', 'select count(ssn) from customers', []],
    [
      'how long a row is, by the time and bytes a masked query takes on the server',
      'select ssn from letters, customers limit 1',
      [],
    ],
  ])('%s', async (_, sql, codes) => {
    const seen = await heardIn(stage, 'agent:reader', [sql])
    expect(seen.codes).toEqual(codes)
    expect(seen.leaks).toEqual([])
  })
})
