"""The review queue: samples that anybody can draw again, labels that are refused, agreement, and intervals against known values."""

from __future__ import annotations

import hashlib

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heytalk_audit.audit.sampling import agreement_of, draw, read_labels, refuse_strangers, review_of, stated
from heytalk_audit.detect.chance import interval
from heytalk_audit.errors import InputError
from heytalk_audit.snapshot.engines import connect

FRAME = [f"r{n:04}" for n in range(1000)]
HEAD = "rule,record,reviewer,label\n"


def drawn(records: list[str], size: int, seed: int) -> tuple[list[str], int]:
    """The records that are drawn of these, in order, and the size of the frame."""
    engine = connect()
    sample = draw("rows", engine.put("frame", pa.table({"record": pa.array(records, pa.string())})), size, seed, engine)
    in_order = engine.rows(sample.drawn.order_by("rank"))
    assert sample.size == len(in_order)
    return list(in_order.record), sample.frame_size


def test_a_sample_does_not_depend_on_the_order_of_the_frame():
    records, size = drawn(FRAME, 50, 7)
    assert (records, size) == drawn(FRAME[::-1], 50, 7)
    assert len(set(records)) == 50 and size == 1000
    assert records != drawn(FRAME, 50, 8)[0]


def test_a_sample_is_pinned():
    assert drawn(FRAME, 3, 1) == (["r0873", "r0824", "r0019"], 1000)


def test_a_sample_is_the_one_with_the_first_digests():
    def rank(record: str) -> str:
        return hashlib.sha256(f"7:{record}".encode()).hexdigest()

    assert drawn([*FRAME, FRAME[3], "é"], 50, 7) == (sorted([*FRAME, "é"], key=rank)[:50], 1001)


def test_a_sample_is_spread_over_the_frame():
    places = [FRAME.index(record) for seed in range(40) for record in drawn(FRAME, 25, seed)[0]]
    thirds = [sum(low <= n < low + 250 for n in places) for low in (0, 250, 500, 750)]
    assert all(200 < n < 300 for n in thirds)  # 250 expected of 1,000, with a deviation of 14


def test_a_small_frame_is_drawn_whole_and_a_record_once():
    assert drawn(["a", "b", "a"], 50, 7) == (sorted(["a", "b"], key=lambda r: hashlib.sha256(f"7:{r}".encode()).hexdigest()), 2)
    assert drawn([], 50, 7) == ([], 0)


def labels_file(path, text, name="labels.csv"):
    path = path / name
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no line"),
        ("record,label\nr1,yes\n", "has no rule, reviewer"),
        (HEAD + "SEN-04,r1,ann,maybe\n", "unknown label 'maybe'"),
        (HEAD + "SEN-04,r1,ann,ye\n", "did you mean 'yes'"),
        (HEAD + "SEN-04,r1,ann\n", "label is blank"),
        (HEAD + "SEN-04,,ann,yes\n", "record is blank"),
        (HEAD + "SEN-04,r1,ann,yes\nSEN-04,r1,ann,no\n", "ann labelled r1 twice"),
        (HEAD + "SEN-04,r1,ann,yes\n", "1 reviewers of SEN-04"),
        (HEAD + "SEN-04,r1,ann,yes\nSEN-04,r1,bob,no\nSEN-04,r1,eve,no\n", "3 reviewers of SEN-04"),
    ],
)
def test_malformed_labels_are_refused_in_one_line(tmp_path, text, message):
    with pytest.raises(InputError) as error:
        read_labels([labels_file(tmp_path, text)])
    assert message in str(error.value) and "\n" not in str(error.value)


def test_no_file_and_no_text_are_refused(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_labels([tmp_path / "none.csv"])
    (tmp_path / "labels.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="cannot be read"):
        read_labels([tmp_path / "labels.csv"])


def test_each_reviewer_may_hand_in_a_file_with_more_columns_and_open_lines(tmp_path):
    ann = labels_file(tmp_path, 'rule,record,text,reviewer,label\nSEN-04,r1,"a\nb",ann,yes\nSEN-04,r2,"=x",,\n')
    bob = labels_file(tmp_path, "\ufeff" + HEAD + "SEN-04,r1,bob,yes\n", "bob.csv")
    assert read_labels([ann, bob]).values.tolist() == [["SEN-04", "r1", "ann", "yes"], ["SEN-04", "r1", "bob", "yes"]]


def test_disagreements_are_listed_and_only_decided_labels_count(tmp_path):
    drawn = FRAME[:6]
    text = HEAD + "".join(
        f"SEN-04,r{n:04},{who},{label}\n"
        for n, pair in enumerate([("yes", "yes"), ("no", "no"), ("yes", "no"), ("unsure", "unsure"), ("yes", "unsure")])
        for who, label in zip(("ann", "bob"), pair, strict=True)
    )
    review = review_of(drawn, read_labels([labels_file(tmp_path, text)]))
    assert (review.sampled, review.yes, review.no, review.decided, review.undecided) == (6, 1, 1, 2, 4)
    assert review.open.values.tolist() == [
        ["r0002", "yes", "no"],
        ["r0003", "unsure", "unsure"],
        ["r0004", "yes", "unsure"],
        ["r0005", None, None],
    ]
    assert review.agreement == pytest.approx(3 / 5)


def test_nobody_has_judged_yet(tmp_path):
    review = review_of(["r1", "r2"], read_labels([labels_file(tmp_path, HEAD + "SEN-04,r1,,\n")]))
    assert (review.decided, review.undecided, review.agreement) == (0, 2, None)


def test_labels_of_other_records_are_refused(tmp_path):
    labels = read_labels([labels_file(tmp_path, HEAD + "SEN-04,r0001,ann,yes\nSEN-04,x,bob,no\n")])
    with pytest.raises(InputError, match="1 records were not drawn, as x"):
        refuse_strangers(FRAME, labels)


def test_kappa_of_a_worked_example():
    # 50 proposals: both yes 20, first only 5, second only 10, both no 15
    pairs = [("yes", "yes")] * 20 + [("yes", "no")] * 5 + [("no", "yes")] * 10 + [("no", "no")] * 15
    observed, kappa = agreement_of(pairs)
    assert (observed, kappa) == (pytest.approx(0.7), pytest.approx(0.4))
    assert agreement_of([("yes", "yes")] * 3) == (1.0, None)
    assert agreement_of([]) == (None, None)


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
