"""The steps backward: each step's rule, read on arrays, in reverse order.

The rule of an op is recorded on symbols and becomes a few elementwise instructions; a matrix
product gives two more; what was read several times receives a sum. A gradient that is known
before any number is, such as that of a mean, stays a constant.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias, TypeGuard

import numpy as np
from numpy.typing import NDArray

from autograd_core.compile.layout import (
    Apply,
    Cells,
    Numbers,
    Product,
    Program,
    Scratch,
    Source,
    Step,
    Total,
)
from autograd_core.compile.rules import (
    ROWS,
    SUM,
    Applied,
    Expression,
    applied,
    rule,
    rule_for_rows,
)
from autograd_core.engine import ADD, EXP, MUL, NEG, SUB, Op

# --- Instructions ----------------------------------------------------------------------------


Array: TypeAlias = Source | Scratch
Target: TypeAlias = Cells | Scratch


@dataclass(frozen=True, eq=False, slots=True)
class Map:
    """out = op(*operands), elementwise; out += where `add`.

    Where `stacked`, the first axis of the one array tells the operands apart; `kept` as in Apply.
    """

    op: Op
    operands: tuple[Array, ...]
    out: Target
    add: bool = False
    stacked: bool = False
    kept: tuple[Scratch, ...] = ()


@dataclass(frozen=True, eq=False, slots=True)
class Contract:
    """out = the sum of products over the letters that out lacks; out += where `add`."""

    left: Array
    right: Array
    out: Target
    letters: tuple[str, str, str]
    add: bool = False


@dataclass(frozen=True, eq=False, slots=True)
class Reduce:
    """out = source, summed over axes (and over the examples where out has none); or +=."""

    source: Array
    out: Target
    axes: tuple[int, ...] = ()
    add: bool = False


@dataclass(frozen=True, eq=False, slots=True)
class Scatter:
    """out's cells = the sum of the numbers that belong to each; or +=."""

    source: Array
    out: Cells
    add: bool = False


Instruction: TypeAlias = Map | Contract | Reduce | Scatter


def forward(steps: Sequence[Step]) -> list[Instruction]:
    """The instructions of the steps forward."""
    result: list[Instruction] = []
    for step in steps:
        terms: Sequence[Source] = ()
        if isinstance(step, Apply):
            stacked, kept = step.stacked, step.kept
            result.append(Map(step.op, step.operands, step.out, stacked=stacked, kept=kept))
        elif isinstance(step, Product):
            result.append(Contract(step.left, step.right, step.out, ("nrk", "nck", "ncr")))
            terms = step.terms
        else:
            result.append(Reduce(step.terms, step.out, (1,)))
            terms = [step.base] if step.base else []
        result += [Map(ADD, (step.out, term), step.out) for term in terms]
    return result


# --- Steps backward --------------------------------------------------------------------------

Emit: TypeAlias = Callable[[Target, bool], Instruction]


def backward(program: Program, *, inputs: bool = False) -> list[Instruction]:
    """The instructions that leave d(first root)/d(parameters), or d/d(inputs), in the gradients.

    They start from the seed 1 at the root, or from 1/n at each of n examples.
    """
    return Backward(program, inputs=inputs).run()


class Backward:
    """What is known of the gradients while the steps are read in reverse."""

    def __init__(self, program: Program, *, inputs: bool) -> None:
        sizes = {False: program.fixed, True: program.batched}
        self.program = program
        self.written = {batched: np.zeros(size, bool) for batched, size in sizes.items()}
        self.needed = {batched: np.zeros(size, bool) for batched, size in sizes.items()}
        self.zero = {batched: np.zeros(size, bool) for batched, size in sizes.items()}
        self.constant: dict[int, float] = {}  # by step: what its whole gradient is
        self.owner = {batched: np.full(size, -1) for batched, size in sizes.items()}
        for i, step in enumerate(program.steps):
            self.owner[step.out.batched][step.out.cells] = i
        self.instructions: list[Instruction] = []
        self.mark_needed(inputs=inputs)

    def mark_needed(self, *, inputs: bool) -> None:
        """Which cells depend on what the gradient is taken for."""
        p, n = self.program.n_parameters, self.program.n_inputs
        if not inputs:
            self.needed[False][:p] = True
        elif self.program.batched:
            self.needed[True][:n] = True
        else:
            self.needed[False][p : p + n] = True
        for step in self.program.steps:
            if any(self.is_needed(source) for source in sources(step)):
                self.needed[step.out.batched][step.out.cells] = True

    def is_needed(self, source: Source) -> TypeGuard[Cells]:
        """Whether these are cells of which any depends on what the gradient is taken for."""
        return isinstance(source, Cells) and bool(self.needed[source.batched][source.cells].any())

    def run(self) -> list[Instruction]:
        """All instructions, those that set gradients to zero first."""
        root = self.program.roots[0]
        if self.is_needed(root):
            self.deposit_numbers(root, numbers(root.shape, 1.0, batched=root.batched))
        for i in reversed(range(len(self.program.steps))):
            step = self.program.steps[i]
            gradient = self.gradient_of(i, step)
            if gradient is not None:
                self.differentiate(step, gradient)
        asked_for = self.needed[False][: self.program.n_parameters]
        self.zero[False][: len(asked_for)] |= asked_for & ~self.written[False][: len(asked_for)]
        return [*self.zeros(), *self.instructions]

    def gradient_of(self, i: int, step: Step) -> Source | None:
        """The gradient of a step's result; None where nothing depends on it or it on nothing."""
        out = step.out
        if i in self.constant:
            return numbers(out.shape, self.constant[i], batched=out.batched)
        if not (self.written[out.batched][out.cells].any() and self.is_needed(out)):
            return None
        self.zero[out.batched][out.cells] |= ~self.written[out.batched][out.cells]
        return out.gradient

    def zeros(self) -> list[Instruction]:
        """Instructions that set to zero what is added to, or read, before it is written."""
        result: list[Instruction] = []
        for batched, zero in self.zero.items():
            edges = np.flatnonzero(np.diff(zero, prepend=False, append=False))
            for start, stop in edges.reshape(-1, 2).tolist():
                run = Cells((stop - start,), batched, start, (1,), None, grad=True)
                result.append(Reduce(numbers(run.shape, 0.0, batched=False), run))
        return result

    def differentiate(self, step: Step, gradient: Source) -> None:
        """Pass a step's gradient on to its operands."""
        if isinstance(step, Apply):
            self.differentiate_apply(step, gradient)
        elif isinstance(step, Total):
            self.deposit_scaled(step.terms, widen(gradient, step.terms.shape), 1.0)
            if step.base is not None:
                self.deposit_scaled(step.base, gradient, 1.0)
        else:
            self.differentiate_product(step, gradient)

    def differentiate_product(self, step: Product, gradient: Source) -> None:
        """Two more products: each factor's gradient is made with the other factor."""
        left, right = step.left, step.right
        if isinstance(gradient, Numbers) and same_cells(left, right):  # (x²)' = 2 x
            twice = Numbers(2 * gradient.array, gradient.batched)
            self.deposit_contraction(left, twice, right, ("ncr", "nck", "nrk"))
        else:
            self.deposit_contraction(left, gradient, right, ("ncr", "nck", "nrk"))
            self.deposit_contraction(right, gradient, left, ("ncr", "nrk", "nck"))
        for term in step.terms:
            self.deposit_scaled(term, gradient, 1.0)

    def deposit_contraction(
        self, operand: Source, gradient: Source, other: Source, letters: tuple[str, str, str]
    ) -> None:
        """Add what one factor's gradient is; it is known by now where both arrays are."""
        if isinstance(gradient, Numbers) and isinstance(other, Numbers):
            if isinstance(operand, Cells):
                spec = f"{letters[0]},{letters[1]}->{letters[2]}"
                product = np.einsum(spec, gradient.array, other.array)
                self.deposit_numbers(operand, Numbers(product, gradient.batched))
            return
        self.deposit(
            operand,
            lambda out, add: Contract(gradient, other, out, letters, add),
            batched=operand.batched,
        )

    def differentiate_apply(self, step: Apply, gradient: Source) -> None:
        """Read the op's rule on arrays, for the operands whose gradient is needed."""
        arrays: dict[Expression, Array] = {"z": step.out}
        if step.stacked:
            (rows,) = step.operands
            slopes: Sequence[Expression] = [rule_for_rows(step.op, rows.shape[0]) or 0.0]
            arrays |= {ROWS: rows}
            if step.kept:
                weights = applied(EXP, applied(SUB, ROWS, "z"))
                arrays |= {weights: step.kept[0], applied(SUM, weights): step.kept[1]}
            gradient = lead(gradient, rows.shape)
        else:
            slopes = rule(step.op, len(step.operands))
            arrays |= {f"x{i}": operand for i, operand in enumerate(step.operands)}
        for slope, operand in zip(slopes, step.operands):
            if isinstance(slope, float):
                self.deposit_scaled(operand, gradient, slope)
            elif self.is_needed(operand):
                factor = self.evaluate(slope, arrays, operand.shape, batched=step.out.batched)
                self.deposit_product(operand, factor, gradient, batched=step.out.batched)

    def evaluate(
        self,
        slope: Expression,
        arrays: dict[Expression, Array],
        shape: tuple[int, ...],
        *,
        batched: bool,
    ) -> Array:
        """An expression of a rule on arrays; those known already are in `arrays`."""
        if isinstance(slope, float):
            return scalar(slope)
        if slope in arrays:
            return arrays[slope]
        assert isinstance(slope, Applied)
        operands = tuple(
            [self.evaluate(part, arrays, shape, batched=batched) for part in slope.parts]
        )
        if isinstance(slope.op, str):
            out = Scratch(shape[1:], batched)
            self.instructions.append(Reduce(operands[0], out, (0,)))
        else:
            out = Scratch(shape, batched)
            self.instructions.append(Map(slope.op, operands, out))
        arrays[slope] = out
        return out

    def deposit_product(
        self, operand: Source, factor: Array, gradient: Source, *, batched: bool
    ) -> None:
        """Add factor * gradient to the gradient of an operand."""
        if isinstance(gradient, Numbers) and isinstance(factor, Numbers):
            if isinstance(operand, Cells):
                product = np.broadcast_to(gradient.array * factor.array, operand.shape)
                self.deposit_numbers(operand, Numbers(product, gradient.batched))
        elif isinstance(gradient, Numbers) and not gradient.batched and (gradient.array == 1).all():
            self.deposit_array(operand, factor)
        else:
            self.deposit(
                operand,
                lambda out, add: Map(MUL, (factor, gradient), out, add),
                batched=batched,
            )

    def deposit_scaled(self, operand: Source, gradient: Source, slope: float) -> None:
        """Add slope * gradient to the gradient of an operand."""
        if slope == 0.0 or not self.is_needed(operand):
            return
        if isinstance(gradient, Numbers):
            # Shared out among the examples, numbers add up to themselves again.
            product = np.broadcast_to(slope * gradient.array, operand.shape)
            self.deposit_numbers(operand, Numbers(product, operand.batched))
        elif slope == 1.0:
            self.deposit_array(operand, gradient)
        else:
            negative = slope == -1.0
            op, arrays = (NEG, (gradient,)) if negative else (MUL, (gradient, scalar(slope)))
            self.deposit(
                operand, lambda out, add: Map(op, arrays, out, add), batched=gradient.batched
            )

    def deposit_numbers(self, operand: Cells, array: Numbers) -> None:
        """Add numbers to gradients: noted, where these are all of some steps' cells, and new."""
        if not self.is_needed(operand):
            return
        cells, owners = operand.cells.ravel(), self.owner[operand.batched]
        found: dict[int, float] = {}
        for i in set(owners[cells].tolist()):
            mine = array.array.ravel()[owners[cells] == i]
            whole = i >= 0 and self.program.steps[i].out.cells.size == mine.size
            if whole and i not in self.constant and (mine == mine[0]).all():
                found[i] = float(mine[0])
        covered = sum([self.program.steps[i].out.cells.size for i in found])
        if (
            array.batched == operand.batched
            and covered == cells.size == distinct(cells).size
            and not self.written[operand.batched][cells].any()
        ):
            self.constant |= found
        else:
            self.deposit_array(operand, array)

    def deposit(self, operand: Source, emit: Emit, *, batched: bool) -> None:
        """Add the result of an instruction, which is yet without a target, to a gradient."""
        if not self.is_needed(operand):
            return
        if batched == operand.batched and is_distinct(operand):
            self.materialise(operand)
            self.instructions.append(emit(operand.gradient, self.mark(operand)))
        else:
            result = Scratch(operand.shape, batched)
            self.instructions.append(emit(result, False))
            self.deposit_array(operand, result)

    def deposit_array(self, operand: Source, array: Array) -> None:
        """Add an array to a gradient, summed over the axes along which the operand repeats."""
        if not self.is_needed(operand):
            return
        self.materialise(operand)
        strides = operand.strides or ()
        repeated = tuple([a for a, s in enumerate(strides) if s == 0 and operand.shape[a] > 1])
        distinct = drop(operand, repeated)
        if is_distinct(distinct):
            add = self.mark(distinct)
            self.instructions.append(Reduce(array, distinct.gradient, repeated, add))
        else:
            self.instructions.append(Scatter(array, operand.gradient, self.mark(operand)))

    def materialise(self, operand: Cells) -> None:
        """Write out the constant gradients that more is about to be added to."""
        for i in set(self.owner[operand.batched][operand.cells].ravel().tolist()):
            if i in self.constant:
                out = self.program.steps[i].out
                number = numbers(out.shape, self.constant.pop(i), batched=out.batched)
                self.instructions.append(Reduce(number, out.gradient))
                self.written[out.batched][out.cells] = True

    def mark(self, operand: Cells) -> bool:
        """Note a gradient as written; whether part of it was before, so that this is added."""
        written, cells = self.written[operand.batched], operand.cells
        add = bool(written[cells].any())
        if add:
            self.zero[operand.batched][cells] |= ~written[cells]
        written[cells] = True
        return add


def sources(step: Step) -> Sequence[Source]:
    """What a step reads."""
    if isinstance(step, Apply):
        return step.operands
    if isinstance(step, Product):
        return [step.left, step.right, *step.terms]
    return [step.terms, *([step.base] if step.base else [])]


def same_cells(x: Source, y: Source) -> bool:
    """Whether two arrays are the same numbers in the same places."""
    if isinstance(x, Numbers) or isinstance(y, Numbers):
        return False
    return x.batched == y.batched and np.array_equal(x.cells, y.cells)


def distinct(cells: NDArray[np.int64]) -> NDArray[np.int64]:
    """The cells without repetitions."""
    ordered = np.sort(cells, axis=None)
    fresh = np.append(True, ordered[1:] != ordered[:-1])  # np.unique takes an import of 10 ms
    return np.asarray(ordered[fresh], dtype=np.int64)


def is_distinct(cells: Cells) -> bool:
    """Whether these are cells by strides, each only once."""
    return cells.strides is not None and distinct(cells.cells).size == cells.cells.size


def scalar(number: float) -> Numbers:
    """One constant, whatever the shape of what it meets."""
    return Numbers(np.array(number))


def numbers(shape: tuple[int, ...], number: float, *, batched: bool) -> Numbers:
    """An array of one number; where `batched`, shared out among the examples."""
    return Numbers(np.full(shape, number), batched)


def widen(source: Source, shape: tuple[int, ...]) -> Source:
    """An array (m,) read as (m, t), the same along t."""
    if isinstance(source, Numbers):
        return Numbers(np.broadcast_to(source.array[:, None], shape), source.batched)
    assert source.strides is not None
    return replace(source, shape=shape, strides=(*source.strides, 0))


def lead(source: Source, shape: tuple[int, ...]) -> Source:
    """An array read with one more axis in front, the same along it."""
    if isinstance(source, Numbers):
        return Numbers(np.broadcast_to(source.array, shape), source.batched)
    assert source.strides is not None
    return replace(source, shape=shape, strides=(0, *source.strides))


def drop(cells: Cells, axes: tuple[int, ...]) -> Cells:
    """The cells without the axes along which they repeat."""
    if not axes:
        return cells
    assert cells.strides is not None
    kept = [a for a in range(len(cells.shape)) if a not in axes]
    return replace(
        cells,
        shape=tuple([cells.shape[a] for a in kept]),
        strides=tuple([cells.strides[a] for a in kept]),
    )
