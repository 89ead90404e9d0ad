"""A GPT on scalars, as Karpathy's microgpt is: on its own class of Values, and on ours.

Written anew: a node of four slots with its parents and its slopes, embeddings, root mean square
norms, attention with a cache, a loss of one word letter by letter.
"""

import math
from itertools import pairwise
from operator import getitem
from random import Random

from autograd_core import Value, collector_paused, compile, index, softmax, total
from tests.benchmarks.measure import Table, alternate, bytes_a_node, digits

WORD = (26, 4, 12, 12, 0, 26)  # emma, between two ends
BLOCK, WIDTH, HEADS, LETTERS = 16, 16, 4, 27  # 27: a to z, and what ends a word
SIZE = WIDTH // HEADS
SHAPES = {
    "wte": (LETTERS, WIDTH),
    "wpe": (BLOCK, WIDTH),
    "lm_head": (LETTERS, WIDTH),
    **dict.fromkeys(("wq", "wk", "wv", "wo"), (WIDTH, WIDTH)),
    "fc1": (4 * WIDTH, WIDTH),
    "fc2": (WIDTH, 4 * WIDTH),
}


class Slotted:
    """microgpt's Value: its number, its gradient, its parents, its slopes."""

    __slots__ = ("children", "data", "grad", "slopes")

    def __init__(self, data, children=(), slopes=()):
        self.data, self.grad, self.children, self.slopes = data, 0, children, slopes

    def __add__(self, other):
        other = other if isinstance(other, Slotted) else Slotted(other)
        return Slotted(self.data + other.data, (self, other), (1, 1))

    def __mul__(self, other):
        other = other if isinstance(other, Slotted) else Slotted(other)
        return Slotted(self.data * other.data, (self, other), (other.data, self.data))

    def __pow__(self, n):
        return Slotted(self.data**n, (self,), (n * self.data ** (n - 1),))

    def log(self):
        return Slotted(math.log(self.data), (self,), (1 / self.data,))

    def exp(self):
        return Slotted(math.exp(self.data), (self,), (math.exp(self.data),))

    def relu(self):
        return Slotted(max(0, self.data), (self,), (float(self.data > 0),))

    def __neg__(self):
        return self * -1

    def __radd__(self, other):
        return self + other

    def __sub__(self, other):
        return self + (-other)

    def __rsub__(self, other):
        return other + (-self)

    def __rmul__(self, other):
        return self * other

    def __truediv__(self, other):
        return self * other**-1

    def __rtruediv__(self, other):
        return other * self**-1

    def backward(self):
        order, seen = [], set()

        def visit(v):
            if v not in seen:
                seen.add(v)
                for child in v.children:
                    visit(child)
                order.append(v)

        visit(self)
        self.grad = 1
        for v in reversed(order):
            for child, slope in zip(v.children, v.slopes):
                child.grad += slope * v.grad


def parameters(leaf, seed=0):
    """Every matrix by its name, of leaves of a class."""
    rng = Random(seed)
    return {
        name: [[leaf(rng.gauss(0, 0.08)) for _ in range(n)] for _ in range(m)]
        for name, (m, n) in SHAPES.items()
    }


def linear(x, w):
    return [sum(wi * xi for wi, xi in zip(row, x)) for row in w]


def own_softmax(logits):
    top = max(val.data for val in logits)
    exps = [(val - top).exp() for val in logits]
    total = sum(exps)
    return [e / total for e in exps]


def rmsnorm(x):
    scale = (sum(xi * xi for xi in x) / len(x) + 1e-5) ** -0.5
    return [xi * scale for xi in x]


def logits(state, token, place, keys, values, softmax, item):
    """What comes next after a letter at a place, of which the cache has what came before."""
    x = rmsnorm([t + p for t, p in zip(item(state["wte"], token), state["wpe"][place])])
    residual, x = x, rmsnorm(x)
    q = linear(x, state["wq"])
    keys.append(linear(x, state["wk"]))
    values.append(linear(x, state["wv"]))
    attended = []
    for h in range(0, WIDTH, SIZE):
        scores = [sum(q[h + j] * k[h + j] for j in range(SIZE)) / SIZE**0.5 for k in keys]
        weights = softmax(scores)
        attended += [sum(w * v[h + j] for w, v in zip(weights, values)) for j in range(SIZE)]
    x = [a + b for a, b in zip(linear(attended, state["wo"]), residual)]
    residual = x
    x = [xi.relu() for xi in linear(rmsnorm(x), state["fc1"])]
    x = [a + b for a, b in zip(linear(x, state["fc2"]), residual)]
    return linear(x, state["lm_head"])


def loss(state, tokens, softmax=own_softmax, item=getitem):
    """The mean over a word of -log(share of the letter that comes next)."""
    keys, values, terms = [], [], []
    for place, (token, target) in enumerate(pairwise(tokens)):
        shares = softmax(logits(state, token, place, keys, values, softmax, item))
        terms.append(-item(shares, target).log())
    return sum(terms) * (1 / len(terms))


# --- Measured ----------------------------------------------------------------------------------

ONE_OP = {  # whose own class has it, so that both make one node, or two with a number's
    "x + y": lambda x, y: x + y,
    "x * y": lambda x, y: x * y,
    "x + 2": lambda x, _: x + 2,
    "x ** 2": lambda x, _: x**2,
    "exp": lambda x, _: x.exp(),
    "log": lambda x, _: x.log(),
    "relu": lambda x, _: x.relu(),
}


def size_of(root):
    """How many nodes a graph has."""
    seen, todo = {root}, [root]
    while todo:
        v = todo.pop()
        new = {*(v.children if isinstance(v, Slotted) else v.parents)} - seen
        seen |= new
        todo += new
    return len(seen)


def step(leaf, tokens):
    """A function that takes the loss of a word and its gradient, and one of the loss alone."""
    state = parameters(leaf)
    return lambda: loss(state, tokens).backward(), lambda: loss(state, tokens)


def compiled_step(tokens):
    """The same from a compiled program of the letters: any word of that length is one recording."""
    state = parameters(Value)
    program = compile(lambda tokens: loss(state, tokens, softmax, index))
    program.prepare(tokens)
    return lambda: program.value_and_gradient(tokens)


def whole(size, **_):
    """A step of the GPT: eager beside its own class, with the collector and without; compiled."""
    tokens = WORD if size.full else WORD[:2]
    tasks = {name: step(leaf, tokens) for name, leaf in {"own": Slotted, "ours": Value}.items()}
    own, ours = tasks["own"][0], collector_paused()(tasks["ours"][0])
    todo = {"own": own, "ours": tasks["ours"][0], "ours, paused": ours}
    on, off = [alternate(todo, size.repetitions, collect=c) for c in (True, False)]
    program = {"own": own, "ours, compiled": compiled_step(tokens)}
    times = {**on, **alternate(program, size.repetitions, collect=True)}
    rows = []
    for name, seconds in times.items():
        count, memory = "–", "–"
        if name in tasks:
            nodes = size_of(tasks[name][1]())
            count, memory = f"{nodes:,}", f"{bytes_a_node(tasks[name][1], nodes):.0f}"
        ratios = [digits(s[name] / s["own"]) if name in s else "–" for s in (times, off)]
        rows.append([name, f"{seconds * 1e3:.4g}", *ratios, count, memory])
    yield Table(
        f"microgpt: loss and gradient of a word of {len(tokens) - 2} letters",
        ["Values", "ms", "times own", "collector off", "nodes", "bytes a node"],
        rows,
        "The target is 1.2 times its own time eager, and a fifth of it compiled.",
    )
    yield one_op(size)


def one_op(size):
    """The time of one op, forward and backward, of many that one more node adds up."""
    rows = []
    for name, f in ONE_OP.items():
        graphs = {"own": many(Slotted, own_total, f, size), "ours": many(Value, total, f, size)}
        seconds = alternate(graphs, size.repetitions, collect=False)
        each = [f"{s / (size.nodes // 10) * 1e9:.0f}" for s in seconds.values()]
        rows.append([name, *each, digits(seconds["ours"] / seconds["own"])])
    return Table(
        "One op, forward and backward, ns",
        ["op", "own", "ours", "ratio"],
        rows,
        "The collector is off. The target is 1.5 times.",
    )


def own_total(xs):
    """The sum as one node, which microgpt does not have."""
    return Slotted(sum(x.data for x in xs), tuple(xs), (1,) * len(xs))


def many(leaf, add_up, f, size):
    """A function that computes an op many times, and goes back over all of them."""

    def run():
        x, y = leaf(1.5), leaf(0.7)
        add_up([f(x, y) for _ in range(size.nodes // 10)]).backward()

    return run
