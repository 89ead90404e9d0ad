"""What came of a sweep: a heat map over two settings, or a band along one."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from nn.given import look_up, shown
from nn.plot.figure import Plot, new_figure
from nn.plot.plane import COLOURS
from nn.train.sweep import Sweep

Measure: TypeAlias = "str | Callable[[dict[str, Any]], float | None]"


def sweep(found: Sweep, x: str, y: str | None = None, *, value: Measure = "solved") -> Plot:
    """What came of the runs of a sweep, along one setting or over two.

    Over two settings it is a heat map of the mean; along one the median, and half of the runs
    within a band. `value` is a column of the rows, a function of a row, or "solved": the share of
    runs that tell all labels right, in both.
    """
    if not isinstance(found, Sweep):
        raise TypeError(f"expected what sweep returns, got {shown(found)}")
    title = value if isinstance(value, str) else value.__name__
    figure, axes = new_figure(x, y or title, (6.0, 4.2))
    if y is None:
        draw_bands(axes, bands(found, x, value))
        if value == "solved":
            axes.set_ylim(-0.05, 1.05)
    else:
        ends = (0.0, 1.0) if value == "solved" else None
        draw_cells(figure, axes, cells(found, x, y, value), found.grid[x], found.grid[y], ends)
    axes.set_title({"solved": "Share of runs that are right on all examples"}.get(title, title))
    return Plot(figure)


def draw_cells(
    figure: Any,
    axes: Any,
    table: list[list[Any]],
    across: list[Any],
    up: list[Any],
    ends: tuple[float, float] | None,
) -> None:
    """A table as colours, each with its number; the first row is at the bottom.

    `ends` are what the first and the last colour stand for, where that is known.
    """
    numbers = [[math.nan if v is None else v for v in row] for row in table]
    shown = [v for row in table for v in row if v is not None]
    least, most = ends or (min(shown, default=0.0), max(shown, default=0.0))
    image = axes.imshow(numbers, origin="lower", aspect="auto", cmap="viridis")
    if least < most:
        image.set_clim(least, most)
    middle = (least + most) / 2
    for i, row in enumerate(numbers):
        for j, v in enumerate(row):
            if not math.isnan(v):
                colour = "black" if v > middle else "white"
                axes.text(j, i, f"{v:.2g}", ha="center", va="center", color=colour, fontsize=9)
    for set_ticks, values in ((axes.set_xticks, across), (axes.set_yticks, up)):
        told = [f"{v:g}" if isinstance(v, float) else str(v) for v in values]
        set_ticks(range(len(values)), told)
    figure.colorbar(image, ax=axes)


def draw_bands(axes: Any, rows: Sequence[tuple[Any, float, float, float]]) -> None:
    """A line for the medians in a band of the quartiles; numbers that grow fast by their digits."""
    at, low, median, high = zip(*rows, strict=True)
    numbers = all(isinstance(v, (int, float)) for v in at)
    places = at if numbers else range(len(at))
    axes.fill_between(places, low, high, color=COLOURS[0], alpha=0.25, linewidth=0)
    axes.plot(places, median, color=COLOURS[0], marker="o", markersize=4)
    if not numbers:
        axes.set_xticks(places, [str(v) for v in at])
    elif min(at) > 0 and max(at) / min(at) > 10:
        axes.set_xscale("log")


# --- Numbers ---------------------------------------------------------------------------------


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
    """For each x the lower quartile, the median and the upper quartile, where there are runs.

    Those of what is 0 or 1 tell nothing: of "solved" all three are the share.
    """
    rows = measured(found, value, (x,))
    made = []
    for at in found.grid[x]:
        numbers = [v for a, v in rows if a == at]
        if numbers:
            share = [statistics.fmean(numbers)] * 3
            made.append((at, *(share if value == "solved" else quartiles(numbers))))
    return made


def quartiles(numbers: Sequence[float]) -> list[float]:
    """The lower quartile, the median and the upper one; of one number, itself."""
    if len(numbers) == 1:
        return [numbers[0]] * 3
    return statistics.quantiles(numbers, n=4, method="inclusive")


def mean_or_none(numbers: Sequence[float]) -> float | None:
    """The mean, None of nothing."""
    return statistics.fmean(numbers) if numbers else None
