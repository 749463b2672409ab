"""What people see: content shown to no more of them than its author chose, and published once somebody looked."""

from __future__ import annotations

import ibis.expr.types as ir

from heytalk_audit.audit.check import Check, Condition, passes, review, rule, unknown, violation
from heytalk_audit.expressions.calendar import sure
from heytalk_audit.expressions.strings import blank
from heytalk_audit.policy.view import View
from heytalk_audit.rules.terms import alive

AUDIENCES = ("public", "friends", "room", "private")
DECISIONS = ("approved", "rejected", "pending", "none")


def _one_of(value: ir.StringValue, values: tuple[str, ...]) -> ir.BooleanValue:
    """Whether a text is one of the values; false where it is null."""
    return sure(value.isin(values))


@rule("VIS-01", severity="high", clauses=["CL-022", "CL-026", "CL-028", "CL-116", "CL-136"])
def shown_to_more(content_items: ir.Table, policy: View) -> Check:
    """Content is shown to no more people than its author chose."""
    c = content_items.filter(alive(content_items, policy))
    chosen, shown = c.visibility, c.effective_visibility
    some = ("friends", "room")
    return Check(
        c,
        [
            unknown("visibility_missing", ~_one_of(chosen, AUDIENCES)),
            unknown("effective_missing", ~_one_of(shown, AUDIENCES)),
            violation("wider_than_chosen", sure(((shown == "public") & (chosen != "public")) | (shown.isin(some) & (chosen == "private")))),
            review("audience_differs", sure(shown.isin(some) & chosen.isin(some) & (shown != chosen))),
        ],
        by=("kind", "visibility"),
    )


@rule("MOD-01", severity="medium", clauses=["CL-144"])
def public_without_a_decision(content_items: ir.Table, policy: View) -> Check:
    """Moderators approve content before it is public."""
    c = content_items.filter(alive(content_items, policy))
    c = c.filter(blank(c.effective_visibility).ifelse(c.visibility, c.effective_visibility) == "public")
    return Check(c, [*decision_unclear(c), *approval(c, policy), *rejection(c, policy), *no_decision(c, policy)], by=("kind",))


def decision_unclear(content: ir.Table) -> list[Condition]:
    """Content of which nobody can tell whether, or when, it was published and decided on."""
    decision = content.moderation_decision
    decided = (decision == "approved") | (decision == "rejected")
    decided_at = (decision == "approved").ifelse(first_decision(content), content.moderated_at)
    return [
        unknown("decision_missing", ~_one_of(decision, DECISIONS)),
        unknown("clock_missing", content.created_at.isnull()),
        unknown("moderated_at_missing", sure(decided) & decided_at.isnull()),
    ]


def first_decision(content: ir.Table) -> ir.TimestampValue:
    """When content was first decided on; the last time where only that is on record."""
    return content.first_moderated_at.fill_null(content.moderated_at)


def approval(content: ir.Table, policy: View) -> list[Condition]:
    """Content that was approved: before it was published, soon after or late."""
    approved, created, decided = content.moderation_decision == "approved", content.created_at, first_decision(content)
    return [
        passes(sure(approved & (decided <= created))),
        review("approved_after_publication", sure(approved & (decided <= policy.after(created, "mod_sla_h")))),
        violation("approved_late", sure(approved & content.first_moderated_at.notnull())),
        review("moderated_again", sure(approved)),
    ]


def rejection(content: ir.Table, policy: View) -> list[Condition]:
    """Content that was rejected, and is public still."""
    rejected = sure(content.moderation_decision == "rejected")
    return [
        violation("rejected_but_public", rejected & policy.passed(content.moderated_at, "mod_removal_h")),
        review("removal_pending", rejected),
    ]


def no_decision(content: ir.Table, policy: View) -> list[Condition]:
    """Content that nobody has decided on yet."""
    undecided = sure(content.moderation_decision.isin(["pending", "none"]))
    return [
        violation("no_decision", undecided & policy.passed(content.created_at, "mod_sla_h")),
        review("pending_within_sla", undecided),
    ]
