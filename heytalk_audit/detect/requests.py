"""Requests for one's rights in free text: a copy, erasure, a correction, an objection, portability. Candidates for a person to judge.

The phrases are data, in `requests.csv`: `a|b` in brackets are alternatives, `*` any ending, ` .. ` a few words of the same sentence. Case,
accents and widths of letters do not matter. A phrase of kind `never`, such as a denial, rules out the requests that it overlaps.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import NamedTuple

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from heytalk_audit.detect.fold import fold_key

COLUMNS = ("row", "kind", "language", "start", "end", "confidence")
KINDS = ("access", "erasure", "object", "portability", "rectify")
NEVER = "never"
_RANK = {"high": 0, "medium": 1}
#: What may stand between two parts of a phrase: few characters, and no end of a sentence. Chinese needs fewer.
_GAP = {"zh": "[^.!?。\n]{0,14}?"}
_WORDS = r"(?!\w)[^.!?؟\n]{0,40}?(?<!\w)"
#: What an Arabic word may begin with.
_JOINED = {"ar": "[وفبلك]?(?:ال)?"}


class Phrase(NamedTuple):
    """A phrase as a regular expression over folded text."""

    kind: str
    language: str
    confidence: str
    pattern: re.Pattern[str]


def parts_of(words: str) -> list[str]:
    """The parts of a phrase of the list, folded, as regular expressions."""
    return [re.sub(r"([^\w\s()|?*])", r"\\\1", part).replace("*", r"\w*").replace(" ", " +") for part in fold_key(words).split(" .. ")]


def pattern_of(words: str, language: str) -> re.Pattern[str]:
    """A phrase of the list as a regular expression."""
    parts, spaced, gap = parts_of(words), language != "zh", _GAP.get(language, _WORDS)
    joined = gap.join(f"(?:{_JOINED.get(language, '')}(?:{part}))" for part in parts)
    return re.compile(rf"(?<!\w){joined}(?!\w)" if spaced else joined)


def _listed() -> list[dict[str, str]]:
    text = (files(__package__) / "requests.csv").read_text("utf-8")
    return list(csv.DictReader(text.splitlines()))


@cache
def _loosely() -> str:
    """A pattern that matches wherever a phrase does, and more: the parts of each in order, whatever the borders of words and sentences."""
    listed = [parts_of(row["words"]) for row in _listed() if row["kind"] != NEVER]
    return "|".join("[^\n]*".join(f"(?:{part})" for part in parts).replace(r"\w*", "") for parts in listed)


@cache
def phrases() -> tuple[Phrase, ...]:
    """Every phrase of the list."""
    return tuple(Phrase(r["kind"], r["language"], r["confidence"], pattern_of(r["words"], r["language"])) for r in _listed())


def requests(texts: Iterable[str | None] | pa.Array | pa.ChunkedArray) -> pd.DataFrame:
    """Candidates in texts: row, kind, language, start, end (characters), confidence (high, medium).

    One row per text and kind: the first of those with the highest confidence. `row` counts texts from 0, nulls too.
    """
    array = texts if isinstance(texts, pa.Array | pa.ChunkedArray) else pa.array(list(texts), pa.large_string())
    folded = pa.array([None if text is None else fold_key(text).replace("’", "'") for text in array.to_pylist()], pa.large_string())
    likely = pc.indices_nonzero(pc.fill_null(pc.match_substring_regex(folded, _loosely()), False))
    candidates = [(row, *one) for row, text in zip(likely.to_pylist(), folded.take(likely).to_pylist(), strict=True) for one in _read(text)]
    return pd.DataFrame(candidates, columns=list(COLUMNS)).astype({"row": "int64", "start": "int64", "end": "int64"})


def _read(folded: str) -> list[tuple[str, str, int, int, str]]:
    """Kind, language, start, end and confidence of each kind of request in a folded text."""
    hits: dict[str, tuple[int, int, str, int]] = {}
    denied: list[tuple[int, int]] | None = None
    for phrase in phrases():
        if phrase.kind == NEVER:
            continue
        for hit in phrase.pattern.finditer(folded):
            denied = _denied(folded) if denied is None else denied
            if any(start < hit.end() and hit.start() < end for start, end in denied):
                continue
            one = (_RANK[phrase.confidence], hit.start(), phrase.language, hit.end())
            hits[phrase.kind] = min(hits.get(phrase.kind, one), one)
    names = list(_RANK)
    return [(kind, language, start, end, names[rank]) for kind, (rank, start, language, end) in sorted(hits.items())]


def _denied(folded: str) -> list[tuple[int, int]]:
    """Where phrases of kind `never` stand."""
    return [hit.span() for phrase in phrases() if phrase.kind == NEVER for hit in phrase.pattern.finditer(folded)]
