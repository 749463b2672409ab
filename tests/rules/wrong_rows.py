"""What becomes of wrong values, read a second time: a row of the population that holds one is unknown, elsewhere it reads as null."""

from __future__ import annotations

import copy
import datetime as dt
import itertools

from heytalk_audit import contract

WRONG = ("unknown", "wrong_value", None, None)
#: So many worlds at most are tried, in which the wrong values are others that are right: one for each that a row may have.
TRIED = 150
#: Columns that a reading reads before it comes to the rule.
READ_BEFORE = {"SHA-01": {("vendors", "name"), ("vendors", "aliases")}}
#: Columns that say whose row it is: a rule that reads them for this alone does not read them.
WHOSE = {"user_id", "is_test"}
READ_WHOSE = {"PRM-04": {"user_id"}, "RGT-09": {"user_id"}, "SHA-04": {"user_id"}}
#: Columns that one condition of a population reads together: where one is wrong, it holds.
TOGETHER = {"MOD-01": {"visibility": "effective_visibility", "effective_visibility": "visibility"}}


class _Row(dict):
    """A row that remembers which of its table's columns were read."""

    def __init__(self, row, table, read):
        super().__init__(row)
        self.table, self.columns_read = table, read

    def __getitem__(self, column):
        self.columns_read.add((self.table, column))
        return super().__getitem__(column)

    def get(self, column, default=None):
        self.columns_read.add((self.table, column))
        return super().get(column, default)


def is_unknown(column, value):
    """Whether an enum does not know a value; an empty string breaks no contract."""
    return bool(column.values) and value is not None and value not in ("", *column.values)


def is_wrong(column, value):
    """Whether a value is a null where none may be, or one that its enum does not know."""
    return is_unknown(column, value) or (value is None and column.required)


class WrongValues:
    """A second reading of a world with wrong values: `expected(rule)` as that of the reading without them."""

    def __init__(self, world, reading):
        self.world, self.reading, self.declared = world, reading, contract.load()

    def _world(self, rows):
        changed = copy.copy(self.world)
        changed.rows = rows
        return changed

    def _nulls(self):
        """The rows by table, unknown values as nulls."""
        return {
            table: [{c: None if is_unknown(self.declared[table][c], v) else v for c, v in row.items()} for row in rows]
            for table, rows in self.world.rows.items()
        }

    def _right(self, column):
        """Values that the column may hold."""
        now = getattr(self.world, "now", dt.datetime(2025, 3, 1, 12, tzinfo=dt.UTC))
        # the day before yesterday is none that is yet to come, in whatever zone
        by_kind = {
            "timestamp": [None, now],
            "date": [now.date(), now.date() - dt.timedelta(days=2)],
            "boolean": [True, False],
            "array": [[], ["chat"]],
        }
        return list(column.values) if column.values else by_kind.get(column.kind, ["x", "ad_measurement"])

    def _wrong_cells(self, read):
        """The wrong columns by record, of those that were read."""
        cells = {}
        for table, rows in self.world.rows.items():
            columns = [self.declared[table][c] for t, c in sorted(read) if t == table]
            for row in rows:
                if wrong := [c for c in columns if is_wrong(c, row.get(c.name))]:
                    cells[f"{table}:{row[self.declared[table].key]}"] = wrong
        return cells

    def _tried(self, cells):
        """Worlds in which the wrong values are right ones."""
        choices = {record: list(itertools.product(*map(self._right, wrong))) for record, wrong in cells.items()}
        many = max(map(len, choices.values()))
        assert many <= TRIED, "a row's right values are not all tried"
        for n in range(many):
            rows = self._nulls()
            for table in rows:
                for row in rows[table]:
                    record = f"{table}:{row[self.declared[table].key]}"
                    if record in cells:
                        row |= dict(zip([c.name for c in cells[record]], choices[record][n % len(choices[record])], strict=True))
            yield self._world(rows)

    def expected(self, rule):
        read = set()
        nulls = self._world({table: [_Row(row, table, read) for row in rows] for table, rows in self._nulls().items()})
        reading = self.reading(nulls)
        read.clear()
        expected = reading.expected(rule)
        tables = {record.partition(":")[0] for record in expected}
        ignored = WHOSE - READ_WHOSE.get(rule, set()) | ({"device_id"} if rule == "PRM-07" else set())
        read = {(t, c) for t, c in read | READ_BEFORE.get(rule, set()) if t in tables and c in self.declared[t] and c not in ignored}
        cells = self._wrong_cells(read)
        if not cells:
            return expected
        for wrong in cells.values():
            table = next(iter(tables))
            together = [TOGETHER.get(rule, {}).get(c.name) for c in wrong]
            wrong += [self.declared[table][name] for name in together if name and name not in [c.name for c in wrong]]
        population = {r: result for world in self._tried(cells) for r, result in self.reading(world).expected(rule).items()}
        wrong = {r: population[r] if population[r][0] == "excluded" else WRONG for r in cells if r in population}
        return {record: result for record, result in expected.items() if record not in cells} | wrong
