"""What psycopg2 can do with a server, printed. Logs in by the PG* variables."""
import io
import select
import psycopg2, psycopg2.extras

c = psycopg2.connect("")
cur = c.cursor()
cur.execute("select %s::int + 1, %s, %s::jsonb", (41, "it's ü", '{"a": [1, null]}'))
print(cur.fetchall(), [d.name for d in cur.description])
cur.execute("create temp table t (id int primary key, note text, at timestamptz default '2026-01-01Z')")
cur.executemany("insert into t (id, note) values (%s, %s)", [(i, f"n{i}") for i in range(20)])
psycopg2.extras.execute_values(cur, "insert into t (id, note) values %s", [(i, None) for i in range(20, 40)])
out = io.StringIO()
cur.copy_expert("copy (select * from t order by id limit 5) to stdout csv header", out)
print(out.getvalue())
cur.copy_expert("copy t (id, note) from stdin", io.StringIO("100\ta\\tb\n101\t\\N\n"))
print(cur.rowcount)
c.commit()
named = c.cursor("big", scrollable=True)
named.itersize = 7
named.execute("select id from t order by id")
print([row[0] for row in named][-3:])
named.scroll(0, mode="absolute")
print(named.fetchone())
named.close()
c.rollback()
try:
    cur.execute("insert into t values (1, 'again')")
except psycopg2.errors.UniqueViolation as e:
    print(e.pgcode, e.diag.message_detail, e.diag.constraint_name)
c.rollback()
c.autocommit = True
cur.execute("listen ch; notify ch, 'hello'")
if not c.notifies:
    select.select([c], [], [], 5)
c.poll()
print([(n.channel, n.payload) for n in c.notifies])
cur.execute("do $$ begin raise notice 'from psycopg2'; end $$")
print(c.notices[-1].strip())
print(c.server_version, c.encoding, c.get_parameter_status("TimeZone"))
lob = c.cursor()
lob.execute("select %s::bytea", (psycopg2.Binary(bytes(range(256)) * 1000),))
print(len(lob.fetchone()[0]))
c.close()
