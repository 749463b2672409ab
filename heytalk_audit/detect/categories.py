"""Mentions of special categories of personal data (GDPR, Article 9) in free text: candidates for a person to judge, never a verdict."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from itertools import accumulate
from operator import itemgetter
from typing import NamedTuple

import ahocorasick_rs as ac
import pandas as pd
import pyarrow as pa

from heytalk_audit.detect.collector import uncollected
from heytalk_audit.detect.frames import BETWEEN, REACH, Sides, has_cue, is_another, is_joined, is_self
from heytalk_audit.detect.letters import as_written, fold_plainly, has_one_reading, kinds, readings
from heytalk_audit.detect.ordinary import is_foreign, is_ordinary
from heytalk_audit.detect.repairs import is_frequent, repaired
from heytalk_audit.detect.sieve import gate
from heytalk_audit.detect.terms import GLUED, Term, terms
from heytalk_audit.detect.words import Endings, Stem, WordBorders

COLUMNS = ("row", "category", "language", "form", "start", "end", "confidence")
RANKS = {"never": 0, "strong": 1, "noun": 2, "weak": 3}
Record = tuple[int, str, str, str, int, int, str]  # the columns of a candidate


class Mention(NamedTuple):
    """A term in a text, from `start` to `end` (characters). `own`: somebody says it of himself or herself.

    `glued`: it stands within a longer word, or is spelled with a slip.
    """

    term: Term
    start: int
    end: int
    own: bool
    glued: bool


def special_categories(texts: Iterable[str | None] | pa.Array | pa.ChunkedArray) -> pd.DataFrame:
    """Candidates in texts: row, category, language, form (mention or self), start, end (characters), confidence (high, medium, low).

    One row per place and category; `row` counts texts from 0, nulls too. `self` is a first-person statement. Confidence: high for a
    plain word, medium for an ambiguous one with a cue beside it, low for one that is spelled with a slip or stands within another word.
    """
    array = _as_array(texts)
    # gated first, then read: reading while the gate's threads run would wait for the interpreter's lock, and was slower
    with uncollected():
        rows, odd = gate(array)
        read = array.take(pa.array(rows)).to_pylist()
        records = _read(list(zip(rows.tolist(), read, odd.tolist(), strict=True)), Memory({}, {}, {})) if read else []
    records.sort(key=itemgetter(0))
    return pd.DataFrame(records, columns=list(COLUMNS)).astype({"row": "int64", "start": "int64", "end": "int64"})


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


class Memory(NamedTuple):
    """What was decided of words is kept while a column is read, so that the same words are decided on once."""

    decided: dict[tuple[int, str, str | None, int], bool | None]
    around: dict[tuple[str, str], tuple[int, Sides]]
    endings: Endings


@cache
def _stems() -> tuple[ac.AhoCorasick, list[Stem]]:
    """An automaton of folded stems, and the stem of each of its patterns."""
    stems = [(stem, term) for term in terms() for stem in term.stems]
    glued = [(stem.replace(" ", ""), term) for stem, term in stems if " " in stem and len(stem) > GLUED and term.strength == "strong"]
    slips = [(form, term) for term in terms() for form in repaired(term)]
    every = [(stem, term, alteration) for alteration, forms in (("", stems), ("glued", glued), ("slip", slips)) for stem, term in forms]
    return ac.AhoCorasick([stem for stem, _, _ in every]), [Stem.of(*one) for one in every]


def _read(texts: list[tuple[int, str, bool]], memory: Memory) -> list[Record]:
    """Records of many texts: each with its row, and whether its letters may be unusual."""
    joined = BETWEEN.join(text for _, text, _ in texts)
    folded, starts = fold_plainly(joined), list(accumulate((len(text) + 1 for _, text, _ in texts), initial=0))
    spans = ((at, text, starts[at]) for at, (_, text, odd) in enumerate(texts) if odd)
    alone = {at for at, text, start in spans if not has_one_reading(text, folded[start : start + len(text)])}
    records = _together(texts, starts, joined, folded, alone, memory)
    for at in alone:
        records += _alone(*texts[at][:2], memory)
    return records


def _together(
    texts: list[tuple[int, str, bool]], starts: list[int], joined: str, folded: str, alone: set[int], memory: Memory
) -> list[Record]:
    """Records of texts that are read as one string, without those that are read alone."""
    if alone:
        blank = [(BETWEEN * len(text), text) if at in alone else (text, text) for at, (_, text, _) in enumerate(texts)]
        joined = BETWEEN.join(text for text, _ in blank)
        folded = fold_plainly(joined)
    records = []
    for mention in _longest(_mentions(joined, folded, None, True, memory)):
        at = bisect_right(starts, mention.start) - 1
        records.append(_record(texts[at][0], texts[at][1], mention, starts[at]))
    return records


def _alone(row: int, text: str, memory: Memory) -> list[Record]:
    """Records of a text whose letters are unusual, read in every way it may be meant."""
    mentions = (one for n, reading in enumerate(readings(text)) for one in _mentions(text, *reading, n == 0, memory))
    return [_record(row, text, mention, 0) for mention in _longest(mentions)]


def _record(row: int, text: str, mention: Mention, offset: int) -> Record:
    term, first, last = mention.term, mention.start - offset, mention.end - offset
    written = text[first:last]
    low = mention.glued or not (written.isalpha() or not any(map(str.isdigit, written)))
    confidence = "low" if low else "high" if term.strength == "strong" else "medium"
    return row, term.category, term.language, "self" if mention.own else "mention", first, last, confidence


def _mentions(text: str, folded: str, offsets_of: Callable[[], Sequence[int]] | None, plain: bool, memory: Memory) -> Iterator[Mention]:
    """The terms in a folded text. `offsets_of` gives the places of its characters in the text, where they differ; `plain`: in the first
    reading of a text.
    """
    automaton, stems = _stems()
    hits = automaton.find_matches_as_indexes(folded, overlapping=True)
    if not hits:
        return
    offsets = offsets_of() if offsets_of else range(len(text) + 1)
    words = WordBorders(text, folded, offsets, kinds(text, None if offsets_of is None else offsets), memory.endings)
    decided, around, place = memory.decided, memory.around, None
    for which, start, end in hits:
        term, alteration, *_ = stem = stems[which]
        left = words.begins(stem, start)
        if not left and (alteration == "slip" or end - start < GLUED):
            continue
        ending = words.ending(stem, end)
        whole = left and ending is not None
        if not whole and not (stem.gluable and _may_be_glued(term, folded, start, end, left, ending is not None)):
            continue
        stop = end + len(ending or "")
        if (alteration or not whole) and is_frequent(words.around(start, stop)):
            continue
        written = text[offsets[start] : offsets[end - 1] + 1]
        if (stem.exact or not written.isalpha()) and (
            not _as_spelled(term, written) or (alteration == "slip" and any(map(str.isdigit, written.replace("1", ""))))
        ):
            continue
        if (start, stop) != place:
            place, before, after = (start, stop), folded[max(0, start - REACH) : start], folded[stop : stop + REACH]
            beside = (before.rpartition(BETWEEN)[2], after.partition(BETWEEN)[0])
            number, sides = around.get(beside) or around.setdefault(beside, (len(around), Sides.of(folded, start, stop)))
        word = words.around(start, stop) if term.language == "ar" else folded[start:stop]
        key = (which, word, ending, number)
        if key not in decided:
            other = any(is_ordinary(term, spelled, ending or "", sides) for spelled in {word, folded[start:stop]})
            decided[key] = None if other else _counts(term, ending or "", sides)
        own = decided[key]
        if own is not None:
            first, last = offsets[start], offsets[stop - 1] + 1
            yield Mention(term, first, last, own, bool(alteration) or not whole or (not plain and last - first != stop - start))


def _counts(term: Term, ending: str, sides: Sides) -> bool | None:
    """Whether somebody says the term of himself or herself; null where the term is not meant."""
    if term.strength == "never":
        return False
    if is_another(term, sides) or ((ending or term.strength != "strong") and is_foreign(term, sides)):
        return None
    own = is_self(term, ending, sides)
    return own if own or term.strength == "strong" or has_cue(term, ending, sides) else None


def _may_be_glued(term: Term, folded: str, start: int, end: int, left: bool, right: bool) -> bool:
    """Whether a term may stand within a longer word here, as in a hashtag or where a blank was left out."""
    if not (left or right) or not term.tail.match(folded, end):
        return False
    long = left and end - start >= GLUED and folded[end : end + 4].isalpha()
    return long or (end - start >= 3 and is_joined(term.language, folded, start, end, left))


def _as_spelled(term: Term, written: str) -> bool:
    """Whether accents or case are those of the lexicon, where they tell words apart; false where half of it or more is digits."""
    if 2 * sum(map(str.isdigit, written)) >= len(written) and written != term.term:
        return False
    if term.match == "case":
        return written == term.term
    return term.match != "accent" or as_written(written) == as_written(term.term)[: len(written)]


def _longest(mentions: Iterable[Mention]) -> list[Mention]:
    """Of mentions of one category that overlap, the longest; a phrase that is never meant hides the terms within it."""
    kept: list[Mention] = []
    group: list[Mention] = []
    reach = 0
    for one in sorted(mentions, key=itemgetter(1)):
        if one.start >= reach and group:
            kept += _longest_of(group)
            group = []
        group.append(one)
        reach = max(reach, one.end)
    kept += _longest_of(group)
    return [one for one in kept if one.term.strength != "never"]


def _order(one: Mention) -> tuple[bool, int, int, int, bool]:
    """The order in which overlapping mentions are kept: whole words, then the longest, then the longest term, the strongest, statements."""
    return one.glued, one.start - one.end, -len(one.term.term), RANKS[one.term.strength], not one.own


def _longest_of(mentions: list[Mention]) -> list[Mention]:
    """As `_longest`, of mentions that overlap each other and no others."""
    if len(mentions) < 2:
        return mentions
    if len({(one.term.category, one.start, one.end) for one in mentions}) == 1:
        return [min(mentions, key=_order)]
    kept: list[Mention] = []
    covered: dict[str, set[int]] = defaultdict(set)
    for one in sorted(mentions, key=_order):
        places, span = covered[one.term.category], range(one.start, one.end)
        if places.isdisjoint(span):
            places.update(span)
            kept.append(one)
    return sorted(kept, key=itemgetter(1, 2))
