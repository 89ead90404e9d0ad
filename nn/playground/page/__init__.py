"""The page: ES modules of one concern each, and a style sheet; nothing is fetched from anywhere.

A browser takes the modules as they are. A notebook takes one module, which `module` makes of them:
each becomes a function that is called once and gives what the module exports. A page of its own is
one file, with a script that hands the page somebody to talk to: alone.js, still.js.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent
FIRST = "main.js"
HTML = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<link rel="icon" href="data:,"><title>Playground</title><style>{style}</style>
<body class="pg-alone">{body}
<script type="module">{script}</script></body></html>
"""
COLOUR = re.compile(r"--pg-([\w-]+): (#\w{6});")
IMPORT = re.compile(r'^import (\{[^}]*\}) from "\./(\w+)\.js";$', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:async )?(?:const|class|function) (\w+))", re.MULTILINE)


def module() -> str:
    """All modules as one, which exports what the first does."""
    *needed, first = in_order(FIRST)
    return "\n".join([*map(wrapped, needed), imports(text(first))])


def in_order(name: str, known: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The files that a module needs, each below what it needs itself."""
    for _, needed in IMPORT.findall(text(name)):
        if f"{needed}.js" not in known:
            known = in_order(f"{needed}.js", known)
    return (*known, name)


def wrapped(name: str) -> str:
    """A module as a constant that holds what it exports."""
    source = text(name)
    exports = ", ".join(EXPORT.findall(source))
    inside = EXPORT.sub("", imports(source))
    return f"const {of(name)} = (() => {{\n{inside}\nreturn {{ {exports} }};\n}})();"


def imports(source: str) -> str:
    """A module that takes what it imports from such constants."""
    return IMPORT.sub(lambda found: f"const {found[1]} = {of(found[2])};", source)


def of(name: str) -> str:
    """What the constant of a module is called."""
    return f"module_{name.removesuffix('.js')}"


def text(name: str) -> str:
    """What a file holds."""
    return (FOLDER / name).read_text("utf-8")


def document(script: str, body: str = '<div id="here"></div>') -> str:
    """A page of its own, with a script that calls `widget.render({ model, el })`."""
    page = module().replace("export default", "const widget =")
    return HTML.format(style=style(), body=body, script=page + script)


def style() -> str:
    """The style sheet."""
    return text("page.css")


@cache
def colours() -> dict[str, str]:
    """The colours of the light theme, by their names in the style sheet."""
    light, _ = style().split(".pg.pg-dark", 1)
    return dict(COLOUR.findall(light))
