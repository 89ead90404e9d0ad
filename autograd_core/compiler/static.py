"""Static arguments: what a program is made for, in place of numbers that it is given."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple


class Fixed(NamedTuple):
    """The static arguments of a call: by place, and by keyword; `key` tells their values apart."""

    places: tuple[tuple[int, Any], ...] = ()
    keywords: tuple[tuple[str, Any], ...] = ()
    key: tuple[Any, ...] = ()

    def others(self, names: Sequence[str]) -> list[str]:
        """The names of the arguments that are not fixed by place."""
        fixed = [i for i, _ in self.places]
        return [name for i, name in enumerate(names) if i not in fixed]

    def into(self, f: Callable[..., Any]) -> Callable[..., Any]:
        """The function of the other arguments."""
        if not self.key:
            return f

        def of_others(*args: Any, **keywords: Any) -> Any:
            given = list(args)
            for place, x in self.places:
                given.insert(place, x)
            return f(*given, **keywords, **dict(self.keywords))

        return of_others


NONE = Fixed()


class Static:
    """Which arguments of a function are static, by name."""

    def __init__(self, f: Callable[..., Any], names: str | Sequence[str]) -> None:
        self.names = (names,) if isinstance(names, str) else tuple(names)
        self.order: list[str] = []
        if self.names:
            parameters = inspect.signature(f).parameters
            self.order = [p.name for p in parameters.values() if p.kind is not p.KEYWORD_ONLY]
            missing = [name for name in self.names if name not in parameters]
            if missing:
                raise ValueError(
                    f"there is no argument {missing[0]!r} to be static: the function has "
                    f"{', '.join(parameters) or 'none'}"
                )

    def apart(
        self, args: Sequence[Any], keywords: Mapping[str, Any]
    ) -> tuple[Fixed, Sequence[Any], Mapping[str, Any]]:
        """The arguments that are fixed, and the others."""
        if not self.names:
            return NONE, args, keywords
        named = list(zip(self.order, args))
        places = [(i, x) for i, (name, x) in enumerate(named) if name in self.names]
        by_name = [(name, x) for name, x in keywords.items() if name in self.names]
        found = [*[(self.order[i], x) for i, x in places], *by_name]
        fixed = Fixed(tuple(places), tuple(by_name), tuple([key_of(*item) for item in found]))
        at = {i for i, _ in places}
        rest = [x for i, x in enumerate(args) if i not in at]
        return fixed, rest, {name: x for name, x in keywords.items() if name not in self.names}


def key_of(name: str, x: Any) -> tuple[Any, ...]:
    """What tells a static argument from others: 1, 1.0 and True are three, in a tuple as well."""
    try:
        hash(x)
    except TypeError:
        raise TypeError(
            f"the static argument {name} is a {type(x).__name__}, which cannot be hashed: there is "
            "a program for each of its values, which must be told apart (a tuple can)"
        ) from None
    return name, told_apart(x)


def told_apart(x: Any) -> tuple[Any, ...]:
    """A value beside its type, and so are the items of a tuple; 0.0 is told from -0.0."""
    if isinstance(x, tuple):
        return type(x), tuple([told_apart(item) for item in x])
    return type(x), repr(x) if isinstance(x, float) else x
