"""The register of accepted exceptions: how each entry stands, what it covers, what verdicts come of it, and what is refused."""

from __future__ import annotations

import datetime as dt
import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import worlds
from commands import heytalk_audit, params, run
from conftest import KEY
from rich.console import Console

from heytalk_audit.audit import acceptance, rating
from heytalk_audit.audit.audit import Audit
from heytalk_audit.audit.document import read_results
from heytalk_audit.audit.evaluate import Evaluation, evaluate
from heytalk_audit.audit.exceptions import write_exceptions
from heytalk_audit.audit.limits import Limits
from heytalk_audit.audit.pseudonym import key_pads, pseudonym
from heytalk_audit.audit.results import summarise
from heytalk_audit.canonical import yaml_text
from heytalk_audit.errors import InputError
from heytalk_audit.evidence.row_files import first_rows
from heytalk_audit.notebook import Session
from heytalk_audit.policy import load_policy
from heytalk_audit.policy.settings import settings_of
from heytalk_audit.registers import accepted
from heytalk_audit.registers.persons import same_person
from heytalk_audit.report import registered
from heytalk_audit.report.sections import rule_section
from heytalk_audit.rules import RULES
from heytalk_audit.running.plan import show_plan
from heytalk_audit.running.run import status as exit_status
from heytalk_audit.snapshot.engines import connect
from heytalk_audit.snapshot.open import open_snapshot
from heytalk_audit.vocabulary import Severity, Verdict

pytestmark = pytest.mark.xdist_group("accepted")

TODAY = dt.date(2025, 3, 1)  # of the small worlds
BOUNDS = acceptance.Bounds(TODAY, 12, 0.01)
SOME = {"chapters": ["evidence", "retention"], "rules": ["DQ-03", "RET-07"]}
OLD, YOUNG = "2023-01-01T00:00:00Z", "2025-01-01T00:00:00Z"
ENTRY = {
    "id": "AE-1",
    "rule": "RET-07",
    "scope": {"segment": {"reason": "over_one_year"}},
    "legal_ground": "GDPR 6(1)(f)",
    "reason": "The log store is replaced by June.",
    "owner": "Ann",
    "approver": "Bo",
    "start": "2025-02-01",
    "expiry": "2025-03-31",
    "cap": 10,
    "register_date": "2025-01-31",
}
LIMITS = Limits.usual()


def register(folder: Path, *changed: dict, **more: object) -> Path:
    """A register in which each of `changed` is an entry that differs so from `ENTRY`."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "accepted.yaml"
    rows = [
        {k: v for k, v in ({"id": f"AE-{n}"} | {k: v for k, v in ENTRY.items() if k != "id"} | c).items() if v is not ...}
        for n, c in enumerate(changed, 1)
    ]
    path.write_text(yaml_text({"accepted": rows} | more), "utf-8")
    return path


def entries(tmp_path: Path, *changed: dict, **more: object) -> list[accepted.Entry]:
    return accepted.read_accepted(register(tmp_path, *changed, **more), RULES)


@pytest.fixture(scope="module")
def events(tmp_path_factory) -> Path:
    """Five events of one person in a snapshot: three over a year old (two of the app being opened, one of a call), two young."""
    old = [{"event_id": f"e{n}", "user_id": "u1", "event_at": OLD, "event_type": t} for n, t in enumerate(("open", "open", "call"))]
    young = [{"event_id": f"e{n}", "user_id": "u1", "event_at": YOUNG} for n in (3, 4)]
    case = worlds.Case("", "", {"users": [{"user_id": "u1", "law_region": "EEA"}], "traffic_events": old + young}, None, 0, alone=True)
    return worlds.deliver(tmp_path_factory.mktemp("events"), worlds.tables_of([case]))


@pytest.fixture(scope="module")
def audit(events) -> Audit:
    policy = load_policy()
    return Audit(open_snapshot(events, connect()), policy, settings_of(policy, {}))


@pytest.fixture(scope="module")
def found(audit) -> Evaluation:
    evaluation = evaluate(RULES["RET-07"], audit)
    assert (evaluation.verdict, evaluation.ledger["violation"], evaluation.ledger["in_scope"]) == ("FAIL", 3, 5)
    return evaluation


@pytest.fixture(scope="module")
def cover(audit) -> Callable[..., acceptance.Coverage]:
    engine = audit.snapshot.engine
    pads = key_pads(KEY.encode(), engine)

    def of(found: Evaluation, given: list[accepted.Entry]) -> acceptance.Coverage:
        return acceptance.coverage_of(found, given, pads, engine, BOUNDS)

    return of


STATES = {
    "on its first day": ({"start": "2025-03-01"}, "valid", 3),
    "a day before its first": ({"start": "2025-03-02"}, "not_yet", 3),
    "on its last day": ({"expiry": "2025-03-01"}, "valid", 3),
    "a day after its last": ({"expiry": "2025-02-28"}, "expired", 3),
    "as many as it was accepted for": ({"cap": 3}, "valid", 3),
    "one more": ({"cap": 2}, "over_cap", 3),
    "entered on its first day": ({"register_date": "2025-02-01"}, "valid", 3),
    "entered a day later": ({"register_date": "2025-02-02"}, "back_dated", 3),
    "approved by its owner": ({"approver": "Ann"}, "self_approved", 3),
    "approved by its owner, written otherwise": ({"owner": "Ann Lee", "approver": " \uff21NN\u200b  lee "}, "self_approved", 3),
    "of nothing": ({"scope": {"record": "0" * 16}}, "unused", 0),
    "of a reason that nothing has": ({"scope": {"segment": {"reason": "never"}}}, "unused", 0),
    "of one sort": ({"scope": {"segment": {"reason": "over_one_year", "event_type": "open"}}}, "valid", 2),
    "of a person's region": ({"scope": {"segment": {"region": "EEA"}}}, "valid", 3),
    "of another region": ({"scope": {"segment": {"region": "UK"}}}, "unused", 0),
    "of a column that is no breakdown": ({"scope": {"segment": {"user_id": "u1"}}}, "unused", 0),
    "of one record": ({"scope": {"record": pseudonym(KEY.encode(), "traffic_events:e1")}}, "valid", 1),
    "of a record that passes": ({"scope": {"record": pseudonym(KEY.encode(), "traffic_events:e3")}}, "unused", 0),
    "of twelve months": ({"expiry": "2026-02-01"}, "valid", 3),
    "of twelve months and a day": ({"expiry": "2026-02-02"}, "too_long", 3),
    "of a whole rule": ({"scope": {"rule": True}}, "too_broad", 3),
    "the first fault is named": ({"approver": "ann", "register_date": "2025-02-02", "expiry": "2025-02-28", "cap": 1}, "expired", 3),
}


def test_a_whole_rule_may_be_accepted_where_few_rows_break_it(found, cover, tmp_path):
    whole = entries(tmp_path, {"scope": {"rule": True}})
    for severity, broken, state in (("high", 3, "valid"), ("high", 4, "too_broad"), ("critical", 3, "too_broad")):
        rule = replace(found.rule, severity=Severity(severity))
        many = replace(found, rule=rule, ledger=found.ledger | {"in_scope": 300, "violation": broken})
        assert [e.state for e in cover(many, whole).entries] == [state]


SAME = [
    ("Ann Lee", "ann-lee"),
    ("Ann Lee", "AnnLee"),
    ("Ann Lee", "\u0410nn L\u0435\u0435"),  # Cyrillic letters
    ("Ann Lee", "A\u00adnn\u2060 Lee"),
    ("Bob", "\u0412ob"),
    ("\u0412\u0435\u0440\u0430", "\u0432\u0435\u0440\u0430"),  # one name in capitals and in small letters
    ("Strauß", "STRAUSS"),
    ("\uff21nn", "Ann"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_one_person_written_in_two_ways(one, other):
    assert same_person(one, other) and same_person(other, one)


@pytest.mark.parametrize(("one", "other"), [("Ann", "Anna"), ("Ann Lee", "Lee Ann"), ("Jo", "J\u00f6"), ("--", "++")])
def test_two_persons(one, other):
    assert not same_person(one, other)


@pytest.mark.parametrize("name", STATES)
def test_how_an_entry_stands(name, found, cover, tmp_path):
    changed, state, matched = STATES[name]
    coverage = cover(found, entries(tmp_path, changed))
    (entry,) = coverage.entries
    assert (entry.state, entry.matched, entry.covered) == (state, matched, matched if state == "valid" else 0)
    assert coverage.rows == entry.covered
    verdict = acceptance.accept(found, coverage, LIMITS).verdict
    assert verdict == ("ACCEPTED" if coverage.rows == 3 else "FAIL")


def test_the_registers_own_date_is_that_of_entries_without_one(found, cover, tmp_path):
    given = entries(tmp_path, {"register_date": ...}, {}, register_date=dt.date(2025, 2, 2))
    assert [e.state for e in cover(found, given).entries] == ["back_dated", "valid"]


def test_a_row_is_counted_once_and_entries_add_up(found, audit, cover, tmp_path):
    one = {"scope": {"record": pseudonym(KEY.encode(), "traffic_events:e0")}}
    opened, called = ({"scope": {"segment": {"event_type": t}}} for t in ("open", "call"))
    coverage = cover(found, entries(tmp_path, one, opened))
    assert ([e.covered for e in coverage.entries], coverage.rows) == ([1, 2], 2)
    write_exceptions(
        found, audit.snapshot.engine, key_pads(KEY.encode(), audit.snapshot.engine), tmp_path / "x", coverage.covering, tmp_path / "y"
    )
    marks = dict(
        zip(pq.read_table(tmp_path / "x")["record"].to_pylist(), pq.read_table(tmp_path / "y")["accepted"].to_pylist(), strict=True)
    )
    names = {pseudonym(KEY.encode(), f"traffic_events:e{n}"): ids for n, ids in enumerate(("AE-1, AE-2", "AE-2", None))}
    assert marks == names
    assert acceptance.accept(found, coverage, LIMITS).verdict == "FAIL"
    assert acceptance.accept(found, cover(found, entries(tmp_path, opened, called)), LIMITS).verdict == "ACCEPTED"
    assert cover(found, entries(tmp_path, {"rule": "RET-01"})) == acceptance.Coverage()


def test_a_rule_that_was_not_evaluated_leaves_its_entry_untested(found, cover, tmp_path):
    given = entries(tmp_path, {"rule": "RET-08"}, {"rule": "RET-08", "expiry": "2025-02-28"})
    missing = Evaluation(RULES["RET-08"], Verdict.NOT_EVALUATED, "not delivered: x", dict.fromkeys(found.ledger, 0))
    assert [(e.state, e.matched) for e in cover(missing, given).entries] == [("not_tested", None), ("expired", None)]
    assert [e.state for e in acceptance.standings_of(given, [], BOUNDS)] == ["not_tested", "expired"]


@pytest.mark.parametrize(
    ("ledger", "verdict"),
    [
        ({"violation": 3}, "ACCEPTED"),
        ({"violation": 4}, "FAIL"),
        ({"violation": 3, "review": 1}, "REVIEW"),
        ({"violation": 3, "unknown": 1}, "ACCEPTED"),
        ({"violation": 3, "unknown": 2}, "REVIEW"),
    ],
)
def test_the_verdict_beside_what_is_open(ledger, verdict, found, cover, tmp_path):
    whole = dict.fromkeys(found.ledger, 0) | {"in_scope": 100, "pass": 100 - sum(ledger.values())} | ledger
    made = acceptance.accept(replace(found, ledger=whole, notes=("a note",)), cover(found, entries(tmp_path, {})), LIMITS)
    assert made.verdict == verdict
    assert made.reason.endswith("a note") and ("unknown rows" in made.reason) == ("unknown" in ledger and verdict == "REVIEW")
    assert made.ledger == whole


HOSTILE = "<script>alert('x')</script>\u202e & \"Bo\""


@pytest.mark.parametrize("audience", ["internal", "regulator"])
def test_names_in_a_register_cannot_write_the_page(audience, audit, found, cover, tmp_path):
    changed = {k: HOSTILE for k in ("legal_ground", "reason", "owner")} | {"id": "<b>", "approver": "<i>x"}
    record = pseudonym(KEY.encode(), "traffic_events:e0")
    given = entries(tmp_path, changed, {"scope": {"segment": {"event_type": "<u>"}}}, {"scope": {"record": record}})
    coverage = cover(found, given)
    result = summarise(
        acceptance.accept(found, coverage, LIMITS),
        audit,
        key_pads(KEY.encode(), audit.snapshot.engine),
        None,
        coverage.entries,
        coverage.rows,
    )
    standings = acceptance.standings_of(given, [result], BOUNDS)
    made = [registered.register_page(standings, audience), registered.register_counts(standings), rule_section(result, audience=audience)]
    for html in (fragment.html for fragment in made):
        assert not any(bad in html for bad in ("<script", "<b>", "<i>", "<u>", "\u202e"))
    assert "&lt;script&gt;" in made[0].html and "&lt;script&gt;" in made[2].html
    assert (record in made[0].html) == (record in made[2].html) == (audience == "internal")


def without(key: str) -> dict:
    return {key: ...}


REFUSED = {
    "an unknown key": ({"ownr": "Ann"}, "did you mean 'owner'"),
    "an unknown rule": ({"rule": "RET-77"}, "did you mean 'RET-"),
    "no owner": (without("owner"), "accepted.1.owner: is missing"),
    "a blank owner": ({"owner": "  "}, "accepted.1.owner"),
    "an owner that nobody can see": ({"owner": "\u200b"}, "is blank"),
    "no day of entry": (without("register_date"), "accepted.1.register_date: is missing"),
    "no scope": ({"scope": {}}, "states no scope"),
    "two scopes": ({"scope": {"rule": True, "record": "0" * 16}}, "more than one"),
    "an unknown scope": ({"scope": {"recrod": "0" * 16}}, "did you mean 'record'"),
    "an empty segment": ({"scope": {"segment": {}}}, "segment is empty"),
    "a raw key": ({"scope": {"record": "traffic_events:e1"}}, "record"),
    "rule: false": ({"scope": {"rule": False}}, "scope.rule"),
    "a cap of none": ({"cap": 0}, "accepted.1.cap"),
    "a cap in words": ({"cap": "10"}, "accepted.1.cap"),
    "a cap of yes": ({"cap": True}, "accepted.1.cap"),
    "a day that is none": ({"start": "2025-02-30"}, "is no date"),
    "an instant": ({"start": dt.datetime(2025, 2, 1, 12)}, "is no date"),
    "a number for a day": ({"expiry": 20250331}, "is no date"),
    "an expiry before its start": ({"expiry": "2025-01-31"}, "before its start"),
    "a hostile id": ({"id": "x\x1b[31m\n" * 9, "cap": 0}, "accepted.1"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_malformed_register_is_one_line(name, tmp_path):
    changed, hint = REFUSED[name]
    with pytest.raises(InputError) as error:
        entries(tmp_path, changed)
    line = str(error.value)
    assert hint in line and "\n" not in line and "\x1b" not in line
    assert line.count(": ") >= 1 and "; " in line


def test_what_is_no_register_is_refused(tmp_path):
    with pytest.raises(InputError, match="is there twice"):
        entries(tmp_path, {"id": "AE"}, {"id": "AE"})
    with pytest.raises(InputError, match="no such file"):
        accepted.read_accepted(tmp_path / "nowhere.yaml", RULES)
    for text in ("[", "- a", "accepted: 3", "accepted: [3]", "\x00", "register: []"):
        (tmp_path / "accepted.yaml").write_text(text, "utf-8")
        with pytest.raises(InputError):
            accepted.read_accepted(tmp_path / "accepted.yaml", RULES)
    (tmp_path / "accepted.yaml").write_text("accepted: []", "utf-8")
    assert accepted.read_accepted(tmp_path / "accepted.yaml", RULES) == []


SEGMENTS = {
    "event_typ": ({"event_typ": "login"}, "did you mean 'event_type'"),
    "a reason that the rule has not": ({"reason": "over_a_year"}, "did you mean 'over_one_year'"),
    "a reason of what is unknown": ({"reason": "clock_future"}, "is no reason of a violation"),
    "a column that is not shown": ({"user_id": "u1"}, "is no breakdown of RET-07"),
    "what there is": ({"reason": "over_one_year", "event_type": "open", "region": "EEA"}, None),
}


@pytest.mark.parametrize("name", SEGMENTS)
def test_a_segment_names_what_the_rule_is_broken_down_by(name, audit, tmp_path):
    segment, hint = SEGMENTS[name]
    given = entries(tmp_path, {"scope": {"segment": segment}})
    if hint is None:
        return acceptance.refuse_unknown_segments(tmp_path / "accepted.yaml", given, audit, RULES)
    with pytest.raises(InputError, match=r"accepted\.1\.scope\.segment") as error:
        acceptance.refuse_unknown_segments(tmp_path / "accepted.yaml", given, audit, RULES)
    assert hint in str(error.value)
    return None


def test_yaml_reads_values_as_the_report_says_them(tmp_path):
    path = register(tmp_path, {"scope": {"rule": True}})
    path.write_text(path.read_text("utf-8").replace("rule: true", "segment: {a: true, b: 2025-01-05, c: 7, d: 2025-01}"), "utf-8")
    assert accepted.read_accepted(path, RULES)[0].scope.segment == {"a": "true", "b": "2025-01-05", "c": "7", "d": "2025-01"}
    path.write_text(path.read_text("utf-8").replace("c: 7", "c: [7]"), "utf-8")
    with pytest.raises(InputError, match="is no value of a breakdown"):
        accepted.read_accepted(path, RULES)


@pytest.mark.parametrize(("zone", "state"), [("UTC", "valid"), ("Pacific/Kiritimati", "expired")])
def test_days_are_those_of_the_audits_zone(zone, state, events, tmp_path, monkeypatch):
    monkeypatch.setenv("HEYTALK_AUDIT_KEY", KEY)
    monkeypatch.delenv("HEYTALK_AUDIT_WORK", raising=False)
    path = register(tmp_path, {"expiry": "2025-03-01"})
    given = params(tmp_path, events, chapters=["retention"], rules=["RET-07"], accepted=path.name, settings={"audit_tz": zone})
    session = Session(given)
    assert [e.state for e in session.register] == [state]
    rows = first_rows(session.reader, session.rows_of("RET-07"), 10)
    assert [row.get("accepted") for row in rows.rows] == (["AE-1"] * 3 if state == "valid" else [None] * 3) and rows.total == 3


def test_the_dry_run_reads_the_register(events, tmp_path):
    path = register(tmp_path, {}, {"scope": {"segment": {"event_typ": "open"}}})
    given = params(tmp_path, events, **SOME, accepted=path.name)
    console = Console(file=io.StringIO())
    with pytest.raises(InputError, match="did you mean 'event_type'"):
        show_plan(given, [], console)
    register(tmp_path, {}, {})
    show_plan(given, [], console)
    assert "has 2 entries" in console.file.getvalue()


# a whole run ---------------------------------------------------------------------------------------


def of_rule(rule: str) -> dict:
    return {"rule": rule, "scope": {"rule": True}}


def test_a_covered_rule_is_accepted_and_its_rows_stay(events, tmp_path):
    assert run(events, tmp_path / "bare", **SOME).returncode == 1
    path = register(tmp_path, {}, of_rule("RET-01"), of_rule("DQ-03"), {"expiry": "2025-02-28"})
    done = run(events, tmp_path / "out", **SOME, accepted=str(path))
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "out"
    found = json.loads((folder / "results.json").read_text("utf-8"))
    rule = next(r for r in found["rules"] if r["id"] == "RET-07")
    assert (rule["verdict"], rule["accepted"], rule["ledger"]["violation"], rule["rate"]) == ("ACCEPTED", 3, 3, 0.6)
    assert [(e["id"], e["state"]) for e in found["register"]] == [
        ("AE-1", "valid"),
        ("AE-2", "not_tested"),
        ("AE-3", "unused"),
        ("AE-4", "expired"),
    ]
    assert read_results(found).areas == tuple(rating.areas(read_results(found).rules, RULES))
    assert {a["name"]: (a["verdict"], a["rating"]) for a in found["areas"]}["retention"] == ("ACCEPTED", "No rating")
    for name in ("RET-07", "DQ-03"):
        file = f"exceptions/{name}.parquet"
        assert (folder / file).read_bytes() == (tmp_path / "bare" / file).read_bytes()
    assert pq.read_schema(folder / "exceptions" / "RET-07.parquet").names[-1] == "days_over"
    assert 'id="register"' in (folder / "evidence.html").read_text("utf-8")
    assert "1 valid, 2 to be corrected, 1 not in force or not tested" in (folder / "index.html").read_text("utf-8")
    section = (folder / "retention.html").read_text("utf-8")
    assert "The register covers 3 of 3 violations" in section and "Accepted by" in section
    used = json.loads((folder / "evidence.json").read_text("utf-8"))["predicate"]["buildDefinition"]["resolvedDependencies"]
    assert "accepted" in [m["name"] for m in used]
    done = heytalk_audit("replay", folder, "--snapshot", events)
    assert done.returncode == 0 and "identical" in done.stdout, done.stdout + done.stderr


def test_what_is_not_covered_still_fails(events, tmp_path, monkeypatch):
    monkeypatch.setenv("HEYTALK_AUDIT_KEY", KEY)
    monkeypatch.delenv("HEYTALK_AUDIT_WORK", raising=False)
    session = Session(params(tmp_path, events, **SOME, accepted=register(tmp_path, {"cap": 2}).name))
    rule = session.evaluate("RET-07")
    assert (rule.verdict, rule.accepted, rule.entries[0].state) == ("FAIL", 0, "over_cap")
    assert exit_status(result.verdict for result in session.results()) == 1


@pytest.mark.parametrize("changed", [{"ownr": "Ann"}, {"rule": "RET-77"}, {"scope": {"segment": {"event_typ": "login"}}}])
def test_a_malformed_register_leaves_nothing_written(changed, events, tmp_path):
    path = register(tmp_path, changed)
    given = params(tmp_path, events, **SOME, accepted=path.name)
    done = heytalk_audit("run", given, "--out", tmp_path / "out")
    assert done.returncode == 2
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    assert len(lines) == 1 and lines[0].startswith("error: accepted accepted.yaml: accepted.1")
    assert not (tmp_path / "out").exists()


def test_the_example_can_be_read_and_shows_every_finding():
    given = accepted.read_accepted(Path(__file__).resolve().parents[2] / "params" / "accepted.yaml", RULES)
    states = {acceptance.state(e, replace(BOUNDS, today=dt.date(2025, 3, 31)), 9) for e in given}
    assert {"valid", "expired", "over_cap", "self_approved", "back_dated"} <= states
