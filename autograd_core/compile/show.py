"""A program as text: its steps forward and backward as formulas on arrays, with shapes.

>>> from autograd_core import compile
>>> from nn import MLP, losses
>>> model = MLP(2, [3, 1], activation="tanh", seed=0)
>>> program = compile(lambda x, y: losses.squared_error(model(x), y), batched=True)
>>> program.prepare([[0.0, 1.0]], [1.0])
>>> print(program)
13 parameters, 3 inputs, n examples
  forward
    z1 = W1 @ x + b1              3 × n
    a1 = tanh(z1)                 3 × n
    z2 = W2 · a1 + b2             1 × n
    v4 = z2 - y                   1 × n
    v5 = v4**2                    1 × n
    value = mean(v5)
  backward
    ∇v4 = (2 * v4**1) * 1/n       1 × n
    ∇z2 = ∇v4                     1 × n
    ∇W2 = ∇z2 @ a1ᵀ               3
    ∇a1 = W2ᵀ @ ∇z2               3 × n
    ∇b2 = sum(∇z2)                1
    ∇z1 = (1 - (a1 * a1)) * ∇a1   3 × n
    ∇W1 = ∇z1 @ xᵀ                3 × 2
    ∇b1 = sum(∇z1)                3
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence

from autograd_core.compile.backward import (
    Array,
    Contract,
    Instruction,
    Map,
    Reduce,
    backward,
)
from autograd_core.compile.layout import Apply, Cells, Numbers, Product, Program, Scratch, Step
from autograd_core.engine import MUL, Op
from autograd_core.names import short

INFIX = {"+", "-", "*", "/", "**"}
WEIGHTS = re.compile(r"W(\d*)")


def listing(program: Program, label: Callable[[int], str], *, batched: bool) -> str:
    """The program's steps forward, and backward where the result can be differentiated."""
    text = Listing(program, label, batched=batched)
    lines = text.lines()
    width = max(len(left) for left, _ in lines)
    return "\n".join(
        [text.title(), *[f"  {left:<{width}}   {right}".rstrip() for left, right in lines]]
    )


class Listing:
    """Names for everything that a program reads and writes."""

    def __init__(self, program: Program, label: Callable[[int], str], *, batched: bool) -> None:
        self.program, self.batched = program, batched
        graph = program.graph
        sizes = {False: program.fixed, True: program.batched}
        self.whole_at = {batched: [""] * size for batched, size in sizes.items()}
        self.part_at = {batched: [""] * size for batched, size in sizes.items()}
        names = {
            node: label(node) or "θ"  # parameters need no labels
            for node, cell in enumerate(program.address.tolist())
            if cell >= 0 and graph.ops[node] is None and node not in graph.constants
        }
        self.size = Counter(map(stem, names.values()))
        for node, name in names.items():
            batched, cell = graph.batched[node], program.address[node]
            self.whole_at[batched][cell], self.part_at[batched][cell] = stem(name), name
        taken: set[str] = set()
        self.formula: dict[Scratch, str] = {}
        self.softmax: dict[Sequence[Array], str] = {}
        for i, step in enumerate(program.steps, 1):
            name = self.step_name(step, [label(node) for node in step.nodes[:2]], taken) or f"v{i}"
            taken.add(name)
            if isinstance(step, Apply) and step.kept:
                self.softmax[step.kept] = f"softmax({self.name(step.operands[0])})"
            cells = step.out.cells.ravel().tolist()
            self.size[name] = len(cells)
            for j, cell in enumerate(cells):
                self.whole_at[step.out.batched][cell] = name
                self.part_at[step.out.batched][cell] = f"{name}[{j}]"

    def step_name(self, step: Step, labels: Sequence[str], taken: set[str]) -> str:
        """The textbook's name: z1 = W1 x + b1, a1 = relu(z1); the label where there is one."""
        name = ""
        if labels[0]:
            name = stem(labels[0]) if len(step.nodes) > 1 else labels[0]
        elif isinstance(step, Product):
            left, right = self.name(step.left), self.name(step.right)
            weights = WEIGHTS.fullmatch(left) or WEIGHTS.fullmatch(right)
            name = f"z{weights[1]}" if weights else ""
        elif isinstance(step, Apply) and len(step.operands) == 1 and not step.stacked:
            before = re.fullmatch(r"z(\d*)", self.name(step.operands[0]))
            name = f"a{before[1]}" if before else ""
        return "" if name in taken else name

    # --- Names

    def name(self, array: Array) -> str:
        """What to call an array."""
        if isinstance(array, Scratch):
            return self.formula[array]
        if isinstance(array, Numbers):
            return number_name(array)
        found = self.called(array)
        whole = found[0] if len(found) == 1 else f"[{', '.join(found)}]"
        return f"∇{whole}" if array.grad else whole

    def called(self, array: Cells) -> list[str]:
        """What the parts of an array are called, in order."""
        whole_at, part_at = self.whole_at[array.batched], self.part_at[array.batched]
        found: dict[str, list[str]] = {}
        for cell in dict.fromkeys(array.cells.ravel().tolist()):
            found.setdefault(whole_at[cell], []).append(part_at[cell])
        if len(found) > 2 and not array.batched and array.cells.max() < self.program.n_parameters:
            return ["θ"]  # parameters of all sorts
        names = [
            "constants" if not name else name if len(parts) == self.size[name] else part_name(parts)
            for name, parts in found.items()
        ]
        return names if len(names) < 4 else [*names[:3], "…"]

    # --- Lines

    def title(self) -> str:
        """How large the program is."""
        program = self.program
        examples = ", n examples" if self.batched else ""
        return f"{program.n_parameters} parameters, {program.n_inputs} inputs{examples}"

    def lines(self) -> list[tuple[str, str]]:
        """A line for each step forward, the value, and a line for each result backward."""
        lines = [("forward", "")]
        lines += [
            (f"  {self.name(step.out)} = {self.right_side(step)}", shape_name(step.out))
            for step in self.program.steps
        ]
        root = self.program.roots[0]
        value = self.name(root)
        lines.append((f"  value = mean({value})" if root.batched else f"  value = {value}", ""))
        lines.append(("backward", ""))
        # Without parameters, the gradient that can be asked for is that along the inputs.
        for instruction in backward(self.program, inputs=not self.program.n_parameters):
            right = self.result(instruction)
            if isinstance(instruction.out, Scratch):
                self.formula[instruction.out] = right
            elif not (isinstance(instruction, Reduce) and right == "0"):
                sign = "+=" if instruction.add else "="
                lines.append(
                    (f"  {self.name(instruction.out)} {sign} {right}", shape_name(instruction.out))
                )
        return lines

    def right_side(self, step: Step) -> str:
        """How a step is computed."""
        if isinstance(step, Apply):
            return applied(step.op, [self.name(x) for x in step.operands])
        if isinstance(step, Product):
            return " + ".join([self.product(step), *[self.name(term) for term in step.terms]])
        parts = [f"sum({self.name(step.terms)})"]
        return " + ".join([*parts, *([self.name(step.base)] if step.base else [])])

    def result(self, instruction: Instruction) -> str:
        """How an instruction's result is computed."""
        if isinstance(instruction, Map):
            if instruction.operands in self.softmax:
                return self.softmax[instruction.operands]
            return applied(instruction.op, [self.name(x) for x in instruction.operands])
        if isinstance(instruction, Contract):
            return self.product_backward(instruction)
        source = self.name(instruction.source)
        summed = isinstance(instruction, Reduce) and (
            instruction.axes or instruction.source.batched > instruction.out.batched
        )
        return f"sum({source})" if summed else source

    def product(self, step: Product) -> str:
        """A product whose result has the shape c × r; it is a column where c is 1."""
        left, right = self.name(step.left), self.name(step.right)
        _, c, r = step.out.shape
        if c == 1:
            return product(left, right, matrix=step.out.shape != (1, 1, 1))
        return product(right, left if r == 1 else f"{left}ᵀ", matrix=True)

    def product_backward(self, instruction: Contract) -> str:
        """The gradient of one factor: that of the product, c × r, times the other factor."""
        slope, other = instruction.left, instruction.right
        names = [self.name(slope), self.name(other)]
        same = isinstance(slope, Numbers) or not slope.batched
        if slope.shape == (1, 1, 1) and (same or (other.batched and instruction.out.batched)):
            scaled = applied(MUL, names)  # the gradient of a dot product is one number
            return f"sum({scaled})" if other.batched and not instruction.out.batched else scaled
        (_, c, r), of_left = slope.shape, instruction.letters[2] == "nrk"
        if c > 1 and r > 1:
            return product(names[0] + "ᵀ" * of_left, names[1], matrix=True)
        pair = [names[0], f"{names[1]}ᵀ"]
        return product(*(pair if of_left == (c == 1) else reversed(pair)), matrix=True)


def stem(label: str) -> str:
    """The name of the array that a labelled number belongs to: W1 for W1[0,2]."""
    return label.partition("[")[0]


def part_name(parts: Sequence[str]) -> str:
    """What to call a part of an array: v1[2], v1[2:5], or W1[…] where it is not in one row."""
    if len(parts) == 1:
        return parts[0]
    start = re.fullmatch(r"(.*)\[(\d+)\]", parts[0])
    if start:
        whole, first, end = start[1], int(start[2]), int(start[2]) + len(parts)
        if parts == [f"{whole}[{i}]" for i in range(first, end)]:
            return f"{whole}[{first}:{end}]"
    return f"{stem(parts[0])}[…]"


def number_name(array: Numbers) -> str:
    """Constants: the number where they are all the same."""
    first = float(array.array.flat[0])
    if not (array.array == first).all():
        return "constants"
    return f"{short(first)}/n" if array.batched else short(first)


def shape_name(array: Cells) -> str:
    """The lengths of the axes; n for the examples."""
    sizes = [str(size) for size in array.shape if size > 1] or ["1"]
    return " × ".join([*sizes, *["n"] * array.batched])


def product(left: str, right: str, *, matrix: bool) -> str:
    """A matrix product, or a dot product of two vectors."""
    return f"{parenthesised(left)} {'@' if matrix else '·'} {parenthesised(right)}"


def applied(op: Op, operands: Sequence[str]) -> str:
    """An op written as in mathematics."""
    if op.name in INFIX and len(operands) == 2:
        return f" {op.name} ".join(map(parenthesised, operands))
    if op.name.startswith("**"):
        return f"{parenthesised(operands[0])}{op.name}"
    return f"{op.name}({', '.join(operands)})"


def parenthesised(text: str) -> str:
    """In parentheses where it is an operation."""
    return f"({text})" if " " in text and not text.startswith(("[", "sum(")) else text
