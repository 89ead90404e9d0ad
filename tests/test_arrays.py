"""NumPy's functions on arrays of Values, eager and recorded, as for HIPS autograd."""

from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_allclose

from autograd_core import RecordingError, Value, compile, functions
from autograd_core.arrays import ValueArray
from autograd_core.check import extrapolated

POINTS = np.array([[0.3, 0.7, 0.45], [0.6, 0.2, 0.8]])

# What is written of an array x, and of another one y of the same shape.
OF_ONE = {
    name: getattr(np, name)
    for name in (
        *("exp", "log", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh", "arcsin", "arccos"),
        *("arctan", "expm1", "log1p", "log2", "log10", "floor", "ceil", "abs", "square", "sum"),
        *("negative", "reciprocal", "mean", "std", "var", "max", "min", "transpose", "prod"),
    )
}
OF_TWO = {name: getattr(np, name) for name in ("maximum", "minimum", "arctan2", "hypot", "power")}
WRITTEN = {
    **{name: lambda x, y, f=f: f(x) * 2.0 for name, f in OF_ONE.items()},
    **{name: lambda x, y, f=f: f(x, 0.5) + f(x, y) for name, f in OF_TWO.items()},
    "remainder": lambda x, y: np.mod(x, 0.25) + x % y,
    "clip": lambda x, y: np.clip(x, 0.4, 0.65) * y,
    "where": lambda x, y: np.where(x > 0.5, x * y, y) + np.where(np.eye(2, 3) > 0, x, 2.0),
    "dot": lambda x, y: np.dot(x, y.T) @ np.ones((2, 4)),
    "sums along an axis": lambda x, y: np.sum(x * y, axis=1, keepdims=True) - x.mean(axis=0),
    "std along an axis": lambda x, y: (x - np.mean(x, axis=0)) / np.std(x + y * y, axis=0),
    "max along an axis": lambda x, y: np.max(x, axis=1) * np.min(y, axis=0)[:2],
    "put together": lambda x, y: np.concatenate([x, y], axis=1)[:, ::2] ** 2,
    "stacked": lambda x, y: np.stack([np.maximum(x, y), x]).reshape(-1),
    "softmax": lambda x, y: np.exp(x) / np.sum(np.exp(x), axis=1, keepdims=True) * y,
}
each = pytest.mark.parametrize("f", WRITTEN.values(), ids=WRITTEN)


def weighted(f):
    """One number from f's array, in which every item counts."""

    def of_sum(x, y):
        z = f(x, y)
        return np.sum(z * np.cos(np.arange(np.size(z))).reshape(np.shape(z)))

    return of_sum


def measured(f, x, y):
    """The slopes of f along each item of x and of y."""

    def along(array, place):
        def moved(h):
            nudged = [a.copy() for a in (x, y)]
            nudged[array][place] += h
            return f(*nudged)

        return extrapolated(lambda h: (moved(h / 50) - moved(-h / 50)) / (h / 25))[0]

    return [[along(array, place) for place in np.ndindex(x.shape)] for array in (0, 1)]


@each
def test_what_is_written_for_arrays_runs_on_arrays_of_values_and_compiles(f):
    f, x, y = weighted(f), POINTS, POINTS[::-1] * 0.9
    expected, slopes = f(x, y), measured(f, x, y)
    leaves = [np.array([[Value(item) for item in row] for row in array]) for array in (x, y)]
    z = f(*leaves)
    z.backward()
    assert z.data == pytest.approx(expected, rel=1e-12)
    for array, expected_slopes in zip(leaves, slopes, strict=True):
        assert_allclose([v.grad for v in array.flat], expected_slopes, rtol=1e-7, atol=1e-7)
    program = compile(f)
    assert program(x, y) == pytest.approx(expected, rel=1e-12)
    for found, array in zip(program.gradient_wrt_inputs(x, y), leaves, strict=True):
        assert_allclose(found.ravel(), [v.grad for v in array.flat], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("choose", [np.sort, np.argmax, lambda x: x[x > 0], lambda x: any(x > 0)])
def test_what_depends_on_an_order_is_refused_while_it_is_recorded(choose):
    with pytest.raises((RecordingError, IndexError)):
        compile(lambda x: np.sum(choose(x)) + x[0])(np.array([1.0, 2.0]))


def test_rarer_functions_of_numpys_are_rows_on_recorded_arrays():
    def f(x):
        return np.sum(np.sign(x) + np.fabs(x) + np.logaddexp(x, 1.0) + np.hypot(0, x))

    x = np.array([-0.5, 0.25])
    program = compile(f)
    assert program(x) == pytest.approx(f(x), rel=1e-14)
    expected = 2 * np.sign(x) + 1 / (1 + np.exp(1 - x))
    assert_allclose(program.gradient_wrt_inputs(x)[0], expected, rtol=1e-14)


# --- A net as it is written for HIPS autograd ----------------------------------------------------


def init_random_params(scale, sizes, rng):
    return [
        (scale * rng.standard_normal((m, n)), scale * rng.standard_normal(n))
        for m, n in pairwise(sizes)
    ]


def neural_net_predict(params, inputs):
    for W, b in params:
        outputs = np.dot(inputs, W) + b
        inputs = np.tanh(outputs)
    return outputs - np.log(np.sum(np.exp(outputs), axis=1, keepdims=True))


def objective(params, inputs, targets):
    penalty = sum(np.sum(W**2) + np.sum(b**2) for W, b in params)
    return 0.01 * penalty - np.sum(neural_net_predict(params, inputs) * targets)


def problem(sizes, n):
    rng = np.random.default_rng(0)
    targets = np.eye(sizes[-1])[rng.integers(0, sizes[-1], n)]
    return init_random_params(0.5, sizes, rng), rng.standard_normal((n, sizes[0])), targets


def test_a_net_in_the_style_of_hips_autograd_runs_and_compiles():
    params, inputs, targets = problem([3, 5, 2], 4)
    values = [tuple([np.vectorize(Value, otypes=[object])(a) for a in pair]) for pair in params]
    loss = objective(values, inputs, targets)
    loss.backward()
    program = compile(objective)
    assert loss.data == pytest.approx(objective(params, inputs, targets), rel=1e-13)
    assert program(params, inputs, targets) == pytest.approx(loss.data, rel=1e-13)
    found, _, _ = program.gradient_wrt_inputs(params, inputs, targets)
    for pair, slopes in zip(values, found, strict=True):
        for array, slope in zip(pair, slopes, strict=True):
            expected = [v.grad for v in array.flat]
            assert_allclose(np.ravel(slope), expected, rtol=1e-12, atol=1e-12)


def test_an_op_called_with_an_array_of_values_is_done_on_each():
    xs = np.array([Value(0.5), Value(-1.5)], dtype=object).view(ValueArray)
    for op in (functions.erf, functions.gelu, functions.sigmoid, functions.exp):
        found = op(xs)
        assert [z.op for z in found] == [op, op]
        assert [z.parents for z in found] == [(x,) for x in xs]
    for other in (2.0, Value(2.0), xs):
        for operands in ((xs, other), (other, xs)):
            assert [z.op for z in functions.hypot(*operands)] == [functions.hypot] * 2
    twice = compile(lambda x: functions.erf(x).sum())
    assert twice(np.array([0.5, -1.5])) == functions.erf(0.5) + functions.erf(-1.5)
