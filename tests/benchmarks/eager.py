"""Graphs of Values that are not compiled, beside micrograd's: time and memory of a node."""

import gc
import math
import statistics
from random import Random
from time import perf_counter

from autograd_core import Value, topological
from tests.benchmarks import ours
from tests.benchmarks.measure import Table, alternate, bytes_a_node, collector, digits, has, timed
from tests.benchmarks.micrograd_style import demo_loss, micrograd, micrograd_net, unary
from tests.benchmarks.problems import moons


class Ours:
    """This project: a neuron's weighted sum is one node."""

    name = "autograd-core"
    leaf = Value
    train = staticmethod(ours.eager)

    def loss(self, problem):
        return ours.eager_loss(problem.model(), problem)

    def tanh(self, x):
        return x.tanh()

    def nodes(self, root):
        return len(topological(root))


class Micrograd:
    """micrograd, with tanh, which it lacks, added as in its author's lecture."""

    name = "micrograd"
    train = staticmethod(micrograd)

    def __init__(self):
        import micrograd.engine

        self.leaf = micrograd.engine.Value

    def loss(self, problem):
        return demo_loss(self.leaf, micrograd_net(problem), problem)

    def tanh(self, x):
        t = math.tanh(x.data)
        return unary(x, "tanh", t, 1 - t * t)

    def nodes(self, root):
        seen, todo = {root}, [root]
        while todo:
            for child in todo.pop()._prev:  # noqa: SLF001  micrograd has no other name for it
                if child not in seen:
                    seen.add(child)
                    todo.append(child)
        return len(seen)


def engines():
    """Ours, and micrograd where it is installed."""
    return [Ours(), *([Micrograd()] if has("micrograd") else [])]


def faster(seconds, name):
    """How many times faster than micrograd."""
    return digits(seconds["micrograd"] / seconds[name]) if "micrograd" in seconds else "–"


def training_step(size, **_):
    """The step of W1 on a new graph each time, with the collector and without."""
    problem = moons(size)
    tasks = {engine.name: engine.train(problem).step for engine in engines()}
    on, off = [alternate(tasks, size.repetitions, collect=c) for c in (True, False)]
    rows = []
    for engine in engines():
        nodes = engine.nodes(engine.loss(problem))
        memory = bytes_a_node(lambda: engine.loss(problem), nodes)  # noqa: B023
        times = [f"{seconds[engine.name] * 1e3:.4g}" for seconds in (on, off)]
        ratios = [faster(seconds, engine.name) for seconds in (on, off)]
        rows.append([engine.name, *times, *ratios, f"{nodes:,}", f"{memory:.0f}"])
    yield Table(
        f"Eager: the step of W1 on a graph built for it, {problem.n} moons",
        ["engine", "ms", "collector off", "times faster", "collector off", "nodes", "bytes a node"],
        rows,
        "The target is 20 times faster. autograd-core pauses the cyclic collector around a step, "
        "as fit does.",
    )


def chain(engine, nodes):
    """Each node computed from the one before: + b, * w, tanh, in turns."""
    v, w, b = engine.leaf(0.5), engine.leaf(0.9), engine.leaf(0.1)
    for _ in range(nodes // 3):
        v = engine.tanh((v + b) * w)
    return v


def wide(engine, nodes):
    """Many short expressions tanh(x * w + b), added up pair by pair."""
    rng = Random(0)
    w, b = engine.leaf(0.9), engine.leaf(0.1)
    xs = [engine.leaf(rng.uniform(-1, 1)) for _ in range(nodes // 5)]
    level = [engine.tanh(x * w + b) for x in xs]
    while len(level) > 1:
        pairs = [x + y for x, y in zip(level[::2], level[1::2])]
        level = [*pairs, *level[2 * len(pairs) :]]
    return level[0]


def forward_and_backward(engine, graph, nodes):
    """Seconds to build a graph and to differentiate it; NaN where recursion ends too early."""
    start = perf_counter()
    root = graph(engine, nodes)
    forward = perf_counter() - start
    try:
        return forward, timed(root.backward)
    except RecursionError:
        return forward, math.nan


def median_of_both(graph, size, *, collect):
    """Median seconds forward and backward of each engine, taking turns."""
    found = {engine.name: [] for engine in engines()}
    for _ in range(size.repetitions):
        for engine in engines():
            gc.collect()
            with collector(on=collect):
                found[engine.name].append(forward_and_backward(engine, graph, size.nodes))
    return {name: [statistics.median(s) for s in zip(*both)] for name, both in found.items()}


def scalar_nodes(size, **_):
    """W4: big graphs of +, * and tanh, a deep one and a wide one."""
    rows = []
    for graph in (chain, wide):
        on, off = (median_of_both(graph, size, collect=c) for c in (True, False))
        for engine in engines():
            nodes = engine.nodes(graph(engine, size.nodes))
            times = [*on[engine.name], *off[engine.name]]
            memory = bytes_a_node(lambda: graph(engine, size.nodes), nodes)  # noqa: B023
            name = f"{graph.__name__}, {engine.name}"
            rows.append([name, *[nanoseconds(t, nodes) for t in times], f"{memory:.0f}"])
    yield Table(
        f"W4: {size.nodes:,} scalar nodes (+, *, tanh), ns a node",
        ["graph", "forward", "backward", "forward, collector off", "backward", "bytes a node"],
        rows,
        "Bytes are those alive after the forward pass, by tracemalloc; autograd-core's limit is "
        "260. The collector is not paused.",
    )


def nanoseconds(seconds, nodes):
    """Nanoseconds a node."""
    return "RecursionError" if math.isnan(seconds) else f"{seconds / nodes * 1e9:.0f}"
