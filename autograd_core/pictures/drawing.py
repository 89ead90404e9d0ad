"""What is in a picture, as plain data: boxes of rows, ovals, edges. Writers make it DOT or text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

Tone: TypeAlias = Literal["plain", "positive", "negative", "kink", "wrong", "faint"]


@dataclass(frozen=True, slots=True)
class BoxRow:
    """A line of a box: a name in bold, then a text."""

    text: str
    name: str = ""
    tone: Tone = "plain"

    def __str__(self) -> str:
        return "  ".join(filter(None, [self.name, self.text]))


@dataclass(frozen=True, slots=True)
class Box:
    """Rows below each other in a frame; `about` is shown to who points at it."""

    id: str
    rows: tuple[BoxRow, ...]
    about: str
    border: int = 1
    tone: Tone = "plain"
    is_given: bool = False  # a leaf or an input, not computed here


@dataclass(frozen=True, slots=True)
class Oval:
    """The name of an op, between its operands and its result."""

    id: str
    text: str
    about: str
    tone: Tone = "plain"


@dataclass(frozen=True, slots=True)
class Edge:
    """From one shape to another, by their ids: an arrow, or a line from side to side.

    Without a width it is as thin and grey as all others; with a label it has an id.
    """

    source: str
    target: str
    about: str = ""
    id: str = ""
    label: str = ""
    tone: Tone = "plain"
    width: float | None = None
    is_arrow: bool = True


@dataclass(frozen=True, slots=True)
class Drawing:
    """A picture from left to right, and the cells of its text, line by line.

    The boxes of a column stand below each other in their order, as wide as each other; edges that
    are no arrows run between them.
    """

    lines: Sequence[Sequence[str]]
    shapes: Sequence[Box | Oval]
    edges: Sequence[Edge]
    columns: Sequence[Sequence[Box]] = ()
    title: str = ""
    gap: float = 0.3  # inches between columns


def tone_of(x: float) -> Tone:
    """How a number is shown: by its sign."""
    return "positive" if x > 0 else "negative" if x < 0 else "plain"


def look(flow: float | None, largest: float, thinnest: float = 1.0) -> dict[str, Any]:
    """Tone and width of an edge: by sign and size of what flows there; faint for no path.

    >>> look(-1.0, 2.0), look(None, 2.0)
    ({'tone': 'negative', 'width': 2.5}, {'tone': 'faint'})
    """
    if flow is None:
        return {"tone": "faint"}
    part = abs(flow) / largest if 0 < abs(flow) <= largest < float("inf") else 0.0
    return {"tone": tone_of(flow), "width": thinnest + 3 * part}
