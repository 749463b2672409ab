"""The results of a run that came from elsewhere: read as data, bounded, and checked before anybody computes with them."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from heytalk_audit.audit.document import Results, read_results
from heytalk_audit.canonical import bytes_bounded, canonical
from heytalk_audit.errors import InputError
from heytalk_audit.evidence.folder import RESULTS, payload
from heytalk_audit.evidence.inventory import MOST_BY_NAME
from heytalk_audit.policy.chapters import CHAPTERS

#: No whole number is larger.
_MOST_NUMBER = 2**53
_RULE = re.compile(r"[A-Z]{2,8}-[0-9]{1,4}[A-Z]?")
_PSEUDONYM = re.compile(r"[0-9a-f]{16}")
_YEARS = range(1971, 2200)
_FAMILIES = {family for chapter in CHAPTERS.values() for family in chapter.families}


def results_in(folder: Path, where: str) -> Results:
    """The results of a run, or of a bag of one, of this format or an earlier one. Raises InputError, which begins with `where`."""
    missing = "name the folder of an earlier run"
    content = bytes_bounded(payload(folder) / RESULTS, f"{where}: {RESULTS}", missing, MOST_BY_NAME[RESULTS])
    try:
        document = json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise InputError(where, f"its {RESULTS} is missing or cannot be read", missing) from error
    try:
        results = read_results(document)
        place = next(_misstated(results, document), None) or (None if _is_canonical(document, content) else "its form")
    except ValidationError as error:
        place = ".".join(map(str, error.errors()[0]["loc"]))
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(where, f"its {RESULTS} is not as this version reads it", "name the folder of a run of this version") from error
    if place is not None:
        todo = "name the folder of a run of this version"
        raise InputError(where, f"its {RESULTS} is not as this version reads it ({place[:80]})", todo)
    return results


def _misstated(results: Results, document: dict[str, Any]) -> Iterator[str]:
    """Places whose values are of the right type, and still nothing that an audit states."""
    audit, ids = results.audit, [rule.id for rule in results.rules]
    if not _is_instant(audit.as_of):
        yield "audit.as_of"
    for rule in results.rules:
        if not _RULE.fullmatch(rule.id) or rule.family not in _FAMILIES or ids.count(rule.id) > 1:
            yield "rules.id"
        if any(n is not None and n < 0 for n in vars(rule.ledger).values()):
            yield "rules.ledger"
        if not all(_PSEUDONYM.fullmatch(record) for sample in rule.samples for record in sample.records):
            yield "rules.samples.records"
    if not {area.name for area in results.areas} <= set(CHAPTERS):
        yield "areas.name"
    if results.follow_up and not all(_is_instant(past.as_of) for past in results.follow_up.history):
        yield "follow_up.history.as_of"
    if not _is_bounded(document):
        yield "a number"


def _is_canonical(document: Any, content: bytes) -> bool:
    """Whether a document is written as this tool writes: nothing stands in it twice, and every number is one."""
    try:
        return canonical(document) == content
    except ValueError:
        return False


def _is_instant(text: str) -> bool:
    try:
        return dt.datetime.fromisoformat(text).year in _YEARS
    except ValueError:
        return False


def _is_bounded(document: Any) -> bool:
    """Whether every whole number is one that programs agree on."""
    waiting = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict | list):
            waiting += value.values() if isinstance(value, dict) else value
        elif isinstance(value, int) and abs(value) > _MOST_NUMBER:
            return False
    return True
