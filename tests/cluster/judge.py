"""Evaluates rules over a snapshot on one engine, passing rows included, and writes what they say of each row. A process of its own.

python judge.py ENGINE OUT SNAPSHOT RULES [KEY=VALUE ...]
"""

import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from worlds import judged_rows

from heytalk_audit.audit.audit import Audit
from heytalk_audit.audit.evaluate import evaluate
from heytalk_audit.policy import load_policy
from heytalk_audit.policy.settings import settings_of
from heytalk_audit.rules import RULES
from heytalk_audit.snapshot.engines import connect
from heytalk_audit.snapshot.open import open_snapshot


def main(url: str, out: str, snapshot: str, rules: str, *options: str) -> None:
    """Evaluate the rules of these ids, with commas between.

    Write one line of JSON per rule: its verdict, why, its ledger, its figures, its rows, and the seconds that it took.
    """
    engine = connect(url, dict(option.split("=", 1) for option in options))
    policy = load_policy()
    audit = Audit(open_snapshot(Path(snapshot), engine), policy, settings_of(policy, {}))
    with Path(out).open("w", encoding="utf-8") as lines:
        for rule in map(RULES.__getitem__, rules.split(",")):
            begun = time.perf_counter()
            evaluation = evaluate(rule, audit, keep_pass=True, raises=True)
            said = {
                "rule": rule.id,
                "verdict": evaluation.verdict,
                "reason": evaluation.reason,
                "ledger": evaluation.ledger,
                "figures": evaluation.figures,
                "rows": sorted(json.dumps(row, default=str) for row in judged_rows(evaluation, audit)),
                "seconds": round(time.perf_counter() - begun, 2),
            }
            lines.write(json.dumps(said, default=str) + "\n")
            lines.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
