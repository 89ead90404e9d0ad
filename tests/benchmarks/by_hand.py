"""The same steps by hand: forward and backward propagation worked out on paper, in NumPy.

Each is written as who knows NumPy well would write it: what can be done in place is done there.
`in_buffers` goes to the end of that way: all parameters in one array, nothing allocated.
"""

# ruff: noqa: PLW2901 (arrays are changed in place)

import numpy as np

from tests.benchmarks.measure import Steps


def by_hand(problem):
    """The step of any problem."""
    makers = {"hinge": hinge_step, "cross entropy": cross_entropy_step, "output": output_gradient}
    return Steps(makers[problem.loss](problem))


def hinge_step(problem):
    """Two hidden layers, hinge loss, weight decay."""
    X, y, n, rate, decay = problem.X, problem.y, problem.n, problem.rate, problem.decay
    parameters = W1, b1, W2, b2, W3, b3 = [p for layer in problem.layers() for p in layer]
    w3, slopes, shrink = W3[:, 0], -y / n, 1 - 2 * rate * decay

    def step():
        a1 = X @ W1
        a1 += b1
        np.maximum(a1, 0, out=a1)
        a2 = a1 @ W2
        a2 += b2
        np.maximum(a2, 0, out=a2)
        scores = a2 @ w3
        scores += b3
        margins = 1 - y * scores
        loss = np.maximum(margins, 0).sum() / n
        loss += decay * sum([np.vdot(p, p) for p in parameters])

        g = slopes * (margins > 0)
        g2 = g[:, None] * w3
        g2 *= a2 > 0
        g1 = g2 @ W2.T
        g1 *= a1 > 0
        gradients = X.T @ g1, g1.sum(0), a1.T @ g2, g2.sum(0), (g @ a2)[:, None], g.sum()
        for p, gradient in zip(parameters, gradients):
            p *= shrink
            p -= rate * gradient
        return loss

    return step


def cross_entropy_step(problem):
    """One hidden layer, softmax, cross entropy."""
    X, n, rate, shares = problem.X, problem.n, problem.rate, problem.classes / problem.n
    parameters = W1, b1, W2, b2 = [p for layer in problem.layers() for p in layer]

    def step():
        a = X @ W1
        a += b1
        np.maximum(a, 0, out=a)
        z = a @ W2
        z += b2
        z -= z.max(1, keepdims=True)
        g2 = np.exp(z)
        totals = g2.sum(1, keepdims=True)
        loss = np.log(totals).sum() / n - np.vdot(z, shares)

        totals *= n
        g2 /= totals
        g2 -= shares
        g1 = g2 @ W2.T
        g1 *= a > 0
        gradients = X.T @ g1, g1.sum(0), a.T @ g2, g2.sum(0)
        for p, gradient in zip(parameters, gradients):
            gradient *= rate
            p -= gradient
        return loss

    return step


def output_gradient(problem):
    """The output for one example, and its gradient; vectors where there were matrices."""
    (x,) = problem.X
    W1, b1, W2, b2, W3, b3 = [p for layer in problem.layers() for p in layer]
    w3 = W3[:, 0]

    def step():
        a1 = x @ W1
        a1 += b1
        np.maximum(a1, 0, out=a1)
        a2 = a1 @ W2
        a2 += b2
        np.maximum(a2, 0, out=a2)
        output = a2 @ w3 + b3[0]

        g2 = w3 * (a2 > 0)
        g1 = W2 @ g2
        g1 *= a1 > 0
        _gradients = x[:, None] * g1, g1, a1[:, None] * g2, g2, a2, 1.0
        return output

    return step


def in_buffers(problem):
    """The step of a problem, every result written into an array that is there already."""
    makers = {"hinge": hinge_step_in_buffers, "cross entropy": cross_entropy_step_in_buffers}
    return Steps(makers[problem.loss](problem))


def flat(layers):
    """All parameters in one array, another for their gradients; and the parts of both."""
    parameters = [p for layer in layers for p in layer]
    theta = np.concatenate([p.ravel() for p in parameters])
    ends = np.cumsum([p.size for p in parameters])[:-1]

    def parts(array):
        return [part.reshape(p.shape) for part, p in zip(np.split(array, ends), parameters)]

    gradient = np.empty_like(theta)
    return theta, gradient, parts(theta), parts(gradient)


def hinge_step_in_buffers(problem):
    """`hinge_step`, without an allocation."""
    X, y, n, rate, decay = problem.X, problem.y, problem.n, problem.rate, problem.decay
    theta, gradient, parts, gradients = flat(problem.layers())
    (W1, b1, W2, b2, W3, b3), (gW1, gb1, gW2, gb2, gW3, gb3) = parts, gradients
    w3, gw3, slopes, shrink = W3[:, 0], gW3[:, 0], -y / n, 1 - 2 * rate * decay
    a1, g1, a2, g2 = [np.empty((n, len(b))) for b in (b1, b1, b2, b2)]
    on1, on2, on = np.empty(a1.shape, bool), np.empty(a2.shape, bool), np.empty(n, bool)
    margins, g = np.empty((2, n))

    def step():
        np.matmul(X, W1, out=a1)
        np.add(a1, b1, out=a1)
        np.maximum(a1, 0.0, out=a1)
        np.matmul(a1, W2, out=a2)
        np.add(a2, b2, out=a2)
        np.maximum(a2, 0.0, out=a2)
        np.matmul(a2, w3, out=margins)
        np.add(margins, b3, out=margins)
        np.multiply(margins, y, out=margins)
        np.subtract(1.0, margins, out=margins)
        np.maximum(margins, 0.0, out=margins)
        loss = np.add.reduce(margins) / n + decay * theta.dot(theta)

        np.greater(margins, 0.0, out=on)
        np.multiply(slopes, on, out=g)
        np.matmul(g, a2, out=gw3)
        np.add.reduce(g, out=gb3, keepdims=True)
        np.multiply(g[:, None], w3, out=g2)
        np.greater(a2, 0.0, out=on2)
        np.multiply(g2, on2, out=g2)
        np.matmul(a1.T, g2, out=gW2)
        np.add.reduce(g2, 0, out=gb2)
        np.matmul(g2, W2.T, out=g1)
        np.greater(a1, 0.0, out=on1)
        np.multiply(g1, on1, out=g1)
        np.matmul(X.T, g1, out=gW1)
        np.add.reduce(g1, 0, out=gb1)
        np.multiply(gradient, rate, out=gradient)
        np.multiply(theta, shrink, out=theta)
        np.subtract(theta, gradient, out=theta)
        return loss

    return step


def cross_entropy_step_in_buffers(problem):
    """`cross_entropy_step`, without an allocation."""
    X, n, rate, shares = problem.X, problem.n, problem.rate, problem.classes / problem.n
    theta, gradient, parts, gradients = flat(problem.layers())
    (W1, b1, W2, b2), (gW1, gb1, gW2, gb2) = parts, gradients
    a, g1, on = np.empty((n, len(b1))), np.empty((n, len(b1))), np.empty((n, len(b1)), bool)
    z, g2 = np.empty((2, n, len(b2)))
    top, totals, logs = np.empty((3, n, 1))

    def step():
        np.matmul(X, W1, out=a)
        np.add(a, b1, out=a)
        np.maximum(a, 0.0, out=a)
        np.matmul(a, W2, out=z)
        np.add(z, b2, out=z)
        np.maximum.reduce(z, 1, out=top, keepdims=True)
        np.subtract(z, top, out=z)
        np.exp(z, out=g2)
        np.add.reduce(g2, 1, out=totals, keepdims=True)
        np.log(totals, out=logs)
        loss = np.add.reduce(logs, None) / n - np.vdot(z, shares)

        np.multiply(totals, n, out=totals)
        np.divide(g2, totals, out=g2)
        np.subtract(g2, shares, out=g2)
        np.matmul(a.T, g2, out=gW2)
        np.add.reduce(g2, 0, out=gb2)
        np.matmul(g2, W2.T, out=g1)
        np.greater(a, 0.0, out=on)
        np.multiply(g1, on, out=g1)
        np.matmul(X.T, g1, out=gW1)
        np.add.reduce(g1, 0, out=gb1)
        np.multiply(gradient, rate, out=gradient)
        np.subtract(theta, gradient, out=theta)
        return loss

    return step
