"""Training sessions in any order of events, on graphs and on compiled programs."""

import copy
import dataclasses
import random
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from autograd_core import Value, compile, mean
from nn import MLP, SGD, Adam, datasets, fit, load, losses, save
from tests.compiled import assert_close

N = 12
MOONS, BLOBS = datasets.moons(N), datasets.blobs(N)
PROBLEMS = {  # by the loss: data, outputs, what they go through
    "binary_cross_entropy_with_logits": (MOONS, 1, "linear"),
    "binary_cross_entropy": (MOONS, 1, "sigmoid"),
    "mse": (MOONS, 1, "tanh"),
    "hinge": (MOONS, 1, "linear"),
    "cross_entropy": (BLOBS, 3, "linear"),
    "nll": (BLOBS, 3, "softmax"),
}
OPTIMIZERS = {
    "SGD": lambda: SGD(0.05),
    "momentum": lambda: SGD(0.02, momentum=0.8),
    "Adam": lambda: Adam(0.02),
}

batches = st.lists(st.integers(0, N - 1), min_size=1, max_size=N, unique=True)
batch_sizes = st.sampled_from([None, 5])
# No number is the sum of others: on a kink, rounding alone would tell the two apart.
numbers = st.integers(0, 10**6).map(lambda seed: random.Random(seed).uniform(-2.0, 2.0))
places = st.integers(0, 10**6)


class Eager:
    """A model trained on graphs."""

    compiled = False

    def __init__(self, model, optimizer, loss, data):
        self.model, self.optimizer, self.loss, self.data = model, optimizer, loss, data
        self.X = data[0]
        self.targets = [list(loss.encode(label, model.sizes[-1])) for label in data[1]]
        self.record()

    @property
    def parameters(self):
        return self.model.parameters()

    def record(self):
        """Begin anew with a model that has changed."""
        self.kept = None

    def loss_of(self, x, target):
        return self.loss(self.model.outputs(x), target)

    def forward(self, batch, as_arrays):
        self.kept = mean([self.loss_of(self.X[i], self.targets[i]) for i in batch])
        return self.kept.data

    def backward(self):
        self.kept.backward()

    def step(self):
        self.optimizer.step(self.parameters)

    def fit(self, epochs, **options):
        given = {"loss": self.loss, "optimizer": self.optimizer, "epochs": epochs} | options
        return fit(self.model, *self.data, **given, compile=self.compiled, progress=False)

    def copy(self):
        model, optimizer = copy.deepcopy((self.model, self.optimizer))
        return type(self)(model, optimizer, self.loss, self.data)

    def bits(self):
        """The numbers of the parameters and of the optimiser, to the last bit."""
        state = [self.optimizer.state_of(p) for p in self.parameters]
        return [p.data.hex() for p in self.parameters], state

    def steps(self):
        """How many steps the optimiser has counted for each of these parameters."""
        return [self.optimizer.state_of(p)[0] for p in self.parameters]

    def calls_before(self, steps, extra):
        """How often an optimiser's `update` is called in so many steps and a part of one."""
        n = len(self.parameters)
        return steps * n + extra % n


class Twin(Eager):
    """A model trained on compiled programs."""

    compiled = True

    def record(self):
        super().record()
        self.program = compile(self.loss_of, batched=True)

    def forward(self, batch, as_arrays):
        lists = [[self.X[i] for i in batch], [self.targets[i] for i in batch]]
        arrays = [np.array(rows) for rows in lists]  # recorded apart from lists
        self.kept = arrays if as_arrays else lists, {p: p.data for p in self.parameters}
        value = self.program(*lists)
        assert self.program(*arrays) == value
        return value

    def backward(self):
        arguments, was = self.kept
        self.program.prepare(*arguments)
        at = [was[p] for p in self.program.parameters]
        self.program.value_and_gradient(*arguments, at=at, accumulate=True)

    def calls_before(self, steps, extra):
        return steps


def data(side):
    return [p.data for p in side.parameters]


def grads(side):
    return [p.grad for p in side.parameters]


def fresh_gradient(side, batch):
    """The gradient of the mean loss of a batch, on a model and a graph of their own."""
    known = side.model
    options = {"activation": known.activation, "output": known.output}
    other = Eager(MLP(known.n_in, known.sizes, **options), None, side.loss, side.data)
    for p, number in zip(other.parameters, data(side), strict=True):
        p.data = number
    other.forward(batch, as_arrays=False)
    other.backward()
    return grads(other)


def interrupted(function, calls):
    """The function, until so many calls are over: then Ctrl-C."""
    left = [calls]

    def called(*arguments):
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return function(*arguments)

    return called


class Session(RuleBasedStateMachine):
    """What is done to a model is done to its twin."""

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.saved = self.sides = None

    def teardown(self):
        self.folder.cleanup()

    @initialize(
        problem=st.sampled_from(sorted(PROBLEMS)),
        hidden=st.lists(st.integers(1, 4), max_size=2),
        activation=st.sampled_from(["tanh", "relu", "sigmoid", "leaky_relu", "softplus"]),
        optimizer=st.sampled_from(sorted(OPTIMIZERS)),
        seed=st.integers(0, 99),
        expand=st.booleans(),
    )
    def begin(self, problem, hidden, activation, optimizer, seed, expand):
        examples, n_out, output = PROBLEMS[problem]
        options = {"activation": activation, "output": output, "seed": seed, "expand": expand}
        self.sides = [
            way(
                MLP(2, [*hidden, n_out], **options),
                OPTIMIZERS[optimizer](),
                losses.LOSSES[problem],
                examples,
            )
            for way in (Eager, Twin)
        ]
        self.labels = [p.label for p in self.sides[0].parameters]

    # --- By hand ---

    @rule(batch=batches, as_arrays=st.booleans())
    def forward(self, batch, as_arrays):
        values = [side.forward(batch, as_arrays) for side in self.sides]
        assert_close(values[1], values[0])
        self.slopes = [fresh_gradient(side, batch) for side in self.sides]

    @precondition(lambda self: self.sides[0].kept)
    @rule()
    def backward(self):
        """Adds the gradient where `forward` was, whatever the parameters are by now."""
        before = [grads(side) for side in self.sides]
        for side in self.sides:
            side.backward()
        on_graph, compiled = [
            [old + slope for old, slope in zip(*both, strict=True)]
            for both in zip(before, self.slopes, strict=True)
        ]
        assert grads(self.sides[0]) == on_graph
        assert_close(grads(self.sides[1]), compiled)

    @rule()
    def zero_grad(self):
        for side in self.sides:
            side.model.zero_grad()
            assert not any(grads(side))

    @rule()
    def step(self):
        for side in self.sides:
            side.step()

    @rule(place=places, number=numbers)
    def edit_data(self, place, number):
        for side in self.sides:
            side.parameters[place % len(self.labels)].data = number

    @rule(place=places, number=numbers)
    def edit_grad(self, place, number):
        for side in self.sides:
            side.parameters[place % len(self.labels)].grad = number

    @rule(place=places, number=numbers)
    def put_another_weight_in_place(self, place, number):
        for side in self.sides:
            neurons = [neuron for layer in side.model.layers for neuron in layer.neurons]
            neuron = neurons[place % len(neurons)]
            j = place % len(neuron.w)
            neuron.w[j] = Value(number, neuron.w[j].label)
            side.record()

    @rule()
    def record_again(self):
        for side in self.sides:
            side.record()

    # --- Files and copies ---

    @rule()
    def save(self):
        self.saved = [data(side) for side in self.sides]
        for side in self.sides:
            save(side.model, self.path(side))

    @precondition(lambda self: self.saved)
    @rule()
    def load(self):
        for side, saved in zip(self.sides, self.saved, strict=True):
            side.model = load(self.path(side))
            assert data(side) == saved
            side.record()

    def path(self, side):
        return Path(self.folder.name) / type(side).__name__

    @rule()
    def go_on_with_a_copy(self):
        copies = [side.copy() for side in self.sides]
        for side, twin in zip(self.sides, copies, strict=True):
            assert twin.bits() == side.bits()
            assert grads(twin) == grads(side)
        self.sides = copies

    # --- Fit ---

    @rule(epochs=st.integers(0, 4), batch_size=batch_sizes, seed=st.integers(0, 9))
    def fit(self, epochs, batch_size, seed):
        eager, twin = [side.fit(epochs, batch_size=batch_size, seed=seed) for side in self.sides]
        assert_close(twin.loss, eager.loss)
        assert twin.accuracy == eager.accuracy

    @rule(epochs=st.integers(1, 3), batch_size=batch_sizes)
    def interrupt_in_a_callback(self, epochs, batch_size):
        for side in self.sides:
            expected = side.copy()
            expected.fit(epochs, batch_size=batch_size)
            callbacks = [interrupted(lambda history: None, epochs - 1)]
            with pytest.raises(KeyboardInterrupt):
                side.fit(9, batch_size=batch_size, callbacks=callbacks)
            assert side.bits() == expected.bits()

    @rule(steps=st.integers(0, 3), extra=places)
    def interrupt_in_the_optimiser(self, steps, extra):
        for side in self.sides:
            expected, update = side.copy(), side.optimizer.update
            expected.fit(steps)
            side.optimizer.update = interrupted(update, side.calls_before(steps, extra))
            with pytest.raises(KeyboardInterrupt):
                side.fit(9)
            del side.optimizer.update
            assert side.bits() == expected.bits()
            side.model.zero_grad()  # they are of an unfinished step

    @rule(steps=st.integers(0, 3), extra=st.integers(0, N - 1))
    def interrupt_in_the_loss(self, steps, extra):
        """A compiled loss is called when it is recorded, and that is before the first step."""
        for side in self.sides:
            steps_done = 0 if side.compiled else steps
            expected = side.copy()
            expected.fit(steps_done)
            calls = 0 if side.compiled else steps * N + extra
            used = "hard" if side.loss.hard else "formula"  # as all labels are 0 or 1
            formula = interrupted(getattr(side.loss, used), calls)
            loss = dataclasses.replace(side.loss, **{used: formula})
            with pytest.raises(KeyboardInterrupt):
                side.fit(9, loss=loss)
            assert side.bits() == expected.bits()
            if side.compiled:
                side.fit(steps)
            side.model.zero_grad()

    # --- What holds after each ---

    @invariant()
    def the_twins_agree(self):
        if self.sides:
            eager, twin = self.sides
            assert_close(data(twin), data(eager))
            assert_close(grads(twin), grads(eager))
            assert twin.steps() == eager.steps()

    @invariant()
    def parameters_keep_their_labels_and_order(self):
        for side in self.sides or []:
            assert [p.label for p in side.parameters] == self.labels


LAYERS = [pytest.param(10, 12, id="few"), pytest.param(150, 50, id="many", marks=pytest.mark.slow)]


@pytest.mark.parametrize(("sessions", "events"), LAYERS)
def test_a_model_and_its_compiled_twin_never_diverge(sessions, events):
    run_state_machine_as_test(
        Session,
        settings=settings(
            max_examples=sessions,
            stateful_step_count=events,
            suppress_health_check=list(HealthCheck),
        ),
    )
