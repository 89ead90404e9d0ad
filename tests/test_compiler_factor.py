"""Scheduling and factoring alone: what is alike is one array, and matrices are found."""

import numpy as np
import pytest

from autograd_core import Value, compile, dot, logsumexp, softmax, total
from autograd_core.compiler.blocks import blocks, filled, together
from autograd_core.compiler.ir import Compute, Gather
from autograd_core.compiler.schedule import schedule
from nn import MLP
from tests.arrays import by_definition, factored, graph_of, products_of
from tests.compiled import Draw, steps


@pytest.fixture
def w():
    return [Value(float(i + 1), f"w[{i}]") for i in range(6)]


# --- Schedule --------------------------------------------------------------------------------


def sizes(graph):
    return [len(nodes) for nodes in schedule(graph)]


def test_nodes_that_are_alike_are_one_group(w):
    graph = graph_of(lambda x: [(v * x).tanh() for v in w], 1)
    assert sizes(graph) == [6, 6]


def test_other_ops_and_other_depths_are_other_groups(w):
    graph = graph_of(lambda x: [(w[0] * x).tanh(), (w[1] * x).exp(), (w[2] * x).exp().exp()], 1)
    assert sorted(sizes(graph)) == [1, 1, 2, 3]


def test_groups_come_after_what_they_need(w):
    graph = graph_of(lambda x: [((v * x).tanh() * w[0] + v).exp() for v in w], 1)
    done = {i for i, op in enumerate(graph.ops) if op is None}
    for nodes in schedule(graph):
        assert all(p in done for i in nodes for p in graph.operands(i))
        done.update(nodes)
    assert len(done) == len(graph.ops)


def test_numbers_that_vary_are_grouped_apart_from_those_that_do_not(w):
    graph = graph_of(lambda x: [w[0].exp(), x.exp()], 1, batched=True)
    assert sizes(graph) == [1, 1]
    assert sizes(graph_of(lambda x: [w[0].exp(), x.exp()], 1)) == [2]


def test_a_readout_at_every_step_of_a_recurrence_waits_for_the_last(w):
    def f(*xs):
        state, out = 0.0, []
        for x in xs:
            state = (w[0] * state + x).tanh()
            out.append((w[1] * state).sigmoid())
        return total(out)

    groups = schedule(graph_of(f, 5))
    assert [len(nodes) for nodes in groups[-3:]] == [5, 5, 1]


# --- Blocks ----------------------------------------------------------------------------------


def test_pairs_are_split_into_blocks_that_are_at_least_half_full():
    full = [(row, column) for row in (0, 1) for column in (0, 1, 2)]
    assert [(b.rows, b.columns) for b in blocks(full, 2)] == [([0, 1], [0, 1, 2])]
    two = [*full, (2, 3), (3, 3)]
    assert [(b.rows, b.columns) for b in blocks(two, 4)] == [([0, 1], [0, 1, 2]), ([2, 3], [3])]
    sparse = [(0, 0), (0, 1), (0, 2), (0, 3), (1, 0), (2, 0), (3, 0)]
    assert len(blocks(sparse, 4)) == len(sparse)
    assert len(blocks([(0, 0), (0, 0)], 1)) == 2


def test_sums_are_computed_together_where_at_most_half_is_filling():
    assert together([3, 2, 3]) == [[0, 1, 2]]
    assert together([1, 1, 9]) == [[0, 1], [2]]


def test_shorter_sums_are_filled_up_with_what_reads_0():
    long, short = ((1, 2, 3), (10, 20, 30)), ((4, 5), (30, 10))
    assert filled([long, short]) == [((1, 2, 3), (10, 20, 30)), ((5, -1, 4), (10, 20, 30))]


def test_a_factor_that_is_there_twice_is_filled_in_once():
    long, short = ((1, 2, 3), (10, 10, 20)), ((4, 5), (20, 10))
    assert filled([long, short])[1] == ((-1, 5, 4), (10, 10, 20))


# --- Factor ----------------------------------------------------------------------------------


def products(f, n=0, *, batched=False):
    return products_of(factored(f, n, batched=batched)[0].emit.order)


def test_a_full_cross_product_is_a_matrix_product():
    draw = Draw(0)
    W, X = draw.matrix(3, 4, "W"), draw.matrix(5, 4, "X")
    assert products(lambda: total([dot(row, x).exp() for row in W for x in X])) == [(1, 3, 5, 4)]


def test_blocks_of_one_shape_are_one_array():
    draw = Draw(1)
    pairs = [(draw.matrix(2, 3, "W"), draw.matrix(2, 3, "X")) for _ in range(4)]

    def f():
        return total([dot(row, x).exp() for W, X in pairs for row in W for x in X])

    assert products(f) == [(4, 2, 2, 3)]


def test_pairs_that_share_nothing_are_a_row_of_dot_products():
    draw = Draw(2)
    W, X = draw.matrix(5, 3, "W"), draw.matrix(5, 3, "X")

    def f():
        return total([dot(row, x).exp() for row, x in zip(W, X, strict=True)])

    assert products(f) == [(5, 1, 1, 3)]


def test_a_triangle_is_computed_whole_and_less_than_half_is_not():
    draw = Draw(3)
    W, X = draw.matrix(6, 3, "W"), draw.matrix(6, 3, "X")
    triangle = [(i, j) for i in range(6) for j in range(i + 1)]
    half = [(i, (i + j) % 6) for i in range(6) for j in range(3)]
    edge = [(0, j) for j in range(6)] + [(i, 0) for i in range(1, 6)] + [(1, 1), (2, 2)]

    def found(places):
        return products(lambda: total([dot(W[i], X[j]).exp() for i, j in places]))

    assert found(triangle) == [(1, 6, 6, 3)]
    assert found(half) == [(1, 6, 6, 3)]
    assert found(edge) == [(13, 1, 1, 3)]


def test_an_axis_that_an_operand_repeats_along_has_no_letter():
    draw = Draw(4)
    W = draw.matrix(5, 3, "W")
    arrays, _ = factored(lambda x: total([dot(row, [x, x, x]) for row in W]).exp(), 1, batched=True)
    by_letters = [
        [letters for _, letters in x.operands] for x in arrays.emit.order if isinstance(x, Compute)
    ]
    assert all("b" not in letters or letters == "b" for pair in by_letters for letters in pair)


def test_a_perceptron_reads_nothing_that_is_irregular():
    model = MLP(3, [5, 4, 2], activation="tanh", seed=0)
    program = compile(lambda x: logsumexp(model(x)), batched=True)
    program.value_and_gradient([[0.0, 1.0, 2.0]])
    compiled = program.current()
    assert not compiled.ready[compiled.vector].executor.memory.copied


@pytest.mark.parametrize("batched", [False, True])
def test_the_arrays_have_the_numbers_of_the_graph(batched, w):
    def f(x, y):
        h = [dot(w[:2], [x, y], w[i]).tanh() for i in range(4)]
        return logsumexp(h) + total(softmax(h)) * x - 2.0

    arrays, root = factored(f, 2, batched=batched)
    numbers = np.array([v.data for v in w])
    order = {p.label: p.data for p in w}
    labels = arrays.graph.labels
    parameters = np.array([order[labels[i]] for i in arrays.graph.parameters])
    assert set(parameters) <= set(numbers)
    inputs = np.array([[0.3, -0.5], [0.7, 0.1]]) if batched else np.array([0.3, 0.7])
    leaves = {"parameters": parameters, "inputs": inputs, "others": np.zeros(0)}
    found = by_definition(arrays.emit.order, leaves, 2 if batched else None)[root]
    pairs = inputs.T if batched else [inputs]
    expected = [f(Value(x), Value(y)).data for x, y in pairs]
    np.testing.assert_allclose(np.ravel(found), expected, rtol=1e-14)


def test_what_many_read_is_gathered_once():
    draw = Draw(5)
    W = draw.matrix(4, 4, "W")

    def f(*xs):
        for _ in range(3):
            xs = [dot(row, xs).tanh() for row in W]
        return total(xs)

    arrays, _ = factored(f, 4, batched=True)
    assert sum(isinstance(x, Gather) for x in arrays.emit.order) == 1


def test_the_steps_of_a_program_are_its_arrays():
    model = MLP(3, [5, 4, 2], activation="tanh", seed=0)
    program = compile(lambda x: total(model(x)), batched=True)
    program([[0.0, 1.0, 2.0]])
    assert len(steps(program)) == 6


@pytest.mark.parametrize("shift", [0.0, -800.0, 800.0])
def test_logsumexps_of_different_lengths_are_taken_together(shift):
    rows = [list(range(k)) for k in (1, 2, 3, 4)]

    def f(*xs):
        return total([logsumexp([xs[i] + shift for i in row]) for row in rows])

    program = compile(lambda xs: f(*xs), executor="numpy")
    xs = [0.5, -1.0, 2.0, 0.25]
    values = [Value(x) for x in xs]
    root = f(*values)
    root.backward()
    assert program(xs) == pytest.approx(root.data, rel=1e-13)
    slopes = program.gradient_wrt_inputs(xs)[0]
    assert slopes == pytest.approx([v.grad for v in values], rel=1e-12)
    assert len(steps(program)) <= 3
