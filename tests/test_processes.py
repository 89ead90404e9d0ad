"""Threads, processes and copies: each trains its own model to the same bits as alone."""

import copy
import gc
import math
import multiprocessing
import os
import pickle
import re
import signal
import sys
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograd_core import OPS, Op, Value, compile, dot, gradient, softmax, topological
from autograd_core.engine import COS, RECORDERS, collector_paused, leaky, power
from autograd_core.pickling import IN_ORDER
from nn import ACTIVATIONS, LOSSES, MLP, SGD, Adam, datasets, fit, losses
from nn.model.init import INITS
from nn.schedules import SCHEDULES, cosine, warm_up
from tests.rows import over
from tests.strategies import expressions
from tests.test_table import CUBE

MILLION = 1_000_000
MOONS = datasets.moons(n=12, seed=0)


def train(model, optimizer=None, **options):
    options = {"epochs": 5, "batch_size": 5, "seed": 1, "progress": False} | options
    return fit(model, *MOONS, loss=losses.mse, optimizer=optimizer or Adam(0.05), **options)


def bits(model):
    return [p.data.hex() for p in model.parameters()]


def trained(seed, compiled):
    """The bits of a model that was trained from a seed, and of the losses on the way."""
    model = MLP(2, [4, 1], activation="tanh", seed=seed)
    history = train(model, compile=compiled)
    return bits(model), [loss.hex() for loss in history.loss]


compiled_or_not = pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "eager"])

# --- Threads ---------------------------------------------------------------------------------


@pytest.fixture
def eager_to_switch():
    """Threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def at_once(*tasks):
    """The results of tasks that start together, each in a thread."""
    start = threading.Barrier(len(tasks))

    def run(task):
        start.wait()
        return task()

    with ThreadPoolExecutor(len(tasks)) as threads:
        return [future.result() for future in [threads.submit(run, task) for task in tasks]]


@pytest.mark.parametrize("kinds", [(True, True), (False, False), (True, False, True, False)])
def test_threads_train_to_the_same_bits_as_alone(kinds, eager_to_switch):
    alone = [trained(seed, compiled) for seed, compiled in enumerate(kinds)]
    tasks = [
        lambda i=i, compiled=compiled: trained(i, compiled) for i, compiled in enumerate(kinds)
    ]
    for _ in range(3):
        assert at_once(*tasks) == alone
    assert not RECORDERS
    assert gc.isenabled()


def test_a_thread_computes_while_another_records(eager_to_switch):
    def record():
        w = Value(3.0)
        for _ in range(20):
            (slope,) = compile(lambda x: (w * x).tanh() + x * w).value_and_gradient(0.5)[1]
        return float(slope)

    def compute():
        found = set()
        for _ in range(300):
            w = Value(3.0)
            y = (w * 0.5).tanh() + 0.5 * w
            y.backward()
            found.add((float(y), y > 1, w.grad))
        return found

    (slope, found) = at_once(record, compute)
    assert len(found) == 1
    assert slope == pytest.approx(found.pop()[2], rel=1e-15)


@pytest.mark.parametrize("on", [True, False], ids=["collector on", "and off"])
def test_pauses_of_the_collector_may_overlap_in_any_order(on):
    (gc.enable if on else gc.disable)()
    try:
        for first, second in [("a", "b"), ("b", "a")]:
            pauses = {"a": collector_paused(), "b": collector_paused()}
            pauses["a"].__enter__()
            pauses["b"].__enter__()
            assert not gc.isenabled()
            pauses[first].__exit__(None, None, None)
            pauses[second].__exit__(None, None, None)
            assert gc.isenabled() == on
    finally:
        gc.enable()


def test_a_function_may_be_decorated_to_run_without_the_collector():
    assert gc.isenabled()
    assert not collector_paused()(gc.isenabled)()
    assert gc.isenabled()


def test_a_pause_that_ends_just_when_another_begins_leaves_the_collector_on(monkeypatch):
    def isenabled():
        gc.enable()  # another thread's pause ends right after the look
        return False

    monkeypatch.setattr("autograd_core.engine.gc.isenabled", isenabled)
    gc.disable()
    try:
        with collector_paused():
            pass
        monkeypatch.undo()
        assert gc.isenabled()
    finally:
        gc.enable()


# --- Processes -------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # of a process that has threads
@pytest.mark.parametrize(
    "method", ["spawn", "fork", pytest.param("forkserver", marks=pytest.mark.slow)]
)
def test_processes_train_to_the_same_bits_as_this_one(method):
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"there is no {method} on this system")
    alone = [trained(0, True), trained(1, False)]
    with ProcessPoolExecutor(2, multiprocessing.get_context(method)) as processes:
        assert list(processes.map(trained, [0, 1], [True, False])) == alone


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # of a process that has threads
def test_a_program_that_a_thread_runs_at_a_fork_runs_in_the_new_process():
    inside, goes_on = threading.Event(), threading.Event()

    def wait(np, x):
        inside.set()
        goes_on.wait()
        return x + 0.0

    slow = Op("slow", lambda x: x, lambda z, x: (1.0,), wait)
    program = compile(lambda x: slow(x) * x, batched=True, executor="numpy")
    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(program, [2.0])
        inside.wait()
        child = os.fork()
        if not child:
            signal.alarm(5)  # ends it, if it waits for the thread that it has not
            goes_on.set()
            os._exit(program([3.0]) != 9.0)
        goes_on.set()
        assert os.waitpid(child, 0)[1] == 0
        assert found.result() == 4.0


def train_further(model, optimizer, loss):
    fit(model, *MOONS, loss=loss, optimizer=optimizer, epochs=3, progress=False)
    return model, optimizer


@pytest.fixture(scope="module")
def another_process():
    """One that is started anew; it takes half a second."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as processes:
        yield processes


def test_a_model_its_optimiser_and_its_loss_travel_to_a_process_and_back(another_process):
    model, optimizer = MLP(2, [4, 1], seed=0), Adam(0.05)
    train(model, optimizer)
    model(MOONS[0][0]).backward()
    there = another_process.submit(train_further, model, optimizer, losses.mse)
    returned, its_optimizer = there.result()
    train_further(model, optimizer, losses.mse)
    assert bits(returned) == bits(model)
    assert [its_optimizer.state[p] for p in returned.parameters()] == [
        optimizer.state[p] for p in model.parameters()
    ]
    train_further(returned, its_optimizer, losses.mse)
    train_further(model, optimizer, losses.mse)
    assert bits(returned) == bits(model)


# --- Copies of models and programs -----------------------------------------------------------


def pickled(thing):
    return pickle.loads(pickle.dumps(thing))  # noqa: S301


copies = pytest.mark.parametrize("copied", [pickled, copy.deepcopy], ids=["pickle", "deepcopy"])


@copies
@over("activation", [*ACTIVATIONS])
@over("output", ["linear", "softmax"])
@over("expand", [True, False])
def test_a_copy_of_a_model_is_the_same_and_its_own(copied, activation, output, expand):
    options = {"activation": activation, "output": output, "expand": expand, "seed": 0}
    model = MLP(2, [3, 2], **options)
    expected = [y.data.hex() for y in model([0.5, -1.0])]
    twin = copied(model)
    assert repr(twin) == repr(model)
    assert [y.data.hex() for y in twin([0.5, -1.0])] == expected
    assert [p.label for p in twin.parameters()] == [p.label for p in model.parameters()]
    for p in twin.parameters():
        p.data += 1
    assert [y.data.hex() for y in model([0.5, -1.0])] == expected


@over("row", [*LOSSES.values(), *INITS.values(), *SCHEDULES.values()])
def test_a_row_of_a_table_is_pickled_by_its_name(row):
    assert pickled(row) is row


def test_a_schedule_goes_along_with_its_optimiser():
    optimizer = SGD(warm_up(cosine(0.5, steps=8), 3))
    twin = pickled(optimizer)
    assert [twin.rate(i) for i in range(12)] == [optimizer.rate(i) for i in range(12)]


@copies
def test_a_copy_of_a_model_leaves_the_graph_of_the_latest_call_behind(copied):
    model = MLP(2, [3, 1], seed=0)
    model([0.5, -1.0])
    twin = copied(model)
    assert [(layer.pre_activations, layer.activations) for layer in twin.layers] == [([], [])] * 2
    assert len(model.layers[0].activations) == 3


@copies
@compiled_or_not
def test_a_copy_of_a_model_trains_to_the_same_bits(copied, compiled):
    model = MLP(2, [4, 1], seed=0)
    twin = copied(model)
    train(model, compile=compiled)
    train(twin, compile=compiled)
    assert bits(twin) == bits(model)


@copies
def test_a_weight_that_neurons_share_is_shared_in_the_copy(copied):
    model = MLP(2, [2, 1], seed=0)
    first, second = model.layers[0].neurons
    second.w = first.w
    twin = copied(model)
    assert twin.layers[0].neurons[0].w[0] is twin.layers[0].neurons[1].w[0]


@copies
@pytest.mark.parametrize("called", [True, False])
def test_a_copy_of_a_program_computes_the_same_from_parameters_of_its_own(copied, called):
    model = MLP(2, [3, 1], seed=0)
    program = compile(model, batched=True)
    X = np.array(MOONS[0])
    if called:
        program(X)
    twin = copied(program)
    value, slopes = program.value_and_gradient(X)
    copied_value, copied_slopes = twin.value_and_gradient(X)
    assert value == copied_value
    assert slopes.tobytes() == copied_slopes.tobytes()
    assert not set(twin.parameters) & set(program.parameters)


def test_a_copy_of_a_program_of_a_function_shares_what_the_function_uses():
    w = Value(3.0)
    program = compile(lambda x: w * x)
    assert program(2.0) == 6
    assert copy.deepcopy(program)(2.0) == 6
    assert pickle.dumps(compile(trained))  # a function is pickled by its name
    twin = copy.deepcopy(program)
    twin(2.0)
    assert twin.parameters == [w]


@over("loss", LOSSES)
@copies
def test_a_loss_is_copied_by_its_name(copied, loss):
    assert copied(loss) is loss


# --- Copies of Values ------------------------------------------------------------------------


@given(expressions())
def test_a_deep_copy_of_a_graph_is_the_same_and_its_own(expression):
    leaves, root = expression.graph()
    root.backward()
    leaf_copies, twin = copy.deepcopy((leaves, root))
    order, copied = topological(root), topological(twin)
    place = {v: i for i, v in enumerate(order)}
    place_of_copy = {v: i for i, v in enumerate(copied)}
    assert not set(order) & set(copied)
    assert all(v in place_of_copy for v in leaf_copies if place.get(v))
    for v, w in zip(order, copied, strict=True):
        assert (w.data.hex(), w.grad.hex(), w.label) == (v.data.hex(), v.grad.hex(), v.label)
        assert w.op is v.op
        assert w.partials == v.partials
        assert [place_of_copy[p] for p in w.parents] == [place[p] for p in v.parents]
    before = [v.grad for v in leaves]
    twin.backward()
    assert [v.grad for v in leaves] == before


def test_copies_of_one_graph_that_are_made_together_share_it():
    x = Value(0.5)
    y = x.exp()
    z, (y_copy, x_copy) = copy.deepcopy([y * y, (y, x)])
    assert z.parents == (y_copy, y_copy)
    assert y_copy.parents == (x_copy,)


def test_the_gradient_of_a_copy_has_a_history_too():
    leaf = Value(0.5)
    x, y = copy.deepcopy((leaf, softmax([leaf, dot([leaf], [leaf])])[0]))
    (slope,) = gradient(y, x)
    assert gradient(slope, x)[0].data != 0


@pytest.mark.parametrize("n", [30_000, pytest.param(MILLION, marks=pytest.mark.slow)])
def test_a_deep_graph_is_copied(n):
    x = y = Value(1.5)
    with collector_paused():
        for _ in range(n):
            y = -y
        x_copy, y_copy = copy.deepcopy((x, y))
        y_copy.backward()
    assert (y_copy.data, x_copy.grad, x.grad) == (y.data, (-1.0) ** n, 0)


@pytest.mark.slow
def test_the_nodes_of_a_graph_are_copied_once_each():
    n = 30_000  # where a walk from each would take minutes
    nodes = [Value(1.5)]
    for _ in range(n):
        nodes.append(-nodes[-1])
    copies = copy.deepcopy(nodes)
    assert len(set(copies)) == n + 1
    assert all(after.parents == (before,) for before, after in pairwise(copies))


@over("op", OPS)
def test_there_is_one_of_each_op(op):
    assert copy.deepcopy(op) is op


@over("op", [*OPS, power(1 / 3), leaky(0.3), CUBE])
def test_an_op_is_pickled_by_its_name(op):
    assert pickled(op) is op


def test_an_op_without_a_name_in_its_module_is_not_pickled_and_says_so():
    for op in (replace(CUBE), replace(power(2.0)), Op("mine", math.sin, COS.partials, "sin")):
        for thing in (op, op(Value(1.5))):
            with pytest.raises(
                TypeError, match=rf"op {re.escape(op.name)} cannot be pickled.* no name"
            ):
                pickle.dumps(thing)


@given(expressions(), st.data())
def test_a_pickled_graph_is_the_same_with_whatever_shares_it(expression, data):
    leaves, root = expression.graph()
    root.backward()
    order = topological(root)
    inner = data.draw(st.sampled_from(order))
    first, leaf_copies, inner_copy, twin = pickled((inner, leaves, inner, root))
    copied = topological(twin)
    assert first is inner_copy is copied[order.index(inner)]
    for v, w in zip(order, copied, strict=True):
        assert (w.data.hex(), w.grad.hex(), w.label) == (v.data.hex(), v.grad.hex(), v.label)
        assert w.op is v.op
        assert w.partials == v.partials
    assert [v in copied for v in leaf_copies] == [v in order for v in leaves]


def test_a_graph_travels_to_a_process_and_back(another_process):
    x = Value(0.5, "x")
    graph = (CUBE(x) * x**1.5).leaky_relu(0.2)
    y, slopes = another_process.submit(gradient_there, graph).result()
    y.backward()
    assert [v.grad for v in topological(y) if v.label == "x"] == slopes


def gradient_there(y):
    y.backward()
    slopes = [v.grad for v in topological(y) if v.label == "x"]
    for v in topological(y):
        v.grad = 0.0
    return y, slopes


@pytest.mark.parametrize("n", [5000, pytest.param(MILLION // 10, marks=pytest.mark.slow)])
@pytest.mark.parametrize("dumps", [pickle.dumps, pickle._dumps], ids=["C", "Python"])  # noqa: SLF001
def test_a_deep_graph_is_pickled(n, dumps):
    if dumps is not pickle.dumps:
        n = 500
    x = y = Value(1.5)
    for _ in range(n):
        y = -y
    x_copy, y_copy = pickle.loads(dumps((x, y)))  # noqa: S301
    y_copy.backward()
    assert (y_copy.data, x_copy.grad, x.grad) == (y.data, (-1.0) ** n, 0)


def test_pickle_that_fails_inside_a_history_leaves_the_next_as_it_would_be():
    y = Op("mine", math.sin, COS.partials, "sin")(-Value(1.5)) * 2.0
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(y)
    assert not IN_ORDER


@given(st.floats(), st.text(), st.floats())
def test_a_leaf_travels_with_label_and_gradient(data, label, grad):
    leaf = Value(data, label)
    leaf.grad = grad
    twin = pickled(leaf)
    assert (twin.data.hex(), twin.label, twin.grad.hex()) == (data.hex(), label, grad.hex())
