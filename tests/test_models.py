"""Any model trains, by `fit` and all around it: models of one's own, made of Modules or not."""

import copy
import json
import math
import random

import pytest

from autograd_core import RecordingError, Value, draw, total
from nn import (
    MLP,
    SGD,
    Adam,
    Embedding,
    GradientNorms,
    Layer,
    ModelFileError,
    Module,
    Neuron,
    datasets,
    diagnose,
    evaluate,
    fit,
    load,
    losses,
    plot,
    predict,
    save,
)
from nn.model.module import modules
from nn.readings import read
from nn.train.examples import Examples
from tests.models import RNN, Autoencoder, Convolution, NextLetter, Plain, ResidualNet

RNG = random.Random(0)
LENGTHS = (3, 5, 3, 4, 5, 3, 4, 3)


def sequences(lengths):
    X = [[[RNG.uniform(-1, 1), RNG.uniform(-1, 1)] for _ in range(n)] for n in lengths]
    return X, [sum(v for x in sequence for v in x) / 4 for sequence in X]


def bars(n):
    """Images of 4 x 4 with a bar that stands (1) or lies (0)."""
    X = []
    for i in range(n):
        at, stands = RNG.randrange(4), i % 2
        X.append([[float(at == (c if stands else r)) for c in range(4)] for r in range(4)])
    return X, [i % 2 for i in range(n)]


WORD = [0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3]
CASES = {
    "residual": (lambda: ResidualNet(2, 4, 2), datasets.moons(20), "hinge"),
    "rnn": (lambda: RNN(2, 3), sequences([4] * 8), "squared_error"),
    "rnn on several lengths": (lambda: RNN(2, 3), sequences(LENGTHS), "squared_error"),
    "autoencoder": (
        lambda: Autoencoder(MLP(3, [2], seed=0), MLP(2, [4, 3], activation="tanh", seed=1)),
        (xs := [[RNG.uniform(-1, 1)] * 3 for _ in range(8)], xs),
        "mse",
    ),
    "convolution": (lambda: Convolution(2, 3), bars(8), "binary_cross_entropy_with_logits"),
    "embedding": (
        lambda: NextLetter(4, 2, 2),
        ([WORD[i : i + 2] for i in range(10)], WORD[2:]),
        "cross_entropy",
    ),
    "no module, numbers as examples": (Plain, ([1.0, 2.0, 3.0], [3.0, 5.0, 7.0]), "mse"),
}
every_case = pytest.mark.parametrize(("make", "data", "loss"), CASES.values(), ids=list(CASES))


def train(model, data, loss, *, epochs=4, **options):
    """Train in batches of 3, the last one smaller."""
    options = {"optimizer": Adam(0.05), "batch_size": 3, "progress": False, **options}
    return fit(model, *data, loss=loss, epochs=epochs, **options)


def numbers(model):
    return [p.data for p in model.parameters()]


@every_case
def test_compiled_or_not_any_model_trains_to_the_same_numbers(make, data, loss):
    compiled, eager = make(), make()
    seen = [train(m, data, loss, compile=c) for m, c in ((compiled, True), (eager, False))]
    assert seen[0].loss == pytest.approx(seen[1].loss, rel=1e-9)
    assert seen[0].accuracy == seen[1].accuracy
    assert numbers(compiled) == pytest.approx(numbers(eager), rel=1e-9, abs=1e-12)
    assert [p.grad for p in compiled.parameters()] == pytest.approx(
        [p.grad for p in eager.parameters()], rel=1e-7, abs=1e-12
    )
    assert numbers(compiled) != numbers(make())


@every_case
def test_any_model_learns(make, data, loss):
    history = train(make(), data, loss, epochs=40)
    assert history.loss[-1] < 0.5 * history.loss[0]


@every_case
def test_predict_and_evaluate_say_what_the_model_says_one_by_one(make, data, loss):
    model, (X, y) = make(), data
    formula = getattr(losses, loss)
    said = [model(x) for x in X]
    plain = [[v.data for v in z] if isinstance(z, list) else z.data for z in said]
    assert predict(model, X) == [pytest.approx(z, rel=1e-12) for z in plain]
    expected = sum(formula(z, t).data for z, t in zip(said, y)) / len(y)
    assert evaluate(model, X, y, loss=loss)[0] == pytest.approx(expected)


@every_case
def test_gradient_norms_and_the_loss_surface_take_any_model(make, data, loss):
    model = make()
    recorder = GradientNorms(model, *data, loss)
    train(model, data, loss, epochs=2, callbacks=[recorder])
    assert len(recorder.norms) == 2
    assert all(len(row) == len(recorder.names) for row in recorder.norms)
    assert plot.gradient_norms(recorder).figure.axes
    before = numbers(model)
    assert plot.loss_surface(model, *data, loss, steps=3).figure.axes
    assert numbers(model) == before


@every_case
def test_a_model_of_modules_comes_back_from_its_file(make, data, loss, tmp_path):
    model = make()
    if not isinstance(model, Module):
        with pytest.raises(TypeError, match="a file holds a Module, got a Plain"):
            save(model, tmp_path / "m.json")
        return
    train(model, data, loss, epochs=1)
    save(model, tmp_path / "m.json")
    loaded = load(tmp_path / "m.json")
    assert type(loaded) is type(model)
    assert numbers(loaded) == numbers(model)
    assert predict(loaded, data[0]) == predict(model, data[0])


def test_the_graph_and_the_boundary_of_a_residual_net_are_drawn():
    model = ResidualNet(2, 2, 1)
    assert "W" in str(draw(model([Value(1.0, "x0"), Value(2.0, "x1")])))
    assert plot.decision_boundary(model, *datasets.moons(20), steps=8).render("png")


def test_what_needs_a_stack_of_layers_says_so_by_name():
    why = "hidden_space reads layer by layer: it needs an MLP, got a ResidualNet"
    with pytest.raises(TypeError, match=why):
        plot.hidden_space(ResidualNet(2, 2, 1), *datasets.moons(20))


# --- The doctor and the readings --------------------------------------------------------------


@every_case
def test_any_model_is_examined_and_left_as_it_was(make, data, loss):
    model = make()
    history = train(model, data, loss, epochs=40)
    before = [(p.data, p.grad) for p in model.parameters()]
    diagnosis = diagnose(model, *data, loss, history=history)
    assert str(diagnosis).startswith(("ok: ", "not fitted: ", "fits, but"))
    assert "inputs not scaled" not in str(diagnosis)
    assert [(p.data, p.grad) for p in model.parameters()] == before


@every_case
def test_readings_have_the_gradient_of_backward_whatever_layers_are_called_how_often(
    make, data, loss
):
    model, examples = make(), Examples.of(make(), *data, loss)
    readings = read(model, examples)
    grads = []
    for x, target in zip(examples.X, examples.targets):
        for p in model.parameters():
            p.grad = 0.0
        examples.loss_of(model(x), target).backward()
        grads.append({p: p.grad for p in model.parameters()})
    mean = [sum(grad[p] for grad in grads) / len(grads) for p in model.parameters()]
    assert readings.gradient_norm == pytest.approx(math.hypot(*mean), rel=1e-9)
    layers = [part for part in modules(model) if isinstance(part, Layer)]
    norms = [
        sum(math.hypot(*[grad[p] for p in layer.parameters()]) for grad in grads) / len(grads)
        for layer in layers
    ]
    found = [row.gradient_norm() for row in readings.layers]
    assert sorted(found) == pytest.approx(sorted(norms), rel=1e-9)


@every_case
def test_histograms_of_any_model_have_a_row_for_each_layer(make, data, loss):
    model = make()
    layers = {part for part in modules(model) if isinstance(part, Layer)}
    if layers:
        assert len(plot.activation_histograms(model, data[0]).figure.axes) == len(layers)
        return
    with pytest.raises(TypeError, match="activation_histograms needs Layers, and a Plain has none"):
        plot.activation_histograms(model, data[0])


def test_a_finding_says_where_in_a_model_of_modules_it_is():
    model = Convolution(2, 3)
    for neuron in model.patches.neurons:
        neuron.b.data = -99.0
    (finding,) = diagnose(model, *bars(8), "binary_cross_entropy_with_logits").findings
    assert finding.kind == "dead layer"
    assert "all 3 units of layer patches are zero on each of the 8 examples" in finding.message


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_an_mlp_within_a_module_is_told_the_same_as_alone(activation):
    class Wrapped(Module):
        def __init__(self, net):
            self.net = net

        def __call__(self, x):
            return self.net(x)

    net = MLP(2, [3, 2, 1], activation=activation, init="zeros")
    told = [str(diagnose(model, *datasets.xor(), "mse")) for model in (net, Wrapped(net))]
    names = {"layers 1 and 2": "layers net.layers[0] and net.layers[1]"}
    assert told[1] == told[0].replace(*names.popitem())


def test_parts_of_a_model_are_as_they_were_after_what_only_looks():
    model, (X, y) = ResidualNet(2, 2, 1), datasets.moons(6)
    model(X[0])
    before = model.first.activations
    predict(model, X)
    evaluate(model, X, y, loss="hinge")
    GradientNorms(model, X, y, "hinge")
    assert model.first.activations is before


# --- Parameters are found ---------------------------------------------------------------------


class Everywhere(Module):
    def __init__(self):
        self.a, self.name, self.size = Value(1.0, "a"), "words", 3
        self.pair = (Value(2.0, "b"), [Value(3.0, "c")])
        self.by_name = {"d": Value(4.0, "d"), "neuron": Neuron(1, seed=0)}
        self.again = self.a
        self.computed = self.a * self.a


def test_parameters_are_the_leaves_in_the_attributes_in_order_each_once():
    model = Everywhere()
    assert [p.label for p in model.parameters()] == ["a", "b", "c", "d", "w[0]", "b"]


def test_parameters_in_arrays_are_found():
    np = pytest.importorskip("numpy")
    model = Everywhere()
    model.grid = np.array([[Value(5.0, "e"), Value(6.0, "f")]])
    assert [p.label for p in model.parameters()][-2:] == ["e", "f"]


def test_a_subclass_may_write_its_own_parameters():
    class Frozen(ResidualNet):
        def parameters(self):
            return self.last.parameters()

    model = Frozen(2, 2, 1)
    first = [p.data for p in model.first.parameters()]
    train(model, datasets.moons(9), "hinge")
    assert [p.data for p in model.first.parameters()] == first


@pytest.mark.parametrize("compile", [False, True])
def test_a_parameter_that_the_loss_does_not_depend_on_stays(compile):
    model = Plain()
    model.unused = Value(7.0)
    model.parameters = lambda: [model.w, model.unused, model.b]
    train(model, ([1.0, 2.0], [1.0, 2.0]), "mse", compile=compile)
    assert (model.unused.data, model.unused.grad) == (7.0, 0.0)


# --- Embedding --------------------------------------------------------------------------------


def test_an_embedding_gives_the_row_itself_or_for_a_value_its_numbers_and_gradient():
    E = Embedding(5, 3, seed=0)
    assert E(2) == E.rows[2]
    looked_up = E(Value(2))
    assert [v.data for v in looked_up] == [p.data for p in E.rows[2]]
    total(looked_up).backward()
    assert [[p.grad for p in row] for row in E.rows] == [[float(i == 2)] * 3 for i in range(5)]


@pytest.mark.parametrize("index", [-1, 5, 1.5])
@pytest.mark.parametrize("compile", [False, True])
def test_an_index_that_is_none_is_refused_with_the_example(index, compile):
    model = NextLetter(5, 1, 2)
    with pytest.raises(ArithmeticError, match=r"example 1: an index must .* from 0 to 4, got"):
        train(model, ([[0], [index]], [1, 2]), "cross_entropy", batch_size=2, compile=compile)


# --- Files of models of one's own -------------------------------------------------------------


def changed(path, change):
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_a_model_within_a_model_is_plain_data_in_the_file(tmp_path):
    save(Autoencoder(MLP(3, [2], seed=0), MLP(2, [3], seed=0)), tmp_path / "m.json")
    content = json.loads((tmp_path / "m.json").read_text())
    assert content["model"] == "Autoencoder"
    assert content["arguments"]["encoder"]["arguments"]["sizes"] == [2]
    assert set(content["parameters"]["decoder"]["layers"][0]) == {"W", "b"}


def test_an_unknown_class_is_refused_with_the_known_ones(tmp_path):
    save(ResidualNet(2, 2, 1), tmp_path / "m.json")
    changed(tmp_path / "m.json", lambda c: c.update(model="os.system"))
    with pytest.raises(ModelFileError, match=r"unknown model 'os.system'; known are .*MLP"):
        load(tmp_path / "m.json")


def test_a_size_that_is_only_claimed_is_refused_in_models_of_ones_own_too(tmp_path):
    for name in ("width", "depth"):
        save(ResidualNet(2, 2, 1), tmp_path / "m.json")
        changed(tmp_path / "m.json", lambda c, name=name: c["arguments"].update({name: 10**9}))
        with pytest.raises(ModelFileError, match="shapes"):
            load(tmp_path / "m.json")


def test_a_constructor_that_forgets_what_it_was_given_is_an_error_that_names_it(tmp_path):
    class Forgetful(Module):
        def __init__(self, width):
            self.w = [Value(0.0)] * width

    with pytest.raises(ValueError, match=r"Forgetful: it does not keep its width as self\.width"):
        save(Forgetful(2), tmp_path / "m.json")
    assert not list(tmp_path.iterdir())


def test_a_class_of_ones_own_does_not_take_the_place_of_one_of_the_library(tmp_path):
    theirs = type("MLP", (Module,), {"__module__": "homework"})
    assert (theirs.known_as, MLP.known_as) == ("homework.MLP", "MLP")
    again = type("MLP", (Module,), {"__module__": "homework"})
    assert again.known_as == "homework.MLP"
    save(MLP(2, [1], seed=0), tmp_path / "m.json")
    assert type(load(tmp_path / "m.json")) is MLP


def test_copies_of_models_are_apart():
    model = ResidualNet(2, 2, 1)
    twin = copy.deepcopy(model)
    train(twin, datasets.moons(9), "hinge")
    assert numbers(model) == numbers(ResidualNet(2, 2, 1)) != numbers(twin)


def test_a_choice_by_python_trains_eagerly_and_is_refused_compiled():
    class Branching(Plain):
        def __call__(self, x):
            z = super().__call__(x)
            return z if z.data > 0 else 0.1 * z

    data = ([1.0, -2.0], [1.0, -2.0])
    with pytest.raises(RecordingError):
        train(Branching(), data, "mse")
    assert predict(Branching(), [1.0, -2.0]) == [0.5, -0.1]
    train(Branching(), data, "mse", compile=False, optimizer=SGD(0.1))


def test_layers_of_ones_own_stack_share_parameters():
    shared = Layer(2, 2, "tanh", seed=0)

    class Twice(Module):
        def __init__(self):
            self.left, self.right, self.out = shared, shared, Layer(2, 1, "linear", seed=1)

        def __call__(self, x):
            return self.out(self.right(self.left(x)))[0]

    assert len(Twice().parameters()) == 6 + 3
