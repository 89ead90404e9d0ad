"""The page: ES modules of one concern each, and a style sheet; nothing is fetched from anywhere.

A browser takes the modules as they are. A notebook takes one module, which `module` makes of them:
each becomes a function that is called once and gives what the module exports.
"""

from __future__ import annotations

import re
from pathlib import Path

FOLDER = Path(__file__).parent
FIRST = "main.js"
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


def style() -> str:
    """The style sheet."""
    return text("page.css")
