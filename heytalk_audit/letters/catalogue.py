"""The cards that answer questions: which fact and which rules each shows, from `cards.yaml`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

from heytalk_audit.canonical import parse_yaml

CONSENT, DELETION, RULES_CARD, STATED = "consent_of_person", "deletion_of_person", "rules", "stated"


@dataclass(frozen=True)
class Card:
    """A kind of answer: its title, the fact that it shows, if any, the rules beside it, and who delivers what it lacks.

    `period` says how a period limits the fact: by the audit's period, by the instant of a row in a column, or (empty) not at all.
    """

    title: str
    fact: str | None = None
    rules: Sequence[str] = ()
    who: str = "the data engineer"
    period: str = ""


def _cards() -> dict[str, Card]:
    text = files(__package__).joinpath("cards.yaml").read_text("utf-8")
    return {name: Card(**about) for name, about in parse_yaml(text).items()}


CARDS = _cards()
#: How a period limits a fact that counts the events of the audit's period.
AUDIT_PERIOD = "audit's period"
