"""The slides by Moon."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core import Value, gradient, hessian, jacobian, mean, total
from nn import MLP, losses
from nn.course.errata.table import (
    Errata,
    Erratum,
    at,
    data,
    grads,
    logistic,
    net,
    product,
    shape,
    slopes,
)

POINTS, LABELS = np.array([[0, 0], [1, 0], [0, 1], [1, 1.0]]), np.array([0, 1, 1, 0.0])
BOX = np.array([[1, 1, 2], [2, 1, 2], [1, 2, 2]])  # times (w1, w2, b)


def straight(w: Any, b: float) -> float:
    """The cost of a straight model on XOR."""
    return float(np.mean((LABELS - POINTS @ w - b) ** 2))


def hidden(W: Any, c: Any) -> Any:
    """What two relu units say at the four points."""
    return np.maximum(POINTS @ W + c, 0)


def xor() -> Errata:
    """Slides 6 to 17, at w = (0.3, -0.7), b = 0.2."""
    w, b = np.array([0.3, -0.7]), 0.2
    model = net([w])
    unit = model.layers[0].neurons[0]
    unit.b.data = b
    cost = mean([losses.squared_error(model(x), y) for x, y in zip(POINTS, LABELS)])
    cost.backward()
    e, x1 = LABELS - POINTS @ w - b, POINTS[:, 0]
    squares = 2 * hessian(cost, unit.w)[0][0].data
    boxes = [np.linalg.solve(BOX, [right, 1, 1]) for right in (1, 0)]
    best, worst = [straight(box[:2], box[2]) for box in boxes]
    half = net([[0.0, 0.0]])
    half.layers[0].neurons[0].b.data = 0.5
    rest = total([losses.squared_error(half(x), y) for x, y in zip(POINTS, LABELS)]).data
    solution = net([[1, 1], [1, 1]], [[1, -2]])
    solution.layers[0].neurons[1].b.data = -1.0
    said = [solution(x).data for x in POINTS]
    ones = at(2, 2)
    printed_h = np.array([[0, 0], [1, 1], [1, 0], [0, 1]])
    return Errata([
        Erratum("6", "five names, $x^{(1)}$ to $x^{(5)}$", "four, as there are rows", len(POINTS), 4, 5),
        Erratum("8", r"$y - x_1w_1 + x_2w_2 - b$", r"$y - x_1w_1 - x_2w_2 - b$", cost.data, straight(w, b), straight(w * [1, -1], b)),
        Erratum("8", r"$\partial J/\partial b = \tfrac24\sum e$", r"$-\tfrac24\sum e$", unit.b.grad, -sum(e) / 2, sum(e) / 2),
        Erratum("9, 10", r"$\partial J/\partial w_1 = -\tfrac14\sum e\,x_1$", r"$-\tfrac24\sum e\,x_1$", unit.w[0].grad, -sum(e * x1) / 2, -sum(e * x1) / 4),
        Erratum("9", r"$\sum x_1^2 = 0+0+0+1$", r"$0+1+0+1$", squares, 2.0, 1.0),
        Erratum("10", r"in the box $w_1 + w_2 + 2b = 0$; its $J$", r"$= 1$", rest / 4, best, worst),
        Erratum("10", r"$4 \cdot \tfrac12$", r"$4 \cdot (\tfrac12)^2$", rest, 4 * 0.5**2, 4 * 0.5),
        Erratum("12, 13", r"$w$ for the matrix $W$; numbers in it", r"$W$", len(solution.layers[0].neurons) * 2, 4, 2),
        Erratum("15", r"$b$ for the vector $w$; numbers in it", r"$w$", len(solution.layers[1].neurons[0].w), 2, 1),
        Erratum("16, 17", r"$W^\top X$ for all rows", r"$XW$", f"{len(said)} × 2", product(np.matmul, POINTS, ones), product(np.matmul, ones.T, POINTS)),
        Erratum("17", r"$H$ with $(1,1)$, $(0,1)$; $w = (1,-1)$", r"$(1,0)$, $(2,1)$; $w = (1,-2)$", said, hidden(ones, [0, -1]) @ [1, -2], printed_h @ [1, -1]),
    ])  # fmt: skip


def outputs() -> Errata:
    """Slides 22 to 29."""
    z = Value(1.5)
    loss = losses.binary_cross_entropy(z.sigmoid(), 0).data
    zs = np.array([0.5, 2.0, -1.0])
    p = np.exp(zs) / np.exp(zs).sum()
    by_class = losses.cross_entropy([Value(v) for v in zs], 1).data
    shares = MLP(2, [4], output="softmax", seed=0)([1.0, 2.0])
    widths = len(MLP(1, [64, 1]).layers[0].neurons)
    return Errata([
        Erratum("22", r"$\tilde\sigma(u)$, easily read as $\sigma(u)$", r"$\zeta(u) = \log(1 + e^u)$", loss, float(np.log1p(np.exp(1.5))), float(logistic(1.5))),
        Erratum("24", r"$\hat y = (0.12, 0.8, 0.01, \ldots, 0.09)$; its sum", "1", float(sum(data(shares))), 1.0, 0.12 + 0.8 + 0.01 + 0.09),
        Erratum("25", r"$-(\log\hat y_1 + \cdots + \log\hat y_k)$", r"$-\sum_c y_c\log\hat y_c$", by_class, -np.log(p[1]), -np.log(p).sum()),
        Erratum("29", r"a width of 64 as $2^8$", "$2^6$", widths, 2**6, 2**8),
    ])  # fmt: skip


FROM1 = np.array([[0.1, 0.2], [0.3, 0.4]])  # Moon's weights, row i leading from unit i
FROM2 = np.array([[0.5, -0.6], [0.7, 0.8]])
INPUT, TARGET = np.array([0.5, -1.0]), np.array([1.0, 0.0])


def shapes() -> Errata:
    """Slides 39 to 42, by shapes: of a layer from 4 units to 2, of a function of 3 numbers."""
    g, h, W, first = at(2), at(4), at(2, 4), at(3, 4)
    x = [Value(float(i)) for i in range(3)]
    J = np.array([[v.data for v in row] for row in jacobian([total(x) * k for k in range(4)], x)])
    model = net(first.T, W, activation="tanh")
    total(model([1.0, 2.0, 3.0])).backward()
    found, back = slopes(model)[1], grads(model.layers[0].activations)
    return Errata([
        Erratum("39", r"$(\nabla_y z)^\top J^\top$", r"$J^\top\,\nabla_y z$", shape(x), product(np.matmul, J.T, at(4)), product(np.matmul, at(1, 4), J.T)),
        Erratum("41", r"$\nabla_W J = g \odot h$", r"$g\,h^\top$", shape(found), product(np.outer, g, h), product(np.multiply, g, h)),
        Erratum("41", r"$\nabla_h J = W g$", r"$W^\top g$", shape(back), product(np.matmul, W.T, g), product(np.matmul, W, g)),
        Erratum("42", r"$W^{(k-1)\top} h^{(k-1)}$", r"$W^{(k)\top} h^{(k-1)}$", shape(model.layers[1].neurons), product(np.matmul, W, h), product(np.matmul, first.T, h)),
    ])  # fmt: skip


def slope(z: Value, x: Value) -> float:
    """The slope of one Value along another."""
    return gradient(z, x)[0].data


def backward() -> Errata:
    """Slides 45 to 53, where the shapes fit and only numbers can tell: the net 2-2-2."""
    model = net(FROM1.T, FROM2.T, activation="sigmoid", output="sigmoid")
    half = [0.5 * (p - t) ** 2 for p, t in zip(model(INPUT), TARGET)]
    (half[0] + half[1]).backward()
    units, sums = model.layers[0].activations, model.layers[1].pre_activations
    h, delta, w11 = data(units), grads(sums), model.layers[1].neurons[0].w[0]
    both, along = units[0].grad, slopes(model)[0][0, 0]
    (one, two), (first, second) = delta * FROM2[0], [data([a])[0] for a in sums]
    only_two = slope(half[1], units[0])
    inner = h[0] * (1 - h[0]) * INPUT[0]
    w = Value(0.7)
    w.sin().sin().sin().backward()
    xs = [0.7, *[float(np.sin(0.7)), float(np.sin(np.sin(0.7)))]]
    a, b, c, d = np.cos([*xs, np.sin(xs[-1])])
    return Errata([
        Erratum("45", r"$a^2_1 = w^2_{11}h^1_1 + w^2_{12}h^1_2$", r"$w^2_{11}h^1_1 + w^2_{21}h^1_2$", first, h @ FROM2[:, 0], h @ FROM2[0]),
        Erratum("45", r"in it $h^2_1$", r"$h^1_1$", first, h @ FROM2[:, 0], logistic(data(sums)) @ FROM2[:, 0]),
        Erratum("45", r"$\partial a^2_1/\partial w^2_{11} = h'$", r"$h^1_1$", slope(sums[0], w11), h[0], h[0] * (1 - h[0])),
        Erratum("47", r"$\partial a^2_1/\partial h^1_1 = w^2_{11}h^1_1 + w^2_{21}h^1_2$", r"$w^2_{11}$", slope(sums[0], units[0]), FROM2[0, 0], h @ FROM2[:, 0]),
        Erratum("48", r"$\partial a^2_2/\partial h^1_1 = w^2_{12}h^1_1 + w^2_{22}h^1_2$", r"$w^2_{12}$", slope(sums[1], units[0]), FROM2[0, 1], second),
        Erratum("48", r"$\partial L/\partial h^1_1 = \delta_1 w^2_{11}$", r"$\delta_1 w^2_{11} + \delta_2 w^2_{12}$", both, one + two, one),
        Erratum("48", r"$\partial L_2/\partial h^1_1$ by way of $h^2_1$", "$h^2_2$", only_two, two, 0.0),
        Erratum("49", r"$\partial L/\partial w^1_{11}$ with $w^1_{11}, w^1_{12}$", r"$w^2_{11}, w^2_{12}$", along, delta @ FROM2[0] * inner, delta @ FROM1[0] * inner),
        Erratum("53", "$f'(y) + f'(x) + f'(w)$", "$f'(y)\\,f'(x)\\,f'(w)$", w.grad, a * b * c, a + b + c),
        Erratum("53", "$f'(f(y))$", "$f'(f(x))$", w.grad, a * b * c, a * b * d),
    ])  # fmt: skip
