"""Ways on: PyTorch and ONNX compute what a model of ours does, or the refusal names why not."""

import numpy as np
import pytest

from autograd_core import Op
from nn import ACTIVATIONS, MLP, Module, predict
from nn.export import from_torch, to_onnx, to_torch

OUTPUTS = [*ACTIVATIONS, "softmax"]
X = np.vstack([np.random.default_rng(0).normal(0, 3, (20, 3)), np.eye(3) * 200, -np.eye(3) * 200])

each_output = pytest.mark.parametrize("output", OUTPUTS)
NETS = [*[(hidden, "linear") for hidden in ACTIVATIONS], *[("relu", name) for name in OUTPUTS]]
each_net = pytest.mark.parametrize(("hidden", "output"), NETS)


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="PyTorch is not installed")


@pytest.fixture
def onnxruntime():
    pytest.importorskip("onnx", reason="ONNX is not installed")
    return pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")


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
    with pytest.raises(ValueError, match=r"module 0: an activation, ReLU\(\), has no Linear"):
        from_torch(nn.Sequential(nn.ReLU(), nn.Linear(2, 2)))
    with pytest.raises(ValueError, match="layer 2 has 4 inputs, and 3 come from the one before"):
        from_torch(nn.Sequential(nn.Linear(2, 3), nn.Linear(4, 2)))
    with pytest.raises(ValueError, match="no Linear module"):
        from_torch(nn.Sequential())
    with pytest.raises(TypeError, match=r"expected a torch.nn.Sequential, got a Linear"):
        from_torch(nn.Linear(2, 2))


# --- ONNX ------------------------------------------------------------------------------------


def by_onnx(onnxruntime, path, dtype):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"x": X.astype(dtype)})
    assert found.dtype == dtype
    return found


@each_net
@pytest.mark.parametrize(("dtype", "near"), [("float64", 1e-12), ("float32", 1e-6)])
def test_onnxruntime_computes_the_same(onnxruntime, tmp_path, hidden, output, dtype, near):
    model = model_of(hidden, output)
    to_onnx(model, tmp_path / "model.onnx", dtype=dtype)
    found, expected = by_onnx(onnxruntime, tmp_path / "model.onnx", dtype), rows(model)
    scale = max(1.0, np.abs(expected).max())
    if dtype == "float32":
        small = np.abs(X).max(1) < 100  # float32 has 7 digits, of 200 in the middle too
        found, expected = found[small], expected[small]
    assert np.abs(found - expected).max() <= near * scale


def test_an_unknown_dtype_is_refused(onnxruntime, tmp_path):
    with pytest.raises(ValueError, match="unknown dtype 'int8'; known are float64, float32"):
        to_onnx(MLP(2, [1], seed=0), tmp_path / "model.onnx", dtype="int8")


# --- Refusals --------------------------------------------------------------------------------

TANH_OF_ONES_OWN = Op("tanh", abs, lambda z, x: (1.0,), "abs")


def squashed(z):
    return z / (1 + abs(z))


@pytest.mark.parametrize(
    ("activation", "name"),
    [(squashed, "squashed"), (lambda z: z.sin(), "sin"), (TANH_OF_ONES_OWN, "tanh")],
)
@pytest.mark.parametrize(
    ("way", "where", "package"),
    [(lambda model, _: to_torch(model), "PyTorch", "torch"), (to_onnx, "ONNX", "onnxruntime")],
)
def test_an_activation_of_ones_own_is_refused(
    request, activation, name, way, where, package, tmp_path
):
    request.getfixturevalue(package)
    model = MLP(2, [3, 3, 1], activation=["relu", activation], seed=0)
    refusal = f"layer 2: the activation {name} has no counterpart in {where}; known are linear"
    with pytest.raises(ValueError, match=refusal):
        way(model, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_another_module_is_refused(torch, onnxruntime):
    class Own(Module):
        pass

    for way, arguments in ((to_torch, ()), (to_onnx, ("model.onnx",))):
        with pytest.raises(TypeError, match=f"{way.__name__} .*needs an MLP, got a Own"):
            way(Own(), *arguments)
