"""The backward pass as an animation: one page of HTML that needs no kernel and no network."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from string import Template
from typing import Any

from autograd_core.engine import Value, topological
from autograd_core.files import write_whole
from autograd_core.names import held_in, short
from autograd_core.paths import slopes
from autograd_core.paths.steps import BackwardStep, backward_steps, gradients_after
from autograd_core.pictures.drawing import BoxRow, Drawing
from autograd_core.pictures.graph import GraphView, agree, refuse_large, wired
from autograd_core.pictures.picture import SIZE, Picture

MOST_NODES = 400  # whose steps can be followed
WORDS, VERDICT = 235, 300  # pixels of buttons, words and legend in a wide page
BREAK = "max(0px, 135px - 15cqw)"  # of more lines, in a narrow page
NO_BREAK = "\xa0"  # a space that holds its room


def animate(
    root: Value,
    *,
    order: str | Iterable[Value] = "topological",
    names: Mapping[str, object] | None = None,
) -> Animation:
    """The steps of the backward pass over the picture of the graph, forward and back in time.

    `order` and `names` as in `backward_steps`; in a wrong order the page marks the Values whose
    number goes wrong. It shows one pass, from zero; no `grad` changes. Raises ValueError for a
    graph that is too large to draw, GraphvizMissingError where there is no Graphviz.
    """
    values = topological(root)
    refuse_large(values, MOST_NODES)
    graph = GraphView(values, held_in(names), with_grad=())
    story = Story(values, backward_steps(root, order, names=names), graph.names)
    picture = Picture(first_frame(graph, story.room()))
    title = f"Backward pass, {order if isinstance(order, str) else 'given order'}"
    return Animation(picture.render("svg").decode(), story.data(), title)


def first_frame(graph: GraphView, room: Mapping[Value, int]) -> Drawing:
    """The graph before any gradient has arrived, with room for as many characters of each."""
    boxes = {}
    for v in graph.order:
        data, _ = graph.rows(v)
        grad = f"grad{NO_BREAK}–".ljust(len("grad ") + room[v], NO_BREAK)
        boxes[v] = graph.box(v, [data, BoxRow(grad)], about=graph.equation(v))
    return wired(graph, boxes)


class Animation:
    """A page that plays the backward pass; shows itself in a notebook, saves as .html."""

    def __init__(self, svg: str, data: Mapping[str, Any], title: str) -> None:
        import html
        import json
        from pathlib import Path

        self.words = VERDICT if data["verdict"] else WORDS
        self.title = f"{title}: {len(data['steps'])} steps"
        svg = svg[svg.index("<svg") :]
        size = SIZE.search(svg)
        page = Path(__file__).with_name("animation.html")
        self.width, self.height = [round(float(x)) for x in size.groups()] if size else (600, 300)
        self.html = Template(page.read_text("utf-8")).substitute(
            title=html.escape(self.title),
            width=self.width,
            height=self.height,
            picture=svg,
            data=json.dumps(data, ensure_ascii=False).replace("<", "\\u003c"),
        )

    def __repr__(self) -> str:
        return f"<{self.title}; .save() writes them as .html>"

    def _repr_html_(self) -> str:
        """A frame, so that scripts run and nothing leaks between the page and the notebook.

        It is as high as its content, which grows with its width.
        """
        import html

        width = f"clamp({0.8 * self.width:.0f}px, 100cqw, {2 * self.width}px)"
        picture = f"{self.height / self.width:.3f} * {width}"
        height = f"min(800px, {self.words}px + {BREAK} + {picture})"
        return (
            '<div style="container-type: inline-size">'
            f'<iframe srcdoc="{html.escape(self.html)}" title="{html.escape(self.title)}" '
            f'sandbox="allow-scripts" style="width: 100%; height: {height}; border: 0"></iframe>'
            "</div>"
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the page, which opens in any browser; the path must end in .html."""
        from pathlib import Path

        if Path(path).suffix.lower() != ".html":
            raise ValueError(f"cannot save an animation as {str(path)!r}: the ending must be .html")
        write_whole(path, self.html.encode())


class Story:
    """What the page tells: the Values, what each step changes, and how it ends."""

    def __init__(
        self, values: Sequence[Value], steps: Sequence[BackwardStep], name: Mapping[Value, str]
    ) -> None:
        self.values, self.steps, self.name = values, steps, name
        self.right = slopes(values)
        self.final = {values[-1]: 1.0, **gradients_after(steps)}
        self.wrong = [v for v in values if not agree(self.final.get(v, 0.0), self.right[v])]

    def data(self) -> dict[str, Any]:
        """The same for the page's script, with Values as places in the topological order."""
        place = {v: i for i, v in enumerate(self.values)}
        steps = [
            {
                "from": place[step.node],
                "to": place[step.parent],
                "operand": step.operand,
                "said": step.sentence,
                "fault": step.complaint,
                "after": short(step.after),
                "ready": [place[v] for v in step.ready],
                "wrong": [place[step.wrong]] if step.wrong else [],
            }
            for step in self.steps
        ]
        root = self.name[self.values[-1]]
        return {
            "right": [short(self.right[v]) for v in self.values],
            "leaves": [place[v] for v in self.values if not v.parents],
            "steps": steps,
            "start": f"The gradient of {root} along itself is 1: {root} is ready to pass it on.",
            "end": "Done." if self.wrong else "Done: every gradient is right.",
            "verdict": self.verdict(),
            "wrong": [place[v] for v in self.wrong],
        }

    def verdict(self) -> str:
        """Which gradients are wrong at the end; nothing if none is."""
        if not self.wrong:
            return ""
        shown = [
            f"{self.name[v]} has {short(self.final.get(v, 0.0))} and should have "
            f"{short(self.right[v])}"
            for v in self.wrong[:5]
        ]
        more = [f"{len(self.wrong) - 5} more"] if len(self.wrong) > 5 else []
        verb = "is" if len(self.wrong) == 1 else "are"
        count = f"{len(self.wrong)} of {len(self.values)} gradients {verb} wrong"
        first = next((i for i, step in enumerate(self.steps, 1) if step.fault), None)
        where = f" The first mistake is step {first}." if first else ""
        return f"{count}: {', '.join(shown + more)}.{where}"

    def room(self) -> dict[Value, int]:
        """How many characters the gradient of each Value takes, at the most, with its mark."""
        room = dict.fromkeys(self.values, 1)
        for step in self.steps:
            room[step.parent] = max(room[step.parent], len(short(step.after)))
        for v in {*self.wrong, *[step.wrong for step in self.steps if step.wrong]}:
            room[v] += len(f", not {short(self.right[v])}")
        return room
