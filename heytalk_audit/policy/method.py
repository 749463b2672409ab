"""How a rule tests, in words: the rows that it tests, and its conditions in order, with the numbers that they read.

The words stand in the policy's data beside the rule's title. In them a name in braces stands for a number of the policy, a setting or a
phrase that several rules share, so that a text cannot differ from the number that is tested.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from heytalk_audit.policy import Number, Policy
from heytalk_audit.vocabulary import Outcome

_NAME = re.compile(r"\{(\w+)\}")
#: A list of more entries, or of more letters, goes by the name of its setting.
_MOST_ENTRIES, _MOST_LETTERS = 8, 110
#: How deep phrases may stand in each other.
_DEPTH = 3
#: The phrase that says which holds count; a rule adds what such a hold must cover.
HOLD = "hold_terms"
#: What the method of a rule adds whose rows name people.
LEFT_OUT = "Rows of test accounts are counted and left out."


@dataclass(frozen=True)
class Step:
    """A condition in words: where it holds, and none before it, the row has this outcome, for this reason."""

    outcome: str
    reason: str | None
    when: str


@dataclass(frozen=True)
class Method:
    """A rule's whole test in words: the rows `tested`, the `steps` in order, and what excuses a row; null where nothing does."""

    tested: str
    steps: tuple[Step, ...] = ()
    exempt: str | None = None

    def when(self, outcome: str, reason: str | None) -> str:
        """What a row of this outcome and reason shows; empty where no step has them."""
        return next((step.when for step in self.steps if (step.outcome, step.reason) == (outcome, reason)), "")


def method_of(rule: str, policy: Policy, settings: Mapping[str, Any] | None = None) -> Method:
    """A rule's method by the policy's data, with the values of `settings` where these have them. Raises KeyError for an unknown name."""
    words = policy.rules.get(rule, {})
    fill = _Filled(policy, settings or {})
    steps = [_step(name, when, fill) for line in words.get("steps", ()) for name, when in line.items()]
    exempt = words.get("exempt") or (f"{{{HOLD}}} The hold must cover {words['held']}." if "held" in words else None)
    return Method(fill(words.get("tested", "")), tuple(steps), exempt and fill(exempt))


def _step(name: str, when: str | None, fill: _Filled) -> Step:
    """A step as the data has it: its outcome and reason in one name; without words of its own it has those of the reason."""
    outcome, _, reason = name.partition(" ")
    return Step(str(Outcome(outcome)), reason or None, fill(when or fill.policy.reasons[reason].says))


class _Filled:
    """Texts with each name in braces replaced by the phrase or the number that it stands for."""

    def __init__(self, policy: Policy, settings: Mapping[str, Any]):
        self.policy, self.settings = policy, settings

    def __call__(self, text: str) -> str:
        for _ in range(_DEPTH):
            text = _NAME.sub(lambda name: self.policy.phrases.get(name[1], name[0]), text)
        return _NAME.sub(lambda name: number_in_words(self._number(name[1])), text)

    def _number(self, name: str) -> Number:
        if name in self.policy.periods:
            return self.policy.periods[name]
        default = self.policy.settings[name]
        value = self.settings.get(name, default.value)
        return Number(name, value, default.unit, default.clause, default.origin, default.means)


def names_in(rule: str, policy: Policy) -> set[str]:
    """The numbers and settings that a rule's method names."""
    words = policy.rules[rule]
    texts = [words["tested"], words.get("exempt") or "", f"{{{HOLD}}}" if "held" in words else ""]
    texts += [when or policy.reasons[name.partition(" ")[2]].says for line in words["steps"] for name, when in line.items()]
    text = " ".join(texts)
    for _ in range(_DEPTH):
        text = _NAME.sub(lambda name: policy.phrases.get(name[1], name[0]), text)
    return set(_NAME.findall(text))


def number_in_words(number: Number) -> str:
    """A number as a sentence says it: with its unit, in the largest unit that it is whole in."""
    value = number.value
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | dict):
        return _listed(number.name, value)
    if isinstance(value, float):
        return f"{value * 100:g} % {number.unit}".strip()
    if isinstance(value, int) and number.unit:
        return _length(value, number.unit)
    return str(value)


def _length(value: int, unit: str) -> str:
    """A length of time: 60 months are 5 years, and 300 seconds 5 minutes."""
    for small, by, large in (("months", 12, "years"), ("seconds", 60, "minutes")):
        if unit == small and value > by and value % by == 0:
            value, unit = value // by, large
    return f"{value} {unit.removesuffix('s') if value == 1 else unit}"


def _listed(name: str, values: list[Any] | dict[str, Any]) -> str:
    """A list in full where it is short, and by the name of its setting where it is not."""
    if isinstance(values, dict):
        simple = not any(isinstance(value, list | dict) for value in values.values())
        entries = [f"{key} {value}" for key, value in values.items()] if simple else []
    else:
        simple, entries = True, [str(value) for value in values]
    text = ", ".join(entries)
    short = simple and len(entries) <= _MOST_ENTRIES and len(text) <= _MOST_LETTERS
    return (text or "none") if short else f"the list {name}"
