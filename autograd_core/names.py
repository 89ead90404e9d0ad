"""What a Value is called and how a number is written: the same in pictures, paths and steps."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from autograd_core.engine import Value


def short(x: float) -> str:
    """Four digits are what a picture has room for.

    >>> short(2 / 3), short(-0.0)
    ('0.6667', '0')
    """
    return f"{x + 0.0:.4g}"


def held_in(variables: Mapping[str, object] | None) -> dict[Value, str]:
    """The name of the first variable that holds a Value, by itself or in a list or tuple."""
    found: dict[Value, str] = {}
    for name, held in (variables or {}).items():
        if name.startswith("_"):
            continue
        if isinstance(held, Value):
            found.setdefault(held, name)
        elif isinstance(held, (list, tuple)):
            for i, v in enumerate(held):
                if isinstance(v, Value):
                    found.setdefault(v, f"{name}[{i}]")
    return found


def called(order: Sequence[Value], held: Mapping[Value, str]) -> dict[Value, str]:
    """What to call each Value: label, variable, number of a leaf, else v and its place.

    >>> x = Value(2.0, "x")
    >>> list(called([x, k := Value(3.0), x * k], {}).values())
    ['x', '3', 'v2']
    """
    return {
        v: v.label or held.get(v) or (f"v{i}" if v.parents else short(v.data))
        for i, v in enumerate(order)
    }


def counted(n: int, what: str) -> str:
    """A number and what it counts: "1 path", "2 paths", "about 10^30 paths"."""
    number = f"{n:,}" if n < 10**18 else f"about 10^{math.log10(n):.0f}"
    return f"{number} {what}{'' if n == 1 else 's'}"
