"""Links from one part of the report to another."""

from __future__ import annotations

from heytalk_audit.policy.chapters import PAGE_OF
from heytalk_audit.report.html import Fragment, tag


def to_rule(rule: str, nowrap: bool = False) -> Fragment:
    """A rule's id, linked to its section; `nowrap` keeps it on one line."""
    return tag("a", rule, href=f"{PAGE_OF[rule.partition('-')[0]]}#{rule}", cls="nowrap" if nowrap else None)


def to_part(page: str, part: str, text: str) -> Fragment:
    """A text, linked to a part of one of the report's pages."""
    return tag("a", text, href=f"{page}.html#{part}")
