"""What the labs hand out: some of it broken on purpose, some of it to borrow."""

from __future__ import annotations

from typing import Any


def topological(root: Any) -> list[Any]:
    """All that root came from, parents before children; a list of its own in place of recursion."""
    order, seen, path = [], {root}, [(root, iter(root.parents))]
    while path:
        v, parents = path[-1]
        parent = next((p for p in parents if p not in seen), None)
        if parent is None:  # all of its parents are in the order by now
            order.append(v)
            path.pop()
        else:
            seen.add(parent)
            path.append((parent, iter(parent.parents)))
    return order


def hasty_backward(root: Any) -> None:
    """A colleague's backward, wrong: whoever is told something passes it on at once."""
    for v in topological(root):
        v.grad = 0.0
    root.grad = 1.0
    stack = [root]
    while stack:
        v = stack.pop()
        for parent, partial in zip(v.parents, v.partials):
            parent.grad += partial * v.grad
            stack.append(parent)
