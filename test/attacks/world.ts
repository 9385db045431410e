import { awkward, digits, letters, long } from './canaries.ts'

const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`

/** Four customers: plain letters, a second of them, a number that casts succeed with, and one full of what formats escape. */
const CUSTOMERS = [1, 2, 3, 4].map((id) => {
  const value = (column: string) => {
    const name = `customers.${column}.${id}`
    return id === 3 && column !== 'email' ? digits(name) : id === 4 ? awkward(name) : letters(name)
  }
  const cells = [value('ssn'), value('card'), `${letters(`customers.email.${id}`)}@example.com`].map(quoted)
  return `(${id}, 'Name ${id}', 'note ${id}', ${cells.join(', ')})`
})

/** Labelled values of many types, one row. */
const VAULT = [
  '1',
  digits('vault.pin'),
  `${digits('vault.amount', 12)}.25`,
  `array[${quoted(letters('vault.tags.1'))}, ${quoted(letters('vault.tags.2'))}]`,
  quoted(JSON.stringify({ a: letters('vault.doc'), b: [digits('vault.doc.b')] })),
  `row(7, ${quoted(letters('vault.pair'))})`,
  `int4range(1, ${digits('vault.span')})`,
  `convert_to(${quoted(letters('vault.blob'))}, 'UTF8')`,
  `xmlelement(name a, ${quoted(letters('vault.markup'))})`,
].join(', ')

/** Kilobytes that do not compress: they lie in the table's toast. */
const LETTER = long('letters.body', 60_000)

/** The target. The gateway's account is a superuser, so whatever gets through does its harm. */
export const SCHEMA = `
create table customers (id int primary key, name text, note text, ssn text, card varchar(60), email text unique);
insert into customers values ${CUSTOMERS.join(',\n  ')};
create table orders (id int primary key, customer_id int references customers, total numeric, note text);
insert into orders select g, 1 + g % 4, g * 10, 'order ' || g from generate_series(1, 20) g;
create table products (id int primary key, ssn text, note text);
insert into products select g, 'harmless ' || g, 'product ' || g from generate_series(1, 3) g;
create type pair as (n int, s text);
create table vault (id int primary key, pin int, amount numeric, tags text[], doc jsonb, pair pair, span int4range, blob bytea, markup xml);
insert into vault values (${VAULT});
create table letters (id int primary key, body text);
alter table letters alter body set storage external;
insert into letters values (1, '${LETTER}');
create table people (id int, secret text);
create table people_old () inherits (people);
insert into people_old values (1, '${letters('people_old.secret')}');
create table parts (id int, secret text) partition by range (id);
create table parts_1 partition of parts for values from (1) to (100);
insert into parts values (1, '${letters('parts.secret')}');
create table audit_me (id int primary key, what text);
insert into audit_me values (1, 'kept'), (2, 'kept');
create table bait (id int);
create table strict_ssn (id int primary key, ssn text unique deferrable initially deferred);
insert into strict_ssn select id, ssn from customers;
create table "${'n'.repeat(63)}" (id int);
insert into "${'n'.repeat(63)}" values (1);
create table "CUSTOMERS" (id int, note text);
insert into "CUSTOMERS" values (1, 'upper case');
create schema s2;
create table s2.customers (id int, note text, ssn text);
insert into s2.customers values (1, 'another', 'not labelled here');
create sequence tickets;

create view v_alias as select id, ssn as label from customers;
create view v_twice as select id, label as harmless from v_alias;
create view v_expression as select id, reverse(ssn) as harmless from customers;
create view v_star as select * from customers;
create materialized view m_alias as select id, ssn as label from customers;
create table gen (id int, email text, turned text generated always as (reverse(email)) stored, twice int generated always as (id * 2) stored);
insert into gen select id, email from customers;
create statistics st (mcv) on ssn, card from customers;
create statistics st_expression on reverse(ssn), note from customers;
create index on customers (reverse(ssn));
create table mails (id int, body text);
insert into mails values (1, 'from ann.lee@example.com to ｂｏ＠ｅｘａｍｐｌｅ．ｃｏｍ, card 4111 1111 1111 1111, no 4​111 1111 1111 1111');
create view v_guess as select id, note from customers where ssn <> '${letters('v_guess')}';
create view file_reader as select pg_read_file('/etc/hostname') as body;

create function leak_sql() returns setof text language sql as 'select ssn from customers';
create function leak_plpgsql() returns text language plpgsql security definer as $f$ begin return (select ssn from customers where id = 1); end $f$;
create function leak_dynamic() returns text language plpgsql as $f$ declare r text; begin execute 'sel' || 'ect ssn from customers where id = 1' into r; return r; end $f$;
create function leak_cursor() returns refcursor language plpgsql as $f$ declare c refcursor := 'ref'; s text; begin select ssn into s from customers where id = 1; open c for execute format('select 1 as %I', s); return c; end $f$;
create function shout(text) returns text language sql as 'select upper($1)';
create function public.lower(varchar) returns text language plpgsql as $f$ begin insert into audit_me values (99, 'shadowed'); return $1; end $f$;
create function write_by_operator(int, int) returns int language plpgsql as $f$ begin insert into audit_me values (98, 'by operator'); return 1; end $f$;
create operator ### (leftarg = int, rightarg = int, function = write_by_operator);
create function leak_default() returns text language sql as 'select ssn from customers where id = 1';
create table with_default (id int, note text default leak_default());
create function tell() returns trigger language plpgsql as $f$ begin raise notice 'customer %', (select ssn from customers where id = 1); return new; end $f$;
create table told (id int primary key, note text);
insert into told values (1, 'a');
create trigger tell before update on told for each row execute function tell();
create function send() returns trigger language plpgsql as $f$ begin perform pg_notify('watch', (select ssn from customers where id = 1)); return new; end $f$;
create table sent (id int primary key, note text);
insert into sent values (1, 'a');
create trigger send before update on sent for each row execute function send();
create procedure do_write() language plpgsql as $f$ begin insert into audit_me values (97, 'by procedure'); end $f$;
create domain short as text check (length(value) < 5);
create function fail(text) returns int language plpgsql as $f$ begin raise exception 'about %', $1 using column = $1, constraint = $1, table = $1, schema = $1, datatype = $1, hint = $1, detail = $1; end $f$;
create function inner_fail() returns int language plpgsql as $f$ declare r int; begin execute format('select %L::int', (select ssn from customers where id = 1)) into r; return r; end $f$;
create extension hstore;
create extension pg_trgm;
create extension dblink;
create extension tablefunc;
create extension pgcrypto;
create extension xml2;
analyze;
`

const LABELS: Readonly<Record<string, string>> = {
  'public.customers.ssn': 'canary.ssn',
  'public.customers.card': 'canary.card',
  'public.customers.email': 'canary.email',
  'public.strict_ssn.ssn': 'canary.ssn',
  'public.people_old.secret': 'canary.secret',
  'public.gen.email': 'canary.email',
  'public.parts.secret': 'canary.secret',
  'public.letters.body': 'canary.body',
  ...Object.fromEntries(
    ['pin', 'amount', 'tags', 'doc', 'pair', 'span', 'blob', 'markup'].map((column) => [
      `public.vault.${column}`,
      `canary.${column}`,
    ]),
  ),
}

/**
 * The reference policy. R1 (`agent:reader`): reads, everything else refused, and no guessing by predicates, as the rule packs have it. `analyst`
 * is the same without that rule, so that what masking itself does is seen. R2 (`agent:writer`): changes need an approval. `human:open` may
 * do everything and still sees labelled columns masked only: the hardest on masking. `human:raw` sees everything, for the twins.
 */
export const POLICY = `
kind: Agent
name: reader
owner: test
---
kind: Agent
name: analyst
owner: test
---
kind: Agent
name: writer
owner: test
---
kind: Agent
name: scrubbed
owner: test
---
kind: Human
name: open
---
kind: Human
name: raw
---
kind: Human
name: ada
groups: [dba]
---
kind: Classification
name: attacks
columns:
${Object.entries(LABELS)
  .map(([match, label]) => `  - { match: ${match}, labels: [${label}] }`)
  .join('\n')}
---
kind: Rule
name: reads
who: principal.kind == "agent"
on: "true"
when: op.only(["read", "session", "export"]) && !op.objects.exists(o, o.kind == "file")
then: allow
---
kind: Rule
name: masks
who: principal.name != "raw"
on: "true"
then: oblige
oblige: { mask: [{ labels: ["canary.*"], with: redact }] }
---
kind: Rule
name: detects
who: principal.name == "scrubbed"
on: "true"
then: oblige
oblige: { mask: [{ labels: ["pii.*", "pci.*"], with: redact }] }
---
kind: Rule
name: no-guessing
who: principal.name in ["reader", "writer"]
on: "true"
when: op.facts.filters.size() > 0
then: deny
---
kind: Rule
name: changes-wait
who: principal.name == "writer"
on: "true"
when: op.has(["write", "delete"]) && op.only(["read", "write", "delete", "session"])
then: approve
approve: { by: [group:dba], hold: 20ms, expires: 5m }
---
kind: Rule
name: everything
who: principal.name in ["open", "raw"]
on: "true"
then: allow
`

/** A target that must have TLS where the server has none (A47). */
export const STRICT = (address: string): string => `
---
${JSON.stringify({ kind: 'Resource', name: 'strict', protocol: 'postgres', address, database: 'postgres', users: [{ name: 'postgres' }], tls: { mode: 'require' } })}
`
