"""A letter's parameters: what is refused, in one line; and its calendar."""

import datetime as dt

import pytest

from heytalk_audit.errors import InputError
from heytalk_audit.letters.cover import cover_letter, template_text
from heytalk_audit.letters.dates import calendar_of
from heytalk_audit.letters.parameters import LetterStated, read_letter

GOOD = """
letter: {id: A-1, authority: the authority, received_on: 2025-04-02, answer_by: 2025-04-22, region: ES}
audit: quarterly.yaml
questions:
- {no: 1, asks: How many?, card: people}
- {no: 2, asks: Who?, card: stated, answer: We., by: the officer, on: 2025-04-03}
"""


def read(tmp_path, text):
    (tmp_path / "letter.yaml").write_text(text, "utf-8")
    return read_letter(tmp_path / "letter.yaml")


def test_the_keys_no_and_on_need_no_quotes(tmp_path):
    letter = read(tmp_path, GOOD)
    assert [question.no for question in letter.questions] == [1, 2] and letter.questions[1].on == dt.date(2025, 4, 3)


@pytest.mark.parametrize(
    ("old", "new", "hint"),
    [
        ("card: people", "card: peple", "did you mean 'people'"),
        ("asks: How many?", "asks: How many?, scoope: {}", "did you mean 'scope'"),
        ("card: people", "card: people, scope: {form: 2025-01-01}", "did you mean 'from'"),
        ("card: people", "card: people, scope: {from: 2025-01-01}", "name both"),
        ("card: people", "card: people, scope: {from: 2025-01-02, to: 2025-01-02}", "ends before it begins"),
        ("card: people", "card: rules", "names no rule"),
        ("card: people", "card: rules, rules: [RET-7]", "unknown rule 'RET-7'; did you mean"),
        ("card: people", "card: consent_of_person", "name a pseudonym"),
        ("card: people", "card: consent_of_person, scope: {person: 1111111111111111}", "in quotes"),
        ("by: the officer, ", "", "write all three"),
        ("no: 2", "no: 1", "number each once"),
        ("audit: quarterly.yaml", "audit: quarterly.yaml\nrun: r", "name one of the two"),
        ("answer_by: 2025-04-22", "answer_by: 2025-04-01", "before received_on"),
        ("id: A-1", "id: ../x", "pattern"),
    ],
)
def test_what_is_refused_names_what_to_do(tmp_path, old, new, hint):
    with pytest.raises(InputError) as refused:
        read(tmp_path, GOOD.replace(old, new))
    assert hint in str(refused.value) and len(str(refused.value).splitlines()) == 1


def test_public_holidays_of_the_region_are_no_working_days():
    """Good Friday of 2025 is the 18th of April; Easter Monday is a holiday in Germany, and none in all of Spain."""
    stated = {"id": "a", "authority": "b", "received_on": "2025-04-17", "answer_by": "2025-04-22"}
    last = {region: list(calendar_of(LetterStated(**stated, region=region)))[-1] for region in ("ES", "DE", "")}
    assert "5 days to answer, of these 2 working days in ES" in last["ES"]
    assert "of these 1 working days in DE" in last["DE"]
    assert "of these 3 working days (no region" in last[""]


def test_a_template_is_text_whatever_its_values_are(tmp_path):
    (tmp_path / "own.md").write_text("# To {authority}\n\nBy {answer_by}.\n\n- one\n- {id}\n", "utf-8")
    shown = cover_letter(template_text(tmp_path / "own.md"), {"authority": "<i>x</i>\n# y", "id": "{authority}"}).html
    assert shown == "<h1>To &lt;i&gt;x&lt;/i&gt;\n# y</h1><p>By not stated.</p><ul><li>one</li><li>{authority}</li></ul>"
    (tmp_path / "own.md").write_text("{autority}", "utf-8")
    with pytest.raises(InputError, match="did you mean 'authority'"):
        template_text(tmp_path / "own.md")
