"""The report's chapters: which families of rules each evaluates, in which notebook, on which page."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Page:
    """A page of the report: `<name>.html`."""

    name: str
    title: str

    @property
    def file(self) -> str:
        """The file of the page."""
        return f"{self.name}.html"


@dataclass(frozen=True)
class Chapter:
    """One chapter: its page is `<name>.html`, its notebook `<notebook>.ipynb`.

    `further` are pages that the notebook makes beside its own: what a cell tagged `page-<name>` prints stands on the page of that name.
    """

    name: str
    title: str
    families: tuple[str, ...]
    notebook: str
    further: tuple[Page, ...] = ()

    @property
    def page(self) -> str:
        """The file of its page."""
        return f"{self.name}.html"

    @property
    def pages(self) -> tuple[Page, ...]:
        """All pages that its notebook makes, the chapter's own first."""
        return (Page(self.name, self.title), *self.further)


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
#: The page that follows up an earlier run. It exists only where the parameters name an earlier run or a register of findings.
FOLLOW_UP = Page("follow-up", "Follow-up")
#: Page 1: it evaluates nothing, and reads the results of the chapters.
SUMMARY = Chapter(
    "index", "Summary", (), "90-summary", further=(Page("clauses", "Clause coverage"), Page("document", "The policy itself"), FOLLOW_UP)
)
#: The file of the page on which a family's sections stand.
PAGE_OF = {family: chapter.page for chapter in CHAPTERS.values() for family in chapter.families}
