"""What an audit may use of the machine, where it spills, and that nothing of it is left, however it ends."""

from __future__ import annotations

import signal
import stat
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
import yaml
from commands import begun, heytalk_audit, params, refused, run, wait_for

from heytalk_audit.catalogue import rules_of
from heytalk_audit.params import EngineParams, Params
from heytalk_audit.policy.chapters import CHAPTERS, SUMMARY
from heytalk_audit.running.execute import _connections
from heytalk_audit.running.order import longest_first
from heytalk_audit.running.session import WORK, Session
from heytalk_audit.running.share import write_share
from heytalk_audit.snapshot.budget import Budget, budget_of, memory_of
from heytalk_audit.snapshot.duck import Duck

SECRET = "Kanarienvogel"


def setting(duck: Duck, name: str) -> str:
    return str(duck.backend.con.execute(f"SELECT current_setting('{name}')").fetchall()[0][0])


# what is divided -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "limit"), [("4GB", 4 * 1000**3), ("1.5 GiB", 3 * 1024**3 // 2), ("512mb", 512 * 1000**2)])
def test_a_limit_of_memory_is_read(text, limit):
    assert memory_of(text) == limit


@pytest.mark.parametrize("text", ["", "4", "10MB", "80%", "-1", "none", "GB", "4 apples", None])
def test_what_is_no_usable_limit_is_none(text):
    assert memory_of(text) is None


def test_kernels_divide_memory_and_threads_and_one_alone_has_all(tmp_path):
    budget = budget_of({"memory_limit": "4GB", "threads": 3}, tmp_path)
    assert budget.share(1) == {"memory_limit": "4000000000B", "threads": 3, "temp_directory": str(tmp_path)}
    assert budget.share(2) == {"memory_limit": "2000000000B", "threads": 1, "temp_directory": str(tmp_path)}
    assert budget.share(8)["threads"] == 1


def test_without_a_limit_all_connections_together_stay_below_what_one_takes_by_itself(tmp_path):
    with closing(Duck()) as alone:
        by_itself = memory_of(setting(alone, "memory_limit"))
    assert 2 * memory_of(budget_of({}, tmp_path).share(2)["memory_limit"]) < by_itself


def test_the_summary_shares_with_the_earlier_snapshot_alone():
    document = {"audit": {"id": "test"}, "snapshot": "nowhere"}
    plain, followed = Params(**document), Params(**document, previous="a", previous_snapshot="b")
    chapters = list(CHAPTERS.values())
    assert _connections(plain, chapters, 2) == 2
    assert _connections(plain, chapters[:1], 2) == 1
    assert [_connections(p, [SUMMARY], 2) for p in (plain, followed)] == [1, 2]


def test_a_kernel_has_its_share_and_not_what_a_person_wrote(demo, tmp_path, monkeypatch):
    work = tmp_path / "work"
    work.mkdir()
    write_share(Budget(1024**3, 2, work), 2, work)
    monkeypatch.setenv(WORK, str(work))
    session = Session(params(tmp_path, demo, engine={"url": "duckdb", "options": {"memory_limit": "1GiB"}}))
    engine = session.audit.snapshot.engine
    assert (setting(engine, "memory_limit"), setting(engine, "threads")) == ("512.0 MiB", "1")
    assert Path(setting(engine, "temp_directory")).parent == work
    assert session.params.engine.options == {"memory_limit": "1GiB"}


def test_chapters_that_read_most_begin_first():
    chapters = list(CHAPTERS.values())
    small = {"users": {"bytes": 10}}
    assert longest_first(chapters, [], small)[0].name == max(chapters, key=lambda c: len(rules_of(c.name))).name
    large = small | {"traffic_events": {"bytes": 10**11}, "staff": {"bytes": 10**9}}
    assert longest_first(chapters, ["SEC-04", "RET-07", "RET-01"], large)[0].name == "retention"
    assert longest_first(chapters, ["SEC-04", "RET-01"], large)[0].name == "security"


# what parameters may not set -------------------------------------------------------------------------

REFUSED = {
    "encryption": ({"url": "duckdb", "options": {"temp_file_encryption": "false"}}, "temp_file_encryption"),
    "zone": ({"url": "duckdb", "options": {"TimeZone": "Asia/Shanghai"}}, "TimeZone"),
    "extensions": ({"url": "duckdb", "options": {"allow_unsigned_extensions": "true"}}, "allow_unsigned_extensions"),
    "memory": ({"url": "duckdb", "options": {"memory_limit": "plenty"}}, "4GB"),
    "threads": ({"url": "duckdb", "options": {"threads": 0}}, "threads"),
    "folder": ({"url": "duckdb", "options": {"temp_directory": "/nowhere"}}, "temp_directory"),
    "zone of Spark": ({"url": "local[2]", "options": {"spark.sql.session.timeZone": "Asia/Shanghai"}}, "timeZone"),
    "option of DuckDB": ({"url": "local[2]", "options": {"memory_limit": "4GB"}}, "memory_limit"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_options_that_decide_on_results_or_leave_the_machine_are_refused(name, demo, tmp_path):
    engine, hint = REFUSED[name]
    refused(heytalk_audit("run", params(tmp_path, demo, engine=engine), "--out", tmp_path / "out"), tmp_path / "out", hint)


def test_options_of_spark_are_its_own():
    assert EngineParams(url="local[2]", options={"spark.driver.memory": "2g"}).options == {"spark.driver.memory": "2g"}


# where it spills -------------------------------------------------------------------------------------


def test_what_is_spilled_is_private_encrypted_and_gone_in_the_end(tmp_path):
    duck = Duck({"memory_limit": "100MB", "threads": 1, "temp_directory": str(tmp_path)})
    duck.backend.raw_sql(f"CREATE TEMP TABLE spilled AS SELECT '{SECRET}' || i || repeat('x', 100) AS s FROM range(1500000) r(i)")
    (folder,) = tmp_path.iterdir()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    files = [p for p in folder.rglob("*") if p.is_file()]
    assert sum(p.stat().st_size for p in files) > 10_000_000
    assert not any(SECRET.encode() in p.read_bytes() or SECRET in p.name for p in files)
    assert duck.backend.con.execute(f"SELECT count(*) FROM spilled WHERE s LIKE '{SECRET}%'").fetchall() == [(1500000,)]
    duck.close()
    assert list(tmp_path.iterdir()) == []


def test_no_extension_is_fetched():
    with closing(Duck()) as duck:
        names = ("autoinstall_known_extensions", "autoload_known_extensions", "allow_community_extensions", "allow_unsigned_extensions")
        assert {setting(duck, name) for name in names} == {"False"}


def test_a_run_records_its_limits_as_written_and_no_folder_and_leaves_none(demo, tmp_path):
    spill = tmp_path / "spill"
    spill.mkdir()
    options = {"memory_limit": "512MB", "threads": 2, "temp_directory": str(spill)}
    done = run(demo, tmp_path / "out", engine={"url": "duckdb", "options": options}, chapters=["retention"], rules=["RET-07"])
    assert done.returncode == 1, done.stderr
    kept = yaml.safe_load((tmp_path / "out" / "inputs" / "parameters.yaml").read_text("utf-8"))
    assert "engine" not in kept
    assert str(spill) not in (tmp_path / "out" / "evidence.json").read_text("utf-8")
    assert list(spill.iterdir()) == []


# however it ends -------------------------------------------------------------------------------------


def _of_run(tmp_path: Path) -> list[int]:
    """Processes whose environment names the run's folder for temporary files."""
    mark, running = f"TMPDIR={tmp_path / 'tmp'}".encode(), []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                running.append(int(folder.name))
        except OSError:
            continue
    return running


@pytest.mark.skipif(sys.platform != "linux", reason="kernels are ended by the process that they are forks of")
@pytest.mark.parametrize(("signum", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)])
def test_a_run_that_is_ended_leaves_nothing_behind(signum, status, demo, tmp_path):
    process = begun(demo, tmp_path)
    process.send_signal(signum)
    ended = time.monotonic()
    if signum != signal.SIGKILL:
        # a person who is impatient asks twice
        time.sleep(0.05)
        process.send_signal(signum)
    _, stderr = process.communicate(timeout=120)
    assert process.returncode == status and time.monotonic() - ended < 30  # 5 s on a machine that does nothing else
    if signum != signal.SIGKILL:
        assert stderr.split("\n") == ["stopped; nothing was written", ""]
    wait_for(lambda: not _of_run(tmp_path), 60)
    assert list((tmp_path / "tmp").iterdir()) == []
    assert not (tmp_path / "out").exists()
