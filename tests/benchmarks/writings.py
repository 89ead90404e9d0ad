"""The same program in two writings: a compiler that sees what is meant takes as long for both."""

import math
import random
from functools import partial

import numpy as np

from autograd_core import Value, compile, dot, mean, softmax, total
from nn import MLP, losses
from tests.benchmarks.measure import Steps, Table, digits, in_turns, shown
from tests.benchmarks.problems import digits as handwritten

MOST = 1.5  # times its like program
LISTS = "of 134,000 floats, to look at each once takes Python as long as the whole program"


def writings(size, **_):
    """The times of a value and gradient, side by side."""
    rows = []
    for name, make in PAIRS.items():
        pair = make(random.Random(0), size.full)
        seconds = in_turns({way: Steps(run) for way, run in pair.items()}, size)
        rows.append([name, *row(pair, seconds)])
    columns = ["program", "beside", "time", "beside it", "ratio"]
    remarks = f"The aim is a ratio of at most {MOST}, but for lists beside arrays: {LISTS}."
    yield Table("The same in two writings, value and gradient", columns, rows, remarks)


def row(pair, seconds):
    """What it is compared with, both times and their ratio."""
    _, like = pair
    found, beside = seconds.values()
    return like, shown(found), shown(beside), digits(found / beside)


def gradient_of(f, *args, batched=True):
    """A task: the value and gradient of a program, recorded by now."""
    program = compile(f, batched=batched)
    program.value_and_gradient(*args)
    return partial(program.value_and_gradient, *args)


def weights(rng, *shape):
    """Nested lists of parameters."""
    if not shape:
        return Value(rng.uniform(-0.5, 0.5))
    return [weights(rng, *shape[1:]) for _ in range(shape[0])]


def numbers(rng, *shape):
    """An array of numbers."""
    return np.random.default_rng(rng.randrange(10**6)).normal(size=shape)


# --- Sums of products ----------------------------------------------------------------------


def plus(ws, xs):
    """w1 x1 + w2 x2 + ..., one by one."""
    s = 0.0
    for w, x in zip(ws, xs, strict=True):
        s = s + w * x
    return s


def minus(ws, xs):
    """-w1 x1 - w2 x2 - ..., one by one."""
    s = 0.0
    for w, x in zip(ws, xs, strict=True):
        s = s - w * x
    return s


SUMS = {
    "s = s - w * x": minus,
    "sum(-(w * x))": lambda ws, xs: sum([-(w * x) for w, x in zip(ws, xs, strict=True)]),
    "sum(w * x / 64)": lambda ws, xs: sum([w * x / 64 for w, x in zip(ws, xs, strict=True)]),
    "sum(0.5 * w * x)": lambda ws, xs: sum([0.5 * w * x for w, x in zip(ws, xs, strict=True)]),
}


def sums(name, rng, full):
    """Two dense layers that write w · x in one way, and with s + w * x."""
    d = 64 if full else 3
    first, second, X = weights(rng, d, d), weights(rng, d, d), numbers(rng, d, d)

    def net(inner, x):
        hidden = [inner(row, x).tanh() for row in first]
        return total([inner(row, hidden).tanh() for row in second])

    return {
        name: gradient_of(partial(net, SUMS[name]), X),
        "s = s + w * x": gradient_of(partial(net, plus), X),
    }


# --- Shapes --------------------------------------------------------------------------------


def shared_layer(rng, full):
    """A dense layer used at many positions, and what NumPy does for it."""
    n, positions, d = (32, 128, 64) if full else (2, 3, 2)
    W, X = weights(rng, d, d), numbers(rng, n, positions, d)
    matrix = np.array([[w.data for w in row] for row in W])
    flat = X.reshape(-1, d)

    def by_hand():
        hidden = np.tanh(flat @ matrix.T)
        slope = 2 * hidden * (1 - hidden * hidden) / n
        return (hidden * hidden).sum() / n, slope.T @ flat

    def loss(xs):
        hidden = [dot(row, x).tanh() for x in xs for row in W]
        return dot(hidden, hidden)

    return {"a shared layer": gradient_of(loss, X), "NumPy by hand": by_hand}


def losses_of_a_recurrence(rng, full):
    """A loss at each step of a recurrent net, and one at the end."""
    n, steps, d = (8, 100, 16) if full else (2, 4, 2)
    inward, around, out = weights(rng, d, 4), weights(rng, d, d), weights(rng, d)
    X = numbers(rng, n, steps, 4)

    def loss(xs, *, everywhere):
        h, found = [0.0] * d, []
        for x in xs:
            h = [(dot(u, x) + dot(w, h)).tanh() for u, w in zip(inward, around, strict=True)]
            found.append((dot(out, h) - x[0]) ** 2)
        return mean(found) if everywhere else found[-1]

    return {
        "a loss at each step": gradient_of(partial(loss, everywhere=True), X),
        "a loss at the end": gradient_of(partial(loss, everywhere=False), X),
    }


def attention(rng, full):
    """Causal attention, each position over those before it, and over all with a mask."""
    positions, d = (32, 8) if full else (3, 2)
    queries, keys, contents = (weights(rng, d, d) for _ in range(3))
    X = numbers(rng, positions, d)

    def loss(xs, *, masked):
        q, k, v = ([[dot(row, x) for row in W] for x in xs] for W in (queries, keys, contents))
        out = []
        for t in range(positions):
            seen = range(positions if masked else t + 1)
            scores = [dot(q[t], k[u]) / d**0.5 + (-1e9 if u > t else 0.0) for u in seen]
            shares = softmax(scores)
            out += [dot(shares, [v[u][j] for u in seen]) for j in range(d)]
        return dot(out, out)

    return {
        "causal": gradient_of(partial(loss, masked=False), X, batched=False),
        "masked": gradient_of(partial(loss, masked=True), X, batched=False),
    }


# --- What goes in and what comes out ---------------------------------------------------------


def digits_net(rng, full):
    """A net for handwritten digits, as a program, and its data."""
    problem = handwritten(1797 if full else 5, real=False)
    model = MLP(problem.X.shape[1], problem.sizes, seed=rng.randrange(100))
    program = compile(lambda x, y: losses.cross_entropy(model(x), y), batched=True)
    return program, problem.X, problem.classes


def lists(rng, full):
    """Examples as lists, and as arrays."""
    program, X, targets = digits_net(rng, full)
    rows, labels = X.tolist(), targets.tolist()
    program.value_and_gradient(rows, labels)
    return {
        "lists": partial(program.value_and_gradient, rows, labels),
        "arrays": partial(program.value_and_gradient, X, targets),
    }


def lists_by_hand(rng, full):
    """Examples as lists, and made arrays by NumPy before each call."""
    program, X, targets = digits_net(rng, full)
    rows, labels = X.tolist(), targets.tolist()

    def by_hand():
        return program.value_and_gradient(np.array(rows), np.array(labels))

    program.value_and_gradient(rows, labels)
    return {"lists": partial(program.value_and_gradient, rows, labels), "np.array": by_hand}


def batch_sizes(rng, full):
    """Five batch sizes in turn, and one five times."""
    program, X, targets = digits_net(rng, full)
    sizes = [32, 17, 5, 64, 9] if full else [1, 2, 3, 4, 5]
    alike = [sum(sizes) // len(sizes)] * len(sizes)

    def run(turns):
        for n in turns:
            program.value_and_gradient(X[:n], targets[:n])

    run(sizes)
    return {"five batch sizes": partial(run, sizes), "one batch size": partial(run, alike)}


def many_results(rng, full):
    """A thousand results of one program, and their sum."""
    n = 1000 if full else 5
    ws = weights(rng, n)
    rows = compile(lambda x: tuple([(w * x).tanh() for w in ws]))
    whole = compile(lambda x: total([(w * x).tanh() for w in ws]))
    return {"1,000 results": partial(rows, 0.5), "their sum": partial(whole, 0.5)}


def dynamics(_, full):
    """Steps of a pendulum, and the same in Python on floats."""
    n = 200 if full else 5

    def swing(x, v, sin):
        for _ in range(n):
            v = v - 0.01 * sin(x) - 0.001 * v
            x = x + 0.01 * v
        return x

    program = compile(lambda x, v: swing(x, v, Value.sin))
    program(1.0, 0.5)
    return {
        "a pendulum": partial(program, 1.0, 0.5),
        "Python on floats": partial(swing, 1.0, 0.5, math.sin),
    }


PAIRS = {
    **{name: partial(sums, name) for name in SUMS},
    "a layer at 128 positions": shared_layer,
    "recurrent net, a loss at each step": losses_of_a_recurrence,
    "causal attention": attention,
    "lists": lists,
    "lists, by NumPy": lists_by_hand,
    "five batch sizes in turn": batch_sizes,
    "1,000 results": many_results,
    "a pendulum, forward": dynamics,
}
