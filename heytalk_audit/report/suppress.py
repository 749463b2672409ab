"""Small numbers of people in a report that leaves the house: none below five, and none that can be subtracted from its neighbours."""

from __future__ import annotations

SMALL = 5


def counts(values: dict[str, int], audience: str) -> dict[str, int | str]:
    """The counts as an audience may see them: for an external one, 1 to 4 as "<5", and one more if a single one is hidden."""
    if audience != "external":
        return dict(values)
    hidden = {k for k, v in values.items() if 0 < v < SMALL}
    if len(hidden) == 1 and len(values) > 1:
        others = {k: v for k, v in values.items() if k not in hidden and v > 0}
        hidden |= {min(others, key=lambda k: (others[k], k))} if others else set()
    return {k: (f"<{SMALL}" if 0 < v < SMALL else "suppressed") if k in hidden else v for k, v in values.items()}
