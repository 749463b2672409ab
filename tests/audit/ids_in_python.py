"""Run as a program on a snapshot whose ids all hold MARK: evaluates rules that read no text, then looks for MARK in everything that Python
holds. Prints a line for each object that has it."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from heytalk_audit.audit.acceptance import coverage_of
from heytalk_audit.audit.audit import READ_FROM_TEXTS, Audit
from heytalk_audit.audit.check import Rule
from heytalk_audit.audit.evaluate import evaluate
from heytalk_audit.audit.exceptions import write_exceptions
from heytalk_audit.audit.pseudonym import key_pads
from heytalk_audit.audit.results import summarise
from heytalk_audit.policy import load_policy
from heytalk_audit.policy.settings import settings_of
from heytalk_audit.rules import RULES
from heytalk_audit.snapshot.engines import connect
from heytalk_audit.snapshot.open import open_snapshot

#: Put together here, so that this program's own text does not hold it.
MARK = "".join(("plan", "ted", "-id"))


def audited(snapshot: Path, work: Path, rules: Iterable[Rule]) -> list[object]:
    """Everything that a run keeps of these rules."""
    engine, policy = connect(), load_policy()
    audit = Audit(open_snapshot(snapshot, engine, work), policy, settings_of(policy, {}))
    pads = key_pads(b"a key of more than thirty-two bytes", engine)
    kept: list[object] = [audit, pads]
    for rule in rules:
        evaluation = evaluate(rule, audit, raises=True)
        coverage = coverage_of(evaluation, [], pads, engine, audit.clock.today)
        write_exceptions(evaluation, engine, pads, work / f"{rule.id}.parquet", coverage.covering)
        kept.append((evaluation, summarise(evaluation, audit, pads), coverage))
    return kept


def holding(mark: bytes) -> Iterator[str]:
    """The kind of each object reachable from what the collector knows that holds the bytes."""
    seen: set[int] = set()
    waiting: list[object] = gc.get_objects()
    while waiting:
        one = waiting.pop()
        if id(one) in seen or one is seen or one is waiting:
            continue
        seen.add(id(one))
        if _bytes_of(one).find(mark) >= 0 and one not in (MARK, mark):
            yield f"{type(one).__module__}.{type(one).__qualname__}: {str(one)[:80]}"
        waiting.extend(gc.get_referents(one))


def _bytes_of(one: object) -> bytes:
    match one:
        case str():
            return one.encode("utf-8", "surrogatepass")
        case bytes() | bytearray():
            return bytes(one)
        case pd.Series() | pd.Index() | pd.DataFrame():
            return repr(one.to_numpy().tolist()).encode()
        case np.ndarray():
            return repr(one.tolist()).encode() if one.dtype == object else np.asarray(one).tobytes()
        case pa.Buffer():
            return one.to_pybytes()
        case pa.Table() | pa.RecordBatch() | pa.Array() | pa.ChunkedArray():
            return repr(one.to_pylist()).encode()
    return b""


def main() -> int:
    is_trial = len(sys.argv) > 3  # the look itself is put to the test, by something that holds an id beside a few rules
    reading_no_text = [rule for rule in RULES.values() if not set(READ_FROM_TEXTS) & set(rule.tables)]
    kept = audited(Path(sys.argv[1]), Path(sys.argv[2]), reading_no_text[:3] if is_trial else reading_no_text)
    if is_trial:
        kept.append({"held": [f"{MARK}-17"]})
    gc.collect()
    for line in holding(MARK.encode()):
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
