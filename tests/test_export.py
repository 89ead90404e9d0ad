"""Ways on: PyTorch and ONNX compute what a model of ours does, or the refusal names why not."""

import math
from importlib import import_module

import numpy as np
import pytest

from autograd_core import Op, compile
from autograd_core.check import arities
from autograd_core.functions import OPS
from autograd_core.structures import leaves
from nn import ACTIVATIONS, MLP, Layer, Module, predict
from nn.export import from_torch, to_onnx, to_torch
from tests.fuzz import seeded
from tests.models import RNN, Autoencoder, Convolution, NextLetter, Plain, ResidualNet
from tests.rows import over
from tests.strategies import KINKED, OWN

OUTPUTS = [*ACTIVATIONS, "softmax"]
X = np.vstack([np.random.default_rng(0).normal(0, 3, (20, 3)), np.eye(3) * 200, -np.eye(3) * 200])

each_output = pytest.mark.parametrize("output", OUTPUTS)
NETS = [*[(hidden, "linear") for hidden in ACTIVATIONS], *[("relu", name) for name in OUTPUTS]]
each_net = pytest.mark.parametrize(("hidden", "output"), NETS)


pytestmark = pytest.mark.needs("torch", "onnx", "onnxruntime")


@pytest.fixture
def torch():
    return import_module("torch")


@pytest.fixture
def onnxruntime():
    found = import_module("onnxruntime")
    found.set_default_logger_severity(4)  # or it prints what it raises
    return found


def model_of(hidden, output):
    return MLP(3, [4, 5, 2], activation=[hidden, "tanh"], output=output, seed=1)


def rows(model):
    return np.array(predict(model, X)).reshape(len(X), -1)


# --- PyTorch ---------------------------------------------------------------------------------


@each_net
def test_pytorch_computes_the_same(torch, hidden, output):
    model = model_of(hidden, output)
    found = to_torch(model)(torch.tensor(X)).detach().numpy()
    np.testing.assert_allclose(found, rows(model), rtol=1e-12, atol=1e-14)


@each_output
def test_a_model_comes_back_from_pytorch_as_it_was(torch, output):
    model = model_of("leaky_relu", output)
    again = from_torch(to_torch(model))
    assert [p.data for p in again.parameters()] == [p.data for p in model.parameters()]
    assert repr(again) == repr(model)


class Stack(Module):
    """Layers and nets one after the other, one of them twice, with an activation of its own."""

    def __init__(self):
        self.net = MLP(3, [4, 3], dropout=0.5, output="sigmoid", seed=0)
        self.layers = [Layer(3, 3, lambda z: z.leaky_relu(0.2), seed=1), Layer(3, 2, seed=2)]

    def __call__(self, x):
        middle, last = self.layers
        return last(middle(middle(self.net(x))))


def test_layers_that_follow_each_other_are_carried_in_any_module(torch):
    model, module = Stack(), to_torch(Stack())
    found = module(torch.tensor(X)).detach().numpy()
    np.testing.assert_allclose(found, rows(model), rtol=1e-12, atol=1e-14)
    assert len(list(module.parameters())) == 8
    again = Autoencoder(MLP(3, [2], seed=0), MLP(2, [3], seed=0))
    found = to_torch(again)(torch.tensor(X)).detach().numpy()
    np.testing.assert_allclose(found, rows(again), rtol=1e-12, atol=1e-14)


def test_a_sequential_of_ones_own_is_read(torch):
    nn = torch.nn
    inner = nn.Sequential(nn.Linear(3, 4, bias=False), nn.LeakyReLU(0.2))
    module = nn.Sequential(inner, nn.Linear(4, 2), nn.Identity()).double()
    found = rows(from_torch(module))
    np.testing.assert_allclose(found, module(torch.tensor(X)).detach().numpy(), rtol=1e-12)


def test_what_an_mlp_is_not_is_refused_by_name(torch):
    nn = torch.nn
    with pytest.raises(ValueError, match=r"module 1: an MLP has no counterpart of Dropout\(p=0.5"):
        from_torch(nn.Sequential(nn.Linear(2, 2), nn.Dropout()))
    with pytest.raises(ValueError, match=r"module 0.1: an MLP has no counterpart of Softplus"):
        from_torch(nn.Sequential(nn.Sequential(nn.Linear(2, 2), nn.Softplus(beta=2))))
    with pytest.raises(ValueError, match=r"module 0: ReLU\(\) has no Linear"):
        from_torch(nn.Sequential(nn.ReLU(), nn.Linear(2, 2)))
    with pytest.raises(ValueError, match=r"module 0: Conv2d\(1, 2, .* has no Linear"):
        from_torch(nn.Sequential(nn.Conv2d(1, 2, 3)))
    with pytest.raises(ValueError, match="layer 2 has 4 inputs, and 3 come from the one before"):
        from_torch(nn.Sequential(nn.Linear(2, 3), nn.Linear(4, 2)))
    with pytest.raises(ValueError, match="no Linear module"):
        from_torch(nn.Sequential())
    with pytest.raises(TypeError, match=r"expected a torch.nn.Sequential, got a Linear"):
        from_torch(nn.Linear(2, 2))


# --- ONNX ------------------------------------------------------------------------------------


def by_onnx(onnxruntime, path, X, dtype="float64"):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"x": np.asarray(X, dtype)})
    assert found.dtype == dtype
    return found


@each_net
@pytest.mark.parametrize(("dtype", "near"), [("float64", 1e-12), ("float32", 1e-6)])
def test_onnxruntime_computes_the_same(onnxruntime, tmp_path, hidden, output, dtype, near):
    model = model_of(hidden, output)
    to_onnx(model, tmp_path / "model.onnx", dtype=dtype)
    found, expected = by_onnx(onnxruntime, tmp_path / "model.onnx", X, dtype), rows(model)
    scale = max(1.0, np.abs(expected).max())
    if dtype == "float32":
        small = np.abs(X).max(1) < 100  # float32 has 7 digits, of 200 in the middle too
        found, expected = found[small], expected[small]
    assert np.abs(found - expected).max() <= near * scale


def test_a_net_is_written_as_its_products_of_matrices(onnxruntime, tmp_path):
    import onnx

    to_onnx(MLP(3, [4, 2], seed=0), tmp_path / "model.onnx")
    graph = onnx.load(tmp_path / "model.onnx").graph
    kinds = [node.op_type for node in graph.node]
    assert kinds == ["Gemm", "Add", "Relu", "Gemm", "Add", "Identity"]
    assert {"W1", "b1", "W2", "b2"} <= {tensor.name for tensor in graph.initializer}


DRAWN = np.random.default_rng(1)
MODELS = {
    "residual": (ResidualNet(3, 4, 2), DRAWN.normal(size=(5, 3))),
    "recurrent": (RNN(2, 3), DRAWN.normal(size=(5, 4, 2))),
    "autoencoder": (
        Autoencoder(MLP(3, [2], seed=0), MLP(2, [3], seed=0)),
        DRAWN.normal(size=(5, 3)),
    ),
    "convolution": (Convolution(2, 3), DRAWN.normal(size=(5, 4, 4))),
    "embedding": (NextLetter(5, 2, 2), DRAWN.integers(0, 5, (6, 2)).astype(float)),
    "no Module": (Plain(), DRAWN.normal(size=5)),
    "own activation": (MLP(3, [2], output=lambda z: z / (1 + abs(z)), seed=0), X),
}


@pytest.mark.parametrize("name", MODELS)
def test_any_model_is_carried(onnxruntime, tmp_path, name):
    model, some = MODELS[name]
    to_onnx(model, tmp_path / "model.onnx", example=some[0].tolist())
    found = by_onnx(onnxruntime, tmp_path / "model.onnx", some)
    expected = np.array(predict(model, some.tolist()))
    np.testing.assert_allclose(found, expected.reshape(found.shape), rtol=1e-12, atol=1e-13)


class Drawn:
    """A random program as a model: of a row of all its inputs, a list of all its results."""

    def __init__(self, program):
        self.program, self.sizes = program, [math.prod(shape) for shape in program.shapes]
        self.stops = np.cumsum(self.sizes)[:-1]

    def parameters(self):
        return self.program.leaves

    def __call__(self, x):
        parts = np.split(np.array(x, dtype=object), self.stops)
        shaped = [
            part.reshape(shape) if shape else part[0]
            for part, shape in zip(parts, self.program.shapes, strict=True)
        ]
        return list(leaves(self.program(*shaped)))


PROGRAMS = [seed for seed in range(50) if sum(Drawn(seeded(seed)).sizes) and seeded(seed).batched]


def computed(onnxruntime, path, X):
    """By onnxruntime, or by ONNX's own reference where that has no arcsin and the like."""
    try:
        return by_onnx(onnxruntime, path, X)
    except onnxruntime.capi.onnxruntime_pybind11_state.NotImplemented:
        reference = import_module("onnx.reference")
        return reference.ReferenceEvaluator(str(path)).run(None, {"x": X})[0]


@over("seed", PROGRAMS)
def test_a_random_program_is_carried(onnxruntime, tmp_path, seed):
    model = Drawn(seeded(seed))
    some = np.random.default_rng(seed).uniform(-2, 2, (5, sum(model.sizes)))
    to_onnx(model, tmp_path / "model.onnx", example=some[0].tolist())
    expected = compile(lambda x: model(x.tolist()), batched=True)(some)
    found = computed(onnxruntime, tmp_path / "model.onnx", some)
    assert np.abs(found - expected).max() <= 1e-12 * max(1.0, np.abs(expected).max())


@over("op", [*OPS, *OWN, *KINKED])
def test_every_op_is_carried_to_the_last_digits(onnxruntime, tmp_path, op):
    count, (low, high) = arities(op)[-1], op.domain
    ends = np.array([low, high, 0.5 * (low + high), low + 1e-9, 1e-12 if low < 0 else low])
    some = np.vstack(
        [np.random.default_rng(0).uniform(low, high, (50, count)), ends[:, None].repeat(count, 1)]
    )
    to_onnx(lambda xs: op(*xs), tmp_path / "op.onnx", example=some[0].tolist())
    found = computed(onnxruntime, tmp_path / "op.onnx", some)[:, 0]
    expected = np.array([op(*row) for row in some.tolist()])
    np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-300)


def test_what_onnx_is_not_told_is_asked_for(onnxruntime, tmp_path):
    path = tmp_path / "model.onnx"
    with pytest.raises(ValueError, match="unknown dtype 'int8'; known are float64, float32"):
        to_onnx(MLP(2, [1], seed=0), path, dtype="int8")
    with pytest.raises(TypeError, match=r"needs an example of what a RNN is called with: example="):
        to_onnx(RNN(1, 2), path)
    with pytest.raises(ValueError, match="the outputs do not depend on the inputs"):
        to_onnx(lambda x: Plain().w * 1.0, path, example=1.0)
    with pytest.raises(ValueError, match="lists of them that are all of one length"):
        to_onnx(lambda x: [[x, x], [x]], path, example=1.0)
    assert not list(tmp_path.iterdir())


# Where a formula loses digits or overflows on the way: near 0 and 1, at exp's end, at infinity.
EDGES = [0.0, 1e-300, 1e-20, 0.1, 0.999999, 1.0, 1.5, 37.5, 710.2, 800.0, 1e155, 1.7e308, math.inf]
SINGLE = {"arctan2"}  # onnxruntime has its arctangent for float32 alone


def written(name, dtype):
    """One of NumPy's functions as an ONNX model of numbers a, b."""
    from onnx import helper, numpy_helper

    from autograd_core.compiler.onnx_nodes import Graph, Symbol

    graph, inputs = Graph(dtype), ["a", "b"][: getattr(np, name).nin]
    result = getattr(np, name)(*[Symbol(graph, x) for x in inputs])
    graph.node("Identity", result.name, name="y")
    given = [helper.make_tensor_value_info(x, graph.kind, ["n"]) for x in inputs]
    said = [helper.make_tensor_value_info("y", graph.kind, ["n"])]
    tensors = [numpy_helper.from_array(x, key) for key, x in graph.numbers.items()]
    made = helper.make_graph(graph.nodes, "formula", given, said, tensors)
    version = helper.make_opsetid("", 17)
    model = helper.make_model(made, opset_imports=[version], ir_version=8)
    return model.SerializeToString(), inputs


def test_each_formula_is_numpys_function_at_the_edges_too(onnxruntime):
    from autograd_core.compiler.onnx_nodes import FORMULAS

    for name in FORMULAS.keys() - {"clip"}:
        dtype = "float32" if name in SINGLE else "float64"
        model, inputs = written(name, dtype)
        session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
        with np.errstate(all="ignore"):
            edges = np.array([*EDGES, math.nan, *[-x for x in EDGES]]).astype(dtype)
            xs = [x.ravel() for x in np.meshgrid(*[edges] * len(inputs))]
            expected = getattr(np, name)(*xs)
        (found,) = session.run(None, dict(zip(inputs, xs, strict=True)))
        near = 1e-6 if name in SINGLE else 1e-12
        np.testing.assert_allclose(found, expected, rtol=near, atol=0, err_msg=name)


# --- Refusals --------------------------------------------------------------------------------

TANH_OF_ONES_OWN = Op("tanh", abs, lambda z, x: (1.0,), "abs")
SQUASH = Op("squash", math.atan, lambda z, x: (1.0,), lambda np, x: np.sinc(x))


def squashed(z):
    return z / (1 + abs(z))


@pytest.mark.parametrize(
    ("activation", "name"),
    [(squashed, "squashed"), (lambda z: z.sin(), "sin"), (TANH_OF_ONES_OWN, "tanh")],
)
def test_an_activation_of_ones_own_is_refused_by_pytorch(torch, activation, name):
    model = MLP(2, [3, 3, 1], activation=["relu", activation], seed=0)
    refusal = rf"layers\[1\]: the activation {name} has no counterpart in PyTorch; known are linear"
    with pytest.raises(ValueError, match=refusal):
        to_torch(model)


def test_an_op_that_onnx_cannot_compute_is_refused_by_its_name(onnxruntime, tmp_path):
    with pytest.raises(ValueError, match=r"the op squash has no counterpart in ONNX: np\.sinc"):
        to_onnx(MLP(2, [1], output=SQUASH, seed=0), tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_what_happens_between_layers_is_refused_by_pytorch(torch):
    with pytest.raises(ValueError, match=r"what goes into blocks\[1\] is not what comes out"):
        to_torch(ResidualNet(2, 3, 2))
    with pytest.raises(ValueError, match="what the Scaled gives is not what comes out"):
        to_torch(Scaled())
    with pytest.raises(ValueError, match="this Plain has no Layer"):
        to_torch(Plain())


class Scaled(Module):
    def __init__(self):
        self.layer = Layer(2, 2, seed=0)

    def __call__(self, x):
        return [2.0 * a for a in self.layer(x)]
