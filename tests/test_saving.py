import json
import math
import tracemalloc
from contextlib import contextmanager
from copy import deepcopy

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nn import ACTIVATIONS, MLP, ModelFileError, load, save
from tests.models import Autoencoder
from tests.rows import over

tensors = pytest.mark.needs("safetensors")
SUFFIXES = [".json", pytest.param(".safetensors", marks=tensors)]
finite = st.floats(allow_nan=False, allow_infinity=False)
shapes = st.lists(st.integers(1, 4), min_size=2, max_size=4)
activations = st.sampled_from(sorted(ACTIVATIONS))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("models")


@pytest.fixture
def good(tmp_path):
    """The content of a good file: a net of 2 inputs and layers of 3 and 1."""
    save(MLP(2, [3, 1], seed=0), tmp_path / "good.json")
    return json.loads((tmp_path / "good.json").read_text())


def changed(good, change):
    """The good content with other arguments and layers."""
    layers = change.get("layers", good["parameters"]["layers"])
    arguments = {name: value for name, value in change.items() if name != "layers"}
    return good | {
        "arguments": good["arguments"] | arguments,
        "parameters": good["parameters"] | {"layers": layers},
    }


@pytest.mark.parametrize("suffix", SUFFIXES)
@given(shapes, activations, st.sampled_from([*sorted(ACTIVATIONS), "softmax"]), st.data())
def test_a_model_comes_back_bit_by_bit(folder, suffix, shape, activation, output, data):
    n_in, *sizes = shape
    model = MLP(n_in, sizes, activation=activation, output=output)
    for p in model.parameters():
        p.data = data.draw(finite)
    save(model, folder / f"model{suffix}")
    copy = load(folder / f"model{suffix}")
    assert repr(copy) == repr(model)
    assert [p.data.hex() for p in copy.parameters()] == [p.data.hex() for p in model.parameters()]
    assert [p.label for p in copy.parameters()] == [p.label for p in model.parameters()]


@pytest.mark.parametrize("expand", [False, True])
def test_a_loaded_model_predicts_the_same(tmp_path, expand):
    model = MLP(2, [5, 3], activation="tanh", output="softmax", seed=1, expand=expand)
    save(model, tmp_path / "m.json")
    outputs = [v.data for v in model([0.3, -0.7])]
    assert [v.data for v in load(tmp_path / "m.json")([0.3, -0.7])] == pytest.approx(outputs)


def test_the_file_is_readable_json_with_the_architecture_in_it(tmp_path):
    model = MLP(2, [3, 1], activation="tanh", output="sigmoid", seed=0)
    save(model, str(tmp_path / "m.json"))
    text = (tmp_path / "m.json").read_text(encoding="ascii")
    content = json.loads(text)
    assert (content["format"], content["model"]) == ("autograd-core model 2", "MLP")
    arguments, layers = content["arguments"], content["parameters"]["layers"]
    assert (arguments["n_in"], arguments["sizes"]) == (2, [3, 1])
    assert (arguments["activation"], arguments["output"]) == ("tanh", "sigmoid")
    first, second = model.layers
    assert layers[0]["W"] == [[w.data for w in neuron.w] for neuron in first.neurons]
    assert layers[1]["b"] == [neuron.b.data for neuron in second.neurons]
    assert len(text.splitlines()) > 13  # a line for each number, for reading and for diffs
    assert text.endswith("\n")


def test_saving_twice_writes_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        save(MLP(2, [3, 1], seed=0), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    save(load(tmp_path / "a"), tmp_path / "c")
    assert (tmp_path / "c").read_bytes() == (tmp_path / "a").read_bytes()


# --- What cannot be saved ---------------------------------------------------------------------


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_parameter_that_is_not_finite_is_refused_by_name_and_nothing_is_written(tmp_path, number):
    model = MLP(2, [3, 1], seed=0)
    model.layers[0].neurons[2].w[1].data = number
    with pytest.raises(ValueError, match=rf"W1\[2,1\] = {number}"):
        save(model, tmp_path / "m.json")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("where", ["activation", "output"])
def test_a_function_as_activation_is_refused_and_nothing_is_written(tmp_path, where):
    model = MLP(2, [3, 1], **{where: lambda z: z * z})
    with pytest.raises(ValueError, match="only name an activation"):
        save(model, tmp_path / "m.json")
    assert list(tmp_path.iterdir()) == []


def test_activations_of_each_layer_come_back_and_a_function_among_them_is_refused(tmp_path):
    model = MLP(2, [3, 4, 1], activation=["tanh", "relu"], seed=0)
    save(model, tmp_path / "m.json")
    loaded = load(tmp_path / "m.json")
    assert loaded.activation == ["tanh", "relu"]
    assert loaded([0.3, -0.7]).data == model([0.3, -0.7]).data
    with pytest.raises(ValueError, match="only name an activation"):
        save(MLP(2, [3, 1], activation=[lambda z: z * z]), tmp_path / "f.json")
    refused(
        tmp_path / "m.json",
        (tmp_path / "m.json").read_bytes().replace(b'"relu"', b'"relu", "tanh"'),
        "list of 2, one for each",
    )


@contextmanager
def full_disk(free_bytes):
    """No file may grow beyond so many bytes."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (free_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_write_that_fails_leaves_the_old_file_whole_and_nothing_else(tmp_path):
    path = tmp_path / "m.json"
    save(MLP(2, [1], seed=0), path)
    old = path.read_bytes()
    with full_disk(200), pytest.raises(OSError, match="too large"):
        save(MLP(8, [8, 1], seed=0), path)
    assert path.read_bytes() == old
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        save(MLP(2, [1]), tmp_path / "nowhere" / "m.json")


# --- What is no model file --------------------------------------------------------------------


def refused(path, content, why):
    """A file of that content is refused, by name and with a reason."""
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    path.write_bytes(raw)
    with pytest.raises(ModelFileError, match=why) as error:
        load(path)
    assert str(path) in str(error.value)


@over(
    "content",
    [b"", b"hello", b"\x89PNG\r\n\x1a\n\x00", b"\xff\xfe{", b"{", b"[1, 2", b"{]", b"\x00" * 100],
)
def test_what_is_no_json_is_refused(tmp_path, content):
    refused(tmp_path / "m.json", content, "is not a model file")


@pytest.mark.parametrize("content", [{}, [], 3, None, "autograd-core model 2", {"format": 1}])
def test_json_that_does_not_say_it_is_a_model_is_refused(tmp_path, content):
    refused(tmp_path / "m.json", content, "does not say that it is")


def test_another_version_of_the_format_is_refused(tmp_path, good):
    refused(
        tmp_path / "m.json", good | {"format": "autograd-core model 1"}, "autograd-core model 2"
    )


@given(st.floats(0, 1))
def test_a_truncated_file_is_refused(folder, share):
    save(MLP(2, [3, 1], seed=0), folder / "whole.json")
    whole = (folder / "whole.json").read_bytes().rstrip()
    refused(folder / "cut.json", whole[: int(share * (len(whole) - 1))], "is not a model file")


@pytest.mark.parametrize("key", ["model", "arguments", "parameters"])
def test_a_file_that_lacks_a_part_is_refused_by_the_name_of_the_part(tmp_path, good, key):
    del good[key]
    refused(tmp_path / "m.json", good, f"lacks '{key}'")


@pytest.mark.parametrize("key", ["n_in", "sizes"])
def test_a_file_that_lacks_an_argument_is_refused_by_its_name(tmp_path, good, key):
    del good["arguments"][key]
    refused(tmp_path / "m.json", good, f"missing .* '{key}'")


@pytest.mark.parametrize("key", ["W", "b"])
def test_a_layer_that_lacks_a_part_is_refused_by_the_name_of_the_part(tmp_path, good, key):
    del good["parameters"]["layers"][1][key]
    refused(tmp_path / "m.json", good, f"lacks '{key}'")


@over(
    "change",
    [
        {"n_in": 3},
        {"sizes": [4, 1]},
        {"sizes": [3]},
        {"sizes": [3, 1, 1]},
        {"sizes": [], "layers": []},
        {"layers": []},
        {"n_in": 0, "sizes": [1], "layers": [{"W": [[]], "b": [0.0]}]},
        {"n_in": 1, "sizes": [2], "layers": [{"W": [[1.0], [1.0, 2.0]], "b": [0.0, 0.0]}]},
        {"n_in": 1, "sizes": [2], "layers": [{"W": [[1.0], [2.0]], "b": [0.0]}]},
    ],
)
def test_weights_of_another_shape_are_refused(tmp_path, good, change):
    refused(tmp_path / "m.json", changed(good, change), "shapes|at least")


@over("key", ["n_in", "sizes", "activation", "output", "layers"])
@over("wrong", [None, -1, 2.5, "x", [], {}, [[]], {"W": 1}, [None, None]])
def test_a_part_of_a_wrong_type_is_refused(tmp_path, good, key, wrong):
    refused(tmp_path / "m.json", changed(good, {key: wrong}), "is not a model file")


@over("key", ["model", "arguments", "parameters"])
@over("wrong", [None, -1, 2.5, "x", [], {}, [[]], {"W": 1}, [None, None]])
def test_a_whole_of_a_wrong_type_is_refused(tmp_path, good, key, wrong):
    refused(tmp_path / "m.json", good | {key: wrong}, "is not a model file")


@over("wrong", [None, True, "1.0", [1.0], {}, 10**400])
@over("key", ["W", "b"])
def test_a_parameter_that_is_no_number_is_refused(tmp_path, good, key, wrong):
    layer, *others = deepcopy(good["parameters"]["layers"])
    (layer["b"] if key == "b" else layer["W"][1])[0] = wrong
    refused(tmp_path / "m.json", changed(good, {"layers": [layer, *others]}), "is not a model file")


@pytest.mark.parametrize("wrong", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_parameter_that_is_not_finite_is_refused_by_name(tmp_path, good, wrong):
    good["parameters"]["layers"][1]["b"][0] = "here"
    text = json.dumps(good).replace('"here"', wrong)
    refused(tmp_path / "m.json", text.encode(), r"b2\[0\] is -?(nan|inf)")


def test_whole_numbers_are_numbers_too(tmp_path, good):
    good["parameters"]["layers"][1]["b"][0] = 3
    (tmp_path / "m.json").write_text(json.dumps(good))
    number = load(tmp_path / "m.json").layers[1].neurons[0].b.data
    assert (number, type(number)) == (3.0, float)


def test_an_unknown_activation_is_refused_with_the_known_ones(tmp_path, good):
    refused(
        tmp_path / "m.json", changed(good, {"activation": "swish"}), "'swish'; known are .*tanh"
    )
    refused(
        tmp_path / "m.json", changed(good, {"output": "__import__('os')"}), "unknown activation"
    )


@pytest.mark.parametrize(
    "change",
    [
        {"n_in": 10**6},
        {"n_in": 10**18},
        {"sizes": [10**6, 1]},
        {"sizes": [3, 10**6]},
        {"sizes": [10**18, 10**18]},
        {"n_in": 10**6, "sizes": [1], "layers": [{"W": [[1.0]], "b": [0.0]}]},
        {"n_in": 1, "sizes": [10**6], "layers": [{"W": [[1.0]], "b": [0.0]}]},
    ],
)
def test_a_size_that_is_only_claimed_takes_no_memory(tmp_path, good, change):
    tracemalloc.start()
    try:
        refused(tmp_path / "m.json", changed(good, change), "shapes")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1_000_000


@pytest.mark.parametrize(
    "opening", ["[", '{"a":', '{"format": "autograd-core model 2", "arguments": [']
)
def test_deep_nesting_is_refused(tmp_path, opening):
    refused(tmp_path / "m.json", opening.encode() * 100_000, "nested too deeply")


def test_a_file_that_is_not_there_and_a_folder_are_errors_of_the_system(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"m\.json"):
        load(tmp_path / "m.json")
    with pytest.raises(OSError, match=str(tmp_path)):
        load(tmp_path)


def test_a_model_file_error_is_a_value_error():
    assert issubclass(ModelFileError, ValueError)


# --- As safetensors --------------------------------------------------------------------------


@tensors
def test_safetensors_hold_a_matrix_for_each_layer_and_any_module(tmp_path):
    from safetensors.numpy import load_file

    path = tmp_path / "model.safetensors"
    model = Autoencoder(MLP(3, [2], seed=0), MLP(2, [3, 3], seed=1))
    save(model, path)
    arrays = load_file(path)
    assert {name: x.shape for name, x in arrays.items()} == {
        "encoder.layers.0.W": (2, 3),
        "encoder.layers.0.b": (2,),
        "decoder.layers.0.W": (3, 2),
        "decoder.layers.0.b": (3,),
        "decoder.layers.1.W": (3, 3),
        "decoder.layers.1.b": (3,),
    }
    assert [p.data for p in load(path).parameters()] == [p.data for p in model.parameters()]


@tensors
def test_files_of_safetensors_that_hold_no_model_are_refused(tmp_path):
    from safetensors.numpy import save_file

    path = tmp_path / "model.safetensors"
    save_file({"x": np.zeros(2)}, path)
    with pytest.raises(ModelFileError, match="does not describe a model"):
        load(path)
    save(MLP(2, [3, 1], seed=0), path)
    whole = path.read_bytes()
    for content in (b"", whole[:-8], whole[: len(whole) // 2], b"{}" * 100):
        path.write_bytes(content)
        with pytest.raises(ModelFileError, match=r"model\.safetensors is not a model file"):
            load(path)
    path.unlink()
    with pytest.raises(OSError, match="No such file"):
        load(path)


@pytest.mark.parametrize("name", ["m.json", "m.safetensors"])
def test_a_folder_that_is_not_there_is_an_error_that_names_the_file(tmp_path, name):
    if name.endswith("safetensors"):
        pytest.importorskip("safetensors")
    (tmp_path / "file").touch()
    for folder in ("none", "file"):
        with pytest.raises(OSError, match=rf"'.*/{folder}/{name}'$"):
            save(MLP(2, [1], seed=0), tmp_path / folder / name)
