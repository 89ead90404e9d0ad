"""The listing: a program's arrays read as the textbook, and each line can be computed."""

import inspect
import math
import re
from random import Random

import numpy as np
import pytest

from autograd_core import (
    OPS,
    Op,
    Value,
    compile,
    dot,
    logsumexp,
    maximum,
    mean,
    softmax,
    total,
)
from autograd_core.check import arities
from nn import MLP, losses
from tests.compiled import backward_lines, forward_lines, shapes, steps
from tests.rows import over


@pytest.fixture
def w():
    return [Value(float(i + 1), f"w[{i}]") for i in range(6)]


# --- The listing -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def perceptron():
    model = MLP(2, [16, 3, 1], seed=0)
    program = compile(lambda x, y: losses.squared_error(model(x), y), batched=True)
    program([[0.0, 1.0]], [1.0])
    return program


def test_a_perceptron_forward_reads_as_the_textbook(perceptron):
    text = "\n".join(forward_lines(perceptron))
    for formula in (
        "z1 = W1 @ x + b1",
        "a1 = relu(z1)",
        "z2 = W2 @ a1 + b2",
        "a2 = relu(z2)",
        "b3",
    ):
        assert formula in text
    order = [text.index(name) for name in ("z1 =", "a1 =", "z2 =", "a2 =", "z3 =")]
    assert order == sorted(order)


def test_a_perceptron_backward_reads_as_the_textbook(perceptron):
    text = "\n".join(backward_lines(perceptron))
    for formula in (
        "∇W2 = ∇z2 @ a1ᵀ",
        "∇a1 = W2ᵀ @ ∇z2",
        "∇b2 = sum(∇z2)",
        "∇W1 = ∇z1 @ xᵀ",
        "∇b1 = sum(∇z1)",
    ):
        assert formula in text
    order = [text.index(name) for name in ("∇z3 =", "∇z2 =", "∇z1 =")]
    assert order == sorted(order)


def test_the_listing_gives_shapes(perceptron):
    lines = forward_lines(perceptron)
    assert next(line for line in lines if line.startswith("z1 =")).endswith("16 × n")
    assert next(line for line in lines if line.startswith("z2 =")).endswith("3 × n")
    (w2,) = [line for line in backward_lines(perceptron) if line.startswith("∇W2 =")]
    assert w2.endswith("3 × 16")
    assert "103 parameters" in str(perceptron)
    assert "3 inputs" in str(perceptron)


def test_every_name_in_the_listing_is_written_before_it_is_read(perceptron):
    known = {"W1", "W2", "W3", "b1", "b2", "b3", "x", "y"}
    for line in forward_lines(perceptron):
        name, formula = line.split(" = ", 1)
        read = {part.strip("()*,") for part in formula.replace("·", " ").split()}
        assert {r for r in read if r[:1] in "zav" and r[1:].isdigit()} <= known
        known.add(name)


def test_a_listing_of_visible_products_is_the_same(perceptron):
    model = MLP(2, [16, 3, 1], seed=0, expand=True)
    program = compile(lambda x, y: losses.squared_error(model(x), y), batched=True)
    program([[0.0, 1.0]], [1.0])
    assert str(program) == str(perceptron)


def column(numbers):
    return np.reshape(numbers, (-1, 1))


def read(program, names):
    """What the lines of a listing say, computed by NumPy on matrices as they are written there."""
    n = names["x"].shape[1]
    names |= {"n": n, "log": np.log, "exp": np.exp, "tanh": np.tanh, "mean": np.mean}
    names |= {
        "step": lambda a: np.heaviside(a, 0.0),
        "dot": lambda a, b: (a * b).sum(0, keepdims=True),
        "share": lambda t, whole: t / whole,
    }
    for line in [*forward_lines(program), *backward_lines(program)]:
        name, formula, shape = re.fullmatch(r"(\S+) \+?= (.+?)( \d+(?: × \w+)*)?", line).groups()
        rows, columns = [*[eval(k, {"n": n}) for k in (shape or "1").split(" × ")], 1][:2]  # noqa: S307
        lost = tuple([axis for axis, size in enumerate((rows, columns)) if size == 1])
        names |= {
            "sum": lambda a, lost=lost: a.sum(lost, keepdims=True),
            "max": lambda a, lost=lost: a.max(lost, keepdims=True),
        }
        formula = re.sub(r"(\w+) · (\w+)", r"dot(\1, \2)", formula)
        formula = formula.replace("ᵀ", ".T").replace("∇", "d")
        more = names["d" + name[1:]] if "+=" in line else 0
        names[name.replace("∇", "d")] = more + eval(formula, dict(names))  # noqa: S307
    return names


@pytest.mark.parametrize(
    ("loss", "sizes", "batched"),
    [
        (losses.squared_error, [3, 2, 1], True),
        (losses.cross_entropy, [2, 3], True),
        (losses.cross_entropy, [2, 3], False),
    ],
)
def test_a_listing_is_the_computation(loss, sizes, batched):
    rng = np.random.default_rng(0)
    model = MLP(2, sizes, activation="tanh", seed=0)
    program = compile(lambda x, y: loss(model(x), y), batched=batched)
    X, Y = rng.normal(size=(4, 2)), np.eye(sizes[-1])[rng.integers(sizes[-1], size=4)]
    if not batched:
        X, Y = X[:1], Y[:1]
    value, slopes = program.value_and_gradient(*((X, Y) if batched else (X[0], Y[0])))
    names = {"x": X.T, "y": Y.T}
    for i, layer in enumerate(model.layers, 1):
        names[f"W{i}"] = np.array([[w.data for w in neuron.w] for neuron in layer.neurons])
        names[f"b{i}"] = column([neuron.b.data for neuron in layer.neurons])
    found = read(program, names)
    assert found["value"] == pytest.approx(value, rel=1e-12)
    expected = dict(zip([p.label for p in program.parameters], slopes, strict=True))
    for label, slope in expected.items():
        array, i, j = re.fullmatch(r"(\w+)\[(\d+),?(\d*)\]", label).groups()
        assert found[f"d{array}"][int(i), int(j or 0)] == pytest.approx(slope, rel=1e-12)


STEPS = [
    lambda x, y: x * y,
    lambda x, y: x + y,
    lambda x, y: x - y,
    lambda x, y: x / (1 + y * y),
    lambda x, y: 2 * x,
    lambda x, y: x.exp(),
    lambda x, y: x.tanh(),
]


def drawn(seed, x, parameters):
    """A few steps from a number and parameters."""
    random, known = Random(seed), [x, *parameters]
    for _ in range(random.randint(1, 4)):
        known.append(random.choice(STEPS)(*random.choices(known, k=2)))
    return known[-1]


@pytest.mark.parametrize("batched", [True, False])
def test_the_lines_of_any_function_of_numbers_add_up_to_its_gradient(batched):
    X, checked = np.array([[0.7, 0.3][: 1 + batched]]), 0
    for seed in range(40):
        w = [Value(0.5 + i, label) for i, label in enumerate("pqr")]
        program = compile(lambda x, seed=seed, w=w: drawn(seed, x, w), batched=batched)
        _, slopes = program.value_and_gradient(X[0] if batched else X[0, 0])
        if re.search(r"[·@[]|constants", str(program)):
            continue  # of vectors
        found = read(program, {"x": X, **{v.label: column([v.data]) for v in w}})
        for v, slope in zip(program.parameters, slopes, strict=True):
            assert np.sum(found.get(f"d{v.label}", 0.0)) == pytest.approx(slope), str(program)
        checked += 1
    assert checked > 30


def test_a_part_of_an_array_is_named_by_its_place():
    program = compile(lambda t: dot(t[:2], t[2:4], t[4]) * (t[0] + t[4]), batched=True)
    program.gradient_wrt_inputs([[1.0, 2.0, 3.0, 4.0, 5.0]])
    assert forward_lines(program)[:2] == [
        "v1 = t[0:2] · t[2:4] + t[4] 1 × n",
        "v2 = t[0] + t[4] 1 × n",
    ]


def test_without_parameters_the_gradient_along_the_inputs_is_listed():
    program = compile(lambda x: x.sin())
    program(1.0)
    assert backward_lines(program) == ["∇x = cos(x) 1"]


def read_as(lines):
    """A golden listing, without the margin that it has in this file."""
    return inspect.cleandoc(lines).rstrip()


@pytest.mark.parametrize(
    ("f", "lines"),
    [
        (lambda x, w, b: x * 3, ["∇x = 3 / n 1 × n"]),
        (lambda x, w, b: w + b + x, ["∇b = 1 1", "∇w = 1 1"]),
        (lambda x, w, b: w + b * x + 2 * b, ["v4 = sum(x) 1", "∇b = v4 / n + 2 1", "∇w = 1 1"]),
        (lambda x, w, b: w * b + x, ["∇b = w 1", "∇w = b 1"]),
        (lambda x, w, b: w.exp() + x, ["∇w = v1 1"]),
    ],
    ids=["input", "parameters", "in pieces", "product", "exp"],
)
def test_a_gradient_that_is_known_from_the_start_is_listed_once(f, lines):
    w, b = Value(1.0, "w"), Value(2.0, "b")
    program = compile(lambda x: f(x, w, b), batched=True)
    program([1.0, 2.0])
    assert backward_lines(program) == lines


def test_a_classifier_reads_as_the_textbook():
    model = MLP(2, [3, 3], activation="tanh", seed=0)
    program = compile(lambda x, y: losses.cross_entropy(model(x), y), batched=True)
    program.prepare([[0.0, 1.0]], [[1.0, 0.0, 0.0]])
    assert str(program) == read_as("""
        21 parameters, 5 inputs, n examples
          forward
            z1 = W1 @ x + b1            3 × n
            v2 = sum(y)                 1 × n
            a1 = tanh(z1)               3 × n
            v4 = share(y, v2)           3 × n
            z2 = W2 @ a1 + b2           3 × n
            v6 = v4 · z2                1 × n
            v7 = max(z2)                1 × n
            v8 = exp(z2 - v7)           3 × n
            v9 = sum(v8)                1 × n
            v10 = log(v9) + v7          1 × n
            v11 = v10 - v6              1 × n
            value = mean(v11)
          backward
            ∇v9 = 1 / v9 / n            1 × n
            ∇v8 = ∇v9                   3 × n
            ∇z2 = v8 * ∇v9 - v4 / n     3 × n
            ∇b2 = sum(∇z2)              3
            ∇W2 = ∇z2 @ a1ᵀ             3 × 3
            ∇a1 = W2ᵀ @ ∇z2             3 × n
            ∇z1 = (1 - a1 * a1) * ∇a1   3 × n
            ∇b1 = sum(∇z1)              3
            ∇W1 = ∇z1 @ xᵀ              3 × 2
        """)


def test_a_whole_data_set_has_its_examples_in_columns():
    model = MLP(2, [3, 1], activation="tanh", seed=0)
    X = [[0.0, 1.0], [1.0, 0.0], [2.0, 1.0], [1.0, 1.0]]

    def f():
        weights = model.parameters()
        fit = mean([losses.squared_error(model(x), 1.0) for x in X])
        return fit + 0.001 * dot(weights, weights)

    program = compile(f)
    assert str(program) == read_as("""
        13 parameters, 0 inputs
          forward
            z1 = W1 @ constantsᵀ + b1   3 × 4
            a1 = tanh(z1)               3 × 4
            z2 = W2 @ a1 + b2           4
            v4 = z2 - 1                 4
            v5 = v4**2                  4
            v6 = θ · θ                  1
            v7 = sum(v5ᵀ)               1
            v8 = 0.001 * v6             1
            v9 = v7 / 4                 1
            v10 = v9 + v8               1
            value = v10
          backward
            ∇v4 = 0.5 * v4              4
            ∇z2 = ∇v4                   4
            ∇b2 = sum(∇v4ᵀ)             1
            ∇W2 = ∇v4 @ a1ᵀ             3
            ∇a1 = W2ᵀ @ ∇v4             3 × 4
            ∇z1 = (1 - a1 * a1) * ∇a1   3 × 4
            ∇b1 = sum(∇z1)              3
            ∇W1 = ∇z1 @ constants       3 × 2
            ∇θ += 0.002 * θ             13
            ∇v6 = 0.001                 1
        """)


def test_parts_of_an_array_are_named_by_their_place(w):
    c = Value(1.0, "c")

    def f(x):
        speed = w[0] * x.exp()
        speed.label = "speed"
        hs = [(v * speed).tanh() for v in w[1:4]]
        for i, h in enumerate(hs):
            h.label = f"h[{i}]"
        return maximum(hs[0], hs[1], hs[2] * c)

    program = compile(f, batched=True)
    program.prepare([1.0])
    assert str(program) == read_as("""
        5 parameters, 1 inputs, n examples
          forward
            v1 = exp(x)                1 × n
            speed = w[0] * v1          1 × n
            v3 = w[1:4] @ speed        3 × n
            h = tanh(v3)               3 × n
            v5 = c * h[2]              1 × n
            v6 = maximum(h[0], h[1])   1 × n
            v7 = maximum(v6, v5)       1 × n
            value = mean(v7)
          backward
            v8 = step(v5 - v6)         1 × n
            ∇v6 = (1 - v8) / n         1 × n
            ∇v5 = v8 / n               1 × n
            v9 = step(h[1] - h[0])     1 × n
            ∇h[0] = (1 - v9) * ∇v6     1 × n
            ∇h[1] = v9 * ∇v6           1 × n
            ∇c = h[2] @ ∇v5ᵀ           1
            ∇h[2] = c * ∇v5            1 × n
            ∇v3 = (1 - h * h) * ∇h     3 × n
            ∇w[1:4] = ∇v3 @ speedᵀ     3
            ∇speed = w[1:4]ᵀ @ ∇v3     1 × n
            ∇w[0] = v1 @ ∇speedᵀ       1
        """)


def test_scalars_are_named_one_by_one(w):
    def f(x):
        both = logsumexp([w[0] * x, w[1] * x.exp()])
        return both + (x**2) ** w[2] + dot([1.0, 2.0], [v.sin() for v in w[3:5]])

    program = compile(f)
    program.prepare(1.0)
    assert str(program) == read_as("""
        5 parameters, 1 inputs
          forward
            v1 = exp(x)                         1
            v2 = w[0:2] * [x, v1]               2
            v3 = x**2                           1
            v4 = sin(w[3:5])                    2
            v5 = max(v2)                        1
            v6 = exp(v2 - v5)                   2
            v7 = sum(v6)                        1
            v8 = log(v7) + v5                   1
            v9 = v3 ** w[2]                     1
            v10 = constants · v4 + v8 + v9      1
            value = v10
          backward
            ∇w[2] = xlogy(v9, v3)               1
            ∇v7 = 1 / v7                        1
            ∇v6 = ∇v7                           2
            ∇v2 = v6 * ∇v7                      2
            ∇w[3:5] = cos(w[3:5]) * constants   2
            ∇w[0:2] = [x, v1] * ∇v2             2
        """)


def test_arrays_put_together_are_named_by_their_parts(w):
    rows = [[Value(1.0, f"U[{i},{j}]") for j in range(3)] for i in range(3)]

    def f(xs):
        lower = [dot(row[: i + 1], xs[: i + 1]).tanh() for i, row in enumerate(rows)]
        return total([*lower, *[v.exp() for v in w[:3]]])

    program = compile(f, batched=True)
    program.prepare([[1.0, 2.0, 3.0]])
    assert str(program) == read_as("""
        9 parameters, 3 inputs, n examples
          forward
            v1 = U[0,0] * xs[0]                 1 × n
            v2 = [U[…], 0] @ xs                 2 × n
            v3 = exp(w)                         3
            v4 = tanh([v1, v2])                 3 × n
            v5 = sum(v3)                        1
            v6 = sum(v4)                        1 × n
            v7 = v6 + v5                        1 × n
            value = mean(v7)
          backward
            ∇[v1, v2] = (1 - v4 * v4) / n       3 × n
            ∇[U[…], 0] = ∇[v1, v2][1:3] @ xsᵀ   2 × 3
            ∇U[0,0] = xs[0] @ ∇v1ᵀ              1
            ∇w = v3                             3
        """)


def test_a_program_of_two_structures_prints_the_last(w):
    program = compile(lambda xs: dot(w[: len(xs)], xs))
    program([1.0, 2.0])
    first = str(program)
    program([1.0, 2.0, 3.0])
    assert "2 parameters" in first
    assert "3 parameters" in str(program)


def test_labels_given_inside_are_used(w):
    def f(x):
        speed = w[0] * x.exp()
        speed.label = "speed"
        return speed.tanh()

    program = compile(f, batched=True)
    program([1.0])
    assert any(line.startswith("speed =") for line in forward_lines(program))


PRINTED = {
    "constants": lambda x, w: dot([1.0, 2.0], [x, w[0]]) * 0.5,
    "a constant": lambda x, w: 5.0,
    "an input": lambda x, w: x,
    "a total": lambda x, w: total([v.exp() for v in w]) * x,
    "a total with a base": lambda x, w: total([(v * x).exp() for v in w]) + w[0].exp(),
    "logsumexp": lambda x, w: logsumexp([v * x for v in w]),
    "softmax": lambda x, w: softmax([v * x for v in w])[0],
    "powers": lambda x, w: (x**2) ** w[0] + 1 / x,
    "irregular": lambda x, w: total(
        [w[i].exp() * w[j].tanh() for i, j in ((0, 3), (1, 0), (5, 2))]
    ),
    "many terms beside products": lambda x, w: (
        w[0] * x + w[1] * x.exp() + total([v.sin() for v in w[2:]])
    ),
    "products of two numbers that vary": lambda x, w: w[0] * x + x * x.exp() + w[1],
    "a mean": lambda x, w: mean([(v - x) ** 2 for v in w]),
    "max": lambda x, w: (w[0] * x - w[1]).relu() + abs(x),
    "several": lambda x, w: (x * w[0], [x, w[1]]),
    "shared": lambda x, w: (w[0] * w[0] * x).exp() + w[0].exp() * w[0],
}


@over("f", PRINTED)
@over("batched", [False, True])
def test_any_program_can_be_printed(f, batched, w):
    program = compile(lambda x: f(x, w), batched=batched)
    program.prepare([1.0, 2.0] if batched else 1.0)
    text = str(program)
    assert "forward" in text
    assert "backward" in text
    assert "value = " in text
    assert text == str(program)
    assert "object at 0x" not in text


def test_numbers_are_mixed_into_a_name_with_what_they_are_mixed_with(w):
    def f(xs):
        state = [0.0, 0.0]
        return total([dot(w[3 * i : 3 * i + 3], [*state, xs]).tanh() for i in range(2)])

    program = compile(f)
    program.prepare(1.0)
    (first,) = [line for line in forward_lines(program) if line.startswith("v1 =")]
    assert "xs" in first


def test_parameters_need_no_labels_and_constants_have_none(w):
    one, others = Value(1.0), [Value(2.0), Value(3.0)]

    def f(xs):
        return dot([w[0], 1.5, w[1]], [*xs, 2.5]) + dot(others, xs).tanh() * one

    program = compile(f)
    program.prepare([1.0, 2.0])
    assert forward_lines(program) == [
        "v1 = θ[…] · xs 1",
        "v2 = [w, xs[1]] · [xs[0], constants] 1",
        "v3 = tanh(v1) 1",
        "v4 = θ * v3 + v2 1",
        "value = v4",
    ]


def test_slopes_of_one_minus_one_and_zero_are_no_products(w):
    program = compile(lambda x: ((w[0] * x).exp() - (w[1] * x).step() * w[2]).tanh())
    program.prepare(1.0)
    assert backward_lines(program) == [
        "∇v5 = 1 - v6 * v6 1",
        "∇v3 = ∇v5 1",
        "∇v4 = -∇v5 1",
        "∇w[2] = v2 * ∇v4 1",
        "∇v1[0] = v3 * ∇v5 1",
        "∇w[0:2] = x * ∇v1 2",
    ]


def test_of_many_arrays_put_together_three_are_named(w):
    def mixed(*functions):
        program = compile(lambda x: dot(w[: len(functions)], [f(x) for f in functions]))
        program.prepare(1.0)
        return forward_lines(program)[-2]

    waves = Value.sin, Value.cos, Value.tanh, Value.exp
    assert mixed(*waves[:3]) == "v4 = w · [v1, v2, v3] 1"
    assert mixed(*waves) == "v5 = w · [v1, v2, v3, …] 1"


def test_two_steps_of_one_label_are_told_apart(w):
    def f(x):
        first, second = w[0] * x, (w[1] * x).exp()
        first.label, second.label = "z", "z"
        return first * second

    program = compile(f)
    program.prepare(1.0)
    assert forward_lines(program) == [
        "z = w * x 2",
        "v2 = exp(z[0]) 1",
        "v3 = z[1] * v2 1",
        "value = v3",
    ]


# --- Reading the table -----------------------------------------------------------------------


@over("op", OPS)
def test_every_row_of_the_table_can_be_printed(op):
    low, high = op.domain
    points = [low + (high - low) * (0.6 + 0.05 * i) for i in range(6)]
    ps = [Value(x, f"p{i}") for i, x in enumerate(points[1:])]
    count = arities(op)[:4][-1]
    program = compile(lambda x: op(*ps[: count - 1], x).tanh(), batched=True)
    program(points[:1])
    assert forward_lines(program)


def test_an_op_of_many_operands_is_one_step_on_rows(w):
    norm = Op(
        "norm",
        lambda *xs: math.sqrt(sum(x * x for x in xs)),
        lambda z, *xs: tuple([x / z for x in xs]),
        lambda np, *xs: np.sqrt(sum(x * x for x in xs)),
    )
    program = compile(lambda x: norm(*[v * x for v in w]), executor="numpy")
    value, slopes = program.value_and_gradient(2.0)
    assert value == pytest.approx(2 * math.sqrt(91), rel=1e-14)
    assert slopes == pytest.approx(
        [2 * v.data / math.sqrt(91) for v in program.parameters], rel=1e-13
    )
    assert len(steps(program)) == 2
    assert shapes(program) == []
