"""Sets of bytes; and marks at fixed distances in raw UTF-8, as UUIDs and hardware addresses have them."""

from __future__ import annotations

import numpy as np


def byte_set(chars: bytes) -> np.ndarray:
    """An array that says of each byte whether it is one of these."""
    table = np.zeros(256, bool)
    table[list(chars)] = True
    return table


HEX = byte_set(b"0123456789abcdefABCDEF")


def uuids(data: np.ndarray, dashes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Four dashes at the distances that a UUID has: where it starts and ends."""
    for step in (5, 10, 15):
        dashes = dashes[data[dashes + step] == ord("-")]
    return np.maximum(dashes - 8, 0), dashes + 28


def quads(data: np.ndarray, dots: np.ndarray) -> np.ndarray:
    """Dots of hardware addresses in fours, `0123.4567.89ab`: the first of two that have four hexadecimal digits each side."""
    dots = dots[data[dots + 5] == ord(".")]
    for step in (-4, -3, -2, -1, 1, 2, 3, 4, 6, 7, 8, 9):
        dots = dots[HEX[data[dots + step]]]
    return dots
