"""Programs for others: static arguments, a program inside another, the gradient of each example."""

import pickle
from random import Random

import numpy as np
import pytest
from hypothesis import given

from autograd_core import RecordingError, Value, compile, dot, mean, total, where
from nn import MLP, losses
from tests.compiled import Draw, assert_close, each_executor, eager
from tests.strategies import expressions

# --- Static arguments ------------------------------------------------------------------------


def power_sum(x, n, *, sign="+", scale=1.0):
    """Python counts to n, and chooses by a text."""
    found = total([x**k for k in range(1, n + 1)])
    return (found if sign == "+" else -found) * scale


CALLS = [
    ((2.0, 3), {}, 14.0),
    ((2.0, 2), {"sign": "-"}, -6.0),
    ((2.0,), {"n": 3, "sign": "-"}, -14.0),
    ((), {"x": 2.0, "n": 1}, 2.0),
    ((2.0, 3), {"scale": 0.5, "sign": "+"}, 7.0),
]


@each_executor
def test_a_static_argument_is_part_of_the_program(executor):
    program = compile(power_sum, static=("n", "sign"), executor=executor)
    for args, keywords, expected in CALLS * 2:
        assert program(*args, **keywords) == expected
        assert program.value_and_gradient(*args, **keywords)[0] == expected
    assert len(program.variants.known) == len(CALLS)
    slopes = program.gradient_wrt_inputs(2.0, 3)
    assert slopes == (1 + 4 + 12,)


def test_there_is_one_program_for_each_value_of_a_static_argument():
    recorded = []

    def f(x, how):
        recorded.append(how)
        return x * 2 if how else x * 3

    program = compile(f, static="how")
    tuples = [("a", 1), ("a", 1.0), ("a", True), ("a", (0.0,)), ("a", (-0.0,))]
    for how in (1, 1.0, True, 0.0, -0.0, "a", None, abs, float("nan"), *tuples):
        assert program(1.0, how) == program(1.0, how) == (2.0 if how else 3.0)
    assert len(program.variants.known) == len(recorded) / 2 == 14


def test_static_arguments_come_between_others_and_in_batches():
    program = compile(lambda x, n, y: (x - y) ** n, static="n", batched=True)
    assert program([3.0, 1.0], 2, [1.0, 1.0]) == 2.0
    along = program.gradient_wrt_inputs([3.0, 1.0], 2, [1.0, 1.0])
    assert [slopes.tolist() for slopes in along] == [[2.0, 0.0], [-2.0, 0.0]]


def test_what_cannot_be_static_is_refused_by_name():
    with pytest.raises(TypeError, match="static argument n is a list, which cannot be hashed"):
        compile(power_sum, static="n")(2.0, [1])
    with pytest.raises(ValueError, match=r"no argument 'm' to be static: the function has x, n"):
        compile(power_sum, static=("n", "m"))


def test_a_copy_of_a_program_has_the_same_static_arguments():
    copy = pickle.loads(pickle.dumps(compile(power_sum, static=("n",))))  # noqa: S301
    assert copy(2.0, 3) == 14.0


# --- A program inside another ----------------------------------------------------------------


def test_a_program_called_by_a_function_that_is_recorded_is_part_of_it():
    w, u = Value(2.0, "w"), Value(3.0, "u")
    inner = compile(lambda x: (w * x).tanh())
    outer = compile(lambda x: u * inner(x) + inner(0.5))
    plain = compile(lambda x: u * (w * x).tanh() + (w * 0.5).tanh())
    for x in (0.25, -1.0):
        value, slopes = outer.value_and_gradient(x)
        expected, theirs = plain.value_and_gradient(x)
        assert value == expected
        assert dict(zip(outer.parameters, slopes)) == dict(zip(plain.parameters, theirs))
    assert inner(0.25) == np.tanh(0.5)


STRUCTURES = {
    "number": lambda x: x * 2,
    "list": lambda x: [x, x * 2],
    "nested list": lambda x: [[x, x * 2], [x, 1.0]],
    "ragged": lambda x: [[x], [x, x * 2]],
    "tuple": lambda x: (x, [x, x * 3]),
    "dict": lambda x: {"a": x, "b": [[x], [x * x]]},
}


@pytest.mark.parametrize("f", STRUCTURES.values(), ids=STRUCTURES)
def test_inside_another_it_returns_what_it_returns_outside_of_values(f):
    inner = compile(f)

    def shapes(x):
        if isinstance(x, dict):
            return {key: shapes(item) for key, item in x.items()}
        if isinstance(x, (list, tuple)):
            return type(x)(map(shapes, x))
        return np.shape(x)

    seen = []
    compile(lambda x: seen.append(shapes(inner(x))) or x)(2.0)
    assert seen[0] == shapes(inner(2.0))


def test_arrays_that_a_program_returns_compute_inside_another():
    inner = compile(lambda x: [x, x * 2])
    outer = compile(lambda x: (inner(x) * 3).sum())
    assert outer(2.0) == (inner(2.0) * 3).sum() == 18.0


def test_a_batched_program_inside_another_is_refused_with_what_to_do():
    inner = compile(lambda x: x * 2, batched=True)
    with pytest.raises(RecordingError, match=r"call its function, program\.f"):
        compile(lambda x: inner([x]))(1.0)
    with pytest.raises(RecordingError, match="its parameters' numbers"):
        compile(lambda x: compile(lambda x: x)(x, at=[]))(1.0)
    outer = compile(lambda x: inner.f(x) * 3, batched=True)
    assert outer([1.0, 2.0]) == 9.0


# --- The gradient of each example ------------------------------------------------------------


def models():
    model = MLP(2, [4, 1], activation="tanh", seed=1)
    yield lambda x, y: losses.hinge(model(x), y), [[[0.5, -1.0], [1.0, 2.0], [3.0, 0.1]], [1, 0, 1]]
    w = Draw(0).vector(3, "w")
    yield lambda x: dot(w, x).sin() * w[0], [Draw(1).data(4, 3)]
    yield lambda x: w[0] * w[1] + 0.0 * x, [[1.0, 2.0]]
    yield lambda x: x * 2, [[1.0, 2.0]]


@pytest.mark.parametrize("case", range(4))
@pytest.mark.parametrize("count", [1, None])
def test_the_gradient_of_each_example_is_eagers(case, count):
    f, args = list(models())[case]
    args = [x[:count] for x in args]
    program = compile(f, batched=True)
    rows = program.gradient_of_each(*args)
    for example, row in zip(zip(*args), rows, strict=True):
        for p in program.parameters:
            p.grad = 0.0
        eager(f, example)[0].backward()
        assert_close(row, [p.grad for p in program.parameters])
    assert_close(rows.mean(axis=0), program.value_and_gradient(*args)[1])


@given(expressions())
def test_the_mean_of_the_gradients_of_all_examples_is_the_gradient(expression):
    leaves = expression.leaves()
    assert leaves
    program = compile(lambda x: x * (expression(*leaves) / 8).tanh(), batched=True)
    try:
        _, slopes = program.value_and_gradient([1.0, -2.0, 0.5])
    except (ArithmeticError, ValueError):
        return
    rows = program.gradient_of_each([1.0, -2.0, 0.5])
    np.testing.assert_allclose(rows.mean(axis=0), slopes, rtol=1e-9, atol=1e-9)


def test_each_example_at_other_parameters_and_along_some_of_them():
    w, u, out = Value(3.0, "w"), Value(2.0, "u"), Value(1.0, "out")
    program = compile(lambda x: w * u * x, batched=True, wrt=[u, out])
    assert program.gradient_of_each([1.0, 2.0]).tolist() == [[3.0, 0.0], [6.0, 0.0]]
    program = compile(lambda x: w * w * x, batched=True)
    assert program.gradient_of_each([1.0, 2.0], at=[5.0]).tolist() == [[10.0], [20.0]]
    w.data = 1.0
    assert program.gradient_of_each([1.0, 2.0]).tolist() == [[2.0], [4.0]]


def test_what_has_no_gradient_for_each_is_refused():
    w = Value(3.0, "w")
    with pytest.raises(ValueError, match="only a batched program"):
        compile(lambda x: w * x).gradient_of_each(1.0)
    with pytest.raises(TypeError, match="returns one Value"):
        compile(lambda x: [w * x], batched=True).gradient_of_each([1.0])
    program = compile(lambda x: w / x, batched=True)
    with pytest.raises(ZeroDivisionError, match=r"w = 3\.0.*example 1"):
        program.gradient_of_each([1.0, 0.0])
    with pytest.raises(ValueError, match="different numbers of examples"):
        compile(lambda x, y: w * x * y, batched=True).gradient_of_each([1.0, 2.0], [1.0])


# --- Sequences of several lengths --------------------------------------------------------------


def a_recurrent_net():
    draw = Draw(3)
    w, u = draw.matrix(3, 2, "W"), draw.matrix(3, 3, "U")

    def step(state, x):
        return [(dot(a, x) + dot(b, state)).tanh() for a, b in zip(w, u)]

    return step


def test_one_recording_serves_sequences_of_several_lengths_by_a_mask():
    step, rng = a_recurrent_net(), Random(0)

    def padded(xs, is_there):
        state = [0.0, 0.0, 0.0]
        for x, there in zip(xs, is_there):
            state = [where(there, new, old) for new, old in zip(step(state, x), state)]
        return total(state)

    def alone(xs):
        state = [0.0, 0.0, 0.0]
        for x in xs:
            state = step(state, x)
        return total(state)

    sequences = [[[rng.gauss(0, 1), rng.gauss(0, 1)] for _ in range(n)] for n in (1, 4, 2, 3)]
    full = [[*xs, *[[0.0, 0.0]] * (4 - len(xs))] for xs in sequences]
    masks = [[1.0] * len(xs) + [0.0] * (4 - len(xs)) for xs in sequences]
    program = compile(padded, batched=True)
    value, slopes = program.value_and_gradient(full, masks)
    loss = mean([alone(xs) for xs in sequences])
    loss.backward()
    assert_close(value, loss.data)
    assert_close(slopes, [p.grad for p in program.parameters])
    assert len(program.variants.known) == 1


def test_sequences_of_several_lengths_without_a_mask_are_told_what_to_do():
    program = compile(lambda xs: total(xs), batched=True)
    with pytest.raises(ValueError, match=r"x.*example 1 has another structure.*a mask.*where"):
        program([[1.0, 2.0], [1.0]])
