"""The builder alone: equal arrays once, constants folded, repeated axes left out and counted."""

import numpy as np
import pytest

from autograd_core.compiler.build import Builder
from autograd_core.compiler.ir import EXAMPLES, Compute, Constant, Gather
from autograd_core.engine import ADD, EXP, MUL, SUB, power
from tests.arrays import by_definition


@pytest.fixture
def emit():
    return Builder()


def values(emit, operand, n=None, **leaves):
    found = by_definition(emit.order, {name: np.asarray(x) for name, x in leaves.items()}, n)
    return found[operand[0]]


def test_equal_arrays_are_one_whatever_their_axes_are_called(emit):
    x = emit.leaf("x", 6, batched=False)
    one = emit.compute(EXP, [(x, "r")], "r")
    assert emit.compute(EXP, [(x, "k")], "k") == (one[0], "k")
    matrix = emit.gather([x], np.arange(6).reshape(2, 3), "rk")
    total = emit.compute(MUL, [matrix, matrix], "r")
    assert emit.compute(MUL, [(matrix[0], "qt"), (matrix[0], "qt")], "q") == (total[0], "q")
    assert emit.compute(MUL, [(matrix[0], "tq"), (matrix[0], "tq")], "q")[0] is not total[0]


def test_sums_over_other_axes_are_other_arrays(emit):
    x = emit.leaf("x", 3, batched=True)
    sums = [emit.compute(None, [(x, "ab")], out)[0] for out in ("a", "b", "")]
    assert [x.shape for x in sums] == [(3,), (EXAMPLES,), ()]


@pytest.mark.parametrize("n", [1, 2, 3])
def test_a_letter_that_no_operand_has_multiplies_by_its_length_where_it_is_summed(emit, n):
    x = emit.leaf("x", 2, batched=False)
    lengths = {"a": 2, "k": 5, "b": EXAMPLES}
    total = emit.compute(None, [(x, "a")], "", lengths=lengths)
    assert values(emit, total, n, x=[1.0, 2.0]) == 3.0 * 5 * n
    kept = emit.compute(None, [(x, "a")], "akb", lengths=lengths)
    assert kept == (x, "a")
    assert emit.compute(None, [(x, "a")], "a", fold="max", lengths=lengths) == (x, "a")


def test_axes_along_which_numbers_repeat_are_left_out(emit):
    x = emit.leaf("x", 4, batched=False)
    repeated = np.array([[[0, 1, 2]], [[0, 1, 2]]])
    assert emit.gather([x], repeated, "rsk")[1] == "k"
    assert emit.constant([[2.0, 2.0], [2.0, 2.0]], "rk") == emit.constant(2.0)


def test_reading_all_of_an_array_is_no_gather(emit):
    x = emit.leaf("x", 6, batched=False)
    matrix, letters = emit.gather([x], np.arange(6).reshape(2, 3), "rk")
    assert emit.gather([matrix], np.arange(6).reshape(2, 3), "rk") == (matrix, letters)
    assert emit.gather([matrix], np.arange(6).reshape(2, 3).T, "kr") == (matrix, "rk")


def test_cells_of_gathers_are_cells_of_what_those_gather(emit):
    x, y = emit.leaf("x", 4, batched=False), emit.leaf("y", 3, batched=False)
    both, _ = emit.gather([x, y], np.array([3, 4, -1, 6]), "a")
    found, _ = emit.gather([both, y], np.array([0, 1, 2, 4, -1]), "a")
    assert isinstance(found, Gather)
    assert found.sources == (x, y)
    assert values(emit, (found, "a"), x=[1.0, 2, 3, 4], y=[5.0, 6, 7]).tolist() == [4, 5, 0, 5, 0]


def test_what_is_known_is_a_constant(emit):
    two, three = emit.constant(2.0), emit.constant([3.0, 4.0], "a")
    assert emit.compute(MUL, [two, three], "a") == emit.constant([6.0, 8.0], "a")
    assert emit.compute(EXP, [emit.constant(0.0)], "") == emit.constant(1.0)
    share = emit.constant(1.0, power=-1)
    assert emit.compute(MUL, [share, share], "") == emit.constant(1.0, power=-2)
    assert isinstance(emit.compute(SUB, [share, emit.constant(1.0)], "")[0], Compute)


def test_a_number_stands_last_and_once(emit):
    x = emit.leaf("x", 3, batched=False)
    twice = emit.compute(MUL, [emit.constant(2.0), (x, "a")], "a")
    six = emit.compute(MUL, [twice, emit.constant(3.0)], "a")
    assert six[0].operands == ((x, "a"), emit.constant(6.0))
    assert emit.compute(MUL, [twice, emit.constant(0.5)], "a") == (x, "a")


def test_numbers_that_would_overflow_together_stay_apart(emit):
    x = emit.leaf("x", 3, batched=False)
    large = emit.compute(MUL, [(x, "a"), emit.constant(1e200)], "a")
    larger = emit.compute(MUL, [large, emit.constant(1e200)], "a")
    assert values(emit, larger, x=[1e-200, 0, 0]).tolist() == [1e200, 0, 0]


def test_what_only_one_factor_has_is_summed_beforehand(emit):
    x, y = emit.leaf("x", 3, batched=True), emit.leaf("y", 2, batched=False)
    z = emit.compute(MUL, [(x, "kb"), (y, "r")], "rb")
    assert max(len(y.axes) for y in emit.order) == 2
    rows = np.array([[1.0, 2], [3, 4], [5, 6]])
    found = values(emit, z, 2, x=rows, y=[1.0, 10.0])
    assert found.tolist() == [[9, 12], [90, 120]]


def test_a_sum_of_equal_operands_is_a_multiple(emit):
    x = emit.leaf("x", 3, batched=False)
    three = emit.total([(x, "a")] * 3, "a")
    assert three == emit.compute(MUL, [(x, "a"), emit.constant(3.0)], "a")


def test_many_like_products_are_one_over_an_axis_more(emit):
    weights = [emit.leaf(f"w{i}", 3, batched=False) for i in range(5)]
    flows = [
        emit.compute(MUL, [(w, "a"), emit.compute(EXP, [(w, "a")], "a")], "a") for w in weights
    ]
    before = len(emit.order)
    total = emit.total(flows, "a")
    assert len(emit.order) - before == 3  # two gathers and a product
    numbers = {f"w{i}": np.arange(3.0) + i for i in range(5)}
    expected = sum(x * np.exp(x) for x in numbers.values())
    np.testing.assert_allclose(values(emit, total, **numbers), expected, rtol=1e-15)


def test_a_first_power_is_the_array_itself(emit):
    x = emit.leaf("x", 3, batched=False)
    assert emit.compute(power(1.0), [(x, "a")], "a") == (x, "a")


def test_pieces_of_constants_are_a_constant(emit):
    pieces = [
        (emit.constant([1.0, 2.0], "a"), np.array([0, 2])),
        (emit.constant(5.0), np.array([2, -1])),
    ]
    found, _ = emit.scatter(pieces, (3,))
    assert isinstance(found, Constant)
    assert found.numbers.tolist() == [1.0, 0.0, 7.0]


def test_what_is_added_to_numbers_for_each_example_is_one_for_each(emit):
    x, y = emit.leaf("x", 2, batched=True), emit.leaf("y", 2, batched=False)
    both = emit.gather([x, y], np.arange(4), "a")
    assert both[1] == "ab"
    found = values(emit, both, 3, x=np.ones((2, 3)), y=[2.0, 3.0])
    assert found.tolist() == [[1] * 3, [1] * 3, [2] * 3, [3] * 3]
    assert emit.compute(ADD, [(x, "ab"), (y, "a")], "ab")[0].shape == (2, EXAMPLES)
