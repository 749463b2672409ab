"""What rules compute with, as Ibis expressions: the calendar, strings, digests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ibis

#: Declares a function that the engine itself has: its `name` there, and its `signature`, as ((types of the arguments), type of the result).
engine_function: Callable[..., Callable[[Callable[..., Any]], Callable[..., Any]]] = ibis.udf.scalar.builtin
