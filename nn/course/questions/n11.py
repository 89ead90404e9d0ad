"""The questions of notebook 11, build it yourself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from autograd_core import Value
from autograd_core.names import short
from nn import MLP, datasets
from nn.course.diagnosis import same
from nn.course.engine import TANH, Engine, Row, graphs, try_engine
from nn.course.kinds import Code, Number, Question, number_in
from nn.course.questions.n01 import order_of, sort
from nn.course.reply import Reply, not_yet
from nn.course.safely import Empty, Mishap, run, safely


def deep_order() -> Code:
    def deep(function: Any) -> str | None:
        v = Value(0.0)
        for _ in range(3000):
            v = v + 1.0
        got = run(function, v, limited=False)
        return None if len(got) == 6001 and got[-1] is v else order_of(function, v, {})

    return Code(
        laws=[*sort().laws, ("and a chain of 3,000 sums", deep)],
        source="while stack: unseen = [p for p in stack[-1].parents if p not in seen]; if unseen: seen.add(unseen[0]); stack.append(unseen[0]); else: order.append(stack.pop())",
        hints=["`while stack:`, and `stack[-1]` is its last Value.", "`unseen = [p for p in stack[-1].parents if p not in seen]`.", "If there is one: `seen.add(unseen[0])` and `stack.append(unseen[0])`. If not: `order.append(stack.pop())`."],
        why="The same visits as with recursion, but the list of who waits is yours, and can be as long as memory lasts.",
    )  # fmt: skip


WITH_NUMBERS = [
    Row("plain numbers on either side", "a + 1.5", lambda a: a + 1.5, "A plain number is an operand as well: `made` takes it.", {"a": 2.0}),
    Row("plain numbers on either side", "1.5 + a", lambda a: 1.5 + a, "`__radd__` is called where the number stands first.", {"a": 2.0}),
    Row("plain numbers on either side", "3 * a", lambda a: 3 * a, "`__rmul__` is called where the number stands first.", {"a": 2.0}),
    Row("a power hands on n · xⁿ⁻¹", "a**3", lambda a: a**3, "The slope of x³ is 3x².", {"a": 2.0}),
    Row("a power hands on n · xⁿ⁻¹", "a**-1", lambda a: a**-1, "The slope of 1/x is -1/x².", {"a": 2.0}),
]  # fmt: skip


def obeys(rows: Sequence[Row]) -> Callable[[Any], Reply | None]:
    """The first reply to a class on these rows."""
    return lambda engine: next((r for row in rows if (r := try_engine(engine, row))), None)


def straight(rows: Sequence[Row]) -> list[Row]:
    """The rows that need no bend."""
    return [row for row in rows if "tanh" not in row.expression and row.expression]


def arithmetic() -> Code:
    rows = [*straight([row for row in graphs() if row.law != TANH]), *WITH_NUMBERS]
    laws = dict.fromkeys([row.law for row in rows])
    return Code(
        laws=[(law, obeys([row for row in rows if row.law == law])) for law in laws],
        source="made(number(x) * number(y), (x, y), (number(y), number(x))), made(x.data**n, (x,), (n * x.data ** (n - 1),)), and the eight lines of 01",
        hints=["A product hands each factor the other one: `(number(y), number(x))`.", "A power: `n * x.data ** (n - 1)`.", "Backward: all to 0, the root to 1, and reversed(order): `parent.grad += partial * v.grad`."],
        why="Three operations and eight lines; minus and division follow from them.",
        wanted="A class",
    )  # fmt: skip


def whole_engine() -> Engine:
    return Engine(
        source="1 - t * t; exp(x.data); 1 / x.data; 1.0 if x.data > 0 else 0.0",
        hints=[
            "Each is `made(value, (x,), (slope,))`.",
            "The slope of exp is exp, that of log is 1/x, that of tanh is 1 - t².",
        ],
        why="All laws hold.",
    )


def layer_says(W: list[list[float]], b: list[float], x: list[float]) -> Callable[[Any], str | None]:
    """Whether a student's layer says what a neuron of these weights says."""

    def test(function: Any) -> str | None:
        right = [sum(w * v for w, v in zip(row, x)) + bias for row, bias in zip(W, b)]
        for bend, wanted in ((None, right), (abs, [abs(z) for z in right])):
            got = run(function, W, b, x, bend)
            if not isinstance(got, list) or len(got) != len(W):
                return f"A list with a number for each of the {len(W)} neurons is wanted."
            if not all(same(float(z), w) for z, w in zip(got, wanted)):
                with_bend = ", bent by abs" if bend else ""
                return f"W = {W}, b = {b}, x = {x}{with_bend}: it should say {wanted}; yours says {got}. {slip(got, W, b, x)}"
        return None

    return test


def slip(got: list[float], W: list[list[float]], b: list[float], x: list[float]) -> str:
    """A known way to a wrong layer."""
    sums = [sum(w * v for w, v in zip(row, x)) for row in W]
    known = {
        "The biases are missing.": sums,
        "You took columns for rows: a row of W belongs to one neuron.": [
            sum(W[i][j] * x[i] for i in range(min(len(W), len(x)))) + b[j]
            for j in range(min(len(b), len(W[0])))
        ],
        "`bend` has not been applied.": [s + bias for s, bias in zip(sums, b)],
    }
    return next(
        (
            words
            for words, wrong in known.items()
            if len(wrong) == len(got) and all(same(float(z), w) for z, w in zip(got, wrong))
        ),
        "",
    )


def own_layer() -> Code:
    def values(function: Any) -> str | None:
        net = MLP(2, [3], activation="tanh", seed=0)
        neurons = net.layers[0].neurons
        got = run(function, [n.w for n in neurons], [n.b for n in neurons], [0.5, -1.0])
        right = net([0.5, -1.0])
        return (
            None
            if all(same(z.data, w.data) for z, w in zip(got, right))
            else "With numbers that remember it says something else."
        )

    return Code(
        laws=[
            ("one neuron", layer_says([[2.0, 3.0]], [0.5], [1.0, -1.0])),
            ("two neurons, and a bend", layer_says([[1.0, -2.0], [0.5, 1.0]], [0.25, -3.0], [2.0, 1.0])),
            ("three neurons of two inputs", layer_says([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], [0.0, 0.0, 1.0], [3.0, -4.0])),
            ("numbers that remember", values),
        ],
        source="sums = [sum([w * v for w, v in zip(row, x)], bias) for row, bias in zip(W, b)]; return [bend(z) for z in sums] if bend else sums",
        hints=["For each row and its bias: the sum of w * v, plus the bias.", "`sum(list, start)` begins with `start`: the bias."],
        why="z = W x + b, as in every lecture; a row of W is a neuron.",
        errors=[("and 'list'", "`b` holds a bias for each row: go over both, by `zip(W, b)`.")],
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Step:
    """The answer is a step, a way to make nets, and a way to list their parameters."""

    hints: Sequence[str]
    why: str
    source: str

    def judge(self, answer: Any) -> Reply:
        """Right, or what a step on a small net does not do."""
        if not isinstance(answer, tuple) or len(answer) != 3 or not all(map(callable, answer)):
            return not_yet("Three functions are wanted: `(step, new_net, parameters)`.")
        try:
            fault = one_step(*answer)
        except Empty as empty:
            return Reply("waiting", str(empty))
        except Mishap as mishap:
            fault = str(mishap)
        return not_yet(fault) if fault else Reply("right", self.why)

    def solution(self) -> str:
        """The lines that were to be written and why."""
        return f"`{self.source}`\n{self.why}"


def one_step(step: Any, new_net: Any, parameters: Any) -> str | None:
    """What is wrong with a student's step, against the same step on the engine."""
    net = run(new_net, [2, 3, 1])
    theirs = MLP(2, [3, 1], activation="tanh")
    flat = [p for W, b in net for row, bias in zip(W, b) for p in (*row, bias)]
    for p, mine in zip(theirs.parameters(), flat, strict=True):
        p.data = mine.data
    X, labels = [[1.0, 0.5], [-1.0, 0.25], [0.5, -1.0]], [1, -1, 1]
    losses = [(1 - t * theirs(x)).relu() for x, t in zip(X, labels)]
    loss = sum(losses[1:], losses[0]) / 3
    loss.backward()
    before = [p.data for p in flat]
    got = number_in(run(step, net, X, labels, 0.1, limited=False))
    if not same(got, loss.data):
        return f"The mean hinge loss of the three examples is {short(loss.data)}; yours is {short(got)}. {'That is the sum.' if same(got, 3 * loss.data) else ''}"
    moved = [p.data - was for p, was in zip(flat, before)]
    if not any(moved):
        return "The loss is right, and no parameter has moved. `loss.backward()`, and then every parameter by `-rate * p.grad`."
    for p, move in zip(theirs.parameters(), moved):
        if not same(move, -0.1 * p.grad):
            side = " Against the slope, not along it." if same(move, 0.1 * p.grad) else ""
            return f"{p.label} has the slope {short(p.grad)} and moves by {short(move)}; with rate 0.1 it should move by {short(-0.1 * p.grad)}.{side}"
    return None


def own_step() -> Step:
    return Step(
        source="losses = [(1 - t * predict(net, x)).relu() for x, t in zip(X, labels)]; loss = sum(losses[1:], losses[0]) * (1 / len(losses)); loss.backward(); p.data -= rate * p.grad",
        hints=["The loss of one example: `(1 - t * predict(net, x)).relu()`.", "The mean: `sum(losses[1:], losses[0]) * (1 / len(losses))`.", "`loss.backward()`, then `p.data -= rate * p.grad` for every parameter; return `loss.data`."],
        why="Forward, backward, step: the loop that trains everything.",
    )  # fmt: skip


def own_moons() -> Code:
    def unseen(function: Any) -> str | None:
        X, y = datasets.moons(n=200, noise=0.1, seed=7)
        said = [run(function, x, limited=False) for x in X]
        right = sum(int(s) == t for s, t in zip(said, y))
        if right >= 180:
            return None
        if right <= 20:
            return f"{right} of 200 are right: you have the classes the wrong way round."
        return f"{right} of 200 are right; 180 are asked for. Train longer, or start from another seed."

    def known(function: Any) -> str | None:
        got = safely(function, [0.0, 1.0], limited=False)
        if got is None or got is ...:
            raise Empty("`says` gives back nothing so far.")
        return None if got in {0, 1} else f"1 or 0 is wanted, not {got!r}."

    return Code(
        laws=[
            ("it says 1 or 0", known),
            ("at least 180 of 200 moons that it has never seen", unseen),
        ],
        source="return 1 if predict(net, x).data > 0 else 0",
        hints=["The label is 1 where the net's number is above 0.", "`predict(net, x).data > 0`"],
        why="Numbers that you have made have learned to tell two moons apart. All of it is yours.",
    )


def forgotten() -> Number:
    slope, steps = 2.0, 3
    return Number(
        right=slope * steps,
        wrong=[
            (slope, "That is the gradient of one step. What was there is kept, and added to."),
            (slope**steps, "They are added, not multiplied."),
            (4, "That is what stands there at the second step."),
        ],
        hints=["2 at the first step, 2 + 2 at the second."],
        why="2 + 2 + 2 = 6: steps that grow and grow. The loss falls at first, all the same, which makes this bug hard to see.",
    )


def size() -> Number:
    return Number(
        right=len(MLP(2, [8, 8, 1]).parameters()),
        wrong=[
            (88, "Those are the weights: 16 + 64 + 8. And the biases?"),
            (17, "Those are the biases. And the weights?"),
            (19, "Those are the neurons and inputs. A layer has a weight for each pair of both."),
            (128, "Layers are joined to the next one only: 2 · 8, 8 · 8, 8 · 1."),
        ],
        hints=["2 · 8 + 8, then 8 · 8 + 8, then 8 · 1 + 1."],
        why="24 + 72 + 9 = 105.",
        tolerance=1e-9,
    )


questions: dict[str, Callable[[], Question]] = {
    "11.1": deep_order,
    "11.2": arithmetic,
    "11.3": whole_engine,
    "11.4": own_layer,
    "11.5": own_step,
    "11.6": own_moons,
    "11.7": forgotten,
    "11.8": size,
}
