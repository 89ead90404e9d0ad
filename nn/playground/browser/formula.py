"""Formulas as they are typed, read as Values: numbers, names, + - * / ** and ops by their names.

Nothing is executed: a page may be opened by a link, and what it shows comes with it.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator
from typing import Any

from autograd_core import OPS, Value, maximum, mean, minimum, total

LONGEST = 2000  # characters
TOO_DEEP = "this is nested too deeply, or it is no text"
INFIX: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
SEVERAL: dict[str, Callable[..., Any]] = {
    "maximum": maximum,
    "minimum": minimum,
    "total": lambda *xs: total(xs),
    "mean": lambda *xs: mean(xs),
}
FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{op.name: op for op in OPS if op.name.isidentifier()},
    **SEVERAL,
}


class FormulaError(ValueError):
    """What was typed cannot be read; the message says where, and what could stand there."""


def values_of(text: str) -> dict[str, Value]:
    r"""The Values of a text by their names, line by line; a line without a name makes `y`.

    Raises FormulaError for what is no formula, ArithmeticError or ValueError as the ops do.

    >>> named = values_of("a = 2; b = -3\nc = a * b + a.tanh()\nc ** 2")
    >>> list(named), round(named["y"].data, 3)
    (['a', 'b', 'c', 'y'], 25.361)
    """
    named: dict[str, Value] = {}
    for target, expression in statements(text):
        try:
            value = Reader(named).read(expression)
        except RecursionError:
            raise wrong(expression, TOO_DEEP) from None
        value = value if isinstance(value, Value) else Value(value)
        value.label = value.label or target
        named[target] = value
    if not named:
        raise FormulaError("type a formula, such as y = 2 * x + 1")
    return named


def statements(text: str) -> Iterator[tuple[str, ast.expr]]:
    """Each line's name and formula."""
    if len(text) > LONGEST:
        raise FormulaError(f"a text has at most {LONGEST:,} characters, this one has {len(text):,}")
    try:
        body = ast.parse(text).body
    except SyntaxError as error:
        raise FormulaError(f"line {error.lineno}: {error.msg}") from None
    except (ValueError, RecursionError, MemoryError):
        raise FormulaError(TOO_DEEP) from None
    for statement in body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=expression):
                yield name, expression
            case ast.Expr(value=expression):
                yield "y", expression
            case _:
                raise wrong(statement, "a line is name = formula")


class Reader:
    """Reads formulas, with the names that are known so far."""

    def __init__(self, named: dict[str, Value]) -> None:
        self.named = named

    def read(self, e: ast.expr) -> Any:
        """The Value, or the number, that a formula is."""
        match e:
            case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
                return float(number) if abs(number) < 1e300 else number_too_large(e)
            case ast.Name(id=name):
                return self.known(name, e)
            case ast.UnaryOp(op=ast.USub(), operand=x):
                return -self.read(x)
            case ast.BinOp(left=x, op=op, right=y) if type(op) in INFIX:
                return applied(INFIX[type(op)], self.read(x), self.read(y))
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
                return self.call(name, args, e)
            case ast.Call(func=ast.Attribute(value=x, attr=name), args=args, keywords=[]):
                return self.call(name, [x, *args], e)
        raise wrong(e, f"{ast.unparse(e)!r} is no formula of numbers, names, + - * / ** and ops")

    def known(self, name: str, e: ast.expr) -> Value:
        """The Value of a name."""
        if name not in self.named:
            known = ", ".join(self.named) or "none yet"
            raise wrong(e, f"there is no {name} so far; known: {known}. Write {name} = 2 above")
        return self.named[name]

    def call(self, name: str, args: list[ast.expr], e: ast.expr) -> Value:
        """An op applied."""
        if name not in FUNCTIONS:
            raise wrong(e, f"there is no function {name}; known: {', '.join(sorted(FUNCTIONS))}")
        xs = [x if isinstance(x, Value) else Value(x) for x in map(self.read, args)]
        try:
            value: Value = FUNCTIONS[name](*xs)
        except TypeError:
            raise wrong(e, f"{name} does not take {len(xs)} operands") from None
        return value


def applied(op: Callable[[Any, Any], Any], x: Any, y: Any) -> Any:
    """An op of two operands; of two numbers it is a number, and errors are those of Values.

    >>> applied(operator.pow, 2.0, 3.0)
    8.0
    """
    if isinstance(x, Value) or isinstance(y, Value):
        return op(x, y)
    return op(Value(x), y).data


def number_too_large(e: ast.expr) -> float:
    """A refusal."""
    raise wrong(e, "this number is too large")


def wrong(part: ast.stmt | ast.expr, why: str) -> FormulaError:
    """An error with its line."""
    return FormulaError(f"line {part.lineno}: {why}")
