"""Accuracy on labelled texts that were not written here. The folder is named by HEYTALK_LABELLED_DATA; without it these tests skip."""

from __future__ import annotations

import os
from pathlib import Path

import labelled
import pytest

FOLDER = os.environ.get("HEYTALK_LABELLED_DATA")
pytestmark = pytest.mark.skipif(not FOLDER, reason="HEYTALK_LABELLED_DATA does not name the folder of labelled texts")


def test_seven_kinds_of_generated_english():
    path = Path(FOLDER or "") / labelled.SPANS
    if not path.exists():
        pytest.skip(f"no {labelled.SPANS} in that folder")
    scores = labelled.by_spans(path)
    total = labelled.total(scores.values())
    assert total.f1 >= 0.97 and total.precision >= 0.96 and total.recall >= 0.96
    assert scores["phone"].f1 >= 0.90


def test_passwords_and_accounts_in_english_reports():
    path = Path(FOLDER or "") / labelled.VALUES
    if not path.exists():
        pytest.skip(f"no {labelled.VALUES} in that folder")
    scores = labelled.by_values(path)
    assert scores["email"].recall >= 0.97 and scores["us_ssn"].recall >= 0.9
    assert scores["password"].recall >= 0.8
