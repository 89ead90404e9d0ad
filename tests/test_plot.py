import math
import struct
import subprocess
import sys
import textwrap
from itertools import combinations

import numpy as np
import pytest
from matplotlib.collections import PathCollection
from matplotlib.colors import to_rgb
from matplotlib.contour import ContourSet

from autograd_core import Value
from nn import ACTIVATIONS, MLP, SGD, History, Module, datasets, evaluate, fit, plot
from nn.losses import hinge, mse
from nn.plot.plane import Plane
from nn.plot.surface import directions
from nn.readings import GradientNorms

MAGIC = {"png": b"\x89PNG\r\n\x1a\n", "svg": b"<?xml", "pdf": b"%PDF-"}
TWO, THREE = datasets.moons(12), datasets.blobs(12)
HISTORY = History(loss=[1.0, 0.5, 0.25], accuracy=[0.5, 0.75, 1.0])


XOR = datasets.xor()


def boundary(model=None, data=TWO, **options):
    """A quick decision boundary."""
    return plot.decision_boundary(model or MLP(2, [3, 1], seed=0), *data, steps=8, **options)


def colours(figure):
    """The colour of each class's points."""
    (axes,) = figure.axes
    points = [drawn for drawn in axes.collections if isinstance(drawn, PathCollection)]
    return [tuple(drawn.get_facecolor()[0]) for drawn in points]


@pytest.mark.slow
@pytest.mark.parametrize("format", MAGIC)
@pytest.mark.parametrize("make", [boundary, lambda: plot.loss(HISTORY)], ids=["boundary", "loss"])
def test_a_plot_saves_in_the_format_that_the_name_ends_in(tmp_path, make, format):
    path = tmp_path / f"plot.{format}"
    make().save(path)
    image = path.read_bytes()
    assert image.startswith(MAGIC[format])
    assert len(image) > 2000
    assert list(tmp_path.iterdir()) == [path]


def test_a_plot_shows_itself_in_a_notebook():
    image, shown = plot.loss(HISTORY)._repr_png_()
    assert image.startswith(MAGIC["png"])
    dots = struct.unpack(">II", image[16:24])  # the width and height in a PNG's header
    assert dots == (1.5 * shown["width"], 1.5 * shown["height"])


@pytest.mark.parametrize("name", ["plot", "plot.xyz"])
def test_an_unknown_ending_is_an_error_that_leaves_nothing(tmp_path, name):
    with pytest.raises(ValueError, match="ormat"):
        boundary().save(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def plane(slope, offset, **options):
    """A net of one neuron: slope * x1 + offset."""
    model = MLP(2, [1], init="zeros", **options)
    neuron = model.layers[0].neurons[0]
    neuron.w[0].data, neuron.b.data = slope, offset
    return model


def borders(figure):
    """The x1 of the black line where the model changes its mind."""
    (axes,) = figure.axes
    contours = [drawn for drawn in axes.collections if isinstance(drawn, ContourSet)]
    return [path.vertices[:, 0] for contour in contours for path in contour.get_paths()]


@pytest.mark.parametrize(
    ("model", "threshold", "where"),
    [
        (plane(1.0, -0.5), None, 0.5),
        (plane(1.0, 0.0), 0.5, 0.5),
        (plane(4.0, -2.0, output="sigmoid"), None, 0.5),
        (plane(-1.0, 0.25), None, 0.25),
    ],
)
def test_the_line_of_two_classes_is_where_the_output_crosses_the_threshold(model, threshold, where):
    (xs,) = borders(boundary(model, threshold=threshold).figure)
    assert xs == pytest.approx([where] * len(xs), abs=0.02)


def test_a_model_that_never_changes_its_mind_has_no_line():
    for model in (plane(0.0, 1.0), plane(0.0, -1.0), plane(0.0, 0.0)):
        assert borders(boundary(model).figure) == []
    always_above = plane(4.0, -2.0, output="sigmoid")
    assert borders(boundary(always_above, threshold=0.0).figure) == []


def test_three_classes_are_areas_of_three_colours(tmp_path):
    plotted = boundary(MLP(2, [4, 3], seed=0), THREE)
    assert len(set(colours(plotted.figure))) == 3
    (axes,) = plotted.figure.axes
    mesh = axes.collections[0].get_array()
    assert set(mesh.ravel().tolist()) <= {0, 1, 2}
    plotted.save(tmp_path / "three.png")
    assert (tmp_path / "three.png").stat().st_size > 2000


def test_points_have_a_colour_for_each_class_and_a_legend():
    figure = boundary().figure
    assert len(set(colours(figure))) == 2
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["class 0", "class 1"]


def lab(colour):
    """A colour as lightness, green to red and blue to yellow (CIE Lab): distances are seen ones."""
    rgb = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    white = [0.9505, 1.0, 1.089]
    x, y, z = [
        math.cbrt(sum(a * b for a, b in zip(row, rgb, strict=True)) / w)
        for row, w in zip(to_xyz, white, strict=True)
    ]
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


@pytest.mark.parametrize("k", [2, 3, 8, 10])
def test_every_class_has_a_colour_of_its_own_that_is_told_from_the_others(k):
    data = datasets.blobs(3 * k, classes=k)
    figure = boundary(MLP(2, [6, k], seed=0), data).figure
    found = colours(figure)
    assert len(found) == k
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        f"class {label}" for label in range(k)
    ]
    for a, b in combinations(found, 2):
        assert math.dist(lab(a[:3]), lab(b[:3])) > 20  # a just noticeable difference is about 2


@pytest.mark.parametrize("k", [11, 20, 40])
def test_many_classes_are_told_apart_by_colour_and_marker(k):
    figure = boundary(MLP(2, [6, k], seed=0), datasets.blobs(k, classes=k)).figure
    assert len(set(colours(figure))) == k


def test_a_legend_stays_within_the_picture(tmp_path):
    figure = boundary(MLP(2, [6, 12], seed=0), datasets.blobs(24, classes=12)).figure
    figure.savefig(tmp_path / "twelve.png")
    box = figure.legends[0].get_window_extent()
    assert box.x0 >= 0
    assert box.x1 <= figure.bbox.x1


REGRESSION = TWO[0], [x[0] * 2.5 + 0.25 for x in TWO[0]]


@pytest.mark.parametrize("column", [False, True])
def test_targets_that_are_no_labels_are_drawn_as_numbers_on_the_scale_of_the_outputs(column):
    X, y = REGRESSION
    model = plane(2.5, 0.25)  # right everywhere
    figure = boundary(model, (X, [[t] for t in y] if column else y)).figure
    axes, bar = figure.axes
    (points,) = [drawn for drawn in axes.collections if isinstance(drawn, PathCollection)]
    assert points.get_array().tolist() == y
    assert bar.get_ylabel() == "output, and in the points the target"
    assert (points.norm.vmin, points.norm.vmax) == (min(y), max(y))
    areas = next(drawn for drawn in axes.collections if isinstance(drawn, ContourSet))
    assert (areas.norm.vmin, areas.norm.vmax) == (min(y), max(y))
    assert not figure.legends
    assert axes.get_title() == "Predictions"


def test_a_regression_has_its_hidden_space_too():
    _, after, bar = plot.hidden_space(MLP(2, [2, 1], seed=0), *REGRESSION, steps=8).figure.axes
    assert after.get_title() == "activations of layer 1"
    assert "target" in bar.get_ylabel()


@pytest.mark.parametrize(
    ("model", "y", "message"),
    [
        (MLP(2, [3, 3]), [0.5, 1.0], "labels 0 to 2"),
        (MLP(2, [3, 3]), [0, 3], "labels 0 to 2"),
        (MLP(2, 1), ["a", "b"], r"y\[0\] must be a label or a finite number, got 'a'"),
        (MLP(2, 1), [0.5, math.nan], r"y\[1\] must be a label or a finite number, got nan"),
        (MLP(2, 1), [0], "2 points and 1 targets"),
    ],
)
def test_targets_that_cannot_be_drawn_are_an_error_that_names_them(model, y, message):
    with pytest.raises(ValueError, match=message):
        boundary(model, ([[0.0, 1.0], [1.0, 0.0]], y))


@pytest.mark.parametrize(
    "form", [np.array, lambda y: np.eye(3)[y], lambda y: [[label] for label in y]]
)
def test_labels_may_be_an_array_one_hot_or_a_column(form):
    X, y = THREE
    model = MLP(2, [4, 3], seed=0)
    figure = boundary(model, (np.array(X), form(y))).figure
    assert colours(figure) == colours(boundary(model, THREE).figure)


def test_labels_of_minus_one_are_drawn_as_class_zero():
    X, y = TWO
    signs = boundary(data=(X, [2 * label - 1 for label in y])).figure
    assert colours(signs) == colours(boundary().figure)


def test_points_on_one_spot_still_have_a_plane_around_them():
    (axes,) = boundary(data=([[1.0, 3.0], [1.0, 3.0]], [0, 1])).figure.axes
    corners = axes.collections[0].get_coordinates().reshape(-1, 2)
    assert (corners.min(axis=0) < (1, 3)).all()
    assert (corners.max(axis=0) > (1, 3)).all()


def test_what_a_picture_is_given_is_refused_by_its_name():
    X, y = TWO
    for wrong, said in (
        (lambda: plot.decision_boundary(MLP(2, 1), [*X[1:], [1.0, 2.0, 3.0]], y), "has 3 inputs"),
        (lambda: plot.decision_boundary(MLP(2, 1), None, y), "^X must be a list"),
        (lambda: plot.decision_boundary(None, X, y), "^expected a model"),
        (lambda: plot.loss([0.5, 0.25]), r"^expected the record that fit returns, got \[0.5"),
        (lambda: plot.loss(None), "^expected the record that fit returns, got None"),
        (lambda: plot.gradient_norms([]), r"^expected GradientNorms .*, got \[\]"),
        (lambda: plot.decision_boundary(MLP(2, 1), X, y, steps=1), "^steps must be .* least 2"),
        (lambda: plot.loss_surface(MLP(2, 1), X, y, mse, steps=1), "^steps must be .* least 2"),
        (lambda: plot.sweep([], "lr"), r"^expected what sweep returns, got \[\]"),
        (lambda: plot.activations(MLP(2, 1)), "^expected .* of a model, activation_histograms"),
    ):
        with pytest.raises((TypeError, ValueError), match=said):
            wrong()


@pytest.mark.parametrize("n_in", [1, 3])
def test_a_model_of_other_than_two_inputs_is_an_error(n_in):
    with pytest.raises(ValueError, match=f"needs a model of 2 inputs, this has {n_in}"):
        boundary(MLP(n_in, [1]))


def test_a_boundary_changes_no_parameter_and_no_gradient():
    model = MLP(2, [3, 1], seed=0)
    model([1, 2]).backward()
    before = [(p.data, p.grad) for p in model.parameters()]
    boundary(model)
    assert [(p.data, p.grad) for p in model.parameters()] == before


def lines(figure):
    return [list(line.get_ydata()) for axes in figure.axes for line in axes.get_lines()]


def test_the_loss_curve_shows_loss_and_accuracy_of_every_epoch():
    figure = plot.loss(HISTORY).figure
    assert lines(figure) == [HISTORY.loss, HISTORY.accuracy]
    assert list(figure.axes[0].get_lines()[0].get_xdata()) == [1, 2, 3]
    assert figure.axes[0].get_yscale() == "log"


def test_without_accuracy_there_is_one_curve():
    figure = plot.loss(History(loss=[1.0, 0.5])).figure
    assert lines(figure) == [[1.0, 0.5]]
    assert len(figure.axes) == 1


@pytest.mark.parametrize("losses", [[1.0, 0.0], [0.5, -0.5], []])
def test_losses_that_have_no_logarithm_are_on_a_plain_scale(losses):
    plotted = plot.loss(History(loss=losses))
    assert plotted.figure.axes[0].get_yscale() == "linear"
    assert plotted.render("svg").startswith(MAGIC["svg"])


def test_the_record_of_a_training_can_be_plotted():
    history = fit(
        MLP(2, [3, 1], seed=0), *TWO, loss=hinge, optimizer=SGD(0.1), epochs=4, progress=False
    )
    assert lines(plot.loss(history).figure) == [history.loss, history.accuracy]


def record(epochs=3):
    """Gradient norms of a quick training."""
    model = MLP(2, [3, 1], seed=0)
    recorder = GradientNorms(model, *TWO, hinge)
    options = {"loss": hinge, "optimizer": SGD(0.1), "epochs": epochs, "progress": False}
    fit(model, *TWO, **options, callbacks=[recorder])
    return recorder


def surface(model=None, **options):
    """A quick loss surface."""
    return plot.loss_surface(model or MLP(2, [3, 1], seed=0), *XOR, mse, steps=5, **options)


def hidden(model=None, **options):
    """A quick picture of a hidden space."""
    return plot.hidden_space(model or MLP(2, [2, 1], seed=4), *XOR, steps=8, **options)


PLOTS = {
    "Decision boundary": boundary,
    "Training": lambda: plot.loss(HISTORY),
    "Activation functions and their derivatives": lambda: plot.activations("relu", "tanh"),
    "Activations": lambda: plot.activation_histograms(MLP(2, [3, 1], seed=0), TWO[0]),
    "What layer 1 does to the plane": hidden,
    "Loss surface": surface,
    "Gradient norms": lambda: plot.gradient_norms(record()),
}


@pytest.mark.parametrize("title", PLOTS)
def test_a_plot_is_named_by_its_title_alone_and_is_drawn(title):
    plotted = PLOTS[title]()
    assert repr(plotted) == f"Plot({title!r})"
    assert plotted.render("svg").startswith(MAGIC["svg"])


def curves(axes):
    """The curves that the legend names."""
    return dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_is_drawn_with_the_derivative_that_backward_uses(name):
    (axes,) = plot.activations(name).figure.axes
    drawn = curves(axes)
    assert axes.get_title() == name
    for z, a in zip(*drawn["activation"].get_data(), strict=True):
        assert a == ACTIVATIONS[name](Value(z)).data
    for z, slope in list(zip(*drawn["derivative"].get_data(), strict=True))[:-1]:
        x = Value(z)
        ACTIVATIONS[name](x).backward()
        assert slope == pytest.approx(x.grad)


def dots(axes):
    """The points drawn as dots, and whether each is filled."""
    found = [line for line in axes.get_lines() if line.get_marker() == "o"]
    return [
        (tuple(point), line.get_markerfacecolor() != "white")
        for line in found
        for point in line.get_xydata()
    ]


@pytest.mark.parametrize(("name", "left"), [("relu", 0.0), ("leaky_relu", 0.01)])
def test_a_kink_has_an_open_dot_and_a_filled_one_at_the_slope_in_use(name, left):
    (axes,) = plot.activations(name).figure.axes
    marked = dots(axes)
    assert [point for point, _ in marked] == [
        pytest.approx((0, y), abs=1e-6) for y in (left, 1.0, left)
    ]
    assert [filled for _, filled in marked] == [False, False, True]
    assert dots(plot.activations("tanh").figure.axes[0]) == []


def test_a_function_of_ones_own_can_be_drawn_and_an_unknown_name_is_an_error():
    def bent(z):
        return z * z.sigmoid()

    (axes,) = plot.activations(bent).figure.axes
    assert axes.get_title() == "bent"
    with pytest.raises(ValueError, match="known are linear, relu"):
        plot.activations("rleu")


def test_an_activation_that_is_learned_can_be_drawn():
    class Swing(Module):
        def __init__(self):
            self.size = Value(0.25)

        def __call__(self, z):
            return self.size * z.sin()

    (axes,) = plot.activations(Swing()).figure.axes
    (curve,) = [line for line in axes.lines if line.get_label() == "activation"]
    assert max(curve.get_ydata()) == pytest.approx(0.25, abs=1e-3)


def test_histograms_have_a_row_a_layer_and_count_every_activation():
    model = MLP(2, [4, 3, 1], seed=0)
    for neuron in model.layers[1].neurons[:2]:
        neuron.b.data = -99.0
    axes = plot.activation_histograms(model, TWO[0]).figure.axes
    titles = [row.get_title("left") for row in axes]
    assert titles == ["layer 1: 4 units", "layer 2: 3 units, 2 of them always 0", "layer 3: 1 unit"]
    for row in axes:
        assert sum(bar.get_height() for bar in row.patches) == pytest.approx(1.0)


def test_the_hidden_space_shows_each_example_where_the_layer_puts_it():
    model = MLP(2, [3, 2, 1], activation="tanh", seed=0)
    before, after = hidden(model, layer=2).figure.axes
    for axes, place in ((before, lambda x: x), (after, None)):
        points = [
            tuple(point)
            for drawn in axes.collections
            if isinstance(drawn, PathCollection)
            for point in drawn.get_offsets()
        ]
        expected = []
        for label in (0, 1):
            for x, of in zip(*XOR, strict=True):
                model(x)
                if of == label:
                    layer = [a.data for a in model.layers[1].activations]
                    expected.append(pytest.approx(tuple(x if place else layer)))
        assert points == expected


def test_the_line_in_the_hidden_space_is_the_one_that_the_output_neuron_draws():
    model = MLP(2, [2, 1], activation="tanh", seed=1)
    (neuron,) = model.layers[1].neurons
    neuron.b.data = 0.1
    _, after = hidden(model, threshold=0.2).figure.axes
    contours = [drawn for drawn in after.collections if isinstance(drawn, ContourSet)]
    vertices = [p for contour in contours for path in contour.get_paths() for p in path.vertices]
    assert len(vertices) > 2
    for point in vertices:
        assert neuron.pre_activation(list(map(float, point))).data == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("model", "layer", "naming"),
    [
        (MLP(2, [3, 1]), 1, "3 units in layer 1"),
        (MLP(3, [2, 1]), 1, "3 inputs"),
        (MLP(2, [2, 1]), 2, "layer 2 is no hidden layer"),
        (MLP(2, [2, 1]), 0, "layer 0 is no hidden layer"),
    ],
)
def test_a_hidden_space_that_is_no_plane_is_an_error(model, layer, naming):
    with pytest.raises(ValueError, match=naming):
        hidden(model, layer=layer)


def test_the_loss_surface_along_two_parameters_is_the_loss_there(monkeypatch):
    model = MLP(2, [2, 1], activation="tanh", seed=0)
    first, second = model.layers[0].neurons[0].w
    drawn = []
    monkeypatch.setattr("nn.plot.surface.draw_surface", lambda _, *given: drawn.extend(given))
    axes = surface(model, along=(first, second), span=2.0).figure.axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("W1[0,0]", "W1[0,1]")
    xs, ys, losses = drawn
    start = first.data, second.data
    assert (xs[2], ys[2]) == start
    assert xs == pytest.approx([start[0] + s for s in (-2, -1, 0, 1, 2)])
    for y, row in zip(ys, losses, strict=True):
        for x, loss in zip(xs, row, strict=True):
            first.data, second.data = x, y
            assert loss == pytest.approx(evaluate(model, *XOR, loss=mse)[0])


def test_random_directions_are_as_long_as_each_neuron_and_come_from_the_seed():
    model = MLP(2, [3, 2], seed=0)
    first, second = directions(model, seed=0)
    assert directions(model, seed=0) == [first, second] != directions(model, seed=1)
    for direction in (first, second):
        for layer in model.layers:
            for neuron in layer.neurons:
                length = sum(direction[p] ** 2 for p in neuron.parameters())
                assert length == pytest.approx(sum(p.data**2 for p in neuron.parameters()))


def test_a_surface_with_places_where_the_loss_is_not_defined_is_drawn_around_them():
    def root(prediction, target):
        return (prediction + 1.0).sqrt()

    model = MLP(2, [1], seed=0)
    assert plot.loss_surface(model, *XOR, root, span=5.0, steps=7).render("png")
    model.layers[0].neurons[0].b.data = -1e9
    with pytest.raises(ValueError, match="not finite anywhere"):
        plot.loss_surface(model, *XOR, root, along=tuple(model.parameters()[:2]), steps=3)


def test_a_flat_surface_can_be_drawn():
    assert surface(MLP(2, [1], init="zeros")).render("png")


@pytest.mark.parametrize("along", [(Value(1.0), Value(2.0)), ()])
def test_a_surface_along_what_is_no_parameter_is_an_error(along):
    with pytest.raises(ValueError, match="two of the model's parameters"):
        surface(along=along)


@pytest.mark.parametrize("make", [surface, hidden])
def test_pictures_of_a_model_leave_it_as_it_was(make):
    model = MLP(2, [2, 1], seed=4)
    model([1.0, 2.0]).backward()
    before = [(p.data, p.grad) for p in model.parameters()]
    activations = [layer.activations for layer in model.layers]
    make(model)
    assert [(p.data, p.grad) for p in model.parameters()] == before
    assert all(layer.activations is a for layer, a in zip(model.layers, activations, strict=True))


def test_gradient_norms_are_drawn_a_line_a_layer():
    recorder = record(epochs=4)
    (axes,) = plot.gradient_norms(recorder).figure.axes
    drawn = curves(axes)
    assert list(drawn) == ["layer 1", "layer 2"]
    assert [list(line.get_ydata()) for line in drawn.values()] == [
        list(norms) for norms in zip(*recorder.norms, strict=True)
    ]


@pytest.mark.parametrize(("last", "scale"), [(0.3, "linear"), (0.2, "log"), (1e-9, "log")])
def test_curves_are_by_the_logarithm_where_they_fall_far_at_whole_epochs(last, scale):
    drawn = plot.loss(History(loss=[1.0, 0.5, last]))
    (axes,) = drawn.figure.axes
    assert axes.get_yscale() == scale
    drawn.figure.canvas.draw()
    assert all(tick == int(tick) for tick in axes.get_xticks())
    assert len([tick for tick in axes.get_yticks() if last <= tick <= 1]) >= 2


def test_gradient_norms_of_no_epochs_or_of_zero_are_drawn_without_a_warning():
    recorder = GradientNorms(MLP(2, [3, 1], init="zeros"), [[0.0, 0.0]], [1], hinge)
    assert plot.gradient_norms(recorder).render("png")
    recorder(History())
    assert recorder.norms == [[0.0, 1.0]]
    assert plot.gradient_norms(recorder).render("png")


@pytest.mark.slow
def test_plotting_leaves_the_global_state_of_matplotlib_alone():
    program = textwrap.dedent("""
        import sys
        from nn import MLP, History, datasets, plot
        assert "matplotlib" not in sys.modules, "imported before it is needed"
        import matplotlib
        before = matplotlib.rcParams.copy()
        plot.decision_boundary(MLP(2, [1], seed=0), *datasets.xor(), steps=4).render("png")
        plot.loss(History(loss=[1.0, 0.5], accuracy=[0.5, 1.0])).render("svg")
        assert matplotlib.rcParams.copy() == before, "settings changed"
        assert "matplotlib.pyplot" not in sys.modules, "pyplot was imported"
    """)
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(("output", "line"), [("linear", 0), ("tanh", 0), ("sigmoid", 0.5)])
def test_the_line_is_where_the_last_activation_is_half_way_in_a_module_too(output, line):
    class Wrapped(Module):
        def __init__(self):
            self.net = MLP(2, [3, 1], output=output, seed=0)

        def __call__(self, x):
            return self.net(x)

    X, y = datasets.xor()
    for model in (Wrapped(), Wrapped().net):
        assert Plane.of(model, X, y, None).threshold == line
