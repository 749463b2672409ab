"""Chance: how often a number passes a checksum that is not of that kind, and the exact interval of a share."""

from __future__ import annotations

import math

#: The share of cells in the form of a kind (length and issuer, or place and date) that pass its checksum by chance. Other kinds have none.
CHANCE = {"card": 1 / 10, "imei": 1 / 10, "tr_id": 1 / 100, "cn_id": 1 / 11, "es_id": 1 / 23, "iban": 1 / 97}
_TINY = 1e-300


def interval(hits: int, trials: int, level: float = 0.95) -> tuple[float, float]:
    """The exact (Clopper-Pearson) interval of hits / trials. Raises ValueError unless 0 <= hits <= trials and trials > 0."""
    if not 0 <= hits <= trials or trials == 0:
        raise ValueError(f"{hits} of {trials}")
    tail = (1 - level) / 2
    low = 0.0 if hits == 0 else _where(tail, hits, trials - hits + 1)
    high = 1.0 if hits == trials else _where(1 - tail, hits + 1, trials - hits)
    return low, high


def luck(hits: int, trials: int, chance: float) -> float:
    """The chance of so many hits, or more, in these trials by luck alone."""
    return 1.0 if hits == 0 else _beta(hits, trials - hits + 1, chance)


def _where(probability: float, a: int, b: int) -> float:
    """The value at which the beta distribution reaches a probability, by bisection."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _beta(a, b, middle) < probability else (low, middle)
    return high


def _beta(a: int, b: int, x: float) -> float:
    """The regularised incomplete beta function: the chance of at least `a` hits in `a + b - 1` trials of probability `x`."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1 - _beta(b, a, 1 - x)
    logs = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    return math.exp(logs) * _fraction(a, b, x) / a


def _fraction(a: int, b: int, x: float) -> float:
    """The continued fraction of the incomplete beta function, by Lentz's method, which takes about sqrt(a + b) steps."""
    c, d = 1.0, 1 / (1 - (a + b) * x / (a + 1) or _TINY)
    value = d
    for m in range(1, 100_000):
        for step in (m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)), -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))):
            d, c = 1 / (1 + step * d or _TINY), 1 + step / c or _TINY
            value *= c * d
        if abs(c * d - 1) < 1e-14:
            break
    return value
