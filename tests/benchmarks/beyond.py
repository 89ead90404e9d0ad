"""Beyond one machine: steps and epochs on JAX beside JAX written by hand, and sweeps at once."""

import os

import numpy as np

from autograd_core import compile
from nn import SGD, sweep
from nn.train import Examples, Loop
from nn.train.loop import AT_ONCE, LINED_UP
from tests.benchmarks.measure import Steps, Table, alternate, digits, has, in_turns, shown
from tests.benchmarks.ours import loss_of_one
from tests.benchmarks.peers import jax_jit, numpy_loss
from tests.benchmarks.problems import digits as handwritten
from tests.benchmarks.problems import moons
from tests.benchmarks.training import net

ONE_THREAD = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
MOMENTUM = 0.9
NONE = "JAX is not installed, or left out."
NETS, RUN = 1000, {"data": "xor", "hidden": [2], "epochs": 500}


def on_jax(size, **_):
    """A step of W1 and W2 as a function for JAX, and epochs of fit on it."""
    os.environ.setdefault("XLA_FLAGS", ONE_THREAD)  # read when JAX starts
    real = size.full and has("sklearn")
    problems = [moons(size), *[handwritten(n, real=real) for n in size.digits]]
    for problem in problems:
        title = f"JAX: {net(problem)}, {problem.n} examples"
        if not has("jax"):
            yield Table(title, ["engine"], [], NONE)
            continue
        steps = {
            "a step of program.to_jax()": step(problem),
            "a step of JAX by hand": jax_jit(problem),
        }
        loops = {
            "an epoch of fit(executor='jax')": epochs(problem, size),
            "an epoch of lax.scan by hand": scanned(problem, size),
        }
        check_alike(steps)
        check_alike(loops)
        whole = alternate({name: loop.step for name, loop in loops.items()}, 3 * size.repetitions)
        each = {name: seconds * loops[name].parts for name, seconds in whole.items()}
        seconds = in_turns(steps, size) | each
        ours, theirs, fitted, by_hand = seconds.values()
        ratios = [digits(ours / theirs), "1", digits(fitted / by_hand), "1"]
        targets = ["at most 1.2", "", "at most 1.2", ""]
        rows = [
            [name, shown(found), ratio, target]
            for (name, found), ratio, target in zip(seconds.items(), ratios, targets)
        ]
        yield Table(title, ["engine", "time", "times by hand", "target"], rows)


def check_alike(engines):
    """The first step's loss is the same; of epochs the second's, before rounding grows."""
    ours, theirs = [engine.losses(1) for engine in engines.values()]
    np.testing.assert_allclose(ours, theirs, rtol=1e-9)


def step(problem):
    """A step written for JAX around a program of ours."""
    import jax

    model = problem.model()
    loss = loss_of_one(problem, model)
    targets = problem.classes if problem.loss == "cross entropy" else problem.y
    program = compile(lambda x, y: loss(model(x), y), batched=True)
    program.prepare(problem.X, targets)
    slope = jax.value_and_grad(program.to_jax())
    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_cpu_enable_async_dispatch", False)
    theta, X, y = map(jax.numpy.array, ([p.data for p in program.parameters], problem.X, targets))

    def update(theta, X, y):
        value, gradient = slope(theta, X, y)
        return value, theta - problem.rate * gradient

    compiled = jax.jit(update, donate_argnums=0)

    def once():
        nonlocal theta
        value, theta = compiled(theta, X, y)
        return value

    return Steps(once)


def epochs(problem, size):
    """Epochs as fit takes them, many at once."""
    count = at_once(problem, size)
    model = problem.model()
    data = Examples.of(model, problem.X, problem.y.tolist(), loss_of_one(problem, model))
    options = {"batch_size": problem.n, "seed": 0, "executor": "jax"}
    loop = Loop(model, data, SGD(problem.rate, momentum=MOMENTUM), **options)
    return Steps(lambda: loop.epochs(count)[1][0], 1 / count)


def at_once(problem, size):
    """How many epochs of one step fit takes at once."""
    return min(AT_ONCE, LINED_UP // problem.n) if size.full else 2


def scanned(problem, size):
    """The same as JAX's users write it: momentum, and the labels hit where fit counts them."""
    import jax
    from jax import numpy

    count = at_once(problem, size)
    loss, outputs = numpy_loss(numpy, jax.scipy.special.logsumexp, problem), outputs_of(numpy)
    X, y, layers = jax.tree.map(numpy.array, (problem.X, problem.y, problem.layers()))

    def loss_and_hits(layers, X, y):
        labelled = problem.loss == "cross entropy"
        hits = (outputs(layers, X).argmax(1) == y).sum() if labelled else 0
        return loss(layers, X, y), hits

    slope = jax.value_and_grad(loss_and_hits, has_aux=True)

    def update(state, _):
        layers, velocity = state
        value, slopes = slope(layers, X, y)
        velocity = jax.tree.map(lambda v, g: MOMENTUM * v + g, velocity, slopes)
        return (jax.tree.map(lambda p, v: p - problem.rate * v, layers, velocity), velocity), value

    loop = jax.jit(lambda state: jax.lax.scan(update, state, None, length=count))
    state = layers, jax.tree.map(numpy.zeros_like, layers)

    def once():
        nonlocal state
        state, (losses, _) = loop(state)
        return losses[1]

    return Steps(once, 1 / count)


def outputs_of(np):
    """The outputs of layers for all examples."""

    def outputs(layers, X):
        a = X
        for W, b in layers[:-1]:
            a = np.maximum(a @ W + b, 0)
        W, b = layers[-1]
        return a @ W + b

    return outputs


def sweeps(size, **_):
    """Many nets on XOR at once, and some of them one after the other."""
    nets, run = (NETS, RUN) if size.full else (8, {**RUN, "epochs": 2})
    few = max(1, nets // 50)
    ways = {
        f"{nets} nets at once": lambda: made(run, nets, at_once=True),
        f"{few} of them one after the other": lambda: made(run, few, at_once=False),
    }
    seconds = alternate(ways, size.repetitions)
    together, alone = seconds.values()
    rows = [
        [name, shown(found), digits(found / together), target]
        for (name, found), target in zip(seconds.items(), ["at most 0.5 s", ""])
    ]
    rows.append(
        [f"all {nets}, so", shown(alone * nets / few), digits(alone * nets / few / together), ""]
    )
    title = f"Sweep: XOR nets 2-2-1, {run['epochs']} epochs"
    yield Table(title, ["runs", "time", "times at once", "target"], rows)


def made(run, nets, *, at_once):
    """A sweep over so many seeds."""
    return sweep(run, {"seed": range(nets)}, vectorize=at_once, progress=False)
