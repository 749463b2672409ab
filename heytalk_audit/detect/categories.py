"""Mentions of special categories of personal data (GDPR, Article 9) in free text: candidates for a person to judge, never a verdict."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from typing import NamedTuple

import ahocorasick_rs as ac
import numpy as np
import pandas as pd
import pyarrow as pa

from heytalk_audit.detect.frames import has_cue, is_self, sides
from heytalk_audit.detect.letters import as_written, fold, is_letter
from heytalk_audit.detect.terms import GLUED, Term, apart, spellings, terms

COLUMNS = ("row", "category", "language", "form", "start", "end", "confidence")
#: Texts are gated in blocks that stay in the processor's cache.
BLOCK = 1 << 20
#: What a byte is read as: A to Z small, leet digits as letters, hyphens as blanks. Every other byte stays.
BYTES = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ013457-_\t", b"abcdefghijklmnopqrstuvwxyzoieast   ")
#: Characters that hide a word from the gate (full-width letters, tatweel, vowels, combining and zero-width marks): such rows are read.
UNUSUAL = [
    *map(chr, (*range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B), *range(0x300, 0x330), *range(0x64B, 0x656), 0x640, 0x670, 0xAD)),
    *map(chr, (0x200B, 0x2060, 0xFEFF, 0xA0)),
]
ARABIC_CLITICS = tuple(
    sorted({a + b for a in ("", "و", "ف") for b in ("", "ب", "ك", "ل", "ال", "بال", "كال", "لل", "س")}, key=len, reverse=True)
)


class Mention(NamedTuple):
    """A term found in a text, at offsets of its folded letters. `glued`: it stands within a longer word."""

    term: Term
    start: int
    end: int
    own: bool
    glued: bool


def special_categories(texts: Iterable[str | None] | pa.Array | pa.ChunkedArray) -> pd.DataFrame:
    """Candidates in texts: row, category, language, form (mention or self), start, end (characters), confidence (high, medium, low).

    One row per place and category; `row` counts texts from 0, nulls too. `self` is a first-person statement. Confidence is of the
    reading: high is a plain word, medium an ambiguous one with a cue beside it, low one that was repaired or stands within another.
    """
    array = _as_array(texts)
    rows = gate(array)
    found = [
        record for row, text in zip(rows.tolist(), array.take(pa.array(rows)).to_pylist(), strict=True) for record in _records(row, text)
    ]
    return pd.DataFrame(found, columns=list(COLUMNS)).astype({"row": "int64", "start": "int64", "end": "int64"})


def _as_array(texts: Iterable[str | None] | pa.Array | pa.ChunkedArray) -> pa.Array:
    if isinstance(texts, pa.ChunkedArray):
        texts = (
            pa.concat_arrays([chunk.cast(pa.large_string()) for chunk in texts.chunks])
            if texts.num_chunks
            else pa.array([], pa.large_string())
        )
    if isinstance(texts, pa.Array):
        return texts.cast(pa.large_string())
    return pa.array([None if pd.isna(text) else text for text in texts], pa.large_string())


@cache
def _gates() -> list[tuple[ac.BytesAhoCorasick, np.ndarray]]:
    """Automata of the spellings in ASCII and of the others, and for each spelling whether it must begin a word."""
    spelled = {form.encode(): len(form) < GLUED and form.isascii() for term in terms() for form in spellings(term)}
    spelled |= {char.encode(): False for char in UNUSUAL}
    kept: dict[bytes, bool] = {}
    for form in sorted(spelled, key=len):
        # a spelling that begins with another one is found by that one
        if not any(form[:n] in kept and (not kept[form[:n]] or spelled[form]) for n in range(2, len(form))):
            kept[form] = spelled[form]
    parts = [{form: begins for form, begins in kept.items() if form.isascii() == plain} for plain in (True, False)]
    return [(ac.BytesAhoCorasick(list(part), implementation=ac.Implementation.DFA), np.array(list(part.values()))) for part in parts]


def gate(array: pa.LargeStringArray) -> np.ndarray:
    """The rows that may hold a term, in order: one pass over the bytes, on all processors."""
    if not len(array):
        return np.array([], "int64")
    offsets = np.frombuffer(array.buffers()[1], "int64")[array.offset : array.offset + len(array) + 1]
    data = memoryview(array.buffers()[2] or b"")
    with ThreadPoolExecutor() as pool:
        rows = list(pool.map(lambda edges: _touched(data, offsets, *edges), _blocks(offsets)))
    return np.unique(np.concatenate([*rows, np.array([], "int64")]))


def _touched(data: memoryview, offsets: np.ndarray, low: int, high: int) -> np.ndarray:
    """The rows of a block in which a spelling begins, or letters stand apart."""
    block = bytes(data[low:high]).translate(BYTES)
    codes = np.frombuffer(block, "uint8")
    rows = [np.searchsorted(offsets, low + _set_apart(codes), side="right") - 1]
    for automaton, begins in _gates()[: 1 if block.isascii() else 2]:
        # the search gives the interpreter's lock free, so that threads help
        if hits := automaton.find_matches_as_indexes(block, overlapping=True):
            which, start, _ = np.array(hits).T
            row = np.searchsorted(offsets, low + start, side="right") - 1
            before = codes[start - 1]
            inside = begins[which] & (before >= ord("a")) & (before <= ord("z")) & (offsets[row] < low + start)
            rows.append(row[~inside])
    return np.concatenate(rows)


def _set_apart(codes: np.ndarray) -> np.ndarray:
    """Where three single letters stand apart, as in `g a y` (an automaton that looked for such words would be a fifth slower)."""
    blank = codes == ord(" ")
    at = np.flatnonzero(blank[:-2] & blank[2:])
    at = at[(at > 0) & (at + 3 < len(codes))]
    around = codes[at[:, None] + (-1, 1, 3)]
    return at[((around >= ord("a")) & (around <= ord("z"))).all(axis=1)] - 1


def _blocks(offsets: np.ndarray) -> Iterator[tuple[int, int]]:
    """Byte ranges of about a block each, cut between rows."""
    cuts = np.unique(np.searchsorted(offsets, np.arange(offsets[0], offsets[-1], BLOCK)).clip(0, len(offsets) - 1))
    edges = [int(offsets[cut]) for cut in cuts] + [int(offsets[-1])]
    return ((low, high) for low, high in pairwise(edges) if high > low)


@cache
def _stems() -> tuple[ac.AhoCorasick, list[tuple[Term, bool]]]:
    """An automaton of folded stems, and for each its term and whether its blanks were changed (`gaypeople`, `g a y`)."""
    stems = [(stem, term) for term in terms() for stem in term.stems]
    glued = [(stem.replace(" ", ""), term) for stem, term in stems if " " in stem and len(stem) > GLUED and term.strength == "strong"]
    split = [(letters, term) for stem, term in stems if (letters := apart(term, stem))]
    every = [(stem, term, False) for stem, term in stems] + [(stem, term, True) for stem, term in glued + split]
    return ac.AhoCorasick([stem for stem, _, _ in every]), [(term, changed) for _, term, changed in every]


def _records(row: int, text: str) -> Iterator[tuple]:
    folded, offsets = fold(text)
    for term, start, end, own, glued in _longest(_mentions(text, folded, offsets)):
        first, last = offsets[start], offsets[end - 1] + 1
        repaired = glued or any(map(str.isdigit, text[first:last]))
        confidence = "low" if repaired else "medium" if term.strength == "weak" else "high"
        yield row, term.category, term.language, "self" if own else "mention", first, last, confidence


def _mentions(text: str, folded: str, offsets: Sequence[int]) -> Iterator[Mention]:
    automaton, known = _stems()
    for which, start, end in automaton.find_matches_as_indexes(folded, overlapping=True):
        term, changed = known[which]
        ending = _ending(term, text, folded, offsets, end)
        left = _begins(term, text, folded, offsets, start)
        whole = left and ending is not None
        if not whole and not _may_be_glued(term, folded, start, end, left or ending is not None):
            continue
        stop = end + len(ending or "")
        if not _as_spelled(term, text[offsets[start] : offsets[end - 1] + 1]):
            continue
        before, after = sides(folded, start, stop)
        own = is_self(term, ending or "", before, after)
        if term.strength != "weak" or own or has_cue(term, before, after):
            yield Mention(term, start, stop, own, changed or not whole)


def _may_be_glued(term: Term, folded: str, start: int, end: int, bordered: bool) -> bool:
    """Whether a term counts within a longer word, as in a hashtag."""
    plain = term.strength == "strong" and term.match == "word" and term.form == "mention" and term.language not in ("ar", "zh")
    long = end - start >= GLUED and (folded[end : end + 4].isalpha() or folded[max(0, start - 4) : start].isalpha())
    return plain and bordered and long and " " not in folded[start:end]


def _ending(term: Term, text: str, folded: str, offsets: Sequence[int], end: int) -> str | None:
    """What follows the stem in the same word, if it is an ending of the term."""
    if _runs_on(folded[end - 1]):
        return ""
    stop = end
    while stop < len(folded) and (is_letter(text[offsets[stop]]) or (folded[stop] in "'/@" and folded[stop + 1 : stop + 2].isalpha())):
        stop += 1
    while stop > end and not term.tail.fullmatch(folded, end, stop) and not text[offsets[stop - 1]].isalpha():
        stop -= 1
    return folded[end:stop] if term.tail.fullmatch(folded, end, stop) else None


def _begins(term: Term, text: str, folded: str, offsets: Sequence[int], start: int) -> bool:
    """Whether a word begins here, or only clitics stand before it."""
    if start == 0 or _runs_on(folded[start]) or not is_letter(text[offsets[start - 1]]):
        return True
    word = start
    while word > 0 and is_letter(text[offsets[word - 1]]):
        word -= 1
    return term.language == "ar" and folded[word:start] in ARABIC_CLITICS


def _runs_on(char: str) -> bool:
    """Whether words of this script have no borders."""
    return char.isalpha() and not is_letter(char)


def _as_spelled(term: Term, written: str) -> bool:
    """Whether accents or case are as the data have them, where they tell words apart, and digits are not the most of it."""
    if 2 * sum(map(str.isdigit, written)) >= len(written):
        return False
    if term.match == "case":
        return written == term.term
    return term.match != "accent" or as_written(written) == as_written(term.term)[: len(written)]


def _longest(mentions: Iterable[Mention]) -> list[Mention]:
    """Of mentions of one category that overlap, the longest; a phrase that is never meant hides the terms within it."""
    ranks = {"never": 0, "strong": 1, "weak": 2}
    kept: list[Mention] = []
    for one in sorted(mentions, key=lambda m: (m.glued, m.term.strength != "never", m.start - m.end, ranks[m.term.strength], not m.own)):
        if not any(one.term.category == m.term.category and one.start < m.end and m.start < one.end for m in kept):
            kept.append(one)
    return sorted((m for m in kept if m.term.strength != "never"), key=lambda m: (m.start, m.end))
