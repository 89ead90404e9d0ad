"""Random programs on arrays of Values, compiled against eager.

A program is drawn while it runs: every step asks what to do next, and what it was told is kept, so
that it does the same when it is run again, on numbers or on symbols. Whoever draws has the methods
of `random.Random`: a seed (`seeded`) or Hypothesis (`st.randoms()`).

Each step keeps a bound on the size of its numbers and is made smaller where that grows, so that
rounding stays far below what is compared: 1e-12 of the largest number or gradient met on the way.
"""

import itertools
import math
import random
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from autograd_core import (
    OPS,
    Value,
    compile,
    dot,
    gradient,
    logsumexp,
    maximum,
    mean,
    minimum,
    softmax,
    topological,
    total,
)
from autograd_core.check import arities
from autograd_core.engine import NEG, SIN, TANH
from tests.compiled import at_a_kink
from tests.strategies import KINKED, OWN

SIZES = (1, 2, 5)  # examples in a batch; one program in ten is run on MANY too
MANY = 100
TOLERANCE = 1e-12
LARGE = 4.0  # numbers are made smaller from here on
MOST_CELLS = 36
MOST_GRADIENTS = 2  # each makes the graph about three times as large


# --- Choices ---------------------------------------------------------------------------------


class Choices:
    """What was drawn, in order, to be drawn again in the same order."""

    def __init__(self, source):
        self.source, self.drawn, self.place = source, [], 0

    def again(self):
        """From the first on."""
        self.place = 0

    def whole(self, low, high):
        """A whole number, both ends included."""
        if self.place == len(self.drawn):
            self.drawn.append(self.source.randint(low, high))
        self.place += 1
        return self.drawn[self.place - 1]

    def one_of(self, options):
        return options[self.whole(0, len(options) - 1)]

    def number(self):
        return self.whole(-1999, 1999) / 1000


# --- Arrays of Values ------------------------------------------------------------------------


@dataclass
class Matrix:
    """Rows of Values and numbers, none of them larger than the bound."""

    rows: list
    bound: float

    @property
    def shape(self):
        return len(self.rows), len(self.rows[0])

    @property
    def cells(self):
        return [x for row in self.rows for x in row]

    @property
    def columns(self):
        return [list(column) for column in zip(*self.rows, strict=True)]

    def at(self, i, j):
        """The cell there; beyond the last row or column it begins again."""
        row = self.rows[i % len(self.rows)]
        return row[j % len(row)]

    def row(self, i, length):
        return [self.at(i, j) for j in range(length)]


def filled(shape, bound, cell):
    """A Matrix with cell(i, j) in every place."""
    rows, columns = shape
    return Matrix([[cell(i, j) for j in range(columns)] for i in range(rows)], bound)


def as_matrix(argument):
    """An argument, a number or an array of up to two axes, as a Matrix."""
    if isinstance(argument, np.ndarray):
        argument = argument.tolist()
    if not isinstance(argument, list):
        return Matrix([[argument]], 2.0)
    return Matrix(argument if isinstance(argument[0], list) else [argument], 2.0)


# --- Sums in all writings --------------------------------------------------------------------


def one_by_one(terms, start=0.0):
    for term in terms:
        start = start + term
    return start


def taken_away(terms, start=0.0):
    for term in terms:
        start = start - term
    return start


def by_halves(terms):
    if len(terms) == 1:
        return terms[0]
    middle = len(terms) // 2
    return by_halves(terms[:middle]) + by_halves(terms[middle:])


def multiplied(xs, ys):
    return [x * y for x, y in zip(xs, ys, strict=True)]


SUMS = {  # (terms, a number) -> their sum, its negative, or a multiple of it
    "sum": lambda xs, c: sum(xs),
    "total": lambda xs, c: total(xs),
    "mean": lambda xs, c: mean(xs),
    "one by one": lambda xs, c: one_by_one(xs, c),
    "taken away": lambda xs, c: taken_away(xs, c),
    "the first less the others": lambda xs, c: taken_away(xs[1:], xs[0]),
    "by halves": lambda xs, c: by_halves(xs),
    "the last first": lambda xs, c: one_by_one(xs[::-1]),
    "each negative": lambda xs, c: sum(-x for x in xs),
    "each times": lambda xs, c: sum(c * x for x in xs),
    "times each": lambda xs, c: total([x * c for x in xs]),
    "each divided": lambda xs, c: sum(x / (abs(c) + 1) for x in xs),
    "divided": lambda xs, c: sum(xs) / (abs(c) + 1),
    "times": lambda xs, c: c * total(xs),
    "of sums": lambda xs, c: total([sum(xs[::2]), total(xs[1::2])]),
    "dot with ones": lambda xs, c: dot(xs, [1.0] * len(xs)),
    "dot with numbers": lambda xs, c: dot([c + i / 4 for i in range(len(xs))], xs, c),
    "of differences": lambda xs, c: sum(x - c for x in xs),
}
PRODUCTS = {  # (xs, ys, bias, a number) -> the sum of products, its negative, or a multiple of it
    "dot": lambda xs, ys, b, c: dot(xs, ys),
    "dot with bias": lambda xs, ys, b, c: dot(xs, ys, b),
    "dot plus bias": lambda xs, ys, b, c: dot(xs, ys) + b,
    "bias less dot": lambda xs, ys, b, c: b - dot(ys, xs),
    "dot times": lambda xs, ys, b, c: dot(xs, ys) * c,
    "dot divided": lambda xs, ys, b, c: dot(xs, ys) / (abs(c) + 1),
    "dot of multiples": lambda xs, ys, b, c: dot([x * c for x in xs], ys),
    "negative": lambda xs, ys, b, c: sum(-(x * y) for x, y in zip(xs, ys, strict=True)),
    "negative factor": lambda xs, ys, b, c: sum(-x * y for x, y in zip(xs, ys, strict=True)),
    "with bias before": lambda xs, ys, b, c: one_by_one(multiplied(xs, ys), b),
    "taken from bias": lambda xs, ys, b, c: taken_away(multiplied(xs, ys), b),
    "each times": lambda xs, ys, b, c: sum(c * x * y for x, y in zip(xs, ys, strict=True)),
    "each divided": lambda xs, ys, b, c: sum(x * y / (abs(c) + 1) for x, y in zip(xs, ys)),
} | {
    f"{name} of products": lambda xs, ys, b, c, add=add: add(multiplied(xs, ys), c)
    for name, add in SUMS.items()
}
FOLDS = {  # of a row to one number that is no larger
    "maximum": lambda xs: maximum(*xs),
    "minimum": lambda xs: minimum(*xs),
    "logsumexp": logsumexp,
    "root of squares": lambda xs: (mean([x * x for x in xs]) + 0.1).sqrt(),
}


# --- Steps: each draws what it needs, and returns a Matrix ------------------------------------


def ranges():
    """How large each op's results are in its domain, by op and number of operands."""
    found, points = {}, random.Random(0)
    for op in (*OPS, *OWN):
        for count in arities(op):
            inside = [[points.uniform(*op.domain) for _ in range(count)] for _ in range(200)]
            corners = itertools.islice(itertools.product(op.domain, repeat=count), 64)
            within = [[0.99 * x + 0.0125 for x in corner] for corner in corners]
            found[op, count] = max(abs(op(*xs)) for xs in [*inside, *within])
    return found


RANGES = ranges()


def inside(op, x, bound):
    """x, or a number computed from it that the op is defined for."""
    low, high = op.domain
    if (low, high) == (-bound, bound):
        return x
    return 0.49 * (high - low) * SIN(x) + (low + high) / 2


def elementwise(choose, pool):
    """A row of the table, or an op of one's own, on cells of arrays."""
    op, count = choose.one_of(list(RANGES))
    matrices = [choose.one_of(pool) for _ in range(count)]
    return filled(
        matrices[0].shape,
        RANGES[op, count],
        lambda i, j: op(*[inside(op, m.at(i, j), m.bound) for m in matrices]),
    )


def pairs(choose, pool):
    """An op on every cell of one array with every cell of another."""
    op, count = choose.one_of([key for key in RANGES if key[1] == 2])
    xs, ys = choose.one_of(pool), choose.one_of(pool)
    many, few = len(xs.cells), max(1, MOST_CELLS // len(xs.cells))
    a, b = xs.cells, ys.cells[:few]
    return filled(
        (many, len(b)),
        RANGES[op, count],
        lambda i, j: op(inside(op, a[i], xs.bound), inside(op, b[j], ys.bound)),
    )


def arithmetic(choose, pool):
    """Operators on arrays and numbers."""
    x, y, c = choose.one_of(pool), choose.one_of(pool), choose.number()
    rule, bound = choose.one_of(
        [
            (lambda a, b: a + b, x.bound + y.bound),
            (lambda a, b: a - b, x.bound + y.bound),
            (lambda a, b: a * b, x.bound * y.bound),
            (lambda a, b: a - a * b, x.bound * (1 + y.bound)),
            (lambda a, b: c * a, 2 * x.bound),
            (lambda a, b: c - a, 2 + x.bound),
            (lambda a, b: a - c, 2 + x.bound),
            (lambda a, b: -a, x.bound),
            (lambda a, b: -(a - b), x.bound + y.bound),
            (lambda a, b: c - (b - c * a) / 3, 2 + y.bound + x.bound),
            (lambda a, b: a / (2.25 + SIN(b)), x.bound),
            (lambda a, b: c / (1.5 + b * b), 2.0),
            (lambda a, b: a**2, x.bound**2),
            (lambda a, b: a * a - b * b, x.bound**2 + y.bound**2),
            (lambda a, b: 2.0 ** SIN(a), 2.0),
        ]
    )
    return filled(x.shape, bound, lambda i, j: rule(x.at(i, j), y.at(i, j)))


def products(choose, pool):
    """Every row of one array by every row of another, written in one way or another."""
    xs, ys, bias = (choose.one_of(pool) for _ in range(3))
    write, c, swapped = PRODUCTS[choose.one_of(list(PRODUCTS))], choose.number(), choose.whole(0, 1)
    length, few = xs.shape[1], max(1, MOST_CELLS // xs.shape[0])

    def cell(i, j):
        row, column = xs.rows[i], ys.row(j, length)
        left, right = (column, row) if swapped else (row, column)
        return write(left, right, bias.at(j, i), c)

    bound = (length + 2) * (xs.bound * ys.bound + 2) * 2 + bias.bound
    return filled((xs.shape[0], min(few, ys.shape[0])), bound, cell)


def sums(choose, pool):
    """The sum of every row, every column, or all, written in one way or another."""
    x, write = choose.one_of(pool), SUMS[choose.one_of(list(SUMS))]
    c, along = choose.number(), choose.whole(0, 2)
    parts = [x.rows, x.columns, [x.cells]][along]
    return Matrix([[write(part, c) for part in parts]], len(parts[0]) * (x.bound + 2) * 4)


def folds(choose, pool):
    """The largest, the smallest, ... of every row or column."""
    x, fold, along = choose.one_of(pool), FOLDS[choose.one_of(list(FOLDS))], choose.whole(0, 1)
    return Matrix([[fold(part)] for part in (x.columns if along else x.rows)], x.bound + 2)


def shares(choose, pool):
    """The softmax of every row, of all of it or of all up to the row's number."""
    x, causal = choose.one_of(pool), choose.whole(0, 1)
    seen = [row[: i + 1] if causal else row for i, row in enumerate(x.rows)]
    width = x.shape[1]
    rows = [[*softmax(row), *[0.0] * (width - len(row))] for row in seen]
    return Matrix(rows, 1.0)


def normalised(choose, pool):
    """Every row shifted and scaled to mean 0 and variance 1."""
    x = choose.one_of(pool)
    rows = []
    for row in x.rows:
        centre = mean(row)
        spread = (mean([(a - centre) ** 2 for a in row]) + 0.25) ** 0.5
        rows.append([(a - centre) / spread for a in row])
    return Matrix(rows, math.sqrt(x.shape[1]))


def windows(choose, pool):
    """A convolution: rows of one array slide along the rows of another."""
    kernels, x, bias = (choose.one_of(pool) for _ in range(3))
    stride = choose.whole(1, 2)
    length = min(kernels.shape[1], x.shape[1])
    starts = range(0, x.shape[1] - length + 1, stride)

    def cell(i, place):
        k, start = divmod(place, len(starts))
        seen = [x.rows[i][starts[start] + j] for j in range(length)]
        return dot(kernels.row(k, length), seen, bias.at(0, k))

    few = max(1, MOST_CELLS // (x.shape[0] * len(starts)))
    bound = length * kernels.bound * x.bound + bias.bound
    return filled((x.shape[0], min(few, kernels.shape[0]) * len(starts)), bound, cell)


def running(choose, pool):
    """Sums and products of all that came before, as long as there is something."""
    x, y, way = choose.one_of(pool), choose.one_of(pool), choose.whole(0, 2)
    rows = []
    for i, row in enumerate(x.rows):
        parts = [row[: j + 1] for j in range(len(row))]
        if way == 0:
            rows.append([sum(part) for part in parts])
        elif way == 1:
            rows.append([dot(part, y.row(i, len(part))) for part in parts])
        else:
            rows.append([dot(part, y.row(j, len(part))) for j, part in enumerate(parts)])
    return Matrix(rows, x.shape[1] * x.bound * max(1.0, y.bound))


def recurrence(choose, pool):
    """A state that goes through the rows, as wide as they are."""
    x, W, V = (choose.one_of(pool) for _ in range(3))
    width = x.shape[1]
    state, rows = [0.0] * width, []
    for row in x.rows:
        state = [
            TANH(dot(W.row(i, width), state) + dot(V.row(i, width), row) / 2) for i in range(width)
        ]
        rows.append(state)
    return Matrix(rows, 1.0)


def transposed(choose, x):
    return x.columns


def reversed_rows(choose, x):
    return [row[::-1] for row in x.rows]


def flat(choose, x):
    return [x.cells]


def rolled(choose, x):
    """Each row begins one further than the one before it."""
    rows, columns = x.shape
    return [[x.at(i, i + j) for j in range(columns)] for i in range(rows)]


def part(choose, x):
    rows, columns = x.shape
    return [row[: (columns + 1) // 2] for row in x.rows[rows // 2 :]]


def picked(choose, x):
    rows, columns = choose.whole(1, 4), choose.whole(1, 4)
    return [
        [x.at(choose.whole(0, 5), choose.whole(0, 5)) for _ in range(columns)] for _ in range(rows)
    ]


REARRANGEMENTS = (transposed, reversed_rows, flat, rolled, part, picked)


def rearranged(choose, pool):
    """The same cells elsewhere: none of them is new."""
    x, move = choose.one_of(pool), choose.one_of(REARRANGEMENTS)
    return Matrix(move(choose, x), x.bound)


def joined(choose, pool):
    """The cells of two arrays in one row."""
    x, y = choose.one_of(pool), choose.one_of(pool)
    return Matrix([(x.cells + y.cells)[:MOST_CELLS]], max(x.bound, y.bound))


def with_constants(choose, pool):
    """Some cells replaced by numbers, plain or Values made here, or all of them."""
    x, share = choose.one_of(pool), choose.whole(1, 3)
    numbers = (0.0, 1.0, -1.0, 0.5, choose.number())

    def cell(i, j):
        if choose.whole(0, 3) > share:
            return x.at(i, j)
        number = choose.one_of(numbers)
        return Value(number) if choose.whole(0, 1) else number

    return filled(x.shape, max(2.0, x.bound), cell)


def slopes(choose, pool):
    """The gradient of one array's sum along the cells of another."""
    y, x = total(choose.one_of(pool).cells), choose.one_of(pool)
    along = gradient(y, *[v for v in x.cells if isinstance(v, Value)])
    return Matrix([[TANH(slope / 4) for slope in along] or [0.0]], 1.0)


STEPS = (
    *(elementwise,) * 4,  # the more often the more there is to choose
    *(products,) * 4,
    *(arithmetic,) * 3,
    *(sums,) * 3,
    *(rearranged,) * 2,
    joined,
    pairs,
    folds,
    shares,
    normalised,
    windows,
    running,
    recurrence,
    with_constants,
    slopes,
)


def tamed(choose, x):
    """The same array, or a smaller function of it where its numbers may be large."""
    if x.bound <= LARGE:
        return x
    factor = round(2 / x.bound, 3) or 2 / x.bound
    rule, bound = choose.one_of(
        [
            (lambda a: factor * a, 2.5),
            (lambda a: a / (x.bound / 2), 2.0),
            (lambda a: TANH(factor * a), 1.0),
            (lambda a: SIN(NEG(a / x.bound)), 1.0),
        ]
    )
    return filled(x.shape, bound, lambda i, j: rule(x.at(i, j)))


# --- Programs --------------------------------------------------------------------------------


def root_alone(choose, root, matrix):
    return root


def root_and_row(choose, root, matrix):
    return root, matrix.rows[0]


def root_and_table(choose, root, matrix):
    return root, matrix.rows, choose.one_of(matrix.cells)


RESULTS = (root_alone, root_and_row, root_and_table)


class RandomProgram:
    """A function on Values, and arguments for it."""

    def __init__(self, source):
        self.batched = source.randint(0, 4) > 0
        self.numbers = np.random.default_rng(source.randint(0, 2**32))
        self.parameters = [
            filled(
                (source.randint(1, 5), source.randint(1, 5)),
                2.0,
                lambda i, j, name=name: Value(self.uniform(), f"{name}[{i},{j}]"),
            )
            for name in "ABC"[: source.randint(1, 3)]
        ]
        kinds = ((), (1,), (3,), (5,), (2, 2), (3, 3), (2, 4), (5, 1))
        self.shapes = [
            kinds[source.randint(0, len(kinds) - 1)]
            for _ in range(source.randint(1 if self.batched else 0, 2))
        ]
        self.many = source.randint(0, 9) == 0
        self.length = source.randint(1, 8)
        self.choices = Choices(source)
        self.names = []

    def uniform(self, shape=()):
        found = self.numbers.uniform(-2, 2, shape)
        return found if shape else float(found)

    @property
    def leaves(self):
        """The parameters, one by one."""
        return [v for matrix in self.parameters for v in matrix.cells]

    def __call__(self, *arguments):
        choose = self.choices
        choose.again()
        pool = [*self.parameters, *map(as_matrix, arguments)]
        self.names, gradients = [], 0
        for _ in range(self.length):
            step = choose.one_of(STEPS)
            gradients += step is slopes
            if gradients > MOST_GRADIENTS and step is slopes:
                step = arithmetic
            self.names.append(step.__name__)
            pool.append(tamed(choose, step(choose, pool)))
        root = total([x * 0.1 for matrix in pool for x in matrix.cells]) + total(pool[-1].cells)
        return choose.one_of(RESULTS)(choose, root, choose.one_of(pool))

    def arguments(self, n):
        """Arguments for n examples, or for none."""
        return [self.uniform((n, *shape) if self.batched else shape) for shape in self.shapes]

    def __repr__(self):
        batched = "batched" if self.batched else "not batched"
        return f"{batched}, inputs {self.shapes}: {', '.join(self.names)}"


def seeded(seed):
    """The program of a seed."""
    return RandomProgram(random.Random(seed))


# --- Eager -----------------------------------------------------------------------------------


def values(x):
    """The numbers as new Values, in an array as it comes."""
    if isinstance(x, np.ndarray):
        array = np.empty(x.shape, dtype=object)
        for place in np.ndindex(*x.shape):
            array[place] = Value(float(x[place]))
        return array
    return Value(float(x))


def first(result):
    return result[0] if isinstance(result, tuple) else result


@dataclass
class Example:
    """What eager says of one example: results, slopes, and the largest number met."""

    root: Value
    results: list
    along_parameters: np.ndarray
    along_inputs: list
    largest: float

    @classmethod
    def of(cls, program, arguments):
        """Run the program on Values, and go back over it."""
        leaves, inputs = program.leaves, [values(x) for x in arguments]
        result = program(*inputs)
        root = first(result)
        for v in leaves:
            v.grad = 0.0
        root.backward()
        met = [abs(x) for v in topological(root) for x in (v.data, v.grad)]
        return cls(
            root,
            [table(x, "data") for x in (result if isinstance(result, tuple) else [result])],
            np.array([v.grad for v in leaves]),
            [table(x, "grad") for x in inputs],
            max(met) if all(map(math.isfinite, met)) else math.inf,
        )


def table(x, what):
    """The data or the gradients in an array of Values, a list of them, or one."""
    if isinstance(x, (list, np.ndarray)):
        return np.array([table(item, what) for item in x])
    return np.array(getattr(x, what) if isinstance(x, Value) else x, dtype=float)


def together(examples):
    """What eager says of a batch: the mean of numbers, arrays in rows."""
    n = len(examples)
    columns = list(zip(*[example.results for example in examples], strict=True))
    inputs = list(zip(*[example.along_inputs for example in examples], strict=True))
    return (
        [np.array(column) if column[0].ndim else np.mean(column) for column in columns],
        np.mean([example.along_parameters for example in examples], axis=0),
        [np.array(rows) / n for rows in inputs],
    )


# --- Compared --------------------------------------------------------------------------------


@dataclass
class Outcome:
    """How often two were compared at each size, 0 where there is no batch; the worst error."""

    compared: Counter = field(default_factory=Counter)
    not_finite: int = 0
    at_a_kink: int = 0
    worst: float = 0.0

    @property
    def agrees(self):
        return self.worst <= TOLERANCE


def check(program, executor=None):
    """Run a program both ways, at all sizes."""
    options = {"executor": executor} if executor else {}
    compiled, outcome = compile(program, batched=program.batched, **options), Outcome()
    if not program.batched:
        arguments = program.arguments(None)
        example = Example.of(program, arguments)
        expected = example.results, example.along_parameters, example.along_inputs
        compare(program, compiled, arguments, expected, [example], outcome)
        return outcome
    arguments = program.arguments(MANY if program.many else max(SIZES))
    rows = list(zip(*arguments, strict=True))
    examples = [Example.of(program, row) for row in rows]
    for n in (*SIZES, MANY)[: len(SIZES) + program.many]:
        part = [array[:n] for array in arguments]
        compare(program, compiled, part, together(examples[:n]), examples[:n], outcome)
    return outcome


def compare(program, compiled, arguments, expected, examples, outcome):
    """Value, gradient and gradient along the inputs, at one number of examples."""
    largest = max([1.0, *[example.largest for example in examples]])
    if not math.isfinite(largest):
        outcome.not_finite += 1
        return
    results, along_parameters, along_inputs = expected
    value, slopes = compiled.value_and_gradient(*arguments)
    known = dict(zip(compiled.parameters, slopes.tolist(), strict=True))
    found = [known.get(v, 0.0) for v in program.leaves]
    error = max(
        apart(value, results),
        apart(compiled(*arguments), results),
        apart([found], [along_parameters]),
        apart(tuple(compiled.gradient_wrt_inputs(*arguments)), along_inputs),
    )
    if error / largest > TOLERANCE and any(at_a_kink(e.root, KINKED) for e in examples):
        outcome.at_a_kink += 1
        return
    outcome.compared[len(examples) if program.batched else 0] += 1
    outcome.worst = max(outcome.worst, error / largest)


def apart(found, expected):
    """The largest difference; infinite where shapes differ, or one of two is NaN."""
    found = found if isinstance(found, (list, tuple)) else [found]
    differences = [
        np.abs(np.asarray(x, dtype=float) - y) if np.shape(x) == np.shape(y) else math.inf
        for x, y in zip(found, expected, strict=True)
    ]
    worst = max([float(np.max(difference, initial=0.0)) for difference in differences], default=0.0)
    return math.inf if math.isnan(worst) else worst
