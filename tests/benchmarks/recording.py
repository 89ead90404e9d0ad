"""Recording a function and lowering it to arrays: seconds and memory, up to the first gradient.

`python -m tests.benchmarks.recording EXAMPLES` prints what a whole batch of so many takes.
"""

import json
import statistics
import sys
from pathlib import Path
from time import perf_counter

from autograd_core import Value, compile
from nn import MLP, losses
from tests.benchmarks import eager
from tests.benchmarks.measure import Size, Table, alternate, digits, shown, timed
from tests.benchmarks.micrograd_style import Net, demo_loss
from tests.benchmarks.problems import digits as handwritten
from tests.benchmarks.problems import moons
from tests.benchmarks.processes import run

NODES_AN_EXAMPLE = 655  # of the net of W1, in micrograd's style
FEW = 2  # examples: one of each class


def recording(size, **_):
    """The three tables."""
    yield lowering(size)
    yield growth(size)
    yield unstructured(size)


def batched_program(problem):
    """A per-example function, compiled, and arguments for it."""
    model = MLP(problem.X.shape[1], problem.sizes, seed=0)
    program = compile(lambda x, y: losses.cross_entropy(model(x), y), batched=True)
    return program, (problem.X, problem.classes)


def whole_batch_program(problem):
    """A whole batch in micrograd's style, compiled."""
    net = Net(problem.model())
    return compile(lambda: demo_loss(Value, net, problem)), ()


def lowering(size):
    """What has to be done once, for the nets of W1 and W2."""
    small, batch = handwritten(size.digits[0], real=False), moons(size)
    makers = {
        "one example's loss, MLP 64-32-10": lambda: batched_program(small),
        f"whole batch of W1, {batch.n} examples": lambda: whole_batch_program(batch),
    }
    targets = ("under 0.1 s", "under 0.5 s")
    rows = []
    for (name, make), target in zip(makers.items(), targets):
        program, args = make()
        program.prepare(*args)
        nodes = len(program.current().recorded.tape.ops)
        tasks = {method: afresh(make, method) for method in ("prepare", "value_and_gradient")}
        seconds = alternate(tasks, size.repetitions)
        rows.append([name, f"{nodes:,}", *map(shown, seconds.values()), target])
    return Table(
        "Recording and lowering",
        ["function", "nodes", "recorded", "first gradient", "target"],
        rows,
    )


def afresh(make, method):
    """A task: make a program, and call a method of it with its arguments."""

    def task():
        program, args = make()
        getattr(program, method)(*args)

    return task


def growth(size):
    """Whole batches of W1 with more and more nodes, each in a process of its own."""
    rows = []
    for nodes in size.graphs:
        runs = [measured(max(FEW, nodes // NODES_AN_EXAMPLE)) for _ in range(size.growths)]
        n, seconds, megabytes = map(statistics.median, zip(*runs))
        a_node = f"{seconds / n * 1e9:,.0f}", f"{megabytes * 1e6 / n:,.0f}"
        rows.append([f"{n:,}", shown(seconds), f"{megabytes:,.0f}", *a_node])
    return Table(
        "Whole batches of W1 in micrograd's style, up to the first gradient",
        ["nodes", "time", "MB at the peak", "ns a node", "bytes a node"],
        rows,
        "Memory is by how much the process grew at its peak.",
    )


def measured(examples):
    """What a process of its own finds: nodes, seconds, megabytes."""
    return json.loads(run("-m", "tests.benchmarks.recording", str(examples)))


def peak():
    """Megabytes that this process has taken at most so far."""
    status = Path("/proc/self/status")
    if status.exists():  # what the system reports elsewhere includes the parent's before it started
        lines = status.read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1e3
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def measure(examples):
    """Nodes, seconds and megabytes for a whole batch, after a small one for the imports."""
    for n in (FEW, examples):
        problem, before, start = moons(Size(examples=n)), peak(), perf_counter()
        program, _ = whole_batch_program(problem)
        program.value_and_gradient()
        found = len(program.current().recorded.tape.ops), perf_counter() - start, peak() - before
    return found


def unstructured(size):
    """A step of a chain in which there is nothing to gather: as recorded, and eager."""
    ours = eager.Ours()
    leaf, b = Value(0.5), Value(0.1)

    def function(nodes=size.nodes):
        v = leaf
        for _ in range(nodes // 3):
            v = ((v + b) * leaf).tanh()
        return v

    program = compile(function)
    recorded = timed(program.prepare)
    tasks = {"eager": lambda: function().backward(), "compiled": program.value_and_gradient}
    seconds = alternate(tasks, size.repetitions, collect=False)
    nodes = ours.nodes(function())
    rows = [
        [name, digits(found / nodes * 1e9), digits(seconds["eager"] / found)]
        for name, found in seconds.items()
    ]
    return Table(
        f"A chain of {nodes:,} nodes (+, *, tanh), a step",
        ["way", "ns a node", "times faster than eager"],
        rows,
        f"Recording took {digits(recorded / nodes * 1e9)} ns a node. The collector is off.",
    )


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]))))
