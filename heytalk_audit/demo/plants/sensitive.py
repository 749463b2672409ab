"""Special values that are stored, inferred, kept, shared or shown without consent."""

from __future__ import annotations

import datetime as dt
from typing import Any

from heytalk_audit.demo.plants.story import HOUR, SECOND, SKEW, consent_event, deleted, story, unclear
from heytalk_audit.demo.world import World

PUBLIC = {"visibility": "public"}
#: Each rule of the policy has a twin by the law, which wants explicit consent. Rule to reason, and the reason of its twin.
TWINS = {
    "SEN-01": {"*": "no_explicit_consent"},
    "SEN-06": {"*": "no_explicit_consent", "publication_withdrawn": "publication_withdrawn"},
}


def special_value(w: World, user: str, *findings: tuple[str, str, str], **values: Any) -> str:
    """A special value of the person, with its findings and those of their twins; returns its key."""
    key = w.add("profile_attributes", **{"user_id": user, "name": "religion", "category": "pd:ReligiousBelief", "value": "alevi"} | values)
    for rule, outcome, reason in findings:
        w.find(rule, "profile_attributes", key, outcome, reason)
        if rule in TWINS and outcome == "unknown":
            w.find(f"{rule}L", "profile_attributes", key, outcome, reason)
        elif rule in TWINS:
            w.find(f"{rule}L", "profile_attributes", key, "violation", TWINS[rule].get(reason, TWINS[rule]["*"]))
    return key


def consenting(w: World, user: str | None = None, **values: Any) -> str:
    """An account with consent to sensitive data, and to showing it; returns its key."""
    user = user or w.user(**values)
    for purpose in ("sensitive_data", "sensitive_publication"):
        w.agree(user, purpose, w.about(310))
    return user


#: The finding on a value that its owner entered without explicit consent: the policy may read that as consent.
UPLOADED = (("SEN-01", "review", "no_explicit_consent"),)

#: The findings on a value of a category that no list knows.
UNRECOGNISED = (("SEN-01", "unknown", "category_unrecognised"), ("SEN-02", "unknown", "category_unrecognised"))


@story
def stored_without_consent(w: World) -> None:
    at = w.ago(300)
    for wait, findings in ((SKEW, ()), (SKEW + SECOND, UPLOADED)):
        u = w.user()
        w.agree(u, "sensitive_data", at + wait)
        special_value(w, u, *findings)
    for updated, findings in ((w.ago(100), ()), (None, UPLOADED)):
        u = w.user()
        w.agree(u, "sensitive_data", w.about(200))
        special_value(w, u, *findings, updated_at=updated, category="pd:MedicalHealth", name="health", value="asthma")
    u = w.user()
    w.agree(u, "sensitive_data", at, explicit=False)
    special_value(w, u, *UPLOADED)
    u = w.user()
    consent_event(w, u, "sensitive_data", "refuse", w.ago(302))
    w.agree(u, "sensitive_data", w.about(301))
    special_value(w, u)
    u = w.user()
    for value in (None, "\u3000", " N/A ", "-", "Unknown"):
        special_value(w, u, value=value)
    special_value(w, u, category="pd:Gender", name="gender", value="f")
    special_value(w, u, *UNRECOGNISED, category="pd:Tribe", name="tribe", value="of the lake")
    special_value(
        w, u, *UNRECOGNISED, ("SEN-06", "unknown", "category_unrecognised"), category=" ", name="tribe", value="of the lake", **PUBLIC
    )
    special_value(w, u, *UPLOADED, category="dpv-pd:Religion")
    special_value(w, u, deleted_at=w.now)
    special_value(w, u, *UPLOADED, deleted_at=w.ahead)


@story
def not_from_the_person(w: World) -> None:
    for source in ("inferred", "partner", "staff", "import", "social_login"):
        finding = ("SEN-02", "review" if source == "social_login" else "violation", f"source_{source}")
        special_value(w, consenting(w), finding, source=source)
        special_value(w, w.user(), finding, ("SEN-01", "violation", "not_from_user"), source=source)
    special_value(w, consenting(w), source="user")
    at = w.ago(300)
    for wait, finding in ((SKEW, UPLOADED[0]), (SKEW + SECOND, ("SEN-01", "violation", "no_acceptance"))):
        u = w.user(accepts=False)
        w.find("CON-03", "users", u, "violation", "accepted_late")
        w.agree(u, "policy_acceptance", at + wait)
        special_value(w, u, finding)


@story
def dates_in_doubt(w: World) -> None:
    """A value that can't be dated is unknown to every rule that dates it."""
    early = {"created_at": w.ago(300), "updated_at": w.ago(300) - SECOND}
    for reason, times in (("clock_future", {"created_at": w.ahead}), ("clock_contradiction", early)):
        dated = ("SEN-01", "unknown", reason)
        special_value(w, consenting(w), dated, ("SEN-06", "unknown", reason), **times, **PUBLIC)
        u = consenting(w)
        consent_event(w, u, "sensitive_data", "withdraw", w.ago(20))
        special_value(w, u, dated, ("SEN-03", "unknown", reason), **times)
    special_value(w, consenting(w), created_at=w.ago(300), updated_at=w.ago(300))


@story
def kept_after_withdrawal(w: World) -> None:
    limit = w.ago(hours=72)
    kept = ("SEN-03", "violation", "stored_after_withdrawal")

    def withdrawn(at: dt.datetime, *findings: tuple[str, str, str], **values: Any) -> str:
        u = consenting(w)
        consent_event(w, u, "sensitive_data", "withdraw", at)
        special_value(w, u, *findings, **values)
        return u

    withdrawn(limit, *UPLOADED)
    withdrawn(limit - SECOND, *UPLOADED, kept)
    withdrawn(limit, *UPLOADED, **PUBLIC)
    withdrawn(limit - SECOND, *UPLOADED, ("SEN-03", "violation", "still_public"), **PUBLIC)
    withdrawn(w.ago(20), kept, deleted_at=w.ago(10), **PUBLIC)
    withdrawn(w.ago(300), *UPLOADED, kept)
    withdrawn(w.ago(300) - SECOND, *UPLOADED)
    for ended, reason in ((None, "hold_open"), (w.ago(30), "hold_closing"), (w.ago(31), None)):
        held = ("SEN-03", "exempt", reason) if reason else kept
        u = withdrawn(w.ago(20), *UPLOADED, held)
        special_value(w, u, *UPLOADED, ("SEN-03", "violation", "still_public"), **PUBLIC)
        w.add("retention_exceptions", user_id=u, scope="profile_attributes.value", ended_at=ended)


@story
def kept_after_deletion(w: World) -> None:
    limit, over = w.ago(hours=72), w.overdue(6)
    more = ("RET-03", "review", "no_allow_list")
    for at, values, finding, others in (
        (limit, {}, None, ()),
        (limit - SECOND, {}, ("review", "kept_in_window"), (more,)),
        (limit - SECOND, PUBLIC, ("violation", "still_public"), (more, ("RET-02", "violation", "attribute_public"))),
        (w.in_time(6), {}, ("review", "kept_in_window"), (more,)),
        (over, {}, ("violation", "stored_after_deletion"), (("RET-01", "violation", "overdue_elsewhere"),)),
    ):
        u = consenting(w, deleted(w, deleted_at=at))
        special_value(w, u, *[("SEN-03", *finding)] if finding else [], **values)
        for rule, outcome, reason in others:
            w.find(rule, "users", u, outcome, reason)


@story
def deletion_in_doubt(w: World) -> None:
    at = w.ago(120)
    u = deleted(w, status="purged", deleted_at=at, purged_at=at - HOUR)
    unclear(w, u, "clock_contradiction", ("RET-01", "RET-02"))
    w.find("RET-15", "profile_attributes", u, "violation", "residue")
    special_value(w, consenting(w, u), ("SEN-03", "unknown", "clock_contradiction"))
    for reason, u in (
        ("clock_missing", deleted(w, deleted_at=None)),
        ("clock_future", deleted(w, deleted_at=w.ahead)),
        ("status_contradiction", w.user(deleted_at=w.ago(30))),
    ):
        unclear(w, u, reason)
        special_value(w, consenting(w, u), ("SEN-03", "unknown", reason))
    u = consenting(w, w.user(deleted_at=w.ago(30)))
    unclear(w, u, "status_contradiction")
    consent_event(w, u, "sensitive_data", "withdraw", w.ago(20))
    special_value(w, u, *UPLOADED, ("SEN-03", "violation", "stored_after_withdrawal"))


@story
def special_fields_disclosed(w: World) -> None:
    u = w.user()
    for kind, fields in (
        ("sdk", ["user_id", " Profile.Religion "]),
        ("advertising", ["hiv-status"]),
        ("processor", ["pd:Disability"]),
        ("legal", ["user.special.politics"]),
        ("corporate", ["sexual_orientation"]),
    ):
        outcome = "violation" if kind in ("sdk", "advertising") else "review"
        d = w.add("disclosures", user_id=u, kind=kind, fields=fields, sent_at=w.quarter)
        w.find("SEN-05", "disclosures", d, outcome, f"shared_{kind}")
        earlier = w.add("disclosures", user_id=u, kind=kind, fields=fields, sent_at=w.quarter - SECOND)
        beyond = {"legal": ("SHA-08", "ground_missing"), "corporate": ("SHA-12", "reference_missing")}
        for key in (d, earlier):
            rule, reason = beyond.get(kind, ("SHA-02", "field_not_declared"))
            if key == d or rule == "SHA-12":
                w.find(rule, "disclosures", key, "violation", reason)
            if kind == "advertising" and key == d:
                w.find("SHA-03", "disclosures", key, "violation", "plain_identifier")
                w.find("SHA-05", "disclosures", key, "violation", "no_grant")
    d = w.add("disclosures", user_id=u, kind="sdk", fields=["orientation", "user.Health"])
    w.find("SEN-05", "disclosures", d, "review", "ambiguous_name")
    w.find("SHA-02", "disclosures", d, "violation", "field_not_declared")
    d = w.add("disclosures", user_id=u, kind="sdk", fields=["religion.track", "race_track", "orientations", ""])
    w.find("SHA-02", "disclosures", d, "violation", "field_not_declared")
    d = w.add("disclosures", user_id=None, kind="sdk", fields=["health_conditions"], identifier_form="none")
    w.find("SEN-05", "disclosures", d, "review", "aggregate")


@story
def shown_without_consent(w: World) -> None:
    limit = w.ago(hours=72)

    def public(publication: str | None, *findings: tuple[str, str, str], at: dt.datetime | None = None, **values: Any) -> None:
        u = w.user()
        w.agree(u, "sensitive_data", w.about(310))
        if publication:
            w.agree(u, "sensitive_publication", w.about(250), explicit=publication != "unclear")
        if publication == "withdraw" and at:
            consent_event(w, u, "sensitive_publication", "withdraw", at)
        special_value(w, u, *findings, **{"visibility": "public"} | values)

    public("grant")
    public(None, ("SEN-06", "review", "upload_only"))
    public(None, visibility="friends")
    public("unclear", ("SEN-06", "review", "upload_only"))
    public(None, ("SEN-06", "violation", "not_from_user"), ("SEN-02", "violation", "source_import"), source="import")
    public("withdraw", ("SEN-06", "violation", "publication_withdrawn"), at=limit - SECOND)
    public("withdraw", at=limit)
    public(None, deleted_at=w.ago(1))
    u = w.user()
    w.agree(u, "sensitive_data", w.about(310))
    consent_event(w, u, "sensitive_publication", "refuse", w.ago(20))
    consent_event(w, u, "sensitive_publication", "opt_out", w.ago(1))
    special_value(w, u, ("SEN-06", "violation", "publication_withdrawn"), **PUBLIC)
