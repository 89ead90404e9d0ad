"""Programs of those who teach with scalar engines run here: by our Values, and by closures.

Each is a function of the class of Values, written as users of micrograd, of its lectures, of
EurekaLabs' course and of microgpt write. The numbers must be those of a small engine of closures,
and the public ones where there are some.
"""

import copy
import math
import pickle
import random
from itertools import pairwise

import pytest

from autograd_core import RecordingError, Value, compile

# --- An engine of closures -------------------------------------------------------------------


class ClosureValue:
    """What micrograd is: a node keeps a closure that hands its gradient to its parents."""

    def __init__(self, data, parents=(), label=""):
        self.data, self.grad, self.label, self._prev = data, 0.0, label, parents
        self._backward = lambda: None

    def node(self, data, *slopes):
        out = ClosureValue(data, tuple([parent for parent, _ in slopes]))

        def _backward():
            for parent, slope in slopes:
                parent.grad += slope * out.grad

        out._backward = _backward
        return out

    def __add__(self, other):
        other = as_closure(other)
        return self.node(self.data + other.data, (self, 1.0), (other, 1.0))

    def __mul__(self, other):
        other = as_closure(other)
        return self.node(self.data * other.data, (self, other.data), (other, self.data))

    def __pow__(self, n):
        return self.node(self.data**n, (self, n * self.data ** (n - 1)))

    def tanh(self):
        t = math.tanh(self.data)
        return self.node(t, (self, 1 - t * t))

    def exp(self):
        return self.node(math.exp(self.data), (self, math.exp(self.data)))

    def log(self):
        return self.node(math.log(self.data), (self, 1 / self.data))

    def relu(self):
        return self.node(max(self.data, 0.0), (self, float(self.data > 0)))

    def backward(self):
        self.grad = 1.0
        for v in reversed(own_order(self)):
            v._backward()

    def __neg__(self):
        return self * -1

    def __sub__(self, other):
        return self + -other

    def __rsub__(self, other):
        return -self + other

    def __truediv__(self, other):
        return self * as_closure(other) ** -1

    __radd__, __rmul__ = __add__, __mul__


def as_closure(x):
    return x if isinstance(x, ClosureValue) else ClosureValue(x)


def own_order(root):
    """The lecture's own topological order, by recursion."""
    order, seen = [], set()

    def visit(v):
        if v not in seen:
            seen.add(v)
            for child in v._prev:
                visit(child)
            order.append(v)

    visit(root)
    return order


# --- The lecture on micrograd ------------------------------------------------------------------


def an_expression(Value):
    """Gradients by hand, and a step uphill."""
    a, b = Value(2.0, label="a"), Value(-3.0, label="b")
    c, f = Value(10.0, label="c"), Value(-2.0, label="f")
    e = a * b
    e.label = "e"
    d = e + c
    d.label = "d"
    L = d * f
    L.grad = 1.0
    L._backward()
    d._backward()
    e._backward()
    numbers = [L.data, *[v.grad for v in (a, b, c, d, e, f)]]
    for v in (a, b, c, f):
        v.data += 0.01 * v.grad
    return [*numbers, ((a * b + c) * f).data]


def a_neuron(Value, walk):
    """A neuron whose tanh is one node, or made of exponentials; `walk` is how to go back."""
    numbers = []
    for whole in (True, False):
        x1, x2 = Value(2.0, label="x1"), Value(0.0, label="x2")
        w1, w2 = Value(-3.0, label="w1"), Value(1.0, label="w2")
        b = Value(6.8813735870195432, label="b")
        n = x1 * w1 + x2 * w2 + b
        e = (2 * n).exp()
        o = n.tanh() if whole else (e - 1) / (e + 1)
        walk(o)
        numbers += [o.data, *[v.grad for v in (x1, w1, x2, w2, b, n)]]
    return numbers


def by_its_own_loop(o):
    o.grad = 1.0
    for node in reversed(own_order(o)):
        node._backward()


def used_twice(Value):
    """The bug of the lecture: a Value used twice gets both of its gradients."""
    a, b = Value(3.0), Value(-2.0)
    (a + a).backward()
    d, e = a * b, a + b
    f = d * e
    numbers = [a.grad]
    a.grad = 0.0
    f.backward()
    return [*numbers, a.grad, b.grad, d.grad, e.grad]


def a_net(Value):
    """The lecture's own net, its four examples and its loop."""
    random.seed(7)

    class Neuron:
        def __init__(self, nin):
            self.w = [Value(random.uniform(-1, 1)) for _ in range(nin)]
            self.b = Value(random.uniform(-1, 1))

        def __call__(self, x):
            return sum((wi * xi for wi, xi in zip(self.w, x)), self.b).tanh()

    sizes = [3, 4, 4, 1]
    layers = [[Neuron(n) for _ in range(m)] for n, m in pairwise(sizes)]
    parameters = [p for layer in layers for n in layer for p in [*n.w, n.b]]

    def net(x):
        for layer in layers:
            x = [n(x) for n in layer]
        return x[0]

    xs = [[2.0, 3.0, -1.0], [3.0, -1.0, 0.5], [0.5, 1.0, 1.0], [1.0, 1.0, -1.0]]
    ys = [1.0, -1.0, -1.0, 1.0]
    losses = []
    for _ in range(20):
        loss = sum((net(x) - y) ** 2 for x, y in zip(xs, ys))
        for p in parameters:
            p.grad = 0.0
        loss.backward()
        for p in parameters:
            p.data += -0.05 * p.grad
        losses.append(loss.data)
    assert losses[-1] < 0.1 * losses[0]
    return [*losses, *[p.data for p in parameters]]


# --- EurekaLabs' micrograd ---------------------------------------------------------------------


class XorShift:
    """Its generator of random numbers: 64 bits of state, xorshift*."""

    def __init__(self, seed):
        self.state = seed

    def uniform(self, low, high):
        bits = self.state
        bits ^= bits >> 12
        bits = (bits ^ (bits << 25)) % 2**64
        self.state = bits ^ (bits >> 27)
        u32 = ((self.state * 0x2545F4914F6CDD1D) >> 32) % 2**32
        return low + (high - low) * ((u32 >> 8) / 2**24)


class AdamW:
    """Its optimiser, which keeps its moments on the parameters themselves."""

    def __init__(self, parameters, lr, weight_decay):
        self.parameters, self.lr, self.weight_decay, self.t = parameters, lr, weight_decay, 0
        for p in parameters:
            p.m = 0
            p.v = 0

    def step(self):
        self.t += 1
        for p in self.parameters:
            p.m = 0.9 * p.m + 0.1 * p.grad
            p.v = 0.95 * p.v + 0.05 * p.grad**2
            m, v = p.m / (1 - 0.9**self.t), p.v / (1 - 0.95**self.t)
            p.data -= self.lr * (m / (v**0.5 + 1e-8) + self.weight_decay * p.data)

    def zero_grad(self):
        for p in self.parameters:
            p.grad = 0


def three_classes(Value):
    """Points of the plane in three classes, the negative log of a softmax, AdamW."""
    rng = XorShift(42)
    points = []
    for _ in range(50):
        x, y = rng.uniform(-2, 2), rng.uniform(-2, 2)
        points.append(([x, y], 0 if x < 0 else 1 if y < 0 else 2))

    def layer(nin, nout):
        return [
            ([Value(rng.uniform(-1, 1) * nin**-0.5) for _ in range(nin)], Value(0))
            for _ in range(nout)
        ]

    hidden, output = layer(2, 8), layer(8, 3)
    parameters = [p for w, b in hidden + output for p in [*w, b]]
    for p in parameters:
        p._fillcolor = "lightgreen"

    def neuron(w, b, x):
        return sum((wi * xi for wi, xi in zip(w, x)), b)

    def nll(x, label):
        h = [neuron(w, b, x).tanh() for w, b in hidden]
        exps = [neuron(w, b, h).exp() for w, b in output]
        return -(exps[label] / sum(exps)).log()

    optimizer = AdamW(parameters, lr=1e-1, weight_decay=1e-4)
    losses = []
    for _ in range(8):
        total = Value(0.0)
        for x, label in points:
            total = total + nll(x, label)
        loss = total * (1.0 / len(points))
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.data)
    assert losses[-1] < 0.4 * losses[0]
    return [*losses, *[x for p in parameters for x in (p.data, p.m, p.v)]]


# --- microgpt ----------------------------------------------------------------------------------


def gpt(Value):
    """A GPT on scalars: embeddings, root mean square norms, attention with a cache, Adam."""
    random.seed(42)
    docs = ["emma", "ava", "mia", "eva"]
    letters = sorted(set("".join(docs)))
    bos, n_vocab, n_embd, n_head, n_block = len(letters), len(letters) + 1, 8, 2, 6
    size = n_embd // n_head

    def matrix(n_out, n_in, std=0.08):
        return [[Value(random.gauss(0, std)) for _ in range(n_in)] for _ in range(n_out)]

    shapes = {
        **dict.fromkeys(("wte", "lm_head"), (n_vocab, n_embd)),
        "wpe": (n_block, n_embd),
        **dict.fromkeys(("wq", "wk", "wv", "wo"), (n_embd, n_embd)),
        "fc1": (4 * n_embd, n_embd),
        "fc2": (n_embd, 4 * n_embd),
    }
    state = {name: matrix(*shape) for name, shape in shapes.items()}
    params = [p for mat in state.values() for row in mat for p in row]

    def linear(x, w):
        return [sum(wi * xi for wi, xi in zip(row, x)) for row in w]

    def softmax(logits):
        top = max(val.data for val in logits)
        exps = [(val - top).exp() for val in logits]
        total = sum(exps)
        return [e / total for e in exps]

    def rmsnorm(x):
        scale = (sum(xi * xi for xi in x) / len(x) + 1e-5) ** -0.5
        return [xi * scale for xi in x]

    def forward(token, place, keys, values):
        x = rmsnorm([t + p for t, p in zip(state["wte"][token], state["wpe"][place])])
        residual, x = x, rmsnorm(x)
        q = linear(x, state["wq"])
        keys.append(linear(x, state["wk"]))
        values.append(linear(x, state["wv"]))
        attended = []
        for h in range(0, n_embd, size):
            scores = [sum(q[h + j] * k[h + j] for j in range(size)) / size**0.5 for k in keys]
            weights = softmax(scores)
            attended += [
                sum(weights[t] * values[t][h + j] for t in range(len(values))) for j in range(size)
            ]
        x = [a + b for a, b in zip(linear(attended, state["wo"]), residual)]
        residual = x
        x = [xi.relu() for xi in linear(rmsnorm(x), state["fc1"])]
        x = [a + b for a, b in zip(linear(x, state["fc2"]), residual)]
        return linear(x, state["lm_head"])

    m, v = [0.0] * len(params), [0.0] * len(params)
    losses, steps = [], 4
    for step in range(steps):
        tokens = [bos, *map(letters.index, docs[step % len(docs)]), bos]
        n = min(n_block, len(tokens) - 1)
        keys, values, terms = [], [], []
        for place in range(n):
            probs = softmax(forward(tokens[place], place, keys, values))
            terms.append(-probs[tokens[place + 1]].log())
        loss = (1 / n) * sum(terms)
        loss.backward()
        for i, p in enumerate(params):
            m[i] = 0.85 * m[i] + 0.15 * p.grad
            v[i] = 0.99 * v[i] + 0.01 * p.grad**2
            m_hat, v_hat = m[i] / (1 - 0.85 ** (step + 1)), v[i] / (1 - 0.99 ** (step + 1))
            p.data -= 0.01 * (1 - step / steps) * m_hat / (v_hat**0.5 + 1e-8)
            p.grad = 0
        losses.append(loss.data)
    keys, values, token, sampled = [], [], bos, []
    for place in range(n_block):
        probs = softmax([logit / 0.5 for logit in forward(token, place, keys, values)])
        (token,) = random.choices(range(n_vocab), weights=[p.data for p in probs])
        sampled.append(token)
    return [*losses, *sampled, *[p.data for p in params]]


PROGRAMS = {
    "an expression": an_expression,
    "a neuron": lambda Value: a_neuron(Value, lambda o: o.backward()),
    "a neuron, by a loop of one's own": lambda Value: a_neuron(Value, by_its_own_loop),
    "used twice": used_twice,
    "a net": a_net,
    "three classes": three_classes,
    "a GPT": gpt,
}


LONG = {"three classes", "a GPT"}


@pytest.mark.parametrize(
    "program",
    [
        pytest.param(program, id=name, marks=[pytest.mark.slow] * (name in LONG))
        for name, program in PROGRAMS.items()
    ],
)
def test_a_program_has_the_numbers_of_an_engine_of_closures(program):
    ours = program(Value)
    assert len(ours) >= 5
    assert ours == pytest.approx(program(ClosureValue), rel=1e-9, abs=1e-12)


def test_the_public_numbers_of_the_lecture_come_out():
    assert an_expression(Value) == pytest.approx([-8, 6, -4, -2, -2, -2, 4, -7.286496])
    whole = [0.7071067811865476, -1.5, 1.0, 0.5, 0.0, 0.5, 0.5]
    for walk in (Value.backward, by_its_own_loop):
        assert a_neuron(Value, walk) == pytest.approx(whole * 2, abs=1e-12)


# --- One step back, and attributes of one's own ------------------------------------------------


def test_one_step_back_adds_to_the_parents_at_each_call():
    x, y = Value(2.0), Value(3.0)
    z = x * x * y
    z.grad = 0.5
    z._backward()
    z._backward()
    square, _ = z.parents
    assert (square.grad, y.grad, x.grad) == (3.0, 4.0, 0.0)
    x._backward()  # a leaf has no parents
    assert (x.grad, z.grad) == (0.0, 0.5)


def test_a_step_back_where_there_is_no_slope_is_refused():
    root = Value(0.0, "x").sqrt()
    root.grad = 1.0
    with pytest.raises(ValueError, match=r"sqrt has no slope at \(x = 0\.0\)"):
        root._backward()
    assert root.parents[0].grad == 0.0


def test_there_is_no_step_back_while_a_program_is_recorded():
    with pytest.raises(RecordingError):
        compile(lambda x: (x * x)._backward())(2.0)


def test_attributes_of_ones_own_travel_with_a_value():
    p = Value(1.5, "p")
    p.m, p.history = 0.25, [1.0]
    z = p * 2
    z.note = "twice"
    for there in (copy.deepcopy(z), pickle.loads(pickle.dumps(z))):  # noqa: S301
        (twin, _) = there.parents
        assert (there.note, twin.m, twin.history) == ("twice", 0.25, [1.0])
        assert twin.history is not p.history
    assert vars(Value(1.0)) == {}


def test_a_gradient_cannot_be_turned_off():
    p = Value(1.0)
    assert p.requires_grad
    with pytest.raises(AttributeError, match="requires_grad"):
        p.requires_grad = False
