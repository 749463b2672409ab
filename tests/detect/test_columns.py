"""Columns: what the name and the key path say, luck, JSON, keys of the system; and the exact interval."""

from __future__ import annotations

import dataclasses
import json
import random

import generated
import pyarrow as pa
import pytest

from heytalk_audit.audit import sampling
from heytalk_audit.detect import examine
from heytalk_audit.detect.chance import interval
from heytalk_audit.detect.columns import is_key, says, slowly_hashed

RNG = random.Random(41)
ZERO = "00000000-0000-0000-0000-000000000000"


@pytest.mark.parametrize("kind", ["card", "iban", "cn_id", "tr_id", "es_id"])
def test_a_column_of_a_checked_kind_is_flagged_whatever_its_name(kind):
    column = examine("x1", [generated.VALUES[kind](RNG) for _ in range(500)])
    assert column.flagged == (kind,) and column.shares[0].hits == column.shares[0].rows
    assert column.shares[0].low > 0.99 > column.shares[0].chance


@pytest.mark.parametrize("kind", ["phone", "email", "ip", "url", "mac", "ad_id", "gps", "secret"])
def test_a_column_named_for_its_kind_is_flagged(kind):
    name = {"ad_id": "device.idfa", "gps": "location", "secret": "api_token"}.get(kind, f"user_{kind}")
    assert kind in examine(name, [generated.VALUES[kind](RNG) for _ in range(200)]).flagged


def test_luck_does_not_flag():
    numbers = [generated.digits(RNG, 16) for _ in range(20_000)]
    cards = next(share for share in examine("payload", numbers).shares if share.kind == "card")
    assert cards.hits > 20 and not cards.flagged and cards.low <= 0.1 <= cards.high
    assert cards.by_luck == pytest.approx(cards.rows * 0.1)
    snowflakes = [str(RNG.randint(10**11, 4 * 10**11) << 22) for _ in range(5000)]
    assert examine("value", snowflakes).flagged == ()


def test_a_share_of_cards_above_luck_flags():
    cells = [generated.card(RNG) if RNG.random() < 0.5 else generated.luhn(RNG, "4", 16)[:-1] + "0" for _ in range(2000)]
    assert "card" in examine("x1", cells).flagged


@pytest.mark.parametrize("name", ["id", "message_id", "orderId", "order_no", "row_uuid"])
def test_a_key_of_the_system_is_tested_against_luck(name):
    assert is_key(name) and examine(name, [generated.card(RNG) for _ in range(50)]).flagged == ("card",)
    assert examine(name, [generated.digits(RNG, 16) for _ in range(5_000)]).flagged == ()
    assert examine(name, ["4111 1111 1111 1111 is a card", *(f"message {n}" for n in range(50))]).flagged == ()


def test_names_of_things_that_people_have_are_no_keys():
    for name in ("national_id", "ad_id", "email_id", "card_no", "tc_id"):
        assert not is_key(name)


def test_so_many_hits_are_luck_once_in_a_million_times():
    assert examine("memo", ["4111111111111111"] * 6).flagged == () and examine("memo", ["4111111111111111"] * 7).flagged == ("card",)


def test_a_name_speaks_for_the_numbers_of_its_kind():
    assert examine("card_no", ["4111111111111111"]).flagged == ("card",)
    assert examine("card_no", ["4111111111111111", "4111111111111112", "4111111111111113"]).flagged == ()


NO_JSON = ["[redacted]", "{'a': 1}", "[" * 5_000, '{"a": "[redacted]"}', '{"a": "{b}"}', "{}", "[1", '{"a":' * 200 + "1" + "}" * 200]


@pytest.mark.parametrize("cell", NO_JSON)
def test_what_only_looks_like_json_ends(cell):
    assert examine("note", [cell] * 20).flagged == ()
    assert "card" in examine("note", [cell] * 20 + ["card 4111 1111 1111 1111"]).flagged


def test_json_within_json_is_read_and_its_nesting_is_bounded():
    card = "4111 1111 1111 1111"
    assert examine("note", [f"{{'a': 'card {card}'}}"]).flagged == ("card",)
    cell = f"card {card}"
    for _ in range(8):
        cell = json.dumps({"a": [cell]})
        assert examine("note", [cell]).flagged == ("card",)
    assert examine("note", ['{"a":' * 200 + f'"card {card}"' + "}" * 200]).flagged == ("card",)


def test_blanks_are_no_values():
    assert examine("note", ["", " ", "\u3000", None]).cells == 0


def test_the_path_of_a_json_key_is_the_context():
    texts = [
        json.dumps({"device": {"idfa": generated.VALUES["ad_id"](RNG)}, "request_id": generated.VALUES["ad_id"](RNG), "n": i})
        for i in range(100)
    ]
    column = examine("payload", [*texts, "not json"])
    assert column.flagged == ("ad_id",) and column.shares == ()
    assert {path.name: path.flagged for path in column.paths}["payload.device.idfa"] == ("ad_id",)
    assert examine("payload", [json.dumps({"idfa": ZERO})] * 50).flagged == ()
    assert examine("payload", [json.dumps({"trace": generated.VALUES["ad_id"](RNG)})] * 50).flagged == ()


def test_what_a_name_says():
    assert says("device.ids.gaid") == "ad_id" and says("phoneNumber") == "phone" and says("card_no") == "card"
    assert says("order_no") == "reference" and says("payload") is None


def test_the_result_is_fixed_and_holds_no_value():
    card = generated.card(RNG)
    column = examine("card_no", pa.array([card, None, card]))
    assert column.cells == 2 and card not in repr(column)
    with pytest.raises(dataclasses.FrozenInstanceError):
        column.cells = 3
    assert examine("empty", [None]).shares == () and examine("n", pa.array([1, 2])).flagged == ()


@pytest.mark.parametrize(("hits", "trials"), [(0, 10), (3, 10), (10, 10), (13, 400), (399, 400), (1, 1)])
def test_the_interval_is_the_reviews(hits, trials):
    assert interval(hits, trials) == pytest.approx(sampling.interval(hits, trials), abs=1e-9)


def test_the_interval_of_many_millions():
    low, high = interval(1_000_300, 10_000_000)
    assert 0.0998 < low < 0.10003 < high < 0.1003
    with pytest.raises(ValueError):
        interval(2, 1)


def test_slow_hashes_are_told_from_the_rest():
    assert slowly_hashed(["$2b$12$" + "a" * 53, "hunter2", None, "$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA"]) == (2, 3)
