import math
import random
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograd_core import Op, Value, draw, gradient, topological, total
from nn import ACTIVATIONS, MLP, Layer, Module, Neuron, datasets
from tests.rows import over

# The same functions and slopes again, in plain Python: f(z), and f'(z).
PLAIN = {
    "linear": (lambda z: z, lambda z: 1.0),
    "relu": (lambda z: max(z, 0.0), lambda z: float(z > 0)),
    "leaky_relu": (lambda z: max(z, 0.01 * z), lambda z: 1.0 if z > 0 else 0.01),
    "tanh": (math.tanh, lambda z: 1 / math.cosh(z) ** 2),
    "sigmoid": (
        lambda z: 1 / (1 + math.exp(-z)),
        lambda z: math.exp(-z) / (1 + math.exp(-z)) ** 2,
    ),
    "softplus": (lambda z: math.log(1 + math.exp(z)), lambda z: 1 / (1 + math.exp(-z))),
}


def numbers(model):
    """Every layer's weights and biases as lists of floats."""
    return [
        (
            [[w.data for w in neuron.w] for neuron in layer.neurons],
            [n.b.data for n in layer.neurons],
        )
        for layer in model.layers
    ]


def weights_of(layer):
    return [w.data for neuron in layer.neurons for w in neuron.w]


def plain_forward(layers, functions, x):
    """The pre-activations of every layer, and the activations of every layer, inputs first."""
    zs, activations = [], [x]
    for (W, b), (f, _) in zip(layers, functions, strict=True):
        h = activations[-1]
        zs.append([sum(map(math.prod, zip(row, h, strict=True))) + b[i] for i, row in enumerate(W)])
        activations.append([f(z) for z in zs[-1]])
    return zs, activations


def plain_backward(layers, functions, zs, activations, flow):
    """The gradients in the order of the parameters, then those of the inputs."""
    gradients = []
    for (W, _), (_, slope), z, h in reversed(
        list(zip(layers, functions, zs, activations[:-1], strict=True))
    ):
        deltas = [g * slope(v) for g, v in zip(flow, z, strict=True)]
        gradients = [g for d in deltas for g in (*[d * v for v in h], d)] + gradients
        flow = [sum(d * row[j] for d, row in zip(deltas, W, strict=True)) for j in range(len(h))]
    return gradients, flow


shapes = st.lists(st.integers(1, 4), min_size=2, max_size=4)
names = st.sampled_from(sorted(PLAIN))
seeds = st.integers(0, 10**6)


@given(shapes, names, names, seeds, st.booleans())
def test_outputs_and_gradients_are_those_of_the_textbook(shape, hidden, output, seed, expand):
    n_in, *sizes = shape
    model = MLP(
        n_in, sizes, activation=hidden, output=output, init="uniform", seed=seed, expand=expand
    )
    rng = random.Random(seed)
    for p in model.parameters():
        p.data = rng.uniform(-1, 1)  # biases, too
    x = [Value(rng.uniform(-2, 2)) for _ in range(n_in)]
    weights = [rng.uniform(-1, 1) for _ in range(sizes[-1])]

    outputs = model.outputs(x)
    total([w * o for w, o in zip(weights, outputs, strict=True)]).backward()

    functions = [PLAIN[name] for name in [hidden] * (len(sizes) - 1) + [output]]
    zs, activations = plain_forward(numbers(model), functions, [v.data for v in x])
    gradients, flow = plain_backward(numbers(model), functions, zs, activations, weights)
    assert [o.data for o in outputs] == pytest.approx(activations[-1], rel=1e-12, abs=1e-12)
    assert [p.grad for p in model.parameters()] == pytest.approx(gradients, rel=1e-10, abs=1e-12)
    assert [v.grad for v in x] == pytest.approx(flow, rel=1e-10, abs=1e-12)
    for layer, z, a in zip(model.layers, zs, activations[1:], strict=True):
        assert [v.data for v in layer.pre_activations] == pytest.approx(z, rel=1e-12, abs=1e-12)
        assert [v.data for v in layer.activations] == pytest.approx(a, rel=1e-12, abs=1e-12)


@given(shapes, names, seeds)
def test_expand_gives_the_same_numbers_with_more_nodes(shape, activation, seed):
    n_in, *sizes = shape
    x = [random.Random(seed + j).uniform(-2, 2) for j in range(n_in)]
    compact, expanded = [
        MLP(n_in, sizes, activation=activation, output="tanh", seed=seed, expand=expand)
        for expand in (False, True)
    ]
    results = []
    for model in (compact, expanded):
        y = total(model.outputs(x))
        y.backward()
        results.append((y.data, [p.grad for p in model.parameters()], len(topological(y))))
    (y, gradients, few), (same_y, same_gradients, many) = results
    assert same_y == pytest.approx(y, rel=1e-12, abs=1e-12)
    assert same_gradients == pytest.approx(gradients, rel=1e-12, abs=1e-12)
    assert many > few


def test_a_neuron_is_one_dot_node_unless_expanded():
    ops = [node.op.name for node in topological(Neuron(3, seed=0)([1, 2, 3])) if node.op]
    assert ops == ["dot", "relu"]
    expanded = Neuron(3, seed=0, expand=True)([1, 2, 3])
    ops = [node.op.name for node in topological(expanded) if node.op]
    assert sorted(ops) == ["*", "*", "*", "+", "+", "+", "relu"]


def test_parameters_come_layer_by_layer_and_neuron_by_neuron_with_the_bias_last():
    model = MLP(2, [2, 1], seed=0)
    labels = "W1[0,0] W1[0,1] b1[0] W1[1,0] W1[1,1] b1[1] W2[0,0] W2[0,1] b2[0]"
    assert [p.label for p in model.parameters()] == labels.split()
    neuron = model.layers[0].neurons[1]
    assert model.parameters()[3:6] == [*neuron.w, neuron.b]


def test_a_layer_and_a_neuron_of_their_own_label_their_parameters():
    assert [p.label for p in Neuron(2).parameters()] == ["w[0]", "w[1]", "b"]
    assert [p.label for p in Layer(1, 2).parameters()] == ["W[0,0]", "b[0]", "W[1,0]", "b[1]"]
    assert Layer(1, 1, name="7").parameters()[0].label == "W7[0,0]"


def test_labels_are_in_the_picture():
    text = str(draw(MLP(2, [1], seed=0)([1.0, 2.0])))
    assert "W1[0,1]" in text
    assert "b1[0]" in text


def test_parameters_set_by_hand_are_used_in_the_next_call():
    model = MLP(2, [1])
    neuron = model.layers[0].neurons[0]
    neuron.w[0].data, neuron.w[1].data, neuron.b.data = 2.0, -3.0, 0.5
    assert model([10, 1]).data == 17.5


def test_every_layer_keeps_its_values_and_they_have_gradients_after_backward():
    model = MLP(2, [3, 2, 1], activation="tanh", seed=1)
    y = model([0.5, -1.5])
    assert [len(layer.pre_activations) for layer in model.layers] == [3, 2, 1]
    assert [len(layer.activations) for layer in model.layers] == [3, 2, 1]
    assert model.layers[-1].activations == [y]
    y.backward()
    for layer in model.layers:
        for z, a in zip(layer.pre_activations, layer.activations, strict=True):
            slope = 1 if a is y else 1 - a.data**2
            assert z.grad == pytest.approx(a.grad * slope, rel=1e-12)
            assert a.grad != 0


def test_layers_keep_the_values_of_the_latest_call():
    model = MLP(1, [1], init="zeros")
    model.layers[0].neurons[0].w[0].data = 1.0
    model([3.0])
    model([5.0])
    assert model.layers[0].activations[0].data == 5.0


@given(seeds)
def test_a_softmax_output_is_shares_of_one_with_the_slopes_of_a_softmax(seed):
    model = MLP(2, [3], output="softmax", seed=seed)
    p = model([0.7, -0.2])
    assert sum(v.data for v in p) == pytest.approx(1.0, abs=1e-12)
    logits = [z.data for z in model.layers[0].pre_activations]
    whole = sum(map(math.exp, logits))
    assert [v.data for v in p] == pytest.approx([math.exp(z) / whole for z in logits], rel=1e-12)
    p[1].backward()
    expected = [p[1].data * ((k == 1) - p[k].data) for k in range(3)]
    slopes = [z.grad for z in model.layers[0].pre_activations]
    assert slopes == pytest.approx(expected, abs=1e-12)


def test_a_gradient_penalty_can_be_built_on_a_model():
    model = MLP(1, [1], output="tanh", init="zeros")
    (w,) = model.layers[0].neurons[0].w
    w.data, x = 2.0, Value(0.0)
    (slope,) = gradient(model([x]), x)
    (penalty_slope,) = gradient(slope**2, w)
    assert slope.data == 2.0
    assert penalty_slope.data == 4.0


def test_one_output_neuron_gives_a_value_and_more_give_a_list():
    assert isinstance(MLP(2, [3, 1])([1, 2]), Value)
    outputs = MLP(2, [3, 2])([1, 2])
    assert [type(v) for v in outputs] == [Value, Value]
    assert [type(v) for v in MLP(2, [1]).outputs([1, 2])] == [Value]
    assert [type(v) for v in Layer(2, 3)([1, 2])] == [Value] * 3


def test_inputs_may_be_values_numbers_or_any_iterable_of_them():
    model = MLP(2, [2, 1], seed=0)
    expected = model([1.0, 2.0]).data
    for x in ((1, 2), iter([1, 2]), [Value(1), 2.0]):
        assert model(x).data == expected


# --- Random weights --------------------------------------------------------------------------


def data(model):
    return [p.data for p in model.parameters()]


def test_the_same_seed_gives_the_same_bits():
    assert data(MLP(3, [4, 2], seed=5)) == data(MLP(3, [4, 2], seed=5))
    assert data(MLP(3, [4, 2], seed=5)) == data(MLP(3, [4, 2], seed=random.Random(5)))
    assert data(Neuron(3, seed=5)) == data(Neuron(3, seed=5))
    assert data(MLP(3, [4, 2], seed=5)) != data(MLP(3, [4, 2], seed=6))


def test_models_that_share_a_generator_differ():
    rng = random.Random(0)
    assert data(MLP(3, [4], seed=rng)) != data(MLP(3, [4], seed=rng))


def test_the_layers_of_one_seed_differ():
    first, second = MLP(3, [3, 3], seed=0).layers
    assert data(first) != data(second)


@pytest.mark.parametrize("make", [lambda: Neuron(3), lambda: Layer(3, 2), lambda: MLP(3, [2, 1])])
def test_without_a_seed_the_global_generator_is_honoured(make):
    random.seed(1337)
    first, another = data(make()), data(make())
    random.seed(1337)
    assert data(make()) == first
    assert another != first


def test_a_seed_leaves_the_global_generator_alone():
    random.seed(3)
    before = random.getstate()
    MLP(3, [4, 1], seed=0)
    assert random.getstate() == before


@pytest.mark.parametrize(
    ("init", "deviation"),
    [
        ("xavier", math.sqrt(2 / (80 + 250))),
        ("he", math.sqrt(2 / 80)),
        ("normal", 0.01),
        ("uniform", 1 / math.sqrt(3)),
    ],
)
def test_weights_have_the_standard_deviation_of_their_initialiser(init, deviation):
    weights = weights_of(Layer(80, 250, init=init, seed=0))
    assert len(weights) == 20_000
    assert statistics.fmean(weights) == pytest.approx(0, abs=0.03 * deviation)
    assert statistics.pstdev(weights) == pytest.approx(deviation, rel=0.02)


def test_xavier_weights_are_normal():
    weights = sorted(weights_of(Layer(80, 250, seed=0)))
    deviation = math.sqrt(2 / (80 + 250))
    expected = statistics.NormalDist(0, deviation)
    for share in (0.01, 0.1, 0.5, 0.9, 0.99):
        found = weights[int(share * len(weights))]
        assert found == pytest.approx(expected.inv_cdf(share), abs=0.1 * deviation)


def test_zeros_are_zeros_and_uniform_stays_in_its_bounds():
    assert set(data(MLP(3, [4, 2], init="zeros"))) == {0.0}
    weights = [
        w.data for neuron in Layer(10, 100, init="uniform", seed=0).neurons for w in neuron.w
    ]
    assert -1 <= min(weights) < -0.98
    assert 0.98 < max(weights) <= 1


@pytest.mark.parametrize("init", ["xavier", "he", "normal", "uniform"])
def test_biases_start_at_zero_and_weights_do_not(init):
    model = MLP(2, [3, 1], init=init, seed=0)
    neurons = [neuron for layer in model.layers for neuron in layer.neurons]
    assert {neuron.b.data for neuron in neurons} == {0.0}
    assert 0.0 not in {w.data for neuron in neurons for w in neuron.w}


def test_an_initialiser_of_ones_own_is_told_fan_in_and_fan_out():
    asked = []

    def init(rng, n_in, n_out):
        asked.append((n_in, n_out))
        return rng.choice([-1.0, 1.0])

    model = MLP(3, [2, 1], init=init, seed=0)
    assert asked == [(3, 2)] * 6 + [(2, 1)] * 2
    assert set(data(model)) <= {-1.0, 0.0, 1.0}


def test_zero_grad_sets_every_gradient_to_zero():
    model = MLP(2, [3, 1], activation="tanh", seed=0)
    for _ in range(2):
        model([1, 2]).backward()
    assert all(p.grad != 0 for p in model.parameters())
    model.zero_grad()
    assert {p.grad for p in model.parameters()} == {0.0}


def test_gradients_add_up_until_zero_grad():
    model = MLP(2, [2, 1], activation="tanh", seed=0)
    model([1, 2]).backward()
    once = [p.grad for p in model.parameters()]
    model([1, 2]).backward()
    assert [p.grad for p in model.parameters()] == [2 * g for g in once]


# --- Functions of one's own ------------------------------------------------------------------

SQUARE = Op("square", lambda x: x * x, lambda z, x: (2 * x,), lambda np, x: x * x)


@pytest.mark.parametrize("square", [SQUARE, lambda z: z * z], ids=["Op", "function"])
def test_an_activation_of_ones_own(square):
    model = MLP(1, [1, 1], activation=square)
    first, second = (layer.neurons[0] for layer in model.layers)
    first.w[0].data, second.w[0].data = 3.0, 5.0
    y = model([2.0])
    y.backward()
    assert y.data == 5 * 36
    assert first.w[0].grad == 5 * 2 * 6 * 2
    assert second.w[0].grad == 36


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_every_activation_can_be_named(name):
    z = Value(0.3)
    neuron = Neuron(1, name)
    neuron.w[0].data = 1.0
    assert neuron([z]).data == pytest.approx(PLAIN[name][0](0.3), rel=1e-12)


def test_an_activation_that_leaves_the_graph_is_refused_when_the_model_is_made():
    def cut(z):
        return math.tanh(z.data)

    for make in (lambda f: MLP(2, [3, 1], activation=f), lambda f: MLP(2, 1, output=f)):
        with pytest.raises(TypeError, match=r"z\.tanh\(\); cut returns a float"):
            make(cut)
        with pytest.raises(TypeError):
            make(math.tanh)
    MLP(2, [3, 1], activation=lambda z: (z - 5).log())  # is not defined everywhere


@pytest.mark.parametrize("as_list", [list, tuple])
def test_every_hidden_layer_may_have_an_activation_of_its_own(as_list):
    model = MLP(2, [3, 4, 1], activation=as_list(["tanh", lambda z: z * z]), output="sigmoid")
    model([0.5, 0.25])
    assert [layer.activations[0].op.name for layer in model.layers] == ["tanh", "*", "sigmoid"]
    assert repr(MLP(2, [3, 4, 1], activation=as_list(["tanh", "relu"]))) == (
        "MLP(2, [3, 4, 1], activation=['tanh', 'relu'], output='linear')"
    )


@pytest.mark.parametrize("wrong", [["tanh"], ["tanh"] * 3, [], None, 3])
def test_a_wrong_number_of_activations_is_an_error_that_counts_the_hidden_layers(wrong):
    with pytest.raises(ValueError, match="a list of 2, one for each"):
        MLP(2, [3, 4, 1], activation=wrong)


def test_one_number_is_a_single_layer():
    assert MLP(2, 3).sizes == [3]


def test_whole_numbers_of_numpy_are_whole_numbers():
    model = MLP(np.int64(2), np.array([3, 1]), seed=np.int32(5))
    assert data(model) == data(MLP(2, [3, 1], seed=5))
    assert repr(model) == repr(MLP(2, [3, 1]))
    assert {type(n) for n in (model.n_in, *model.sizes)} == {int}
    assert len(Layer(np.int8(2), np.int8(3)).neurons) == 3
    assert datasets.moons(np.int64(20), seed=np.int64(3)) == datasets.moons(20, seed=3)
    blobs = datasets.blobs(np.int64(9), classes=np.int64(3))
    assert {type(label) for label in blobs[1]} == {int}
    X, y = datasets.moons(20)
    assert datasets.split(X, y, 0.5, seed=np.int64(3)) == datasets.split(X, y, 0.5, seed=3)


def test_a_module_of_ones_own_gets_zero_grad():
    class Scale(Module):
        def __init__(self):
            self.factor = Value(2.0)

        def parameters(self):
            return [self.factor]

    scale = Scale()
    scale.factor.grad = 3.0
    scale.zero_grad()
    assert scale.factor.grad == 0.0


# --- Bad input -------------------------------------------------------------------------------


@pytest.mark.parametrize("part", [MLP(2, [3, 1]), Layer(2, 3), Neuron(2)], ids=repr)
def test_a_wrong_number_of_inputs_is_an_error_that_counts_them(part):
    with pytest.raises(ValueError, match="expects 2 inputs, got 3"):
        part([1, 2, 3])
    with pytest.raises(ValueError, match="expects 2 inputs, got 0"):
        part([])


def test_one_input_is_said_in_the_singular():
    with pytest.raises(ValueError, match="expects 1 input, got 2"):
        MLP(1, [1])([1, 2])


@pytest.mark.parametrize("part", [MLP(2, [3, 1]), Layer(2, 3), Neuron(2)], ids=repr)
def test_a_number_in_place_of_a_list_is_an_error(part):
    with pytest.raises(TypeError, match=r"expects a list of 2 inputs, got 3\.5"):
        part(3.5)


@over("part", [MLP(2, [3, 1]), Layer(2, 3), Neuron(2)])
@over("wrong", ["ab", [None, 1.0], [[1.0], [2.0]], [1j, 2.0]])
def test_inputs_that_are_no_numbers_are_an_error(part, wrong):
    with pytest.raises(TypeError, match=r"one real number, got (str|NoneType|list|complex)"):
        part(wrong)


@pytest.mark.parametrize(
    "make",
    [
        lambda: MLP(2, [3, 1], activation="tahn"),
        lambda: MLP(2, [3, 1], output="tahn"),
        lambda: Layer(2, 1, "tahn"),
        lambda: Neuron(2, "tahn"),
    ],
)
def test_an_unknown_activation_is_an_error_that_lists_the_known_ones(make):
    with pytest.raises(ValueError, match="unknown activation 'tahn'") as error:
        make()
    assert all(name in str(error.value) for name in ACTIVATIONS)


@pytest.mark.parametrize("make", [lambda: MLP(2, [1], output="softmx"), lambda: Layer(2, 1, "x")])
def test_softmax_is_among_the_known_activations_of_a_layer(make):
    with pytest.raises(ValueError, match=r"softplus, softmax$"):
        make()


@pytest.mark.parametrize(
    "make", [lambda: MLP(2, [1], init="xavir"), lambda: Neuron(2, init="xavir")]
)
def test_an_unknown_initialiser_is_an_error_that_lists_the_known_ones(make):
    with pytest.raises(ValueError, match="unknown init 'xavir'") as error:
        make()
    known = ("zeros", "normal", "uniform", "xavier", "he")
    assert all(name in str(error.value) for name in known)


@over(
    ("make", "named"),
    [
        (lambda: MLP(0, [1]), "n_in .* got 0"),
        (lambda: MLP(-2, [1]), "n_in .* got -2"),
        (lambda: MLP(2.0, [1]), "n_in .* got 2.0"),
        (lambda: MLP(None, [1]), "n_in .* got None"),
        (lambda: MLP(2, [3, 0]), "n_out .* got 0"),
        (lambda: MLP(2, [2.5, 1]), "n_out .* got 2.5"),
        (lambda: MLP(2, ["3", 1]), "n_out .* got '3'"),
        (lambda: MLP(2, []), "at least one layer"),
        (lambda: MLP(2, True), "n_out .* got True"),
        (lambda: MLP(2, 0), "n_out .* got 0"),
        (lambda: MLP(2, None), "n_out .* got None"),
        (lambda: Layer(2, 0), "n_out .* got 0"),
        (lambda: Neuron(0), "n_in .* got 0"),
    ],
)
def test_sizes_that_make_no_net_are_an_error(make, named):
    with pytest.raises(ValueError, match=named):
        make()


def test_a_repr_says_how_to_make_it():
    model = MLP(2, [16, 1], output="sigmoid")
    assert repr(model) == "MLP(2, [16, 1], activation='relu', output='sigmoid')"
    assert repr(Layer(2, 3)) == "Layer(2, 3)"
    assert repr(Neuron(4)) == "Neuron(4)"
