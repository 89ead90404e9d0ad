"""The gradient pass alone: each transpose is one, and a gradient's program has a gradient."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograd_core import OPS, Value, compile, dot, gradient, hessian, logsumexp, softmax, total
from autograd_core.check import arities
from autograd_core.compiler.build import Builder
from autograd_core.compiler.gradient import differentiate, rule_of
from autograd_core.compiler.ir import EXAMPLES, Compute
from autograd_core.engine import EXP, MUL, TANH, Op
from tests.arrays import by_definition
from tests.compiled import Draw, each_executor
from tests.rows import over
from tests.test_compile_graphs import OWN

N = 3


def numeric(emit, root, leaves, name, n):
    """The gradient of the mean, one number after the other."""
    slopes = np.zeros(leaves[name].shape)
    for place in np.ndindex(*slopes.shape):
        ends = []
        for step in (1e-6, -1e-6):
            moved = dict(leaves) | {name: leaves[name].copy()}
            moved[name][place] += step
            ends.append(np.mean(by_definition(emit.order, moved, n)[root]))
        slopes[place] = (ends[0] - ends[1]) / 2e-6
    return slopes


def assert_gradient(emit, root, leaves, n):
    """The pass has the slopes that differences have, along every leaf."""
    for leaf in [x for x in emit.order if x.reads() == () and hasattr(x, "name")]:
        expected = numeric(emit, root, leaves, leaf.name, n)
        slopes = differentiate(emit, root, leaf).array
        assert slopes.shape == leaf.shape
        found = by_definition(emit.order, leaves, n)[slopes]
        np.testing.assert_allclose(found, expected, atol=1e-7)


@pytest.fixture
def arrays():
    """A builder, two leaves (one of them for each example), and numbers for them."""
    emit = Builder()
    x, y = emit.leaf("x", 6, batched=False), emit.leaf("y", 4, batched=True)
    rng = np.random.default_rng(0)
    return emit, x, y, {"x": rng.normal(size=6), "y": rng.normal(size=(4, N))}


def squared(emit, operand):
    """The sum of the squares of all cells, for each example where there are any."""
    return emit.compute(MUL, [operand, operand], "b")[0]


PRODUCTS = ["ab,cb->acb", "ab,cb->b", "ab,cb->a", "ab,ab->b", "ab,ab->", "rk,kb->rb", "rk,kb->r"]


@pytest.mark.parametrize("letters", PRODUCTS)
def test_a_product_is_transposed(letters, arrays):
    emit, x, y, leaves = arrays
    left, right, out = letters.replace("->", ",").split(",")
    first = (y, left) if "b" in left else emit.gather([x], np.arange(6)[:, None] * [1] % 6, "rk")
    if left == "rk":
        first = emit.gather([x], (np.arange(8) % 6).reshape(2, 4), "rk")
    z = emit.compute(MUL, [first, (y, right)], out)
    assert_gradient(emit, squared(emit, z), leaves, N)


@pytest.mark.parametrize("out", ["ab", "a", "b", ""])
def test_a_sum_is_repeated(out, arrays):
    emit, _, y, leaves = arrays
    z = emit.compute(None, [(y, "ab")], out)
    assert_gradient(emit, squared(emit, emit.compute(TANH, [z], out)), leaves, N)


def test_what_repeats_is_summed(arrays):
    emit, x, y, leaves = arrays
    lengths = {"a": 4, "k": 6, "b": EXAMPLES}
    z = emit.compute(MUL, [(y, "ab"), (x, "k")], "b", lengths=lengths)
    assert_gradient(emit, squared(emit, z), leaves, N)


INDICES = {
    "some": [0, 2, 5],
    "one twice": [1, 1, 3],
    "none": [0, -1, 3, -1],
    "a matrix": [[0, 1, 2], [3, 4, 5]],
    "turned": [[0, 3], [1, 4], [2, 5]],
    "of both": [5, 6, 9, 0, 6],
    "of both in a grid": [[0, 6], [1, 7], [2, 8]],
}


@pytest.mark.parametrize("index", INDICES.values(), ids=INDICES)
def test_a_gather_is_scattered(index, arrays):
    emit, x, y, leaves = arrays
    sources = [x, y] if np.max(index) > 5 else [x]
    letters = "rk"[: np.ndim(index)]
    z = emit.gather(sources, np.array(index), letters)
    weights = emit.constant(np.arange(1.0, 1 + np.size(index)).reshape(np.shape(index)), letters)
    z = emit.compute(MUL, [emit.compute(EXP, [z], z[1]), weights], z[1])
    assert_gradient(emit, squared(emit, z), leaves, N)


def test_a_scatter_is_gathered(arrays):
    emit, x, y, leaves = arrays
    pieces = [((x, "a"), np.array([3, 0, -1, 2, 2, 1])), (emit.constant(2.0), np.array([0, 1]))]
    z = emit.scatter(pieces, (4,))
    both = emit.scatter(
        [((y, "ab"), np.array([3, 2, 1, 0])), ((x, "a"), np.arange(6) % 4)], y.shape
    )
    z = emit.compute(MUL, [z, emit.compute(TANH, [both], "ab")], "b")
    assert_gradient(emit, z[0], leaves, N)


def test_what_an_array_does_not_depend_on_has_gradient_0(arrays):
    emit, x, y, _ = arrays
    slopes = differentiate(emit, squared(emit, (y, "ab")), x).array
    assert (
        by_definition(emit.order, {"x": np.ones(6), "y": np.ones((4, 2))}, 2)[slopes].tolist()
        == [0] * 6
    )


def test_of_constant_slopes_nothing_is_computed(arrays):
    emit, x, _, _ = arrays
    slopes = differentiate(emit, emit.compute(None, [(x, "a")], "")[0], x).array
    assert [y for y in emit.order if isinstance(y, Compute) and y is not slopes][1:] == []


# --- Rules -----------------------------------------------------------------------------------


@over("op", [*OPS, *OWN])
def test_every_rule_read_on_numbers_is_the_partials(op):
    low, high = op.domain
    for n in arities(op):
        xs = [low + (high - low) * (0.7 + 0.2 * i / n) for i in range(n)]
        given = [op.value(*xs), *xs]
        found = rule_of(op, n).read(given, float, lambda inner, ys: inner.value(*ys))
        assert found == pytest.approx(op.partials(*given))


def test_a_rule_that_uses_its_steps_many_times_is_as_long_as_its_recording():
    def slopes(z, x):
        for _ in range(40):
            x = x * x
        return (x,)

    emit = Builder()
    x = emit.leaf("x", 2, batched=False)
    op = Op("steep", lambda x: x, slopes, lambda np, x: x)
    root = emit.compute(None, [emit.compute(op, [(x, "a")], "a")], "")[0]
    differentiate(emit, root, x)
    assert len(emit.order) < 60


def test_no_slope_is_computed_that_is_not_asked_for():
    draw = Draw(1)
    W, v = draw.matrix(3, 2, "W"), draw.vector(3, "v")
    program = compile(lambda x: perceptron(x, W, v), batched=True)
    program.value_and_gradient(draw.data(4, 2))
    compiled = program.current()
    order = compiled.ready[compiled.vector].order
    products = [x for x in compiled.emit.order if isinstance(x, Compute) and x.op is MUL]
    assert [x for x in products if x not in order] == []


# --- Twice -----------------------------------------------------------------------------------


def perceptron(x, W, v):
    return dot(v, [dot(row, x).tanh() for row in W])


FUNCTIONS = {
    "perceptron": lambda x, W, v: (perceptron(x, W, v) - 0.5) ** 2,
    "logsumexp": lambda x, W, v: logsumexp([dot(row, x) * u for row, u in zip(W, v, strict=True)]),
    "softmax": lambda x, W, v: dot(v, softmax([dot(row, x) for row in W])),
    "shared": lambda x, W, v: total(
        [(dot(row, other) + v[0]).sigmoid() for row in W for other in W]
    ),
}


@pytest.mark.parametrize("f", FUNCTIONS.values(), ids=FUNCTIONS)
@over("batched", [False, True])
def test_a_hessian_times_a_vector_is_the_gradient_of_a_gradient(f, batched):
    draw = Draw(1)
    W, v = draw.matrix(3, 2, "W"), draw.vector(3, "v")
    data = draw.data(4, 2) if batched else draw.data(1, 2)
    program = compile(lambda x: f(x, W, v), batched=batched)
    program.value_and_gradient(data if batched else data[0])
    compiled = program.current()
    direction = np.cos(np.arange(len(program.parameters)))

    emit = compiled.emit
    slopes = differentiate(emit, compiled.results[0], compiled.vector).array
    along = emit.compute(MUL, [(slopes, "a"), emit.constant(direction, "a")], "")[0]
    product = differentiate(emit, along, compiled.vector).array
    leaves = {"parameters": compiled.numbers(None), "others": np.zeros(0)}
    leaves["inputs"] = data.T if batched else data[0]
    found = by_definition(emit.order, leaves, 4 if batched else None)[product]

    expected = 0
    for row in data:
        rows = hessian(f([Value(x) for x in row], W, v), program.parameters)
        expected = expected + np.array([[h.data for h in r] for r in rows]) @ direction / len(data)
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


@each_executor
@pytest.mark.parametrize("f", FUNCTIONS.values(), ids=FUNCTIONS)
@over("batched", [False, True])
def test_a_program_has_its_hessian_times_a_vector(f, batched, executor):
    draw = Draw(1)
    W, v = draw.matrix(3, 2, "W"), draw.vector(3, "v")
    data = draw.data(4, 2) if batched else draw.data(1, 2)
    args = [data if batched else data[0]]
    parameters = [*v, *[w for row in W for w in row]]
    program = compile(lambda x: f(x, W, v), batched=batched, executor=executor, wrt=parameters)
    direction, at = np.cos(np.arange(9)), np.sin(np.arange(9))

    found = program.hessian_vector(*args, direction=direction, at=at)
    step = 1e-5 * direction
    _, ahead = program.value_and_gradient(*args, at=at + step)
    _, behind = program.value_and_gradient(*args, at=at - step)
    np.testing.assert_allclose(found, (ahead - behind) / 2e-5, rtol=1e-6, atol=1e-8)
    expected = dict(zip(program.parameters, at, strict=True))
    for p in program.parameters:
        p.data = expected[p]
    assert program.hessian_vector(*args, direction=direction).tolist() == found.tolist()
    with pytest.raises(ValueError, match="direction must be a list of 9 numbers"):
        program.hessian_vector(*args, direction=[1.0])


def test_a_second_derivative_where_there_is_none_is_eagers_error_or_infinite():
    x = Value(0.0, "x")
    with pytest.raises(ValueError, match=r"log of \(x = 0.0\)"):
        compile(lambda: x.log()).hessian_vector(direction=[1.0])
    program = compile(lambda: x**1.5, executor="numpy")
    assert program.hessian_vector(direction=[1.0]).tolist() == [math.inf]
    assert compile(lambda: 3 * x).hessian_vector(direction=[1.0]).tolist() == [0.0]


@given(st.lists(st.floats(-1, 1), min_size=3, max_size=3))
def test_a_program_that_differentiates_has_a_gradient(numbers):
    w = [Value(x) for x in numbers]

    def f(x):
        slopes = gradient((w[0] * x).tanh() * w[1] + (w[2] * x).sin() ** 2, x)
        return slopes[0] * slopes[0]

    x = Value(0.3)
    root = f(x)
    root.backward()
    program = compile(f)
    value, slopes = program.value_and_gradient(0.3)
    assert value == pytest.approx(root.data, rel=1e-12, abs=1e-13)
    expected = [p.grad for p in program.parameters]
    assert slopes == pytest.approx(expected, rel=1e-10, abs=1e-12)
