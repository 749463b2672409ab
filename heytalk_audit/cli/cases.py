"""Commands of an investigation: open a case, find a person, look at one, write the memo, close the case."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from heytalk_audit.cli.app import PASSPHRASE_ENV, Override, PassphraseEnv, app, example, now, passphrase_in
from heytalk_audit.cli.usage import Application
from heytalk_audit.console import err, out
from heytalk_audit.errors import InputError

if TYPE_CHECKING:
    from heytalk_audit.investigation.case_file import CaseFolder
    from heytalk_audit.investigation.opening import Opening

case_app = Application(help="Investigations of one person or one incident.")
app.add_typer(case_app, name="case")
Folder = Annotated[Path, typer.Argument(metavar="CASE", help="The case's folder")]
Key = Annotated[Path | None, typer.Option(help="A private key that signs the head of the case's log")]
Clear = Annotated[bool, typer.Option("--clear", help="Show clear values; needs --second and --reason")]
Second = Annotated[str, typer.Option(help="The second person who looks on, where values are shown in clear")]
Reason = Annotated[str, typer.Option(help="Why values are shown in clear")]
#: How a command line says that a value comes from standard input.
STDIN = "-"
#: A value that is looked for is no longer, in characters.
_LONGEST = 4_000


@case_app.command(
    "new", epilog=example("case new cases/C-7 --params params/quarterly.yaml --case C-7 --by 'A' --approved-by 'B' --purpose 'why'")
)
def case_new(
    folder: Folder,
    params: Annotated[Path, typer.Option(help="The parameters: snapshot, policy, settings, registers, key")],
    case: Annotated[str, typer.Option(help="The id of the case")],
    by: Annotated[str, typer.Option(help="Who investigates")],
    approved_by: Annotated[str, typer.Option(help="Who approved it: another person")],
    purpose: Annotated[str, typer.Option(help="What for")],
    scope: Annotated[str, typer.Option(help="Whom and which time it is about")] = "",
    p: Override = None,
) -> None:
    """Open a case: every rule is evaluated for everybody once, then one person is looked at in seconds."""
    from heytalk_audit.investigation.case_file import Statement, new_case

    with _progress() as shown:
        new_case(folder, params, p or [], Statement(case, by, approved_by, purpose, scope), now(), shown)
    out.print(f"{folder}: opened; look for a person: heytalk-audit find {folder} --email -", markup=False, soft_wrap=True)


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    with err.status("Opening the snapshot") as status:
        yield lambda line: status.update(line)


@app.command(epilog=example("find cases/C-7 --email -"))
def find(
    folder: Folder,
    email: Annotated[str, typer.Option(help="Look for an e-mail; - reads it from standard input")] = "",
    phone: Annotated[str, typer.Option(help="Look for a telephone; - reads it from standard input")] = "",
    device: Annotated[str, typer.Option(help="Look for a device or its advertising id; - reads it from standard input")] = "",
    user_id: Annotated[str, typer.Option(help="Look for a user's id; - reads it from standard input")] = "",
    name: Annotated[str, typer.Option(help="Look for a display name; - reads it from standard input")] = "",
    clear: Clear = False,
    second: Second = "",
    reason: Reason = "",
    key: Key = None,
    passphrase_env: PassphraseEnv = PASSPHRASE_ENV,
) -> None:
    """Find a person by what is known of them. The value comes from standard input: a command line is kept by the shell."""
    from heytalk_audit.investigation.find import MOST
    from heytalk_audit.investigation.find import find as find_people

    kind = _kind({"email": email, "phone": phone, "device": device, "user-id": user_id, "name": name})
    case = _opened(folder, key, passphrase_env)
    opening = _opening(clear, second, reason, case.record.by)
    matches = find_people(case, kind, sys.stdin.read(_LONGEST), now(), opening)
    for match in matches[:MOST]:
        line = f"{match.pseudonym}  {match.how}  {match.column}  {match.value}  {match.region}  {match.status}"
        out.print(line, markup=False, soft_wrap=True)
    out.print(_count({match.pseudonym for match in matches}, len(matches) > MOST), markup=False, soft_wrap=True)


def _kind(options: dict[str, str]) -> str:
    chosen = {name: value for name, value in options.items() if value}
    if len(chosen) != 1:
        raise InputError("find", "looks for one thing at a time", "write one of " + ", ".join(f"--{name} -" for name in options))
    name, value = next(iter(chosen.items()))
    if value != STDIN:
        raise InputError(f"find --{name}", "takes no value on the command line", f"write --{name} - and the value to standard input")
    return name


def _count(people: set[str], more: bool) -> str:
    if more:
        return f"More matches than are listed: {len(people)} people and others. Look for something narrower."
    return {0: "Nobody matches.", 1: "1 person matches."}.get(
        len(people), f"{len(people)} people match. Nothing shows that they are one person."
    )


@app.command(epilog=example("person cases/C-7 0123456789abcdef"))
def person(
    folder: Folder,
    pseudonym: Annotated[str, typer.Argument(metavar="PSEUDONYM", help="The person, as find prints it")],
    at: Annotated[str, typer.Option(help="An earlier instant, as 2025-02-01T00:00:00Z")] = "",
    json_: Annotated[Path | None, typer.Option("--json", help="Also write it to this file, which must not be there")] = None,
    clear: Clear = False,
    second: Second = "",
    reason: Reason = "",
    key: Key = None,
    passphrase_env: PassphraseEnv = PASSPHRASE_ENV,
) -> None:
    """One person: the timeline, every rule's outcome for the person's rows, and what the snapshot holds of them."""
    from heytalk_audit.disk.placing import new_file
    from heytalk_audit.investigation.person import look_at
    from heytalk_audit.investigation.shown import lines_of_person

    case = _opened(folder, key, passphrase_env)
    opening = _opening(clear, second, reason, case.record.by)
    with _progress() as shown:
        if json_ is None:
            seen = look_at(case, pseudonym, now(), _instant(at), opening, shown)
        else:
            with new_file(json_, f"--json {json_.name}") as file:
                seen = look_at(case, pseudonym, now(), _instant(at), opening, shown)
                file.write_bytes(seen.document())
    for line in lines_of_person(seen, case.session.audit.policy):
        out.print(line, markup=False, soft_wrap=True)


def _instant(text: str) -> dt.datetime | None:
    from heytalk_audit.snapshot.delivery import instant

    return instant(text, "--at") if text else None


@app.command(epilog=example("memo cases/C-7"))
def memo(
    folder: Folder,
    for_person: Annotated[str, typer.Option(help="A pseudonym: write what may be given to this person")] = "",
    clear: Clear = False,
    second: Second = "",
    reason: Reason = "",
    key: Key = None,
    passphrase_env: PassphraseEnv = PASSPHRASE_ENV,
) -> None:
    """Write the memo of a case: question, what was looked at, facts, rules, what is not known, next steps."""
    from heytalk_audit.investigation.memo import write_memo

    case = _opened(folder, key, passphrase_env)
    files = write_memo(case, now(), for_person, _opening(clear, second, reason, case.record.by))
    out.print(f"{folder}: {', '.join(file.name for file in files)}", markup=False, soft_wrap=True)


@case_app.command("close", epilog=example("case close cases/C-7 --keep-until 2025-09-30"))
def case_close(
    folder: Folder,
    keep_until: Annotated[str, typer.Option(help="The last day on which the case's files are kept, as 2025-09-30")] = "",
    key: Key = None,
    passphrase_env: PassphraseEnv = PASSPHRASE_ENV,
) -> None:
    """Close a case: log and memo are packed beside it. Run once more after its last day, it removes the rest and lists it."""
    from heytalk_audit.investigation.closing import close_case

    for line in close_case(_opened(folder, key, passphrase_env), keep_until, now()):
        out.print(line, markup=False, soft_wrap=True)


def _opened(folder: Path, key: Path | None, passphrase_env: str) -> CaseFolder:
    from heytalk_audit.evidence.signature import load_key
    from heytalk_audit.investigation.case_file import open_case

    return open_case(folder, load_key(key, passphrase_in(passphrase_env)) if key else None)


def _opening(clear: bool, second: str, reason: str, by: str) -> Opening:
    from heytalk_audit.investigation.opening import opening_of

    return opening_of(clear, second, reason, by)
