"""What is imported when, and that both packages run on the standard library alone."""

import inspect
import subprocess
import sys

import pytest

import autograd_core
from tests.rows import over

OPTIONAL = (
    *("matplotlib", "sklearn", "torch", "onnx", "safetensors", "llvmlite", "jax", "anywidget"),
    "pandas",
)


def without(*packages):
    """A program's first lines, after which there are no such packages."""
    return f"""
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {packages!r}:
            raise ModuleNotFoundError(f"{{name}} is blocked", name=name)

sys.meta_path.insert(0, Blocker())
"""


BLOCK = without("numpy", "matplotlib", "tqdm", "pygraphviz")


def run(program):
    """What a program prints in a process of its own."""
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.parametrize("module", ["numpy", "pygraphviz", "matplotlib.pyplot", "tqdm.auto"])
def test_the_blocker_blocks(module):
    program = f"try:\n    import {module}\nexcept ImportError as error:\n    print(error)"
    assert "is blocked" in run(BLOCK + program)


def test_both_packages_train_on_the_standard_library_alone():
    program = """
import autograd_core
from nn import MLP, SGD, datasets, fit, losses

X, y = datasets.xor()
model = MLP(2, [4, 1], activation="tanh", seed=1)
history = fit(
    model, X, y, loss=losses.hinge, optimizer=SGD(0.5), epochs=30, compile=False, progress=False
)
print(history.loss[-1] < history.loss[0], len(history.loss))
"""
    assert run(BLOCK + program) == "True 30\n"


def test_the_engine_differentiates_on_the_standard_library_alone():
    program = """
from autograd_core import *
x, y = Value(2.0, "x"), Value(3.0)
z = dot([x, y], [y, x], 1.0) + logsumexp([x, y]) * maximum(x, y).sigmoid()
z.backward()
print(x.grad == gradient(z, x)[0].data, check_gradient(lambda x: x**3, x))
"""
    assert run(BLOCK + program) == "True x = 2: slope 12, measured 12\n"


def test_importing_loads_nothing_but_the_standard_library():
    program = """
import sys
before = set(sys.modules)
import autograd_core
print(*sorted({name.partition(".")[0] for name in set(sys.modules) - before}))
import nn
print(*sorted({name.partition(".")[0] for name in set(sys.modules) - before}))
"""
    engine, both = [set(line.split()) for line in run(program).splitlines()]
    assert engine - sys.stdlib_module_names == {"autograd_core"}
    assert both - sys.stdlib_module_names == {"autograd_core", "nn"}


def test_the_engine_needs_nothing_of_nn():
    program = """
import sys
from autograd_core import *
z = Value(1.0) * 2
z.backward()
check_op(OPS[0])
draw(z)
print("autograd_core" in sys.modules, "nn" in sys.modules)
"""
    assert run(program) == "True False\n"


def test_every_public_name_is_there():
    for name in autograd_core.__all__:
        assert hasattr(autograd_core, name)
    assert {
        *("Value", "Op", "OPS", "topological", "gradient", "jacobian", "hessian"),
        *("total", "dot", "mean", "logsumexp", "softmax", "maximum", "minimum"),
        *("check_op", "check_gradient", "draw", "grad", "value_and_grad", "jvp", "hvp"),
    } <= set(autograd_core.__all__)


@over(
    ("name", "signature"),
    [
        ("Value", ["data", "label"]),
        ("Op", ["name", "value", "partials", "array", "domain"]),
        ("dot", ["xs", "ys", "bias"]),
        ("gradient", ["y", "xs"]),
        ("jacobian", ["ys", "xs"]),
        ("hessian", ["y", "xs"]),
        ("check_gradient", ["f", "xs"]),
        ("grad", ["f", "argnum"]),
        ("value_and_grad", ["f", "argnum"]),
        ("jvp", ["f", "argnum"]),
        ("hvp", ["f", "argnum"]),
        ("check_op", ["op"]),
        ("topological", ["root"]),
    ],
)
def test_public_names_take_the_arguments_they_promise(name, signature):
    parameters = inspect.signature(getattr(autograd_core, name)).parameters
    assert list(parameters) == signature


CALLS = """
from importlib import import_module
from nn import *
from nn.course import errata, layers
from nn.playground.state import State
import nn.export, nn.tensors
from autograd_core import compile
X, y = datasets.xor()
model = MLP(2, [2, 1], seed=0)
history = History([1.0], [])
found = sweep(Recipe(data="xor", epochs=1), {"seed": [0]}, progress=False)
wants = {
    "matplotlib": {
        "activation_histograms": lambda: plot.activation_histograms(model, X),
        "activations": lambda: plot.activations(),
        "decision_boundary": lambda: plot.decision_boundary(model, X, y),
        "gradient_norms": lambda: plot.gradient_norms(GradientNorms(model, X, y, "hinge")),
        "hidden_space": lambda: plot.hidden_space(model, X, y),
        "loss": lambda: plot.loss(history),
        "loss_surface": lambda: plot.loss_surface(model, X, y, "hinge"),
        "sweep": lambda: plot.sweep(found, "seed"),
    },
    "scikit-learn": {
        "digits": datasets.digits,
        "nn.sklearn": lambda: import_module("nn.sklearn"),
    },
    "pandas": {"to_pandas": found.to_pandas},
    "torch": {"to_torch": lambda: nn.export.to_torch(model)},
    "onnx": {"to_onnx": lambda: nn.export.to_onnx(model, "m.onnx")},
    "safetensors": {
        "save": lambda: save(model, "m.safetensors"),
        "load": lambda: load("m.safetensors"),
    },
    "llvmlite": {"native": lambda: compile(model, executor="native")(X[0])},
    "jax": {"jax": lambda: compile(model, executor="jax")(X[0])},
    "anywidget": {"Playground": lambda: nn.Playground},
}
assert {*plot.__all__} == {"Plot", *wants["matplotlib"]}
wants["matplotlib"] |= {
    "the course": errata.hidden_spaces,
    "its colours": lambda: layers.blocks(layers.two_two_two_three()),
}
for package, calls in wants.items():
    for name, call in calls.items():
        try:
            call()
        except ImportError as error:
            assert f"pip install {package}" in str(error).replace('"', ""), (name, error)
        else:
            raise AssertionError(name)
print("all named")
"""


def test_what_needs_an_extra_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(without(*OPTIONAL) + CALLS) == "all named\n"
    assert list(tmp_path.iterdir()) == []
