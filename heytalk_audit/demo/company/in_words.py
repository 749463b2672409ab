"""The company's story in words, for whoever opens its folder."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from itertools import pairwise

from heytalk_audit.demo.company import office, purges, stories
from heytalk_audit.demo.company.history import DAY, quarter_name
from heytalk_audit.params import DEMO_KEY

#: What is told: the rules that fail, or are left for review, and why. Words in braces are days.
TOLD = {
    "RET-01, RET-07, RET-18": """The nightly purge stood still from {still_from} to {still_to}. It looks at no earlier day. Accounts that
        fell due before {left_from} were erased by hand on {caught_up}. The later ones, and the traffic whose year ended in those weeks, are
        still there.""",
    "CON-01, CON-02, RGT-09": """On {mailed} an agency sent a campaign to its list of the autumn. Fourteen people on it had withdrawn since.
        One of them had also objected, was told that the objection was accepted, and complained.""",
    "SHA-02": "Since an update of {updated} Agora's code sends a device id that its list of fields does not have.",
    "COL-06, RET-20": "On {drawn} the entry form of a draw asked everybody for bank details, not only its winners.",
    "MIN-03": "A migration lost the age that keeps advertising from people under 18: four of them were among its audience.",
    "RGT-02": "Seven requests of the holidays lay for two months: nobody stood in for the person who answers them.",
    "RET-15": "The purge does not know a table that came with a new release. Four erased people still have a browser in it.",
    "SEC-03": "A contractor who left on {left} kept a password, and used it.",
    "SHA-09": "Came back: the contract with Admost ended on {ended}, was renewed on {renewed}, and ended again on {ended_again}.",
    "SEC-05": "Mended: photos of an old uploader had unencrypted addresses until {rewritten}.",
    "SEC-04": "Mended: one member of staff was trained weeks too late.",
    "CON-04": """Accepted: a form of long ago bundled consent with the terms. The register covers its twelve records since the second
        audit.""",
    "SHA-10, SHA-13, RET-16, SEC-08": """For people to decide: nobody records that advertisers were told of a refusal, vendors sit abroad,
        some tables have no stated period, and two columns of free text are delivered.""",
}


def in_words(ends: Sequence[dt.datetime], end: dt.datetime, about: Mapping[str, str]) -> str:
    """The story as Markdown: of the snapshots at `ends` of a history up to `end`, and of the people it is `about`, by role."""
    names = [quarter_name(at) for at in ends]
    days = {name: (end.date() - ago * DAY).isoformat() for name, ago in agos().items()}
    lines = [
        "# The story of the company",
        "",
        f"Snapshots: {', '.join(names)}. They show the same people. Nobody in them exists.",
        "",
        "## What the audits find",
        "",
        *(f"* {rules}: {' '.join(text.format(**days).split())}" for rules, text in TOLD.items()),
        "",
        "## Who it is about",
        "",
        "| role | user id |",
        "|---|---|",
        *(f"| {role} | {user} |" for role, user in about.items()),
        "",
        "The complainant is there in each snapshot. The erased person asked by e-mail, was deleted three days later, and was purged",
        "in the last quarter.",
        "",
        "## How to audit it",
        "",
        f"    export HEYTALK_AUDIT_KEY={DEMO_KEY}",
        *commands(names),
        "",
    ]
    return "\n".join(lines)


def agos() -> dict[str, int]:
    """Days before the end of the history, by their name in the text."""
    return {
        "still_from": purges.STILL_FROM,
        "still_to": purges.STILL_TO,
        "left_from": purges.LEFT_FROM,
        "caught_up": purges.CAUGHT_UP,
        "mailed": stories.MAILED,
        "updated": stories.UPDATED,
        "drawn": stories.DRAWN,
        "rewritten": stories.REWRITTEN,
        "left": office.LEFT,
        "ended": office.ENDED,
        "renewed": office.RENEWED,
        "ended_again": office.ENDED_AGAIN,
    }


def commands(names: Sequence[str]) -> list[str]:
    """The commands that audit each quarter, and follow up the one before."""
    lines = [f"    heytalk-audit run params/{names[0]}.yaml"]
    for before, name in pairwise(names):
        lines.append(f"    heytalk-audit run params/{name}.yaml -p previous=reports/{before} -p previous_snapshot={before}")
    return lines
