"""Custody: a chain that shows what was changed, a destruction that removes a snapshot when its day has come and nothing else, records."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import shutil

import pytest
from commands import heytalk_audit, params, run

from heytalk_audit.canonical import canonical, digest
from heytalk_audit.errors import InputError
from heytalk_audit.evidence import chain, custody
from heytalk_audit.evidence.signature import load_key, new_key
from heytalk_audit.handover import destruction, sign_off
from heytalk_audit.handover.records import escape

NOW = dt.datetime(2025, 4, 1, 9, tzinfo=dt.UTC)
LATER = NOW + dt.timedelta(days=90)


@pytest.fixture
def snapshot(demo, tmp_path):
    """A snapshot of its own, with something beside it that must stay."""
    folder = tmp_path / "store" / "2025-03-31"
    shutil.copytree(demo, folder)
    (tmp_path / "store" / "other.txt").write_text("stays")
    return folder


def receive(folder, now=NOW, **more):
    return custody.receive(folder, "Heytalk", "Ann", "SFTP", None, now, **more)


def test_a_receipt_holds_digests_and_the_day_of_destruction(snapshot):
    receipt = receive(snapshot)
    log = snapshot.parent / "custody.jsonl"
    entry = chain.entries(log)[0]
    assert entry["destroy_on"] == receipt["destroy_on"] == "2025-06-30"
    assert entry["at"] == "2025-04-01T09:00:00Z" and entry["previous"] == chain.START
    descriptor = json.loads((snapshot / "datapackage.json").read_text("utf-8"))
    assert entry["tables"] == {r["name"]: r["hash"] for r in descriptor["resources"]} and entry["not_as_described"] == []
    assert log.stat().st_mode & 0o077 == 0
    with (snapshot / "users.parquet").open("ab") as handle:
        handle.write(b"x")
    assert receive(snapshot)["not_as_described"] == ["users"]


def test_every_changed_line_breaks_the_chain(snapshot, tmp_path):
    receive(snapshot)
    for purpose in ("reading", "counting", "writing"):
        custody.access(snapshot, "Bo", purpose, None, NOW)
    log = snapshot.parent / "custody.jsonl"
    kept = log.read_bytes()
    lines = kept.splitlines(keepends=True)
    changed = [kept.replace(b"counting", b"Counting"), b"".join(lines[1:]), b"".join(lines[:1] + lines[2:]), kept[:-1], kept[:-9]]
    changed += [b"".join([lines[0], lines[2], lines[1], lines[3]]), kept + lines[3], kept.replace(b'"by": "Bo"', b'"by":  "Bo"')]
    for content in [*changed, b"[]\n" + kept, b"\xff" + kept]:
        log.write_bytes(content)
        with pytest.raises(InputError, match="line"):
            chain.chain_of(log)
        with pytest.raises(InputError):
            custody.access(snapshot, "Bo", "more", None, NOW)
        assert log.read_bytes() == content
    log.write_bytes(kept)
    done = heytalk_audit("custody", "verify", snapshot)
    assert done.returncode == 0 and digest(lines[-1]) in done.stdout
    assert "nobody signed the head" in done.stdout
    for kept_lines in range(4):
        log.write_bytes(b"".join(lines[:kept_lines]))
        done = heytalk_audit("custody", "verify", log)
        assert done.returncode == 1 and "the last were cut off" in done.stdout
    with pytest.raises(InputError, match="cut off"):
        custody.access(snapshot, "Bo", "more", None, NOW)
    log.write_bytes(kept)
    head = chain.head_file(log)
    head.rename(tmp_path / "head")
    assert "is missing" in heytalk_audit("custody", "verify", log).stdout
    (tmp_path / "head").rename(head)
    for content in (b"{}", b"", b"[" * 90_000, head.read_bytes().replace(b'"lines": 4', b'"lines": 1'), head.read_bytes() + b"x"):
        (tmp_path / "head").write_bytes(head.read_bytes())
        head.write_bytes(content)
        assert heytalk_audit("custody", "verify", log).returncode == 1
        head.write_bytes((tmp_path / "head").read_bytes())


def test_a_signed_head_covers_the_lines_up_to_it(snapshot, tmp_path):
    receive(snapshot)
    custody.access(snapshot, "Bo", "reading", None, NOW)
    log, signers = snapshot.parent / "custody.jsonl", tmp_path / "signers"
    officer = new_key(tmp_path / "officer")
    done = heytalk_audit("custody", "sign", log, "--key", tmp_path / "officer")
    assert done.returncode == 0 and "2 lines signed" in done.stdout, done.stderr
    custody.access(snapshot, "Bo", "counting", None, NOW)
    kept, head = log.read_bytes(), json.loads(chain.head_file(log).read_text("utf-8"))
    signers.write_text(f"dana {officer.public}", "ascii")
    assert "line 2 and those before it are signed by dana" in heytalk_audit("custody", "verify", log, "--signers", signers).stdout
    lines = kept.splitlines(keepends=True)
    for number, status in ((2, 0), (1, 1)):
        # who cuts the head to fit gets as far as the line that was signed
        log.write_bytes(b"".join(lines[:number]))
        chain.head_file(log).write_bytes(canonical(head | {"lines": number, "head": digest(lines[number - 1])}))
        assert heytalk_audit("custody", "verify", log, "--signers", signers).returncode == status
    chain.head_file(log).write_bytes(canonical(head | {"lines": 1, "head": digest(lines[0]), "signed": head["signed"] | {"lines": 1}}))
    assert heytalk_audit("custody", "verify", log).returncode == 1
    signers.write_text(f'dana valid-before="20200101Z" {officer.public}', "ascii")
    log.write_bytes(kept)
    chain.head_file(log).write_bytes(canonical(head))
    done = heytalk_audit("custody", "verify", log, "--signers", signers)
    assert done.returncode == 1 and "not among the signers" in done.stdout


def test_the_log_lies_outside(snapshot, audited):
    for log in (snapshot / "custody.jsonl", snapshot / "users" / "c.jsonl", audited / "custody.jsonl"):
        with pytest.raises(InputError, match="outside"):
            custody.log_of(snapshot, log)
    (snapshot.parent / "custody.jsonl").symlink_to(snapshot.parent / "other.txt")
    with pytest.raises(InputError, match="plain file"):
        receive(snapshot)
    assert (snapshot.parent / "other.txt").read_text() == "stays"


def test_hostile_words_stay_on_their_line(snapshot):
    custody.receive(snapshot, 'x"}\n{"event": "destroyed', "Ann\u202e\x1b[2J", "a\r\nb", None, NOW)
    (entry,) = chain.entries(snapshot.parent / "custody.jsonl")
    assert entry["event"] == "received" and "\n" not in entry["from"] and "\x1b" not in entry["by"]
    shown = heytalk_audit("custody", "show", snapshot.parent / "custody.jsonl")
    assert shown.returncode == 0 and "\x1b" not in shown.stdout
    with pytest.raises(InputError, match="empty"):
        custody.access(snapshot, " ", "x", None, NOW)


def test_a_snapshot_is_destroyed_on_its_day_and_nothing_else(snapshot):
    with pytest.raises(InputError, match="receipt is not"):
        destruction.destroy(snapshot, "Ann", None, LATER)
    receive(snapshot)
    with pytest.raises(InputError, match="kept until 2025-06-30"):
        destruction.destroy(snapshot, "Ann", None, LATER - dt.timedelta(days=1))
    assert (snapshot / "users.parquet").exists()
    sizes = {p.name: p.stat().st_size for p in snapshot.iterdir() if p.is_file()}
    hashes = custody.open_held(snapshot).hashes()
    written, page = destruction.destroy(snapshot, "Ann", None, LATER)
    assert not snapshot.exists() and (snapshot.parent / "other.txt").read_text() == "stays"
    certificate = json.loads(written.read_text("utf-8"))
    assert {f["name"]: f["bytes"] for f in certificate["files"]} == sizes and certificate["tables"] == hashes
    assert (
        certificate["destroyed_by"] == "Ann"
        and certificate["method"] == destruction.METHOD
        and certificate["received"]["from"] == "Heytalk"
    )
    assert certificate["reason"] is None and hashes["users"] in page.read_text("utf-8")
    entries = chain.entries(snapshot.parent / "custody.jsonl")
    assert [e["event"] for e in entries] == ["received", "destruction begun", "destroyed"]
    assert entries[-1]["certificate_sha256"] == digest(canonical(certificate)) == digest(written.read_bytes())


def test_before_its_day_only_with_a_reason(snapshot):
    receive(snapshot, dt.datetime.now(dt.UTC))
    assert heytalk_audit("destroy", snapshot, "--by", "Ann", "--now").returncode == 2
    assert heytalk_audit("destroy", snapshot, "--by", "Ann").returncode == 2
    assert snapshot.exists()
    done = heytalk_audit("destroy", snapshot, "--by", "Ann", "--now", "--reason", "the contract <b>ended</b>")
    assert done.returncode == 0, done.stderr
    (page,) = snapshot.parent.glob("destruction-*.html")
    assert not snapshot.exists() and "the contract &lt;b&gt;ended" in page.read_text("utf-8")


@pytest.mark.parametrize(
    "what", ["foreign", "foreign folder", "link", "link in a folder", "folder is a link", "no descriptor", "path outside"]
)
def test_what_is_no_part_of_a_snapshot_is_never_destroyed(snapshot, what):
    receive(snapshot)
    target, outside = snapshot, snapshot.parent / "other.txt"
    if what == "foreign":
        (snapshot / "notes.txt").write_text("mine")
    elif what == "foreign folder":
        (snapshot / "mine" / "deep").mkdir(parents=True)
    elif what == "link":
        (snapshot / "users.parquet").unlink()
        (snapshot / "users.parquet").symlink_to(outside)
    elif what == "link in a folder":
        (snapshot / "users.parquet").unlink()
        (snapshot / "users.parquet").mkdir()
        (snapshot / "users.parquet" / "x").symlink_to(snapshot.parent)
    elif what == "folder is a link":
        target = snapshot.parent / "link"
        target.symlink_to(snapshot)
    elif what == "no descriptor":
        (snapshot / "datapackage.json").unlink()
    else:
        descriptor = json.loads((snapshot / "datapackage.json").read_text("utf-8"))
        descriptor["resources"][0]["path"] = "../other.txt"
        (snapshot / "datapackage.json").write_text(json.dumps(descriptor), "utf-8")
    before = sorted(p.relative_to(snapshot.parent).as_posix() for p in snapshot.parent.rglob("*"))
    with pytest.raises(InputError):
        destruction.destroy(target, "Ann", None, LATER, "a reason of some length")
    assert sorted(p.relative_to(snapshot.parent).as_posix() for p in snapshot.parent.rglob("*")) == before
    assert outside.read_text() == "stays"


def test_other_names_of_a_file_are_counted_and_parts_go_too(snapshot):
    os.link(snapshot / "users.parquet", snapshot.parent / "hard.parquet")
    (snapshot / "traffic_events").mkdir()
    (snapshot / "traffic_events.parquet").rename(snapshot / "traffic_events" / "part-0.parquet")
    (snapshot / "traffic_events" / "_SUCCESS").touch()
    assert heytalk_audit("seal", snapshot).returncode == 0
    assert receive(snapshot)["not_as_described"] == []
    written, _ = destruction.destroy(snapshot, "Ann", None, LATER)
    certificate = json.loads(written.read_text("utf-8"))
    assert certificate["files_with_other_names"] == 1 and not snapshot.exists() and (snapshot.parent / "hard.parquet").exists()
    assert {"traffic_events/part-0.parquet", "traffic_events/_SUCCESS"} <= {f["name"] for f in certificate["files"]}


def test_the_days_are_counted_from_the_reviewers_sign_off(snapshot, audited, tmp_path):
    shutil.copytree(audited, tmp_path / "run")
    receive(snapshot)
    with pytest.raises(InputError, match="not signed by its reviewer"):
        custody.final(snapshot, tmp_path / "run", "Ann", None, NOW)
    signed = NOW + dt.timedelta(days=30)
    for role, name in (("preparer", "Ann"), ("reviewer", "Bo")):
        new_key(tmp_path / role)
        sign_off.sign_off(tmp_path / "run", role, name, load_key(tmp_path / role), signed, [], "")
    entry = custody.final(snapshot, tmp_path / "run", "Ann", None, signed)
    assert (entry["destroy_on"], entry["counted_from"]) == ("2025-07-30", "the reviewer's sign-off")
    with pytest.raises(InputError, match="kept until 2025-07-30"):
        destruction.destroy(snapshot, "Ann", None, LATER)
    other = json.loads((snapshot / "datapackage.json").read_text("utf-8")) | {"producer": "another"}
    (snapshot / "datapackage.json").write_text(json.dumps(other), "utf-8")
    with pytest.raises(InputError, match="not made from this snapshot"):
        receive(snapshot, run=tmp_path / "run")


def test_a_run_logs_its_access_where_the_snapshot_has_a_log(snapshot, tmp_path):
    some = {"chapters": ["evidence"], "rules": ["DQ-03"]}
    assert run(snapshot, tmp_path / "first", **some).returncode in (0, 1, 3)
    log = snapshot.parent / "custody.jsonl"
    assert not log.exists()
    receive(snapshot)
    assert run(snapshot, tmp_path / "second", **some).returncode in (0, 1, 3)
    assert [(e["event"], e.get("purpose")) for e in chain.entries(log)] == [("received", None), ("access", "audit test")]
    assert (tmp_path / "first" / "evidence.json").read_bytes() == (tmp_path / "second" / "evidence.json").read_bytes()


def test_a_broken_log_is_a_warning(snapshot):
    assert custody.note_run(snapshot, "x", NOW) is None
    (snapshot.parent / "custody.jsonl").write_text("{}\n")
    assert "not logged" in str(custody.note_run(snapshot, "x", NOW))


def test_records_are_filled_and_nothing_in_them_is_markup(snapshot, tmp_path):
    title = "<script>x</script> [a](javascript:x) | b `c` ![i](//e) www.evil.example\n# head"
    parameters = params(tmp_path / "p", snapshot, audit={"id": "q|1", "title": title}, chapters=["retention"])
    done = heytalk_audit("record", parameters, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    for name in ("record-of-processing.md", "impact-assessment.md"):
        text = (tmp_path / "out" / name).read_text("utf-8")
        assert escape(title) in text and not re.search(r"(?<!\\)<script", text) and "](" not in text.replace(r"\]\(", "")
        assert "90 days" in text and "6 years" in text
        assert not any(line.startswith("# head") for line in text.splitlines())
    record = (tmp_path / "out" / "record-of-processing.md").read_text("utf-8")
    assert r"users.birth\_date" in record and r"q\|1" in record and "Retention" in record
    assert heytalk_audit("record", parameters, "--out", tmp_path / "out").returncode == 2


def test_escaped_text_reads_as_it_was():
    assert escape("a*b_c") == r"a\*b\_c" and escape("x\n\n# y") == r"x \# y" and escape("a|b") == r"a\|b"
    assert escape("<b>&amp;") == r"\<b\>\&amp;" and escape("WWW.x") == r"www\.x"
