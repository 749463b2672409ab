"""A regulator's letter: its numbers are the quarterly run's, scopes add up, people are pseudonyms, the folder proves itself."""

import json
import re
import stat
from itertools import pairwise

import duckdb
import pytest
import yaml
from commands import ROOT, heytalk_audit, params
from conftest import KEY
from tutorial import commands_of, text_of

from heytalk_audit.audit.pseudonym import pseudonym
from heytalk_audit.canonical import file_sha256
from heytalk_audit.letters import catalogue

pytestmark = pytest.mark.xdist_group("letter")
BOUNDS = ("1990-01-01", "2024-03-01", "2024-04-01", "2100-01-01")
PERIODS = [{"from": first, "to": after} for first, after in pairwise(BOUNDS)]
REGIONS = ("EEA", "UK", "TR", "US-CA", "CN", "OTHER")
HOSTILE = "How many? <script>alert(1)</script> {as_of}"
CARDS = ("people", "retention", "inactivity", "legal_basis", "recipients", "children", "sensitive", "security")
STATED = {"card": "stated", "answer": "The company itself.", "by": "the officer", "on": "2025-04-03"}


def somebody(demo, where):
    return duckdb.sql(f"SELECT user_id FROM '{demo}/users.parquet' WHERE {where} ORDER BY user_id LIMIT 1").fetchall()[0][0]


def of(user):
    return pseudonym(KEY.encode(), f"users:{user}")


def letter_file(folder, audit, questions, **more):
    """A letter's parameters."""
    folder.mkdir(parents=True, exist_ok=True)
    stated = {"id": "T-1", "authority": "the <b>authority</b>", "received_on": "2025-04-02"} | more.pop("letter", {})
    file = folder / "letter.yaml"
    questions = [{"no": number} | question for number, question in enumerate(questions, 1)]
    file.write_text(yaml.safe_dump({"letter": stated, "audit": str(audit), "questions": questions} | more), "utf-8")
    return file


def questions_of(demo):
    consenting = duckdb.sql(f"SELECT user_id FROM '{demo}/consents.parquet' GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1").fetchall()[0][0]
    deleted = somebody(demo, "deletion_requested_at IS NOT NULL")
    return [
        *({"asks": HOSTILE, "card": card} for card in CARDS),
        {"asks": "RET-07?", "card": "rules", "rules": ["RET-07", "CON-01"]},
        {"asks": "Who?"} | STATED,
        {"asks": "Consent?", "card": "consent_of_person", "scope": {"person": of(consenting)}},
        {"asks": "Deletion?", "card": "deletion_of_person", "scope": {"person": of(deleted)}},
        {"asks": "Nobody?", "card": "deletion_of_person", "scope": {"person": "0" * 16}},
        {"asks": "When?", "card": "people", "scope": {"from": "2025-01-01", "to": "2025-02-01"}},
        *({"asks": "In time?", "card": "rules", "rules": ["RET-07"], "scope": period} for period in PERIODS),
        *({"asks": region, "card": "rules", "rules": ["CON-01"], "scope": {"region": region}} for region in REGIONS),
        {"asks": "Theirs?", "card": "rules", "rules": ["CON-01", "RET-07"], "scope": {"person": of(consenting)}},
        {"asks": "Vendors?", "card": "rules", "rules": ["DQ-01"], "scope": {"from": "2024-01-01", "to": "2024-02-01"}},
        *({"asks": region, "card": "people", "scope": {"region": region}} for region in REGIONS),
    ]


@pytest.fixture(scope="module")
def answered(shared, demo):
    """A letter for internal use on the small demo, whose numbers are those of the fixture `audited`."""

    def make(folder):
        file = letter_file(
            folder.parent / "letter-params",
            params(folder.parent / "letter-audit", demo),
            questions_of(demo),
            letter={"audience": "internal"},
        )
        annex = ("--annex", "--by", "the officer", "--reason", "question 11", "--log", folder.parent / "letter-custody.jsonl")
        done = heytalk_audit("letter", file, "--out", folder, *annex)
        assert done.returncode == 0, done.stdout + done.stderr

    return shared("letter", make)


@pytest.fixture(scope="module")
def answers(answered):
    return json.loads((answered / "answers.json").read_text("utf-8"))["answers"]


def test_unscoped_numbers_are_those_of_the_run(answers, audited):
    """Every one: totals, cells, verdicts, ledgers."""
    results = json.loads((audited / "results.json").read_text("utf-8"))
    facts, rules = ({one["id"]: one for one in results[kind]} for kind in ("facts", "rules"))
    whole = [answer for answer in answers if answer["facts"] and not answer["scope"]]
    assert len(whole) == len(CARDS)
    for answer in whole:
        fact = facts[answer["facts"][0]]
        assert (answer["total"], answer["columns"], answer["rows"]) == (fact["total"], fact["columns"], fact["rows"]), answer["card"]
        assert f"{fact['total']:,}" in answer["answer"]
        assert answer["verdicts"] == {rule: rules[rule]["verdict"] for rule in answer["rules"]} and answer["rules"]
    of_rules = next(answer for answer in answers if answer["card"] == "rules")
    for row in of_rules["rows"]:
        cells = dict(zip(of_rules["columns"], row, strict=True))
        assert {name: cells[name] for name in rules[cells["rule"]]["ledger"]} == rules[cells["rule"]]["ledger"]


def test_the_regions_add_up_to_all_people(answers):
    whole = answers[0]
    named = [answer["total"] for answer in answers if answer["card"] == "people" and answer["scope"].get("region")]
    place = {name: number for number, name in enumerate(whole["columns"])}
    elsewhere = sum(row[place["people"]] for row in whole["rows"] if row[place["law_region"]] not in REGIONS)
    assert len(named) == len(REGIONS) and sum(named) + elsewhere == whole["total"]


def ledgers(answers, rule, kind):
    """The counts of a rule within each scope of a kind, in the order of the questions."""
    scoped = [answer for answer in answers if answer["card"] == "rules" and kind in answer["scope"] and answer["rows"]]
    rows = [dict(zip(answer["columns"], row, strict=True)) for answer in scoped for row in answer["rows"]]
    return [{name: n for name, n in row.items() if isinstance(n, int)} for row in rows if row["rule"] == rule]


@pytest.mark.parametrize(("rule", "kind"), [("RET-07", "from"), ("CON-01", "region")])
def test_a_rule_within_scopes_adds_up_to_the_whole(rule, kind, answers, audited):
    results = json.loads((audited / "results.json").read_text("utf-8"))
    whole = next(one for one in results["rules"] if one["id"] == rule)["ledger"]
    parts = ledgers(answers, rule, kind)
    assert len(parts) == len(PERIODS if kind == "from" else REGIONS) and sum(part["in_scope"] > 0 for part in parts) > 1
    left = {name: n - sum(part[name] for part in parts) for name, n in whole.items()}
    assert all(n >= 0 for n in left.values()) and left["in_scope"] <= 0.2 * whole["in_scope"]
    assert all(part["in_scope"] == sum(n for name, n in part.items() if name != "in_scope") for part in parts)


def test_a_rule_within_a_period_counts_the_rows_that_begin_in_it(answers, demo):
    march = ledgers(answers, "RET-07", "from")[1]
    within = f"FROM '{demo}/traffic_events.parquet' WHERE event_at >= '2024-03-01' AND event_at < '2024-04-01'"
    assert march["in_scope"] == duckdb.sql(f"SELECT count(*) {within}").fetchall()[0][0] > 0


def test_a_rule_of_one_person_counts_that_persons_rows(answers, demo):
    own = ledgers(answers, "CON-01", "person")
    assert [part["in_scope"] for part in own] and sum(own[0][name] for name in own[0] if name != "in_scope") == own[0]["in_scope"]


def test_a_scoped_rule_says_that_its_verdict_is_the_whole_ones(answers, answered):
    scoped = [answer for answer in answers if answer["card"] == "rules" and answer["scope"] and answer["rows"]]
    assert scoped and all("verdict_of_the_whole_rule" in a["columns"] and "verdict" not in a["columns"] for a in scoped)
    of_person = next(answer for answer in scoped if "person" in answer["scope"])
    assert not [says for says in of_person["verdicts"].values() if says in ("FAIL", "PASS")]
    assert "not to be sent" in (answered / "index.html").read_text("utf-8")


def test_a_rule_whose_rows_have_no_instant_has_no_period(answers):
    answer = next(answer for answer in answers if answer["rules"] == [] and answer["card"] == "rules" and not answer["rows"])
    assert "DQ-01" in answer["answer"] and answer["not_answered"]["who"]


def test_the_annex_has_the_named_people_in_clear_and_no_more(answered, answers, demo):
    folder, log = answered.with_name("letter-annex"), answered.with_name("letter-custody.jsonl")
    statement = json.loads((answered / "evidence.json").read_text("utf-8"))
    used = {one["name"]: one["digest"] for one in statement["predicate"]["buildDefinition"]["resolvedDependencies"]}
    asked = {answer["scope"]["person"] for answer in answers if "person" in answer["scope"]}
    files = {file.stem: file for file in folder.iterdir()}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700 and files.keys() == asked - {"0" * 16} and len(files) == 2
    assert {one["pseudonym"] for one in map(json.loads, log.read_text("utf-8").splitlines()) if one["event"] == "annex"} == asked
    rows = duckdb.sql(f"SELECT user_id, email, phone FROM '{demo}/users.parquet'").fetchall()
    for person, file in files.items():
        text = file.read_text("utf-8")
        assert used[f"annex/{person}.html"]["sha256"] == file_sha256(file) and stat.S_IMODE(file.stat().st_mode) == 0o600
        assert [row[0] for row in rows if row[0] and f">{row[0]}<" in text] == [row[0] for row in rows if of(row[0]) == person]
        assert not [value for row in rows for value in row[1:] if value and value in text]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--annex",), "--by"),
        (("--annex", "--by", "the officer"), "--reason"),
        (("--by", "the officer"), "add --annex"),
        (("--annex", "--by", "the officer", "--reason", "x"), "no question names a person"),
    ],
)
def test_an_annex_that_is_half_stated_is_refused(options, says, demo, tmp_path):
    file = letter_file(tmp_path / "params", params(tmp_path / "audit", demo), [{"asks": "a", "card": "people"}])
    done = heytalk_audit("letter", file, "--out", tmp_path / "out", *options)
    assert done.returncode == 2 and says in done.stderr and not (tmp_path / "out").exists(), done.stderr


def test_a_number_that_an_earlier_letter_had_otherwise_is_in_the_review(answered, audited, tmp_path):
    earlier = tmp_path / "AUTH-1"
    earlier.mkdir()
    document = json.loads((answered / "answers.json").read_text("utf-8"))
    first = document["answers"][0]
    before, first["total"] = first["total"], first["total"] - 7
    (earlier / "answers.json").write_text(json.dumps(document), "utf-8")
    file = letter_file(tmp_path / "params", "", [{"asks": "a", "card": "people"}], run=str(audited), previous=[str(earlier)])
    file.write_text(yaml.safe_dump({k: v for k, v in yaml.safe_load(file.read_text("utf-8")).items() if k != "audit"}), "utf-8")
    done = heytalk_audit("letter", file, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    differences = json.loads((tmp_path / "out-review" / "review.json").read_text("utf-8"))["differences"]
    totals = [(one["no"], one["before"], one["now"]) for one in differences if one["what"] == "total"]
    assert totals == [(1, before - 7, before)] and all(one["earlier_letter"] == "T-1" and one["cause"] for one in differences)


def test_a_persons_consents_stand_by_purpose_and_time(answers, demo):
    answer = next(answer for answer in answers if answer["card"] == "consent_of_person")
    order = [(row[0], row[1]) for row in answer["rows"]]
    assert order == sorted(order) and len(order) > 5
    assert answer["rules"] and answer["not_answered"] is None


def test_what_cannot_be_answered_says_what_and_who(answers):
    open_ones = [answer for answer in answers if answer["not_answered"]]
    assert {answer["asks"] for answer in open_ones} == {"Nobody?", "When?", "Vendors?"}
    for answer in open_ones:
        assert answer["not_answered"]["missing"] in answer["answer"]
        assert all(answer["not_answered"].values()) and answer["rows"] == []
    assert all(answer["answer"].strip() for answer in answers)


def test_nothing_of_a_person_but_pseudonyms_is_in_the_folder(answered, demo):
    rows = duckdb.sql(f"SELECT user_id, email, phone FROM '{demo}/users.parquet'").fetchall()
    text = "".join(file.read_text("utf-8") for file in answered.rglob("*") if file.suffix in (".json", ".html", ".ipynb"))
    assert not [value for row in rows for value in row if value and str(value) in text]


def test_what_people_write_is_text(answered):
    page = (answered / "index.html").read_text("utf-8")
    assert "<script>alert(1)" not in page and "&lt;script&gt;alert(1)&lt;/script&gt; {as_of}" in page
    assert "<b>authority" not in page


def test_the_folder_is_whole_private_and_proves_itself(answered):
    statement = json.loads((answered / "evidence.json").read_text("utf-8"))
    named = {subject["name"]: subject["digest"]["sha256"] for subject in statement["subject"]}
    files = {file.relative_to(answered).as_posix(): file for file in answered.rglob("*") if file.is_file()}
    assert named == {name: file_sha256(file) for name, file in files.items() if name != "evidence.json"}
    assert {"index.html", "answers.json", "letter.docx", "notebooks/regulator-response.ipynb"} <= named.keys()
    assert {stat.S_IMODE(file.stat().st_mode) for file in files.values()} == {0o600} and stat.S_IMODE(answered.stat().st_mode) == 0o700
    assert str(answered.parent) not in (answered / "evidence.json").read_text("utf-8")
    again = heytalk_audit("letter", answered.parent / "letter-params" / "letter.yaml", "--out", answered)
    assert again.returncode == 2 and "is there already" in again.stderr
    assert json.loads((answered.with_name("letter-review") / "review.json").read_text("utf-8"))["contradictions"]
    assert not any("review" in name for name in files)


def test_a_run_answers_as_well(audited, demo, tmp_path):
    """Its numbers are the run's, with what the audience may not see hidden; a person needs the snapshot."""
    questions = [{"asks": "a", "card": "people"}, {"asks": "b", "card": "consent_of_person", "scope": {"person": "0" * 16}}]
    file = letter_file(tmp_path / "params", "", questions, run=str(audited), previous=[])
    document = yaml.safe_load(file.read_text("utf-8"))
    document.pop("audit")
    file.write_text(yaml.safe_dump(document), "utf-8")
    done = heytalk_audit("letter", file, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    first, second = json.loads((tmp_path / "out" / "answers.json").read_text("utf-8"))["answers"]
    results = json.loads((audited / "results.json").read_text("utf-8"))
    assert first["total"] == next(fact["total"] for fact in results["facts"] if fact["id"] == "people")
    assert any(None in row for row in first["rows"]) and "snapshot" in second["not_answered"]["missing"]


def test_the_tutorial_leads_to_this_folder(answered, answers):
    """Its calendar as it stands; its answer by the letter of these tests, whose folder has each file that the page names."""
    page = text_of("officer.md")
    dates, answer, annex = commands_of("officer.md")
    shown = heytalk_audit(*dates, cwd=ROOT)
    stated = yaml.safe_load((ROOT / dates[-1]).read_text("utf-8"))["letter"]
    assert shown.returncode == 0 and all(str(day) in shown.stdout for day in (stated["received_on"], stated["answer_by"]))
    assert answer == ["letter", dates[-1], "--out", f"reports/letters/{stated['id']}"] == annex[:4] and "--annex" in annex
    named = set(re.findall(r"`([\w.]+\.(?:html|docx|json))`", page.split("## 3. Answer")[1].split("## 4.")[0]))
    assert named and all((answered / name).exists() for name in named)
    assert answered.with_name(f"{answered.name}-review").is_dir() and "`-review`" in page
    cards = {card for line in re.findall(r"^\| (`.+?) \|", page, re.M) for card in re.findall(r"`(\w+)`", line)}
    assert {one["card"] for one in answers} <= cards == set(catalogue.CARDS)
