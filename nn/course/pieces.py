"""What nets can represent: curves in pieces, logical functions; and what training finds."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np

from autograd_core import compile
from nn import losses
from nn.course.pictures import BLUE, GREEN, ORANGE, RED
from nn.course.xor import with_numbers
from nn.model import MLP
from nn.optim import Adam
from nn.plot.figure import Plot, blank, new_figure
from nn.train.fit import fit

LOW, HIGH = -3.0, 3.0
PLACES = np.linspace(LOW, HIGH, 6 * 512 + 1)
Curve = Callable[[Any], Any]


def parabola(x: Any) -> Any:
    """x² + 2x + 2."""
    return x**2 + 2 * x + 2


def net(joints: Any, changes: Any, start: float) -> MLP:
    """A net with a unit relu(x - joint) for each joint; onwards it has the changes as weights.

    Where the changes are still three dots, all its numbers are 0.
    """
    n = len(joints)
    if changes is ...:
        return with_numbers(MLP(1, [n, 1]), [0.0] * (3 * n + 1))
    units = [number for joint in joints for number in (1.0, -joint)]
    return with_numbers(MLP(1, [n, 1]), [*units, *np.ravel(changes), start])


def in_pieces(f: Curve, n: int) -> MLP:
    """A net of n units that joins n + 1 points of a curve by straight lines."""
    joints = np.linspace(LOW, HIGH, n + 1)
    slopes = np.diff(f(joints)) / np.diff(joints)
    return net(joints[:-1], np.diff(slopes, prepend=0.0), f(LOW))


def values(model: MLP, x: Any) -> Any:
    """What a net of one input says at many places."""
    return compile(model.outputs, batched=True)(np.array(x, dtype=float)[:, None])[:, 0]


def largest_error(model: MLP, f: Curve = parabola) -> float:
    """Of a net, over the interval."""
    return float(np.abs(values(model, PLACES) - f(PLACES)).max())


def typical_error(model: MLP, f: Curve = parabola) -> float:
    """The root of the mean squared error of a net over the interval."""
    return float(np.mean((values(model, PLACES) - f(PLACES)) ** 2) ** 0.5)


def curve_and_error(model: MLP, f: Curve = parabola) -> Plot:
    """A curve and a net, with its joints; and the error between the joints."""
    figure = blank((8.4, 3.2))
    left, right = figure.subplots(1, 2)
    left.plot(PLACES, f(PLACES), color=ORANGE, lw=5, alpha=0.5, label="x² + 2x + 2")
    left.plot(PLACES, values(model, PLACES), color=BLUE, label="the net")
    joints = np.array([-unit.b.data for unit in model.layers[0].neurons])
    left.plot(joints, values(model, joints), "o", ms=4, color=BLUE)
    left.set(xlabel="x", ylim=(-1, 18), title=f"{len(joints)} units")
    left.legend(loc="upper left")
    right.fill_between(PLACES, values(model, PLACES) - f(PLACES), color=RED)
    right.axhline((6 / len(joints)) ** 2 / 4, color="0.4", ls=":")
    right.set(xlabel="x", ylim=(0, 2.6), title=f"error, at most {largest_error(model, f):.4f}")
    return Plot(figure)


def two_bends(x: Any) -> Plot:
    """x + 1 as the sum of two relu units."""
    figure, axes = new_figure("x", "", (6.4, 3.0))
    axes.plot(x, x + 1, color=BLUE, alpha=0.35, lw=6, label="the sum of both")
    axes.plot(x, np.maximum(0, x + 1), "--", color=ORANGE, label="relu(x + 1)")
    axes.plot(x, -np.maximum(0, -x - 1), ":", color=GREEN, lw=2.5, label="-relu(-x - 1)")
    axes.set_title("x + 1 from two relu units")
    axes.legend()
    return Plot(figure)


def errors_by_units(others: dict[str, Curve]) -> Plot:
    """The largest errors of nets in pieces, by their number of units."""
    figure, axes = new_figure("units", "largest error", (6.4, 3.2))
    sizes = [2**k for k in range(1, 8)]
    for (name, f), colour, marker in zip(others.items(), (BLUE, GREEN, ORANGE), "o^s"):
        errors = [largest_error(in_pieces(f, n), f) for n in sizes]
        axes.loglog(sizes, errors, f"{marker}-", color=colour, label=name)
    axes.set_title("Smooth functions as fast, a kink slower")
    axes.legend()
    return Plot(figure)


def step(x: Any) -> Any:
    """A jump from 0 to 1 at 0.3."""
    return np.where(np.asarray(x) > 0.3, 1.0, 0.0)


def conditions() -> Plot:
    """What happens outside the interval, and at a jump."""
    figure = blank((8.8, 3.2))
    left, right = figure.subplots(1, 2)
    wide, near = np.linspace(-6, 6, 601), np.linspace(0, 0.6, 601)
    left.axvspan(LOW, HIGH, color="0.93")
    left.plot(wide, parabola(wide), color=ORANGE, lw=5, alpha=0.5, label="x² + 2x + 2")
    left.plot(wide, values(in_pieces(parabola, 8), wide), color=BLUE, label="8 units")
    left.set(xlabel="x", title="outside -3 to 3")
    right.plot(near, step(near), color=ORANGE, lw=5, alpha=0.5, label="a jump at 0.3")
    for n, colour, look in ((32, BLUE, "--"), (256, GREEN, "-")):
        right.plot(near, values(in_pieces(step, n), near), look, color=colour, label=f"{n} units")
    right.set(xlabel="x", title="not continuous")
    for axes in (left, right):
        axes.legend()
    return Plot(figure)


# --- Logical functions ------------------------------------------------------------------------


def corners(n: int) -> list[tuple[int, ...]]:
    """All lists of n bits."""
    return list(product((0, 1), repeat=n))


def minterms(n: int) -> Any:
    """What a unit for each corner says at each corner: a row for a corner, a column for a unit."""
    X = np.array(corners(n), dtype=float)
    return np.maximum(0, 1 + X @ (2 * X - 1).T - X.sum(axis=1))


def net_of_table(table: Sequence[int]) -> MLP:
    """The net of minterms that is this table: a 0 or a 1 for each corner."""
    n = (len(table) - 1).bit_length()
    units = [number for v in corners(n) for number in [*[2 * bit - 1 for bit in v], 1 - sum(v)]]
    return with_numbers(MLP(n, [2**n, 1]), [*units, *table, 0])


def exact(net: MLP, table: Sequence[int]) -> int:
    """At how many corners a net says exactly what a table does."""
    X = np.array(corners(net.n_in), dtype=float)
    said = compile(net.outputs, batched=True)(X)[:, 0]
    return int((said == np.array(table)).sum())


def parity(n: int) -> list[int]:
    """1 where the number of 1s is odd."""
    return [sum(v) % 2 for v in corners(n)]


def counting(onwards: Sequence[float] | None, n: int) -> MLP:
    """A net of units relu(s), relu(s - 1), ..., where s is the number of 1s among n bits."""
    units = [number for i in range(n) for number in [*[1.0] * n, -i]]
    return with_numbers(MLP(n, [n, 1]), [*units, *(onwards or [0.0] * n), 0])


def at_corners() -> Plot:
    """Eight units at the eight corners of a cube."""
    figure, axes = new_figure("unit", "corner", (4.0, 3.8))
    H, names = minterms(3), ["".join(map(str, v)) for v in corners(3)]
    axes.imshow(H, cmap="Blues", vmax=1.4)
    axes.set_xticks(range(8), names, rotation=90)
    axes.set_yticks(range(8), names)
    for (i, j), h in np.ndenumerate(H):
        axes.text(j, i, f"{h:.0f}", ha="center", va="center", color="white" if h else "0.6")
    axes.set_title("8 units at 8 corners")
    return Plot(figure)


def by_count(net: MLP) -> Plot:
    """What a net says by the number of 1s, between whole numbers, too."""
    figure, axes = new_figure("number of 1s", "output", (6.0, 2.6))
    n = net.n_in
    s = np.linspace(0, n, 20 * n + 1)
    inputs = np.outer(s, [1 / n] * n)
    axes.plot(s, compile(net.outputs, batched=True)(inputs)[:, 0], color=BLUE, label="the net")
    axes.plot(range(n + 1), [k % 2 for k in range(n + 1)], "o", color=ORANGE, label="parity")
    axes.set_title(f"{n} bits, {n} units")
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return Plot(figure)


# --- And training -----------------------------------------------------------------------------


def trained(sizes: Sequence[int], seeds: int = 4) -> dict[tuple[int, int], MLP]:
    """Nets of these sizes that Adam has fitted to the parabola, from random weights."""
    X, found = np.linspace(LOW, HIGH, 61), {}
    y = parabola(X).tolist()
    options: dict[str, Any] = {"loss": losses.squared_error, "epochs": 2000, "progress": False}
    for n, seed in product(sizes, range(seeds)):
        model = MLP(1, [n, 1], init="he", seed=seed)
        fit(model, X[:, None].tolist(), y, optimizer=Adam(0.02), **options)
        found[n, seed] = model
    return found


def by_hand_and_trained(nets: dict[tuple[int, int], MLP]) -> Plot:
    """Errors of nets by hand and of trained ones, by their number of units."""
    figure = blank((9.2, 3.5))
    sizes = sorted({n for n, _ in nets})
    measures = {"largest error": largest_error, "root of the mean squared error": typical_error}
    for axes, (title, error) in zip(figure.subplots(1, 2), measures.items()):
        by_hand = [error(in_pieces(parabola, n)) for n in sizes]
        axes.plot(sizes, by_hand, "s-", color=ORANGE, label="by hand")
        dots = [(n, error(model)) for (n, _), model in nets.items()]
        axes.plot(*zip(*dots), "o", color=BLUE, alpha=0.6, label="trained")
        axes.set(xlabel="units", title=title, xscale="log", yscale="log")
        axes.set_xticks(sizes, sizes)
        axes.minorticks_off()
        axes.legend()
    return Plot(figure)


def joints(nets: dict[str, MLP]) -> Plot:
    """Where nets have their joints."""
    figure, axes = new_figure("x", "", (6.8, 2.8))
    for row, model in enumerate(nets.values()):
        at = [-u.b.data / u.w[0].data for u in model.layers[0].neurons]
        axes.plot(at, [row] * len(at), "|", ms=16, color=BLUE if row else ORANGE)
    axes.set_yticks(range(len(nets)), nets)
    axes.set(xlim=(-3.1, 3.1), ylim=(len(nets) - 0.4, -0.6))
    axes.set_title("Where 32 units have their joints")
    return Plot(figure)


def noisy(n: int, rng: random.Random) -> tuple[list[list[float]], list[float]]:
    """Measurements of the parabola, with an error of standard deviation 2."""
    X = [[a] for a in np.linspace(LOW, HIGH, n).tolist()]
    return X, [parabola(a) + rng.gauss(0, 2) for (a,) in X]


def by_noise(model: MLP, history: Any, X: Any, y: Any) -> Plot:
    """Both errors by epoch, and where the training ends."""
    figure = blank((9.2, 3.4))
    left, right = figure.subplots(1, 2)
    left.loglog(history.loss, color=BLUE, label="training")
    left.loglog(history.validation_loss, "--", color=ORANGE, label="held out")
    left.set(xlabel="epoch", title="mean squared error")
    right.plot(PLACES, parabola(PLACES), color=ORANGE, lw=5, alpha=0.5, label="x² + 2x + 2")
    right.plot(PLACES, values(model, PLACES), color=BLUE, label="the net")
    right.plot([a for (a,) in X], y, "o", color="0.2", label="training data")
    right.set(xlabel="x", title=f"after {history.epochs} epochs")
    for axes in (left, right):
        axes.legend()
    return Plot(figure)
