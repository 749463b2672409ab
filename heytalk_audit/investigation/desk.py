"""What the notebook of an investigation calls: find, look at a person, choose an instant, count a cohort. Each answer is logged first."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from heytalk_audit.errors import InputError
from heytalk_audit.investigation.case_file import CaseFolder, open_case
from heytalk_audit.investigation.cohort import WAYS, Cohort, cohort
from heytalk_audit.investigation.find import KINDS, find
from heytalk_audit.investigation.opening import CLOSED, Opening, opening_of
from heytalk_audit.investigation.person import Person, look_at
from heytalk_audit.investigation.picture import timeline_picture
from heytalk_audit.policy import Policy
from heytalk_audit.report.html import Fragment, paragraph
from heytalk_audit.snapshot.delivery import instant


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@dataclass(frozen=True)
class SeenPerson:
    """One person in a notebook: tables as DataFrames, the timeline as a picture."""

    seen: Person
    policy: Policy
    again: Callable[[str], Person]

    def timeline(self) -> pd.DataFrame:
        """Everything that happened, one row an event: at (UTC), event, table, record."""
        rows = [[event.at, event.event, event.table, event.record] for event in self.seen.timeline]
        return pd.DataFrame(rows, columns=["at", "event", "table", "record"])

    def picture(self) -> Fragment:
        """The timeline drawn, with the days that fell due by the policy."""
        return timeline_picture(self.seen.timeline, self.seen.open_outcomes)

    def rules(self, at: str = "") -> pd.DataFrame:
        """Every rule for this person, one row each of its rows: id, outcome, reason, due_on, table, record."""
        seen = self.again(at) if at else self.seen
        rows = [[o.id, o.outcome, o.reads(self.policy), o.due_on, o.table, o.record] for o in seen.rules]
        rows += [[rule, None, why, None, None, None] for rule, why in seen.not_judged.items()]
        return pd.DataFrame(rows, columns=["id", "outcome", "reason", "due_on", "table", "record"])

    def rows(self) -> pd.DataFrame:
        """How many rows each table holds of the person."""
        return pd.DataFrame([[name, rows] for name, rows in self.seen.rows.items()], columns=["table", "rows"])

    def missing(self) -> list[str]:
        """What was not delivered: where nothing is shown of it, that says nothing."""
        return list(self.seen.gaps)

    def values(self, table: str) -> pd.DataFrame:
        """The person's rows of a table, in clear; empty unless two people opened them."""
        return self.seen.values.get(table, pd.DataFrame())


class Case:
    """An open case in a notebook. `now` is only ever the time that stands in the log."""

    def __init__(self, folder: str | Path = ".", now: Callable[[], dt.datetime] = _now):
        self.folder: CaseFolder = open_case(Path(folder).absolute())
        self.now = now

    def opening(self, second: str, reason: str) -> Opening:
        """What opens clear values: the second person's name, and why."""
        return opening_of(True, second, reason, self.folder.record.by)

    def find(self, opening: Opening = CLOSED, **what: str) -> pd.DataFrame:
        """People by one of email, phone, device, user_id or name: pseudonym, how it matches, where, the masked value, region, status."""
        ((kind, value),) = what.items()
        matches = find(self.folder, _kind(kind), value, self.now(), opening)
        return pd.DataFrame([vars(match) for match in matches], columns=["pseudonym", "how", "column", "value", "region", "status"])

    def person(self, pseudonym: str, at: str = "", opening: Opening = CLOSED, progress: Callable[[str], None] | None = None) -> SeenPerson:
        """A person by pseudonym, at the snapshot's instant or at an earlier one, as 2025-02-01T00:00:00Z."""

        def seen_at(text: str) -> Person:
            return look_at(self.folder, pseudonym, self.now(), instant(text, "at") if text else None, opening, progress)

        return SeenPerson(seen_at(at), self.folder.session.audit.policy, seen_at)

    def cohort(
        self, device: str = "", vendor: str = "", campaign: str = "", between: tuple[str, str] | None = None, rules: Sequence[str] = ()
    ) -> Cohort:
        """The people whom a device, a vendor or a campaign leads to, in a time from one instant up to before another."""
        period = (instant(between[0], "between"), instant(between[1], "between")) if between else None
        return cohort(self.folder, self.now(), {"device": device, "vendor": vendor, "campaign": campaign}, period, rules)

    def statement(self) -> Fragment:
        """What the case is about, as it was stated when it was opened."""
        record = self.folder.record
        return paragraph(f"Case {record.case}: {record.purpose}. Investigated by {record.by}, approved by {record.approved_by}.")

    def log(self) -> pd.DataFrame:
        """The look-ups so far."""
        from heytalk_audit.investigation.case_file import logged_entries

        entries = [{name: entry.get(name) for name in ("at", "event", "by", "kind", "subject")} for entry in logged_entries(self.folder)]
        return pd.DataFrame(entries)


def _kind(name: str) -> str:
    kind = name.replace("_", "-")
    if kind not in KINDS:
        raise TypeError(f"find looks for {', '.join(k.replace('-', '_') for k in KINDS)}, not {name}")
    return kind


def widgets(case: Case) -> Any:
    """Two forms: a person and an instant, and below what is seen of that person then; a group and a time, and below how its people stand.

    Needs ipywidgets and itables.
    """
    import ipywidgets
    from itables import init_notebook_mode

    # what draws the tables goes into this cell's output: nothing is fetched
    init_notebook_mode(all_interactive=False, connected=False)
    forms = {"One person": _person_form(case), "A group": _cohort_form(case)}
    return ipywidgets.Tab(list(forms.values()), titles=list(forms))


def _person_form(case: Case) -> Any:
    import ipywidgets
    from IPython.display import display

    pseudonym = ipywidgets.Text(description="Person", placeholder="16 hex digits")
    at = ipywidgets.Text(description="Instant", placeholder="2025-02-01T00:00:00Z; empty: the snapshot's own")

    def look(progress: Callable[[str], None]) -> None:
        person = case.person(pseudonym.value.strip(), at.value.strip(), progress=progress)
        display(person.picture())  # type: ignore[no-untyped-call]
        _show_rows(person.rules(), person.timeline())

    return _form([pseudonym, at], "Look", look)


def _cohort_form(case: Case) -> Any:
    import ipywidgets
    from IPython.display import display

    way = ipywidgets.Dropdown(options=list(WAYS), description="By")
    value = ipywidgets.Text(description="Which", placeholder="its id")
    first = ipywidgets.Text(description="From", placeholder="2025-02-01T00:00:00Z")
    after = ipywidgets.Text(description="Up to before", placeholder="2025-03-01T00:00:00Z")

    def count(_: Callable[[str], None]) -> None:
        period = (first.value.strip(), after.value.strip())
        group = case.cohort(between=period if any(period) else None, **{way.value: value.value.strip()})
        display(group.summary())  # type: ignore[no-untyped-call]
        _show_rows(group.groups, group.look_alikes)

    return _form([way, value, first, after], "Count", count)


def _show_rows(*tables: pd.DataFrame) -> None:
    from itables import show

    for rows in tables:
        show(rows, connected=False, allow_html=False)


def _form(fields: Sequence[Any], action: str, answer: Callable[[Callable[[str], None]], None]) -> Any:
    """Fields and a button, and below them how far the answer is, and the answer; what cannot be answered is said in one line."""
    import ipywidgets

    button, state, shown = ipywidgets.Button(description=action), ipywidgets.Label(), ipywidgets.Output()

    def say(line: str) -> None:
        state.value = line

    def on_click(_: Any) -> None:
        shown.clear_output()
        button.disabled = True
        say("Working")
        # within it: an output shows the traceback of whatever leaves it
        with shown:
            try:
                answer(say)
                say("")
            except InputError as error:
                say(str(error))
        button.disabled = False

    button.on_click(on_click)
    row = ipywidgets.HBox([*fields, button], layout=ipywidgets.Layout(flex_flow="row wrap"))
    return ipywidgets.VBox([row, state, shown])
