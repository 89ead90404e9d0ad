"""What goes into a compiled program and what comes out, in every structure."""

import math
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import chain, product
from time import perf_counter
from typing import NamedTuple

import numpy as np
import pytest

from autograd_core import Value, compile, dot, total
from autograd_core.compiler import lists
from nn import MLP, datasets, losses
from tests.rows import over


@pytest.fixture
def w():
    return Value(2.0, "w")


@dataclass
class Layer:
    """What users keep their numbers in."""

    weights: object
    bias: object


class Pair(NamedTuple):
    left: object
    right: object


def named(x):
    """The items of a dict, a dataclass or a named tuple, by name; None for others."""
    if isinstance(x, Layer):
        return vars(x)
    return x._asdict() if isinstance(x, Pair) else x if isinstance(x, dict) else None


def flat(x):
    """The numbers, or Values, in any structure."""
    x = list(named(x).values()) if named(x) is not None else x
    if isinstance(x, np.ndarray):
        x = x.tolist()
    return [leaf for item in x for leaf in flat(item)] if isinstance(x, (list, tuple)) else [x]


# --- What is no number is refused, wherever it is --------------------------------------------

BAD = {
    "None": None,
    "text": "1.5",
    "complex": 1.5 + 0j,
    "NumPy's complex": np.complex128(1.5),
    "NumPy's text": np.str_("1.5"),
    "date": np.datetime64("2026-01-01"),
    "masked": np.ma.masked,
    "object": object(),
    "set": {1.5},
}
PLACES = {  # an argument in which the bad one stands among numbers, and where that is
    "alone": (lambda bad: bad, "x"),
    "in a list": (lambda bad: [1.0, bad], "x[1]"),
    "in a nested list": (lambda bad: [[1.0, 2.0], [3.0, bad]], "x[1][1]"),
    "in a ragged list": (lambda bad: [[1.0], [2.0, bad]], "x[1][1]"),
    "in an array": (lambda bad: array_of([[1.0, 2.0], [3.0, bad]]), "x[1, 1]"),
    "in a list of arrays": (lambda bad: [np.ones(2), array_of([1.0, bad])], "x[1][1]"),
    "in a dict": (lambda bad: {"b": [2.0, bad]}, "x['b'][1]"),
    "in a dataclass": (lambda bad: Layer([2.0, bad], [1.0]), "x.weights[1]"),
    "in a named tuple": (lambda bad: Pair([1.0], {"a": [bad]}), "x.right['a'][0]"),
}
WITHIN = {name: row for name, row in PLACES.items() if name != "alone"}


def array_of(rows):
    array = np.empty(np.shape(np.array(rows, dtype=object))[:2], dtype=object)
    for place in np.ndindex(*array.shape):
        item = rows
        for i in place:
            item = item[i]
        array[place] = item
    return array


@over("bad", BAD)
@over(("put", "place"), PLACES)
def test_what_is_no_number_is_refused_naming_its_place(bad, put, place, w):
    program = compile(lambda x: w)
    with pytest.raises(TypeError) as error:
        program(put(bad))
    assert f"{place} is " in str(error.value)


@over("bad", BAD)
@over(("put", "place"), WITHIN)
def test_in_a_batch_too(bad, put, place, w):
    program = compile(lambda x: w, batched=True)
    with pytest.raises((TypeError, ValueError)) as error:
        program(put(bad))
    assert "another structure" in str(error.value) or f"{place} is " in str(error.value)


ARRAYS = {
    "complex": np.array([1.0 + 0j, 2.0]),
    "text": np.array(["1.0", "2.0"]),
    "bytes": np.array([b"1.0", b"2.0"]),
    "dates": np.array(["2026-01-01"], dtype="datetime64[D]"),
    "None": np.array([1.0, None]),
}


@over("array", ARRAYS)
@over("batched", [False, True])
def test_arrays_of_other_things_are_refused(array, batched, w):
    with pytest.raises(TypeError, match=r"a program takes numbers.*X\[[01]\] is"):
        compile(lambda X: w, batched=batched)(array)


@pytest.mark.parametrize("batched", [False, True])
def test_masked_numbers_are_refused_and_arrays_that_mask_none_are_not(batched, w):
    program = compile(lambda x: w * (x if batched else x[0]), batched=batched)
    assert program(np.ma.array([3.0, 3.0])) == 6.0
    for masked in (
        np.ma.array([3.0, 4.0], mask=[False, True]),
        [np.ma.array([3.0, 4.0], mask=[False, True])],
        {"a": np.ma.array([3.0, 4.0], mask=[False, True])},
    ):
        with pytest.raises(TypeError, match=r"x.* has masked numbers"):
            program(masked)


def test_numbers_of_all_kinds_are_numbers(w):
    program = compile(lambda xs: w * total(xs))
    for one in (1.0, 1, True, Fraction(1), np.float32(1), np.int8(1), np.bool_(1), np.array(1)):
        assert program([one, 2.0]) == 6.0
        assert program([one, one]) == 4.0
        assert program([Value(1.0), one]) == 4.0
    assert program([2**70, 1.0]) == 2.0**71
    assert compile(lambda x: w * x)(np.bool_(1)) == 2.0


def test_the_same_structure_is_one_recording_however_it_is_written(w):
    calls = []

    def f(x):
        calls.append(1)
        return w * total([a for row in x for a in row])

    program = compile(f)
    for x in ([[1.0, 2.0], [3.0, 4.0]], ((1, 2), [3, 4]), [[Value(1.0), 2], (3, np.int8(4))]):
        assert program(x) == 20.0
    assert len(calls) == 2


# --- Dicts and keywords ----------------------------------------------------------------------


def test_dicts_and_keywords_are_arguments(w):
    def f(x, *, sizes, table):
        return w * x["a"] + dot(x["b"], sizes) * table[1, 0]

    x, table = {"a": 1.0, "b": [2.0, 3.0]}, np.array([[1.0, 2.0], [0.5, 4.0]])
    program = compile(f)
    assert program(x, sizes=[1.0, -1.0], table=table) == 1.5
    slopes = program.gradient_wrt_inputs(x, sizes=[1.0, -1.0], table=table)
    assert [flat(slope) for slope in slopes] == [[2.0, 0.5, -0.5], [1.0, 1.5], [0.0, 0.0, -1.0, 0]]
    assert list(slopes[0]) == ["a", "b"]
    value, along = program.value_and_gradient(x, sizes=[1.0, -1.0], table=table, at=[3.0])
    assert (value, along.tolist()) == (2.5, [1.0])


def test_dicts_and_keywords_have_rows_for_examples(w):
    program = compile(lambda x, scale: w * x["a"] * x["b"][1] * scale, batched=True)
    columns = {"a": [1.0, 2.0], "b": np.array([[0.0, 3.0], [0.0, 4.0]])}
    assert program(columns, scale=[1.0, 0.5]) == 7.0
    (along, scale) = program.gradient_wrt_inputs(columns, scale=[1.0, 0.5])
    assert along["a"].tolist() == [3.0, 2.0]
    assert along["b"].tolist() == [[0.0, 1.0], [0.0, 1.0]]
    assert scale.tolist() == [3.0, 8.0]
    examples = [{"a": 1.0, "b": [0.0, 3.0]}, {"a": 2.0, "b": [0.0, 4.0]}]
    assert program(examples, scale=[1.0, 0.5]) == 7.0
    with pytest.raises(ValueError, match=r"different numbers of examples: \[2, 2, 3\]"):
        program(columns, scale=[1.0, 0.5, 0.25])


def test_a_dataclass_that_cannot_be_made_of_its_fields_is_refused(w):
    @dataclass
    class Counted:
        x: float
        count: int = field(default=0, init=False)

    with pytest.raises(TypeError, match=r"Counted\.count cannot be given when it is made"):
        compile(lambda x: w * x.x)(Counted(1.0))


# --- Gradients in the shape of the argument --------------------------------------------------


def ragged(rows):
    """An array of objects, which are lists of any lengths."""
    array = np.empty(len(rows), dtype=object)
    array[:] = rows
    return array


SHAPES = {
    "number": 1.5,
    "list": [1.5, -0.5],
    "nested": [[1.5, -0.5], [0.25, 2.0], [1.0, 3.0]],
    "deeply nested": [[[1.5], [-0.5]], [[0.25], [2.0]]],
    "ragged": [[1.5], [-0.5, 0.25], []],
    "mixed": [1.5, [0.5, [0.25, -1.0]]],
    "array": np.array([[1.5, -0.5], [0.25, 2.0]]),
    "arrays in a list": [np.array([1.5, -0.5]), np.array([[0.25], [2.0]])],
    "dict": {"a": 1.5, "b": [[0.5, -1.0], [2.0, 1.0]]},
    "dict in a list": [{"a": 1.5}, {"a": -0.5}],
    "empty": [],
    "dataclass": Layer([[1.5, -0.5], [0.25, 2.0]], 3.0),
    "dataclasses in a list": [Layer([1.5], 0.5), Layer([-0.5], 2.0)],
    "dataclass in a dataclass": Layer(Layer([1.5, 0.5], 1.0), Pair(-0.5, [2.0])),
    "named tuple": Pair([1.5, -0.5], 0.25),
    "array of lists": ragged([[1.5], [-0.5, 0.25]]),
}


def squares(x):
    return total([v * v for v in flat(x)]) + 0.0


def like(found, x):
    """Whether numbers are in the structure of an argument: lists that are regular are arrays."""
    if (items := named(x)) is not None:
        theirs = named(found)
        return type(found) is type(x) and all(like(theirs[key], items[key]) for key in items)
    if isinstance(found, list):
        return all(like(a, b) for a, b in zip(found, x, strict=True))
    return np.shape(found) == np.shape(x)


@over("x", SHAPES)
def test_a_gradient_has_the_shape_of_its_argument(x):
    program = compile(squares)
    (slopes,) = program.gradient_wrt_inputs(x)
    assert like(slopes, x)
    assert flat(slopes) == [2 * v for v in flat(x)]


@over("n", [1, 2, 3])
@over("x", SHAPES)
def test_in_a_batch_it_is_that_of_the_mean_in_rows(x, n):
    rows = np.stack([x] * n) if isinstance(x, np.ndarray) and x.dtype == float else [x] * n
    (slopes,) = compile(squares, batched=True).gradient_wrt_inputs(rows)

    def row_of(slopes, i):
        if (items := named(slopes)) is not None:
            made = {key: row_of(part, i) for key, part in items.items()}
            return made if isinstance(slopes, dict) else type(slopes)(**made)
        return [row_of(part, i) for part in slopes] if isinstance(slopes, list) else slopes[i]

    for i in range(n):
        assert like(row_of(slopes, i), x)
        np.testing.assert_allclose(flat(row_of(slopes, i)), [2 * v / n for v in flat(x)])


def test_gradients_along_inputs_are_those_of_the_value_that_comes_back(w):
    program = compile(lambda x: (w * x).sin() * x, batched=True)
    x, step = np.array([0.5, -1.0, 2.0]), 1e-6
    (slopes,) = program.gradient_wrt_inputs(x)
    for i, nudge in enumerate(np.eye(3) * step):
        measured = (program(x + nudge) - program(x - nudge)) / (2 * step)
        assert slopes[i] == pytest.approx(measured, rel=1e-8)


# --- Results in any structure ----------------------------------------------------------------


def object_array(rows):
    array = np.empty((len(rows), len(rows[0])), dtype=object)
    for i, row in enumerate(rows):
        array[i] = row
    return array


RESULTS = {
    "Value": lambda x, w: x * w,
    "number": lambda x, w: 3.0,
    "tuple": lambda x, w: (x * w, w, 1.5),
    "nested tuple": lambda x, w: (x * w, (w, (x,))),
    "dict": lambda x, w: {"loss": x * w, "outputs": [x, w], "more": {"w": w}},
    "nothing by name": lambda x, w: {},
    "dict in a tuple": lambda x, w: (x * w, {"a": x, "b": [w, x * x]}),
    "list": lambda x, w: [x, w, x * w],
    "nested list": lambda x, w: [[x, w], [x * w, 1.0]],
    "ragged list": lambda x, w: [[x], [w, x * w], []],
    "mixed list": lambda x, w: [x, [w, x * w]],
    "dicts in a list": lambda x, w: [{"a": x}, {"a": w}],
    "array": lambda x, w: object_array([[x, w, 1.0], [x * w, x, x]]),
    "array in a tuple": lambda x, w: (x, object_array([[x, w]])),
    "array of no axes": lambda x, w: np.array(x * w, dtype=object),
    "dataclass": lambda x, w: Layer([x, w * x], w),
    "dataclass in a tuple": lambda x, w: (x * w, Layer([[x], [w]], Pair(x, [w, 1.0]))),
    "named tuple": lambda x, w: Pair(x * w, [x, w]),
    "dataclasses in a list": lambda x, w: [Layer(x, w), Layer(w, x)],
    "arrays in a list": lambda x, w: [object_array([[x, w]]), object_array([[w, x]])],
    "arrays of several shapes": lambda x, w: [object_array([[x, w]]), object_array([[w], [x]])],
}


def numbers_of(results, n, *, rows=False):
    """What eager's results, one for each example, are together: means of numbers, rows of lists."""
    first = results[0]
    if (items := named(first)) is not None:
        parts = {key: numbers_of([named(r)[key] for r in results], n, rows=rows) for key in items}
        return parts if isinstance(first, dict) else type(first)(**parts)
    if isinstance(first, tuple):
        return tuple([numbers_of(items, n) for items in zip(*results, strict=True)])
    if isinstance(first, list):
        items = [numbers_of(items, n, rows=True) for items in zip(*results, strict=True)]
        if not items:
            return np.zeros(0 if n is None else (n, 0))
        one_shape = (
            named(items[0]) is None
            and not isinstance(items[0], list)
            and len(set(map(np.shape, items))) == 1
        )
        return np.stack(items, axis=0 if n is None else 1) if one_shape else items
    data = np.array([numbers(r) for r in results])
    if n is None:
        return data[0]
    return data if rows or data.ndim > 1 else data.mean()


def numbers(x):
    if isinstance(x, np.ndarray):
        return np.array([numbers(v) for v in x.ravel().tolist()]).reshape(x.shape)
    return x.data if isinstance(x, Value) else x


def assert_same(found, expected):
    assert isinstance(found, type(expected)) or np.ndim(expected) == 0
    if (items := named(expected)) is not None:
        assert list(named(found)) == list(items)
        found, expected = list(named(found).values()), list(items.values())
    if isinstance(expected, (list, tuple)):
        for x, y in zip(found, expected, strict=True):
            assert_same(x, y)
    else:
        assert np.shape(found) == np.shape(expected)
        np.testing.assert_allclose(found, expected, rtol=1e-14)


@over("f", RESULTS)
def test_results_come_back_in_their_structure(f, w):
    expected = numbers_of([f(Value(3.0), w)], None)
    found = compile(lambda x: f(x, w))(3.0)
    assert_same(found, expected)


@over("n", [1, 2, 3])
@over("f", RESULTS)
def test_results_of_a_batch_come_back_in_their_structure(f, n, w):
    xs = [3.0, -1.0, 0.5][:n]
    expected = numbers_of([f(Value(x), w) for x in xs], n)
    found = compile(lambda x: f(x, w), batched=True)(xs)
    assert_same(found, expected)


def test_no_result_is_changed_by_later_calls(w):
    for f in RESULTS.values():
        for options, first, second in (({}, 3.0, 5.0), ({"batched": True}, [3.0, 4.0], [5.0, 6.0])):
            program = compile(lambda x, f=f: f(x, w), **options)
            found = program(first)
            before = flat(found)
            program(second)
            assert flat(found) == before


def test_activations_of_every_layer_come_back():
    model = MLP(2, [4, 3, 1], seed=1)

    def f(x):
        model(x)
        return [layer.activations for layer in model.layers]

    X = np.array([[0.5, -1.0], [2.0, 0.25], [0.0, 1.0]])
    found = compile(f, batched=True)(X)
    assert [array.shape for array in found] == [(3, 4), (3, 3), (3, 1)]
    model(X[1].tolist())
    for array, layer in zip(found, model.layers, strict=True):
        np.testing.assert_allclose(array[1], [a.data for a in layer.activations], rtol=1e-13)


def test_a_gradient_needs_one_value_at_first(w):
    for f in ("dict", "list", "array", "ragged list", "dataclass"):
        program = compile(lambda x, f=f: RESULTS[f](x, w))
        for call in (program.value_and_gradient, program.gradient_wrt_inputs):
            with pytest.raises(TypeError, match="returns one Value"):
                call(1.0)
    value, slopes = compile(lambda x: RESULTS["dict in a tuple"](x, w)).value_and_gradient(3.0)
    assert (value[0], value[1]["b"].tolist(), slopes.tolist()) == (6.0, [2.0, 9.0], [3.0])


# --- Infinity, and slopes that are not there -------------------------------------------------


def test_infinite_data_leaves_the_slopes_of_what_it_does_not_meet():
    ws = [Value(0.1 * (i + 1), f"w{i}") for i in range(4)]

    def triangle(x):
        return total([(ws[i] * x[j]).tanh() for i in range(4) for j in range(i + 1)])

    def partly_used(x):
        logs = [(ws[i] * x[i] + 1).log() for i in range(4)]
        return logs[0] + logs[1], logs

    for f, x in (
        (triangle, [1.0, 2.0, -1.0, np.inf]),
        (triangle, [1.0, 2.0, np.inf, 0.5]),
        (partly_used, [1.0, 2.0, 0.5, np.inf]),
    ):
        root = f([Value(v) for v in x])
        for w in ws:
            w.grad = 0.0
        (root[0] if isinstance(root, tuple) else root).backward()
        expected = {w: w.grad for w in ws}
        assert any(np.isfinite(list(expected.values())))
        for batched in (False, True):
            program = compile(f, batched=batched)
            _, slopes = program.value_and_gradient([x] if batched else x)
            found = dict(zip(program.parameters, slopes, strict=True))
            for w in ws:
                np.testing.assert_allclose(found.get(w, 0.0), expected[w], rtol=1e-13)


NO_SLOPE = {  # a value at w = 0 and x = 0, but no slope along w
    "root": lambda w, x: (w * w).sqrt() + x,
    "root of a sum": lambda w, x: (w + x).sqrt(),
    "power": lambda w, x: (w + x) ** 0.5,
}


@pytest.mark.parametrize("batched", [False, True])
@pytest.mark.parametrize("f", NO_SLOPE.values(), ids=NO_SLOPE)
def test_a_value_needs_no_slope_and_a_gradient_says_which_is_missing(f, batched):
    w = Value(0.0, "w")
    program = compile(lambda x: f(w, x), batched=batched)
    x = [0.0, 0.0] if batched else 0.0
    assert program(x) == 0.0
    with pytest.raises((ArithmeticError, ValueError)) as expected:
        f(w, Value(0.0, "x")).backward()
    with pytest.raises(type(expected.value)) as found:
        program.value_and_gradient(x)
    assert str(expected.value) in str(found.value)
    assert program(x) == 0.0


def test_a_slope_that_nobody_wants_may_be_missing():
    w, zero = Value(3.0, "w"), Value(0.0, "zero")
    for f in (
        lambda x: w * x + Value(0.0).sqrt(),
        lambda x: (w * x, zero.sqrt()),
        lambda x: (w * x, x**zero, [zero**0.5]),
    ):
        assert compile(f).value_and_gradient(2.0)[1][0] == 2.0
        assert compile(f, batched=True).value_and_gradient([2.0, 4.0])[1][0] == 3.0


def test_a_missing_slope_in_a_batch_names_the_example_if_it_has_one():
    w = Value(0.0, "w")
    with pytest.raises((ArithmeticError, ValueError), match=r"\(example 2\)"):
        compile(lambda x: (w + x).sqrt(), batched=True).value_and_gradient([1.0, 4.0, 0.0])
    with pytest.raises((ArithmeticError, ValueError)) as error:
        compile(lambda x: w.sqrt() * x, batched=True).value_and_gradient([1.0, 4.0, 0.0])
    assert "example" not in str(error.value)


# --- Lists cost what arrays do ---------------------------------------------------------------


def test_lists_of_data_cost_little_more_than_arrays():
    model = MLP(64, [4, 1], seed=0)
    X, y = datasets.digits()
    program = compile(lambda x, t: losses.squared_error(model(x), t), batched=True)
    as_lists = X[:600], [float(t) for t in y[:600]]
    as_arrays = tuple(map(np.array, as_lists))
    assert program(*as_lists) == program(*as_arrays)

    def seconds(args):
        start = perf_counter()
        program(*args)
        return perf_counter() - start

    lists, arrays = (min(seconds(args) for _ in range(7)) for args in (as_lists, as_arrays))
    assert lists < arrays + 600 * 65 * 100e-9  # a tenth of a microsecond a number, at most


CALLS = {
    "rows": np.array([[1.0, 2.0], [3.0, 4.0]]),
    "more rows": np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]),
    "wider": np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]),
    "cubes": np.arange(8.0).reshape(2, 2, 2),
    "lists": [[1.0, 2.0], [3.0, 4.0]],
    "whole numbers": np.array([[1, 2], [3, 4]]),
    "column by column": np.array([[1.0, 2.0], [3.0, 4.0]]).T,
}


@pytest.mark.parametrize("batched", [False, True])
def test_what_is_known_of_the_last_call_serves_no_other(batched):
    w = Value(0.5, "w")
    program = compile(lambda x: w * total(flat(x)), batched=batched)
    for given in chain.from_iterable((x, y, y) for x, y in product(CALLS.values(), repeat=2)):
        rows = np.asarray(given, float).reshape(len(given), -1).sum(1)
        expected = rows.mean() if batched else rows.sum()
        value, gradient = program.value_and_gradient(given)
        assert (value, *gradient) == pytest.approx((0.5 * expected, expected))
        assert program.parameters == [w]


def test_an_array_whose_shape_is_changed_in_place_is_read_anew():
    w, x = Value(2.0, "w"), np.array([[1.0, 2.0], [3.0, 4.0]])
    program = compile(lambda row: w * row[0], batched=True)
    assert program(x) == 4.0
    x.resize((4, 1), refcheck=False)
    assert program(x) == 5.0
    with pytest.raises(ValueError, match="at least one example"):
        program(x[:0])


CHANGES = {"": lambda row: row, "longer": lambda row: [*row, 0.5], "a set": set}


@over("item", [1.5, math.nan, -0.0, 2, True, np.float64(1.5), "g", None, 1j])
@over("shape", [(1,), (3,), (2, 1), (3, 4), (2, 3, 2)])
@over("piece", [lists.PIECE, 4])
def test_floats_in_lists_are_read_at_once_and_all_else_is_left_alone(
    item, shape, piece, monkeypatch
):
    monkeypatch.setattr(lists, "PIECE", piece)
    for change, kind in product(CHANGES, (list, tuple)):
        given = outer = np.arange(math.prod(shape), dtype=float).reshape(shape).tolist()
        for _ in shape[2:]:
            outer = outer[-1]
        if len(shape) == 1:
            outer[-1] = item
        else:
            outer[-1] = CHANGES[change]([*outer[-1][:-1], item])
        found = lists.floats(of_kind(kind, given))
        plain = type(item) is float and (not change or len(shape) == 1)
        assert (found is not None) is plain
        if plain:
            np.testing.assert_array_equal(found, np.array(given))


def of_kind(kind, x):
    return kind([of_kind(kind, item) for item in x]) if isinstance(x, list) else x


def test_of_lists_of_several_lengths_no_table_is_made():
    uneven = [[0.5] * 1000] * 2
    for _ in range(6):
        uneven = [uneven, [0.5]] * 500
    assert lists.floats(uneven) is None


def test_a_list_that_is_in_itself_comes_to_an_end():
    endless = []
    endless.append(endless)
    with pytest.raises(RecursionError):
        compile(lambda x: Value(1.0))(endless)
