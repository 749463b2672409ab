"""Finished files and folders put in their place: whole or not at all, through no link, and over nothing that is not the audit's own."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from heytalk_audit.disk.failures import refuse_failure
from heytalk_audit.disk.guardian import BEFORE
from heytalk_audit.disk.working import sweep, working_folder
from heytalk_audit.errors import InputError

#: Flags of renameat2, and what it takes for the folder that a path is relative to.
_NO_REPLACE, _EXCHANGE, _HERE = 1, 2, -100
#: What the system or a file system says that knows no such flag.
_UNSUPPORTED = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EPERM}


def refuse_links(target: Path, where: str) -> None:
    """Raise InputError for a target that is a link, or lies in a folder that is one: it would be written where nobody looks."""
    for path in (target, target.parent):
        if path.is_symlink():
            raise InputError(where, f"{path.name} is a link", "name the place that it leads to")


@contextlib.contextmanager
def staging(target: Path, where: str) -> Iterator[Path]:
    """A private folder beside a target, in which to make what is put there. Raises InputError where none can be made, and for the folder
    where the command runs.

    Missing folders above the target are made, and go again where nothing came of them.
    """
    target = target.absolute()
    refuse_links(target, where)
    if target.resolve() == Path.cwd():
        raise InputError(where, "is the folder where the command runs", "name one in it, or another")
    absent = [p for p in target.parents if not p.exists()]
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        sweep(target.parent)
        beside = contextlib.ExitStack()
        folder = beside.enter_context(working_folder(target.parent, target.name))
    except OSError as error:
        _remove_empty(absent)
        refuse_failure(error)
        raise InputError(where, f"can't be written ({(error.strerror or '').lower()})", "name a place that can") from error
    try:
        with beside:
            yield folder
    finally:
        _remove_empty(absent)


def _remove_empty(folders: list[Path]) -> None:
    with contextlib.suppress(OSError):
        for folder in folders:
            folder.rmdir()


def write_new(target: Path, content: str | bytes, where: str) -> None:
    """Write a file that is not there yet: see `new_file`."""
    with new_file(target, where) as file:
        file.write_bytes(content.encode() if isinstance(content, str) else content)


@contextlib.contextmanager
def new_file(target: Path, where: str) -> Iterator[Path]:
    """A file to write, empty and for its owner's eyes alone, that is moved to the target at the end of the block.

    Raises InputError, before the block is entered, where anything is there, or nothing can be.
    """
    if not target.absolute().parent.is_dir():
        raise InputError(where, "its folder is not there", "make the folder, or name another file")
    refuse_present(target, where)
    with staging(target, where) as folder:
        file = folder / "new"
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        yield file
        move_new(file, target, where)


def refuse_present(target: Path, where: str) -> None:
    """Refuse a target that is there already, be it as a link that leads nowhere. Raises InputError."""
    if os.path.lexists(target):
        raise InputError(where, "is there already", "name another: what people wrote is not overwritten")


def move_new(new: Path, target: Path, where: str) -> None:
    """Move what was made to a place where nothing is, or an empty folder. Raises InputError where anything came there meanwhile."""
    try:
        if new.is_dir():
            os.rename(new, target)  # which takes an empty folder's place, and nothing else's
        elif not _renamed(new, target, _NO_REPLACE):
            os.link(new, target, follow_symlinks=False)
    except OSError as error:
        if error.errno not in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR):
            raise
        raise InputError(where, "is there already", "name another: what people wrote is not overwritten") from error


def exchange(new: Path, target: Path) -> Path:
    """Put what was made in the place of a folder, in one step; returns where that folder is now: within the staging folder.

    Where the system knows no such step these are two, and the first is undone if the second does not come.
    """
    if _renamed(new, target, _EXCHANGE):
        return new
    before = new.parent / BEFORE
    os.rename(target, before)
    os.rename(new, target)
    return before


def _renamed(source: Path, target: Path, flag: int) -> bool:
    """Whether the system has renamed with this flag; false where it does not know it."""
    function = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if function is None:
        return False
    if function(_HERE, os.fsencode(source), _HERE, os.fsencode(target), flag) == 0:
        return True
    number = ctypes.get_errno()
    if number in _UNSUPPORTED:
        return False
    raise OSError(number, os.strerror(number), str(target))


def copy_private(source: Path, target: Path) -> None:
    """Copy a folder, for its owner's eyes alone. Raises OSError at the first file that can't be written."""
    target.mkdir(parents=True)
    for path in sorted(source.rglob("*")):
        copy = target / path.relative_to(source)
        if path.is_dir():
            copy.mkdir()
        else:
            shutil.copyfile(path, copy, follow_symlinks=False)
    keep_private(target)


def keep_private(folder: Path) -> None:
    """Make a folder and all in it its owner's alone, whatever it was copied from."""
    for place, _, files in os.walk(folder):
        os.chmod(place, 0o700)
        for name in files:
            os.chmod(Path(place, name), 0o600)
