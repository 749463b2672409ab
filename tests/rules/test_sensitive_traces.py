"""What is told of a text in which a special category was found: what, of whom, and how surely."""

from __future__ import annotations

import ibis
import pytest

from heytalk_audit.rules.sensitive_traces import with_category

BIO, POST = "profile_attributes.value", "content_items.text"
FOUND = {"record": "r", "place": BIO, "what": "category", "finding": "health", "form": "mention", "confidence": "low"}
ONE = {"detected": True, "own": False, "finding": "health", "confidence": "low"}

TEXTS = {
    "one finding": ([{}], ONE),
    "the surest of two, whichever comes first": ([{"confidence": "high"}, {}], ONE | {"confidence": "high"}),
    "the same the other way round": ([{}, {"confidence": "high"}], ONE | {"confidence": "high"}),
    "one that is less than sure": ([{"confidence": "medium"}, {}], ONE | {"confidence": "medium"}),
    "said of oneself in one of two": ([{"form": "self"}, {}], ONE | {"own": True}),
    "the same category twice": ([{}, {"confidence": "high", "place": POST}], ONE | {"confidence": "high"}),
    "two categories": ([{}, {"finding": "religion"}], ONE | {"finding": "several"}),
    "a value beside it": ([{}, {"what": "value", "finding": "iban", "confidence": "high"}], ONE),
    "the same text elsewhere": ([{}, {"place": "support_tickets.text", "finding": "religion", "confidence": "high"}], ONE),
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_is_described_once_by_all_that_was_found_in_it(name):
    findings, expected = TEXTS[name]
    detections = ibis.memtable([FOUND | change for change in findings])
    rows = with_category(detections, BIO, POST).execute().to_dict("records")
    assert rows == [{"record": "r"} | expected]
