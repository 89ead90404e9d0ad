"""Why somebody arrives at a wrong gradient: computed from the graph, its paths and its orders."""

from __future__ import annotations

import math
from collections.abc import Mapping

from autograd_core import Value, backward_steps, draw, explain, topological
from autograd_core.names import called, short
from autograd_core.paths.steps import gradients_after
from nn.course.reply import Reply, not_yet

FIRST_REACHED = "That is what comes out if a Value speaks when it is first reached."
IN_ORDER = "Each Value once, after all of its uses: `reversed(topological(root))`."
WRONG_ORDERS = {
    "post-order": "That is what comes out if the list is walked forwards, from the leaves.",
    "depth-first": "That is what comes out if a Value speaks each time it is reached.",
    "depth-first-once": FIRST_REACHED,
    "breadth-first": FIRST_REACHED,
}


def same(x: float, y: float) -> bool:
    """Whether two numbers differ by no more than rounding."""
    return math.isclose(x, y, rel_tol=1e-9, abs_tol=1e-12)


def compare(expression: str, idea: str, root: Value, got: Mapping[Value, float]) -> Reply | None:
    """The first gradient, seen from the root, that is not what it should be; None if all are."""
    for v in reversed(topological(root)):
        if v in got and not same(got[v], v.grad):
            name = called(topological(root), {})[v]
            where = f"In `{expression}`" if expression else "In the graph below"
            text = f"{where}, the gradient of {name} is {short(v.grad)}; yours is {short(got[v])}. "
            words = wrong_order(root, got) or cause(root, v, got[v]) + idea
            return not_yet(text + words, picture=marked(root, got))
    return None


def cause(root: Value, v: Value, number: float) -> str:
    """Why a number is wrong: nothing there, one path alone, a part too often; or ""."""
    found = explain(root, v, top=20)
    if number == 0:
        return "Nothing has arrived there. "
    for path in found.paths if found.count > 1 else []:
        if same(path.product, number):
            way = " → ".join([found.name[u] for u in path.values])
            return f"That is the path {way} alone, one of {found.count}. "
    times = number / v.grad if v.grad else 0.0
    if times > 1 and same(times, round(times)):
        return f"That is {round(times)} times too much: something is passed on more than once. "
    return ""


def wrong_order(root: Value, got: Mapping[Value, float]) -> str:
    """What is said where all numbers are those of a wrong order; "" where they are of none."""
    for order, words in WRONG_ORDERS.items():
        after = {root: 1.0, **gradients_after(backward_steps(root, order))}
        if all(same(after.get(u, 0.0), x) for u, x in got.items()):
            return f"{words} {IN_ORDER}"
    return ""


def marked(root: Value, got: Mapping[Value, float]) -> object:
    """The graph, with the student's number in the name wherever it is wrong."""
    name = called(topological(root), {})
    for v, number in got.items():
        if not same(number, v.grad):
            v.label = f"{name[v]}, yours {short(number)}"
    return draw(root)
