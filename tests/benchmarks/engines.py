"""The engines compared. Each answers the same few calls, written as its users would write them.

`net(sizes, numbers)` makes an MLP of two inputs with given parameters, `mean_loss` builds its loss
over a batch, `step` trains it once, `example` goes forward and backward for one example; `leaf`
and `tanh` are what the graphs of single operators are made of.
"""

import gc
import math
from contextlib import contextmanager
from importlib.metadata import version
from importlib.util import find_spec

L2 = 1e-4
LEARNING_RATE = 0.5


@contextmanager
def collector_paused():
    """No cyclic garbage collection meanwhile, as in `nn.fit`."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class Ours:
    """This project, eager: a neuron's weighted sum is one node."""

    name = "autograd-core"
    module = "nn"

    def __init__(self):
        import autograd_core
        import nn

        self.core, self.nn = autograd_core, nn
        self.leaf = autograd_core.Value

    def net(self, sizes, numbers):
        model = self.nn.MLP(2, sizes, init="zeros")
        for p, number in zip(model.parameters(), numbers, strict=True):
            p.data = number
        return model

    def mean_loss(self, model, X, signs):
        inputs = [list(map(self.leaf, x)) for x in X]
        losses = [(1 - sign * model(x)).relu() for x, sign in zip(inputs, signs)]
        parameters = model.parameters()
        return self.core.mean(losses) + L2 * self.core.dot(parameters, parameters)

    def step(self, model, X, signs):
        with collector_paused():
            loss = self.mean_loss(model, X, signs)
            model.zero_grad()
            loss.backward()
            self.nn.SGD(LEARNING_RATE).step(model.parameters())
            return loss.data

    def example(self, model, x):
        model(list(map(self.leaf, x))).backward()

    def tanh(self, x):
        return x.tanh()

    def nodes(self, root):
        return len(self.core.topological(root))


class Micrograd:
    """micrograd as its demo uses it; tanh, which it lacks, is added as in its author's lecture."""

    name = "micrograd"
    module = "micrograd.nn"

    def __init__(self):
        import micrograd.engine
        import micrograd.nn

        self.nn = micrograd.nn
        self.leaf = micrograd.engine.Value

    def net(self, sizes, numbers):
        model = self.nn.MLP(2, sizes)
        for p, number in zip(model.parameters(), numbers, strict=True):
            p.data = number
        return model

    def mean_loss(self, model, X, signs):
        inputs = [list(map(self.leaf, x)) for x in X]
        losses = [(1 + -sign * model(x)).relu() for x, sign in zip(inputs, signs)]
        return sum(losses) * (1.0 / len(losses)) + L2 * sum(p * p for p in model.parameters())

    def step(self, model, X, signs):
        loss = self.mean_loss(model, X, signs)
        model.zero_grad()
        loss.backward()
        for p in model.parameters():
            p.data -= LEARNING_RATE * p.grad
        return loss.data

    def example(self, model, x):
        model(list(map(self.leaf, x))).backward()

    def tanh(self, x):
        t = math.tanh(x.data)
        out = self.leaf(t, (x,), "tanh")

        def _backward():
            x.grad += (1 - t * t) * out.grad

        out._backward = _backward  # noqa: SLF001 (this is how micrograd is extended)
        return out

    def nodes(self, root):
        seen, todo = {root}, [root]
        while todo:
            for child in todo.pop()._prev:  # noqa: SLF001 (micrograd has no other name for it)
                if child not in seen:
                    seen.add(child)
                    todo.append(child)
        return len(seen)


PEERS = {"micrograd": Micrograd}


def engines():
    """Ours, and the peers that are installed."""
    return [Ours(), *[engine() for package, engine in PEERS.items() if find_spec(package)]]


def peers():
    """Which peers there are, in which version, and which are absent."""
    return ", ".join(
        f"{package} {version(package)}" if find_spec(package) else f"{package} absent"
        for package in PEERS
    )
