"""What stands round a term: words for people, words of its category, and first-person frames. The words are data, in `frames.yaml`."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

import yaml

from heytalk_audit.detect.terms import Term

#: Characters of a sentence that are read on either side of a term.
REACH = 90
_STOPS = ".!?;\n。！？；؟"
_FIRST_PERSON = re.compile(r"'?.*(?:y?[iu]m|y?[iu]z)$")
_OTHER_ENDINGS = re.compile(r".*(?:l[ae]r[iu]m|[iu]m[iu]z|s[iu]n[iu]z|[iu]n[iu]z|[ds][iu]z)$")


@cache
def _frames() -> dict:
    return yaml.safe_load((files(__package__) / "lexicon" / "frames.yaml").read_text("utf-8"))


def _joined(pattern: str) -> str:
    # a folded line of the file begins with a blank
    return re.sub(r"\| ", "|", pattern)


@cache
def _beside(language: str, after: bool) -> re.Pattern[str]:
    """A word for people beside a term, with at most one word between."""
    words = _joined(_frames()[language]["person"])
    if language == "zh":
        return re.compile(rf"的?(?:{words})" if after else rf"(?:{words})$")
    return re.compile(rf"\W{{1,2}}(?:\w+ )?(?:{words})(?!\w)" if after else rf"(?<!\w)(?:{words})(?: \w+)?\W{{1,2}}(?:ال)?$")


@cache
def _topic(language: str, category: str) -> re.Pattern[str]:
    words = _joined(_frames()[language]["topic"][category])
    return re.compile(words if language == "zh" else rf"(?<!\w)(?:[وفبكل]{{0,2}})(?:{words})(?!\w)")


@cache
def _before(language: str, category: str) -> re.Pattern[str] | None:
    """What ends just before a term in a first-person statement of this category."""
    data = _frames()[language]
    frames = "|".join(_joined(data["self"][key]) for key in ("be", category) if key in data.get("self", ()))
    if not frames:
        return None
    if language == "zh":
        frames = frames.replace(" ", "")
        return re.compile(rf"(?:{frames})(?:{data['filler']}){{0,4}}[ 「“\"']*$")
    filler = rf"(?:[ ,\"(]+(?!(?:{_joined(data['stop'])})(?!\w)){data['filler']}(?!\w)){{0,4}}"
    own = f"|{data['own']}" if "own" in data and category not in ("ethnicity", "orientation") else ""
    return re.compile(rf"(?<![\w'])(?:(?:{frames}){filler}{own})[ ,\"'(]+{'[وفبكل]?(?:ال|لل)?' if language == 'ar' else ''}$")


@cache
def _around(language: str) -> list[tuple[re.Pattern[str], re.Pattern[str]]]:
    pairs = _frames()[language]["around"]
    return [(re.compile(rf"(?<!\w)(?:{before})[ \"'(]*$"), re.compile(after)) for before, after in pairs]


@cache
def _pattern(language: str, name: str) -> re.Pattern[str] | None:
    text = _frames()[language].get(name)
    return re.compile(_joined(text)) if text else None


def sides(text: str, start: int, end: int) -> tuple[str, str]:
    """The rest of the sentence before and after a term, as far as it is read."""
    before, after = text[max(0, start - REACH) : start], text[end : end + REACH]
    cut = max(before.rfind(stop) for stop in _STOPS) + 1
    stops = [at for stop in _STOPS if (at := after.find(stop)) >= 0]
    return before[cut:], after[: min(stops, default=len(after))]


def is_self(term: Term, ending: str, before: str, after: str) -> bool:
    """Whether somebody says it of himself or herself."""
    if term.form == "self":
        return True
    language = term.language
    if language == "tr" and _FIRST_PERSON.match(ending) and not _OTHER_ENDINGS.match(ending):
        return True
    others = _pattern(language, "others")
    if others and others.match(after):
        return False
    frame, later = _before(language, term.category), _pattern(language, "after")
    if (frame and frame.search(before)) or (later and later.match(after)):
        return True
    return any(first.search(before) and second.search(after) for first, second in _around(language))


def has_cue(term: Term, before: str, after: str) -> bool:
    """Whether a word beside a weak term, or in its sentence, shows which sense is meant."""
    language = term.language
    if _beside(language, True).match(after) or _beside(language, False).search(before):
        return True
    topic = _topic(language, term.category)
    return bool(topic.search(before) or topic.search(after))
