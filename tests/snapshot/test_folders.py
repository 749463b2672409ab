"""What may lie in a snapshot's folder: files, folders of parts, and nothing that leads elsewhere or that another program must explain."""

from __future__ import annotations

import os
import socket

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import worlds

from heytalk_audit import contract
from heytalk_audit.errors import InputError
from heytalk_audit.snapshot.delivery import read_delivery
from heytalk_audit.snapshot.engines import connect
from heytalk_audit.snapshot.open import open_snapshot


@pytest.fixture
def folder(tmp_path):
    """A snapshot whose users are a folder of parts, with what Spark leaves beside them."""
    beside = [table.name for table in contract.load().values() if not table.required and table.name != "devices"]
    snapshot = worlds.deliver(tmp_path / "s", {}, absent=beside)
    users = pq.read_table(snapshot / "users.parquet").schema
    (snapshot / "users.parquet").unlink()
    (snapshot / "users" / "day=2025-03-01").mkdir(parents=True)
    rows = [pa.Table.from_pylist([{"user_id": id}], users) for id in ("u1", "u2")]
    pq.write_table(rows[0], snapshot / "users" / "part-0.parquet")
    # another writer, which has names in capitals
    pq.write_table(
        rows[1].rename_columns([c.upper() for c in users.names]), snapshot / "users" / "day=2025-03-01" / "part-1.snappy.PARQUET"
    )
    for name in ("_SUCCESS", "_committed_17", "_started_17", "_metadata", "_common_metadata", ".part-0.parquet.crc", "x.crc"):
        (snapshot / "users" / name).write_bytes(b"{}")
    return snapshot


def test_parts_are_read_and_what_writers_leave_is_passed_over(folder):
    engine = connect()
    snapshot = open_snapshot(folder, engine)
    assert sorted(engine.rows(snapshot.tables["users"].select("user_id")).user_id) == ["u1", "u2"]
    assert snapshot.delivery.unknown == {} and snapshot.profile["users"]["others"] == []


def _folder(name: str, *files: str):
    def make(folder):
        (folder / "users" / name).mkdir()
        for file in files:
            (folder / "users" / name / file).write_text("{}")

    return make


def _file(name: str):
    return lambda folder: (folder / name).write_bytes(b"{}")


def _socket(folder):
    here = os.getcwd()
    with socket.socket(socket.AF_UNIX) as one:
        # a path of a socket is short
        os.chdir(folder)
        try:
            one.bind("sock")
        finally:
            os.chdir(here)


REFUSED = {
    "a Delta table": (_folder("_delta_log"), "s/users: is a Delta table, whose folder also holds rows that are gone; export its current"),
    "an Iceberg table": (_folder("metadata", "v1.metadata.json"), "s/users: is an Iceberg table"),
    "a Hudi table": (_folder(".hoodie"), "s/users: is a Hudi table"),
    "a write that did not end": (_folder("_temporary", "0"), "s/users/_temporary: is left of a write that did not end"),
    "a folder that is no part": (_folder("old"), "s/users/old: is a folder that holds no parts"),
    "a hidden file": (_file("users/.part-9.parquet"), r"s/users/\.part-9\.parquet: is no part of a table"),
    "a file set apart": (_file("users/_part-9.parquet"), r"s/users/_part-9\.parquet: is no part of a table"),
    "rows as CSV beside parts": (_file("users/part-9.csv"), r"s/users/part-9\.csv: is no Parquet part"),
    "a table twice": (_file("USERS.csv"), r"users is delivered twice, as USERS\.csv and users"),
    "a folder for CSV": (lambda f: (f / "devices.parquet").unlink() or (f / "devices.csv").mkdir(), r"s/devices\.csv: is a folder"),
    "a folder without parts": (lambda f: (f / "devices.parquet").unlink() or (f / "devices").mkdir(), "s/devices: has no Parquet part"),
    "a named pipe": (lambda f: os.mkfifo(f / "events.csv"), r"s/events\.csv: is a named pipe; "),
    "a named pipe for a table": (lambda f: (f / "devices.parquet").unlink() or os.mkfifo(f / "devices.parquet"), "is a named pipe; "),
    "a named pipe among parts": (lambda f: os.mkfifo(f / "users" / "part-9.parquet"), r"s/users/part-9\.parquet: is a named pipe; "),
    "a socket": (_socket, "s/sock: is a socket; "),
    "a device": (lambda f: (f / "null.csv").symlink_to("/dev/null"), r"s/null\.csv: is a link that leads out of the folder; "),
    "a link out": (lambda f: (f / "users" / "part-9.parquet").symlink_to(f.parent), "is a link that leads out of the folder; "),
    "a link to nothing": (lambda f: (f / "x.csv").symlink_to("y.csv"), r"s/x\.csv: is a link that leads nowhere; "),
    "a link to itself": (lambda f: (f / "x.csv").symlink_to("x.csv"), r"s/x\.csv: is a link that leads nowhere; "),
}


@pytest.mark.parametrize("name", REFUSED)
def test_anything_else_is_refused_by_name_and_at_once(name, folder):
    make, hint = REFUSED[name]
    make(folder)
    with pytest.raises(InputError, match=hint):
        read_delivery(folder)


def test_a_column_in_the_names_of_folders_alone_is_missed(folder):
    part = folder / "users" / "part-0.parquet"
    (folder / "users" / "status=active").mkdir()
    for file in (part, folder / "users" / "day=2025-03-01" / "part-1.snappy.PARQUET"):
        table = pq.read_table(file, partitioning=None)
        pq.write_table(table.drop_columns([c for c in table.column_names if c.lower() == "status"]), file)
    part.rename(folder / "users" / "status=active" / "part-0.parquet")
    with pytest.raises(InputError, match="the column status is in the names of its folders alone; write status into the parts"):
        read_delivery(folder)


def test_a_link_within_the_folder_is_followed(folder):
    (folder / "v2").mkdir()
    (folder / "devices.parquet").rename(folder / "v2" / "devices.parquet")
    (folder / "devices.parquet").symlink_to("v2/devices.parquet")
    assert "devices" in read_delivery(folder).parts


def test_a_format_of_its_own_that_no_contract_knows_is_not_read(folder):
    (folder / "orders" / "_delta_log").mkdir(parents=True)
    pq.write_table(pa.table({"email": ["a@x.org"]}), folder / "orders" / "part-0.parquet")
    assert read_delivery(folder).unknown == {"orders": None}
