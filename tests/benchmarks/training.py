"""W1, W2, W3: a step of training, ours beside the others, all in one process."""

from dataclasses import replace

from tests.benchmarks import ours
from tests.benchmarks.measure import Table, check_agreement, digits, has, in_turns, shown
from tests.benchmarks.peers import installed, micrograd
from tests.benchmarks.problems import digits as handwritten
from tests.benchmarks.problems import moons, one_point

AT_MOST_1_3 = "0.77 (ours at most 1.3x)"
REMARKS = "How many times as long as each of ours the engine takes. Losses agree over three steps."
SCALED = f"{REMARKS} micrograd's time is that of four examples, scaled."


def moons_step(size, **_):
    """W1: a full-batch step on two moons, ours written in three ways."""
    problem = moons(size)
    ways = {
        "ours, one example's loss": ours.compiled,
        "ours, micrograd's code": ours.whole_batch,
        "ours, an epoch of fit": ours.Fit,
    }
    title = f"W1: {net(problem)}, {problem.n} moons, hinge + L2, one step"
    targets = {
        "NumPy by hand": AT_MOST_1_3,
        "PyTorch nn + SGD": "4",
        "micrograd": "5,000",
        "ours, eager": "",
    }
    others = {"ours, eager": ours.eager, **installed()}
    yield compare(title, ways, others, problem, targets, size)


def digits_step(size, **_):
    """W2: a step on handwritten digits, small batch and full batch."""
    real = size.full and has("sklearn")
    for n in size.digits:
        problem = handwritten(n, real=real)
        ways = {"ours, one example's loss": ours.compiled, "ours, an epoch of fit": ours.Fit}
        title = f"W2: {net(problem)}, {n} digits, cross entropy, one step"
        if size.full and not real:
            title += " (random numbers for digits: no scikit-learn)"
        targets = {"NumPy by hand": AT_MOST_1_3}
        others = installed("micrograd")
        few = {"micrograd": micrograd_part} if "micrograd" in installed() else {}
        yield compare(title, ways, others | few, problem, targets, size)


def micrograd_part(problem):
    """micrograd on as many examples as it can take."""
    few = replace(problem, X=problem.X[:4], y=problem.y[:4])
    engine = micrograd(few)
    engine.parts = problem.n / few.n
    return engine


def one_example(size, **_):
    """W3: forward and backward for one example."""
    problem = one_point(size)
    title = f"W3: {net(problem)}, one example, forward and backward"
    others = {"ours, eager": ours.eager, **installed("NumPy in buffers")}
    yield compare(title, {"ours": ours.compiled}, others, problem, {"micrograd": "20"}, size)


def net(problem):
    """The shape of the net."""
    return f"MLP {'-'.join(map(str, (problem.X.shape[1], *problem.sizes)))}"


def compare(title, ways, others, problem, targets, size):
    """The others' seconds a step, and how many times those of each of our ways."""
    engines = {name: make(problem) for name, make in {**ways, **others}.items()}
    check_agreement({name: e.losses(3) for name, e in engines.items() if e.parts == 1})
    seconds = in_turns(engines, size)
    columns = ["engine", "a step", *[f"times {shown(seconds[way])}" for way in ways], "target"]
    rows = []
    for name, found in seconds.items():
        ratios = [digits(found / seconds[way]) for way in ways]
        rows.append([name, shown(found), *ratios, targets.get(name, "")])
    scaled = any(engine.parts != 1 for engine in engines.values())
    return Table(title, columns, rows, SCALED if scaled else REMARKS, seconds)
