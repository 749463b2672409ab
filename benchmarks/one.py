"""One thing, measured in a process of its own; prints what it found as a line of JSON.

    python benchmarks/one.py {rules|query|whole|decode|person|empty} SNAPSHOT WORK [RULE ...]

`rules` evaluates each rule whole, exceptions file included; `query` runs a rule's query alone; `whole` evaluates it; `decode` reads every
column that the catalogue reads once; `person` evaluates each rule over the rows of one person.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from pathlib import Path
from typing import Any

import hand
import ours

from heytalk_audit import contract
from heytalk_audit.audit.audit import Audit
from heytalk_audit.audit.faults import NotEvaluated
from heytalk_audit.rules import RULES
from heytalk_audit.snapshot.quoting import name


def rules(audit: Audit, work: Path, ids: list[str]) -> dict[str, Any]:
    """Seconds of each rule's whole evaluation: wall, processor, verdict, rows that do not pass."""
    ours.warm(audit)
    return {id: ours.seconds_of(RULES[id], audit, work / f"{id}.parquet") for id in ids or sorted(RULES)}


def query(audit: Audit, work: Path, ids: list[str]) -> dict[str, Any]:
    """Run the queries of rules, and what they share, into tables, and nothing else."""
    ours.warm(audit)
    sql = [(RULES[id], ours.queries(RULES[id], audit)) for id in ids]
    return _used(lambda: [(ours.share(rule, audit), ours.run_queries(queries, hand.connection(audit))) for rule, queries in sql])


def whole(audit: Audit, work: Path, ids: list[str]) -> dict[str, Any]:
    """Evaluate rules whole."""
    ours.warm(audit)
    return _used(lambda: [ours.evaluate_and_write(RULES[id], audit, work / f"{id}.parquet") for id in ids])


def decode(audit: Audit, work: Path, ids: list[str]) -> dict[str, Any]:
    """Decode once every column that some rule's query names, table by table."""
    con, sql = hand.connection(audit), _all_sql(audit)
    reads = {
        table: [c for c in view.columns if any(f'"{c}"' in text and f'"{table}"' in text for text in sql)]
        for table, view in audit.snapshot.tables.items()
    }
    queries = [f"SELECT {', '.join(_read(contract.load()[t][c]) for c in columns)} FROM {t}" for t, columns in reads.items() if columns]
    return _used(lambda: [con.execute(text).fetchall() for text in queries]) | {"columns": sum(map(len, reads.values()))}


def person(audit: Audit, work: Path, ids: list[str]) -> dict[str, Any]:
    """Seconds by the clock of keeping the rows of one person, and of each rule's whole evaluation over them (see `rules`)."""
    begun = time.perf_counter()
    alone = ours.of_one_person(audit)
    filtering = time.perf_counter() - begun
    return {"filtering": filtering, "rules": rules(alone, work, ids)}


def empty(audit: Audit, work: Path, ids: list[str]) -> dict[str, Any]:
    """Open the snapshot, and do nothing."""
    return _used(lambda: None)


def _read(column: contract.Column) -> str:
    """An aggregate that needs every value of a column."""
    quoted = name(column.name)
    return {"string": f"sum(strlen({quoted}))", "array": f"sum(len({quoted}))"}.get(column.kind, f"max({quoted})")


def _all_sql(audit: Audit) -> list[str]:
    texts = []
    for rule in RULES.values():
        try:
            queries = ours.queries(rule, audit)
        except NotEvaluated:
            continue
        texts += [*queries.shared.values(), *queries.own.values()]
    return texts


def _used(run: Any) -> dict[str, Any]:
    begun, used = time.perf_counter(), time.process_time()
    run()
    taken = {"wall": time.perf_counter() - begun, "cpu": time.process_time() - used}
    return taken | {"peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3}


def main() -> None:
    """Measure as the command line asks."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("rules", "query", "whole", "decode", "person", "empty"))
    parser.add_argument("snapshot", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("rules", nargs="*")
    args = parser.parse_args()
    audit = ours.opened(args.snapshot, args.work)
    measured = globals()[args.what](audit, args.work, args.rules)
    ours.close(audit)
    print("\n" + json.dumps(measured))


if __name__ == "__main__":
    main()
