"""Schedule: nodes that are alike, in an order in which they can be computed.

A kind of which all members are ready goes first; where there is none, the kind that is on the
longest path to the end. So the steps of a recurrence stay steps, and what only the end needs (a
readout at each of them) waits until all of it is there and is one array.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

from autograd_core.compiler.graph import Graph, Sum
from autograd_core.engine import LOGSUMEXP


def schedule(graph: Graph) -> list[list[int]]:
    """Groups of nodes, each of one kind and after all that it needs."""
    kinds = [kind_of(graph, i) for i in range(len(graph.ops))]
    height, waits, users = readiness(graph)
    to_come = Counter(kinds)
    ready: defaultdict[Any, list[int]] = defaultdict(list)
    top: defaultdict[Any, int] = defaultdict(int)

    def add(i: int) -> None:
        ready[kinds[i]].append(i)
        top[kinds[i]] = max(top[kinds[i]], height[i])

    for i, kind in enumerate(kinds):
        if kind is not None and not waits[i]:
            add(i)
    groups = []
    while ready:
        kind = max(ready, key=lambda kind: (to_come[kind] == len(ready[kind]), top[kind]))
        group = sorted(ready.pop(kind))
        del top[kind]
        to_come[kind] -= len(group)
        groups.append(group)
        for i in group:
            for user in users[i]:
                waits[user] -= 1
                if not waits[user]:
                    add(user)
    return groups


def kind_of(graph: Graph, i: int) -> Any:
    """What tells nodes apart that cannot be one array; None for leaves."""
    op, rank = graph.ops[i], graph.rank
    if op is None:
        return None
    if op is LOGSUMEXP or (isinstance(op, Sum) and not op.products):  # of any length
        return type(op), rank[i]
    if isinstance(op, Sum):
        sides = frozenset([8 * (rank[x] & 5) + rank[y] for x, y in op.products])
        return rank[i], sides, *[rank[t] & 4 for t in op.terms]
    return op, rank[i], *[rank[p] & 5 for p in graph.parents[i]]  # 5: batched, and constant


def readiness(graph: Graph) -> tuple[list[int], list[int], list[list[int]]]:
    """For each node: the steps from it to the end, how many operands it waits for, its users."""
    n = len(graph.ops)
    height, waits = [0] * n, [0] * n
    users: list[list[int]] = [[] for _ in range(n)]
    computed = {i for i, rank in enumerate(graph.rank) if rank & 2}
    for i in reversed(range(n)):
        above = height[i] + 1
        for p in computed.intersection(graph.operands(i)):
            height[p] = max(height[p], above)
            waits[i] += 1
            users[p].append(i)
    return height, waits, users
