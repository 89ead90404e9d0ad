import subprocess
import sys
import textwrap

import pytest
from matplotlib.collections import PathCollection
from matplotlib.contour import ContourSet

from nn import MLP, SGD, History, datasets, fit, plot
from nn.losses import hinge

MAGIC = {"png": b"\x89PNG\r\n\x1a\n", "svg": b"<?xml", "pdf": b"%PDF-"}
TWO, THREE = datasets.moons(12), datasets.blobs(12)
HISTORY = History(loss=[1.0, 0.5, 0.25], accuracy=[0.5, 0.75, 1.0])


def boundary(model=None, data=TWO, **options):
    """A quick decision boundary."""
    return plot.decision_boundary(model or MLP(2, [3, 1], seed=0), *data, steps=8, **options)


def colours(figure):
    """The colour of each class's points."""
    (axes,) = figure.axes
    points = [drawn for drawn in axes.collections if isinstance(drawn, PathCollection)]
    return [tuple(drawn.get_facecolor()[0]) for drawn in points]


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
    assert plot.loss(HISTORY)._repr_png_().startswith(MAGIC["png"])


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


def test_labels_of_minus_one_are_drawn_as_class_zero():
    X, y = TWO
    signs = boundary(data=(X, [2 * label - 1 for label in y])).figure
    assert colours(signs) == colours(boundary().figure)


def test_points_on_one_spot_still_have_a_plane_around_them():
    (axes,) = boundary(data=([[1.0, 3.0], [1.0, 3.0]], [0, 1])).figure.axes
    for (low, high), x in zip((axes.get_xlim(), axes.get_ylim()), (1.0, 3.0), strict=True):
        assert low < x < high


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
