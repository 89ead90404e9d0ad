"""Programs as users of micrograd write them run here after changing two import lines.

Where micrograd is installed, each also runs with its own imports, and the numbers must agree.
"""

import math
import runpy
from functools import cache
from importlib.util import find_spec

import pytest

OURS = """\
from autograd_core import Value
from nn import Neuron, Layer, MLP
"""
MICROGRAD = """\
from micrograd.engine import Value
from micrograd.nn import Neuron, Layer, MLP
"""

EXPRESSION = """
x, y = Value(-1.5), Value(2.0)
u = x * y + 3
v = u**2 - x / 4
v += 1 + v * 2 - (-y)
w = (5 * v - u).relu() + (x - y).relu()
w -= 10.0 / w + 2 ** 3 * y**-1
w = -w / 2.5
w.backward()
numbers = [w.data, x.grad, y.grad, u.grad, v.grad]
print(f"{w.data:.4f} {x.grad:.4f}", w)
"""

NEURON = """
import random

random.seed(42)
neuron = Neuron(2)
assert all(-5 < p.data < 5 for p in neuron.parameters())
for p, number in zip(neuron.parameters(), [0.8, -0.4, 0.1]):
    p.data = number
inputs = [Value(1.0), Value(-2.0)]
out = neuron(inputs)
out.backward()
numbers = [out.data] + [p.grad for p in neuron.parameters()] + [i.grad for i in inputs]

layer = Layer(2, 3)
for i, p in enumerate(layer.parameters()):
    p.data = 0.3 * i - 1
outs = layer(inputs)
numbers += [o.data for o in outs] + [len(layer.neurons), len(layer.parameters())]
print(neuron, layer)
"""

SMALL_NET = """
import random

xs = [[2.0, 3.0, -1.0], [3.0, -1.0, 0.5], [0.5, 1.0, 1.0], [1.0, 1.0, -1.0]]
ys = [1.0, -1.0, -1.0, 1.0]
net = MLP(3, [4, 4, 1])
random.seed(3)
for p in net.parameters():
    p.data = random.uniform(-1, 1)

numbers = []
for step in range(15):
    predictions = [net(x) for x in xs]
    loss = sum((yout - ygt)**2 for ygt, yout in zip(ys, predictions))
    for p in net.parameters():
        p.grad = 0.0
    loss.backward()
    for p in net.parameters():
        p.data += -0.02 * p.grad
    numbers.append(loss.data)
assert numbers[-1] < 0.5 * numbers[0], numbers
numbers += [net.layers[0].neurons[0].w[0].data, net.layers[0].neurons[0].w[0].grad]
numbers += [len(net.parameters())]
"""

MOONS = """
import random
import numpy as np

np.random.seed(5)
turn = np.linspace(0, np.pi, 9)
upper = np.stack([np.cos(turn), np.sin(turn)], axis=1)
lower = np.stack([1 - np.cos(turn), 0.5 - np.sin(turn)], axis=1)
X = np.concatenate([upper, lower]) + 0.1 * np.random.randn(18, 2)
y = np.array([0] * 9 + [1] * 9)
y = y * 2 - 1  # labels -1 and 1, as integers

model = MLP(2, [6, 6, 1])
print(model)
print("number of parameters", len(model.parameters()))
random.seed(3)
for p in model.parameters():
    p.data = random.uniform(-1, 1)


def loss(batch_size=None):
    if batch_size is None:
        Xb, yb = X, y
    else:
        rows = np.random.permutation(X.shape[0])[:batch_size]
        Xb, yb = X[rows], y[rows]
    inputs = [list(map(Value, xrow)) for xrow in Xb]
    scores = list(map(model, inputs))

    losses = [(1 + -yi*scorei).relu() for yi, scorei in zip(yb, scores)]
    data_loss = sum(losses) * (1.0 / len(losses))
    alpha = 1e-4
    reg_loss = alpha * sum((p*p for p in model.parameters()))
    total_loss = data_loss + reg_loss

    accuracy = [(yi > 0) == (scorei.data > 0) for yi, scorei in zip(yb, scores)]
    return total_loss, sum(accuracy) / len(accuracy)


numbers = []
for k in range(18):
    total_loss, accuracy = loss() if k % 3 else loss(batch_size=8)
    model.zero_grad()
    total_loss.backward()
    learning_rate = 0.5 - 0.3 * k / 18
    for p in model.parameters():
        p.data -= learning_rate * p.grad
    print(f"step {k} loss {total_loss.data}, accuracy {accuracy*100}%")
    numbers += [total_loss.data, accuracy]
numbers += [p.data for p in model.parameters()]

# The decision boundary, as it is drawn with matplotlib.
h = 1.0
xx, yy = np.meshgrid(np.arange(-1.5, 2.5, h), np.arange(-1.0, 1.5, h))
grid = np.c_[xx.ravel(), yy.ravel()]
scores = list(map(model, [list(map(Value, xrow)) for xrow in grid]))
Z = np.array([s.data > 0 for s in scores]).reshape(xx.shape)
assert Z.dtype == bool, Z.dtype
numbers += [s.data for s in scores]
"""

DRAWING = """
from graphviz import Digraph


def walk(root):
    nodes, edges = set(), set()

    def visit(v):
        if v in nodes:
            return
        nodes.add(v)
        for child in v._prev:
            edges.add((child, v))
            visit(child)

    visit(root)
    return nodes, edges


def picture(root):
    dot = Digraph(format="svg", graph_attr={"rankdir": "LR"})
    nodes, edges = walk(root)
    for n in nodes:
        dot.node(str(id(n)), label="{ data %.4f | grad %.4f }" % (n.data, n.grad), shape="record")
        if n._op:
            dot.node(str(id(n)) + n._op, label=n._op)
            dot.edge(str(id(n)) + n._op, str(id(n)))
    for n1, n2 in edges:
        dot.edge(str(id(n1)), str(id(n2)) + n2._op)
    return dot


a, b, c = Value(2.0), Value(-3.0), Value(10.0)
d = (a * b + c) ** 2 * a
d.backward()
nodes, edges = walk(d)
drawn = picture(d).source
assert drawn.count("record") == len(nodes)
numbers = [len(nodes), len(edges), drawn.count("->")]
numbers += [x for pair in sorted((n.data, n.grad) for n in nodes) for x in pair]
ops = sorted(n._op for n in nodes)

neuron = Neuron(2)
y = neuron([Value(1.0), Value(-2.0)])
y.backward()
assert y._op.lower() == "relu"
assert "record" in picture(y).source
assert {id(p) for p in neuron.parameters()} <= {id(n) for n in walk(y)[0]}
"""

PROGRAMS = {
    "expression": EXPRESSION,
    "neuron": NEURON,
    "small net": SMALL_NET,
    "moons": MOONS,
    "drawing": DRAWING,
}
each = pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """What a program's names stand for after it ran with these imports."""

    @cache
    def run(imports, program):
        path = tmp_path_factory.mktemp("program") / "program.py"
        path.write_text(imports + program)
        return runpy.run_path(str(path))

    return run


@each
def test_it_runs_after_changing_two_import_lines(run, program):
    numbers = run(OURS, program)["numbers"]
    assert len(numbers) > 4
    assert all(map(math.isfinite, numbers))


def test_the_moons_are_learnt(run):
    names = run(OURS, MOONS)
    first, _ = names["numbers"][:2]
    loss, accuracy = names["loss"]()
    assert loss.data < 0.6 * first
    assert accuracy >= 0.8


def test_the_global_generator_chooses_the_weights(run):
    program = "import random\nrandom.seed(1337)\nmodel = MLP(2, [3, 1])\n"
    first, second = [run(OURS, program + end)["model"] for end in ("", "print(model)")]
    assert [p.data for p in first.parameters()] == [p.data for p in second.parameters()]


@each
@pytest.mark.skipif(find_spec("micrograd") is None, reason="micrograd is not installed")
def test_micrograd_gives_the_same_numbers(run, program):
    ours, theirs = run(OURS, program), run(MICROGRAD, program)
    assert ours["numbers"] == pytest.approx(theirs["numbers"], rel=1e-9, abs=1e-12)
    assert ours.get("ops") == theirs.get("ops")
