"""`Playground()` in a cell of the page: what it asks of anywidget, by a desk of its own."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

KIND = "application/x-playground"  # of what a cell shows


@dataclass(frozen=True)
class Ear:
    """A desk that is a function."""

    receive: Callable[[Any], None]


def stand_in(desks: Any) -> ModuleType:
    """A module for the name anywidget, whose widgets are at desks of the page."""

    class AnyWidget:
        """Sends and hears messages; shows itself as the name of its desk."""

        def send(self, content: dict[str, Any], buffers: Sequence[bytes] = ()) -> None:
            """To the page."""
            desks.send(self.name, content, buffers)

        def on_msg(self, hear: Callable[[Any, Any, Any], None]) -> None:
            """Whom messages of the page are told."""
            self.name = f"widget {len(desks.desks)}"
            desks.desks[self.name] = Ear(lambda content: hear(self, content, []))

        def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
            return {KIND: self.name, "text/plain": repr(self)}

    module = ModuleType("anywidget")
    vars(module)["AnyWidget"] = AnyWidget
    return module


def make_room(desks: Any) -> None:
    """Have cells find the module, unless anywidget itself is there."""
    from importlib.util import find_spec

    if "anywidget" not in sys.modules and find_spec("anywidget") is None:
        sys.modules["anywidget"] = stand_in(desks)
