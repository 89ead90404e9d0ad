"""Small drawings for the text, as SVG; no cell of the course draws by itself."""

from __future__ import annotations

FONT = 'font-family="Helvetica,Arial,sans-serif" font-size="14" fill="#2b3a55" text-anchor="middle"'
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
