"""Consent as it was recorded: the state that events put a purpose in, at an instant or now, and since when.

The state of a purpose at an instant is that of its latest events until then. A negative wins a tie. Events after the audit's
instant count nowhere.
"""

from __future__ import annotations

import datetime as dt

import ibis
import ibis.expr.types as ir

from heytalk_audit.check import Condition, passes, review, violation
from heytalk_audit.periods import sure
from heytalk_audit.policy.view import View
from heytalk_audit.rules.terms import join
from heytalk_audit.strings import blank

#: States by rank: of the events of one instant, the least rank decides.
STATES = ("withdrawn", "opted_out", "refused", "valid", "version_unknown", "not_explicit", "no_record")
WITHDRAWN, OPTED_OUT, REFUSED, VALID, VERSION_UNKNOWN, NOT_EXPLICIT, NO_RECORD = range(len(STATES))
#: Methods by which nobody consents, whatever the record says.
NOT_AFFIRMATIVE = ("bundled_terms", "default")
#: The end of a state that nothing has ended.
OPEN = dt.datetime(9999, 12, 31)


def is_negative(consents: ir.Table) -> ir.BooleanValue:
    """Whether an event takes consent away."""
    return consents.action.isin(["withdraw", "opt_out", "refuse"])


def is_valid(consents: ir.Table) -> ir.BooleanValue:
    """Whether an event is a grant by an explicit act."""
    return sure((consents.action == "grant") & consents.explicit & ~consents.method.isin(NOT_AFFIRMATIVE))


def is_in(state: ir.IntegerValue, *ranks: int) -> ir.BooleanValue:
    """Whether a state is one of those; without a record it is NO_RECORD."""
    return state.fill_null(NO_RECORD).isin(ranks)


# at an instant -------------------------------------------------------------------------------------


def states(consents: ir.Table, policy: View) -> ir.Table:
    """The states of each person and purpose, one after the other: user_id, purpose, `state` (a rank), from `since` until before `until`."""
    c = consents.filter(policy.by_now(consents.event_at))
    rank = ibis.cases(
        (c.action == "withdraw", WITHDRAWN),
        (c.action == "opt_out", OPTED_OUT),
        (c.action == "refuse", REFUSED),
        (~is_valid(c), NOT_EXPLICIT),
        (blank(c.policy_version), VERSION_UNKNOWN),
        else_=VALID,
    )
    c = c.group_by("user_id", "purpose", since=c.event_at).agg(state=rank.cast("int8").min())
    follows = c.since.lead().over(ibis.window(group_by=[c.user_id, c.purpose], order_by=c.since))
    return c.mutate(until=follows.fill_null(ibis.literal(OPEN, type="timestamp(6)")))


def with_state(rows: ir.Table, history: ir.Table, at: str, **names: str) -> ir.Table:
    """Rows (user_id, purpose and the instant `at`) with columns of `states`, renamed as given (`state="now"`); null where no record.

    The states of a person and purpose do not overlap, so that a row meets one at most.
    """
    h = history.select(key_user="user_id", key_purpose="purpose", key_since="since", key_until="until", **{v: k for k, v in names.items()})
    met = [rows.user_id == h.key_user, rows.purpose == h.key_purpose, h.key_since <= rows[at], rows[at] < h.key_until]
    return rows.left_join(h, met).select(*rows.columns, *names.values())


def tested(rows: ir.Table, consents: ir.Table, at: str, policy: View) -> ir.Table:
    """Rows (user_id, purpose and the instant `at`) with the `state` then, `since` when, and the states just `before` and `after`.

    Before is that of the events earlier than the clocks' tolerance before, after that of the events until it is over.
    """
    history = states(consents, policy)
    early, late = policy.around(rows[at], "clock_skew")
    rows = rows.mutate(probe_early=early, probe_late=late)
    rows = with_state(rows, history, at, state="state", since="since")
    rows = with_state(rows, history.view(), "probe_early", state="before")
    rows = with_state(rows, history.view(), "probe_late", state="after")
    return rows.select([c for c in rows.columns if not c.startswith("probe_")])


def consent_test(rows: ir.Table, also: tuple[Condition, ...] = ()) -> list[Condition]:
    """The conditions of consent at an instant, on rows as of `tested`; `also` are tested before what breaks the promise."""
    near = is_in(rows.before, VALID, VERSION_UNKNOWN) | is_in(rows.after, VALID, VERSION_UNKNOWN)
    broken = (WITHDRAWN, OPTED_OUT, REFUSED, NOT_EXPLICIT, NO_RECORD)
    return [
        review("version_unknown", is_in(rows.state, VERSION_UNKNOWN)),
        passes(is_in(rows.state, VALID)),
        review("clock_skew", near),
        *also,
        *[violation(STATES[rank], is_in(rows.state, rank)) for rank in broken],
    ]


# now -----------------------------------------------------------------------------------------------


def standing(consents: ir.Table, purpose: str, policy: View) -> ir.Table:
    """How each person stands to a purpose now, one row per user_id with a record of it.

    `valid`, `negative`: the state now (neither: a grant that is not explicit). `negative_since`: the earliest negative since the
    last grant, null unless negative. `valid_since`: the earliest valid grant since the last negative (null where none): what was
    done from then on was done with a valid grant that nobody took back.
    """
    c = consents.filter(consents.purpose == purpose, policy.by_now(consents.event_at))
    c = c.select("user_id", "event_at", granted=c.action == "grant", negated=is_negative(c), affirmed=is_valid(c))
    bounds = c.group_by("user_id").agg(
        last_at=c.event_at.max(),
        last_grant=c.event_at.max(where=c.granted),
        last_negative=c.event_at.max(where=c.negated),
    )
    c = join(c, bounds)
    since = c.negated & ~sure(c.event_at < c.last_grant)
    upheld = c.affirmed & ~sure(c.event_at <= c.last_negative)
    s = c.group_by("user_id").agg(
        negative_since=c.event_at.min(where=since),
        valid_since=c.event_at.min(where=upheld),
        affirmed=(c.affirmed & (c.event_at == c.last_at)).any(),
    )
    negative = s.negative_since.notnull()
    return s.select("user_id", "negative_since", "valid_since", negative=negative, valid=s.affirmed & ~negative)


def accepted(consents: ir.Table, policy: View) -> ir.Table:
    """When each person first accepted the policy: one row per user_id, `accepted_at`."""
    c = consents.filter(consents.purpose == "policy_acceptance", consents.action == "grant", policy.by_now(consents.event_at))
    return c.group_by("user_id").agg(accepted_at=c.event_at.min())
