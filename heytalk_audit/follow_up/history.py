"""What a run says of the one before it, and what it carries for the next: counts by state and cause, repeats, history, single rows.

The chain needs the previous run's folder alone: each run carries what it was told of all earlier ones.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from heytalk_audit.follow_up.compare import ACCEPTED, STATES, Change, Compared
from heytalk_audit.follow_up.earlier import CARRIED, Row, Run

#: What becomes of a row that an accepted exception covered in the previous run.
ROLLED = {
    "still accepted": "an entry covers it now too",
    "expired or withdrawn": "it is still a violation, and no valid entry covers it any more",
    "no violation any more": "it is open with another outcome",
    "resolved": "it is not open any more",
    "no longer tested": "its rule was not evaluated now",
}
#: What a row is that was resolved before the previous run, and stays so.
EARLIER = "resolved earlier"
NOT_TESTED = "not tested"
LEDGER = ("in_scope", "excluded", "violation", "review", "unknown", "exempt")


def repeated(rule: str, verdict: str, previous: Run | None) -> bool:
    """Whether a rule fails now and failed in the previous run."""
    return verdict == "FAIL" and previous is not None and previous.rules.get(rule, {}).get("verdict") == "FAIL"


def history(previous: Run) -> list[dict[str, Any]]:
    """All earlier runs, the oldest first, as the previous run tells of them, and itself."""
    told = (previous.results.get("follow_up") or {}).get("history") or []
    return [*told, entry(previous.audit, previous.rules.values())]


def entry(audit: dict[str, Any], results: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """A run in short: per rule its verdict, the ledger, and the violations by reason."""
    rules = {r["id"]: {"verdict": r["verdict"], **{k: r["ledger"][k] for k in LEDGER}, "reasons": violations(r)} for r in results}
    return {"id": audit["id"], "as_of": audit["as_of"], "rules": rules}


def violations(result: dict[str, Any]) -> dict[str, int]:
    """Violations by reason: with the rule's id these are the keys of findings."""
    return {r["reason"]: r["rows"] for r in result["reasons"] if r["outcome"] == "violation"}


def repeats(results: Iterable[dict[str, Any]], told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Findings of this run that earlier ones had, by rule and reason: since when, in how many runs before, and how many rows then."""
    found = []
    for r in results:
        for reason, rows in violations(r).items():
            had = [h for h in told if h["rules"].get(r["id"], {}).get("reasons", {}).get(reason)]
            if had and had[-1] is told[-1]:
                before = had[-1]["rules"][r["id"]]["reasons"][reason]
                line = {"key": f"{r['id']}:{reason}", "rule": r["id"], "reason": reason, "rows": rows, "before": before}
                found.append(line | {"first_seen": had[0]["as_of"], "times": len(had)})
    return found


@dataclass(frozen=True)
class Followed:
    """The follow-up of one run."""

    previous: Run
    results: list[dict[str, Any]]
    compared: tuple[Compared, ...]
    accepted: dict[str, dict[Row, str]]
    as_of: str
    key_fingerprint: str

    @property
    def same_key(self) -> bool:
        """Whether rows can be told apart."""
        return self.previous.audit["key_fingerprint"] == self.key_fingerprint

    def document(self) -> dict[str, Any]:
        """The follow-up as results.json has it."""
        told = history(self.previous)
        return {
            "previous": {k: self.previous.audit[k] for k in ("id", "as_of")} | {"evidence_sha256": self.previous.evidence},
            "keys": "same" if self.same_key else "different",
            "rules": {c.rule: self._rule(c) for c in self.compared},
            "repeated": [r["id"] for r in self.results if r["repeated"]],
            "repeats": repeats(self.results, told),
            "rolled_forward": self._rolled(),
            "history": told,
        }

    def _rule(self, compared: Compared) -> dict[str, Any]:
        was, now = compared.verdicts
        return {"before": was, "now": now, "candidates": list(compared.candidates), "counts": compared.counts}

    def _rolled(self) -> list[dict[str, Any]]:
        """What became of the rows that the previous run's register covered, by rule and entry."""
        found: Counter[tuple[str, str, str]] = Counter()
        for compared in self.compared if self.same_key else ():
            covered = self.previous.accepted(compared.rule)
            for change in compared.rows:
                if change.before == ACCEPTED:
                    found[compared.rule, covered[change.row], _rolled(change)] += 1
        return [{"rule": rule, "entries": ids, "now": now, "rows": n} for (rule, ids, now), n in sorted(found.items())]

    def carried(self) -> list[dict[str, Any]]:
        """What this run carries of single rows."""
        rows: list[dict[str, Any]] = []
        by_rule = {c.rule: c for c in self.compared}
        known = self.previous.carried if self.same_key else {}
        for rule in sorted(by_rule.keys() | known.keys() | self.accepted.keys()):
            before = {(r["record"], r["number"]): r for r in known.get(rule, [])}
            changes = by_rule[rule].rows if rule in by_rule else ()
            rows += self._of_changes(rule, changes, before)
            told = {c.row for c in changes}
            tested = any(r["id"] == rule and r["verdict"] not in ("NOT_EVALUATED", "ERROR") for r in self.results)
            rows += [_kept(r, tested, self.as_of) for row, r in before.items() if row not in told]
            if not self.same_key:
                rows += marks(rule, self.accepted.get(rule, {}), self.as_of)
        return rows

    def _of_changes(self, rule: str, changes: Iterable[Change], before: dict[Row, dict[str, Any]]) -> list[dict[str, Any]]:
        marked, rows = self.accepted.get(rule, {}), []
        for c in changes:
            was = before.get(c.row)
            first = was["first_seen"] if was else self.previous.audit["as_of"] if c.before else self.as_of
            line = {"rule": rule, "record": c.row[0], "number": c.row[1], "state": c.state, "cause": c.cause, "before": c.before}
            ended = self.as_of if c.state == "resolved" else None
            now = c.before if c.state == "no longer tested" else c.now
            rows.append(line | {"now": now, "accepted": marked.get(c.row), "first_seen": first, "resolved": ended})
        return rows


def _rolled(change: Change) -> str:
    if change.state == "no longer tested":
        return "no longer tested"
    return {ACCEPTED: "still accepted", "violation": "expired or withdrawn", None: "resolved"}.get(change.now, "no violation any more")


def _kept(row: dict[str, Any], tested: bool, as_of: str) -> dict[str, Any]:
    """A row that neither of the two runs has open: resolved earlier, or of a rule that neither tested."""
    kept = row | {"cause": None, "before": None, "accepted": None}
    if row["resolved"]:
        return kept | {"state": EARLIER}
    # its rule lay fallow: as soon as it is tested again and does not find the row, that is resolved
    return kept | ({"state": EARLIER, "now": None, "resolved": as_of} if tested else {"state": NOT_TESTED})


def marks(rule: str, covered: dict[Row, str], as_of: str) -> list[dict[str, Any]]:
    """Rows that the register covers, where there is no earlier run to compare with."""
    bare = dict.fromkeys(CARRIED.names) | {"rule": rule, "now": ACCEPTED, "first_seen": as_of}
    return [bare | {"record": row[0], "number": row[1], "accepted": ids} for row, ids in covered.items()]


def write(rows: Iterable[dict[str, Any]], path: Path) -> None:
    """The rows as a file; the same rows give the same bytes."""
    table = pa.Table.from_pylist(list(rows), schema=CARRIED).sort_by([(n, "ascending") for n in ("rule", "record", "number")])
    pq.write_table(table, path, compression="zstd", write_statistics=False, store_schema=False, row_group_size=1_000_000)


def totals(rules: dict[str, dict[str, Any]]) -> dict[str, Counter[str]]:
    """Rows by state and cause over all rules."""
    found: dict[str, Counter[str]] = {state: Counter() for state in STATES}
    for rule in rules.values():
        for line in rule["counts"]:
            found[line["state"]][line["cause"] or "none"] += line["rows"]
    return found
