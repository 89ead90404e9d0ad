"""Functions as users of HIPS autograd write them: of arrays, in NumPy's words.

Each is `make(np)`, for numpy or a package that stands in its place; it returns the function to
differentiate, and where. They are what its own examples show, written anew.
"""

from numpy import array, cos, eye, linspace, pi, sin, zeros
from numpy.random import default_rng


def logistic_regression(np):
    """The negative log-likelihood of 30 labels, by a tanh."""
    rng = default_rng(0)
    inputs = rng.normal(size=(30, 3))
    targets = inputs @ array([1.0, -2.0, 0.5]) > 0

    def loss(weights):
        shares = 0.5 * (np.tanh(np.dot(inputs, weights)) + 1)
        return -np.sum(np.log(shares * targets + (1 - shares) * (1 - targets)))

    return loss, array([0.1, -0.2, 0.3])


def neural_net(np):
    """Layers in a list of pairs, a softmax, and a penalty on every weight."""
    rng = default_rng(0)
    inputs, classes = rng.normal(size=(20, 2)), eye(3)[rng.integers(0, 3, 20)]
    layers = [
        (0.3 * rng.normal(size=shape), 0.3 * rng.normal(size=shape[1]))
        for shape in [(2, 8), (8, 3)]
    ]

    def log_shares(layers, x):
        for weights, bias in layers:
            scores = np.dot(x, weights) + bias
            x = np.tanh(scores)
        return scores - np.log(np.sum(np.exp(scores), axis=1, keepdims=True))

    def loss(layers):
        penalty = sum(np.sum(w * w) + np.sum(b * b) for w, b in layers)
        return 0.05 * penalty - np.sum(log_shares(layers, inputs) * classes)

    return loss, layers


def rosenbrock(np):
    """The valley in 100 dimensions."""

    def valley(x):
        return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

    return valley, default_rng(0).normal(size=100)


def gaussian_process(np):
    """The log marginal likelihood along the kernel's parameters, with Cholesky's loops."""
    x, n = linspace(-2.0, 2.0, 8), 8
    y = sin(2 * x)

    def loss(logs):
        size, width, noise = np.exp(logs[0]), np.exp(logs[1]), np.exp(logs[2])
        distance = (x[:, None] - x[None, :]) / width
        K = size * np.exp(-0.5 * distance**2) + noise * eye(n)
        L = [[0.0] * n for _ in range(n)]
        z = [0.0] * n
        for i in range(n):
            for j in range(i):
                L[i][j] = (K[i, j] - sum(L[i][k] * L[j][k] for k in range(j))) / L[j][j]
            L[i][i] = np.sqrt(K[i, i] - sum(L[i][k] ** 2 for k in range(i)))
            z[i] = (y[i] - sum(L[i][k] * z[k] for k in range(i))) / L[i][i]
        return 0.5 * sum(v * v for v in z) + sum(np.log(L[i][i]) for i in range(n))

    return loss, array([0.1, 0.2, -1.0])


def flow_on_a_ring(np):
    """What is spread and carried along a ring for some steps comes near to a wave."""
    wave = cos(linspace(0.0, 2 * pi, 16, endpoint=False))

    def loss(v):
        for _ in range(4):
            left, right = np.roll(v, 1), np.roll(v, -1)
            v = v + 0.1 * (left - 2 * v + right) - 0.05 * v * (right - left)
        return np.mean((v - wave) ** 2)

    return loss, default_rng(0).normal(size=16)


def recurrent_net(np):
    """Parameters in a dict; a state that is carried from step to step."""
    rng = default_rng(0)
    xs = rng.normal(size=(6, 3))
    start = {"W": rng.normal(size=(3, 5)), "U": 0.3 * rng.normal(size=(5, 5)), "b": zeros(5)}

    def loss(p):
        state, total = zeros(5), 0.0
        for x in xs:
            state = np.tanh(np.dot(x, p["W"]) + np.dot(state, p["U"]) + p["b"])
            total = total + np.sum(state**2)
        return total

    return loss, start


PROGRAMS = (
    logistic_regression,
    neural_net,
    rosenbrock,
    gaussian_process,
    flow_on_a_ring,
    recurrent_net,
)
