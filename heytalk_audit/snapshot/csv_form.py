"""What form a CSV file has: its encoding, its delimiter, the names of its columns. Nothing of it is guessed by an engine."""

from __future__ import annotations

import codecs
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from heytalk_audit.snapshot import folders
from heytalk_audit.snapshot.folders import folded
from heytalk_audit.snapshot.quoting import literal, name

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
#: Bytes of the longest line, and of the longest head of a file that is looked at.
LONGEST = 2_000_000
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
#: How files begin that are no text, and what they are.
_BINARY = ((b"PAR1", "Parquet"), (b"PK\x03\x04", "zip (as of a spreadsheet)"), (b"\x1f\x8b", "gzip"), (b"\x28\xb5\x2f\xfd", "zstd"))


class CsvFault(Exception):
    """Why a CSV file can't be read: the line and the column where it shows (both from 1), the cause, and what to do about it.

    Nothing of the file is quoted.
    """

    def __init__(self, line: int, column: int | str, cause: str, todo: str):
        super().__init__(cause)
        self.cause, self.todo = f"line {line}, column {column}: {cause}", todo


@dataclass(frozen=True)
class CsvForm:
    """A CSV file that can be read: where it lies as UTF-8, its delimiter, and its columns, by the contract's names where it has them."""

    file: Path
    delimiter: str
    columns: tuple[str, ...]

    @property
    def source(self) -> str:
        """The rows in SQL of DuckDB, all text: an unquoted empty field is null, a quoted one an empty string."""
        return self._source(self.columns, "nullstr = '', allow_quoted_nulls = false")

    @property
    def surplus(self) -> str:
        """How many records have an empty field more than the first line, in SQL: DuckDB lets that pass, and moves what follows a delimiter
        within a value to the next column."""
        beyond = "".join(self.columns) + "beyond"
        # what is padded is null, what is empty is not
        source = self._source((*self.columns, beyond), "nullstr = '\x01\x02', null_padding = true, parallel = false")
        return f"SELECT count({name(beyond)}) FROM {source}"

    def _source(self, names: tuple[str, ...], nulls: str) -> str:
        columns = ", ".join(f"{literal(c)}: 'VARCHAR'" for c in names)
        form = f"header = true, auto_detect = false, delim = {literal(self.delimiter)}, quote = '\"', escape = '\"'"
        return f"read_csv({literal(self.file)}, columns = {{{columns}}}, {form}, {nulls}, strict_mode = true, max_line_size = {LONGEST})"


def form_of_csv(file: Path, contract_names: Collection[str], work: Path) -> CsvForm:
    """The form of a CSV file. One in UTF-16 is written to the folder `work` as UTF-8. Raises CsvFault.

    Of a table of the contract, `contract_names` are the columns, of which the file must have one; of any other there are none.
    """
    with file.open("rb") as opened:
        head = opened.read(LONGEST)
    _refuse_binary(head)
    encoding = _encoding(head)
    if encoding.startswith("utf-16"):
        file = _as_utf8(file, encoding, work)
        with file.open("rb") as opened:
            head = opened.read(LONGEST)
    text = head.decode("utf-8-sig", "replace")
    if not text.strip():
        raise CsvFault(1, 1, "the file is empty", "write a line with the names of the columns, even where there are no rows")
    by_key = {folded(column): column for column in contract_names}
    fields = {delimiter: _first_record(text, delimiter) for delimiter in DELIMITERS}
    delimiter = max(DELIMITERS, key=lambda d: (sum(folded(column) in by_key for column in fields[d]), len(fields[d])))
    return CsvForm(file, delimiter, _names(fields[delimiter], by_key))


def _refuse_binary(head: bytes) -> None:
    for magic, what in _BINARY:
        if head.startswith(magic):
            raise CsvFault(1, 1, f"the file is {what}, and no text", "deliver it as plain CSV, or as Parquet under a name that ends so")


def _encoding(head: bytes) -> str:
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    if head[1:2] == b"\0" or head[:1] == b"\0":
        return "utf-16-le" if head[1:2] == b"\0" else "utf-16-be"
    return "utf-8"


def _as_utf8(file: Path, encoding: str, work: Path) -> Path:
    """A file in UTF-16 as UTF-8, in a folder of the audit's own."""
    target, line = work / f"{file.stem}.utf-8.csv", 1
    decoder = codecs.getincrementaldecoder(encoding)()
    with file.open("rb") as opened, target.open("w", encoding="utf-8", newline="") as written:
        while True:
            block = opened.read(1 << 20)
            try:
                text = decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                line += error.object[: error.start].decode(encoding, "ignore").count("\n")
                raise CsvFault(line, 1, "the file is no UTF-16 from here on", "deliver it as UTF-8") from error
            line += text.count("\n")
            written.write(text)
            if not block:
                return target


def _first_record(text: str, delimiter: str) -> list[str]:
    """The fields of the first record, which may have quotes and line ends within them."""
    fields, field, quoted = [], "", False
    for position, character in enumerate(text):
        if character == '"':
            # of two quotes within quotes the first closes and the second opens: the field has one of them
            quoted = not quoted
            field += '"' if quoted and position and text[position - 1] == '"' else ""
        elif quoted or character not in (delimiter, "\n", "\r"):
            field += character
        else:
            fields.append(field)
            field = ""
            if character != delimiter:
                return fields
    return [*fields, field]


def _names(fields: list[str], by_key: dict[str, str]) -> tuple[str, ...]:
    """The names of columns in the header, by the contract's. Raises CsvFault where they can't be used."""
    for number, field in enumerate(fields, 1):
        if not field.strip():
            raise CsvFault(
                1, number, "the column has no name", "name every column once in the first line, and end no line with a delimiter"
            )
        if "\n" in field or "\r" in field:
            # where it is not how the file's lines end, an engine takes all that follows for the header
            raise CsvFault(1, number, "the column's name holds the end of a line", "name it on one line")
    twice = folders.alike(fields)
    if twice:
        raise CsvFault(1, twice[0], f"the column has the name of column {twice[1]}, or differs by case alone", "rename one of them")
    if by_key and not any(folded(field) in by_key for field in fields):
        if len(fields) == 1:
            todo = f"separate columns by {', '.join(DELIMITERS.values())}"
            raise CsvFault(1, 1, "the first line has one field, and no delimiter that is known", todo)
        raise CsvFault(1, 1, "the first line names no column of the contract", "name the columns there, as the contract does")
    return tuple(by_key.get(folded(field), field) for field in fields)
