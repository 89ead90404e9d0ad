"""Schedule: nodes that are alike, in an order in which they can be computed.

In goes a graph; out come groups of its nodes, such as all sums of a layer, then the tanh of each.

A kind of which all members are ready goes first; where there is none, the kind that is on the
longest path to the end. So the steps of a recurrence stay steps, and what only the end needs (a
readout at each of them) waits until all of it is there and is one array.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from typing import Any, TypeAlias

from autograd_core.compiler.graph import Graph, Sum
from autograd_core.engine import LOGSUMEXP


def schedule(graph: Graph) -> list[list[int]]:
    """Groups of nodes, each of one kind and after all that it needs."""
    computed = [i for i, op in enumerate(graph.ops) if op is not None]
    height, waits, users = readiness(graph, computed)
    queue = Queue(graph, computed, height)
    for i in computed:
        if not waits[i]:
            queue.add(i)
    groups = []
    while group := queue.take():
        groups.append(group)
        for i in group:
            for user in users[i]:
                waits[user] -= 1
                if not waits[user]:
                    queue.add(user)
    return groups


Priority: TypeAlias = "tuple[bool, int, int]"  # whether some wait, minus the height, and the turn


@dataclass(eq=False, slots=True)
class Kind:
    """Nodes that are alike: those that are ready, how many are not, and their priority."""

    nodes: list[int] = field(default_factory=list)
    waiting: int = 0
    priority: Priority = (True, 0, 0)


class Queue:
    """The nodes that are ready, by kind, and a heap of the priorities that kinds have had."""

    def __init__(self, graph: Graph, computed: Sequence[int], height: list[int]) -> None:
        self.height, self.turns = height, count(1)
        self.heap: list[tuple[Priority, Kind]] = []
        kinds = defaultdict[Any, Kind](Kind)
        self.kinds = {i: kinds[kind_of(graph, i)] for i in computed}
        for kind in self.kinds.values():
            kind.waiting += 1

    def add(self, i: int) -> None:
        """Node i is ready."""
        kind = self.kinds[i]
        kind.waiting -= 1
        _, lowest, turn = kind.priority if kind.nodes else (True, 0, next(self.turns))
        kind.nodes.append(i)
        priority = kind.waiting > 0, min(lowest, -self.height[i]), turn
        if priority != kind.priority:
            kind.priority = priority
            heappush(self.heap, (priority, kind))

    def take(self) -> list[int]:
        """The nodes of the kind that comes first, in order; none if there are none."""
        while self.heap:
            priority, kind = heappop(self.heap)
            if kind.nodes and priority == kind.priority:
                found, kind.nodes = sorted(kind.nodes), []
                return found
        return []


def kind_of(graph: Graph, i: int) -> Any:
    """What tells nodes apart that cannot be one array."""
    op, rank = graph.ops[i], graph.rank
    if op is LOGSUMEXP or (isinstance(op, Sum) and not op.left):  # of any length
        return type(op), rank[i]
    if isinstance(op, Sum):
        sides = frozenset([8 * (rank[x] & 5) + rank[y] for x, y in zip(op.left, op.right)])
        return rank[i], sides, *[rank[t] & 4 for t in op.terms]
    return op, rank[i], *[rank[p] & 5 for p in graph.parents[i]]  # 5: batched, and constant


def readiness(
    graph: Graph, computed: Sequence[int]
) -> tuple[list[int], list[int], dict[int, list[int]]]:
    """For each node: the steps from it to the end, how many operands it waits for, its users."""
    n = len(graph.ops)
    height, waits = [0] * n, [0] * n
    users: dict[int, list[int]] = {i: [] for i in computed}
    among = set(computed).intersection
    for i in reversed(computed):
        above = height[i] + 1
        for p in among(graph.operands(i)):
            height[p] = max(height[p], above)
            waits[i] += 1
            users[p].append(i)
    return height, waits, users
