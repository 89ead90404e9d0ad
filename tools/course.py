"""Build both editions of the course from notebooks/source: `python -m tools.course`, or `... 03`.

The reading edition, notebooks/*.ipynb, is executed and shows the answers; in the student's,
notebooks/student/*.ipynb, answers are dots and there are no outputs. The links of the table in
notebooks/README.md follow the sources.

A source is Markdown with fenced Python, which GitHub renders. It has these marks:

- a line of code that ends in `#?` is an answer. The student's has dots: `name = ...`,
  `check("01.3", ...)`, or one line of dots for a run of such lines; or what stands behind the `#?`
- `::: student`, `::: reading` up to `:::` is a passage of one edition
- `::: break` up to `:::` is a place to stop
- `::: questionnaire` up to `:::` has questions, `? Why?`, each with its answer below it:
  folded in the reading edition, left to the student in the other
- ```` ```python S1.09="0.25" ```` is a cell that shows a row of the table; its output has the text
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from nn.course.check import find
from tools.notebooks import FOLDER, Node

SOURCES = sorted((FOLDER / "source").glob("[0-9]*.md"))
EDITIONS = {"reading": FOLDER, "student": FOLDER / "student"}

HEADER = re.compile(r"\A---\n(.*?)^---\n", re.MULTILINE | re.DOTALL)
FENCE = re.compile(r"^```python(?: (S[^\n]*))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ROW = re.compile(r'(S\d\.\d\d)(?:="([^"]*)")?')
ONLY = re.compile(
    r"^::: (student|reading|break|questionnaire)\n(.*?)^:::\n", re.MULTILINE | re.DOTALL
)
ASKED_OPENLY = re.compile(r"^\? (.*)\n((?:.*\S.*\n)+)", re.MULTILINE)  # a question, its answer
ANSWER = re.compile(r"\s*#\?(?: (.*))?$")
ASSIGNED = re.compile(r"^(\s*\w+ = ).*")
CHECKED = re.compile(r'^(check\("[\d.]+", ).*\)$')
ASKED = re.compile(r'^check\("([\d.]+)", .*#\?', re.MULTILINE)
HEADING = re.compile(r"^(#{2,3}) (.+)$", re.MULTILINE)
BEFORE_HEADING = re.compile(r"^(?=#{2,3} )", re.MULTILINE)
LINK = re.compile(r"\[\d\d · [^\]]+\]\(\d\d_\w+\.ipynb#[^)]+\)(?:,? In\[\d+\])+(?:, )?")
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}


@dataclass(frozen=True)
class Cell:
    """A passage of Markdown, or code with the rows of the table that its output shows."""

    text: str
    is_code: bool
    rows: tuple[tuple[str, str], ...] = ()
    heading: str = ""
    count: int = 0  # of a code cell, from 1


class Source:
    """A notebook as it is written."""

    def __init__(self, path: Path) -> None:
        self.path, self.text = path, path.read_text("utf-8")
        header = HEADER.match(self.text)
        if header is None:
            raise ValueError(f"{path.name} does not start with a header between lines of ---")
        self.facts = dict(re.findall(r"^(\w+): (.*)$", header[1], re.MULTILINE))
        self.body = self.text[header.end() :]

    @property
    def is_second_edition(self) -> bool:
        """Whether it asks and checks, and says what it needs and how long it takes."""
        return "goal" in self.facts

    @cached_property
    def cells(self) -> list[Cell]:
        """The cells of the reading edition, but for the front."""
        return list(self.split("reading"))

    def split(self, edition: str) -> Iterator[Cell]:
        """The cells of an edition, with the heading that each stands under."""
        text = ONLY.sub(lambda m: passage(m[1], m[2], edition), self.body)
        heading, count, parts = "", 0, FENCE.split(text)
        for i in range(0, len(parts), 3):
            for piece in BEFORE_HEADING.split(parts[i]):
                if found := HEADING.findall(piece):
                    heading = found[-1][1].strip()
                if piece.strip():
                    yield Cell(piece.strip(), is_code=False, heading=heading)
            if i + 2 < len(parts):
                count += 1
                rows = tuple(ROW.findall(parts[i + 1] or ""))
                yield Cell(parts[i + 2].rstrip(), True, rows, heading, count)


def passage(kind: str, text: str, edition: str) -> str:
    """What an edition makes of a passage between :::."""
    if kind == "break":
        return f"\n---\n\n**Break.** {text.strip()}\n\n---\n\n"
    if kind == "questionnaire":
        return "\n".join(questionnaire(text, edition))
    return text if kind == edition else ""


def questionnaire(text: str, edition: str) -> Iterator[str]:
    """Questions without a check, each with its answer folded below it for who reads."""
    for n, (question, answer) in enumerate(ASKED_OPENLY.findall(text), 1):
        yield f"{n}. {question}\n"
        if edition == "reading":
            yield f"<details><summary>Answer</summary>\n\n{answer}\n</details>\n"
    if edition == "student":
        yield "The answers stand in the reading edition.\n"


def build(source: Source, edition: str) -> Node:
    """The notebook of an edition, not executed."""
    cells = [markdown(front(source), slide("slide"))]
    for cell in source.split(edition):
        if not cell.is_code:
            kind = "slide" if cell.text.startswith("## ") else "subslide"
            kind = kind if HEADING.match(cell.text) else "-"
            cells.append(markdown(cell.text, slide(kind)))
            continue
        cells.append(code(cell.text, edition))
        for key in ASKED.findall(cell.text) if edition == "reading" else []:
            cells += slips(key)
    for n, built in enumerate(cells):
        built["id"] = f"c{n:03}"
    return Node(cells=cells, metadata=Node(kernelspec=KERNEL), nbformat=4, nbformat_minor=5)


def markdown(text: str, metadata: dict[str, Any]) -> Node:
    """A cell of text."""
    return Node(cell_type="markdown", metadata=metadata, source=text)


def slide(kind: str) -> dict[str, Any]:
    """Where a slide begins, for `jupyter nbconvert --to slides`."""
    return {"slideshow": {"slide_type": kind}}


def front(source: Source) -> str:
    """The title, and what one wants to know before starting."""
    facts = source.facts
    if not source.is_second_edition:
        return f"# {facts['title']}"
    rows = [f"| **{key.capitalize()}** | {facts[key]} |" for key in ("goal", "needs", "time")]
    rows.append(f"| **Way** | {way(source)} |")
    return "\n".join([f"# {facts['number']} · {facts['title']}", "", "| | |", "|:--|:--|", *rows])


def way(source: Source) -> str:
    """Links to the notebook before and the one after."""
    place = SOURCES.index(source.path)
    links = {"before": SOURCES[place - 1 : place], "after": SOURCES[place + 1 : place + 2]}
    return " · ".join(
        f"{where}: [{path.stem[:2]} {Source(path).facts['title']}]({path.stem}.ipynb)"
        for where, paths in links.items()
        for path in paths
    )


def code(text: str, edition: str) -> Node:
    """A code cell; for a student, the answers are dots and the cell is tagged."""
    lines = text.splitlines()
    shown = [ANSWER.sub("", line) for line in lines]
    source = "\n".join(shown if edition == "reading" else blanked(lines))
    metadata = {"tags": ["yours"]} if "#?" in text else {}
    parts: dict[str, Any] = {
        "metadata": metadata,
        "source": source,
        "outputs": [],
        "execution_count": None,
    }
    return Node(cell_type="code", **parts)


def blanked(lines: list[str]) -> list[str]:
    """The lines with dots for answers: one line of dots for a run of them, and no gap after it."""
    kept: list[str] = []
    dotted = False  # the last line, but for blank ones, is a line of dots
    for line in lines:
        answer, mark = ANSWER.sub("", line), ANSWER.search(line)
        indent = answer[: len(answer) - len(answer.lstrip())]
        if not mark or mark[1]:
            kept.append(indent + mark[1] if mark else line)
            dotted = dotted and not line
        elif match := CHECKED.match(answer) or (not dotted and ASSIGNED.match(answer)):
            kept.append(match[1] + ("...)" if "check(" in match[1] else "..."))
            dotted = "check(" not in match[1]
        elif dotted:
            while not kept[-1]:
                kept.pop()
        else:
            kept.append(f"{indent}...  # your lines")
            dotted = True
    return kept


def slips(key: str) -> list[Node]:
    """For the reading edition: the typical wrong answers to a question, folded."""
    wrong = getattr(find(key), "wrong", ())
    if not wrong:
        return []
    rows = "".join(f"<li><b>{shown(answer)}?</b> {idea}</li>" for answer, idea in wrong)
    summary = "<summary>What others answer, and what they miss</summary>"
    text = f"<details>{summary}<ul>{rows}</ul></details>"
    return [markdown(text, {"tags": ["slips"], **slide("skip")})]


def shown(answer: object) -> str:
    """An answer in a list of wrong ones."""
    return f"{answer:,.6g}" if isinstance(answer, (int, float)) else str(answer)


def execute(notebook: Any, folder: Path) -> Any:
    """The notebook with the outputs that running all cells gives; an error stops the build."""
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.from_dict(notebook)
    settings: dict[str, Any] = {
        "timeout": 300,
        "kernel_name": "python3",
        "record_timing": False,
        "coalesce_streams": True,  # lines printed together stay together
    }
    resources = {"metadata": {"path": str(folder)}}
    NotebookClient(notebook, resources=resources, **settings).execute()
    notebook.metadata = {
        "kernelspec": KERNEL,
        "language_info": {"name": "python"},
    }  # and no widgets' state
    return notebook


def where_rows_are_shown() -> dict[str, list[str]]:
    """The links of each row of the table: notebook, heading, cells."""
    links: dict[str, list[str]] = {}
    for path in SOURCES:
        found: dict[tuple[str, str], list[int]] = {}
        for cell in Source(path).cells:
            for row, _ in cell.rows:
                found.setdefault((row, cell.heading), []).append(cell.count)
        for (row, heading), counts in found.items():
            cells = ", ".join(f"In[{n}]" for n in counts)
            anchor = heading.replace(" ", "-")
            link = f"[{path.stem[:2]} · {heading}]({path.stem}.ipynb#{anchor}) {cells}"
            links.setdefault(row, []).append(link)
    return links


def table_with_links(text: str) -> str:
    """The README of the notebooks, with the links to cells that the sources give."""
    links, lines = where_rows_are_shown(), text.splitlines()
    for i, line in enumerate(lines):
        if line.startswith("| S"):
            row, what, where = line.strip("| ").split(" | ")
            others = LINK.sub("", where).strip(", ")
            lines[i] = (
                f"| {row} | {what} | {', '.join([*links.get(row, []), *filter(None, [others])])} |"
            )
    return "\n".join(lines) + "\n"


def main(chosen: list[str]) -> None:
    """Build the notebooks whose names start so, or all; then the table."""
    import nbformat

    for path in SOURCES:
        if chosen and not path.name.startswith(tuple(chosen)):
            continue
        for edition, folder in EDITIONS.items():
            notebook = build(Source(path), edition)
            if edition == "reading":
                notebook = execute(notebook, folder)
            folder.mkdir(exist_ok=True)
            nbformat.write(nbformat.from_dict(notebook), folder / f"{path.stem}.ipynb")
            print(edition, path.stem, len(notebook.cells), "cells")
    readme = FOLDER / "README.md"
    readme.write_text(table_with_links(readme.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
