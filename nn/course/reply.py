"""What a check answers: a few sentences with a colour, and a picture where one helps."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import Any, Literal

Mood = Literal["right", "not yet", "waiting"]
COLOURS: dict[Mood, str] = {"right": "#2a9d5c", "not yet": "#e08a1e", "waiting": "#8a94a6"}
HEADS: dict[Mood, str] = {"right": "Right.", "not yet": "Not yet.", "waiting": "Your turn."}
BOX = (
    "border-left:4px solid {0};background:{0}14;padding:.55em .9em;border-radius:0 4px 4px 0;"
    "max-width:46em;line-height:1.5;font-size:14px"
)


@dataclass(frozen=True)
class Reply:
    """What is said of an answer, the laws tried, a picture; prints, and shows itself in a notebook.

    A row is a law and whether it holds.
    """

    mood: Mood
    text: str
    rows: tuple[tuple[bool, str], ...] = ()
    picture: Any = None

    def __repr__(self) -> str:
        rows = [f"  {'ok ' if ok else 'NO '} {row}" for ok, row in self.rows]
        return "\n".join([f"{HEADS[self.mood]} {self.text}", *rows])

    def _repr_html_(self) -> str:
        colour = COLOURS[self.mood]
        head = f'<b style="color:{colour}">{HEADS[self.mood]}</b>'
        body = f"{head} {rich(self.text)}{self.laws()}{drawn(self.picture)}"
        return f'<div style="{BOX.format(colour)}">{body}</div>'

    def laws(self) -> str:
        """The rows in HTML; folded where all of them hold."""
        marks = {True: (COLOURS["right"], "✓"), False: (COLOURS["not yet"], "✗")}
        rows = "".join(
            '<div><b style="color:{}">{}</b> '.format(*marks[ok]) + f"{rich(law)}</div>"
            for ok, law in self.rows
        )
        if self.mood != "right" or len(self.rows) < 2:
            return rows
        return f"<details><summary>{len(self.rows)} laws hold</summary>{rows}</details>"


def not_yet(text: str, picture: Any = None) -> Reply:
    """A wrong answer, and the idea that it misses."""
    return Reply("not yet", text, picture=picture)


def rich(text: str) -> str:
    """Escaped, with `code` set as code, **bold** as bold, line ends kept.

    >>> rich("`a < b`, `x ** 2`, **so**, `y ** 2`")
    '<code>a &lt; b</code>, <code>x ** 2</code>, <b>so</b>, <code>y ** 2</code>'
    """
    words = re.split(r"`([^`]+)`", html.escape(text))  # in turn plain, code, plain, ...
    plain = [re.sub(r"\*\*([^*]+)\*\*", r"<b>\1</b>", part) for part in words[::2]]
    code = [f"<code>{part}</code>" for part in words[1::2]]
    return "".join([x for pair in zip(plain, [*code, ""]) for x in pair]).replace("\n", "<br>")


def drawn(picture: Any) -> str:
    """A picture as SVG inside the reply; nothing where there is no Graphviz."""
    if picture is None:
        return ""
    svg: str = picture._repr_mimebundle_().get("image/svg+xml", "")
    return f'<div style="margin-top:.6em">{svg[svg.find("<svg") :]}</div>' if svg else ""
