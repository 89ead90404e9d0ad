"""A moment as one SVG: the net, the plane and the losses, for where nothing runs.

Its colours are those of the page, read from its style sheet.
"""

from __future__ import annotations

import base64
import math
import struct
import zlib
from collections.abc import Iterator, Sequence
from copy import copy
from itertools import pairwise
from typing import Any

import numpy as np

from nn.playground.frames import Frames
from nn.playground.page import colours
from nn.playground.readout import FULL, SURE, TILE

WIDE, HIGH, TOP = 980, 330, 52
NET, PLANE, LOSSES = (20.0, 440.0), (492.0, 250.0), (800.0, 165.0)  # begin, and width
MOST = 7  # neurons of a layer that are shown
MOST_POINTS = 300
LEAST_LOSS = 1e-9


def svg(frames: Frames) -> str:
    """The picture of what there is now."""
    seen = copy(frames)  # whose pages have not been told of this
    header, arrays = seen.frame()
    parts = [*heading(header), *net(seen, arrays), *plane(seen, arrays), *losses(seen.trace)]
    look = f'viewBox="0 0 {WIDE} {HIGH}" width="{WIDE}" height="{HIGH}"'
    font = f'font-family="system-ui,sans-serif" font-size="12" fill="{colours()["ink"]}"'
    ground = f'<rect width="{WIDE}" height="{HIGH}" fill="{colours()["paper"]}"/>'
    name = "<title>The playground: the net, the plane, and the losses</title>"
    svg = '<svg xmlns="http://www.w3.org/2000/svg"'
    return "\n".join([f"{svg} {look} {font}>", name, ground, *parts, "</svg>\n"])


def heading(header: dict[str, Any]) -> Iterator[str]:
    """The figures in one line."""
    figures = ("loss", header["loss"]), ("held out", header["held"])
    told = [
        f"step {header['steps']:,}",
        *[f"{name} {x:.3g}" for name, x in figures if x is not None],
    ]
    if header["accuracy"] is not None:
        told.append(f"right {header['accuracy']:.1%}")
    look = 'font-size="15" font-weight="600" xml:space="preserve"'
    yield text(20, 26, "   ·   ".join(told), look)


# --- The net ---------------------------------------------------------------------------------


def net(frames: Frames, arrays: dict[str, Any]) -> Iterator[str]:
    """Layers of tiles, and links between them."""
    session, (left, width) = frames.session, NET
    sizes = [len(session.now.features), *session.model.sizes]
    shown = [min(n, MOST) for n in sizes]
    space = min(56.0, (HIGH - TOP - 30) / max(shown))
    side, xs = 0.8 * space, np.linspace(left + 30, left + width - 60, len(sizes)).tolist()
    middle = TOP + (HIGH - TOP - 30) / 2
    ys = [[middle + (i - (n - 1) / 2) * space for i in range(n)] for n in shown]
    yield from links(arrays["theta"], sizes, xs, ys, side)
    first = 0
    for size, x, column in zip(sizes, xs, ys, strict=True):
        for i, y in enumerate(column):
            pixels = ramped(arrays["tiles"][first + i].reshape(TILE, TILE) / 127)
            yield image(pixels, x - side / 2, y - side / 2, side)
        if size > len(column):
            more = f"{size - len(column)} more"
            yield text(x, column[-1] + side / 2 + 14, more, 'text-anchor="middle"', "soft")
        first += size


def links(
    theta: Any,
    sizes: Sequence[int],
    xs: Sequence[float],
    ys: Sequence[Sequence[float]],
    side: float,
) -> Iterator[str]:
    """A curve for each weight between what is shown, as wide as it is large."""
    start = 0
    for layer, (n, m) in enumerate(pairwise(sizes)):
        for i, y1 in enumerate(ys[layer + 1]):
            for j, y0 in enumerate(ys[layer]):
                weight = float(theta[start + i * (n + 1) + j])
                yield link((xs[layer] + side / 2, y0), (xs[layer + 1] - side / 2, y1), weight)
        start += (n + 1) * m


def link(start: tuple[float, float], end: tuple[float, float], weight: float) -> str:
    """The curve of one weight: dashed below 0, as everywhere."""
    (x0, y0), (x1, y1) = start, end
    width = min(8.0, 0.4 + 3 * abs(weight) ** 0.5)
    dashes = f' stroke-dasharray="{2 * width:.1f} {1.6 * width:.1f}"' if weight < 0 else ""
    bend = 0.42 * (x1 - x0)
    path = f"M{x0:.1f} {y0:.1f}C{x0 + bend:.1f} {y0:.1f} {x1 - bend:.1f} {y1:.1f} {x1:.1f} {y1:.1f}"
    colour = colours()["neg" if weight < 0 else "pos"]
    look = f'stroke="{colour}" stroke-width="{width:.1f}" stroke-opacity="0.7"'
    return f'<path d="{path}" fill="none" {look}{dashes}/>'


# --- The plane -------------------------------------------------------------------------------


def plane(frames: Frames, arrays: dict[str, Any]) -> Iterator[str]:
    """The output over the plane, and the points."""
    session, (left, wide) = frames.session, PLANE
    side = math.isqrt(len(arrays["field"]))
    field = arrays["field"].reshape(side, side)
    single = session.model.sizes[-1] == 1
    yield image(ramped(field / FULL) if single else classes(field), left, TOP, wide)
    low_x, high_x, low_y, high_y = session.bounds
    points = session.points()
    for x, end in ((left, low_x), (left + wide, high_x)):
        yield text(x, TOP + wide + 16, f"{end:.2g}", 'text-anchor="middle"', "soft")
    for y, end in ((TOP + wide, low_y), (TOP, high_y)):
        yield text(left - 6, y + 4, f"{end:.2g}", 'text-anchor="end"', "soft")
    for x1, x2, target, held in points[:: 1 + len(points) // MOST_POINTS]:
        x = left + wide * (x1 - low_x) / (high_x - low_x)
        y = TOP + wide * (high_y - x2) / (high_y - low_y)
        if left <= x <= left + wide and TOP <= y <= TOP + wide:
            share = target / session.scale if session.now.of_numbers else None
            yield point(x, y, target, share, held=held)


def point(x: float, y: float, target: float, share: float | None, *, held: bool) -> str:
    """A point: a disc for class 0, a square for 1, and by colour for others; hollow if held out."""
    known = colours()
    if share is None:
        own = [known[name] for name in ("neg", "pos", "third", "fourth", "fifth", "sixth")]
        colour, edge = own[int(target) % 6], known["halo"]
    else:
        colour, edge = "#" + bytes(ramped(np.array([[share]]))[0, 0].tolist()).hex(), known["ink"]
    fill, stroke = (known["halo"], colour) if held and share is None else (colour, edge)
    if held and share is not None:
        stroke = known["halo"]
    look = f'fill="{fill}" stroke="{stroke}"'
    if share is None and target == 1:
        return f'<rect x="{x - 3:.1f}" y="{y - 3:.1f}" width="6" height="6" {look}/>'
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.2" {look}/>'


# --- The losses ------------------------------------------------------------------------------


def losses(trace: Sequence[Sequence[float | None]]) -> Iterator[str]:
    """The losses over the steps, on a scale of powers of ten."""
    (left, wide), high = LOSSES, 0.8 * PLANE[1]
    known = [x for entry in trace for x in entry[1:3] if x is not None and x > 0]
    if not known:
        return
    low, top = math.log10(max(min(known), LEAST_LOSS)), math.log10(max(known))
    last, span = max(10.0, trace[-1][0] or 0), (top - low) or 1.0

    def at(step: float, loss: float) -> str:
        share = (top - math.log10(max(loss, LEAST_LOSS))) / span
        return f"{left + wide * step / last:.1f},{TOP + 20 + high * min(max(share, 0), 1):.1f}"

    for k, dashes, what in ((2, "4 3", "held out"), (1, "none", "training")):
        ends = [at(entry[0] or 0, entry[k] or 0) for entry in trace if entry[k] is not None]
        look = f'fill="none" stroke="{colours()["ink"]}" stroke-dasharray="{dashes}"'
        yield f'<polyline points="{" ".join(ends)}" {look}><title>{what}</title></polyline>'
    yield text(left, TOP + 4, "loss (dashed: held out)")
    for share, loss in ((0, max(known)), (1, min(known))):
        y = TOP + 24 + share * high
        yield text(left - 6, y, f"{loss:.2g}", 'text-anchor="end" font-size="11"', "soft")
    yield text(left + wide, TOP + high + 40, f"{last:,.0f} steps", 'text-anchor="end"', "soft")


# --- Text and pixels -------------------------------------------------------------------------


def text(x: float, y: float, words: str, look: str = "", colour: str = "ink") -> str:
    """Words at a place."""
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{colours()[colour]}" {look}>{words}</text>'


def parts_of(name: str) -> Any:
    """A colour of the page as red, green and blue."""
    return np.array([int(colours()[name][i : i + 2], 16) for i in (1, 3, 5)], float)


def ramped(shares: Any) -> Any:
    """Numbers from -1 to 1 as the page colours them."""
    strength = np.minimum(np.abs(shares), 1.0)[..., None] ** 0.8
    ends = np.where(shares[..., None] < 0, parts_of("neg-fill"), parts_of("pos-fill"))
    return np.rint(parts_of("zero") + strength * (ends - parts_of("zero"))).astype(np.uint8)


def classes(field: Any) -> Any:
    """The likeliest of several classes, the paler the less sure."""
    names = ("neg-fill", "pos-fill", "third", "fourth", "fifth", "sixth")
    ground = parts_of("zero")
    pale = [ground + (1 if k < 2 else 0.58) * (parts_of(x) - ground) for k, x in enumerate(names)]
    sure = 0.25 + 0.75 * (field % SURE)[..., None] / SURE
    return np.rint(ground + sure * (np.array(pale)[field // SURE % 6] - ground)).astype(np.uint8)


def image(pixels: Any, x: float, y: float, side: float) -> str:
    """A square of pixels in a frame."""
    data = base64.b64encode(png(pixels)).decode()
    place = f'x="{x:.1f}" y="{y:.1f}" width="{side:.1f}" height="{side:.1f}"'
    frame = f'<rect {place} fill="none" stroke="{colours()["faint"]}"/>'
    return f'<image {place} href="data:image/png;base64,{data}"/>{frame}'


def png(pixels: Any) -> bytes:
    """Rows of red, green and blue as a PNG file (RFC 2083)."""
    high, wide, _ = pixels.shape
    rows = b"".join([b"\0" + row.tobytes() for row in pixels])
    head = struct.pack(">IIBBBBB", wide, high, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    chunks = [
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in parts
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)
