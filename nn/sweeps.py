"""What a sweep's picture shows: its rows as cells of a table, or as bands along a setting."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from nn.given import look_up
from nn.train.sweep import Sweep

Measure: TypeAlias = "str | Callable[[dict[str, Any]], float | None]"


def solved(row: dict[str, Any]) -> float:
    """1 for a run that tells all labels right, 0 for any other and for one that failed."""
    return float(row.get("accuracy") == 1.0)


def measured(found: Sweep, value: Measure, settings: Sequence[str]) -> list[tuple[Any, ...]]:
    """Of each row the settings and its value, but for rows that have none."""
    for name in settings:
        look_up("setting", name, found.grid)
    known = dict.fromkeys([name for row in found.rows for name in row])
    if isinstance(value, str) and value != "solved":
        look_up("value", value, {**known, "solved": None})
    measure = value if callable(value) else solved if value == "solved" else column(value)
    pairs = [([row[name] for name in settings], measure(row)) for row in found.rows]
    return [(*place, number) for place, number in pairs if number is not None]


def column(name: str) -> Callable[[dict[str, Any]], Any]:
    """What a row has in a column, None for nothing."""
    return lambda row: row.get(name)


def cells(found: Sweep, x: str, y: str, value: Measure) -> list[list[float | None]]:
    """The mean value for each pair of settings: a row for each y, None where there is no run."""
    rows = measured(found, value, (x, y))
    return [
        [mean_or_none([v for a, b, v in rows if (a, b) == (at, level)]) for at in found.grid[x]]
        for level in found.grid[y]
    ]


def bands(found: Sweep, x: str, value: Measure) -> list[tuple[Any, float, float, float]]:
    """For each x the lower quartile, the median and the upper quartile, where there are runs."""
    rows = measured(found, value, (x,))
    made = []
    for at in found.grid[x]:
        numbers = [v for a, v in rows if a == at]
        if numbers:
            made.append((at, *quartiles(numbers)))
    return made


def quartiles(numbers: Sequence[float]) -> list[float]:
    """The lower quartile, the median and the upper one; of one number, itself."""
    if len(numbers) == 1:
        return [numbers[0]] * 3
    return statistics.quantiles(numbers, n=4, method="inclusive")


def mean_or_none(numbers: Sequence[float]) -> float | None:
    """The mean, None of nothing."""
    return statistics.fmean(numbers) if numbers else None
