"""What the course's pictures have in common, and small drawings for its text, as SVG."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from nn.plot.plane import COLOURS

BLUE, ORANGE, GREEN = COLOURS[:3]
RED = "#c0504d"
FONT = 'font-family="Helvetica,Arial,sans-serif" font-size="14" fill="#2b3a55" text-anchor="middle"'
PALE = {0: "#cfe0f2", 1: "#fbdcc2"}
STRONG = {0: "#0060a8", 1: "#b84a00"}
LINE = 'stroke="#2b3a55"'


class Svg:
    """An SVG that shows itself in a notebook."""

    def __init__(self, text: str, alt: str) -> None:
        self.text, self.alt = text, alt

    def __repr__(self) -> str:
        return self.alt

    def _repr_svg_(self) -> str:
        return self.text


def rectangle(x: float, y: float, dx: float) -> Svg:
    """x · y as an area, and the strip that it gains when x grows."""
    unit, left, top = 62, 46, 40
    w, h, dw = x * unit, y * unit, dx * unit
    bottom = top + h
    parts = [
        f'<rect x="{left}" y="{top}" width="{w}" height="{h}" fill="#dbe6f6" {LINE}/>',
        f'<rect x="{left + w}" y="{top}" width="{dw}" height="{h}" fill="#f4a259" {LINE}/>',
        f'<text x="{left + w / 2}" y="{bottom - h / 2 + 5}" {FONT}>z = x · y</text>',
        f'<text x="{left + w / 2}" y="{bottom + 20}" {FONT}>x = {x:g}</text>',
        f'<text x="{left - 24}" y="{bottom - h / 2 + 5}" {FONT}>y = {y:g}</text>',
        f'<text x="{left + w + dw / 2}" y="{bottom + 20}" {FONT}>dx</text>',
        f'<text x="{left + w + dw / 2 + 4}" y="{top - 10}" {FONT}>what z gains</text>',
    ]
    size = f'width="{left + w + dw + 70:g}" height="{bottom + 34:g}"'
    alt = f"a rectangle {x:g} by {y:g}; one side grows, and the area gains a strip"
    start = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{alt}">'
    back = '<rect width="100%" height="100%" fill="white"/>'
    return Svg(f"{start}{back}{''.join(parts)}</svg>", alt)


def plane(
    says: Callable[[list[float]], Any], X: Sequence[Sequence[float]], y: Sequence[int]
) -> Svg:
    """What a function says over the plane, orange for 1 and blue for 0, and the points."""
    unit, cells = 110, 40
    left, right = min(x[0] for x in X) - 0.4, max(x[0] for x in X) + 0.4
    low, high = min(x[1] for x in X) - 0.4, max(x[1] for x in X) + 0.4
    step = (right - left) / cells
    parts = []
    for i in range(cells):
        for j in range(round((high - low) / step)):
            at = [left + (i + 0.5) * step, low + (j + 0.5) * step]
            place = f'x="{i * step * unit:.1f}" y="{(high - low - (j + 1) * step) * unit:.1f}"'
            size = f'width="{step * unit + 0.5:.1f}" height="{step * unit + 0.5:.1f}"'
            parts.append(f'<rect {place} {size} fill="{PALE.get(says(at), "#eeeeee")}"/>')
    for x, t in zip(X, y):
        place = f'cx="{(x[0] - left) * unit:.1f}" cy="{(high - x[1]) * unit:.1f}"'
        parts.append(f'<circle {place} r="5" fill="{STRONG[t]}" stroke="white"/>')
    size = f'width="{(right - left) * unit:.0f}" height="{(high - low) * unit:.0f}"'
    alt = f"{len(X)} points on a plane coloured by what the net says"
    start = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{alt}">'
    return Svg(f"{start}{''.join(parts)}</svg>", alt)
