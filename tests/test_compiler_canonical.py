"""Canonical form alone: equals merged, constants folded, sums of scaled products."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograd_core import Value, compile, dot, logsumexp, softmax, total
from autograd_core.compiler.linear import ONE, Scale, multiplied, usable
from autograd_core.compiler.merge import merge
from autograd_core.engine import ADD, DIV, EXP, LOG, MUL, NEG, SUB
from tests.arrays import graph_of, ops_of, recorded
from tests.rows import over
from tests.test_compile_graphs import WAYS


@pytest.fixture
def w():
    return [Value(float(i + 1), f"w[{i}]") for i in range(6)]


# --- Merge -----------------------------------------------------------------------------------


def test_equal_expressions_are_merged(w):
    graph = graph_of(lambda x: [(w[0] * x).exp(), (w[0] * x).exp()], 1)
    assert ops_of(graph) == [MUL, EXP]
    assert graph.roots[0] == graph.roots[1]


def test_expressions_on_other_operands_are_not_merged(w):
    graph = graph_of(lambda x: [(w[0] * x).exp(), (w[1] * x).exp()], 1)
    assert ops_of(graph).count(EXP) == 2


def test_constants_fold():
    graph = graph_of(lambda x: x * (Value(2.0).exp() + 1.0).log(), 1)
    assert ops_of(graph) == [MUL]
    assert list(graph.constants.values()) == [math.log(math.exp(2.0) + 1.0)]


def test_zeros_of_both_signs_are_kept_apart():
    found = merge(recorded(lambda x: [x * 0.0, x * -0.0, x * 0.0], 1)[0])
    assert {math.copysign(1, v) for v in found.constants.values()} == {-1.0, 1.0}


def test_a_first_power_is_the_number_itself(w):
    assert ops_of(graph_of(lambda x: (x**1).exp(), 1)) == [EXP]


# --- Sums ------------------------------------------------------------------------------------


def test_the_zero_that_sum_starts_from_disappears(w):
    assert ops_of(graph_of(lambda x, y: sum([w[0] * x, w[1] * y]), 2)) == [(2, 0)]
    assert graph_of(lambda x: sum([x]), 1).roots == graph_of(lambda x: x, 1).roots


def test_constants_of_a_sum_are_added_up_beforehand(w):
    graph = graph_of(lambda x: 1.0 + w[0] * x + 2.0 + Value(3.0), 1)
    assert ops_of(graph) == [MUL, ADD]
    assert 6.0 in graph.constants.values()


@over("way", WAYS)
def test_a_sum_of_products_is_one_node_however_it_is_written(way, w):
    assert ops_of(graph_of(lambda *xs: way(w[:4], list(xs), w[4]), 4)) == [(4, 1)]


def test_products_of_constants_are_constants(w):
    graph = graph_of(lambda x: dot([2.0, w[0], 3.0], [4.0, x, 5.0]) * 0.5 + x, 1)
    assert ops_of(graph) == [MUL, ADD, MUL, ADD]
    assert 23.0 in graph.constants.values()


def test_a_product_that_is_used_twice_stays_a_node_of_its_own(w):
    def f(x):
        shared = w[0] * x
        return [shared + w[1], shared + w[2]]

    assert ops_of(graph_of(f, 1)) == [MUL, ADD, ADD]


def test_a_sum_that_is_a_result_stays_a_node_of_its_own(w):
    def f(x):
        inner = w[0] * x + w[1]
        return [inner, inner + w[2] * x]

    assert ops_of(graph_of(f, 1)) == [(1, 1), (1, 1)]


def test_short_sums_are_plain_ops(w):
    assert ops_of(graph_of(lambda x: total([x, w[0]]), 1)) == [ADD]
    assert ops_of(graph_of(lambda x: dot([x], [w[0]]), 1)) == [MUL]
    assert ops_of(graph_of(lambda x: total([x]), 1)) == []
    assert ops_of(graph_of(lambda x: total([x, w[0], w[1]]), 1)) == [(0, 3)]


def test_what_no_result_needs_is_left_out(w):
    def f(x):
        _ = (w[0] * x).exp()
        return w[1] * x

    graph = graph_of(f, 1)
    assert ops_of(graph) == [MUL]
    assert len(graph.parameters) == 1


def test_what_is_the_same_for_all_examples_is_summed_apart(w):
    def f(x, y):
        return dot([*w[:4]], [x, y, w[4], w[5]])

    graph = graph_of(f, 2, batched=True)
    assert ops_of(graph) == [(2, 0), (2, 1)]
    assert [graph.batched(i) for i, op in enumerate(graph.ops) if op] == [False, True]
    assert ops_of(graph_of(f, 2)) == [(4, 0)]


def test_products_of_two_numbers_that_vary_are_summed_apart(w):
    graph = graph_of(lambda x, y: w[0] * x + w[1] * y + x * y + x * x, 2, batched=True)
    assert ops_of(graph) == [(2, 0), (2, 1)]


def test_of_many_products_those_that_are_known_from_the_start_are_summed_first(w):
    def f(x, y):
        state = (w[0] * x).tanh(), (w[1] * y).tanh()
        return dot([*w[2:6]], [x, y, *state])

    assert ops_of(graph_of(f, 2))[-2:] == [(2, 0), (2, 1)]


def test_a_long_sum_is_one_node_and_no_recursion(w):
    def f(*xs):
        s = 0.0
        for x in xs:
            s = w[1] + (s + w[0] * x)
        return s

    assert ops_of(graph_of(f, 5000)) == [(5000, 0), (0, 5001)]


def test_every_node_comes_after_its_operands(w):
    def f(x, y):
        h = [dot(w[:2], [x, y], w[i]).tanh() for i in range(4)]
        return logsumexp(h) + total(softmax(h)) * x - 2.0

    graph = graph_of(f, 2, batched=True)
    assert all(p < i for i in range(len(graph.ops)) for p in graph.operands(i))
    assert len(graph.rank) == len(graph.parents) == len(graph.ops)


# --- Scales ----------------------------------------------------------------------------------


def minus_in_a_loop(ws, xs):
    s = 0.0
    for w, x in zip(ws, xs, strict=True):
        s = s - w * x
    return s


SCALED = {
    "minus in a loop": (minus_in_a_loop, [(4, 0), NEG]),
    "minus each": (
        lambda ws, xs: sum(-(w * x) for w, x in zip(ws, xs, strict=True)),
        [(4, 0), NEG],
    ),
    "minus a factor": (
        lambda ws, xs: sum(-w * x for w, x in zip(ws, xs, strict=True)),
        [(4, 0), NEG],
    ),
    "minus the sum": (lambda ws, xs: -dot(ws, xs), [(4, 0), NEG]),
    "times 3": (lambda ws, xs: sum(w * x * 3 for w, x in zip(ws, xs, strict=True)), [(4, 0), MUL]),
    "a sum by 3": (lambda ws, xs: dot(ws, xs) / 3, [(4, 0), DIV]),
    "each by 64": (
        lambda ws, xs: sum(w * x / 64 for w, x in zip(ws, xs, strict=True)),
        [*[DIV] * 4, (4, 0)],
    ),
    "half of each": (
        lambda ws, xs: sum(0.5 * w * x for w, x in zip(ws, xs, strict=True)),
        [*[MUL] * 4, (4, 0)],
    ),
}


@over(("f", "ops"), SCALED)
def test_signs_and_scales_stand_in_front_of_a_sum_or_at_the_factors_if_they_make_smaller(f, ops, w):
    assert ops_of(graph_of(lambda *xs: f(w[:4], list(xs)), 4)) == ops


def test_what_is_subtracted_is_part_of_a_sum(w):
    graph = graph_of(lambda x, y: w[0] * x - (w[1] * y - w[2]), 2)
    assert ops_of(graph) == [NEG, (2, 1)]
    assert ops_of(graph_of(lambda x, y: dot(w[:2], [x, y]) - 3.0, 2)) == [(2, 0), SUB]
    assert ops_of(graph_of(lambda x: 1.0 - x, 1)) == [SUB]
    assert ops_of(graph_of(lambda x, y: -x - y, 2)) == [ADD, NEG]


def test_a_scale_that_is_no_number_to_scale_by_stays_an_op(w):
    for number in (0.0, math.inf, math.nan, 5e-324):
        assert ops_of(graph_of(lambda x, c=number: x * c, 1)) == [MUL]
    assert ops_of(graph_of(lambda x: (w[0] * x).log() / w[1], 1)) == [MUL, LOG, DIV]


sizes = st.floats(-1e308, 1e308).filter(usable)


@given(sizes, sizes, sizes, sizes)
def test_scales_together_are_no_more_extreme_than_one_after_the_other(a, b, c, d):
    both = multiplied(Scale(a, b), Scale(c, d))
    assert both is None or (usable(both.factor) and usable(both.divisor))
    assert multiplied(ONE, Scale(a, b)) == Scale(a, b)


EXTREME = st.sampled_from([1e-200, 1e-100, 0.125, 3.0, 1e100, 1e200])


@given(st.lists(st.tuples(EXTREME, st.booleans()), min_size=1, max_size=5), EXTREME, st.data())
def test_a_program_is_finite_where_eager_is(steps, number, data):
    """Numbers and constants of all sizes, scaled, added and summed."""
    others = [Value(data.draw(EXTREME)) for _ in range(3)]

    def f(x):
        for factor, divide in steps:
            x = x / factor if divide else x * factor
        return total([x * v / 1e100 for v in others]) + x * 1e-3 - x * 2e-3

    if math.isfinite(f(Value(number)).data):
        assert math.isfinite(compile(f)(number))
        batch = compile(lambda x: [f(x)], batched=True)
        assert np.isfinite(batch([number, number])).all()
