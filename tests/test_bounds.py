"""Documents that are handed in are bounded before they are read: their size, their depth, and what a few lines may stand for."""

from __future__ import annotations

import os

import pytest

from heytalk_audit.canonical import MOST_BYTES, read_json
from heytalk_audit.errors import InputError
from heytalk_audit.params import read_params
from heytalk_audit.registers.accepted import read_accepted

GIVEN = "audit: {id: x, title: %s}\nsnapshot: s\n"
LAUGHS = "a: &a [x]\n" + "".join(f"b{n}: &b{n} [*a, *a]\n" for n in range(9))
BOUNDED = {
    "aliases": (LAUGHS, "line 2 has an alias"),
    "a key twice": ("audit: {id: x, title: t}\nsnapshot: s\naudit: {id: y, title: t}", "line 3 has a key that stands twice"),
    "a key twice, further in": ("audit: {id: x, 'id': y, title: t}", "line 1 has a key that stands twice"),
    "depth": ("a: " + "[" * 60 + "]" * 60, "line 1 lies deeper than 50 levels"),
    "more depth than a parser can take": ("[" * 100_000, "deeper than 50 levels"),
    "size": ("#" * (MOST_BYTES + 1), "is larger than 8 MB"),
    "tag": ("audit: {id: !!float '', title: t}", "YAML"),
    "title": (GIVEN % ("x" * 501), "audit.title: String should have at most 500 characters"),
}


@pytest.mark.parametrize("name", BOUNDED)
def test_a_document_out_of_bounds_is_one_line(name, tmp_path):
    text, hint = BOUNDED[name]
    (tmp_path / "p.yaml").write_text(text)
    for read in (read_params,) if name == "title" else (read_params, lambda path: read_accepted(path, [])):
        with pytest.raises(InputError, match=hint):
            read(tmp_path / "p.yaml")


def test_within_bounds_it_is_read(tmp_path):
    (tmp_path / "p.yaml").write_text(GIVEN % ("x" * 500), "utf-8-sig")
    assert len(read_params(tmp_path / "p.yaml").audit.title) == 500
    # the same word as a value, in another mapping and in a list is no key twice
    (tmp_path / "q.yaml").write_text("audit: {id: title, title: id}\nsnapshot: audit\nrules: [id, id]\nsettings: {}")
    assert read_params(tmp_path / "q.yaml").audit.id == "title"
    (tmp_path / "p.json").write_text("[" * 50 + "]" * 50)
    assert read_json(tmp_path / "p.json", "p") != []


def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "p.yaml")
    with pytest.raises(InputError, match="is no file"):
        read_params(tmp_path / "p.yaml")


def test_json_out_of_bounds_is_one_line(tmp_path):
    (tmp_path / "p.json").write_text("[" * 51 + "]" * 51)
    with pytest.raises(InputError, match="lies deeper than 50 levels"):
        read_json(tmp_path / "p.json", "p")
    # a descriptor of that kind is said to be no JSON that can be read
    (tmp_path / "p.json").write_text("[" * 100_000)
    with pytest.raises((ValueError, RecursionError)):
        read_json(tmp_path / "p.json", "p")
