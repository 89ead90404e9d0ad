"""The API that is public: what the `__all__` of a module has, by the files that define it.

`.. public:: nn.losses` in reStructuredText becomes a section for each of these files.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.pycode import ModuleAnalyzer
from sphinx.util.docutils import SphinxDirective

from tools.site.sources import LINE, PACKAGES, uri

Entries = dict[str, Any]
OURS = {package.name for package in PACKAGES}
CODE_OR_MARK = re.compile(r"(`[^`]*`)|([\\*|]|_(?=\W|$))", re.DOTALL)
DOCTEST = re.compile(r"^ *>>>.*?(?=\n\s*\n|\Z)", re.MULTILINE | re.DOTALL)


def entries(module: ModuleType) -> Entries:
    """What a module offers, but for the modules in it."""
    offered = {name: getattr(module, name) for name in module.__all__}
    return {name: x for name, x in offered.items() if not inspect.ismodule(x)}


def is_defined(x: Any) -> bool:
    """Whether it is a class or a function, and no row of a table."""
    return inspect.isclass(x) or inspect.isfunction(x)


def by_home(module: ModuleType) -> dict[str, Entries]:
    """The entries by the modules that define them, rows and tables of them by their own."""
    found: dict[str, Entries] = {module.__name__: {}}
    for name, x in entries(module).items():
        home = x.__module__ if is_defined(x) else module.__name__
        found.setdefault(home, {})[name] = x
    return found


def sections(module: ModuleType) -> Iterator[str]:
    """A section for each home, in reStructuredText."""
    yield f".. py:module:: {module.__name__}"
    for home, found in by_home(module).items():
        if home != module.__name__:
            title = home.removeprefix(f"{module.__name__}.")
            yield from ("", title, "-" * len(title))
        yield from ("", *escaped(inspect.getdoc(sys.modules[home]) or "").splitlines(), "")
        for name, x in found.items():
            yield from entry(name, x)


def entry(name: str, x: Any) -> Iterator[str]:
    """What Sphinx documents a class, a function or a row of the module by."""
    if inspect.isclass(x):
        kind = "exception" if issubclass(x, Exception) else "class"
        yield from (f".. auto{kind}:: {name}", "   :members:", "")
    elif inspect.isfunction(x):
        yield from (f".. autofunction:: {name}", "")
    else:
        yield from (f".. py:data:: {name}", "", f"   {said(x)}", "")


def said(x: Any) -> str:
    """The names in a table; of a row, what it is, and its formula where that is a text."""
    if isinstance(x, dict | tuple):
        names = list(x) if isinstance(x, dict) else [row.name for row in x]
        return ", ".join(f"``{name}``" for name in names)
    formula = getattr(x, "formula", None)
    kind = f":py:obj:`{type(x).__name__}`"
    return f"{kind}: {escaped(formula)}" if isinstance(formula, str) else kind


def escaped(text: str) -> str:
    r"""A docstring with the marks of reStructuredText that it means as they are.

    >>> print(escaped("`f(*xs)` is f of |xs|, *all* of them"))
    `f(*xs)` is f of \|xs\|, \*all\* of them
    """
    parts, end = [], 0
    for example in DOCTEST.finditer(text):
        parts += [marked(text[end : example.start()]), example[0]]
        end = example.end()
    return "".join([*parts, marked(text[end:])])


def marked(text: str) -> str:
    """Prose with its marks escaped, and what is in backticks left alone."""
    return CODE_OR_MARK.sub(lambda found: found[1] or f"\\{found[2]}", text)


def escape(*event: Any) -> None:
    """Docstrings that Sphinx reads are escaped as well."""
    lines: list[str] = event[-1]
    lines[:] = escaped("\n".join(lines)).splitlines()


def is_foreign(*event: Any) -> bool | None:
    """Whether a member was handed on by another library, and is described there."""
    home = getattr(event[3], "__module__", None) or "nn"
    return None if home.split(".")[0] in OURS else True


class Public(SphinxDirective):  # type: ignore[misc]  # Sphinx need not be there, and is Any then
    """`.. public:: nn.losses`: the sections of a module."""

    required_arguments = 1

    def run(self) -> Any:
        """What is written, as if it stood on the page."""
        module = import_module(self.arguments[0])
        text = StringList([*sections(module)], source=self.arguments[0])
        return self.parse_text_to_nodes(text, allow_section_headings=True)


def linkcode(domain: str, info: dict[str, str]) -> str | None:
    """Where the site shows what an entry is defined by, as seen from a page of the API."""
    if domain != "py" or not info["module"]:
        return None
    x: Any = import_module(info["module"])
    for part in info["fullname"].split("."):
        x = inspect.getattr_static(x, part, None)
    x = inspect.unwrap(getattr(x, "fget", None) or getattr(x, "__func__", x))
    return f"../{defined(x)}" if is_defined(x) else None


def defined(x: Any) -> str:
    """The file and the line of a class or a function."""
    path = Path(inspect.getsourcefile(x) or "")
    _, line, _ = ModuleAnalyzer.for_module(x.__module__).find_tags().get(x.__qualname__, ("", 1, 1))
    return f"{uri(path)}#{LINE}-{line}"


def setup(app: Sphinx) -> None:
    """The directive, and docstrings that mean what they say."""
    app.add_directive("public", Public)
    app.connect("autodoc-process-docstring", escape)
    app.connect("autodoc-skip-member", is_foreign)
