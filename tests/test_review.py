"""The review queue: samples that anybody can draw again, labels that are refused, agreement, and intervals against known values."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heytalk_audit.errors import InputError
from heytalk_audit.review import agreed, draw, interval, judge, read_labels, stated

FRAME = pd.DataFrame({"record": [f"r{n:04}" for n in range(1000)], "category": ["health", "union"] * 500})


def test_a_sample_does_not_depend_on_the_order_of_the_frame():
    sample = draw(FRAME, 50, 7)
    again = draw(FRAME.sample(frac=1, random_state=1), 50, 7)
    assert sample.rows.equals(again.rows)
    assert len(sample.rows) == 50 and sample.rows.record.is_unique and sample.frame_size == 1000
    assert not sample.rows.equals(draw(FRAME, 50, 8).rows)


def test_a_sample_is_pinned():
    assert draw(FRAME, 3, 1).rows.record.tolist() == ["r0472", "r0511", "r0755"]


def test_a_small_frame_is_drawn_whole():
    assert draw(FRAME.head(3), 50, 7).rows.equals(FRAME.head(3))
    assert len(draw(FRAME.head(0), 50, 7).rows) == 0


@pytest.mark.parametrize("frame", [FRAME[["category"]], pd.concat([FRAME, FRAME]), pd.DataFrame({"record": ["a", None]})])
def test_a_frame_needs_records(frame):
    with pytest.raises(InputError, match="^sample: "):
        draw(frame, 5, 1)


def labels_file(path, text):
    path = path / "labels.csv"
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the first line is not record,reviewer,label"),
        ("record,label\n", "the first line is not"),
        ("record,reviewer,label\nr1,ann,maybe\n", "unknown label 'maybe'"),
        ("record,reviewer,label\nr1,ann,ye\n", "did you mean 'yes'"),
        ("record,reviewer,label\nr1,ann\n", "2 cells"),
        ("record,reviewer,label\n,ann,yes\n", "record is blank"),
        ("record,reviewer,label\nr1,ann,yes\nr1,ann,no\n", "ann labelled r1 twice"),
        ("record,reviewer,label\nr1,ann,yes\n", "1 reviewers"),
        ("record,reviewer,label\nr1,ann,yes\nr1,bob,no\nr1,eve,no\n", "3 reviewers"),
    ],
)
def test_malformed_labels_are_refused_in_one_line(tmp_path, text, message):
    with pytest.raises(InputError) as error:
        read_labels(labels_file(tmp_path, text))
    assert message in str(error.value) and "\n" not in str(error.value)


def test_no_file_and_no_text_are_refused(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_labels(tmp_path / "none.csv")
    (tmp_path / "labels.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="cannot be read"):
        read_labels(tmp_path / "labels.csv")


def test_disagreements_are_listed_and_only_decided_labels_count(tmp_path):
    sample = draw(FRAME.head(6), 6, 1)
    text = "record,reviewer,label\n" + "".join(
        f"r{n:04},{who},{label}\n"
        for n, pair in enumerate([("yes", "yes"), ("no", "no"), ("yes", "no"), ("unsure", "unsure"), ("yes", "unsure")])
        for who, label in zip(("ann", "bob"), pair, strict=True)
    )
    review = judge(sample, read_labels(labels_file(tmp_path, text)))
    assert (review.yes, review.no, review.decided, review.undecided) == (1, 1, 2, 4)
    assert review.open.values.tolist() == [
        ["r0002", "yes", "no"],
        ["r0003", "unsure", "unsure"],
        ["r0004", "yes", "unsure"],
        ["r0005", None, None],
    ]
    assert review.agreement == pytest.approx(3 / 5)
    assert "6 of 6 drawn, 2 decided, 4 undecided; agreement 60.0 %" in str(review)


def test_labels_of_other_records_are_refused(tmp_path):
    labels = read_labels(labels_file(tmp_path, "record,reviewer,label\nr0001,ann,yes\nx,bob,no\n"))
    with pytest.raises(InputError, match="1 records were not drawn, as x"):
        judge(draw(FRAME, 1000, 1), labels)


def test_kappa_of_a_worked_example():
    # 50 proposals: both yes 20, first only 5, second only 10, both no 15
    pairs = [("yes", "yes")] * 20 + [("yes", "no")] * 5 + [("no", "yes")] * 10 + [("no", "no")] * 15
    observed, kappa = agreed(pairs)
    assert (observed, kappa) == (pytest.approx(0.7), pytest.approx(0.4))
    assert agreed([("yes", "yes")] * 3) == (1.0, None)
    assert agreed([]) == (None, None)


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [
        (0, 10, 0.0, 0.308497),
        (10, 10, 0.691503, 1.0),
        (1, 10, 0.002529, 0.445016),
        (5, 10, 0.187086, 0.812914),
        (1, 1, 0.025, 1.0),
        (0, 300, 0.0, 0.012221),
    ],
)
def test_intervals_are_the_known_ones(hits, n, low, high):
    assert interval(hits, n) == (pytest.approx(low, abs=1e-6), pytest.approx(high, abs=1e-6))


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 600).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_intervals_hold_the_share_and_mirror(case):
    hits, n = case
    low, high = interval(hits, n)
    assert 0 <= low <= hits / n <= high <= 1
    assert interval(n - hits, n) == (pytest.approx(1 - high, abs=1e-9), pytest.approx(1 - low, abs=1e-9))


def test_an_interval_needs_draws():
    for case in ((0, 0), (3, 2), (-1, 2)):
        with pytest.raises(ValueError):
            interval(*case)


def test_shares_in_words():
    assert stated(0, 300) == "at most 1.0 % at 95 %"
    assert stated(300, 300) == "at least 99.0 % at 95 %"
    assert stated(5, 10) == "50.0 % (95 % interval 18.7 to 81.3 %)"
    assert stated(0, 0) == "none decided"
