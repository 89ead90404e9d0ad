"""Nets as lists of matrices, and what their products cost."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from autograd_core import compile, mean
from autograd_core.extras import needing
from nn import losses
from nn.course.examples import numbers
from nn.course.pictures import BLUE, ORANGE
from nn.model import MLP
from nn.plot.figure import Plot, blank, new_figure

Arrays: TypeAlias = list[Any]

W = [
    np.array([[0.1, 0.2], [-0.3, 0.4]]),
    np.array([[0.5, -0.6], [0.7, 0.8]]),
    np.array([[0.9, -1.0], [0.3, 0.2], [-0.4, 0.6]]),
]
b = [np.array([0.05, -0.05]), np.array([0.1, 0.2]), np.array([0.0, 0.1, -0.1])]
x = np.array([1.0, -2.0])
LABEL = 1  # its class, counted from 0


def two_two_two_three(output: str = "linear") -> MLP:
    """The net with the weights and biases above."""
    return with_matrices(MLP(2, [2, 2, 3], activation="tanh", output=output), W, b)


def matrices(model: MLP) -> tuple[Arrays, Arrays]:
    """The weights and the biases of all layers, as arrays of numbers."""
    biases = [np.array([n.b.data for n in layer.neurons]) for layer in model.layers]
    return [numbers(layer) for layer in model.layers], biases


def with_matrices(model: MLP, W: Sequence[Any], b: Sequence[Any]) -> MLP:
    """The same model, with these weights and biases (of any shape)."""
    for layer, W_k, b_k in zip(model.layers, W, b):
        for neuron, row, bias in zip(layer.neurons, W_k, np.ravel(b_k)):
            neuron.b.data = float(bias)
            for w, number in zip(neuron.w, row):
                w.data = float(number)
    return model


def column_softmax(z: Any) -> Any:
    """Probabilities from sums; of a matrix, column by column."""
    e = np.exp(z - z.max(axis=0))
    return e / e.sum(axis=0)


def grads(values: Sequence[Any]) -> Any:
    """The gradients that `backward` has left in a list of Values."""
    return np.array([v.grad for v in values])


def gradients(model: MLP, slopes: Any = None) -> Arrays:
    """∇W1, ∇W2, ..., then ∇b1, ∇b2, ...: from `grad`, or from slopes by parameter."""
    slope = {p: p.grad for p in model.parameters()} if slopes is None else slopes
    dW = [np.array([[slope[w] for w in n.w] for n in layer.neurons]) for layer in model.layers]
    return dW + [np.array([slope[n.b] for n in layer.neurons]) for layer in model.layers]


def by_engine(W: Sequence[Any], b: Sequence[Any], X: Any, Y: Any) -> tuple[Arrays, Arrays]:
    """Gradients of the mean cross entropy, by `backward`; X and Y have a column for each example.

    Biases and their gradients are columns, too.
    """
    sizes = [len(matrix) for matrix in W]
    model = with_matrices(MLP(len(X), sizes, activation="tanh"), W, b)
    mean([losses.cross_entropy(model(x), y) for x, y in zip(X.T, Y.T)]).backward()
    found = gradients(model)
    return found[: len(W)], [v[:, None] for v in found[len(W) :]]


def same(what: str, found: Sequence[Any], expected: Sequence[Any]) -> None:
    """Print the first numbers of two lists of numbers or arrays, and how far apart all are."""
    mine, theirs = (np.concatenate([np.ravel(v) for v in vs]) for vs in (found, expected))
    apart = np.abs(mine - theirs).max()
    shown = ["".join([f"{v + 0.0:9.5f}" for v in vs[:2]]).ljust(22) for vs in (mine, theirs)]
    print(what, *shown, "apart", "below 1e-12" if apart < 1e-12 else f"{apart:.1e}")


def three_writings(model: MLP) -> dict[str, Callable[[Sequence[Any]], Any]]:
    """A net of one hidden layer of tanh as it is, with `sum`, and with loops."""
    hidden, top = model.layers[0].neurons, model.layers[1].neurons[0]

    def with_sum(x: Sequence[Any]) -> Any:
        h = [(sum(w * v for w, v in zip(n.w, x)) + n.b).tanh() for n in hidden]
        return sum(w * v for w, v in zip(top.w, h)) + top.b

    def looped(neuron: Any, x: Sequence[Any]) -> Any:
        z = neuron.b
        for w, v in zip(neuron.w, x):
            z = z + v * w
        return z

    def with_loops(x: Sequence[Any]) -> Any:
        return looped(top, [looped(n, x).tanh() for n in hidden])

    return {"MLP": model, "with sum": with_sum, "loops": with_loops}


# --- What products cost -----------------------------------------------------------------------


def multiplications(factors: Sequence[Any]) -> tuple[Any, int]:
    """The product from the left, and how many multiplications of numbers it took."""
    result, count = factors[0], 0
    for factor in factors[1:]:
        count += result.shape[0] * result.shape[1] * factor.shape[1]
        result = result @ factor
    return result, count


def both_ways(n: int, layers: int) -> tuple[int, int, float]:
    """Multiplications from the loss on, and blocks first; and how far apart the two values are.

    A row of n numbers goes through layers of n neurons, two blocks of n x n for each. The values
    are compared relatively.
    """
    rng = np.random.default_rng(0)
    row, blocks = rng.normal(size=(1, n)), []
    for _ in range(layers):
        blocks += [rng.normal(size=(n, n)) / np.sqrt(n), np.diag(rng.uniform(size=n))]
    along, few = multiplications([row, *blocks])
    matrix, many = multiplications(blocks)
    other, last = multiplications([row, matrix])
    return few, many + last, float(np.abs(along - other).max() / np.abs(along).max())


def costs(sizes: Sequence[int] = (1, 3, 10, 30, 100, 200)) -> Plot:
    """Multiplications by the width of five layers, in both orders."""
    found = [both_ways(n, 5) for n in sizes]
    figure, axes = new_figure("neurons in a layer, n", "multiplications", (6, 3.2))
    axes.loglog(sizes, [many for _, many, _ in found], "s--", color=ORANGE, label="blocks first")
    axes.loglog(sizes, [few for few, _, _ in found], "o-", color=BLUE, label="from the loss on")
    axes.set_title("Five layers")
    axes.legend()
    return Plot(figure)


def shortest(repeats: int, run: Callable[[], object]) -> float:
    """The shortest time that it took, in milliseconds."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return 1000 * min(times)


def times(examples: Sequence[int] = (2, 5, 10, 30, 100, 300)) -> Plot:
    """Milliseconds for one gradient of a net 2-8-8-3, by the number of examples."""
    net, rng = MLP(2, [8, 8, 3], activation="tanh", seed=0), np.random.default_rng(0)

    def loss(x: Any, y: Any) -> Any:
        return losses.cross_entropy(net(x), y)

    def by_scalars(X: Any, Y: Any) -> None:
        sum(loss(x, y) for x, y in zip(X.tolist(), Y.tolist())).backward()

    program = compile(loss, batched=True)
    took: dict[str, list[float]] = {"scalars: graph and backward": [], "the compiled program": []}
    for n in examples:
        X, Y = rng.normal(size=(n, 2)), np.eye(3)[rng.integers(0, 3, size=n)]
        program.value_and_gradient(X, Y)  # records, which is done once
        slow, fast = took.values()
        slow.append(shortest(3, partial(by_scalars, X, Y)))
        fast.append(shortest(30, partial(program.value_and_gradient, X, Y)))
    figure, axes = new_figure("examples", "milliseconds", (6, 3.2))
    for (name, times), look, colour in zip(took.items(), ("s--", "o-"), (ORANGE, BLUE)):
        axes.loglog(examples, times, look, color=colour, label=name)
    axes.set_title("One gradient of a net 2-8-8-3")
    axes.legend()
    return Plot(figure)


# --- Where the gradients go -------------------------------------------------------------------


@needing("matplotlib", "a plot")
def blocks(model: MLP) -> Plot:
    """The slopes as `backward` leaves them, in a row, and below as the program's arrays."""
    from matplotlib.colors import LinearSegmentedColormap

    colours = LinearSegmentedColormap.from_list("signs", [BLUE, "white", ORANGE])
    found, n = gradients(model), len(model.layers)
    figure = blank((9, 3.4))
    grid = figure.add_gridspec(2, 2 * n, height_ratios=[1, 3], width_ratios=[2, 1] * n)
    row = [[p.grad for p in model.parameters()]]
    shown = [(grid[0, :], row, "21 scalars, neuron by neuron: weights, then bias")]
    for k in range(n):
        shown.append((grid[1, 2 * k], found[k], f"∇W{k + 1}"))
        shown.append((grid[1, 2 * k + 1], found[n + k][:, None], f"∇b{k + 1}"))
    for place, block, title in shown:
        axes = figure.add_subplot(place)
        axes.imshow(block, cmap=colours, vmin=-1.2, vmax=1.2)
        for (i, j), v in np.ndenumerate(block):
            axes.text(j, i, f"{v:.2f}", ha="center", va="center", fontsize=8)
        axes.set(title=title, ylim=(2.5 if len(block) > 1 else 0.5, -0.5))
        axes.set_axis_off()
    return Plot(figure)
