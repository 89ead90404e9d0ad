"""`check_engine(MyValue)`: the laws of a scalar engine, tried on a student's own.

A law is a row: a sentence, the smallest expression that can break it, and the idea behind it.
`backward` as a function is judged by the same rows, on the engine's Values. Operations are tried
against the project's derivative table, row by row, as far as the student has them.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from autograd_core import OPS, Op, Value, topological
from autograd_core.check import arities
from autograd_core.names import short
from nn.course.diagnosis import compare, same
from nn.course.reply import Reply, not_yet
from nn.course.safely import Mishap, safely

POINT = {"a": 2.0, "b": 3.0, "c": -0.5}


@dataclass(frozen=True)
class Row:
    """A law, the expression that tries it, the same as a function, and the idea to recall."""

    law: str
    expression: str
    build: Callable[..., Any]
    idea: str
    point: Mapping[str, float] = field(default_factory=lambda: POINT)


ROWS = [
    Row("a sum hands its gradient on unchanged, to both", "a + b", lambda a, b, c: a + b, "The slope of a + b is 1 along a, and 1 along b."),
    Row("a product hands each factor the other one", "a * b", lambda a, b, c: a * b, "The slope of a * b along a is b, and along b it is a."),
    Row("tanh hands on 1 - tanh²", "c.tanh()", lambda a, b, c: c.tanh(), "With t = tanh(x), the slope is 1 - t * t."),
    Row("along a path, slopes multiply", "(a * c).tanh()", lambda a, b, c: (a * c).tanh(), "Pass on the local derivative times your own gradient."),
    Row("a second use adds to the first", "a * b + a", lambda a, b, c: a * b + a, "`+=`, not `=`: every use brings a part of the gradient."),
    Row("both operands may be the same Value", "a * a", lambda a, b, c: a * a, "Two arrows leave a. Keep both: no set, no `if a is not b`."),
    Row("a Value speaks once, after all of its uses", "(v := a + b) * v + v", lambda a, b, c: (v := a + b) * v + v, "Order: reversed(topological(root)), each Value once."),
    Row("and so it does when uses lie at different depths", "(v := a * b) + (v + c) * v", lambda a, b, c: (v := a * b) + (v + c) * v, "Being reached early is not being ready."),
]  # fmt: skip
TANH = "tanh hands on 1 - tanh²"
TOGETHER = "and all of it together, on 60 random graphs"
OPERATORS: dict[str, Callable[..., Any]] = {
    "-": operator.sub,
    "/": operator.truediv,
    "**2": lambda x: x**2,
    "**3": lambda x: x**3,
    "**-1": lambda x: x**-1,
    "neg": operator.neg,
}
SPECIAL = {"-": "__sub__", "/": "__truediv__", "neg": "__neg__"}  # and __pow__ for the others


def random_build(rng: Random, size: int) -> Callable[..., Any]:
    """A function that makes a random graph of `size` operations out of its leaves."""
    recipe = [
        (rng.choice("+*+*t"), rng.randrange(3 + i), rng.randrange(3 + i)) for i in range(size)
    ]

    def build(*leaves: Any) -> Any:
        values = list(leaves)
        for op, i, j in recipe:
            x, y = values[i], values[j]
            values.append(x.tanh() if op == "t" else x + y if op == "+" else x * y)
        return values[-1]

    return build


def graphs(rows: Sequence[Row] = ROWS) -> list[Row]:
    """The rows, and then random graphs, from small to large: so the first failure is the smallest."""
    rng = Random(1)
    return [*rows, *[Row(TOGETHER, "", random_build(rng, 2 + i // 4), "") for i in range(60)]]


def method(op: Op) -> str:
    """What a class calls an operation of the table."""
    return SPECIAL.get(op.name, "__pow__" if op.name.startswith("**") else op.name)


def has(engine: type, op: Op) -> bool:
    """Whether the class has a method of its own for an operation."""
    return hasattr(engine, method(op)) and not hasattr(object, method(op))


def table(engine: type) -> Iterator[Row]:
    """A row for every operation of the derivative table with one or two operands that it has."""
    for op in OPS:
        if op.name in OPERATORS:
            build = OPERATORS[op.name]
        elif op.name.isidentifier() and 1 in arities(op):
            build = operator.methodcaller(op.name)
        else:
            continue
        n = 2 if op.name in {"-", "/"} else 1
        if has(engine, op):
            yield from on_domain(op, n, build)


def on_domain(op: Op, n: int, build: Callable[..., Any]) -> Iterator[Row]:
    """An operation at three points of its domain."""
    low, high = op.domain
    shown = f"a {op.name} b" if n == 2 else f"{op.name} of a"
    rule = f"`{op.name}` has the slopes of the project's table"
    for place in (0.3, 0.7, 0.9):
        a, b = low + place * (high - low), low + 0.6 * place * (high - low)
        point = dict(zip("ab", (a, b)[:n]))
        idea = f"At {', '.join(f'{name} = {short(x)}' for name, x in point.items())}."
        yield Row(rule, shown, build, idea, point)


def right_graph(row: Row) -> tuple[Value, dict[str, Value]]:
    """The expression on the engine's Values, after the engine's backward, and its leaves."""
    leaves = {name: Value(x, name) for name, x in row.point.items()}
    root = row.build(*leaves.values())
    root.backward()
    order = set(topological(root))
    return root, {name: v for name, v in leaves.items() if v in order}


def check_engine(engine: type) -> Reply:
    """Try every law on a class; explain the first that breaks, on the smallest graph.

    The class makes a number of a float and has `data`, `grad`, `backward()`, `+`, `*`, `tanh()`;
    what else it has of the table's operations is tried as well.
    """
    tried: dict[str, bool] = {}
    fault: Reply | None = None
    for row in [*graphs(), *table(engine)]:
        if tried.get(row.law, True):
            reply = try_engine(engine, row)
            tried[row.law] = reply is None
            fault = fault or reply
    for law, test in WHOLE.items():
        if not fault:
            words = test(engine)
            tried[law] = words is None
            fault = not_yet(words) if words else None
    held = tuple([(True, law) for law, holds in tried.items() if holds])
    if not fault:
        return Reply("right", f"Your engine obeys every law. {remark(engine)}", held)
    broken = next(law for law, holds in tried.items() if not holds)
    return Reply(fault.mood, fault.text, (*held, (False, broken)), fault.picture)


TUPLES = " Parents and slopes are tuples, and a tuple of one has a comma: `(self,)`."


def try_engine(engine: type, row: Row) -> Reply | None:
    """What is said of one graph on the student's engine, with a picture; None if all is right."""
    root, leaves = right_graph(row)
    name = f"`{row.expression}`" if row.expression else "A random graph"
    try:
        mine = {key: safely(engine, x) for key, x in row.point.items()}
        result = safely(row.build, *mine.values())
        fault: Reply | None = safely(wrong_data, engine, name, result, root.data, row.idea)
        if fault:
            return fault
        safely(result.backward)
        start = safely(grad_of, result)
        got = {leaf: safely(grad_of, mine[key]) for key, leaf in leaves.items()}
    except Mishap as mishap:
        tuples = TUPLES if "not iterable" in str(mishap) else ""
        return not_yet(f"{name}: {mishap}{tuples}")
    if not start:
        words = f"After `backward`, the result of {name} has grad 0: does it start with 1?"
        return Reply("waiting", words)
    return compare(row.expression, row.idea, root, got)


def grad_of(v: Any) -> float:
    """The gradient of a student's number; 0 where it is None, for nothing has arrived."""
    return float(v.grad or 0.0)


def wrong_data(engine: type, name: str, result: Any, right: float, idea: str) -> Reply | None:
    """What is said where the value itself is wrong."""
    data = getattr(result, "data", None)
    if data is None:
        words = f"{name} gives {result!r} so far. Every operation returns a new {engine.__name__}."
        return Reply("waiting", words)
    if not same(data, right):
        where = idea if idea.startswith("At ") else ""
        return not_yet(f"{name} has data {short(data)}, and should have {short(right)}. {where}")
    return None


def again(engine: type) -> str | None:
    """What is wrong with calling backward twice: leaves may add up, what lies between may not."""
    a, b = engine(2.0), engine(3.0)
    v = a * b
    w = v * v
    try:
        for _ in range(2):
            safely(w.backward)
    except Mishap as mishap:
        return f"`(v := a * b) * v`, backward called twice: {mishap}"
    times = a.grad / (2 * 6.0 * 3.0)
    if same(times, 1) or same(times, 2):
        return None
    return (
        f"After two calls on `(v := a * b) * v`, a has {short(times)} times its gradient. v still "
        "held what the first call had left, and passed it on again: set grads to 0 first."
    )


def by_paths(engine: type) -> str | None:
    """What is wrong where backward goes along every path, which are too many soon."""
    v = engine(1.0)
    for _ in range(30):
        v = v + v
    try:
        safely(v.backward)
    except Mishap:
        return (
            "`v = v + v`, 30 times: a thousand million paths, and backward goes along each. Let "
            "every Value speak once, when all of its gradient is there: 30 additions do."
        )
    return None


WHOLE: dict[str, Callable[[type], str | None]] = {  # laws that no single gradient can break
    "a second call of backward starts afresh, or adds once more": again,
    "and it ends soon, however many paths there are": by_paths,
}


def remark(engine: type) -> str:
    """What the laws do not ask: which operations it has, and how deep a graph may be."""
    own = [f"`{op.name}`" for op in OPS if op.name in {"+", "*"} or has(engine, op)]
    v = engine(1.0)
    for _ in range(3000):
        v = v + engine(0.0)
    try:
        v.backward()
    except RecursionError:
        return (
            f"Of the table it has {', '.join(own)}. One thing it cannot do yet: a chain of 3,000 "
            "sums is too deep for a function that calls itself. `autograd_core.topological` does "
            "it with a list of its own; have a look."
        )
    return f"Of the table it has {', '.join(own)}; and 3,000 sums in a row are not too deep for it."


@dataclass(frozen=True, kw_only=True)
class Engine:
    """The answer is a class: an engine, judged by every law."""

    source: str
    hints: Sequence[str]
    why: str

    def judge(self, answer: Any) -> Reply:
        """What check_engine says of it."""
        if not isinstance(answer, type):
            return not_yet(f"A class is wanted here, not `{answer!r}`.")
        return check_engine(answer)

    def solution(self) -> str:
        """The lines that were to be written and why."""
        return f"`{self.source}`\n{self.why}"
