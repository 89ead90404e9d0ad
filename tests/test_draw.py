"""Pictures: what they show, that they survive any label, and that files are written whole."""

import copy
import itertools
import os
import pickle
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from importlib import metadata

import pytest
from hypothesis import assume, given

from autograd_core import (
    Op,
    Value,
    WrongDerivativeError,
    check_gradient,
    dot,
    draw,
    explain,
    gradient,
    topological,
    total,
)
from autograd_core.paths import flows
from autograd_core.pictures import renderers
from autograd_core.pictures.drawing import Box
from autograd_core.pictures.graph import GraphView
from autograd_core.pictures.renderers import GraphvizMissingError
from nn import MLP
from tests.rows import over
from tests.strategies import expressions

CUBE = Op("cube", lambda x: x**3, lambda z, x: (3 * x * x,), lambda np, x: x**3)
EDGE = re.compile(r"^\tv(\d+) -> (e\d+_\d+)_label ", re.MULTILINE)
LABEL = re.compile(r'^\t(e(\d+)_\d+)_label \[label="?([^"\s]*)', re.MULTILINE)


@pytest.fixture
def bare(monkeypatch, tmp_path):
    """A folder that alone is on the PATH, in a process that has not loaded pygraphviz yet."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(metadata, "files", absent)
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    monkeypatch.setattr(renderers, "quiet_pygraphviz", renderers.quiet_pygraphviz.__wrapped__)
    return folder


def absent(package):
    raise metadata.PackageNotFoundError(package)


@pytest.fixture
def no_graphviz(bare):
    """Neither a `dot` on the PATH nor graphviz-pure nor pygraphviz."""


@pytest.fixture
def fake_dot(bare):
    """A `dot` on the PATH that tells how it was called."""
    program(bare / "dot", '/bin/cat\necho "called with $*"')


def program(path, script):
    if os.name == "nt":
        pytest.skip("a script is no program here")
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def small_graph():
    a, b = Value(2.0, "a"), Value(3.0, "b")
    return a * b + a


def svg_of(root):
    return parsed(draw(root).render("svg"))


def parsed(svg):
    return ET.fromstring(svg)  # noqa: S314


def texts(svg):
    """The text elements of a rendered picture, without the space around them."""
    return ["".join(x.itertext()).strip() for x in svg.iter() if x.tag.endswith("}text")]


def names_in(folder):
    return [path.name for path in folder.iterdir()]


def edges(source):
    """(place of the operand, place of the result, number on the edge), for every operand."""
    start = {id: int(v) for v, id in EDGE.findall(source)}
    return [(start[id], int(op), label) for id, op, label in LABEL.findall(source)]


# --- What is shown ----------------------------------------------------------------------------


@given(expressions())
def test_every_operand_has_an_edge_that_carries_its_local_derivative(expression):
    _, root = expression.graph()
    order = topological(root)
    place = {v: i for i, v in enumerate(order)}
    expected = [
        (place[parent], i, f"{slope + 0.0:.4g}")
        for i, v in enumerate(order)
        for parent, slope in zip(v.parents, v.partials, strict=True)
    ]
    source = draw(root).source
    assert sorted(edges(source)) == sorted(expected)
    results = re.findall(r"^\top(\d+) -> v(\d+) ", source, re.MULTILINE)
    assert results == [(str(i), str(i)) for i, v in enumerate(order) if v.parents]


def test_an_operand_used_twice_has_two_edges():
    a = Value(3.0, "a")
    assert edges(draw(a + a).source) == [(0, 1, "1"), (0, 1, "1")]
    svg = svg_of(a * a)
    assert texts(svg).count("3") == 3  # the data of a, and each slope
    assert sum(g.get("class") == "edge" for g in svg.iter()) == 5  # a label is within its edge


def test_the_picture_shows_label_data_grad_and_op():
    root = small_graph()
    root.label = "root"
    root.backward()
    shown = texts(svg_of(root))
    assert {"a", "b", "root", "2", "3", "6", "8", "*", "+"} <= set(shown)
    assert {"grad 4", "grad 2", "grad 1"} <= set(shown)


def test_a_gradient_is_a_dash_until_a_backward_has_reached_it():
    a, b = Value(2.0, "a"), Value(3.0, "b")
    c = a * b
    assert texts(svg_of(c)).count("grad –") == 3
    assert str(draw(c)).count("grad –") == 3
    gradient(c, a)
    assert str(draw(c)).count("grad –") == 3
    (a * 4).backward()
    assert re.findall(r"grad (\S+)", str(draw(c))) == ["4", "–", "–"]
    a.grad = 0.0
    assert str(draw(c)).count("grad –") == 3
    c.backward()
    assert re.findall(r"grad (\S+)", str(draw(c))) == ["3", "2", "1"]


def test_a_graph_that_no_backward_has_reached_shows_no_gradient_whatever_was_done_to_it():
    model = MLP(2, [3, 1], seed=0)
    model([1.0, -1.0]).backward()
    model.zero_grad()
    root = model([1.0, -1.0])
    for graph in (root, copy.deepcopy(root), pickle.loads(pickle.dumps(root))):  # noqa: S301
        assert set(re.findall(r"grad (\S+)", str(draw(graph)))) == {"–"}
        for level in ("neuron", "layer"):
            assert not re.search(r"grad (norm )?[\d.-]+", str(draw(graph, collapse=level)))


def test_a_gradient_that_is_zero_is_shown_where_a_backward_came():
    x, w = Value(-1.0, "x"), Value(2.0, "w")
    dead = (x * w).relu()
    root = 3 * dead + 1.0
    root.backward()
    for graph in (root, copy.deepcopy(root), pickle.loads(pickle.dumps(root))):  # noqa: S301
        assert "–" not in str(draw(graph))
        assert re.findall(r"(\w+)(?: = .*?)? +data \S+ +grad 0\b", str(draw(graph))) == [
            *("3", "x", "w", "v3")
        ]


def test_a_picture_shows_the_graph_as_it_was_when_drawn():
    root = small_graph()
    picture = draw(root)
    root.backward()
    assert "grad –" in str(picture)
    assert "grad –" in picture.source
    assert "grad –" not in draw(root).source


def test_the_text_is_a_line_for_each_value():
    x = Value(1.0, "x")
    y = total([2 * x**2, x - 0.5, CUBE(x)])
    y.label = "y"
    y.backward()
    assert re.sub(" {2,}", "  ", str(draw(y))).splitlines() == [
        "2  data 2  grad 1",
        "x  data 1  grad 8",
        "v2 = x**2  data 1  grad 2  ∂x 2",
        "v3 = 2 * v2  data 2  grad 1  ∂2 1  ∂v2 2",
        "0.5  data 0.5  grad -1",
        "v5 = x - 0.5  data 0.5  grad 1  ∂x 1  ∂0.5 -1",
        "v6 = cube(x)  data 1  grad 1  ∂x 3",
        "y = total(v3, v5, v6)  data 3.5  grad 1  ∂v3 1  ∂v5 1  ∂v6 1",
    ]


def test_a_leaf_alone_can_be_drawn():
    assert str(draw(Value(0.25, "x"))) == "x  data 0.25  grad –"
    assert texts(svg_of(Value(0.25, "x"))) == ["x", "0.25", "grad –"]
    assert edges(draw(Value(1.0)).source) == []


@pytest.mark.parametrize("data", [float("nan"), float("inf"), -1e300, 1e-300])
def test_any_float_can_be_drawn(data):
    assert f"{data:.4g}" in texts(svg_of(Value(data, "x") * 1.0))


PROGRAM = """
from autograd_core import *
x, y = Value(0.5, "x"), Value(-2.0, "y")
z = dot([x, y], [y, x], x).tanh() + softmax([x, y, x * y])[1] ** 2
z.backward()
print(draw(z).source, draw(z))
"""


def test_a_picture_is_the_same_in_every_process():
    printed = {
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf-8"},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("0", "1")
    }
    assert len(printed) == 1
    assert b"digraph" in printed.pop()


@pytest.mark.parametrize("root", [3.0, None, [Value(1.0)]])
def test_only_a_value_can_be_drawn(root):
    with pytest.raises(TypeError, match=f"expected a Value, got {type(root).__name__}"):
        draw(root)


def test_values_have_the_ids_of_their_places():
    root = small_graph()
    found = {g.get("id"): g.get("class") for g in svg_of(root).iter() if g.get("class")}
    assert found.pop("graph0") == "graph"
    assert {name for name, kind in found.items() if kind == "node"} == {
        *("v0", "v1", "v2", "v3", "op2", "op3"),
        *("e2_0_label", "e2_1_label", "e3_0_label", "e3_1_label"),
    }
    assert {name for name, kind in found.items() if kind == "edge"} == {
        *("e2", "e2_0", "e2_1", "e3", "e3_0", "e3_1"),
        *("e2_0_head", "e2_1_head", "e3_0_head", "e3_1_head"),
    }


def test_the_sign_of_a_gradient_has_a_colour():
    a, b = Value(2.0, "a"), Value(-3.0, "b")
    (a * b).backward()
    colour = {
        "".join(x.itertext()): x.get("fill")
        for x in svg_of(a * b).iter()
        if x.tag.endswith("}text")
    }
    assert len({colour["grad 2"], colour["grad -3"]}) == 2


# --- The arithmetic of a gradient ---------------------------------------------------------------


def arithmetic_of(root):
    return list(map(GraphView(topological(root), {}).arithmetic, topological(root)))


def test_a_gradient_is_shown_as_a_term_for_each_use():
    a, b = Value(2.0, "a"), Value(3.0, "b")
    root = 0.5 * (a * b) - b * 1.0
    assert set(arithmetic_of(root)) == {"no backward has reached it"}
    root.backward()
    shown = dict(zip(topological(root), arithmetic_of(root), strict=True))
    assert shown[b] == "grad = 0.5 · 2 + -1 · 1 = 0"
    assert shown[a] == "grad = 0.5 · 3 = 1.5"
    assert shown[root] == "grad = 1"


def test_a_gradient_from_an_earlier_backward_is_shown_as_carried_over():
    a = Value(2.0, "a")
    (4 * a).backward()
    root = a + a
    assert arithmetic_of(root) == ["grad = 4 carried over = 4", "no backward has reached it"]
    root.backward()
    assert arithmetic_of(root)[0] == "grad = 1 · 1 + 1 · 1 + 4 carried over = 6"
    a.grad = 0.0
    assert arithmetic_of(root)[0] == "grad = 0, set back since the last backward"


def test_a_gradient_of_many_uses_is_cut_short():
    a = Value(2.0, "a")
    root = total([a] * 30)
    root.backward()
    assert arithmetic_of(root)[0] == "grad = " + "1 · 1 + " * 12 + "18 more terms = 30"


@given(expressions())
def test_the_terms_account_for_every_gradient(expression):
    _, root = expression.graph()
    root.backward()
    before = [v.grad for v in topological(root)]
    assert not any("carried" in x or "elsewhere" in x for x in arithmetic_of(root))
    assert [v.grad for v in topological(root)] == before


@pytest.mark.parametrize("label", ["x", 'say "x"', "<b>bold</b>", "\\Gamma", "\\", "λ", "a\n\nb"])
def test_the_tooltip_of_a_node_is_its_arithmetic(label):
    x = Value(0.5, label)
    root = x * 3
    root.backward()
    titles = [title for v in svg_of(root).iter() for title in v.attrib.values()]
    tooltips = [" ".join(title.split()) for title in titles]
    assert {"grad = 1 · 3 = 3", "grad = 1"} <= set(tooltips)
    assert f"v2 = {label} * 3 = 1.5".replace("\n\n", " ") in tooltips


# --- Highlighted paths ----------------------------------------------------------------------------


@given(expressions())
def test_the_flows_over_any_cut_add_up_to_the_gradient(expression):
    leaves, root = expression.graph()
    order = topological(root)
    place = {v: i for i, v in enumerate(order)}
    for leaf in leaves:
        start = place[leaf]
        found = flows(order, leaf)
        slope = gradient(root, leaf)[0].data
        for cut in range(start, len(order) - 1):
            over = [
                flow for (v, k), flow in found.over.items() if place[v.parents[k]] <= cut < place[v]
            ]
            noise = 1e-12 * max(1.0, found.largest)
            assert sum(over) == pytest.approx(slope, rel=1e-12, abs=noise)
        assert found.total == pytest.approx(slope, rel=1e-12, abs=1e-12)


def edge_attributes(source):
    """The attributes of each edge from an operand, by its id."""
    edges = re.findall(r"^\tv\d+ -> e\S+ \[(.*?)\]$", source, re.MULTILINE | re.DOTALL)
    found = [dict(re.findall(r'(\w+)="?([^"\s]+)', edge)) for edge in edges]
    return {edge["id"]: edge for edge in found}


def test_highlighted_paths_are_coloured_by_sign_and_the_rest_is_grey():
    a, b = Value(2.0, "a"), Value(3.0, "b")
    root = (a * b) + (1 - 8 * a) + b  # places: a b a*b 8 8*a 1 1-8*a
    order = topological(root)
    source = draw(root, highlight=a).source
    look = edge_attributes(source)
    over = flows(order, a).over
    places = {f"e{order.index(v)}_{k}": flow for (v, k), flow in over.items()}
    assert sorted(set(places.values())) == [-8.0, -5.0, 3.0]
    assert {look[edge]["color"] for edge, flow in places.items() if flow > 0} == {"#b84a00"}
    assert {look[edge]["color"] for edge, flow in places.items() if flow < 0} == {"#0060a8"}
    assert {look[edge]["color"] for edge in look if edge not in places} == {"#c4c4c4"}
    widths = {abs(flow): float(look[edge]["penwidth"]) for edge, flow in places.items()}
    assert widths[3.0] < widths[5.0] < widths[8.0] == 4.0
    assert "-8 of ∂v8/∂a = -5 runs over this edge" in source


def test_a_path_along_which_nothing_flows_is_not_grey():
    x = Value(-1.0, "x")
    look = edge_attributes(draw(x.relu() * 2, highlight=x).source)
    assert "#c4c4c4" not in look["e1_0"].values()


def test_only_a_value_of_the_graph_can_be_highlighted():
    with pytest.raises(TypeError, match="highlight: expected a Value, got str: 'a'"):
        draw(small_graph(), highlight="a")
    with pytest.raises(ValueError, match=r"no path to highlight: .*label='other'"):
        draw(small_graph(), highlight=Value(1.0, "other"))
    root = small_graph()
    assert "v3" in draw(root, highlight=root).source


# --- Names of variables -----------------------------------------------------------------------


def test_values_are_called_by_the_variables_that_hold_them():
    a, w = Value(2.0, "label"), [Value(3.0), Value(4.0)]
    x = y = a * w[0]
    z, _, __name = x * w[1], w[0], w[1]
    picture = draw(z, names={"_": w[0], "__x": z, **locals()})
    assert [line.split(" data")[0].rstrip() for line in str(picture).splitlines()] == [
        "label",
        "w[0]",
        "x = label * w[0]",
        "w[1]",
        "z = x * w[1]",
    ]
    assert {"label", "w[0]", "x", "z"} <= set(texts(parsed(picture.render("svg"))))
    assert y.label == ""


# --- Gradient checks --------------------------------------------------------------------------


def test_a_gradient_check_is_drawn_with_its_slopes_and_kinks():
    x = Value(0.0, "x")
    check = check_gradient(lambda x, y, z: x.relu() + y * y, x, 3.0, 1.0)
    shown = texts(parsed(draw(check).render("svg")))
    assert {"x", "y", "z", "relu", "backward 6", "measured 6", "backward used 0"} <= set(shown)
    assert "left 0, right 1" in " ".join(shown)
    assert sum(line.startswith("relative error") for line in shown) == 2
    assert "WRONG" not in shown
    assert str(draw(check)) == str(check)


def test_a_wrong_derivative_is_drawn_as_wrong():
    wrong = Op("double", lambda x: 2 * x, lambda z, x: (3.0,), lambda np, x: 2 * x)
    with pytest.raises(WrongDerivativeError) as raised:
        check_gradient(lambda x, y: wrong(x) * y, Value(1.0, "x"), Value(4.0, "y"))
    picture = draw(raised.value.check)
    shown = texts(parsed(picture.render("svg")))
    assert shown.count("WRONG") == 1
    assert {"backward 12", "measured 8", "relative error 0.5"} <= set(shown)
    assert picture.source.count("#c00000") > 0


def test_a_big_gradient_check_is_refused():
    with pytest.raises(ValueError, match="too many for a picture"):
        draw(check_gradient(lambda x: total([x.sin() for _ in range(500)]), 1.0))


# --- Labels -----------------------------------------------------------------------------------

LABELS = [
    'say "x"',
    "it's",
    "a<b",
    "<b>bold</b>",
    "{x|y}",
    "|",
    "a & b",
    "&amp;",
    "&#955;",
    "a\\b",
    "\\",
    "\\n",
    "\\N",
    "\\Gamma",
    "first line\nsecond line",
    "%s {0}",
    "λ₁ ∂é 日本",
    "-->",
    "]]>",
    "digraph {",
    "/* x */ // #",
]


@over("label", LABELS)
def test_a_label_of_any_characters_survives(label):
    x = Value(1.5, label)
    svg = svg_of(x + x)
    assert set(label.split("\n")) <= set(texts(svg))
    assert {"1.5", "3", "grad –", "+"} <= set(texts(svg))
    assert sum(g.get("class") == "edge" for g in svg.iter()) == 5  # a label is within its edge
    assert label in str(draw(x + x))


@pytest.mark.parametrize("label", ["x", 'say "x"', "<b>bold</b>", "\\Gamma", "\\", "λ"])
def test_the_tooltip_of_an_edge_names_the_local_derivative_in_full(label):
    x = Value(0.1, label)
    y = x * (1 / 3)
    y.label = "y"
    tooltips = [title for v in svg_of(y).iter() for title in v.attrib.values()]
    assert f"local derivative ∂y/∂{label} = {1 / 3!r}" in tooltips


@over("label", [" ", "\t", "\r", "\x01", "a\x1bb", "\n", "\n\n", "\nx", "a\n\nb"])
def test_a_label_that_cannot_be_shown_spoils_no_picture(label):
    x = Value(1.5, label)
    assert {"1.5", "3", "grad –", "+"} <= set(texts(svg_of(x + x)))
    op = Op(label, lambda x: x, lambda z, x: (1.0,), lambda np, x: x)
    assert texts(svg_of(op(x))).count("1.5") == 2


@pytest.mark.parametrize("name", ['say "x"', "<b>bold</b>", "{x|y}", "a & b", "\\N", "\\", "λ ∂"])
def test_the_name_of_an_op_may_be_any_text(name):
    op = Op(name, lambda x: x, lambda z, x: (1.0,), lambda np, x: x)
    svg = svg_of(op(Value(1.0, "x")))
    assert name in texts(svg)
    assert name in str(draw(op(Value(1.0, "x"))))


# --- Files ------------------------------------------------------------------------------------


def pygraphviz_loads():
    """It does not on slim systems, nor where it has no wheels."""
    try:
        return bool(renderers.load_pygraphviz())
    except ImportError:
        return False


with_pygraphviz = pytest.mark.skipif(not pygraphviz_loads(), reason="pygraphviz does not load")


@pytest.mark.parametrize(
    ("name", "magic"),
    [
        ("graph.svg", b"<?xml"),
        ("graph.png", b"\x89PNG\r\n\x1a\n"),
        pytest.param("graph.pdf", b"%PDF-", marks=with_pygraphviz),
        ("GRAPH.SVG", b"<?xml"),
        ("two.dots.png", b"\x89PNG\r\n\x1a\n"),
    ],
)
def test_a_picture_is_saved_in_the_format_that_the_ending_names(tmp_path, name, magic):
    draw(small_graph()).save(tmp_path / name)
    draw(small_graph()).save(str(tmp_path / name))
    assert (tmp_path / name).read_bytes().startswith(magic)
    assert names_in(tmp_path) == [name]


def test_a_saved_svg_is_the_picture(tmp_path):
    draw(small_graph()).save(tmp_path / "graph.svg")
    assert {"a", "b", "*", "+"} <= set(texts(parsed((tmp_path / "graph.svg").read_bytes())))


@pytest.mark.parametrize("name", ["graph", "graph.jpg", "graph.dot", "svg", ".svg", "graph.svg.gz"])
def test_an_unknown_ending_is_refused_and_nothing_written(tmp_path, name):
    with pytest.raises(ValueError, match=r"the ending must be \.svg, \.png, \.pdf"):
        draw(small_graph()).save(tmp_path / name)
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failing_write_leaves_the_old_file_whole_and_no_other(tmp_path, monkeypatch, step):
    def disk_full(*_):
        raise OSError(28, "No space left on device")

    path = tmp_path / "graph.svg"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, step, disk_full)
    with pytest.raises(OSError, match="No space left"):
        draw(small_graph()).save(path)
    assert path.read_bytes() == b"old"
    assert names_in(tmp_path) == ["graph.svg"]


def test_a_path_that_cannot_be_written_leaves_nothing_behind(tmp_path):
    (tmp_path / "folder.svg").mkdir()
    with pytest.raises(OSError, match=r"folder\.svg"):
        draw(small_graph()).save(tmp_path / "folder.svg")
    with pytest.raises(FileNotFoundError):
        draw(small_graph()).save(tmp_path / "missing" / "graph.svg")
    assert names_in(tmp_path) == ["folder.svg"]
    assert names_in(tmp_path / "folder.svg") == []


# --- Big graphs -------------------------------------------------------------------------------


def chain(n):
    """A graph of n Values."""
    x = Value(0.5)
    for _ in range(n - 1):
        x = x.sin()
    return x


def test_a_graph_of_too_many_nodes_is_refused_with_its_size_and_what_to_draw():
    with pytest.raises(ValueError, match=r"401 nodes, .* at most 400") as raised:
        draw(chain(401))
    assert "the loss of one example" in str(raised.value)
    assert "max_nodes=401" in str(raised.value)
    with pytest.raises(ValueError, match="20,000 nodes"):
        draw(chain(20_000))


def test_as_many_nodes_as_asked_for_are_drawn():
    assert len(str(draw(chain(400))).splitlines()) == 400
    assert len(str(draw(chain(401), max_nodes=401)).splitlines()) == 401
    with pytest.raises(ValueError, match=r"3 nodes, .* at most 2"):
        draw(chain(3), max_nodes=2)


def test_the_refusal_of_a_big_graph_says_how_to_draw_a_net():
    with pytest.raises(ValueError, match=r'draw\(\.\.\., collapse="layer"\)'):
        draw(chain(401))


# --- Notebooks, and places without Graphviz ---------------------------------------------------


def test_a_notebook_is_given_the_picture_and_the_text():
    picture = draw(small_graph())
    bundle = picture._repr_mimebundle_()
    assert bundle["text/plain"] == str(picture) == repr(picture)
    assert "a" in texts(parsed(bundle["image/svg+xml"]))


def test_a_notebook_shows_a_wide_picture_smaller_as_far_as_it_is_legible():
    for length in (1, 5, 40):
        picture = draw(chain(length))
        own = parsed(picture.render("svg").decode())
        shown = parsed(picture._repr_mimebundle_()["image/svg+xml"])
        size, shown_size = (
            [float(image.get(side).rstrip("pt")) for side in ("width", "height")]
            for image in (own, shown)
        )
        scale = {1: 1.0, 5: 640 / size[0], 40: 0.6}[length]
        assert shown_size == pytest.approx([scale * side for side in size], abs=1)
        assert shown.get("viewBox") == own.get("viewBox")


def test_a_dot_on_the_path_is_used(fake_dot):
    picture = draw(small_graph())
    image = picture.render("svg").decode()
    assert image.startswith(picture.source.strip())
    assert "-Tsvg" in image.splitlines()[-1]


def test_without_graphviz_the_error_names_the_commands_that_bring_it(no_graphviz, tmp_path):
    for format, package in (("svg", "graphviz-pure"), ("pdf", '"pygraphviz>=2.0.4"')):
        path = tmp_path / f"graph.{format}"
        with pytest.raises(GraphvizMissingError) as raised:
            draw(small_graph()).save(path)
        assert f"cannot save {str(path)!r}: drawing as {format} needs" in str(raised.value)
        assert f"pip install {package} " in str(raised.value)
        assert "apt-get install graphviz" in str(raised.value)
        assert not path.exists()


PYGRAPHVIZ = """
class AGraph:
    def __init__(self, string):
        pass
    def draw(self, format, prog):
        return b"drawn by pygraphviz"
"""
NO_PROGRAM = {  # what may be there instead of a program that draws, and what is said of it
    "is absent": (None, "not installed"),
    "fails": ("#!/bin/sh\necho oh no >&2\nexit 1\n", "oh no"),
    "is killed": ("#!/bin/sh\nkill -9 $$\n", "code -9"),
    "says nothing": ("#!/bin/sh\nexit 0\n", "code 0 and no image"),
    "is of another machine": ("\x7fELF\0\0", "Exec format error"),
}
NO_LIBRARY = {
    "is absent": (None, "import of pygraphviz"),
    "lacks a library": (
        "raise ImportError('libX11.so.6: cannot open')",
        "libX11.so.6: cannot open",
    ),
    "cannot lay out": ("def AGraph(string): raise OSError('no layout')", "no layout"),
}
BROKEN = {"dot": NO_PROGRAM, "graphviz-pure": NO_PROGRAM, "pygraphviz": NO_LIBRARY}


def install(bare, monkeypatch, name, state):
    """Put in place a renderer that works, or what is there instead of one."""
    content, _ = BROKEN[name].get(state, (PYGRAPHVIZ if name == "pygraphviz" else None, ""))
    if name == "pygraphviz" and content:
        (bare / "pygraphviz.py").write_text(content)
        monkeypatch.syspath_prepend(bare)
        monkeypatch.delitem(sys.modules, name)
    elif state == "works":
        program(bare / name, f"echo drawn by {name}")
    elif content:
        program(bare / name, "")
        (bare / name).write_bytes(content.encode())


def marks(states):
    """What is behind one that works is not asked: each in another state is for the long layer."""
    behind = states[states.index("works") + 1 :] if "works" in states else ()
    return pytest.mark.slow if len({*behind}) > 1 else ()


STATES = [
    pytest.param(states, marks=marks(states), id=", ".join(states))
    for states in itertools.product(*[["works", *states] for states in BROKEN.values()])
]


@pytest.mark.parametrize("states", STATES)
def test_the_first_renderer_that_works_draws_and_else_each_has_its_say(bare, monkeypatch, states):
    named = dict(zip(BROKEN, states, strict=True))
    assert list(named) == list(renderers.RENDERERS)
    for name, state in named.items():
        install(bare, monkeypatch, name, state)
    picture = draw(small_graph())
    if "works" in states:
        first = next(name for name, state in named.items() if state == "works")
        assert picture.render("svg").decode().strip() == f"drawn by {first}"
        return
    with pytest.raises(GraphvizMissingError) as raised:
        picture.render("svg")
    for name, state in named.items():
        (said,) = re.findall(f"^    {name}: (.*?);?$", str(raised.value), re.MULTILINE)
        assert BROKEN[name][state][1] in said


@pytest.mark.parametrize(
    "name", ["graphviz-pure", pytest.param("pygraphviz", marks=with_pygraphviz)]
)
def test_each_renderer_that_pip_brings_draws_the_same(name, monkeypatch):
    monkeypatch.setattr(renderers, "RENDERERS", {name: renderers.RENDERERS[name]})
    picture = draw(small_graph())
    svg = parsed(picture.render("svg"))
    assert {"a", "2", "grad –", "*", "+"} <= {word.strip() for word in texts(svg)}
    assert {"v0", "v1", "op2", "e2_0", "e3_1"} <= {part.get("id") for part in svg.iter()}
    assert picture.render("png").startswith(b"\x89PNG")
    if name == "pygraphviz":
        assert picture.render("pdf").startswith(b"%PDF")
        return
    with pytest.raises(GraphvizMissingError, match=r'graphviz-pure: .*"pdf" not recognized'):
        picture.render("pdf")


def test_graphviz_pure_is_found_in_an_environment_that_is_not_activated(monkeypatch):
    monkeypatch.setenv("PATH", "")
    image = renderers.by_graphviz_pure(draw(small_graph()).source, "svg")
    assert b"graphviz-pure" in image


@pytest.mark.parametrize("format", renderers.FORMATS)
def test_a_folder_that_is_not_there_is_an_error_that_names_file_and_format(
    tmp_path, monkeypatch, format
):
    monkeypatch.setattr(renderers, "RENDERERS", {"fake": lambda source, format: b"image"})
    path = tmp_path / "missing" / f"graph.{format}"
    with pytest.raises(FileNotFoundError) as raised:
        draw(small_graph()).save(path)
    assert f"cannot save a picture as {format}: " in str(raised.value)
    assert str(raised.value).endswith(repr(str(path)))


def test_without_graphviz_the_source_and_the_text_are_still_there(no_graphviz):
    picture = draw(small_graph())
    assert "v2 = a * b" in str(picture)
    assert picture.source.startswith("digraph")


def test_without_graphviz_a_notebook_is_given_the_text_and_what_is_missing(no_graphviz):
    picture = draw(small_graph())
    bundle = picture._repr_mimebundle_()
    assert list(bundle) == ["text/plain"]
    assert str(picture) in bundle["text/plain"]
    assert "pip install" in bundle["text/plain"]


def test_a_neuron_is_drawn_with_an_edge_for_each_weight_and_input():
    w, x = [Value(0.5, "w1"), Value(-1.0, "w2")], [Value(2.0, "x1"), Value(3.0, "x2")]
    source = draw(dot(w, x, Value(0.25, "b"))).source
    assert [label for _, _, label in edges(source)] == ["2", "3", "0.5", "-1", "1"]


QUIET = """
import os, sys
from autograd_core import Value
from autograd_core import draw
x = Value(1.0, "x")
draw(x * x).render("svg")
print("still heard", file=sys.stderr)
draw(x * x).render("png")
os.write(2, b"from C as well")
"""


def test_drawing_leaves_nothing_on_the_terminal():
    done = subprocess.run([sys.executable, "-c", QUIET], capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"", b"still heard\nfrom C as well")


def test_a_picture_is_drawn_where_there_is_no_stderr():
    without = f"import os; os.close(2)\n{QUIET.partition('print')[0]}"
    subprocess.run([sys.executable, "-c", without], check=True)


@given(expressions())
def test_pictures_paths_and_steps_call_a_value_by_one_name(f):
    _, root = f.graph()
    boxes = [s for s in draw(root).drawing.shapes if isinstance(s, Box)]
    name = explain(root, root).name
    for v, box in zip(topological(root), boxes, strict=True):
        assert box.rows[0].name == (name[v] if v.parents else v.label)


@given(expressions())
def test_data_that_its_operands_no_longer_give_is_marked(f):
    leaves, root = f.graph()
    assert "(now " not in str(draw(root))
    leaves[0].data += 2.0**-20
    try:
        fresh = f(*[Value(leaf.data) for leaf in leaves]).data
    except (ArithmeticError, ValueError):
        assume(False)
    order = topological(root)
    stale = GraphView(order, {}).stale
    assert stale.get(root, root.data) == pytest.approx(fresh, rel=1e-9, abs=1e-12)
    assert sum("(now " in line for line in str(draw(root)).splitlines()) == len(stale)


def test_a_stale_value_is_drawn_with_what_it_would_be_now():
    a, b = Value(2.0, "a"), Value(3.0, "b")
    c = a * b
    a.data = 10.0
    assert str(draw(c)).splitlines()[-1].startswith("v2 = a * b  data 6 (now 30)")
    assert [row.tone for row in draw(c).drawing.shapes[2].rows] == ["kink", "plain"]
