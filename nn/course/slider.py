"""A slider over pictures made beforehand: what is moved by hand needs no kernel and no network."""

from __future__ import annotations

import base64
import html
import io
import json
from collections.abc import Mapping
from string import Template
from typing import Any

from nn.plot.figure import Plot

PAGE = Template(
    '<figure style="margin:0"><label style="display:flex;gap:.8em;align-items:center;'
    'max-width:44em;font:15px system-ui,sans-serif">$name'
    '<input type="range" min="0" max="$last" value="$start" style="flex:1" aria-label="$name" '
    "oninput=\"const at = this.closest('figure'); "
    "at.querySelectorAll('img').forEach((image, i) => { image.style.display = "
    "i === Number(this.value) ? 'block' : 'none'; }); "
    "at.querySelector('output').textContent = JSON.parse(this.dataset.told)[this.value]\" "
    'data-told="$told"><output style="min-width:5em"><b>$first</b></output></label>$images</figure>'
)
IMAGE = (
    '<img src="data:image/webp;base64,{}" alt="{}" width="{}" style="display:{};max-width:100%">'
)


class Slider:
    """Pictures, one of which is shown; moving the slider shows another."""

    def __init__(self, name: str, plots: Mapping[Any, Plot], start: Any) -> None:
        if start not in plots:
            raise ValueError(f"there is no picture for {name} {start!r} to start from")
        self.name, self.start = name, start
        self.told = [told(place) for place in plots]
        self.images = [image(plot) for plot in plots.values()]
        self.width = max(
            [round(96 * float(plot.figure.get_size_inches()[0])) for plot in plots.values()]
        )
        self.at = list(plots).index(start)

    def __repr__(self) -> str:
        return f"<a slider, {self.name}: {', '.join(self.told)}>"

    def _repr_html_(self) -> str:
        images = [
            IMAGE.format(
                base64.b64encode(data).decode(),
                html.escape(f"{self.name} {text}"),
                self.width,
                "block" if i == self.at else "none",
            )
            for i, (data, text) in enumerate(zip(self.images, self.told))
        ]
        return PAGE.substitute(
            name=html.escape(self.name),
            last=len(images) - 1,
            start=self.at,
            told=html.escape(json.dumps(self.told)),
            first=html.escape(self.told[self.at]),
            images="".join(images),
        )


def slider(name: str, plots: Mapping[Any, Plot], *, start: Any = None) -> Slider:
    """A slider over plots by the number each was made for; at first it shows that of `start`.

    It needs nothing but the page it stands on; where a page allows no scripts, the picture at
    `start` (by default the first) is shown. Raises ValueError where there is none.
    """
    return Slider(name, plots, next(iter(plots), None) if start is None else start)


def told(place: Any) -> str:
    """A place of the slider in words."""
    return f"{place:g}" if isinstance(place, float) else str(place)


def image(plot: Plot) -> bytes:
    """A small image of a plot."""
    made = io.BytesIO()
    plot.figure.savefig(made, format="webp", dpi=120, pil_kwargs={"quality": 70, "method": 6})
    return made.getvalue()
