"""Drawings: every kind of picture as plain data, without Graphviz, and how data is written."""

import ast
import sys
from dataclasses import replace
from importlib import util
from pathlib import Path

import pytest
from hypothesis import given, settings

import autograd_core
from autograd_core import Value, animate, check_gradient, draw, labels, mean, topological
from autograd_core.labels import Parameter, Scheme
from autograd_core.pictures import animation, renderers
from autograd_core.pictures.dot import as_dot
from autograd_core.pictures.drawing import Box, Drawing, Edge, Oval, Row
from autograd_core.pictures.text import as_text
from nn import MLP, losses
from tests.strategies import expressions
from tools import house


def batch(n):
    model = MLP(2, [3, 2], activation="tanh", seed=1)
    root = mean([losses.cross_entropy(model([0.5, k]), k % 2) for k in range(n)])
    root.backward()
    return root


def net_and_sum():
    x = Value(0.5, "x")
    return x, (x * 3 - x).tanh()


def checked():
    return check_gradient(lambda x, y: x.relu() + y * y, 0.0, 3.0)


KINDS = {
    "graph": lambda: draw(net_and_sum()[1]),
    "paths": lambda: draw((pair := net_and_sum())[1], highlight=pair[0]),
    "check": lambda: draw(checked()),
    "net by neurons": lambda: draw(batch(1), collapse="neuron"),
    "batch by neurons": lambda: draw(batch(3), collapse="neuron"),
    "one of a batch": lambda: draw(batch(3), collapse="neuron").example(2),
    "net by layers": lambda: draw(batch(3), collapse="layer"),
    "neuron": lambda: draw(batch(3), collapse="layer").neuron(1, 2),
}


@pytest.fixture(params=KINDS)
def drawing(request, monkeypatch):
    """Each kind of picture as data, where there is no Graphviz."""
    monkeypatch.setattr(renderers, "RENDERERS", {})
    return KINDS[request.param]().drawing


# --- The data -----------------------------------------------------------------------------------


def test_every_edge_joins_shapes_that_are_there_and_no_two_are_called_alike(drawing):
    columns = [box for column in drawing.columns for box in column]
    ids = [shape.id for shape in [*columns, *drawing.shapes]]
    assert len(ids) == len(set(ids))
    assert {end for edge in drawing.edges for end in (edge.source, edge.target)} <= set(ids)
    named = [edge.id for edge in drawing.edges if edge.id]
    assert len(named) == len(set(named))
    assert not set(named) & set(ids)


def test_a_drawing_is_the_same_each_time_and_knows_no_value(drawing):
    assert drawing in [picture().drawing for picture in KINDS.values()]

    def parts(data):
        if isinstance(data, (list, tuple)):
            return [part for item in data for part in parts(item)]
        slots = getattr(data, "__dataclass_fields__", {})
        return [part for name in slots for part in parts(getattr(data, name))] or [data]

    assert {type(part) for part in parts(drawing)} <= {str, int, float, bool, type(None)}


@given(expressions())
@settings(deadline=None)
def test_a_graph_has_a_box_for_each_value_and_an_edge_for_each_operand(expression):
    _, root = expression.graph()
    order = topological(root)
    drawing = draw(root).drawing
    boxes = [shape for shape in drawing.shapes if isinstance(shape, Box)]
    assert [box.is_given for box in boxes] == [not v.parents for v in order]
    assert [box.id for box in boxes] == [f"v{i}" for i in range(len(order))]
    ovals = [shape.text for shape in drawing.shapes if isinstance(shape, Oval)]
    assert ovals == [v.op.name for v in order if v.op]
    operands = [edge.source for edge in drawing.edges if edge.label]
    assert operands == [f"v{order.index(p)}" for v in order for p in v.parents]
    assert len(drawing.lines) == len(order)


def test_the_first_frame_of_an_animation_is_a_drawing_without_gradients(monkeypatch):
    drawn = []
    picture = animation.Picture

    def noted(drawing):
        drawn.append(drawing)
        return picture(drawing)

    monkeypatch.setattr(animation, "Picture", noted)
    root = net_and_sum()[1]
    root.backward()
    animate(root)
    grads = {
        shape.rows[1].text.strip("\xa0") for shape in drawn[0].shapes if isinstance(shape, Box)
    }
    assert grads == {"grad\xa0–"}


# --- How it is written --------------------------------------------------------------------------


def test_text_is_the_title_and_the_cells_in_columns():
    drawing = Drawing([("a", "1", ""), ("longer", "22", "x")], (), (), title="what it is")
    assert as_text(drawing) == "what it is\na       1\nlonger  22  x"
    assert as_text(replace(drawing, title="", lines=[("a",)])) == "a"


def test_the_writers_need_no_package(drawing, monkeypatch):
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    assert as_dot(drawing).startswith("digraph {\n")
    assert len(as_text(drawing).splitlines()) == len(drawing.lines) + bool(drawing.title)


@pytest.mark.parametrize("name", ["node", "graph", "strict", "3", "-.5", "a b", '"', "<<b>", "\\"])
def test_any_text_is_written_so_that_graphviz_reads_it_back(name):
    drawing = Drawing(
        [],
        [Box("one", (Row(name, name),), name), Oval("two", name, name)],
        [Edge("one", "two", name, "three", name)],
        title=name,
    )
    svg = renderers.render(as_dot(drawing), "svg").decode()
    assert {f'id="{part}"' for part in ("one", "two", "three")} <= set(
        svg.replace(">", " ").split()
    )


# --- What labels mean ---------------------------------------------------------------------------


@pytest.fixture
def no_scheme(monkeypatch):
    monkeypatch.setattr(labels, "registered", [])


def test_without_a_library_of_nets_a_collapsed_picture_says_what_is_missing(no_scheme):
    with pytest.raises(ValueError, match=r"import nn, or tell it by autograd_core.labels.register"):
        draw(Value(1.0) * 2, collapse="layer")


@pytest.mark.parametrize("level", ["neuron", "layer"])
def test_a_library_that_labels_in_its_own_way_has_its_nets_drawn(no_scheme, level):
    def parameter(label):
        kind, _, places = label.partition(":")
        layer, neuron, *of_input = places.split(".")
        return Parameter(layer, int(neuron), int(of_input[0]) if kind == "weight" else None)

    def own(label):
        return parameter(label) if ":" in label else None

    labels.register(Scheme("weight:in.0.0", own, "M_{}".format, "s_{}".format, "h_{}".format))
    x = [Value(0.5), Value(2.0)]
    w = [Value(1.5, "weight:in.0.0"), Value(-1.0, "weight:in.0.1")]
    y = (w[0] * x[0] + w[1] * x[1] + Value(0.25, "bias:in.0")).tanh()
    picture = draw(y, collapse=level)
    if level == "neuron":
        assert [line.split()[0] for line in str(picture).splitlines()] == [
            "x[0]",
            "x[1]",
            "h_in[0]",
        ]
    else:
        assert [edge.label for edge in picture.drawing.edges] == ["M_in: 1 × 2"]
        assert str(picture).splitlines()[1].startswith("layer in  1 neuron, tanh")
    with pytest.raises(ValueError, match=r"labels of their parameters, weight:in\.0\.0"):
        draw(Value(1.0, "W1[0,0]") * Value(2.0), collapse=level)


# --- The house ----------------------------------------------------------------------------------


def test_no_module_is_hidden_by_a_function_of_its_name():
    root = Path(autograd_core.__file__).parent
    for init in root.rglob("__init__.py"):
        package = ".".join(init.relative_to(root.parent).parent.parts)
        imported = {
            alias.asname or alias.name
            for statement in ast.parse(init.read_text("utf-8")).body
            if isinstance(statement, ast.ImportFrom) and statement.module != package
            for alias in statement.names
        }
        hidden = {name for name in imported if util.find_spec(f"{package}.{name}")}
        assert hidden <= {"compile"}, package


@pytest.mark.parametrize("package", ["pictures", "paths"])
def test_no_module_imports_what_imports_it(package):
    texts = {name: path.read_text("utf-8") for name, path in house.modules().items()}
    found = house.cycles(house.import_graph(texts, late=True))
    assert not [name for cycle in found for name in cycle if f"autograd_core.{package}" in name]
