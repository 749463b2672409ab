"""A case: what it refuses, that a person's outcomes are those of the population, that nothing looked for stays in clear."""

import datetime as dt
import hashlib
import json
import re
import shutil
import stat
import subprocess
import sys

import duckdb
import ibis
import nbformat
import pandas as pd
import papermill
import pyarrow as pa
import pytest
from commands import heytalk_audit
from conftest import KEY
from tutorial import commands_of

from heytalk_audit.audit.exceptions import EXCEPTIONS
from heytalk_audit.audit.pseudonym import pseudonym
from heytalk_audit.errors import InputError
from heytalk_audit.evidence.chain import entries
from heytalk_audit.evidence.row_files import opened_reader
from heytalk_audit.investigation.case_file import OUTCOMES, Statement, open_case
from heytalk_audit.investigation.cohort import cohort
from heytalk_audit.investigation.events import TABLES
from heytalk_audit.investigation.find import find
from heytalk_audit.investigation.instant import up_to
from heytalk_audit.investigation.judgement import read_judgement
from heytalk_audit.investigation.opening import Opening, clear_cells, masked, opening_of
from heytalk_audit.investigation.person import look_at
from heytalk_audit.rules import RULES

pytestmark = pytest.mark.xdist_group("case")
NOW = dt.datetime(2025, 4, 2, 9, 0, tzinfo=dt.UTC)
STATED = ["--case", "C-7", "--by", "Ana Sosa", "--approved-by", "Bo Lind", "--purpose", "complaint 4711", "--scope", "the complainant"]


def somebody(demo, where="email IS NOT NULL AND display_name IS NOT NULL AND phone IS NOT NULL", order="user_id"):
    """A row of users of the demo that fits."""
    columns = "user_id, email, phone, display_name, status, law_region"
    rows = duckdb.sql(f"SELECT {columns} FROM '{demo}/users.parquet' WHERE {where} ORDER BY {order} LIMIT 1")
    return dict(zip(rows.columns, rows.fetchall()[0], strict=True))


def of(user):
    return pseudonym(KEY.encode(), f"users:{user}")


@pytest.mark.parametrize("left_out", ["--case", "--by", "--approved-by", "--purpose", "--params"])
def test_without_a_statement_nothing_is_read_or_written(tmp_path, left_out):
    words = {**dict(zip(STATED[::2], STATED[1::2], strict=True)), "--params": tmp_path / "no-such.yaml"}
    words.pop(left_out)
    done = heytalk_audit("case", "new", tmp_path / "C-7", *(word for pair in words.items() for word in pair))
    assert done.returncode == 2 and left_out in done.stderr and len(done.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["Ana Sosa", "ANA  SOSA", "Аna Sosa"])
def test_the_two_people_are_two(tmp_path, name):
    with pytest.raises(InputError, match=r"approved-by is the person who investigates|--approved-by"):
        Statement("C-7", "Ana Sosa", name, "complaint").checked()
    assert Statement("C-7", "Ana Sosa", "Ana Sosan", "complaint").checked().approved_by == "Ana Sosan"


def test_a_cases_files_are_its_owners_alone(opened):
    assert stat.S_IMODE(opened.stat().st_mode) == 0o700
    assert {stat.S_IMODE(f.stat().st_mode) for f in opened.rglob("*") if f.is_file()} <= {0o600}
    again = heytalk_audit("case", "new", opened, "--params", "no-such.yaml", *STATED)
    assert again.returncode == 2 and "is there already" in again.stderr


def test_outcomes_are_those_of_the_populations_run(opened, audited):
    """Row by row, for every rule and person; what passes is in a case alone, and is a row of the population."""
    judgement = read_judgement(opened / OUTCOMES)
    results = {rule["id"]: rule for rule in json.loads((audited / "results.json").read_text("utf-8"))["rules"]}
    assert results.keys() == judgement.rules.keys() >= RULES.keys()
    names = ", ".join(EXCEPTIONS.names)
    for rule, result in results.items():
        run, case = (f"SELECT {names} FROM '{file}'" for file in (audited / "exceptions" / f"{rule}.parquet", judgement.file(rule)))
        differ = duckdb.sql(f"SELECT count(*) FROM (({run}) EXCEPT ALL ({case} WHERE outcome <> 'pass'))").fetchall()[0][0]
        differ += duckdb.sql(f"SELECT count(*) FROM (({case} WHERE outcome <> 'pass') EXCEPT ALL ({run}))").fetchall()[0][0]
        passed = duckdb.sql(f"SELECT count(*) FROM '{judgement.file(rule)}' WHERE outcome = 'pass'").fetchall()[0][0]
        assert (differ, passed) == (0, result["ledger"]["pass"] or 0), rule


def test_one_persons_outcomes_are_their_rows_of_it(opened, case, demo):
    """By the API for an eighth of all people."""
    judgement = read_judgement(opened / OUTCOMES)
    people = [of(user) for (user,) in duckdb.sql(f"SELECT user_id FROM '{demo}/users.parquet' ORDER BY hash(user_id)").fetchall()][::8]
    columns = "record, outcome, coalesce(reason, '') AS reason, coalesce(CAST(due_on AS VARCHAR), '') AS due_on"
    by_person = {person: [] for person in people}
    for rule in judgement.rules:
        of_rule = duckdb.sql(f"SELECT subject, {columns} FROM '{judgement.file(rule)}' WHERE list_contains({people}, subject)")
        for subject, *row in of_rule.fetchall():
            by_person[subject].append((rule, *row))
    with opened_reader(judgement.folder) as reader:
        for person, rows in by_person.items():
            assert sorted(
                (o.id, o.record, o.outcome, o.reason or "", o.due_on or "") for o in judgement.of_person(reader, person)
            ) == sorted(rows)
    seen = {row[0] for rows in by_person.values() for row in rows}
    assert len(seen) > 60 and len(people) > 50


def test_a_person_from_the_command_line(opened, audited, demo, tmp_path):
    """Five people: JSON with an entry per row, none cut at any width, the log one line longer."""
    users = duckdb.sql(f"SELECT user_id FROM '{demo}/users.parquet' ORDER BY hash(user_id) DESC LIMIT 5").fetchall()
    run = {of(user): [] for (user,) in users}
    for rule in RULES:
        rows = duckdb.sql(
            f"SELECT subject, record, outcome FROM '{audited}/exceptions/{rule}.parquet' WHERE list_contains({[*run]}, subject)"
        )
        for subject, *row in rows.fetchall():
            run[subject].append((rule, *row))
    for number, (user,) in enumerate(users):
        before = len(entries(opened / "log.jsonl"))
        file = tmp_path / f"{number}.json"
        done = heytalk_audit("person", opened, of(user), "--json", file, env={"COLUMNS": "20"})
        assert done.returncode == 0, done.stderr
        assert len(entries(opened / "log.jsonl")) == before + 1
        document = json.loads(file.read_text("utf-8"))
        assert document["subject"] == of(user) and document["at"] == "2025-03-31T12:00:00Z"
        assert all(entry["record"] in done.stdout for entry in document["timeline"])
        assert {*document["timeline"][0]} == {"at", "table", "record", "event"}
        assert [e["at"] for e in document["timeline"]] == sorted(e["at"] for e in document["timeline"])
        listed = sorted((r["id"], r["record"], r["outcome"]) for r in document["rules"] if r["outcome"] not in (None, "pass"))
        assert listed == sorted(run[of(user)])
        without = {r["id"] for r in document["rules"] if r["outcome"] is None}
        assert "SEC-04" in without and "RET-01" not in without
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_look_up_that_finds_nobody_is_logged(case):
    before = len(entries(case.log))
    with pytest.raises(InputError, match="in no table"):
        look_at(case, "0123456789abcdef", NOW)
    with pytest.raises(InputError, match="no pseudonym"):
        look_at(case, "u-0000016", NOW)
    assert len(entries(case.log)) == before + 2
    # an id that was typed in the place of a pseudonym is not kept in clear
    assert "u-0000016" not in case.log.read_text("utf-8") and len(entries(case.log)[-1]["subject"]) == 64


@pytest.mark.parametrize(
    ("kind", "written", "how"),
    [
        ("email", lambda u: u["email"], "exact"),
        ("email", lambda u: u["email"].upper(), "normalised"),
        ("email", lambda u: u["email"].replace("@", "+news@"), "normalised"),
        ("email", lambda u: "x" + u["email"], None),
        ("phone", lambda u: u["phone"], "exact"),
        ("phone", lambda u: u["phone"].replace("+", "00"), "normalised"),
        ("phone", lambda u: u["phone"][-5:], None),
        ("name", lambda u: "  " + u["display_name"].upper().replace(" ", "   "), "normalised"),
        ("user-id", lambda u: u["user_id"], "exact"),
    ],
)
def test_find(case, demo, kind, written, how):
    user = somebody(demo, "length(email) > 0 AND length(display_name) > 0 AND phone LIKE '+99%' AND status = 'active'")
    matches = [m for m in find(case, kind, written(user), NOW) if m.pseudonym == of(user["user_id"])]
    assert {match.how for match in matches} == ({how} if how else set())
    if how:
        assert matches[0].status == user["status"] and matches[0].region == user["law_region"]


@pytest.mark.parametrize(
    ("stored", "written", "how"),
    [
        ("+905321234567", "0532 123 45 67", "normalised, but for the country's code"),
        ("05321234567", "+90 532 123 45 67", "normalised, but for the country's code"),
        ("+905321234567", "0090 (532) 1234567", "normalised"),
        ("+905321234567", "1234567", None),
        ("21234567", "+905321234567", "normalised, but for the country's code"),
        ("+905321234567", "+915321234567", None),
        ("", "", "exact"),
        ("-", "0", None),
        (hashlib.sha256(b"+905321234567").hexdigest().upper(), "+90 532 1234567", "its SHA256 digest"),
    ],
)
def test_telephones_are_compared_by_their_digits(stored, written, how):
    from heytalk_audit.investigation.find import KINDS, digests_of_forms, ways_of

    beside = pa.table({"value": [stored], "sought": [written]} | digests_of_forms(KINDS["phone"].hashed(written)))
    rows = ibis.memtable(beside)
    ways = ibis.duckdb.connect().to_pyarrow(ibis.cases(*ways_of(KINDS["phone"], rows), else_=None)).to_pylist()
    assert ways == [how]


def test_several_people_stay_several(case, demo):
    rows = duckdb.sql(f"SELECT display_name FROM '{demo}/users.parquet' GROUP BY 1 HAVING count(DISTINCT user_id) = 2 ORDER BY 1 LIMIT 1")
    (name,) = rows.fetchall()[0]
    assert len({match.pseudonym for match in find(case, "name", name, NOW)}) >= 2


def test_what_was_looked_for_is_nowhere_in_clear(opened, case, demo):
    user = somebody(demo, "length(email) > 12 AND length(phone) > 8")
    shown = heytalk_audit("find", opened, "--email", user["email"])
    assert shown.returncode == 2 and user["email"] not in shown.stderr
    for kind in ("email", "phone"):
        matches = find(case, kind, user[kind], NOW)
        assert matches and user[kind] not in str(matches)
    content = b"".join(f.read_bytes() for f in opened.rglob("*") if f.is_file() and f.suffix in (".json", ".jsonl", ".head"))
    for value in (user["email"], user["phone"], user["user_id"]):
        assert value.encode() not in content
    sought = [entry["sought"] for entry in entries(opened / "log.jsonl") if entry["event"] == "find"]
    assert all(re.fullmatch("[0-9a-f]{64}", one) for one in sought) and len(set(sought)) > 1


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        ("email", "anna@example.org", "a•••@e•••.org"),
        ("email", "ann@exa.org", "•••@•••.org"),
        ("email", "no address", "n•••"),
        ("phone", "+4930123456", "+•••"),
        ("name", "Bob", "•••"),
        ("name", "Bobo", "B•••"),
        ("name", "\u202eevil\x1b[0m", "e•••"),
    ],
)
def test_masks(kind, value, shown):
    assert masked(kind, value).replace("\ufffd", "").lstrip(" ") in (shown, shown.replace("e", "\ufffd")) or masked(kind, value).endswith(
        "•••"
    )
    if kind != "name" or value.isalpha():
        assert masked(kind, value) == shown


def test_clear_values_take_two_people_and_a_reason(opened, case, demo):
    with pytest.raises(InputError, match="--second"):
        opening_of(True, "", "why", "Ana Sosa")
    with pytest.raises(InputError, match="--reason"):
        opening_of(True, "Cy Ortiz", " ", "Ana Sosa")
    with pytest.raises(InputError, match="person who investigates"):
        opening_of(True, "ana sosa", "why", "Ana Sosa")
    with pytest.raises(InputError, match="without --clear"):
        opening_of(False, "Cy Ortiz", "", "Ana Sosa")
    user = somebody(demo, "length(email) > 12")
    opening = Opening(True, "Cy Ortiz", "the complainant asks")
    assert find(case, "email", user["email"], NOW, opening)[0].value == user["email"]
    assert look_at(case, of(user["user_id"]), NOW).values == {}
    assert user["email"] in str(look_at(case, of(user["user_id"]), NOW, None, opening).values["users"].email.tolist())
    assert [e.get("reason") for e in entries(case.log)[-1:]] == ["the complainant asks"]


def test_a_changed_log_is_not_added_to(opened, case, tmp_path):
    copy = tmp_path / "C"
    shutil.copytree(opened, copy)
    lines = (copy / "log.jsonl").read_text("utf-8").splitlines(keepends=True)
    (copy / "log.jsonl").write_text("".join([lines[0].replace("complaint 4711", "complaint 4712"), *lines[1:]]), "utf-8")
    with pytest.raises(InputError, match="line 2: does not follow line 1"):
        look_at(open_case(copy), "0123456789abcdef", NOW)


def test_another_key_or_snapshot_is_refused(opened, monkeypatch):
    monkeypatch.setenv("HEYTALK_AUDIT_KEY", "another-key-that-is-long-enough-for-all")
    with pytest.raises(InputError, match="another key"):
        look_at(open_case(opened), "0123456789abcdef", NOW)


AT = dt.datetime(2025, 1, 1)


@pytest.mark.parametrize(
    ("created", "deleted", "kept", "sees"),
    [
        (AT, None, True, None),
        (AT + dt.timedelta(microseconds=1), None, False, None),
        (AT, AT, True, AT),
        (AT, AT + dt.timedelta(microseconds=1), True, None),
        (None, None, True, None),
    ],
)
def test_a_cut_keeps_what_had_happened(created, deleted, kept, sees):
    schema = {"user_id": "string", "created_at": "timestamp(6)", "deleted_at": "timestamp(6)", "status": "string"}
    rows = ibis.memtable([{"user_id": "u", "created_at": created, "deleted_at": deleted, "status": "active"}], schema=schema)
    left = ibis.duckdb.connect().to_pyarrow(up_to("users", rows, AT)).to_pylist()
    assert [(row["user_id"], row["deleted_at"]) for row in left] == ([("u", sees)] if kept else [])


def test_an_earlier_instant(opened, case, demo):
    """Events up to it; a rule that needs a state says so; one that does not, judges what had happened."""
    user = somebody(demo, "status = 'active' AND created_at < TIMESTAMP '2023-01-01' AND NOT is_test")
    at = dt.datetime(2025, 2, 1)
    then, later = look_at(case, of(user["user_id"]), NOW, at), look_at(case, of(user["user_id"]), NOW)
    assert then.timeline and all(event.at <= at for event in then.timeline) and len(then.timeline) < len(later.timeline)
    assert then.not_judged["RET-05"].endswith("known only at the snapshot's instant") and "users." in then.not_judged["RET-05"]
    judged = {outcome.id for outcome in then.rules if outcome.outcome}
    assert judged and "RET-05" not in judged and judged.isdisjoint(then.not_judged)
    states = {f"{name}.{column}" for name, about in TABLES.items() for column in about.states}
    assert "users.status" in states
    with pytest.raises(InputError, match="after the snapshot's own instant"):
        look_at(case, of(user["user_id"]), NOW, dt.datetime(2026, 1, 1))


def test_clear_values_are_cells_of_text_whatever_they_are():
    rows = pd.DataFrame({"a": ["x\x1b", None], "fields": [["email", "phone"], None], "n": [1.5, float("nan")]})
    assert clear_cells(rows) == [["x ", "email, phone", "1.5"], [None, None, None]]


def test_a_cohort_counts_people_once(case, demo):
    vendor, people, rows = duckdb.sql(
        f"SELECT vendor_id, count(DISTINCT user_id), count(*) FILTER (user_id IS NOT NULL) FROM '{demo}/disclosures.parquet' "
        "GROUP BY 1 HAVING count(*) > count(DISTINCT user_id) ORDER BY 2 DESC, 1 LIMIT 1"
    ).fetchall()[0]
    counted = cohort(case, NOW, {"vendor": vendor})
    assert (counted.people, counted.rows) == (people, rows) and counted.groups.people.sum() == people
    assert (counted.look_alikes.rows_of_all >= counted.look_alikes.rows).all() and len(counted.look_alikes)
    before = cohort(case, NOW, {"vendor": vendor}, (dt.datetime(1999, 1, 1), counted.first))
    assert before.people == 0 and before.first is None
    assert vendor not in (case.log).read_text("utf-8")
    with pytest.raises(InputError, match="no device, vendor or campaign"):
        cohort(case, NOW, {"vendor": ""})


def test_the_desk_in_a_notebook(opened, demo, tmp_path, monkeypatch):
    """The case's own notebook, run whole, with a person named in it."""
    user = somebody(demo, "length(email) > 12 AND status = 'active'", "user_id DESC")
    source = nbformat.read(opened / "investigation.ipynb", as_version=4)
    (cell,) = [cell for cell in source.cells if "person" in cell.metadata.get("tags", [])]
    cell.source = cell.source.replace('person_looked_at = ""', f'person_looked_at = "{of(user["user_id"])}"')
    nbformat.write(source, tmp_path / "in.ipynb")
    monkeypatch.setenv("HEYTALK_AUDIT_KEY", KEY)
    papermill.execute_notebook(tmp_path / "in.ipynb", tmp_path / "out.ipynb", parameters={"case_folder": str(opened)}, progress_bar=False)
    shown = str([cell.get("outputs") for cell in nbformat.read(tmp_path / "out.ipynb", as_version=4).cells if cell.cell_type == "code"])
    assert "complaint 4711" in shown and "application/vnd.jupyter.widget-view+json" in shown
    assert "data:image/svg+xml" in shown and "rows × 6 columns" in shown and user["email"] not in shown


def test_the_tutorial_to_the_letter(opened, demo, tmp_path):
    """Each command of the page after the first, in its order, on a copy of the case; what opens a browser is tested elsewhere."""
    copy = tmp_path / "C-7"
    shutil.copytree(opened, copy)
    user = somebody(demo, "length(email) > 12 AND phone LIKE '+99%' AND status = 'active'")
    places = {"cases/C-7": copy, "PSEUDONYM": of(user["user_id"]), "person.json": tmp_path / "person.json", "2025-09-30": "2999-09-30"}
    ran = []
    for words in commands_of("investigator.md")[1:]:
        if words[0] == "lab":
            continue
        kind = next((word[2:] for word in words if word in ("--email", "--phone")), None)
        done = heytalk_audit(*(places.get(word, word) for word in words), stdin=user[kind] if kind else None)
        assert done.returncode == 0, (words, done.stderr)
        ran.append(words[0])
        if kind:
            assert of(user["user_id"]) in done.stdout and user[kind] not in done.stdout
    assert {"find", "person", "memo", "case"} == {*ran}
    assert json.loads((tmp_path / "person.json").read_text("utf-8"))["at"] == "2025-02-01T00:00:00Z"


def test_memo_and_closing(opened, demo, tmp_path):
    copy = tmp_path / "C-7"
    shutil.copytree(opened, copy)
    user = somebody(demo, "length(email) > 12 AND status = 'active'", "user_id DESC")
    assert heytalk_audit("person", copy, of(user["user_id"])).returncode == 0
    # who is in no table stands in the log, and in no memo
    assert heytalk_audit("person", copy, "0123456789abcdef").returncode == 2
    done = heytalk_audit("memo", copy)
    assert done.returncode == 0, done.stderr
    memo = (copy / "memo.html").read_text("utf-8")
    assert "complaint 4711" in memo and of(user["user_id"]) in memo and user["email"] not in memo
    assert (copy / "memo.docx").read_bytes()[:2] == b"PK"
    assert (
        heytalk_audit("memo", copy, "--for-person", of(user["user_id"]), "--clear", "--second", "Cy", "--reason", "asked").returncode == 0
    )
    own = (copy / f"memo-for-{of(user['user_id'])}.html").read_text("utf-8")
    assert user["email"] in own and "complaint" not in own
    assert heytalk_audit("case", "close", copy, "--keep-until", "2001-01-01").returncode == 2
    closed = heytalk_audit("case", "close", copy, "--keep-until", "2999-01-01")
    assert closed.returncode == 0 and (tmp_path / "C-7.zip").exists() and copy.exists(), closed.stderr
    assert "is closed" in heytalk_audit("person", copy, of(user["user_id"])).stderr
    # its last day is over
    record = json.loads((copy / "case.json").read_text("utf-8")) | {"keep_until": "2001-01-01"}
    (copy / "case.json").write_text(json.dumps(record), "utf-8")
    (copy / "mine.txt").write_text("not the case's")
    assert "mine.txt" in heytalk_audit("case", "close", copy).stderr and copy.exists()
    (copy / "mine.txt").unlink()
    done = heytalk_audit("case", "close", copy)
    assert done.returncode == 0 and not copy.exists(), done.stderr
    certificate = json.loads((tmp_path / "C-7-destruction.json").read_text("utf-8"))
    assert certificate["case"] == "C-7" and len(certificate["files"]) > 100


def test_copies_of_the_notebooks_are_what_lab_opens(tmp_path):
    program = (
        "import sys; from pathlib import Path; from heytalk_audit.investigation.lab import write_copies; write_copies(Path(sys.argv[1]))"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path / "lab")], check=True)
    copies = {file.name for file in (tmp_path / "lab").glob("*.ipynb")}
    assert "10-retention.ipynb" in copies and "investigation.ipynb" not in copies
    assert "../params" not in (tmp_path / "lab" / "10-retention.ipynb").read_text("utf-8")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "x.txt").write_text("mine")
    assert heytalk_audit("lab", tmp_path / "other").returncode == 2
