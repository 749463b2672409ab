"""A policy's text and what is kept of it: sentences, digests, drift; clauses, rule texts and findings as data."""

from __future__ import annotations

import csv
import hashlib
import os
import re
from collections import Counter
from pathlib import Path

import pytest

from heytalk_audit.errors import InputError
from heytalk_audit.policy import SHIPPED, Clause, load_policy
from heytalk_audit.policy.text import drift, load_text, normalise_text, sentence_hash, sentences

HOME = SHIPPED / "heytalk"
TEXT = """Teapot policy

We keep teapots for a year. After that they are given away!
Lids: we never sell them; saucers we do.

Cups are washed daily. Spoons are cou"""
GIVEN_TEXT = os.environ.get("HEYTALK_POLICY_TEXT")


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "policy.txt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
    return path


def clause(name: str, line: int, sentence: str) -> Clause:
    return Clause(name, "1", line, "D", "", "", (), sentence_hash(sentence))


def statuses(folder: Path, text: str, *clauses: Clause) -> list[str]:
    return [d["status"] for d in drift(load_text(write(folder, text)), clauses)]


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


# text -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("  one\ttwo \n three\u00a0four\r\n", "one two three four"),
        ("cafe\u0301", "caf\u00e9"),
        ("\u3000wide\u2028line ", "wide line"),
        ("", ""),
    ],
)
def test_normalise_and_hash(text, same):
    assert normalise_text(text) == same
    assert sentence_hash(text) == hashlib.sha256(same.encode("utf-8")).hexdigest()


def test_hash_tells_case_and_punctuation_apart():
    assert len({sentence_hash(s) for s in ("We keep it.", "we keep it.", "We keep it")}) == 3


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("One. Two! Three? Four: five; six", ["One.", "Two!", "Three?", "Four:", "five;", "six"]),
        ("version 2.1 at https://example.org/a?b=c stays whole", ["version 2.1 at https://example.org/a?b=c stays whole"]),
        ('She said "no." Then left.', ['She said "no.', "Then left."]),
        ("   ", []),
    ],
)
def test_sentences(line, expected):
    assert sentences(line) == expected


def test_load_text(tmp_path):
    path = write(tmp_path, TEXT)
    text = load_text(path)
    assert text.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert text.lines[2].startswith("We keep teapots") and len(text.lines) == 6


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_numbers_do_not_depend_on_line_ends(tmp_path, end):
    text = load_text(write(tmp_path, "\ufeff" + TEXT.replace("\n", end) + end))
    assert text.hashes[sentence_hash("Teapot policy")] == {1}
    assert text.hashes[sentence_hash("Cups are washed daily.")] == {6}


def test_separators_within_a_line_do_not_count_as_lines(tmp_path):
    text = load_text(write(tmp_path, "One\u2028two\x0cthree\x85four.\nFive."))
    assert text.hashes == {sentence_hash("One two three four."): {1}, sentence_hash("Five."): {2}}


@pytest.mark.parametrize(
    ("end", "truncated"),
    [
        ("It ends.", False),
        ("It ends!\n\n  \n", False),
        ("It ends:", False),
        ('"It ends."', False),
        ("(It ends.)", False),
        ("It ends\u201d", True),
        ("It brea", True),
        ("It brea\n\n", True),
        ("", False),
    ],
)
def test_truncated(tmp_path, end, truncated):
    assert load_text(write(tmp_path, f"A line.\n{end}")).truncated is truncated


@pytest.mark.parametrize("raw", [b"caf\xe9 is Latin-1", "wide".encode("utf-16"), None])
def test_unreadable_text_is_refused_in_one_line(tmp_path, raw):
    path = tmp_path / "policy.txt" if raw is None else write(tmp_path, raw)
    with pytest.raises(InputError, match=r"^policy\.text policy\.txt: [^;]+; .+$") as refused:
        load_text(path)
    # the folder is named where a file is looked for in vain
    assert "\n" not in str(refused.value) and (str(tmp_path) in str(refused.value)) is (raw is None)


# drift ----------------------------------------------------------------------------------------

YEAR = clause("T-1", 3, "We keep teapots for a year.")
LIDS = clause("T-2", 4, "we never sell them;")
CUPS = clause("T-3", 6, "Cups are washed daily.")
CUT = clause("T-4", 6, "Spoons are cou")


def test_drift_names_each_clause_in_order(tmp_path):
    statuses = drift(load_text(write(tmp_path, TEXT)), [CUT, YEAR])
    assert statuses == [{"clause_id": "T-4", "status": "truncated"}, {"clause_id": "T-1", "status": "same"}]


def test_drift_same_but_for_the_last_sentence(tmp_path):
    assert statuses(tmp_path, TEXT, YEAR, LIDS, CUPS, CUT) == ["same", "same", "same", "truncated"]


def test_drift_ignores_white_space(tmp_path):
    assert statuses(tmp_path, TEXT.replace("teapots for", " teapots\u00a0 for"), YEAR) == ["same"]


def test_drift_moved(tmp_path):
    assert statuses(tmp_path, "A new first line.\n" + TEXT, YEAR, CUPS) == ["moved", "moved"]


def test_drift_stays_same_where_a_sentence_also_stands_elsewhere(tmp_path):
    assert statuses(tmp_path, "We keep teapots for a year.\n" + TEXT.partition("\n")[2], YEAR) == ["same"]


def test_drift_changed(tmp_path):
    assert statuses(tmp_path, TEXT.replace("a year", "two years"), YEAR, LIDS) == ["changed", "same"]


def test_drift_of_a_completed_text(tmp_path):
    assert statuses(tmp_path, TEXT + "nted.", CUPS, CUT) == ["same", "changed"]


def test_drift_of_an_empty_text(tmp_path):
    assert statuses(tmp_path, "\n\n", YEAR) == ["changed"]


# clauses --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def policy():
    return load_policy("heytalk")


def test_clauses_are_complete(policy):
    assert list(policy.clauses) == [f"CL-{n:03d}" for n in range(1, 195)]
    assert Counter(c.kind for c in policy.clauses.values()) == {"D": 162, "A": 26, "N": 6}
    assert all(c.section and c.paraphrase and 1 <= c.line <= 363 for c in policy.clauses.values())


def test_clauses_carry_digests_and_short_anchors(policy):
    for c in policy.clauses.values():
        assert re.fullmatch(r"[0-9a-f]{64}", c.sentence_sha256), c.id
        assert 1 <= len(c.anchor.split()) <= 12, c.id


def test_clauses_name_known_rules(policy):
    ids = set(policy.rules) | {f["id"] for f in policy.findings}
    families = {rule.partition("-")[0] for rule in policy.rules}
    for c in policy.clauses.values():
        for rule in set(c.rules) - ids - {"-", "all"}:
            family, _, rest = rule.partition("-")  # SEC-*, PRM-01..05: a span of a family
            assert family in families and re.fullmatch(r"\*|\d\d\.\.\d\d", rest), (c.id, rule)


# rule texts -----------------------------------------------------------------------------------

FAMILIES = {"DQ": 9, "RET": 20, "CON": 10, "SEN": 8, "MIN": 3, "COL": 11, "VIS": 1, "MOD": 1, "SHA": 14, "RGT": 9, "PRM": 9, "SEC": 8}
PROSE = ("title", "limits", "effect", "recommendation")


def stops(text: str) -> int:
    return len(re.findall(r"[.!?](?=\s|$)", text))


def test_every_rule_has_its_texts(policy):
    twins = [rule for rule in policy.rules if rule.endswith("L")]  # the law's stricter reading of a rule
    assert [r for r in policy.rules if r not in twins] == [
        f"{family}-{n:02d}" for family, count in FAMILIES.items() for n in range(1, count + 1)
    ]
    assert all(twin[:-1] in policy.rules for twin in twins)
    for rule, texts in policy.rules.items():
        excuse = [key for key in ("held", "exempt") if key in texts]
        assert list(texts) == ["title", "tested", "steps", *excuse, "law", "frameworks", "dpv", "limits", "effect", "recommendation"], rule
        assert all(isinstance(texts[key], str) and texts[key].strip() == texts[key] != "" for key in PROSE), rule
        for key in ("law", "dpv"):
            assert texts[key] and all(isinstance(entry, str) and entry.strip() for entry in texts[key]), (rule, key)


def test_rule_texts_keep_their_form(policy):
    for rule, texts in policy.rules.items():
        assert texts["title"][0].isupper() and not texts["title"].endswith("."), rule
        assert len(texts["title"]) <= 70, rule
        assert all(texts[key].endswith(".") for key in PROSE[1:]), rule
        # limits say all that a test leaves out, in one paragraph; the others are a sentence each
        assert len(texts["limits"].split()) <= 75 and stops(texts["effect"]) == 1 and stops(texts["recommendation"]) == 1, rule
        assert all(re.fullmatch(r"(dpv|pd|eu-gdpr):[A-Z][A-Za-z0-9-]+", term) for term in texts["dpv"]), rule
        assert all(entry.count("(") == entry.count(")") for entry in texts["law"]), rule


def test_rule_texts_give_no_opinion_on_law(policy):
    # a term of the vocabulary (dpv:LegalCompliance) is an identifier, no wording
    for rule, texts in policy.rules.items():
        prose = " ".join([*(texts[key] for key in PROSE), *texts["law"]])
        assert not re.search(r"complian(t|ce)|no violations", prose, re.IGNORECASE), rule


def test_titles_are_distinct(policy):
    assert len({texts["title"] for texts in policy.rules.values()}) == len(policy.rules)


# findings on the document ---------------------------------------------------------------------


@pytest.mark.parametrize("name", ["clauses.csv", "findings.csv"])
def test_every_row_has_a_cell_per_column(name):
    with (HOME / name).open(encoding="utf-8", newline="") as handle:
        header, *rows = csv.reader(handle)
    assert [row[0] for row in rows if len(row) != len(header)] == []


def test_findings(policy):
    assert [f["id"] for f in policy.findings] == [f"POL-{n:02d}" for n in range(1, 30)]
    assert Counter(f["severity"] for f in policy.findings) == {"critical": 4, "high": 11, "medium": 12, "low": 2}
    for f in policy.findings:
        assert all(f[key] for key in ("lines", "title", "text", "criteria")), f["id"]
        assert re.fullmatch(r"all|\d+(-\d+)?(, \d+(-\d+)?)*", f["lines"]), f["id"]
        assert not re.search(r"complian(t|ce)", f["title"] + f["text"], re.IGNORECASE), f["id"]


# the published text, where it is at hand --------------------------------------------------------

with_text = pytest.mark.skipif(not GIVEN_TEXT, reason="HEYTALK_POLICY_TEXT names no file: the published text is not part of the project")


@with_text
def test_published_text_is_the_one_audited(policy):
    text = load_text(Path(GIVEN_TEXT))
    assert text.sha256 == policy.text_sha256 and text.truncated
    differing = {d["clause_id"]: d["status"] for d in drift(text, policy.clauses.values()) if d["status"] != "same"}
    assert differing == {"CL-194": "truncated"}


@with_text
def test_anchors_stand_on_their_lines(policy):
    lines = load_text(Path(GIVEN_TEXT)).lines
    missing = [c.id for c in policy.clauses.values() if normalise_text(c.anchor) not in normalise_text(lines[c.line - 1])]
    assert missing == []


@with_text
@pytest.mark.parametrize("name", ["clauses.csv", "rules.yaml", "findings.csv", "policy.yaml"])
def test_no_more_of_the_text_is_kept_than_anchors(name):
    published = words(" ".join(load_text(Path(GIVEN_TEXT)).lines))
    runs = {tuple(published[i : i + 13]) for i in range(len(published) - 12)}
    if name.endswith(".csv"):
        with (HOME / name).open(encoding="utf-8", newline="") as handle:
            kept = [words(cell) for row in csv.reader(handle) for cell in row]
    else:
        kept = [words((HOME / name).read_text("utf-8"))]
    assert not [part[i : i + 13] for part in kept for i in range(len(part) - 12) if tuple(part[i : i + 13]) in runs]
