"""Models beside the MLP, each in a few lines: what a Module of one's own looks like."""

from autograd_core import Value, total
from nn import MLP, SGD, Embedding, Layer, Module, fit


class ResidualNet(Module):
    """Blocks that add what they compute to what they are given."""

    def __init__(self, n_in, width, depth, activation="tanh", seed=0):
        self.n_in, self.width, self.depth, self.activation = n_in, width, depth, activation
        self.first = Layer(n_in, width, activation, seed=seed)
        self.blocks = [Layer(width, width, activation, seed=seed + k) for k in range(1, depth + 1)]
        self.last = Layer(width, 1, "linear", seed=seed)

    def __call__(self, x):
        h = self.first(x)
        for block in self.blocks:
            h = [a + b for a, b in zip(h, block(h))]
        return self.last(h)[0]


class RNN(Module):
    """Reads a sequence of vectors, of any length, and says one number at its end."""

    def __init__(self, n_in, width, seed=0):
        self.n_in, self.width = n_in, width
        self.cell = Layer(n_in + width, width, "tanh", seed=seed)
        self.out = Layer(width, 1, "linear", seed=seed + 1)

    def __call__(self, sequence):
        state = [0.0] * self.width
        for x in sequence:
            state = self.cell([*x, *state])
        return self.out(state)[0]


class Autoencoder(Module):
    """Two nets: one to few numbers, and one back again."""

    def __init__(self, encoder, decoder):
        self.encoder, self.decoder = encoder, decoder

    def __call__(self, x):
        return self.decoder(self.encoder(x))


class Convolution(Module):
    """Filters that slide over an image; of each the mean response decides, with a weight."""

    def __init__(self, size, filters, seed=0):
        self.size, self.filters = size, filters
        self.patches = Layer(size * size, filters, "relu", seed=seed)
        self.out = Layer(filters, 1, "linear", seed=seed + 1)

    def __call__(self, image):
        k, (height, width) = self.size, (len(image), len(image[0]))
        corners = [(i, j) for i in range(height - k + 1) for j in range(width - k + 1)]
        seen = [
            self.patches([v for row in image[i : i + k] for v in row[j : j + k]])
            for i, j in corners
        ]
        return self.out([total(responses) / len(corners) for responses in zip(*seen)])[0]


class NextLetter(Module):
    """From the letters before, the next one: a vector for each letter, then a net."""

    def __init__(self, letters, context, width, seed=0):
        self.letters, self.context, self.width = letters, context, width
        self.vectors = Embedding(letters, width, seed=seed)
        self.net = MLP(context * width, [8, letters], activation="tanh", seed=seed)

    def __call__(self, before):
        return self.net([v for letter in before for v in self.vectors(letter)])


class Plain:
    """No Module at all: called with a number, and with parameters of its own."""

    def __init__(self):
        self.w, self.b = Value(0.5, "w"), Value(0.0, "b")

    def parameters(self):
        return [self.w, self.b]

    def __call__(self, x):
        return self.w * x + self.b


def clipped_where_squares_overflow(executor):
    """The parameters after steps along gradients of 1e160, clipped to a norm of 0.1."""
    model = MLP(2, [1], init="zeros", seed=0)
    fit(model, [[1e160, 0.0], [0.0, -2e160]], [1.0, 0.0], loss="hinge", optimizer=SGD(1e-160),
        epochs=3, clip_norm=0.1, executor=executor, progress=False)  # fmt: skip
    found = [p.data for p in model.parameters()]
    assert found != [0.0, 0.0, 0.0]
    return found


def clipped_to_a_thousandth(size, **how):
    """The parameters after two steps along gradients of a size, made of length 1 each."""
    model, most = MLP(1, [1], init="zeros"), size / 1000
    fit(model, [[1.0]], [1.0], loss=lambda z, t: size * z, optimizer=SGD(1 / most), epochs=2,
        clip_norm=most, progress=False, **how)  # fmt: skip
    return [p.data for p in model.parameters()]


# By size: squares that overflow, that are at home, that are rounded, and that are 0.
LENGTHS = (1e200, 1.0, 1e-155, 1e-160, 1e-200, 1e-300)
