"""CSV in the forms that people write it in: the right value, a wrong value that is counted, or one line that says where and why."""

from __future__ import annotations

import json

import pyarrow.parquet as pq
import pytest
import worlds

from heytalk_audit import contract
from heytalk_audit.errors import InputError
from heytalk_audit.snapshot import csv_tables, profile
from heytalk_audit.snapshot.delivery import DeliveredPart
from heytalk_audit.snapshot.duck import Duck
from heytalk_audit.snapshot.engines import connect
from heytalk_audit.snapshot.open import open_snapshot

WRONG = object()
HEAD = "user_id,display_name,deleted_at,birth_date,is_test\n"
ROW = "u1,Ana,2025-03-01T12:00:00Z,1990-01-01,false\n"
ANA = ("u1", "Ana", "2025-03-01 12:00:00", "1990-01-01", "false")


@pytest.fixture(scope="module")
def duck(tmp_path_factory):
    return connect(folders=[tmp_path_factory.getbasetemp()])


def read(duck: Duck, folder, content: bytes | str, table: str = "users"):
    """The rows of a CSV file as text, with WRONG for what could not be read; one line of an error where it is refused."""
    file = folder / f"{table}.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    part = DeliveredPart(contract.load()[table], file, (file,), "csv", {})
    try:
        found = csv_tables.convert(duck, part, folder, folder)
    except InputError as error:
        return str(error)
    names = [c for c in found.columns if c in part.table]
    rows = pq.read_table(found.file).to_pylist()
    return [tuple(WRONG if row.get(f"unreadable_{n}") else _text(row[n]) for n in names) for row in rows]


def _text(value):
    if isinstance(value, list):
        return value
    text = None if value is None else str(value).removesuffix("+00:00")
    return text.lower() if text in ("True", "False") else text


FORMS = {
    "as it should be": HEAD + ROW,
    "no line end at the end": (HEAD + ROW).rstrip("\n"),
    "CRLF": (HEAD + ROW).replace("\n", "\r\n"),
    "carriage returns alone": (HEAD + ROW).replace("\n", "\r"),
    "UTF-8 with a mark": b"\xef\xbb\xbf" + (HEAD + ROW).encode(),
    "UTF-16, little end first": (HEAD + ROW).encode("utf-16"),
    "UTF-16, big end first": b"\xfe\xff" + (HEAD + ROW).encode("utf-16-be"),
    "UTF-16 without a mark": (HEAD + ROW).encode("utf-16-le"),
    "UTF-16 and CRLF": (HEAD + ROW).replace("\n", "\r\n").encode("utf-16"),
    "semicolons": (HEAD + ROW).replace(",", ";"),
    "tabs": (HEAD + ROW).replace(",", "\t"),
    "pipes": (HEAD + ROW).replace(",", "|"),
    "names in capitals": HEAD.upper() + ROW,
    "names in quotes": ",".join(f'"{name}"' for name in HEAD.strip().split(",")) + "\n" + ROW,
    "every value in quotes": HEAD + ",".join(f'"{value}"' for value in ROW.strip().split(",")) + "\n",
    "blank lines at the end": HEAD + ROW + "\n\n",
    "a blank line between": HEAD + "\n" + ROW,
    "a space for the T": HEAD + ROW.replace("T12", " 12"),
    "blanks round a time": HEAD + ROW.replace("2025-03-01T12:00:00Z", " 2025-03-01T12:00:00Z "),
}


@pytest.mark.parametrize("form", FORMS)
def test_forms_of_one_row(form, duck, tmp_path):
    assert read(duck, tmp_path, FORMS[form]) == [ANA]


#: By column of a table: what stands in the file, and what is read.
VALUES = {
    "users.display_name": [
        ("Ana", "Ana"),
        ("", None),
        ('""', ""),
        (" Ana ", " Ana "),
        ('"Ana, Ltd"', "Ana, Ltd"),
        ('"Ana ""the"" cat"', 'Ana "the" cat'),
        ('"two\nlines"', "two\nlines"),
        ('5" disk', '5" disk'),
        ("#7", "#7"),
        ("=1+1", "=1+1"),
        ("NULL", "NULL"),
        ("007", "007"),
        ("1e5", "1e5"),
        ("李娜 🙂", "李娜 🙂"),
        ("a\u2028b", "a\u2028b"),
    ],
    "users.deleted_at": [
        ("2025-03-01T12:00Z", "2025-03-01 12:00:00"),
        ("2025-03-01 12:00:00 UTC", "2025-03-01 12:00:00"),
        ("2025-03-01T12:00:00+05:30", "2025-03-01 06:30:00"),
        ("2025-03-01 12:00:00 -0800", "2025-03-01 20:00:00"),
        ("2025-03-01T12:00:00-05", "2025-03-01 17:00:00"),
        ("2025-03-01T12:00:00.123456Z", "2025-03-01 12:00:00.123456"),
        ("9999-12-31T23:59:59Z", "9999-12-31 23:59:59"),
        ("0001-01-01T00:00:00Z", "0001-01-01 00:00:00"),
        ("", None),
        ('""', None),
        ("2025-03-01", WRONG),
        ("2025-03-01T12:00:00", WRONG),
        ("9999-12-31T23:59:59-05:00", WRONG),
        ("0001-01-01T00:00:00+05:00", WRONG),
        ("infinity", WRONG),
        ("1740830400", WRONG),
        ("2025-02-30T12:00:00Z", WRONG),
        ("2025-03-01T12:00:00+25:00", WRONG),
        ("03/01/2025 12:00 PM", WRONG),
        (r"\N", WRONG),
    ],
    "users.birth_date": [
        ("1990-01-01", "1990-01-01"),
        ("1990-01-01 00:00:00", "1990-01-01"),
        ("1990-01-01 08:00:00", WRONG),
        ("01.01.1990", WRONG),
    ],
    "users.is_test": [("TRUE", "true"), ("0", "false"), ("maybe", WRONG)],
    "transactions.amount": [("12.5", "12.50"), ("1e2", "100.00"), ("NaN", WRONG), ("1_000", WRONG), ('"1,5"', WRONG), ("1" * 17, WRONG)],
    "disclosures.fields": [
        ('"[""a"",""b""]"', ["a", "b"]),
        ('"[a, b]"', ["a", "b"]),
        ("[]", []),
        ('"[""a"",null]"', ["a", None]),
        ('"[[""a""]]"', WRONG),
        ('"{""a"":1}"', WRONG),
        ("abc", WRONG),
        ('"{a,b}"', WRONG),
    ],
}


@pytest.mark.parametrize("place", VALUES)
def test_values(place, duck, tmp_path):
    table, _, column = place.partition(".")
    # one value that is right at the end: where none is, the column has another type
    right = next(text for text, value in VALUES[place] if value is not WRONG)
    lines = [f"k{n},{text}" for n, (text, _) in enumerate([*VALUES[place], (right, None)])]
    rows = read(duck, tmp_path, f"{contract.load()[table].key},{column}\n" + "\n".join(lines) + "\n", table)
    assert [row[1] for row in rows[:-1]] == [value for _, value in VALUES[place]]


REFUSED = {
    "nothing in it": ("", "line 1, column 1: the file is empty"),
    "another encoding": (HEAD.encode() + ROW.encode() + b"u2,Jos\xe9,,,\n", "line 3, column 2: the encoding is not UTF-8"),
    "half a UTF-16": ((HEAD + ROW).encode("utf-16")[:-1], "line 2, column 1: the file is no UTF-16"),
    "a Parquet file": (b"PAR1\x00\x00", "line 1, column 1: the file is Parquet, and no text"),
    "a spreadsheet": (b"PK\x03\x04\x00", "line 1, column 1: the file is zip"),
    "too few fields": (HEAD + ROW + "u2,Bo\n", "line 3, column 2: too few fields: 2, where the first line has 5 (comma)"),
    "too many fields": (HEAD + "u2,Doe, Bo,,,\n", "line 2, column 6: too many fields: 6"),
    "a quote that stays open": (HEAD + 'u2,"Bo,,,\n' + ROW, "line 2, column 2: the quote that opens here is never closed"),
    "text behind a quote": (HEAD + 'u2,"Bo" Doe,,,\n', "line 2, column 2: text follows the quote"),
    "a quote behind a backslash": (HEAD + 'u2,"Bo \\"B\\" Doe",,,\n', "line 2, column 2: text follows the quote"),
    "line ends that differ": (HEAD + ROW + ROW.replace("\n", "\r\n") + ROW, "line 3, column 5: the line ends otherwise than the first"),
    "a return within a value": (HEAD + "u2,B\ro,,,\n", "line 2, column 2: a carriage return"),
    "another delimiter": (HEAD.replace(",", "^") + ROW, "line 1, column 1: the first line has one field"),
    "no names": (ROW, "line 1, column 1: the first line names no column"),
    "a name twice": (HEAD.replace("display_name", "USER_ID") + ROW, "line 1, column 2: the column has the name of column 1"),
    "no name": (HEAD.replace("display_name", "") + ROW, "line 1, column 2: the column has no name"),
    "a line end in a name": (
        HEAD.replace("display_name", '"display\rname"') + ROW,
        "line 1, column 2: the column's name holds the end of a line",
    ),
    "another line end in a name": (
        HEAD.replace("display_name", '"display\nname"') + ROW,
        "line 1, column 2: the column's name holds the end",
    ),
    "the name of a mark": (HEAD.replace("display_name", "Unreadable_x") + ROW, "line 1, column 2: the column has a name that begins with"),
    "a long line": (HEAD + "u2," + "x" * 2_100_000 + ",,,\n", "line 2, column 1: the line is longer than 2,000,000 bytes"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_one_line_with_its_place_and_cause(name, duck, tmp_path):
    content, hint = REFUSED[name]
    line = read(duck, tmp_path, content)
    assert isinstance(line, str) and line.startswith(f"snapshot {tmp_path.name}/users.csv: {hint}"), line
    assert not any(value in line for value in ("Jos", "Doe", "Bo,", "Ana", "u2"))
    causes = {hint.partition(": ")[2] for _, hint in REFUSED.values()}
    assert len(causes) >= 14


def test_wrong_values_are_counted_and_end_nothing(duck, tmp_path):
    """Of ten values one is none: the column is opened, its row is marked, and the nulls are those of the file."""
    worlds.deliver(tmp_path, {})
    rows = [f"u{n},2025-03-{n + 1:02}T00:00:00Z,active\n" for n in range(10)] + ["u10,soon,active\n", "u11,,active\n"]
    (tmp_path / "users.parquet").unlink()
    (tmp_path / "users.csv").write_text("User_ID,created_at,status\n" + "".join(rows))
    (tmp_path / "work").mkdir()
    snapshot = open_snapshot(tmp_path, duck, tmp_path / "work")
    state = snapshot.profile["users"]["columns"]["created_at"]
    assert (state["status"], state["unreadable"], state["nulls"]) == (profile.WRONG_VALUES, 1, 1)
    assert (snapshot.profile["users"]["min_ts"], snapshot.profile["users"]["others"]) == ("2025-03-01T00:00:00Z", [])
    assert "unreadable_created_at" not in snapshot.tables["users"].columns
    marked = snapshot.marked["users"]
    assert duck.rows(marked.filter(marked.unreadable_created_at).select("user_id")).user_id.tolist() == ["u10"]
    assert json.loads((tmp_path / "work" / profile.FILE).read_text("utf-8"))["users"]["rows"] == 12


def test_names_of_any_letters_are_columns(duck, tmp_path):
    """What the contract does not know is kept as it is named, for the detectors."""
    (tmp_path / "users.csv").write_text('user_id,"a\'b","a""b",é {x}\nu1,1,2,3\n')
    part = DeliveredPart(contract.load()["users"], tmp_path / "users.csv", (tmp_path / "users.csv",), "csv", {})
    found = csv_tables.convert(duck, part, tmp_path, tmp_path)
    assert pq.read_table(found.file).to_pylist() == [{"user_id": "u1", "a'b": "1", 'a"b': "2", "é {x}": "3"}]


def test_a_column_of_which_no_value_fits_is_of_another_type_and_is_kept_as_text(duck, tmp_path):
    rows = read(duck, tmp_path, "user_id,deleted_at\nu1,2025-03-29\nu2,2025-03-30\n")
    assert rows == [("u1", "2025-03-29"), ("u2", "2025-03-30")]
