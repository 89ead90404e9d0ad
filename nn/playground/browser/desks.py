"""The desks behind a page: a message goes to the one that it names, which says what it has to say.

>>> said = []
>>> desks = Desks(lambda text, buffers: said.append(json.loads(text)))
>>> desks.receive('{"to": "explorer", "content": {"do": "draw", "text": "a = 2"}}')
>>> said[0]["from"], said[0]["content"]["kind"]
('explorer', 'graph')
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Protocol


class Post(Protocol):
    """Takes a message as JSON, and its arrays as bytes, out of Python."""

    def __call__(self, text: str, buffers: Sequence[bytes]) -> None:
        """Take it."""


class Desk(Protocol):
    """Answers messages."""

    def receive(self, content: Any) -> None:
        """Do what a message asks for, and say what came of it."""


def playground(_: Desks, send: Any) -> Desk:
    """A run to steer."""
    from nn.playground import protocol
    from nn.playground.session import Session
    from nn.playground.state import State

    return protocol.Desk(Session(State()), send)


def explorer(_: Desks, send: Any) -> Desk:
    """A graph to type."""
    from nn.playground.browser.explorer import Explorer

    return Explorer(send)


def cells(desks: Desks, send: Any) -> Desk:
    """A notebook to run, whose cells may hold playgrounds, each at a desk of its own."""
    from nn.playground.browser.cells import Cells
    from nn.playground.browser.inline import make_room

    make_room(desks)
    return Cells(send)


MAKERS: dict[str, Callable[[Desks, Any], Desk]] = {
    "playground": playground,
    "explorer": explorer,
    "cells": cells,
}


class Desks:
    """All desks; each is made when it is first asked, for it may need packages of its own."""

    def __init__(self, post: Post) -> None:
        self.post, self.desks = post, dict[str, Desk]()

    def receive(self, text: str) -> None:
        """Take a message to its desk: text of JSON, `{"to": its name, "content": ...}`.

        `{"do": "open"}` makes the desk, which says "opened" when it is there.
        """
        message = json.loads(text)
        name, content = message["to"], message["content"]
        if name in MAKERS and name not in self.desks:
            self.desks[name] = MAKERS[name](self, partial(self.send, name))
        if content["do"] == "open":
            self.send(name, {"kind": "opened"})
        elif name in self.desks:  # a widget's is gone with its cell when Python begins anew
            self.desks[name].receive(content)

    def send(self, name: str, content: dict[str, Any], buffers: Sequence[bytes] = ()) -> None:
        """What a desk says."""
        self.post(json.dumps({"from": name, "content": content}), buffers)
