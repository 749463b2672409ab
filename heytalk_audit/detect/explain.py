"""`explain`: what `scan` finds, with the evidence for each finding's confidence and the shape of its value; never the value."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pandas as pd
import pyarrow as pa

from heytalk_audit.detect import checksums, context, phones
from heytalk_audit.detect.columns import digits_of
from heytalk_audit.detect.excerpts import batches
from heytalk_audit.detect.fold import fold, fold_key
from heytalk_audit.detect.scan import scan

_CHECKED = frozenset({"card", "iban", "cn_id", "tr_id", "es_id", "imei"})
_MORE = {"iban": ("country",), "cn_id": ("region", "date")}
_HIDDEN = frozenset({"password", "secret"})  # their punctuation is part of the secret


def explain(texts: Iterable[str | None] | pa.Array | pa.ChunkedArray) -> pd.DataFrame:
    """The rows of `scan(texts)`, with two more columns.

    Returns
    -------
    DataFrame
        As `scan`, then evidence (`checksum, issuer, grouped, word:card`) and shape (digits as 9, letters as A and a).
    """
    array = pa.chunked_array([batch.cast(pa.large_string()) for _, batch in batches(texts)] or [pa.array([], pa.large_string())])
    findings = scan(array)
    rows = findings["row"].unique()
    text = dict(zip(rows.tolist(), array.take(pa.array(rows, pa.int64())).to_pylist(), strict=True))
    places = findings[["row", "kind", "start", "end"]].itertuples(index=False)
    seen = [_seen(text[row], kind, start, end) for row, kind, start, end in places]
    return findings.assign(evidence=[evidence for evidence, _ in seen], shape=[shape for _, shape in seen])


def _seen(text: str, kind: str, start: int, end: int) -> tuple[str, str]:
    """The evidence for a finding, and the shape of its value."""
    value = fold(text[start:end])
    label = context.label(fold_key(text[max(0, start - context.REACH) : start]), fold_key(text[end : end + context.REACH]))
    evidence = ["checksum", *_MORE.get(kind, ())] if kind in _CHECKED else []
    if kind == "card" and checksums.issued(digits_of([re.sub("[^0-9]", "", value)]))[0]:
        evidence.append("issuer")
    if kind == "phone" and _planned(value):
        evidence.append("numbering plan")
    if not evidence:
        evidence.append("form")
    if kind in _CHECKED and re.search("[^0-9A-Za-z]", value):
        evidence.append("grouped")
    if label and context.speaks_of(label, kind):
        evidence.append(f"word:{label}")
    return ", ".join(evidence), shape(value, kind in _HIDDEN)


def _planned(value: str) -> bool:
    """Whether a telephone number is of a numbering plan."""
    digits = re.sub("[^0-9]", "", value)
    abroad = value.startswith(("+", "00"))
    return phones.valid_abroad(digits.removeprefix("00")) if abroad and len(digits) > 6 else phones.valid(digits)


def shape(value: str, hidden: bool = False) -> str:
    """Digits as 9, letters as A and a, the rest as it is, or as a dot where it is hidden."""
    return "".join("9" if c.isdigit() else "A" if c.isupper() else "a" if c.isalpha() else "." if hidden else c for c in value)
