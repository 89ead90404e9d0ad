"""Notebooks as the page has them: text made HTML, formulas made MathML, code left to be edited."""

from __future__ import annotations

import doctest
import re
from collections.abc import Iterator
from typing import Any

from tools.course import SOURCES, Source, build
from tools.readme import FENCED, sections

Cells = list[dict[str, str]]
STEPS = (
    "The engine in twenty lines",
    "Why a gradient is what it is",
    "The net",
    "Write scalars, run matrices",
)
SAVED = re.compile(r'(draw\(.*\))\.save\(".*\.svg"\)')
LINK = re.compile(r'(<a href=")(?:\.\./)?(\d\d_\w+)\.ipynb(?:#[^"]*)?"')
ELSEWHERE = re.compile(r'<a href="(?!https?:|#)[^"]*">(.*?)</a>', re.DOTALL)
IMAGE = re.compile(r'(<img [^>]*?src=")(?:\.\./)?(?:notebooks/)?images/')


def student_edition() -> Iterator[tuple[dict[str, Any], Cells]]:
    """The notebooks of the course, with dots for answers: what each is about, and its cells."""
    for path in SOURCES:
        source = Source(path)
        cells = build(source, "student").cells
        number = path.stem[:2]
        about = {
            "name": path.stem,
            "number": number,
            "title": f"{number} · {source.facts['title']}",
            "goal": markup(source.facts.get("goal", ""), inline=True),
            "time": source.facts.get("time", ""),
        }
        yield about, [as_cell(cell["source"], cell["cell_type"] == "code") for cell in cells]


def first_steps() -> tuple[dict[str, Any], Cells]:
    """The README's examples as a notebook."""
    text = "# First steps\n\n" + "".join([f"## {title}\n{sections()[title]}" for title in STEPS])
    cells: Cells = []
    end = 0
    for found in FENCED.finditer(text):
        if found[1] != "python":
            continue
        cells += [as_cell(text[end : found.start()], is_code=False)]
        cells += [as_cell(code, is_code=True) for code in groups(found[2])]
        end = found.end()
    cells.append(as_cell(text[end:], is_code=False))
    return {"name": "first_steps", "number": "", "title": "First steps"}, cells


def groups(code: str) -> Iterator[str]:
    r"""The lines of a snippet without prompts, up to each that shows something.

    >>> list(groups(">>> x = 2\n>>> x\n2\n>>> x + 1\n3\n"))
    ['x = 2\nx', 'x + 1']
    >>> list(groups('>>> draw(d).save("graph.svg")\n'))
    ['draw(d)']
    """
    code = SAVED.sub(r"\1", code)  # in a page, a picture is shown
    if ">>>" not in code:
        yield code.rstrip()
        return
    lines = ""
    for example in doctest.DocTestParser().get_examples(code):
        lines += example.source
        if example.want:
            yield lines.rstrip()
            lines = ""
    if lines:
        yield lines.rstrip()


def as_cell(text: str, is_code: bool) -> dict[str, str]:  # noqa: FBT001
    """A cell of the page."""
    return {"code": text} if is_code else {"html": markup(text)}


def markup(text: str, *, inline: bool = False) -> str:
    """Markdown with formulas as HTML; links lead to the notebooks in the page, or nowhere."""
    parser = markdown()
    made: str = parser.renderInline(text) if inline else parser.render(text)
    made = LINK.sub(r'\1#notebook=\2"', made)
    return IMAGE.sub(r"\1notebooks/images/", ELSEWHERE.sub(r"\1", made))


def markdown() -> Any:
    """The reader of Markdown."""
    from latex2mathml.converter import convert
    from markdown_it import MarkdownIt
    from mdit_py_plugins.dollarmath import dollarmath_plugin

    def formula(text: str, options: dict[str, Any]) -> str:
        return str(convert(text, display="block" if options["display_mode"] else "inline"))

    parser = MarkdownIt("commonmark", {"html": True}).enable("table")
    return parser.use(dollarmath_plugin, renderer=formula, double_inline=True)
