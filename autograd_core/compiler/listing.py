"""A program as text: its arrays forward and backward as formulas, with shapes.

A column of numbers has one axis, a matrix two, and where there are examples they are the columns;
with more axes, a formula names each by a letter. What is used once, and has no name, stands where
it is used.

>>> from autograd_core import compile
>>> from nn import MLP, losses
>>> model = MLP(2, [3, 1], activation="tanh", seed=0)
>>> program = compile(lambda x, y: losses.squared_error(model(x), y), batched=True)
>>> program.prepare([[0.0, 1.0]], [1.0])
>>> print(program)
13 parameters, 3 inputs, n examples
  forward
    z1 = W1 @ x + b1            3 × n
    a1 = tanh(z1)               3 × n
    z2 = W2 @ a1 + b2           1 × n
    v4 = z2 - y                 1 × n
    v5 = v4**2                  1 × n
    value = mean(v5)
  backward
    ∇v4 = 2 * v4 / n            1 × n
    ∇z2 = ∇v4                   1 × n
    ∇b2 = sum(∇v4)              1
    ∇W2 = ∇v4 @ a1ᵀ             3
    ∇a1 = W2ᵀ @ ∇v4             3 × n
    ∇z1 = (1 - a1 * a1) * ∇a1   3 × n
    ∇b1 = sum(∇z1)              3
    ∇W1 = ∇z1 @ xᵀ              3 × 2
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, TypeAlias

from autograd_core.compiler.ir import (
    Array,
    Compute,
    Constant,
    Gather,
    Leaf,
    Operand,
    Scatter,
    needed,
)
from autograd_core.compiler.multiples import number_in
from autograd_core.compiler.names import (
    Names,
    Wanted,
    is_fold,
    is_product,
    is_repeat,
    is_sum,
    lengths,
    short,
    spread,
    stem,
)
from autograd_core.engine import ADD, MUL
from autograd_core.formulas import PRODUCTS, SUMS, Formula, applied, infix, negative, number
from autograd_core.labels import scheme

if TYPE_CHECKING:
    from autograd_core.compiler.compiled import Compiled

Line: TypeAlias = "tuple[str, str]"  # a formula, and its shape
INDEXED: Wanted = ("?", "?")  # a formula in which every array has its letters


def listing(compiled: Compiled) -> str:
    """The program's arrays forward, and backward where the result can be differentiated."""
    text = Listing(compiled)
    lines = [("forward", ""), *text.forward(), *text.backward()]
    width = max(len(left) for left, _ in lines)
    body = [f"  {left:<{width}}   {right}".rstrip() for left, right in lines]
    return "\n".join([text.title, *body])


class Listing(Names):
    """A program's lines: its formulas, with names given to arrays as they come."""

    def __init__(self, compiled: Compiled) -> None:
        super().__init__(compiled.leaves(), compiled.labels)
        self.compiled = compiled
        self.order, self.along = compiled.whole()
        self.along_leaf = compiled.vector if compiled.parameters else compiled.inputs
        self.steps = {*compiled.steps, *compiled.results}
        self.at_first = dict.fromkeys(needed(self.order, compiled.results))  # in their order
        readers: defaultdict[Array, list[Array]] = defaultdict(list)
        for x in self.order:
            for y in x.reads():
                readers[y].append(x)
        self.inline = {y for y, xs in readers.items() if self.is_inline(y, xs)}
        self.written: dict[Array, set[int]] = {}
        self.count = 0  # of lines

    def is_inline(self, x: Array, readers: Sequence[Array]) -> bool:
        """Whether an array stands where it is used."""
        if not isinstance(x, Compute) or x in self.steps or len(readers) > 1:
            return False
        return not is_fold(x) and isinstance(readers[0], (Compute, Scatter))

    @property
    def title(self) -> str:
        """How large the program is."""
        theta, inputs = self.compiled.vector.size, self.compiled.inputs.size
        examples = ", n examples" if self.compiled.batched else ""
        return f"{theta} parameters, {inputs} inputs{examples}"

    def step_name(self, x: Compute) -> str:
        """The textbook's name: z1 = W1 x + b1, a1 = relu(z1); the label where there is one."""
        labels, name = self.labels.get(x, {}), ""
        if labels:
            label = next(iter(labels.values()))
            name = stem(label) if x.size > 1 else label
        elif x.op in (ADD, MUL):
            product = x.operands[0][0] if x.operands[0][0] in self.inline else x
            reads = [self.name(y) for y in product.reads() if y not in self.inline]
            layer = next((self.layers[read] for read in reads if read in self.layers), None)
            if layer is not None and is_sum(product):
                name = scheme().sums(layer)
                self.layers[name] = layer
        elif len(x.operands) == 1 and x.op and x.operands[0][0] not in self.inline:
            before = self.name(x.operands[0][0])
            name = scheme().activations(self.layers[before]) if before in self.layers else ""
        return name if name and name not in self.named.values() else f"v{self.count}"

    # --- Lines

    def forward(self) -> Iterator[Line]:
        """A line for each array that is computed, and the value."""
        for x in self.at_first:
            if isinstance(x, Compute) and x not in self.inline and not is_repeat(x):
                self.count += 1
                self.give(x, self.step_name(x), self.layout_of(x))
                yield f"  {self.equation(x)}", self.shape_name(x)
        for root in self.compiled.results[:1]:
            value = self.text((root, root.axes), self.wanted(root, root.axes)).text
            yield (f"  value = mean({value})" if root.batched else f"  value = {value}"), ""

    def backward(self) -> Iterator[Line]:
        """A line for each gradient."""
        if not self.along:
            return
        yield "backward", ""
        alike: defaultdict[Array, list[Array]] = defaultdict(list)
        for x, (g, _) in self.along.items():
            alike[g].append(x)
            named = x in self.named or isinstance(x, (Gather, Leaf))
            if named and isinstance(g, (Compute, Scatter)) and g not in self.named:
                self.inline.discard(g)
                self.give(g, f"∇{self.name(x)}", self.layout_along(x, self.along[x]))
        for g in self.order:
            if g not in self.at_first and not isinstance(g, Constant):
                yield from self.gradient(g, alike[g])
        for g in [g for g in alike if isinstance(g, Constant) or g in self.at_first]:
            yield from self.aliases(g, alike[g])

    def gradient(self, g: Array, along: Sequence[Array]) -> Iterator[Line]:
        """The lines of an array backward, which may be the gradient along several."""
        if isinstance(g, Compute) and g not in self.inline and not is_repeat(g):
            if g not in self.named:
                self.count += 1
                self.give(g, f"v{self.count}", self.layout_of(g))
            own = [x for x in along if f"∇{self.name(x)}" == self.named[g]]
            yield f"  {self.equation(g, self.sign_along(own))}", self.shape_name(g)
        elif isinstance(g, Scatter):
            yield from self.pieces(g, along)
        yield from self.aliases(g, along)

    def equation(self, x: Compute, sign: str = "=") -> str:
        """The formula of an array: of matrices, or where there are more axes, with letters."""
        flat = self.is_flat(x)
        name = self.named[x] if flat else f"{self.named[x]}[{spread(x.axes)}]"
        wanted = self.wanted(x, x.axes) if flat else INDEXED
        return f"{name} {sign} {self.formula(x, x.axes, wanted).text}"

    def sign(self, x: Array, cells: Sequence[int]) -> str:
        """What stands before a gradient along some cells: += if some of them have one already."""
        written = self.written.setdefault(x, set())
        sign = "=" if written.isdisjoint(cells) else "+="
        written.update(cells)
        return sign

    def sign_along(self, along: Sequence[Array]) -> str:
        """The same along arrays that are parts of others."""
        parts = [x for x in along if isinstance(x, Gather) and len(x.sources) == 1]
        signs = [self.sign(x.sources[0], x.index.ravel().tolist()) for x in parts]
        return "+=" if "+=" in signs else "="

    def pieces(self, g: Scatter, along: Sequence[Array]) -> Iterator[Line]:
        """A line for each piece that has none yet."""
        for x in along[:1]:
            names = self.cells_of(x)
            for operand, index in g.pieces:
                if operand[0] in self.inline or isinstance(operand[0], Constant):
                    cells = [i for i in index.ravel().tolist() if i >= 0]
                    target = f"∇{self.name_of([names[i] for i in cells])}"
                    text = self.text(operand, self.wanted_part(operand)).text
                    yield f"  {target} {self.sign(x, cells)} {text}", lengths(index.shape, x)

    def aliases(self, g: Array, along: Sequence[Array]) -> Iterator[Line]:
        """A line for each gradient that is the same as another one, or is known from the start."""
        told = {self.named.get(g)}  # a leaf of one part is called as that
        for x in along:
            shown = x in self.named or isinstance(x, Gather) or x is self.along_leaf
            name = f"∇{self.name(x)}" if shown and x.size else ""
            apart = self.along_leaf in x.reads() and not self.is_told(x)
            known = isinstance(g, Constant) and not apart
            known |= isinstance(g, Gather) and g not in self.at_first
            if name and not known and name not in told:
                told.add(name)
                text = self.text(self.along[x], self.wanted(x, x.axes)).text
                yield f"  {name} {self.sign_along([x])} {text}", self.shape_name(x)

    def is_told(self, x: Array) -> bool:
        """Whether the gradient along an array stands in the pieces of that along its sources."""
        sources = x.sources if isinstance(x, Gather) else ()
        return any(isinstance(self.along[y][0], Scatter) for y in sources if y in self.along)

    # --- Formulas

    def is_flat(self, x: Compute) -> bool:
        """Whether a formula is about matrices alone."""
        if len(x.axes) > 2:
            return False
        inner = [y for y in x.reads() if y in self.inline and isinstance(y, Compute)]
        rest = [y for y in x.reads() if y not in self.inline]
        return all(len(y.axes) <= 2 for y in rest) and all(map(self.is_flat, inner))

    def formula(self, x: Compute, letters: str, wanted: Wanted) -> Formula:
        """How an array is computed, with these letters for its axes."""
        own = dict(zip(x.axes, letters))
        for _, names in x.operands:
            for c in names:
                own.setdefault(c, c if c == "b" else c.upper())
        operands = [(y, "".join([own[c] for c in names])) for y, names in x.operands]
        if x.op and len(operands) > 2 and all(isinstance(y, Gather) for y, _ in operands):
            cells = [cell for y, _ in operands for cell in self.cells_of(y)]
            return Formula(f"{x.op.name}({self.name_of(cells)})")
        lost = "".join([own[c] for c in own if c not in x.axes])
        if x.op is None and lost:
            return self.folded(x, operands[0], lost, wanted)
        if x.op is MUL and wanted != INDEXED and is_product(x):
            return self.product(operands, letters, lost, wanted)
        found = self.operation(x, [self.text(operand, wanted) for operand in operands])
        return found if not lost else Formula(f"Σ{spread(lost)} {found.within(PRODUCTS)}", SUMS)

    def operation(self, x: Compute, operands: Sequence[Formula]) -> Formula:
        """An op, elementwise; numbers first, and none for 1."""
        if x.op is None:
            return operands[0]
        known = number_in(x.operands[-1]) if x.op is MUL else None
        if known is None:
            return applied(x.op.name, operands)
        factor, power = known
        found = operands[0]
        if abs(factor) != 1:
            found = infix("*", number(short(abs(factor))), found)
        return by_examples(negative(found) if factor < 0 else found, power)

    def folded(self, x: Compute, operand: Operand, lost: str, wanted: Wanted) -> Formula:
        """A sum, or a maximum, over rows or columns: over those that the shape beside it lacks."""
        verb = "sum" if x.fold == "+" else "max"
        if wanted == INDEXED:
            return Formula(f"{verb}({self.text(operand, INDEXED).text}, {spread(lost)})")
        rest = [c for c in operand[1] if c not in wanted]
        rows, columns = [wanted[0] or "".join(rest[:1]), wanted[1] or "".join(rest[-1:])]
        if len(operand[1]) == 1:
            rows, columns = ("", rest[0]) if rest == ["b"] else (rest[0], "")
        return Formula(f"{verb}({self.text(operand, (rows, columns)).text})")

    def product(
        self, operands: Sequence[Operand], letters: str, lost: str, wanted: Wanted
    ) -> Formula:
        """A product of matrices, in the order in which their rows and columns are wanted."""
        (x, y), (rows, columns) = operands, wanted
        if lost and not letters and lost == "b":
            return infix("@", self.text(x, ("", "b")), self.text(y, ("b", "")))
        if lost and set(letters) <= set(x[1]) & set(y[1]):  # of each column with each
            wanted = (lost, letters)
            return infix("·", self.text(x, wanted), self.text(y, wanted))
        if (rows and rows not in x[1]) or (columns and columns not in y[1]):
            x, y = y, x
        return infix("@", self.text(x, (rows, lost)), self.text(y, (lost, columns)))

    def text(self, operand: Operand, wanted: Wanted) -> Formula:
        """An operand as it stands in a formula: its own, or its name, transposed if need be."""
        x, letters = operand
        known = number_in(operand)
        if known is not None:
            return by_examples(number(short(known[0])), known[1])
        if isinstance(x, Compute) and (x in self.inline or is_repeat(x)):
            return self.formula(x, letters, wanted)
        name = self.name(x)
        if wanted == INDEXED:
            return Formula(f"{name}[{spread(letters)}]" if letters else name)
        row, column = self.wanted(x, letters)
        turned = (row and row != wanted[0]) or (column and column != wanted[1])
        return Formula(f"{name}ᵀ" if turned else name)


def by_examples(x: Formula, power: int) -> Formula:
    """x * n**power, for n examples."""
    for _ in range(abs(power)):
        x = infix("/" if power < 0 else "*", x, Formula("n"))
    return x
