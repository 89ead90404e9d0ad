"""The playground: train, watch and steer a tiny MLP in a notebook.

`Playground` is the widget, and needs anywidget; `Session` trains without one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nn.playground.jupyter import Playground

__all__ = ["Playground"]


def __getattr__(name: str) -> Any:
    """Playground, loaded when it is asked for."""
    if name != "Playground":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from nn.playground.jupyter import Playground
    except ModuleNotFoundError as error:
        if error.name != "anywidget":
            raise
        raise ImportError('the playground needs anywidget: pip install "anywidget>=0.9"') from None
    return Playground
