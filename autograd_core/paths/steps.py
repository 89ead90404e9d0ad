"""The backward pass one edge at a time, in the right order and in wrong ones.

Backward adds up all paths in one pass, provided that no Value passes its gradient on before all
of it has arrived.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from autograd_core.engine import Value, topological
from autograd_core.names import called, held_in, short
from autograd_core.paths import slopes

MOST_VISITS = 100_000  # of one walk along every path: on a net there are more than there are atoms


@dataclass(frozen=True, slots=True)
class BackwardStep:
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
) -> list[BackwardStep]:
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


def gradients_after(steps: Iterable[BackwardStep]) -> dict[Value, float]:
    """The gradient of each Value that something has been passed to, after these steps."""
    return {step.parent: step.after for step in steps}


class BackwardPass:
    """The gradients so far, while Values pass theirs on in whatever order they are told to."""

    def __init__(self, root: Value, variables: Mapping[str, object] | None = None) -> None:
        order = topological(root)
        self.name, self.right = called(order, held_in(variables)), slopes(order)
        self.grads = {root: 1.0}
        self.waiting = Counter([parent for v in order for parent in v.parents])
        self.passed: dict[tuple[Value, int], float] = {}  # over the edge to each operand
        self.spoiled: set[Value] = set()  # by a contribution that was wrong

    def pass_on(self, node: Value) -> Iterator[BackwardStep]:
        """Pass the gradient that a Value has at this time to each of its parents."""
        if node not in self.right:
            raise ValueError(f"{node} is not in the graph of this root")
        grad = self.grads.get(node, 0.0)
        for operand in range(len(node.parents)):
            yield self.step(node, operand, grad)

    def step(self, node: Value, operand: int, grad: float) -> BackwardStep:
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
        return BackwardStep(
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
        """What is wrong with passing this on; nothing, if no number suffers by it."""
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
    if times_reached(root) > MOST_VISITS:
        raise ValueError(
            "depth-first follows every path by itself, and here they make more than "
            f"{MOST_VISITS:,} visits: show it on a smaller graph"
        )
    stack = [root]
    while stack:
        yield stack[-1]
        stack.extend(reversed(stack.pop().parents))


def times_reached(root: Value) -> int:
    """How often all Values are reached by paths from the root, each counted by itself."""
    order = topological(root)
    times = Counter({root: 1})
    for v in reversed(order):
        for parent in v.parents:
            times[parent] += times[v]
    return times.total()


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
