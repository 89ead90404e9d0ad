"""Whole batches as micrograd's demo writes them: every product and sum of every example."""

import math

from tests.benchmarks.measure import Steps


class Net:
    """Parameters of ours, used line by line as micrograd.nn uses its own."""

    def __init__(self, model):
        self.layers, self.parameters = model.layers, model.parameters

    def __call__(self, x):
        for layer in self.layers:
            x = [self.neuron(n, x, nonlin=layer is not self.layers[-1]) for n in layer.neurons]
        return x[0] if len(x) == 1 else x

    def neuron(self, n, x, *, nonlin):
        act = sum((wi * xi for wi, xi in zip(n.w, x)), n.b)
        return act.relu() if nonlin else act


def demo_loss(Value, model, problem):
    """The loss of a net over a batch, on anybody's Values."""
    inputs = [list(map(Value, xrow)) for xrow in problem.X.tolist()]
    scores = list(map(model, inputs))
    if problem.loss == "output":
        return scores[0]
    losses = [
        (1 + -yi * scorei).relu() if problem.loss == "hinge" else cross_entropy(scorei, yi)
        for yi, scorei in zip(problem.y.tolist(), scores)
    ]
    data_loss = sum(losses) * (1.0 / len(losses))
    if not problem.decay:
        return data_loss
    return data_loss + problem.decay * sum(p * p for p in model.parameters())


def cross_entropy(logits, label):
    """As in the lectures on micrograd: exponentials, their shares, the logarithm of one."""
    counts = [unary(z, "exp", math.exp(z.data), math.exp(z.data)) for z in logits]
    share = counts[label] / sum(counts)
    return -unary(share, "log", math.log(share.data), 1 / share.data)


def unary(x, name, data, slope):
    """A node of an op that micrograd lacks, added as it adds its own."""
    out = type(x)(data, (x,), name)

    def _backward():
        x.grad += slope * out.grad

    out._backward = _backward  # noqa: SLF001  this is how micrograd is extended
    return out


def micrograd_net(problem):
    """A net of micrograd's with the parameters to start from."""
    from micrograd.nn import MLP

    net = MLP(problem.X.shape[1], list(problem.sizes))
    for p, ours in zip(net.parameters(), problem.model().parameters(), strict=True):
        p.data = ours.data
    return net


def micrograd(problem):
    """micrograd itself, as in its demo."""
    from micrograd.engine import Value

    net = micrograd_net(problem)

    def step():
        loss = demo_loss(Value, net, problem)
        net.zero_grad()
        loss.backward()
        if problem.rate:
            for p in net.parameters():
                p.data -= problem.rate * p.grad
        return loss.data

    return Steps(step)
