"""The page as a file that needs no Python: a moment, recorded, to be looked at and into.

A button in it fetches Python for browsers, and plays on.
"""

from __future__ import annotations

import base64
import json
from copy import copy
from dataclasses import replace
from typing import Any

from nn.playground.browser import playing_on
from nn.playground.frames import packed
from nn.playground.page import document, text
from nn.playground.protocol import Desk, code_of, notice


def page(desk: Desk) -> str:
    """The whole file."""
    data = json.dumps(recorded(desk)).replace("<", "\\u003c")  # it ends no script
    held = f'<script type="application/json" id="recorded">{data}</script>'
    onwards = playing_on(desk.session.state.to_dict())
    return document(text("still.js"), body=f'<div id="pg-saved"></div>\n{held}\n{onwards}')


def recorded(desk: Desk) -> dict[str, Any]:
    """What its page would be told of now."""
    seen = copy(desk.frames)  # whose pages have not been told of this
    seen.look = replace(seen.look, backward=True)
    run = {"kind": "run", **seen.run(), "still": True}
    state = desk.session.state
    told = f"Saved at step {desk.session.steps:,}: nothing trains here."
    frame, buffers = packed(*seen.frame())
    frame |= {"number": 1, "playing": False, "undo": 0, "redo": 0, "ghost": False}
    frame["notice"] = notice(told, "Code has the line of Python that goes on.")
    return {
        "run": run,
        "frame": frame,
        "buffers": [base64.b64encode(buffer).decode() for buffer in buffers],
        "code": {"kind": "code", **code_of(state)},
    }
