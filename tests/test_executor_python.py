"""Programs as generated Python: eager's numbers, NumPy's shapes, and a text that can be read."""

import math
import random

import numpy as np
import pytest

from autograd_core import (
    OPS,
    Value,
    dot,
    hessian,
    logsumexp,
    maximum,
    mean,
    minimum,
    softmax,
    total,
)
from autograd_core.compiler.build import Builder
from autograd_core.compiler.canonical import canonical
from autograd_core.compiler.executors import python
from autograd_core.compiler.executors.cells import FEW, is_scalar
from autograd_core.compiler.executors.numpy import NumPyExecutor
from autograd_core.compiler.executors.python import OWN_VARIABLES, PythonExecutor
from autograd_core.compiler.factor import Factored
from autograd_core.compiler.gradient import differentiate
from autograd_core.compiler.ir import EXAMPLES, Array, needed
from autograd_core.compiler.record import record
from autograd_core.engine import (
    ADD,
    DIV,
    EXP,
    LOGSUMEXP,
    MUL,
    SIN,
    SUB,
    TANH,
    Op,
    leaky,
    power,
)
from tests.rows import over

BATCHES = [None, 1, 2, 5]


class Lowered:
    """A function of some numbers as arrays, and what an executor takes to run them."""

    def __init__(self, f, inputs=0, *, batched=False):
        def arguments(tape):
            return [tape.input(f"x{i}") for i in range(inputs)]

        tape, root = record(f, arguments)
        graph = canonical(tape, [tape.node(root)], batched=batched)
        factored = Factored(graph)
        self.emit, self.vector, self.inputs = factored.emit, factored.parameters, factored.inputs
        self.parameters = [tape.parameters[graph.origin[i]] for i in graph.parameters]
        self.root = factored.result(np.array(graph.roots[0]))
        self.results = [self.root, self.along(self.root, self.vector)]
        if inputs:
            self.results.append(self.along(self.root, self.inputs))

    def along(self, root, wrt):
        found = differentiate(self.emit, root, wrt)
        return found if isinstance(found, Array) else found.array

    def leaves(self, x=None):
        numbers = np.array([p.data for p in self.parameters])
        given = [] if x is None else np.split(np.asarray(x, float), [1], axis=-1)  # in two parts
        return {"parameters": [numbers], "inputs": given}

    def run(self, x=None, executor=PythonExecutor):
        x = None if x is None else np.asarray(x, float)
        n = None if x is None or x.ndim == 1 else len(x)
        return executor(needed(self.emit.order, self.results), self.results).run(self.leaves(x), n)


def eager(f, parameters, x):
    """The mean over the examples, and its gradients along the parameters and along the inputs."""
    rows = [None] if x is None else np.atleast_2d(x).tolist()
    value, along, inputs = 0.0, np.zeros(len(parameters)), []
    for row in rows:
        leaves = [] if row is None else list(map(Value, row))
        for p in parameters:
            p.grad = 0.0
        root = f(*leaves)
        root.backward()
        value += root.data / len(rows)
        along += np.array([p.grad for p in parameters]) / len(rows)
        inputs.append([v.grad / len(rows) for v in leaves])
    return [
        np.array(value),
        along,
        np.array(inputs).T if x is None or np.ndim(x) == 2 else inputs[0],
    ]


def assert_like_eager(f, x=None):
    program = Lowered(
        f, 0 if x is None else np.shape(x)[-1], batched=np.ndim(x) == 2 if x is not None else False
    )
    found, suspicious, *_ = program.run(x)
    assert not suspicious
    as_arrays = program.run(x, NumPyExecutor).results
    assert [a.shape for a in found] == [a.shape for a in as_arrays]
    expected = eager(f, program.parameters, x)
    scale = max([1.0, *[np.abs(a).max(initial=0.0) for a in expected]])
    for a, b in zip([found[0].mean(), *found[1:]], expected):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-14 * scale)
    return program


def examples(n, width, seed=0):
    rng = np.random.default_rng(seed)
    return rng.uniform(-1, 1, width if n is None else (n, width))


# --- Like eager ------------------------------------------------------------------------------

KINDS = [
    lambda x, y, z: x + y,
    lambda x, y, z: x - 3.0 * y,
    lambda x, y, z: (x * y).tanh(),
    lambda x, y, z: -x / 4.0,
    lambda x, y, z: x.sin() * y.cos() - z,
    lambda x, y, z: maximum(x, y) / (2.0 + z * z),
    lambda x, y, z: minimum(x, y, z).relu() + x.sigmoid(),
    lambda x, y, z: (x * x + 1.0).log() - (y * y + 1.0).sqrt(),
    lambda x, y, z: logsumexp([x, y, z]) ** 2,
    lambda x, y, z: dot([x, y, z], [z, x, 0.5], bias=y),
    lambda x, y, z: softmax([x, y, z])[1] * 5.0,
    lambda x, y, z: (x * x + 2.0) ** -1.5 + (y * y + 1.0) ** (z * 0.1),
    lambda x, y, z: total([u * v * 0.5 for u, v in zip([x, y, z], [y, z, x])]).leaky_relu(0.1),
    lambda x, y, z: mean([x, y, z, x]).softplus() - abs(y),
]


def random_program(seed):
    """A function of two numbers and a few parameters, of ops and vectors at random."""
    r = random.Random(seed)
    parameters = [Value(r.uniform(-1, 1)) for _ in range(r.choice([2, 5, 9]))]
    plan = [
        (r.choice(KINDS), [r.randrange(1000) for _ in range(3)]) for _ in range(r.choice([4, 12]))
    ]
    width = r.choice([1, 2, 4])

    def f(*xs):
        known = [*parameters, *xs]
        for kind, at in plan:
            known.append(kind(*[known[-1 - i % len(known)] for i in at]).tanh())
        rows = [[known[(i * j + 1) % len(known)] for i in range(width)] for j in range(1, 4)]
        return dot(rows[0], rows[1]) + total([dot(rows[2], row).tanh() for row in rows]) + known[-1]

    return f


@pytest.mark.parametrize("n", BATCHES)
@pytest.mark.parametrize(
    "seed", [*range(8), *[pytest.param(s, marks=pytest.mark.slow) for s in range(8, 15)]]
)
def test_random_programs_are_like_eager(seed, n):
    assert_like_eager(random_program(seed), examples(n, 2, seed))


@pytest.mark.slow
@pytest.mark.parametrize("n", BATCHES)
@pytest.mark.parametrize("seed", range(100, 600, 100))
def test_many_random_programs_are_like_eager(seed, n):
    for i in range(seed, seed + 100):
        assert_like_eager(random_program(i), examples(n, 2, i))


def layered(width):
    r = random.Random(width)
    W = [[[Value(r.uniform(-1, 1)) for _ in range(width)] for _ in range(width)] for _ in range(2)]

    def f(*xs):
        h = list(xs[:1]) * width
        for layer in W:
            h = [dot(row, h, xs[1]).tanh() for row in layer]
        return total([v * v for v in h])

    return f


def recurrence(*xs):
    x = xs[0] + 2.0
    for _ in range(5):
        x = x - (x * x - 2.0) / (2.0 * x) + xs[1] * 0.01
    return x


W, B = Value(0.5, "w"), Value(-0.25, "b")
PROGRAMS = {
    "neuron": lambda x, y: (W * x + B - y) ** 2,
    "layers": layered(3),
    "one unit": layered(1),
    "recurrence": recurrence,
    "only parameters": lambda x, y: (W * B).exp(),
    "only inputs": lambda x, y: x.sin() * y,
    "a constant": lambda x, y: Value(3.0),
    "a parameter": lambda x, y: W,
    "an input": lambda x, y: y,
    "long sums": lambda x, y: total([(W * i + x).sin() for i in range(60)]) * y,
}


@over("n", BATCHES)
@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_are_like_eager(name, n):
    assert_like_eager(PROGRAMS[name], examples(n, 2))


def test_a_program_without_arguments_is_like_eager():
    assert_like_eager(lambda: (W * B).tanh() + W)


def takes(op, operands):
    try:
        op.partials(op.value(*operands), *operands)
    except (TypeError, ValueError):  # for so many operands, or for these
        return False
    return True


APPLIED = [
    (op, operands)
    for op in [*OPS, power(2.5), power(-2.0), power(0.0), leaky(0.3)]
    for operands in [(0.75,), (1.25,), (1.7, 0.6), (0.3, 0.9, 1.4)]
    if takes(op, operands)
]


@over(("op", "operands"), APPLIED)
def test_each_op_has_the_bits_of_eager(op, operands):
    xs = [Value(x) for x in operands]
    z = op.record(xs)
    program = Lowered(lambda: op.record(xs))
    (value, slopes), *_ = program.run()
    z.backward()
    assert float(value) == pytest.approx(z.data, rel=4e-16 if op is LOGSUMEXP else 0, abs=0)
    assert slopes == pytest.approx([p.grad for p in program.parameters], rel=1e-14)


@pytest.mark.parametrize("n", BATCHES)
def test_the_gradient_of_a_gradient_goes_over_the_examples_twice(n):
    f, x = PROGRAMS["neuron"], examples(n, 2)
    program = Lowered(lambda x, y: f(x, y).sin(), 2, batched=n is not None)
    g = program.results[1]
    square, _ = program.emit.compute(MUL, [(g, "a"), (g, "a")], "", lengths={"a": 2})
    program.results = [program.along(square, program.vector), program.along(square, program.inputs)]
    found, expected = program.run(x), program.run(x, NumPyExecutor)
    for a, b in zip(found.results, expected.results, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13, atol=1e-14)
    rows = np.atleast_2d(x)
    slopes, curvature = np.zeros(2), np.zeros((2, 2))
    for row in rows.tolist():
        y = f(*row).sin()
        W.grad = B.grad = 0.0
        y.backward()
        slopes += np.array([p.grad for p in program.parameters]) / len(rows)
        second = [[v.data for v in line] for line in hessian(y, program.parameters)]
        curvature += np.array(second) / len(rows)
    np.testing.assert_allclose(found.results[0], 2 * curvature @ slopes, rtol=1e-12, atol=1e-14)


# --- Each kind of array ----------------------------------------------------------------------


def arrays(batched):
    """Arrays of every kind, on leaves of 6 and of 2 numbers."""
    emit = Builder()
    p, x = emit.leaf("parameters", 6, batched=False), emit.leaf("inputs", 2, batched=batched)
    grid, b = emit.gather([p], np.arange(6).reshape(2, 3), "rk"), "b" * batched
    lengths = {"r": 2, "k": 3, "c": 2, **({"b": EXAMPLES} if batched else {})}

    def compute(op, operands, letters, fold="+"):
        return emit.compute(op, operands, letters, fold=fold, lengths=lengths)

    rows = compute(MUL, [grid, (x, "r" + b)], "rk" + b)
    found = [
        rows,
        compute(MUL, [grid, (x, "r" + b)], "k" + b),
        compute(MUL, [grid, (x, "r" + b)], "k"),
        compute(MUL, [grid, (x, "r" + b)], ""),
        compute(MUL, [grid, (x, "c" + b)], "kc" + b),
        compute(None, [rows], "r" + b, "max"),
        compute(None, [rows], "k", "max"),
        compute(None, [rows], "", "max"),
        compute(None, [rows], "r"),
        compute(None, [(x, "r" + b)], ""),
        compute(None, [grid], "rb"),
        compute(SUB, [rows, compute(None, [rows], "k")], "rk" + b),
        compute(DIV, [(x, "r" + b), emit.constant([2.0, -0.5], "r", power=-1)], "r" + b),
        compute(ADD, [(x, "r" + b), emit.constant([1.0, math.inf], "r")], "r" + b),
        compute(MUL, [grid, emit.constant([-1.0, 1.0], "r", power=2 * batched)], "rk"),
        emit.gather([p, p], np.array([[0, -1, 3], [11, 2, -1]]), "rk"),
        emit.gather([x], np.array([1, -1, 0, 1]), "r"),
        emit.gather([p], np.array(4), ""),
    ]
    found += [
        emit.scatter(
            [
                ((x, "a" + b), np.array([4, 0])),
                (emit.gather([x], np.array([1, 0]), "a"), np.array([0, -1])),
            ],
            (6, *x.shape[1:]),
        ),
        emit.scatter([(compute(TANH, [(p, "a")], "a"), np.array([0, 0, 1, -1, 3, 3]))], (2, 3)),
        emit.scatter([((x, "c" + b), np.array([[0, 1], [2, -1]]))], (5, *x.shape[1:])),
        compute(EXP, [emit.scatter([((p, "a"), np.array([0, 0, 0, -1, -1, -1]))], (3,))], "a"),
    ]
    whole = emit.full(emit.gather([p], np.arange(2), "a"), x.shape)
    found += [compute(None, [(whole, "r" + b)], ""), compute(None, [(whole, "r" + b)], "", "max")]
    return emit.order, [array for array, _ in found]


COUNT = len(arrays(batched=False)[1])


@over("n", BATCHES)
@pytest.mark.parametrize("i", range(COUNT))
def test_each_kind_of_array_is_what_numpy_has(i, n):
    order, results = arrays(batched=n is not None)
    order = needed(order, [results[i]])
    leaves = {"parameters": [examples(None, 6)], "inputs": [examples(n, 2, 1)]}
    found = PythonExecutor(order, [results[i]]).run(leaves, n).results[0]
    expected = NumPyExecutor(order, [results[i]]).run(leaves, n).results[0]
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-14)


@pytest.mark.parametrize("n", BATCHES)
def test_all_kinds_of_arrays_are_what_numpy_has_together(n):
    order, results = arrays(batched=n is not None)
    leaves = {"parameters": [examples(None, 6)], "inputs": [examples(n, 2, 1)]}
    found, expected = [e(order, results).run(leaves, n) for e in (PythonExecutor, NumPyExecutor)]
    for a, b in zip(found.results, expected.results, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-14)


def test_what_reads_nothing_is_no_zero_that_infinity_makes_nan():
    emit = Builder()
    p = emit.leaf("parameters", 2, batched=False)
    padded = emit.gather([p], np.array([0, -1]), "k")
    z, _ = emit.compute(MUL, [padded, (p, "k")], "", lengths={"k": 2})
    (found,), *_ = PythonExecutor(emit.order, [z]).run(
        {"parameters": [np.array([2.0, math.inf])]}, None
    )
    assert found == 4.0


# --- The text --------------------------------------------------------------------------------


def source(program):
    order = needed(program.emit.order, program.results)
    return PythonExecutor(order, program.results).source


def test_one_neuron_reads_as_the_chain_rule():
    program = Lowered(lambda x: (W * x + B).tanh() ** 2, 1)
    assert source(program) == (
        "def run(n, parameters, inputs):\n"
        "    [w0, w1] = parameters\n"
        "    [x0] = inputs\n"
        "    v1 = tanh(w0 * x0 + w1)\n"
        "    v2 = v1 ** 2.0\n"
        "    v3 = (1.0 - v1 * v1) * (v1 * 2.0)\n"
        "    v4 = x0 * v3\n"
        "    v5 = w0 * v3\n"
        "    return [v2], [v4, v3], [v5]\n"
    )


def test_what_all_examples_share_is_before_their_loop():
    program = Lowered(lambda x: W.exp() * x, 1, batched=True)
    before, loop = source(program).split("    for [x0] in inputs:\n")
    assert "exp" in before
    assert "exp" not in loop


def test_cells_that_nothing_reads_are_left_out():
    emit = Builder()
    p = emit.leaf("parameters", 3, batched=False)
    z, _ = emit.compute(SIN, [(p, "a")], "a")
    one, _ = emit.gather([z], np.array(1), "")
    assert PythonExecutor(emit.order, [one]).source.count("sin") == 1


@pytest.mark.parametrize("fold", ["+", "max"])
@pytest.mark.parametrize("count", [2, 9, 100, 5000])
def test_a_fold_of_any_length_can_be_run(count, fold):
    emit = Builder()
    p = emit.leaf("parameters", count, batched=False)
    z, _ = emit.compute(None, [(p, "a")], "", fold=fold)
    numbers = examples(None, count)
    executor = PythonExecutor(emit.order, [z])
    assert max(map(len, executor.source.splitlines())) < 150
    expected = sum(numbers.tolist()) if fold == "+" else numbers.max()
    assert executor.run({"parameters": [numbers]}, None).results[0] == pytest.approx(
        expected, rel=1e-13
    )


def test_a_long_program_can_be_run():
    emit = Builder()
    p = emit.leaf("parameters", 2, batched=False)
    x, y = emit.gather([p], np.array(0), ""), emit.gather([p], np.array(1), "")
    for _ in range(2000):
        x, y = emit.compute(SUB, [x, emit.compute(MUL, [y, emit.constant(0.01)], "")], ""), x
    (found,), *_ = PythonExecutor(emit.order, [x[0]]).run(
        {"parameters": [np.array([1.0, 2.0])]}, None
    )
    a, b = 1.0, 2.0
    for _ in range(2000):
        a, b = a - b * 0.01, a
    assert found == a


@over("n", BATCHES)
@pytest.mark.parametrize("f", [*PROGRAMS, *range(5)])
def test_variables_that_serve_again_change_no_number(f, n, monkeypatch):
    f = random_program(f) if isinstance(f, int) else PROGRAMS[f]
    program = Lowered(f, 2, batched=n is not None)
    found = []
    for own in (10**6, 0):
        monkeypatch.setattr(python, "OWN_VARIABLES", own)
        found.append(program.run(examples(n, 2)).results)
    for x, y in zip(*found, strict=True):
        np.testing.assert_array_equal(x, y)


def test_a_long_function_has_few_variables():
    def swing(x, v):
        for _ in range(100):
            v = v - 0.01 * x.sin()
            x = x + 0.01 * v
        return x

    program = Lowered(swing, 2)
    executor = PythonExecutor(program.emit.order, [program.root])
    assert OWN_VARIABLES < executor.function.__code__.co_nlocals < OWN_VARIABLES + 10


# --- Ops -------------------------------------------------------------------------------------

NAMES = [
    "cube",
    "v1",
    "w0",
    "kept0",
    "max",
    "n",
    "run",
    "inputs",
    "lambda",
    "2x",
    "ä b",
    "",
    "**",
    "**2",
    "tanh",
    "inf",
    "_",
    "ﬁ",
]


@over("name", NAMES)
@pytest.mark.parametrize("n", [None, 3])
def test_an_op_of_ones_own_works_whatever_its_name(name, n):
    cube = Op(name, lambda x: np.float64(x**3), lambda z, x: (3 * x * x,), lambda np, x: x**3)
    assert_like_eager(lambda x: cube(W * x).tanh() + cube(B) + maximum(x, W) + x**2, examples(n, 1))


@over(
    ("f", "x", "error"),
    [
        (lambda x: W / x, 0.0, ZeroDivisionError),
        (lambda x: W * x.log(), -1.0, ValueError),
        (lambda x: (W * x).exp(), 1e4, OverflowError),
        (lambda x: (W * x) ** 0.5, -1.0, ValueError),
        (lambda x: (W * x) ** -2, 0.0, ZeroDivisionError),
    ],
)
@over("n", BATCHES)
def test_what_has_no_value_raises_what_python_raises(f, x, error, n):
    program = Lowered(f, 1, batched=n is not None)
    rows = [x] if n is None else [[0.7]] * (n - 1) + [[x]]
    with pytest.raises(error):
        program.run(rows)
    assert program.run(rows, NumPyExecutor).suspicious


@over("n", BATCHES)
@over("x", [0.5, 1e200, -1e308, 1e-320, math.inf, -math.inf, math.nan])
@pytest.mark.parametrize(
    "f",
    [
        lambda x: W * x * x,
        lambda x: x - x * W,
        lambda x: (x * W).tanh(),
        lambda x: 1 / (W + x * x),
        lambda x: (x * W).exp(),
        lambda x: logsumexp([x, W, x * x]),
    ],
)
def test_results_that_are_not_finite_are_suspicious(f, x, n):
    program = Lowered(f, 1, batched=n is not None)
    rows = [x] if n is None else [[0.7]] * (n - 1) + [[x]]
    expected = program.run(rows, NumPyExecutor)
    try:
        found = program.run(rows)
    except (ArithmeticError, ValueError):
        assert expected.suspicious
        return
    assert found.suspicious == any(not np.isfinite(a).all() for a in found.results)
    assert expected.suspicious or not found.suspicious or not math.isfinite(x)


# --- The choice ------------------------------------------------------------------------------


def chosen(f, inputs=0, *, batched=False):
    program = Lowered(f, inputs, batched=batched)
    return is_scalar(needed(program.emit.order, program.results))


@over("name", [*PROGRAMS])
def test_no_program_with_examples_is_scalar(name):
    assert not chosen(PROGRAMS[name], 2, batched=True)


@pytest.mark.parametrize("name", ["neuron", "layers", "one unit", "recurrence"])
def test_formulas_and_tiny_nets_are_scalar(name):
    assert chosen(PROGRAMS[name], 2)


def test_a_layer_is_scalar_up_to_a_width():
    by_width = [chosen(layered(width), 2) for width in range(1, 13)]
    assert by_width == sorted(by_width, reverse=True)
    assert by_width[2]
    assert not by_width[-1]


@pytest.mark.parametrize("width", range(FEW - 3, FEW + 4))
def test_arrays_of_few_numbers_are_scalar(width):
    emit = Builder()
    p = emit.leaf("parameters", width, batched=False)
    z = emit.compute(TANH, [emit.compute(SIN, [(p, "a")], "a")], "a")[0]
    assert is_scalar(needed(emit.order, [z])) == (width < FEW)


def test_products_count_for_all_that_they_multiply():
    emit = Builder()
    p = emit.leaf("parameters", FEW, batched=False)
    z, _ = emit.compute(MUL, [(p, "a"), (p, "a")], "", lengths={"a": FEW})
    assert not is_scalar(needed(emit.order, [z]))


def test_a_program_without_ops_is_not_scalar():
    assert not is_scalar([Builder().leaf("parameters", 2, batched=False)])
