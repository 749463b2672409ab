"""The queue of texts that two people read: drawn by the audit, written outside of every run, as it holds what people wrote."""

from __future__ import annotations

import csv
from pathlib import Path

import ibis.expr.types as ir

from heytalk_audit.audit.audit import Audit
from heytalk_audit.audit.evaluate import Evaluation, evaluate
from heytalk_audit.audit.pseudonym import with_pseudonyms
from heytalk_audit.audit.sampling import pseudonyms
from heytalk_audit.detect.places import PLACES
from heytalk_audit.disk.placing import new_file
from heytalk_audit.errors import visible
from heytalk_audit.rules import RULES
from heytalk_audit.running.session import Session

COLUMNS = ("rule", "record", "sample", "text", "reviewer", "label")
#: A line of the queue: the values of COLUMNS.
Line = tuple[str, str, str, str, str, str]
#: What makes a spreadsheet take a cell for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write_queue(params: Path, overrides: list[str], target: Path) -> int:
    """Write the samples of the audit's rules with their texts to a CSV file that only its owner may read; returns its rows.

    Each line has an empty `reviewer` and `label` for a person to fill in. Raises InputError.
    """
    with new_file(target, f"queue {target.name}") as file:
        session = Session(params, overrides)
        judged = [RULES[id] for id in session.rules if RULES[id].judged]
        lines = [line for rule in judged for line in _lines(evaluate(rule, session.audit), session.audit, session.key_pads)]
        with file.open("w", encoding="utf-8", newline="") as handle:
            csv.writer(handle, lineterminator="\n").writerows([COLUMNS, *lines])
        return len(lines)


def _lines(evaluation: Evaluation, audit: Audit, pads: ir.Table) -> list[Line]:
    drawn: dict[str, list[str]] = {}
    texts: dict[str, str] = {}
    for sample in evaluation.samples:
        texts |= texts_of(sample.drawn, audit, pads)
        for record in pseudonyms(sample, pads, audit.snapshot.engine):
            drawn.setdefault(record, []).append(sample.of)
    rule = evaluation.rule.id
    return sorted((rule, record, " and ".join(of), readable_cell(texts.get(record, "")), "", "") for record, of in drawn.items())


def texts_of(records: ir.Table, audit: Audit, pads: ir.Table) -> dict[str, str]:
    """The texts of a few records by their pseudonym, several of one record one under the other; `records` has one column of that name."""
    texts: dict[str, list[str]] = {}
    for place in PLACES.values():
        if place.is_in(audit.snapshot.tables):
            written = place.written(audit.snapshot.tables[place.table]).semi_join(records, "record")
            for record, text in audit.snapshot.engine.rows(with_pseudonyms(written, pads))[["record", "text"]].itertuples(
                index=False, name=None
            ):
                texts.setdefault(record, []).append(text)
    return {record: "\n".join(parts) for record, parts in texts.items()}


def readable_cell(text: str) -> str:
    """Text as a cell that no spreadsheet takes for a formula and no terminal obeys."""
    shown = visible(text)
    return f"'{shown}" if shown.lstrip().startswith(_FORMULA) else shown
