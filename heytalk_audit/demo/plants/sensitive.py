"""What nobody needs to know: special values stored, inferred, kept, shared and shown without a yes."""

from __future__ import annotations

import datetime as dt

from heytalk_audit.demo.plants.story import HOUR, SECOND, SKEW, deleted, said, story, unclear
from heytalk_audit.demo.world import World

PUBLIC = {"visibility": "public"}
#: The law wants a yes of its own, whatever the policy reads as one: where the policy's rule finds something, its twin finds this.
TWINS = {
    "SEN-01": {"*": "no_explicit_consent"},
    "SEN-06": {"*": "no_explicit_consent", "publication_withdrawn": "publication_withdrawn"},
}


def confided(w: World, user: str, *findings: tuple[str, str, str], **values: object) -> str:
    """A special value of the person, and what is wrong with it."""
    key = w.add("profile_attributes", **{"user_id": user, "name": "religion", "category": "pd:ReligiousBelief", "value": "alevi"} | values)
    for rule, outcome, reason in findings:
        w.find(rule, "profile_attributes", key, outcome, reason)
        if rule in TWINS and outcome == "unknown":
            w.find(f"{rule}L", "profile_attributes", key, outcome, reason)
        elif rule in TWINS:
            w.find(f"{rule}L", "profile_attributes", key, "violation", TWINS[rule].get(reason, TWINS[rule]["*"]))
    return key


def trusting(w: World, user: str | None = None, **values: object) -> str:
    """Somebody who agreed to sensitive data long ago, and to showing it."""
    user = user or w.user(**values)
    for purpose in ("sensitive_data", "sensitive_publication"):
        w.agree(user, purpose, w.about(310))
    return user


#: What the policy reads as consent, the law does not.
UPLOADED = (("SEN-01", "review", "no_explicit_consent"),)


@story
def stored(w: World) -> None:
    at = w.ago(300)
    for wait, findings in ((SKEW, ()), (SKEW + SECOND, UPLOADED)):
        u = w.user()
        w.agree(u, "sensitive_data", at + wait)
        confided(w, u, *findings)
    for updated, findings in ((w.ago(100), ()), (None, UPLOADED)):
        u = w.user()
        w.agree(u, "sensitive_data", w.about(200))
        confided(w, u, *findings, updated_at=updated, category="pd:MedicalHealth", name="health", value="asthma")
    u = w.user()
    w.agree(u, "sensitive_data", at, explicit=False)
    confided(w, u, *UPLOADED)
    u = w.user()
    said(w, u, "sensitive_data", "refuse", w.ago(302))
    w.agree(u, "sensitive_data", w.about(301))
    confided(w, u)
    u = w.user()
    for value in (None, "\u3000", " N/A ", "-", "Unknown"):
        confided(w, u, value=value)
    confided(w, u, category="pd:Gender", name="gender", value="f")
    confided(w, u, deleted_at=w.now)
    confided(w, u, *UPLOADED, deleted_at=w.ahead)


@story
def not_told(w: World) -> None:
    for source in ("inferred", "partner", "staff", "import", "social_login"):
        found = ("SEN-02", "review" if source == "social_login" else "violation", f"source_{source}")
        confided(w, trusting(w), found, source=source)
        confided(w, w.user(), found, ("SEN-01", "violation", "not_from_user"), source=source)
    confided(w, trusting(w), source="user")
    at = w.ago(300)
    for wait, finding in ((SKEW, UPLOADED[0]), (SKEW + SECOND, ("SEN-01", "violation", "no_acceptance"))):
        u = w.user(accepts=False)
        w.find("CON-03", "users", u, "violation", "accepted_late")
        w.agree(u, "policy_acceptance", at + wait)
        confided(w, u, finding)


@story
def told_when(w: World) -> None:
    """A value that can't be dated is unknown to every rule that dates it."""
    early = {"created_at": w.ago(300), "updated_at": w.ago(300) - SECOND}
    for reason, times in (("clock_future", {"created_at": w.ahead}), ("clock_contradiction", early)):
        dated = ("SEN-01", "unknown", reason)
        confided(w, trusting(w), dated, ("SEN-06", "unknown", reason), **times, **PUBLIC)
        u = trusting(w)
        said(w, u, "sensitive_data", "withdraw", w.ago(20))
        confided(w, u, dated, ("SEN-03", "unknown", reason), **times)
    confided(w, trusting(w), created_at=w.ago(300), updated_at=w.ago(300))


@story
def taken_back(w: World) -> None:
    limit = w.ago(hours=72)
    kept = ("SEN-03", "violation", "stored_after_withdrawal")

    def withdrawn(at: dt.datetime, *findings: tuple[str, str, str], **values: object) -> str:
        u = trusting(w)
        said(w, u, "sensitive_data", "withdraw", at)
        confided(w, u, *findings, **values)
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
        confided(w, u, *UPLOADED, ("SEN-03", "violation", "still_public"), **PUBLIC)
        w.add("retention_exceptions", user_id=u, scope="profile_attributes.value", ended_at=ended)


@story
def left_behind(w: World) -> None:
    limit, over = w.ago(hours=72), w.overdue(6)
    more = ("RET-03", "review", "no_allow_list")
    for at, values, finding, others in (
        (limit, {}, None, ()),
        (limit - SECOND, {}, ("review", "kept_in_window"), (more,)),
        (limit - SECOND, PUBLIC, ("violation", "still_public"), (more, ("RET-02", "violation", "attribute_public"))),
        (w.in_time(6), {}, ("review", "kept_in_window"), (more,)),
        (over, {}, ("violation", "stored_after_deletion"), (("RET-01", "review", "unrecorded_purge"),)),
    ):
        u = trusting(w, deleted(w, deleted_at=at))
        confided(w, u, *[("SEN-03", *finding)] if finding else [], **values)
        for rule, *found in others:
            w.find(rule, "users", u, *found)


@story
def left_behind_when(w: World) -> None:
    at = w.ago(120)
    u = deleted(w, status="purged", deleted_at=at, purged_at=at - HOUR)
    unclear(w, u, "clock_contradiction", ("RET-01", "RET-02"))
    w.find("RET-15", "profile_attributes", u, "violation", "residue")
    confided(w, trusting(w, u), ("SEN-03", "unknown", "clock_contradiction"))
    for reason, u in (
        ("clock_missing", deleted(w, deleted_at=None)),
        ("clock_future", deleted(w, deleted_at=w.ahead)),
        ("status_contradiction", w.user(deleted_at=w.ago(30))),
    ):
        unclear(w, u, reason)
        confided(w, trusting(w, u), ("SEN-03", "unknown", reason))
    u = trusting(w, w.user(deleted_at=w.ago(30)))
    unclear(w, u, "status_contradiction")
    said(w, u, "sensitive_data", "withdraw", w.ago(20))
    confided(w, u, *UPLOADED, ("SEN-03", "violation", "stored_after_withdrawal"))


@story
def shared(w: World) -> None:
    u = w.user()
    for kind, fields in (
        ("sdk", ["user_id", " Profile.Religion "]),
        ("advertising", ["HEALTH"]),
        ("processor", ["pd:Race"]),
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
            w.find(rule, "disclosures", key, "violation", reason)
            if kind == "advertising":
                w.find("SHA-03", "disclosures", key, "violation", "plain_identifier")
                w.find("SHA-05", "disclosures", key, "violation", "no_grant")
    d = w.add("disclosures", user_id=u, kind="sdk", fields=["religion.track", "race_track", "pd:race", ""])
    w.find("SHA-02", "disclosures", d, "violation", "field_not_declared")
    d = w.add("disclosures", user_id=None, kind="sdk", fields=["health_conditions"], identifier_form="none")
    w.find("SEN-05", "disclosures", d, "review", "aggregate")


@story
def shown(w: World) -> None:
    limit = w.ago(hours=72)

    def public(publication: str | None, *findings: tuple[str, str, str], at: dt.datetime | None = None, **values: object) -> None:
        u = w.user()
        w.agree(u, "sensitive_data", w.about(310))
        if publication:
            w.agree(u, "sensitive_publication", w.about(250), explicit=publication != "unclear")
        if publication == "withdraw":
            said(w, u, "sensitive_publication", "withdraw", at)
        confided(w, u, *findings, **{"visibility": "public"} | values)

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
    said(w, u, "sensitive_publication", "refuse", w.ago(20))
    said(w, u, "sensitive_publication", "opt_out", w.ago(1))
    confided(w, u, ("SEN-06", "violation", "publication_withdrawn"), **PUBLIC)
