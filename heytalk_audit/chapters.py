"""The report's chapters: which families each evaluates, in which notebook, on which page."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Chapter:
    """One chapter: its page is `<name>.html`, its notebook `<notebook>.ipynb`."""

    name: str
    title: str
    families: tuple[str, ...]
    notebook: str

    @property
    def page(self) -> str:
        """The file of its page."""
        return f"{self.name}.html"


CHAPTERS = {
    c.name: c
    for c in (
        Chapter("evidence", "Evidence", ("DQ",), "00-evidence"),
        Chapter("retention", "Retention", ("RET",), "10-retention"),
        Chapter("consent", "Consent", ("CON",), "20-consent"),
        Chapter("sensitive-data", "Sensitive data", ("SEN", "MIN"), "30-sensitive-data"),
        Chapter("collection", "Collection", ("COL", "VIS", "MOD"), "40-collection"),
        Chapter("sharing", "Sharing", ("SHA",), "50-sharing"),
        Chapter("rights", "Rights", ("RGT",), "60-rights"),
        Chapter("permissions", "Permissions", ("PRM",), "70-permissions"),
        Chapter("security", "Security", ("SEC",), "80-security"),
    )
}
#: Page 1: it only reads what the chapters found.
SUMMARY = Chapter("index", "Summary", (), "90-summary")
#: The page on which a family's sections stand.
PAGE_OF = {family: chapter.page for chapter in CHAPTERS.values() for family in chapter.families}
