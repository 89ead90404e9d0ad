"""The questions of notebook 01, values and gradients."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from autograd_core import Value, draw, explain, topological
from autograd_core.names import short
from nn.course.diagnosis import compare, same
from nn.course.engine import ROWS, TANH, Engine, Row, graphs, right_graph
from nn.course.kinds import Code, Law, Number, Question, Word
from nn.course.labs import hasty_backward
from nn.course.reply import Reply, not_yet
from nn.course.safely import Empty, Mishap, run, safely

STEP = 1e-4  # h, in the notebook


def area() -> Number:
    x, y, dx = Value(2.0), Value(3.0), 0.01
    (x * y).backward()
    return Number(
        right=x.grad * dx,
        wrong=[
            (y.grad * dx, "You used the slope along y. It is x that grows: which side of the strip is fixed?"),
            (dx, "That is how much x grows. How much faster does z?"),
            (x.grad, "That is the slope, the growth of z per unit of x. x grows by 0.01 only."),
            ((x.data + dx) * y.data, "That is the new z. By how much has it grown?"),
        ],
        hints=["The picture: the new strip is as high as y, and 0.01 wide.", "Height times width."],
        why="The strip is 3 high and 0.01 wide. A product hands each factor the other one: ∂z/∂x = y, ∂z/∂y = x.",
    )  # fmt: skip


def one_path() -> Number:
    w, x = Value(1.5), Value(4.0)
    y = w * x
    z = y**2
    z.backward()
    outer, inner = z.partials[0], y.partials[0]
    return Number(
        right=w.grad,
        wrong=[
            (outer, "That is how fast z follows y. But y follows w four times as fast: one gear is missing."),
            (inner, "That is how fast y follows w. What does z make of it?"),
            (outer + inner, "You added the two slopes. Gears in a row: does a 12-fold gear behind a 4-fold one make 16?"),
            (x.grad, "That is the slope along x. The inner arrow you want leads from w, and the number on it is x."),
            (z.data, "That is z itself. How fast does it change?"),
            (y.data * inner, "The slope of y² is 2y. The 2 is missing."),
        ],
        hints=["Two arrows lie between w and z. What number stands on each?", "∂y/∂w = x. ∂z/∂y = 2y, at y = 6."],
        why="4 from w to y, 12 from y to z: 12 · 4 = 48. Along a path, slopes multiply.",
    )  # fmt: skip


def two_paths() -> Number:
    a, b = Value(2.0, "a"), Value(3.0, "b")
    d = a * b + a
    d.backward()
    through, direct = [path.product for path in explain(d, a).paths]
    return Number(
        right=a.grad,
        wrong=[
            (through, "You followed the path through c only; a reaches d directly, too."),
            (direct, "You followed the direct path only; a reaches d through c, too."),
            (b.grad, "That is how fast d changes with b. The question is about a."),
            (d.data, "That is d itself. Nudge a from 2 to 2.001: by how much does d grow?"),
            (through * 2, "Both paths are there, but their slopes differ: 3 through the product, 1 straight."),
        ],
        hints=["How many ways lead from a to d?", "Write d = a · (b + 1), and think again."],
        why="Through the product the slope is 3 · 1, straight it is 1: together 4. Over paths, slopes add.",
    )  # fmt: skip


def measure() -> Code:
    one_side = "You look to one side only. Nudge both ways, and a bend cancels."

    def at(
        f: Callable[[float], float], x: float, right: float, idea: str
    ) -> Callable[[Any], str | None]:
        def test(function: Any) -> str | None:
            got = run(function, f, x)
            if abs(got - right) < 1e-6 * max(1, abs(right)):
                return None
            known = {
                -right: "The sign: which end minus which?",
                2 * right: "You went both ways: the run is 2h, not h.",
                right
                * STEP**2: "Python divides by 2 and then multiplies by h: put the run in brackets.",
                f(x + STEP)
                - f(x - STEP) / (2 * STEP): "The rise first: put it in brackets, then divide.",
            }
            slip = next((text for value, text in known.items() if right and same(got, value)), idea)
            return f"At x = {x:g} the slope is {right:g}, you measure {got:.6g}. {slip}"

        return test

    return Code(
        laws=[
            ("the slope of 3x + 1 is 3", at(lambda x: 3 * x + 1, 2.0, 3.0, "Rise over run.")),
            ("at the peak of 1 - x² it is 0", at(lambda x: 1 - x * x, 0.0, 0.0, one_side)),
            ("the slope of x² at 3 is 6, to six digits", at(lambda x: x * x, 3.0, 6.0, one_side)),
            ("the slope of x⁴ at 2 is 32", at(lambda x: x**4, 2.0, 32.0, "Close. Is your step small enough?")),
        ],
        source="return (f(x + h) - f(x - h)) / (2 * h)",
        hints=["f(x + h) is how high it is a little further on. And a little before?", "Rise f(x + h) - f(x - h), over a run of 2h."],
        why="Both ways, because a bend then cancels: one side errs by about h, two sides by about h².",
    )  # fmt: skip


def speaking_graph() -> dict[str, Value]:
    a, b = Value(2.0, "a"), Value(3.0, "b")
    c = a * b
    d, t = c + a, b * b
    e = d * c
    return {"a": a, "b": b, "c": c, "d": d, "t": t, "e": e, "L": e + t}


def turns() -> Word:
    graph = speaking_graph()
    name = {v: key for key, v in graph.items()}
    order = [v for v in topological(graph["L"]) if v.parents]
    uses = {name[v]: [name[u] for u in order if v in u.parents] for v in order}

    def fault(answer: str) -> str | None:
        words = answer.replace(",", " ").replace("->", " ").split()
        words = [word for word in words if word not in {"a", "b"}]  # they have nobody to speak to
        strange = [word for word in words if word not in graph]
        if strange:
            return f"There is no Value {strange[0]} in the picture. Write the names with spaces between."
        for i, word in enumerate(words):
            if word in words[:i]:
                return f"{word} speaks twice, and what it says would be counted twice."
            early = next((u for u in uses[word] if u not in words[:i]), None)
            if early:
                return f"{word} speaks before {early} has, which uses it. So {word} knows only a part of its gradient."
        silent = [name[v] for v in reversed(order) if name[v] not in words]
        return f"And {silent[0]}? It has parents, so it has something to say." if silent else None

    return Word(
        fault=fault,
        example=" ".join([name[v] for v in reversed(order)]),
        hints=["Who depends on nobody's answer?"],
        why="Everybody speaks once, after all of its uses. There are several such orders (t may speak at any time after L): they all give the same gradients.",
    )


def order_of(function: Any, root: Value, name: Mapping[Value, str]) -> str | None:
    """What is wrong with the list that a student's `topological` gives for this root."""
    got, right = run(function, root), topological(root)
    if not isinstance(got, list):
        return f"A list is wanted; yours gives a {type(got).__name__}."
    if not got:
        raise Empty("`topological` gives an empty list so far. Who goes into it first?")
    return fault_in(got, right, name)


def fault_in(got: list[Any], right: list[Value], name: Mapping[Value, str]) -> str | None:
    """Somebody twice, missing, too many, or before a parent."""
    shown = ", ".join([name.get(v, "?") for v in got[:12]])
    twice = next((v for i, v in enumerate(got) if v in got[:i]), None)
    if twice is not None:
        return f"{name[twice]} is in your list twice: [{shown}]. Remember whom you have seen."
    missing = [v for v in right if v not in got]
    if missing:
        return f"{name[missing[0]]} is missing from your list: [{shown}]."
    if len(got) > len(right):
        return f"There are Values in your list that the root did not come from: [{shown}]."
    for i, v in enumerate(got):
        late = next((p for p in v.parents if p not in got[:i]), None)
        if late is not None:
            return f"{name[v]} stands before its parent {name[late]}: [{shown}]. Append a Value after you have visited its parents."
    return None


def labelled(
    text: str, build: Callable[..., tuple[Value, dict[str, Value]]]
) -> Callable[[Any], Reply | None]:
    """Try a student's `topological` on a graph whose Values all have a name."""

    def test(function: Any) -> Reply | None:
        root, names = build(Value(2.0, "a"), Value(3.0, "b"))
        for key, v in {"root": root, **names}.items():
            v.label = key
        fault = order_of(
            function,
            root,
            {v: v.label or f"({v.op.name})" if v.op else v.label for v in topological(root)},
        )
        return not_yet(f"For `{text}`: {fault}", picture=draw(root)) if fault else None

    return test


def meeting(a: Value, b: Value) -> tuple[Value, dict[str, Value]]:
    c = a * b
    d = c + a
    return c + d * c, {"c": c, "d": d}


def sort() -> Code:
    def large(function: Any) -> str | None:
        x = Value(1.0)
        for _ in range(20):
            x = x + x
        return order_of(function, x, {v: f"Value {i}" for i, v in enumerate(topological(x))})

    return Code(
        laws=[
            ("a leaf alone", labelled("a", lambda a, b: (a, {"a": a}))),
            ("parents come before children", labelled("a * b", lambda a, b: (a * b, {}))),
            ("each Value once", labelled("a * b + a", lambda a, b: (a * b + a, {}))),
            ("even where paths meet again", labelled("(c := a * b) + (d := c + a) * c", meeting)),
            ("and in good time: 21 Values, a million paths", large),
        ],
        source="def visit(v): if v not in seen: seen.add(v); visit every parent; order.append(v)",
        hints=["Let a helper `visit(v)` do it: first its parents, then itself.", "A set `seen` keeps you from visiting twice.", "`if v not in seen:` `seen.add(v)`, visit each parent, and last `order.append(v)`."],
        why="Parents first, itself last, nobody twice. Four lines, and they are half of backpropagation.",
    )  # fmt: skip


def own_order(function: Any) -> str | None:
    """A good backward on a bad `topological` looks bad; say which of the two it is."""
    own = getattr(function, "__globals__", {}).get("topological")
    graph = speaking_graph()
    try:
        fault = own and order_of(own, graph["L"], {v: key for key, v in graph.items()})
    except Empty:
        raise Empty(
            "This stands on your `topological`, which is still empty. Task 01.6 comes first."
        ) from None
    except Mishap as mishap:
        fault = str(mishap)
    return (
        fault
        and f"The fault is in your `topological`, not here. {fault} To borrow one: `from autograd_core import topological`."
    )


def on(row: Row) -> Callable[[Any], Reply | None]:
    """Try a student's `backward` on one graph."""

    def test(function: Any) -> Reply | None:
        root, _ = right_graph(row)
        order = topological(root)
        right = {v: v.grad for v in order}
        for v in order:
            v.grad = 0.0
        safely(function, root)
        got = {v: v.grad for v in order}
        for v in order:
            v.grad = right[v]
        if not any(got.values()):
            return Reply(
                "waiting", "No gradient has changed so far. Who starts, and with which number?"
            )
        return compare(row.expression, row.idea, root, got)

    return test


def on_all(rows: list[Row]) -> list[Law]:
    """A law for each of the rows' laws: the first reply of its graphs."""
    tests: dict[str, list[Callable[[Any], Reply | None]]] = {}
    for row in rows:
        tests.setdefault(row.law, []).append(on(row))

    def first(tests: list[Callable[[Any], Reply | None]]) -> Callable[[Any], Reply | None]:
        return lambda function: next((reply for test in tests if (reply := test(function))), None)

    return [(law, first(those)) for law, those in tests.items()]


def eight_lines() -> Code:
    def again(function: Any) -> str | None:
        a, b = Value(2.0, "a"), Value(3.0, "b")
        d = a * b + a
        for _ in range(2):
            safely(function, d)
        return (
            None
            if same(a.grad, 4)
            else f"Called twice on a * b + a, it leaves {short(a.grad)} in a, not 4. Set every gradient to 0 before you start."
        )

    return Code(
        laws=[
            ("it stands on a good `topological`", own_order),
            *on_all(graphs([row for row in ROWS if row.law != TANH])),
            ("a second call starts afresh", again),
        ],
        source="for v in reversed(order): for parent, partial in zip(v.parents, v.partials): parent.grad += partial * v.grad",
        errors=[("can't multiply sequence", "`partials` has a slope for each parent: go over both, by `zip(v.parents, v.partials)`.")],
        hints=["Everybody's grad is 0 at first; the root's is 1. Why 1?", "Walk the list backwards. `zip(v.parents, v.partials)` pairs each parent with its slope.", "`parent.grad += partial * v.grad`"],
        why="Eight lines, and they differentiate anything that can be computed. Every deep-learning library has them at its heart.",
    )  # fmt: skip


def own_engine() -> Engine:
    return Engine(
        source="MyValue(self.data * other.data, (self, other), (other.data, self.data)) and MyValue(t, (self,), (1 - t * t,))",
        hints=["Look at `__add__`: data, then the parents, then one slope for each parent.", "Slopes of a product: along self it is other.data, and along other it is ...", "`(self,)` with its comma is a tuple of one."],
        why="Data, parents, slopes: that is all an operation has to say.",
    )  # fmt: skip


def differs(function: Any) -> Reply | None:
    """Whether hasty is wrong on what a student's function computes, in two operations."""
    a = Value(2.0, "a")
    root = run(function, a)
    if not isinstance(root, Value) or a not in topological(root):
        return not_yet("Your function should compute something from a and return it.")
    hasty_backward(root)
    hasty, right = a.grad, explain(root, a).sum
    operations = len([v for v in topological(root) if v.op])
    if same(hasty, right):
        return not_yet(
            f"On this one, hasty is right: {short(hasty)}. Where would a Value be reached twice **and** have somebody to pass it on to?",
            picture=draw(root),
        )
    if operations > 2:
        return not_yet(
            f"Caught: hasty says {short(hasty)}, right is {short(right)}. That took {operations} operations. It can be done with two: drop what is not needed."
        )
    return None


def lab() -> Code:
    return Code(
        laws=[("hasty is wrong on it, and it has two operations", differs)],
        source="v = a + a; return v + v",
        hints=[
            "Hasty is right whenever the Value that is used twice is a leaf.",
            "Make v from a. Then use v twice.",
        ],
        why="v is reached twice. The first time it passes 1 on, the second time 1 + 1 = 2, and the first 1 was in that already. Sharing a leaf is harmless, for it passes nothing on: this is why the bug survives so many tests.",
    )


def additions() -> Number:
    v = Value(1.0, "x")
    for _ in range(50):
        v = v + v
    order = topological(v)
    arrows = sum(len(v.parents) for v in order)
    return Number(
        right=arrows,
        wrong=[
            (explain(order[-1], order[0]).count, "That many paths there are. Does your line run once for each path?"),
            (arrows // 2, "There are 50 sums. And each of them has two parents."),
            (len(order), "That is the number of Values. The line runs once for each arrow."),
            (len(order) * 2, "Nearly: x is a Value, too, but it has no parents."),
        ],
        hints=["The inner loop runs once for each arrow in the graph.", "50 sums, two arrows into each."],
        why="Once for each arrow: 2 · 50. There are 2⁵⁰ paths, and not one is walked: where paths meet, their sum is stored and passed on as one number.",
        tolerance=1e-9,
    )  # fmt: skip


def nudging() -> Number:
    weights, forward = 1_000_000, 1
    return Number(
        right=2 * weights * forward,
        wrong=[
            (weights, "Every weight is nudged to both sides: two runs for each."),
            (2, "That is the price of two runs. One weight needs two; how many weights are there?"),
            (3, "That is backpropagation's price. How long does it take without?"),
            (4 * weights, "Two runs for each weight, each of one second."),
        ],
        hints=["What does `measured` cost for one weight?", "Two runs for each weight, a second each, a million weights."],
        why="2,000,000 seconds are 23 days, for a single step. One forward and one backward pass: about 3 seconds.",
    )  # fmt: skip


def shared() -> Number:
    parts = [0.5, -0.2, 0.1]
    w = Value(1.0)
    (parts[0] * w + parts[1] * w + parts[2] * w).backward()
    return Number(
        right=w.grad,
        wrong=[
            (parts[-1], "That is what the last use brought. The two before it were overwritten: `=` for `+=`."),
            (w.grad / 3, "That is the mean. Gradients of one Value are added, whoever brings them."),
            (sum(map(abs, parts)), "Mind the sign: the second use pulls the other way."),
            (max(parts), "That is the strongest use alone. The others count, too."),
        ],
        hints=["Remember a, in ab + a. It had two uses.", "`+=`"],
        why="0.5 - 0.2 + 0.1 = 0.4. A weight that is shared hears from every use and adds it all up. Convolutions and language models live on this line.",
    )  # fmt: skip


questions: dict[str, Callable[[], Question]] = {
    "01.1": area,
    "01.2": one_path,
    "01.3": two_paths,
    "01.4": measure,
    "01.5": turns,
    "01.6": sort,
    "01.7": eight_lines,
    "01.8": own_engine,
    "01.9": lab,
    "01.10": additions,
    "01.11": nudging,
    "01.12": shared,
}
