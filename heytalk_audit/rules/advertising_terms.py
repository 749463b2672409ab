"""Terms about what is sent to advertisers: whose rows count, what a sample of a payload holds, what a person chose."""

from __future__ import annotations

import datetime as dt

import ibis
import ibis.expr.types as ir

from heytalk_audit.expressions.calendar import sure
from heytalk_audit.expressions.strings import BLANKS, blank
from heytalk_audit.policy.view import View
from heytalk_audit.rules.sharing_terms import is_aggregate
from heytalk_audit.rules.terms import only_if

#: What stands between the values of a sample.
SEPARATORS = f"[{BLANKS},;|]+"
#: The end of a choice that nothing has ended.
FOREVER = dt.datetime(9999, 12, 31)


def advertised(disclosures: ir.Table, policy: View) -> ir.Table:
    """What was disclosed in the period for advertising of single persons: totals, which have neither a person nor an identifier, are left
    out."""
    d = disclosures.filter(disclosures.kind == "advertising", policy.in_period_or_undated(disclosures.sent_at))
    return d.filter(~is_aggregate(d))


def sampled(disclosures: ir.Table, policy: View) -> ir.Table:
    """One row per distinct sample of a payload for advertising, or for what is not stated, and value in it: `payload_sample`, `token`."""
    for_ads = (disclosures.kind == "advertising") | disclosures.kind.isnull()
    d = disclosures.filter(for_ads, ~blank(disclosures.payload_sample)).select("payload_sample").distinct()
    d = d.mutate(token=d.payload_sample.re_replace(SEPARATORS, ",").split(",").unnest())
    return policy.named("advertising_samples", d.filter(d.token != ""))


def is_zeros(id: ir.StringValue) -> ir.BooleanValue:
    """Whether an advertising id is one of zeros and dashes, which identifies nobody."""
    return sure(id.contains("0") & ~id.re_search("[^0-]"))


def choices(consents: ir.Table, purpose: str, signals: bool) -> ir.Table:
    """What each person had chosen for a purpose, from `start` until before `until`: `refuses`, `granted_until`, `objected_at`, and, with
    `signals`, `signalled`.

    Every event counts, however it was recorded; of events at one instant a refusal in any form beats a grant. `granted_until` is when
    the last of the grants since the last refusal ends, null where there are none. `objected_at` is the first refusal since the last
    grant, `signalled` whether a browser's signal is among the refusals since then.
    """
    c = _answers(consents, purpose, signals)
    person = {"group_by": ["person"], "order_by": "start"}
    c = c.mutate(
        until=c.start.lead().over(ibis.window(**person)).fill_null(ibis.literal(FOREVER, type="timestamp(6)")),
        grants=c.yes.cast("int64").sum().over(ibis.cumulative_window(**person)),
        refusals=c.no.cast("int64").sum().over(ibis.cumulative_window(**person)),
    )
    since_refusal = ibis.cumulative_window(group_by=["person", "refusals"], order_by="start")
    since_grant = ibis.cumulative_window(group_by=["person", "grants"], order_by="start")
    signalled = {"signalled": c.signal.cast("int64").max().over(since_grant) == 1} if signals else {}
    return c.select(
        ["person", "start", "until"],
        refuses=c.no,
        granted_until=only_if(~c.no, c.ends).max().over(since_refusal),
        objected_at=only_if(c.no, c.start).min().over(since_grant),
        **signalled,
    )


def _answers(consents: ir.Table, purpose: str, signals: bool) -> ir.Table:
    """One row per person and instant (`start`) of what they said of a purpose: a `yes` and when it `ends`, a `no`, and, with `signals`, a
    `no` by a browser's `signal`."""
    c = consents.filter(consents.purpose == purpose, ~blank(consents.user_id), consents.event_at.notnull())
    yes = sure(c.action == "grant")
    ends = only_if(yes, c.expires_at.fill_null(ibis.literal(FOREVER, type="timestamp(6)")))
    signal = {"signal": (~yes & sure(c.method == "signal_gpc")).any()} if signals else {}
    return c.group_by(person="user_id", start="event_at").agg(yes=yes.any(), ends=ends.max(), no=(~yes).any(), **signal)


def with_choices(rows: ir.Table, at: str, purpose: str, consents: ir.Table, policy: View, signals: bool = False) -> ir.Table:
    """`rows` with what their people had chosen for a purpose at the instant in column `at` (`then`), and by then if clocks differ by the
    skew (`earlier`, `later`): see `with_choice`."""
    chosen = choices(consents, purpose, signals)
    rows = with_choice(rows, "then", rows[at], chosen)
    rows = with_choice(rows, "earlier", policy.before(rows[at], "skew_seconds"), chosen)
    return with_choice(rows, "later", policy.after(rows[at], "skew_seconds"), chosen)


def with_choice(rows: ir.Table, name: str, at: ir.TimestampValue, chosen: ir.Table) -> ir.Table:
    """`rows` with `<name>_at` (the instant), and `<name>_` before what was chosen by then: `chosen` (anything), `granted`, `expired` (all
    that was granted has ended), `objected_at`, and `signalled` where that was chosen from."""
    rows = rows.mutate(**{f"{name}_at": at})
    c = chosen.rename({f"{name}_{c}": c for c in ("objected_at", "signalled") if c in chosen.columns})
    instant = rows[f"{name}_at"]
    joined = rows.left_join(c, [rows.user_id == c.person, c.start <= instant, instant < c.until])
    chosen_by_then, granted = joined.person.notnull(), sure(joined.granted_until > joined[f"{name}_at"])
    flags = {
        f"{name}_chosen": chosen_by_then,
        f"{name}_granted": granted,
        f"{name}_expired": chosen_by_then & ~sure(joined.refuses) & ~granted,
    }
    if f"{name}_signalled" in c.columns:
        flags[f"{name}_signalled"] = sure(joined[f"{name}_signalled"])
    return joined.select(*rows.columns, f"{name}_objected_at", **flags)
