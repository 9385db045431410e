/** A small shop with one object of most kinds, the same every time. */
export const SHOP = `
create table customers (id int primary key, name text not null, email text unique, profile jsonb, tags text[]);
insert into customers select g, 'Customer ' || g, 'user' || g || '@example.com', jsonb_build_object('n', g), array['a', 'b'] from generate_series(1, 20) g;
create type mood as enum ('calm', 'cross');
create domain amount as numeric(10,2) check (value >= 0);
create table orders (id int primary key, customer_id int references customers, total amount, status text default 'new', created timestamptz default '2026-01-02 03:04:05Z');
insert into orders select g, 1 + g % 20, g * 1.25, case when g % 3 = 0 then 'open' else 'paid' end from generate_series(1, 50) g;
create index on orders (status);
create view open_orders as select o.id, c.name, o.total from orders o join customers c on c.id = o.customer_id where status = 'open';
create function twice(x int) returns int language sql immutable as 'select x * 2';
create sequence tickets start 7;
create table parted (at date, what mood) partition by range (at);
create table parted_2026 partition of parted for values from ('2026-01-01') to ('2027-01-01');
insert into parted values ('2026-05-05', 'calm');
create materialized view totals as select customer_id, sum(total) as total from orders group by 1;
create table notes (id serial primary key, body text default 'x' || 'y', at timestamp generated always as ('2026-01-01'::timestamp) stored);
insert into notes (body) values (E'tab\\there'), (null), ('quote '' and \\ backslash');
comment on table notes is 'free text';
grant select on orders to public;
`
