"""The questions of notebook 06, scalars into matrices."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np

from autograd_core import compile, jacobian
from nn import losses
from nn.course.kinds import Choice, Code, Number, Question
from nn.course.layers import by_engine, column_softmax, three_writings
from nn.course.safely import Empty, run
from nn.model import MLP


def parameters() -> Number:
    return Number(
        right=len(MLP(3, [3, 3, 2]).parameters()),
        wrong=[
            (24, "Those are the weights, 9 + 9 + 6. And the biases?"),
            (8, "Those are the biases. And the weights?"),
            (36, "The last layer has only 2 neurons: 2 · 3 weights and 2 biases."),
            (20, "That is one hidden layer less. There are two."),
            (11, "Those are the inputs and neurons. A layer has a weight for each pair of both."),
        ],
        hints=["A neuron has a weight for each of its inputs, and a bias.", "3 · 3 + 3, the same again, and 2 · 3 + 2."],
        why="12 + 12 + 8 = 32.",
        tolerance=1e-9,
    )  # fmt: skip


def shape_of_weights() -> Choice:
    return Choice(
        right="5 x 4",
        wrong=[
            ("4 x 5", 'That is "from, to". Here a row is a neuron of layer 2, and a₁ has to fit behind it: W₂ a₁.'),
            ("5 x 5", "Then a₁ would need 5 entries. It has as many as layer 1 has neurons."),
            ("3 x 5", "W₂ is about layers 1 and 2; the input is far away."),
        ],
        hints=["z₂ = W₂ a₁ + b₂: how many entries has z₂, and how many a₁?"],
        why="A row for each neuron of layer 2, a column for each number that comes in: W of layer k is d_k x d_(k-1).",
    )  # fmt: skip


@cache
def lines_of_program(width: int) -> int:
    """How long the printed gradient of a classifier with two such hidden layers is."""
    model = MLP(2, [width, width, 3], activation="tanh", seed=0)
    program = compile(lambda x, y: losses.cross_entropy(model(x), y))
    program.value_and_gradient([1.0, -2.0], [0.0, 1.0, 0.0])
    return len(str(program).splitlines())


def longer() -> Number:
    right = lines_of_program(2)
    return Number(
        right=right,
        wrong=[
            (10 * right, "Does a matrix with more rows take more lines?"),
            (100 * right, "W₂ has a hundred times as many numbers. It is still one W₂."),
            (1807, "That is one line a scalar. The program has one line an array."),
            (lines_of_program(2) + 36, "36 more neurons, but no more arrays."),
        ],
        hints=["Which lines would have to be added?", "`z1 = W1 @ x + b1` is the same line, whatever the size of W1."],
        why="The same lines; only the shapes on the right change. For another line one needs another layer.",
        tolerance=1e-9,
    )  # fmt: skip


@cache
def different_programs() -> int:
    """How many programs the three writings of one net make."""
    programs = set()
    for net in three_writings(MLP(2, [3, 1], activation="tanh", seed=0)).values():
        program = compile(net, batched=True)
        program([[1.0, 2.0]])
        programs.add(str(program))
    return len(programs)


def writings() -> Number:
    return Number(
        right=different_programs(),
        wrong=[
            (3, "The graphs differ. But is a sum of products not the same sum, however it is written?"),
            (2, "Which two would be alike, and what would make the third different?"),
        ],
        hints=["w1 x1 + w2 x2 + b, as a dot product, with `sum`, in a loop: what is different about the result?"],
        why="One. All three are brought into one form, a sum of products and a term, before anything is grouped.",
        tolerance=1e-9,
    )  # fmt: skip


def shape_in_batch() -> Choice:
    return Choice(
        right="3 x 2",
        wrong=[
            ("3 x 6", "That is ∇z₃, a column for each example. W₃ is one matrix for all examples."),
            ("3 x 2 x 6", "That would be a gradient for each example. The loss is their mean: one number, one gradient."),
            ("2 x 6", "That is a₂."),
            ("2 x 3", "The gradient of W₃ has the shape of W₃: a row for each output."),
        ],
        hints=["W₃ is 3 x 2. What is the shape of a gradient?", "3 x 6 times 6 x 2."],
        why="As W₃ itself: 3 x 6 times 6 x 2 is 3 x 2. The product sums over the examples by itself.",
    )  # fmt: skip


# --- A student's backpropagation --------------------------------------------------------------


Slip: TypeAlias = tuple[float, Callable[[Any], Any], bool]  # factor of the first ∇z, slope, Wᵀ


def backward_with(slip: Slip, W: list[Any], b: list[Any], X: Any, Y: Any) -> list[Any]:
    """The gradients of the weights, with a slip: (1, slope, True) has none."""
    factor, slope, is_turned = slip
    a = [X]
    for W_k, b_k in zip(W, b):
        z = W_k @ a[-1] + b_k
        a.append(np.tanh(z) if len(a) < len(W) else column_softmax(z))
    dW: list[Any] = []
    dz = factor * (a[-1] - Y) / X.shape[1]
    for k in range(len(W), 0, -1):
        dW.insert(0, dz @ a[k - 1].T)
        if k > 1:
            dz = slope(a[k - 1]) * ((W[k - 1].T if is_turned else W[k - 1]) @ dz)
    return dW


def slope(a: Any) -> Any:
    """The slope of tanh, from what it says."""
    return 1 - a * a


def slips(examples: int) -> list[tuple[Slip, str]]:
    """What students do, and what is said of it."""
    return [
        ((examples, slope, True), "That is the sum over the examples: the loss is their mean, so the first ∇z is divided by their number, `X.shape[1]`."),
        ((-1, slope, True), "The sign: ∇z of the last layer is prediction minus target."),
        ((1, lambda a: 1, True), "What comes through Wᵀ is ∇a. To get ∇z, multiply by the slope of tanh, 1 - a²."),
        ((1, lambda a: 1 - np.tanh(a) ** 2, True), "The slope of tanh at z is 1 - a², and a is tanh(z) already."),
        ((1, slope, False), "On the way back one multiplies by Wᵀ: forward a neuron collects along its row, backward along its column."),
    ]  # fmt: skip


def right_for(sizes: list[int], examples: int) -> Callable[[Any], str | None]:
    """Whether a student's gradients are the engine's, on a random net of tanh."""

    def test(function: Any) -> str | None:
        rng = np.random.default_rng(sum(sizes) + examples)
        W = [rng.normal(size=(m, n)) for n, m in pairwise(sizes)]
        b = [rng.normal(size=(m, 1)) for m in sizes[1:]]
        X = rng.normal(size=(sizes[0], examples))
        Y = np.eye(sizes[-1])[:, rng.integers(0, sizes[-1], examples)]
        given = [*[v.copy() for v in W], *[v.copy() for v in b], X.copy()]
        got = run(function, W, b, X, Y, limited=False)
        if not all(np.array_equal(v, w) for v, w in zip([*W, *b, X], given)):
            return "Your function has changed W, b or X. Make new arrays."
        if not isinstance(got, tuple) or len(got) != 2:
            return "Return both lists: `return dW, db`."
        if not got[0] and not got[1]:
            raise Empty("The two lists are still empty. Write the lines with the dots.")
        right = by_engine(W, b, X, Y)
        if len(W) > 1 and len(got[0]) == len(W) and all(map(close, got[0][::-1], right[0])):
            return "The other way round: ∇W1 comes first. `insert(0, ...)` puts in front."
        wrong = first_wrong(got, right)
        return wrong and f"{wrong} {idea(got[0], W, b, X, Y)}".strip()

    return test


CAME_IN = " It is ∇z times what came in, turned over: `dz @ a[k - 1].T`."
SHARED = " A bias serves all examples: add up its columns, and keep it a column."


def first_wrong(got: Any, right: Any) -> str | None:
    """Which array is the first to be wrong, from the last layer back; None if all are right."""
    for k in range(len(right[0]), 0, -1):
        for name, mine, theirs in (("W", got[0], right[0]), ("b", got[1], right[1])):
            if len(mine) != len(theirs):
                return f"∇{name} should have {len(theirs)} arrays; yours has {len(mine)}."
            given, wanted = np.asarray(mine[k - 1]), theirs[k - 1]
            if given.shape != wanted.shape:
                return f"∇{name}{k} is {shape(wanted)}; yours is {shape(given)}.{SHARED if name == 'b' else CAME_IN}"
            if not close(given, wanted):
                first, other = given.flat[0], wanted.flat[0]
                return f"∇{name}{k} starts with {other:.5f}; yours with {first:.5f}."
    return None


def shape(array: Any) -> str:
    """A shape in words."""
    return " x ".join(map(str, array.shape)) or "a number"


def idea(dW: Any, W: list[Any], b: list[Any], X: Any, Y: Any) -> str:
    """Which slip gives these gradients; "" if none that is known."""
    is_square = all(w.shape[0] == w.shape[1] for w in W[1:])
    for slip, words in slips(X.shape[1]):
        wrong = backward_with(slip, W, b, X, Y) if slip[2] or is_square else []
        if len(wrong) == len(dW) and all(map(close, dW, wrong)):
            return words
    return ""


def close(mine: Any, theirs: Any) -> bool:
    """Whether two arrays are the same but for rounding."""
    return np.shape(mine) == theirs.shape and np.allclose(mine, theirs, atol=1e-10)


def own_backpropagation() -> Code:
    return Code(
        laws=[
            ("one layer, one example", right_for([2, 3], 1)),
            ("two layers, one example", right_for([2, 2, 2], 1)),
            ("three layers of different sizes", right_for([4, 3, 5, 2], 1)),
            ("a batch of six examples", right_for([3, 2, 2, 3], 6)),
        ],
        errors=[
            ("mismatch in its core dimension", "Do the shapes fit? Down a layer the matrix is turned over, `W[k - 1].T @ dz`; what came in is `a[k - 1]`."),
            ("could not be broadcast", "The slope of the bend is that of the layer below: `1 - a[k - 1] ** 2`."),
        ],
        source="dz = (a[-1] - Y) / X.shape[1]; dW.insert(0, dz @ a[k - 1].T); db.insert(0, dz.sum(axis=1, keepdims=True)); dz = (1 - a[k - 1] ** 2) * (W[k - 1].T @ dz)",
        hints=[
            "∇z of the last layer: prediction minus target, over the number of examples.",
            "In the loop: `dz @ a[k - 1].T` and `dz.sum(axis=1, keepdims=True)`, put in front with `insert(0, ...)`.",
            "Down a layer: `W[k - 1].T @ dz`, times `1 - a[k - 1] ** 2`. (Python's W[0] is W₁.)",
        ],
        why="Four lines: the ones that the compiler has found in the scalars, and the ones in every framework.",
    )  # fmt: skip


# --- Why backward -----------------------------------------------------------------------------


@cache
def entries_not_zero() -> int:
    """How many sums of layer 2 move with one weight of layer 2."""
    net = MLP(4, [3, 3, 1], activation="tanh", seed=4)
    net([0.5, -1.0, 2.0, 1.5])
    second = net.layers[1]
    rows = jacobian(second.pre_activations, [second.neurons[0].w[2]])
    return sum(row[0].data != 0 for row in rows)


def who_moves() -> Number:
    return Number(
        right=entries_not_zero(),
        wrong=[
            (3, "All three neurons hear a₁[2], but each through a weight of its own. W₂[0,2] belongs to neuron 0."),
            (0, "Neuron 0 adds W₂[0,2] · a₁[2] to its sum."),
            (9, "It is a column of three entries, one for each sum of layer 2."),
        ],
        hints=["In which of the three sums z₂[0], z₂[1], z₂[2] does W₂[0,2] stand?"],
        why="Only z₂[0] contains it: a₁[2] in row 0, and zeros. So it is no table at all, but one product: this is why ∇W is an outer product.",
        tolerance=1e-9,
    )  # fmt: skip


def from_the_left() -> Number:
    return Number(
        right=10 * 100 * 100,
        wrong=[
            (100 * 100, "That is one table. There are ten."),
            (10 * 100, "A row of 100 times a table of 100 x 100 takes 100 · 100."),
            (10 * 100**3, "That is table times table, ten times. From the left, what stands there is always a row."),
            (9 * 100**3, "That is for multiplying the ten tables with each other."),
            (5 * 100 * 100, "Ten tables: a W and a diag for each of the five layers."),
        ],
        hints=["A row of 100 numbers times one table: 100 sums of 100 products.", "10 · 100 · 100"],
        why="100,000. With the tables first it is 100³ for each of nine products, and a row at the end: 9,010,000.",
        tolerance=1e-9,
    )  # fmt: skip


def everything_twice() -> Number:
    return Number(
        right=1,
        wrong=[
            (2, "That would be so for the sum of the losses. The program takes the mean."),
            (0.5, "There are twice as many, and each counts half."),
            (4, "Twice the examples, half the weight of each."),
        ],
        hints=["What does the mean of 1, 2, 3 do if you take 1, 1, 2, 2, 3, 3?"],
        why="Not at all: twice as many terms, each divided by 2n. With the sum it would double, and so would each step: a learning rate that depends on the size of the batch.",
    )  # fmt: skip


def many_outputs() -> Choice:
    return Choice(
        right="inputs",
        wrong=[
            ("outputs", "Then one carries a table of 1000 rows through all layers. And from the other end?"),
            ("same", "One carries 10 columns or 1000 rows through the same layers."),
        ],
        hints=["What is carried along: from the outputs 1000 rows, from the inputs ... ?"],
        why="From the inputs one carries 10 columns, from the outputs 1000 rows. This is called forward mode. Nets have a million parameters and one loss, so they go backward.",
    )  # fmt: skip


questions: dict[str, Callable[[], Question]] = {
    "06.1": parameters,
    "06.2": shape_of_weights,
    "06.3": longer,
    "06.4": writings,
    "06.5": shape_in_batch,
    "06.6": own_backpropagation,
    "06.7": who_moves,
    "06.8": from_the_left,
    "06.9": everything_twice,
    "06.10": many_outputs,
}
