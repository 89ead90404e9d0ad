"""Batches of any size, one example among them: the numbers are eager's.

An axis of one example, and a grid as wide as it is high, look alike to a program that tells axes
apart by their length: so every structure is run with both.
"""

import numpy as np
import pytest

from autograd_core import (
    Value,
    compile,
    dot,
    gradient,
    logsumexp,
    maximum,
    mean,
    minimum,
    softmax,
    total,
)
from tests.compiled import Draw, assert_like_eager

# --- Structures: a function of T positions of d numbers each, and how it is written ------------


def sums_of_pairs(parameters, T, d):
    """Every input with every weight."""
    w = parameters.vector(d, "w")
    return lambda x: total([(a + b).tanh() for row in x for a in row for b in w])


def dense_shared(parameters, T, d):
    """One dense layer at every position."""
    W, b = parameters.matrix(d, d, "W"), parameters.vector(d, "b")
    return lambda x: total([dot(W[i], row, b[i]).tanh() for row in x for i in range(d)])


def dense_of_positions(parameters, T, d):
    """A dense layer along the positions, for every number of theirs."""
    W, b = parameters.matrix(T, T, "W"), parameters.vector(T, "b")
    return lambda x: total(
        [dot(W[i], column, b[i]).sigmoid() for column in zip(*x, strict=True) for i in range(T)]
    )


def dense_of_all(parameters, T, d):
    """Two dense layers over all numbers, as wide as the batch of numbers."""
    W, V = parameters.matrix(T, T * d, "W"), parameters.matrix(d, T, "V")
    b, c = parameters.vector(T, "b"), parameters.vector(d, "c")

    def f(x):
        flat = [a for row in x for a in row]
        hidden = [(dot(row, flat) + bias).relu() for row, bias in zip(W, b, strict=True)]
        return sum((dot(row, hidden) + bias) ** 2 for row, bias in zip(V, c, strict=True))

    return f


def convolution(parameters, T, d):
    """As many channels as positions, and a bias for each channel."""
    K, b = parameters.matrix(T - 1, 2, "K"), parameters.vector(T - 1, "b")
    return lambda x: total(
        [
            (k[0] * row[i] + k[1] * row[i + 1] + bias).relu()
            for row in x
            for k, bias in zip(K, b, strict=True)
            for i in range(d - 1)
        ]
    )


def bias_of_positions(parameters, T, d):
    """A number for every position, and one for every place in it."""
    p, q = parameters.vector(T, "p"), parameters.vector(d, "q")
    return lambda x: mean([(x[t][i] * p[t] + q[i]).sin() for t in range(T) for i in range(d)])


def layer_norm(parameters, T, d):
    """Each position shifted and scaled to mean 0 and variance 1, then by weights."""
    scale, shift = parameters.vector(d, "scale"), parameters.vector(d, "shift")

    def f(x):
        out = []
        for row in x:
            centre = mean(row)
            spread = (mean([(a - centre) ** 2 for a in row]) + 1e-2).sqrt()
            out += [
                ((a - centre) / spread * s + b).tanh()
                for a, s, b in zip(row, scale, shift, strict=True)
            ]
        return total(out)

    return f


def attention(parameters, T, d, *, causal=False):
    """Each position mixes what all of them say, or those before it."""
    Q, K, V = (parameters.matrix(d, d, name) for name in "QKV")

    def f(x):
        q, k, v = ([[dot(row, a) for row in W] for a in x] for W in (Q, K, V))
        out = []
        for i in range(T):
            seen = range(i + 1 if causal else T)
            share = softmax([dot(q[i], k[j]) / d**0.5 for j in seen])
            out += [sum(s * v[j][c] for s, j in zip(share, seen, strict=True)) for c in range(d)]
        return mean([o * o for o in out])

    return f


def causal_attention(parameters, T, d):
    return attention(parameters, T, d, causal=True)


def recurrence(parameters, T, d):
    """A hidden state as wide as the input, with a loss at every step."""
    U, W, b = (
        parameters.matrix(d, d, "U"),
        parameters.matrix(d, d, "W"),
        parameters.vector(d, "b"),
    )

    def f(x):
        h, loss = [0.0] * d, []
        for row in x:
            h = [(dot(u, row) + dot(w, h) + c).tanh() for u, w, c in zip(U, W, b, strict=True)]
            loss.append((total(h) - row[0]) ** 2)
        return mean(loss)

    return f


def mixture(parameters, T, d):
    """The likelihood of each position under as many bells as there are positions."""
    M, S, p = (
        parameters.matrix(T, d, "M"),
        parameters.matrix(T, d, "S"),
        parameters.vector(T, "p"),
    )

    def f(x):
        bells = [
            [
                prior - total([0.5 * ((a - m) / s.exp()) ** 2 + s for a, m, s in zip(row, ms, ss)])
                for ms, ss, prior in zip(M, S, p, strict=True)
            ]
            for row in x
        ]
        return -mean([logsumexp(row) - logsumexp(p) for row in bells])

    return f


def extremes(parameters, T, d):
    """The largest of each position, the smallest along each place."""
    w, v = parameters.vector(T, "w"), parameters.vector(d, "v")
    return lambda x: (
        total([w[t] * maximum(*[a + b for a, b in zip(x[t], v, strict=True)]) for t in range(T)])
        + total([v[i] * minimum(*[x[t][i] * w[t] for t in range(T)]) for i in range(d)])
    )


def penalty(parameters, T, d):
    """A slope inside: how fast the output changes with each input."""
    W, b = parameters.matrix(d, d, "W"), parameters.vector(d, "b")

    def f(x):
        out = total([dot(W[i], row, b[i]).tanh() for row in x for i in range(d)])
        slopes = gradient(out, *[a for row in x for a in row])
        return out + total([s * s for s in slopes])

    return f


STRUCTURES = (
    sums_of_pairs,
    dense_shared,
    dense_of_positions,
    dense_of_all,
    convolution,
    bias_of_positions,
    layer_norm,
    attention,
    causal_attention,
    recurrence,
    mixture,
    extremes,
    penalty,
)
SHAPES = (
    (3, 3),
    (4, 3),
    *[pytest.param(s, marks=pytest.mark.slow) for s in ((4, 4), (3, 4), (2, 2), (1, 3), (3, 1))],
)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: "x".join(map(str, shape)))
@pytest.mark.parametrize("structure", STRUCTURES, ids=lambda f: f.__name__)
def test_every_structure_is_right_at_any_number_of_examples(structure, shape):
    draw = Draw(5)
    f = structure(draw, *shape)
    program = compile(f, batched=True)
    for n in sorted({1, 2, 3, shape[0]}):
        assert_like_eager(f, draw.data(n, *shape), batched=True, program=program)


@pytest.mark.parametrize("structure", STRUCTURES, ids=lambda f: f.__name__)
def test_every_structure_is_right_without_a_batch(structure):
    draw = Draw(6)
    assert_like_eager(structure(draw, 3, 3), draw.data(3, 3))


def test_a_remainder_of_one_example_has_a_gradient_of_its_own():
    w = [Value(v) for v in (0.1, 0.2, 0.3)]

    def f(x):
        return total([(a + b).tanh() for a in x for b in w])

    program = compile(f, batched=True)
    batch = np.array([[0.5, -1.0, 2.0], [0.3, 0.4, -0.7], [1.0, 0.0, 0.5]])
    assert_like_eager(f, batch[:2], batched=True, program=program)
    assert_like_eager(f, batch[2:], batched=True, program=program)
