"""Why a gradient is what it is: a sum over paths.

Each way from a Value to the output contributes the product of the local derivatives along it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from heapq import nlargest
from typing import Any, NamedTuple

from autograd_core.engine import Value, topological
from autograd_core.names import called, counted, held_in, short
from autograd_core.paths import reached, slopes, slopes_along


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
    between = slopes_along(wrt, order)
    name = called(order, held_in(names))
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
        """A line for each listed path, equal ones on one line, and one for all the others."""
        alike = Counter(map(self.row, self.paths))
        rows = [
            (way, product if n == 1 else f"{counted(n, 'path')} of {product} each")
            for (way, product), n in alike.items()
        ]
        if others := self.count - len(self.paths):
            rows.append((f"{counted(others, 'other path')}", f"together {short(self.rest)}"))
        return rows

    def row(self, path: Path) -> tuple[str, str]:
        """The way, and the product of the slopes along it."""
        product = f"{ends(path.partials, ' · ', short) or '1'} = {short(path.product)}"
        return ends(path.values, " -> ", self.name.__getitem__), product

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


def count_paths(order: Sequence[Value], between: Container[Value], wrt: Value) -> int:
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


def largest_paths(
    order: Sequence[Value], between: Container[Value], wrt: Value, top: int
) -> list[Path]:
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
