"""The questions of notebook 02, the chain rule layer by layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_core import explain, topological
from nn import MLP
from nn.course.examples import numbers, slopes, three_two_two_one, two_outputs
from nn.course.kinds import Choice, Code, Number, Question
from nn.course.reply import Reply, not_yet
from nn.course.safely import run


def size() -> Number:
    net, _, y = three_two_two_one()
    right = len(topological(y))
    return Number(
        right=right,
        wrong=[
            (right - 5, "The biases are there, too, one for each neuron, though they are 0."),
            (right - 3, "You left out the inputs."),
            (right + 1, "The last sum is the prediction: it has no activation of its own."),
            (len(net.parameters()), "Those are the weights and biases. And what is computed from them?"),
            (12, "Those are the weights alone: 6 + 4 + 2."),
            (right - 4, "Each of the 4 hidden neurons has a sum and an activation: two Values."),
        ],
        hints=["A hidden neuron has a sum z and an activation a.", "3 inputs, 12 weights, 5 biases, 5 sums, and 4 activations."],
        why="3 + 12 + 5 + 5 + 4 = 29. A whole net is a graph like any other, and your `backward` of 01 would do it.",
        tolerance=1e-9,
    )  # fmt: skip


def door() -> Number:
    _, _, y = three_two_two_one()
    right = 2 * (y.data - 1)
    return Number(
        right=right,
        wrong=[
            (right / 2, "The slope of a square is twice what is squared. The 2 is missing."),
            ((y.data - 1) ** 2, "That is the loss. How fast does it change with ŷ?"),
            (2 * y.data, "The slope of the square is twice what is squared, and that is ŷ - 1."),
            (y.data - 1 + 2, "Twice means times 2, not plus 2."),
        ],
        hints=["dL/dŷ, the slope of (ŷ - 1)² along ŷ.", "2(ŷ - 1)"],
        why="2(ŷ - 1) = -1.533. It is the same factor for all weights, whatever the net looks like: the loss is one number at the door.",
        tolerance=2e-3,
    )  # fmt: skip


def last_delta() -> Number:
    _, _, y = three_two_two_one()
    return Number(
        right=slopes(y, [y])[0],
        wrong=[
            (0, "0 would mean that ŷ does not change at all when the sum does."),
            (y.data, "That is ŷ itself. How fast does it change with itself?"),
            (2 * (y.data - 1), "That is the slope of the loss. Here it is ŷ that we look at."),
            (0.25, "That is the steepest slope of a sigmoid. No sigmoid bends the last sum."),
        ],
        hints=["∂ŷ/∂ŷ"],
        why="A number changes with itself at the rate 1. Every recursion needs a place to start, and this is it: the `root.grad = 1.0` of 01.",
    )  # fmt: skip


def two_paths() -> Number:
    net, _, y = three_two_two_one()
    h = net.layers[0].activations[0]
    first, second = sorted([path.product for path in explain(y, h).paths])
    return Number(
        right=first + second,
        wrong=[
            (first, "That is the path through z2[0] alone. The other neuron uses a1[0], too."),
            (second, "That is the path through z2[1] alone. The other neuron uses a1[0], too."),
            (first - second, "-0.8 times -0.2994 is positive: two minus signs."),
            (second - first, "Over paths, slopes add; you have subtracted."),
            ((first + second) / 2, "That is the mean. Over paths, slopes add."),
            (0.7 - 0.8, "Those are the weights alone. What is behind the sums counts as well: times δ."),
            (first * second, "Along a path they multiply, and over paths they add."),
        ],
        hints=["One product for each neuron that uses a1[0].", "0.7 · 0.2152 + (-0.8) · (-0.2994)"],
        why="0.1507 + 0.2395 = 0.3902: what lies behind each neuron is already in its δ. So nobody walks whole paths; one layer is enough.",
        tolerance=2e-3,
    )  # fmt: skip


def reference(W: list[Any], x: Any, g: Any, slope_of_g: Any, how: str = "") -> list[Any]:
    """Backpropagation in matrices, right, or wrong in one known way."""
    z, a = [], [x]
    for matrix in W:
        z.append(matrix @ a[-1])
        a.append(g(z[-1]))
    delta = [np.ones(1)]
    for k in range(len(W) - 1, 0, -1):
        back = (W[k] if how == "row" and W[k].shape[0] == W[k].shape[1] else W[k].T) @ delta[0]
        at = {"late": z[k][: len(back)] if len(z[k]) >= len(back) else z[k - 1], "twice": a[k]}.get(
            how, z[k - 1]
        )
        slope = np.ones_like(back) if how == "straight" else slope_of_g(at)
        delta.insert(0, slope + back if how == "plus" else slope * back)
    return [np.outer(d, before) for d, before in zip(delta, a)]


SLIPS = {
    "straight": "You pass the sum on as if nothing bent it: times `slope_of_g` of the sum.",
    "row": "You go along a row of the matrix. What arrives at neuron i comes from all that use it: a column. Turn it over: `W[k].T`.",
    "twice": "`slope_of_g` wants the sum z, not the activation a.",
    "plus": "The slope of the bend multiplies what comes back; you add it.",
    "late": "The slope is taken at the wrong layer: what leaves layer k passes the bend of layer k - 1.",
}


def on_net(widths: list[int], activation: str) -> Callable[[Any], Reply | str | None]:
    """Try a student's function on a random net of these widths."""

    def test(function: Any) -> Reply | str | None:
        net = MLP(widths[0], widths[1:], activation=activation, output=activation, seed=3)
        W, x = [numbers(layer) for layer in net.layers], np.linspace(-1, 1.5, widths[0])
        bend, slope = BENDS[activation]
        right = reference(W, x, bend, slope)
        got = run(function, W, x, bend, slope)
        if not isinstance(got, (list, tuple)) or len(got) != len(W):
            return f"A list with a table for each of the {len(W)} matrices is wanted."
        for k, (mine, theirs) in enumerate(zip(got, right), 1):
            shape = np.shape(mine)
            if shape != theirs.shape:
                turned = (
                    " Turned over: `np.outer(d, before)` has a row for each entry of d."
                    if shape == theirs.shape[::-1]
                    else ""
                )
                return f"W{k} is {theirs.shape}, and your table for it is {shape}.{turned}"
        return fault(got, right, [reference(W, x, bend, slope, how) for how in SLIPS])

    return test


def fault(got: Any, right: list[Any], slips: list[list[Any]]) -> Reply | None:
    """What is said of wrong tables: a known slip, or the first that is wrong, from the last layer."""

    def equal(some: Any, others: list[Any]) -> bool:
        return all(np.allclose(a, b, rtol=1e-7, atol=1e-12) for a, b in zip(some, others))

    if equal(got, right):
        return None
    for idea, wrong in zip(SLIPS.values(), slips):
        if equal(got, wrong):
            return not_yet(idea)
    k = max(k for k, (a, b) in enumerate(zip(got, right), 1) if not np.allclose(a, b))
    return not_yet(
        f"The gradient of W{k} is the first to be wrong, seen from the end: yours begins with {np.ravel(got[k - 1])[0]:.4f}, right is {np.ravel(right[k - 1])[0]:.4f}."
    )


def sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


BENDS: dict[str, tuple[Any, Any]] = {
    "sigmoid": (sigmoid, lambda z: sigmoid(z) * (1 - sigmoid(z))),
    "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
}


def nine_lines() -> Code:
    return Code(
        laws=[
            ("one layer: what came in", on_net([3, 1], "sigmoid")),
            ("two layers: one step back", on_net([3, 2, 1], "sigmoid")),
            ("the net above, 3-2-2-1", on_net([3, 2, 2, 1], "sigmoid")),
            ("five layers, and tanh", on_net([4, 3, 3, 3, 3, 1], "tanh")),
        ],
        errors=[("mismatch in its core dimension", f"Do the shapes fit? {SLIPS['row']}")],
        source="for k in range(len(W) - 1, 0, -1): delta.insert(0, slope_of_g(z[k - 1]) * (W[k].T @ delta[0]))",
        hints=[
            "Go back over the layers; put each new δ in front: `delta.insert(0, ...)`.",
            "δ of the layer before: the slope of the bend at *its* sums, times the column sums of W times δ.",
            "`W[k].T @ delta[0]`, times `slope_of_g(z[k - 1])`. At the end one `np.outer` for each layer.",
        ],
        why="Nine lines for any depth and any width. A framework adds other kinds of layers and a fast computer, and no further idea.",
    )  # fmt: skip


def count_paths() -> Choice:
    net, loss, _ = two_outputs()
    last, first = [layer.neurons[0].w[0] for layer in reversed(net.layers)]
    return Choice(
        right=f"{explain(loss, last).count} and {explain(loss, first).count}",
        wrong=[
            ("1 and 1", "A hidden neuron is used by both outputs, and each has its part of the loss."),
            ("2 and 2", "A weight of the last layer belongs to one neuron, and so to one output."),
            ("2 and 4", "Right, it doubles; but where does it start? A weight of the last layer belongs to one output."),
        ],
        hints=["Which neurons use what the weight's neuron says?"],
        why="The weight of the last layer goes through its own output only. A weight of the hidden layer goes through its neuron to both outputs: two paths, one through each loss.",
    )  # fmt: skip


def both_losses() -> Number:
    net, _, parts = two_outputs()
    first, second = [slopes(part, [net.layers[0].activations[0]])[0] for part in parts]
    return Number(
        right=first + second,
        wrong=[
            (second, "That is what L1 brings; L0 does not go away."),
            (first, "That is what L0 brings; L1 does not go away."),
            ((first + second) / 2, "That is the mean. L is a sum, so slopes add."),
            (second - first, "L is a sum, so slopes add; you have subtracted."),
            (first * second, "Two losses are two paths, one beside the other. Over paths, slopes add."),
        ],
        hints=["L = L0 + L1"],
        why="-0.0437 - 0.0778 = -0.1215. A loss of many parts, or of many examples, is many paths: their gradients add up. That is why `grad` has a `+=`.",
        tolerance=2e-3,
    )  # fmt: skip


def jacobian_of_layer() -> Choice:
    return Choice(
        right="w2",
        wrong=[
            ("w2 transposed", "That is what δ is multiplied by, on the way back. The table itself has a row for each z and a column for each a."),
            ("a1", "That is the slope along a weight. Here it is a1 that moves."),
            ("1", "If z2 were a1. How fast does z2[j] grow with a1[i]?"),
        ],
        hints=["z2[j] = Σ W2[j,i] a1[i]. Its slope along a1[i]?"],
        why="The slope of z2[j] along a1[i] is W2[j,i]: the matrix is its own Jacobian. A row on the left times W2 is the same as W2 transposed times a column: the recursion again.",
    )  # fmt: skip


def number_of_deltas() -> Number:
    return Number(
        right=10 * 100,
        wrong=[
            (10 * 100 * 100, "Those are the weights. A δ belongs to a neuron, not to a weight."),
            (10, "A layer has a whole vector of them: one for each neuron."),
            (11 * 100, "The input has no sum, and so no δ."),
            (100, "That is one layer."),
            (100**10, "Those are the paths, about. Nobody walks them: one number waits at each neuron."),
        ],
        hints=["One for each sum z."],
        why="One for each neuron, 1,000; and 100,000 gradients are products of them with what comes in. There are 100¹⁰ paths.",
        tolerance=1e-9,
    )  # fmt: skip


def vanishing() -> Number:
    return Number(
        right=0.25**19,
        wrong=[
            (0.25**20, "Between the first sum and the last there are 19 sigmoids: the last one bends what comes after z20."),
            (0.25 * 19, "Along a path, slopes multiply; you have added."),
            (0.25, "That is one sigmoid. There are 19 in a row."),
            (0.25**18, "Count again: z1 → a1 → z2 → ... → a19 → z20."),
        ],
        hints=["From z1 to z2 it is one sigmoid and one weight.", "0.25 · 0.25 · ... , 19 times."],
        why="4 · 10⁻¹²: the first layers of a deep net of sigmoids learn next to nothing. This is called the vanishing gradient; 05 shows what helps.",
    )  # fmt: skip


questions: dict[str, Callable[[], Question]] = {
    "02.1": size,
    "02.2": door,
    "02.3": last_delta,
    "02.4": two_paths,
    "02.5": nine_lines,
    "02.6": count_paths,
    "02.7": both_losses,
    "02.8": jacobian_of_layer,
    "02.9": number_of_deltas,
    "02.10": vanishing,
}
