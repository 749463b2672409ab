"""Less data, more excuses, more test accounts and fewer rules never raise a rating: on every area of the small demo, and on ledgers."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from conftest import KEY
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rule_results import rule_result

from heytalk_audit import contract
from heytalk_audit.audit import acceptance, rating
from heytalk_audit.audit.audit import Audit
from heytalk_audit.audit.evaluate import evaluate
from heytalk_audit.audit.limits import Decided, Limits
from heytalk_audit.audit.pseudonym import key_pads
from heytalk_audit.audit.results import summarise
from heytalk_audit.audit.rule_result import RuleResult
from heytalk_audit.audit.verdict import judge
from heytalk_audit.policy import load_policy
from heytalk_audit.policy.settings import settings_of
from heytalk_audit.registers.accepted import Entry
from heytalk_audit.report import pages
from heytalk_audit.rules import RULES
from heytalk_audit.snapshot.delivery import DESCRIPTOR
from heytalk_audit.snapshot.engines import Engine, connect
from heytalk_audit.snapshot.open import open_snapshot
from heytalk_audit.vocabulary import Outcome, Rating, Verdict

pytestmark = pytest.mark.xdist_group("monotony")

#: The rules that decide ratings, but for those that read texts: reading them again takes longer than all others together.
WEIGHTY = [
    id for id, rule in sorted(RULES.items()) if rule.severity.is_weighty and not {"detections", "column_contents"} & set(rule.tables)
]
Change = Callable[[str, pa.Table], pa.Table]


def is_no_higher(after: Rating, before: Rating) -> bool:
    """Whether a rating is no better than another; none at all is never better."""
    return after == Rating.NO_RATING or (before != Rating.NO_RATING and after.rank <= before.rank)


def ratings(results: Iterable[RuleResult]) -> dict[str, Rating]:
    """The rating of each area, of all its rules in the demo's audit: those left out here count as before."""
    catalogue = {id: RULES[id] for id in WEIGHTY}
    return {area.name: area.rating for area in rating.areas(list(results), catalogue)}


@dataclass
class Demo:
    """The small demo, and what comes of its rules when something of it is changed; one engine serves all."""

    folder: Path
    work: Path
    engine: Engine
    base: dict[str, RuleResult] = field(default_factory=dict)
    accepted: dict[str, RuleResult] = field(default_factory=dict)

    def audit(self, folder: Path, **changed: object) -> Audit:
        policy = load_policy()
        return Audit(open_snapshot(folder, self.engine), policy, settings_of(policy, changed), [])

    def judged(self, folder: Path, rules: Collection[str] = WEIGHTY) -> dict[str, RuleResult]:
        """The results of these rules on a snapshot."""
        audit = self.audit(folder)
        pads = key_pads(KEY.encode(), self.engine)
        return {id: summarise(evaluate(RULES[id], audit), audit, pads) for id in rules}

    def first(self) -> None:
        """The results of the demo as it is, and those with all that breaks a rule accepted, reason by reason."""
        audit = self.audit(self.folder)
        pads = key_pads(KEY.encode(), self.engine)
        for id in WEIGHTY:
            found = evaluate(RULES[id], audit)
            self.base[id] = summarise(found, audit, pads)
            coverage = acceptance.coverage_of(found, entries(self.base[id]), pads, self.engine, acceptance.Bounds.of(audit))
            made = acceptance.accept(found, coverage, Limits.usual())
            self.accepted[id] = summarise(made, audit, pads, None, coverage.entries, coverage.rows)

    def changed(self, name: str, change: Change, drop: Collection[str] = (), windows: Mapping[str, str] | None = None) -> Path:
        """A copy of the demo in which tables are changed or left out, and the descriptor states what is left."""
        folder = self.work / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        document = json.loads((self.folder / DESCRIPTOR).read_text("utf-8"))
        for file in sorted(self.folder.glob("*.parquet")):
            if file.stem not in drop:
                pq.write_table(change(file.stem, pq.read_table(file)), folder / file.name)
        kept = ("name", "path", "window_start", "window_end", "filter")
        resources = [{k: r[k] for k in kept if k in r} for r in document["resources"] if r["name"] not in drop]
        document["resources"] = [r | {"window_start": windows[r["name"]]} if windows and r["name"] in windows else r for r in resources]
        (folder / DESCRIPTOR).write_text(json.dumps(document | {"source_totals": []}), "utf-8")
        return folder

    def compare(self, results: Mapping[str, RuleResult]) -> None:
        """No area is rated higher with these results in place of the demo's, and page 1 names every rule that was not tested."""
        before, after = ratings(self.base.values()), ratings((self.base | dict(results)).values())
        assert {area: (before[area], after[area]) for area in before if not is_no_higher(after[area], before[area])} == {}
        listed = list((self.base | dict(results)).values())
        page = pages.verdict_summary(listed, [], []).html
        for result in results.values():
            if rating.is_untested(result):
                assert f"#{result.id}" in page, result.id


def entries(result: RuleResult) -> list[Entry]:
    """Accepted exceptions for each reason of a rule's violations."""
    entry = {"legal_ground": "x", "reason": "x", "owner": "Ann", "approver": "Bo", "start": "2025-01-01", "expiry": "2025-12-31"}
    entry |= {"register_date": "2025-01-01", "cap": 10**6, "rule": result.id}
    reasons = [line.reason for line in result.reasons if line.outcome == Outcome.VIOLATION]
    scopes = [{"segment": {"reason": reason}} for reason in reasons]
    context = {"context": {"rules": RULES}}
    return [Entry.model_validate(entry | {"id": f"A{n}", "scope": scope}, **context) for n, scope in enumerate(scopes)]


@pytest.fixture(scope="module")
def small(demo, tmp_path_factory) -> Demo:
    work = tmp_path_factory.mktemp("monotony")
    made = Demo(demo, work, connect(folders=[demo, work]))
    made.first()
    return made


def unchanged(name: str, table: pa.Table) -> pa.Table:
    return table


def put(table: pa.Table, column: str, value: object) -> pa.Table:
    at = table.column_names.index(column)
    return table.set_column(at, table.schema.field(at), pa.array([value] * table.num_rows, table.schema.field(at).type))


def test_dropping_any_table(small):
    optional = [name for name, table in contract.load().items() if not table.required and (small.folder / f"{name}.parquet").exists()]
    for name in optional:
        folder = small.changed("drop", unchanged, drop=[name])
        readers = [id for id in WEIGHTY if name in RULES[id].tables or "present" in RULES[id].arguments]
        small.compare(small.judged(folder, readers))


def test_emptying_every_table(small):
    found = small.judged(small.changed("empty", lambda name, table: table.slice(0, 0)))
    small.compare(found)
    assert set(ratings(found.values()).values()) == {Rating.NO_RATING}


@settings(max_examples=4, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.sets(st.sampled_from(sorted(set(contract.load()) - {"users"})), min_size=1, max_size=2))
def test_emptying_some_tables(small, names):
    folder = small.changed("some", lambda name, table: table.slice(0, 0) if name in names else table)
    small.compare(small.judged(folder, [id for id in WEIGHTY if names & set(RULES[id].tables)]))


def test_flagging_everybody_as_a_test(small):
    found = small.judged(small.changed("tests", lambda name, table: put(table, "is_test", True) if name == "users" else table))
    small.compare(found)


def test_doubling_everybody_with_a_test_flag(small):
    twice = lambda name, table: pa.concat_tables([table, put(table, "is_test", True)]) if name == "users" else table  # noqa: E731
    small.compare(small.judged(small.changed("twice", twice)))


def test_excusing_everything_by_holds(small):
    users = pq.read_table(small.folder / "users.parquet")["user_id"].to_pylist()
    started = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
    reviewed = dt.datetime(2025, 3, 1, tzinfo=dt.UTC)
    hold = {"type": "legal_hold", "scope": "*", "owner": "legal", "reason_code": "R", "started_at": started, "reviewed_at": reviewed}

    def held(name: str, table: pa.Table) -> pa.Table:
        if name != "retention_exceptions":
            return table
        rows = [hold | {"exception_id": f"all-{n}", "user_id": user} for n, user in enumerate(users)]
        return pa.concat_tables([table, pa.Table.from_pylist(rows, schema=table.schema)])

    readers = [id for id in WEIGHTY if "retention_exceptions" in RULES[id].tables]
    small.compare(small.judged(small.changed("held", held), readers))


def test_masking_every_value(small):
    def masked(name: str, table: pa.Table) -> pa.Table:
        for column in contract.load()[name].columns:
            if column.kind == "string" and not column.required and not column.foreign and column.name in table.column_names:
                table = put(table, column.name, None)
        return table

    small.compare(small.judged(small.changed("masked", masked)))


@settings(max_examples=3, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(["consents", "disclosures", "content_items", "outbound_messages", "purge_log", "permission_events"]))
def test_windows_that_cut(small, name):
    def cut(table_name: str, table: pa.Table) -> pa.Table:
        clock = next((c for c in contract.load()[name].of_kind("timestamp") if c in table.column_names), None)
        if table_name != name or clock is None:
            return table
        return table.filter(pc.greater_equal(table[clock], pa.scalar(dt.datetime(2025, 3, 1, tzinfo=dt.UTC), table[clock].type)))

    folder = small.changed("cut", cut, windows={name: "2025-03-01T00:00:00Z"})
    small.compare(small.judged(folder, [id for id in WEIGHTY if name in RULES[id].tables]))


def test_accepting_everything_by_the_register(small):
    small.compare(small.accepted)
    assert any(result.verdict == Verdict.ACCEPTED for result in small.accepted.values())


def test_limits_at_their_bounds(small):
    """A wider limit lets a rule pass; its area is rated as if it were not tested."""
    wide = {}
    for id, result in small.base.items():
        if result.verdict.is_tested:
            ledger = {name: result.ledger[name] for name in ("in_scope", *Outcome)}
            found = judge(ledger, (), Limits(0.05, 0.05, 0.05))
            if "coverage" not in result.limited_by:
                wide[id] = result.with_(verdict=found.verdict, limited_by=found.limited_by)
    small.compare(wide)
    bound = settings_of(load_policy(), {"unknown_limit": 0.05, "exempt_limit": 0.05, "test_share": 0.05})
    assert bound["test_share"] == 0.05


@settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chosen=st.sets(st.sampled_from(WEIGHTY), min_size=1, max_size=12))
def test_choosing_some_rules(small, chosen):
    before, after = ratings(small.base.values()), ratings(small.base[id] for id in chosen)
    assert all(is_no_higher(after[area], before[area]) for area in after)


# ledgers -------------------------------------------------------------------------------------------

CATALOGUE = [rule for rule in RULES.values() if rule.family in ("RET",) and rule.basis == "policy"]
LIMITS = Limits.usual()


def result_of(id: str, counts: Mapping[str, int], accepted: int = 0, gaps: Collection[str] = (), empty: bool = False) -> RuleResult:
    """The result that a rule has with this ledger."""
    ledger = dict.fromkeys(map(str, Outcome), 0) | dict(counts)
    ledger["in_scope"] = sum(ledger.values())
    found = judge(ledger, list(gaps), LIMITS, accepted, Decided())
    tested = ledger["in_scope"] - ledger["excluded"]
    return rule_result(
        id=id,
        family="RET",
        severity=RULES[id].severity,
        verdict=found.verdict,
        limited_by=found.limited_by,
        ledger=ledger,
        accepted=accepted,
        rate=ledger["violation"] / tested if tested else None,
        blocked_by=("empty:users",) if empty else (),
    )


def rated(results: Mapping[str, RuleResult]) -> Rating:
    missing = [rule for rule in CATALOGUE if rule.id not in results]
    return rating.rating(list(results.values()), missing)


COUNTS = st.fixed_dictionaries(
    {
        "pass": st.integers(0, 3000),
        "violation": st.sampled_from([0, 0, 0, 1, 2, 30, 400]),
        "review": st.sampled_from([0, 0, 0, 1, 50]),
        "unknown": st.sampled_from([0, 0, 1, 30]),
        "exempt": st.sampled_from([0, 0, 1, 30]),
        "excluded": st.sampled_from([0, 0, 3, 40]),
    }
)
AREA = st.fixed_dictionaries({rule.id: COUNTS for rule in CATALOGUE if rule.severity.is_weighty})


@settings(max_examples=300, deadline=None, derandomize=True)
@given(area=AREA, at=st.integers(0, 100), how=st.sampled_from(["drop", "leave", "empty", "test", "cut", "accept", "excuse", "mask"]))
def test_what_is_taken_from_one_rule_never_raises_the_rating(area, at, how):
    before = {id: result_of(id, counts) for id, counts in area.items()}
    id = sorted(area)[at % len(area)]
    counts, after = dict(area[id]), dict(before)
    if how == "leave":
        del after[id]
    elif how == "drop":
        after[id] = rule_result(id=id, family="RET", severity=RULES[id].severity, verdict="NOT_EVALUATED", blocked_by=("absent:users",))
    elif how == "empty":
        after[id] = result_of(id, {}, empty=True)
    elif how == "test":
        after[id] = result_of(id, {"excluded": sum(counts.values())})
    elif how == "cut":
        after[id] = result_of(id, counts | {"violation": 0, "review": 0}, gaps=["a window cuts it"])
    elif how == "accept":
        after[id] = result_of(id, counts, accepted=counts["violation"])
    else:
        moved = counts["violation"] + counts["review"]
        into = "exempt" if how == "excuse" else "unknown"
        tested = sum(counts.values()) - counts["excluded"]
        if moved + counts[into] <= 0.01 * tested:
            return  # within the limits a hold, or a value that is missing, may settle a row
        after[id] = result_of(id, counts | {"violation": 0, "review": 0, into: counts[into] + moved})
    assert is_no_higher(rated(after), rated(before)), (id, how, before[id].verdict, after[id].verdict)
