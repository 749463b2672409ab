"""The cards that answer questions: which fact and which rules each shows, from `cards.yaml`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files

from heytalk_audit.canonical import parse_yaml

CONSENT, DELETION, RULES_CARD, STATED = "consent_of_person", "deletion_of_person", "rules", "stated"


@dataclass(frozen=True)
class Card:
    """A kind of answer: its title, the fact that it shows, if any, the rules beside it, and who delivers what it lacks.

    `says` states the fact's total, in braces. `period` names the column with the instant by which a period limits the fact; without one it
    has no period. `annex` names the tables and columns whose clear values a question about a person asks for.
    """

    title: str
    fact: str | None = None
    says: str = ""
    rules: Sequence[str] = ()
    who: str = "the data engineer"
    period: str = ""
    annex: Mapping[str, Sequence[str]] = field(default_factory=dict)


def _cards() -> dict[str, Card]:
    text = files(__package__).joinpath("cards.yaml").read_text("utf-8")
    return {name: Card(**about) for name, about in parse_yaml(text).items()}


CARDS = _cards()
