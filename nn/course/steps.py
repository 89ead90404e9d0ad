"""How far to step: ways of descent, on a ravine of two numbers, and how signals keep their size."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from math import sqrt
from typing import Any, TypeAlias

import numpy as np

from autograd_core import total
from nn.course.pictures import BLUE, GREEN, ORANGE
from nn.model import MLP
from nn.plot.figure import Plot, blank, new_figure

Point: TypeAlias = tuple[float, float]
Way: TypeAlias = Callable[[Point, int], Point]  # where to go from the slopes, at step t = 1, 2, ...
STEEP = 400.0  # the curvature across the ravine; along it, it is 1
START: Point = (10.0, 0.3)
LOOK = {"plain": (BLUE, "o"), "momentum": (ORANGE, "s"), "Adam": (GREEN, "^")}


def height(p: Point) -> float:
    """½(x² + 400 y²): a ravine along x."""
    return (p[0] ** 2 + STEEP * p[1] ** 2) / 2


def slopes(p: Point) -> Point:
    """Its slopes along x and y."""
    return p[0], STEEP * p[1]


def plain(rate: float) -> Way:
    """Gradient descent."""
    return lambda g, t: (-rate * g[0], -rate * g[1])


def momentum(rate: float, keep: float = 0.9) -> Way:
    """A ball with a velocity, of which a share is kept at each step."""
    velocity = [0.0, 0.0]

    def step(g: Point, t: int) -> Point:
        for i in (0, 1):
            velocity[i] = keep * velocity[i] - rate * g[i]
        return velocity[0], velocity[1]

    return step


def adam_step(
    g: float, m: float, v: float, t: int, rate: float, b1: float = 0.9, b2: float = 0.999
) -> tuple[float, float, float]:
    """The step of one number, and its new m and v: means of the slope and of its square."""
    m = b1 * m + (1 - b1) * g
    v = b2 * v + (1 - b2) * g * g
    step = -rate * (m / (1 - b1**t)) / (sqrt(v / (1 - b2**t)) + 1e-8)
    return step, m, v


def adam(rate: float) -> Way:
    """Adam: each number has a rate of its own."""
    state = [(0.0, 0.0), (0.0, 0.0)]

    def step(g: Point, t: int) -> Point:
        moves = []
        for i in (0, 1):
            move, *both = adam_step(g[i], *state[i], t, rate)
            state[i] = (both[0], both[1])
            moves.append(move)
        return moves[0], moves[1]

    return step


def walk(way: Way, steps: int = 2000) -> list[Point]:
    """The points that a way of descent visits."""
    path = [START]
    for t in range(1, steps + 1):
        x, y = path[-1]
        dx, dy = way(slopes((x, y)), t)
        path.append((x + dx, y + dy))
        if height(path[-1]) > 1e12:
            break
    return path


def steps_to(path: Sequence[Point], low: float = 1e-3) -> str:
    """After how many steps the height is, and stays, below this."""
    above = [t for t, p in enumerate(path) if not height(p) < low]
    if above[-1] == len(path) - 1:
        return "explodes" if height(path[-1]) > height(START) else f"more than {len(path) - 1}"
    return str(above[-1] + 1)


def ravine(paths: dict[str, Sequence[Point]], shown: int = 40) -> Plot:
    """The first steps of several ways, over the lines of equal height."""
    figure, axes = new_figure("x", "y", (9, 3.0))
    x, y = np.meshgrid(np.linspace(-4, 11, 151), np.linspace(-0.5, 0.5, 81))
    axes.contour(x, y, (x**2 + STEEP * y**2) / 2, levels=[0.5, 2, 6, 15, 30, 50], colors="0.8")
    for name, path in paths.items():
        colour, marker = LOOK[name.split()[0].strip(",")]
        axes.plot(*zip(*path[:shown]), marker=marker, ms=3, lw=1, color=colour, label=name)
    axes.plot(0, 0, "k+", ms=12)
    axes.set(xlim=(-4, 11), ylim=(-0.5, 0.5), title=f"the first {shown} steps")
    axes.legend(loc="lower left")
    return Plot(figure)


# --- How large at random ----------------------------------------------------------------------


def gaussian(deviation: float) -> Callable[[random.Random, int, int], float]:
    """An initialiser: normal, of this standard deviation."""
    return lambda rng, n_in, n_out: rng.gauss(0.0, deviation)


STARTS: dict[str, tuple[Any, str, str]] = {
    "std 0.01": (gaussian(0.01), ORANGE, ":"),
    "Xavier": ("xavier", BLUE, "-"),
    "std 1": (gaussian(1.0), GREEN, "--"),
}


def through_layers(start: Any, depth: int = 5, width: int = 30) -> tuple[Any, Any]:
    """Activations, and slopes of their sum at the sums, in each layer for 40 random inputs."""
    net = MLP(width, [width] * depth, activation="tanh", output="tanh", init=start, seed=0)
    signals, found = [], []
    for x in np.random.default_rng(1).normal(size=(40, width)).tolist():
        total(net(x)).backward()
        signals.append([[a.data for a in layer.activations] for layer in net.layers])
        found.append([[z.grad for z in layer.pre_activations] for layer in net.layers])
    return np.array(signals), np.array(found)


def size(numbers: Any) -> Any:
    """The root mean square of each layer."""
    return np.sqrt(np.mean(np.square(numbers), axis=(0, 2)))


def histograms(signals: dict[str, Any]) -> Plot:
    """Where the activations of layers 1, 3 and 5 lie, for each start."""
    figure = blank((9, 4.6))
    for column, name in zip(figure.subplots(3, 3, sharex=True).T, signals):
        for axes, k in zip(column, (0, 2, 4)):
            bins = np.linspace(-1, 1, 41)
            axes.hist(signals[name][:, k].ravel(), bins, color=STARTS[name][1])
            axes.set(title=f"{name}, layer {k + 1}", yticks=[])
    return Plot(figure)


def at_scale(deviation: float) -> Plot:
    """Where the activations of layers 1, 3 and 5 lie, for weights of this standard deviation."""
    signals, _ = through_layers(gaussian(deviation))
    figure = blank((9, 1.9))
    for axes, k in zip(figure.subplots(1, 3, sharex=True), (0, 2, 4)):
        axes.hist(signals[:, k].ravel(), np.linspace(-1, 1, 41), color=BLUE)
        axes.set(title=f"layer {k + 1}: size {size(signals)[k]:.2g}", yticks=[])
    return Plot(figure)


def sizes(signals: dict[str, Any], found: dict[str, Any]) -> Plot:
    """The size of activations and of gradients, layer by layer."""
    figure = blank((9, 3.2))
    panels = zip(figure.subplots(1, 2), (signals, found), ("activations", "gradients"))
    for axes, numbers, title in panels:
        for name in numbers:
            _, colour, style = STARTS[name]
            axes.plot(range(1, 6), size(numbers[name]), "o" + style, color=colour, label=name)
        axes.set(title=f"size of the {title}", xlabel="layer", xticks=range(1, 6), yscale="log")
    figure.axes[0].legend()
    return Plot(figure)


def layers_of(numbers: Any) -> Iterator[str]:
    """The size in each layer, in words."""
    return (f"{x:.2g}" for x in size(numbers))
