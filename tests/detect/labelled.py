"""Labelled texts of others, and how well `scan` does on them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from heytalk_audit.detect.scan import scan

SPANS, VALUES = "presidio_generated_large.json", "nannigalaxy_pii_syn_nano_en.json"
OF_SPANS = {
    "CREDIT_CARD": "card",
    "IBAN_CODE": "iban",
    "EMAIL_ADDRESS": "email",
    "PHONE_NUMBER": "phone",
    "IP_ADDRESS": "ip",
    "US_SSN": "us_ssn",
    "DOMAIN_NAME": "url",
}
OF_VALUES = {
    "EMAIL": "email",
    "PASSWORD": "password",
    "SSN": "us_ssn",
    "PHONE": "phone",
    "IBAN": "iban",
    "CREDIT_CARD": "card",
    "BANK_ACCOUNT": "bank_account",
    "ACCOUNT_NUMBER": "bank_account",
    "BANK_ACCOUNT_NUM": "bank_account",
}


@dataclass(frozen=True)
class Score:
    """Findings that overlap a label of their kind, and those that don't; labels that nothing overlaps."""

    right: int
    wrong: int
    missed: int

    @property
    def precision(self) -> float:
        return self.right / max(1, self.right + self.wrong)

    @property
    def recall(self) -> float:
        return self.right / max(1, self.right + self.missed)

    @property
    def f1(self) -> float:
        return 2 * self.right / max(1, 2 * self.right + self.wrong + self.missed)


def total(scores: Iterable[Score]) -> Score:
    """All kinds together."""
    return Score(*(sum(column) for column in zip(*((s.right, s.wrong, s.missed) for s in scores), strict=True)))


def compare(texts: list[str], labels: list[tuple[int, str, int, int]], kinds: Iterable[str]) -> dict[str, Score]:
    """Scores by kind; a finding and a label are paired once, where they overlap."""
    findings = scan(texts)
    wanted, by_kind = defaultdict(list), defaultdict(list)
    for row, kind, start, end in labels:
        wanted[kind].append((row, start, end))
    for row, kind, start, end in zip(findings.row, findings.kind, findings.start, findings.end, strict=True):
        by_kind[kind].append((row, start, end))
    scores = {}
    for kind in kinds:
        left, right = list(by_kind[kind]), 0
        for row, start, end in wanted[kind]:
            match = next((one for one in left if one[0] == row and one[1] < end and start < one[2]), None)
            if match:
                left.remove(match)
                right += 1
        scores[kind] = Score(right, len(left), len(wanted[kind]) - right)
    return scores


def by_spans(path: Path) -> dict[str, Score]:
    """The seven kinds, where the labels have offsets."""
    texts = json.loads(path.read_text("utf-8"))
    labels = [
        (row, OF_SPANS[span["entity_type"]], span["start_position"], span["end_position"])
        for row, text in enumerate(texts)
        for span in text["spans"]
        if span["entity_type"] in OF_SPANS
    ]
    return compare([text["full_text"] for text in texts], labels, OF_SPANS.values())


def by_values(path: Path) -> dict[str, Score]:
    """Kinds whose labels are values: each is sought in its text, less the marks around it; masked or absent ones are left out."""
    texts = json.loads(path.read_text("utf-8"))
    labels = []
    for row, text in enumerate(texts):
        for label in text["NER"]:
            value = label.get("entity", "").strip("*'\" ")
            start = text["text"].find(value) if value else -1
            if label["label"] in OF_VALUES and start >= 0 and not {"X", "*"} & set(value[-4:]):
                labels.append((row, OF_VALUES[label["label"]], start, start + len(value)))
    return compare([text["text"] for text in texts], labels, sorted(set(OF_VALUES.values())))
