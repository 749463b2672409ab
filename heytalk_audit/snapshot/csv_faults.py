"""What is wrong with a CSV file that the engine refuses: the first fault, its line and column. The file is read once more for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from heytalk_audit.snapshot.csv_form import DELIMITERS, LONGEST, CsvFault, CsvForm

#: What follows a field within a line: the next one, more of a quoted one on the next line, or the end of the record.
_NEXT, _WITHIN, _END = "next", "within", "end"


def fault_of_csv(form: CsvForm) -> CsvFault | None:
    """The first fault of a file; null where none is seen."""
    with form.file.open("rb") as file:
        try:
            _Reader(form).read(_lines(file.read(LONGEST), form.file))
        except CsvFault as fault:
            return fault
    return None


def _lines(head: bytes, file: Path) -> Iterator[bytes]:
    """Lines with their ends: a file of an old Mac, which has no other, ends them with a carriage return."""
    if b"\r" in head and b"\n" not in head:
        yield from file.read_bytes().replace(b"\r", b"\n").splitlines(keepends=True)
        return
    with file.open("rb") as opened:
        while line := opened.readline(LONGEST + 1):
            yield line


@dataclass
class _Reader:
    """Follows the fields of a file. `begun` is the line where the record began, `opened` the line and field of an open quote."""

    form: CsvForm
    number: int = 0
    fields: int = 0
    begun: int = 1
    opened: tuple[int, int] | None = None
    end: str = ""

    def read(self, lines: Iterator[bytes]) -> None:
        """Read to the end. Raises CsvFault."""
        for raw in lines:
            self.number += 1
            if not self.opened:
                self.begun, self.fields = self.number, 0
            if len(raw) > LONGEST:
                raise CsvFault(
                    self.number, self.fields + 1, f"the line is longer than {LONGEST:,} bytes", "close a quote before it, or split it"
                )
            text = self._decoded(raw)
            line = text.rstrip("\r\n")
            if not self.opened and not line:
                continue  # a blank line holds nothing
            if self._ends(line):
                self._check(text[len(line) :])
        if self.opened:
            line_number, column = self.opened
            raise CsvFault(
                line_number, column, "the quote that opens here is never closed", "close it, and double the quotes within a value"
            )

    def _decoded(self, raw: bytes) -> str:
        try:
            return raw.decode("utf-8-sig" if self.number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            column = self.fields + raw[: error.start].count(self.form.delimiter.encode()) + 1
            todo = "write the file as UTF-8 or UTF-16 (it may be Windows-1252 or Latin-1)"
            raise CsvFault(self.number, column, "the encoding is not UTF-8: a byte is none of a character", todo) from error

    def _ends(self, line: str) -> bool:
        """Follow one line; whether the record ends with it."""
        if '"' not in line and not self.opened:
            self._refuse_return(line)
            self.fields = line.count(self.form.delimiter) + 1
            return True
        place = 0
        while True:
            place, follows = self._field(line, place)
            if follows == _WITHIN:
                return False
            self.fields += 1
            if follows == _END:
                return True

    def _field(self, line: str, place: int) -> tuple[int, str]:
        """Follow one field from its place in a line; where the next begins, and what follows."""
        if not self.opened:
            bare = line[place:].lstrip(" ")
            if not bare.startswith('"'):
                after = line.find(self.form.delimiter, place)
                self._refuse_return(line[place : after if after >= 0 else None])
                return (after + 1, _NEXT) if after >= 0 else (len(line), _END)
            self.opened, place = (self.number, self.fields + 1), len(line) - len(bare) + 1
        while (place := line.find('"', place)) >= 0 and line[place + 1 : place + 2] == '"':
            place += 2
        if place < 0:
            return 0, _WITHIN
        self.opened = None
        rest = line[place + 1 :].lstrip(" ")
        if not rest:
            return len(line), _END
        if rest[0] != self.form.delimiter:
            todo = "double the quotes within a value, and quote the whole of it"
            raise CsvFault(self.number, self.fields + 1, "text follows the quote that closes the value", todo)
        return len(line) - len(rest) + 1, _NEXT

    def _refuse_return(self, text: str) -> None:
        if "\r" in text:
            column = self.fields + text[: text.index("\r")].count(self.form.delimiter) + 1
            raise CsvFault(self.number, column, "a carriage return stands in a value without quotes", "quote the value")

    def _check(self, end: str) -> None:
        """Refuse a record that has not the header's number of fields, or ends otherwise than the first."""
        expected, first = len(self.form.columns), self.end or end
        self.end = first
        if self.fields != expected:
            few_or_many = "few" if self.fields < expected else "many"
            column = min(self.fields, expected) + (self.fields > expected)
            cause = f"too {few_or_many} fields: {self.fields}, where the first line has {expected} ({DELIMITERS[self.form.delimiter]})"
            todo = "quote values that hold a delimiter, a quote or a line end" if self.fields > expected else "write every field, if empty"
            raise CsvFault(self.begun, column, cause, todo)
        if end and end != first:
            raise CsvFault(self.number, self.fields, "the line ends otherwise than the first (LF or CRLF)", "end all lines alike")
