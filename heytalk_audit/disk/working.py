"""Private working folders, each for its owner's eyes alone, that go however the owner ends.

The owner removes its folder. Where it is killed, its guardian does: a small process that waits for its end. Where both are killed, the
next command does: it removes what no living process owns, by the process and its start that the folder's name and mark say. A folder
that is made within another of these goes with it.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import json
import os
import re
import signal
import stat
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Iterator
from pathlib import Path

from heytalk_audit.disk import guardian
from heytalk_audit.disk.guardian import MARK, clear, read_mark

#: The name of a working folder: the process that owns it, and when that began. With a dot it lies beside a target, else among the
#: system's temporary files.
_NAME = re.compile(r"\.?heytalk-audit-([0-9]+)-([0-9]+)-[a-z0-9_]{8}")
#: The open marks of this process's folders: each is locked while its owner, or a fork of it, lives.
_marks: dict[str, int] = {}


@contextlib.contextmanager
def working_folder(within: Path | None = None, target: str = "") -> Iterator[Path]:
    """A private folder while the block lasts, among the system's temporary files or in the folder `within`.

    In one that lies beside a `target`, what is moved to `before` is put back where the block ends before the target is there again.
    """
    folder = _create(within, target)
    try:
        yield folder
    finally:
        _remove(folder, os.getpid())


def private_folder(owner: object, within: str | None = None) -> Path:
    """A private folder that is removed when an object is gone, or when this process ends."""
    folder = _create(Path(within) if within else None, "")
    weakref.finalize(owner, _remove, folder, os.getpid())
    return folder


def lies_within(path: Path) -> bool:
    """Whether a path is that of a working folder, or leads into one."""
    return any(_NAME.fullmatch(part) for part in path.absolute().parts)


def _create(within: Path | None, target: str) -> Path:
    if within is not None and lies_within(within):
        return Path(tempfile.mkdtemp(dir=within, prefix="within-")).absolute()
    prefix = f"heytalk-audit-{os.getpid()}-{_start_of(os.getpid())}-"
    # one that lies elsewhere has one among the temporary files that names it: there the next command looks
    first = Path(tempfile.mkdtemp(prefix=prefix)).absolute()
    elsewhere = within.absolute() / f".{first.name}" if within is not None else None
    try:
        _GUARDIAN.tell("+", first)
        _claim(first, {"elsewhere": str(elsewhere) if elsewhere else None})
        if elsewhere is None:
            return first
        _GUARDIAN.tell("+", elsewhere)
        elsewhere.mkdir(mode=0o700)
        _claim(elsewhere, {"target": target})
    except BaseException:
        for folder in (elsewhere, first):
            if folder is not None:
                _remove(folder, os.getpid())
        raise
    return elsewhere


def _claim(folder: Path, content: dict[str, str | None]) -> None:
    mark = os.open(folder / MARK, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    _marks[str(folder)] = mark
    with contextlib.suppress(OSError):  # not every file system locks: the owner's process says enough
        fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with open(mark, "wb", closefd=False) as file:
        file.write(json.dumps(content).encode())


def remove_folder(folder: Path) -> None:
    """Remove a private folder before its time."""
    _remove(folder, os.getpid())


def _remove(folder: Path, owner: int) -> None:
    """Remove a folder, and the one that names it. A fork of its owner leaves it alone."""
    if os.getpid() != owner:
        return
    names = [str(folder)]
    if folder.name.startswith("."):
        names.append(os.path.join(tempfile.gettempdir(), folder.name[1:]))
    for name in names:
        if not os.path.lexists(name) or clear(name):
            _GUARDIAN.tell("-", Path(name))
        if (mark := _marks.pop(name, None)) is not None:
            os.close(mark)


class Guardian:
    """The guardian of this process's folders; it is started with the first of them."""

    def __init__(self) -> None:
        self._owner = 0
        self._process: subprocess.Popen[str] | None = None
        self._folders: dict[str, None] = {}

    def tell(self, sign: str, folder: Path) -> None:
        """Say that a folder was made (+), or that it is gone (-)."""
        if self._owner != os.getpid():
            # a fork has folders of its own
            self._owner, self._process, self._folders = os.getpid(), None, {}
            atexit.register(self.end)
        if sign == "+":
            self._folders[str(folder)] = None
        elif self._folders.pop(str(folder), self) is self:
            return
        try:
            self._write(f"{sign}{json.dumps(str(folder))}\n")
        except BrokenPipeError:
            self._process = None
            self._write("".join(f"+{json.dumps(name)}\n" for name in self._folders))

    def _write(self, lines: str) -> None:
        if self._process is None:
            # apart from the package and from the terminal, whose Ctrl-C is for its owner
            command = [sys.executable, "-I", "-S", guardian.__file__]
            nothing = subprocess.DEVNULL
            # what ends this process may come before the guardian is ready to outlive it
            before = signal.pthread_sigmask(signal.SIG_BLOCK, guardian.OUTLIVED)
            try:
                self._process = subprocess.Popen(
                    command, stdin=subprocess.PIPE, stdout=nothing, stderr=nothing, text=True, cwd="/", start_new_session=True
                )
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)
        assert self._process.stdin is not None
        self._process.stdin.write(lines)
        self._process.stdin.flush()

    @property
    def handle(self) -> int | None:
        """The end of the pipe that keeps it waiting: a process that writes to the folders, and is no fork of this one, holds it too."""
        return self._process.stdin.fileno() if self._process is not None and self._process.stdin is not None else None

    def end(self) -> None:
        """Let it remove what is left, and wait for that."""
        if self._process is not None and self._owner == os.getpid():
            with contextlib.suppress(OSError, subprocess.TimeoutExpired):
                self._process.communicate(timeout=3)
            self._process, self._folders = None, {}


_GUARDIAN = Guardian()


def guardian_handle() -> int | None:
    """See `Guardian.handle`."""
    return _GUARDIAN.handle


def sweep(place: Path | None = None) -> int:
    """Remove the working folders that no living process owns, among the temporary files or in another place; returns how many."""
    try:
        names = [name for name in os.listdir(place or tempfile.gettempdir()) if _NAME.fullmatch(name)]
    except OSError:
        return 0
    return sum(_swept(Path(place or tempfile.gettempdir(), name)) for name in names)


def _swept(folder: Path) -> bool:
    """Whether a folder was this user's own, had lost its owner, and is gone now."""
    if not _is_ours(folder) or _has_owner(folder):
        return False
    elsewhere = read_mark(str(folder)).get("elsewhere")
    if isinstance(elsewhere, str) and Path(elsewhere).name == f".{folder.name}" and _is_ours(Path(elsewhere)):
        clear(elsewhere)
    return clear(str(folder))


def _is_ours(folder: Path) -> bool:
    """Whether a folder is provably one of these: no link, this user's alone, and marked, unless it is empty."""
    try:
        state = folder.lstat()
        if not stat.S_ISDIR(state.st_mode) or state.st_uid != os.geteuid() or state.st_mode & 0o077:
            return False
        content = os.listdir(folder)
        return not content or stat.S_ISREG((folder / MARK).lstat().st_mode)
    except OSError:
        return False


def _has_owner(folder: Path) -> bool:
    """Whether the process that a folder's name says still lives, or one that may be seen from another container holds its mark."""
    named = _NAME.fullmatch(folder.name)
    if named is None or _start_of(int(named[1])) == int(named[2]):
        return True
    try:
        mark = os.open(folder / MARK, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    try:
        fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(mark)
    return False


def _start_of(process: int) -> int | None:
    """When a living process began, in ticks since the system did; 0 where the system does not say, null where it is none."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
        return None if fields[0] in "ZX" else int(fields[19])
    except (OSError, IndexError, ValueError):
        pass
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return None
    except (PermissionError, OverflowError):
        pass
    return 0
