"""Rules beside the best hand-written DuckDB SQL for them: the query, and the whole evaluation with its exceptions file."""

from __future__ import annotations

from pathlib import Path

import hand
import ours
from context import Bench, Goal, Section, table
from measure import Pairs, in_turns

from heytalk_audit.audit.audit import Audit
from heytalk_audit.rules import RULES

SQL_GOAL, WHOLE_GOAL = 1.1, 1.3


def measure(bench: Bench) -> Section:
    """Each rule that was written by hand, both ways in turns, on one connection."""
    snapshot = bench.snapshot(bench.users)
    audit = ours.opened(snapshot, bench.work(snapshot))
    ours.warm(audit)
    hand.prepare(audit)
    rows, ratios = [], {"SQL": [], "whole": []}
    for rule in bench.rules or hand.RULES:
        count = check(rule, audit, bench.work(snapshot))
        sql, whole = queries(rule, audit, bench.pairs), evaluations(rule, audit, bench.work(snapshot), bench.pairs)
        shared = ours.share(RULES[rule], audit)
        ratios["SQL"].append((sql.median("cpu"), rule))
        ratios["whole"].append((whole.median("cpu"), rule))
        rows.append([rule, f"{count:,}", *described(sql), f"{shared:.2f}", *described(whole)])
        bench.console.print(*map(str, rows[-1]), sep="  ")
    ratio = ["s", "by hand s", "ratio, processor", "ratio, clock"]
    heads = ["rule", "rows", *(f"SQL: {head}" for head in ratio), "shared, processor s", *(f"whole: {head}" for head in ratio)]
    goals = [goal(*max(ratios["SQL"]), "the SQL", SQL_GOAL, bench), goal(*max(ratios["whole"]), "whole evaluation", WHOLE_GOAL, bench)]
    title = f"## Rules beside hand-written SQL, {bench.users:,} people"
    text = f"Medians of {bench.pairs} pairs in turns; the interval of the ratio's median at 95 %. Counts per outcome are equal. "
    text += "What a rule shares with others (people, test accounts, states of consent) is computed once per audit, before; the column "
    text += "`shared` is what that takes if no rule had asked for it yet. By hand it is within the query."
    ours.close(audit)
    return Section([title, text, "", *table(heads, rows)], goals)


def goal(ratio: float, rule: str, what: str, limit: float, bench: Bench) -> Goal:
    """The goal for the rule that does worst."""
    return Goal(
        f"each rule by hand-written SQL, {what}: at most {limit}", f"{ratio:.2f} at most ({rule}, {bench.users:,} people)", ratio / limit
    )


def check(rule: str, audit: Audit, work: Path) -> int:
    """How many rows do not pass. Raises AssertionError where the two ways differ."""
    written = hand.by_hand(rule, audit)
    con = hand.connection(audit)
    con.execute(f"CREATE OR REPLACE TABLE by_hand AS {written.rows}")
    population, outcomes = ours.outcomes(ours.evaluate_and_write(RULES[rule], audit, work / f"{rule}.parquet"))
    assert outcomes == hand.counted(audit, "by_hand"), (rule, outcomes, hand.counted(audit, "by_hand"))
    assert population == con.execute(written.population).fetchall()[0][0], rule
    return sum(outcomes.values())


def queries(rule: str, audit: Audit, pairs: int) -> Pairs:
    """The rule's own queries and the hand-written one, into temporary tables; what the rule shares with others is there."""
    con, by_hand, own = hand.connection(audit), hand.by_hand(rule, audit).rows, ours.queries(RULES[rule], audit)
    return in_turns(lambda: ours.run_queries(own, con), lambda: con.execute(f"CREATE OR REPLACE TABLE by_hand AS {by_hand}"), pairs)


def evaluations(rule: str, audit: Audit, work: Path, pairs: int) -> Pairs:
    """The whole evaluation; by hand: the rows, the population, counts per outcome, reason and person, and the file of digests in order."""
    con, written = hand.connection(audit), hand.by_hand(rule, audit)
    digest = "lower(sha256('{}' || {}))".format("0" * 64, "{}")
    columns = f"{digest.format('record')} AS record, {digest.format('subject')} AS subject, outcome, reason"

    def by_hand() -> None:
        con.execute(f"CREATE OR REPLACE TABLE by_hand AS {written.rows}")
        con.execute(written.population).fetchall()
        con.execute("SELECT outcome, reason, count(*), count(DISTINCT subject) FROM by_hand GROUP BY ALL").fetchall()
        con.execute(f"COPY (SELECT {columns} FROM by_hand ORDER BY ALL) TO '{work / 'by_hand.parquet'}' (FORMAT parquet, COMPRESSION zstd)")

    return in_turns(lambda: ours.evaluate_and_write(RULES[rule], audit, work / f"{rule}.parquet"), by_hand, pairs)


def described(pairs: Pairs) -> list[str]:
    """Median seconds of both, and the ratios."""
    mine, theirs = (sorted(taken.wall for taken in way)[len(way) // 2] for way in (pairs.ours, pairs.theirs))
    return [f"{mine:.2f}", f"{theirs:.2f}", pairs.text("cpu"), pairs.text("wall")]
