"""What came of attacks: how many were tried, how many held, and which did not."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass
class Tally:
    """`failed` has a line for each that did not hold: what was done, and what was seen."""

    tried: int = 0
    held: int = 0
    failed: list[str] = field(default_factory=list)

    def rounds(self, seconds: float) -> Iterator[None]:
        """Rounds of attacks for so long from now on; at least until one was tried."""
        end = time.monotonic() + seconds
        while not self.tried or time.monotonic() < end:
            yield

    def count(self, tried: int, failed: list[str]) -> None:
        """Add so many attacks, of which these failed."""
        self.tried += tried
        self.held += tried - len(failed)
        self.failed += failed
