"""Who asks for the number in a Value: `float(x)` may have it, `math.sin(x)` would cut the graph.

CPython asks for both by calling `__float__`. Only the instruction that the caller is at tells them
apart: a call's position in the source starts where that of its callee does, so the last
instruction before it that starts there and ends earlier is what loaded the callee.
"""

from __future__ import annotations

from functools import lru_cache
from types import CodeType, FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dis import Positions

# Questions that a Value answers as it answers a comparison, beside float(x) itself.
SERVED = {"float", "__float__", "isclose", "isfinite", "isinf", "isnan"}
INSTEAD = {"fabs": "abs(x)", "fsum": "total(xs)", "pow": "x ** y"}
FORMATTING = {"%", "%="}  # as in "%.4f" % x


def unless_cut(value: object, number: float, caller: FrameType) -> float:
    """The number in a Value, for a caller that is at `float(x)`, a question, or formatting.

    TypeError for any other: what it computed would have no history, and the gradient would be lost
    that way in silence. Where the caller's code has no positions (python -X no_debug_ranges), any
    call is served. Lists of Values are refused by what turns them to numbers within
    (`map(float, xs)`, `np.asarray(xs, float)`), for that cannot be told from `map(math.exp, xs)`.
    """
    load = callee(caller.f_code, caller.f_lasti)
    if load is None or (name := called(load, caller)) in SERVED:
        return float(number)
    methods = [f"x.{n}()" for n in (name, name.replace("a", "arc", 1)) if hasattr(value, n)]
    instead = methods[0] if methods else INSTEAD.get(name)
    raise TypeError(
        f"{name or 'a function'}() asked for the bare number of a Value, which would cut the graph "
        f"and lose the gradient: use {f'{instead}, or ' if instead else ''}x.data for the number"
    )


def called(load: tuple[str, str], caller: FrameType) -> str:
    """The name of the function that was loaded: its own, where a variable holds it."""
    kind, name = load
    if name in SERVED or "ATTR" in kind or "METHOD" in kind:
        return name
    held = caller.f_locals.get(name, caller.f_globals.get(name))
    return str(getattr(held, "__name__", name))


@lru_cache(maxsize=1024)
def callee(code: CodeType, place: int) -> tuple[str, str] | None:
    """How the function called at a place in code was loaded, and its name there.

    Both are empty where it has no name, as in `fs[0](x)`, or where it is called from a function
    in C, as by map. None for formatting, and where nothing is known.
    """
    import dis

    *before, call = [i for i in dis.get_instructions(code) if i.offset <= place]
    if call.argrepr in FORMATTING:
        return None
    if "CALL" not in call.opname:  # PRECALL, in Python 3.11, may be where the call happens
        return "", ""
    while before:
        last = before.pop()
        if starts(last.positions, call.positions):
            load = before.pop() if last.opname == "PUSH_NULL" else last  # beside or in what loads
            names = load.argval if isinstance(load.argval, tuple) else (load.argval,)
            return (load.opname, str(names[-1])) if "LOAD_" in load.opname else ("", "")
    return None


def starts(part: Positions | None, whole: Positions | None) -> bool:
    """Whether one piece of source is how another starts."""
    if part is None or whole is None or None in part or None in whole:
        return False
    line, end_line, column, end_column = part
    if (line, column) != (whole.lineno, whole.col_offset):
        return False
    return (end_line, end_column) < (whole.end_lineno, whole.end_col_offset)
