"""What the labs hand out: programs that are broken on purpose."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from autograd_core import Op, Value, logsumexp, mean, topological
from nn import datasets, losses
from nn.course.examples import Example, numbers
from nn.model import MLP
from nn.optim import gradient_descent


def hasty_backward(root: Any) -> None:
    """A colleague's backward, wrong: whoever is told something passes it on at once."""
    for v in topological(root):
        v.grad = 0.0
    root.grad = 1.0
    stack = [root]
    while stack:
        v = stack.pop()
        for parent, partial in zip(v.parents, v.partials):
            parent.grad += partial * v.grad
            stack.append(parent)


# --- Find the bug: each of these has one ------------------------------------------------------


def difference(x: Any, y: Any) -> Any:
    """x - y, by an operation of a colleague's."""
    return DIFFERENCE(x, y)


DIFFERENCE = Op(
    "difference", lambda x, y: x - y, lambda z, x, y: (1.0, 1.0), lambda np, x, y: x - y
)


def forgetful(steps: int = 12, rate: float = 0.3) -> Iterator[tuple[float, float, Value, Value]]:
    """A training of XOR: at each step loss, size of the gradient, a weight, the loss as Value."""
    model = MLP(2, [4, 1], activation="tanh", seed=1)
    X, y = datasets.xor()
    for _ in range(steps):
        loss = mean([losses.squared_error(model(x), t) for x, t in zip(X, y)])
        loss.backward()
        size = sum(p.grad**2 for p in model.parameters()) ** 0.5
        yield loss.data, size, model.layers[0].neurons[0].w[0], loss
        for p in model.parameters():
            p.data -= rate * p.grad


def turned(net: Example) -> list[Any]:
    """The gradient along each matrix of a net with one output, by a colleague's nine lines."""
    W = [numbers(layer) for layer in net.layers]
    a = [
        [v.data for v in net.inputs],
        *[[v.data for v in layer.activations] for layer in net.layers],
    ]
    delta = [np.ones(1)]
    for k in range(len(W) - 1, 0, -1):
        matrix = W[k] if W[k].shape[0] == W[k].shape[1] else W[k].T
        h = np.array(a[k])
        delta.insert(0, h * (1 - h) * (matrix @ delta[0]))
    return [np.outer(d, before) for d, before in zip(delta, a)]


def overwriting(root: Any) -> None:
    """A colleague's backward, in the right order."""
    order = topological(root)
    for v in order:
        v.grad = 0.0
    root.grad = 1.0
    for v in reversed(order):
        for parent, partial in zip(v.parents, v.partials):
            parent.grad = partial * v.grad


def hurried(root: Any) -> None:
    """A colleague's backward: it adds, and each Value speaks once, from the end to the leaves."""
    order = [root]
    for v in order:
        order += [p for p in dict.fromkeys(v.parents) if p not in order]
    for v in order:
        v.grad = 0.0
    root.grad = 1.0
    for v in order:
        for parent, partial in zip(v.parents, v.partials):
            parent.grad += partial * v.grad


def sleeper() -> tuple[MLP, Any, Any]:
    """A net whose hidden units all sleep, and its data."""
    X, y = datasets.moons(n=60, seed=0)
    model = MLP(2, [6, 1], activation="relu", seed=0)
    for neuron in model.layers[0].neurons:
        neuron.b.data = -20.0
    return model, X, y


def twice_soft(steps: int = 200) -> tuple[MLP, list[float], float]:
    """A classifier of three blobs, its losses, and the share that it has right."""
    X, y = datasets.blobs(n=30, seed=0)
    model = MLP(2, [3], output="softmax", seed=0)

    def loss() -> Value:
        return mean([logsumexp(p) - p[t] for p, t in ((model(x), t) for x, t in zip(X, y))])

    history = gradient_descent(loss, model.parameters(), lr=1.0, steps=steps)
    said = [max(range(3), key=lambda k: p[k].data) for p in map(model, X)]
    return model, history, sum(k == t for k, t in zip(said, y)) / len(y)
