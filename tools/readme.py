"""What is fenced in README.md and in the pages of docs/, and running it.

`python -m tools.readme Test` prints the command of the section "Test".
`python -m tools.readme pictures` runs the snippets, which draw the README's pictures anew.
"""

from __future__ import annotations

import contextlib
import doctest
import re
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PICTURES = ROOT / "notebooks" / "images"
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def sections() -> dict[str, str]:
    """The text below each heading of the second level, in order."""
    _, *parts = re.split(r"^## (.+)\n", README.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[::2], parts[1::2]))


def command(title: str) -> str:
    """The one-line command that is all there is fenced in a section."""
    ((language, text),) = FENCED.findall(sections()[title])
    if language != "sh" or text.count("\n") != 1:
        raise ValueError(f"the section {title!r} must hold one line of sh, not {text!r}")
    return str(text).strip()


def snippets(page: Path) -> list[str]:
    """The Python snippets of a page, in order."""
    text = page.read_text(encoding="utf-8")
    return [code for language, code in FENCED.findall(text) if language == "python"]


def run_snippets(page: Path = README) -> None:
    """Run the snippets of a page in one namespace, and write into the current directory.

    What follows >>> must print what is written below it.
    """
    namespace: dict[str, Any] = {"__name__": page.stem}
    for number, code in enumerate(snippets(page), 1):
        name = f"{page.name}, snippet {number}"
        if ">>>" not in code:
            exec(compile(code, name, "exec"), namespace)  # noqa: S102 (the page's own code)
            continue
        test = doctest.DocTestParser().get_doctest(code, namespace, name, str(page), 0)
        report: list[str] = []
        runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
        if runner.run(test, out=report.append, clear_globs=False).failed:
            raise AssertionError("".join(report))
        namespace = test.globs


def draw_pictures() -> None:
    """Run the snippets, and keep the pictures that they write."""
    with TemporaryDirectory() as folder:
        with contextlib.chdir(folder):
            run_snippets()
        for path in Path(folder).iterdir():
            if path.suffix in {".svg", ".png"}:
                shutil.copy(path, PICTURES)


if __name__ == "__main__":
    if sys.argv[1:] == ["pictures"]:
        draw_pictures()
    else:
        print(command(*sys.argv[1:]))
