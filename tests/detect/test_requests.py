"""Requests for one's rights: those in sentences that were written apart from the phrases, and that the fast sieve loses nothing."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
import yaml

from heytalk_audit.detect import requests
from heytalk_audit.detect.requests import COLUMNS, KINDS, NEVER, phrases

CASES = yaml.safe_load((Path(__file__).parent / "requests.yaml").read_text("utf-8"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["text"][:40])
def test_a_text(case):
    """Before the phrases were mended after them, these texts gave a recall of 0.78 at a precision of 1."""
    assert set(requests([case["text"]]).kind) == set(case.get("asks", []))


def test_phrases_are_of_known_kinds_and_languages():
    assert {p.kind for p in phrases()} == {*KINDS, NEVER}
    for kind in (*KINDS, NEVER):
        assert {p.language for p in phrases() if p.kind == kind} == {"en", "zh", "tr", "ar", "es"}
    assert all(p.confidence in ("high", "medium") for p in phrases() if p.kind != NEVER)


def test_rows_count_nulls_and_places_are_of_the_text():
    text = "Merhaba, HESABIMI SİLİN lütfen"
    for texts in ([None, "", text], pa.chunked_array([[None, ""], [text]], pa.string())):
        candidates = requests(texts)
        assert list(candidates.columns) == list(COLUMNS) and candidates.row.tolist() == [2]
        assert text[candidates.start[0] : candidates.end[0]] == "HESABIMI SİLİN"


def test_letters_that_are_written_otherwise():
    for text in ("ＤＥＬＥＴＥ ｍｙ ａｃｃｏｕｎｔ", "Don’t sell my data", "eliminar\u00a0mi\u00a0cuenta"):
        assert len(requests([text])) == 1


def test_a_kind_is_found_once_and_what_is_sure_first():
    candidates = requests(["Close my account. I said: delete my account! And send me a copy of my data."])
    assert candidates.kind.tolist() == ["access", "erasure"] and candidates.confidence.tolist() == ["high", "high"]


def test_nothing_is_read_of_nothing():
    assert requests([]).empty and requests(pa.array([], pa.string())).empty
