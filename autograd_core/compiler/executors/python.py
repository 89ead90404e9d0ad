"""Python: a program of single numbers as one generated function, which reads as the chain rule.

Every cell is a local variable, or part of the line that reads it; the examples are a loop. Ops do
what they do on floats, so that the numbers are eager's wherever sums are in its order.
"""

from __future__ import annotations

import keyword
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial, reduce
from itertools import groupby
from operator import attrgetter
from typing import Any, TypeAlias

import numpy as np

from autograd_core.compiler.executors import Outcome
from autograd_core.compiler.executors.cells import OVER_EXAMPLES, Cell, Scalars
from autograd_core.compiler.ir import Array, Floats, Leaf
from autograd_core.engine import DIV, MUL, NEG, SUB, Op, power
from autograd_core.formulas import Formula, applied, infix, number
from autograd_core.functions import OPS
from autograd_core.numerics import real_power

Form: TypeAlias = Callable[[Sequence[Formula]], Formula]  # of operands, one of them on them

LETTERS = {"parameters": "w", "others": "c", "inputs": "x"}
OWN = re.compile(r"[crsvwx]\d+|kept\d+|\w+_\d+")  # what the generated function calls its variables
FOLDS = frozenset(("+", "max"))
WRITTEN = frozenset((SUB, MUL, DIV, NEG))  # as operators
RESERVED = {*keyword.kwlist, *LETTERS, "_", "max", "n", "range", "run", "zip"}
WIDTH = 88  # of a line, in characters
PART = 44  # of what is written where it is read
PER_LINE = 12  # names in a list
OWN_VARIABLES = 32  # of the first cells, so that a short function can be read


class PythonExecutor:
    """Runs one generated function; `source` is its text."""

    def __init__(self, order: Sequence[Array], results: Sequence[Array]) -> None:
        leaves = [x for x in order if isinstance(x, Leaf)]
        self.leaves = [(x.name, x.batched) for x in leaves]
        self.results = [(array_of_rows if x.batched else array_of, x.cells) for x in results]
        writer = Writer(order, leaves, results)
        self.source, scope = writer.source(), writer.scope
        del writer  # whose memory Python's compiler can use
        exec(compile(self.source, "<compiled program>", "exec"), scope)  # noqa: S102
        self.function: Callable[..., Any] = scope["run"]

    def run(self, leaves: Mapping[str, Sequence[Floats]], n: int | None) -> Outcome:
        """Compute the results for n examples."""
        given = [numbers_of(leaves[name], batched=batched) for name, batched in self.leaves]
        numbers = zip(self.function(n or 1, *given), self.results)
        found = [form(some, cells) for some, (form, cells) in numbers]
        finite = [finite for _, finite in found]
        return Outcome([array for array, _ in found], False in finite)


def array_of(numbers: list[float], cells: tuple[int, ...]) -> tuple[Floats, bool]:
    """Numbers as an array; False if some may be infinite or NaN."""
    array = np.array(numbers, float)
    return array if len(cells) == 1 else array.reshape(cells), math.isfinite(sum(numbers))


def array_of_rows(rows: list[list[float]], cells: tuple[int, ...]) -> tuple[Floats, bool]:
    """The same of a row for each example, which are the last axis then."""
    array = np.array(rows, float).T.reshape(*cells, len(rows))
    return array, bool(np.isfinite(array).all())


def numbers_of(parts: Sequence[Floats], *, batched: bool) -> list[Any]:
    """A leaf's numbers, or a row of them for each example."""
    numbers: list[Any] = []
    for part in [np.concatenate(parts, axis=1)] if batched else parts:
        numbers += part.tolist()
    return numbers


# --- The function ----------------------------------------------------------------------------


class Writer:
    """Writes cells in lines, stage by stage: what all examples share, then a loop over them.

    A cell that is read once, by a neighbour, is written where it is read, if it is short. In a
    long function, variables that are not read any more serve again: Python is quicker with few.
    """

    def __init__(
        self, arrays: Sequence[Array], leaves: Sequence[Leaf], results: Sequence[Array]
    ) -> None:
        self.leaves = leaves
        self.scope: dict[str, Any] = {"inf": math.inf, "nan": math.nan, "real_power": real_power}
        self.forms: dict[Op | str | None, Form] = {}
        self.variables: Counter[str] = Counter()
        self.free: list[Formula] = []  # variables whose numbers are not needed any more
        self.inside = set[Cell]()  # cells that are written where they are read
        self.rows = [(variables(x), x.name) for x in leaves if x.batched]  # what a loop reads
        scalars = Scalars(arrays, letter)
        self.results = [
            (x, [scalars.row(f"r{k}", scalars.of[x])] if x.batched else scalars.of[x])
            for k, x in enumerate(results)
        ]
        self.kept: list[Cell] = []  # of one loop, for a later one
        self.count_uses(scalars.made)
        self.cells = [cell for cell in scalars.made if cell.uses]

    def count_uses(self, made: Sequence[Cell]) -> None:
        """Count how often each cell is read, by those that are read themselves."""
        kept = dict[Cell, None]()
        for _, cells in self.results:
            for x in cells:
                x.uses += 2
        for cell in reversed(made):
            for x in cell.operands if cell.uses else ():
                apart = x.place != cell.place
                x.uses += 1 + apart
                if apart and x.how and x.batched:
                    kept[x] = None
        self.kept = list(kept)

    def source(self) -> str:
        """The text of the function."""
        lines = [f"def run({', '.join(['n', *[leaf.name for leaf in self.leaves]])}):"]
        lines += [f"    {variables(x)} = {x.name}" for x in self.leaves if not x.batched]
        place = attrgetter("place")
        for (stage, looped), some in groupby(sorted(self.cells, key=place), place):
            cells = list(some)
            lines += self.loop(stage, cells) if looped else self.block(cells)
        found = [cells[0].text if x.batched else texts(cells) for x, cells in self.results]
        more = "," if len(found) == 1 else ""
        return "\n".join([*lines, f"    return {', '.join(found)}{more}", ""])

    def loop(self, stage: int, cells: list[Cell]) -> list[str]:
        """The loop that computes cells for one example after the other."""
        before: list[str] = []
        body: list[str] = []
        reads = in_step(self.rows)
        for cell in cells:
            if cell.how == "row":
                before.append(f"    {cell.text} = []")
                body.append(f"    {cell.text}.append({texts(cell.operands)})")
            elif cell.how in OVER_EXAMPLES:
                cell.formula = self.variable("s")
                z, x = cell.text, cell.operands[0].text
                first, step = "0.0", f"{z} += {x}"
                if cell.how == "each max":
                    first, step = "-inf", f"{z} = max({z}, {x})"
                before.append(f"    {z} = {first}")
                body.append(f"    {step}")
            else:
                body += self.block([cell])
        kept = [cell for cell in self.kept if cell.stage == stage]
        if kept:
            before.append(f"    kept{stage} = []")
            body.append(f"    kept{stage}.append({texts(kept)})")
            self.rows.append((texts(kept), f"kept{stage}"))
        return [*before, f"    for {reads}:", *[f"    {line}" for line in body]]

    def block(self, cells: Iterable[Cell]) -> list[str]:
        """The lines that compute cells; none for those that are written where they are read."""
        lines: list[str] = []
        for cell in cells:
            form = self.forms.get(cell.how) or self.form(cell.how)
            first, *rest = chunks(cell.operands) if cell.how in FOLDS else [cell.operands]
            found = form([x.formula for x in first])
            if cell.uses == 1 and not rest and len(found.text) <= PART:
                cell.formula = found
                self.inside.add(cell)
                continue
            if not rest:
                self.read(cell.operands)
            cell.formula = self.free_variable()
            lines.append(f"    {cell.text} = {found.text}")
            if rest:
                parts = [form([x.formula for x in (cell, *part)]) for part in rest]
                lines += [f"    {cell.text} = {part.text}" for part in parts]
                self.read(cell.operands)
        return lines

    def read(self, cells: Iterable[Cell]) -> None:
        """Count cells as read: the variables of those that are not read again are free."""
        for x in cells:
            x.uses -= 1
            if x in self.inside:
                self.read(x.operands)
            elif x.how and not x.uses:
                self.free.append(x.formula)

    def free_variable(self) -> Formula:
        """A variable for another number."""
        serves_again = self.free and self.variables["v"] >= OWN_VARIABLES
        return self.free.pop() if serves_again else self.variable("v")

    def variable(self, letter: str) -> Formula:
        """A new variable."""
        self.variables[letter] += 1
        return Formula(f"{letter}{self.variables[letter]}")

    def form(self, how: Op | str | None) -> Form:
        """What writes how(*operands)."""
        n = exponent(how)
        if how == "+":
            form: Form = partial(reduce, partial(infix, "+"))
        elif n is not None:
            form = partial(to_power, n)
        else:
            name = how.name if how in WRITTEN else self.function(how)
            form = partial(applied, name)
        self.forms[how] = form
        return form

    def function(self, how: Op | str | None) -> str:
        """What an op is called; its name, as far as that can be one here."""
        if not isinstance(how, Op):
            return str(how)
        name = re.sub(r"\W", "_", how.name, flags=re.ASCII)
        name = name if name.isidentifier() else f"op_{name}"
        while name in RESERVED or name in self.scope or OWN.fullmatch(name):
            name += "_"
        self.scope[name] = how.value if how in OPS else lambda *xs: float(how.value(*xs))
        return name


def letter(leaf: str) -> str:
    """What a leaf's variables are called."""
    return LETTERS.get(leaf, f"{leaf}_")


def variables(leaf: Leaf) -> str:
    """A leaf's variables."""
    return listed([f"{letter(leaf.name)}{i}" for i in range(leaf.size)])


def in_step(rows: Sequence[tuple[str, str]]) -> str:
    """What a loop goes over: lists of rows in step, or just the examples."""
    if not rows:
        return "_ in range(n)"
    targets, lists = map(", ".join, zip(*rows))
    return f"{targets} in zip({lists})" if len(rows) > 1 else f"{targets} in {lists}"


def texts(cells: Iterable[Cell]) -> str:
    """Cells in brackets."""
    return listed([x.text for x in cells])


def listed(names: Sequence[str]) -> str:
    """Names in brackets, in as many lines as it takes."""
    rows = [", ".join(names[i : i + PER_LINE]) for i in range(0, len(names), PER_LINE)]
    return f"[{(',' + chr(10) + ' ' * 8).join(rows)}]"


def chunks(cells: Sequence[Cell]) -> Iterator[list[Cell]]:
    """Cells in lists that fit in a line each: Python has a limit to the terms of an expression."""
    some: list[Cell] = []
    room = WIDTH
    for cell in cells:
        if some and len(cell.text) > room:
            yield some
            some, room = [], WIDTH
        some.append(cell)
        room -= len(cell.text) + 3
    yield some


# --- Formulas --------------------------------------------------------------------------------


def to_power(n: float, xs: Sequence[Formula]) -> Formula:
    """x ** n for a constant n."""
    if n.is_integer():
        return infix("**", xs[0], number(repr(n)))
    return applied("real_power", [*xs, number(repr(n))])


def exponent(how: Op | str | None) -> float | None:
    """The n of x ** n for a constant n."""
    if isinstance(how, Op) and re.fullmatch(r"\*\*-?[\d.]+(e[+-]\d+)?", how.name):
        n = float(how.name[2:])
        return n if power(n) is how else None  # the name may be rounded
    return None
