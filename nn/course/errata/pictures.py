"""Pictures of what is right and what is printed."""

from __future__ import annotations

import numpy as np

from nn.course.errata.moon import LABELS, POINTS, hidden
from nn.course.errata.table import Errata, at
from nn.course.pictures import BLUE, ORANGE
from nn.plot.figure import Plot, blank


def hidden_spaces() -> Plot:
    """The hidden units of slide 17 as printed and as they must be, and the line h · w = ½."""
    versions = {
        "as printed": (np.array([[0, 0], [1, 1], [1, 0], [0, 1]]), [1, -1]),
        "as it must be": (hidden(at(2, 2), [0, -1]), [1, -2]),
    }
    figure = blank((8, 3.4))
    for axes, (name, (H, w)) in zip(figure.subplots(1, 2), versions.items()):
        axes.axline((0.5, 0), (0.5 - w[1], w[0]), color="0.4", linewidth=1)
        axes.scatter(*H.T, c=[ORANGE if y else BLUE for y in LABELS], s=70, zorder=3)
        for h in sorted({tuple(map(int, row)) for row in H}):
            at_h = [f"{int(x[0])}{int(x[1])}" for x, row in zip(POINTS, H) if tuple(row) == h]
            text = f"{', '.join(at_h)} → {int(np.dot(h, w))}"
            axes.annotate(text, h, (8, 7), textcoords="offset points")
        axes.set(title=name, xlabel="h₁", ylabel="h₂", xlim=(-0.4, 2.9), ylim=(-0.5, 1.6))
        axes.set(xticks=[0, 1, 2], yticks=[0, 1])
    return Plot(figure)


def bars(rows: Errata) -> Plot:
    """Right and printed numbers of some rows, class by class."""
    figure = blank((8, 3.0))
    for axes, row in zip(figure.subplots(1, len(rows)), rows):
        places = np.arange(len(row.by_right))
        axes.bar(places - 0.2, row.by_right, 0.4, color=BLUE, label="right")
        axes.bar(places + 0.2, row.by_printed, 0.4, color=ORANGE, hatch="//", label="as printed")
        axes.axhline(0, color="0.3", linewidth=0.8)
        axes.set(xlabel="class", xticks=places)
        axes.set_title(row.right, pad=18)  # sums have indices below
    figure.axes[0].legend()
    return Plot(figure)
