"""What was read is what was audited: a file that another program changes meanwhile ends the run, and nothing is published."""

from __future__ import annotations

import contextlib
import os
import shutil

import pytest
from commands import params
from conftest import KEY

from heytalk_audit.errors import InputError
from heytalk_audit.running import run as running
from heytalk_audit.snapshot.unchanged import identities


def _replaced(file):
    """The same bytes in another file: its inode is another."""
    shutil.copyfile(file, file.with_suffix(".new"))
    os.replace(file.with_suffix(".new"), file)


def _written(file):
    """Other bytes of the same length, and the time of before."""
    state = file.stat()
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    with file.open("r+b") as opened:
        opened.write(content)
    os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))


CHANGES = {
    "replaced by the same": ("users.parquet", _replaced, r"changed while the audit ran \(another file"),
    "written to": ("consents.parquet", _written, "changed while the audit ran .*content"),
    "taken away": ("traffic_events.parquet", lambda file: file.unlink(), "went away while the audit ran"),
    "the descriptor": ("datapackage.json", lambda file: file.write_text(file.read_text() + " "), "datapackage.json: changed"),
}


def test_a_file_that_changes_during_the_run_ends_it(demo, tmp_path, monkeypatch):
    """Everything but the notebooks is done: these would have read the tables where the change is made."""
    monkeypatch.setenv("HEYTALK_AUDIT_KEY", KEY)
    monkeypatch.setattr(running.kernels, "warm", lambda *_: contextlib.nullcontext())
    monkeypatch.setattr(running, "assemble", lambda *_: None)
    snapshot = tmp_path / "snapshot"
    shutil.copytree(demo, snapshot)
    given = params(tmp_path / "params", snapshot, rules=["DQ-01"], chapters=["evidence"])
    for name, change, hint in CHANGES.values():
        monkeypatch.setattr(running, "execute", lambda *_, change=change, name=name: change(snapshot / name))
        with pytest.raises(InputError, match=hint):
            running.run(given, [], tmp_path / "out")
        assert not (tmp_path / "out").exists()
        shutil.copyfile(demo / name, snapshot / name)


def test_what_nobody_touches_stays_as_it_is(tmp_path):
    (tmp_path / "a").write_text("x")
    assert identities([tmp_path / "a"]) == identities([tmp_path / "a"])
