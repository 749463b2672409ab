"""Mentions of special categories of personal data (GDPR, Article 9) in free text: candidates for a person to judge, never a verdict."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import accumulate
from operator import itemgetter
from typing import NamedTuple

import ahocorasick_rs as ac
import pandas as pd
import pyarrow as pa

from heytalk_audit.detect.frames import BETWEEN, Sides, has_cue, is_another, is_joined, is_self
from heytalk_audit.detect.letters import as_written, fold_plainly, is_letter, readings
from heytalk_audit.detect.repairs import repaired
from heytalk_audit.detect.sieve import gate
from heytalk_audit.detect.terms import GLUED, Term, terms

COLUMNS = ("row", "category", "language", "form", "start", "end", "confidence")
ARABIC_CLITICS = tuple(
    sorted(
        {a + b for a in ("", "و", "ف") for b in ("", "ب", "ك", "ل", "ال", "بال", "كال", "لل", "س", "ه", "هال", "عال")},
        key=len,
        reverse=True,
    )
)


class Mention(NamedTuple):
    """A term found in a text. `glued`: it stands within a longer word, or was repaired."""

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
    rows, odd = gate(array)
    read = array.take(pa.array(rows)).to_pylist()
    found = _together([(row, text) for row, text, one in zip(rows.tolist(), read, odd.tolist(), strict=True) if not one])
    for row, text, one in zip(rows.tolist(), read, odd.tolist(), strict=True):
        if one:
            found += _alone(row, text)
    found.sort(key=itemgetter(0))
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
def _stems() -> tuple[ac.AhoCorasick, list[tuple[Term, str]]]:
    """An automaton of folded stems, and for each its term and what was done to it: nothing, glued (`gaypeople`), a slip (`musilm`)."""
    stems = [(stem, term) for term in terms() for stem in term.stems]
    glued = [(stem.replace(" ", ""), term) for stem, term in stems if " " in stem and len(stem) > GLUED and term.strength == "strong"]
    slips = [(form, term) for term in terms() for form in repaired(term)]
    every = [(stem, term, done) for done, forms in (("", stems), ("glued", glued), ("slip", slips)) for stem, term in forms]
    return ac.AhoCorasick([stem for stem, _, _ in every]), [(term, done) for _, term, done in every]


def _together(texts: list[tuple[int, str]]) -> list[tuple]:
    """Records of many texts, read as one."""
    joined = BETWEEN.join(text for _, text in texts)
    starts = list(accumulate((len(text) + 1 for _, text in texts), initial=0))
    found = []
    for mention in _longest(_mentions(joined, fold_plainly(joined), range(len(joined) + 1), True)):
        at = bisect_right(starts, mention.start) - 1
        found.append(_record(texts[at][0], texts[at][1], mention, starts[at]))
    return found


def _alone(row: int, text: str) -> list[tuple]:
    """Records of a text whose letters are unusual, read in every way it may be meant."""
    mentions = (one for n, reading in enumerate(readings(text)) for one in _mentions(text, *reading, plain=n == 0))
    return [_record(row, text, mention, 0) for mention in _longest(mentions)]


def _record(row: int, text: str, mention: Mention, offset: int) -> tuple:
    term, first, last = mention.term, mention.start - offset, mention.end - offset
    repaired = mention.glued or any(map(str.isdigit, text[first:last]))
    confidence = "low" if repaired else "high" if term.strength == "strong" else "medium"
    return row, term.category, term.language, "self" if mention.own else "mention", first, last, confidence


def _mentions(text: str, folded: str, offsets: Sequence[int], plain: bool) -> Iterator[Mention]:
    automaton, known = _stems()
    # what was decided of the same words is not decided again; gone when the texts are read
    decided: dict[tuple, bool | None] = {}
    for which, start, end in automaton.find_matches_as_indexes(folded, overlapping=True):
        term, done = known[which]
        left = _begins(term, text, folded, offsets, start)
        if not left and (done == "slip" or end - start < GLUED):
            continue
        ending = _ending(term, text, folded, offsets, end)
        whole = left and ending is not None
        if not whole and (done == "slip" or not _may_be_glued(term, folded, start, end, left, ending is not None)):
            continue
        stop = end + len(ending or "")
        written = text[offsets[start] : offsets[end - 1] + 1]
        if not _as_spelled(term, written) or (done == "slip" and any(map(str.isdigit, written.replace("1", "")))):
            continue
        key = (which, ending, Sides.of(folded, start, stop))
        if key not in decided:
            decided[key] = _counts(term, ending or "", key[2])
        own = decided[key]
        if own is not None:
            first, last = offsets[start], offsets[stop - 1] + 1
            yield Mention(term, first, last, own, bool(done) or not whole or (not plain and last - first != stop - start))


def _counts(term: Term, ending: str, sides: Sides) -> bool | None:
    """Whether a term is meant here and, if so, whether somebody says it of himself or herself."""
    if term.strength == "never":
        return False
    if is_another(term, sides):
        return None
    own = is_self(term, ending, sides)
    return own if own or term.strength == "strong" or has_cue(term, ending, sides) else None


def _may_be_glued(term: Term, folded: str, start: int, end: int, left: bool, right: bool) -> bool:
    """Whether a term counts within a longer word, as in a hashtag or where a blank was left out."""
    plain = term.strength == "strong" and term.match == "word" and term.form == "mention" and term.language not in ("ar", "zh")
    plain = plain and term.tail.match(folded, end)
    if not plain or not (left or right) or " " in folded[start:end]:
        return False
    long = left and end - start >= GLUED and folded[end : end + 4].isalpha()
    return long or (end - start >= 3 and is_joined(term.language, folded, start, end, left))


def _ending(term: Term, text: str, folded: str, offsets: Sequence[int], end: int) -> str | None:
    """What follows the stem in the same word, if it is an ending of the term."""
    if _runs_on(folded[end - 1]):
        return ""
    # in letters that stand apart, a blank ends every one
    if end < len(folded) and _apart(text, offsets[end]) and term.tail.fullmatch(""):
        return ""
    stop = end
    while stop < len(folded) and (
        is_letter(text[offsets[stop]]) or (text[offsets[stop]] in "'’/@" and folded[stop + 1 : stop + 2].isalpha())
    ):
        stop += 1
    while stop > end and not term.tail.fullmatch(folded, end, stop) and not text[offsets[stop - 1]].isalpha():
        stop -= 1
    return folded[end:stop] if term.tail.fullmatch(folded, end, stop) else None


def _begins(term: Term, text: str, folded: str, offsets: Sequence[int], start: int) -> bool:
    """Whether a word begins here, or only clitics stand before it."""
    if start == 0 or _runs_on(folded[start]) or not is_letter(text[offsets[start - 1]]) or _apart(text, offsets[start]):
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
    if 2 * sum(map(str.isdigit, written)) >= len(written) and written != term.term:
        return False
    if term.match == "case":
        return written == term.term
    return term.match != "accent" or as_written(written) == as_written(term.term)[: len(written)]


def _longest(mentions: Iterable[Mention]) -> list[Mention]:
    """Of mentions of one category that overlap, the longest; a phrase that is never meant hides the terms within it."""
    ranks = {"never": 0, "strong": 1, "noun": 2, "weak": 3}
    kept: list[Mention] = []
    covered: dict[str, set[int]] = defaultdict(set)
    for one in sorted(mentions, key=lambda m: (m.glued, m.start - m.end, -len(m.term.term), ranks[m.term.strength], not m.own)):
        places, span = covered[one.term.category], range(one.start, one.end)
        if places.isdisjoint(span):
            places.update(span)
            kept.append(one)
    return sorted((m for m in kept if m.term.strength != "never"), key=lambda m: (m.start, m.end))


def _apart(text: str, at: int) -> bool:
    """Whether a letter is set apart from the one before it."""
    return text[at - 1].isspace() or text[at - 1] in ".-_"
