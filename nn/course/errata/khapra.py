"""The lecture by Khapra."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core import gradient
from nn import MLP, losses
from nn.course.errata.table import Errata, Erratum, at, data, grads, net, product, shape


def khapra() -> Errata:
    """Parts 4.1 to 4.8: L = 3 layers, n = 3 hidden units, k = 4 classes, the true class ℓ = 1."""
    n, k, true = 3, 4, 1
    model = MLP(n, [n, n, k], activation="tanh", output="softmax", seed=3)
    p = model([1.0, -2.0, 0.5])
    losses.nll(p, true).backward()
    last = model.layers[-1]
    a, y, e = data(last.pre_activations), data(p), np.eye(k)[true]
    W = np.array([[w.data for w in unit.w] for unit in last.neurons])
    inputs, count = data(model.layers[1].activations), len(model.parameters())
    slope = gradient(p[true], last.pre_activations[0])[0].data
    formula = 2 * (n * n + n) + n * k + k
    with np.errstate(divide="ignore"):
        upside_down = y[true] / e
    return Errata([
        Erratum("4.1", r"$W_L \in \mathbb R^{n\times k}$", r"$k \times n$", shape(W), product(np.add, at(k, n), 0), product(np.add, at(n, k), 0)),
        Erratum("4.2", r"the column $\partial L/\partial W_{L,1k}$ twice", "once", count, formula, formula + n),
        Erratum("4.2", r"$\nabla\theta$ as a rectangle of $n$ rows", "a list", count, formula, n * (2 * (n + 1) + k + 1)),
        Erratum("4.3", r"a linear output $W_O a_L + b_O$", "$a_L$ itself", count, formula, formula + k * k + k),
        Erratum("4.4", r"$a_{L11}$; its indices", "$a_{L1}$", np.ndim(a), 1, 2),
        Erratum("4.4", r"the last hidden layer $h_L$", r"$h_{L-1}$", len(model.layers) - 1, 3 - 1, 3),
        Erratum("4.5", r"$\nabla_{\hat y}L = (1/e(\ell))\,\hat y_\ell$", r"$-(1/\hat y_\ell)\,e(\ell)$", grads(p), -e / y[true], upside_down),
        Erratum("4.5", r"softmax over $\sum_{i'} e^{a_\ell}$", r"$\sum_{i'} e^{a_{i'}}$", y, np.exp(a) / np.exp(a).sum(), np.exp(a) / (k * np.exp(a))),
        Erratum("4.5", r"$\partial\hat y_\ell/\partial a_0 = -\hat y_\ell\,\hat y_\ell$", r"$-\hat y_\ell\,\hat y_0$", slope, -y[true] * y[0], -(y[true] ** 2)),
        Erratum("4.5", r"$\partial L/\partial a_i = -(1_{\ell=i} - \hat y_\ell)$", r"$-(1_{\ell=i} - \hat y_i)$", grads(last.pre_activations), y - e, y[true] - e),
        Erratum("4.6", r"$W_{i+1}h_{ij} - b_{i+1}$", r"$W_{i+1}h_i + b_{i+1}$", *with_bias(W[0], inputs)),
        Erratum("4.6", r"sums to $k$ in every layer", r"to $n$ in hidden ones", len(model.layers[1].neurons), n, k),
        Erratum("4.8", r"gradients along $a_0, a_1, a_2, a_3$", r"$a_1, a_2, a_3$", len(model.layers), 3, 4),
    ])  # fmt: skip


def with_bias(w: Any, h: Any) -> tuple[float, float, float]:
    """A sum with a bias of ½: by the engine, with plus, with minus."""
    unit = net([w])
    unit.layers[0].neurons[0].b.data = 0.5
    return unit(list(h)).data, float(w @ h) + 0.5, float(w @ h) - 0.5
