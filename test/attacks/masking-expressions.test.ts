/**
 * ATTACKS B1–B17, B34, B40, B41: whatever a query does to a labelled column, its rows come masked. Every text runs as `raw` too, where the oracle
 * must find the value: a row that shows nothing to anybody would prove nothing.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { SAFE_FUNCTIONS } from '../../src/sql/known-functions.ts'
import { type Heard, hearFrom, type Said } from './attack.ts'
import { leaks } from './oracle.ts'
import { type Stage, startStage, type Who } from './stage.ts'

let stage: Stage
beforeAll(async () => {
  stage = await startStage()
})
afterAll(() => stage?.[Symbol.asyncDispose]())

/** `x` stands for the expression. */
const EXPRESSIONS: Readonly<Record<string, readonly string[]>> = {
  B1: ['ssn as note', 'ssn as id', 'c.ssn "ssn"', 'customers.ssn'],
  B3: [
    "ssn || ''",
    "coalesce(ssn, '')",
    'ssn::varchar',
    'ssn::varchar(200)',
    'cast(ssn as text)',
    'ssn collate "C"',
    'ssn::name',
    'greatest(ssn, null)',
    'nullif(ssn, note)',
    "concat(ssn, 'x')",
    "format('%s', ssn)",
    "format('%1$s', ssn)",
    "concat_ws('', ssn, note)",
    'case when true then ssn else note end',
    '(ssn)',
    '(array[ssn])[1]',
    "(string_to_array(ssn, 'zzz'))[1]",
    'ssn || note || ssn',
  ],
  B4: [
    'substr(ssn, 1, 12)',
    'substring(ssn from 2 for 12)',
    'left(ssn, 12)',
    'right(ssn, 12)',
    'reverse(ssn)',
    "translate(ssn, '-', '')",
    "overlay(ssn placing '' from 1 for 1)",
    "replace(ssn, '-', '')",
    'upper(ssn)',
    'initcap(ssn)',
    'lpad(ssn, 100)',
    'trim(ssn)',
    "split_part(ssn, '~', 1)",
    "regexp_replace(ssn, '~', '')",
    "(regexp_match(ssn, '.{12}'))[1]",
    'quote_literal(ssn)',
    'repeat(ssn, 2)',
    'pg_catalog.reverse(ssn)',
  ],
  B5: [
    "encode(case id when 4 then '' else ssn end::bytea, 'hex')",
    "encode(convert_to(ssn, 'UTF8'), 'base64')",
    "convert_to(ssn, 'UTF8')",
    'md5(ssn)',
    "sha256(convert_to(ssn, 'UTF8'))",
    "encode(sha512(convert_to(ssn, 'UTF8')), 'hex')",
    "pg_catalog.encode(pg_catalog.convert_to(ssn, 'UTF8'), 'escape')",
    "decode(encode(convert_to(ssn, 'UTF8'), 'hex'), 'hex')",
  ],
  B6: [
    'string_to_array(ssn, null)',
    "array_to_string(string_to_array(ssn, null), '')",
    "regexp_split_to_array(ssn, '')",
  ],
  B7: [
    'row_to_json(c)',
    'to_jsonb(c)',
    "to_jsonb(c) ->> 'ssn'",
    "to_json(c) #>> '{ssn}'",
    'c::text',
    'c',
    '(c).ssn',
    '(c.*)::text',
    'row(c.*)',
    'row(ssn, 1)',
    'row(ssn)::text',
    'array[c]',
    'xmlforest(ssn)',
    'xmlelement(name a, ssn)',
    'xmlelement(name a, xmlattributes(ssn as b))',
    'xmlconcat(xmlelement(name a, ssn))',
    "jsonb_build_object('a', ssn)",
    'json_build_array(ssn)',
    'to_json(ssn)',
    'jsonb_pretty(to_jsonb(c))',
    "jsonb_path_query_array(to_jsonb(c), '$.*')",
    "json_object(array['a'], array[ssn])",
    "jsonb_set(to_jsonb(c), '{x}', to_jsonb(ssn))",
    'row_to_json(row(ssn))',
  ],
  B34: ['(ascii(ssn))::text || substr(ssn, 2)', "('x' || encode(convert_to(ssn, 'UTF8'), 'hex'))::text"],
}

/** Whole texts. */
const TEXTS: Readonly<Record<string, readonly string[]>> = {
  B2: [
    'select label from v_alias',
    'select harmless from v_twice',
    'select harmless from v_expression',
    'select * from v_star',
    'select label from m_alias',
    'select s.ssn from (select ssn from customers) s',
    'select x from (select ssn as x from customers) s',
    'select y from (select x as y from (select ssn as x from customers) s) t',
    'with w as (select ssn as note from customers) select note from w',
    'with w(a, b) as (select id, ssn from customers) select b from w',
    'with w as materialized (select * from customers) select reverse(ssn) from w',
    'with products as (select ssn as note from customers) select note from products',
    'with a as (select ssn x from customers), b as (select x y from a) select reverse(y) from b',
    'select t.b from customers as t(a, n, m, b, c, d)',
    'select n.b from (select * from customers) as n(a, x, y, b)',
    'table v_star',
    'select (v).harmless from v_twice v',
    'select v::text from v_twice v',
  ],
  B6: [
    "select regexp_split_to_table(ssn, '') from customers where id = 1",
    'select unnest(string_to_array(ssn, null)) from customers where id = 1',
    'select ascii(ch) from customers, unnest(string_to_array(ssn, null)) ch where id = 1',
    'select ascii(substr(ssn, n, 1)) from customers, generate_series(1, 20) n where id = 1 order by n',
    'select substr(ssn, n, 1) from customers, generate_series(1, 20) n where id = 1 order by n',
    'select chr(ascii(substr(ssn, n, 1))) from customers, generate_series(20, 1, -1) n where id = 1 order by n desc',
    'select ch from customers, string_to_table(ssn, null) ch where id = 1',
    "select m[1] from customers, regexp_matches(ssn, '(.{4})', 'g') m where id = 1",
  ],
  B7: [
    'select jsonb_each_text(to_jsonb(c)) from customers c',
    'select value from customers c, jsonb_each_text(to_jsonb(c))',
    'select * from customers c, json_each(row_to_json(c)) where id = 1',
    'select * from json_to_recordset((select json_agg(c) from customers c)) as x(ssn text)',
    'select x.ssn from customers c, jsonb_to_record(to_jsonb(c)) as x(ssn text)',
    "select l.note from customers c, jsonb_populate_record(null::products, to_jsonb(c) || jsonb_build_object('note', ssn)) p(a, b, n), lateral (select n as note) l",
    'select x.* from (select (c).* from customers c) x',
    "select xpath('/a/text()', xmlelement(name a, ssn)) from customers where id = 1",
    "select t.v from customers c, xmltable('/a' passing xmlelement(name a, ssn) columns v text path '.') t where id = 1",
    "select t.* from customers c, xmltable('/a' passing xmlelement(name a, ssn) columns n for ordinality, v text path '.' default 'x') as t(m, w) where id = 1",
  ],
  B8: [
    'select array_agg(ssn) from customers',
    "select string_agg(ssn, ',') from customers",
    "select string_agg('', ssn) from customers",
    'select json_agg(ssn) from customers',
    'select jsonb_object_agg(id, ssn) from customers',
    'select json_object_agg(ssn, id) from customers',
    'select xmlagg(xmlelement(name a, ssn)) from customers',
    'select min(ssn), max(ssn) from customers',
    'select first_value(ssn) over (order by id) from customers',
    'select last_value(ssn) over w from customers window w as (order by id rows between unbounded preceding and unbounded following)',
    'select nth_value(ssn, 2) over (order by id) from customers',
    'select lag(ssn) over (order by id) from customers',
    'select lag(note, 1, ssn) over (order by id) from customers',
    'select mode() within group (order by ssn) from customers',
    'select percentile_disc(0.5) within group (order by ssn) from customers',
    'select array_agg(c) from customers c',
    'select (array_agg(ssn order by id))[1] from customers',
    'select max(ssn) filter (where id = 1) from customers',
  ],
  B9: [
    'select note from products union all select ssn from customers',
    'select ssn from customers union select note from products',
    'select ssn from customers except select note from products',
    'select ssn from customers intersect select ssn from customers',
    "select 'a' union all (select 'b' union all select ssn from customers)",
    'with recursive r(x, n) as (select ssn, 1 from customers union all select x, n + 1 from r where n < 2) select reverse(x) from r',
    "with recursive r(x, y) as (select note, 'x' from customers where id = 1 union all select y, (select ssn from customers where id = 2) from r where y is null or y = 'x') select x || y from r",
    "with recursive a(x) as (select '' union all select reverse(y) from b where y is null), b(y) as (select ssn from customers) select * from b",
    'select ssn from customers a full join customers b using (ssn)',
    'select coalesce(a.ssn, b.ssn) from customers a full join customers b on a.id = b.id',
    'select x from customers natural join (select id, ssn as x from customers) s',
    'select j.b from (customers join orders using (id)) as j(a, x, y, b)',
    'select * from customers join orders using (id) order by 1',
    'select o.* from orders c right join customers o on c.id = o.id',
    'select u.ssn from customers join customers as d using (id, ssn) as u',
    'with recursive t(id, x) as (select id, ssn from customers union all select id + 100, x from t where id < 5) search depth first by x set o select o from t',
    'with recursive t(id, x) as (select id, ssn from customers union all select id + 100, x from t where id < 5) cycle x set c using p select p from t',
  ],
  B10: [
    'select (select ssn from customers where id = 1)',
    'select (select max(ssn) from customers)',
    'select (select c.ssn) from customers c',
    'select (select (select ssn)) from customers',
    'select l.x from customers c, lateral (values (c.ssn)) l(x)',
    'select l.x from customers c cross join lateral (select c.ssn as x) l',
    'select array(select ssn from customers)',
    "select array_to_string(array(select ssn from customers), ',')",
    "select v.x from (values ((select ssn from customers where id = 1)), ('a')) v(x)",
    'values (1, (select ssn from customers where id = 1))',
    'select * from unnest(array(select ssn from customers)) u',
    "select b from unnest(array['a'], array(select ssn from customers)) as u(a, b)",
    'select b from rows from (generate_series(1, 2), unnest(array(select ssn from customers))) with ordinality as u(a, b)',
    'select case when exists (select) then (select ssn from customers where id = 1) end',
    'select (select row(ssn, 1) from customers where id = 1)::text',
    "select coalesce((select ssn from customers where id = 1), 'x')",
  ],
  B11: [
    'select leak_plpgsql()',
    'select * from leak_sql()',
    'select leak_dynamic()',
    'select shout(ssn) from customers',
    "select leak_plpgsql() || 'x'",
    'select x from (select leak_plpgsql() as x) s',
    'select * from rows from (leak_sql(), generate_series(1, 3)) as r(a, b)',
  ],
  B17: [
    'select pin from vault',
    'select amount from vault',
    'select tags from vault',
    'select doc from vault',
    'select pair from vault',
    'select span from vault',
    'select blob from vault',
    'select markup from vault',
    'select (pair).s from vault',
    'select tags[1] from vault',
    'select * from vault',
    "select doc -> 'b' from vault",
    'select array[pair] from vault',
    'select pin + 0 from vault',
    'select lower(span), upper(span) from vault',
    'select get_byte(blob, 0), blob from vault',
    'select array_agg(pin) from vault',
    'select body from letters',
    'select substr(body, 30000, 40) from letters',
    'select secret from people',
    'select secret from only people_old',
    'select secret from parts',
    'select secret from parts_1',
    'select * from parts',
    'select tableoid::regclass, * from people',
  ],
  B40: [
    'select distinct ssn from customers',
    'select ssn from customers group by ssn',
    'select ssn from customers order by id',
    'select ctid, ssn from customers',
    'select a.ssn from customers a join customers b using (id)',
    'select ssn from customers for update',
    'select ssn from customers limit 2 offset 1',
    'select distinct on (id) id, ssn from customers',
    'select ssn from customers tablesample bernoulli (100)',
    'select grouping(ssn), ssn from customers group by rollup (ssn)',
    'select ssn from customers where id = any (array[1, 2])',
    'select count(*), ssn from customers group by 2 having count(*) > 0',
  ],
  B41: [
    'select label from v_alias where id = 1',
    'select * from m_alias',
    'select * from v_twice natural join v_alias',
  ],
}

const rows: [string, string][] = [
  ...Object.entries(EXPRESSIONS).flatMap(([number, list]) =>
    list.map((x): [string, string] => [number, `select ${x} from customers ${/\bcustomers\./.test(x) ? '' : 'c'}`]),
  ),
  ...Object.entries(TEXTS).flatMap(([number, list]) => list.map((text): [string, string] => [number, text])),
]

async function heard(who: Who, said: readonly Said[]): Promise<Heard> {
  return await hearFrom(stage, await stage.session(who), said)
}

describe('rows are masked', () => {
  test.each(rows)('%s %s', async (_, sql) => {
    const shown = await heard('human:raw', [sql])
    expect(shown.codes, shown.lines.join('\n')).toEqual([])
    expect(shown.leaks.length, shown.lines.join('\n')).toBeGreaterThan(0)
    for (const who of ['agent:analyst', 'human:open'] as const) {
      const seen = await heard(who, [sql, { text: sql }, { binary: sql }])
      expect(seen.leaks, who).toEqual([])
      // A type without a binary form is refused by the server; anything else gives its rows, or a refusal of ours.
      if (seen.codes.length === 0) expect(seen.data).toHaveLength(3 * shown.data.length)
      else
        expect(
          seen.codes.every((code) => /^(policy|mask|42883|0A000)/.test(code)),
          seen.codes.join(),
        ).toBe(true)
    }
  })
})

/** Every safe function in every overload that takes a text, with the value in every place for one. */
test('B3 B4 B5 every function known to be safe carries what it is given', async () => {
  const { rows: functions } = await stage.direct.query<{ name: string; kind: string; types: string[] }>(
    `select proname as name, prokind as kind, (select array_agg(format_type(t, null) order by n) from unnest(proargtypes) with ordinality a(t, n)) as types
       from pg_proc where pronamespace = 'pg_catalog'::regnamespace and proname = any($1) and pronargs > 0 and provariadic = 0
        and proargtypes::oid[] && '{text,varchar,name,bytea,"\\"char\\"",bpchar,anyelement,anynonarray,anycompatible,json,jsonb,anyarray,xml,cstring}'::regtype[]::oid[]
      order by 1, 3`,
    [[...SAFE_FUNCTIONS]],
  )
  expect(functions.length).toBeGreaterThan(200)
  const VALUE: Readonly<Record<string, string>> = {
    bytea: "convert_to(ssn, 'UTF8')",
    json: 'to_json(ssn)',
    jsonb: "jsonb_build_object('a', ssn)",
    anyarray: 'array[ssn]',
    xml: 'xmlelement(name a, ssn)',
    name: 'ssn::name',
    '"char"': 'ssn::"char"',
    character: 'ssn::bpchar',
  }
  const OTHER: Readonly<Record<string, string>> = {
    integer: '1',
    bigint: '1',
    boolean: 'true',
    oid: '1::oid',
    numeric: '1',
    'double precision': '1',
    bytea: "''::bytea",
    json: "'{}'::json",
    jsonb: "'{}'::jsonb",
    anyarray: "array['']",
    'text[]': "array['a']",
    jsonpath: "'$'::jsonpath",
    regconfig: "'simple'::regconfig",
    regdictionary: "'simple'::regdictionary",
  }
  const source = '(select id, ssn from customers where id in (1, 3)) c'
  const texts = functions.flatMap(({ name, kind, types }) =>
    types.flatMap((type, at) => {
      if (!/^(text|character varying|name|bytea|"char"|character|"any"|any\w*|jsonb?|xml)$/.test(type)) return []
      const args = types.map((other, i) => (i === at ? (VALUE[type] ?? 'ssn') : (OTHER[other] ?? "''")))
      const call = `pg_catalog."${name}"(${args.join(', ')})`
      return [kind === 'w' ? `${call} over (order by id)` : call]
    }),
  )
  let shown = 0
  // One session for all of each: a statement the server refuses costs nothing.
  const raw = await heard(
    'human:raw',
    texts.map((call) => `select ${call} from ${source}`),
  )
  for (const line of raw.leaks) if (line) shown++
  expect(shown).toBeGreaterThan(0)
  for (const form of [
    (call: string) => `select ${call} from ${source}`,
    (call: string) => `select f from ${source}, lateral (select ${call} as f) l`,
  ]) {
    const seen = await heard('agent:analyst', texts.map(form))
    expect(seen.leaks, seen.lines.filter((line) => leaks(Buffer.from(line)).length > 0).join('\n')).toEqual([])
    expect(seen.data.length).toBeGreaterThan(texts.length / 2)
  }
})
