"""A kernel of an audit: ipykernel's own, which opens no port. It talks through sockets in a private folder, and keeps no history."""

from __future__ import annotations

import os
import sys
from typing import Any

from ipykernel import kernelapp
from ipykernel.iostream import IOPubThread

#: What a kernel of an audit goes without: what a person types is not kept, and there is no such person.
ARGUMENTS = ("--IPKernelApp.log_level=40", "--HistoryManager.enabled=False")


class WithoutPort(IOPubThread):
    """The channel of a kernel's output, without the port by which processes that it forks would write to it."""

    def __init__(self, socket: Any, pipe: bool = False, session: Any = None):
        super().__init__(socket, pipe=False, session=session)  # type: ignore[no-untyped-call]


def launch(arguments: list[str]) -> None:
    """Become a kernel, until it is shut down."""
    os.umask(0o077)
    kernelapp.IOPubThread = WithoutPort  # type: ignore[attr-defined]
    kernelapp.IPKernelApp.launch_instance([*arguments, *ARGUMENTS])


if __name__ == "__main__":
    launch(sys.argv[1:])
