"""The graph explorer: a formula is typed, its graph is drawn, a click on a node shows its paths."""

from __future__ import annotations

from typing import Any

from autograd_core import Value, draw, explain, topological
from autograd_core.names import short
from nn.playground.browser.formula import values_of


class Explorer:
    """Answers `{"do": "draw", "text": ..., "chosen": i}`, with i a place in topological order."""

    def __init__(self, send: Any) -> None:
        self.send = send

    def receive(self, content: Any) -> None:
        """Draw; what cannot be drawn is said."""
        try:
            answer = graph_of(str(content["text"]), content.get("chosen"))
        except (ValueError, ArithmeticError, RuntimeError) as error:
            self.send({"kind": "complaint", "text": str(error)})
        else:
            self.send({"kind": "graph", **answer})


def graph_of(text: str, chosen: int | None = None) -> dict[str, Any]:
    r"""The graph of the last line: its picture, its Values, and the paths of the one chosen.

    >>> graph = graph_of("a = 2\nb = 3\nd = a * b + a", 0)
    >>> graph["title"], graph["paths"]
    ('∂d/∂a: 2 paths', [['a -> v2 -> d', '3 · 1 = 3'], ['a -> d', '1 = 1']])
    """
    root = list(values_of(text).values())[-1]
    root.backward()
    order = topological(root)
    wrt = order[chosen] if chosen is not None and 0 <= chosen < len(order) - 1 else None
    picture = draw(root, highlight=wrt)
    svg = picture.render("svg").decode()
    answer: dict[str, Any] = {
        "svg": svg[svg.index("<svg") :],
        "text": str(picture),
        "values": [described(v) for v in order],
        "chosen": None if wrt is None else chosen,
        "title": "",
        "paths": [],
        "sum": [],
    }
    if wrt is not None:
        told = explain(root, wrt)
        answer |= {"title": told.title(), "paths": [list(row) for row in told.rows()]}
        answer |= {"sum": told.conclusion()}
    return answer


def described(v: Value) -> dict[str, Any]:
    """A Value in numbers: all digits, and what is shown."""
    numbers = {"data": v.data, "grad": v.grad}
    return {"name": v.label, **numbers, "shown": [short(v.data), short(v.grad)]}
