"""What a compiled program promises to who calls it."""

import math
import re
import threading

import numpy as np
import pytest

from autograd_core import (
    Op,
    Program,
    RecordingError,
    Value,
    compile,
    dot,
    gradient,
    logsumexp,
    mean,
    total,
)
from autograd_core import compile as compile_program
from tests.compiled import assert_close, assert_like_eager, each_executor
from tests.rows import over


@pytest.fixture
def w():
    return Value(2.0, "w")


@pytest.fixture
def b():
    return Value(-1.0, "b")


class Counted:
    """A function that counts its calls."""

    def __init__(self, f):
        self.f, self.calls = f, 0

    def __call__(self, *args):
        self.calls += 1
        return self.f(*args)


# --- Recorded once ---------------------------------------------------------------------------

ONCE = 2  # calls of the function: it is recorded again to see that it does the same


def test_new_numbers_are_no_new_recording(w):
    f = Counted(lambda x: w * x)
    program = compile(f)
    assert [program(x) for x in (1.0, 2.0, -3.0)] == [2.0, 4.0, -6.0]
    program.value_and_gradient(4.0)
    program.gradient_wrt_inputs(5.0)
    assert f.calls == ONCE


def test_new_batch_sizes_are_no_new_recording(w):
    f = Counted(lambda x: w * x)
    program = compile(f, batched=True)
    for n in (3, 1, 2, 5, 4, 6, 3, 100):
        xs = [float(i) for i in range(n)]
        assert program(xs) == pytest.approx(2 * sum(xs) / n, rel=1e-15)
        assert_close(program.value_and_gradient(xs)[1], [sum(xs) / n])
    assert f.calls == ONCE


def test_changed_parameters_are_seen_without_a_new_recording(w):
    f = Counted(lambda x: w * w * x)
    program = compile(f)
    assert program(3.0) == 12.0
    w.data = 5.0
    assert program(3.0) == 75.0
    assert program.value_and_gradient(3.0)[1].tolist() == [30.0]
    assert f.calls == ONCE


def test_another_structure_is_recorded_again_and_both_are_kept(w):
    f = Counted(lambda xs: w * sum(xs))
    program = compile(f)
    assert [program(xs) for xs in ([1.0], [1.0, 2.0], [3.0], [3.0, 4.0])] == [2.0, 6.0, 6.0, 14.0]
    assert f.calls == 2 * ONCE


def test_structures_with_other_parameters_have_gradients_of_their_own(w, b):
    program = compile(lambda xs: w * xs[0] if len(xs) == 1 else w * b * xs[1])
    assert program.value_and_gradient([3.0])[1].tolist() == [3.0]
    assert program.parameters == [w]
    _, slopes = program.value_and_gradient([3.0, 4.0])
    assert dict(zip(program.parameters, slopes.tolist(), strict=True)) == {w: -4.0, b: 8.0}
    assert program.value_and_gradient([5.0])[1].tolist() == [5.0]


def test_preparing_records_without_running(w):
    f = Counted(lambda x: w * x.log())
    program = compile(f)
    program.prepare(0.0)
    assert program.parameters == [w]
    assert program(1.0) == 0.0
    assert f.calls == ONCE


# --- Arguments -------------------------------------------------------------------------------


def quadratic(xs):
    return dot(list(xs), list(xs)) * 3 + xs[1]


DTYPES = [np.float64, np.float32, np.float16, np.int64, np.int8, np.uint8, np.bool_, ">f8"]


@over("dtype", DTYPES)
def test_arrays_of_any_number_type_are_the_numbers(dtype):
    program = compile(quadratic)
    assert program(np.array([1, 0, 1], dtype=dtype)) == 6.0
    batched = compile(quadratic, batched=True)
    rows = np.array([[1, 0, 1], [0, 1, 0]], dtype=dtype)
    assert batched(rows) == 5.0
    assert batched.gradient_wrt_inputs(rows)[0].dtype == np.float64


def test_lists_tuples_and_arrays_give_the_same(w):
    def f(xs):
        return w * quadratic(xs)

    plain = [0.5, -1.5, 2.0]
    expected = compile(f).value_and_gradient(plain)
    for xs in (tuple(plain), np.array(plain), [np.float64(x) for x in plain], [0.5, -1.5, 2]):
        value, slopes = compile(f).value_and_gradient(xs)
        assert (value, slopes.tolist()) == (expected[0], expected[1].tolist())


def test_arrays_that_are_not_contiguous_are_read_in_order(w):
    whole = np.arange(24.0).reshape(4, 6)
    for xs in (whole.T, whole[::-1], whole[:, ::2], whole[1:, ::-3], np.asfortranarray(whole)):

        def f(xs):
            return w * total([(i + 1) * x for i, x in enumerate(np.ravel(xs))])

        expected = 2 * np.sum(np.arange(1, xs.size + 1) * xs.ravel())
        assert compile(f)(xs) == pytest.approx(expected, rel=1e-14)
        assert compile(f, batched=True)(xs) == pytest.approx(
            2 * np.mean(xs @ np.arange(1, xs.shape[1] + 1)), rel=1e-14
        )


def test_read_only_arrays_are_left_alone(w):
    xs = np.array([1.0, 2.0])
    xs.flags.writeable = False
    assert compile(lambda xs: w * xs[0] * xs[1])(xs) == 4.0


def test_nested_and_ragged_lists(w):
    def f(xs):
        return w * total([v * v for row in xs for v in row])

    ragged = [[1.0], [2.0, 3.0], []]
    program = assert_like_eager(f, ragged)
    assert_close(program.gradient_wrt_inputs(ragged)[0], [4.0, 8.0, 12.0])
    batch = compile(f, batched=True)
    assert batch([ragged, [[4.0], [0.0, 1.0], []]]) == 31.0
    (slopes,) = batch.gradient_wrt_inputs([ragged, [[4.0], [0.0, 1.0], []]])
    expected = [[[2.0], [8.0]], [[4.0, 6.0], [0.0, 2.0]], [[], []]]
    assert [rows.tolist() for rows in slopes] == expected  # each a row for each example


def test_lists_of_arrays(w):
    program = compile(lambda xs: w * total([v for x in xs for v in x]))
    assert program([np.ones(2), np.ones(3)]) == 10.0


def test_several_arguments_of_different_kinds(w):
    def f(x, row, table, nested):
        return w * x + dot(row, list(table[0])) * nested[1][0] + table[1, 1]

    args = (0.5, [1.0, 2.0], np.array([[3.0, 4.0], [5.0, 6.0]]), [1.0, [2.0]])
    program = assert_like_eager(f, *args)
    slopes = program.gradient_wrt_inputs(*args)
    assert len(slopes) == 4
    assert slopes[0] == 2.0
    assert slopes[1].tolist() == [6.0, 8.0]
    assert slopes[2].tolist() == [[2.0, 4.0], [0.0, 1.0]]
    rows = ([0.5, 1.5], [[1.0, 2.0]] * 2, np.stack([args[2], -args[2]]), [[1.0, [2.0]]] * 2)
    *regular, mixed = compile(f, batched=True).gradient_wrt_inputs(*rows)
    assert [slope.shape for slope in regular] == [(2,), (2, 2), (2, 2, 2)]
    assert [slope.shape for slope in mixed] == [(2,), (2, 1)]


def test_gradients_of_a_batch_are_those_of_the_mean(w):
    program = compile(lambda x: w * x * x, batched=True)
    assert program.gradient_wrt_inputs([1.0, 2.0, 3.0, 4.0])[0].tolist() == [1.0, 2.0, 3.0, 4.0]


def test_an_array_argument_can_be_used_as_an_array(w):
    data = np.array([[1.0, 2.0], [3.0, 4.0]])
    assert_like_eager(lambda X: (X @ X.T).sum() * w, data)
    assert_like_eager(lambda X: (X * X)[0].sum() * w, np.stack([data, -data]), batched=True)


def test_numpy_numbers_are_numbers(w):
    f = Counted(lambda x: w * x * x)
    program = compile(f)
    for x in (3.0, np.float64(3.0), np.float32(3.0), np.int64(3), 3, np.array(3.0)):
        assert program(x) == 18.0
        (slope,) = program.gradient_wrt_inputs(x)
        assert float(slope) == 12.0


def test_a_batch_may_mix_numbers_of_python_and_numpy(w):
    program = compile(lambda x: w * x, batched=True)
    assert program([1.0, np.float64(2.0), 3, np.int8(4)]) == 5.0


def test_a_value_as_an_argument_is_its_number(w):
    assert compile(lambda x: w * x)(Value(3.0)) == 6.0


@pytest.mark.parametrize("bad", ["a", None, {1.0}, [1.0, "a"], [1.0, [None]], 1j, range(3)])
def test_what_is_no_number_is_refused(bad, w):
    with pytest.raises(TypeError, match="takes numbers, lists and arrays"):
        compile(lambda x: w)(bad)


def test_arrays_of_text_are_refused(w):
    with pytest.raises((TypeError, ValueError)):
        compile(lambda x: w * x[0])(np.array(["a"]))


@pytest.mark.parametrize("bad", [3.0, np.float64(3.0), np.array(3.0), "abc", None, {1.0: 2.0}])
def test_a_batched_argument_has_a_row_for_each_example(bad, w):
    with pytest.raises((TypeError, ValueError), match="example"):
        compile(lambda x: w * x, batched=True)(bad)


@pytest.mark.parametrize("empty", [[], (), np.zeros(0), np.zeros((0, 3))])
def test_no_examples_are_refused(empty, w):
    with pytest.raises(ValueError, match="at least one example"):
        compile(lambda x: w + 0 * total([x] if isinstance(x, Value) else x), batched=True)(empty)


def test_unequal_numbers_of_examples_are_refused(w):
    program = compile(lambda x, y: w * x * y, batched=True)
    with pytest.raises(ValueError, match=r"different numbers of examples: \[2, 3\]"):
        program([1.0, 2.0], [1.0, 2.0, 3.0])
    assert program([1.0, 2.0], [1.0, 2.0]) == 5.0


@over(
    ("other", "said"),
    [
        ([1.0, 2.0], "a list of 2"),
        (np.array([1.0]), "an array of 1"),
        (1.0, "a number"),
        ({"a": 1.0}, "a dict of 1"),
        ([1.0, [2.0, 3.0]], "a list of 2"),
        ([[1.0, 2.0, 3.0]], "a list of 1 x 3"),
    ],
)
def test_examples_of_unequal_structure_are_refused_saying_which_they_have(other, said, w):
    refused = f"example 1 has another structure than example 0: {said}, not a list of 1[.]"
    with pytest.raises(ValueError, match=refused):
        compile(lambda x: w * x[0], batched=True)([[1.0], other])


def test_a_batched_program_needs_an_argument(w):
    with pytest.raises(ValueError, match="needs an argument"):
        compile(lambda: w, batched=True)()


# --- Results ---------------------------------------------------------------------------------


def test_a_number_is_a_float(w):
    for value in (
        compile(lambda x: w * x)(3.0),
        compile(lambda x: w * x, batched=True)([3.0, 3.0]),
        compile(lambda x: w * x).value_and_gradient(3.0)[0],
        compile(lambda x: w * x * x).gradient_wrt_inputs(1.5)[0],
    ):
        assert type(value) is float
        assert value == 6.0


def test_a_list_is_an_array(w):
    def f(x):
        return [x, w, x * w]

    assert compile(f)(4.0).tolist() == [4.0, 2.0, 8.0]
    assert compile(f, batched=True)([4.0, 5.0]).tolist() == [[4.0, 2.0, 8.0], [5.0, 2.0, 10.0]]


def test_a_nested_list_is_an_array_of_its_shape(w):
    def f(x):
        return [[x, w, 1.0], [x * w, 2.0, x]]

    assert compile(f)(3.0).tolist() == [[3.0, 2.0, 1.0], [6.0, 2.0, 3.0]]
    batch = compile(f, batched=True)([3.0, 4.0])
    assert batch.shape == (2, 2, 3)
    assert batch[1].tolist() == [[4.0, 2.0, 1.0], [8.0, 2.0, 4.0]]


def test_a_tuple_is_a_tuple_differentiated_along_its_first(w):
    def f(x):
        return (w * x) ** 2, [x, w], w

    (value, row, single), slopes = compile(f).value_and_gradient(3.0)
    assert (value, row.tolist(), single, slopes.tolist()) == (36.0, [3.0, 2.0], 2.0, [36.0])
    (value, rows, single), slopes = compile(f, batched=True).value_and_gradient([3.0, 1.0])
    assert (value, rows.tolist(), single) == (20.0, [[3.0, 2.0], [1.0, 2.0]], 2.0)
    assert slopes.tolist() == [20.0]


def test_results_are_not_changed_by_later_calls(w):
    program = compile(lambda x: (w * x, [w * x, x]))
    (_, row), slopes = program.value_and_gradient(3.0)
    (inputs,) = program.gradient_wrt_inputs(3.0)
    program.value_and_gradient(5.0)
    assert (row.tolist(), slopes.tolist(), inputs) == ([6.0, 3.0], [3.0], 2.0)


def test_input_gradients_are_not_changed_by_later_calls(w):
    program = compile(lambda xs: w * xs[0] * xs[1], batched=True)
    (before,) = program.gradient_wrt_inputs([[1.0, 2.0]])
    program.gradient_wrt_inputs([[3.0, 4.0]])
    assert before.tolist() == [[4.0, 2.0]]


def test_a_list_has_no_gradient(w):
    program = compile(lambda x: [w * x])
    for call in (program.value_and_gradient, program.gradient_wrt_inputs):
        with pytest.raises(TypeError, match="returns one Value"):
            call(1.0)
    assert program(1.0).tolist() == [2.0]


def test_an_empty_list_is_an_empty_array():
    assert compile(list)().shape == (0,)


def test_what_is_no_value_cannot_be_returned():
    for result in (None, "a", [{"loss": None}], np.array(["a"])):
        with pytest.raises(TypeError, match="number or a Value"):
            compile(lambda result=result: result)()


def test_an_input_a_parameter_and_a_constant_can_be_returned(w):
    assert_like_eager(lambda x: x, 3.0)
    assert_like_eager(lambda x: w, 3.0)
    assert compile(lambda x: 5.0).value_and_gradient(3.0)[0] == 5.0
    for constant in (lambda x: 5.0, lambda x: Value(5.0)):
        assert compile(constant).value_and_gradient(3.0)[1].size == 0
    assert compile(lambda x: x, batched=True).gradient_wrt_inputs([1.0, 2.0])[0].tolist() == [
        0.5,
        0.5,
    ]
    assert compile(lambda x: w, batched=True).value_and_gradient([1.0, 2.0])[1].tolist() == [1.0]
    assert compile(lambda x: 5.0, batched=True).gradient_wrt_inputs([1.0, 2.0])[0].tolist() == [
        0,
        0,
    ]


def test_a_function_without_arguments(w, b):
    program = compile(lambda: w * b + w)
    value, slopes = program.value_and_gradient()
    assert value == 0.0
    assert dict(zip(program.parameters, slopes.tolist(), strict=True)) == {w: 0.0, b: 2.0}
    assert program.gradient_wrt_inputs() == ()


def test_a_function_without_parameters():
    value, slopes = compile(lambda x: x * x).value_and_gradient(3.0)
    assert (value, slopes.shape, slopes.dtype) == (9.0, (0,), np.float64)


def test_an_input_without_influence_has_gradient_zero(w):
    assert compile(lambda x, y: w * x).gradient_wrt_inputs(1.0, [1.0, 2.0])[1].tolist() == [0, 0]


def test_constants_are_no_parameters(w):
    program = assert_like_eager(lambda x: Value(2.0) * x * w + 3 * Value(0.5, "half"), 4.0)
    assert program.parameters == [w]


def test_all_of_a_program_may_be_constant():
    assert compile(lambda: Value(2.0).exp() * 3 + total([]) + math.pi)() == pytest.approx(
        3 * math.e**2 + math.pi, rel=1e-15
    )


# --- Parameters ------------------------------------------------------------------------------


def test_parameters_that_do_not_matter_are_left_out(w, b):
    def f(x):
        _ = b * x
        return w * x

    program = compile(f)
    program(1.0)
    assert program.parameters == [w]


def test_the_gradient_is_in_the_order_of_the_parameters():
    ps = [Value(float(i + 1), f"p{i}") for i in range(5)]
    program = compile(lambda: total([p**2 for p in ps]) * ps[2])
    _, slopes = program.value_and_gradient()
    squares = sum(p.data**2 for p in ps)
    for p, slope in zip(program.parameters, slopes, strict=True):
        assert slope == pytest.approx(2 * p.data * 3.0 + squares * (p is ps[2]), rel=1e-15)
    assert set(program.parameters) == set(ps)


def test_the_parameters_are_known_only_after_a_recording(w):
    program = compile(lambda x: w * x)
    for ask in (lambda: program.parameters, lambda: str(program)):
        with pytest.raises(RuntimeError, match="call it first"):
            ask()


def test_numbers_for_the_parameters_can_be_given(w, b):
    program = compile(lambda x: w * x + b)
    program.prepare(1.0)
    order = {p: i for i, p in enumerate(program.parameters)}
    at = np.zeros(2)
    at[order[w]], at[order[b]] = 10.0, 20.0
    assert program.value_and_gradient(3.0, at=at)[0] == 50.0
    assert (w.data, b.data, at[order[w]]) == (2.0, -1.0, 10.0)
    assert program(3.0) == 5.0


@pytest.mark.parametrize("at", [[1.0], 1.0, [1.0, 2.0, 3.0], []])
def test_as_many_numbers_as_parameters_are_needed(at, w, b):
    program = compile(lambda x: w * x + b)
    with pytest.raises(ValueError, match="2"):
        program.value_and_gradient(3.0, at=np.array(at))


def test_gradients_are_added_up_as_backward_adds_them(w, b):
    program = compile(lambda x: w * w * x + b)
    program.value_and_gradient(3.0)
    assert (w.grad, b.grad) == (0.0, 0.0)
    w.grad = 1.0
    program.value_and_gradient(3.0, accumulate=True)
    program.value_and_gradient(1.0, accumulate=True)
    assert (w.grad, b.grad) == (17.0, 2.0)
    assert type(w.grad) is float
    (w * w * 3.0 + b).backward()
    assert (w.grad, b.grad) == (29.0, 3.0)


def test_values_are_left_as_they_are(w):
    before = (w.data, w.grad, w.label, w.op, w.parents, w.partials)
    compile(lambda x: (w * x).exp()).value_and_gradient(1.0)
    assert (w.data, w.grad, w.label, w.op, w.parents, w.partials) == before


def test_a_compiled_program_is_a_program(w):
    assert compile_program is compile
    assert isinstance(compile(lambda x: w * x), Program)


def test_the_same_program_gives_the_same_bits():
    ps = [Value(math.sin(i), f"p{i}") for i in range(40)]
    xs = np.cos(np.arange(20.0)).reshape(4, 5)

    def run():
        program = compile(
            lambda x: logsumexp([dot(ps[i : i + 5], x) for i in range(35)]), batched=True
        )
        value, slopes = program.value_and_gradient(xs)
        return value.hex(), slopes.tobytes()

    assert run() == run()


# --- Refusals --------------------------------------------------------------------------------


def keeps_going(w):
    """Nothing is left of a recording: Values compute, and programs are recorded."""
    assert (w * 3.0).data == 6.0
    assert bool(w > 1.0)
    assert compile(lambda x: w * x)(2.0) == 4.0


PEEKS = {
    "if": lambda w, x: w * x if x else w,
    "not": lambda w, x: [w, x] if not x else w,
    "and": lambda w, x: w and x,
    "greater": lambda w, x: x if x > 0 else -x,
    "less": lambda w, x: x if x < 0 else -x,
    "at least": lambda w, x: x if x >= 0.0 else -x,
    "at most": lambda w, x: x if x <= w else -x,
    "equal to a number": lambda w, x: x if x == 1 else -x,
    "not equal to a number": lambda w, x: x if x != 1 else -x,
    "a parameter equal to a number": lambda w, x: x if w == 2 else w,
    "equal to a number in a list": lambda w, x: x if x in [1.0, 2.0] else w,
    "formatted": lambda w, x: w * float(f"{x:.3f}"),
    "computed": lambda w, x: w if w * x > 0 else x,
    "if a parameter": lambda w, x: x if w else w,
    "a parameter greater": lambda w, x: w * x if w > 0 else x,
    "a parameter less": lambda w, x: w * x if w < x else x,
    "max": lambda w, x: max(x, w * x),
    "sorted": lambda w, x: sorted([x, w])[1],
    "float": lambda w, x: w * float(x),
    "float of a parameter": lambda w, x: x * float(w),
    "int": lambda w, x: w * int(x),
    "index": lambda w, x: [w, w][x],
    "range": lambda w, x: w * len(range(x)),
    "math": lambda w, x: w * math.exp(x),
    "data": lambda w, x: w * x.data,
    "data of a result": lambda w, x: w * (w * x).data,
    "numpy": lambda w, x: w * np.asarray(x, dtype=float).sum(),
    "backward": lambda w, x: (w * x).backward(),
    "backward of an input": lambda w, x: x.backward(),
}


@over("peek", PEEKS)
@over("batched", [False, True])
def test_a_look_at_the_numbers_is_refused_saying_what_to_do(peek, batched, w):
    program = compile(lambda x: peek(w, x), batched=batched)
    with pytest.raises(
        RecordingError, match=r"relu\(\), step\(\), maximum\(\) or minimum\(\)"
    ) as error:
        program([1.0] if batched else 1.0)
    assert re.search(r"the number in (Value|Traced)\(", message(error))
    assert "The program will serve other numbers too" in message(error)
    assert "fit(..., compile=False)" in message(error)
    keeps_going(w)


def test_the_refused_value_is_named(w):
    with pytest.raises(RecordingError, match="label='w'"):
        compile(lambda x: x if w > 0 else w)(1.0)
    with pytest.raises(RecordingError, match="speed"):
        compile(lambda speed: speed if speed > 0 else w)(1.0)


def test_values_are_compared_by_identity_as_ever(w, b):
    def f(x):
        assert x in [w, x]
        assert x == x  # noqa: PLR0124
        assert x != w
        assert len({x, w, b, x}) == 3
        return w * x

    assert compile(f)(2.0) == 4.0


def test_a_parameters_backward_is_refused(w):
    with pytest.raises(RecordingError):
        compile(lambda x: (w.backward(), w * x)[1])(1.0)
    assert w.grad == 0.0


def test_a_recording_inside_a_recording_is_refused(w):
    inner = compile(lambda y: w * y)
    for ask in (inner.prepare, inner.value_and_gradient, inner.gradient_wrt_inputs):
        with pytest.raises(RecordingError):
            compile(lambda x, ask=ask: ask(2.0) or x)(1.0)
        with pytest.raises(RecordingError):
            compile(lambda x, ask=ask: ask(x) or x)(1.0)
    assert inner(2.0) == 4.0
    keeps_going(w)


def test_a_value_computed_beforehand_is_refused(w):
    before = w * 3
    with pytest.raises(RecordingError, match=r"before the recording began.* Compute it inside"):
        compile(lambda x: before * x)(1.0)
    with pytest.raises(RecordingError, match="computed before the recording began"):
        compile(lambda x: before)(1.0)
    keeps_going(w)


def test_what_a_recording_leaves_behind_says_so(w):
    kept = []

    def f(x):
        kept.append(w * x)
        return kept[-1] + 1

    assert compile(f)(2.0) == 5.0
    with pytest.raises(RecordingError, match=r"stood for a number while .* call the function"):
        _ = kept[0].data
    with pytest.raises(RecordingError, match="stood for a number"):
        _ = kept[0].parents
    with pytest.raises(RecordingError, match="stood for a number"):
        _ = kept[0] * 2
    with pytest.raises(RecordingError):
        compile(lambda x: kept[0] * x)(1.0)
    keeps_going(w)


@pytest.mark.parametrize("given", [3, None, [abs], Value(1.0)])
def test_what_is_no_function_is_refused_at_once(given):
    with pytest.raises(TypeError, match=f"takes a function, got {type(given).__name__}: "):
        compile(given)


def test_an_error_of_the_function_itself_is_passed_on(w):
    with pytest.raises(ZeroDivisionError):
        compile(lambda x: x * (1 // 0))(1.0)
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        compile(lambda x, y: w * x)(1.0)
    keeps_going(w)


RAMP = Op(
    "ramp",
    lambda x: max(x, 0.0),
    lambda z, x: (1.0 if x > 0 else 0.0,),
    lambda np, x: np.maximum(x, 0.0),
)


def test_an_op_with_a_branch_in_its_slope_is_refused(w):
    program = compile(lambda x: RAMP(w * x), batched=True)
    with pytest.raises(RecordingError, match=r"step\(\)"):
        program.value_and_gradient([1.0, -1.0])
    keeps_going(w)
    assert program([1.0, -1.0]) == 1.0


@pytest.mark.parametrize("slopes", [(), (1.0,), (1.0, 1.0, 1.0), 1.0])
@pytest.mark.parametrize("batched", [False, True])
def test_an_op_without_a_tuple_of_a_slope_for_each_operand_is_refused(slopes, batched, w):
    odd = Op("odd", lambda x, y: x, lambda z, x, y: slopes, lambda np, x, y: x)
    program = compile(lambda x: odd(w, x), batched=batched)
    with pytest.raises(TypeError, match=r"odd: partials gave .*, not a tuple of 2"):
        program.value_and_gradient([1.0] if batched else 1.0)
    keeps_going(w)


def test_another_thread_computes_while_one_records(w):
    recording, computed = threading.Event(), threading.Event()
    found = []

    def elsewhere():
        recording.wait(10)
        v = Value(3.0) * w
        v.backward()
        found.extend([v.data, w.grad, v > 0])
        found.append(compile(lambda x: x * x)(4.0))
        computed.set()

    def f(x):
        recording.set()
        assert computed.wait(10)
        return w * x

    thread = threading.Thread(target=elsewhere)
    thread.start()
    program = compile(f)
    assert program(5.0) == 10.0
    thread.join()
    assert found == [6.0, 3.0, True, 16.0]
    assert program.parameters == [w]


def calling(elsewhere):
    """x + 0, and meanwhile, once, something else is done."""
    left = [elsewhere]

    def on_arrays(np, x):
        if left:
            left.pop()()
        return x + 0.0

    return Op("calling", lambda x: x + 0.0, lambda z, x: [1.0], on_arrays)


def test_threads_that_call_one_program_wait_for_each_other(w):
    found, threads = [], []

    def elsewhere():
        threads.append(threading.Thread(target=lambda: found.append(program([5.0, 6.0]))))
        threads[0].start()
        threads[0].join(0.05)

    op = calling(elsewhere)
    program = compile(lambda x: (op(x * x) + x.sin()) * w, batched=True, executor="numpy")
    assert program([1.0, 2.0]) == pytest.approx(5.0 + math.sin(1.0) + math.sin(2.0))
    threads[0].join()
    assert found == [pytest.approx(2.0 * np.mean([x * x + math.sin(x) for x in (5, 6)]))]


def test_a_program_that_an_op_of_its_own_calls_is_refused_and_goes_on(w):
    op = calling(lambda: program([3.0]))
    program = compile(lambda x: op(x) * w, batched=True, executor="numpy")
    with pytest.raises(RuntimeError, match="called by one of its own ops while it ran"):
        program([1.0])
    assert program([1.0]) == 2.0


# --- Domain errors ---------------------------------------------------------------------------

WRONG = {
    "log of zero": (lambda w, x: (x * w).log(), 0.0),
    "log of a negative": (lambda w, x: (x * w).log(), -1.0),
    "division by zero": (lambda w, x: w / x, 0.0),
    "zero by zero": (lambda w, x: w * x / x, 0.0),
    "a constant by zero": (lambda w, x: (w * x - 2.0) + Value(-2.0) / x, 0.0),
    "overflow of exp": (lambda w, x: (w * x).exp(), 400.0),
    "overflow of a power": (lambda w, x: (w * x) ** 2, 1e200),
    "overflow of a cube": (lambda w, x: (w * x) ** 3, 1e200),
    "overflow of a computed power": (lambda w, x: x**w, 1e200),
    "root of a negative": (lambda w, x: (w * x).sqrt(), -8.0),
    "slope of the root of zero": (lambda w, x: (w * x).sqrt(), 0.0),
    "fractional power of a negative": (lambda w, x: (w * x) ** (1 / 3), -8.0),
    "computed power of a negative": (lambda w, x: x ** (w / 3), -8.0),
    "negative power of zero": (lambda w, x: (w * x) ** -1, 0.0),
    "sine of infinity": (lambda w, x: (w * x).sin(), math.inf),
}


def message(error):
    return str(error.value)


@each_executor
@over(("f", "x"), WRONG)
def test_a_domain_error_is_eagers(f, x, executor, w):
    with pytest.raises((ArithmeticError, ValueError)) as expected:
        f(w, Value(x, "x")).backward()
    program = compile(lambda x: f(w, x), executor=executor)
    with pytest.raises((ArithmeticError, ValueError)) as found:
        program.value_and_gradient(x)
    assert type(found.value) is type(expected.value)
    assert message(found) == message(expected)
    assert_close(program(1.0), f(w, Value(1.0)).data)


@over(("f", "x"), WRONG)
def test_a_domain_error_in_a_batch_names_the_example(f, x, w):
    program = compile(lambda x: f(w, x), batched=True)
    with pytest.raises((ArithmeticError, ValueError)) as expected:
        f(w, Value(x, "x")).backward()
    with pytest.raises(type(expected.value)) as found:
        program.value_and_gradient([1.0, 0.5, x, 0.25])
    assert message(expected).split(":")[0] in message(found)
    assert "example 2" in message(found)
    alone = [f(w, Value(number)).data for number in (1.0, 0.5)]
    assert_close(program([1.0, 0.5]), sum(alone) / 2)


def test_the_first_wrong_example_is_named(w):
    program = compile(lambda x: (w * x).log(), batched=True)
    with pytest.raises(ValueError, match="example 1"):
        program([1.0, 0.0, 1.0, 0.0])


def test_numbers_that_are_not_finite_elsewhere_are_not_blamed(w):
    program = compile(lambda x, y: (w * x).log() + y * y, batched=True)
    with pytest.raises(ValueError, match=r"log.*example 2"):
        program([math.nan, math.inf, 0.0], [1e200, 1.0, 1.0])


@each_executor
def test_one_of_many_alike_ops_is_named(executor):
    ps = [Value(float(i), f"p[{i}]") for i in range(5)]
    with pytest.raises(ValueError, match=r"log of \(p\[0\] = 0.0\)"):
        compile(lambda: total([p.log() for p in ps]), executor=executor)()
    program = compile(
        lambda x: total([p / v for p, v in zip(ps, x, strict=True)]), executor=executor
    )
    with pytest.raises(ZeroDivisionError, match=r"x\[3\] = 0.0"):
        program([1.0, 2.0, 3.0, 0.0, 4.0])


def test_one_of_many_alike_ops_is_named_with_its_example():
    ps = [Value(float(i), f"p[{i}]") for i in range(4)]
    program = compile(lambda xs: total([p / x for x in xs for p in ps[1:]]), batched=True)
    rows = np.ones((5, 3))
    rows[2, 1] = 0.0
    with pytest.raises(ZeroDivisionError, match=r"p\[1\] = 1.0, xs\[1\] = 0.0.*example 2"):
        program(rows)


NORM = Op(
    "norm",
    lambda *xs: math.sqrt(sum(x * x for x in xs)),
    lambda z, *xs: tuple([x / z for x in xs]),
    lambda np, *xs: np.sqrt(sum(x * x for x in xs)),
)


def test_a_number_in_an_array_is_named_by_its_place(w):
    grid, column = np.ones((2, 2, 3)), np.array([1.0, 0.0])
    program = compile(lambda A, x: w / A[1, 2] + w / x, batched=True)
    with pytest.raises(ZeroDivisionError, match=r"\(w = 2.0, x = 0.0\).*example 1"):
        program(grid, column)
    grid[0, 1, 2] = 0.0
    with pytest.raises(ZeroDivisionError, match=r"\(w = 2.0, A\[1,2\] = 0.0\).*example 0"):
        program(grid, column + 1.0)


def test_an_op_of_many_operands_is_named_with_all_of_them(w):
    program = compile(lambda xs: NORM(*xs) + NORM(*[w * x for x in xs]), batched=True)
    rows = [[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]]
    assert program(rows) == pytest.approx(3 * math.sqrt(14) / 2, rel=1e-15)
    with pytest.raises(ValueError, match="example 1") as error:
        program.value_and_gradient(rows)
    at = "(xs[0] = 0.0, xs[1] = 0.0, xs[2] = 0.0)"
    assert f"norm has no slope along operand 1 at {at}" in message(error)


def test_an_error_that_is_the_same_for_all_examples_names_none(w):
    w.data = 0.0
    with pytest.raises(ValueError, match=r"log of \(w = 0.0\)") as error:
        compile(lambda x: w.log() * x, batched=True)([1.0, 2.0])
    assert "example" not in message(error)


def test_an_error_on_constants_is_raised_while_recording(w):
    with pytest.raises(ValueError, match="log of") as expected:
        Value(0.0).log()
    with pytest.raises(ValueError, match="log of") as found:
        compile(lambda x: w * x + Value(0.0).log())(1.0)
    assert message(found) == message(expected)
    keeps_going(w)


def test_a_product_that_overflows_is_infinite_as_in_eager(w):
    assert compile(lambda x: w * x * 1e300)(1e300) == math.inf
    assert compile(lambda x: x * x)(1e200) == math.inf
    assert compile(lambda x: dot([x, x], [x, w]))(1e200) == math.inf
    assert compile(lambda x: total([x, x, x]))(1e308) == math.inf
    assert compile(lambda x: w / x)(1e-320) == math.inf == (w / 1e-320).data
    value, slopes = compile(lambda x: w * w * x, batched=True).value_and_gradient([1e308, 1.0])
    assert (value, slopes.tolist()) == (math.inf, [math.inf])


def assert_same(found, expected):
    assert found == expected or (math.isnan(found) and math.isnan(expected))


NAN_OPS = {
    "relu": lambda w, x: (w * x).relu(),
    "log": lambda w, x: (w * x).log(),
    "exp": lambda w, x: (w * x).exp(),
    "tanh": lambda w, x: (w * x).tanh(),
    "sigmoid": lambda w, x: (w * x).sigmoid(),
    "softplus": lambda w, x: (w * x).softplus(),
    "sqrt": lambda w, x: (w * x).sqrt(),
    "square": lambda w, x: (w * x) ** 2,
    "divide": lambda w, x: w / x,
    "total": lambda w, x: total([w, x, w * x]),
    "abs": lambda w, x: abs(w * x),
    "leaky_relu": lambda w, x: (w * x).leaky_relu(),
}


@each_executor
@over("f", NAN_OPS)
def test_nan_goes_through_as_in_eager(f, executor, w):
    v = f(w, Value(math.nan))
    v.backward()
    program = compile(lambda x: f(w, x), executor=executor)
    value, slopes = program.value_and_gradient(math.nan)
    assert_same(value, v.data)
    assert_same(slopes[0], w.grad)


def test_nan_in_one_example_stays_there(w):
    values = compile(lambda x: [(w * x).tanh()], batched=True)([1.0, math.nan, 0.0])
    assert np.isnan(values.ravel()).tolist() == [False, True, False]


@each_executor
def test_infinite_data_goes_through_as_in_eager(executor, w):
    for f in (
        lambda x: (w * x).tanh(),
        lambda x: (w * x).relu(),
        lambda x: x - x * w,
        lambda x: (w * x).exp(),
        lambda x: (-(w * x)).exp(),
        lambda x: w / x,
    ):
        for x in (math.inf, -math.inf):
            assert_same(compile(f, executor=executor)(x), f(Value(x)).data)


def test_numpys_own_settings_are_left_alone(w):
    program = compile(lambda x: (w * x).log())
    with np.errstate(all="raise"):
        before = np.geterr()
        program(1.0)
        with pytest.raises(ValueError, match="cannot compute log"):
            program(0.0)
        assert np.geterr() == before
        assert compile(lambda x: x * x)(1e-300) == 0.0


# --- Gradients inside, again -----------------------------------------------------------------


def test_a_program_may_take_a_gradient(w):
    def f(x):
        (slope,) = gradient((w * x) ** 3, w)
        return slope * slope

    assert_like_eager(f, 2.0)


def test_a_mean_of_a_mean(w):
    assert_like_eager(lambda xs: mean([w * x for x in xs]), [[1.0, 2.0], [3.0, 4.0]], batched=True)


def test_a_term_beside_a_sum_of_squares_has_a_gradient_of_its_own():
    ws, b = [Value(float(i + 1)) for i in range(40)], Value(0.5)
    program = compile(lambda: dot(ws, ws, b))
    _, gradient = program.value_and_gradient()
    slopes = dict(zip(program.parameters, gradient.tolist(), strict=True))
    assert slopes[b] == 1.0
    assert [slopes[w] for w in ws] == [2.0 * w.data for w in ws]


# --- Which parameters, and in which order ----------------------------------------------------


@each_executor
@pytest.mark.parametrize("batched", [False, True])
def test_the_gradient_is_along_the_values_that_are_asked_for(batched, executor, w, b):
    scale, unused = Value(3.0, "scale"), Value(7.0, "unused")
    program = compile(
        lambda x: scale * (w * x + b) ** 2, batched=batched, wrt=[b, unused, w], executor=executor
    )
    value, slopes = program.value_and_gradient([1.0, 2.0] if batched else 2.0)
    assert program.parameters == [b, unused, w]
    assert value == (15.0 if batched else 27.0)
    assert slopes.tolist() == ([12.0, 0.0, 21.0] if batched else [18.0, 0.0, 36.0])
    scale.data = 0.5  # which is read at each call, too
    assert program([1.0, 2.0] if batched else 2.0) == (2.5 if batched else 4.5)
    at = np.array([1.0, 0.0, 0.0])
    assert program.value_and_gradient([1.0] if batched else 1.0, at=at)[0] == 0.5


def test_the_order_that_is_asked_for_is_that_of_every_structure(w, b):
    program = compile(lambda xs: dot(xs, [w, b][: len(xs)]), wrt=[b, w])
    assert program.value_and_gradient([2.0])[1].tolist() == [0.0, 2.0]
    assert program.value_and_gradient([2.0, 3.0])[1].tolist() == [3.0, 2.0]


def test_gradients_along_values_of_any_order_are_those_of_eager():
    ps = [Value(math.sin(i), f"p{i}") for i in range(12)]
    rows = [ps[i : i + 4] for i in (0, 4, 8)]

    def f(xs):
        return logsumexp([dot(row, xs).tanh() for row in rows]) + dot(ps, ps)

    xs = [0.5, -1.0, 2.0, 0.25]
    expected = assert_like_eager(f, xs)
    known = dict(zip(expected.parameters, expected.value_and_gradient(xs)[1], strict=True))
    order = ps[::-1]
    assert_close(compile(f, wrt=order).value_and_gradient(xs)[1], [known[p] for p in order])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda w: [w, 1.0], "Values, got float"),
        (lambda w: [w * 2], "that nothing computed"),
        (lambda w: [w, w], "twice"),
    ],
)
def test_what_no_gradient_can_be_along_is_refused(wrong, message, w):
    with pytest.raises((TypeError, ValueError), match=message):
        compile(lambda x: w * x, wrt=wrong(w))(1.0)
