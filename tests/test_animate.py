"""The page of an animation: what it tells, that it needs nothing, that any label survives it."""

import json
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pytest
from hypothesis import given

from autograd_core import Value, animate, backward_steps, topological
from autograd_core.paths.steps import ORDERS
from autograd_core.pictures import renderers
from autograd_core.pictures.renderers import GraphvizMissingError
from tests.strategies import expressions

LABELS = ["<b>", "</script><script>", 'say "hi"', "it's & more", "größe 漢字", "{a|b} $data \\n"]
VOID = {"meta", "input", "br"}


class Tags(HTMLParser):
    """Whether every tag that is opened is closed, in order, and what stands in attributes."""

    def __init__(self, page):
        super().__init__()
        self.open, self.found = [], []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def two_paths(label="a"):
    a = Value(2.0, label)
    b = a * 3
    b.label = "b"
    return b + a


def data_of(animation):
    return json.loads(re.search(r"^const data = (.*);$", animation.html, re.MULTILINE)[1])


def svg_of(animation):
    page = animation.html
    return ET.fromstring(page[page.index("<svg") : page.index("</svg>") + 6])  # noqa: S314


@given(expressions(max_steps=4))
def test_the_page_has_every_step_and_a_drawing_of_all_that_it_marks(expression):
    _, root = expression.graph()
    values = topological(root)
    animation = animate(root)
    data, ids = data_of(animation), {x.get("id") for x in svg_of(animation).iter()}
    assert [(s["from"], s["to"], s["operand"]) for s in data["steps"]] == [
        (values.index(s.node), values.index(s.parent), s.operand) for s in backward_steps(root)
    ]
    assert ids >= {f"v{i}" for i in range(len(values))}
    assert ids >= {f"e{s['from']}_{s['operand']}" for s in data["steps"]}
    assert ids >= {f"op{s['from']}" for s in data["steps"]}


@pytest.mark.parametrize("label", LABELS)
def test_the_page_is_well_formed_and_says_any_label(label):
    animation = animate(two_paths(label))
    tags = Tags(animation.html)
    assert tags.open == []
    assert [tag for tag, _ in tags.found].count("script") == 1
    assert (
        f"to {label}: grad of {label} 0 + 1 = 1"
        in [s["said"] for s in data_of(animation)["steps"]][1]
    )
    drawn = ["".join(x.itertext()) for x in svg_of(animation).iter() if x.tag.endswith("}text")]
    assert label in [text.replace("\xa0", " ") for text in drawn]


@pytest.mark.parametrize("label", LABELS)
def test_the_frame_for_a_notebook_holds_the_whole_page(label):
    animation = animate(two_paths(label))
    _, (tag, attributes) = Tags(animation._repr_html_()).found
    assert (tag, attributes["srcdoc"]) == ("iframe", animation.html)


def test_the_page_asks_no_network_for_anything():
    page = animate(two_paths()).html
    for tag, attributes in Tags(page).found:
        assert tag not in {"link", "img", "iframe"}
        assert not {"src", "href", "xlink:href"} & set(attributes)
    assert not re.search(r"fetch|import|XMLHttp|url\(|@import", page)


def test_a_right_order_ends_well():
    data = data_of(animate(two_paths()))
    assert data["end"] == "Done: every gradient is right."
    assert (data["verdict"], data["wrong"]) == ("", [])


def test_a_wrong_order_marks_the_value_and_what_it_should_be():
    a = Value(1.0, "a")
    b = a + a
    b.label = "b"
    data = data_of(animate(b + b, order="depth-first"))
    assert [step["wrong"] for step in data["steps"]] == [[], [], [], [], [0], [0]]
    assert (data["right"][0], data["wrong"]) == ("4", [0])
    assert data["verdict"] == (
        "1 of 3 gradients is wrong: a has 8 and should have 4. The first mistake is step 5."
    )


def test_boxes_have_room_for_all_that_they_will_show():
    def width(order):
        box = next(x for x in svg_of(animate(c, order=order)).iter() if x.get("id") == "v0")
        points = next(x for x in box.iter() if x.tag.endswith("}polygon")).get("points")
        xs = [float(point.split(",")[0]) for point in points.split()]
        return max(xs) - min(xs)

    a = Value(1.0)
    b = a + a
    c = b + b
    assert width("depth-first") > width("topological") + 7 * len("not 4")


def test_a_pass_that_leaves_a_value_out_is_found_wrong():
    root = two_paths()
    data = data_of(animate(root, order=[root]))
    assert data["verdict"].startswith("2 of 4 gradients are wrong: a has 1 and should have 4")


@pytest.mark.parametrize("order", ORDERS)
def test_no_grad_changes(order):
    root = two_paths()
    root.backward()
    before = [v.grad for v in topological(root)]
    animate(root, order=order)
    assert [v.grad for v in topological(root)] == before


def test_values_are_called_by_the_variables_that_hold_them():
    w = Value(2.0)
    loss = w * w
    assert (
        "loss passes 1 · 2 = 2 to w" in data_of(animate(loss, names=locals()))["steps"][0]["said"]
    )


def test_an_animation_saves_as_html_only(tmp_path):
    animation = animate(two_paths())
    animation.save(tmp_path / "steps.html")
    assert (tmp_path / "steps.html").read_text("utf-8") == animation.html
    with pytest.raises(ValueError, match=r"the ending must be \.html"):
        animation.save(tmp_path / "steps.gif")


def test_a_large_graph_is_refused():
    v = Value(1.0)
    for _ in range(400):
        v = -v
    with pytest.raises(ValueError, match="401 nodes, too many for a picture"):
        animate(v)


def test_without_graphviz_the_error_names_what_brings_it(monkeypatch):
    monkeypatch.setattr(renderers, "RENDERERS", {})
    with pytest.raises(GraphvizMissingError, match="pip install"):
        animate(two_paths())
