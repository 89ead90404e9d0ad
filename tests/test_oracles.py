"""The engine, eager and compiled, against backpropagation as five lecture documents write it.

Gradients agree to 1e-12 of their size or, below 1, of 1; reference values have 12 digits. What a
document prints wrong is shown to disagree.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograd_core import Value, compile, topological
from nn import MLP, gradient_descent, losses
from tests.compiled import QUICK, assert_close
from tests.oracles import cs7015_lecture_4 as lecture_4
from tests.oracles import deep_feedforward_networks as feedforward
from tests.oracles import deep_learning
from tests.oracles import neural_network_structure as structure
from tests.oracles import neural_networks_and_backpropagation as slides
from tests.oracles.activations import ACTIVATIONS, logistic

# --- Networks --------------------------------------------------------------------------------

seeds = st.integers(0, 2**32 - 1)
widths = st.lists(st.integers(1, 4), min_size=1, max_size=5)  # of the inputs and hidden layers
names = st.sampled_from(sorted(ACTIVATIONS))


def random_network(seed, sizes, *, biases=True):
    """Weights ("to, from"), biases, four examples, and what draws more numbers."""
    rng = np.random.default_rng(seed)
    shapes = list(zip(sizes[1:], sizes, strict=False))
    W = [rng.normal(size=shape) / np.sqrt(shape[1]) for shape in shapes]
    b = [rng.normal(size=n) * biases for n, _ in shapes]
    return W, b, rng.normal(size=(4, sizes[0])), rng


def network(W, b=None, *, activation, output="linear", expand=False):
    """An MLP with these weights ("to, from") and biases, or biases of 0."""
    sizes = [len(w) for w in W]
    model = MLP(W[0].shape[1], sizes, activation=activation, output=output, expand=expand)
    numbers = [row for w, bias in zip(W, b or map(np.zeros, sizes)) for row in np.c_[w, bias]]
    for p, number in zip(model.parameters(), np.concatenate(numbers), strict=True):
        p.data = float(number)
    return model


def transposed(W):
    """From "from, to" to "to, from", or back."""
    return {k: w.T for k, w in W.items()} if isinstance(W, dict) else [w.T for w in W]


def mean_of(slopes):
    """The mean over examples of what an oracle gives for each: a dict by layer."""
    return {k: np.mean([slope[k] for slope in slopes], axis=0) for k in slopes[0]}


def by_layer(model, slopes):
    """Slopes for each parameter as dW and db, arrays by layer."""
    neurons = {k: layer.neurons for k, layer in enumerate(model.layers, 1)}
    dW = {k: np.array([[slopes[w] for w in n.w] for n in ns]) for k, ns in neurons.items()}
    return dW, {k: np.array([slopes[n.b] for n in ns]) for k, ns in neurons.items()}


def by_backward(model, f, *example):
    model.zero_grad()
    f(*example).backward()
    return by_layer(model, {p: p.grad for p in model.parameters()})


def by_program(model, f, *args, **options):
    program = compile(f, **options)
    _, gradient = program.value_and_gradient(*args)
    return by_layer(model, dict(zip(program.parameters, gradient, strict=True)))


def assert_same(found, dW, db=None):
    """Every layer's slopes are the expected ones; without db, weights alone count."""
    for slopes, expected in zip(found, (dW, db)):
        for k in expected or {}:
            assert slopes[k].shape == expected[k].shape
            assert_close(slopes[k], expected[k])


def assert_engine_agrees(model, f, example, dW, db=None):
    """For one example: by backward, and as a program, by every executor."""
    for executor in QUICK:
        assert_same(by_program(model, f, *example, executor=executor), dW, db)
    assert_same(by_backward(model, f, *example), dW, db)


def assert_batch_agrees(model, f, examples, dW, db=None):
    """For the mean over examples, as a batched program."""
    assert_same(by_program(model, f, *examples, batched=True), dW, db)


def assert_differ(found, printed):
    """Not even close: a printed formula that is wrong."""
    assert np.shape(found) == np.shape(printed)
    assert np.max(np.abs(np.subtract(found, printed))) > 1e-3


def grads(values):
    return np.array([v.grad for v in values])


def digits(expected):
    """Reference values, rounded to 12 digits."""
    return pytest.approx(np.array(expected), rel=5e-12, abs=1e-12)


# --- "Neural Networks and Backpropagation" ---------------------------------------------------

SLOPES = {  # dℓ/dn of one output
    losses.squared_error: lambda n, y: 2 * (n - y),
    losses.half_squared_error: lambda n, y: n - y,
    losses.mse: lambda n, y: 2 * (n - y),  # a mean over one output
    losses.binary_cross_entropy_with_logits: lambda n, y: logistic(n) - y,
}


def test_the_3_2_2_1_network():
    W = [
        np.array([[0.1, -0.2], [0.3, 0.4], [-0.5, 0.5]]),
        np.array([[0.7, -0.8], [0.9, 1.0]]),
        np.array([[1.1], [-1.2]]),
    ]
    x, y = [1.0, 2.0, -1.0], 1.0
    alpha, d_alpha = ACTIVATIONS["sigmoid"]
    ns, _ = slides.forward(W, x, alpha)
    assert ns[1] == digits([1.2, 0.1])
    assert ns[2] == digits([1.01044861718, -0.0898406393203])
    assert ns[3] == digits([0.233352806738])
    dn = slides.slopes(W, ns, d_alpha)
    assert dn[2] == digits([0.215226759619, -0.299395462866])
    assert dn[1] == digits([0.0694099815293, -0.0263568976296])
    dW = slides.backpropagation(W, x, y, alpha, d_alpha, SLOPES[losses.squared_error])
    assert dW[1] == digits(
        [
            [-0.106425935048, 0.0404128831816],
            [-0.212851870095, 0.0808257663632],
            [0.106425935048, -0.0404128831816],
        ]
    )
    assert dW[2] == digits([[-0.253617776142, 0.352800049647], [-0.17324627248, 0.240997671621]])
    assert dW[3] == digits([[-1.1240702817], [-0.73223230102]])
    model = network(transposed(W), activation="sigmoid")
    assert sum(w.size for w in W) == 12
    assert losses.squared_error(model(x), y).data == digits(0.587747918937)
    assert_engine_agrees(model, lambda x: losses.squared_error(model(x), y), [x], transposed(dW))


@given(seeds, widths, names, st.sampled_from(list(SLOPES)))
def test_the_recursion_gives_every_weights_gradient(seed, sizes, name, loss):
    W, b, X, rng = random_network(seed, [*sizes, 1], biases=False)
    Y = rng.integers(0, 2, size=(len(X), 1)).astype(float)
    model = network(W, b, activation=name)
    alpha, d_alpha = ACTIVATIONS[name]
    W = transposed(W)
    expected = [
        transposed(slides.backpropagation(W, x, y, alpha, d_alpha, SLOPES[loss]))
        for x, (y,) in zip(X, Y, strict=True)
    ]

    def f(x, y):
        return loss(model(x), y)

    assert_engine_agrees(model, f, (X[0], Y[0]), expected[0])
    assert_batch_agrees(model, f, (X, Y), mean_of(expected))


@given(seeds, widths, names)
def test_backward_from_the_last_n_gives_the_recursions_slopes(seed, sizes, name):
    W, b, X, _ = random_network(seed, [*sizes, 1], biases=False)
    model = network(W, b, activation=name)
    model(X[0]).backward()
    W = transposed(W)
    ns, _ = slides.forward(W, X[0], ACTIVATIONS[name][0])
    recursion = slides.Recursion(W, ns, ACTIVATIONS[name][1])
    for m, dn in slides.slopes(W, ns, ACTIVATIONS[name][1]).items():
        assert_close(grads(model.layers[m - 1].pre_activations), dn)
        assert_close([recursion(m, i) for i in range(len(dn))], dn)


@pytest.mark.parametrize(("M", "calls", "stored"), [(3, 5, 5), (5, 23, 9), (10, 767, 19)])
def test_one_slope_by_naive_recursion_against_all_slopes_stored(M, calls, stored):
    W, b, X, _ = random_network(0, [3, *[2] * (M - 1), 1], biases=False)
    model = network(W, b, activation="tanh")
    W = transposed(W)
    ns, _ = slides.forward(W, X[0], np.tanh)
    recursion = slides.Recursion(W, ns, ACTIVATIONS["tanh"][1])
    slope = recursion(1, 0)
    assert recursion.calls == calls
    dn = slides.slopes(W, ns, ACTIVATIONS["tanh"][1])
    assert sum(map(len, dn.values())) == stored
    assert_close(slope, dn[1][0])
    root = model(X[0])
    nodes = [n for layer in model.layers for n in layer.pre_activations]
    assert [v for v in topological(root) if v in set(nodes)] == nodes  # each once
    assert len(nodes) == stored


def test_printed_the_slopes_of_the_last_weights_are_all_the_second_x():
    W, b, X, _ = random_network(1, [3, 2, 2, 1], biases=False)
    model = network(W, b, activation="sigmoid")
    model(X[0]).backward()
    _, xs = slides.forward(transposed(W), X[0], logistic)
    found = grads(model.layers[2].neurons[0].w)
    assert_close(found, xs[2])
    assert_differ(found, [xs[2][1], xs[2][1]])


# --- "Deep Feedforward Networks" -------------------------------------------------------------

# The loss of an example, and its slope along ŷ.
HALF, FULL, MEAN = (losses.half_squared_error, losses.squared_error, losses.mse)
VECTOR_SLOPES = {
    HALF: lambda p, y: p - y,
    FULL: lambda p, y: 2 * (p - y),
    MEAN: lambda p, y: 2 * (p - y) / len(y),
}

W1_222, W2_222 = np.array([[0.1, 0.2], [0.3, 0.4]]), np.array([[0.5, -0.6], [0.7, 0.8]])
X_222, Y_222 = [0.5, -1.0], [1.0, 0.0]


def test_the_eight_formulas_of_the_2_2_2_network():
    dW = feedforward.eight_formulas(W1_222, W2_222, X_222, Y_222)
    assert dW[1] == digits([[-0.014954140931, 0.005198039949], [0.029908281863, -0.010396079897]])
    assert dW[2] == digits([[-0.038279398560, 0.056768626529], [-0.037206967058, 0.055178202812]])
    model = network([W1_222.T, W2_222.T], activation="sigmoid", output="sigmoid")
    loss = HALF(model(X_222), Y_222)
    assert [h.data for h in model.layers[0].activations] == digits([0.437823499114, 0.425557483188])
    assert [p.data for p in model.layers[1].activations] == digits([0.626399660542, 0.519428185232])
    assert loss.data == digits(0.204691426628)
    assert_engine_agrees(model, lambda x: HALF(model(x), Y_222), [X_222], transposed(dW))


@given(seeds)
def test_the_eight_formulas_of_any_2_2_2_network(seed):
    W, b, X, rng = random_network(seed, [2, 2, 2], biases=False)
    Y = rng.normal(size=(4, 2))
    model = network(W, b, activation="sigmoid", output="sigmoid")
    W = transposed(W)
    pairs = zip(X, Y, strict=True)
    expected = [transposed(feedforward.eight_formulas(*W, x, y)) for x, y in pairs]

    def f(x, y):
        return HALF(model(x), y)

    assert_engine_agrees(model, f, (X[0], Y[0]), expected[0])
    assert_batch_agrees(model, f, (X, Y), mean_of(expected))


@given(seeds, widths, st.integers(1, 3), names, st.sampled_from(list(VECTOR_SLOPES)))
def test_the_pseudo_code_gives_every_gradient(seed, sizes, n_out, name, loss):
    W, b, X, rng = random_network(seed, [*sizes, n_out])
    Y = rng.normal(size=(len(X), n_out))
    model = network(W, b, activation=name, output=name)
    expected = [
        feedforward.back_propagation(W, b, x, y, *ACTIVATIONS[name], VECTOR_SLOPES[loss])
        for x, y in zip(X, Y, strict=True)
    ]
    dW, db, dx = zip(*expected, strict=True)

    def f(x, y):
        return loss(model(x), y)

    assert_engine_agrees(model, f, (X[0], Y[0]), dW[0], db[0])
    assert_batch_agrees(model, f, (X, Y), mean_of(dW), mean_of(db))
    assert_close(compile(f).gradient_wrt_inputs(X[0], Y[0])[0], dx[0])
    inputs = [Value(number) for number in X[0]]
    f(inputs, Y[0]).backward()
    assert_close(grads(inputs), dx[0])


@pytest.mark.parametrize(
    ("d_relu", "dW", "dc", "agree"),
    [
        (ACTIVATIONS["relu"][1], [[0.1, -0.1], [0.1, -0.1]], [0.15, -0.1], True),
        (lambda z: z >= 0, [[0.1, -0.2], [0.1, -0.2]], [0.2, -0.3], False),
    ],
    ids=["slope 0", "slope 1"],
)
def test_the_engine_takes_the_slope_of_relu_at_0_as_0(d_relu, dW, dc, agree):
    """On the hand-made XOR network, which is at kinks, with an output bias of 0.1."""
    W, b = [np.ones((2, 2)), np.array([[1.0, -2.0]])], [np.array([0.0, -1.0]), np.array([0.1])]
    X, Y = feedforward.XOR_X, feedforward.XOR_Y[:, None]
    relu = ACTIVATIONS["relu"][0]
    expected = [
        feedforward.back_propagation(W, b, x, y, relu, d_relu, VECTOR_SLOPES[FULL])
        for x, y in zip(X, Y, strict=True)
    ]
    mean_dW, mean_db = (mean_of(slopes) for slopes in list(zip(*expected, strict=True))[:2])
    found_dW, found_dc = mean_dW[1].T, mean_db[1]  # the document's W leads "from, to" here
    assert found_dW == digits(dW)
    assert found_dc == digits(dc)
    model = network(W, b, activation="relu", output="relu")
    found = by_program(model, lambda x, y: FULL(model(x), y), X, Y, batched=True)
    if agree:
        assert_same(found, mean_dW, mean_db)
    else:
        assert_differ(found[0][1], mean_dW[1])


def xor_slopes(w, b):
    """A linear model, and ∂J/∂w and ∂J/∂b by backward, J its mean over the four examples."""
    model = network([np.array([w])], [np.array([b])], activation="linear")
    X, Y = feedforward.XOR_X, feedforward.XOR_Y[:, None]
    dW, db = by_program(model, lambda x, y: FULL(model(x), y), X, Y, batched=True)
    total = sum((FULL(model(x), y) for x, y in zip(X, Y, strict=True)), start=Value(0.0))
    assert_same(by_backward(model, lambda: total / 4), dW, db)
    return dW[1][0], db[1][0]


@given(st.lists(st.floats(-3, 3), min_size=3, max_size=3))
def test_the_linear_model_of_xor(numbers):
    w, b = np.array(numbers[:2]), numbers[2]
    dw, db = feedforward.linear_model_slopes(w, b)
    found_w, found_b = xor_slopes(w, b)
    assert_close(found_w, dw)
    assert_close(found_b, db)
    A, c = feedforward.normal_equations()
    rest = A @ [*w, b] - c
    assert_close([found_b, *found_w], [rest[0], rest[1] / 2, rest[2] / 2])


def test_printed_a_quarter_in_place_of_two_quarters_is_half_the_slope():
    w, b = np.array([0.3, -0.7]), 0.2
    error = feedforward.XOR_Y - feedforward.XOR_X @ w - b
    printed = [1 / 4 * (error * -x).sum() for x in feedforward.XOR_X.T]
    found, found_b = xor_slopes(w, b)
    assert_differ(found, printed)
    assert_close(found, 2 * np.array(printed))
    assert_differ(found_b, 2 / 4 * error.sum())  # without its minus
    assert_close(found_b, -2 / 4 * error.sum())


def test_the_best_linear_model_of_xor_and_the_printed_one():
    A, c = feedforward.normal_equations()
    *w, b = np.linalg.solve(A, c)
    assert_close([*w, b], [0.0, 0.0, 0.5])
    assert_close(xor_slopes(w, b)[0], [0.0, 0.0])
    *w, b = np.linalg.solve(A, [0, 1, 1])  # slide 10's last box
    assert_close([*w, b], [1.0, 1.0, -1.0])
    assert_differ(xor_slopes(w, b)[1], 0.0)


def test_printed_element_wise_and_untransposed_products_do_not_fit():
    W, b, X, _ = random_network(2, [3, 4, 2])
    a, h = feedforward.forward_propagation(W, b, X[0], np.tanh)
    g = h[2] * ACTIVATIONS["tanh"][1](a[2])
    with pytest.raises(ValueError, match="broadcast"):
        g * h[1]
    with pytest.raises(ValueError, match="mismatch"):
        W[1] @ g
    # Where all layers have one width they do fit, and are wrong.
    W, b, X, _ = random_network(3, [2, 2, 2])
    model = network(W, b, activation="tanh", output="tanh")
    dW, db = by_backward(model, lambda x: HALF(model(x), [0.0, 0.0]), X[0])
    a, h = feedforward.forward_propagation(W, b, X[0], np.tanh)
    g = h[2] * ACTIVATIONS["tanh"][1](a[2])
    assert_close(dW[2], np.outer(g, h[1]))
    assert_differ(dW[2], np.diag(g * h[1]))
    assert_close(db[1], (W[1].T @ g) * ACTIVATIONS["tanh"][1](a[1]))
    assert_differ(db[1], (W[1] @ g) * ACTIVATIONS["tanh"][1](a[1]))


def test_printed_first_layer_weights_in_the_formula_of_a_first_layer_weight():
    model = network([W1_222.T, W2_222.T], activation="sigmoid", output="sigmoid")
    dW, db = by_backward(model, lambda x: HALF(model(x), Y_222), X_222)
    (h1, _), d, x1 = [h.data for h in model.layers[0].activations], db[2], X_222[0]
    right, printed = (d @ w[0] * h1 * (1 - h1) * x1 for w in (W2_222, W1_222))
    assert_close(dW[1][0, 0], right)
    assert_differ(dW[1][0, 0], printed)


def test_under_the_order_of_slide_45_the_formulas_of_slide_51_do_not_hold():
    """a_1 = w_11 h_1 + w_12 h_2 makes w_12 a weight of output 1."""
    model = network([W1_222, W2_222], activation="sigmoid", output="sigmoid")
    dW, db = by_backward(model, lambda x: HALF(model(x), Y_222), X_222)
    h, d = [h.data for h in model.layers[0].activations], db[2]
    assert_close(dW[2][0, 1], d[0] * h[1])
    assert_differ(dW[2][0, 1], d[1] * h[0])


# --- "CS7015 Lecture 4" ----------------------------------------------------------------------


def softmax_and_nll(W, b, name):
    """A model, and its loss as -log ŷ_ℓ, softmax and all."""
    model = network(W, b, activation=name, output="softmax")
    return model, lambda x, y: losses.nll(model(x), y)


def logits_and_cross_entropy(W, b, name):
    """A model, and the same loss from what the softmax is taken of."""
    model = network(W, b, activation=name)
    return model, lambda x, y: losses.cross_entropy(model(x), y)


both_ways = pytest.mark.parametrize("way", [softmax_and_nll, logits_and_cross_entropy])


def propagate(W, b, x, label, name):
    """Both procedures: ŷ, then ∇W, ∇b, ∇h and ∇a."""
    g, d_g = ACTIVATIONS[name]
    h, a, y_hat = lecture_4.forward_propagation(W, b, x, g)
    return y_hat, *lecture_4.back_propagation(W, h, a, y_hat, label, d_g)


@both_ways
def test_the_2_2_2_3_network(way):
    W = [
        np.array([[0.1, 0.2], [-0.3, 0.4]]),
        np.array([[0.5, -0.6], [0.7, 0.8]]),
        np.array([[0.9, -1.0], [0.3, 0.2], [-0.4, 0.6]]),
    ]
    b = [np.array([0.05, -0.05]), np.array([0.1, 0.2]), np.array([0.0, 0.1, -0.1])]
    x, label = [1.0, -2.0], 1
    y_hat, dW, db, _, _ = propagate(W, b, x, label, "tanh")
    assert y_hat == digits([0.606835916967, 0.265113752755, 0.128050330278])
    assert dW[1] == digits([[-0.20382968327, 0.40765936654], [-0.168290898231, 0.336581796462]])
    assert db[1] == digits([-0.20382968327, -0.168290898231])
    assert dW[2] == digits([[-0.0543999950269, -0.181635067488], [0.114724775785, 0.383052284876]])
    assert db[2] == digits([0.222114535875, -0.468419901771])
    assert dW[3] == digits(
        [
            [0.265028444665, -0.336822510103],
            [-0.320952919344, 0.407896473357],
            [0.0559244746783, -0.0710739632537],
        ]
    )
    assert db[3] == digits([0.606835916967, 0.265113752755 - 1, 0.128050330278])
    model, f = way(W, b, "tanh")
    assert f(x, label).data == digits(1.32759628942)
    assert_engine_agrees(model, lambda x: f(x, label), [x], dW, db)


@both_ways
@given(seed=seeds, sizes=widths, k=st.integers(2, 4), name=names)
def test_back_propagation_gives_every_gradient(way, seed, sizes, k, name):
    W, b, X, rng = random_network(seed, [*sizes, k])
    labels = rng.integers(0, k, size=len(X))
    Y = np.eye(k)[labels]
    model, f = way(W, b, name)
    found = [propagate(W, b, x, label, name) for x, label in zip(X, labels, strict=True)]
    _, dW, db, _, _ = zip(*found, strict=True)
    assert_engine_agrees(model, f, (X[0], Y[0]), dW[0], db[0])
    assert_batch_agrees(model, f, (X, Y), mean_of(dW), mean_of(db))


@given(seeds, widths, st.integers(2, 4), names)
def test_the_gradients_at_the_nodes_are_there_too(seed, sizes, k, name):
    W, b, X, rng = random_network(seed, [*sizes, k])
    label = int(rng.integers(0, k))
    y_hat, _, _, dh, da = propagate(W, b, X[0], label, name)
    model, f = softmax_and_nll(W, b, name)
    f(X[0], label).backward()
    for i, layer in enumerate(model.layers, 1):
        assert_close(grads(layer.pre_activations), da[i])
        if i < len(W) and name != "linear":  # where h is a itself, they have one gradient
            assert_close(grads(layer.activations), dh[i])
    d_y_hat = grads(model.layers[-1].activations)
    assert d_y_hat == pytest.approx(-lecture_4.e(label, k) / y_hat, rel=1e-12)


def test_the_squared_error_is_a_mean_over_examples_and_a_sum_over_outputs():
    W, b, X, rng = random_network(4, [2, 3])
    Y = rng.normal(size=(len(X), 3))
    model = network(W, b, activation="linear")
    dW, db = by_program(model, lambda x, y: FULL(model(x), y), X, Y, batched=True)
    d = 2 * (X @ W[0].T + b[0] - Y) / len(X)
    assert_same((dW, db), {1: d.T @ X}, {1: d.sum(axis=0)})
    over_outputs_too = by_program(model, lambda x, y: MEAN(model(x), y), X, Y, batched=True)
    assert_same(over_outputs_too, {1: d.T @ X / 3}, {1: d.sum(axis=0) / 3})


def test_the_deep_but_thin_network():
    g, d_g = ACTIVATIONS["sigmoid"]
    y_hat, dw = lecture_4.thin_network(0.8, -1.2, 0.5, 1.5, 2.0, g, d_g)
    assert y_hat == digits(0.142251893646)
    assert dw == digits([0.121092459430, -0.290629768445, -1.057072744183])


@given(seeds, names)
def test_any_deep_but_thin_network(seed, name):
    W, _, X, rng = random_network(seed, [1, 1, 1, 1], biases=False)
    y = float(rng.normal())
    model = network(W, activation=name)
    numbers = (*[w.item() for w in W], X[0].item(), y)
    y_hat, dw = lecture_4.thin_network(*numbers, *ACTIVATIONS[name])
    assert_close(model(X[0]).data, y_hat)
    expected = {k: np.array([[slope]]) for k, slope in enumerate(dw, 1)}
    assert_engine_agrees(model, lambda x: FULL(model(x), y), [X[0]], expected)


def by_weights_then_biases(model):
    """The parameters in the order of θ = [W_1, ..., W_L, b_1, ..., b_L]."""
    numbers, biases = by_layer(model, {p: p.data for p in model.parameters()})
    return [*numbers.values(), *biases.values()]


def test_a_thousand_iterations_of_gradient_descent():
    W, b, X, _ = random_network(5, [2, 3, 2])
    labels = [0, 1, 1, 0]
    Y = np.eye(2)[labels]
    theta = lecture_4.gradient_descent(
        [*W, *b],
        lambda theta: lecture_4.mean_gradient(theta, X, labels, *ACTIVATIONS["tanh"]),
        eta=0.1,
    )
    model, f = logits_and_cross_entropy(W, b, "tanh")
    program = compile(f, batched=True)
    for _ in range(1000):
        _, gradient = program.value_and_gradient(X, Y)
        for p, slope in zip(program.parameters, gradient.tolist(), strict=True):
            p.data -= 0.1 * slope
    assert_close(by_weights_then_biases(model), theta)
    model, f = logits_and_cross_entropy(W, b, "tanh")
    parameters = model.parameters()
    for p in parameters:
        p.grad = 0.0
    examples = list(zip(X.tolist(), labels, strict=True))
    gradient_descent(
        lambda: sum((f(x, y) for x, y in examples), start=Value(0.0)) / 4,
        parameters,
        lr=0.1,
        steps=1000,
    )
    assert_close(by_weights_then_biases(model), theta)


def test_gradient_descent_on_the_linear_model_of_xor():
    calls = []

    def gradient(theta):
        calls.append(theta)
        return feedforward.linear_model_slopes(*theta)

    w, b = lecture_4.gradient_descent([np.array([1.0, -2.0]), 3.0], gradient, eta=0.5)
    assert len(calls) == 1000  # though inside the loop t runs from 1
    assert_close([*w, b], [0.0, 0.0, 0.5])
    model = network([np.array([[1.0, -2.0]])], [np.array([3.0])], activation="linear")
    program = compile(lambda x, y: FULL(model(x), y), batched=True)
    examples = feedforward.XOR_X, feedforward.XOR_Y[:, None]
    for _ in range(1000):
        _, slopes = program.value_and_gradient(*examples)
        for p, slope in zip(program.parameters, slopes.tolist(), strict=True):
            p.data -= 0.5 * slope
    assert_close([p.data for p in model.parameters()], [0.0, 0.0, 0.5])


@both_ways
def test_printed_y_of_the_class_in_place_of_y_of_the_component(way):
    """-(1(ℓ = i) - ŷ_ℓ) is right at i = ℓ alone."""
    W, b, X, _ = random_network(6, [2, 3, 4])
    label, others = 1, [0, 2, 3]
    model, f = way(W, b, "tanh")
    f(X[0], label).backward()
    found = grads(model.layers[-1].pre_activations)
    y_hat, *_ = propagate(W, b, X[0], label, "tanh")
    printed = -(lecture_4.e(label, 4) - y_hat[label])
    assert_close(found, -(lecture_4.e(label, 4) - y_hat))
    assert_close(found[label], printed[label])
    for i in others:
        assert_differ(found[i], printed[i])


def test_printed_last_weights_of_n_by_k_do_not_fit():
    W, b, X, _ = random_network(7, [3, 3, 3, 2])
    h, *_ = lecture_4.forward_propagation(W, b, X[0], np.tanh)
    with pytest.raises(ValueError, match="mismatch"):
        W[2].T @ h[2]


# --- "Neural Network Structure" --------------------------------------------------------------

LAST = {
    losses.squared_error: structure.squared_error_delta,
    losses.cross_entropy: structure.cross_entropy_delta,
}


@given(seeds, widths, st.integers(2, 4), names, st.sampled_from(list(LAST)))
def test_the_delta_recursion_gives_every_weights_gradient(seed, sizes, k, name, loss):
    W, b, X, rng = random_network(seed, [*sizes, k], biases=False)
    Y = np.eye(k)[rng.integers(0, k, size=len(X))]
    model = network(W, b, activation=name)
    W = transposed(W)
    expected = [
        transposed(structure.gradients(W, x, y, LAST[loss], *ACTIVATIONS[name]))
        for x, y in zip(X, Y, strict=True)
    ]

    def f(x, y):
        return loss(model(x), y)

    assert_engine_agrees(model, f, (X[0], Y[0]), expected[0])
    assert_batch_agrees(model, f, (X, Y), mean_of(expected))
    pairs = list(zip(X, Y, strict=True))  # the document's loss is the sum: N times the mean
    summed = by_backward(model, lambda: sum((f(x, y) for x, y in pairs), start=Value(0.0)))
    assert_same(summed, {j: len(X) * mean for j, mean in mean_of(expected).items()})


@given(seeds, widths)
def test_delta_is_the_gradient_at_z(seed, sizes):
    W, b, X, rng = random_network(seed, [*sizes, 2], biases=False)
    y = rng.normal(size=2)
    model = network(W, b, activation="relu")
    losses.squared_error(model(X[0]), y).backward()
    W = transposed(W)
    z, _ = structure.forward_pass(W, X[0])
    delta = structure.deltas(W, z, structure.squared_error_delta(z[len(W)], y))
    for layer, d in zip(model.layers, [delta[j] for j in sorted(delta)], strict=True):
        assert_close(grads(layer.pre_activations), d)


def test_printed_z_minus_y_is_the_delta_of_half_the_squared_error():
    W, b, X, _ = random_network(8, [3, 4, 2], biases=False)
    y = np.array([0.5, -1.0])
    model = network(W, b, activation="relu")
    z, _ = structure.forward_pass(transposed(W), X[0])
    losses.squared_error(model(X[0]), y).backward()
    assert_differ(grads(model.layers[-1].pre_activations), z[2] - y)
    losses.half_squared_error(model(X[0]), y).backward()
    assert_close(grads(model.layers[-1].pre_activations), z[2] - y)


def test_printed_p_minus_y_over_p_is_no_gradient():
    W, b, X, _ = random_network(9, [3, 4, 3], biases=False)
    y = np.array([0.0, 1.0, 0.0])
    model = network(W, b, activation="relu")
    losses.cross_entropy(model(X[0]), y).backward()
    z, _ = structure.forward_pass(transposed(W), X[0])
    delta = structure.cross_entropy_delta(z[2], y)
    assert_close(grads(model.layers[-1].pre_activations), delta)
    assert_differ(grads(model.layers[-1].pre_activations), delta / (delta + y))


# --- "Deep Learning" -------------------------------------------------------------------------


def probability_and_bce(W, b, name):
    """A model, and its loss as -[y log ŷ + (1 - y) log(1 - ŷ)]."""
    model = network(W, b, activation=name, output="sigmoid")
    return model, lambda x, y: losses.binary_cross_entropy(model(x), y)


def logit_and_bce(W, b, name):
    """A model, and the same loss from what the sigmoid is taken of."""
    model = network(W, b, activation=name)
    return model, lambda x, y: losses.binary_cross_entropy_with_logits(model(x), y)


@pytest.mark.parametrize("way", [probability_and_bce, logit_and_bce])
@given(seed=seeds, sizes=widths, name=names)
def test_the_closed_form_gives_every_gradient(way, seed, sizes, name):
    W, b, X, rng = random_network(seed, [*sizes, 1])
    Y = rng.integers(0, 2, size=(len(X), 1)).astype(float)
    model, f = way(W, b, name)
    found = [
        deep_learning.closed_form(W, b, x, y, *ACTIVATIONS[name]) for x, y in zip(X, Y, strict=True)
    ]
    dW, db = zip(*found, strict=True)
    assert_engine_agrees(model, f, (X[0], Y[0]), dW[0], db[0])
    assert_batch_agrees(model, f, (X, Y), mean_of(dW), mean_of(db))


@given(seeds, widths, names)
def test_the_jacobian_blocks_multiply_to_every_weights_gradient(seed, sizes, name):
    W, b, X, _ = random_network(seed, [*sizes, 1])
    g, d_g = ACTIVATIONS[name]
    z, a = deep_learning.forward(W, b, X[0], g)
    model, f = probability_and_bce(W, b, name)
    dW, _ = by_backward(model, f, X[0], 1.0)
    for l, expected in dW.items():
        for i, j in np.ndindex(*expected.shape):
            assert_close(deep_learning.entry(W, z, a, 1.0, d_g, l, i, j), expected[i, j])


def printed_in_general(W, z, a, y, d_g, l):
    """∂ℒ/∂W[l] as [(a[L] - y) W[l+1] ⊙ g'(z[l])]_i a[l-1]_j."""
    return np.outer(((a[len(W)] - y) @ W[l]) * d_g(z[l]), a[l - 1])


def test_printed_in_general_holds_for_the_last_but_one_layer_alone():
    d_tanh = ACTIVATIONS["tanh"][1]
    W, b, X, _ = random_network(10, [4, 1, 1, 1])
    z, a = deep_learning.forward(W, b, X[0], np.tanh)
    model, f = probability_and_bce(W, b, "tanh")
    dW, _ = by_backward(model, f, X[0], 1.0)
    assert_close(dW[2], printed_in_general(W, z, a, 1.0, d_tanh, 2))
    assert_differ(dW[1], printed_in_general(W, z, a, 1.0, d_tanh, 1))
    # With more than one unit in layer l + 1, its factors do not even fit.
    W, b, X, _ = random_network(11, [4, 3, 3, 1])
    z, a = deep_learning.forward(W, b, X[0], np.tanh)
    model, f = probability_and_bce(W, b, "tanh")
    dW, _ = by_backward(model, f, X[0], 1.0)
    assert_close(dW[2], printed_in_general(W, z, a, 1.0, d_tanh, 2))
    with pytest.raises(ValueError, match="mismatch"):
        printed_in_general(W, z, a, 1.0, d_tanh, 1)


def test_printed_e_j_in_place_of_e_i():
    """∂z/∂W_ij is a_j in row i, not in row j."""
    W, b, X, _ = random_network(12, [3, 3])
    model = network(W, b, activation="linear")
    i, j = 0, 2
    w = model.layers[0].neurons[i].w[j]
    column = []
    for z in model(X[0]):
        model.zero_grad()
        z.backward()
        column.append(w.grad)
    assert_close(column, X[0][j] * np.eye(3)[i])
    assert_differ(column, X[0][j] * np.eye(3)[j])


@pytest.mark.parametrize("y", [0.0, 1.0])
def test_printed_loss_without_its_minus_has_the_opposite_slope(y):
    z = Value(0.4)
    p = z.sigmoid()
    (y * p.log() + (1 - y) * (1 - p).log()).backward()
    assert_close(z.grad, -(p.data - y))
    z.grad = 0.0
    losses.binary_cross_entropy(z.sigmoid(), y).backward()
    assert_close(z.grad, p.data - y)


def test_multiplying_vector_first_against_matrix_first():
    rng = np.random.default_rng(0)
    n, layers = 100, 5
    factors = [rng.normal(size=(1, n))]
    for _ in range(layers):
        factors += [rng.normal(size=(n, n)) / 10, np.diag(rng.normal(size=n))]
    row, few = deep_learning.vector_first(factors)
    same, more = deep_learning.matrix_first(factors)
    assert np.max(np.abs(row - same)) < 1e-12 * np.max(np.abs(row))
    assert few == 2 * layers * n**2 == 100_000
    assert more == (2 * layers - 1) * n**3 + n**2 == 9_010_000
