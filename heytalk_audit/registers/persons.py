"""Whether two names are those of one person, however they are spelled: wherever two persons must differ."""

from __future__ import annotations

import unicodedata
from functools import cache

from confusable_homoglyphs.confusables import confusables_data


def same_person(one: str, other: str) -> bool:
    """Whether two names differ in nothing but case, width, signs, what cannot be seen, and letters of another script that look alike."""
    return bool(_spellings(one) & _spellings(other))


def _spellings(name: str) -> set[str]:
    """What a name comes to: look-alikes are exchanged before its case is folded, as capitals have their own, and only after."""
    plain = "".join(c for c in unicodedata.normalize("NFKC", name) if unicodedata.category(c) != "Cf")
    return {_bare(_latin(_folded(plain))), _bare(_latin(_folded(_latin(plain))))}


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text.casefold())


def _latin(text: str) -> str:
    return text.translate(_look_alikes())


def _bare(text: str) -> str:
    """The letters and digits alone; the text itself where it has none."""
    return "".join(c for c in text if c.isalnum()) or text


@cache
def _look_alikes() -> dict[int, str]:
    """Letters and digits of other scripts that Unicode lists as confusable with one of ASCII, and that one."""
    return {
        ord(char): plain
        for char, alike in confusables_data.items()
        if len(char) == 1 and not char.isascii() and (plain := _plain(char, [entry["c"] for entry in alike]))
    }


def _plain(char: str, alike: list[str]) -> str | None:
    """The character of ASCII among look-alikes: of several that of the same case, the first."""
    plain = sorted(c for c in alike if len(c) == 1 and c.isascii() and c.isalnum())
    return next((c for c in plain if c.isupper() == char.isupper()), plain[0] if plain else None)
