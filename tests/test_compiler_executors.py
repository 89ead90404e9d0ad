"""Memory and executors alone: the numbers of the definition, for any number of examples."""

import itertools
import tracemalloc
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograd_core import Value, compile, dot, logsumexp, mean, softmax, total
from autograd_core.compiler.executors import choose, executor_class
from autograd_core.compiler.executors.contract import Named, contract, sum_of
from autograd_core.compiler.executors.numpy import SIZES, NumPyExecutor
from autograd_core.compiler.gradient import differentiate
from autograd_core.compiler.ir import Compute, Constant, Gather, Leaf, Scatter, needed
from autograd_core.compiler.memory import beside_examples, cells_at, plan, regular
from nn import MLP
from tests.arrays import by_definition, factored
from tests.compiled import EACH, Draw, assert_like_eager
from tests.rows import over

# --- Structures: functions of the six numbers of an example, and their parameters ---------------

DRAW = Draw(1)
MODEL = MLP(6, [4, 3, 1], activation="tanh", seed=0)
W, K, Q = DRAW.matrix(3, 3, "W"), DRAW.matrix(4, 3, "K"), DRAW.matrix(2, 2, "Q")
U, V, P = DRAW.vector(3, "U"), DRAW.vector(3, "V"), DRAW.vector(6, "P")


def perceptron(*xs):
    return MODEL(list(xs)) ** 2


def shared(*xs):
    return total([dot(row, xs[i : i + 3]).tanh() for i in (0, 3) for row in W])


def square_grid(*xs):
    return total([(x + v).tanh() for x in xs for v in P])


def convolution(*xs):
    return mean([dot(k, xs[i : i + 3]).relu() for k in K for i in range(4)])


def recurrence(*xs):
    state, out = [0.0] * 3, []
    for x in xs:
        state = [(dot(row, state) + u * x).tanh() for row, u in zip(W, U, strict=True)]
        out.append(dot(V, state) ** 2)
    return mean(out)


def attention(*xs):
    tokens = [[dot(row, xs[i : i + 2]) for row in Q] for i in (0, 2, 4)]
    out = []
    for i, q in enumerate(tokens):
        share = softmax([dot(q, k) for k in tokens[: i + 1]])
        out += [dot(share, [k[j] for k in tokens[: i + 1]]) for j in (0, 1)]
    return logsumexp(out)


def ragged(*xs):
    picks = [[0, 1, 2], [3], [5, 1], [4, 4, 0, 2]]
    return total([total([xs[i] * P[i] for i in pick]).sin() for pick in picks]) + P[0] * xs[5]


def irregular(*xs):
    places = (0, 5, 3), (1, 0, 1), (3, 2, 2)
    return total([P[i].exp() * (xs[j] * P[k]).tanh() for i, j, k in places])


STRUCTURES = (
    perceptron, shared, square_grid, convolution, recurrence, attention, ragged, irregular
)  # fmt: skip


def prepared(f, *, batched):
    """A function's arrays, those of its result and gradients, and numbers for its leaves."""
    arrays, root = factored(f, 6, batched=batched)
    along = [
        differentiate(arrays.emit, root, leaf).array for leaf in (arrays.parameters, arrays.inputs)
    ]
    results = [root, *along]
    rng = np.random.default_rng(0)
    return needed(arrays.emit.order, results), results, rng.normal(size=arrays.parameters.size)


def numbers(order, results, parameters, rows, n):
    """The results by definition."""
    leaves = {"parameters": parameters, "others": np.zeros(0), "inputs": rows.T if n else rows}
    found = by_definition(order, leaves, n)
    return [found[x] for x in results]


# --- The numbers -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", EACH)
@pytest.mark.parametrize("f", STRUCTURES, ids=lambda f: f.__name__)
def test_an_executor_has_the_numbers_of_the_definition_at_any_size(name, f):
    order, results, parameters = prepared(f, batched=True)
    run = executor_class(name)(order, results).run
    for n in (2, 1, 5, 3, 1, 8):
        rows = np.random.default_rng(n).normal(size=(n, 6))
        found, suspicious, *_ = run(
            {"parameters": [parameters], "inputs": [rows[:, :2], rows[:, 2:]]}, n
        )
        assert not suspicious
        for x, expected in zip(found, numbers(order, results, parameters, rows, n), strict=True):
            np.testing.assert_allclose(x, expected, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("name", EACH)
@pytest.mark.parametrize("f", STRUCTURES, ids=lambda f: f.__name__)
def test_an_executor_has_the_numbers_of_the_definition_without_examples(name, f):
    order, results, parameters = prepared(f, batched=False)
    run = executor_class(name)(order, results).run
    row = np.random.default_rng(1).normal(size=6)
    found, *_ = run({"parameters": [parameters], "inputs": [row]}, None)
    for x, expected in zip(found, numbers(order, results, parameters, row, None), strict=True):
        np.testing.assert_allclose(x, expected, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("name", EACH)
def test_an_executor_says_where_numbers_may_be_wrong(name):
    arrays, root = factored(lambda x: (x * 2.0).log() * 1.0, 1)
    run = executor_class(name)(needed(arrays.emit.order, [root]), [root]).run
    assert not run({"inputs": [np.array([1.0])]}, None).suspicious
    try:
        assert run({"inputs": [np.array([0.0])]}, None).suspicious
    except (ArithmeticError, ValueError):
        return


def test_sizes_of_batches_are_prepared_once_and_the_oldest_forgotten():
    order, results, parameters = prepared(perceptron, batched=True)
    run = NumPyExecutor(order, results)
    for n in [*range(1, SIZES + 3), *range(10, 20)]:
        run.run({"parameters": [parameters], "inputs": [np.ones((n, 6))]}, n)
    assert len(run.prepared) == SIZES
    before = {n: id(calls) for n, calls in run.prepared.items()}
    for n in (19, 12, 19):
        run.run({"parameters": [parameters], "inputs": [np.ones((n, 6))]}, n)
    assert {n: id(calls) for n, calls in run.prepared.items()} == before


def test_an_unknown_executor_is_refused_with_the_names_that_there_are():
    with pytest.raises(
        ValueError, match="no executor 'fortran': known are native, numpy, python, jax"
    ):
        compile(lambda x: x * x, executor="fortran")(1.0)
    with pytest.raises(
        TypeError, match=r"executor is one of 'native', .*, or what makes one, got 0"
    ):
        compile(lambda x: x * x, executor=0)(1.0)


@pytest.mark.parametrize("name", EACH)
def test_the_executor_that_ran_is_named(name):
    program = compile(lambda x: x * x, executor=name)
    assert program(3.0) == 9.0
    assert program.executor == name


def test_the_choice_is_of_the_program():
    def chosen(f, *, batched=False):
        return choose(prepared(f, batched=batched)[0])

    assert chosen(ragged) == "python"
    assert chosen(ragged, batched=True) == "numpy"
    assert chosen(lambda *xs: total([(x * v).tanh() for x in xs for v in xs])) == "numpy"


# --- Memory ----------------------------------------------------------------------------------


@pytest.mark.parametrize("f", STRUCTURES, ids=lambda f: f.__name__)
@over("batched", [False, True])
@over("lying", [beside_examples, lambda order: {}])
def test_cells_are_shared_by_views_and_by_what_is_in_place_alone(f, batched, lying):
    order, results, _ = prepared(f, batched=batched)
    memory = plan(order, results, lying=lying(order))
    shared = set()
    for x in order:
        if isinstance(x, Scatter):
            pieces = zip(x.pieces, memory.in_place[x], strict=True)
            shared.update(operand[0] for (operand, _), there in pieces if there)
        elif isinstance(x, Compute):
            shared.update(y for y in x.reads() if memory.home.get(y) == memory.home[x])
        elif isinstance(x, Gather) and x not in memory.copied:
            shared.add(x)
    taken = [set() for _ in memory.buffers]
    for x, home in memory.home.items():
        cells = set(cells_at(home, x.cells).ravel().tolist())
        assert all(0 <= cell < memory.buffers[home.buffer].size for cell in cells)
        assert memory.buffers[home.buffer].batched is x.batched
        if x not in shared:
            assert len(cells) == x.size
            assert taken[home.buffer].isdisjoint(cells)
            taken[home.buffer] |= cells
    assert {type(x) for x in order if x not in memory.home} <= {Constant}


def test_the_gradient_of_a_perceptron_is_computed_where_it_belongs():
    order, results, _ = prepared(perceptron, batched=True)
    memory = plan(order, results)
    assert isinstance(results[1], Scatter)
    assert all(memory.in_place[results[1]])
    assert not memory.copied


@over(
    ("cells", "strides"),
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
        ([-1, 0], None),
    ],
)
def test_cells_are_read_by_strides_where_they_can(cells, strides):
    home = regular(0, np.array(cells))
    assert (home and home.strides) == strides
    if home:
        assert cells_at(home, np.shape(cells)).tolist() == cells


def test_leaves_that_are_read_together_lie_together():
    emit = factored(lambda x: x, 1)[0].emit
    x, y, z = (emit.leaf(name, 3, batched=False) for name in "xyz")
    both = emit.gather([x, y], np.array([1, 2, 3, 4]), "a")[0]
    root = emit.gather([both, z], np.arange(7), "a")[0]
    memory = plan(needed(emit.order, [root]), [root])
    assert len(memory.buffers) == 1 or root in memory.copied
    assert all(isinstance(leaf, Leaf) for leaf in (x, y, z))


# --- Sums of products ------------------------------------------------------------------------

LETTERS = [
    "rk,ck->cr", "rk,kb->rb", "rkb,kb->rb", "nrkb,nkb->nrb", "nrkb,nckb->ncrb", "rb,kb->rk",
    "ck,k->c", "b,kb->k", "k,k->", "r,k->rk", "rb,b->rb", "kb,kb->b", "rk,ckb->rcb",
    "rcb,ckb->rk", "rcb,rk->ckb", "nrk,nck->nrc", "kcb,kcb->", "rkc,ckb->rb", "nab,nab->n",
]  # fmt: skip


@pytest.mark.parametrize("letters", LETTERS)
@over("length", [1, 2, 5])
def test_a_sum_of_products_is_what_einsum_says_however_the_arrays_lie(letters, length):
    sizes = dict(zip("nrckab", (2, 3, 4, 5, 3, length), strict=True))
    left, right, out = letters.replace("->", ",").split(",")
    rng = np.random.default_rng(0)

    def ways_to_lie(names):
        shape = [sizes[c] for c in names]
        for order in itertools.permutations(range(len(shape))):
            whole = np.asarray(rng.normal(size=[shape[i] for i in order]))
            yield whole.transpose(np.argsort(order))
        gaps = np.asarray(rng.normal(size=[2 * n for n in shape]))
        yield gaps[(*[slice(0, None, 2)] * len(shape), ...)]

    lying = list(itertools.product(*[list(ways_to_lie(names)) for names in (left, right, out)]))
    for x, y, z in lying[:: max(1, len(lying) // 25)]:
        for call in contract(Named(x, left), Named(y, right), Named(z, out)):
            call()
        np.testing.assert_allclose(z, np.einsum(letters, x, y), rtol=1e-12, atol=1e-13)


@over("letters", ["rkb->rb", "kb->b", "rb->r", "rcb->c", "rcb->", "rcb->br"])
@over("length", [1, 2, 5])
def test_a_sum_is_what_einsum_says_however_the_arrays_lie(letters, length):
    sizes = dict(zip("rckb", (3, 4, 5, length), strict=True))
    names, out = letters.split("->")
    for order in itertools.permutations(names):
        whole = np.random.default_rng(0).normal(size=[sizes[c] for c in order])
        x, z = np.einsum(f"{''.join(order)}->{names}", whole), np.empty([sizes[c] for c in out])
        for call in sum_of(Named(x, names), Named(z, out)):
            call()
        np.testing.assert_allclose(z, np.einsum(letters, x), rtol=1e-12, atol=1e-13)


def names_of(calls):
    return [getattr(call.func, "__name__", "reduce") for call in calls]


def calls_of(letters, sizes):
    *operands, out = letters.replace("->", ",").split(",")
    arrays = [np.ones([sizes[c] for c in names]) for names in (*operands, out)]
    found = map(Named, arrays, (*operands, out))
    return names_of((contract if len(operands) == 2 else sum_of)(*found))


def test_a_product_of_matrices_that_lie_well_is_one_call():
    sizes = dict(zip("nrckb", (2, 30, 40, 50, 60), strict=True))
    for letters in ("rk,ck->rc", "rk,kb->rb", "rb,kb->rk", "rk,kcb->rcb", "k,k->"):
        assert calls_of(letters, sizes) == ["dot"]
    assert calls_of("nrk,nck->nrc", sizes) == ["matmul"]


def test_a_sum_along_axes_that_lie_together_is_one_product_with_ones():
    sizes = dict(zip("rckb", (30, 40, 50, 60), strict=True))
    for letters in ("kb->b", "kb->k", "rkb->b", "rkb->kb", "rkb->r"):
        assert calls_of(letters, sizes) == ["dot"]


def test_few_products_are_multiplied_out_rather_than_copied():
    sizes = dict(zip("rckb", (2, 3, 4, 16), strict=True))
    assert calls_of("krb,kcb->rcb", sizes) == ["multiply", "dot"]


def test_many_examples_of_small_products_are_no_stack_of_them():
    sizes = dict(zip("rckb", (8, 64, 16, 128), strict=True))
    assert calls_of("rcb,ckb->rk", sizes)[-1] == "dot"


@pytest.mark.parametrize("positions", [4, 16])
def test_a_layer_that_positions_share_is_one_product_for_all_of_them(positions):
    program = compile(lambda xs: mean([dot(row, x).tanh() for x in xs for row in W]), batched=True)
    program.value_and_gradient(Draw(9).data(8, positions, 3))
    wide = [x for x in program.current().steps if isinstance(x, Compute) and len(x.axes) == 3]
    assert {x.cells for x in wide} == {(3, positions)}


ROWS, AGAIN = DRAW.matrix(5, 4, "R"), DRAW.matrix(3, 5, "A")


def layer_at_positions(x):
    return total([dot(row, x[i : i + 4]).tanh() for i in range(0, 24, 4) for row in ROWS])


def two_layers_at_positions(x):
    hidden = [[dot(row, x[i : i + 4]).tanh() for row in ROWS] for i in range(0, 24, 4)]
    return mean([dot(row, h).sin() for h in hidden for row in AGAIN])


def windows(x):
    return mean([dot(row, x[i : i + 4]).relu() for row in ROWS for i in range(20)])


@pytest.mark.parametrize("f", [layer_at_positions, two_layers_at_positions, windows])
def test_what_products_over_examples_and_positions_read_is_copied_once(f):
    """Columns and examples are one axis in every product, that of the weights' gradient too."""
    program = assert_like_eager(f, Draw(9).data(16, 24), batched=True)
    compiled = program.current()
    program.value_and_gradient(Draw(9).data(16, 24))
    calls = compiled.ready[compiled.vector].executor.prepared[16].calls
    copies = [name for name in names_of(calls) if name in {"copyto", "take"}]
    assert len(copies) == 1
    assert "matmul" not in names_of(calls)  # none is a stack


@pytest.mark.parametrize("n", [1, 7, 8, 9, 17])
def test_examples_are_loaded_right_however_far_apart_they_lie(n):
    """512 numbers fill the pages of memory that a processor's cache cannot tell apart."""
    X = Draw(5).data(n, 512)
    program = compile(lambda x: total([v * v.sin() for v in x]), batched=True)
    assert program(X) == pytest.approx((X * np.sin(X)).sum(axis=1).mean(), rel=1e-12)


def test_a_matrix_product_is_chosen_without_room_for_all_products():
    x, y, z = np.zeros((100, 50)), np.zeros((50, 200)), np.zeros((100, 200))
    tracemalloc.start()
    calls = contract(Named(x, "rk"), Named(y, "kb"), Named(z, "rb"))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(calls) == 1
    assert peak < x.nbytes


def test_values_are_no_part_of_what_is_kept():
    ws = [Value(0.1 * i) for i in range(2000)]
    program = compile(lambda: sum(w * v for w, v in zip(ws[:1000], ws[1000:], strict=True)).tanh())
    program.value_and_gradient()
    assert not hasattr(program.current().recorded.tape, "values")


def test_numbers_that_are_not_needed_at_once_share_their_memory():
    """A deep net forward takes no more memory than two of its layers, and results stay."""
    draw = Draw(2)
    layers = [draw.matrix(8, 8, f"W{k}") for k in range(12)]

    def f(x):
        for layer in layers:
            x = [dot(row, x).tanh() for row in layer]
        return total(x), x

    program = compile(f, batched=True, executor="numpy")
    X = draw.data(5, 8)
    value, last = program(X)
    executor = program.current().ready[None].executor
    assert sum([space.size for space in executor.spaces if space.batched]) <= 2 * 8
    assert value == pytest.approx(last.sum(axis=1).mean())
    assert_like_eager(lambda x: f(x)[0], X, batched=True)


# --- Biases ------------------------------------------------------------------------------------


def layer(names, inputs, outputs):
    """Weights and biases, by rows; `names` says what comes first in a row."""
    draw = Draw(4)
    rows = [draw.vector(inputs + 1, names) for _ in range(outputs)]
    return [(row[1:], row[0]) if names == "bw" else (row[:-1], row[-1]) for row in rows], rows


def calls_by_name(program):
    """How often a program on NumPy calls each function."""
    (calls,) = program.current().ready[program.current().vector].executor.prepared.values()
    functions = [getattr(call, "func", call) for call in calls.calls]
    return Counter([getattr(function, "__name__", "reduce") for function in functions])


@pytest.mark.parametrize("batched", [False, True])
def test_a_layer_with_its_bias_is_one_product_and_so_are_its_gradients(batched):
    model = MLP(6, [5, 4, 3], seed=0)
    program = compile(lambda x: logsumexp(model(x)), batched=batched, executor="numpy")
    program.value_and_gradient(Draw(1).data(7, 6) if batched else [0.5] * 6)
    called = calls_by_name(program)
    assert called["add"] == 1  # in the logsumexp
    products = called["dot"] + called["matmul"]
    assert products == (3 + 2 + 3 + 1 if batched else 3 + 2 + 1)  # one adds up exponentials


def from_the_bias(w, x, b):
    return sum([u * v for u, v in zip(x, w, strict=True)], b)


ORDERS = {
    "w x + b": lambda w, x, b: dot(w, x) + b,
    "b + w x": lambda w, x, b: b + dot(w, x),
    "x w + b": lambda w, x, b: dot(x, w) + b,
    "b + x w": lambda w, x, b: b + dot(x, w),
    "b + x w, one by one": from_the_bias,
}


@pytest.mark.parametrize("order", ORDERS)
@over("names", ["wb", "bw"])
@over("batched", [False, True])
def test_in_whatever_order_a_layer_is_written_its_bias_takes_no_call(order, names, batched):
    (first, _), (second, _) = layer(names, 6, 5), layer(names, 5, 4)

    def f(x):
        hidden = [ORDERS[order](w, x, b).tanh() for w, b in first]
        return total([ORDERS[order](w, hidden, b).sin() for w, b in second])

    program = compile(f, batched=batched, executor="numpy")
    program.value_and_gradient(Draw(1).data(7, 6) if batched else Draw(1).data(6))
    called = calls_by_name(program)
    assert called["add"] == called["copyto"] == 0
    assert called.total() == (13 if batched else 12)


def tanh_of(rows, xs):
    return [dot(w, xs, b).tanh() for w, b in rows]


def sums_read_again(rows, _, x):
    sums = [(dot(w, x[:3]), b) for w, b in rows]
    return total([(s + b).tanh() * s for s, b in sums])


def beside_inputs(rows, wide, x):
    hidden = tanh_of(rows, x[:3])
    return total(tanh_of(wide, [*hidden, *x[3:6]])) + total([*tanh_of(rows, hidden), *hidden])


def added_to_inputs(rows, wide, x):
    hidden = tanh_of(wide, x[:6])
    return total([u + v for u, v in zip(hidden, tanh_of(rows, hidden), strict=True)])


def of_sums(rows, wide, x):
    sums = [u + v for u, v in zip(tanh_of(wide, x[:6]), x, strict=False)]
    return total(tanh_of(rows, sums)) + total(sums)


def of_some_inputs(rows, _, x):
    return total(tanh_of(rows, x[4:7]))


def of_every_other_input(rows, _, x):
    return total(tanh_of(rows, x[:6:2]))


def of_turned_inputs(rows, _, x):
    return total(tanh_of(rows, x[2::-1]))


def of_parts(rows, _, x):
    return total([v for i in (0, 2, 5) for v in tanh_of(rows, x[i : i + 3])])


def of_one_bias(rows, _, x):
    return total([(dot(w, x[:3]) + rows[0][1]).tanh() for w, _ in rows])


def of_an_example_each(rows, _, x):
    given = zip(rows, x[3::4], strict=True)
    return total([(dot(w, x[:3]) + v).tanh() + b for (w, b), v in given])


def of_others(rows, _, x):
    turned = zip(rows, rows[::-1], strict=True)
    return total([(dot(w, x[:3]) + b).tanh() for (w, _), (_, b) in turned])


def of_its_own_weights(rows, _, x):
    (v, _), *others = rows
    return total(tanh_of(others, v)) * x[0]


LAYERS = (
    sums_read_again, beside_inputs, added_to_inputs, of_sums, of_some_inputs, of_every_other_input,
    of_turned_inputs, of_parts, of_one_bias, of_an_example_each, of_others, of_its_own_weights,
)  # fmt: skip


@pytest.mark.parametrize("f", LAYERS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("batched", [False, True])
def test_biases_among_the_weights_never_take_more_calls(f, batched, monkeypatch):
    (rows, _), (wide, _) = layer("wb", 3, 3), layer("wb", 6, 3)
    X = Draw(1).data(7, 12) if batched else Draw(1).data(12)

    def counted():
        program = compile(lambda x: f(rows, wide, list(x)), batched=batched, executor="numpy")
        program.value_and_gradient(X)
        assert_like_eager(program.f, X, batched=batched, program=program)
        called = calls_by_name(program)
        products, copies = called["dot"] + called["matmul"], called["copyto"] + called["take"]
        return np.array([called.total(), products, copies])

    found = counted()
    monkeypatch.setattr(f"{NumPyExecutor.__module__}.with_biases", lambda *given: given)
    assert (found <= counted()).all()


@given(
    names=st.sampled_from(["wb", "bw"]),
    sizes=st.lists(st.integers(1, 4), min_size=2, max_size=2),
    batches=st.lists(st.integers(1, 6), min_size=1, max_size=4),
    again=st.sampled_from(["", "inputs", "one", "hidden", "bias"]),
)
def test_layers_are_what_they_are_wherever_biases_lie_and_whatever_else_is_read(
    names, sizes, batches, again
):
    (first, rows), (second, others) = layer(names, 3, sizes[0]), layer(names, *sizes)

    def f(x, y):
        given = [y] if again == "bias" else []  # in place of that of the first unit
        biases = [*given, *[b for _, b in first[len(given) :]]]
        hidden = [dot(w, x, b).tanh() for (w, _), b in zip(first, biases, strict=True)]
        out = total([dot(w, hidden, b).sin() * y for w, b in second])
        more = {"inputs": dot(x, x), "one": x[1] * y, "hidden": dot(hidden, hidden) * hidden[0]}
        return out + more.get(again, 0.0)

    wrt = [v for row in rows + others for v in row]
    program = compile(f, batched=True, executor="numpy", wrt=wrt)
    for n in batches:  # which share their memory
        X, y = Draw(n).data(n, 3), Draw(n).data(n)
        assert_like_eager(f, X, y, batched=True, program=program)


@pytest.mark.parametrize("n", [None, 8])
def test_layers_that_share_weights_and_biases_are_what_they_are(n):
    pool = Draw(5).vector(15, "w")
    rows = [pool[2:7], pool[8:13]]
    others = [[*pool[5:9], pool[4]], [*pool[11:15], pool[10]]]
    last = [pool[2:5], pool[5:8], pool[8:11]]

    def f(x, y):
        left = [dot(w, x[0], b) for *w, b in rows]
        right = [dot(w, x[1], b) for *w, b in others]
        hidden = [(a * b).sin() for a, b in zip(left, right, strict=True)]
        return total([dot(w, hidden, b) * y for *w, b in last])

    X, y = (Draw(6).data(n, 2, 4), Draw(7).data(n)) if n else (Draw(6).data(2, 4), 0.5)
    program = compile(f, batched=n is not None, executor="numpy")
    assert_like_eager(f, X, y, batched=n is not None, program=program)
