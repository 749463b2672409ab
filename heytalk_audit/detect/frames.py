"""What stands around a term: words for people, words of its category, first-person frames. The words are data, in `lexicon/frames.yaml`."""

from __future__ import annotations

import re
from collections import defaultdict
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

from heytalk_audit.canonical import parse_yaml
from heytalk_audit.detect.letters import fold_letters
from heytalk_audit.detect.terms import Term

#: Characters of a sentence that are read on either side of a term.
REACH = 90
#: The character between texts that are read as one string.
BETWEEN = "\x1e"
_STOPS = ".!?;\n。！？；؟" + BETWEEN
_STOP = re.compile(f"[{_STOPS}]")
_FIRST_PERSON = re.compile(r"'?.*(?:y?[iu]m|y?[iu]z)$")
#: A Turkish possessive of the first person, in any case: `namazımı`, `disleksim`. Not `mi`, which makes a question.
_OWN = re.compile(r"'?(?:m|[iu]m(?:[iu]n?|[ae]|[dt][ae]n?|l[ae])?)")
_PLURAL = re.compile(r"l[ae]r(?:[iu]|[ae]|[dt][ae]n?)?$")
_WE = re.compile(r"(?<!\w)biz(?:ler| de| da)? $")
#: An Arabic plural of people.
_ARABIC_PLURAL = ("ون", "ين", "يون", "يين")
_OTHER_ENDINGS = re.compile(r".*(?:l[ae]r[iu]m|[iu]m[iu]z|s[iu]n[iu]z|[iu]n[iu]z|[ds][iu]z)$")
#: What separates the entries of a profile: signs, line ends, emoji.
_PARTS = re.compile(r"\s*(?:[|•·;\n,،、，。/~*—–.!]|[\u2600-\u27bf\U0001f000-\U0001faff\ufe0f\u200d])+\s*")
#: The heading of a profile.
_BIO = re.compile(r"^\W*(?:bio|about me|sobre mi|hakkimda|profil|بايو|نبذه|نبذه عني|个人简介|简介|签名)\s*[:：]\s*")
#: An entry that shows that a text is a profile: an age, pronouns.
_PROFILE = re.compile(r"(?:[oieast b g]{2}|\d\d|she|he|they|her|him|them|his|hers|ella|el|elle)(?: ?(?:yo|y o|anos|yas|岁|سنه))?")


class Sides(NamedTuple):
    """What stands around a term: its sentence before and after it, and the text before and after it, `REACH` characters at most."""

    before: str
    after: str
    earlier: str
    later: str

    @staticmethod
    def of(text: str, start: int, end: int) -> Sides:
        earlier = text[max(0, start - REACH) : start].rpartition(BETWEEN)[2]
        later = text[end : end + REACH].partition(BETWEEN)[0]
        cut = max(map(earlier.rfind, _STOPS)) + 1
        stop = _STOP.search(later)
        return Sides(earlier[cut:], later[: stop.start()] if stop else later, earlier, later)


@cache
def _frames() -> dict[str, dict[str, Any]]:
    """The words of `frames.yaml`, by language."""
    frames: dict[str, dict[str, Any]] = parse_yaml((files(__package__) / "lexicon" / "frames.yaml").read_text("utf-8"))
    return frames


@cache
def _senses() -> dict[str, list[tuple[str, str]]]:
    """By a term's folded letters, the patterns of its other senses, with their language: many words are of several languages."""
    senses = parse_yaml((files(__package__) / "lexicon" / "senses.yaml").read_text("utf-8"))
    by_term: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for language, patterns in senses.items():
        for term, pattern in patterns.items():
            by_term[_bare(term)].append((language, pattern))
    return by_term


def _joined(pattern: str) -> str:
    # YAML joins the lines of a pattern with a blank; a blank that is meant is written [ ]
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
        frames = f"{frames}|^\\W*(?:{data['bare']['any']})".replace(" ", "")
        return re.compile(rf"(?:{frames})(?:{data['filler']}){{0,4}}[ 「“\"']*$")
    filler = rf"(?:[ ,\"(]+(?!(?:{_joined(data['stop'])})(?!\w)){data['filler']}(?!\w)){{0,4}}"
    own = f"|{data['own']}" if "own" in data and category not in ("ethnicity", "orientation") else ""
    bare = "|".join(_joined(data["bare"][key]) for key in ("any", category) if key in data.get("bare", ()))
    first = rf"|^\W*(?:{bare}){filler}" if bare else ""
    article = "[وفبكل]?(?:ال|لل)?" if language == "ar" else ""
    return re.compile(rf"(?:(?<![\w'])(?:(?:{frames}){filler}{own}){first})[ ,\"'(]+{article}$")


@cache
def _around(language: str) -> list[tuple[re.Pattern[str], re.Pattern[str]]]:
    pairs = _frames()[language]["around"]
    return [(re.compile(rf"(?<!\w)(?:{before})[ \"'(]*$"), re.compile(after)) for before, after in pairs]


@cache
def _pattern(language: str, name: str, shape: str = "{}") -> re.Pattern[str] | None:
    text = _frames()[language].get(name)
    return re.compile(shape.format(_joined(text))) if text else None


@cache
def _unless(term: Term) -> re.Pattern[str] | None:
    """What shows that a term has another sense; null where none is listed."""
    edges = {"zh": ("", ""), "ar": (r"(?<!\w)[وفبلك]?(?:ال|لل)?", r"(?!\w)")}
    plain = (r"(?<!\w)", r"(?!\w)")
    parts = [f"(?:{pattern})".join(edges.get(language, plain)) for language, pattern in _senses().get(_bare(term.term), ())]
    return re.compile("|".join(parts)) if parts else None


def _bare(term: str) -> str:
    """A term as a key: folded, without the Arabic article, so that one entry serves all of its forms."""
    return fold_letters(term)[0].removeprefix("ال")


def is_another(term: Term, sides: Sides) -> bool:
    """Whether a word of its sentence shows that the term has another sense here."""
    unless = _unless(term)
    return bool(unless and (unless.search(sides.before) or unless.search(sides.after)))


def is_joined(language: str, text: str, start: int, end: int, left: bool) -> bool:
    """Whether only a blank is missing: the rest of the word, on one side of the term, is one of the words that often stand there."""
    words = _pattern(language, "joined")
    if not words:
        return False
    rest = re.match(r"\w+", text[end : end + 20]) if left else re.search(r"\w+$", text[max(0, start - 20) : start])
    return bool(rest and words.fullmatch(rest[0].removeprefix("s") if left and len(rest[0]) > 4 else rest[0]))


def is_self(term: Term, ending: str, sides: Sides) -> bool:
    """Whether somebody says the term of himself or herself."""
    if term.form == "self":
        return True
    language, before, after = term.language, sides.before, sides.after
    if language == "tr" and _FIRST_PERSON.match(ending) and not _OTHER_ENDINGS.match(ending):
        return True
    if language == "tr" and is_own(term, ending, before):
        return True
    others, denied = _pattern(language, "others"), _pattern(language, "denied")
    if (others and others.match(after)) or (denied and denied.search(before)):
        return False
    frame, later = _before(language, term.category), _pattern(language, "after")
    if (frame and frame.search(before)) or (later and later.match(after)):
        return True
    if any(first.search(before) and second.search(after) for first, second in _around(language)):
        return True
    return is_entry(term, sides) or is_opening(term, ending, sides)


def is_own(term: Term, ending: str, before: str) -> bool:
    """Whether a Turkish ending makes it the speaker's own (`disleksim`), or `we` before it names the speakers (`biz Bektaşiler`)."""
    if _PLURAL.search(term.term + ending):
        return bool(_WE.search(before))
    return term.category not in ("ethnicity", "orientation") and bool(_OWN.fullmatch(ending))


def is_opening(term: Term, ending: str, sides: Sides) -> bool:
    """Whether a text opens with the term, in the singular, and goes on in the first person: `Shia, and I am tired of the jokes`."""
    beside, first, many, goes, about = (_pattern(term.language, name) for name in ("entry", "first", "many", "goes", "about"))
    if not (beside and first and many and goes) or len(sides.earlier) > 30 or many.search(term.term + ending):
        return False
    if not all(beside.fullmatch(word) for word in re.findall(r"\w+", sides.earlier)):
        return False
    return bool((goes.match(sides.later) and first.search(sides.later)) or (about and about.match(sides.later)))


def is_entry(term: Term, sides: Sides) -> bool:
    """Whether the term is an entry of a profile: a list of short entries, this one only of the term and small words beside it."""
    if len(sides.earlier) + len(sides.later) > 80:
        return False
    named = bool(_BIO.match(sides.earlier))
    earlier, later = _PARTS.split(_BIO.sub("", sides.earlier)), _PARTS.split(sides.later)
    if len(earlier) + len(later) == 2:
        return False
    entries, at = [*earlier, "", *later], len(earlier)
    own = (entries[at - 1].split(), entries[at + 1].split())
    others = [entry for entry in entries[: at - 1] + entries[at + 2 :] if entry]
    if not others or len(own[0]) + len(own[1]) > 2 or any(len(entry.split()) > 5 for entry in others):
        return False
    beside = _pattern(term.language, "entry")
    plain = all(beside and beside.fullmatch(word) for word in (*own[0], *own[1]))
    parted = len(others) > 1 and re.search(r"[|•·]", sides.earlier + sides.later)
    profile = named or any(_PROFILE.fullmatch(entry) for entry in others) or parted
    accompanied = len(others) > 1 or own[0] or own[1]
    return plain and bool(profile or (accompanied and term.strength == "strong"))


def has_cue(term: Term, ending: str, sides: Sides) -> bool:
    """Whether a word beside a weak term, or in its sentence, shows which sense is meant."""
    language, before, after = term.language, sides.before, sides.after
    if _beside(language, True).match(after) or _beside(language, False).search(before):
        return True
    topic = _topic(language, term.category)
    if topic.search(before) or topic.search(after):
        return True
    # a Turkish noun with an ending is not an attribute of the next noun
    if language == "tr" and term.strength == "noun" and len(ending) > 1:
        return True
    if language == "ar" and term.strength == "noun" and ending in _ARABIC_PLURAL:
        return True
    ends = _pattern(language, "ends")
    if ends is None or not ends.match(after):
        return False
    subject = _pattern(language, "said", r"(?<!\w)(?:{})\W{{1,2}}$" if language != "zh" else "(?:{})$")
    if subject and subject.search(before):
        return True
    noun = _pattern(language, "noun", r"(?<!\w)(?:{})\W{{1,2}}$" if language not in ("zh", "ar") else "(?:{})$")
    return term.strength == "noun" and bool(noun and noun.search(before))
