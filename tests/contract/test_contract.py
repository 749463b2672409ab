"""The contract where people look: every format says what the contract's file says, and what the rules do."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import checkers
import duckdb
import jsonschema
import pytest
import sqlglot
import yaml
from sqlglot import exp

from heytalk_audit import contract
from heytalk_audit.audit.needs import empty_audit, lacking_columns, needs_of
from heytalk_audit.contract import needs, schemas, sql
from heytalk_audit.errors import InputError
from heytalk_audit.handover import contract_pages
from heytalk_audit.handover.contract_formats import printed
from heytalk_audit.rules import RULES
from heytalk_audit.snapshot.statements import read_totals

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "heytalk_audit" / "contract" / "snapshot.odcs.yaml"
#: The one source: table, column, required, category, key, as the file has them.
SOURCE = {
    table["name"]: {
        p["name"]: (bool(p.get("required")), {c["property"]: c["value"] for c in p.get("customProperties", [])}.get("personalDataCategory"))
        for p in table["properties"]
    }
    for table in yaml.safe_load(FILE.read_text("utf-8"))["schema"]
}


class Tables(HTMLParser):
    """The cells of a page's tables, by caption."""

    def __init__(self, page: str):
        super().__init__()
        self.tables, self._cell, self._caption = {}, None, None
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        if tag in ("caption", "td", "th"):
            self._cell = ""
        if tag == "tr" and self._caption:
            self.tables[self._caption].append([])

    def handle_endtag(self, tag):
        if tag == "caption":
            self._caption = self._cell
            self.tables[self._caption] = []
        elif tag in ("td", "th"):
            self.tables[self._caption][-1].append(self._cell)

    def handle_data(self, data):
        if self._cell is not None:
            self._cell += data


def test_page_and_markdown_say_what_the_file_says():
    page = (ROOT / "docs" / "contract.html").read_text("utf-8")
    assert page == printed("html"), "make contract"
    assert not re.search(r"(src|href)=\"?(https?:|//)|url\(", page) and "Content-Security-Policy" in page
    assert "docs/contract.html" in (ROOT / "README.md").read_text("utf-8")
    text, tables = printed("md").replace("\\", ""), Tables(page).tables
    for name, columns in SOURCE.items():
        heads, *rows = tables[f"Columns of {name}"]
        assert tuple(heads) == contract_pages.COLUMNS
        assert [row[0] for row in rows] == list(columns)
        section = text[text.index(f"\n## {name}\n") :].split("\n## ")[1]
        for row, (column, (required, category)) in zip(rows, columns.items(), strict=True):
            assert row[4] == (category or "–") and (row[3] == "never null") == required
            rules = needs.stops_without().get(f"{name}.{column}", ())
            stop = ", ".join(rules) or "–"
            assert row[5] == (f"{len(rules)} rules{stop}" if len(rules) > contract_pages.FEW else stop)
            assert re.search(rf"^\| {column} \| .*{re.escape(category or '')} \| {re.escape(stop.strip('–'))}", section, re.M)
        assert {row[0] for row in tables[f"Rules that read {name}"][1:]} >= set(needs.stops_without().get(name, ()))


@pytest.mark.parametrize("dialect", sql.DIALECTS)
def test_sql_of_six_databases_says_what_the_file_says(dialect):
    statements = [s for s in sqlglot.parse(printed("sql", dialect), dialect=dialect) if not isinstance(s, exp.Set)]
    tables, selects = ([s for s in statements if isinstance(s, kind)] for kind in (exp.Create, exp.Select))
    assert [t.this.this.name for t in tables] == [s.find(exp.Table).name for s in selects] == list(SOURCE)
    for create, select, columns in zip(tables, selects, SOURCE.values(), strict=True):
        described = {c.name: bool(c.find(exp.NotNullColumnConstraint)) for c in create.find_all(exp.ColumnDef)}
        lists = [c.name for c in create.find_all(exp.ColumnDef) if dialect == "bigquery" and c.kind.is_type("array")]
        assert described == {name: required and name not in lists for name, (required, _) in columns.items()}
        assert select.named_selects == list(columns)
    (totals,) = [s for s in sqlglot.parse(printed("sql", dialect, totals=True), dialect=dialect) if not isinstance(s, exp.Set)]
    assert totals.named_selects == list(sql.TOTALS)
    assert {t.name for t in totals.find_all(exp.Table)} == set(SOURCE)


#: Every type that the SQL may name, as each database's manual has it.
TYPES = {
    "postgres": "TEXT TEXT[] VARCHAR TIMESTAMPTZ DATE BOOLEAN BIGINT DECIMAL(18,2) DECIMAL(38,2)",
    "mysql": "TEXT VARCHAR(255) CHAR JSON DATETIME DATETIME(6) DATE BOOLEAN BIGINT SIGNED DECIMAL(18,2) DECIMAL(38,2)",
    "duckdb": "TEXT TEXT[] TIMESTAMPTZ DATE BOOLEAN BIGINT DECIMAL(18,2) DECIMAL(38,2)",
    "snowflake": "VARCHAR ARRAY TIMESTAMPTZ DATE BOOLEAN BIGINT DECIMAL(18,2) DECIMAL(38,2)",
    "bigquery": "STRING ARRAY<STRING> TIMESTAMP DATE BOOL INT64 NUMERIC NUMERIC(18,2)",
    "spark": "STRING ARRAY<STRING> TIMESTAMP DATE BOOLEAN BIGINT DECIMAL(18,2) DECIMAL(38,2)",
}


@pytest.mark.parametrize("dialect", sql.DIALECTS)
def test_sql_names_only_types_that_the_database_has(dialect):
    text = re.sub("--.*", "", printed("sql", dialect)) + re.sub("--.*", "", printed("sql", dialect, totals=True))
    kind = r"([A-Z][A-Z0-9]*(?:\([A-Z0-9, ]+\))?(?:<\w+>|\[\])?)"
    of_columns, of_casts = re.findall(rf"""^  ["`]\w+["`] (?!AS ){kind}""", text, re.M), re.findall(rf"\bAS {kind}\)", text)
    assert len(of_columns) == sum(map(len, SOURCE.values())) and len(of_casts) > 20
    assert {each.replace(", ", ",") for each in (*of_columns, *of_casts)} <= set(TYPES[dialect].split())


ROWS = """
INSERT INTO transactions VALUES ('r1', '', 'other', '2025-01-01 08:00:00+08', 1.5);
INSERT INTO transactions VALUES ('r2', 'u1', 'other', '2025-02-01 00:00:00+00', 2);
INSERT INTO devices (device_id, user_id, platform, first_seen_at) VALUES ('d1', 'u1', 'ios', '2025-01-01 00:00:00.5+00');
"""


def counted(rows: list[tuple], folder: Path) -> None:
    """What a database counted of `ROWS`, and that its result as CSV is what `seal --totals` reads."""
    found = {row[0]: row[1:] for row in rows}
    first, last = "2025-01-01 00:00:00.000000Z", "2025-02-01 00:00:00.000000Z"
    assert [*found["transactions"][:4], float(found["transactions"][4])] == [2, 1, first, last, 3.5]
    assert found["devices"] == (1, 1, "2025-01-01 00:00:00.500000Z", "2025-01-01 00:00:00.500000Z", None)
    assert found["vendors"] == (0, None, None, None, None) and set(found) == set(SOURCE)
    lines = [",".join(sql.TOTALS), *(",".join("" if cell is None else str(cell) for cell in row) for row in rows)]
    (folder / "totals.csv").write_text("\n".join(lines))
    stated = read_totals(folder / "totals.csv")
    assert stated["devices"] == {
        "rows": 1,
        "distinct_users": 1,
        "min_ts": "2025-01-01T00:00:00.500000Z",
        "max_ts": stated["devices"]["min_ts"],
    }
    assert float(stated["transactions"]["control_sum"]) == 3.5 and stated["vendors"] == {"rows": 0}


def test_duckdb_makes_the_tables_and_counts_them(tmp_path):
    con = duckdb.connect()
    con.execute("SET TimeZone = 'Asia/Shanghai'")
    con.execute(printed("sql", "duckdb"))
    con.execute(ROWS)
    counted(con.execute(printed("sql", "duckdb", totals=True)).fetchall(), tmp_path)


@pytest.mark.xdist_group("postgres")
def test_postgresql_makes_the_tables_and_counts_them(postgres, tmp_path):
    import adbc_driver_postgresql.dbapi as driver

    with driver.connect(postgres, autocommit=True) as con, con.cursor() as cursor:
        cursor.execute("CREATE SCHEMA contract")
        cursor.execute("SET search_path TO contract")
        cursor.execute("SET TimeZone TO 'Asia/Shanghai'")
        # every table, and the SELECT that is to fill it
        for statement in f"{printed('sql', 'postgres')}\n{ROWS}".split(";\n"):
            if statement.strip():
                cursor.execute(statement)
        cursor.execute(printed("sql", "postgres", totals=True).strip().removesuffix(";"))
        counted(cursor.fetchall(), tmp_path)


def test_the_json_schema_says_what_the_file_says():
    document = json.loads(printed("json-schema"))
    jsonschema.Draft202012Validator.check_schema(document)
    assert {name: list(table["properties"]) for name, table in document["$defs"].items()} == {t: sorted(c) for t, c in SOURCE.items()}
    for name, columns in SOURCE.items():
        found = document["$defs"][name]
        assert set(found["required"]) == {column for column, (required, _) in columns.items() if required}
        assert {c: p.get("x-personal-data-category") for c, p in found["properties"].items()} == {c: k for c, (_, k) in columns.items()}
    row = {"device_id": "d1", "user_id": "u1", "platform": "ios", "first_seen_at": "2025-01-01T00:00:00Z", "ad_id": None}
    validator = jsonschema.Draft202012Validator(schemas.snapshot_schema() | {"required": []})
    assert validator.is_valid({"devices": [row]}) and not validator.is_valid({"devices": [row | {"platform": "pager"}]})


def test_no_description_steers_a_page_or_a_statement(monkeypatch):
    hostile = "<script>alert(1)</script> | [a](b)\n; DROP TABLE users; --"
    table = contract.load()["devices"]
    column = replace(table.columns[0], description=hostile, category="<img src=x>")
    tables = {"devices": replace(table, description=hostile, columns=(column, *table.columns[1:]))}
    monkeypatch.setattr(contract, "load", lambda: tables)
    assert "<script>alert" not in printed("html") and "<img" not in printed("html")
    assert "<script>" not in printed("md") and "\\[a\\]" in printed("md")
    assert [type(s) for s in sqlglot.parse(printed("sql"), dialect="postgres")] == [exp.Create, exp.Select]


@pytest.mark.parametrize(
    ("format", "dialect", "totals", "hint"),
    [("html", "mysql", False, "--format sql"), ("md", None, True, "--format sql"), ("sql", "mysq", False, "did you mean 'mysql'")],
)
def test_options_that_do_not_go_together_are_refused(format, dialect, totals, hint):
    with pytest.raises(InputError, match=hint):
        printed(format, dialect, totals)


def test_what_rules_need_is_fresh():
    """A third of the rules is built with the columns that each is said to need, and no other; of some each column is left out."""
    stored = needs.of_rules()
    assert set(stored) == set(RULES), "make contract"
    for id, rule in RULES.items():
        assert set(stored[id].tables) == set(rule.tables_with_people) & set(SOURCE) - set(rule.optional), f"{id}: make contract"
    with empty_audit() as audit:
        for id in sorted(RULES)[::3]:
            columns = {}
            for table, _, name in (column.partition(".") for column in stored[id].columns):
                columns.setdefault(table, set()).add(name)
            assert lacking_columns(RULES[id], audit, columns) == [], f"{id}: make contract"
        for id in ("COL-03", "DQ-08", "RGT-04", "SEC-01"):
            assert needs_of(RULES[id], audit) == stored[id], f"{id}: make contract"


def test_what_a_rule_lacks_of_a_delivery():
    sen04 = needs.of_rules()["SEN-04"]
    assert sen04.lacking({"users": ["user_id", "is_test"]}) == ("profile_attributes",)
    delivered = {table: set(SOURCE[table]) for table in ("users", "profile_attributes", "content_items")}
    assert sen04.lacking(delivered) == ()
    assert sen04.lacking(delivered | {"content_items": {"content_id", "user_id", "deleted_at"}}) == ("content_items.text",)


def test_the_open_tool_accepts_the_contract():
    done = checkers.run("datacontract", "lint", FILE)
    assert done.returncode == 0, done.stdout
