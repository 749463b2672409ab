"""Who is there: the users by status, region of law and age."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from heytalk_audit.audit.fact import TablePart, Tally, fact
from heytalk_audit.audit.people import age_band, one_row_each
from heytalk_audit.expressions.calendar import sure
from heytalk_audit.policy.view import View
from heytalk_audit.rules.terms import any_of, deletion_unclear, with_contact, with_deletion

#: What became of an account, in the order in which it may.
STATES = ("live", "inactive", "in the security period", "past the security period", "purged", "anonymised", "unclear")


@fact(
    "people",
    title="People",
    limits=("A person with two accounts counts twice.", "The age is that of the birth date on record, which nobody has verified."),
)
def people(users: ir.Table, subscriptions: ir.Table, policy: View) -> Tally:
    """All registered accounts, each of one person, by what became of the account, its status, the region whose law applies and the age on
    the audit's day. An account that is not deleted is live, or inactive where the last contact is longer ago than the policy's period of
    inactivity. A deleted account is in the security period until the day on which its purge is due, and past it from the next day on. It is
    unclear where its dates or its status contradict each other or are missing. A banned account has that status."""
    u = with_contact(with_deletion(one_row_each(users, policy), policy), subscriptions, policy)
    u = u.mutate(state=state_of_account(u, policy), age=age_band(u.birth_date, policy.today))
    return Tally(u, [TablePart(u, ("state", "status", "law_region", "age"), order=STATES)])


def state_of_account(u: ir.Table, policy: View) -> ir.StringValue:
    """What became of each account, in one word or two (`u` as of `with_contact` and `with_deletion`): the first that holds."""
    return ibis.cases(
        (sure(u.status == "anonymised"), "anonymised"),
        (sure(u.status == "purged") | policy.by_now(u.purged_at), "purged"),
        (any_of(deletion_unclear(u, policy)), "unclear"),
        (u.is_gone & policy.over(u.gone, "account_window"), "past the security period"),
        (u.is_gone, "in the security period"),
        (u.live & policy.over(u.contact_at, "inactivity"), "inactive"),
        (u.live, "live"),
        else_="unclear",
    )
