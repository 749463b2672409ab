"""What the policy declares by name: vendors and their fields, purposes, permissions and other closed lists, each with its clause."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from heytalk_audit.expressions.strings import plain_key


@dataclass(frozen=True)
class Codes:
    """A closed list: codes with their synonyms, and the clause that declares it."""

    clause: str | None
    codes: dict[str, tuple[str, ...]]

    @property
    def words(self) -> tuple[str, ...]:
        """Every code and synonym, as written."""
        return tuple(word for code, synonyms in self.codes.items() for word in (code, *synonyms))

    def by_key(self) -> dict[str, tuple[str, ...]]:
        """The keys under which each code may be written, its own first."""
        return {code: tuple(dict.fromkeys(map(plain_key, (code, *synonyms)))) for code, synonyms in self.codes.items()}

    def keys(self) -> tuple[str, ...]:
        """The keys of all codes and synonyms."""
        return tuple(dict.fromkeys(map(plain_key, self.words)))


@dataclass(frozen=True)
class Vendor:
    """A declared recipient.

    `fields` are canonical names of what it may get, null where the policy lists none; the list holds for these `kinds` of disclosure
    (empty: for all). Of fields beside the list, those in `also` are accepted, and those in `review` are for a person to decide.
    """

    code: str
    clause: str
    aliases: tuple[str, ...]
    purposes: tuple[str, ...]
    fields_clause: str | None = None
    fields: tuple[str, ...] | None = None
    also: tuple[str, ...] = ()
    review: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()

    def alias_keys(self) -> tuple[str, ...]:
        """The keys of its code and aliases."""
        return tuple(dict.fromkeys(map(plain_key, (self.code, *self.aliases))))


@dataclass(frozen=True)
class Declared:
    """All that a policy declares by name."""

    vendors: dict[str, Vendor]
    purposes: dict[str, str]
    fields: Codes
    lists: dict[str, Codes]
    columns: dict[str, str]  # by column of personal data (table.column), the clause that declares what it holds

    def __getitem__(self, name: str) -> Codes:
        return self.lists[name]

    def clauses(self) -> Iterable[str]:
        """The ids of the clauses that are cited; one that is cited twice comes twice."""
        for vendor in self.vendors.values():
            yield from filter(None, (vendor.clause, vendor.fields_clause))
        yield from self.purposes.values()
        yield from self.columns.values()
        yield from (codes.clause for codes in self.lists.values() if codes.clause)


def build(document: dict[str, Any]) -> Declared:
    """Declared data from its document. Raises KeyError, TypeError or ValueError where something is missing or wrong."""
    declared = Declared(
        vendors={code: _vendor(code, spec) for code, spec in document["vendors"].items()},
        purposes=dict(document["purposes"]),
        fields=_codes(None, document["fields"]),
        lists={name: _codes(spec["clause"], spec["codes"]) for name, spec in document["lists"].items()},
        columns=dict(document["columns"]),
    )
    for vendor in declared.vendors.values():
        for purpose in vendor.purposes:
            if purpose not in declared.purposes:
                raise ValueError(f"purpose {purpose} of {vendor.code}")
        for field in (*(vendor.fields or ()), *vendor.also, *vendor.review):
            if field not in declared.fields.codes:
                raise ValueError(f"field {field} of {vendor.code}")
    return declared


def _codes(clause: str | None, codes: dict[str, list[str] | None]) -> Codes:
    return Codes(clause, {str(code): tuple(map(str, synonyms or ())) for code, synonyms in codes.items()})


def _vendor(code: str, spec: dict[str, Any]) -> Vendor:
    fields = spec.get("fields") or {}
    return Vendor(
        code=code,
        clause=spec["clause"],
        aliases=tuple(spec["aliases"]),
        purposes=tuple(spec["purposes"]),
        fields_clause=fields.get("clause"),
        fields=tuple(fields["names"]) if fields else None,
        also=tuple(fields.get("also", ())),
        review=tuple(fields.get("review", ())),
        kinds=tuple(fields.get("kinds", ())),
    )
