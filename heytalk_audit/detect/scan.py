"""`scan`: sensitive values in texts, by kind, place and confidence. No value is kept, logged or shown."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
import pandas as pd
import pyarrow as pa

from heytalk_audit.detect import excerpts, numerals, patterns
from heytalk_audit.detect.collector import uncollected
from heytalk_audit.detect.context import Words
from heytalk_audit.detect.excerpts import Excerpts, Texts
from heytalk_audit.detect.marks import PATTERNS
from heytalk_audit.detect.passwords import PASSWORDS
from heytalk_audit.vocabulary import KINDS

CONFIDENCES = ("high", "medium", "low")
COLUMNS = ["row", "kind", "start", "end", "confidence"]
_RANK = {kind: rank for rank, kind in enumerate(KINDS)}


def scan(texts: Iterable[str | None] | pa.Array | pa.ChunkedArray, hint: str | None = None) -> pd.DataFrame:
    """Sensitive values in texts.

    Parameters
    ----------
    texts : iterable or Arrow array of str
        Nulls are allowed and hold nothing.
    hint : str, optional
        A kind that the column's name speaks of; it counts as a word near each value.

    Returns
    -------
    DataFrame
        row, kind, start, end, confidence (high, medium, low); offsets in characters of the original text; by row and start.
    """
    with uncollected():
        findings = [_every(Texts.of(array), hint) + np.array([[base], [0], [0], [0], [0]]) for base, array in excerpts.batches(texts)]
    columns = np.concatenate([np.zeros((5, 0), np.int64), *findings], 1)
    row, kind, start, end, confidence = columns[:, np.lexsort((columns[2], columns[0]))]
    kinds, confidences = np.array(KINDS, object)[kind], np.array(CONFIDENCES, object)[confidence]
    return pd.DataFrame({"row": row, "kind": kinds, "start": start, "end": end, "confidence": confidences}, columns=COLUMNS)


def _every(texts: Texts, hint: str | None) -> np.ndarray:
    """Findings of one chunk, cards that are broken over two lines among them."""
    findings, rows = _scanned(texts, hint), _broken(texts)
    if not len(rows):
        return findings
    written = [bytes(texts.data[texts.offsets[row] : texts.offsets[row + 1]]).decode("utf-8", "replace") for row in rows.tolist()]
    mended = pa.array([_BREAK.sub(lambda gap: " " * len(gap[0]), text) for text in written], pa.large_string())
    cards = _scanned(Texts.of(mended), hint)
    cards = cards[:, (cards[1] == _RANK["card"]) & (cards[4] < CONFIDENCES.index("low"))]
    across = [any(char in written[row][start:end] for char in "\r\n") for row, _, start, end, _ in cards.T.tolist()]
    cards = cards[:, np.array(across, bool)]
    cards[0] = rows[cards[0]]
    apart = [_apart(finding, cards[:, cards[0] == finding[0]]) for finding in findings.T]
    return np.concatenate([findings[:, np.array(apart, bool)], cards], 1)


#: What breaks a number in two: the end of a line, with a sign before it and a blank after it at most.
_BREAK = re.compile(r"(?<=[0-9])[ \t.-]?(?:\r\n|\r|\n)[ \t]?(?=[0-9])")


def _broken(texts: Texts) -> np.ndarray:
    """The rows in which a digit stands on either side of the end of a line, as a first look tells."""
    data = np.concatenate([np.zeros(3, np.uint8), texts.data, np.zeros(3, np.uint8)])
    at = np.flatnonzero((data == ord("\n")) | (data == ord("\r")))
    before = _is_digit(data[at - 1]) | _is_digit(data[at - 2]) | _is_digit(data[at - 3])
    after = _is_digit(data[at + 1]) | _is_digit(data[at + 2]) | _is_digit(data[at + 3])
    rows = np.unique(np.searchsorted(texts.offsets, at[before & after] - 3, "right") - 1)
    return rows[(rows >= 0) & (rows < len(texts.offsets) - 1)]


def _is_digit(codes: np.ndarray) -> np.ndarray:
    digit: np.ndarray = (codes - np.uint8(48)) < 10
    return digit


def _apart(finding: np.ndarray, others: np.ndarray) -> bool:
    """Whether a finding overlaps none of the others of its row."""
    return bool(((others[3] <= finding[2]) | (others[2] >= finding[3])).all())


def _scanned(texts: Texts, hint: str | None) -> np.ndarray:
    """Findings of one chunk. A row with a finding that touches the cut of its excerpt is read again, whole."""
    parts = excerpts.parts(texts) if hint is None else excerpts.whole(texts, np.arange(len(texts.offsets) - 1))
    findings = [_findings(Excerpts(texts, lot), hint) for lot in excerpts.lots(parts)]
    columns = np.concatenate([np.zeros((6, 0), np.int64), *findings], 1)
    again = np.unique(columns[0, columns[5] > 0])
    if not len(again):
        return columns[:5]
    read = [_findings(Excerpts(texts, lot), hint) for lot in excerpts.lots(excerpts.whole(texts, again))]
    return np.concatenate([columns[:, ~np.isin(columns[0], again)], *read], 1)[:5]


def _findings(excerpt: Excerpts, hint: str | None) -> np.ndarray:
    """Row, kind, start, end, confidence of each finding, and whether it touches a cut: one array of each; kind and confidence as ranks."""
    lines, parts = excerpt.lines, excerpt.parts
    words = Words(lines)
    findings = [
        *numerals.find_numerals(lines, words, hint),
        *patterns.find_patterns([*PATTERNS, *PASSWORDS], lines, parts.flags, words, hint),
    ]
    table = np.array([(start, end, _RANK[kind], CONFIDENCES.index(confidence)) for start, end, kind, confidence in findings], np.int64)
    start, end, kind, confidence = _resolved(table.reshape(-1, 4)).T
    line = lines.of(start)
    low, high = lines.start[line], lines.end[line]
    cut = ~parts.whole[line] & ((start == low) | (end == high))
    move = excerpt.offset(line) - low
    return np.stack([parts.row[line], kind, start + move, end + move, confidence, cut])


def _resolved(findings: np.ndarray) -> np.ndarray:
    """Findings that do not overlap. Of those that do, the most confident is kept, then the first by `KINDS`, then the longest."""
    findings = findings[np.lexsort((findings[:, 1], findings[:, 0]))]
    apart = np.append(True, findings[1:, 0] >= np.maximum.accumulate(findings[:, 1])[:-1])[: len(findings)]
    first = np.flatnonzero(apart)
    size = np.diff(np.append(first, len(findings)))
    clusters = [_best(findings[at : at + count]) for at, count in zip(first[size > 1].tolist(), size[size > 1].tolist(), strict=True)]
    findings = np.concatenate([findings[first[size == 1]], *clusters])
    return findings[np.argsort(findings[:, 0])]


def _best(cluster: np.ndarray) -> np.ndarray:
    kept: list[list[int]] = []
    for finding in sorted(cluster.tolist(), key=lambda f: (f[3], f[2], f[0] - f[1])):
        if all(finding[1] <= other[0] or finding[0] >= other[1] for other in kept):
            kept.append(finding)
    return np.array(sorted(kept), np.int64)
