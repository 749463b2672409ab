"""What a person reads where no Spark is to be had: one line, within seconds."""

from __future__ import annotations

import shutil
import socket

import commands
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import worlds

from heytalk_audit.errors import InputError
from heytalk_audit.snapshot import profile, spark_session
from heytalk_audit.snapshot.delivery import read_delivery
from heytalk_audit.snapshot.duck import Duck
from heytalk_audit.snapshot.elsewhere import refuse_rewritten
from heytalk_audit.snapshot.engines import connect
from heytalk_audit.snapshot.spark_session import check_reachable


@pytest.fixture
def silent_port():
    """A port of this machine at which nothing listens, and nothing will as long as it is bound."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@pytest.mark.parametrize("scheme", ["spark", "sc"])
def test_nothing_listens(scheme, silent_port, monkeypatch):
    pytest.importorskip("pyspark", reason="pyspark is not installed (make test EXTRAS=spark)")
    # Spark itself, which would try for a minute, and Connect for ten, is not asked
    monkeypatch.setattr(spark_session, "_get", lambda *_: pytest.fail("Spark was asked"))
    with pytest.raises(InputError, match=rf"engine {scheme}://127.0.0.1:{silent_port}: nothing listens there; .+"):
        connect(f"{scheme}://127.0.0.1:{silent_port}")


@pytest.mark.parametrize("url", ["spark://host", "spark://", "sc://", "spark://host:port", "spark://host:70000", "spark://a:7077,b"])
def test_an_address_without_host_or_port(url):
    with pytest.raises(InputError, match="names no host and port"):
        check_reachable(url)


def test_one_of_several_masters_is_enough(silent_port):
    with socket.socket() as master:
        master.bind(("127.0.0.1", 0))
        master.listen()
        port = master.getsockname()[1]
        check_reachable(f"spark://127.0.0.1:{silent_port},127.0.0.1:{port}")
        check_reachable(f"sc://127.0.0.1:{port}/;token=abc")


def test_a_token_in_an_address_is_not_shown(silent_port):
    with pytest.raises(InputError, match="nothing listens there") as refused:
        check_reachable(f"sc://127.0.0.1:{silent_port}/;use_ssl=true;token=abcdefg")
    assert "abcdefg" not in str(refused.value) and str(silent_port) in str(refused.value)


@pytest.mark.parametrize("scheme", ["spark", "sc"])
def test_a_run_is_refused_before_it_begins(scheme, silent_port, demo, tmp_path):
    done = commands.run(demo, tmp_path / "out", engine=f"{scheme}://127.0.0.1:{silent_port}")
    commands.refused(done, tmp_path / "out", "nothing listens there")


@pytest.mark.spark
@pytest.mark.xdist_group("spark-0")
def test_a_process_has_one_spark(spark):
    with pytest.raises(InputError, match="this process already runs Spark on local\\[2\\]"):
        connect("local[3]")


@pytest.fixture
def listening():
    """The address of a master that accepts connections, and says nothing."""
    with socket.socket() as master:
        master.bind(("127.0.0.1", 0))
        master.listen()
        yield f"spark://127.0.0.1:{master.getsockname()[1]}"


@pytest.mark.parametrize("name", ["staff.csv", "shipping.csv"])
def test_a_cluster_is_given_no_file_that_is_written_anew(name, listening, demo, tmp_path):
    """Of the contract or not: it would lie in a folder of this machine, and each executor would end with an error of its own."""
    folder = tmp_path / "snapshot"
    shutil.copytree(demo, folder)
    (folder / "staff.parquet").unlink()
    (folder / name).write_text("staff_id,role,started_at,left_at,last_training_at\ns1,agent,2020-01-01,,\n")
    done = commands.run(folder, tmp_path / "out", engine=listening)
    commands.refused(done, tmp_path / "out", f"engine {listening}: {name} is written anew on this machine")
    refuse_rewritten("local[2]", read_delivery(folder))


def test_instants_too_far_off_are_written_anew_too(tmp_path):
    folder = worlds.deliver(tmp_path / "s", worlds.tables_of([]))
    table = pq.read_table(folder / "users.parquet")
    never = pa.array([2**63 - 1], pa.int64()).cast(pa.timestamp("ms", "UTC"))
    pq.write_table(pa.table({"user_id": ["u1"], "purged_at": never}), folder / "users.parquet")
    delivered = read_delivery(folder)
    profiled = profile.take(delivered, tmp_path, Duck(folders=[tmp_path]))
    refuse_rewritten("duckdb", delivered, profiled)
    refuse_rewritten("sc://host", delivered)
    with pytest.raises(
        InputError, match=r"engine sc://host:15002: users\.parquet is written anew .* years 1 to 9999, or audit it with duckdb"
    ):
        refuse_rewritten("sc://host:15002/;token=secret", delivered, profiled)
    pq.write_table(table, folder / "users.parquet")
    refuse_rewritten("sc://host", read_delivery(folder), profile.take(read_delivery(folder), tmp_path, Duck(folders=[tmp_path])))
