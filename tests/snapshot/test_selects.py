"""What a mapping may ask of a source: more than sixty that reach elsewhere are refused, and nothing is read, written or quoted."""

from __future__ import annotations

import sqlite3

import duckdb
import pytest
import yaml

from heytalk_audit.errors import InputError
from heytalk_audit.snapshot.importing.imports import import_snapshot
from heytalk_audit.snapshot.importing.selects import parse_select

SECRET = "zanzibar-77"

#: Per source: SELECTs that read or write elsewhere. `{dir}` is the folder that the test looks after.
DUCKDB = [
    "SELECT * FROM read_csv('{dir}/secret.csv')",
    "SELECT * FROM read_text('{dir}/secret.csv')",
    "SELECT * FROM read_blob('{dir}/secret.csv')",
    "SELECT * FROM read_parquet('{dir}/*.parquet')",
    "SELECT * FROM read_json_auto('{dir}/secret.csv')",
    "SELECT * FROM '{dir}/secret.csv'",
    'SELECT * FROM "{dir}/secret.csv"',
    "SELECT * FROM glob('{dir}/*')",
    "SELECT * FROM sniff_csv('{dir}/secret.csv')",
    "SELECT * FROM sqlite_scan('{dir}/source.sqlite', 't')",
    "SELECT * FROM postgres_scan('host=zanzibar-77', 'public', 't')",
    "SELECT * FROM 'https://zanzibar-77.example/x.parquet'",
    "SELECT getenv('zanzibar-77') AS user_id",
    "SELECT current_setting('zanzibar-77') AS user_id",
    "SELECT * FROM duckdb_settings()",
    "SELECT * FROM duckdb_secrets()",
    "SELECT * FROM query('SELECT 1')",
    "SELECT * FROM query_table('{dir}/secret.csv')",
    "SELECT * FROM information_schema.tables",
    "SELECT * FROM v_reads_a_file",
    "COPY t TO '{dir}/out.csv'",
    "COPY (SELECT 'zanzibar-77') TO '{dir}/out.csv'",
    "ATTACH '{dir}/other.duckdb' AS other",
    "INSTALL httpfs",
    "LOAD '{dir}/evil.so'",
    "PRAGMA database_list",
    "SET threads = 1",
    "EXPORT DATABASE '{dir}/out'",
    "IMPORT DATABASE '{dir}/out'",
    "CREATE TABLE x AS SELECT 1",
    "SELECT id AS user_id FROM t; COPY t TO '{dir}/out.csv'",
    "CALL pragma_version()",
    "SELECT * FROM other.main.t",
    "FROM (DESCRIBE t)",
    "SELECT write_log('zanzibar-77')",
]
SQLITE = [
    "SELECT load_extension('{dir}/evil.so') AS user_id",
    "SELECT readfile('{dir}/secret.csv') AS user_id",
    "SELECT writefile('{dir}/out.csv', 'zanzibar-77') AS user_id",
    "SELECT edit('zanzibar-77') AS user_id",
    "SELECT * FROM pragma_database_list",
    "SELECT * FROM pragma_table_info('t')",
    "SELECT * FROM fsdir('{dir}')",
    "ATTACH DATABASE '{dir}/out.sqlite' AS o",
    "VACUUM INTO '{dir}/out.sqlite'",
    "PRAGMA journal_mode = wal",
    "UPDATE t SET id = 'zanzibar-77'",
    "DELETE FROM t RETURNING id",
    "SELECT id AS user_id FROM t /* zanzibar-77 */",
    "SELECT * FROM dbstat",
    "SELECT replace(printf('%.*c', 20000, 'x'), 'x', printf('%.*c', 20000, 'x')) AS user_id",
]
POSTGRES = [
    "SELECT pg_read_file('/etc/passwd') AS user_id",
    "SELECT pg_ls_dir('/') AS user_id",
    "SELECT lo_import('/etc/passwd') AS user_id",
    "SELECT * FROM dblink('host=zanzibar-77', 'SELECT 1') AS d(user_id text)",
    "SELECT query_to_xml('SELECT ''zanzibar-77''', true, true, '') AS user_id",
    "SELECT set_config('transaction_read_only', 'off', false) AS user_id",
    "SELECT nextval('s') AS user_id",
    "SELECT pg_sleep(600) AS user_id",
    "SELECT pg_terminate_backend(1) AS user_id",
    "SELECT evil.lower(id) AS user_id FROM t",
    "SELECT id OPERATOR(evil.+) 1 AS user_id FROM t",
    "SELECT id::regclass AS user_id FROM t",
    "SELECT id AS user_id FROM t FOR UPDATE",
    "SELECT id AS user_id INTO elsewhere FROM t",
    "WITH gone AS (DELETE FROM t RETURNING id) SELECT id AS user_id FROM gone",
    "WITH more AS (INSERT INTO t VALUES ('zanzibar-77') RETURNING id) SELECT id AS user_id FROM more",
    "COPY t TO PROGRAM 'zanzibar-77'",
    "SELECT 1) TO PROGRAM 'zanzibar-77' --",
    "DO $$ BEGIN PERFORM 'zanzibar-77'; END $$",
    "TABLE pg_shadow",
    "EXPLAIN ANALYZE DELETE FROM t",
    "EXPLAIN SELECT 'zanzibar-77'",
    "SELECT current_user AS user_id",
    "SELECT database_to_xml(true, true, '') AS user_id",
]
#: Of databases behind ODBC, by dialect.
OTHERS = [
    ("mysql", "SELECT load_file('/etc/passwd') AS user_id"),
    ("mysql", "SELECT id AS user_id FROM t INTO OUTFILE '/tmp/zanzibar-77'"),
    ("mysql", "SELECT id /*! INTO OUTFILE '/tmp/zanzibar-77' */ AS user_id FROM t"),
    ("mysql", "SELECT sleep(600) AS user_id"),
    ("tsql", "SELECT * FROM OPENROWSET(BULK 'zanzibar-77', SINGLE_CLOB) AS x"),
    ("tsql", "EXEC xp_cmdshell 'zanzibar-77'"),
    ("tsql", "SELECT id AS user_id FROM other.elsewhere.dbo.t"),
    ("oracle", "SELECT utl_http.request('http://zanzibar-77') AS user_id FROM dual"),
    ("snowflake", "SELECT $1 AS user_id FROM @stage"),
    ("bigquery", "SELECT * FROM EXTERNAL_QUERY('zanzibar-77', 'SELECT 1')"),
]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a DuckDB file, an SQLite file, and what nobody may read."""
    folder = tmp_path_factory.mktemp("place")
    (folder / "secret.csv").write_text(f"user_id\n{SECRET}\n", "utf-8")
    with duckdb.connect(str(folder / "source.duckdb")) as con:
        con.execute("CREATE TABLE t AS SELECT 'a' AS id")
        con.execute(f"CREATE VIEW v_reads_a_file AS SELECT * FROM read_csv('{folder}/secret.csv')")
    with sqlite3.connect(folder / "source.sqlite") as con:
        con.execute("CREATE TABLE t AS SELECT 'a' AS id")
    con.close()
    return folder


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize(("kind", "selects"), [("duckdb", DUCKDB), ("sqlite", SQLITE)])
def test_what_reaches_elsewhere_is_refused_and_nothing_is_read_or_written(kind, selects, place, tmp_path):
    assert len({*DUCKDB, *SQLITE, *POSTGRES}) > 60
    mapping = place / f"{kind}.yaml"
    mapping.touch()
    before = contents(place)
    for select in selects:
        document = {"source": {kind: f"source.{kind}"}, "as_of": "2025-03-31T12:00:00Z", "tables": {"users": select.format(dir=place)}}
        mapping.write_text(yaml.safe_dump(document), "utf-8")
        with pytest.raises(InputError) as refused:
            import_snapshot(mapping, tmp_path / "snapshot")
        assert SECRET not in str(refused.value) and str(place) not in str(refused.value), select
        assert str(refused.value).startswith("tables.users: ") or "password" in str(refused.value), select
        assert list(tmp_path.iterdir()) == []
        assert contents(place) | {mapping.name: b""} == before, select


def test_nothing_but_reading_is_sent_to_a_server(caplog):
    for dialect, select in [*(("postgres", select) for select in POSTGRES), *OTHERS]:
        with pytest.raises(InputError) as refused:
            parse_select("tables.users", select, dialect)
        assert SECRET not in str(refused.value)
    assert not caplog.text


@pytest.mark.parametrize(
    ("dialect", "select"),
    [
        (
            "postgres",
            "SELECT id::text AS user_id, coalesce(a, b), date_trunc('day', c AT TIME ZONE 'UTC') FROM t WHERE d ~ 'x' AND e IS NOT NULL",
        ),
        ("postgres", "WITH x AS (SELECT a, row_number() OVER (PARTITION BY b ORDER BY c DESC) AS n FROM s.t) SELECT a FROM x WHERE n = 1"),
        (
            "postgres",
            "SELECT a, v FROM t, LATERAL unnest(ARRAY['x', 'y']) AS u(v) UNION ALL SELECT a, b->>'c' FROM t LEFT JOIN u USING (id)",
        ),
        (
            "postgres",
            "SELECT to_timestamp(a), encode(sha256(b), 'hex'), CASE WHEN c IN (1, 2) THEN 'x' END, interval '1 day' + d FROM t LIMIT 5",
        ),
        ("duckdb", "SELECT a, to_timestamp(b), list_transform(l, x -> lower(x)), s.f, strptime(c, '%Y'), (SELECT max(d) FROM u) FROM t"),
        (
            "sqlite",
            "SELECT datetime(a, 'unixepoch'), json_extract(b, '$.c'), strftime('%s', d), iif(e, 1, 0), f || g FROM t JOIN json_each(h)",
        ),
        ("mysql", "SELECT from_unixtime(a), if(b = 1, 'x', 'y'), convert_tz(c, '+00:00', 'UTC'), concat(d, e), hex(f) FROM t"),
    ],
)
def test_a_select_that_computes_may_run(dialect, select):
    assert parse_select("tables.users", select, dialect).text == select
