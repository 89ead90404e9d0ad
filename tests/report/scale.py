"""How time and memory grow with the size of graphs, data and nets: in proportion, nowhere faster.

What is done with a graph, from building it to freeing it, is measured at sizes that grow tenfold,
up to a million nodes; so is training on more examples, and compiling, drawing and saving wider
nets. The growth is the slope of the logarithm of time over that of the size: 1 is in proportion, 2
is a quadratic step. Time is the processor's, of this process alone, with the collector paused as
it is in training.
"""

import gc
import math
import pickle
import sys
import tempfile
import tracemalloc
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from time import process_time

from autograd_core import (
    Value,
    backward_steps,
    compile,
    draw,
    explain,
    gradient,
    to_python,
    topological,
    total,
)
from autograd_core.engine import collector_paused
from nn import MLP, SGD, fit, load, losses, save
from tests.benchmarks.measure import Table, digits

SIZES = (10_000, 100_000, 1_000_000)
SMALL = (1_000, 4_000, 16_000)
TINY = (500, 2_000)  # even the smaller one is too large for a picture
MOST = 1.3  # of a growth; a quadratic step has 2
MOST_AT_THE_END = 1.5  # of one between two sizes, where noise counts for more

# --- Graphs ----------------------------------------------------------------------------------


def chain(n):
    """A leaf, and n - 1 ops one after the other."""
    x = Value(0.5, "x")

    def compute():
        y = x
        for _ in range(n - 1):
            y = y.sin()
        return y

    return x, compute


def wide(n):
    """n / 2 leaves, an op on each, and the sum of them all."""
    xs = [Value(0.5, f"x{i}") for i in range(n // 2)]
    return xs[0], lambda: total([x.sin() for x in xs])


def fan(n):
    """A leaf that is used by n ops, and the sum of them all."""
    x = Value(0.5, "x")
    return x, lambda: total([x.sin() for _ in range(n - 2)])


SHAPES = {
    "A chain: one op after the other": chain,
    "A wide graph: the sum of an op on each of n / 2 leaves": wide,
    "A fan: the sum of n ops on one leaf": fan,
}


def refused(picture):
    """Drawing what is too large for a picture is an error, and a quick one."""
    try:
        picture()
    except ValueError:
        return
    raise AssertionError("a picture of so many nodes was drawn")


def life(shape, n, measure):
    """What `measure` finds of each step in the life of a graph."""
    gc.collect()
    x, compute = shape(n)
    program, held = compile(compute), []
    steps = {
        "build": lambda: held.append(compute()),
        "topological": lambda: topological(held[0]),
        "backward": lambda: held[0].backward(),
        "gradient": lambda: gradient(held[0], x),
        "explain": lambda: str(explain(held[0], x)),
        "backward_steps": lambda: backward_steps(held[0]),
        "draw: refused": lambda: refused(lambda: draw(held[0])),
        "draw by layers: refused": lambda: refused(lambda: draw(held[0], collapse="layer")),
        "to_python": lambda: to_python(held[0]),
        "deepcopy": lambda: deepcopy(held[0]),
        "record and compile": program.prepare,
        "first run": program.value_and_gradient,
        "free": held.clear,
    }
    return {name: measure(step) for name, step in steps.items()}


# --- Data and nets ---------------------------------------------------------------------------


def net(width):
    return MLP(width, [width, 1], activation="tanh", seed=0)


def loss_of(model):
    """The loss of one example."""
    return losses.squared_error(model([0.1] * model.n_in), 0.5)


def train(n, **options):
    X = [[math.sin(i), math.cos(i)] for i in range(n)]
    y = [i % 2 for i in range(n)]
    model = MLP(2, [3, 1], seed=0)
    options = {"loss": losses.mse, "optimizer": SGD(0.01), "epochs": 1, "progress": False} | options
    return lambda: fit(model, X, y, **options)


def eager(n):
    return train(n, compile=False)


def compile_net(width):
    model = net(width)
    program = compile(lambda x, y: losses.squared_error(model(x), y), batched=True)
    return lambda: program.value_and_gradient([[0.1] * width], [0.5])


def compile_visible_products(width):
    model = MLP(width, [width, 1], activation="tanh", seed=0, expand=True)
    program = compile(lambda x, y: losses.squared_error(model(x), y), batched=True)
    return lambda: program.value_and_gradient([[0.1] * width], [0.5])


def compile_chain(n):
    _, compute = chain(n)
    program = compile(lambda z: z * compute(), batched=True)
    return lambda: program.value_and_gradient([1.0, 2.0])


def on_loss(step):
    """A step on the graph of a net's loss."""

    def prepare(width):
        loss = loss_of(net(width))
        loss.backward()
        return lambda: step(loss)

    return prepare


def on_model(step):
    def prepare(width):
        model = net(width)
        return lambda: step(model)

    return prepare


def save_and_load(model):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.json")
        save(model, path)
        load(path)


@dataclass(frozen=True)
class Workload:
    """Something of a size: `prepare(size)` is what to measure; it has `count(size)` things."""

    name: str
    prepare: Callable
    sizes: tuple
    count: Callable = lambda size: size


def weights(width):
    return width * (width + 2) + 1


EXAMPLES, WIDTHS = (1_000, 10_000, 100_000), (16, 64, 256)
WORKLOADS = [
    Workload("fit, examples", train, EXAMPLES),
    Workload("fit in batches of 10, examples", lambda n: train(n, batch_size=10), EXAMPLES),
    Workload("fit without compiling, examples", eager, (100, 1_000, 10_000)),
    Workload("fit, epochs", lambda n: train(100, epochs=n), (10, 100, 1_000)),
    Workload("compile a chain for a batch, ops", compile_chain, (30, 300, 3_000)),
    *[
        Workload(f"{name}, weights", prepare, WIDTHS, weights)
        for name, prepare in {
            "compile a net": compile_net,
            "compile visible products": compile_visible_products,
            "draw a net by layers": on_loss(lambda loss: str(draw(loss, collapse="layer"))),
            "explain a net": on_loss(lambda loss: str(explain(loss, topological(loss)[0]))),
            "to_python of a net": on_loss(to_python),
            "save and load a model": on_model(save_and_load),
            "pickle a model": on_model(lambda model: pickle.loads(pickle.dumps(model))),  # noqa: S301
            "deepcopy a model": on_model(deepcopy),
        }.items()
    ],
]

# --- Measuring -------------------------------------------------------------------------------


def seconds(function):
    """The processor's time for one call, with the collector paused."""
    with collector_paused():
        start = process_time()
        function()
        return process_time() - start


def most_bytes(function):
    """The most memory that one call takes on top of what is there."""
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def calls(function):
    """How many calls of functions one call makes, Python's own among them: the same every time."""
    count = 0

    def note(frame, event, argument):
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        function()
    finally:
        sys.setprofile(None)
    return count


def fewest(findings):
    """The least of every step's findings: what comes on top is noise."""
    first, *_ = findings
    return {name: min(found[name] for found in findings) for name in first}


@dataclass(frozen=True)
class Growth:
    """What was found at each size."""

    sizes: tuple
    found: tuple

    @property
    def logarithms(self):
        pairs = zip(self.sizes, self.found, strict=True)
        return [(math.log(n), math.log(y)) for n, y in pairs if y > 0]

    @property
    def slope(self):
        """Of the line through the logarithms, by least squares."""
        points = self.logarithms
        mean_x, mean_y = [sum(axis) / len(points) for axis in zip(*points, strict=True)]
        rise = sum((x - mean_x) * (y - mean_y) for x, y in points)
        return rise / sum((x - mean_x) ** 2 for x, _ in points)

    @property
    def at_the_end(self):
        """The slope from the last size but one: overhead hides less there."""
        *_, (x, y), (last_x, last_y) = self.logarithms
        return (last_y - y) / (last_x - x)

    @property
    def shown(self):
        return [f"{self.slope:.2f}", f"{self.at_the_end:.2f}"]

    def each(self, unit):
        """What was found for each of the things."""
        return [digits(y / n / unit) for n, y in zip(self.sizes, self.found, strict=True)]


def graphs(shape, sizes, measure, repetitions=3):
    """By step, its growth over graphs of these sizes; the largest ones are measured once."""
    found = []
    for n in sizes:
        turns = repetitions if n <= 20_000 else 1
        found.append(fewest([life(shape, n, measure) for _ in range(turns)]))
    growths = {name: Growth(sizes, tuple([at[name] for at in found])) for name in found[0]}
    return {name: growth for name, growth in growths.items() if any(growth.found)}


def workload(work, sizes, measure, repetitions=3):
    """The growth of a workload over these sizes."""
    found = [min(measure(work.prepare(size)) for _ in range(repetitions)) for size in sizes]
    return Growth(tuple(map(work.count, sizes)), tuple(found))


# --- Tables ----------------------------------------------------------------------------------


def tables(sizes=SIZES):
    """Time and memory for each node of a graph, example or weight, at three sizes."""
    for title, shape in SHAPES.items():
        yield table(f"{title}, ns a node", sizes, graphs(shape, sizes, seconds), 1e-9)
        memory = graphs(shape, SMALL, most_bytes, 1)
        yield table(f"{title}, bytes a node at the most", SMALL, memory, 1)
    rows = []
    for work in WORKLOADS:
        time = workload(work, work.sizes, seconds)
        memory = workload(work, work.sizes[:2], most_bytes, 1)
        sizes_shown = ", ".join(f"{n:,}" for n in time.sizes)
        rows.append([work.name, sizes_shown, *time.each(1e-6), *time.shown, memory.shown[1]])
    columns = ["of", "sizes", "µs each, first", "second", "third", *GROWTH, "of memory"]
    yield Table("Data and nets", columns, rows)


def table(title, sizes, growths, unit):
    rows = [[name, *growth.each(unit), *growth.shown] for name, growth in growths.items()]
    return Table(title, ["step", *[f"{n:,}" for n in sizes], *GROWTH], rows)


GROWTH = ["growth", "at the end"]
