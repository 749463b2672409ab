"""What the words near a value say that it is: the nearest word wins, those before it over those after it."""

from __future__ import annotations

import functools
import itertools
import re
from importlib.resources import files

import ahocorasick_rs
import numpy as np

from heytalk_audit.canonical import parse_yaml
from heytalk_audit.detect.fold import Lines, fold_key

REACH = 40  # characters each side
_SHORTENED = ("num", "addr", "ident", "identi")  # of number, address, identity
REFERENCE, OTHER = "reference", "other"  # numbers that a company gives things (orders, tickets), and other quantities
NO_KIND = (REFERENCE, OTHER, "money")
BESIDE = 20  # characters from a value to a word that is right beside it
_CUT_WORD = re.compile("^[a-z]+")
UNIT = "unit"  # looked at only right after a number
IDIOM = "idiom"  # phrases; words of another label within one do not count
WEAK = {"number": "phone", "token": OTHER, "account": OTHER}  # vague words, and what they mean where no other word is near
_IDENTITY = frozenset({"us_ssn", "cn_id", "tr_id", "es_id"})


@functools.cache
def vocabulary() -> dict[str, str]:
    """The label of each word: what it speaks of. A word that ends in $ may have no suffix, one that ends in + a plural's; others any."""
    data = parse_yaml(files(__package__).joinpath("context.yaml").read_text("utf-8"))
    words = [
        (_closed(fold_key(word), language), label)
        for label, languages in data.items()
        for language, words in languages.items()
        for word in words
    ]
    joined = [(word.replace(" ", by), label) for by in ("_", "-", "") for word, label in words if " " in word and word.isascii()]
    return dict([*joined, *words])


def _closed(word: str, language: str) -> str:
    """A word and what closes it: letters run on in Turkish stems (kartim), Arabic and Chinese, and in those that end in *."""
    if word[-1] in "*$" or word.endswith(_SHORTENED):
        return word.removesuffix("*")
    return f"{word}+" if language in ("en", "es") and word[-1].isascii() and word[-1].isalpha() else word


@functools.cache
def labels() -> list[str]:
    """The labels that words have, in order; `Words.near` gives places in this list."""
    return sorted(set(vocabulary().values()))


@functools.cache
def _finder() -> tuple[ahocorasick_rs.AhoCorasick, np.ndarray, np.ndarray, np.ndarray]:
    """The automaton of all words; of each: its label, and whether it must begin at a border of a Latin word.

    The last says how it ends: at a border (0), after a plural (1), anywhere (-1).
    """
    words = list(vocabulary())
    finder = ahocorasick_rs.AhoCorasick(
        [word.rstrip("$+") for word in words],
        implementation=ahocorasick_rs.Implementation.DFA,
    )
    label = np.array([labels().index(vocabulary()[word]) for word in words])
    ends = np.array(["$+".find(word[-1]) for word in words])
    return finder, label, np.array([word[0].isascii() for word in words]), ends


class Words:
    """The words of context in lines of text: where each starts and ends, and its label."""

    def __init__(self, lines: Lines):
        finder, label, opens, closes = _finder()
        hits = finder.find_matches_as_indexes(lines.key, overlapping=True)
        word, start, end = np.fromiter(itertools.chain.from_iterable(hits), np.int64, 3 * len(hits)).reshape(-1, 3).T
        good = (
            ~(opens[word] & _is_letter(lines.keys[start - 1]) & (start > 0))
            & ~_in_path(lines.keys, start, end)
            & ~((closes[word] == 0) & _is_letter(lines.keys[end]))
            & ~((closes[word] == 1) & _is_letter(lines.keys[end + _plural(lines.keys, end)]))
        )
        self._lines = lines
        label, start, end = _leftmost(label[word[good]], start[good], end[good])
        unit = label == labels().index(UNIT)
        counts = unit | np.isin(label, [labels().index(name) for name in (OTHER, "money")])
        self._counts = start[counts]
        label, start, end = label[~unit], start[~unit], end[~unit]
        weak = _is_weak()[label]
        self._strong, self._weak = ((start[which], end[which], label[which]) for which in (~weak, weak))

    def within(self, name: str, start: np.ndarray, end: np.ndarray) -> np.ndarray:
        """Whether a word of this label, weak or not, is near each value, also where another word is nearer."""
        wanted = labels().index(name)
        starts, ends, label = self._weak if name in WEAK else self._strong
        chosen = label == wanted
        starts, ends = starts[chosen], ends[chosen]
        line = self._lines.of(start)
        low = np.maximum(self._lines.start[line], start - REACH)
        high = np.minimum(self._lines.end[line], end + REACH)
        inside: np.ndarray = np.searchsorted(starts, high, "left") > np.searchsorted(ends, low, "right")
        return inside

    def counted(self, end: np.ndarray) -> np.ndarray:
        """Whether a unit stands right after each value, so that it counts something: points, followers, coins."""
        starts = self._counts
        if not len(starts):
            return np.zeros(len(end), bool)
        after = starts[np.minimum(np.searchsorted(starts, end, "left"), len(starts) - 1)]
        beside: np.ndarray = (after >= end) & (after <= end + 1)
        return beside

    def near(self, start: np.ndarray, end: np.ndarray) -> np.ndarray:
        """The label of the nearest word to each value, as its place in `labels`; -1 where no word is near."""
        line = self._lines.of(start)
        low = np.maximum(self._lines.start[line], start - REACH)
        high = np.minimum(self._lines.end[line], end + REACH)
        strong = _nearest(self._strong, start, end, low, high)
        return np.where(strong >= 0, strong, _meaning()[_nearest(self._weak, start, end, low, high)])


def _leftmost(label: np.ndarray, start: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, ...]:
    """Of words that overlap, the first, and the longest of those that begin together; idioms are left out, with the words within them."""
    order = np.lexsort((-end, start))
    label, start, end = label[order], start[order], end[order]
    kept = np.zeros(len(start), bool)
    for _ in range(2):  # the second time for words that only a dropped one overlaps
        reach = np.append(0, np.maximum.accumulate(np.where(kept, end, 0))[:-1])[: len(start)]
        until = np.append(np.minimum.accumulate(np.where(kept, start, np.iinfo(np.int64).max)[::-1])[::-1][1:], np.iinfo(np.int64).max)
        left = np.flatnonzero(~kept & (start >= reach) & (end <= until[: len(start)]))
        kept[left] = np.append(True, start[left][1:] >= np.maximum.accumulate(end[left])[:-1])[: len(left)]
    kept &= label != labels().index(IDIOM)
    return label[kept], start[kept], end[kept]


def _in_path(keys: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Whether each word is a part of a dotted name, as of a package or a host, that names no field: `com.android.phone 123`."""
    last = len(keys) - 1
    before = (keys[start - 1] == ord(".")) & _is_letter(keys[start - 2]) & (start > 1)
    after = (keys[end] == ord(".")) & _is_letter(keys[np.minimum(end + 1, last)])
    field = (keys[end] == ord(":")) | (keys[end] == ord("=")) | (keys[end] == ord('"'))
    path: np.ndarray = (before & ~field) | after
    return path


def _plural(keys: np.ndarray, end: np.ndarray) -> np.ndarray:
    """The letters of a plural that may follow each word: `s` or `es`."""
    last = len(keys) - 1
    second = (keys[end] == ord("e")) & (keys[np.minimum(end + 1, last)] == ord("s"))
    return np.where(second & (end + 2 <= last), 2, np.where((keys[end] == ord("s")) & (end + 1 <= last), 1, 0))


def _is_letter(keys: np.ndarray) -> np.ndarray:
    return (keys >= ord("a")) & (keys <= ord("z"))


@functools.cache
def _is_weak() -> np.ndarray:
    return np.array([label in WEAK for label in labels()])


@functools.cache
def _meaning() -> np.ndarray:
    """What each weak label means; the last place is for no label."""
    return np.array([labels().index(WEAK.get(label, label)) for label in labels()] + [-1])


def _nearest(
    words: tuple[np.ndarray, np.ndarray, np.ndarray], start: np.ndarray, end: np.ndarray, low: np.ndarray, high: np.ndarray
) -> np.ndarray:
    """The label of the word nearest to each value between `low` and `high`, one before it first; -1 where there is none."""
    starts, ends, label = words
    if not len(label):
        return np.full(len(start), -1)
    before = np.searchsorted(ends, start, "right") - 1
    after = np.minimum(np.searchsorted(starts, end, "left"), len(starts) - 1)
    is_before = (before >= 0) & (ends[before] > low)
    is_after = (starts[after] >= end) & (starts[after] < high)
    return np.where(is_before, label[before], np.where(is_after, label[after], -1))


def label(before: str, after: str) -> str | None:
    """The label of the nearest word; None where none is near. Both are `key` text: `before` ends at the value, `after` begins after it."""
    lines = Lines(before[-REACH:] + "\0" + after[:REACH], np.array([len(before[-REACH:]) + 1 + len(after[:REACH])]))
    at = np.array([len(before[-REACH:])])
    place = int(Words(lines).near(at, at + 1)[0])
    return None if place < 0 else labels()[place]


def is_beside(name: str, before: str, after: str) -> bool:
    """Whether a word of this label stands right beside a value, with a few small words or signs between at most."""
    near = _CUT_WORD.sub("", before[-BESIDE:]) if len(before) > BESIDE else before
    return name in (label(near, ""), label("", after[:BESIDE]))


def speaks_of(label: str | None, kind: str) -> bool:
    """Whether the label is the kind, or is `identity` where the kind is an identity number."""
    return label == kind or (label == "identity" and kind in _IDENTITY)
