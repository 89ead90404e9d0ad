"""Machine code: what a call, a start and a thread take, beside others and what is aimed at."""

import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from hashlib import sha256
from random import Random
from tempfile import TemporaryDirectory
from time import perf_counter
from types import SimpleNamespace

import numpy as np

from autograd_core import Value, compile, dot, maximum
from nn import SGD
from tests.benchmarks import loops, ours, processes
from tests.benchmarks.by_hand import by_hand
from tests.benchmarks.measure import (
    FULL,
    Steps,
    Table,
    alternate,
    bytes_a_node,
    check_agreement,
    digits,
    has,
    in_turns,
    shown,
    timed,
)
from tests.benchmarks.peers import jax_jit
from tests.benchmarks.problems import moons, one_point

COLUMNS = ["work", "ours", "beside", "takes", "ratio", "at most"]
OWN = SimpleNamespace(tanh=Value.tanh, fmax=maximum)  # by CasADi's names


class Calls(Steps):
    """Steps so short that many are timed at once."""

    def seconds(self, k):
        """Seconds of a step, k times: the mean of all of them."""
        start = perf_counter()
        for _ in range(k):
            self.step()
        return [(perf_counter() - start) / k * self.parts] * k


def tables(size, **_):
    """All that machine code is for."""
    if not has("llvmlite"):
        yield Table("Machine code", COLUMNS, [], "llvmlite is not installed, or left out.")
        return
    yield calls(size)
    yield starts(size)
    yield kept(size)
    yield two_threads(size)


# --- Called from Python ----------------------------------------------------------------------


def calls(size):
    """A value and its gradient, asked for from Python."""
    w1, w3 = moons(size), one_point(size)
    nodes, steps = (417, 20) if size.full else (20, 2)
    rows = [
        *beside(
            "W1, one example's loss, a step",
            Calls(ours.compiled(w1, "native").step),
            {"NumPy by hand": (by_hand(w1), 0.2), **jax(w1, 0.35)},
            size,
        ),
        *beside(
            "W1, micrograd's code, a step",
            Calls(ours.whole_batch(w1, "native").step),
            {"NumPy by hand": (by_hand(w1), 0.2)},
            size,
        ),
        *beside(
            "W3, one example, value and gradient",
            Calls(ours.compiled(w3, "native").step),
            {"NumPy by hand": (by_hand(w3), 0.5), **casadi(net_of(w3), 0.5)},
            size,
        ),
        *scalars(f"an ODE, {steps} steps of Runge-Kutta, and its gradient", ode(steps), size),
        *scalars(f"{nodes} single numbers, and their gradient", ragged(nodes), size),
    ]
    return Table("Machine code, called from Python", COLUMNS, rows)


def beside(name, own, others, size):
    """A row for each engine that ours is compared with, and what the ratio should be."""
    engines = {"ours": own, **{other: Calls(engine.step) for other, (engine, _) in others.items()}}
    check_agreement({other: engine.losses(3) for other, engine in engines.items()})
    seconds = in_turns(engines, size)
    rows = []
    for other, (_, bound) in others.items():
        ratio = digits(seconds["ours"] / seconds[other])
        rows.append([name, shown(seconds["ours"]), other, shown(seconds[other]), ratio, str(bound)])
    return rows


def jax(problem, bound):
    """JAX's compiled step, if it is installed."""
    return {"JAX jit": (jax_jit(problem), bound)} if has("jax") else {}


def scalars(name, function, size):
    """A function of single numbers, beside its program in Python and CasADi's machine."""
    f, start = function
    others = {"generated Python": (called(f, start, "python"), 0.1), **casadi(function, 1)}
    return beside(name, called(f, start, "native"), others, size)


def called(f, start, executor):
    """A program of parameters, called at the numbers to start from."""
    parameters, at = list(map(Value, start)), np.array(start)
    program = compile(lambda: f(parameters, OWN), wrt=parameters, executor=executor)
    return Calls(lambda: program.value_and_gradient(at=at)[0])


def casadi(function, bound):
    """Value and gradient by CasADi's own machine, which reads and writes arrays in place."""
    if not has("casadi"):
        return {}
    import casadi as library

    f, start = function
    x = library.SX.sym("x", len(start))
    value = f([x[i] for i in range(len(start))], library)
    compiled = library.Function("f", [x], [value, library.gradient(value, x)])
    at, found, slopes = np.array(start), np.zeros(1), np.zeros(len(start))
    buffer, run = compiled.buffer()
    for put, i, array in (
        (buffer.set_arg, 0, at),
        (buffer.set_res, 0, found),
        (buffer.set_res, 1, slopes),
    ):
        put(i, memoryview(array))

    def step(kept=(buffer, at, slopes)):
        run()
        return found[0]

    return {"CasADi": (Calls(step), bound)}


def net_of(problem):
    """The output of a net for one example, of single numbers."""
    layers = problem.layers()
    (point,) = problem.X.tolist()

    def output(theta, library):
        x, numbers = point, iter(theta)
        for W, b in layers:
            weights = [[next(numbers) for _ in range(W.shape[0])] for _ in b]
            x = [sum(w * xi for w, xi in zip(row, x)) + next(numbers) for row in weights]
            x = x if W is layers[-1][0] else [library.fmax(xi, 0) for xi in x]
        return x[0]

    return output, [p for W, b in layers for part in (W.T, b) for p in part.ravel().tolist()]


def ode(steps):
    """How far hares and lynxes are from a target after some steps, by their rates."""

    def slope(x, y, p):
        return p[0] * x - p[1] * x * y, p[2] * x * y - p[3] * y

    def distance(p, _, h=0.1):
        x, y = p[4], p[5]
        for _ in range(steps):
            k1 = slope(x, y, p)
            k2 = slope(x + h / 2 * k1[0], y + h / 2 * k1[1], p)
            k3 = slope(x + h / 2 * k2[0], y + h / 2 * k2[1], p)
            k4 = slope(x + h * k3[0], y + h * k3[1], p)
            x = x + h / 6 * (k1[0] + 2 * k2[0] + 2 * k3[0] + k4[0])
            y = y + h / 6 * (k1[1] + 2 * k2[1] + 2 * k3[1] + k4[1])
        return (x - 1.5) ** 2 + (y - 0.5) ** 2

    return distance, [1.1, 0.4, 0.1, 0.4, 2.0, 1.0]


def ragged(nodes):
    """Ops drawn at random, of numbers drawn from those before: nothing to gather."""

    def function(p, library):
        rng, known = Random(0), list(p)
        while len(known) < nodes:
            x, y = rng.choices(known[-12:], k=2)
            known.append([x + y, x - y, library.tanh(x), library.tanh(x) * y][rng.randrange(4)])
        return sum(known[-12:])

    return function, [0.3, -0.7, 0.9, 0.2, -0.4]


# --- Starts ----------------------------------------------------------------------------------


def starts(size):
    """From a recorded function to its first gradient, in processes of their own."""
    nodes = 1000 if size.full else 20
    works = {"W1": ("W1", 0.2, 0.1), f"{nodes} single numbers": (str(nodes), 1.5, 0.1)}
    rows = []
    for name, (work, cold, warm) in works.items():
        with TemporaryDirectory() as folder:
            found = [
                [started(work, folder if k else "") for k in (0, 1, 1)] for _ in range(size.growths)
            ]
        for kind, seconds, bound in zip(
            ("cold", "warm"), map(min, [*zip(*found)][::2]), (cold, warm)
        ):
            rows.append([f"{name}, {kind}", shown(seconds), "", "", "", shown(bound)])
    remark = "From the recording to the first gradient, the import of llvmlite included."
    return Table("Machine code, made", COLUMNS, rows, remark)


def started(work, folder):
    """Seconds that a process of its own takes."""
    return float(processes.run("-m", "tests.benchmarks.native", work, AUTOGRAD_CORE_CACHE=folder))


def start(work):
    """The same, in this process."""
    if work == "W1":
        program, arguments = ours.program_of(moons(FULL), "native")
    else:
        function, numbers = ragged(int(work))
        parameters, arguments = list(map(Value, numbers)), ()
        program = compile(lambda: function(parameters, OWN), wrt=parameters, executor="native")
    program.prepare(*arguments)
    return timed(lambda: program.value_and_gradient(*arguments))


# --- Kept ------------------------------------------------------------------------------------


def kept(size):
    """What a program keeps for each product of a sum of them."""
    n = 1000 if size.full else 20
    rows = []
    for of in ("arguments", "parameters"):
        _, few, many = [bytes_of_products(k, of) for k in (n // 2, n // 2, n)]  # at first, modules
        rows.append(
            [f"a product of {of}", f"{(many - few) / (n - n // 2):.0f} bytes", *[""] * 3, "100"]
        )
    return Table("Machine code, kept", COLUMNS, rows, "Of a dot product and its gradient.")


def bytes_of_products(n, of):
    """What tracemalloc finds alive of a program of so many products that has been called."""
    a, b = [[Value(1.0) for _ in range(n)] for _ in "ab"]
    program = compile(lambda *x: dot(a, *x or [b]), executor="native")
    arguments = [[2.0] * n] * (of == "arguments")
    return bytes_a_node(lambda: (program.value_and_gradient(*arguments), program), 1)


# --- Threads ---------------------------------------------------------------------------------


def two_threads(size):
    """Two models trained at once, and one after the other; and what the machine itself can do."""
    problem = moons(size)
    epochs, length = (20_000, 2**26) if size.full else (2, 2**10)
    trainings = [loops.ours("native")(problem, problem.n, SGD(0.01)) for _ in range(2)]
    works = {
        "W1, two trainings": ([partial(t.train, epochs) for t in trainings], "0.5"),
        "two hashes, in C alone": ([partial(sha256, bytes(length)) for _ in range(2)], ""),
    }
    rows = [[name, *at_once(*work, size)] for name, work in works.items()]
    return Table("Machine code, two threads", COLUMNS, rows, "Beside one thread.")


def at_once(calls, bound, size):
    """The cells of a row: calls in two threads, and one after the other."""
    with ThreadPoolExecutor(2) as pool:
        tasks = {
            "one thread": lambda: [call() for call in calls],
            "two": lambda: list(pool.map(lambda call: call(), calls)),
        }
        apart, together = alternate(tasks, size.repetitions).values()
    return [shown(together), "one thread", shown(apart), digits(together / apart), bound]


if __name__ == "__main__":
    print(start(sys.argv[1]))
