"""What the words near a value say that it is: the nearest word wins, those before it over those after it."""

from __future__ import annotations

import functools
import re
from importlib.resources import files

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import yaml

from heytalk_audit.detect.fold import key, keys

REACH = 40  # characters each side
OTHER = "other"
WEAK = {"number": "phone", "token": OTHER}  # words that say little: what they mean where no other word is near
_IDENTITY = frozenset({"us_ssn", "cn_id", "tr_id", "es_id"})
#: How letters may be written that `key` makes one, for the gate, which reads raw text.
_SPELLINGS = {"a": "aáâà", "c": "cç", "e": "eéè", "g": "gğ", "i": "iıİí", "n": "nñ", "o": "oóö", "s": "sş", "u": "uúü"} | {
    "ا": "اأإآ", "ه": "هة", "ي": "يى", "ك": "كک"
}  # fmt: skip


@functools.cache
def vocabulary() -> dict[str, str]:
    """What each word speaks of. A word closed by $ ends where it ends; others may have suffixes."""
    data = yaml.safe_load(files(__package__).joinpath("context.yaml").read_text("utf-8"))
    return {key(word): label for label, languages in data.items() for words in languages.values() for word in words}


def _trie(words: list[str]) -> str:
    """A pattern of these words that shares their beginnings, the longest first."""
    by_head: dict[str, list[str]] = {}
    for word in words:
        by_head.setdefault(word[:1], []).append(word[1:])
    ends = [end for head, end in (("$", "(?![a-z])"), ("", "")) if head in by_head and (head or by_head[head])]
    branches = [re.escape(head) + _trie(rest) for head, rest in by_head.items() if head not in ("", "$")]
    options = "|".join([*branches, *ends])
    return f"(?:{options})" if len(branches) + len(ends) > 1 else options


@functools.cache
def _words() -> re.Pattern[str]:
    latin = [word for word in vocabulary() if word[0].isascii()]
    other = [word for word in vocabulary() if not word[0].isascii()]
    return re.compile(f"(?<![a-z]){_trie(latin)}|{_trie(other)}")


def gate(*labels: str) -> str:
    """The words of these labels as RE2 alternatives over raw text."""
    words = (word.removesuffix("$") for word, label in vocabulary().items() if label in labels)
    return "|".join("".join(f"[{_SPELLINGS[c]}]" if c in _SPELLINGS else re.escape(c) for c in word) for word in words)


@functools.lru_cache(1 << 16)
def label(before: str, after: str) -> str | None:
    """What the nearest word speaks of; None without one. Both are `key` text, `before` ends and `after` begins at the value."""
    said = [_label_of(match[0]) for match in _words().finditer(before[-REACH:])][::-1]
    said += [_label_of(match[0]) for match in _words().finditer(after[:REACH])]
    strong = next((label for label in said if label not in WEAK), None)
    return strong or (WEAK[said[0]] if said else None)


def _label_of(word: str) -> str:
    return vocabulary().get(word) or vocabulary()[word + "$"]


def speaks_of(label: str | None, kind: str) -> bool:
    return label == kind or (label == "identity" and kind in _IDENTITY)


def windows(codes: np.ndarray, start: np.ndarray, end: np.ndarray, low: np.ndarray, high: np.ndarray) -> list[tuple[str, str]]:
    """The `key` text before each start and after each end, within the row that begins at `low` and ends at `high`."""
    reach = np.arange(REACH)
    index = np.concatenate([start[:, None] - REACH + reach, end[:, None] + reach], 1)
    inside = (index >= low[:, None]) & (index < high[:, None])
    points = np.where(inside, keys(codes[np.clip(index, 0, len(codes) - 1)]), np.uint32(0))
    text = points.tobytes().decode("utf-32-le")
    at = range(0, len(text), 2 * REACH)
    return [(text[i : i + REACH].lstrip("\0"), text[i + REACH : i + 2 * REACH].rstrip("\0")) for i in at]


@functools.cache
def _any_word(labels: tuple[str, ...]) -> str:
    return "|".join(re.escape(word.removesuffix("$")) for word, label in vocabulary().items() if label in labels)


def mentions(near: list[tuple[str, str]], *labels: str) -> np.ndarray:
    """Which windows have a word of these labels, or may have one."""
    return pc.match_substring_regex(pa.array([f"{before} {after}" for before, after in near], pa.string()), _any_word(labels)).to_numpy(
        zero_copy_only=False
    )
