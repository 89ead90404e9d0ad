"""Training on JAX: whole epochs in a loop on the device, and on a mesh of devices and processes."""

import json
import os
import socket
import subprocess
import sys

import numpy as np
import pytest

from nn import MLP, SGD, Adam, DivergedError, datasets, fit
from nn.optim import OPTIMIZERS
from tests.models import LENGTHS, clipped_to_a_thousandth, clipped_where_squares_overflow

jax = pytest.importorskip("jax", reason="JAX is not installed")
from autograd_core.compiler.executors.jax import JaxExecutor, OnJax  # noqa: E402 (which needs JAX)

pytestmark = [pytest.mark.slow, pytest.mark.needs("jax")]  # XLA takes a second for a program


def trained(executor, *, sizes=(4, 1), **options):
    model = MLP(2, list(sizes), activation="tanh", seed=0)
    given = {"loss": "binary_cross_entropy_with_logits", "optimizer": Adam(0.1), "epochs": 7}
    X, y = datasets.moons(23)
    history = fit(model, X, y, **{**given, **options}, executor=executor, progress=False)
    return history, [p.data for p in model.parameters()], [p.grad for p in model.parameters()]


def assert_alike(found, expected, near=1e-12):
    assert found[0].accuracy == expected[0].accuracy
    for x, y in zip((found[0].loss, *found[1:]), (expected[0].loss, *expected[1:]), strict=True):
        np.testing.assert_allclose(x, y, rtol=near, atol=near)


@pytest.mark.parametrize("batch_size", [None, 5])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_jax_takes_the_steps_of_numpy(optimizer, batch_size):
    runs = [
        trained(name, optimizer=OPTIMIZERS[optimizer](0.05), batch_size=batch_size, l2=0.01)
        for name in ("numpy", "jax")
    ]
    assert_alike(*runs)


@pytest.mark.parametrize("loss", ["cross_entropy", "mse", "hinge"])
def test_every_kind_of_loss_counts_the_same_hits(loss):
    sizes = (3, 2) if loss == "cross_entropy" else (3, 1)
    assert_alike(*[trained(name, loss=loss, sizes=sizes) for name in ("numpy", "jax")])


def test_of_outputs_that_tie_the_first_speaks():
    def hits(executor):
        model = MLP(2, [3], init="zeros", seed=0)
        given = {"loss": "cross_entropy", "optimizer": SGD(0.1), "epochs": 1, "progress": False}
        return fit(model, [[0.0, 1.0]] * 3, [0, 1, 2], **given, executor=executor).accuracy

    assert hits("jax") == hits("numpy") == [1 / 3]


def test_steps_have_the_same_bits_however_many_are_taken_at_once():
    at_once = trained("jax", epochs=5)
    one_by_one = trained("jax", epochs=5, callbacks=[lambda _: None])
    assert at_once == one_by_one


def test_one_batch_of_all_examples_stays_where_it_is(monkeypatch):
    orders, put, loop = [], [], JaxExecutor.loop
    place = JaxExecutor.put

    def noted(self, *args, **options):
        made = loop(self, *args, **options)
        return lambda begin, data, order, given: (
            orders.append(order) or made(begin, data, order, given)
        )

    monkeypatch.setattr(JaxExecutor, "loop", noted)
    monkeypatch.setattr(JaxExecutor, "put", lambda self, x: put.append(x) or place(self, x))
    trained("jax", epochs=1100)
    assert orders == [None, None]  # for up to 1,000 epochs each
    assert len(put) == 3  # inputs, targets and labels


def test_schedules_and_an_optimiser_of_ones_own():
    class Sign(SGD):
        def update(self, p, g, state, lr, steps):
            return p - lr * g / (g * g) ** 0.5 / steps, state

    for optimizer in (SGD(lambda step: 0.5 / (1 + step)), Sign(0.01)):
        runs = [trained(name, optimizer=optimizer, batch_size=6) for name in ("numpy", "jax")]
        assert_alike(*runs)
        optimizer.state.clear()


@pytest.mark.parametrize("batch_size", [None, 5])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_what_diverges_stops_at_the_step_and_with_the_words_of_numpy(batch_size, activation):
    said = []
    for name in ("numpy", "jax"):
        model = MLP(2, [4, 1], activation=activation, seed=0)
        X, y = datasets.moons(23)
        with pytest.raises(DivergedError) as error:
            fit(
                model, X, y, loss="mse", optimizer=SGD(1e100), epochs=9, batch_size=batch_size,
                executor=name, progress=False,
            )  # fmt: skip
        said.append((str(error.value), [p.data for p in model.parameters()]))
    assert said[0][0].split(" of (")[0] == said[1][0].split(" of (")[0]
    np.testing.assert_allclose(said[0][1], said[1][1], rtol=1e-9)


def test_parameters_that_overflow_unseen_stop_it_too():
    # tanh of infinity is 1: the loss stays finite.
    said = []
    for name in ("numpy", "jax"):
        model = MLP(1, [1], output="tanh", seed=0)
        with pytest.raises(DivergedError) as error:
            fit(model, [[1.0]], [0.5], loss="mse", optimizer=SGD(1.7e308, momentum=0.9), epochs=9,
                executor=name, progress=False)  # fmt: skip
        said.append(str(error.value).split(" from ")[0])
    assert said[0] == said[1]
    assert "the step takes" in said[0]


def test_a_gradient_whose_squares_overflow_is_shortened_to_the_norm():
    expected, found = map(clipped_where_squares_overflow, ("numpy", "jax"))
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_a_gradient_is_clipped_whatever_its_squares_are():
    for size in LENGTHS:
        found = clipped_to_a_thousandth(size, executor="jax")
        assert found == pytest.approx([-(2**0.5)] * 2, rel=1e-12), size


def test_float32():
    found, expected = trained(OnJax(dtype="float32")), trained("numpy")
    assert_alike(found, expected, near=1e-4)
    assert found[1] == np.float32(found[1]).tolist()
    with pytest.raises(ValueError, match="'float64' or 'float32', got 'float16'"):
        OnJax(dtype="float16")


# --- A mesh ----------------------------------------------------------------------------------

MESH = """
import json, sys
import jax
{before}
from autograd_core.compiler.executors.jax import OnJax
from tests.test_fit_jax import curves
mesh = jax.make_mesh((len(jax.devices()),), ("examples",))
print(json.dumps([len(jax.devices()), curves(OnJax(mesh=mesh))]))
"""


def curves(executor):
    """Losses of a full batch of 23, and of batches of 16 and a rest of 7."""
    return [trained(executor, batch_size=size, epochs=4, l2=0.01)[0].loss for size in (None, 16)]


def start(program, **environment):
    return subprocess.Popen(
        [sys.executable, "-c", program],
        env={**os.environ, "JAX_PLATFORMS": "cpu", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def printed(process):
    with process:
        said, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    return json.loads(said.splitlines()[-1])


def test_eight_devices_have_the_losses_of_one():
    flags = "--xla_force_host_platform_device_count=8"
    devices, found = printed(start(MESH.format(before=""), XLA_FLAGS=flags))
    assert devices == 8
    for losses, expected in zip(found, curves("numpy"), strict=True):
        np.testing.assert_allclose(losses, expected, rtol=1e-12)


def test_two_processes_have_the_losses_of_one():
    with socket.socket() as s:
        s.bind(("localhost", 0))
        port = s.getsockname()[1]
    before = f"jax.distributed.initialize('localhost:{port}', 2, int(sys.argv[1]))"
    programs = [MESH.format(before=before).replace("sys.argv[1]", str(i)) for i in (0, 1)]
    processes = [start(program) for program in programs]
    for devices, found in map(printed, processes):
        assert devices == 2
        for losses, expected in zip(found, curves("numpy"), strict=True):
            np.testing.assert_allclose(losses, expected, rtol=1e-12)


def test_a_step_on_a_mesh_is_one_all_reduce():
    program = """
import json
import jax
from autograd_core.compiler.executors import jax as executor
from tests.test_fit_jax import trained
calls, make = [], executor.jax.jit
def jit(f, **options):
    made = make(f, **options)
    def call(*args):
        calls.append(made.lower(*args).compile().as_text())
        return made(*args)
    return call if isinstance(f, executor.StepLoop) else made
executor.jax.jit = jit
mesh = jax.make_mesh((4,), ("examples",))
trained(executor.OnJax(mesh=mesh), batch_size=16, epochs=1)
print(json.dumps([text.count(" all-reduce(") for text in calls]))
"""
    flags = "--xla_force_host_platform_device_count=4"
    assert printed(start(program, XLA_FLAGS=flags)) == [1, 1]
