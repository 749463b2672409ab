"""What the words near a value say that it is: the nearest word wins, the one before it over the one after it."""

from __future__ import annotations

import functools
import re
from importlib.resources import files

import yaml

from heytalk_audit.detect.fold import key

REACH = 40  # characters each side
OTHER = "other"
NUMBER = "number"  # says that it is one, and not of what
_IDENTITY = frozenset({"us_ssn", "cn_id", "tr_id", "es_id"})


@functools.cache
def vocabulary() -> dict[str, list[str]]:
    """Words by what they speak of, as patterns over `key` text, of all languages together."""
    data = yaml.safe_load(files(__package__).joinpath("context.yaml").read_text("utf-8"))
    return {label: [key(word) for words in by_language.values() for word in words] for label, by_language in data.items()}


def _bordered(word: str) -> str:
    return rf"(?<![a-z]){word}" if word[0].isascii() else word


@functools.cache
def _words() -> re.Pattern[str]:
    groups = []
    for label, words in vocabulary().items():
        groups.append(f"(?P<{label}>{'|'.join(map(_bordered, sorted(words, key=len, reverse=True)))})")
    return re.compile("|".join(groups), re.ASCII)


def gate(*labels: str) -> str:
    """The words of these labels as an RE2 alternation over raw text, for rows that may hold a value too short to stand alone."""
    return "|".join(word.replace(r"\b", "") for label in labels for word in vocabulary()[label])


@functools.lru_cache(1 << 16)
def label(before: str, after: str) -> str | None:
    """What the nearest word speaks of; None without one. Both are `key` text, `before` ends and `after` begins at the value."""
    said = [match.lastgroup for match in _words().finditer(before[-REACH:])][::-1]
    said += [match.lastgroup for match in _words().finditer(after[:REACH])]
    strong = next((label for label in said if label != NUMBER), None)
    return strong or ("phone" if said else None)


def speaks_of(label: str | None, kind: str) -> bool:
    return label == kind or (label == "identity" and kind in _IDENTITY)
