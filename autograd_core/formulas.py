"""Formulas as text, for pictures, listings and programs: no more parentheses than they need.

They read as in mathematics and in Python alike, and what they say is computed in the same order:
`a + (b + c)` keeps its parentheses, `(a + b) + c` needs none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

COMPARISONS, SUMS, PRODUCTS, SIGNS, POWERS, ATOMS = range(6)  # how tightly a formula binds
LEVELS = {
    **dict.fromkeys(("<", "<=", ">", ">="), COMPARISONS),
    **dict.fromkeys("+-", SUMS),
    **dict.fromkeys("*/@·", PRODUCTS),
    "**": POWERS,
}
OPPOSITE = {"+": "-", "-": "+"}


class Formula(NamedTuple):
    """A text, and how tightly what it says binds."""

    text: str
    level: int = ATOMS

    def within(self, level: int) -> str:
        """The text, in parentheses where it binds less than that."""
        return self.text if self.level >= level else f"({self.text})"

    @property
    def is_negative(self) -> bool:
        """Whether all of it stands behind a minus sign."""
        return self.level > SUMS and self.text.startswith("-")


def number(text: str) -> Formula:
    """A number, which may have a minus sign."""
    return Formula(text, SIGNS if text.startswith("-") else ATOMS)


def infix(op: str, x: Formula, y: Formula) -> Formula:
    """x op y; what stands on the right binds tighter than the operator, or is in parentheses.

    >>> a, b, c = map(Formula, "abc")
    >>> infix("-", infix("*", infix("+", a, b), c), infix("-", a, b)).text
    '(a + b) * c - (a - b)'
    >>> infix("+", a, negative(infix("*", b, c))).text
    'a - b * c'
    """
    level = LEVELS[op]
    if level == SUMS and y.is_negative:
        op, y = OPPOSITE[op], negative(y)
    left, right = (ATOMS, SIGNS) if level == POWERS else (level, level + 1)
    return Formula(f"{x.within(left)} {op} {y.within(right)}", level)


def negative(x: Formula) -> Formula:
    """-x; two signs are none."""
    if x.is_negative:
        return Formula(x.text[1:], PRODUCTS if x.level == PRODUCTS else POWERS)
    return Formula(f"-{x.within(PRODUCTS)}", PRODUCTS if x.level == PRODUCTS else SIGNS)


def applied(op: str, operands: Sequence[Formula]) -> Formula:
    """An op, by its name, written as in mathematics."""
    if op in LEVELS and len(operands) == 2:
        return infix(op, *operands)
    if op == "neg":
        return negative(operands[0])
    if op.startswith("**"):
        return Formula(f"{operands[0].within(ATOMS)}{op}", POWERS)
    return Formula(f"{op}({', '.join([x.text for x in operands])})")
