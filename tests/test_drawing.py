"""Drawings: every kind of picture as plain data, without Graphviz, and how data is written."""

import ast
import re
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace
from importlib import util
from pathlib import Path

import pytest
from hypothesis import given

import autograd_core
from autograd_core import (
    Op,
    Value,
    WrongDerivativeError,
    animate,
    check_gradient,
    draw,
    labels,
    mean,
    topological,
)
from autograd_core.labels import Parameter, Scheme
from autograd_core.paths import flows
from autograd_core.pictures import animation, renderers
from autograd_core.pictures.dot import as_dot
from autograd_core.pictures.drawing import Box, BoxRow, Drawing, Edge, Oval, tone_of
from autograd_core.pictures.text import as_text
from nn import MLP, losses
from tests.rows import over
from tests.strategies import expressions


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


def sign(text):
    number = re.fullmatch(r"grad (-?[\d.e-]+)", text)
    x = float(number[1]) if number else 0.0
    return "positive" if x > 0 else "negative" if x < 0 else "plain"


def test_a_gradient_has_the_tone_of_its_sign_and_the_loss_a_heavy_frame(drawing):
    columns = [box for column in drawing.columns for box in column]
    boxes = [*columns, *[shape for shape in drawing.shapes if isinstance(shape, Box)]]
    rows = [row for box in boxes for row in box.rows if box.tone == "plain"]
    grads = [row for row in rows if row.text.startswith("grad ")]
    if drawing.edges[0].label.startswith("W"):
        assert {row.tone for row in rows} == {"plain"}
    else:
        assert [row.tone for row in grads] == [sign(row.text) for row in grads]
    heavy = [box.border for box in boxes]
    assert heavy[-1] == 2
    assert heavy.count(2) == 1 + any(edge.tone == "faint" for edge in drawing.edges)


@given(expressions())
def test_what_no_highlighted_path_meets_is_faint(expression):
    leaves, root = expression.graph()
    order = topological(root)
    for wrt in leaves:
        met = flows(order, wrt)
        drawing = draw(root, highlight=wrt).drawing
        for shape in drawing.shapes:
            v = order[int(shape.id.lstrip("vop"))]
            assert (shape.tone == "faint") == (v not in met.through)
            if isinstance(shape, Box):
                assert {row.tone == "faint" for row in shape.rows} == {v not in met.through}
        tones = [edge.tone for edge in drawing.edges if edge.label]
        over = [met.over.get((v, k)) for v in order for k in range(len(v.parents))]
        assert tones == ["faint" if flow is None else tone_of(flow) for flow in over]


def test_only_a_wrong_slope_has_a_heavy_red_frame():
    wrong = Op("double", lambda x: 2 * x, lambda z, x: (3.0,), lambda np, x: 2 * x)
    with pytest.raises(WrongDerivativeError) as raised:
        check_gradient(lambda x, y: wrong(x) * y, Value(1.0, "x"), Value(4.0, "y"))
    boxes = [s for s in draw(raised.value.check).drawing.shapes if isinstance(s, Box)]
    frames = {box.rows[0].name: (box.tone, box.border) for box in boxes if box.rows[0].name}
    assert {name: frames[name] for name in "xy"} == {"x": ("wrong", 3), "y": ("plain", 1)}


def test_what_stands_in_a_neurons_box_is_not_drawn_again_beside_it():
    model = MLP(2, [1], output="sigmoid", seed=1)
    y = model([0.5, -1.0])
    root = y * y.parents[0]
    drawing = draw(root, collapse="neuron").drawing
    assert [shape.text for shape in drawing.shapes if isinstance(shape, Oval)] == ["*"]


# --- How it is written --------------------------------------------------------------------------


def test_text_is_the_title_and_the_cells_in_columns():
    drawing = Drawing([("a", "1", ""), ("longer", "22", "x")], (), (), title="what it is")
    assert as_text(drawing) == "what it is\na       1\nlonger  22  x"
    assert as_text(replace(drawing, title="", lines=[("a",)])) == "a"


def test_the_writers_need_no_package(drawing, monkeypatch):
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    assert as_dot(drawing).startswith("digraph {\n")
    assert len(as_text(drawing).splitlines()) == len(drawing.lines) + bool(drawing.title)


@over("name", ["node", "graph", "strict", "3", "-.5", "a b", '"', "<<b>", "\\"])
def test_any_text_is_written_so_that_graphviz_reads_it_back(name):
    drawing = Drawing(
        [],
        [Box("one", (BoxRow(name, name),), name), Oval("two", name, name)],
        [Edge("one", "two", name, "three", name)],
        title=name,
    )
    svg = renderers.render(as_dot(drawing), "svg").decode()
    assert {f'id="{part}"' for part in ("one", "two", "three")} <= set(
        svg.replace(">", " ").split()
    )


def rendered(drawing):
    return ET.fromstring(renderers.render(as_dot(drawing), "svg"))  # noqa: S314


def corners(svg, id):
    """Left, right and top of a box."""
    box = next(part for part in svg.iter() if part.get("id") == id)
    points = next(part for part in box.iter() if part.tag.endswith("}polygon")).get("points")
    xs, ys = zip(*[map(float, point.split(",")) for point in points.split()], strict=True)
    return min(xs), max(xs), min(ys)


@pytest.mark.parametrize("sizes", [[4, 3], [9, 7, 1]])
def test_the_boxes_of_a_column_stand_in_their_order_and_are_as_wide_as_each_other(sizes):
    root = MLP(3, sizes, seed=1)([0.5, -1.0, 2.0])
    root = root if sizes[-1] == 1 else losses.squared_error(root, [0.5, 1.0, 0.25])
    drawing = draw(root, collapse="neuron").drawing
    svg = rendered(drawing)
    for column in drawing.columns:
        left, right, top = zip(*[corners(svg, box.id) for box in column], strict=True)
        assert max(left) - min(left) < 0.1
        assert max(right) - min(right) < 0.1
        assert list(top) == sorted(top)


def test_a_tone_has_its_colour_and_what_is_negative_is_dashed_too():
    tones = ["plain", "positive", "negative", "faint"]
    boxes = [Box(tone, (BoxRow("text", tone=tone),), "") for tone in tones]
    edges = [Edge(tone, tone, tone=tone, width=2.0) for tone in tones]
    lines = as_dot(Drawing([], boxes, edges)).splitlines()
    inks = [re.search(r'<font color="(\S+)"', line)[1] for line in lines if "<font" in line]
    drawn = [line for line in lines if "->" in line]
    assert len(set(inks)) == len({re.search('color="(.*?)"', line)[1] for line in drawn}) == 4
    assert ["dashed" in line for line in drawn] == [False, False, True, False]
    wrong = Box("a", (BoxRow("text", tone="wrong"),), "", tone="wrong")
    assert as_dot(Drawing([], [wrong], ())).count("#c00000") == 2


def test_spaces_hold_their_room():
    drawing = Drawing([], [Box("a", (BoxRow("x\xa0\xa0y"),), "")], ())
    assert "x\xa0\xa0y" in as_dot(drawing)


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

    labels.register(Scheme("replaced", lambda label: None, str, str, str))
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
        assert not hidden, package
