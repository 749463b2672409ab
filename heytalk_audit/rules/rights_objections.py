"""After a yes to what people asked: objections honoured, corrections carried through, opt-outs that take effect."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from heytalk_audit.audit.check import Check, Condition, passes, review, rule, unknown, violation
from heytalk_audit.expressions.calendar import earliest, sure
from heytalk_audit.expressions.strings import blank
from heytalk_audit.policy.view import View
from heytalk_audit.rules.consent_terms import FOREVER, refusals
from heytalk_audit.rules.rights_terms import ACCEPTED, CALIFORNIA, ELSEWHERE
from heytalk_audit.rules.terms import LIVE, has, join, lookup, only_if, with_deletion

ADS, ANALYTICS, MARKETING = "personalised_ads", "analytics", "marketing_"


def agreements(consents: ir.Table) -> ir.Table:
    """Each grant for advertising or marketing, from `start` until before `until`, when it ends or the person says anything else: person,
    `choice` (its purpose), start, until.

    Of several answers at one instant, one that is no grant holds.
    """
    c = consents.filter((consents.purpose == ADS) | consents.purpose.startswith(MARKETING), consents.event_at.notnull())
    yes, never = sure(c.action == "grant"), ibis.literal(FOREVER, type="timestamp(6)")
    c = c.group_by(person="user_id", choice="purpose", start="event_at").agg(
        refuses=(~yes).any(), ends=only_if(yes, c.expires_at.fill_null(never)).max()
    )
    from_the_end = ibis.cumulative_window(group_by=["person", "choice"], order_by=ibis.desc("start"))
    c = c.mutate(refused_at=only_if(c.refuses, c.start).min().over(from_the_end))
    return c.filter(c.ends.notnull()).select("person", "choice", "start", until=earliest(c.ends, c.refused_at))


def acts(outbound_messages: ir.Table, disclosures: ir.Table, policy: View) -> ir.Table:
    """Marketing that was sent and advertising that was fed in the period: user_id, `at`, `purpose`, and whether it is `marketing`."""
    m = outbound_messages.filter(outbound_messages.category == "marketing", ~sure(outbound_messages.status == "suppressed"))
    m = m.select("user_id", at=m.sent_at, purpose=MARKETING + m.channel, marketing=ibis.literal(True))
    d = disclosures.filter(disclosures.kind == "advertising")
    d = d.select("user_id", at=d.sent_at, purpose=ibis.literal(ADS), marketing=ibis.literal(False))
    done = ibis.union(m, d)
    return done.filter(policy.in_period(done["at"])).distinct()


def with_agreement(done: ir.Table, agreed: ir.Table) -> ir.Table:
    """Acts (`done`) with `agreed_at`: the last of the person's grants for that purpose that stood at the time; null where none did."""
    in_force = [done.user_id == agreed.person, done.purpose == agreed.choice, agreed.start <= done["at"], done["at"] < agreed.until]
    rows = done.left_join(agreed, in_force)
    return rows.group_by("user_id", "at", "purpose", "marketing").agg(agreed_at=rows.start.max())


def acts_against(cases: ir.Table, done: ir.Table, agreed: ir.Table, policy: View) -> ir.Table:
    """One row per case (a person, and the instant in `since`) that was acted against: whether `marketing` or `advertising`, and
    whether `late_marketing` or `late_advertising`, beyond the allowance, or `marketing_goes_on`, beyond that of a withdrawal.

    An act counts that lies after the instant, unless the person had agreed to it since then, and the agreement stood.
    """
    done = done.semi_join(cases, "user_id")
    agreed = agreed.semi_join(cases, agreed.person == cases.user_id)
    against = with_agreement(done, agreed).inner_join(cases, "user_id")
    against = against.filter(against["at"] > against.since, ~sure(against.agreed_at > against.since))
    late = against["at"] > policy.after(against.since, "objection_allowance_h")
    return against.group_by(["user_id", "since"]).agg(
        against_marketing=against.marketing.any(),
        against_advertising=(~against.marketing).any(),
        late_marketing=(against.marketing & late).any(),
        late_advertising=(~against.marketing & late).any(),
        marketing_goes_on=(against.marketing & (against["at"] > policy.after(against.since, "withdrawal_hours"))).any(),
    )


@rule("RGT-09", severity="high", clauses=["CL-009", "CL-152"])
def objection_not_honoured(
    rights_requests: ir.Table, outbound_messages: ir.Table, disclosures: ir.Table, consents: ir.Table, policy: View
) -> Check:
    """After an objection or restriction, the processing that it covers stops."""
    r = standing(rights_requests)
    cases = r.filter(~blank(r.user_id), r.since.notnull()).select("user_id", "since").distinct()
    done = acts(outbound_messages, disclosures, policy)
    r = join(r, acts_against(cases, done, agreements(consents), policy), ["user_id", "since"])
    return Check(r, objection_ignored(r), by=("kind", "objection_scope"))


def standing(requests: ir.Table) -> ir.Table:
    """Objections and restrictions that were carried out or stand open (`is_open`), and `since` when they count."""
    r = requests.filter(requests.kind.isin(["object", "restrict"]), requests.outcome.isin([*ACCEPTED, "open"]))
    return r.mutate(is_open=r.outcome == "open", since=(r.outcome == "open").ifelse(r.received_at, r.answered_at))


def objection_ignored(objections: ir.Table) -> list[Condition]:
    """Objections that the company acted against, as far as their scope goes."""
    o = objections
    marketing, advertising = (sure(o.objection_scope.isin([scope, "all"])) for scope in ("marketing", "advertising"))
    return [
        unknown("user_missing", blank(o.user_id)),
        unknown("answer_date_missing", o.since.isnull()),
        unknown("scope_missing", ~marketing & ~advertising),
        violation("marketing_while_objecting", o.is_open & marketing & o.marketing_goes_on),
        review("marketing_while_objecting", o.is_open & marketing & o.against_marketing),
        review("advertising_while_objecting", o.is_open & advertising & o.against_advertising),
        passes(o.is_open),
        violation("marketing_after_objection", marketing & o.late_marketing),
        violation("advertising_after_objection", advertising & o.late_advertising),
        review("marketing_after_objection", marketing & o.against_marketing),
        review("advertising_after_objection", advertising & o.against_advertising),
    ]


@rule("RGT-05", severity="medium", clauses=["CL-009", "CL-148", "CL-149", "CL-152"])
def correction_not_carried_through(rights_requests: ir.Table, profile_attributes: ir.Table, users: ir.Table, policy: View) -> Check:
    """An accepted correction is carried through in the person's data."""
    r = rights_requests.filter(rights_requests.kind == "rectify", rights_requests.outcome.isin(ACCEPTED))
    r = join(r, corrections(r, changes(profile_attributes, r, policy), policy), ["user_id", "received_at", "answered_at"])
    u = with_deletion(users, policy)
    r = join(r, has(u, "user_id", there=u.status.isin(LIVE) & ~u.is_gone))
    return Check(r, not_corrected(r, policy), by=("channel",))


def changes(attributes: ir.Table, requests: ir.Table, policy: View) -> ir.Table:
    """When an attribute of somebody who made a request was stored, changed or deleted: user_id, `at`."""
    a = attributes.semi_join(requests, "user_id")
    times = ibis.union(*[a.select("user_id", at=a[clock]) for clock in ("created_at", "updated_at", "deleted_at")])
    return times.filter(policy.by_now(times["at"])).distinct()


def corrections(requests: ir.Table, changes: ir.Table, policy: View) -> ir.Table:
    """One row per person, receipt and answer: was anything `corrected` between the receipt and the end of the allowance, or `later`?"""
    cases = requests.filter(~blank(requests.user_id)).select("user_id", "received_at", "answered_at").distinct()
    since = cases.inner_join(changes, "user_id")
    since = since.filter(since["at"] >= since.received_at)
    in_time = since["at"] <= policy.after(since.answered_at, "withdrawal_hours")
    return since.group_by(["user_id", "received_at", "answered_at"]).agg(corrected=sure(in_time).any(), later=sure(~in_time).any())


def not_corrected(requests: ir.Table, policy: View) -> list[Condition]:
    """Requests for correction after which nothing of the person's profile was changed in time."""
    r = requests
    return [
        unknown("user_missing", blank(r.user_id)),
        unknown("dates_missing", r.received_at.isnull() | r.answered_at.isnull()),
        unknown("clock_future", policy.future(r.received_at, r.answered_at)),
        passes(r.corrected | ~policy.passed(r.answered_at, "withdrawal_hours")),
        unknown("account_gone", ~r.there),
        review("changed_later", r.later),
        review("no_change_found", ~r.later),
    ]


@rule("RGT-07", severity="medium", clauses=["CL-060", "CL-109", "CL-147"])
def opt_out_missing_or_slow(users: ir.Table, consents: ir.Table, disclosures: ir.Table, policy: View) -> Check:
    """Everyone can opt out of advertising and analytics, and an opt-out from advertising takes effect."""
    u = with_deletion(users, policy)
    u = join(with_opt_out(u.filter(u.live), consents, policy), last_use(disclosures, policy))
    return Check(
        u,
        [
            *used_after_opt_out(u, policy),
            review("no_setting", ~u.has_setting & ~ibis.literal(policy.setting("ad_default_documented"))),
        ],
        by=("law_region",),
    )


def with_opt_out(users: ir.Table, consents: ir.Table, policy: View) -> ir.Table:
    """Users with `has_setting` (a choice about advertising or analytics is on record) and `refused_at`, of those who refuse ads now."""
    chosen = has(consents, "user_id", has_setting=consents.purpose.isin([ADS, ANALYTICS]) & policy.by_now(consents.event_at))
    no = refusals(consents, policy)
    no = no.filter(no.purpose == ADS)
    return join(join(users, chosen), lookup(no, "user_id", refused_at=no.negative_since))


def last_use(disclosures: ir.Table, policy: View) -> ir.Table:
    """One row per person whose data was passed on for advertising: `used_at`, the last time."""
    d = disclosures.filter(disclosures.kind == "advertising", policy.by_now(disclosures.sent_at), ~blank(disclosures.user_id))
    return d.group_by("user_id").agg(used_at=d.sent_at.max())


def used_after_opt_out(users: ir.Table, policy: View) -> list[Condition]:
    """Users whose data was passed on for advertising after they had refused it; the law of their region says how soon that counts."""
    used = sure(users.used_at > policy.after(users.refused_at, "skew_seconds"))
    due = policy.working_day(policy.date(users.refused_at), "opt_out_business_days", users.law_region)
    allowed = sure(users.law_region == CALIFORNIA)
    unsettled = blank(users.law_region) | sure(users.law_region == ELSEWHERE)
    return [
        violation("used_after_opt_out", used & sure(policy.date(users.used_at) > due)),
        violation("used_at_once_after_opt_out", used & ~allowed & ~unsettled),
        review("used_soon_after_opt_out", used & unsettled),
    ]
