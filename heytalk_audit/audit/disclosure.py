"""Small numbers in a report that leaves the house: none from 1 to 4, and none that its neighbours, totals or rates give away.

The argument, for a reader who knows every line of this file and every other number of the report:

* A ledger that hides anything hides `pass` too, whatever it is: each small outcome may then be any of 1 to 4, and `pass` takes up the rest.
  Where so few rows were tested that a printed threshold (a rate, the limit of unknowns) would tell 1 from 4, the population is hidden as
  well. So verdicts and ratings are those of the internal report, and give no number away.
* The rows of an outcome are split many ways: by reason, by columns, by age. Only one of these splits is ever shown in part, the reasons;
  then no other split of that outcome is shown at all. Any other split is shown whole, without a small number in it, or not at all.
  Rows are split by region only where people are, and people per reason are never told.
* A split that is shown in part hides its small numbers and, beside them, the first other number by name: never one chosen by its size. It
  is shown in part only if every choice of 1 to 4 for every small number gives the same page.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

SMALL = 5
AUDIENCES = ("internal", "regulator", "public")
WORD = "suppressed"
#: Tables whose rows are no people, and say nothing of any: these counts are never hidden.
THINGS = ("delivered_tables", "delivered_columns", "delivery", "policy_clauses", "calendar", "vendors")
OPEN = ("violation", "review", "unknown", "exempt")
OUTCOMES = ("pass", *OPEN, "excluded")
#: The smallest threshold of a rate that a rating or a finding's severity has.
LEAST_RATE = 0.001
#: Whose names stand in a register, and what stands for them.
NAMES = {"owner": "an owner, not named here", "approver": "an approver, not named here"}


def is_small(count: Any) -> bool:
    """Whether a number is one of few people or rows."""
    return isinstance(count, int) and 0 < count < SMALL


def clean(counts: Iterable[Any]) -> bool:
    """Whether no number is small."""
    return not any(map(is_small, counts))


def hidden(parts: Mapping[str, int]) -> set[str] | None:
    """Which parts of a known total are hidden: none, some, or (null) all of them, also those that are nought.

    Beside every small part one more is hidden, the first by name that is neither small nor nought. What is known is then the sum of the
    hidden parts. It must be so large that each small part may be any of 1 to 4 whatever the others are; else nothing is shown.
    """
    few = {name for name, n in parts.items() if is_small(n)}
    if not few:
        return set()
    beside = min((name for name, n in parts.items() if n >= SMALL), default=None)
    if beside is None or sum(parts[n] for n in (*few, beside)) < (SMALL - 1) * len(few) + SMALL:
        return None
    return {*few, beside}


def shown(value: Any) -> Any:
    """A number as a page shows it."""
    return WORD if value is None else value


def of_rule(result: dict[str, Any], audience: str, unknown_limit: float = 0.01) -> dict[str, Any]:
    """A rule's result as an audience may see it: hidden numbers are null, and `suppressed` names them. For internal use: as it is."""
    if audience == "internal":
        return result
    if result["tables"][0] in THINGS and not any(result["subjects"][o] for o in OPEN):
        made = result | {"samples": [_sample(s, True) for s in result["samples"]], "suppressed": []}
        return _nameless(made) if audience == "public" else made
    ledger, given = _ledger(result["ledger"], unknown_limit), result["ledger"]
    made = result | {"ledger": ledger, "subjects": _subjects(result["subjects"], ledger)}
    parts = {o: {str(r["reason"]): r["rows"] for r in result["reasons"] if r["outcome"] == o} for o in OUTCOMES}
    hide = {o: None if ledger[o] is None else hidden(parts[o]) for o in OUTCOMES}
    whole = {o for o in OUTCOMES if hide[o] == set()}
    made["reasons"] = _reasons(result["reasons"], hide)
    people = made["subjects"]["by_region"] == result["subjects"]["by_region"]
    made["breakdowns"] = {
        # rows by region would bound the people of one
        name: _breakdown(values, whole if people or name != "law_region" else set())
        for name, values in result["breakdowns"].items()
    }
    made["ageing"] = _ageing(result["ageing"], given["violation"]) if "violation" in whole else {}
    seen = ledger["in_scope"] is not None and ledger["excluded"] is not None
    made["rate"] = result["rate"] if seen and ledger["violation"] is not None else None
    made["accepted"] = _accepted(result["accepted"], ledger["violation"])
    made["entries"] = [e | dict.fromkeys(("matched", "covered", "cap")) | {"scope": _scope(e["scope"])} for e in result["entries"]]
    all_whole = whole == set(OUTCOMES) and ledger["in_scope"] is not None
    made["over_time"] = _over_time(result["over_time"], all_whole)
    figures = [f["value"] for f in result["figures"]]
    made["figures"] = result["figures"] if all_whole and clean(figures) else []
    made["samples"] = [_sample(s, ledger["review"] is not None if s["of"] == "candidates" else seen) for s in result["samples"]]
    if audience == "public":
        made = _nameless(made) | {"samples": []}
    return made | {"suppressed": sorted(_differing(result, made))}


def _ledger(ledger: dict[str, int], unknown_limit: float) -> dict[str, int | None]:
    """The ledger with its small outcomes, and what would give them away, as null."""
    few = {o for o in OUTCOMES if is_small(ledger[o])}
    if not few:
        return dict(ledger)
    hide, tested, most = few | {"pass"}, ledger["in_scope"] - ledger["excluded"], SMALL - 1
    if _telling(tested, unknown_limit) or few == {"pass"}:
        hide.add("in_scope")
    elif sum(ledger[o] for o in hide) < most * len(few - {"pass"}):
        hide = set(ledger)
    return {name: None if name in hide else n for name, n in ledger.items()}


def _telling(tested: int, unknown_limit: float) -> bool:
    """Whether a printed threshold would tell some of 1 to 4 from others, among so many rows."""
    most = SMALL - 1
    return most >= LEAST_RATE * tested or not (unknown_limit * tested >= most or unknown_limit * tested < 1)


def _subjects(subjects: dict[str, Any], ledger: dict[str, int | None]) -> dict[str, Any]:
    made = {o: None if subjects[o] and (ledger[o] is None or is_small(subjects[o])) else subjects[o] for o in OPEN}
    return made | {name: _people(subjects[name], made) for name in ("by_region", "by_age")}


def _people(parts: dict[str, int], people: dict[str, int | None]) -> dict[str, int | None]:
    """People with a violation or a review, split: nothing where their number would tell how many have the one and not the other."""
    broken, open_, both = people["violation"], people["review"], sum(parts.values())
    if broken is None or open_ is None or not clean((both - broken, both - open_, broken + open_ - both)):
        return {}
    hide = hidden(parts)
    return {} if hide is None else {name: None if name in hide else n for name, n in parts.items()}


def _reasons(reasons: list[dict[str, Any]], hide: dict[str, set[str] | None]) -> list[dict[str, Any]]:
    """Sorted by name, not by size; people per reason are left out always, as with the rows they would tell of small ones."""
    made = [
        r | {"rows": None if str(r["reason"]) in hide[r["outcome"]] else r["rows"], "people": None}
        for r in reasons
        if hide[r["outcome"]] is not None
    ]
    return sorted(made, key=lambda r: (OUTCOMES.index(r["outcome"]), str(r["reason"])))


def _breakdown(values: list[dict[str, Any]], whole: set[str]) -> list[dict[str, Any]]:
    kept = [o for o in OPEN if o in whole and clean(v[o] for v in values)]
    made = [v | {o: v[o] if o in kept else None for o in OPEN} for v in values if any(v[o] for o in kept)]
    return sorted(made, key=lambda v: v["value"])


def _ageing(buckets: dict[str, int], violations: int) -> dict[str, int]:
    """Those without a due day are a bucket too, if one that is not printed."""
    return buckets if clean([*buckets.values(), violations - sum(buckets.values())]) else {}


def _accepted(accepted: int, violations: int | None) -> int | None:
    return None if violations is None or not clean((accepted, violations - accepted)) else accepted


def _scope(scope: dict[str, Any]) -> dict[str, Any]:
    return {"record": None} if "record" in scope else scope


def _over_time(found: dict[str, Any] | None, whole: bool) -> dict[str, Any] | None:
    if found is None:
        return None
    numbers = [n for p in found["points"] for name, n in p.items() if name not in ("panel", "month")]
    return found if whole and clean(numbers) else found | {"points": []}


def _sample(sample: dict[str, Any], frame: bool) -> dict[str, Any]:
    review = sample["review"]
    if review is not None and not (frame and clean(review[k] for k in ("yes", "no", "undecided"))):
        review = dict.fromkeys(review) | {"stated": WORD}
    size = sample["frame_size"]
    return sample | {"frame_size": size if frame and not is_small(size) else None, "records": [], "drawn": None, "review": review}


def _nameless(result: dict[str, Any]) -> dict[str, Any]:
    return result | {"entries": nameless(result["entries"])}


def nameless(entries: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Entries of a register without the names in them."""
    return [e | NAMES for e in entries]


def of_register(entries: Iterable[dict[str, Any]], audience: str) -> list[dict[str, Any]]:
    """The register as an audience may see it: how each entry stands, and no number that leads to a record."""
    if audience == "internal":
        return list(entries)
    made = [e | dict.fromkeys(("matched", "covered", "cap")) | {"scope": _scope(e["scope"])} for e in entries]
    return nameless(made) if audience == "public" else made


def of_clauses(clauses: Iterable[dict[str, Any]], audience: str) -> list[dict[str, Any]]:
    """Clauses as an audience may see them: the public one reads the role of who attests, and no name."""
    if audience != "public":
        return list(clauses)
    return [
        c | {"attestation": c["attestation"] | {"who": "not named here"}} if c.get("attestation") and c["attestation"]["who"] else c
        for c in clauses
    ]


def of_tables(tables: Iterable[dict[str, Any]], audience: str) -> list[dict[str, Any]]:
    """Control totals: a table of few rows or people shows none of them, nor its times."""
    if audience == "internal":
        return list(tables)
    return [_totals(t) for t in tables]


def _totals(table: dict[str, Any]) -> dict[str, Any]:
    said = (table, table["declared"], table["source"])
    if clean(s[name] for s in said for name in ("rows", "distinct_users")):
        return table
    none = dict.fromkeys(table["declared"])
    return table | none | {"declared": none, "source": none, "rows": WORD}


def of_places(places: Iterable[dict[str, Any]], audience: str) -> list[dict[str, Any]]:
    """What detectors read: outside, what they found there is left to the sections of the rules, which say it once."""
    if audience == "internal":
        return list(places)
    return [p | {"texts": None if is_small(p["texts"]) else p["texts"], "findings": []} for p in places]


def statement(audience: str) -> dict[str, Any] | None:
    """What a report for this audience leaves out, for `results.json`; null for internal use."""
    if audience == "internal":
        return None
    names = "left out" if audience == "public" else "kept"
    return {"below": SMALL, "numbers": "null, and named in each rule's suppressed", "rows": "withheld", "names": names}


def statement_in_words(audience: str) -> str:
    """The same in a sentence, for covers and footers; empty for internal use."""
    if audience == "internal":
        return ""
    who = {"regulator": "a regulator", "public": "the public"}[audience]
    names = " Names are left out." if audience == "public" else ""
    return (
        f"Made for {who}. Numbers of people or rows from 1 to 4, and what would give them away, are suppressed; rows are withheld.{names}"
    )


def _differing(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    """What is hidden, by name: numbers of the ledger and of people, breakdowns, and other parts."""
    found = {name for name in ("rate", "accepted", "ageing", "over_time", "figures") if before[name] != after[name]}
    for part in ("ledger", "subjects"):
        found |= {f"{part}.{name}" for name, n in after[part].items() if before[part][name] != n}
    rows = {(r["outcome"], r["reason"]): r["rows"] for r in after["reasons"]}
    found |= {"reasons" for r in before["reasons"] if rows.get((r["outcome"], r["reason"])) != r["rows"]}
    for name, values in after["breakdowns"].items():
        if len(values) < len(before["breakdowns"][name]) or any(n is None for v in values for n in v.values()):
            found.add(f"breakdowns.{name}")
    return found
