"""Each stage of compiling alone: record, canonical form, groups, factors, layout, the listing."""

import inspect
import math
import re
from functools import partial

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
from autograd_core.compile.backward import Contract, backward
from autograd_core.compile.canonical import Sum, canonical, merge
from autograd_core.compile.layout import Apply, Numbers, Product, Total, cells_at, groups, lay_out
from autograd_core.compile.record import record
from autograd_core.compile.run import contract
from autograd_core.engine import ADD, EXP, MUL, RELU, TANH
from nn import MLP, losses
from tests.compiled import Draw, backward_lines, forward_lines, on_arrays, shapes, steps
from tests.test_compile_graphs import WAYS


def recorded(f, n=0):
    """f recorded on n numbers: the recording, and the nodes of what it returned."""
    tape, result = record(f, lambda tape: [tape.input(f"x{i}") for i in range(n)])
    results = result if isinstance(result, (list, tuple)) else [result]
    return tape, [tape.node(root) for root in results]


def graph_of(f, n=0, *, batched=False):
    tape, roots = recorded(f, n)
    return canonical(tape, roots, batched=batched)


def ops_of(graph):
    """What the nodes are computed by; (products, terms) for a sum."""
    return [
        (len(op.products), len(op.terms)) if isinstance(op, Sum) else op
        for op in graph.ops
        if op is not None
    ]


@pytest.fixture
def w():
    return [Value(float(i + 1), f"w[{i}]") for i in range(6)]


# --- Record ----------------------------------------------------------------------------------


def test_a_recording_keeps_what_was_done_in_order(w):
    tape, roots = recorded(lambda x: (w[0] * x).tanh() + 2.0, 1)
    assert [op for op in tape.ops if op] == [MUL, TANH, ADD]
    assert list(tape.parameters.values()) == [w[0]]
    assert list(tape.constants.values()) == [2.0]
    assert tape.inputs == [0]
    assert roots == [len(tape.ops) - 1]
    assert all(p < i for i, parents in enumerate(tape.parents) for p in parents)


def test_a_traced_value_shows_its_op_and_its_parents(w):
    seen = []

    def f(x):
        y = w[0] * x
        seen.extend([y.op, y.parents == (w[0], x), x.op, x.parents])
        return y

    recorded(f, 1)
    assert seen == [MUL, True, None, ()]


def test_a_parameter_is_recorded_once(w):
    tape, _ = recorded(lambda x: w[0] * x + w[0] * w[0], 1)
    assert list(tape.parameters.values()) == [w[0]]


# --- Canonical form --------------------------------------------------------------------------


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
    merged = merge(recorded(lambda x: [x * 0.0, x * -0.0, x * 0.0], 1)[0])
    assert {math.copysign(1, v) for v in merged.constants.values()} == {-1.0, 1.0}


def test_the_zero_that_sum_starts_from_disappears(w):
    assert ops_of(graph_of(lambda x, y: sum([w[0] * x, w[1] * y]), 2)) == [(2, 0)]
    assert graph_of(lambda x: sum([x]), 1).roots == graph_of(lambda x: x, 1).roots


def test_subtracting_a_constant_is_adding_one(w):
    graph = graph_of(lambda x, y: dot(w[:2], [x, y]) - 3.0, 2)
    assert ops_of(graph) == [(2, 1)]
    assert -3.0 in graph.constants.values()


def test_constants_of_a_sum_are_added_up_beforehand(w):
    graph = graph_of(lambda x: 1.0 + w[0] * x + 2.0 + Value(3.0), 1)
    assert ops_of(graph) == [(1, 1)]
    assert 6.0 in graph.constants.values()


@pytest.mark.parametrize("way", WAYS)
def test_a_sum_of_products_is_one_node_however_it_is_written(way, w):
    assert ops_of(graph_of(lambda *xs: way(w[:4], list(xs), w[4]), 4)) == [(4, 1)]


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


def test_many_terms_beside_products_are_added_up_apart(w):
    assert ops_of(graph_of(lambda x: w[0] * x + w[1] + w[2] + w[3], 1)) == [(0, 3), (1, 1)]


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
    assert [b for b, op in zip(graph.batched, graph.ops, strict=True) if op] == [False, True]
    assert ops_of(graph_of(f, 2)) == [(4, 0)]


def test_products_of_two_numbers_that_vary_are_summed_apart(w):
    graph = graph_of(lambda x, y: w[0] * x + w[1] * y + x * y + x * x, 2, batched=True)
    assert ops_of(graph) == [(2, 0), (2, 1)]


def test_a_long_sum_is_one_node_and_no_recursion(w):
    def f(*xs):
        s = 0.0
        for x in xs:
            s = w[1] + (s + w[0] * x)
        return s

    assert ops_of(graph_of(f, 5000)) == [(0, 5000), (5000, 1)]


def test_every_node_comes_after_its_operands(w):
    def f(x, y):
        h = [dot(w[:2], [x, y], w[i]).tanh() for i in range(4)]
        return logsumexp(h) + total(softmax(h)) * x - 2.0

    graph = graph_of(f, 2, batched=True)
    assert all(p < i for i in range(len(graph.ops)) for p in graph.operands(i))
    assert len(graph.batched) == len(graph.origin) == len(graph.parents) == len(graph.ops)


# --- Groups ----------------------------------------------------------------------------------


def sizes(graph):
    return [len(nodes) for nodes in groups(graph)]


def test_nodes_that_are_alike_are_one_group(w):
    graph = graph_of(lambda x: [(v * x).tanh() for v in w], 1)
    assert sizes(graph) == [6, 6]


def test_other_ops_and_other_depths_are_other_groups(w):
    graph = graph_of(lambda x: [(w[0] * x).tanh(), (w[1] * x).exp(), (w[2] * x).exp().exp()], 1)
    assert sorted(sizes(graph)) == [1, 1, 2, 3]


def test_groups_come_after_what_they_need(w):
    graph = graph_of(lambda x: [((v * x).tanh() * w[0] + v).exp() for v in w], 1)
    done = {i for i, op in enumerate(graph.ops) if op is None}
    for nodes in groups(graph):
        assert all(p in done for i in nodes for p in graph.operands(i))
        done.update(nodes)
    assert len(done) == len(graph.ops)


def test_numbers_that_vary_are_grouped_apart_from_those_that_do_not(w):
    graph = graph_of(lambda x: [w[0].exp(), x.exp()], 1, batched=True)
    assert sizes(graph) == [1, 1]
    assert sizes(graph_of(lambda x: [w[0].exp(), x.exp()], 1)) == [2]


# --- Factor ----------------------------------------------------------------------------------


def program_of(f, n=0, *, batched=False):
    graph = graph_of(f, n, batched=batched)
    return lay_out(graph, groups(graph))


def blocks_of(program):
    return [s.out.shape for s in program.steps if isinstance(s, Product)]


def test_a_full_cross_product_is_a_matrix_product():
    draw = Draw(0)
    W, X = draw.matrix(3, 4, "W"), draw.matrix(5, 4, "X")
    program = program_of(lambda: [dot(row, x) for row in W for x in X])
    assert [sorted(shape) for shape in blocks_of(program)] == [[1, 3, 5]]
    assert len(program.steps) == 1


def test_blocks_of_one_shape_are_one_step():
    draw = Draw(1)
    pairs = [(draw.matrix(2, 3, "W"), draw.matrix(2, 3, "X")) for _ in range(4)]
    program = program_of(lambda: [dot(row, x) for W, X in pairs for row in W for x in X])
    assert blocks_of(program) == [(4, 2, 2)]


def test_pairs_that_share_nothing_are_a_row_of_dot_products():
    draw = Draw(2)
    W, X = draw.matrix(5, 3, "W"), draw.matrix(5, 3, "X")
    program = program_of(lambda: [dot(row, x) for row, x in zip(W, X, strict=True)])
    assert blocks_of(program) == [(5, 1, 1)]


def test_a_triangle_is_computed_whole_and_less_than_half_is_not():
    draw = Draw(3)
    W, X = draw.matrix(6, 3, "W"), draw.matrix(6, 3, "X")
    triangle = program_of(lambda: [dot(W[i], X[j]) for i in range(6) for j in range(i + 1)])
    assert blocks_of(triangle) == [(1, 6, 6)]
    half = [(i, (i + j) % 6) for i in range(6) for j in range(3)]
    assert blocks_of(program_of(lambda: [dot(W[i], X[j]) for i, j in half])) == [(1, 6, 6)]
    edge = [(0, j) for j in range(6)] + [(i, 0) for i in range(1, 6)] + [(1, 1), (2, 2)]
    sparse = program_of(lambda: [dot(W[i], X[j]) for i, j in edge])
    assert blocks_of(sparse) == [(13, 1, 1)]


def test_sums_of_different_lengths_are_different_products():
    draw = Draw(4)
    W = draw.matrix(4, 4, "W")
    program = program_of(lambda *x: [dot(row[:k], x[:k]) for row in W for k in (3, 4)], 4)
    assert len(program.steps) == 2


# --- Lay out ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("index", "strides"),
    [
        ([3], (0,)),
        ([3, 4, 5], (1,)),
        ([7, 7, 7], (0,)),
        ([0, 4, 8], (4,)),
        ([[0, 1], [10, 11]], (10, 1)),
        ([[0, 1], [0, 1]], (0, 1)),
        ([[[0, 3]], [[1, 4]]], (1, 0, 3)),
        ([0, 1, 3], None),
        ([2, 1, 0], None),
        ([[0, 1], [2, 4]], None),
    ],
)
def test_cells_are_read_by_strides_where_they_can(index, strides):
    cells = cells_at(np.array(index), batched=False)
    assert cells.strides == strides
    assert cells.cells.tolist() == index
    assert cells.gradient.cells.tolist() == index


def test_a_perceptron_needs_no_gather():
    model = MLP(3, [5, 4, 2], activation="tanh", seed=0)
    program = compile(lambda x: logsumexp(model(x)), batched=True)
    program([[0.0, 1.0, 2.0]])
    for step in steps(program):
        for source in read_by(step):
            assert isinstance(source, Numbers) or source.strides is not None


def test_a_convolution_reads_its_image_by_strides():
    kernel = Draw(5).matrix(2, 2, "K")

    def f(image):
        return total(
            [
                sum(kernel[a][b] * image[i + a][j + b] for a in range(2) for b in range(2)).tanh()
                for i in range(4)
                for j in range(4)
            ]
        )

    program = compile(f)
    program(np.ones((5, 5)))
    (product,) = [step for step in steps(program) if isinstance(step, Product)]
    assert product.left.strides is not None


@pytest.mark.parametrize("rows_first", [False, True])
def test_results_are_in_the_order_in_which_they_were_recorded(rows_first):
    draw = Draw(6)
    W, X = draw.matrix(3, 4, "W"), draw.matrix(5, 4, "X")
    pairs = [(w, x) for w in W for x in X] if rows_first else [(w, x) for x in X for w in W]
    _, power, added = program_of(lambda: total([dot(w, x).exp() for w, x in pairs])).steps
    assert power.operands[0].strides == power.out.strides == (1,)
    assert added.terms.strides == (0, 1)


def test_a_product_reads_its_factors_by_strides_in_whatever_order_it_was_recorded():
    draw = Draw(7)
    W, X = draw.matrix(3, 4, "W"), draw.matrix(5, 4, "X")

    def f():
        first = total([v * v for matrix in (W, X) for row in matrix for v in row])
        return [first, *[dot(W[i], X[j]) for j in (2, 0, 3, 1, 4) for i in (2, 0, 1)]]

    product = program_of(f).steps[0]
    assert product.left.strides is not None
    assert product.right.strides is not None


def read_by(step):
    if isinstance(step, Apply):
        return step.operands
    if isinstance(step, Total):
        return [step.terms, *([step.base] if step.base else [])]
    return [step.left, step.right, *step.terms]


def test_no_cell_is_given_out_twice(w):
    def f(x, y):
        h = [dot(w[:2], [x, y], w[i]).tanh() for i in range(4)]
        return total(softmax(h)) + logsumexp([x, y, w[0]]) * 2.0

    program = program_of(f, 2, batched=True)
    for batched, size in ((False, program.fixed), (True, program.batched)):
        written = [s.out.cells.ravel() for s in program.steps if s.out.batched is batched]
        cells = np.concatenate(written) if written else np.zeros(0, int)
        assert len(np.unique(cells)) == len(cells)
        assert all(0 <= cell < size for cell in cells)


# --- Backward --------------------------------------------------------------------------------


def test_a_matrix_product_is_two_backward():
    model = MLP(4, [3, 2], activation="tanh", seed=0)
    program = compile(lambda x: logsumexp(model(x)), batched=True)
    program.prepare(np.ones((2, 4)))
    for inputs, expected in ((False, 3), (True, 2)):  # no gradient of x, or none of the weights
        instructions = backward(program.latest.program, inputs=inputs)
        assert sum(isinstance(i, Contract) for i in instructions) == expected


def test_what_has_no_parameters_has_no_backward():
    assert backward(program_of(lambda x: (x * x).exp() * x, 1)) == []


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
    names |= {
        "tanh": np.tanh,
        "step": lambda a: np.heaviside(a, 0.0),
        "logsumexp": lambda a: np.log(np.exp(a).sum(0, keepdims=True)),
        "softmax": lambda a: np.exp(a) / np.exp(a).sum(0),
        "shares": lambda a: a.sum(0, keepdims=True),
        "sum": lambda a: a.sum(1, keepdims=True),
        "mean": np.mean,
        "dot": lambda a, b: (a * b).sum(0, keepdims=True) if a.shape == b.shape else a @ b,
    }
    for line in [*forward_lines(program), *backward_lines(program)]:
        name, formula = re.fullmatch(r"(\S+) \+?= (.+?)( \d+( × \w+)*)?", line).group(1, 2)
        formula = re.sub(r"(\w+) · (\w+)", r"dot(\1, \2)", formula)
        formula = formula.replace("1/n", f"(1 / {n})").replace("ᵀ", ".T").replace("∇", "d")
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


def test_a_classifier_reads_as_the_textbook():
    model = MLP(2, [3, 3], activation="tanh", seed=0)
    program = compile(lambda x, y: losses.cross_entropy(model(x), y), batched=True)
    program.prepare([[0.0, 1.0]], [[1.0, 0.0, 0.0]])
    assert str(program) == read_as("""
        21 parameters, 5 inputs, n examples
          forward
            v1 = shares(y)                1 × n
            z1 = W1 @ x + b1              3 × n
            a1 = tanh(z1)                 3 × n
            v4 = y / v1                   3 × n
            z2 = W2 @ a1 + b2             3 × n
            v6 = logsumexp(z2)            1 × n
            v7 = v4 · z2                  1 × n
            v8 = v6 - v7                  1 × n
            value = mean(v8)
          backward
            ∇z2 = -1/n * v4               3 × n
            ∇z2 += softmax(z2) * 1/n      3 × n
            ∇W2 = ∇z2 @ a1ᵀ               3 × 3
            ∇a1 = W2ᵀ @ ∇z2               3 × n
            ∇b2 = sum(∇z2)                3
            ∇z1 = (1 - (a1 * a1)) * ∇a1   3 × n
            ∇W1 = ∇z1 @ xᵀ                3 × 2
            ∇b1 = sum(∇z1)                3
        """)


def test_a_whole_data_set_has_its_examples_in_rows():
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
            v1 = θ · θ                    1
            z1 = constants @ W1ᵀ + b1     4 × 3
            a1 = tanh(z1)                 12
            z2 = a1 @ W2 + b2 + -1        4
            a2 = z2**2                    4
            v6 = sum(a2)                  1
            v7 = v6 / 4                   1
            v8 = 0.001 · v1 + v7          1
            value = v8
          backward
            ∇v6 = 1 / 4                   1
            ∇a2 = ∇v6                     4
            ∇z2 = (2 * z2**1) * ∇a2       4
            ∇W2 = a1ᵀ @ ∇z2               3
            ∇a1 = ∇z2 @ W2ᵀ               4 × 3
            ∇b2 = sum(∇z2)                1
            ∇z1 = (1 - (a1 * a1)) * ∇a1   12
            ∇W1 = ∇z1ᵀ @ constants        3 × 2
            ∇b1 = sum(∇z1)                3
            ∇θ += 0.002 * θ               13
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
            v1 = exp(x)                               1 × n
            speed = w[0] * v1                         1 × n
            v3 = w[1:4] * speed                       3 × n
            h = tanh(v3)                              3 × n
            v5 = h[2] * c                             1 × n
            v6 = maximum(h[0], h[1])                  1 × n
            v7 = maximum(v6, v5)                      1 × n
            value = mean(v7)
          backward
            ∇v6 = (1 - (step(v5 - v6))) * 1/n         1 × n
            ∇v5 = (step(v5 - v6)) * 1/n               1 × n
            ∇h[0] = (1 - (step(h[1] - h[0]))) * ∇v6   1 × n
            ∇h[1] = (step(h[1] - h[0])) * ∇v6         1 × n
            ∇h[2] = c * ∇v5                           1 × n
            ∇c = sum(h[2] * ∇v5)                      1
            ∇v3 = (1 - (h * h)) * ∇h                  3 × n
            ∇w[1:4] = sum(speed * ∇v3)                3
            ∇speed = sum(w[1:4] * ∇v3)                1 × n
            ∇w[0] = sum(v1 * ∇speed)                  1
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
            v1 = w[0] * x                                                1
            v2 = exp(x)                                                  1
            v3 = x**2                                                    1
            v4 = sin(w[3:5])                                             2
            v5 = w[1] * v2                                               1
            v6 = v3 ** w[2]                                              1
            v7 = logsumexp(v1, v5)                                       1
            v8 = constants · v4 + v7 + v6                                1
            value = v8
          backward
            ∇v4 = constants                                              2
            ∇v1 = (exp(v1 - v7)) / (total(exp(v1 - v7), exp(v5 - v7)))   1
            ∇v5 = (exp(v5 - v7)) / (total(exp(v1 - v7), exp(v5 - v7)))   1
            ∇w[2] = xlogy(v6, v3)                                        1
            ∇w[1] = v2 * ∇v5                                             1
            ∇w[3:5] = cos(w[3:5]) * ∇v4                                  2
            ∇w[0] = x * ∇v1                                              1
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
            v1 = U[0,0] * xs[0]                     1 × n
            v2 = U[…] · xs[0:2]                     1 × n
            v3 = U[…] · xs                          1 × n
            v4 = exp(w)                             3
            v5 = sum(v4)                            1
            v6 = tanh([v1, v2, v3])                 3 × n
            v7 = sum(v6) + v5                       1 × n
            value = mean(v7)
          backward
            ∇[v1, v2, v3] = (1 - (v6 * v6)) * 1/n   3 × n
            ∇w = v4                                 3
            ∇U[…] = ∇v3 @ xsᵀ                       3
            ∇U[…] = ∇v2 @ xs[0:2]ᵀ                  2
            ∇U[0,0] = sum(xs[0] * ∇v1)              1
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


@pytest.mark.parametrize("f", PRINTED.values(), ids=PRINTED)
@pytest.mark.parametrize("batched", [False, True])
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
        "v2 = tanh(v1) 1",
        "v3 = [w, θ, xs[1]] · [xs[0], constants, v2] 1",
        "value = v3",
    ]


def test_slopes_of_one_minus_one_and_zero_are_no_products(w):
    program = compile(lambda x: ((w[0] * x).exp() - (w[1] * x).step() * w[2]).tanh())
    program.prepare(1.0)
    assert backward_lines(program) == [
        "∇v5 = 1 - (v6 * v6) 1",
        "∇v2 = ∇v5 1",
        "∇v4 = neg(∇v5) 1",
        "∇v3 = w[2] * ∇v4 1",
        "∇w[2] = v3 * ∇v4 1",
        "∇v1[0] = v2 * ∇v2 1",
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
        "v2 = exp(z[1]) 1",
        "v3 = z[0] * v2 1",
        "value = v3",
    ]


# --- Run -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("letters", "how"),
    [
        ("rk,ck->cr", "matmul"),
        ("rk,kb->rb", "matmul"),
        ("rkb,kb->rb", "matmul"),
        ("nrkb,nkb->nrb", "matmul"),
        ("nrkb,nckb->ncrb", "matmul"),
        ("rb,kb->rk", "matmul"),
        ("ck,k->c", "matmul"),
        ("b,kb->k", "matmul"),
        ("k,k->", "matmul"),
        ("r,k->rk", "multiply"),
        ("rb,b->rb", "multiply"),
        ("kb,kb->b", "multiply_and_add"),
        ("rb,k->rk", "einsum"),
        ("nrk,k->nr", "einsum"),
        ("k,nck->nc", "einsum"),
        ("kb,kb->", "einsum"),
        ("crb,ckb->rk", "einsum"),
    ],
)
def test_a_sum_of_products_is_a_matrix_product_where_it_can_be(letters, how):
    sizes = dict(zip("nrckb", (2, 3, 4, 5, 6), strict=True))
    names = re.split(",|->", letters)
    left, right, out = [Draw().data(*[sizes[c] for c in name]) for name in names]
    call = contract(names, left, right, out)
    call()
    assert (call.func.__name__ if isinstance(call, partial) else "multiply_and_add") == how
    np.testing.assert_allclose(out, np.einsum(letters, left, right), rtol=1e-13)


# --- Reading the table -----------------------------------------------------------------------


@pytest.mark.parametrize("op", OPS, ids=lambda op: op.name)
def test_every_row_of_the_table_can_be_printed(op):
    ps = [Value(0.7 + 0.1 * i, f"p{i}") for i in range(5)]
    count = arities(op)[:4][-1]
    program = compile(lambda x: op(*ps[: count - 1], x).tanh(), batched=True)
    program([0.9])
    assert forward_lines(program)


def test_an_op_of_many_operands_is_one_step_on_rows(w):
    norm = Op(
        "norm",
        lambda *xs: math.sqrt(sum(x * x for x in xs)),
        lambda z, *xs: tuple([x / z for x in xs]),
        lambda np, *xs: np.sqrt(sum(x * x for x in xs)),
    )
    with on_arrays():
        program = compile(lambda x: norm(*[v * x for v in w]))
        value, slopes = program.value_and_gradient(2.0)
    assert value == pytest.approx(2 * math.sqrt(91), rel=1e-14)
    assert slopes == pytest.approx(
        [2 * v.data / math.sqrt(91) for v in program.parameters], rel=1e-13
    )
    assert len(steps(program)) == 2
    assert shapes(program) == []
    assert sum(isinstance(step, Apply) and step.op is RELU for step in steps(program)) == 0
