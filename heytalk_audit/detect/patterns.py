"""Values that are recognised by their form and not by digits alone: patterns over folded text, each with a judge of its confidence."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from heytalk_audit.detect import context
from heytalk_audit.detect.context import Words
from heytalk_audit.detect.fold import Lines

Finding = tuple[int, int, str, str]  # start, end, kind, confidence


CUT = "\0"  # between lines: no pattern matches across it
WINDOW = (80, 300)  # characters before and after an anchor


@dataclass(frozen=True)
class Hit:
    """A match as its judge sees it: the folded value, its place in the lines, and the label of the nearest word."""

    match: re.Match[str]
    lines: Lines
    start: int
    end: int
    label: str | None

    @property
    def text(self) -> str:
        """The folded value."""
        return self.lines.text[self.start : self.end]

    @functools.cached_property
    def before(self) -> str:
        """The `key` text before the value, in its line."""
        return self.lines.key[max(0, self.start - context.REACH) : self.start].rsplit("\n", 1)[-1]

    @functools.cached_property
    def after(self) -> str:
        """The `key` text after the value, in its line."""
        return self.lines.key[self.end : self.end + context.REACH].split("\n", 1)[0]


@dataclass(frozen=True)
class Pattern:
    """A pattern for values of one kind, or of the kind that a function gives.

    `flag` is that of lines that may hold the kind; `regex` matches the value, or has it as its group `value`; `judge` gives the confidence,
    or None. `anchor` is a part of every match: only the text around it is searched, which is many times faster, and nothing where its
    group `skip` matches. `reach`: characters before and after an anchor. `farther`: a word for the kind counts also where one is nearer.
    """

    kind: str | Callable[[Hit], str]
    flag: int
    regex: re.Pattern[str]
    judge: Callable[[Hit], str | None]
    anchor: re.Pattern[str] | None = None
    reach: tuple[int, int] = WINDOW
    farther: bool = False

    def matches(self, text: str, anchors: list[re.Match[str]]) -> Iterator[re.Match[str]]:
        """Matches in folded text that do not overlap; `anchors` are those of the pattern in the text."""
        if self.anchor is None:
            yield from self.regex.finditer(text)
            return
        if not self.reach[0]:
            yield from self._at(text, anchors)
            return
        kept = [anchor.span() for anchor in anchors if anchor.lastgroup != "skip"]
        place = 0
        for low, high in self._windows(kept):
            for match in self.regex.finditer(text, low, high):
                while place < len(kept) and kept[place][1] <= match.start():
                    place += 1
                if place < len(kept) and kept[place][0] < match.end():
                    yield match

    def _at(self, text: str, anchors: list[re.Match[str]]) -> Iterator[re.Match[str]]:
        """The matches that begin at an anchor."""
        done = 0
        for anchor in anchors:
            match = None if anchor.start() < done else self.regex.match(text, anchor.start(), anchor.end() + self.reach[1])
            if match:
                yield match
                done = match.end()

    def _windows(self, anchors: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
        """The parts of a text around anchors; those that touch are one, so that no part is searched twice, however many anchors it has."""
        low, high = 0, -1
        for start, end in anchors:
            if start - self.reach[0] > high:
                if high >= 0:
                    yield low, high
                low = max(0, start - self.reach[0])
            high = end + self.reach[1]
        if high >= 0:
            yield low, high


def find_patterns(patterns: list[Pattern], lines: Lines, flags: np.ndarray, words: Words, hint: str | None = None) -> Iterator[Finding]:
    """Start, end, kind and confidence of what the patterns find in those lines whose flags say that it may be there."""
    chosen: dict[int, tuple[str, np.ndarray, np.ndarray]] = {}
    anchors: dict[tuple[int, re.Pattern[str] | None], list[re.Match[str]]] = {}
    names = [*context.labels(), hint]
    for pattern in patterns:
        if pattern.flag not in chosen:
            chosen[pattern.flag] = _chosen(lines, (flags & pattern.flag) > 0)
        text, began, shift = chosen[pattern.flag]
        group = "value" if "value" in pattern.regex.groupindex else 0
        key = (pattern.flag, pattern.anchor)
        if key not in anchors:
            anchors[key] = list(pattern.anchor.finditer(text)) if pattern.anchor and text else []
        matches = list(pattern.matches(text, anchors[key])) if text else []
        if not matches:
            continue
        start = np.array([match.start(group) for match in matches], np.int64)
        start += shift[np.searchsorted(began, start, "right") - 1]
        end = start + [match.end(group) - match.start(group) for match in matches]
        labels = _labels(pattern, words, start, end)
        for match, at, to, label in zip(matches, start.tolist(), end.tolist(), labels, strict=True):
            hit = Hit(match, lines, at, to, names[label])
            confidence = pattern.judge(hit)
            if confidence:
                yield at, to, pattern.kind if isinstance(pattern.kind, str) else pattern.kind(hit), confidence


def _labels(pattern: Pattern, words: Words, start: np.ndarray, end: np.ndarray) -> list[int]:
    """The label of the word nearest to each value, or of the pattern's kind where that counts though it is farther off."""
    labels = words.near(start, end)
    if pattern.farther and isinstance(pattern.kind, str):
        reference = context.labels().index(context.REFERENCE)
        named = words.within(pattern.kind, start, end) & (labels != reference)
        labels = np.where(named, context.labels().index(pattern.kind), labels)
    places: list[int] = labels.tolist()
    return places


def _chosen(lines: Lines, which: np.ndarray) -> tuple[str, np.ndarray, np.ndarray]:
    """The chosen lines as one text, where each begins in it, and what leads from there to its place in all lines."""
    start, end = lines.start[which], lines.end[which]
    text = CUT.join([lines.text[a:b] for a, b in zip(start.tolist(), end.tolist(), strict=True)])
    began = np.cumsum(end - start + 1) - (end - start + 1)
    return text, began, start - began


def compiled(*parts: str, ignore_case: bool = False) -> re.Pattern[str]:
    """The parts as one pattern whose classes are ASCII."""
    return re.compile("".join(parts), re.ASCII | (re.IGNORECASE if ignore_case else 0))
