"""Rules of consent and minors over a generated world, each beside the best hand-written DuckDB SQL for it.

    python benchmarks/consent.py [FOLDER] [--sends N] [--events N] [--people N] [--pairs N] [--rules ID ...]

The world is written to FOLDER (default: a temporary one) unless it is there. Prints, per rule, the median seconds of both, and the
median and range of their ratio over interleaved pairs: once by the clock, once by the processor's time, which other work on the machine
changes less. Both write the rows that do not pass, with person and reason, into a table; they must be as many.
"""

from __future__ import annotations

import argparse
import datetime as dt
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import ibis.expr.types as ir
from consent_by_hand import BY_HAND

from heytalk_audit import contract
from heytalk_audit.audit.classify import classify
from heytalk_audit.expressions.calendar import Clock
from heytalk_audit.policy import load_policy
from heytalk_audit.policy.settings import settings_of
from heytalk_audit.policy.view import View
from heytalk_audit.rules import RULES
from heytalk_audit.snapshot.duck import Duck
from heytalk_audit.snapshot.engines import connect

AS_OF = dt.datetime(2025, 3, 1, 12)

#: One SELECT per table; every value follows from the row's number, so that the same numbers are the same world.
WORLD = {
    "users": """
        SELECT 'u' || lpad(range::VARCHAR, 8, '0') AS user_id,
               ['active', 'active', 'active', 'active', 'active', 'suspended', 'banned', 'deleted'][1 + (hash(range) % 8)::INT] AS status,
               TIMESTAMPTZ '2022-12-01 00:00+00' + to_seconds((hash(range * 41) % 60000000)::BIGINT) AS created_at,
               CASE WHEN hash(range) % 8 = 7 THEN TIMESTAMPTZ '2024-11-01 00:00+00' END AS deleted_at,
               CASE WHEN hash(range * 43) % 50 > 0 THEN DATE '1950-01-01' + (hash(range * 47) % 24000)::INT END AS birth_date,
               ['EEA', 'EEA', 'UK', 'TR', 'OTHER', NULL][1 + (hash(range * 53) % 6)::INT] AS law_region,
               ['public', 'friends', 'private'][1 + (hash(range * 59) % 3)::INT] AS profile_visibility,
               range % 1000 = 999 AS is_test
        FROM range({people})""",
    "policy_versions": """
        SELECT range::VARCHAR AS policy_version, 'x' AS sha256,
               TIMESTAMPTZ '2022-01-01 00:00+00' AS effective_at, TRUE AS material, 'en' AS language
        FROM range(3)""",
    "content_items": """
        SELECT 'i' || range AS content_id, 'u' || lpad((hash(range * 61) % {people})::VARCHAR, 8, '0') AS user_id,
               ['photo', 'video', 'post', 'chat'][1 + (hash(range * 67) % 4)::INT] AS kind,
               ['user_selected', 'auto', NULL][1 + (hash(range * 71) % 3)::INT] AS selection_method, 'private' AS visibility,
               TIMESTAMPTZ '2023-12-01 00:00+00' + to_seconds((hash(range * 73) % 39000000)::BIGINT) AS created_at
        FROM range({people} * 2)""",
    "disclosures": """
        SELECT 'd' || range AS disclosure_id, 'u' || lpad((hash(range * 79) % {people})::VARCHAR, 8, '0') AS user_id, 'v' AS vendor_id,
               ['advertising', 'sdk', 'processor'][1 + (hash(range * 83) % 3)::INT] AS kind, 'advertising' AS purpose,
               ['ad_id'] AS fields, 'hashed' AS identifier_form,
               TIMESTAMPTZ '2024-06-01 00:00+00' + to_seconds((hash(range * 89) % 23000000)::BIGINT) AS sent_at
        FROM range({people} * 2)""",
    "consents": """
        SELECT 'c' || range AS consent_id, 'u' || lpad((hash(range) % {people})::VARCHAR, 8, '0') AS user_id,
               ['marketing_push', 'marketing_email', 'marketing_sms', 'policy_acceptance', 'media']
                   [1 + (hash(range * 7) % 5)::INT] AS purpose,
               ['grant', 'grant', 'grant', 'grant', 'grant', 'grant', 'grant', 'withdraw', 'opt_out', 'refuse']
                   [1 + (hash(range * 3) % 10)::INT] AS action,
               TIMESTAMPTZ '2022-12-01 00:00+00' + to_seconds((hash(range * 11) % 71000000)::BIGINT) AS event_at,
               hash(range * 13) % 20 > 0 AS explicit,
               ['in_app', 'web', 'double_optin', 'in_app', 'bundled_terms'][1 + (hash(range * 17) % 5)::INT] AS method,
               CASE WHEN hash(range * 19) % 20 > 0 THEN '1' END AS policy_version
        FROM range({events})""",
    "outbound_messages": """
        SELECT 'm' || range AS message_id, 'u' || lpad((hash(range * 5) % {people})::VARCHAR, 8, '0') AS user_id,
               ['push', 'email', 'sms'][1 + (hash(range * 23) % 3)::INT] AS channel,
               ['marketing', 'marketing', 'marketing', 'marketing', 'service', 'unknown'][1 + (hash(range * 29) % 6)::INT] AS category,
               TIMESTAMPTZ '2024-12-01 00:00+00' + to_seconds((hash(range * 31) % 7800000)::BIGINT) AS sent_at,
               ['sent', 'delivered', 'delivered', 'bounced', 'suppressed'][1 + (hash(range * 37) % 5)::INT] AS status
        FROM range({sends})""",
}


def write(folder: Path, **sizes: int) -> None:
    """The world's tables, where they are not there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, select in WORLD.items():
        path = folder / f"{name}.parquet"
        if not path.exists():
            duckdb.connect().execute(f"COPY ({select.format(**sizes)}) TO '{path}' (FORMAT parquet)")


def tables(engine: Duck, folder: Path) -> dict[str, ir.Table]:
    """Views with all of the contract's columns: those that the world does not fill are null."""
    con, views = engine.backend.con, {}
    for name in WORLD:
        path = folder / f"{name}.parquet"
        filled = {row[0] for row in con.execute(f"DESCRIBE SELECT * FROM read_parquet('{path}')").fetchall()}
        views[name] = engine.open(name, [path], [(c, c.name in filled) for c in contract.load()[name].columns])
    return views


def ours(engine: Duck, views: dict[str, ir.Table], id: str) -> Callable[[], int]:
    """The rule as the audit runs it, up to its rows that do not pass: expression, compilation, execution."""
    policy, testers = load_policy(), views["users"].filter(views["users"].is_test).select(tester="user_id").distinct()

    def run() -> int:
        view = View(policy, Clock(AS_OF), settings_of(policy, {}))
        check = RULES[id].build(**{name: view if name == "policy" else views.get(name) for name in RULES[id].arguments})
        table = RULES[id].tables[0]
        record = f"{table}:" + check.rows[contract.load()[table].key]
        _, _, count = engine.keep("kept", classify(check, record, testers))
        return count

    return run


def by_hand(engine: Duck, id: str) -> Callable[[], int]:
    """The hand-written SQL, likewise into a table."""

    def run() -> int:
        engine.backend.con.execute(f"CREATE OR REPLACE TEMP TABLE by_hand AS {BY_HAND[id]}")
        return engine.backend.con.table("temp.main.by_hand").shape[0]

    return run


def timed(run: Callable[[], int]) -> tuple[float, float, int]:
    """Seconds by the clock, seconds of the processor, and rows."""
    begun, used = time.perf_counter(), time.process_time()
    rows = run()
    return time.perf_counter() - begun, time.process_time() - used, rows


def compare(rule: Callable[[], int], sql: Callable[[], int], pairs: int) -> tuple[list[tuple[float, float, int]], ...]:
    """Measurements of both, taken in turns; the first time reads the files into the system's cache and is not kept."""
    timed(rule), timed(sql)
    measurements: dict[Callable[[], int], list[tuple[float, float, int]]] = {rule: [], sql: []}
    for n in range(pairs):
        for run in (rule, sql) if n % 2 == 0 else (sql, rule):
            measurements[run].append(timed(run))
    return measurements[rule], measurements[sql]


def described(rule: list[tuple[float, float, int]], sql: list[tuple[float, float, int]], column: int) -> str:
    """Medians, and the median and range of the ratio."""
    ratios = [a[column] / b[column] for a, b in zip(rule, sql, strict=True)]
    mine, hand = (statistics.median(m[column] for m in measured) for measured in (rule, sql))
    return f"{mine:.2f} s, by hand {hand:.2f} s, ratio {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


def main() -> None:
    """Each rule, both ways."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path)
    for name, size in (("sends", 10_000_000), ("events", 3_000_000), ("people", 1_000_000), ("pairs", 9)):
        parser.add_argument(f"--{name}", type=int, default=size)
    parser.add_argument("--rules", nargs="*", default=list(BY_HAND), choices=BY_HAND)
    args = parser.parse_args()
    folder = args.folder or Path(tempfile.mkdtemp(prefix="heytalk-audit-bench-"))
    write(folder, sends=args.sends, events=args.events, people=args.people)
    engine = connect()
    views = tables(engine, folder)
    for id in args.rules:
        rule, sql = compare(ours(engine, views, id), by_hand(engine, id), args.pairs)
        rows = {measured[2] for measured in rule + sql}
        if len(rows) != 1:
            raise SystemExit(f"{id}: the two ways find different numbers of rows: {sorted(rows)}")
        print(
            f"{id} ({rows.pop():,} rows do not pass)",
            f"clock: {described(rule, sql, 0)}",
            f"processor: {described(rule, sql, 1)}",
            sep="\n  ",
        )


if __name__ == "__main__":
    main()
