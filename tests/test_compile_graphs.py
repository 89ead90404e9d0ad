"""Graphs of all kinds compiled: the numbers are eager's, and matrices are found where they are."""

import math

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from autograd_core import (
    OPS,
    Op,
    Value,
    compile,
    dot,
    gradient,
    logsumexp,
    mean,
    softmax,
    total,
)
from autograd_core.check import arities
from autograd_core.engine import (
    EXP,
    SIN,
    TOTAL,
    power,
)
from nn import MLP, datasets, losses
from tests.compiled import (
    Draw,
    assert_close,
    assert_like_eager,
    at_a_kink,
    eager,
    finite,
    shapes,
    slack_of,
    steps,
)
from tests.rows import over
from tests.strategies import KINKED, OWN, thousandths

# --- Random programs -------------------------------------------------------------------------

GROWING = (EXP, power(3.0))


def in_domain(op, x):
    """x, or something computed from it that the op is defined for."""
    low, high = op.domain if op not in GROWING else (-1.0, 1.0)
    if (low, high) == (-2.0, 2.0):
        return x
    return (
        0.49 * (high - low) * (x.sin() if isinstance(x, Value) else math.sin(x)) + (low + high) / 2
    )


class Recipe:
    """Steps, each a row of the table and the places of its operands, done once for every copy.

    A copy starts from its own parameters, what all copies share, and the inputs.
    """

    def __init__(self, recipe, own, shared, constants):
        self.recipe, self.constants = recipe, constants
        self.own = [
            [Value(x, f"p{i}[{j}]") for j, x in enumerate(row)] for i, row in enumerate(own)
        ]
        self.shared = [Value(x, f"s{i}") for i, x in enumerate(shared)]

    def copy(self, own, inputs):
        pool = [*own, *self.shared, *inputs, *self.constants]
        for op, places in self.recipe:
            operands = [in_domain(op, pool[place % len(pool)]) for place in places]
            pool.append(op(*operands) if any(isinstance(x, Value) for x in operands) else 0.5)
        return total(pool[-3:])

    def __call__(self, *inputs):
        copies = [self.copy(own, inputs) for own in self.own]
        return total([c.tanh() for c in copies]) + copies[0]

    @property
    def parameters(self):
        return [*[p for row in self.own for p in row], *self.shared]

    def __repr__(self):
        recipe = ", ".join(f"{op.name}{places}" for op, places in self.recipe)
        return f"{self.parameters} {self.constants}: {recipe}"


@st.composite
def recipes(draw, n_inputs):
    """A Recipe."""
    recipe = []
    for _ in range(draw(st.integers(1, 10))):
        op = draw(st.sampled_from((*OPS, *OWN)))
        count = draw(st.sampled_from(arities(op)))
        recipe.append((op, tuple([draw(st.integers(0, 15)) for _ in range(count)])))
    row = st.lists(thousandths(), min_size=2, max_size=2)
    own = draw(st.lists(row, min_size=1, max_size=4))
    shared = draw(st.lists(thousandths(), max_size=2))
    return Recipe(recipe, own, shared, draw(st.lists(thousandths(), min_size=1, max_size=2)))


def rounding(f, args, *, batched):
    """How far rounding may take value and gradients apart; rejects what has no such bound."""
    try:
        root, leaves = eager(f, args, batched=batched)
        assume(finite([root.data], below=1e6))
        assume(not at_a_kink(root, KINKED))
        flat = [v for x in leaves for v in (x if batched else [x])]
        value, slopes = slack_of(root, [*f.parameters, *flat])
    except (ArithmeticError, ValueError):
        assume(False)
    root.backward()
    assume(finite([v.grad for v in [*f.parameters, *flat]], below=1e8))
    return value, slopes, np.array([slopes[v] for v in flat])


@given(st.data(), st.lists(thousandths(), max_size=3))
def test_any_program_has_the_numbers_of_eager(data, inputs):
    f = data.draw(recipes(len(inputs)))
    assert_like_eager(f, *inputs, slack=rounding(f, inputs, batched=False))


@pytest.mark.slow
@given(st.data(), st.integers(1, 3), st.lists(st.integers(1, 4), min_size=1, max_size=3))
def test_a_batch_has_the_mean_of_eager_at_any_size(data, n_inputs, sizes):
    f = data.draw(recipes(n_inputs))
    program = compile(f, batched=True)
    for size in sizes:
        column = st.lists(thousandths(), min_size=size, max_size=size)
        columns = [data.draw(column) for _ in range(n_inputs)]
        slack = rounding(f, columns, batched=True)
        assert_like_eager(f, *columns, batched=True, program=program, slack=slack)


@pytest.mark.parametrize("op", [*OPS, *OWN], ids=lambda op: op.name)
@pytest.mark.parametrize("copies", [pytest.param(1, marks=pytest.mark.slow), 3])
def test_every_row_compiles_alone_and_in_a_group(op, copies):
    low, high = op.domain
    points = np.random.default_rng(0).uniform(low + 0.01, high, (copies, 5))
    for count in arities(op):
        parameters = [[Value(x) for x in row[: count - 1]] for row in points]

        def f(x, parameters=parameters):
            return total([op(*row, x + 0.01 * i) for i, row in enumerate(parameters)])

        assert_like_eager(f, float(points[0, -1]))
        assert_like_eager(f, points[0, -2:], batched=True)


@pytest.mark.parametrize("op", [*OPS, *OWN], ids=lambda op: op.name)
def test_every_row_compiles_twice_differentiated(op):
    low, high = op.domain
    count = max(arities(op))
    point = np.random.default_rng(1).uniform(low + 0.01, high, count)

    def f(*xs):
        return total([g * x.sin() for x in xs for g in gradient(op(*xs), *xs)])

    if count > 1:  # an op with one operand and constant slopes leaves nothing to differentiate
        assert_like_eager(f, *point.tolist())
    assert_like_eager(
        lambda x: f(*[x + i * 0.01 for i in range(count)]),
        low + (high - low) * np.array([0.62, 0.65]),
        batched=True,
    )


# --- One sum of products, written in many ways -----------------------------------------------


def as_dot(ws, xs, b):
    return dot(ws, xs, b)


def as_dot_plus_bias(ws, xs, b):
    return dot(ws, xs) + b


def as_bias_plus_dot(ws, xs, b):
    return b + dot(xs, ws)


def as_sum(ws, xs, b):
    return sum(w * x for w, x in zip(ws, xs, strict=True)) + b


def as_sum_from_the_bias(ws, xs, b):
    return sum((w * x for w, x in zip(ws, xs, strict=True)), b)


def as_total(ws, xs, b):
    return total([b, *[x * w for w, x in zip(ws, xs, strict=True)]])


def as_loop(ws, xs, b):
    s = 0.0
    for w, x in zip(ws, xs, strict=True):
        s = s + w * x
    return s + b


def as_loop_from_the_bias(ws, xs, b):
    s = b
    for i in range(len(ws)):
        s += xs[i] * ws[i]
    return s


def as_halves(ws, xs, b):
    half = len(ws) // 2
    return dot(ws[:half], xs[:half]) + (b + dot(ws[half:], xs[half:]))


WAYS = [
    as_dot,
    as_dot_plus_bias,
    as_bias_plus_dot,
    as_sum,
    as_sum_from_the_bias,
    as_total,
    as_loop,
    as_loop_from_the_bias,
    as_halves,
]


@pytest.fixture(scope="module")
def two_layers():
    draw = Draw(2)
    return [
        (draw.matrix(5, 4, "W1"), draw.vector(5, "b1")),
        (draw.matrix(3, 5, "W2"), draw.vector(3, "b2")),
    ]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("batched", [False, True])
def test_products_are_the_same_however_they_are_written(way, batched, two_layers):
    def f(x, way):
        for W, b in two_layers:
            x = [way(ws, x, bias).tanh() for ws, bias in zip(W, b, strict=True)]
        return total(x)

    data = Draw(3).data(6, 4) if batched else Draw(3).data(4)
    expected = compile(lambda x: f(x, as_dot), batched=batched)
    program = assert_like_eager(lambda x: f(x, way), data, batched=batched)
    value, slopes = expected.value_and_gradient(data)
    assert len(steps(program)) == len(steps(expected)) == 5
    assert shapes(program) == shapes(expected) == [(1, 5, 4), (1, 3, 5)]
    assert_close(program(data), value)
    by_parameter = dict(zip(expected.parameters, slopes, strict=True))
    found = program.value_and_gradient(data)[1]
    assert_close(found, [by_parameter[p] for p in program.parameters])


# --- Multi-layer perceptrons -----------------------------------------------------------------


def micrograd_moons(model, X, y):
    """The whole data set's loss as micrograd's demo writes it."""

    def forward(x):
        for layer in model.layers:
            x = [sum((w * v for w, v in zip(n.w, x, strict=True)), n.b) for n in layer.neurons]
            if layer is not model.layers[-1]:
                x = [v.relu() for v in x]
        return x[0]

    def loss():
        scores = [forward([Value(v) for v in x]) for x in X]
        losses = [(1 + -label * s).relu() for label, s in zip(y, scores, strict=True)]
        data_loss = sum(losses) * (1.0 / len(losses))
        return data_loss + 1e-4 * sum(p * p for p in model.parameters())

    return loss


@pytest.mark.slow
def test_the_whole_loss_of_micrograds_demo_is_a_few_steps_and_the_products_of_its_layers():
    X, y = datasets.moons(100)
    model = MLP(2, [16, 16, 1], seed=0)
    program = assert_like_eager(micrograd_moons(model, X, [2 * label - 1 for label in y]))
    assert len(steps(program)) <= 12
    assert shapes(program) == [(16, 100, 3), (16, 100, 16), (1, 100, 16)]
    assert set(program.parameters) == set(model.parameters())


@pytest.mark.parametrize("expand", [False, True])
def test_a_perceptron_on_a_batch_is_a_product_for_each_layer(expand):
    X, y = datasets.moons(30)
    model = MLP(2, [16, 16, 1], seed=0, expand=expand)
    weights = model.parameters()
    program = assert_like_eager(
        lambda x, t: losses.hinge(model(x), t) + 1e-4 * dot(weights, weights),
        X,
        [2 * label - 1 for label in y],
        batched=True,
    )
    assert shapes(program) == [(1, 16, 2), (1, 16, 16), (1, 1, 16)]


def test_softmax_cross_entropy_of_a_wide_perceptron():
    model = MLP(64, [32, 10], seed=0)
    X, labels = Draw(4).data(20, 64), np.eye(10)[Draw(4).rng.integers(0, 10, 20)]

    def f(x, t):
        return losses.cross_entropy(model(x), t)

    program = assert_like_eager(f, X, labels, batched=True)
    assert shapes(program)[:2] == [(1, 32, 64), (1, 10, 32)]
    assert len(steps(program)) <= 8  # two of them check the labels
    assert_like_eager(f, X[0], labels[0])


def test_a_softmax_output_with_nll():
    model = MLP(3, [4, 3], activation="tanh", output="softmax", seed=1)
    X, labels = Draw(5).data(7, 3), np.eye(3)[[0, 1, 2, 0, 1, 2, 0]]
    assert_like_eager(lambda x, t: losses.nll(model(x), t), X, labels, batched=True)


def test_shared_weights_add_up_their_gradients():
    draw = Draw(6)
    W, b = draw.matrix(4, 4, "W"), draw.vector(4, "b")

    def f(x):
        for _ in range(3):
            x = [dot(row, x, bias).tanh() for row, bias in zip(W, b, strict=True)]
        return total(x)

    program = assert_like_eager(f, draw.data(5, 4), batched=True)
    assert shapes(program) == [(1, 4, 4)] * 3
    assert_like_eager(f, draw.data(4))


def test_a_weight_shared_with_its_transpose():
    draw = Draw(7)
    W = draw.matrix(3, 5, "W")

    def autoencoder(x):
        code = [dot(row, x).tanh() for row in W]
        back = [dot(column, code) for column in zip(*W, strict=True)]
        return mean([(r - v) ** 2 for r, v in zip(back, x, strict=True)])

    program = assert_like_eager(autoencoder, draw.data(4, 5), batched=True)
    assert shapes(program) == [(1, 3, 5), (1, 5, 3)]
    assert_like_eager(autoencoder, draw.data(5))


def test_a_residual_connection():
    draw = Draw(8)
    W, V = draw.matrix(4, 4, "W"), draw.matrix(4, 4, "V")

    def f(x):
        for A in (W, V):
            x = [v + dot(row, x).relu() for v, row in zip(x, A, strict=True)]
        return total([v * v for v in x])

    program = assert_like_eager(f, draw.data(6, 4), batched=True)
    assert shapes(program)[:2] == [(1, 4, 4)] * 2
    assert_like_eager(f, draw.data(4))


# --- Recurrence ------------------------------------------------------------------------------


def elman(seed=9, n_in=4, units=12):
    draw = Draw(seed)
    W, U = draw.matrix(units, n_in, "W"), draw.matrix(units, units, "U")
    b, V = draw.vector(units, "b"), draw.vector(units, "V")

    def loss(xs):
        state = [0.0] * units
        for x in xs:
            state = [
                (dot(w, x) + dot(u, state) + bias).tanh()
                for w, u, bias in zip(W, U, b, strict=True)
            ]
        return (dot(V, state) - 1.0) ** 2

    return loss


def test_a_recurrent_net_takes_a_product_and_a_tanh_at_each_time():
    xs = Draw(10).data(10, 4)
    program = assert_like_eager(elman(), xs)
    assert shapes(program) == [(1, 12, 16), (9, 12, 4), *[(1, 12, 12)] * 9]  # inputs first
    assert len(steps(program)) <= 24


def test_a_recurrent_net_on_a_batch():
    program = assert_like_eager(elman(), Draw(11).data(5, 10, 4), batched=True)
    assert shapes(program)[-10:-1] == [(1, 12, 12)] * 9


def test_an_untied_recurrence():
    draw = Draw(12)
    Ws = [draw.matrix(3, 3, f"W{t}") for t in range(6)]

    def f(x):
        state = x
        for W in Ws:
            state = [(dot(row, state) + v).sin() for row, v in zip(W, x, strict=True)]
        return total(state)

    program = assert_like_eager(f, draw.data(3))
    assert shapes(program) == [(1, 3, 3)] * 6
    assert_like_eager(f, draw.data(4, 3), batched=True)


@pytest.mark.slow
def test_a_long_scalar_recurrence():
    a, b = Value(0.9, "a"), Value(0.1, "b")

    def f(x):
        for _ in range(300):
            x = a * x + b
        return x

    assert_like_eager(f, 0.5)
    assert_like_eager(f, [0.5, -0.2], batched=True)


# --- Convolution -----------------------------------------------------------------------------


def test_a_convolution_is_one_product():
    draw = Draw(13)
    kernels = [draw.matrix(3, 3, f"K{k}") for k in range(4)]

    def f(image):
        out = []
        for kernel in kernels:
            for i in range(10):
                for j in range(10):
                    s = 0.0
                    for a in range(3):
                        for b in range(3):
                            s = s + kernel[a][b] * image[i + a][j + b]
                    out.append(s.relu())
        return total(out)

    program = assert_like_eager(f, draw.data(12, 12))
    assert len(steps(program)) <= 3
    assert shapes(program) == [(4, 100, 9)]
    program = assert_like_eager(f, draw.data(3, 12, 12), batched=True)
    assert len(steps(program)) <= 3
    assert shapes(program) == [(4, 100, 9)]


def convolve(kernels, channels, width):
    """tanh of a 1-D convolution over lists of numbers, one for each channel."""
    length = len(channels[0]) - width + 1
    return [
        [
            sum(
                k[c * width + a] * channel[i + a]
                for c, channel in enumerate(channels)
                for a in range(width)
            ).tanh()
            for i in range(length)
        ]
        for k in kernels
    ]


def test_two_convolutions_are_two_products():
    draw = Draw(14)
    first, second = draw.matrix(2, 3, "K"), draw.matrix(3, 6, "L")

    def f(x):
        return total([v for row in convolve(second, convolve(first, [x], 3), 3) for v in row])

    for data, batched in ((draw.data(12), False), (draw.data(5, 12), True)):
        program = assert_like_eager(f, data, batched=batched)
        assert shapes(program) == [(2, 10, 3), (3, 8, 6)]
        assert len(steps(program)) <= 5


def test_a_strided_convolution_and_a_maximum_pool():
    draw = Draw(15)
    kernels = draw.matrix(2, 4, "K")

    def f(x):
        hidden = [[dot(k, x[i : i + 4]) for i in range(0, 12, 2)] for k in kernels]
        pooled = [
            (row[i] - row[i + 1]).relu() + row[i + 1] for row in hidden for i in range(0, 6, 2)
        ]
        return mean([v * v for v in pooled])

    assert_like_eager(f, list(draw.data(14)))
    assert_like_eager(f, draw.data(3, 14), batched=True)


# --- Attention -------------------------------------------------------------------------------


def attention(naive, tokens=8, width=8):
    """A causal self-attention head; the softmax as `exp` over a sum, or the library's."""
    draw = Draw(16)
    Q, K, V = [draw.matrix(width, width, name) for name in "QKV"]

    def weights(scores):
        if not naive:
            return softmax(scores)
        es = [s.exp() for s in scores]
        whole = sum(es)
        return [e / whole for e in es]

    def f(xs):
        q, k, v = [[[dot(row, x) for row in W] for x in xs] for W in (Q, K, V)]
        out = []
        for i in range(tokens):
            share = weights([dot(q[i], k[j]) * (1 / math.sqrt(width)) for j in range(i + 1)])
            out.append([sum(share[j] * v[j][c] for j in range(i + 1)) for c in range(width)])
        return mean([o * o for row in out for o in row])

    return f


@pytest.mark.parametrize("batched", [False, True])
def test_attention_has_queries_keys_and_values_as_one_product_and_the_scores_as_another(batched):
    data = Draw(17).data(3, 8, 8) if batched else Draw(17).data(8, 8)
    program = assert_like_eager(attention(naive=True), data, batched=batched)
    assert shapes(program)[:2] == [(8, 24, 8), (8, 8, 8)]
    assert len(steps(program)) <= 23


def test_attention_with_a_stable_softmax():
    program = assert_like_eager(attention(naive=False), Draw(17).data(8, 8))
    assert shapes(program)[:2] == [(8, 24, 8), (8, 8, 8)]


# --- Gradients inside ------------------------------------------------------------------------


def test_a_gradient_penalty():
    model = MLP(2, [5, 1], activation="tanh", seed=2)

    def f(x, t):
        out = model(x)
        slopes = gradient(out, *x)
        return (out - t) ** 2 + 0.1 * total([s * s for s in slopes])

    data = Draw(18).data(6, 2)
    assert_like_eager(f, data, [1.0, 0.0] * 3, batched=True)
    assert_like_eager(f, data[0], 1.0)


def test_a_gradient_with_respect_to_parameters_inside():
    w, b = Value(0.7, "w"), Value(-0.3, "b")

    def f(x):
        slopes = gradient((w * x + b).tanh() ** 2, w, b)
        return slopes[0] * slopes[1] + w

    assert_like_eager(f, 0.4)
    assert_like_eager(f, [0.4, -1.0, 2.0], batched=True)


def test_a_gradient_with_respect_to_a_value_made_inside():
    a = Value(3.0, "a")

    def f(x):
        t = Value(0.5)
        (slope,) = gradient(a * t**2 + x * t, t)
        return slope

    assert_like_eager(f, 2.0)


def test_a_gradient_with_respect_to_one_of_two_values_with_the_same_number():
    def f(x):
        s, t = Value(1.0), Value(1.0)
        (slope,) = gradient(s * t * t * x, s)
        return slope * x

    assert_like_eager(f, 3.0)


def test_a_gradient_with_respect_to_one_of_two_equal_expressions():
    w = Value(2.0, "w")

    def f(x):
        h, same = w * x, w * x
        (slope,) = gradient(h * same, h)
        return slope

    assert_like_eager(f, 3.0)


# --- No matrix structure ---------------------------------------------------------------------


@pytest.mark.slow
def test_a_chain_of_unlike_ops_has_the_numbers_of_eager():
    w = [Value(0.3 + 0.1 * i, f"w[{i}]") for i in range(5)]
    turns = [
        lambda v, p: (v + p).sin(),
        lambda v, p: v * p,
        lambda v, p: (v - p).tanh(),
        lambda v, p: (v * v + p).log(),
        lambda v, p: v / (p + 2),
        lambda v, p: (-v).sigmoid(),
        lambda v, p: (v * v + 1).sqrt() - p,
    ]

    def f(x):
        for i in range(2000):
            x = turns[i % 7](x, w[i % 5])
        return x

    assert_like_eager(f, 0.3)


@pytest.mark.parametrize("n", [1, 2, 3, 7])
def test_a_triangle_of_products_is_right_where_it_is_filled_up(n):
    draw = Draw(19)
    A, B = draw.matrix(n, 3, "A"), draw.matrix(n, 3, "B")

    def f(x):
        return total([dot(A[i], B[j], x).tanh() for i in range(n) for j in range(i + 1)])

    assert_like_eager(f, 0.3)
    assert_like_eager(f, [0.3, 0.1], batched=True)


def test_a_sparse_pattern_beside_a_full_one():
    draw = Draw(11)
    W, X = draw.matrix(9, 3, "W"), draw.matrix(9, 3, "X")
    full = [(i, j) for i in range(3) for j in range(3)]
    sparse = [(3, j) for j in range(3, 9)] + [(i, 3) for i in range(4, 9)]

    def f():
        return total([dot(W[i], X[j]).tanh() for i, j in [*full, *sparse]])

    assert_like_eager(f)


def test_a_sparse_pattern_of_products():
    draw = Draw(20)
    A, B = draw.matrix(9, 3, "A"), draw.matrix(9, 3, "B")
    pairs = [(0, 0), (0, 5), (3, 1), (7, 2), (7, 7), (8, 4), (2, 6), (2, 6)]

    def f(x):
        return total([(dot(A[i], B[j]) * x).sin() for i, j in pairs])

    assert_like_eager(f, 0.3)


@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 4), st.data())
@example(2, 3, 2, None)
def test_products_of_parameters_by_any_operands_in_any_order(rows, columns, n, data):
    draw = Draw(21)
    W = draw.matrix(rows, n, "W")
    table = [draw.vector(n, f"x{c}") for c in range(columns)]
    orders = [(i, c) for i in range(rows) for c in range(columns)]
    if data:
        orders = data.draw(st.permutations(orders))

    def f(s):
        out = []
        for i, c in orders:
            pairs = [(w, x * s if c % 2 else x) for w, x in zip(W[i], table[c], strict=True)]
            out.append(sum(w * x for w, x in pairs))
        return total([o.tanh() for o in out]) + logsumexp(out)

    assert_like_eager(f, 0.7)
    assert_like_eager(f, [0.7, -0.1], batched=True)


def test_sums_that_vary_have_each_a_term_that_does_not():
    ws, bs = Draw(9).vector(6, "w"), Draw(9).vector(2, "b")

    def f(x):
        terms = [(w * x).exp() for w in ws]
        return total([(total(terms[:3]) + bs[0]).tanh(), (total(terms[3:]) + bs[1]).tanh()])

    assert_like_eager(f, [0.5, -1.0, 0.25], batched=True)


KNOWN_BEFOREHAND = {
    "a multiple of a sum": lambda W: total(W[0]) * 3.0,
    "products with constants": lambda W: total(
        [dot(row, c) for row in W for c in ([1.0, 2.0], [3.0, 4.0], [5.0, 6.0])]
    ),
    "each product with each": lambda W: 0.5 * total([dot(a, b) for a in W for b in W]),
    "products that are also added up": lambda W: total([dot(r, r) for r in W]) + total(W[1]),
    "steps": lambda W: total([v.step() * v for v in W[0]]) + total([v.step() for v in W[1]]),
}


@pytest.mark.parametrize("f", KNOWN_BEFOREHAND.values(), ids=KNOWN_BEFOREHAND)
@over("batched", [False, True])
def test_a_gradient_that_no_number_changes(f, batched):
    W = Draw(10).matrix(3, 2, "W")
    if batched:
        assert_like_eager(lambda x: f(W) + x, [1.0, 2.0, 3.0], batched=True)
    else:
        assert_like_eager(lambda: f(W))


# --- Rules -----------------------------------------------------------------------------------


def reused(x, k):
    """k steps, each of which uses the one before it three times: written out there are 3**k."""
    s = 0.5 + 0.125 * x
    for _ in range(k):
        s = 0.5 * (s + s * s)
    return s


def reusing(k):
    """An op whose slope uses each of its steps several times."""

    def value(x):
        return x * reused(x, k)

    def slope(z, x):
        s, ds = 0.5 + 0.125 * x, 0.125
        for _ in range(k):
            s, ds = 0.5 * (s + s * s), ds * (0.5 + s)
        return (s + x * ds,)

    return Op(f"reused {k}", value, slope, lambda np, x: value(x))


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("k", [1, 4, 40])
def test_a_rule_may_use_its_steps_many_times(k, count):
    op = reusing(k)
    ps = [Value(0.1 * (i + 1)) for i in range(count)]
    assert_like_eager(lambda x: total([op(p * x) for p in ps]), [-0.5, 0.25], batched=True)


def test_a_rule_of_several_operands_may_use_its_steps_many_times():
    def slopes(z, *xs):
        s = TOTAL(*xs)
        for _ in range(40):
            s = 0.5 * s + 0.5 * SIN(s)
        return tuple([s * x for x in xs])

    op = Op("folded", lambda *xs: sum(xs), slopes, lambda np, *xs: sum(xs))
    ps = [Value(0.1 * (i + 1)) for i in range(6)]
    assert_like_eager(lambda x: op(*ps[:3], x) + op(*ps[3:], x), [-0.5, 0.25], batched=True)
