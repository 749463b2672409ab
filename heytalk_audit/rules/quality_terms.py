"""Terms of the evidence rules: who is on record, times written in bulk, and what test accounts do."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from heytalk_audit.audit.present import Present
from heytalk_audit.expressions.calendar import sure
from heytalk_audit.policy.view import View
from heytalk_audit.rules.terms import any_flag, join

#: Times of users that a job may write for many at once.
CONTACTS = ("last_contact_at", "last_interactive_at")
#: An id that is a digest.
_DIGEST = "^[0-9a-fA-F]{32,}$"


def on_record(users: ir.Table, purge_log: ir.Table) -> ir.Table:
    """The ids of people who are known, by the users or the purge log."""
    return ibis.union(users.select("user_id"), purge_log.select("user_id")).distinct().mutate(on_record=True)


def hashed_ids(log: ir.Table, users: ir.Table, policy: View) -> ir.Table:
    """One row: whether the ids of a log are digests while those of users are not (`hashed`), so that the two can't be compared."""
    share = policy.value("digest_share")
    digests, plain = (table.agg(share=table.user_id.re_search(_DIGEST).ifelse(1.0, 0.0).mean()) for table in (log, users))
    both = digests.cross_join(plain.rename(of_users="share"))
    return both.select(hashed=sure(both.share >= share) & ~sure(both.of_users >= share))


def with_bulk_times(users: ir.Table, clocks: list[str], policy: View) -> ir.Table:
    """Users with `bulk`: whether the second of one of these times is that of so many others that a job wrote it."""
    flags = []
    for clock in clocks:
        users = users.mutate(**{f"second_{clock}": users[clock].truncate("s")})
        users = join(users, _bulk_seconds(users, clock, policy), f"second_{clock}")
        flags.append(f"bulk_{clock}")
    return users.mutate(bulk=any_flag([users[flag] for flag in flags]))


def _bulk_seconds(users: ir.Table, clock: str, policy: View) -> ir.Table:
    """The seconds of a time that many users share: `second_<clock>`, `bulk_<clock>`."""
    second = f"second_{clock}"
    dated = users.filter(users[clock].notnull())
    seconds = dated.group_by(second).agg(times=dated.count())
    seconds = seconds.mutate(every=seconds.times.sum().over(ibis.window()))
    many = (seconds.times >= policy.value("bulk_users")) & (seconds.times > seconds.every * policy.value("bulk_time_share"))
    return seconds.filter(many).select(second, **{f"bulk_{clock}": ibis.literal(True)})


def paying(users: ir.Table, present: Present) -> ir.Table:
    """The people with a paid or lifetime subscription or a transaction: `paying`."""
    payers = [present["subscriptions"].filter(lambda t: t.kind.isin(["paid", "lifetime"]))] if "subscriptions" in present else []
    payers += [present["transactions"]] if "transactions" in present else []
    return _ids(users, payers).mutate(paying=True)


def marketed(users: ir.Table, present: Present, policy: View) -> ir.Table:
    """The people who were sent marketing in the audit's period: `marketed`."""
    messages = [present["outbound_messages"]] if "outbound_messages" in present else []
    sent = [m.filter(policy.in_period(m.sent_at), m.category == "marketing", m.status != "suppressed") for m in messages]
    return _ids(users, sent).mutate(marketed=True)


def _ids(users: ir.Table, tables: list[ir.Table]) -> ir.Table:
    """The people whom some row of these tables is about; of nobody where there is no table."""
    return ibis.union(*[t.select("user_id") for t in (users.limit(0), *tables)]).distinct()
