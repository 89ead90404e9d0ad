"""Formulas as text: every operator binds as tightly as in mathematics, and no more parentheses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

SUMS, PRODUCTS, POWERS, ATOMS = range(4)  # how tightly a formula binds
LEVELS = {"+": SUMS, "-": SUMS, "*": PRODUCTS, "/": PRODUCTS, "@": PRODUCTS, "·": PRODUCTS}


class Formula(NamedTuple):
    """A text, and how tightly what it says binds."""

    text: str
    level: int = ATOMS

    def within(self, level: int) -> str:
        """The text, in parentheses where it binds less than that."""
        return self.text if self.level >= level else f"({self.text})"


def infix(op: str, x: Formula, y: Formula) -> Formula:
    """x op y; what stands right of - / @ or another operator of its level is in parentheses.

    >>> a, b, c = map(Formula, "abc")
    >>> infix("-", infix("*", infix("+", a, b), c), infix("-", a, b)).text
    '(a + b) * c - (a - b)'
    """
    if op == "+" and y.text.startswith("-"):
        return infix("-", x, Formula(y.text[1:], y.level))
    level = LEVELS[op]
    tight = level + (op not in {"+", "*"} or (level == PRODUCTS and y.text.find(" / ") >= 0))
    return Formula(f"{x.within(level)} {op} {y.within(tight)}", level)


def negative(x: Formula) -> Formula:
    """-x."""
    return Formula(f"-{x.within(PRODUCTS)}", PRODUCTS)


def applied(op: str, operands: Sequence[Formula]) -> Formula:
    """An op, by its name, written as in mathematics."""
    if op in LEVELS and len(operands) == 2:
        return infix(op, *operands)
    if op == "neg":
        return negative(operands[0])
    if op == "**":
        return Formula(" ** ".join([x.within(ATOMS) for x in operands]), POWERS)
    if op.startswith("**"):
        return Formula(f"{operands[0].within(ATOMS)}{op}", POWERS)
    return Formula(f"{op}({', '.join([x.text for x in operands])})")
