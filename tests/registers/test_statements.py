"""The registers of processing and of incidents: read strictly, each refusal one line."""

from __future__ import annotations

import datetime as dt

import pytest

from heytalk_audit.canonical import PACKAGE, yaml_text
from heytalk_audit.errors import InputError
from heytalk_audit.registers.incidents import incidents_table, read_incidents
from heytalk_audit.registers.processing import processing_table, read_processing

TODAY = dt.date(2025, 3, 31)
STATED = {"who": "Ada Example", "role": "counsel", "date": "2025-01-31", "evidence": {"name": "a.pdf", "sha256": "a" * 64}}
ACTIVITY = STATED | {
    "purpose": "marketing_email",
    "legal_basis": "consent",
    "categories": ["pd:Name"],
    "recipients": [],
    "period": "2 years",
}
INCIDENT = STATED | {
    "id": "I-1", "detected": "2025-01-01T00:00:00Z", "kind": "leak", "people": 3, "categories": ["pd:Name"], "measures": "Locked.",
    "authority_told": "2025-01-04T00:00:00+00:00",
}  # fmt: skip


def processing(folder, *rows):
    (folder / "r.yaml").write_text(yaml_text({"processing": list(rows)}), "utf-8")
    return read_processing(folder / "r.yaml", TODAY)


def incidents(folder, *rows):
    (folder / "r.yaml").write_text(yaml_text({"incidents": list(rows)}), "utf-8")
    return read_incidents(folder / "r.yaml", TODAY)


def test_the_examples_are_read():
    params = PACKAGE.parent / "params"
    assert read_processing(params / "processing.yaml", TODAY) and read_incidents(params / "incidents.yaml", TODAY)


def test_registers_become_small_tables(tmp_path):
    (row,) = processing_table(processing(tmp_path, ACTIVITY)).to_pylist()
    assert row["code"] == "marketingemail" and row["recipients"] == "none"
    (row,) = incidents_table(incidents(tmp_path, INCIDENT)).to_pylist()
    assert row["authority_hours"] == 72.0 and row["people_told"] is False


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"date": "2025-04-01"}, "lies after the audit's day"),
        ({"legal_basis": " "}, "legal_basis"),
        ({"categories": []}, "categories"),
        ({"evidence": {"name": "a.pdf", "sha256": "a" * 63}}, "is no SHA-256"),
        ({"basis": "x"}, "unknown key"),
    ],
)
def test_processing_is_refused_in_one_line(tmp_path, change, says):
    with pytest.raises(InputError, match=says) as error:
        processing(tmp_path, ACTIVITY | change)
    assert "\n" not in str(error.value) and "processing.1" in str(error.value)


def test_the_audits_day_itself_is_fine(tmp_path):
    assert processing(tmp_path, ACTIVITY | {"date": "2025-03-31"})


def test_a_purpose_or_an_id_stands_once(tmp_path):
    with pytest.raises(InputError, match="is there twice"):
        processing(tmp_path, ACTIVITY, ACTIVITY | {"purpose": "Marketing e-mail"})
    with pytest.raises(InputError, match="is there twice"):
        incidents(tmp_path, INCIDENT, INCIDENT)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"detected": "2025-01-01"}, "is no instant with a zone"),
        ({"detected": "2025-01-01T00:00:00"}, "is no instant with a zone"),
        ({"authority_told": "2024-12-31T23:59:59Z"}, "lies before the incident was detected"),
        ({"people_told": "2024-12-31T23:59:59Z"}, "lies before the incident was detected"),
        ({"people": -1}, "people"),
        ({"date": "2025-04-01"}, "lies after the audit's day"),
    ],
)
def test_incidents_are_refused_in_one_line(tmp_path, change, says):
    with pytest.raises(InputError, match=says) as error:
        incidents(tmp_path, INCIDENT | change)
    assert "\n" not in str(error.value)
