"""A pack is not obeyed: what it names is passed over, what it holds is bounded, and a zip of one is read in a folder of its own."""

from __future__ import annotations

import json
import os
import random
import shutil
import stat
import zipfile
from pathlib import Path

import pytest
import yaml
from commands import heytalk_audit, run
from torture import pack_ways, packs

from heytalk_audit.errors import InputError
from heytalk_audit.evidence import inventory as bounds
from heytalk_audit.evidence.opened import opened_pack
from heytalk_audit.evidence.verify import PackState, pack_standing, verify_pack

pytestmark = pytest.mark.xdist_group("hostile")
SOME = {"chapters": ["evidence", "retention"], "rules": ["DQ-03", "RET-01", "RET-07"]}


@pytest.fixture(scope="module")
def base(tmp_path_factory, demo):
    """A signed run of some rules, a bag, sign-offs and a custody log, as `packs` breaks them."""
    folder = tmp_path_factory.mktemp("hostile") / "base"
    folder.mkdir()
    shutil.copytree(demo, folder / "demo")
    for name in ("key", "key2"):
        pack_ways.new_key(folder / name)
    assert run(demo, folder / "run", **SOME, signing={"key": str(folder / "key")}).returncode == 1
    pack_ways.completed(folder)
    return folder


def test_hostile_packs_end_in_one_line(base):
    # every way twice, and no more: by hand, thousands
    report = packs.run(600, 5, base, most=2 * len(pack_ways.WAYS))
    assert report.failed == [] and report.held == report.tried == 2 * len(pack_ways.WAYS)


def test_a_pack_that_names_an_engine_paths_and_keys_is_read_without(base, demo, tmp_path):
    run_ = tmp_path / "run"
    shutil.copytree(base / "run", run_)
    file = run_ / "inputs" / "parameters.yaml"
    hostile = {
        "engine": "spark://evil.example:7077",
        "report": {"audience": "internal", "key_env": "HOME"},
        "signing": {"key": "/root/.ssh/id_ed25519"},
        "accepted": "../../../../etc/passwd",
        "policy": {"name": "/etc"},
    }
    file.write_text(yaml.safe_dump(yaml.safe_load(file.read_text("utf-8")) | hostile), "utf-8")
    pack_ways.resealed(run_)
    done = heytalk_audit("replay", run_, "--snapshot", demo)
    notes = [line for line in done.stderr.splitlines() if line.startswith("note: the pack names")]
    assert len(notes) == 1 and all(name in notes[0] for name in ("engine", "signing", "report.key_env", "accepted", "policy.name"))
    # it was recomputed here, with the person's own key: the data say the same, and the forged parameters are no run's
    assert done.returncode == 1 and "verdicts, ledgers and exception rows are equal" in done.stdout
    assert "differs: inputs/parameters.yaml: differs" in done.stdout and "Traceback" not in done.stderr


def test_a_zip_of_a_run_is_read_like_the_run(base, demo, tmp_path):
    for pack in ("run", "bag"):
        shutil.make_archive(str(tmp_path / pack), "zip", base, pack)
        shutil.make_archive(str(tmp_path / f"{pack}-flat"), "zip", base / pack)
        for name in (f"{pack}.zip", f"{pack}-flat.zip"):
            done = heytalk_audit("verify", tmp_path / name, "--signers", base / "signers", env={"TMPDIR": str(tmp_path / "tmp")})
            assert done.returncode == 0 and "signed by ann" in done.stdout, done.stderr
    zipped = tmp_path / "run.zip"
    done = heytalk_audit("diff", zipped, base / "run")
    assert done.returncode == 0 and "nothing changed" in done.stdout
    done = heytalk_audit("replay", zipped, "--snapshot", demo)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, f"{zipped}: identical"), done.stderr
    done = heytalk_audit("export", zipped, "--format", "csv")
    assert done.returncode == 0 and (tmp_path / "run.exports" / "findings.csv").exists()
    # the sign-off of the run lies beside its zip under the same name
    shutil.copytree(base / "run.sign-off", tmp_path / "run.sign-off")
    assert "signed off by its reviewer: Bo" in heytalk_audit("verify", zipped).stdout
    (tmp_path / "run.sign-off" / "reviewer.json.sig").unlink()
    assert heytalk_audit("verify", zipped).returncode == 1


def test_a_zip_is_unpacked_privately_and_only_where_its_list_is_a_packs(base, tmp_path):
    zipped = Path(shutil.make_archive(str(tmp_path / "run"), "zip", base, "run"))
    with opened_pack(zipped) as folder:
        assert stat.S_IMODE(folder.parent.stat().st_mode) == 0o700 and (folder / "evidence.json").is_file()
    assert not folder.parent.exists()
    for name in ("../out", "/tmp/out", "run\\..\\out", "run/../../out", "C:/x", "run//x", "run/\x1b[2J"):
        shutil.copy(zipped, tmp_path / "bad.zip")
        with zipfile.ZipFile(tmp_path / "bad.zip", "a") as archive:
            archive.writestr(name, b"x")
        with pytest.raises(InputError, match="leads elsewhere"), opened_pack(tmp_path / "bad.zip"):
            pass
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("run/evidence.json", b"\0" * 50_000_000)
    with pytest.raises(InputError, match="grows"), opened_pack(tmp_path / "bomb.zip"):
        pass
    assert pack_standing(tmp_path / "bomb.zip").state is PackState.UNREADABLE
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bad.zip", "bomb.zip", "run.zip"]


def test_what_is_no_file_is_named_and_never_opened(base, tmp_path):
    shutil.copytree(base / "run", tmp_path / "run")
    shutil.copytree(tmp_path / "run", tmp_path / "kept")
    for name in ("index.html", "results.json", "evidence.json", "evidence.sig", "exceptions/RET-01.parquet"):
        file = tmp_path / "run" / name
        for put in (os.mkfifo, lambda path: path.symlink_to("/dev/zero")):
            file.unlink()
            put(file)
            assert [fault.file for fault in verify_pack(tmp_path / "run").faults] == [name]
            file.unlink()
            shutil.copy(tmp_path / "kept" / name, file)
    (tmp_path / "run" / "data").symlink_to(tmp_path / "kept")
    assert [fault.file for fault in verify_pack(tmp_path / "run").faults] == ["data"]


def test_a_pack_is_bounded_before_it_is_read(base, tmp_path, monkeypatch):
    shutil.copytree(base / "run", tmp_path / "run")
    with (tmp_path / "run" / "large").open("wb") as handle:
        handle.truncate(bounds.MOST_IN_FILE + 1)
    with pytest.raises(InputError, match="is larger than"):
        verify_pack(tmp_path / "run")
    (tmp_path / "run" / "large").unlink()
    (tmp_path / "run" / "/".join("d" * (bounds.MOST_LEVELS + 2))).mkdir(parents=True)
    with pytest.raises(InputError, match="lies deeper"):
        verify_pack(tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "d")
    monkeypatch.setattr(bounds, "MOST_FILES", 5)
    with pytest.raises(InputError, match="more than 5 files"):
        verify_pack(tmp_path / "run")


def test_changed_bytes_never_pass_for_unchanged(base):
    report = packs.flips(600, 3, base, most=60)
    assert report.failed == [] and report.held == 60


def test_decisions_of_a_pack_name_no_file(base, tmp_path):
    """A register in a pack that names evidence outside of it: only what the run has kept of it counts."""
    i = pack_ways.Input(base, tmp_path / "i", random.Random(1))
    register = {"id": "a", "rule": "RET-01", "reason": "x", "decision": "breach", "ground": "g", "decided_by": "A", "confirmed_by": "B"}
    register |= {"decided_on": "2025-04-01", "max_rows": 1, "evidence": "../../../../etc/passwd"}
    (i.run / "inputs" / "decisions.yaml").write_text(yaml.safe_dump({"decisions": [register]}), "utf-8")
    file = i.run / "inputs" / "parameters.yaml"
    pack_ways.put(file, yaml.safe_dump(yaml.safe_load(file.read_text("utf-8")) | {"decisions": "decisions.yaml"}).encode())
    pack_ways.resealed(i.run)
    done = heytalk_audit("replay", i.run, "--snapshot", base / "demo")
    assert done.returncode == 2 and "evidence" in done.stderr and "no such file" in done.stderr
    assert json.loads((i.run / "evidence.json").read_bytes())["format"] == 2
