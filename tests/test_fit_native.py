"""Training in machine code: the numbers of steps by NumPy, and where it stops."""

import re
import threading
from importlib.util import find_spec
from itertools import count

import numpy as np
import pytest

if find_spec("llvmlite") is None:
    pytest.skip("llvmlite is not installed", allow_module_level=True)

from autograd_core import Value, total
from autograd_core.compiler.executors import choose_for_training
from autograd_core.compiler.executors.native import epochs, exceptions
from nn import MLP, SGD, Adam, DivergedError, datasets, fit
from nn.optim import OPTIMIZERS, Optimizer
from nn.train.loop import Loop
from tests.models import LENGTHS, clipped_to_a_thousandth, clipped_where_squares_overflow
from tests.trainings import TOLERANCE, apart, seeded


@pytest.fixture
def no_step_alone(monkeypatch):
    """Who is asked for many steps takes all of them."""
    take = Loop.take_step

    def alone(loop, size):
        assert not loop.takes_steps
        return take(loop, size)

    monkeypatch.setattr(Loop, "take_step", alone)


def trained(executor, *, sizes=(2, 4, 1), **options):
    model = MLP(sizes[0], sizes[1:], activation="tanh", seed=0)
    X, y = datasets.moons(23) if sizes[-1] == 1 else datasets.blobs(23, classes=sizes[-1])
    given = {"loss": "binary_cross_entropy_with_logits", "epochs": 3} | options
    history = fit(model, X, y, **given, executor=executor, progress=False)
    return history, numbers_of(model)


def numbers_of(model):
    return [(p.data, p.grad) for p in model.parameters()]


def assert_trained_alike(**options):
    (expected, numbers_by_numpy), (found, numbers) = [
        trained(name, **options) for name in ("numpy", "native")
    ]
    np.testing.assert_allclose(numbers, numbers_by_numpy, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(found.loss, expected.loss, rtol=1e-12)
    assert found.accuracy == expected.accuracy


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize(
    "options", [{}, {"batch_size": 5, "l2": 0.01, "clip_norm": 0.1}], ids=["whole", "batches"]
)
@pytest.mark.usefixtures("no_step_alone")
def test_whole_epochs_have_the_numbers_of_steps_by_numpy(optimizer, options):
    assert_trained_alike(optimizer=OPTIMIZERS[optimizer](0.05), **options)


@pytest.mark.slow
@pytest.mark.usefixtures("no_step_alone")
@pytest.mark.parametrize("seed", range(100))
def test_any_training_has_the_numbers_of_steps_by_numpy(seed):
    training = seeded(seed)
    expected, found = [training.run(executor=name) for name in ("numpy", "native")]
    assert apart(found, expected) < TOLERANCE, training


def test_what_is_no_number_on_one_side_is_apart():
    record, numbers = seeded(0).run(executor="numpy")
    worse = numbers.copy()
    worse[-1, -1] = np.nan
    assert apart((record, numbers), (record, numbers)) == 0.0
    assert not apart((record, worse), (record, numbers)) < TOLERANCE


def test_training_stops_before_the_step_that_fails_and_says_why():
    said = []
    for name in ("numpy", "native"):
        with pytest.raises(DivergedError) as error:
            trained(name, optimizer=SGD(1e200), loss="mse", batch_size=5)
        said.append(re.sub(r"\d+\.\d+", "x", str(error.value)))  # in which rounding shows
    assert said[0] == said[1]


class Weights:
    """A model of three weights: `says(w)` of any example."""

    def __init__(self, says):
        self.says, self.w = says, [Value(0.1 + 0.3 * i, f"w[{i}]") for i in range(3)]

    def parameters(self):
        return self.w

    def __call__(self, x):
        return self.says(self.w)


@pytest.mark.parametrize("options", [{}, {"l2": 0.1}, {"clip_norm": 0.2}], ids=str)
@pytest.mark.usefixtures("no_step_alone")
def test_a_gradient_that_is_the_parameters_themselves_is_apart_from_them(options):
    def trained(executor):
        bowl = Weights(lambda w: total([x * x * 0.5 for x in w]))
        given = {"loss": lambda z, t: z, "optimizer": SGD(0.1), "epochs": 3, "progress": False}
        return fit(bowl, [[0.0]], [0.0], **given, **options, executor=executor), numbers_of(bowl)

    (expected, numbers_by_numpy), (found, numbers) = trained("numpy"), trained("native")
    np.testing.assert_allclose(numbers, numbers_by_numpy, rtol=1e-13)
    np.testing.assert_allclose(found.loss, expected.loss, rtol=1e-13)


def test_outputs_that_are_the_parameters_themselves_speak_as_before_the_step():
    def accuracy(executor):
        given = {"loss": "cross_entropy", "optimizer": SGD(3.0), "epochs": 3, "progress": False}
        return fit(Weights(list), [[0.0]] * 3, [0, 0, 1], **given, executor=executor).accuracy

    assert accuracy("native") == accuracy("numpy") == [0.0, 2 / 3, 2 / 3]


def test_training_that_fails_leaves_the_gradient_of_its_last_step():
    def failed(executor):
        model = MLP(1, [1], seed=0)
        with pytest.raises(DivergedError):
            fit(model, [[1.0], [2.0]], [0.0, 1.0], loss="mse", optimizer=SGD(1e3), epochs=99,
                executor=executor, progress=False)  # fmt: skip
        return numbers_of(model)

    np.testing.assert_allclose(failed("native"), failed("numpy"), rtol=1e-9)


class Signed(Optimizer):
    def update(self, p, g, state, lr, steps):
        return p - lr * np.sign(g), ()


class Halved(Optimizer):
    def update(self, p, g, state, lr, steps):
        return p - (lr if steps < 2 else lr / 2) * g, ()


class Growing(Optimizer):
    def update(self, p, g, state, lr, steps):
        v = (state[0] if state else 0.0) + g
        return p - lr * v, (v,)


class Counting(Optimizer):
    calls = count()

    def update(self, p, g, state, lr, steps):
        return p - lr * g + 1e-300 * next(self.calls), ()


@pytest.mark.parametrize("optimizer", [Signed, Halved, Growing, Counting])
def test_a_formula_that_is_no_machine_code_is_named_once_and_run_by_numpy(optimizer):
    expected, numbers_by_numpy = trained("numpy", optimizer=optimizer(0.1))
    with pytest.warns(UserWarning, match=f"{optimizer.__name__}.update does not become") as said:
        found, numbers = trained("native", optimizer=optimizer(0.1))
    assert len(said) == 1
    np.testing.assert_allclose(numbers, numbers_by_numpy, rtol=1e-12)
    np.testing.assert_allclose(found.loss, expected.loss, rtol=1e-12)


class Kept(Optimizer):
    """It carries along whether a slope was positive, and reads a number from a list."""

    carries = ("up",)

    def __post_init__(self):
        super().__post_init__()
        self.factors = [2.0]

    def update(self, p, g, state, lr, steps):
        return p - self.factors[0] * lr * g - 0.01 * state[0], (g > 0,)


@pytest.mark.usefixtures("no_step_alone")
def test_truths_may_be_carried_along_and_constants_be_lists():
    assert_trained_alike(optimizer=Kept(0.1))


def test_a_schedule_that_ends_ends_the_training_at_its_step():
    def failed(executor):
        model = MLP(2, [4, 1], seed=0)
        with pytest.raises(IndexError):
            fit(model, *datasets.moons(23), loss="hinge", optimizer=SGD([0.1, 0.2].__getitem__),
                epochs=9, executor=executor, progress=False)  # fmt: skip
        return numbers_of(model)

    np.testing.assert_allclose(failed("native"), failed("numpy"), rtol=1e-12)


def test_of_constants_that_change_the_code_of_a_few_is_kept(monkeypatch):
    made = []
    monkeypatch.setattr(epochs.Loop, "of", lambda text, executor: made.append(executor))
    optimizer = SGD(0.1)

    def change(history):
        optimizer.momentum = history.epochs / 10

    trained("native", optimizer=optimizer, epochs=9, callbacks=[change])
    assert len(made) == 9
    assert len(made[0].loops) == epochs.LOOPS


def test_a_gradient_whose_squares_overflow_is_clipped_where_the_processor_tells_nothing(
    monkeypatch,
):
    monkeypatch.setattr(exceptions, "seen", lambda region: region.integer(0))
    expected, found = map(clipped_where_squares_overflow, ("numpy", "native"))
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("size", LENGTHS)
def test_a_gradient_is_clipped_whatever_its_squares_are(size):
    found = clipped_to_a_thousandth(size, executor="native")
    assert found == pytest.approx([-(2**0.5)] * 2, rel=1e-12)


def test_machine_code_is_chosen_for_long_trainings():
    assert choose_for_training(337, 100, 100) is None
    assert choose_for_training(337, 100, 10_000) == "native"
    assert choose_for_training(100_000, 1000, 100) == "native"
    by_rule, by_name = [
        trained(name, optimizer=SGD(0.1), epochs=6000, batch_size=None) for name in (None, "native")
    ]
    assert by_rule == by_name


def test_two_threads_train_two_models_to_the_bits_of_one():
    alone, found = trained("native", optimizer=Adam(0.1)), {}

    def train(i):
        found[i] = trained("native", optimizer=Adam(0.1))

    threads = [threading.Thread(target=train, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {0: alone, 1: alone}
