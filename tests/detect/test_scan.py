"""`scan` over generated texts, benign ones, hostile ones, and any text at all."""

from __future__ import annotations

import random
import socket
from collections import Counter

import generated
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heytalk_audit.detect import explain
from heytalk_audit.detect.explain import shape
from heytalk_audit.detect.scan import COLUMNS, scan

CHECKED = ("card", "iban", "cn_id", "tr_id", "es_id", "imei")
CARD = "4111 1111 1111 1111"


def rows(frame: pd.DataFrame) -> list[tuple]:
    return list(frame.itertuples(index=False, name=None))


def test_every_kind_in_every_form_and_language():
    planted = list(generated.planted(8, seed=23))
    findings = scan([text for text, *_ in planted])
    seen = set(zip(findings.row, findings.kind, findings.start, findings.end, strict=True))
    total, hits = Counter(), Counter()
    for row, (_, kind, form, language, start, end) in enumerate(planted):
        for group in (kind, form, language):
            total[group] += 1
            hits[group] += (row, kind, start, end) in seen
    recall = {group: hits[group] / total[group] for group in total}
    assert set(total) == {*generated.VALUES, *generated.DIGIT_FORMS, *generated.LANGUAGES}
    assert {group: share for group, share in recall.items() if share < (0.995 if group in CHECKED else 0.98)} == {}
    checked = findings[findings.kind.isin(CHECKED)]
    right = sum((row, kind) in {(row, planted[row][1])} for row, kind in zip(checked.row, checked.kind, strict=True))
    assert right >= 0.99 * len(checked)


def test_benign_rows_hold_nothing():
    findings = scan(list(generated.benign(60_000, seed=29, share=0.5)))
    assert len(findings) <= 1  # 25 in a million


def test_luck_is_not_reported():
    rng = random.Random(31)
    orders = [f"order {generated.luhn(rng, '4', 16)} shipped" for _ in range(2000)]
    snowflakes = [str((rng.randint(10**11, 4 * 10**11) << 22) + rng.randint(0, 4095)) for _ in range(2000)]
    zeros = ["idfa=00000000-0000-0000-0000-000000000000", "0000 0000 0000 0000", "0" * 40]
    assert not len(scan([*orders, *snowflakes, *zeros]))


ALPHABET = st.sampled_from([*"0123456789 .-/()_@:+\n\tAaZzſİı", *"٠٥۹５Ａ＠．：年卡，ك", "\u200f", "\u202b", "\ufe0f", "😀", "𝟗", "é"])
PIECES = st.sampled_from(
    [CARD, "１１１１", "jo@example.com", "+905321234567", "T.C. ١٠٠٠٠٠٠٠١٤٦", "ip 84.12.33.200", "密码：Abc12345", "card "]
)
TEXTS = st.lists(st.one_of(st.text(ALPHABET, max_size=12), PIECES, st.text(max_size=8)), max_size=8).map("".join)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(st.none(), TEXTS), max_size=8))
def test_offsets_hold_and_neighbours_do_not_matter(texts):
    findings = scan(texts)
    assert list(findings.columns) == COLUMNS
    assert rows(findings) == sorted(rows(findings), key=lambda finding: (finding[0], finding[2]))
    for row, (_, part) in enumerate(findings.groupby("row")) if len(findings) else ():
        assert (part.start < part.end).all() and (part.end.to_numpy()[:-1] <= part.start.to_numpy()[1:]).all(), row
    assert all(end <= len(texts[row]) for row, _, _, end, _ in rows(findings))
    alone = [(row, *finding[1:]) for row, text in enumerate(texts) for finding in rows(scan([text]))]
    assert rows(findings) == alone


@settings(max_examples=60, deadline=None)
@given(TEXTS, st.text(st.sampled_from("ab 你好é😀ع"), max_size=400))
def test_what_stands_far_before_moves_the_offsets_only(text, far):
    wall = "\n" + "~ " * 100 + "\n"
    before, moved = scan([wall + text]), scan([far + wall + text])
    assert [(kind, start + len(far), end + len(far)) for _, kind, start, end, _ in rows(before)] == [
        (kind, start, end) for _, kind, start, end, _ in rows(moved) if start >= len(far)
    ]


def test_arrow_arrays_iterables_nulls_and_slices_are_alike():
    texts = ["x", None, f"card {CARD}", "", "卡" * 50 + CARD, "é", None, f"my card: {CARD}"]
    wanted = rows(scan(texts))
    assert [row for row, *_ in wanted] == [2, 4, 7]
    for array in (pa.array(texts), pa.array(texts, pa.large_string()), pa.chunked_array([texts[:3], texts[3:]]), iter(texts)):
        assert rows(scan(array)) == wanted
    assert rows(scan(pa.array(["none", *texts])[1:])) == wanted
    assert rows(scan(pa.array(texts).dictionary_encode())) == wanted
    assert rows(scan([float("nan"), *texts[1:]])) == wanted
    assert rows(scan(pd.Series(texts, dtype="str"))) == wanted
    assert scan([]).empty and scan([None]).empty and list(scan([]).columns) == COLUMNS


def test_half_a_surrogate_pair_keeps_offsets():
    assert rows(scan(["\ud800 card \udfff" + CARD])) == [(0, "card", 8, 8 + len(CARD), "high")]


HOSTILE = [
    "1",
    "1 ",
    "1.",
    "@",
    "a@a.",
    "a'",
    "http://a",
    "::",
    "a:",
    "deadbeef-",
    "password ",
    "token=a",
    "eyJa.",
    "4 1 ",
    "DE89",
    "0.123 ",
    "１",
    "٠",
]


@pytest.mark.parametrize("unit", HOSTILE)
def test_a_long_row_of_one_thing_ends(unit):
    """A pattern that goes back and forth over 200,000 characters would not end within a day."""
    assert scan([unit * (200_000 // len(unit)) + f" card {CARD}"]).kind.iloc[-1] == "card"


def test_a_value_in_a_million_characters_is_found_where_it_is():
    text = "مرحبا 你好 hello " * 60_000 + f"my card is {CARD}" + " and so on" * 10_000
    assert [text[start:end] for _, _, start, end, _ in rows(scan([text]))] == [CARD]
    long = "https://example.com/" + "a" * 900
    assert [(start, end) for _, _, start, end, _ in rows(scan(["x " * 300 + long + " y" * 300]))] == [(600, 600 + len(long))]


def test_explain_says_why_and_never_what():
    texts = [f"my card {CARD}", "call +905321234567", "şifrem Gizli!2024", "TR33 0006 1005 1978 6457 8413 26"]
    findings = explain(texts)
    assert list(findings.columns) == [*COLUMNS, "evidence", "shape"]
    assert findings.evidence.tolist() == [
        "checksum, issuer, grouped, word:card",
        "numbering plan, word:phone",
        "form, word:password",
        "checksum, country, grouped",
    ]
    assert findings["shape"].tolist() == ["9999 9999 9999 9999", "+999999999999", "Aaaaa.9999", "AA99 9999 9999 9999 9999 9999 99"]
    pd.testing.assert_frame_equal(findings[COLUMNS], scan(texts))
    assert shape("Ab-1") == "Aa-9" and shape("Ab-1", hidden=True) == "Aa.9"


def test_nothing_is_asked_of_the_network_and_nothing_is_printed(monkeypatch, capfd, caplog):
    def refuse(*_):
        raise AssertionError("a connection")

    monkeypatch.setattr(socket, "socket", refuse)
    explain([f"my card {CARD}", "call +905321234567", None])
    assert capfd.readouterr() == ("", "") and not caplog.records


def test_a_uuid_is_seen_by_its_dashes_whatever_its_digits_are():
    assert rows(scan(['{"gaid": "54249173-6395-4404-ab22-bf128e6458b7"}'])) == [(0, "ad_id", 10, 46, "high")]


def test_rows_are_plain_numbers():
    findings = scan(["x", f"card {CARD}"])
    assert findings[["row", "start", "end"]].dtypes.eq(np.int64).all()


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("my card 4111 1111\n1111 1111 thanks", 8),
        ("card: 41111111\r\n11111111", 6),
        ("my card 4111-1111-\n 1111-1111", 8),
        ("\u00e9\u4e2d card 4111 1111\n1111 1111", 8),
    ],
)
def test_a_card_over_two_lines_is_one_card(text, start):
    found = scan(["nothing", text, None, "my card 4111 1111 1111 1111"])
    assert rows(found[["row", "kind", "start", "confidence"]]) == [(1, "card", start, "high"), (3, "card", 8, "high")]


@pytest.mark.parametrize("text", ["card 4111 1111\n\n1111 1111", "card 4111 1111\n1111 1112", "card 4111 1111\nand 1111 1111"])
def test_numbers_on_their_own_lines_are_no_card(text):
    assert "card" not in set(scan([text]).kind)


@pytest.mark.parametrize("texts", [["card 4111 1111", "1111 1111"], ["card 4111 1111\n", "\n1111 1111"]])
def test_texts_do_not_run_into_each_other(texts):
    assert "card" not in set(scan(texts).kind)
