"""Finished files and folders are put in their place whole or not at all, and over nothing that was there."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from heytalk_audit.disk import placing
from heytalk_audit.errors import AuditFailure, InputError


def test_a_file_is_new_private_and_nothing_lies_beside_it(tmp_path):
    before = os.umask(0)
    try:
        placing.write_new(tmp_path / "register.yaml", "decisions: []\n", "--out")
    finally:
        os.umask(before)
    assert os.listdir(tmp_path) == ["register.yaml"]
    assert stat.S_IMODE((tmp_path / "register.yaml").stat().st_mode) == 0o600


@pytest.mark.parametrize("there", ["file", "folder", "link", "dangling link", "link to a folder above"])
def test_nothing_that_is_there_is_written_over_or_through(there, tmp_path):
    kept, target = tmp_path / "kept", tmp_path / "target"
    kept.mkdir()
    match there:
        case "file":
            target.write_text("years of work")
        case "folder":
            target.mkdir()
        case "link":
            (kept / "file").write_text("years of work")
            target.symlink_to(kept / "file")
        case "dangling link":
            target.symlink_to(kept / "nothing")
        case _:
            target.symlink_to(kept)
            target /= "new"
    with pytest.raises(InputError, match=r"is there already|is a link"):
        placing.write_new(target, "new", "--out")
    assert sorted(os.listdir(tmp_path)) == ["kept", "target"]
    assert [f.read_text() for f in (*kept.iterdir(), tmp_path / "target") if f.is_file()] in ([], ["years of work"], ["years of work"] * 2)


def test_a_file_that_came_meanwhile_is_not_replaced(tmp_path):
    made, target = tmp_path / "made", tmp_path / "target"
    made.write_text("new")
    target.write_text("years of work")
    with pytest.raises(InputError, match="is there already"):
        placing.move_new(made, target, "--out")
    assert target.read_text() == "years of work"


@pytest.mark.parametrize("known", [True, False], ids=["in one step", "in two steps"])
def test_folders_are_exchanged(known, tmp_path, monkeypatch):
    staged, target = tmp_path / "staged", tmp_path / "target"
    for folder, text in ((staged / "new", "new"), (target, "old")):
        folder.mkdir(parents=True)
        (folder / "index.html").write_text(text)
    if not known:
        monkeypatch.setattr(placing, "_renamed", lambda *paths: False)
    before = placing.exchange(staged / "new", target)
    assert (target / "index.html").read_text() == "new" and (before / "index.html").read_text() == "old"
    assert before.is_relative_to(staged)


@pytest.mark.parametrize("known", [True, False], ids=["no replacing", "a second name"])
def test_a_file_takes_a_free_place_on_any_file_system(known, tmp_path, monkeypatch):
    if not known:
        monkeypatch.setattr(placing, "_renamed", lambda *paths: False)
    placing.write_new(tmp_path / "a", b"new", "--out")
    assert (tmp_path / "a").read_bytes() == b"new" and os.listdir(tmp_path) == ["a"]


def test_two_steps_of_which_one_fails_leave_what_was_there(tmp_path, monkeypatch):
    target = tmp_path / "report"
    target.mkdir()
    (target / "index.html").write_text("old")
    monkeypatch.setattr(placing, "_renamed", lambda *paths: False)
    with pytest.raises(FileNotFoundError), placing.staging(target, "--out") as staged:
        placing.exchange(staged / "never made", target)
    assert (target / "index.html").read_text() == "old" and os.listdir(tmp_path) == ["report"]


def test_folders_above_go_again_where_nothing_came_of_them(tmp_path):
    with pytest.raises(KeyError), placing.staging(tmp_path / "a" / "b" / "run", "--out"):
        raise KeyError
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(("number", "kind"), [(errno.EROFS, InputError), (errno.EACCES, InputError), (errno.ENOSPC, AuditFailure)])
def test_where_nothing_can_be_written_it_is_said(number, kind, tmp_path, monkeypatch):
    def refused(self, *given, **more):
        raise OSError(number, os.strerror(number), str(self))

    monkeypatch.setattr(Path, "mkdir", refused)
    with pytest.raises(kind, match=os.strerror(number).lower()), placing.staging(tmp_path / "reports" / "run", "--out"):
        pass
