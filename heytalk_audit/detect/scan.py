"""`scan`: what is sensitive in texts, by kind, place and confidence. No value that was found is kept, logged or shown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pandas as pd
import pyarrow as pa

from heytalk_audit.detect import context, gate, numerals
from heytalk_audit.detect.fold import fold, key
from heytalk_audit.detect.patterns import Found, Pattern

CONFIDENCES = ("high", "medium", "low")
#: Of two findings at one place the more confident is kept, then the first in this order.
PRECEDENCE = (
    "email iban cn_id card tr_id es_id secret url ad_id digest mac ip gps imei us_ssn bank_account password phone"
).split()
COLUMNS = ["row", "kind", "start", "end", "confidence"]
WINDOW = (100, 300)  # characters before and after an anchor


def scan(texts: Iterable[str | None] | pa.Array | pa.ChunkedArray, hint: str | None = None) -> pd.DataFrame:
    """Sensitive values in texts.

    Parameters
    ----------
    texts : iterable or Arrow array of str
        Nulls are allowed and hold nothing.
    hint : str, optional
        A kind that the texts' column is known to be of; it counts as a word near each value.

    Returns
    -------
    DataFrame
        row, kind, start, end, confidence (high, medium, low); offsets in characters of the original text; by row and start.
    """
    found = [(base + row, *rest) for base, array in gate.batches(texts) for row, rest in _batch(array, hint)]
    frame = pd.DataFrame(found, columns=["row", "start", "end", "kind", "confidence"])
    return frame[COLUMNS].sort_values(["row", "start"], ignore_index=True).astype({"row": "int64", "start": "int64", "end": "int64"})


def _batch(array: pa.Array, hint: str | None) -> Iterator[tuple[int, numerals.Finding]]:
    rows = gate.matches(array, f"{gate.marks()}|{gate.numbers()}") if hint is None else range(len(array))
    kept = array.take(pa.array(rows, pa.int64()))
    by_row: dict[int, list[numerals.Finding]] = {}
    for row, finding in [*_numbers(kept, hint), *_marks(kept, hint)]:
        by_row.setdefault(row, []).append(finding)
    for row, findings in by_row.items():
        for finding in _resolved(findings):
            yield int(rows[row]), finding


def _numbers(array: pa.Array, hint: str | None) -> Iterator[tuple[int, numerals.Finding]]:
    rows = gate.matches(array, gate.numbers() if hint is None else r"\p{Nd}")
    for row, finding in numerals.find(array.take(pa.array(rows)).to_pylist(), hint) if len(rows) else ():
        yield int(rows[row]), finding


def _marks(array: pa.Array, hint: str | None) -> Iterator[tuple[int, numerals.Finding]]:
    rows = gate.matches(array, gate.marks())
    array = array.take(pa.array(rows))
    for pattern in gate.PATTERNS_ALL:
        hits = gate.matches(array, pattern.gate)
        for row, text in zip(hits.tolist(), array.take(pa.array(hits)).to_pylist(), strict=True):
            for finding in _find(pattern, fold(text), hint):
                yield int(rows[row]), finding


def _find(pattern: Pattern, text: str, hint: str | None) -> Iterator[numerals.Finding]:
    for match, offset in _search(pattern, text):
        group = "value" if "value" in pattern.regex.groupindex else 0
        start, end = match.start(group) + offset, match.end(group) + offset
        before, after = key(text[max(0, start - context.REACH) : start]), key(text[end : end + context.REACH])
        confidence = pattern.judge(Found(match, context.label(before, after) or hint, before, after))
        if confidence:
            yield start, end, pattern.kind, confidence


def _search(pattern: Pattern, text: str):
    if not pattern.anchor:
        yield from ((match, 0) for match in pattern.regex.finditer(text))
        return
    at, done = text.find(pattern.anchor), 0
    while at >= 0:
        offset = max(done, at - WINDOW[0])
        match = pattern.regex.search(text[offset : at + WINDOW[1]])
        if match:
            yield match, offset
            done = offset + match.end()
        at = text.find(pattern.anchor, max(at + 1, done))


def _resolved(findings: list[numerals.Finding]) -> list[numerals.Finding]:
    """Findings that do not overlap."""
    if len(findings) == 1:
        return findings
    kept: list[numerals.Finding] = []
    for finding in sorted(set(findings), key=lambda f: (CONFIDENCES.index(f[3]), PRECEDENCE.index(f[2]), f[0] - f[1])):
        if all(finding[1] <= other[0] or finding[0] >= other[1] for other in kept):
            kept.append(finding)
    return kept
