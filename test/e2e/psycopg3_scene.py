"""What psycopg 3 can do with a server, printed: binary, pipelines (libpq's own), COPY by rows. Logs in by the PG* variables."""
import psycopg
from psycopg import sql

c = psycopg.connect("", prepare_threshold=2)
for i in range(5):
    print(c.execute("select %s::int * 2", (i,)).fetchone())
print(c.execute("select %b::int, %b::text, now() is not null", (7, "x"), binary=True).fetchone())
c.execute("create temp table t (id int primary key, note text)")
with c.cursor() as cur:
    with cur.copy("copy t from stdin (format binary)") as copy:
        copy.set_types(["int4", "text"])
        for i in range(100):
            copy.write_row((i, f"n{i}"))
    with cur.copy("copy t to stdout") as copy:
        rows = list(copy.rows())
    print(len(rows), rows[:2])
c.commit()
with c.pipeline() as p:
    first = c.execute("select count(*) from t")
    second = c.execute("insert into t values (%s, %s) returning id", (200, "p"))
    p.sync()
    print(first.fetchone(), second.fetchone())
try:
    with c.pipeline() as p:
        c.execute("insert into t values (200, 'twice')")
        c.execute("select 1")
        p.sync()
except (psycopg.errors.UniqueViolation, psycopg.errors.PipelineAborted):
    # Which of the two is raised depends on how fast the answer came.
    print("the pipeline failed,", c.info.transaction_status.name)
c.rollback()
with c.pipeline():
    many = [c.execute("select %s::int", (i,)) for i in range(500)]
print(sum(x.fetchone()[0] for x in many))
with c.transaction():
    try:
        with c.transaction():
            c.execute("select 1/0")
    except psycopg.errors.DivisionByZero as e:
        print(e.sqlstate)
    print(c.execute("select 'outer lives'").fetchone())
with c.cursor(name="server_side") as cur:
    cur.execute("select g from generate_series(1, 1000) g")
    print(len(cur.fetchmany(10)), len(cur.fetchall()))
with c.cursor() as cur:
    print(sum(1 for _ in cur.stream("select g from generate_series(1, 300) g")))
    cur.executemany("insert into t values (%s, %s)", [(i, "m") for i in range(300, 400)])
    print(cur.rowcount)
c.commit()
print(c.info.server_version, c.info.transaction_status.name, c.info.parameter_status("standard_conforming_strings"))
c.add_notice_handler(lambda d: print("notice", d.message_primary))
c.execute("do $$ begin raise notice 'from psycopg3'; end $$")
c.close()
