"""Collapsed pictures: the net that is found in a graph, and what is shown of it."""

import math
import re
import xml.etree.ElementTree as ET

import pytest

from autograd_core import Op, Value, draw, mean, topological, total
from autograd_core.names import short
from autograd_core.pictures.neurons import Net
from nn import MLP, Layer, losses
from tests.rows import over

X = [[0.5, -1.0, 2.0], [-0.3, 0.8, 0.1], [1.5, 0.2, -0.7]]
SWISH = Op(
    "swish2",
    lambda x: x * abs(x),
    lambda z, x: (2 * abs(x),),
    lambda np, x: x * np.abs(x),
)


def labels(pattern, n):
    return {pattern.format(j) for j in range(n)}


def parsed(svg):
    return ET.fromstring(svg)  # noqa: S314


def texts(svg):
    return ["".join(x.itertext()).strip() for x in svg.iter() if x.tag.endswith("}text")]


def ids(svg, kind):
    return [g.get("id") for g in svg.iter() if g.get("class") == kind]


def curve(path):
    """Points along the Bézier curves of a path."""
    numbers = [float(x) for x in re.findall(r"-?[\d.]+", path.get("d"))]
    stops = list(zip(numbers[::2], numbers[1::2], strict=True))
    for i in range(0, len(stops) - 1, 3):
        for k in range(21):
            t, u = k / 20, 1 - k / 20
            shares = u**3, 3 * u * u * t, 3 * u * t * t, t**3
            yield [
                sum(map(math.prod, zip(shares, xs, strict=True))) for xs in zip(*stops[i : i + 4])
            ]


def gap(label, point):
    """How far a point is from the ink of a label, whose characters are 0.6 of their size wide."""
    x, y, size = [float(label.get(name)) for name in ("x", "y", "font-size")]
    half = 0.3 * size * len(label.text.strip())
    beside, above = abs(point[0] - x) - half, max(y - 0.65 * size - point[1], point[1] - y)
    return math.hypot(max(beside, 0.0), max(above, 0.0))


def boxes(picture):
    """name -> [data, grad] as the text shows them."""
    lines = [re.split(" {2,}", line) for line in str(picture).splitlines()]
    return {name: rest for name, *rest in lines}


def in_full(layers, x):
    """What the boxes of a net of one example must show."""
    named = [(f"x[{j}]", v) for j, v in enumerate(x)]
    named += [(f"a{k}[{i}]", v) for k, a in enumerate(layers, 1) for i, v in enumerate(a)]
    return {name: [f"{v.data + 0.0:.4g}", f"grad {v.grad:.4g}"] for name, v in named}


# --- Finding neurons ----------------------------------------------------------------------------


@pytest.mark.parametrize("expand", [False, True])
@pytest.mark.parametrize(
    ("activation", "output", "loss", "target"),
    [
        ("tanh", "linear", losses.mse, [1.0, 0.0]),
        ("relu", "linear", losses.cross_entropy, 1),
        ("sigmoid", "softmax", losses.squared_error, [1.0, 0.0]),
        (lambda z: z * z.sigmoid(), "tanh", losses.half_squared_error, [0.5, 0.5]),
        (lambda z: 0.5 * z * (1 + (z + z**3).tanh()), "sigmoid", losses.squared_error, [0.5, 1]),
        (SWISH, "linear", losses.cross_entropy, 0),
    ],
)
def test_every_neuron_has_a_box_with_its_activation_and_gradient(
    expand, activation, output, loss, target
):
    model = MLP(3, [4, 3, 2], activation=activation, output=output, seed=1, expand=expand)
    x = [Value(v) for v in X[0]]
    root = loss(model(x), target)
    root.backward()
    shown = boxes(draw(root, collapse="neuron"))
    assert shown.pop("loss") == [f"{root.data:.4g}", "grad 1"]
    assert shown == in_full([layer.activations for layer in model.layers], x)


@pytest.mark.parametrize("expand", [False, True])
def test_the_model_alone_is_a_net_without_a_loss(expand):
    model = MLP(3, [2, 1], seed=1, output="sigmoid", expand=expand)
    x = [Value(v) for v in X[0]]
    y = model(x)
    y.backward()
    assert boxes(draw(y, collapse="neuron")) == in_full(
        [layer.activations for layer in model.layers], x
    )


def test_every_weight_is_a_link_between_its_neurons():
    model = MLP(3, [2, 2], seed=1, expand=True)
    net = Net(topological(losses.cross_entropy(model(X[0]), 0)))
    found = {weight.label: (source, home) for source, home, weight in net.links()}
    assert found == {
        **{f"W1[{i},{j}]": (j, ("1", i)) for i in range(2) for j in range(3)},
        **{f"W2[{i},{j}]": (("1", j), ("2", i)) for i in range(2) for j in range(2)},
    }


@over(
    "penalty",
    [
        lambda w: w * w,
        lambda w: w**2,
        abs,
        lambda w: 0.01 * w * w,
        lambda w: w * 0.01 * w,
        lambda w: (2 * w).tanh(),
    ],
)
@over("sizes", [[1], [3, 1]])
@over("expand", [False, True])
def test_a_penalty_on_parameters_belongs_to_the_loss(penalty, sizes, expand):
    model = MLP(3, sizes, activation="tanh", seed=1, expand=expand)
    plain = losses.squared_error(model(X[0]), 1)
    root = plain + 0.1 * total([penalty(p) for p in model.parameters()])
    expected, shown = boxes(draw(plain, collapse="neuron")), boxes(draw(root, collapse="neuron"))
    assert shown.pop("loss")[0] == f"{root.data:.4g}"
    del expected["loss"]
    assert shown == expected


def test_a_residual_connection_belongs_to_the_later_layer():
    first, second, last = Layer(2, 2, name="1"), Layer(2, 2, name="2"), Layer(2, 1, name="3")
    h = first([1.0, 2.0])
    added = [a + b for a, b in zip(h, second(h), strict=True)]
    (y,) = last(added)
    shown = boxes(draw(y, collapse="neuron"))
    assert [shown[f"a2[{i}]"][0] for i in range(2)] == [f"{v.data:.4g}" for v in added]
    assert list(shown) == ["x[0]", "x[1]", "a1[0]", "a1[1]", "a2[0]", "a2[1]", "a3[0]"]


def test_what_a_whole_layer_shares_has_no_box_but_counts_in_the_matrix():
    first, last = Layer(2, 3, name="1"), Layer(4, 1, name="2")
    h = first([1.0, 2.0])
    (y,) = last([*h, mean(h)])
    assert list(boxes(draw(y, collapse="neuron"))) == [
        *("x[0]", "x[1]", "a1[0]", "a1[1]", "a1[2]", "a2[0]")
    ]
    svg = parsed(draw(y, collapse="neuron").render("svg"))
    assert len(ids(svg, "node")) == 6
    assert "W2: 1 × 4" in draw(y, collapse="layer").source


def test_inputs_are_called_by_labels_or_variables():
    model = MLP(3, [2, 1], seed=1)
    height, width = Value(1.0, "h"), Value(2.0)
    shown = boxes(draw(model([height, width, 3.0]), collapse="neuron", names=locals()))
    assert list(shown)[:3] == ["h", "width", "x[2]"]


def test_a_graph_without_labelled_layers_cannot_be_collapsed():
    with pytest.raises(ValueError, match=r"labels of their parameters, W1\[0,2\] and b1\[0\]"):
        draw(Value(1.0, "a") * 2, collapse="layer")


def test_two_nets_of_the_same_labels_cannot_be_told_apart():
    y = MLP(3, [1], seed=0)(X[0]) + MLP(3, [1], seed=1)(X[0])
    with pytest.raises(ValueError, match=r"two parameters are labelled 'W1\[0,0\]'"):
        draw(y, collapse="neuron")


def test_a_level_must_be_known_and_nothing_highlighted():
    y = MLP(3, [1], seed=0)(X[0])
    with pytest.raises(ValueError, match='collapsed by "neuron" or "layer", not \'neurons\''):
        draw(y, collapse="neurons")
    with pytest.raises(ValueError, match="highlighted in a picture that is not collapsed"):
        draw(y, collapse="layer", highlight=y)


# --- Batches ------------------------------------------------------------------------------------


@pytest.mark.parametrize("expand", [False, True])
@pytest.mark.parametrize("output", ["linear", "softmax"])
def test_a_box_of_a_batch_stands_for_all_examples(expand, output):
    model = MLP(3, [4, 2], seed=2, output=output, expand=expand)
    loss = losses.nll if output == "softmax" else losses.cross_entropy
    kept, each = [], []
    for x, target in zip(X, [0, 1, 1], strict=True):
        each.append(loss(model(x), target))
        kept.append([list(layer.activations) for layer in model.layers])
    root = mean(each)
    root.backward()
    picture = draw(root, collapse="neuron")
    assert picture.examples == 3
    shown = boxes(picture)
    assert "mean activations of 3 examples" in shown
    for i in range(4):
        values = [layers[0][i] for layers in kept]
        assert shown[f"a1[{i}]"][0] == f"mean {sum(v.data for v in values) / 3 + 0.0:.4g}"
    for k, layers in enumerate(kept):
        one = boxes(picture.example(k))
        assert one["loss"] == [f"{each[k].data:.4g}", "grad 0.3333"]
        for i, v in enumerate(layers[0]):
            assert one[f"a1[{i}]"] == [f"{v.data + 0.0:.4g}", f"grad {v.grad + 0.0:.4g}"]
        assert [one[f"x[{j}]"][0] for j in range(3)] == [f"{x:.4g}" for x in X[k]]
    with pytest.raises(ValueError, match="no example 3: 3 examples can be told apart"):
        picture.example(3)


def test_the_examples_of_a_batch_are_counted_in_the_picture():
    model = MLP(3, [2, 1], seed=2)
    root = mean([losses.hinge(model(x), 1) for x in X])
    assert "mean activations of 3 examples" in texts(
        parsed(draw(root, collapse="neuron").render("svg"))
    )
    assert "3 examples" in texts(parsed(draw(root, collapse="layer").render("svg")))


# --- One neuron ---------------------------------------------------------------------------------


@pytest.mark.parametrize("expand", [False, True])
def test_a_neuron_can_be_looked_at_by_itself(expand):
    model = MLP(3, [4, 2, 1], activation="tanh", seed=2, expand=expand)
    root = mean([losses.hinge(model(x), 1) for x in X])
    model(X[0])
    expected = model.layers[1].activations[1].data
    picture = draw(root, collapse="layer").neuron(2, 1)
    names = [line.split(" data")[0].rstrip() for line in str(picture).splitlines()]
    leaves = {name for name in names if " = " not in name}
    assert leaves == {"a1[0]", "a1[1]", "a1[2]", "a1[3]", "b2[1]", *labels("W2[1,{}]", 4)}
    assert names[-1].startswith("a2[1] = tanh(")
    assert f"data {expected:.4g}" in str(picture).splitlines()[-1]
    assert {"tanh", "dot"} & set(texts(parsed(picture.render("svg"))))


def test_a_neuron_of_a_chosen_example_is_that_examples():
    model = MLP(3, [2, 1], activation="tanh", seed=2)
    root = mean([losses.hinge(model(x), 1) for x in X])
    picture = draw(root, collapse="neuron").example(2).neuron(1, 0)
    model(X[2])
    assert f"data {model.layers[0].activations[0].data:.4g}" in str(picture).splitlines()[-1]


def test_a_neuron_that_is_not_there_or_too_big_is_refused():
    picture = draw(MLP(3, [2, 1], seed=2)(X[0]), collapse="layer")
    with pytest.raises(ValueError, match="no neuron 2 in layer 1; of neurons, layer 1 has 2, 2"):
        picture.neuron(1, 2)
    with pytest.raises(ValueError, match="9 nodes, too many"):
        picture.neuron(1, 0, max_nodes=3)


# --- What is drawn --------------------------------------------------------------------------------


def test_a_small_loss_is_drawn_as_it_is():
    root = losses.squared_error(MLP(3, [2, 2], seed=2)(X[0]), [1, 0])
    svg = parsed(draw(root, collapse="neuron").render("svg"))
    assert {"-", "**2", "total"} <= set(texts(svg))
    assert "loss" not in texts(svg)
    assert {"x0", "x1", "x2", "n1_0", "n1_1", "n2_0"} <= set(ids(svg, "node"))


@pytest.mark.parametrize("collapse", [None, "neuron"])
@pytest.mark.parametrize(
    ("loss", "target"),
    [
        (losses.squared_error, [1.0, 0.0, 2.0]),
        (losses.cross_entropy, 1),
        (lambda z, _: mean([a * b / z[1] - z[0] for a in z for b in z[:1]]), None),
    ],
)
def test_no_line_touches_a_label(loss, target, collapse):
    root = loss(MLP(3, [2, 3], activation="tanh", seed=2)(X[0]), target)
    svg = parsed(draw(root, collapse=collapse).render("svg"))
    lines = [curve(part) for part in svg.iter() if part.tag.endswith("}path")]
    points = [point for line in lines for point in line]
    labels = [part for part in svg.iter() if part.get("font-size") == "11.00"]
    slopes = [short(slope) for v in Net(topological(root)).rest for slope in v.partials]
    told = [label.text.strip() for label in labels]
    assert all(told.count(slope) >= slopes.count(slope) for slope in slopes)
    assert min([gap(label, point) for label in labels for point in points]) > 2


def test_links_are_as_wide_as_their_weights():
    model = MLP(2, [1], seed=2)
    for w, data in zip(model.layers[0].neurons[0].w, [4.0, -2.0], strict=True):
        w.data = data
    source = draw(model([1.0, 1.0]), collapse="neuron").source
    links = dict(re.findall(r"^\tx(\d) -> n1_0 \[(.*)\]$", source, re.MULTILINE))
    assert 'color="#b84a00"' in links["0"]
    assert "penwidth=3.30" in links["0"]
    assert 'color="#0060a8"' in links["1"]
    assert "penwidth=1.80" in links["1"]
    assert "W1[0,1] = -2.0" in links["1"]


@pytest.mark.parametrize("level", ["neuron", "layer"])
def test_a_collapsed_picture_is_the_same_every_time_and_well_formed(level):
    model = MLP(3, [5, 4, 3], seed=2, output="softmax")
    model.layers[0].neurons[0].w[0].label = "W1[0,0]"

    def picture():
        root = mean([losses.nll(model(x), k) for k, x in enumerate(X)])
        return draw(root, collapse=level)

    assert picture().source == picture().source
    assert str(picture()) == str(picture())
    assert parsed(picture().render("svg")).tag.endswith("svg")


def test_labels_of_inputs_are_escaped():
    label = 'a<b> & "c" | {d} \\N λ'
    y = MLP(1, [2, 1], seed=2)([Value(1.0, label)])
    assert any(label in line for line in texts(parsed(draw(y, collapse="neuron").render("svg"))))


def test_layers_of_any_name_can_be_drawn():
    label = '<a:b> "b" \\N λ'
    (y,) = Layer(2, 1, name=label)([1.0, 2.0])
    for level in ("neuron", "layer"):
        shown = " ".join(texts(parsed(draw(y, collapse=level).render("svg"))))
        assert label in shown


def test_a_net_too_dense_for_links_is_drawn_by_layers():
    model = MLP(64, [32, 10], seed=0)
    root = losses.cross_entropy(model([i / 64 for i in range(64)]), 3)
    root.backward()
    with pytest.raises(ValueError, match=r'2,368 weights.*collapse="layer"'):
        draw(root, collapse="neuron")
    picture = draw(root, collapse="layer")
    shown = texts(parsed(picture.render("svg")))
    assert {"64 inputs", "32 neurons, relu", "10 neurons, linear"} <= set(shown)
    assert {"W1: 32 × 64", "W2: 10 × 32", f"{root.data:.4g}"} <= set(shown)
    assert picture.neuron(2, 0).render("svg").startswith(b"<?xml")


def test_a_collapsed_picture_shows_the_graph_as_it_was_when_drawn():
    root = losses.squared_error(MLP(3, [2, 2], seed=2)(X[0]), [1, 0])
    for level in ("neuron", "layer"):
        picture = draw(root, collapse=level)
        root.backward()
        assert "grad 1" not in str(picture) + picture.source
        assert "grad 1" in draw(root, collapse=level).source
        for v in topological(root):
            v.grad = 0.0
        root = losses.squared_error(MLP(3, [2, 2], seed=2)(X[0]), [1, 0])


def test_every_weight_and_bias_is_told_with_its_gradient_where_it_is_asked_for():
    model = MLP(2, [3, 1], activation="tanh", seed=0)
    loss = losses.squared_error(model([1.0, -2.0]), 1.0)
    loss.backward()
    picture = draw(loss, collapse="neuron")
    told = picture.numbers()
    rows = [row for column in told.drawing.columns for box in column for row in box.rows]
    texts = {row.name: row.text for row in rows}
    lines = [line.split() for line in str(told).splitlines()]
    for p in model.parameters():
        assert texts[p.label] == f"{short(p.data)}  grad {short(p.grad)}"
        assert [p.label, short(p.data), "grad", short(p.grad)] in lines
        assert p.label not in str(picture)
    assert told.drawing.edges == picture.drawing.edges
    with pytest.raises(ValueError, match='collapsed by "neuron"'):
        draw(loss, collapse="layer").numbers()
