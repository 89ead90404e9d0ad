"""XOR: costs, trainings side by side, and pictures of where they end."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from autograd_core import Value, compile, dot, mean
from nn import datasets
from nn.course.pictures import BLUE, GREEN, ORANGE, RED
from nn.model import MLP
from nn.plot.figure import Plot, blank, new_figure

X, y = datasets.xor()
PLACES = {"0": 0.0, "1/8": 1 / 8, "1/6": 1 / 6, "1/4": 1 / 4}  # where trainings end
COLOURS = dict(zip(PLACES, (GREEN, BLUE, ORANGE, RED)))
RATE = 0.1


def J(w1: Any, w2: Any, b: Any) -> Value:
    """The cost of the straight model: the mean of the squared errors."""
    return mean([(t - x1 * w1 - x2 * w2 - b) ** 2 for (x1, x2), t in zip(X, y)])


def cost(model: Callable[..., Any]) -> Value:
    """The mean of a model's squared errors on the four points."""
    return mean([(model(x) - t) ** 2 for x, t in zip(X, y)])


def with_numbers(model: MLP, numbers: Sequence[float]) -> MLP:
    """The model with these parameters, in the order of `model.parameters()`."""
    for p, number in zip(model.parameters(), numbers, strict=True):
        p.data = float(number)
    return model


def two_units(
    W: Sequence[Sequence[float]], c: Sequence[float], w: Sequence[float], b: float = 0.0
) -> MLP:
    """A net of two relu units and a sum: W has a row for each unit, c has their biases.

    >>> net = two_units([[1, 1], [1, 1]], [0, -1], [1, -2])
    >>> [net(x).data for x in X]
    [0.0, 1.0, 1.0, 0.0]
    """
    units = [number for row, bias in zip(W, c, strict=True) for number in (*row, bias)]
    return with_numbers(MLP(2, [2, 1]), [*units, *w, b])


# --- Many nets side by side -------------------------------------------------------------------


def cost_of(theta: Any, bend: Callable[[Any], Any] = Value.relu) -> Any:
    """The cost of the net with these parameters: two weights and a bias for each unit, w, b."""
    n = (len(theta) - 1) // 4
    units, w, b = [theta[3 * i : 3 * i + 3] for i in range(n)], theta[3 * n : 4 * n], theta[-1]
    return cost(lambda x: dot(w, [bend(dot(unit[:2], x, unit[2])) for unit in units], b))


def starts(units: int = 2, first: int = 0, count: int = 200, spread: float = 1.0) -> Any:
    """Parameters of many nets, one in a row: normal weights of this spread, biases 0."""

    def normal(rng: random.Random, n_in: int, n_out: int) -> float:
        return rng.gauss(0, spread)

    seeds = range(first, first + count)
    nets = [MLP(2, [units, 1], init=normal, seed=seed) for seed in seeds]
    return np.array([[p.data for p in net.parameters()] for net in nets])


def train(
    theta: Any, bend: Callable[[Any], Any] = Value.relu, steps: int = 5000
) -> tuple[Any, Any]:
    """Gradient descent on every row at once: where they end, and each cost at every tenth step."""
    program = compile(lambda theta: cost_of(theta, bend), batched=True)
    record = []
    for step in range(steps + 1):
        if step % 10 == 0:
            record.append(costs(theta, bend))
        (slopes,) = program.gradient_wrt_inputs(theta)  # of the mean over the rows
        theta = theta - RATE * len(theta) * slopes
    return theta, np.array(record)


PROGRAMS: dict[Any, Any] = {}


def costs(theta: Any, bend: Callable[[Any], Any] = Value.relu) -> Any:
    """The cost of every row."""
    key = theta.shape[1], bend
    if key not in PROGRAMS:
        PROGRAMS[key] = compile(lambda theta: [cost_of(theta, bend)], batched=True)
    return PROGRAMS[key](theta)[:, 0]


def place(final: float) -> str:
    """The place among PLACES that is nearest to a final cost."""
    return min(PLACES, key=lambda name: abs(PLACES[name] - final))


def counted(record: Any) -> dict[str, int]:
    """How many trainings end at each place."""
    ends = [place(final) for final in record[-1]]
    return {name: ends.count(name) for name in PLACES}


def right_relu(z: Any) -> Any:
    """Relu with the slope of the right side at 0: the same number for every z."""
    return z + (-z).relu()


def fractions(net: MLP) -> str:
    """What a net says at the four points, as fractions."""
    said = [str(Fraction(net(x).data).limit_denominator(9)) for x in X]
    return "  ".join([f"{p:3}" for p in said])


def nudged_down(ends: Any, name: str) -> tuple[int, int, int]:
    """Of the trainings that end at a place: how many, and near how many a nudge lowers the cost.

    The third number is how many of the latter have a hidden bias that is exactly 0.
    """
    nudges = np.random.default_rng(0).uniform(-1e-3, 1e-3, size=(1000, ends.shape[1]))
    there = [row for row, final in zip(ends, costs(ends)) if place(final) == name]
    lower = [row for row in there if costs(row + nudges).min() < PLACES[name] - 1e-9]
    return len(there), len(lower), sum(bool((row[[2, 5]] == 0).any()) for row in lower)


# --- Pictures ---------------------------------------------------------------------------------


def on_grid(model: MLP, line: Any) -> Any:
    """What a model says on the square grid of a line."""
    points = [[a, c] for c in line for a in line]
    return np.array(compile(model.outputs, batched=True)(points)).reshape(len(line), len(line))


def bowl_and_plane() -> Plot:
    """The straight model's cost at b = ½, seen from above, and its best plane."""
    figure = blank((8.8, 3.9))
    figure.set_layout_engine("none")  # it has no room for axes in space
    left, right = figure.add_subplot(121), figure.add_subplot(122, projection="3d")
    line = np.linspace(-1.5, 1.5, 61)
    bowl = compile(lambda w1, w2: [J(w1, w2, 0.5)], batched=True)
    heights = [bowl(line, np.full(61, w2))[:, 0] for w2 in line]
    left.clabel(left.contour(line, line, heights, levels=[0.3, 0.5, 1, 1.5, 2, 3, 4]))
    left.plot(0, 0, "o", color=COLOURS["1/4"])
    left.set(xlabel="w₁", ylabel="w₂", title="J for b = ½, at the dot ¼", aspect="equal")
    surface(right, with_numbers(MLP(2, [1]), [0, 0, 0.5]), "the best plane: ½ everywhere")
    return Plot(figure)


def moved(c: float) -> Plot:
    """Where the hidden layer moves the four points, the second unit having this bias."""
    net = two_units(W=[[1, 1], [1, 1]], c=[0, c], w=[1, -2])
    at = [net.layers[0](x) for x in X]
    places = [[v.data for v in h] for h in at]
    figure, axes = new_figure("h₁", "h₂", (4.4, 3.0))
    axes.plot(*zip(places[0], places[3]), color="0.7", lw=1, zorder=1)
    axes.scatter(*zip(*places), c=[ORANGE if t else BLUE for t in y], s=70)
    off = abs(places[1][1] - (places[0][1] + places[3][1]) / 2)
    axes.set(xlim=(-0.3, 2.3), ylim=(-0.3, 3.3), xticks=[0, 1, 2], yticks=[0, 1, 2, 3])
    axes.set_title(f"orange is {off:g} off the line through blue")
    return Plot(figure)


def surface(axes: Any, model: MLP, title: str) -> None:
    """What a model says as a surface, and its errors as lines to the points."""
    line = np.linspace(0, 1, 41)
    heights = on_grid(model, line)
    axes.plot_surface(*np.meshgrid(line, line), heights, color=COLOURS["1/8"], alpha=0.5)
    for x, t in zip(X, y):
        axes.plot([x[0]] * 2, [x[1]] * 2, [model(x).data, t], color=COLOURS["1/4"], zorder=9)
        axes.scatter(*x, t, color=COLOURS["1/4"], s=40, depthshade=False, zorder=10)
    axes.set(xlabel="x₁", ylabel="x₂", zlim=(0, 1), title=title)
    axes.set(xticks=[0, 1], yticks=[0, 1], zticks=[0, 0.5, 1])
    axes.view_init(22, -65)


def trainings(record: Any) -> Plot:
    """Every training's cost by step, and how many end where."""
    figure = blank((9.6, 4.0))
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(3, 2))
    for row in record.T:
        colour = COLOURS[place(row[-1])]
        left.plot(10 * np.arange(200), row[:200], color=colour, linewidth=0.7, alpha=0.6)
    left.set(xlabel="step", ylabel="J", ylim=(-0.02, 0.6), title="the first 2000 steps")
    for name, n in counted(record).items():
        bar = right.barh(PLACES[name], n, 0.025, color=COLOURS[name])
        right.bar_label(bar, [f" {n} nets at {name}"])
    right.set(xlabel="nets", xlim=(0, 130), title="where they end")
    return Plot(figure)


def one_of_each(ends: Any) -> Plot:
    """What one net of each place says over the plane: orange near 1, blue near 0."""
    from matplotlib.colors import LinearSegmentedColormap

    final = [place(x) for x in costs(ends)]
    line, levels = np.linspace(-0.35, 1.35, 69), np.linspace(-0.5, 1.5, 17)
    colours = LinearSegmentedColormap.from_list("labels", [BLUE, "white", ORANGE])
    figure = blank((9.6, 3.2))
    for axes, name in zip(figure.subplots(1, 4, sharey=True), PLACES):
        net = with_numbers(MLP(2, [2, 1]), ends[final.index(name)].round(6))
        heights, look = on_grid(net, line), {"levels": levels, "extend": "both"}
        axes.contourf(line, line, heights, cmap=colours, **look)
        for x, t in zip(X, y):
            colour, marker = (ORANGE, "s") if t else (BLUE, "o")
            axes.scatter(*x, c=colour, marker=marker, edgecolors="white", s=60)
            at = {"xytext": (0, 9), "textcoords": "offset points", "ha": "center"}
            axes.annotate(f"{net(x).data + 0.0:.2f}", x, **at)
        axes.set(title=f"J = {name}", xlabel="x₁", xticks=[0, 1], yticks=[0, 1], aspect="equal")
    figure.axes[0].set_ylabel("x₂")
    return Plot(figure)


def share_by_units(share: dict[int, int]) -> Plot:
    """How many of 200 nets reach cost 0, by their number of hidden units."""
    figure, axes = new_figure("hidden units", "nets of 200", (6.0, 3.2))
    axes.bar_label(axes.bar([str(n) for n in share], list(share.values()), color=COLOURS["0"]))
    axes.set(ylim=(0, 210), title="Relu nets that reach cost 0")
    return Plot(figure)
