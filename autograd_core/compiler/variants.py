"""Variants: what a function is compiled to, once for each structure of arguments.

Most calls are like the one before, with arrays of the same shapes: those need no look at what the
structure is.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from autograd_core.compiler.arguments import Parts, flat, read_all, shapes_of
from autograd_core.compiler.compiled import Compiled
from autograd_core.compiler.recorded import Recorded
from autograd_core.compiler.static import Fixed, Static

# Of the last call with arrays alone: their shapes, and the variant.
Remembered: TypeAlias = "tuple[list[tuple[int, ...]] | None, Compiled | None]"


class Variants:
    """A function's variants, made when they are first asked for; `latest` was found last."""

    def __init__(
        self, f: Callable[..., Any], static: Static, *, batched: bool, **options: Any
    ) -> None:
        self.f, self.static, self.batched, self.options = f, static, batched, options
        self.names = [name for name in argument_names(f) if name.isidentifier()]
        self.known: dict[Any, Compiled] = {}
        self.latest: Compiled | None = None
        self.remembered: Remembered = (None, None)

    def find(self, args: Sequence[Any], keywords: Mapping[str, Any]) -> tuple[Compiled, Parts]:
        """The variant for arguments of this structure, and their numbers."""
        known, compiled = self.remembered
        shapes = None if keywords else shapes_of(args)
        if compiled is not None and shapes == known:  # as in most calls
            self.latest = compiled
            return compiled, flat(args, batched=self.batched)
        compiled, parts = self.find_for(*self.static.apart(args, keywords))
        if shapes is not None:
            self.remembered = shapes, compiled
        return compiled, parts

    def find_for(
        self, fixed: Fixed, args: Sequence[Any], keywords: Mapping[str, Any]
    ) -> tuple[Compiled, Parts]:
        """The same, where some arguments are fixed and these are left."""
        names = fixed.others(self.names) if fixed.places else self.names
        if keywords or len(args) != len(names):
            unnamed = range(len(names) + 1, len(args) + 1)
            names = [*names[: len(args)], *[f"x{i}" for i in unnamed], *keywords]
            args = (*args, *keywords.values())
        kinds, parts = read_all(args, names, batched=self.batched)
        key = (fixed.key, *keywords, *kinds)
        found = self.known.get(key)
        if found is None:
            f, batched = fixed.into(self.f), self.batched
            recorded = Recorded(f, names, list(keywords), kinds, batched=batched)
            found = self.known[key] = Compiled(recorded, **self.options)
        self.latest = found
        return found, parts

    def current(self) -> Compiled:
        """The latest variant; of a function without arguments, the one that there is."""
        if self.latest is None and not self.batched and not argument_names(self.f):
            self.find((), {})
        if self.latest is None:
            raise RuntimeError("a program is recorded at its first call: call it first")
        return self.latest


def argument_names(f: Callable[..., Any]) -> list[str]:
    """What f calls its arguments, as far as it says."""
    try:
        parameters = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):
        return ["?"]
    return [p.name for p in parameters if p.kind is not p.KEYWORD_ONLY]
