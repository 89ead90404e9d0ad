"""The handwritten documents."""

from __future__ import annotations

import numpy as np

from autograd_core import Value, gradient
from nn import losses
from nn.course.errata.table import Errata, Erratum, at, data, grads, net, product, shape, slopes

THREE = [[[0.1, 0.3, -0.5], [-0.2, 0.4, 0.5]], [[0.7, 0.9], [-0.8, 1.0]], [[1.1, -1.2]]]
RNG = np.random.default_rng(0)
A, B = RNG.normal(size=(4, 3)), RNG.normal(size=(2, 4))  # a net 3-4-2, to from
EXAMPLE, SECOND = RNG.normal(size=3), np.array([0.0, 1.0])


def backpropagation_slides() -> Errata:
    """The example 3-2-2-1."""
    model = net(*THREE, activation="sigmoid")
    model([1.0, 2.0, -1.0]).backward()
    x2, weights = data(model.layers[1].activations), sum(np.size(d) for d in slopes(model))
    return Errata([
        Erratum("weights", r"$\ddot w_{12}$ twice; three rows in the third $W$", r"$\ddot w_{22}$; two rows", weights, 6 + 4 + 2, 6 + 4 + 3),
        Erratum("slopes", r"$\ddot x_2$ for all last weights", r"$\ddot x_i$ for the one from $i$", slopes(model)[2][0], x2, x2[[1, 1]]),
    ])  # fmt: skip


def structure_notes() -> Errata:
    """A net 3-4-2 with relu."""
    model = net(A, B)
    z = model(EXAMPLE)
    losses.squared_error(z, SECOND).backward()
    now, squared = data(z), grads(z)
    model.zero_grad()
    z = model(EXAMPLE)
    loss = losses.cross_entropy(z, SECOND)
    loss.backward()
    p = np.exp(now) / np.exp(now).sum()
    d, rate, W2 = grads(z), 0.01, B.T  # "from, to"
    hidden_z = grads(model.layers[0].pre_activations)
    a1 = data(model.layers[0].activations)
    gradient_of = slopes(model)[1]

    def after(step: float) -> float:
        moved = net(A, B + step * gradient_of)
        return float(losses.cross_entropy(moved(EXAMPLE), SECOND).data)

    for w, slope in zip([w for u in model.layers[1].neurons for w in u.w], gradient_of.ravel()):
        w.data -= rate * slope
    stepped = losses.cross_entropy(model(EXAMPLE), SECOND).data
    return Errata([
        Erratum("squares", r"$\delta = z - y$", r"$2(z - y)$", squared, 2 * (now - SECOND), now - SECOND),
        Erratum("classes", r"$\delta = (p - y)/\mathrm{softmax}$", r"$p - y$", d, p - SECOND, (p - SECOND) / p),
        Erratum("layers", r"$W^{(i)}\delta^{(j)}$, $i = 1$, $j = 2$", r"$W^{(j)}\delta^{(j)}$", shape(hidden_z), product(np.matmul, W2, d), product(np.matmul, A.T, d)),
        Erratum("weights", r"$\delta^{(j)}_k\,\sigma(z_i)$ for $w^{(j-1)}_{it}$", r"$\delta^{(j)}_t\,\sigma(z_i)$ for $w^{(j)}_{it}$", shape(gradient_of.T), product(np.outer, a1, d), shape(A.T)),
        Erratum("activations", r"$a^{(j)} = \sigma(z^{(j-1)})$", r"$\sigma(z^{(j)})$", f"{len(z)}", shape(now), shape(a1)),
        Erratum("step", r"adjust $w$ by $\nabla L$; the next loss", r"$w - \eta\,\nabla L$", stepped, after(-rate), after(1.0)),
    ])  # fmt: skip


def deep_learning_notes() -> Errata:
    """One logit; a layer of three; nets 3-4-2 and 2-1-1-1."""
    z, y = Value(0.4), 0
    p = z.sigmoid()
    loss = losses.binary_cross_entropy(p, y)
    found = gradient(loss, z)[0].data
    printed = -(y * p.log() + (1 - y) * np.log(1 - y))
    flat, along_p = gradient(printed, z)[0].data, gradient(loss, p)[0].data
    chained = along_p * p.data * (1 - p.data)
    layer, a = net(RNG.normal(size=(3, 3))), np.array([5.0, 6.0, 7.0])
    w = layer.layers[0].neurons[0].w[2]
    column = [gradient(out, w)[0].data for out in layer(a)]
    model = net(A, B)
    rows = [[w.data for w in unit.w] for unit in model.layers[1].neurons]
    general, one, own = thin()
    return Errata([
        Erratum("loss", r"$\log 1 - y$; the slope along $z$", r"$\log(1 - \hat y)$", found, p.data, flat),
        Erratum("loss", r"$y\log\hat y + (1 - y)\log(1 - \hat y)$", "with a minus", found, p.data - y, y - p.data),
        Erratum("$W^{[2]}$", r"$d_2 \times d_2$", r"$d_2 \times d_1$", shape(rows), product(np.add, at(2, 4), 0), product(np.add, at(2, 2), 0)),
        Erratum("$z^{[2]}$", r"$b^{[1]}$; its entries", r"$b^{[2]}$", len(model.layers[1].neurons), 2, 4),
        Erratum("chain", "a minus between two of its forms", "=", found, chained, -chained),
        Erratum("$W_{02}$", r"$\partial z/\partial W_{ij} = a_j e_j$", r"$a_j e_i$", column, a[2] * np.eye(3)[0], a[2] * np.eye(3)[2]),
        Erratum("$\\delta^{[1]}$, $L = 3$", r"$(a^{[L]} - y)\,W^{[2]} \odot g'$", r"$\delta^{[2]} W^{[2]} \odot g'$", own, one, general),
    ])  # fmt: skip


def thin() -> tuple[float, float, float]:
    """At layer 1 of a net 2-1-1-1: the printed "in general", the recursion, the engine."""
    weights = [RNG.normal(size=size) for size in ((1, 2), (1, 1), (1, 1))]
    model = net(*weights, activation="tanh", output="sigmoid")
    p = model([1.0, -0.5])
    losses.binary_cross_entropy(p, 1).backward()
    first, second = [model.layers[k].pre_activations[0] for k in (0, 1)]
    bend = weights[1].item() * (1 - np.tanh(first.data) ** 2)
    return (p.data - 1) * bend, second.grad * bend, first.grad
