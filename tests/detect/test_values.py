"""What `scan` finds and what it does not, in sentences: the cases beside this file, one list a language."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from heytalk_audit.detect.scan import COLUMNS, CONFIDENCES, KINDS, scan

CASES = [
    (path.stem, case) for path in sorted(Path(__file__).parent.glob("values-*.yaml")) for case in yaml.safe_load(path.read_text("utf-8"))
]


@pytest.fixture(scope="module")
def findings():
    frame = scan([case["text"] for _, case in CASES])
    assert list(frame.columns) == COLUMNS
    assert set(frame.kind) <= set(KINDS) and set(frame.confidence) <= set(CONFIDENCES)
    by_text: list[set[tuple[str, str]]] = [set() for _ in CASES]
    for row, kind, start, end in zip(frame.row, frame.kind, frame.start, frame.end, strict=True):
        by_text[row].add((kind, CASES[row][1]["text"][start:end]))
    return by_text


@pytest.mark.parametrize("at", range(len(CASES)), ids=lambda at: f"{CASES[at][0]}-{at}")
def test_what_is_found(findings, at):
    wanted = CASES[at][1].get("found") or {}
    assert findings[at] == {(kind, text) for kind, texts in wanted.items() for text in ([texts] if isinstance(texts, str) else texts)}


def test_a_text_alone_is_found_as_among_others(findings):
    for at, (_, case) in enumerate(CASES):
        alone = scan([case["text"]])
        assert {(kind, case["text"][s:e]) for kind, s, e in zip(alone.kind, alone.start, alone.end, strict=True)} == findings[at], at
