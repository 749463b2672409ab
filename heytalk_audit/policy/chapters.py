"""The report's chapters: which families of rules each evaluates, in which notebook, on which page."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ReportPage:
    """A page of the report: `<name>.html`."""

    name: str
    title: str

    @property
    def file(self) -> str:
        """The file of the page."""
        return f"{self.name}.html"


@dataclass(frozen=True)
class ReportChapter:
    """One chapter: its page is `<name>.html`, its notebook `<notebook>.ipynb`.

    `further` are pages that the notebook makes beside its own: what a cell tagged `page-<name>` prints stands on the page of that name.
    """

    name: str
    title: str
    families: tuple[str, ...]
    notebook: str
    further: tuple[ReportPage, ...] = ()

    @property
    def page(self) -> str:
        """The file of its page."""
        return f"{self.name}.html"

    @property
    def pages(self) -> tuple[ReportPage, ...]:
        """All pages that its notebook makes, the chapter's own first."""
        return (ReportPage(self.name, self.title), *self.further)


CHAPTERS = {
    c.name: c
    for c in (
        ReportChapter("evidence", "Evidence", ("DQ",), "00-evidence"),
        ReportChapter("retention", "Retention", ("RET",), "10-retention"),
        ReportChapter("consent", "Consent", ("CON",), "20-consent"),
        ReportChapter("sensitive-data", "Sensitive data", ("SEN", "MIN"), "30-sensitive-data"),
        ReportChapter("collection", "Collection", ("COL", "VIS", "MOD"), "40-collection"),
        ReportChapter("sharing", "Sharing", ("SHA",), "50-sharing"),
        ReportChapter("rights", "Rights", ("RGT",), "60-rights"),
        ReportChapter("permissions", "Permissions", ("PRM",), "70-permissions"),
        ReportChapter("security", "Security", ("SEC",), "80-security"),
    )
}
#: Pages of their own that the summary makes: every clause, and findings on the policy as a document.
CLAUSES, DOCUMENT = ReportPage("clauses", "Clause coverage"), ReportPage("document", "The policy itself")
#: The rules sorted by frameworks that compliance officers use.
FRAMEWORKS = ReportPage("frameworks", "Frameworks")
#: What each reason's code says.
REASONS = ReportPage("reasons", "Reasons of rows")
#: The page that follows up an earlier run. It exists only where the parameters name an earlier run or a register of findings.
FOLLOW_UP = ReportPage("follow-up", "Follow-up")
#: Page 1: it evaluates nothing, and reads the results of the chapters.
SUMMARY = ReportChapter("index", "Summary", (), "90-summary", further=(CLAUSES, DOCUMENT, FRAMEWORKS, REASONS, FOLLOW_UP))
#: The facts, one for each subject, in the order in which reports have them.
SUBJECTS = (
    "people",
    "inactivity",
    "retention",
    "purges",
    "consent",
    "marketing",
    "legal_basis",
    "recipients",
    "children",
    "sensitive",
    "rights",
    "security",
)
#: What is, in numbers: its sections are facts, and no rules.
NUMBERS = ReportChapter("numbers", "In numbers", (), "05-in-numbers")
#: The file of the page on which a family's sections stand.
PAGE_OF = {family: chapter.page for chapter in CHAPTERS.values() for family in chapter.families}
