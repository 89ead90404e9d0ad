"""The sum over all paths, the largest of them, and backward in right and wrong orders."""

import math
import xml.etree.ElementTree as ET

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from autograd_core import Value, backward_steps, dot, explain, topological, total
from autograd_core.engine import collector_paused
from autograd_core.paths.steps import ORDERS, gradients_after
from nn import MLP
from tests.rows import over
from tests.strategies import expressions

WRONG_ORDERS = [order for order in ORDERS if order != "topological"]


def labelled(**values):
    """The Values under their names, the last one the root."""
    for label, value in values.items():
        value.label = label
    return list(values.values())


def doubled_twice():
    a = Value(1.0)
    b = a + a
    return labelled(a=a, b=b, c=b + b)


def sum_and_product():
    """The example of micrograd's thread 68: c and d are each used twice."""
    a, b = Value(2.0), Value(3.0)
    c, d = a + b, a * b
    e, f = c + d, c * d
    return labelled(a=a, b=b, c=c, d=d, e=e, f=f, y=e + f)


def reused_input():
    a, b = Value(-4.0), Value(2.0)
    c = a + b
    return labelled(a=a, b=b, c=c, e=c * a)


def diamond():
    a = Value(3.0)
    b = a * 2
    c = b * 5
    return labelled(a=a, b=b, c=c, d=c + b)


def all_paths(root, wrt):
    """Every path from `wrt` to the root, one by one: (values, partials, product)."""
    found, open_paths = [], [((root,), (), 1.0)]
    while open_paths:
        values, partials, product = open_paths.pop()
        if values[0] is wrt:
            found.append((values, partials, product))
        for parent, slope in zip(values[0].parents, values[0].partials, strict=True):
            open_paths.append(((parent, *values), (slope, *partials), slope * product))
    return found


def number_of_paths(root):
    """How many paths lead from the root to any leaf."""
    count = {}
    for v in topological(root):
        count[v] = sum(count[parent] for parent in v.parents) or 1
    return count[root]


@st.composite
def small_graphs(draw):
    """A root with few enough paths to follow each, and a Value that it depends on."""
    _, root = draw(expressions()).graph()
    assume(number_of_paths(root) < 500)
    return root, draw(st.sampled_from(topological(root)))


# --- The sum over paths -----------------------------------------------------------------------


@given(small_graphs())
def test_the_sum_over_all_paths_is_the_gradient(graph):
    root, wrt = graph
    root.backward()
    explained = explain(root, wrt, top=1000)
    products = [path.product for path in explained.paths]
    assert len(products) == explained.count
    scale = math.fsum(map(abs, products))
    assert math.fsum(products) == pytest.approx(wrt.grad, rel=1e-12, abs=1e-12 * scale)
    assert explained.sum == wrt.grad == explained.grad
    assert explained.rest == 0


@given(small_graphs(), st.integers(0, 20))
def test_the_listed_paths_are_the_largest_and_all_are_counted(graph, top):
    root, wrt = graph
    expected = all_paths(root, wrt)
    explained = explain(root, wrt, top=top)
    sizes = [abs(path.product) for path in explained.paths]
    assert explained.count == len(expected)
    assert sizes == sorted([abs(product) for *_, product in expected], reverse=True)[:top]
    listed = [(path.values, path.partials, path.product) for path in explained.paths]
    for path in listed:
        expected.remove(path)  # each is a path, and none is listed more often than it exists
    whole = math.fsum([path.product for path in explained.paths]) + explained.rest
    assert whole == pytest.approx(explained.sum, rel=1e-12, abs=1e-12 * sum(sizes))


@given(small_graphs())
def test_no_grad_changes(graph):
    root, wrt = graph
    for i, v in enumerate(topological(root)):
        v.grad = i + 0.5
    explain(root, wrt)
    for order in ORDERS:
        backward_steps(root, order)
    assert [v.grad for v in topological(root)] == [i + 0.5 for i in range(len(topological(root)))]


def test_both_edges_of_a_plus_a_are_paths():
    a, _, c = doubled_twice()
    explained = explain(c, a)
    assert (explained.count, explained.sum) == (4, 4)


def test_the_root_is_explained_by_the_path_without_edges():
    a, _, c = doubled_twice()
    (path,) = explain(c, c).paths
    assert (path.values, path.partials, path.product) == ((c,), (), 1)
    assert explain(a, a).sum == 1


def test_a_value_outside_of_the_graph_has_no_path():
    *_, c = doubled_twice()
    explained = explain(c, Value(5.0, "x"))
    assert (explained.count, explained.sum, explained.paths) == (0, 0, [])
    assert "0 paths, x is not in the graph of c" in str(explained)


def test_a_nan_is_listed_first():
    a = Value(math.nan, "a")
    paths = explain(a * a + 5 * a, a).paths
    assert [math.isnan(path.product) for path in paths] == [True, True, False]


@pytest.mark.parametrize("n", [20_000, pytest.param(1_000_000, marks=pytest.mark.slow)])
def test_a_deep_chain_is_explained(n):
    v = a = Value(1.0, "a")
    with collector_paused():
        for _ in range(n):
            v = -v
        explained = explain(v, a)
    assert (explained.count, explained.sum, len(explained.paths[0].values)) == (1, 1, n + 1)
    assert len(str(explained)) < 500


def test_a_million_million_paths_through_a_net_are_counted():
    model = MLP(10, [10] * 12 + [1], activation="tanh", seed=1)
    x = [Value(i / 10, f"x{i}") for i in range(10)]
    y = model(x)
    explained = explain(y, x[3], top=7)
    assert explained.count == 10**12
    assert len(explained.paths) == 7
    y.backward()
    assert x[3].grad == explained.sum
    assert "1,000,000,000,000 paths, the 7 largest" in str(explained)
    assert "999,999,999,993 other paths" in str(explained)


def test_the_number_of_paths_has_no_limit():
    v = a = Value(1.0, "a")
    for _ in range(10_000):
        v = 0.5 * v + 0.5 * v
    explained = explain(v, a, top=1)
    assert explained.count == 2**10_000
    assert "about 10^3010 paths" in str(explained)


@pytest.mark.parametrize(("root", "wrt"), [(1.0, Value(1.0)), (Value(1.0), 1.0)])
def test_what_is_not_a_value_is_refused(root, wrt):
    with pytest.raises(TypeError, match="expected a Value, got float"):
        explain(root, wrt)


def test_a_negative_number_of_paths_is_refused():
    a = Value(1.0)
    with pytest.raises(ValueError, match="top must be 0 or more"):
        explain(a, a, top=-1)


# --- Accumulation -----------------------------------------------------------------------------


def test_a_second_backward_is_carried_over_on_a_leaf():
    a, b, c = doubled_twice()
    assert explain(c, a).carried is None
    c.backward()
    assert explain(c, a).carried == 0
    c.backward()
    assert explain(c, a).carried == 4
    assert "grad 8 = 4 from this pass + 4 carried over" in str(explain(c, a))
    assert explain(c, b).carried == 0


def test_the_gradient_of_another_loss_is_carried_over():
    a = Value(3.0, "a")
    one, other = 2 * a, a * a
    one.backward()
    assert "sum 6, not yet in a.grad 2, which is from other passes" in str(explain(other, a))
    other.backward()
    assert explain(other, a).carried == 2


def test_a_seed_is_not_taken_for_accumulation():
    a, _, c = doubled_twice()
    c.backward(3.0)
    explained = explain(c, a)
    assert (explained.sum, explained.grad, explained.carried) == (4, 12, 0)
    assert "sum 4 · 3 passed on = 12 = a.grad" in str(explained)


def test_a_gradient_set_back_to_zero_is_not_called_carried_over():
    a, _, c = doubled_twice()
    c.backward()
    a.grad = 0.0
    assert "sum 4, and a.grad has been set back to 0 since" in str(explain(c, a))


def test_an_explanation_keeps_the_grads_of_its_time():
    a, _, c = doubled_twice()
    c.backward()
    explained = explain(c, a)
    before = str(explained)
    c.backward()
    assert str(explained) == before


# --- Text and HTML ----------------------------------------------------------------------------


def test_the_paths_that_are_not_listed_take_one_line():
    a = Value(2.0, "a")
    assert str(explain(total([a, 3 * a, 5 * a]), a, top=1)).splitlines()[1:3] == [
        "  a -> v4 -> v5   5 · 1 = 5",
        "  2 other paths   together 4",
    ]


def test_values_are_called_by_the_variables_that_hold_them():
    w = Value(2.0)
    loss = w * w
    assert str(explain(loss, w, names=locals())).startswith("∂loss/∂w: 2 paths\n  w -> loss")
    assert str(backward_steps(loss, names=locals())[0]).startswith("loss passes 1 · 2 = 2 to w")


@pytest.mark.parametrize("label", ["<b>", 'say "hi"', "x & y", "größe 漢字 {a|b}", "</td>"])
def test_the_table_is_well_formed_and_shows_any_label(label):
    a = Value(2.0, label)
    table = ET.fromstring(explain(a * a, a)._repr_html_())  # noqa: S314
    shown = ["".join(cell.itertext()) for cell in table.iter("td")]
    assert shown[0] == f"{label} -> v1"
    assert len(list(table.iter("tr"))) == 2  # equal paths are on one line


# --- The backward pass, one edge at a time ----------------------------------------------------


@given(expressions())
def test_the_topological_order_passes_nothing_on_too_early(expression):
    _, root = expression.graph()
    steps = backward_steps(root)
    values = topological(root)
    assert len(steps) == sum(len(v.parents) for v in values)
    assert not any(step.fault for step in steps)
    became_ready = sorted([values.index(v) for step in steps for v in step.ready])
    assert became_ready == list(range(len(values) - 1))
    ready = {root}
    for step in steps:
        assert step.node in ready
        assert step.contribution == step.grad * step.partial
        assert step.after == step.before + step.contribution
        ready.update(step.ready)
    root.backward()
    assert gradients_after(steps) == {v: v.grad for v in values[:-1]}


@given(expressions())
def test_the_reversed_order_of_creation_is_right(expression):
    created = expression.nodes(expression.leaves())
    root = created[-1]
    inside = set(topological(root))
    steps = backward_steps(root, [v for v in reversed(created) if v in inside])
    assert not any(step.fault for step in steps)
    root.backward()
    for v, grad in gradients_after(steps).items():
        assert grad == pytest.approx(v.grad, rel=1e-9, abs=1e-9)


@given(small_graphs(), st.sampled_from(WRONG_ORDERS))
def test_a_pass_that_ends_wrong_has_a_step_that_is_marked(graph, order):
    root, _ = graph
    steps = backward_steps(root, order)
    grads = gradients_after(steps)
    root.backward()
    if not all(math.isclose(grads[v], v.grad, rel_tol=1e-6) for v in topological(root)[:-1]):
        assert any(step.fault for step in steps)


@given(small_graphs(), st.sampled_from(list(ORDERS)), st.data())
def test_steps_can_be_cut_off_anywhere(graph, order, data):
    root, _ = graph
    steps = backward_steps(root, order)
    done = steps[: data.draw(st.integers(0, len(steps)))]
    grads = {}
    for step in done:
        assert step.before == grads.get(step.parent, 0)
        grads[step.parent] = step.before + step.contribution
    assert gradients_after(done) == grads


def results(values, order):
    """The gradients of the labelled Values, by their labels, after a pass in this order."""
    grads = gradients_after(backward_steps(values[-1], order))
    return {v.label: grads.get(v, 0.0) for v in values[:-1]}


@over(
    ("graph", "order", "expected"),
    [
        (doubled_twice, "topological", {"a": 4, "b": 2}),
        (doubled_twice, "depth-first", {"a": 8, "b": 2}),
        (doubled_twice, "depth-first-once", {"a": 4, "b": 2}),
        (doubled_twice, "breadth-first", {"a": 4, "b": 2}),
        (doubled_twice, "post-order", {"a": 0, "b": 2}),
        (sum_and_product, "topological", {"a": 25, "b": 19, "c": 7, "d": 6, "e": 1, "f": 1}),
        (sum_and_product, "depth-first", {"a": 29, "b": 22, "c": 7, "d": 6, "e": 1, "f": 1}),
        (sum_and_product, "depth-first-once", {"a": 4, "b": 3, "c": 7, "d": 6, "e": 1, "f": 1}),
        (sum_and_product, "breadth-first", {"a": 25, "b": 19, "c": 7, "d": 6, "e": 1, "f": 1}),
        (sum_and_product, "post-order", {"a": 0, "b": 0, "c": 0, "d": 0, "e": 1, "f": 1}),
        (reused_input, "topological", {"a": -6, "b": -4, "c": -4}),
        (reused_input, "depth-first", {"a": -6, "b": -4, "c": -4}),
        (reused_input, "depth-first-once", {"a": -6, "b": -4, "c": -4}),
        (reused_input, "breadth-first", {"a": -6, "b": -4, "c": -4}),
        (reused_input, "post-order", {"a": -2, "b": 0, "c": -4}),
        (diamond, "topological", {"a": 12, "b": 6, "c": 1}),
        (diamond, "depth-first", {"a": 24, "b": 6, "c": 1}),
        (diamond, "depth-first-once", {"a": 12, "b": 6, "c": 1}),
        (diamond, "breadth-first", {"a": 12, "b": 6, "c": 1}),
        (diamond, "post-order", {"a": 0, "b": 1, "c": 1}),
    ],
)
def test_what_comes_out_of_each_order(graph, order, expected):
    assert results(graph(), order) == expected


def test_breadth_first_passes_on_too_early_where_one_way_is_longer():
    a = Value(3.0)
    b = a * 2
    c = b * 5
    d = c * 7
    values = labelled(a=a, b=b, c=c, d=d, e=d + b)
    assert results(values, "topological") == {"a": 72, "b": 36, "c": 7, "d": 1}
    assert results(values, "breadth-first") == {"a": 2, "b": 36, "c": 7, "d": 1}
    early = next(step for step in backward_steps(values[-1], "breadth-first") if step.fault)
    assert (early.fault, early.wrong, early.grad, early.node_right) == ("early", b, 1, 36)
    assert str(early) == (
        "b passes 1 · 2 = 2 to a: grad of a 0 + 2 = 2. "
        "Too early: not all of b's gradient has arrived, it should be 36."
    )


def test_depth_first_counts_twice_what_is_used_twice():
    a, b, c = doubled_twice()
    steps = backward_steps(c, "depth-first")
    assert [step.fault for step in steps] == ["", "", "", "", "again", "again"]
    assert (steps[4].node, steps[4].wrong, steps[4].parent_right) == (b, a, 4)


def test_depth_first_passes_a_part_on_before_the_whole_has_arrived():
    *_, y = values = sum_and_product()
    first = next(step for step in backward_steps(y, "depth-first") if step.fault)
    assert (first.fault, first.wrong, first.grad, first.node_right) == ("early", values[2], 1, 7)


def test_a_mistake_is_wrong_further_down_as_well():
    a = Value(3.0)
    b = a * 2
    c = b * 5
    d = c * 7
    *_, root = labelled(a=a, b=b, c=c, d=d, e=c + d)
    steps = backward_steps(root, [root, c, d, b])
    assert [(step.node_name, step.fault) for step in steps if step.parent.label] == [
        ("e", ""),
        ("e", ""),
        ("c", "early"),
        ("d", ""),
        ("b", "wrong"),
    ]


@pytest.mark.parametrize("graph", [doubled_twice, sum_and_product, reused_input, diamond])
def test_depth_first_counts_its_visits_before_it_makes_them(graph, monkeypatch):
    *_, root = graph()
    visits = [*ORDERS["depth-first"](root)]
    monkeypatch.setattr("autograd_core.paths.steps.MOST_VISITS", len(visits))
    assert [*ORDERS["depth-first"](root)] == visits
    monkeypatch.setattr("autograd_core.paths.steps.MOST_VISITS", len(visits) - 1)
    with pytest.raises(ValueError, match="visits: show it on a smaller graph"):
        next(ORDERS["depth-first"](root))


def test_depth_first_on_a_net_is_refused():
    v = Value(1.0)
    for _ in range(60):
        v = v + v
    with pytest.raises(ValueError, match="follows every path by itself"):
        backward_steps(v, "depth-first")


def test_an_unknown_order_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match="no order 'creation': there are 'topological', 'depth"):
        backward_steps(Value(1.0), "creation")


def test_a_value_of_another_graph_is_refused():
    with pytest.raises(ValueError, match="is not in the graph"):
        backward_steps(Value(1.0), [Value(2.0)])


def test_a_deep_chain_is_taken_apart():
    v = Value(1.0)
    for _ in range(5_000):
        v = -v
    for order in ORDERS:
        assert len(backward_steps(v, order)) == 5_000


def test_a_step_knows_which_operand_it_is_about():
    x, y, b = Value(2.0, "x"), Value(3.0, "y"), Value(4.0, "b")
    steps = backward_steps(dot([x, x], [y, y], bias=b))
    assert [(step.parent, step.operand) for step in steps] == [
        (x, 0),
        (x, 1),
        (y, 2),
        (y, 3),
        (b, 4),
    ]
    assert [step.ready for step in steps] == [(), (x,), (), (y,), (b,)]


def test_equal_paths_are_one_line():
    x = Value(2.0, "x")
    s = total([x] * 10) / 100
    s.label = "s"
    first = str(explain(s, x)).splitlines()[1]
    assert first.strip() == "x -> v1 -> s   10 paths of 1 · 0.01 = 0.01 each"
