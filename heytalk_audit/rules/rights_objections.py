"""After a yes to what people asked: objections honoured, corrections carried through, opt-outs that take effect."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from heytalk_audit.audit.check import Check, Condition, passes, review, rule, unknown, violation
from heytalk_audit.expressions.calendar import sure
from heytalk_audit.expressions.strings import blank
from heytalk_audit.policy.view import View
from heytalk_audit.rules.consent_terms import FOREVER, refusals
from heytalk_audit.rules.rights_terms import ACCEPTED, CALIFORNIA, ELSEWHERE
from heytalk_audit.rules.terms import LIVE, has, join, lookup, only_if, with_deletion

ADS, ANALYTICS, MARKETING = "personalised_ads", "analytics", "marketing_"


def answers(consents: ir.Table) -> ir.Table:
    """What people said last of advertising and marketing, from `start` until before `until`: person, `choice` (its purpose), `granted`.

    Of several answers at one instant, one that is no grant holds.
    """
    c = consents.filter((consents.purpose == ADS) | consents.purpose.startswith(MARKETING), consents.event_at.notnull())
    c = c.group_by(person="user_id", choice="purpose", start="event_at").agg(granted=sure(c.action == "grant").all())
    following = ibis.window(group_by=["person", "choice"], order_by="start")
    return c.mutate(until=c.start.lead().over(following).fill_null(ibis.literal(FOREVER, type="timestamp(6)")))


def acts(outbound_messages: ir.Table, disclosures: ir.Table) -> ir.Table:
    """Marketing that was sent and advertising that was fed: user_id, `at`, `purpose`, and whether it is `marketing`."""
    m = outbound_messages.filter(outbound_messages.category == "marketing", ~sure(outbound_messages.status == "suppressed"))
    m = m.select("user_id", at=m.sent_at, purpose=MARKETING + m.channel, marketing=ibis.literal(True))
    d = disclosures.filter(disclosures.kind == "advertising")
    d = d.select("user_id", at=d.sent_at, purpose=ibis.literal(ADS), marketing=ibis.literal(False))
    return ibis.union(m, d)


def with_choice_by_then(done: ir.Table, held: ir.Table) -> ir.Table:
    """Acts (`done`) with `agreed_at`: since when the person's choice for that purpose had been a grant; null where it was none."""
    of_its_time = [done.user_id == held.person, done.purpose == held.choice, held.start <= done["at"], done["at"] < held.until]
    rows = done.left_join(held, of_its_time)
    return rows.select("user_id", "at", "marketing", agreed_at=only_if(sure(rows.granted), rows.start))


def acts_against(cases: ir.Table, done: ir.Table, held: ir.Table, policy: View) -> ir.Table:
    """One row per case (a person, and the instant in `answered_at`) that was acted against: whether `marketing` or `advertising`, and
    whether `late_marketing` or `late_advertising`, beyond the allowance.

    An act counts that lies after the instant, unless what the person had said last, and since then, was a grant.
    """
    done = done.filter(done["at"].notnull()).semi_join(cases, "user_id")
    held = held.semi_join(cases, held.person == cases.user_id)
    against = with_choice_by_then(done, held).inner_join(cases, "user_id")
    against = against.filter(against["at"] > against.answered_at, ~sure(against.agreed_at > against.answered_at))
    late = against["at"] > policy.after(against.answered_at, "objection_allowance_h")
    return against.group_by(["user_id", "answered_at"]).agg(
        against_marketing=against.marketing.any(),
        against_advertising=(~against.marketing).any(),
        late_marketing=(against.marketing & late).any(),
        late_advertising=(~against.marketing & late).any(),
    )


@rule("RGT-09", severity="high", clauses=["CL-009", "CL-152"])
def objection_not_honoured(
    rights_requests: ir.Table, outbound_messages: ir.Table, disclosures: ir.Table, consents: ir.Table, policy: View
) -> Check:
    """After an accepted objection or restriction, the person is left alone.

    Every objection or restriction that was carried out, in full or in part. From the answer on, no marketing may be sent and nothing be
    passed on for advertising, as far as the objection covers it, unless the person agreed to that since. Beyond the hours that a queue
    may take it is a violation, within them for a person to decide. Without a person, an answer's time or a scope it is unknown.
    """
    r = rights_requests.filter(rights_requests.kind.isin(["object", "restrict"]), rights_requests.outcome.isin(ACCEPTED))
    cases = r.filter(~blank(r.user_id), r.answered_at.notnull()).select("user_id", "answered_at").distinct()
    r = join(r, acts_against(cases, acts(outbound_messages, disclosures), answers(consents), policy), ["user_id", "answered_at"])
    return Check(r, objection_ignored(r), by=("kind", "objection_scope"))


def objection_ignored(objections: ir.Table) -> list[Condition]:
    """Objections that the company acted against, as far as their scope goes."""
    o = objections
    marketing, advertising = (sure(o.objection_scope.isin([scope, "all"])) for scope in ("marketing", "advertising"))
    return [
        unknown("user_missing", blank(o.user_id)),
        unknown("answer_date_missing", o.answered_at.isnull()),
        unknown("scope_missing", ~marketing & ~advertising),
        violation("marketing_after_objection", marketing & o.late_marketing),
        violation("advertising_after_objection", advertising & o.late_advertising),
        review("marketing_after_objection", marketing & o.against_marketing),
        review("advertising_after_objection", advertising & o.against_advertising),
    ]


@rule("RGT-05", severity="medium", clauses=["CL-009", "CL-148", "CL-149", "CL-152"])
def correction_not_carried_through(rights_requests: ir.Table, profile_attributes: ir.Table, users: ir.Table, policy: View) -> Check:
    """A correction that was agreed to reaches the person's data.

    Every request for correction that was carried out, in full or in part. The register does not say what was to be corrected: the
    request passes if some attribute of the person's profile was stored, changed or deleted between its receipt and the end of the hours
    after the answer, or if those hours are not over. Nothing changed by then, or only later, is for a person to decide: it may have
    concerned data whose changes are not dated, as names and birth dates, or have been changed once more since. Without a person or
    dates, and where the account is gone with its attributes, it is unknown. It is never a violation by itself.
    """
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
    """Everybody can say no to advertising and analytics, and a no to advertising takes effect.

    Every live account. A choice on record about personalised advertising or analytics, whichever it is, shows that there is a setting;
    without one, and unless the default is documented, it is for a person to decide. What people refuse to now must not be passed on for
    advertising: at once, with the clocks' tolerance, or after the working days that Californian law allows. Where the law sets no time,
    or the region is unknown, use within these days is for a person to decide. Each disclosure is tested by itself elsewhere.
    """
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
    due = policy.working_day(policy.date(users.refused_at), "opt_out_business_days")
    allowed = sure(users.law_region == CALIFORNIA)
    unsettled = blank(users.law_region) | sure(users.law_region == ELSEWHERE)
    return [
        violation("used_after_opt_out", used & sure(policy.date(users.used_at) > due)),
        violation("used_at_once_after_opt_out", used & ~allowed & ~unsettled),
        review("used_soon_after_opt_out", used & unsettled),
    ]
