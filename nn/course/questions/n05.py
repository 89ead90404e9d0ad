"""The questions of notebook 05, activations, first weights, steps."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from autograd_core import Op, Value
from nn.course.kinds import Code, Number, Question
from nn.course.safely import Empty, run, safely
from nn.course.steps import adam_step


def ten_sigmoids() -> Number:
    return Number(
        right=4.0**10,
        wrong=[
            (40, "Along a path, slopes multiply: 4 · 4 · ... , ten times."),
            (4, "That is one sigmoid. There are ten in a row."),
            (0.25**10, "That is what is left. Smaller by which factor?"),
            (2.0**10, "The largest slope of a sigmoid is ¼, not ½."),
            (10, "Each of them makes it at least four times smaller."),
        ],
        hints=["The largest slope is ¼.", "¼ · ¼ · ... ten times"],
        why="4¹⁰, a million, and that is the best case: at the steepest place of every sigmoid. This is why nobody stacks many of them any more.",
    )  # fmt: skip


def across() -> Number:
    return Number(
        right=0.5,
        wrong=[
            (0, "That is the left side. From -h to h relu rises by h."),
            (1, "That is the right side. The run is 2h."),
            (2, "The rise is h and the run is 2h, not the other way round."),
        ],
        hints=["relu(h) - relu(-h) = h. And the run?"],
        why="½, whatever the step. It is the slope of neither side: a checker that measures across a kink calls both 0 and 1 wrong.",
    )  # fmt: skip


def agrees(x: float, value: float, slope: float) -> Callable[[Any], str | None]:
    """Whether a student's row has this value and this slope at x."""

    def test(op: Any) -> str | None:
        if not isinstance(op, Op):
            return "An `Op` is wanted."
        got = safely(op.value, x)
        if got is ...:
            raise Empty(
                "Put the value in place of the first dots, and the slope in place of the second."
            )
        if not math.isclose(got, value, abs_tol=1e-12):
            return f"At {x:g} the value is {value:g}; yours is {got:g}."
        slopes = safely(op.partials, value, x)
        if slopes == (...,):
            raise Empty("The value is right. Now the slope.")
        if not isinstance(slopes, tuple):
            return f"The slopes are a tuple, with a comma: `({slopes!r},)`."
        if not math.isclose(slopes[0], slope, abs_tol=1e-12):
            side = " At 0 it is that of the left side: `x > 0`, not `x >= 0`." if x == 0 else ""
            return f"At {x:g} the slope is {slope:g}; yours is {slopes[0]:g}.{side}"
        return None

    return test


def own_row() -> Code:
    return Code(
        laws=[
            ("above 0", agrees(2.0, 2.0, 1.0)),
            ("below 0", agrees(-3.0, -0.3, 0.1)),
            ("at 0", agrees(0.0, 0.0, 0.1)),
        ],
        source="lambda x: x if x > 0 else 0.1 * x, and lambda z, x: (1.0 if x > 0 else 0.1,)",
        hints=["The value: `x if x > 0 else 0.1 * x`.", "The slope is 1.0 where x > 0, else 0.1; in a tuple."],
        why="A row of the table, and everything works with it: backward, pictures, gradient checks, compiled programs.",
        wanted="An Op",
    )  # fmt: skip


def keep_size() -> Number:
    return Number(
        right=1 / math.sqrt(200),
        wrong=[
            (1 / 200, "That is the variance. The standard deviation is its root."),
            (1, "Then z would have variance 200: it is a sum of 200 products."),
            (math.sqrt(200), "The other way round: 200 · Var(w) is to be 1."),
            (0.1, "Near. 200 · Var(w) = 1."),
        ],
        hints=["200 · Var(w) · 1 = 1", "Var(w) = 1/200; its root?"],
        why="0.0707: variance 1/200. Xavier's √(2/(200 + 200)) is the same number.",
    )  # fmt: skip


def lost_gradient() -> Number:
    per_layer = 1 / (0.01 * math.sqrt(30))
    return Number(
        right=per_layer**4,
        wrong=[
            (per_layer, "That is one layer. Four lie between layer 5 and layer 1."),
            (4 * per_layer, "Layer by layer it multiplies."),
            (per_layer**5, "Five layers, but only four steps from layer 5 back to layer 1."),
            (per_layer**-4, "That is what is left of it. How many times smaller is it?"),
            (100**4, "0.01 · √30, not 0.01: 30 units add up."),
        ],
        hints=["0.01 · √30 = 0.055 for each of four layers.", "(1/0.055)⁴"],
        why="0.055⁴ is about 1/100,000. Layer 1 would need a learning rate 100,000 times larger than that of layer 5.",
        tolerance=0.5,
    )  # fmt: skip


def limit() -> Number:
    return Number(
        right=2 / 3.186,
        wrong=[
            (2 / 0.314, "That is the limit of the flattest direction. The steepest explodes first."),
            (1 / 3.186, "There 1 - ηλ is 0, and one step is enough. It explodes where 1 - ηλ is below -1."),
            (2 / 0.5, "That is the limit of the middle direction. The steepest explodes first."),
            (3.186 / 2, "The other way round: |1 - ηλ| = 1 where ηλ = 2, so η is 2/λ."),
        ],
        hints=["It shrinks while |1 - ηλ| is below 1, for every λ.", "ηλ < 2 for the largest λ."],
        why="2/3.186 = 0.628. Below, 0.62 works and 0.64 explodes.",
    )  # fmt: skip


def speed() -> Number:
    return Number(
        right=0.01 / (1 - 0.9),
        wrong=[
            (0.01, "That is the first step. The second keeps 0.9 of it and adds 0.01."),
            (0.019, "That is the second step. And then?"),
            (0.09, "That is what is kept in the end. And 0.01 is added."),
            (0.009, "The velocity does not shrink: 0.01 is added at each step."),
        ],
        hints=["In the end the velocity stays the same: v = 0.9 v + 0.01.", "v (1 - 0.9) = 0.01"],
        why="v = 0.9 v + 0.01 gives v = 0.1: ten times the plain step. Across the ravine the signs alternate, and nearly all cancels.",
    )  # fmt: skip


def first_step() -> Number:
    return Number(
        right=0.1 / math.sqrt(0.001),
        wrong=[
            (100, "√v: the root of 0.001 g² is 0.032 g."),
            (0.1, "And divided by √v?"),
            (1, "That is what it should be. What is it without correction?"),
            (math.sqrt(0.001) / 0.1, "The other way round: m over √v."),
        ],
        hints=["m/√v = 0.1 g / (√0.001 · g)"],
        why="3.16 times too large, at the very moment when one knows least. With the correction it is exactly 1.",
    )  # fmt: skip


def moves(slopes: list[float], rate: float = 0.1) -> Callable[[Any], str | None]:
    """Whether a student's Adam moves as it should on these slopes."""

    def test(function: Any) -> str | None:
        mine: tuple[float, float] = (0.0, 0.0)
        right: tuple[float, float] = (0.0, 0.0)
        for t, g in enumerate(slopes, 1):
            got = run(function, g, *mine, t, rate)
            step, *both = adam_step(g, *right, t, rate)
            if not isinstance(got, tuple) or len(got) != 3:
                return "Return three things: `return step, m, v`."
            if any(part is ... for part in got):
                raise Empty("Write the three lines first.")
            if not all(
                math.isclose(x, z, rel_tol=1e-6, abs_tol=1e-12) for x, z in zip(got, (step, *both))
            ):
                return fault(got, (step, both[0], both[1]), g, t, rate)
            mine, right = (got[1], got[2]), (both[0], both[1])
        return None

    return test


def fault(
    got: tuple[float, ...], right: tuple[float, float, float], g: float, t: int, rate: float
) -> str:
    """Which of step, m, v is wrong, and by which slip."""
    step, m, v = got
    for name, x, z in (("m", m, right[1]), ("v", v, right[2])):
        if not math.isclose(x, z, rel_tol=1e-6, abs_tol=1e-12):
            ideas = {
                "m": "m keeps 0.9 of itself and takes 0.1 of g.",
                "v": "v keeps 0.999 of itself and takes 0.001 of g squared.",
            }
            return (
                f"At step {t}, with slope {g:g}, {name} is {z:.6g}; yours is {x:.6g}. {ideas[name]}"
            )
    known = [
        (-right[0], "The sign: downhill is against the slope."),
        (
            -rate * m / (math.sqrt(v) + 1e-8),
            "That is without the bias correction: divide m by 1 - b1**t, and v by 1 - b2**t.",
        ),
        (-rate * (m / (1 - 0.9**t)) / (v / (1 - 0.999**t) + 1e-8), "The root of v is missing."),
        (-rate * (m / (1 - 0.9**t)) / (math.sqrt(v) + 1e-8), "v wants its correction, too."),
        (-rate * m / (math.sqrt(v / (1 - 0.999**t)) + 1e-8), "m wants its correction, too."),
    ]
    idea = next((text for wrong, text in known if math.isclose(step, wrong, rel_tol=1e-6)), "")
    return f"At step {t}, with slope {g:g}, the step is {right[0]:.6g}; yours is {step:.6g}. {idea}"


def own_adam() -> Code:
    return Code(
        laws=[
            ("the first step has the length of the rate", moves([3.0])),
            ("so it has for a tiny slope", moves([-1e-4])),
            ("ten steps in one direction", moves([1.0] * 10)),
            ("slopes that change", moves([1.0, -2.0, 0.5, 0.0, 4.0])),
        ],
        source="m = b1 * m + (1 - b1) * g; v = b2 * v + (1 - b2) * g * g; step = -rate * (m / (1 - b1**t)) / (sqrt(v / (1 - b2**t)) + 1e-8)",
        hints=["Two running means: `b1 * m + (1 - b1) * g`, and the same with b2 and g².", "Correct both: `m / (1 - b1**t)` and `v / (1 - b2**t)`.", "The step: -rate times the one over the root of the other plus 1e-8."],
        why="Three lines. They have trained nearly every large model there is.",
    )  # fmt: skip


def scaled_input() -> Number:
    return Number(
        right=100,
        wrong=[
            (10, "The slope of the prediction grows tenfold, and the error is squared: the curvature has x²."),
            (1, "The curvature along a weight is the mean of 2x²."),
            (1000, "x² it is, not x³."),
        ],
        hints=["(wx - y)² has the second derivative 2x² along w."],
        why="x² grows a hundredfold, and the largest rate shrinks to a hundredth: a ravine made by hand. This is why inputs are brought to one scale.",
    )  # fmt: skip


def for_relu() -> Number:
    half = Value(1.0).data / 2
    return Number(
        right=math.sqrt(1 / (200 * half)),
        wrong=[
            (1 / math.sqrt(200), "That keeps the size where nothing is lost. Half of the mean square is cut off."),
            (0.01, "That is the variance, 2/200. The standard deviation is its root."),
            (1 / math.sqrt(400), "The other way round: what is lost must be made up for, by larger weights."),
        ],
        hints=["200 · Var(w) · ½ = 1"],
        why='√(2/200) = 0.1. This is called He initialisation, `init="he"`.',
    )  # fmt: skip


questions: dict[str, Callable[[], Question]] = {
    "05.1": ten_sigmoids,
    "05.2": across,
    "05.3": own_row,
    "05.4": keep_size,
    "05.5": lost_gradient,
    "05.6": limit,
    "05.7": speed,
    "05.8": first_step,
    "05.9": own_adam,
    "05.10": scaled_input,
    "05.11": for_relu,
}
