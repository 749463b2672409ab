"""`scan`: what is sensitive in texts, by kind, place and confidence. No value that was found is kept, logged or shown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd
import pyarrow as pa

from heytalk_audit.detect import gate, numerals
from heytalk_audit.detect.fold import fold

CONFIDENCES = ("high", "medium", "low")
#: Of two findings at one place the more confident is kept, then the first in this order.
PRECEDENCE = (
    "email iban cn_id card tr_id es_id secret url ad_id digest mac ip gps imei us_ssn bank_account password phone"
).split()
PIECE = 1 << 20  # characters of text whose numbers are looked at together: what a processor's cache holds
COLUMNS = ["row", "kind", "start", "end", "confidence"]


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
    rows = gate.matches(array, gate.first()) if hint is None else np.arange(len(array))
    kept = array.take(pa.array(rows, pa.int64()))
    by_row: dict[int, list[numerals.Finding]] = {}
    for row, finding in [*_numbers(kept, hint), *_marks(kept, hint)]:
        by_row.setdefault(row, []).append(finding)
    for row, findings in by_row.items():
        for finding in _resolved(findings):
            yield int(rows[row]), finding


def _numbers(array: pa.Array, hint: str | None) -> Iterator[tuple[int, numerals.Finding]]:
    """Numbers, texts in ASCII apart: they take a byte a character, and a quarter of the time."""
    rows = gate.matches(array, gate.numbers() if hint is None else r"\p{Nd}").tolist()
    texts = list(zip(rows, array.take(pa.array(rows, pa.int64())).to_pylist(), strict=True))
    step = 1 + len(texts) * PIECE // (1 + sum(len(text) for _, text in texts))
    for ascii in (True, False):
        part = [(row, text) for row, text in texts if text.isascii() is ascii]
        for at in range(0, len(part), step):
            for row, finding in numerals.find([text for _, text in part[at : at + step]], hint):
                yield part[at + row][0], finding


def _marks(array: pa.Array, hint: str | None) -> Iterator[tuple[int, numerals.Finding]]:
    rows = gate.matches(array, gate.marks())
    array = array.take(pa.array(rows))
    for patterns in (gate.COMMON, gate.RARE):
        among = gate.matches(array, gate.union(patterns))
        texts = [fold(text) for text in array.take(pa.array(among)).to_pylist()]
        folded = pa.array(texts, pa.large_string())
        for pattern in patterns:
            for at in gate.matches(folded, pattern.gate).tolist():
                for finding in pattern.find(texts[at], hint):
                    yield int(rows[among[at]]), finding


def _resolved(findings: list[numerals.Finding]) -> list[numerals.Finding]:
    """Findings that do not overlap."""
    if len(findings) == 1:
        return findings
    kept: list[numerals.Finding] = []
    for finding in sorted(set(findings), key=lambda f: (CONFIDENCES.index(f[3]), PRECEDENCE.index(f[2]), f[0] - f[1])):
        if all(finding[1] <= other[0] or finding[0] >= other[1] for other in kept):
            kept.append(finding)
    return kept
