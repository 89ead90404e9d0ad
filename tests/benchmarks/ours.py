"""Ours, in the ways there are to write a training."""

from time import perf_counter

import numpy as np

from autograd_core import Value, compile, dot, mean
from autograd_core.engine import collector_paused
from nn import SGD, fit, losses
from tests.benchmarks.measure import Steps
from tests.benchmarks.micrograd_style import Net, demo_loss


def loss_of_one(problem, model):
    """The loss of one example, as `fit` takes it."""
    if problem.loss == "cross entropy":
        return losses.cross_entropy
    parameters = model.parameters()
    return lambda output, y: losses.hinge(output, y) + problem.decay * dot(parameters, parameters)


def compiled(problem, executor=None):
    """Written for one example and run on batches; a lone example without a batch."""
    program, args = program_of(problem, executor)
    return descent(program, problem.rate, *args)


def program_of(problem, executor=None):
    """The program, and its arguments."""
    model = problem.model()
    if problem.loss == "output":
        return compile(model, executor=executor), (problem.X[0],)
    loss = loss_of_one(problem, model)
    targets = problem.classes if problem.loss == "cross entropy" else problem.y
    program = compile(lambda x, y: loss(model(x), y), batched=True, executor=executor)
    return program, (problem.X, targets)


def whole_batch(problem, executor=None):
    """The code of micrograd's demo, compiled as it is: the whole batch is one graph."""
    net = Net(problem.model())
    program = compile(lambda: demo_loss(Value, net, problem), executor=executor)
    return descent(program, problem.rate)


def descent(program, rate, *args):
    """Gradient descent with the gradients of a program."""
    program.prepare(*args)
    theta = np.array([p.data for p in program.parameters])

    def step():
        loss, gradient = program.value_and_gradient(*args, at=theta)
        if rate:
            gradient *= rate
            np.subtract(theta, gradient, out=theta)
        return loss

    return Steps(step)


def eager(problem):
    """A graph for every step; the collector is paused, as in `fit`."""
    model, optimizer = problem.model(), SGD(problem.rate or 1.0)

    def step():
        with collector_paused():
            loss = eager_loss(model, problem)
            model.zero_grad()
            loss.backward()
            if problem.rate:
                optimizer.step(model.parameters())
            return loss.data

    return Steps(step)


def eager_loss(model, problem):
    """The graph of the loss over the whole batch."""
    outputs = [model(x) for x in problem.X.tolist()]
    if problem.loss == "output":
        return outputs[0]
    loss = losses.hinge if problem.loss == "hinge" else losses.cross_entropy
    data_loss = mean([loss(output, y) for output, y in zip(outputs, problem.y.tolist())])
    parameters = model.parameters()
    return data_loss + problem.decay * dot(parameters, parameters) if problem.decay else data_loss


class Fit:
    """Epochs of `nn.fit` on the whole data set."""

    parts = 1.0

    def __init__(self, problem):
        self.problem, self.model = problem, problem.model()
        self.loss = loss_of_one(problem, self.model)

    def train(self, epochs, optimizer):
        """Go on with the training; the record."""
        X, y = self.problem.X, self.problem.y.tolist()
        more = {"loss": self.loss, "optimizer": optimizer, "epochs": epochs, "progress": False}
        return fit(self.model, X, y, **more)

    def losses(self, k):
        """The losses of the next k steps."""
        return self.train(k, SGD(self.problem.rate)).loss

    def seconds(self, k):
        """Seconds from each step to the next; recording comes before the first."""
        clock = Clock(self.problem.rate)
        self.train(k + 1, clock)
        return np.diff(clock.times).tolist()


class Clock(SGD):
    """Gradient descent that notes when each step was made."""

    def __init__(self, lr):
        super().__init__(lr)
        self.times = []

    def update(self, p, g, *state):
        """The new parameters; and the time."""
        self.times.append(perf_counter())
        return super().update(p, g, *state)
