"""Why a gradient is what it is: its paths, and the backward pass one edge at a time.

A gradient is a sum over paths: each way from a Value to the output contributes the product of
the local derivatives along it. `explain` lists the paths. Backward adds them all up in one pass,
provided that no Value passes its gradient on before all of it has arrived: `backward_steps`
takes that pass apart, in the right order and in wrong ones.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import nlargest
from typing import Any, NamedTuple

from autograd_core.draw import held_in, reached
from autograd_core.engine import Value, topological
from autograd_core.picture import short

MOST_VISITS = 100_000  # of one walk along every path: on a net there are more than there are atoms


# --- A gradient as a sum over paths -----------------------------------------------------------


def explain(
    root: Value,
    wrt: Value,
    *,
    top: int = 10,
    names: Mapping[str, object] | None = None,
) -> Explanation:
    """d(root)/d(wrt) as the sum, over all paths, of the product of the local derivatives.

    The paths are counted exactly, however many there are; the `top` of them with the largest
    |product| are listed. `names=locals()` calls Values without a label by the variables that hold
    them. No `grad` changes.

    >>> a = Value(2.0, "a")
    >>> c = 3 * a; c.label = "c"
    >>> d = c + a; d.label = "d"
    >>> d.backward()
    >>> print(explain(d, a))
    ∂d/∂a: 2 paths
      a -> c -> d   3 · 1 = 3
      a -> d        1 = 1
      sum 4 = a.grad
    """
    order = topological(root)
    if not isinstance(wrt, Value):
        raise TypeError(f"expected a Value, got {type(wrt).__name__}: {wrt!r}")
    if top < 0:
        raise ValueError(f"cannot list the {top} largest paths: top must be 0 or more")
    between = reached_from(wrt, order)
    name = called(order, names)
    name.setdefault(wrt, wrt.label or short(wrt.data))
    slope = slopes(order).get(wrt, 0.0)
    return Explanation(
        root=root,
        wrt=wrt,
        sum=slope,
        count=count_paths(order, between, wrt),
        paths=largest_paths(order, between, wrt, top),
        grad=wrt.grad,
        seed=root.grad,
        carried=wrt.grad - root.grad * slope if wrt in reached([wrt, *order]) else None,
        name=name,
    )


@dataclass(frozen=True, slots=True)
class Path:
    """One way from a Value to the root: the Values on it, and the slope along each edge."""

    values: tuple[Value, ...]
    partials: tuple[float, ...]
    product: float


@dataclass(frozen=True, repr=False)
class Explanation:
    """A gradient as a sum over paths; prints as text and shows itself in a notebook.

    `sum` is d(root)/d(wrt), and `count` the number of paths, of which `paths` are the largest.
    `grad` and `seed` are what `wrt.grad` and `root.grad` were. `carried` is `grad` less seed · sum,
    which is what the last backward brought to `wrt` through the root (the seed is 1 where it
    started there): what other passes left, and None if no backward has reached `wrt`.
    """

    root: Value
    wrt: Value
    sum: float
    count: int
    paths: list[Path]
    grad: float
    seed: float
    carried: float | None
    name: dict[Value, str]

    @property
    def rest(self) -> float:
        """The sum of the paths that are not listed."""
        if len(self.paths) == self.count:
            return 0.0
        return self.sum - math.fsum([path.product for path in self.paths])

    def __str__(self) -> str:
        rows = self.rows()
        width = max([len(path) for path, _ in rows], default=0)
        lines = [f"{path.ljust(width)}   {product}" for path, product in rows]
        return "\n  ".join([self.title(), *lines, *self.conclusion()])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """The same as a table."""
        import html

        style = 'style="text-align: left; color: black; background: white"'
        rows = [
            f"<td {style}>{html.escape(path)}</td><td {style}>{html.escape(product)}</td>"
            for path, product in self.rows()
        ]
        last = [f'<td {style} colspan="2">{html.escape(line)}</td>' for line in self.conclusion()]
        body = "".join([f"<tr>{row}</tr>" for row in rows + last])
        return f"<table><caption>{html.escape(self.title())}</caption><tbody>{body}</tbody></table>"

    def title(self) -> str:
        """What is explained, and by how many paths."""
        root, wrt = self.name[self.root], self.name[self.wrt]
        if self.count == 0:
            return f"∂{root}/∂{wrt}: 0 paths, {wrt} is not in the graph of {root}"
        listed = f", the {len(self.paths)} largest" if 0 < len(self.paths) < self.count else ""
        return f"∂{root}/∂{wrt}: {counted(self.count, 'path')}{listed}"

    def rows(self) -> list[tuple[str, str]]:
        """A line for each listed path, and one for all the others."""
        rows = [
            (
                ends(path.values, " -> ", self.name.__getitem__),
                f"{ends(path.partials, ' · ', short) or '1'} = {short(path.product)}",
            )
            for path in self.paths
        ]
        if others := self.count - len(self.paths):
            rows.append((f"{counted(others, 'other path')}", f"together {short(self.rest)}"))
        return rows

    def conclusion(self) -> list[str]:
        """The sum beside the grad, in two parts where other passes had a share in the grad."""
        wrt, total, grad = self.name[self.wrt], f"sum {short(self.sum)}", short(self.grad)
        if self.carried is None:
            return [f"{total}, and no backward has reached {wrt} yet"]
        if self.seed == 0:
            return [f"{total}, not yet in {wrt}.grad {grad}, which is from other passes"]
        if abs(self.carried) <= 1e-12 * abs(self.grad):
            factor = "" if self.seed == 1 else f" · {short(self.seed)} passed on = {grad}"
            return [f"{total}{factor} = {wrt}.grad"]
        if self.grad == 0:
            return [f"{total}, and {wrt}.grad has been set back to 0 since"]
        passed = short(self.grad - self.carried)
        return [
            total,
            f"grad {grad} = {passed} from this pass + {short(self.carried)} carried over",
        ]


def called(order: Sequence[Value], variables: Mapping[str, object] | None) -> dict[Value, str]:
    """What to call each Value: label, variable, number of a constant, else v and its place."""
    held = held_in(variables or {})
    return {
        v: v.label or held.get(v) or (f"v{i}" if v.parents else short(v.data))
        for i, v in enumerate(order)
    }


def slopes(order: Sequence[Value]) -> dict[Value, float]:
    """d(root)/d(v) for every Value v, by the steps of backward; no `grad` is touched."""
    slope = dict.fromkeys(order, 0.0)
    slope[order[-1]] = 1.0
    for v in reversed(order):
        for parent, partial in zip(v.parents, v.partials):
            slope[parent] += partial * slope[v]
    return slope


def reached_from(wrt: Value, order: Iterable[Value]) -> set[Value]:
    """The Values that depend on `wrt`, and itself."""
    reached = {wrt}
    for v in order:
        if not reached.isdisjoint(v.parents):
            reached.add(v)
    return reached


def count_paths(order: Sequence[Value], between: set[Value], wrt: Value) -> int:
    """How many paths lead from `wrt` to the root: a Value has those of all of its uses."""
    counts = {order[-1]: 1}
    for v in reversed(order):
        count = counts.pop(v, 0)  # taken out: numbers of a million digits need not be kept
        if v is wrt:
            return count
        for parent in v.parents:
            if parent in between:
                counts[parent] = counts.get(parent, 0) + count
    return 0


class Trail(NamedTuple):
    """A path from a Value to the root: its first edge, and the trail that goes on from there."""

    value: Value
    product: float
    partial: float
    further: Trail | None


def largest_paths(order: Sequence[Value], between: set[Value], wrt: Value, top: int) -> list[Path]:
    """The `top` paths of largest |product|, the largest first.

    Each Value keeps its best trails only: one more edge multiplies all trails of a Value by the
    same factor, so those behind stay behind.
    """
    trails = {order[-1]: [Trail(order[-1], 1.0, 1.0, None)]}
    for v in reversed(order):
        if v not in between:
            continue
        arrived = trails.pop(v)
        best = nlargest(top, arrived, key=size) if len(arrived) > 1 else arrived[:top]
        if v is wrt:
            return list(map(path_along, best))
        for parent, partial in zip(v.parents, v.partials):
            if parent in between:
                longer = [Trail(parent, partial * t.product, partial, t) for t in best]
                trails.setdefault(parent, []).extend(longer)
    return []


def size(trail: Trail) -> float:
    """|product|; NaN counts as the largest, for it is what one wants to see."""
    return math.inf if math.isnan(trail.product) else abs(trail.product)


def path_along(trail: Trail) -> Path:
    """The path that a trail describes edge by edge."""
    values, partials, product = [trail.value], [], trail.product
    while trail.further:
        partials.append(trail.partial)
        trail = trail.further
        values.append(trail.value)
    return Path(tuple(values), tuple(partials), product)


def ends(items: Sequence[Any], separator: str, shown: Callable[[Any], str]) -> str:
    """The items in a row, with dots in place of the middle of a long one."""
    if len(items) <= 12:
        return separator.join(map(shown, items))
    return separator.join([*map(shown, items[:5]), "…", *map(shown, items[-5:])])


def counted(n: int, what: str) -> str:
    """A number and what it counts: "1 path", "2 paths", "about 10^30 paths"."""
    number = f"{n:,}" if n < 10**18 else f"about 10^{math.log10(n):.0f}"
    return f"{number} {what}{'' if n == 1 else 's'}"


# --- The backward pass, one edge at a time ----------------------------------------------------


@dataclass(frozen=True, slots=True)
class Step:
    """One Value passes its gradient on over one edge; says so in words as a str.

    `node` has `grad` at this time and passes `contribution` = `grad` · `partial` to `parent`,
    its operand number `operand`, whose running sum was `before` and is `after`. `ready` has the
    parent if that was the last of its uses. `node_right` and `parent_right` are what the two
    gradients are in a right order. `fault` says what is wrong with the step:

    - "": nothing
    - "early": other uses of the node have yet to pass their part to it
    - "again": the node has passed its gradient on before, and it is counted twice
    - "wrong": the node's gradient is wrong because an earlier step was
    """

    node: Value
    parent: Value
    operand: int
    partial: float
    grad: float
    contribution: float
    before: float
    after: float
    ready: tuple[Value, ...]
    node_right: float
    parent_right: float
    fault: str
    node_name: str
    parent_name: str

    @property
    def wrong(self) -> Value | None:
        """The Value whose number goes wrong here."""
        return {"": None, "again": self.parent}.get(self.fault, self.node)

    @property
    def complaint(self) -> str:
        """What is wrong with this step, in words."""
        node, right = self.node_name, short(self.node_right)
        return {
            "": "",
            "early": f"Too early: not all of {node}'s gradient has arrived, it should be {right}.",
            "again": f"Counted twice: {node} has passed it on before.",
            "wrong": f"Wrong by an earlier step: {node}'s gradient should be {right}.",
        }[self.fault]

    @property
    def sentence(self) -> str:
        """The step in words."""
        product = f"{short(self.grad)} · {short(self.partial)} = {short(self.contribution)}"
        total = f"{short(self.before)} + {short(self.contribution)} = {short(self.after)}"
        parent = self.parent_name
        return f"{self.node_name} passes {product} to {parent}: grad of {parent} {total}"

    def __str__(self) -> str:
        return f"{self.sentence}. {self.complaint}" if self.fault else self.sentence


def backward_steps(
    root: Value,
    order: str | Iterable[Value] = "topological",
    *,
    names: Mapping[str, object] | None = None,
) -> list[Step]:
    r"""The backward pass edge by edge, as data; no `grad` changes.

    `order` is "topological", which is right, or one that is not:

    - "depth-first": every Value passes its whole gradient on each time it is reached
    - "depth-first-once": the same, but only the first time
    - "breadth-first": level by level from the root, each Value when it is first reached
    - "post-order": the topological list, not reversed

    or the Values in the order in which they are to pass their gradient on. The reverse of the
    order in which they were made is always right; the graph does not record it. `names` as in
    `explain`.

    >>> a = Value(1.0, "a")
    >>> b = a + a; b.label = "b"
    >>> c = b + b; c.label = "c"
    >>> print(*backward_steps(c, "depth-first"), sep="\n")
    c passes 1 · 1 = 1 to b: grad of b 0 + 1 = 1
    c passes 1 · 1 = 1 to b: grad of b 1 + 1 = 2
    b passes 2 · 1 = 2 to a: grad of a 0 + 2 = 2
    b passes 2 · 1 = 2 to a: grad of a 2 + 2 = 4
    b passes 2 · 1 = 2 to a: grad of a 4 + 2 = 6. Counted twice: b has passed it on before.
    b passes 2 · 1 = 2 to a: grad of a 6 + 2 = 8. Counted twice: b has passed it on before.
    """
    state = BackwardPass(root, names)
    return [step for node in visits(root, order) for step in state.pass_on(node)]


def gradients_after(steps: Iterable[Step]) -> dict[Value, float]:
    """The gradient of each Value that something has been passed to, after these steps."""
    return {step.parent: step.after for step in steps}


class BackwardPass:
    """The gradients so far, while Values pass theirs on in whatever order they are told to."""

    def __init__(self, root: Value, variables: Mapping[str, object] | None = None) -> None:
        order = topological(root)
        self.name, self.right = called(order, variables), slopes(order)
        self.grads = {root: 1.0}
        self.waiting = Counter([parent for v in order for parent in v.parents])
        self.passed: dict[tuple[Value, int], float] = {}  # over the edge to each operand
        self.spoiled: set[Value] = set()  # by a contribution that was wrong

    def pass_on(self, node: Value) -> Iterator[Step]:
        """Pass the gradient that a Value has at this time to each of its parents."""
        if node not in self.right:
            raise ValueError(f"{node} is not in the graph of this root")
        grad = self.grads.get(node, 0.0)
        for operand in range(len(node.parents)):
            yield self.step(node, operand, grad)

    def step(self, node: Value, operand: int, grad: float) -> Step:
        """Pass a gradient on over one edge."""
        parent, partial = node.parents[operand], node.partials[operand]
        contribution, before = partial * grad, self.grads.get(parent, 0.0)
        fault = self.fault(node, operand, grad, contribution)
        if fault:
            self.spoiled.add(parent)
        self.grads[parent] = before + contribution
        self.waiting[parent] -= (node, operand) not in self.passed
        is_ready = self.waiting[parent] == 0 and (node, operand) not in self.passed
        self.passed[node, operand] = self.passed.get((node, operand), 0.0) + contribution
        return Step(
            node=node,
            parent=parent,
            operand=operand,
            partial=partial,
            grad=grad,
            contribution=contribution,
            before=before,
            after=before + contribution,
            ready=(parent,) if is_ready else (),
            node_right=self.right[node],
            parent_right=self.right[parent],
            fault=fault,
            node_name=self.name[node],
            parent_name=self.name[parent],
        )

    def fault(self, node: Value, operand: int, grad: float, contribution: float) -> str:
        """What is wrong with passing this on (see Step); nothing, if no number suffers by it."""
        if contribution and self.passed.get((node, operand)):
            return "again"
        if math.isclose(grad, self.right[node], rel_tol=1e-9) or math.isnan(grad):
            return ""
        if self.waiting[node]:
            return "early"
        return "wrong" if node in self.spoiled else ""


def visits(root: Value, order: str | Iterable[Value]) -> Iterable[Value]:
    """The Values in the order in which they pass their gradient on."""
    if not isinstance(order, str):
        return order
    if order not in ORDERS:
        known = ", ".join(map(repr, ORDERS))
        raise ValueError(f"no order {order!r}: there are {known}, or give the Values in yours")
    return ORDERS[order](root)


def depth_first(root: Value) -> Iterator[Value]:
    """A Value, then all that its first parent leads to, then its second: as often as it comes."""
    stack = [root]
    for _ in range(MOST_VISITS):
        if not stack:
            return
        yield stack[-1]
        stack.extend(reversed(stack.pop().parents))
    raise ValueError(
        f"depth-first follows every path by itself, and here they make more than {MOST_VISITS:,} "
        "visits: show it on a smaller graph"
    )


def depth_first_once(root: Value) -> Iterator[Value]:
    """The same, passing over a Value that has been visited before."""
    stack, seen = [root], set()
    while stack:
        v = stack.pop()
        if v not in seen:
            seen.add(v)
            yield v
            stack.extend(reversed(v.parents))


def breadth_first(root: Value) -> Iterator[Value]:
    """The root, its parents, their parents, each Value once."""
    queue, seen = deque([root]), {root}
    while queue:
        v = queue.popleft()
        yield v
        for parent in v.parents:
            if parent not in seen:
                seen.add(parent)
                queue.append(parent)


ORDERS: dict[str, Callable[[Value], Iterable[Value]]] = {
    "topological": lambda root: reversed(topological(root)),
    "depth-first": depth_first,
    "depth-first-once": depth_first_once,
    "breadth-first": breadth_first,
    "post-order": topological,
}
